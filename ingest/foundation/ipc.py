"""Messages over a pipe: eight bytes that say how long, then the message."""

from typing import IO

_LENGTH_BYTES = 8
_PIECE = 1 << 20


def send(stream: IO[bytes], message: bytes) -> None:
    """Write `message`, and return when the pipe has taken all of it.

    Raises:
        OSError: nobody reads the other end any more.
    """
    rest = memoryview(len(message).to_bytes(_LENGTH_BYTES, "big") + message)
    while rest:
        rest = rest[stream.write(rest) or 0 :]


def receive(stream: IO[bytes], *, limit: int) -> bytes:
    """Return the next message, of at most `limit` bytes. `stream` is unbuffered.

    Raises:
        EOFError: the other end was closed, or wants to say more than that.
    """
    length = int.from_bytes(_exactly(stream, _LENGTH_BYTES), "big")
    if length > limit:
        raise EOFError(f"a message of {length:,} bytes")
    return _exactly(stream, length)


def _exactly(stream: IO[bytes], count: int) -> bytes:
    found = bytearray()
    while len(found) < count:
        piece = stream.read(min(_PIECE, count - len(found)))
        if not piece:
            raise EOFError("the pipe was closed")
        found += piece
    return bytes(found)
