"""Streamed replies of servers, cut into lines, NDJSON objects or server-sent events.

Bytes in, values out, and no I/O: a decoder takes chunks as they come, however the network cut them,
and `decode_stream` and `adecode_stream` drive it for a blocking and an async client:

    async for event in adecode_stream(response.aiter_bytes(), SSEDecoder()):
        ...
"""

import codecs
import json
import re
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

MAX_LINE_BYTES = 8 << 20
"""Bytes of one line or one event. A token of a chat is 300 bytes, a whole reply in one frame less
than 1 MB; a server that never ends its line must not fill the memory."""

UTF16_UNIT_BYTES = 2

IGNORED_BYTES = 4_096
"""What is kept of text in another format: enough for an error and its stack."""

_ANY_END = re.compile(rb"\r\n|\r|\n")

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class StreamFormatError(ValueError):
    """What comes is not in the format that was expected; `text` is the head of what came."""

    def __init__(self, reason: str, received: bytes) -> None:
        super().__init__(f"{reason}: {received[:200]!r}")
        # A line may have megabytes, and errors are kept by whoever logs them.
        self.text = received[:IGNORED_BYTES].decode(errors="replace")


class StreamDecoder(Protocol[T_co]):
    """Turns chunks of bytes into values."""

    def feed(self, chunk: bytes) -> Iterable[T_co]:
        """Return the values that `chunk` completes.

        Raises:
            StreamFormatError: here or while the values are taken.
        """

    def flush(self) -> Iterable[T_co]:
        """Return what the end of the stream completes. Call it once, after the last chunk."""


def decode_stream(chunks: Iterable[bytes], decoder: StreamDecoder[T]) -> Iterator[T]:
    """Yield the values of a whole stream, each as soon as its last byte is here."""
    for chunk in chunks:
        yield from decoder.feed(chunk)
    yield from decoder.flush()


async def adecode_stream(
    chunks: AsyncIterable[bytes], decoder: StreamDecoder[T], *, charset: str | None = None
) -> AsyncGenerator[T, None]:
    """Do the same for an async client. Close it (`aclosing`) where it may be left early.

    `charset` is the encoding that the server names, None where it names none.
    """
    transcoder = UTF8Transcoder(charset)
    async for chunk in chunks:
        for value in decoder.feed(transcoder.feed(chunk)):
            yield value
    for value in decoder.feed(transcoder.feed(b"", final=True)):
        yield value
    for value in decoder.flush():
        yield value


class UTF8Transcoder:
    """Turns bytes in another encoding into UTF-8, which all decoders here read.

    UTF-16 is known by its mark, or by the zero bytes of the first characters. JSON and event
    streams are UTF-8 whatever a header says, and many servers name another encoding by default: the
    name counts from the first chunk on that is no UTF-8. Without one that Python knows, all passes.
    """

    def __init__(self, charset: str | None = None) -> None:
        """`charset` as `Content-Type` gives it."""
        self._declared = _declared_encoding(charset)
        self._head = b""
        self._decoder: codecs.IncrementalDecoder | None = None
        self._is_known = False

    def feed(self, chunk: bytes, *, final: bool = False) -> bytes:
        """Return what is certain of the text so far; two bytes are needed to know its encoding."""
        if not self._is_known:
            self._head += chunk
            if len(self._head) < UTF16_UNIT_BYTES and not final:
                return b""
            chunk, self._head = self._head, b""
            self._is_known = True
            if encoding := _wide_encoding(chunk[:UTF16_UNIT_BYTES]):
                self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
            elif self._declared:
                self._decoder = codecs.getincrementaldecoder("utf-8")(errors="strict")
        if self._decoder is None:
            return chunk
        try:
            text = self._decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            assert self._declared is not None  # the decoder of UTF-16 replaces
            self._decoder = codecs.getincrementaldecoder(self._declared)(errors="replace")
            # With the bytes of a character that seemed to have begun in the chunk before.
            text = self._decoder.decode(error.object, final)
        return text.encode("utf-8", "replace")


