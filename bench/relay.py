"""F: what was committed is handed on, and what people are told reaches them: once, and no faster than the provider takes it."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import redis
from django.conf import settings
from django.db import connection, connections

from bench import fill
from bench.claims import raw_connection
from bench.house import ROOT
from bench.rates import Cell, fork, run
from bench.report import Report
from followup.core import clock, outbox
from followup.core.models import Outbox
from followup.messages.models import Message
from followup.running import parts, pidfile
from tests.messages.twilio_server import Twilio, serving

OWN_BROKER = 9
"""A Redis database of the bench's own: nobody works on what is only handed on."""


# Rows: handed on to the worker


def handed_on(report: Report, *, rows: int, rounds: int) -> None:
    """F1: rows of the outbox become tasks of a hundred, beside the least that this can be, and beside a task for each."""
    found = [
        Cell("raw: the same marks, one LPUSH for 100", lambda n: _raw_relay),
        Cell("product: outbox.relay", lambda n: _product_relay),
        Cell("peer: one send_task for each row", lambda n: _task_for_each),
    ]
    raw, product, each = found
    for _round in range(rounds):
        for cell in found:
            count = rows // 10 if cell is each else rows
            _outbox_rows(count)
            cell.rates.append(count / _in_a_child(cell.client(0)))
    _empty("outbox")
    report.group(f"Handing on {rows:,} rows of the outbox", found)
    report.ratio("F1", "relay beside one statement and LPUSH", product, raw, 0.5)
    report.ratio("F1", "relay beside one task for each row", product, each, 5.0)


def _outbox_rows(count: int) -> None:
    _empty("outbox")
    at = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbox (topic, payload, created_at, due_at, attempts, trouble)"
            " SELECT 'bench.nothing', '{}', %s, %s, 0, '' FROM generate_series(1, %s)",
            [at, at, count],
        )
        cursor.execute("VACUUM ANALYZE outbox")


def _raw_relay() -> None:
    """As little as can be: a statement that finds due rows and puts them off, and a task made of text."""
    cursor, broker = raw_connection().cursor(), redis.Redis.from_url(_own_broker())
    body = _a_task_as_text()
    while True:
        at = clock.now()
        cursor.execute(
            "WITH due AS (SELECT id FROM outbox WHERE done_at IS NULL AND gave_up_at IS NULL AND due_at <= %s"
            " ORDER BY due_at, id LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED)"
            " UPDATE outbox o SET due_at = %s FROM due WHERE o.id = due.id RETURNING o.id",
            [at, at + timedelta(seconds=10)],
        )
        ids = [row_id for (row_id,) in cursor.fetchall()]
        if not ids:
            return
        for first in range(0, len(ids), 100):
            broker.lpush("urgent", body.replace("IDS", ",".join(map(str, ids[first : first + 100]))))


def _product_relay() -> None:
    outbox.relay()


def _task_for_each() -> None:
    from worker.topics import nudge

    for row_id in Outbox.objects.filter(done_at=None).values_list("id", flat=True):
        nudge("outbox.work", [row_id])


def _a_task_as_text() -> str:
    """One task as Celery writes it, with IDS where the ids belong."""
    from worker.topics import nudge

    broker = redis.Redis.from_url(_own_broker())
    broker.flushdb()
    nudge("outbox.work", ["IDS"])
    return broker.lpop("urgent").decode()


def _own_broker() -> str:
    return f"{settings.REDIS_URL.rpartition('/')[0]}/{OWN_BROKER}"


def _in_a_child(act: Callable[[], None]) -> float:
    """Seconds that it takes in a process of its own, which speaks to the bench's own broker."""
    connections.close_all()
    answers = fork.SimpleQueue()

    def child() -> None:
        from worker.app import app

        app.conf.broker_url = app.conf.broker_write_url = _own_broker()
        connection.ensure_connection()
        _a_task_as_text()  # the line to the broker is there before the clock runs
        began = time.perf_counter()
        act()
        answers.put(time.perf_counter() - began)
        redis.Redis.from_url(_own_broker()).flushdb()
        connections.close_all()
        os._exit(0)

    process = fork.Process(target=child)
    process.start()
    process.join()
    return answers.get()


