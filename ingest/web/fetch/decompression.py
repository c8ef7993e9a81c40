"""Decompresses a body while it arrives, and never beyond a limit.

200 kB of gzip can hold gigabytes. zlib is asked for no more bytes than the limit leaves, so a
decompression bomb costs its limit and no more.
"""

import zlib

ACCEPT_ENCODING = "gzip, deflate"
"""What zlib unpacks step by step. brotli and zstd would each need a library."""

_EITHER_HEADER = 32 + zlib.MAX_WBITS  # zlib.h: zlib or gzip, as the first bytes say
_NO_HEADER = -zlib.MAX_WBITS  # RFC 9110, 8.4.1.2: some servers send "deflate" without zlib's header


class DamagedBodyError(Exception):
    """The body is not what its Content-Encoding says, or ends too soon."""


class UnknownEncodingError(Exception):
    """The body has a Content-Encoding that Accept-Encoding did not name."""


class Unpacker:
    """Collects a body of at most `limit` bytes, compressed and decompressed.

    Args:
        encoding: the Content-Encoding header, "" if there is none.
        limit: bytes.

    Raises:
        UnknownEncodingError: `encoding` is not in `ACCEPT_ENCODING`.
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
        """Compressed bytes that have arrived so far."""
        return self._wire

    @property
    def body(self) -> bytes:
        """What has arrived so far, at most `limit` bytes."""
        return bytes(self._body[: self._limit])

    def feed(self, raw: bytes) -> bool:
        """Add the next bytes and return whether the body is still within the limit.

        Raises:
            DamagedBodyError: they cannot be decompressed.
        """
        data = raw
        if self._zlib is not None:
            # One byte beyond the limit shows that there is more. It is never 0, which zlib would
            # take for "no limit".
            free = self._limit + 1 - len(self._body)
            try:
                data = self._zlib.decompress(raw, free)
            except zlib.error as error:
                if self._encoding != "deflate" or self._wire:
                    raise DamagedBodyError(str(error)) from error
                self._zlib = zlib.decompressobj(_NO_HEADER)
                try:
                    data = self._zlib.decompress(raw, free)
                except zlib.error as second:
                    raise DamagedBodyError(str(second)) from second
        self._body += data
        self._wire += len(raw)
        return max(len(self._body), self._wire) <= self._limit

    def finish(self) -> None:
        """Check, after the last byte, that the body is whole.

        Raises:
            DamagedBodyError: something is missing.
        """
        # A body without a single byte is accepted: servers send Content-Encoding with it, too.
        if self._zlib is not None and self._wire and not self._zlib.eof:
            raise DamagedBodyError("ends too soon")
