"""Decompresses a body while it arrives, and never beyond a limit.

200 kB of gzip can hold gigabytes. zlib is asked for no more bytes than the limit leaves, so a
decompression bomb costs its limit and no more.
"""

import re
import zlib

ACCEPT_ENCODING = "gzip, deflate"
"""What zlib unpacks step by step. brotli and zstd would each need a library."""
MAX_LAYERS = 3
"""Codings of one body: "gzip, gzip" is a proxy's mistake, more are an attack."""

MAX_MEMBERS = 1_000
"""Members of one gzip body. nginx and log writers join a few; each costs a copy of what follows it.
"""

MAX_WITH_PICTURES = 4
"""How many times as long as its limit a page may be for the pictures that are written into it."""
_PICTURE_MARK = b";base64,"
_PICTURE = re.compile(rb"(?<=;base64,)[A-Za-z0-9+/=%\s]{1000,}+")
"""The bytes of a picture, or of a font, in a `data:` URL (RFC 2397); a short one is an icon."""
_PICTURE_REST = re.compile(rb"[A-Za-z0-9+/=%\s]*+")
MIN_SHRINK = 0.1
"""Share of a page that is too long that must be pictures: with less it is searched again and again.
"""

_ZLIB_CODINGS = frozenset({"gzip", "x-gzip", "deflate"})
_FOREIGN_CODINGS = frozenset({"br", "zstd", "compress", "x-compress", "dcb", "dcz"})
"""Registered codings that we cannot undo (IANA, HTTP Content Coding Registry)."""

_EITHER_HEADER = 32 + zlib.MAX_WBITS  # zlib.h: zlib or gzip, as the first bytes say
_NO_HEADER = -zlib.MAX_WBITS  # RFC 9110, 8.4.1.2: some servers send "deflate" without zlib's header
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_START = b"\x1f\x8b\x08"  # RFC 1952, 2.3.1: magic and the only method there is
MIN_PLAIN_BYTES = 16
"""Bytes of a body that show whether it is text: packed data of that length is no UTF-8 (1 in 10
million by chance)."""
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_CLOSING_TAG = re.compile(
    rb"</(?:html|rss|feed|rdf:RDF)\s*>\s*(?:<!--[^<>]{0,2000}-->\s*)*\Z", re.I
)
_TAIL_BYTES = 4096
"""Searched for the last closing tag; caches append a comment or two to it."""


class DamagedBodyError(Exception):
    """The body is not what its Content-Encoding says, or ends too soon."""


class UnknownEncodingError(Exception):
    """The body has a Content-Encoding that Accept-Encoding did not name."""


def ends_like_a_page(body: bytes) -> bool:
    """Return whether `body` ends with the closing tag of a page or a feed, so that it is whole."""
    return _CLOSING_TAG.search(body[-_TAIL_BYTES:]) is not None


