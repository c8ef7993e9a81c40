"""Length-prefixed messages over a pipe: eight bytes of length, big-endian, then the message."""

from typing import IO

_LENGTH_BYTES = 8
_READ_BYTES = 1 << 20
"""Bytes of one read: a length that lies must not reserve gigabytes before a byte has come."""


def send(stream: IO[bytes], message: bytes) -> None:
    """Write `message`, and return when the pipe has taken all of it.

    Raises:
        OSError: the other end is closed.
    """
    rest = memoryview(len(message).to_bytes(_LENGTH_BYTES, "big") + message)
    while rest:
        # An unbuffered stream may take a part only; None means that it took nothing yet.
        rest = rest[stream.write(rest) or 0 :]


def receive(stream: IO[bytes], *, limit: int) -> bytes:
    """Return the next message, of at most `limit` bytes. `stream` is unbuffered.

    Raises:
        EOFError: the other end was closed, or announces more than that.
    """
    length = int.from_bytes(_read_exactly(stream, _LENGTH_BYTES), "big")
    if length > limit:
        raise EOFError(f"a message of {length:,} bytes")
    return _read_exactly(stream, length)


def _read_exactly(stream: IO[bytes], count: int) -> bytes:
    found = bytearray()
    while len(found) < count:
        piece = stream.read(min(_READ_BYTES, count - len(found)))
        if not piece:
            raise EOFError("the pipe was closed")
        found += piece
    return bytes(found)
