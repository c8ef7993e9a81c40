"""What goes over the wire of the replayed internet."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Fault = Literal["reset", "truncate", "hang"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client asked for."""

    at: float
    """`time.monotonic()` when the request had been read."""
    method: str
    scheme: Literal["http", "https"]
    host: str
    """As in the URL: lower case, with the port unless it is the scheme's own."""
    path: str
    """With the query, e.g. "/html/?q=tea"."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = b""

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}{self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drip:
    """A body that arrives a little at a time."""

    size: int
    """Bytes per piece."""
    pause: float
    """Seconds after each piece."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a site answers, and what goes wrong on the way."""

    body: bytes | str = b""
    status: int = 200
    content_type: str | None = "text/html; charset=utf-8"
    """None sends no Content-Type at all."""
    location: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    gzip: bool = False
    """Compress the body and say so."""
    delay: float = 0.0
    """Seconds before the first byte."""
    drip: Drip | None = None
    fault: Fault | None = None
    raw: bytes | None = None
    """Sent as it stands instead of everything else, then the connection is closed."""

    def payload(self) -> bytes:
        """Return the body as it goes over the wire."""
        body = self.body.encode() if isinstance(self.body, str) else self.body
        return gzip.compress(body) if self.gzip else body

    def head(self, length: int) -> bytes:
        """Return the status line and the headers of a reply with `length` bytes of body."""
        fields = {"Content-Length": str(length), **self.headers}
        if self.content_type is not None:
            fields["Content-Type"] = self.content_type
        if self.gzip:
            fields["Content-Encoding"] = "gzip"
        if self.location is not None:
            fields["Location"] = self.location
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"HTTP/1.1 {self.status} Replayed\r\n{lines}\r\n".encode("latin-1")


MISSING = Reply(status=404, body="<h1>404</h1>")
NO_SUCH_HOST = Reply(status=502, body="no such host in this internet", content_type="text/plain")


def authority(netloc: str) -> str:
    """Return host and port as `Request.host` has them.

    >>> authority("User@Example.test:443")
    'example.test'
    """
    host, colon, port = netloc.rpartition("@")[2].lower().partition(":")
    return f"{host}:{port}" if colon and port not in ("80", "443") else host


def bare(path: str) -> str:
    """Return the path without its query."""
    return path.partition("?")[0]
