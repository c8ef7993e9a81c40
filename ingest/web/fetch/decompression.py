"""Unpacking a body while it arrives, and never beyond a limit.

200 kB of gzip can hold gigabytes. zlib is asked for no more bytes than there is room for, so a
bomb costs its limit and nothing else.
"""

import zlib

ACCEPT_ENCODING = "gzip, deflate"
"""What zlib unpacks step by step. brotli and zstd would each need a library."""

_EITHER_HEADER = 32 + zlib.MAX_WBITS  # zlib.h: zlib or gzip, as the first bytes say
_NO_HEADER = -zlib.MAX_WBITS  # RFC 9110, 8.4.1.2: some servers send "deflate" without zlib's header


class DamagedBodyError(Exception):
    """The body is not what its Content-Encoding says, or ends too soon."""


class UnknownEncodingError(Exception):
    """The body is packed in a way that we did not ask for."""


class Unpacker:
    """Collects a body of at most `limit` bytes, on the wire and unpacked.

    Args:
        encoding: the Content-Encoding header, "" if there is none.
        limit: bytes.

    Raises:
        UnknownEncodingError: `encoding` is none of ours.
    """

    def __init__(self, *, encoding: str, limit: int) -> None:
        self._encoding = encoding.strip().lower()
        self._limit = limit
        self._body = bytearray()
        self._wire = 0
        self._zlib: zlib._Decompress | None = None
        if self._encoding in ("gzip", "x-gzip", "deflate"):
            self._zlib = zlib.decompressobj(_EITHER_HEADER)
        elif self._encoding not in ("", "identity"):
            raise UnknownEncodingError(self._encoding)

    @property
    def wire_bytes(self) -> int:
        """What has been fed so far."""
        return self._wire

    @property
    def body(self) -> bytes:
        """What has arrived so far, at most `limit` bytes."""
        return bytes(self._body[: self._limit])

    def feed(self, raw: bytes) -> bool:
        """Take the next bytes and return whether there is room for more.

        Raises:
            DamagedBodyError: they cannot be unpacked.
        """
        self._body += raw if self._zlib is None else self._unpack(self._zlib, raw)
        self._wire += len(raw)
        return max(len(self._body), self._wire) <= self._limit

    def finish(self) -> None:
        """Say that nothing more will arrive.

        Raises:
            DamagedBodyError: something is missing.
        """
        if self._zlib is not None and self._wire and not self._zlib.eof:
            raise DamagedBodyError("ends too soon")

    def _unpack(self, unpacker: "zlib._Decompress", raw: bytes) -> bytes:
        room = self._limit + 1 - len(self._body)  # never 0, which zlib takes for "no limit"
        try:
            return unpacker.decompress(raw, room)
        except zlib.error as error:
            if self._encoding != "deflate" or self._wire:
                raise DamagedBodyError(str(error)) from error
        try:
            self._zlib = zlib.decompressobj(_NO_HEADER)
            return self._zlib.decompress(raw, room)
        except zlib.error as error:
            raise DamagedBodyError(str(error)) from error