def _wide_encoding(head: bytes) -> str | None:
    """Return which UTF-16 a text is that begins with `head`, None for another encoding."""
    if head in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    if len(head) == UTF16_UNIT_BYTES and head.count(0) == 1:
        return "utf-16-le" if head[1] == 0 else "utf-16-be"
    return None


def _declared_encoding(charset: str | None) -> str | None:
    """Return the encoding that a server names, None for UTF-8 and what is no encoding of text."""
    try:
        name = codecs.lookup(charset or "utf-8").name
        b"{".decode(name)  # LookupError: base64 and its like are no encodings of text
    except (LookupError, ValueError):
        return None
    # Without zero bytes it is none of the wide ones, whatever its name says.
    return None if name.startswith(("utf", "ascii")) else name


class LineDecoder:
    r"""Cuts bytes into lines, without their ends; the last one need not be ended.

    Only "\n", "\r\n" and, with `lone_cr`, "\r" end a line. `str.splitlines` and httpx's
    `aiter_lines` also cut at U+0085, U+2028 and others, which may be inside JSON text.

    Args:
        lone_cr: Whether a "\r" alone ends a line, as in server-sent events. In JSON it is white
            space, which may be between two values of one line.
        max_bytes: A longer line raises `StreamFormatError`.
    """

    def __init__(self, *, lone_cr: bool = False, max_bytes: int = MAX_LINE_BYTES) -> None:
        self._lone_cr = lone_cr
        self._max_bytes = max_bytes
        self._rest = bytearray()
        self._after_cr = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that `chunk` ends."""
        if not chunk:
            return []
        if self._after_cr:
            # The line was given out at its "\r", because the "\n" may be long in coming and the
            # reader is waiting; that "\n" must not end a second, empty line.
            chunk = chunk.removeprefix(b"\n")
        self._after_cr = self._lone_cr and chunk.endswith(b"\r")
        *ended, rest = _ANY_END.split(chunk) if self._lone_cr else chunk.split(b"\n")
        if ended:
            ended[0] = bytes(self._rest) + ended[0]
            self._rest.clear()
        self._rest += rest
        for line in (*ended, self._rest):
            if len(line) > self._max_bytes:
                raise StreamFormatError(f"a line of over {self._max_bytes:,} bytes", bytes(line))
        # Taken off the joined line: a chunk may end between "\r" and "\n".
        return ended if self._lone_cr else [line.removesuffix(b"\r") for line in ended]

    def flush(self) -> list[bytes]:
        """Return the last line if nothing ended it."""
        rest = bytes(self._rest)
        self._rest.clear()
        return [rest] if rest else []


class NDJSONDecoder:
    """Reads one JSON object a line (https://github.com/ndjson/ndjson-spec); blank lines go.

    Also objects without a line end between them, and one that is indented over several lines.
    """

    def __init__(self, *, max_bytes: int = MAX_LINE_BYTES) -> None:
        self._lines = LineDecoder(max_bytes=max_bytes)
        self._max_bytes = max_bytes
        self._indented = b""

    def feed(self, chunk: bytes) -> Iterator[dict[str, Any]]:
        """Return the objects that `chunk` completes; a line that is none raises when it is met."""
        # Cut now, parsed when taken: what is before a bad line still reaches the caller.
        return self._objects([line for line in self._lines.feed(chunk) if line.strip()])

    def flush(self) -> Iterator[dict[str, Any]]:
        """Return the object of a last line that nothing ended."""
        yield from self._objects([line for line in self._lines.flush() if line.strip()])
        if self._indented:
            raise StreamFormatError("not a JSON object", self._indented)

    def _objects(self, lines: list[bytes]) -> Iterator[dict[str, Any]]:
        for line in lines:
            if self._indented or line.removeprefix(codecs.BOM_UTF8).rstrip() == b"{":
                self._indented += line + b"\n"
                if len(self._indented) > self._max_bytes:
                    raise StreamFormatError("an object without end", self._indented)
                if not line.startswith(b"}"):
                    continue
                line, self._indented = self._indented, b""
            yield from parse_json_objects(line)


def parse_json_object(text: bytes | str) -> dict[str, Any]:
    """Return the JSON object.

    Raises:
        StreamFormatError: it is no JSON, or JSON of another kind.
    """
    try:
        # One invalid byte in a reply costs one character, not the reply.
        value = json.loads(
            text.decode("utf-8-sig", errors="replace") if isinstance(text, bytes) else text
        )
    # RecursionError: json's own answer to "[[[[[…".
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        # "replace": JSON inside JSON can hold half of a surrogate pair.
        received = text if isinstance(text, bytes) else text.encode(errors="replace")
        raise StreamFormatError("not a JSON object", received)
    return value


def parse_json_objects(line: bytes) -> list[dict[str, Any]]:
    """Return the JSON objects of a line, of which there should be one.

    Raises:
        StreamFormatError: something else is there, too.
    """
    try:
        return [parse_json_object(line)]
    except StreamFormatError:
        text = line.decode("utf-8-sig", errors="replace").strip()
        read = json.JSONDecoder().raw_decode
        values = []
        while text:
            try:
                value, end = read(text)
            except (ValueError, RecursionError):
                raise StreamFormatError("not a JSON object", line) from None
            if not isinstance(value, dict):
                raise StreamFormatError("not a JSON object", line) from None
            values.append(value)
            text = text[end:].lstrip()
        return values


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSentEvent:
    """One event of a stream."""

    type: str = "message"
    """What its `event` field says."""
    data: str
    """Its `data` fields, one a line."""


class SSEDecoder:
    """Reads server-sent events as browsers do.

    https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
    What only reconnecting needs (`id`, `retry`) is passed over. OpenAI's "[DONE]" is an event like
    any other; to stop there is the caller's part.
    """

    def __init__(self, *, max_bytes: int = MAX_LINE_BYTES) -> None:
        self._lines = LineDecoder(lone_cr=True, max_bytes=max_bytes)
        self._max_bytes = max_bytes
        self._type = ""
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._at_start = True
        self._ignored = b""

    @property
    def ignored(self) -> str:
        """The head of all lines that are no part of an event stream.

        The format has them passed over. Where no event came, they are what the server said in place
        of one: an error as plain JSON, the HTML page of a proxy.
        """
        return self._ignored.decode(errors="replace")

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Return the events that `chunk` completes."""
        events = []
        for line in self._lines.feed(chunk):
            if self._at_start:
                line = line.removeprefix(codecs.BOM_UTF8)
                self._at_start = False
            if not line:
                data, self._data, self._data_bytes = self._data, [], 0
                kind, self._type = self._type, ""
                if data:  # none after two blank lines, or for an event with a type alone
                    text = b"\n".join(data).decode(errors="replace")
                    events.append(ServerSentEvent(type=kind or "message", data=text))
            elif not line.startswith(b":"):  # a comment, which keeps the connection open
                self._parse_field(line)
        return events

    def flush(self) -> list[ServerSentEvent]:
        """Return no event: one without its blank line may be cut short, so browsers drop it."""
        for line in self._lines.flush():
            self._parse_field(line)  # for `ignored`: JSON and HTML need not end in a line end
        self._data.clear()
        return []

    def _parse_field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")  # one space, no more: the rest may be Python code
        if name == b"data":
            self._data.append(value)
            self._data_bytes += len(value)
            if self._data_bytes > self._max_bytes:
                raise StreamFormatError(f"an event of over {self._max_bytes:,} bytes", value)
        elif name == b"event":
            self._type = value.decode(errors="replace")
        elif name not in {b"id", b"retry"} and len(self._ignored) < IGNORED_BYTES:
            self._ignored += line[:IGNORED_BYTES] + b"\n"
