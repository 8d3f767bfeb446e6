"""What the machine is told: whether pages can be served, and numbers for whoever watches. Nobody's data."""

import re
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from unittest import mock

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection, connections
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from followup.callbacks import services as callbacks
from followup.clinic.models import Appointment
from followup.contacts import services as contacts
from followup.core import clock, heartbeats, journal, outbox, upkeep
from followup.core.models import Outbox
from followup.messages.models import Message, Rest
from followup.people.signin import services as signin
from tests import factories as make
from tests.house import until


def read():
    """Every number as `name{label="value"}`."""
    answer = Client().get("/metrics")
    assert answer.status_code == 200
    found = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        assert family.documentation and family.type == "gauge"
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
            found[sample.name + (f"{{{labels}}}" if labels else "")] = sample.value
    return found


# readyz


def test_ready_says_what_it_looked_at(db):
    heartbeats.note("beat")
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    said = answer.json()
    assert said.keys() == {"ready", "database", "migrations", "heartbeats", "outbox_age", "journal_head"}
    assert (said["ready"], said["database"], said["migrations"], said["outbox_age"]) == (True, True, 0, None)
    assert said["heartbeats"]["worker"] is None
    assert 0 <= said["heartbeats"]["beat"] < 60


def test_ready_says_how_long_the_oldest_row_waits_and_where_the_journal_is(unit, anna, monday):
    make.a_flare(anna, booked=False)
    journal.seal()
    with clock.turned(monday + timedelta(minutes=3)):
        make.a_flare(make.a_patient(unit), booked=False)
        said = Client().get("/readyz").json()
    assert said["outbox_age"] == 180
    assert said["journal_head"] == journal.head() != "0" * 64


def test_a_silent_worker_or_beat_does_not_make_the_pages_unready(db, monday):
    for name in ("beat", "worker"):
        heartbeats.note(name)
    with clock.turned(monday + timedelta(hours=1)):
        answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["heartbeats"] == {"beat": 3600, "worker": 3600}


def test_not_ready_while_a_migration_is_to_be_made(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM django_migrations WHERE id = (SELECT max(id) FROM django_migrations WHERE app = 'core')"
        )
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    said = answer.json()
    assert (said["ready"], said["database"]) == (False, True)
    assert said["migrations"] >= 1


def test_not_ready_and_still_plain_where_a_table_is_missing(db):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'core'")
        cursor.execute("DROP TABLE heartbeat")
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["database"] is True
    assert answer.json()["heartbeats"] is None


def test_not_ready_without_the_database(db):
    with (
        mock.patch.object(connection, "ensure_connection", side_effect=OperationalError),
        mock.patch.object(connection, "cursor", side_effect=OperationalError),
    ):
        answer = Client().get("/readyz")
        alive = Client().get("/livez")
    assert answer.status_code == 503
    assert answer.json()["ready"] is answer.json()["database"] is False
    assert answer.json()["journal_head"] is None
    assert alive.status_code == 200


def test_not_ready_is_said_at_once_though_a_page_would_wait_for_the_database_to_come_back(db):
    with socket.socket() as nobody_listens, ThreadPoolExecutor(1) as web:
        nobody_listens.bind(("127.0.0.1", 0))
        asked = web.submit(asked_of, port=nobody_listens.getsockname()[1], patience=30)
        answer = until(lambda: asked.done() and asked.result(), within=10, what="the answer of /readyz")
    assert answer.status_code == 503
    assert answer.json()["ready"] is answer.json()["database"] is False


def asked_of(port, patience):
    """What /readyz says where the pool of the web process leads to this port."""
    options = {"pool": {"min_size": 2, "timeout": patience}}
    away = type(connections["default"])(
        {**connection.settings_dict, "PORT": str(port), "OPTIONS": options}, alias="default"
    )
    connections["default"] = away  # of this thread alone
    try:
        return Client().get("/readyz")
    finally:
        away.close_pool()


