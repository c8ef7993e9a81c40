"""A server on loopback that sends given bytes, whatever it is asked: a reply of any dialect."""

import socketserver
import threading
from types import TracebackType
from typing import Self


class RawServer:
    """Sends `replies` in turn, the last one again and again, and keeps what it was asked.

    A reply is a whole HTTP response; its connection is closed after it, which ends the body.
    """

    def __init__(self, *replies: bytes) -> None:
        self._replies = list(replies)
        self.bodies: list[bytes] = []
        self.heads: list[str] = []
        outer = self

        class Sends(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                length = 0
                outer.heads.append(self.rfile.readline().decode())
                while (line := self.rfile.readline().strip()) != b"":
                    name, _, value = line.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                outer.bodies.append(self.rfile.read(length))
                reply = outer._replies.pop(0) if len(outer._replies) > 1 else outer._replies[0]
                self.wfile.write(reply)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Sends)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def response(
    body: bytes | str, *, status: str = "200 OK", media: str = "application/json", more: str = ""
) -> bytes:
    """Return a response whose end is that of its connection."""
    content = body.encode() if isinstance(body, str) else body
    head = f"HTTP/1.1 {status}\r\nContent-Type: {media}\r\nConnection: close\r\n{more}\r\n"
    return head.encode() + content