class _Layer:
    """One zlib or gzip packing around a body."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._zlib = zlib.decompressobj(_EITHER_HEADER)
        self._is_plain = False
        self._began = False
        self._members = 1
        self._junk = False
        """Whether what follows the last member is no member: padding, which gzip ignores, too."""

    @property
    def is_whole(self) -> bool:
        """Whether the packed data has come to its own end, or nothing has come at all."""
        # A body without a single byte is accepted: servers send Content-Encoding with it, too.
        return self._is_plain or self._zlib.eof or not self._began

    def feed(self, raw: bytes, free: int) -> bytes:
        """Return what `raw` unpacks to, at most `free` bytes, which must not be 0.

        Raises:
            DamagedBodyError: it cannot be unpacked.
        """
        if not raw or self._junk:
            return b""
        if not self._began:
            self._began = True
            # Some servers name a packing and send the page as it is: it begins as text. No packed
            # data begins with "<". The last character may be cut: a piece may end within it.
            self._is_plain = raw.lstrip()[:1] == b"<" or (
                not (len(raw) < MIN_PLAIN_BYTES or _CONTROL.search(raw))
                and "\ufffd" not in raw.decode("utf-8", "replace")[:-1]
            )
            data = raw if self._is_plain else self._begin(raw, free)
        else:
            data = raw if self._is_plain else self._unpack(raw, free)
        # RFC 1952, 2.2: a gzip file is a series of members, whose contents belong together.
        while not self._is_plain and self._zlib.eof and self._zlib.unused_data and len(data) < free:
            rest = self._zlib.unused_data
            if not rest.startswith(_GZIP_MAGIC[: len(rest)]):
                self._junk = True
                break
            self._next_member()
            data += self._unpack(rest, free - len(data))
        return data

    def _begin(self, raw: bytes, free: int) -> bytes:
        try:
            return self._zlib.decompress(raw, free)
        except zlib.error as error:
            if self._coding != "deflate":
                raise DamagedBodyError(str(error)) from error
            self._zlib = zlib.decompressobj(_NO_HEADER)
            return self._unpack(raw, free)

    def _next_member(self) -> None:
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise DamagedBodyError("in too many pieces")
        self._zlib = zlib.decompressobj(_EITHER_HEADER)

    def _unpack(self, raw: bytes, free: int) -> bytes:
        # A member that ended exactly with the last piece: the next one begins with this piece.
        if self._zlib.eof and raw.startswith(_GZIP_MAGIC[: len(raw)]):
            self._next_member()
        try:
            return self._zlib.decompress(raw, free)
        except zlib.error as error:
            raise DamagedBodyError(str(error)) from error


class Unpacker:
    """Collects a body of at most `limit` bytes, compressed and decompressed.

    Args:
        encoding: the Content-Encoding header, "" if there is none. Names of no coding at all
            ("utf-8", "none") are passed over: servers write the charset there, and browsers read
            such pages.
        limit: bytes.
        drops_pictures: whether the pictures that are written into a page are left out where it is
            longer than its limit, which the words of hardly any page are.
        is_text: whether the body is said to be text: one that begins as gzip anyway is
            unpacked once more than its header says. A server that packs what is packed sends that.

    Raises:
        UnknownEncodingError: `encoding` names a packing that is not in `ACCEPT_ENCODING`, or more
            than `MAX_LAYERS`.
    """

    def __init__(
        self, *, encoding: str, limit: int, drops_pictures: bool = False, is_text: bool = False
    ) -> None:
        codings = [coding.strip() for coding in encoding.lower().split(",")]
        packings = [coding for coding in codings if coding in _ZLIB_CODINGS | _FOREIGN_CODINGS]
        if len(packings) > MAX_LAYERS or not _FOREIGN_CODINGS.isdisjoint(packings):
            raise UnknownEncodingError(", ".join(packings))
        # RFC 9110, 8.4: listed in the order in which they were applied; the last is undone first.
        self._layers = [_Layer(coding) for coding in reversed(packings)]
        self._is_text = is_text
        self._limit = limit
        self._most = limit * MAX_WITH_PICTURES if drops_pictures else limit
        self._unpacked = 0
        self._is_in_picture = False
        self._body = bytearray()
        self._wire = 0

    @property
    def wire_bytes(self) -> int:
        """Compressed bytes that have arrived so far."""
        return self._wire

    @property
    def body(self) -> bytes:
        """What has arrived so far, at most `limit` bytes."""
        return bytes(memoryview(self._body)[: self._limit])  # copied once

    def feed(self, raw: bytes) -> bool:
        """Add the next bytes and return whether the body is still within the limit.

        Raises:
            DamagedBodyError: they cannot be decompressed.
        """
        data = raw
        # One byte beyond the limit shows that there is more. It is never 0, which zlib would take
        # for "no limit". A layer between two gives no more either, so no layer holds a bomb.
        free = min(self._most, 2 * self._limit) + 1 - len(self._body)
        is_cut = False
        for layer in self._layers:
            data = layer.feed(data, free)
            is_cut = is_cut or len(data) >= free
        if self._is_text and not self._unpacked and data.startswith(_GZIP_START):
            self._layers.append(_Layer("gzip"))
            data = self._layers[-1].feed(data, free)
        self._wire += len(raw)
        self._unpacked += len(data)
        if self._is_in_picture:
            data = data[_PICTURE_REST.match(data).end() :]  # type: ignore[union-attr]
            self._is_in_picture = not data
        self._body += data
        if is_cut or max(self._unpacked, self._wire) > self._most:
            return False
        return len(self._body) <= self._limit or self._drop_pictures()

    def _drop_pictures(self) -> bool:
        """Leave the pictures out of what has come, and return whether that frees enough bytes."""
        if self._most == self._limit:
            return False
        bare = bytearray(_PICTURE.sub(b"", self._body))
        is_room = len(bare) <= (1 - MIN_SHRINK) * self._limit
        self._body = bare
        self._is_in_picture = bare.endswith(_PICTURE_MARK)
        return is_room

    def finish(self) -> None:
        """Check, after the last byte, that the body is whole.

        Raises:
            DamagedBodyError: something is missing.
        """
        if all(layer.is_whole for layer in self._layers):
            return
        # A checksum that is missing costs no word, if the page itself has come to its end.
        if not ends_like_a_page(self.body):
            raise DamagedBodyError("ends too soon")