# metrics


def test_what_waits_is_counted_by_priority_state_and_age(unit, anna, monday):
    make.a_flare(anna)
    make.a_flare(make.a_patient(unit), answers={"red_flags": ["rf_bleed"]})
    Message.objects.filter(patient=anna).update(state="failed")
    with clock.turned(monday + timedelta(hours=2)):
        said = read()
    assert said['followup_calls_waiting{priority="1"}'] == said['followup_calls_waiting{priority="2"}'] == 1
    assert said['followup_calls_waiting{priority="5"}'] == 0
    assert said['followup_calls_late{priority="1"}'] == 1
    assert said['followup_calls_late{priority="2"}'] == 0
    assert said['followup_calls_oldest_seconds{priority="2"}'] == 7200
    assert said['followup_messages{state="failed"}'] == 2
    assert said['followup_messages{state="queued"}'] >= 2
    assert said['followup_messages_oldest_seconds{state="queued"}'] == 7200
    assert sum(value for name, value in said.items() if name.startswith("followup_cases_at_risk")) == 2


def test_the_outbox_tells_what_waits_and_what_was_given_up(anna, monday):
    make.a_flare(anna, booked=False)
    Outbox.objects.create(topic="a.thing", due_at=monday, gave_up_at=monday)
    with clock.turned(monday + timedelta(minutes=5)):
        said = read()
    assert said["followup_outbox_waiting"] == Outbox.objects.filter(gave_up_at=None).count()
    assert said["followup_outbox_age_seconds"] == 300
    assert said["followup_outbox_given_up"] == outbox.given_up().count() == 1


def test_promises_are_counted_as_kept_or_not_when_the_first_try_is_made(unit, karin, monday):
    in_time, late, long_ago = (make.a_flare(make.a_patient(unit)) for _ in range(3))
    with clock.turned(monday - timedelta(days=8)):
        callbacks.dial(make.a_call_with(karin, long_ago), by=karin)
        contacts.finish(make.callback_of(long_ago), by=karin, outcome="all_well")
    callbacks.dial(make.a_call_with(karin, in_time), by=karin)
    contacts.finish(make.callback_of(in_time), by=karin, outcome="all_well")
    with clock.turned(make.callback_of(late).due + timedelta(minutes=1)):
        callbacks.dial(make.a_call_with(karin, late), by=karin)
        # The next try has a promise of its own, which does not mend this one.
        callbacks.nobody_answered(make.callback_of(late), by=karin)
        said = read()
    assert said['followup_calls_made_7d{in_time="yes"}'] == 1
    assert said['followup_calls_made_7d{in_time="no"}'] == 1


def test_a_flare_up_counts_as_seen_in_time_by_its_first_time_alone(unit, doctor, karin, monday):
    make.urgent_times(unit, make.date(2026, 11, 24), 2, doctor=doctor)
    for in_time in (True, False):
        contact = make.a_flare(make.a_patient(unit))
        contacts.finish(make.a_call_with(karin, contact), by=karin, outcome="clinic_time")
        Appointment.objects.filter(case=contact.case).update(state="attended", ended_at=monday)
        if in_time:
            came_back_later(contact.case, doctor, monday)
        else:
            type(contact).objects.filter(id=contact.id).update(see_by=monday)
    said = read()
    assert said['followup_flare_ups_seen_7d{in_time="yes"}'] == 1
    assert said['followup_flare_ups_seen_7d{in_time="no"}'] == 1
    with clock.turned(monday + timedelta(days=8)):
        said = read()
    assert said['followup_flare_ups_seen_7d{in_time="yes"}'] == said['followup_flare_ups_seen_7d{in_time="no"}'] == 0


def came_back_later(case, doctor, at):
    """A second time for the same flare-up, a week on: it was not what was promised within three days."""
    slot = make.urgent_times(case.unit, make.date(2026, 12, 1), 1, doctor=doctor).slots.get()
    Appointment.objects.create(
        unit=case.unit, case=case, patient=case.patient, slot=slot, state="attended", ended_at=at
    )


