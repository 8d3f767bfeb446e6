"""A server that speaks the part of Twilio's protocol we use, and misbehaves when told to.

Paths, fields and filters as in Twilio's published description: `POST` and `GET` of `/2010-04-01/Accounts/{Sid}/Messages.json`.
"""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Mood = str | int


class Twilio:
    """`accepted` holds the form of each message it took, `asked` the moment (of the monotonic clock) of each try.

    `mood`: `ok`; `break` (takes it, then breaks the line); `drop` (breaks the line without taking it); `fault` (takes it and answers
    500); `hang` (takes it and never answers); `garbage` (takes it and answers nonsense); or a status code (nothing taken, `retry_after`
    beside it). A function in its place is asked anew for each try. `list_mood` is the same for its list: `ok` or a status code.
    """

    def __init__(self):
        self.accepted: list[dict[str, str]] = []
        self.asked: list[float] = []
        self.mood: Mood | Callable[[], Mood] = "ok"
        self.list_mood: Mood = "ok"
        self.retry_after: int | None = None
        self.url = ""
        self.lock = threading.Lock()

    def sid(self, number: int) -> str:
        return f"SM{number:032x}"

    def times_taken(self) -> Counter[str]:
        """How often each message was taken, by our own id, which stands in the address it reports to."""
        with self.lock:
            return Counter(message_of(form) for form in self.accepted)

    def listing(self, asked: dict[str, str]) -> list[dict]:
        found = [self.resource(n, form) for n, form in enumerate(self.accepted) if form["To"] == asked["To"]]
        return [each for each in found[::-1] if asked.get("From") in (None, each["from"])]

    def resource(self, number: int, form: dict[str, str]) -> dict:
        return {
            "sid": self.sid(number),
            "to": form["To"],
            "from": form.get("From"),
            "body": form["Body"],
            "status": "queued",
            "date_sent": None,
        }

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
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            twilio.asked.append(time.monotonic())
            mood = twilio.mood() if callable(twilio.mood) else twilio.mood
            if mood == "drop":
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
                listed = twilio.listing(asked)
            self._answer(200, {"messages": listed, "next_page_uri": None})

        def _break(self):
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

        def _refuse(self, status):
            more = {} if twilio.retry_after is None else {"Retry-After": str(twilio.retry_after)}
            self._answer(status, {"code": 20_000 + status, "message": "no", "status": status}, more)

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
