"""The socket side of the replayed internet: HTTP/1.1, CONNECT and TLS on one port."""

import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, Protocol

from tests.internet.messages import NO_SUCH_HOST, Reply, Request, authority

IDLE = 60.0
"""Seconds that a silent connection is kept."""
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: close() then sends RST instead of FIN."""
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
GOODBYES = (OSError, ValueError)
"""What a socket raises when its other end, or `Server.stop`, has gone."""


class Sites(Protocol):
    """What the server needs to know about the internet."""

    latency: float
    refused: list[str]
    stopping: threading.Event
    hold: Callable[[Request], object] | None

    def knows(self, host: str) -> bool: ...

    def certificate(self, host: str) -> ssl.SSLContext: ...

    def answer(self, request: Request) -> Reply: ...


class Server(ThreadingHTTPServer):
    """One daemon thread per connection. `stop` waits for none of them."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, sites: Sites, port: int) -> None:
        self.sites = sites
        self.connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), Connection)

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are normal here; a site that raises is a mistake to be seen."""
        if not isinstance(sys.exception(), GOODBYES):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def stop(self) -> None:
        """Stop listening and cut every open connection."""
        self.shutdown()
        self.server_close()
        for connection in list(self.connections):
            hang_up(connection)


def hang_up(connection: socket.socket) -> None:
    """Shut the TCP connection down, past TLS's own goodbye, which would wait for the peer."""
    try:
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        return  # it has gone already


class Connection(BaseHTTPRequestHandler):
    """One client: absolute-form requests, or one tunnel with requests inside."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE
    server: Server
    scheme: Literal["http", "https"] = "http"
    origin = ""
    """The host behind the tunnel, "" outside of one."""

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        try:
            super().finish()
        finally:
            self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
        """Say nothing: `Internet.log` has it all."""

    def do_CONNECT(self) -> None:
        """Open a tunnel, in which the site itself answers under its own certificate."""
        host = authority(self.path)
        if not self.server.sites.knows(host):
            self.server.sites.refused.append(self.path)
            self.send(NO_SUCH_HOST)
            self.close_connection = True
            return
        self.pause(self.server.sites.latency)
        self.connection.sendall(ESTABLISHED)
        self.origin = host
        if not self.encrypt():
            self.close_connection = True

    def encrypt(self) -> bool:
        """Start TLS and return whether the client went along: it may not trust us."""
        plain = self.connection
        context = self.server.sites.certificate(self.origin)
        self.server.connections.discard(plain)
        try:
            secret = context.wrap_socket(plain, server_side=True)
        except OSError:
            return False
        self.server.connections.add(secret)
        self.connection = self.request = secret
        self.rfile = secret.makefile("rb")
        self.scheme = "https"
        return True

    def handle_any(self) -> None:
        """Answer one request as its site would."""
        request = self.read_request()
        reply = self.server.sites.answer(request)
        if self.server.sites.hold is not None:
            self.server.sites.hold(request)
        self.pause(self.server.sites.latency + reply.delay)
        if reply.fault == "hang":
            self.server.sites.stopping.wait()
        if reply.fault in ("hang", "reset"):
            self.reset()
        elif not self.server.sites.stopping.is_set():
            self.send(reply)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = handle_any  # noqa: N815

    def read_request(self) -> Request:
        host, path = self.target()
        return Request(
            at=time.monotonic(),
            method=self.command,
            scheme=self.scheme,
            host=host,
            path=path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
        )

    def target(self) -> tuple[str, str]:
        """Return host and path of an absolute-form request, or of one inside a tunnel."""
        _, absolute, rest = self.path.partition("://")
        if self.origin or not absolute or self.path.startswith("/"):
            return self.origin or authority(self.headers.get("Host", "")), self.path
        netloc, slash, path = rest.partition("/")
        netloc, question, query = netloc.partition("?")
        return authority(netloc), (slash + path) if slash else "/" + question + query

    def send(self, reply: Reply) -> None:
        if reply.raw is not None:
            self.close_connection = True
            self.connection.sendall(reply.raw)
            return
        body = reply.payload()
        head = reply.head(len(body))
        if self.command == "HEAD":
            self.connection.sendall(head)
        elif reply.fault == "truncate":
            self.close_connection = True
            self.connection.sendall(head + body[: len(body) // 2])
        elif reply.drip:
            self.connection.sendall(head)
            self.send_in_drips(body, size=reply.drip.size, pause=reply.drip.pause)
        else:
            self.connection.sendall(head + body)

    def send_in_drips(self, body: bytes, *, size: int, pause: float) -> None:
        for start in range(0, len(body), size):
            if self.server.sites.stopping.is_set():
                return
            self.connection.sendall(body[start : start + size])
            self.pause(pause)

    def pause(self, seconds: float) -> None:
        """Wait, but never past the end of the internet."""
        if seconds:
            self.server.sites.stopping.wait(seconds)

    def reset(self) -> None:
        """Break the connection off with a TCP reset."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        for reader in (self.rfile, self.connection):  # the socket stays open while either is
            reader.close()
