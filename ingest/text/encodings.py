"""Bytes to text, also where the page lies about its charset.

The order of a browser (byte order mark, Content-Type header, <meta>, guess), with one difference:
a claim must fit the bytes. WHATWG labels are read as WHATWG wants them (GBK means GB 18030, latin-1
means Windows-1252): https://encoding.spec.whatwg.org/#names-and-labels
"""

import codecs
import re
from collections.abc import Iterator

import chardet
import webencodings

META_WINDOW = 8192  # bytes; browsers look at 1024, but some pages put scripts before their <meta>
GUESS_WINDOW = 65536  # bytes; more text does not make the guess better
UTF8_EVIDENCE = 8  # bytes outside ASCII; so many are not well-formed UTF-8 by accident
MAX_DAMAGE = 0.1  # share of unreadable characters in a text that was cut or glued together badly

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like UTF-16's, so it comes first
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ASCII = bytes(range(128))
_WIDER = {
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "x-user-defined": "cp1252",
    "replacement": "utf-8",
    "iso-8859-8-i": "iso-8859-8",
    "x-mac-cyrillic": "mac-cyrillic",
    "macintosh": "mac-roman",
    "windows-874": "cp874",
}
"""WHATWG name to the Python codec that reads at least as much."""
_SEVERAL_BYTES = frozenset(
    {"utf-8", "gb18030", "big5", "big5hkscs", "cp932", "cp949", "euc_jp", "iso2022_jp"}
)
"""Charsets in which not every row of bytes is a text: one that fits has evidence."""
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_DECLARATION = re.compile(
    rb"""<meta\b[^>]*?\bcharset\s*=\s*["']?\s*([\w.:-]+)"""
    rb"""|^\s*<\?xml\b[^>]*?\bencoding\s*=\s*["']([\w.:-]+)""",
    re.IGNORECASE,
)
_SHIFTS_TO_KANJI = re.compile(rb"\x1b\$[@B]")
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ufeff\ufffe\uffff]")


def decode(body: bytes, *, claimed: str | None) -> str:
    r"""Return the text of `body`: no control characters, every line ended by "\n". Never raises.

    `claimed` is the charset of the Content-Type header. Of the charsets that are claimed, declared
    or guessed the first wins that leaves at most `MAX_DAMAGE` of the text unreadable.
    """
    for mark, codec in _BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return _clean(body[len(mark) :].decode(codec, "replace"))
    return _clean(_read(body, claimed)[1])


def codec_of(body: bytes) -> str:
    """Return the Python codec in which `decode` reads bytes that bear no byte order mark."""
    return _read(body, None)[0]


def _read(body: bytes, claimed: str | None) -> tuple[str, str]:
    """Return the codec that fits best, and the text that it makes."""
    least, best = 1.0, ("", "")
    for codec in _candidates(body, claimed):
        text = body.decode(codec, "replace")
        damage = _damage(text)
        if damage <= MAX_DAMAGE:
            return codec, text
        if damage < least:
            least, best = damage, (codec, text)
    return best if best[0] else ("cp1252", body.decode("cp1252", "replace"))


def _candidates(body: bytes, claimed: str | None) -> Iterator[str]:
    """Yield Python codecs, the likeliest first."""
    declared = [codec for label in (claimed, _declared(body)) if (codec := _codec(label))]
    declared.sort(key=lambda codec: codec == "cp1252")  # latin-1 in a header is often a default
    foreign = len(body.translate(None, delete=_ASCII))
    if _SHIFTS_TO_KANJI.search(body):
        yield "iso2022_jp"  # seven bits wide, so that no other claim seems wrong
    if foreign >= UTF8_EVIDENCE or (foreign and not declared):
        yield "utf-8"
    yield from (codec for codec in declared if codec in _SEVERAL_BYTES)
    guess = _guessed(body)
    if guess in _SEVERAL_BYTES and not set(declared) - {"cp1252"}:
        yield guess  # servers say latin-1 when nobody told them better
    yield from declared  # a charset of single bytes reads anything, so the bytes cannot deny it
    if guess:
        yield guess
    yield from ("utf-8", "gb18030", "cp1252")


def _declared(body: bytes) -> str | None:
    """Return the charset that the page names itself."""
    match = _DECLARATION.search(_COMMENT.sub(b"", body[:META_WINDOW]))
    if match is None:
        return None
    label: str = (match[1] or match[2]).decode("ascii", "replace")
    # whoever reads "utf-16" byte by byte is not reading UTF-16 (WHATWG, "prescan")
    return "utf-8" if label.lower().startswith("utf-16") else label


def _guessed(body: bytes) -> str | None:
    """Return the Python codec that the bytes look like."""
    name = chardet.detect(body[:GUESS_WINDOW])["encoding"]
    if not name or (name.upper().startswith(("UTF-16", "UTF-32")) and not _is_wide(body)):
        return None
    return _python_name(name)


def _is_wide(body: bytes) -> bool:
    """Tell text of two or four bytes a character, whose markup is half zeros, from stray zeros."""
    return body.count(0) * 5 > len(body)


def _codec(label: str | None) -> str | None:
    """Return the Python codec of a WHATWG label, None if there is none."""
    encoding = webencodings.lookup(label.strip(" \"'")) if label else None
    return _python_name(encoding.name) if encoding else None


def _python_name(name: str) -> str:
    return codecs.lookup(_WIDER.get(name.lower(), name)).name


def _damage(text: str) -> float:
    """Return the share of characters outside ASCII that could not be read."""
    foreign = len(text) - len(text.encode("ascii", "ignore"))
    return text.count("\ufffd") / foreign if foreign else 0.0


def _clean(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    return _NOT_TEXT.sub("", lines)
