"""Bytes to text, also where the page lies about its charset.

The order of a browser (byte order mark, Content-Type header, <meta>, guess), with one difference:
a claim must fit the bytes. WHATWG labels are read as WHATWG wants them (GBK means GB 18030, latin-1
means Windows-1252): https://encoding.spec.whatwg.org/#names-and-labels
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import webencodings

META_WINDOW = 64 * 1024  # bytes; browsers look at 1024, some pages put 12 kB of style first
GUESS_WINDOW = 65536  # bytes; more text does not make the guess better
UTF8_EVIDENCE = 8  # bytes outside ASCII; so many are not well-formed UTF-8 by accident
MAX_DAMAGE = 0.1  # share of unreadable characters in a text that was cut or glued together badly


@dataclass(frozen=True, slots=True, kw_only=True)
class ByteOrderMark:
    """What a text may begin with to say its encoding."""

    mark: bytes
    codec: str
    """Python codec of what follows the mark."""
    codec_with_mark: str
    """Python codec that passes over the mark itself, for `open`."""


_BYTE_ORDER_MARKS = tuple(
    ByteOrderMark(mark=mark, codec=codec, codec_with_mark=codec_with_mark)
    for mark, codec, codec_with_mark in (
        (codecs.BOM_UTF8, "utf-8", "utf-8-sig"),
        # UTF-32's little-endian mark begins with UTF-16's, so UTF-32 is looked for first.
        (codecs.BOM_UTF32_LE, "utf-32-le", "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32-be", "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16"),  # what Excel calls "Unicode text"
        (codecs.BOM_UTF16_BE, "utf-16-be", "utf-16"),
    )
)
_ASCII = bytes(range(128))
_WIDER = {
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "big5": "big5hkscs",
    "shift-jis": "cp932",
    "euc-kr": "cp949",
    "x-user-defined": "cp1252",
    "replacement": "utf-8",
    "iso-8859-8-i": "iso-8859-8",
    "x-mac-cyrillic": "mac-cyrillic",
    "macintosh": "mac-roman",
    "windows-874": "cp874",
}
"""WHATWG's or Python's name, with hyphens, to the Python codec that reads at least as much."""
_SEVERAL_BYTES = frozenset(
    {"utf-8", "gb18030", "big5", "big5hkscs", "cp932", "cp949", "euc_jp", "iso2022_jp"}
)
"""Charsets in which not every row of bytes is a text: one that fits has evidence."""
_CHARSET_CODEC = re.compile(r"utf-(?:8|16|32)|gb|big5|euc|cp\d|iso|koi8|mac|johab|shift|ptcp")
"""Names of Python's codecs that are charsets; others pack or escape what they are given."""
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_DECLARATION = re.compile(
    rb"""<meta\b[^>]*?\bcharset\s*=\s*["']?\s*([\w.:-]+)"""
    rb"""|^\s*<\?xml\b[^>]*?\bencoding\s*=\s*["']([\w.:-]+)""",
    re.IGNORECASE,
)
_SHIFTS_TO_KANJI = re.compile(rb"\x1b\$[@B]")
_UNMARKED_WIDE = (
    (re.compile(rb"(?:\s\0)*<\0[!?hH]\0"), "utf-16-le"),
    (re.compile(rb"(?:\0\s)*\0<\0[!?hH]"), "utf-16-be"),
)
"""How markup begins in UTF-16 without a mark (https://html.spec.whatwg.org, "prescan", for XML).
Chinese text in it has hardly a zero byte, so statistics do not see it."""
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ufeff\ufffe\uffff]")
_TERMINAL_ORDERS = re.compile(
    "\x1b(?:\\[[0-?]{0,100}[ -/]{0,10}[@-~]"  # CSI: colours, the cursor
    # OSC and its like: titles, links; DCS: pictures. One that is not ended takes no text with it.
    "|(?:[\\]X^_][^\x07\x1b\n]{0,10000}+|P[^\x07\x1b\n]{0,1000000}+)(?:\x07|\x1b\\\\)"
    "|[()*+#%][0-~]|[78=>cDEHMNOZ])"
)
"""Escape sequences of terminals (ECMA-48), as programs write them into their logs: of these the
escape character alone is a control character."""
_CONTROLS = bytes({*range(32), 127} - {*b"\t\n\f\r"})
_NO_CHARACTERS = "\ufeff\ufffe\uffff"


def decode(body: bytes, *, claimed: str | None) -> str:
    r"""Return the text of `body`: no control characters, every line ended by "\n". Never raises.

    `claimed` is the charset of the Content-Type header. Of the charsets that are claimed, declared
    or guessed the first wins that leaves at most `MAX_DAMAGE` of the text unreadable.
    """
    found = find_byte_order_mark(body)
    if found:
        text = body[len(found.mark) :].decode(found.codec, "replace")
    elif wide := next((codec for start, codec in _UNMARKED_WIDE if start.match(body)), None):
        text = body.decode(wide, "replace")
    else:
        _, text = _decode_unmarked(body, claimed)
    lines = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    lines = lines.replace("\f", "\n")
    # A look for bytes takes a tenth of what the pattern takes, and most pages have none of them.
    known = lines.encode("utf-8", "surrogatepass")
    is_text = len(known.translate(None, delete=_CONTROLS)) == len(known)
    is_text = is_text and not any(map(lines.__contains__, _NO_CHARACTERS))
    return lines if is_text else without_terminal_orders(lines)