# Messages: end to end


def handled(report: Report, *, messages: int, rounds: int) -> None:
    """F2: queued messages reach the gateway in the product, beside one task for each that does nothing; both by the product's worker."""
    found = [
        Cell("peer: one no-op task for each", lambda n: lambda: _no_op_tasks(messages)),
        Cell("product: queued to sent", lambda n: lambda: _all_sent(messages, "email")),
    ]
    for _round in range(rounds):
        for cell in found:
            cell.rates.append(messages / cell.client(0)())
    nothing, product = found
    report.group(f"{messages:,} messages through the worker", found)
    report.ratio("F2", "messages handled beside one no-op task for each", product, nothing, 2.0)
    _each_once(report, "F2")


def _no_op_tasks(count: int) -> float:
    from worker.app import app

    broker = redis.Redis.from_url(settings.REDIS_URL)
    began = time.perf_counter()
    with app.producer_pool.acquire() as producer:
        for number in range(count):
            app.send_task("celery.accumulate", args=[number], queue="default", producer=producer, ignore_result=True)
    while broker.llen("default") or broker.hlen("unacked"):
        time.sleep(0.01)
    return time.perf_counter() - began


def _all_sent(count: int, channel: str) -> float:
    """Seconds from the sweep that finds so many queued messages to the last one sent."""
    from worker.topics import nudge

    _queued(count, channel)
    began = time.perf_counter()
    nudge("sweep.all", [0])
    _until(lambda: not Message.objects.exclude(state__in=("sent", "delivered")).exists(), within=120)
    return time.perf_counter() - began


_MESSAGES = """
INSERT INTO message (id, created_at, unit_id, patient_id, template, version, occasion, language, channel, urgency, "to", subject, body,
                     state, due_at, attempts, provider_id, trouble)
SELECT gen_random_uuid(), %(at)s, p.unit_id, p.id, 'time-kept', 1, %(run)s || n, 'en', %(channel)s, 3,
       '+4670' || lpad(n::text, 7, '0'), '', 'Anna, your time is kept: http://127.0.0.1/in', 'queued', %(at)s, 0, '', ''
  FROM generate_series(1, %(count)s) n, people_patient p WHERE p.id = %(patient)s
"""


def _queued(count: int, channel: str) -> None:
    """So many queued messages, and none besides."""
    _empty("message_local_delivery", "message")
    patient = fill.patients(fill.a_unit(), 1)[0]
    values = {"at": clock.now(), "run": f"bench:{uuid4()}:", "channel": channel, "count": count, "patient": patient.id}
    with connection.cursor() as cursor:
        cursor.execute(_MESSAGES, values)
        cursor.execute("VACUUM ANALYZE message")


def _empty(*tables: str) -> None:
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute({"outbox": "TRUNCATE outbox"}.get(table, "TRUNCATE message CASCADE"))


def _each_once(report: Report, goal: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE attempts <> 1 OR state <> 'sent'),"
            " (SELECT count(*) FROM message) - (SELECT count(*) FROM message_local_delivery) FROM message"
        )
        odd, missing = cursor.fetchone()
    report.goal(goal, "messages lost, or tried twice", f"{missing}, {odd}", "0, 0", (missing, odd) == (0, 0))


# Texts: over HTTP to a server that speaks Twilio, by a worker of the bench's own


