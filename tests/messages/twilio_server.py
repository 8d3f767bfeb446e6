"""A server that speaks the part of Twilio's protocol we use, and misbehaves when told to."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Twilio:
    """`accepted` holds the form of each message it took. `mood`: ok, break (takes it, then breaks the line), or a status code."""

    def __init__(self):
        self.accepted: list[dict[str, str]] = []
        self.mood: str | int = "ok"
        self.url = ""

    def sid(self, number: int) -> str:
        return f"SM{number:032x}"

    def listing(self, to: str) -> list[dict]:
        return [self.resource(n, form) for n, form in enumerate(self.accepted) if form["To"] == to]

    def resource(self, number: int, form: dict[str, str]) -> dict:
        return {"sid": self.sid(number), "to": form["To"], "body": form["Body"], "status": "queued", "date_sent": None}


@contextmanager
def serving() -> Iterator[Twilio]:
    twilio = Twilio()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            if isinstance(twilio.mood, int):
                self._answer(twilio.mood, {"code": 20_000 + twilio.mood, "message": "no", "status": twilio.mood})
                return
            twilio.accepted.append(form)
            if twilio.mood == "break":
                self.connection.close()
                return
            self._answer(201, twilio.resource(len(twilio.accepted) - 1, form))

        def do_GET(self):
            asked = parse_qs(urlsplit(self.path).query)
            self._answer(200, {"messages": twilio.listing(asked["To"][0]), "next_page_uri": None})

        def _answer(self, status, content):
            raw = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    twilio.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield twilio
    finally:
        server.shutdown()
