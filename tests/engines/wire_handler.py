"""HTTP as the loopback model server sends it: whole responses, and bodies in chunks."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.engines.replies import Json


class QuietServer(ThreadingHTTPServer):
    """Serves each connection in a thread of its own."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up: that is what tests are about."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class WireHandler(BaseHTTPRequestHandler):
    """One connection over which responses are sent; what is answered, its heirs decide."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
        """Keep quiet: tests look at `requests`."""

    def do_GET(self) -> None:
        self.answer({})

    def do_HEAD(self) -> None:
        self.answer({})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            self.send_json(400, {"error": "invalid character in JSON"})
            return
        self.answer(body)

    def answer(self, body: Json) -> None:
        """Answer a request with this body, {} where it has none."""
        raise NotImplementedError

    def send_json(self, status: int, body: Json) -> None:
        """Send one JSON object as the whole response."""
        self.send_whole(status, json.dumps(body).encode(), "application/json; charset=utf-8")

    def send_whole(
        self, status: int, body: bytes, media: str = "text/html", headers: Json | None = None
    ) -> None:
        """Send a response of known length."""
        self.send_response(status)
        for name, value in {
            "Content-Type": media,
            "Content-Length": str(len(body)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def begin(self, status: int, media: str) -> None:
        """Send the head of a response whose body comes in chunks."""
        self.send_response(status)
        self.send_header("Content-Type", media)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def send_chunk(self, data: bytes) -> None:
        """Send a chunk; an empty one ends the body."""
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()