class Provider:
    """A Twilio in a process of its own. `url` is where it answers."""

    def __init__(self):
        self._ours, theirs = fork.Pipe()
        connections.close_all()
        self._process = fork.Process(target=self._serve, args=(theirs,))
        self._process.start()
        self.url = self._ours.recv()

    @staticmethod
    def _serve(line) -> None:
        with serving() as twilio:
            line.send(twilio.url)
            for per_second in iter(line.recv, "end"):
                if per_second == "tell":
                    with twilio.lock:
                        said = (list(twilio.asked), list(twilio.refused_at), len(twilio.accepted))
                    line.send((*said, twilio.times_taken(), twilio.most_in_a_second()))
                else:
                    Twilio.__init__(twilio)
                    twilio.per_second = per_second
                    line.send("done")
        os._exit(0)

    def begin_anew(self, per_second: int | None = None) -> None:
        """Nothing was taken yet; beyond so many in any second it answers 429."""
        self._ours.send(per_second)
        self._ours.recv()

    def told(self) -> "Told":
        self._ours.send("tell")
        return Told(*self._ours.recv())

    def end(self) -> None:
        self._ours.send("end")
        self._process.join()


@dataclass
class Told:
    """What the provider saw: moments of its own clock; how often it took each message."""

    asked: list[float]
    refused: list[float]
    accepted: int
    taken: dict[str, int]
    most_in_a_second: int

    @property
    def too_soon(self) -> int:
        """Tries within the second for which a refusal asked us to wait, but for those that were on their way already."""
        return sum(any(no + 0.25 < moment < no + 1 for no in self.refused) for moment in self.asked)


class Workers:
    """The product's worker in our hands: its own is gone, and ours is told of the provider. Beat goes on as it does."""

    def __init__(self, provider: Provider, **more: str):
        account = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "secret", "TWILIO_FROM": "+46701740600"}
        self._environment = (
            os.environ | account | {"TWILIO_BASE_URL": provider.url, "FOLLOWUP_RETRY_SECONDS": "2"} | more
        )

    def __enter__(self):
        _until(lambda: _pid("worker"), within=60)  # it may be on its way back from the last time
        os.kill(_pid("supervisor"), signal.SIGSTOP)
        os.kill(_pid("worker"), signal.SIGKILL)
        self.start()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.kill(_pid("supervisor"), signal.SIGCONT)

    def start(self) -> None:
        command = parts.worker(Path(settings.FOLLOWUP_DATA), {})
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def kill(self) -> None:
        """As if the machine had lost its power."""
        self.process.kill()
        self.process.wait()
        self.start()

    def kill_a_child(self) -> None:
        main = self.process.pid
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        if children:
            os.kill(int(children[0]), signal.SIGKILL)


def _pid(name: str) -> int:
    return pidfile.holder(Path(settings.FOLLOWUP_DATA) / "run" / f"{name}.pid")


def over_http(report: Report, provider: Provider, *, messages: int, rounds: int) -> None:
    """F2: the product's two worker processes send texts over HTTP, beside two processes that do nothing but call the official client."""
    found = [
        Cell("peer: the official client alone", _client_alone(provider)),
        Cell("product: queued to sent", _client_alone(provider)),
    ]
    client, product = found
    with Workers(provider, FOLLOWUP_SMS_PER_SECOND="0"):
        for _round in range(rounds + 1):
            provider.begin_anew()
            took = _all_sent(messages, "sms")
            if _round:  # the first one waits for the worker to start
                product.rates.append(messages / took)
            counted, _seconds = run(client.client, clients=2, seconds=2)
            if _round:
                client.rates.append(counted / 2)
    report.group(f"{messages:,} texts over HTTP, 2 processes", found)
    report.ratio("F2", "texts over HTTP beside the official client alone", product, client, 0.4)


def _client_alone(provider: Provider):
    def client(n: int) -> Callable[[], bool]:
        gateway = _official(provider)

        def act() -> bool:
            report_to = f"http://127.0.0.1/webhooks/twilio/status?message={uuid4()}"
            gateway.messages.create(to="+46701740001", from_="+46701740600", body="Anna", status_callback=report_to)
            return True

        return act

    return client


