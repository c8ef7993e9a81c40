"""Heads of HTTP/1.1 responses as browsers take them, made ready for a parser that is strict.

h11 follows RFC 9112 to the letter, and ends a connection for what some servers have sent for years
and every browser reads: a space before a colon, a name with a slash or a space, "chunked" sent
twice, an empty line before the first. Such a head is repaired between the socket and httpcore.
Nothing is guessed about where a body ends: only whole lines are dropped or joined, and a
connection whose head had to be repaired is not used for a second request, so nothing after it can
be taken for another response.
"""

import re
import select
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore

from ingest.web.fetch.pinned_network import SocketOption

MAX_HEAD_BYTES = 64 * 1024
"""A longer head is passed on as it is; h11 ends it at 100 kB."""

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_FIELD = re.compile(rb"(?P<name>[!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?P<space>[ \t]*):(?P<value>.*)", re.S)
_INFORMATIONAL = re.compile(rb"HTTP/1\.[01] 1\d\d\b")
_STATUS_LINE = re.compile(
    rb"HTTP/(?P<version>1\.[01])[ \t]+(?P<rest>\d{3}\b.*)", re.IGNORECASE | re.S
)
_EMPTY_LINES = b"\r\n"
_CLOSE = b"Connection: close"


class LenientStream(httpcore.AsyncNetworkStream):
    """A connection whose HTTP/1.1 response heads are repaired before httpcore reads them.

    Args:
        stream: the connection, or what TLS made of it.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._awaits_head = False
        """Whether the next bytes are the head of a response: we send one request at a time."""
        self._is_http2 = False
        self._socket: Any = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """Return the next bytes, a head of a response at once and repaired."""
        data = await self._stream.read(max_bytes, timeout)
        if not self._awaits_head or self._is_http2:
            return data
        # Some servers end the body before with one line end too many (RFC 9112, 2.2, for requests).
        data = data.lstrip(_EMPTY_LINES) or data
        # A server that sends anything but a response is left to the parser's own message.
        while data[:5].upper() == b"HTTP/"[: len(data)] and len(data) < MAX_HEAD_BYTES:
            end = _HEAD_END.search(data)
            if end is None:
                more = await self._stream.read(max_bytes, timeout)
                if not more:
                    break
                data += more
                continue
            head = repair_head(data[: end.start()])
            # After "100 Continue" and the like comes another head.
            self._awaits_head = _INFORMATIONAL.match(head) is not None
            return head + b"\r\n\r\n" + data[end.end() :]
        self._awaits_head = False
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Send `buffer`; a response is expected after it."""
        self._awaits_head = True
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's name
    ) -> httpcore.AsyncNetworkStream:
        """Return the connection under TLS; HTTP/2, whose frames are no lines, is left alone."""
        secret = LenientStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))
        layer = secret.get_extra_info("ssl_object")
        secret._is_http2 = layer is not None and layer.selected_alpn_protocol() == "h2"
        return secret

    def get_extra_info(self, info: str) -> Any:
        """Return what the connection below says of itself."""
        # Asked of each idle connection at every request. AnyIO gathers everything that it knows of
        # the connection for each answer: in a profile, a sixteenth of the main process of `ingest`.
        if info == "is_readable" and hasattr(select, "poll"):
            self._socket = self._socket or self._stream.get_extra_info("socket")
            descriptor = -1 if self._socket is None else self._socket.fileno()
            if descriptor >= 0:  # not closed by us
                poll = select.poll()
                poll.register(descriptor, select.POLLIN)
                return bool(poll.poll(0))
        return self._stream.get_extra_info(info)


class LenientBackend(httpcore.AsyncNetworkBackend):
    """Opens connections by another backend, and repairs the heads that come over them."""

    def __init__(self, backend: httpcore.AsyncNetworkBackend) -> None:
        self._backend = backend

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's name
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect as the backend below does."""
        return LenientStream(
            await self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        )

    async def sleep(self, seconds: float) -> None:
        """Wait between httpcore's own retries, of which none are configured."""
        await self._backend.sleep(seconds)


def repair_head(head: bytes) -> bytes:
    """Return the head of a response, without its empty line, in the form of RFC 9112.

    Lines whose name is no token are dropped, as browsers do; a space before the colon is taken out
    (5.1); a second "Transfer-Encoding: chunked" says no more than the first (6.1), and "identity"
    nothing at all (RFC 2616, 3.6). A head that needs nothing is returned as it came.
    """
    first, *lines = re.split(rb"\r?\n", head)
    named = _STATUS_LINE.fullmatch(first)
    if named is None:
        return head
    status = b"HTTP/" + named["version"] + b" " + named["rest"]
    kept_lines, is_chunked, is_dropped = [status], False, True
    is_repaired = status != first
    for line in lines:
        if line[:1] in (b" ", b"\t"):
            # It goes on with the line before (obs-fold, 5.2), also where that was dropped.
            kept_lines += [] if is_dropped else [line]
            continue
        field = _FIELD.fullmatch(line)
        is_dropped = field is None
        if field is None:
            is_repaired = True
            continue
        if field["name"].lower() == b"transfer-encoding":
            codings = [coding.strip().lower() for coding in field["value"].split(b",")]
            if codings == [b"identity"]:
                is_repaired = is_dropped = True
                continue
            if set(codings) == {b"chunked"}:
                is_repaired = is_repaired or is_chunked or len(codings) > 1
                if not is_chunked:
                    kept_lines.append(b"Transfer-Encoding: chunked")
                is_chunked = True
                continue
        if field["space"]:
            is_repaired = True
            line = field["name"] + b":" + field["value"]
        kept_lines.append(line)
    return b"\r\n".join([*kept_lines, _CLOSE]) if is_repaired else head