def test_the_house_itself_tells_its_ages(anna, monday):
    make.a_flare(anna)
    heartbeats.note("worker")
    upkeep.note("backup", bytes=1)
    journal.seal()
    with clock.turned(monday + timedelta(minutes=1)):
        said = read()
        make.a_patient(anna.unit)
    with clock.turned(monday + timedelta(minutes=4)):
        later = read()
    assert said['followup_heartbeat_age_seconds{process="worker"}'] == 60
    assert 'followup_heartbeat_age_seconds{process="beat"}' not in said
    assert said['followup_upkeep_age_seconds{what="backup"}'] == 60
    assert said['followup_journal_age_seconds{of="seal"}'] == 60
    assert said['followup_journal_age_seconds{of="unsealed"}'] == 0
    assert later['followup_journal_age_seconds{of="unsealed"}'] == 180
    assert said["followup_sessions"] == 0


def test_a_locked_name_is_counted_until_its_pause_is_over(unit, settings):
    nurse, client = make.a_nurse(unit), Client()
    for _ in range(settings.AXES_FAILURE_LIMIT):
        client.post("/staff/sign-in/", {"login": nurse.username, "password": "not it at all"})
    AccessAttempt.objects.update(attempt_time=clock.now())  # the package has the real time
    assert read()['followup_sign_ins_locked{who="staff"}'] == 1
    with clock.turned(clock.now() + timedelta(hours=1)):
        assert read()['followup_sign_ins_locked{who="staff"}'] == 0


def test_browsers_resting_channels_and_patients_who_must_wait_are_counted_as_long_as_they_are_so(unit, anna):
    Client().force_login(make.a_nurse(unit), backend="followup.people.backends.WithoutPassword")
    Session.objects.update(expire_date=clock.now() + timedelta(hours=1))  # the framework has the real time
    Rest.objects.create(channel="sms", until_at=clock.now() + timedelta(minutes=30))
    asked = {"address": signin.read_address(anna.phone), "born_on": anna.born_on}
    attempt = signin.ask(**asked, browser="hers", network="home")
    for _ in range(10):
        with suppress(signin.WrongCode):
            signin.enter(attempt_id=attempt, browser="hers", typed="no-code")
    numbers = [
        "followup_sessions",
        'followup_channels_resting{channel="sms"}',
        'followup_sign_ins_locked{who="patients"}',
    ]
    said = read()
    assert [said[name] for name in numbers] == [1, 1, 1]
    with clock.turned(clock.now() + timedelta(days=1)):
        later = read()
    assert [later.get(name) for name in numbers] == [0, None, 0]


def test_the_numbers_name_nobody_and_cost_the_same_for_one_as_for_many(unit, anna, django_assert_max_num_queries):
    make.a_flare(anna, message="Blood since Friday")
    with django_assert_max_num_queries(22) as one:
        read()
    for _ in range(5):
        other = make.a_unit()
        make.a_flare(make.a_patient(other))
    with django_assert_max_num_queries(len(one)):
        answer = Client().get("/metrics")
    said = answer.content.decode()
    for word in (anna.family_name, anna.phone, anna.number, unit.name, str(unit.id), "Blood", "flare "):
        assert word not in said
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", said)


def test_every_name_is_told_in_the_reference_and_no_other(unit, monday):
    for name in heartbeats.NAMES:
        heartbeats.note(name)
    upkeep.note("backup")
    Rest.objects.create(channel="sms", until_at=monday + timedelta(minutes=5))
    told = (settings.ROOT / "docs" / "reference" / "metrics.md").read_text()
    assert set(re.findall(r"^\| `(followup_\w+)`", told, re.MULTILINE)) == {name.partition("{")[0] for name in read()}