def _official(provider: Provider):
    from twilio.http.http_client import TwilioHttpClient
    from twilio.rest import Client

    class Here(TwilioHttpClient):
        def request(self, method, url, *args, **kwargs):
            return super().request(method, provider.url + urlsplit(url).path, *args, **kwargs)

    return Client("AC" + "0" * 32, "secret", http_client=Here(max_retries=0))


def paced(report: Report, provider: Provider, *, per_second: int, seconds: int, kills: int) -> None:
    """F3: a provider that takes so many a second gets nearly as many and never more, also while the worker is killed."""
    count = per_second * seconds
    with Workers(provider, FOLLOWUP_SMS_PER_SECOND=str(per_second)) as workers:
        _all_sent(2, "sms")  # it has started
        provider.begin_anew(per_second)
        _all_sent(count, "sms")
        told = provider.told()
        rate = (count - per_second) / (max(told.asked) - min(told.asked))
        title = f"texts to a provider that takes {per_second} a second"
        report.goal("F3", title, f"{rate:.2f} a second", f"at least {0.95 * per_second:.1f}", rate >= 0.95 * per_second)
        _never_more(report, told, per_second)
        _killed(report, provider, workers, per_second=per_second, kills=kills)
    with Workers(provider, FOLLOWUP_SMS_PER_SECOND=str(2 * per_second)):
        provider.begin_anew(per_second)
        _queued(4 * per_second, "sms")
        _until(lambda: provider.told().accepted >= 2 * per_second and provider.told().refused, within=60)
        told = provider.told()
        seen = f"{told.too_soon} of {len(told.asked)}, {len(told.refused)} refusals"
        report.goal("F3", "tries in the second that a 429 asked us to leave free", seen, "0", told.too_soon == 0)


def _never_more(report: Report, told: Told, per_second: int) -> None:
    most = told.most_in_a_second
    report.goal("F3", "the most in any one second", str(most), f"at most {per_second}", most <= per_second)


def _killed(report: Report, provider: Provider, workers: Workers, *, per_second: int, kills: int) -> None:
    provider.begin_anew(per_second)
    _queued(20 * per_second + 2 * kills * per_second, "sms")
    for number in range(kills):
        before = provider.told().accepted
        _until(lambda before=before: provider.told().accepted > before + per_second // 2, within=60)
        (workers.kill if number % 2 else workers.kill_a_child)()
    _until(_nothing_waits, within=300)
    told, unknown = provider.told(), Message.objects.filter(state="unknown").count()
    sent = {str(each) for each in Message.objects.filter(state__in=("sent", "delivered")).values_list("id", flat=True)}
    twice = sum(times > 1 for times in told.taken.values())
    lost = len(sent - set(told.taken)) + Message.objects.exclude(state__in=("sent", "unknown")).count()
    report.goal("F3", f"{kills} kills of the worker: texts sent twice", str(twice), "0", twice == 0)
    report.goal("F3", f"{kills} kills of the worker: texts lost", f"{lost}, {unknown} for a person", "0", lost == 0)
    _never_more(report, told, per_second)


def _nothing_waits() -> bool:
    return not Message.objects.filter(state__in=("queued", "in_flight")).exists()


def _until(ask: Callable[[], object], *, within: float) -> None:
    limit = time.monotonic() + within
    while not ask():
        if time.monotonic() > limit:
            raise RuntimeError(f"It did not happen within {within:g} s.")
        time.sleep(0.02)


def measure(
    report: Report, *, rows: int, messages: int, rounds: int, per_second: int, seconds: int, kills: int
) -> None:
    handed_on(report, rows=rows, rounds=rounds)
    handled(report, messages=messages, rounds=rounds)
    provider = Provider()
    try:
        over_http(report, provider, messages=messages // 4, rounds=rounds)
        paced(report, provider, per_second=per_second, seconds=seconds, kills=kills)
    finally:
        provider.end()
        # What the killed workers had in hand would come back only after minutes, to the product's own worker.
        _empty("message_local_delivery", "message")
        redis.Redis.from_url(settings.REDIS_URL).delete("unacked", "unacked_index")
