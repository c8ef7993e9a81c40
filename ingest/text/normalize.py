"""Text as it is compared: for finding alone, never for showing.

Words of the index, queries, pruning, evidence and citations are read from what `normalize_text`
returns, and multilingual-e5-small embeds it. all-MiniLM-L6-v2 and Ollama's models embed text as it
was written: their vectors would be of another space. Pages and passages keep their text, and
character ranges point into that.
"""

import functools
import re
import unicodedata
import zlib
from pathlib import Path

_IDEOGRAPHS = Path(__file__).with_name("ideographs.txt")

SPACED_OUT = 4
"""Ideographs in a row with spaces between all of them: so many are OCR or print, no list."""
LETTER_SPACED = 5
"""The same of Latin letters: "a b c d" may be a list of names."""

# Unicode's property Default_Ignorable_Code_Point (DerivedCoreProperties.txt, 16.0): soft hyphens,
# zero-width spaces and joiners, bidirectional marks, variation selectors, tags, Hangul fillers.
_IGNORABLE_BMP = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
)
IGNORABLE = re.compile(
    f"[{_IGNORABLE_BMP}\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
"""What no reader sees, and a model may."""
# What decides whether to look closer is fast on pages where nothing is found, which are nearly all:
# a class within the first 65,536 characters is one look-up, a pattern with a literal space memchr.
_MAY_IGNORE = re.compile(f"[{_IGNORABLE_BMP}]")
_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")
_BROKEN_WORD = re.compile(r"(?<=[^\W\d_])(?P<hyphen>[-\u2010])\n[ \t]*(?=[^\W\d_])")
_SOFT_BREAK = re.compile(r"\u00ad\n[ \t]*(?=[^\W\d_])")
# Between digits a space that does not break the line means one thing only. NFKC makes it a plain
# one, which may as well stand between two numbers.
_NARROW_GAPS = "\u00a0\u2007\u2009\u202f"
_DIGIT_GROUP = re.compile(rf"(?<=\d)(?<!\d{{4}})[{_NARROW_GAPS}](?=\d{{3}}(?!\d))")

# Ideographs, kana, Cyrillic…: Python compiles this class in no time, and one that names the ranges
# in milliseconds, which every command would wait for.
_WIDE = r"[^\W\x00-\u024f]"
_MARK = "[!-/:-?\u00b7\u30fb]|[\u2014-\u2026]|[\u3001-\u3011]|[\uff01-\uff20]"
_GAP = "[ \u00a0\u3000]{1,2}"
_MAY_BE_SPACED = re.compile(f" {_WIDE}  ?{_WIDE} ")
_MAY_BE_SPACED_WIDELY = re.compile(f"[\u00a0\u3000]{_WIDE}[ \u00a0\u3000]")
_SPACED_WIDE = re.compile(
    rf"(?:\b[A-Za-z0-9]{_GAP}){{0,8}}(?<!{_WIDE}){_WIDE}(?:{_GAP}(?:{_WIDE}(?!{_WIDE})|{_MARK}|[A-Za-z0-9]+\b))+"
)
_INNER_GAP = re.compile(
    rf"(?<={_WIDE}|{_MARK}){_GAP}|{_GAP}(?={_WIDE}|{_MARK})"
    rf"|(?<=\b[A-Za-z0-9]){_GAP}(?=[A-Za-z0-9]\b)"
)
_WIDE_CHARACTER = re.compile(_WIDE)
_MAY_BE_OLD = re.compile(rf"{_WIDE}|[\u2e80-\u2fdf]")  # radicals are no letters
_MAY_BE_LETTERS = re.compile(" [A-Za-z] [A-Za-z] [A-Za-z] ")
_SPACED_LETTERS = re.compile(rf"\b[A-Za-z](?: [A-Za-z]\b){{{LETTER_SPACED - 1},}}")


def normalize_text(text: str) -> str:
    r"""Return the text in the one spelling that all ways to write it share.

    * Default-ignorable code points vanish, without splitting the word in which they stand.
    * Text with spaces between all characters is joined: "字 间 空 格", "l e t t e r s".
    * A word broken at the end of a line is joined: "infor-\nmation".
    * Traditional ideographs and variants become simplified ones, character by character, so that
      no context can make the index and a question differ.

    Case and compatibility forms stay, for encoders: `ingest.text.words.words` folds them. What is
    normalised already is returned unchanged.
    """
    return _normalized(text, broken="")


def replace_surrogates(text: str) -> str:
    """Return the text with "?" for each half of a surrogate pair, which no encoding can carry.

    File names, cut documents and JSON hold such halves; tokenizers written in Rust refuse them.
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def fold_text(text: str) -> str:
    """Return the text from which words and figures are read: normalised, NFKC, without case.

    The hyphen of a word that a line breaks stays: whether it belongs to the word ("well-known") or
    to the line cannot be told, and `ingest.text.words.words` finds the word both ways.
    """
    text = _normalized(text, broken=r"\g<hyphen>")
    if any(gap in text for gap in _NARROW_GAPS):
        text = _DIGIT_GROUP.sub("", text)
    return unicodedata.normalize("NFKC", text).casefold()


def _normalized(text: str, *, broken: str) -> str:
    """Return the normalised text; `broken` takes the place of a hyphen and the line's end."""
    is_ascii = text.isascii()
    if not is_ascii and (_MAY_IGNORE.search(text) or _BEYOND_BMP.search(text)):
        # At the end of a line a soft hyphen says that the word goes on.
        text = IGNORABLE.sub("", _SOFT_BREAK.sub("", text))
    if "\n" in text:
        text = _BROKEN_WORD.sub(broken, text)
    if not is_ascii:
        wide = "\u3000" in text or "\u00a0" in text
        if _MAY_BE_SPACED.search(text) or (wide and _MAY_BE_SPACED_WIDELY.search(text)):
            text = _SPACED_WIDE.sub(_without_gaps, text)
        if _MAY_BE_OLD.search(text):
            table, characters = simplified_ideographs()
            if not characters.isdisjoint(text):
                text = text.translate(table)
    if _MAY_BE_LETTERS.search(text):
        text = _SPACED_LETTERS.sub(lambda found: found[0].replace(" ", ""), text)
    return text


def _without_gaps(found: re.Match[str]) -> str:
    if len(_WIDE_CHARACTER.findall(found[0])) < SPACED_OUT:
        return found[0]
    return _INNER_GAP.sub("", found[0])


@functools.cache
def simplified_ideographs() -> tuple[dict[int, str], frozenset[str]]:
    """Return the ideographs for which others stand, as table of `str.translate` and as a set.

    Shipped as a file and not asked of OpenCC: the full-text index is damaged when words are removed
    by another table than the one that inserted them, so no other release may bring another table.
    """
    lines = _IDEOGRAPHS.read_text("utf-8").partition("\n\n")[2].split()
    table = {
        ord(other): simplified
        for simplified, others in zip(lines[::2], lines[1::2], strict=True)
        for other in others
    }
    return table, frozenset(map(chr, table))


def ideographs_checksum() -> int:
    """Return what differs when the table of ideographs does, for the version of an index."""
    return zlib.crc32(_IDEOGRAPHS.read_bytes())