def without_terminal_orders(text: str) -> str:
    """Return a text without escape sequences of terminals and other control characters."""
    return _NOT_TEXT.sub("", _TERMINAL_ORDERS.sub("", text))


def find_byte_order_mark(body: bytes) -> ByteOrderMark | None:
    """Return the mark with which `body` begins, None if it has none."""
    return next((mark for mark in _BYTE_ORDER_MARKS if body.startswith(mark.mark)), None)


def guess_codec(body: bytes) -> str:
    """Return the Python codec in which `decode` reads bytes without a byte order mark."""
    return _decode_unmarked(body, None)[0]


def fitting_codec(body: bytes, labels: Iterable[str]) -> str:
    """Return the codec of the first label in which all of `body` is text, "" if there is none.

    UTF-8 goes before the labels, unless a few bytes may be well-formed in it by accident.
    """
    codecs_of_labels = list(filter(None, map(_codec_of_label, dict.fromkeys(labels))))
    is_short = len(body.translate(None, delete=_ASCII)) < UTF8_EVIDENCE
    if not (is_short and any(codec in _SEVERAL_BYTES for codec in codecs_of_labels)):
        codecs_of_labels.insert(0, "utf-8")
    for codec in codecs_of_labels:
        try:
            body.decode(codec)
        except ValueError:
            continue
        return codec
    return ""


def widen_codec(name: str) -> str:
    """Return the Python codec that reads what `name` reads, and the characters vendors added to it.

    "gbk" becomes "gb18030": files that call themselves GBK or GB 2312 hold characters of the later
    standard, as browsers know. `name` is WHATWG's or Python's.

    Raises:
        LookupError: there is no such codec.
    """
    return codecs.lookup(_WIDER.get(name.lower().replace("_", "-"), name)).name


def _decode_unmarked(body: bytes, claimed: str | None) -> tuple[str, str]:
    """Return the codec that fits best, and the text that it makes."""
    least, best = 1.0, ("", "")
    for codec in _candidates(body, claimed):
        text = body.decode(codec, "replace")
        damage = 0.0
        if lost := text.count("\ufffd"):
            damage = lost / (len(text) - len(text.encode("ascii", "ignore")))
        if damage <= MAX_DAMAGE:
            return codec, text
        if damage < least:
            least, best = damage, (codec, text)
    return best if best[0] else ("cp1252", body.decode("cp1252", "replace"))


def _candidates(body: bytes, claimed: str | None) -> Iterator[str]:
    """Yield Python codecs, the likeliest first."""
    labels = (claimed, _parse_declaration(body))
    declared = [codec for label in labels if label and (codec := _codec_of_label(label))]
    # Servers send latin-1 as a default for all their files, so a page's own <meta> goes first.
    declared.sort(key=lambda codec: codec == "cp1252")
    foreign = len(body.translate(None, delete=_ASCII))
    if _SHIFTS_TO_KANJI.search(body):
        # Seven bits wide: every other codec reads it without damage, as ASCII junk.
        yield "iso2022_jp"
    if foreign >= UTF8_EVIDENCE or (foreign and not declared):
        yield "utf-8"
    yield from (codec for codec in declared if codec in _SEVERAL_BYTES)
    import chardet  # noqa: PLC0415  its tables take long, and what is in UTF-8 needs none

    name = chardet.detect(body[:GUESS_WINDOW])["encoding"] or ""
    # Markup in two or four bytes a character is half zeros; a few stray zeros are damage, which
    # chardet takes for UTF-16 anyway.
    stray = name.upper().startswith(("UTF-16", "UTF-32")) and body.count(0) * 5 <= len(body)
    guess = widen_codec(name) if name and not stray else None
    if guess in _SEVERAL_BYTES and not set(declared) - {"cp1252"}:
        yield guess  # the bytes are better evidence than latin-1, which servers send as a default
    # A charset of single bytes reads anything, so the bytes cannot contradict the declaration.
    yield from declared
    if guess:
        yield guess
    yield from ("utf-8", "gb18030", "cp1252")


def _codec_of_label(label: str) -> str:
    """Return the Python codec that a label stands for, "" if it stands for none."""
    bare = label.strip(" \"'")
    encoding = webencodings.lookup(bare)
    if encoding:
        return widen_codec(encoding.name)
    # Not WHATWG's, but in use: "cp936", and "eucgb2312_cn", as Python's own mails have it.
    try:
        name = widen_codec(codecs.lookup(bare).name)
    except (LookupError, ValueError):
        return ""
    return name if _CHARSET_CODEC.match(name) else ""


def _parse_declaration(body: bytes) -> str | None:
    """Return the label that the page's own <meta> or XML declaration names."""
    match = _DECLARATION.search(_COMMENT.sub(b"", body[:META_WINDOW]))
    if match is None:
        return None
    label: str = (match[1] or match[2]).decode("ascii", "replace")
    # The declaration was found byte by byte, so it cannot be in UTF-16 (WHATWG, "prescan").
    return "utf-8" if label.lower().startswith("utf-16") else label
