"""A server that speaks the part of Twilio's protocol we use, and misbehaves when told to.

Paths, fields and filters as in Twilio's published description: `POST` and `GET` of `/2010-04-01/Accounts/{Sid}/Messages.json`.
"""

import json
import socket
import threading
import time
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Mood = str | int


class Twilio:
    """`accepted` holds the form of each message it took, `asked` the moment (of the monotonic clock) of each try.

    `mood`: `ok`; `break` (takes it, then breaks the line); `drop` (breaks the line without taking it); `fault` (takes it and answers
    500); `hang` (takes it and never answers); `garbage` (takes it and answers nonsense); or a status code (nothing taken, `retry_after`
    beside it). A function in its place is asked anew for each try. `list_mood` is the same for its list: `ok` or a status code.
    `per_second`: what comes beyond so many in any second is answered 429, to be tried again a second later.
    """

    def __init__(self):
        self.accepted: list[dict[str, str]] = []
        self.asked: list[float] = []
        self.mood: Mood | Callable[[], Mood] = "ok"
        self.list_mood: Mood = "ok"
        self.retry_after: int | None = None
        self.per_second: int | None = None
        self.taken_at: list[float] = []
        self.refused_at: list[float] = []
        self.url = ""
        self.lock = threading.Lock()

    def sid(self, number: int) -> str:
        return f"SM{number:032x}"

    def times_taken(self) -> Counter[str]:
        """How often each message was taken, by our own id, which stands in the address it reports to."""
        with self.lock:
            return Counter(message_of(form) for form in self.accepted)

    def most_in_a_second(self) -> int:
        """The most messages that came within any one second."""
        with self.lock:
            moments = sorted(self.asked)
        return max((bisect_left(moments, first + 1) - place for place, first in enumerate(moments)), default=0)

    def too_many(self) -> bool:
        """Whether it took as many within the last second as it takes."""
        with self.lock:
            now = time.monotonic()
            taken = len(self.taken_at) - bisect_right(self.taken_at, now - 1)
            full = self.per_second is not None and taken >= self.per_second
            (self.refused_at if full else self.taken_at).append(now)
            return full

    def listing(self, asked: dict[str, str]) -> list[dict]:
        found = [self.resource(n, form) for n, form in enumerate(self.accepted) if form["To"] == asked["To"]]
        return [each for each in found[::-1] if asked.get("From") in (None, each["from"])]

    def resource(self, number: int, form: dict[str, str]) -> dict:
        account, said = "AC" + "0" * 32, formatdate(usegmt=False)
        uri = f"/2010-04-01/Accounts/{account}/Messages/{self.sid(number)}"
        return {
            "account_sid": account,
            "api_version": "2010-04-01",
            "body": form["Body"],
            "date_created": said,
            "date_sent": None,
            "date_updated": said,
            "direction": "outbound-api",
            "error_code": None,
            "error_message": None,
            "from": form.get("From"),
            "messaging_service_sid": form.get("MessagingServiceSid"),
            "num_media": "0",
            "num_segments": "1",
            "price": None,
            "price_unit": "USD",
            "sid": self.sid(number),
            "status": "queued",
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": form["To"],
            "uri": f"{uri}.json",
        }

    def page(self, path: str, asked: dict[str, str]) -> dict:
        """One page of its list: all that was asked for."""
        listed = self.listing(asked)
        more = {"first_page_uri": path, "next_page_uri": None, "previous_page_uri": None, "uri": path}
        return more | {"messages": listed, "start": 0, "end": len(listed), "page": 0, "page_size": len(listed)}

    def take(self, form: dict[str, str]) -> dict:
        with self.lock:
            self.accepted.append(form)
            return self.resource(len(self.accepted) - 1, form)


def message_of(form: dict[str, str]) -> str:
    return parse_qs(urlsplit(form["StatusCallback"]).query)["message"][0]


@contextmanager
def serving(port: int = 0) -> Iterator[Twilio]:
    twilio = Twilio()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # the line stays open for the next message
        wbufsize = -1

        def do_POST(self):
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length).decode()
            if len(body) < length:  # whoever spoke died in the middle of it
                self.close_connection = True
                return
            form = {name: values[0] for name, values in parse_qs(body).items()}
            twilio.asked.append(time.monotonic())
            mood = twilio.mood() if callable(twilio.mood) else twilio.mood
            if twilio.too_many():
                self._answer(
                    429,
                    {"code": 20429, "message": "Too Many Requests", "more_info": "", "status": 429},
                    {"Retry-After": "1"},
                )
            elif mood == "drop":
                self._break()
            elif isinstance(mood, int):
                self._refuse(mood)
            else:
                self._taken(mood, twilio.take(form))

        def _taken(self, mood, resource):
            if mood == "break":
                self._break()
            elif mood == "hang":
                time.sleep(30)
            elif mood == "fault":
                self._refuse(500)
            elif mood == "garbage":
                self._say(201, b"<html>fine</html>")
            else:
                self._answer(201, resource)

        def do_GET(self):
            if twilio.list_mood != "ok":
                self._refuse(twilio.list_mood)
                return
            asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            with twilio.lock:
                page = twilio.page(self.path, asked)
            self._answer(200, page)

        def _break(self):
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

        def _refuse(self, status):
            more = {} if twilio.retry_after is None else {"Retry-After": str(twilio.retry_after)}
            self._answer(status, {"code": 20_000 + status, "message": "no", "more_info": "", "status": status}, more)

        def _answer(self, status, content, more=None):
            self._say(status, json.dumps(content).encode(), more)

        def _say(self, status, raw, more=None):
            self.send_response(status)
            for name, value in (
                {"Content-Type": "application/json", "Content-Length": str(len(raw))} | (more or {})
            ).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)
            self.wfile.flush()

        def log_message(self, *_):
            """Quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request, client_address):
            """A client that was killed is no fault of ours."""

    server = Server(("127.0.0.1", port), Handler)
    twilio.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield twilio
    finally:
        server.shutdown()
        server.server_close()
