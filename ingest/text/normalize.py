"""Text as it is compared: for finding alone, never for showing.

Index, queries, pruning, evidence, citations and the built-in encoder all see what `normalize_text`
returns. Pages and passages keep their text as it was written, and character ranges point into that.
"""

import functools
import re
from importlib.resources import files

from ingest.text.cjk import CJK

SPACED_OUT = 4
"""Ideographs in a row with spaces between all of them: so many are OCR or print, no list."""
LETTER_SPACED = 5
"""The same of Latin letters: "a b c d" may be a list of names."""

# Unicode's property Default_Ignorable_Code_Point (DerivedCoreProperties.txt, 16.0): soft hyphens,
# zero-width spaces and joiners, bidirectional marks, variation selectors, tags, Hangul fillers.
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
_BROKEN_WORD = re.compile(r"(?<=[^\W\d_])[-\u2010\u00ad]\n[ \t]*(?=[^\W\d_])")
_GAP = "[ \u00a0\u3000]{1,2}"
_MARK = "、。，．！？；：（）「」《》“”…,.!?;:()%℃"
_SPACED_CJK = re.compile(
    rf"(?<![{CJK}])[{CJK}](?:{_GAP}(?:[{CJK}](?![{CJK}])|[{_MARK}]|[A-Za-z0-9]+\b))+"
)
_SPACED_LETTERS = re.compile(rf"\b[A-Za-z](?: [A-Za-z]\b){{{LETTER_SPACED - 1},}}")
_TWO_GAPS = re.compile(rf"{_GAP}[{CJK}]{_GAP}")
_INNER_GAP = re.compile(
    rf"(?<=[{CJK}{_MARK}]){_GAP}|{_GAP}(?=[{CJK}{_MARK}])|(?<=\b[A-Za-z0-9]){_GAP}(?=[A-Za-z0-9]\b)"
)
_CJK_CHARACTER = re.compile(rf"[{CJK}]")


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
    if "\n" in text:
        # Before soft hyphens vanish: at the end of a line they say that the word goes on.
        text = _BROKEN_WORD.sub("", text)
    if not text.isascii():
        text = _IGNORABLE.sub("", text)
        if _TWO_GAPS.search(text):
            text = _SPACED_CJK.sub(_without_gaps, text)
        table = _simplified()
        if not table.keys().isdisjoint(map(ord, text)):
            text = text.translate(table)
    return _SPACED_LETTERS.sub(lambda found: found[0].replace(" ", ""), text)


def _without_gaps(found: re.Match[str]) -> str:
    if len(_CJK_CHARACTER.findall(found[0])) < SPACED_OUT:
        return found[0]
    return _INNER_GAP.sub("", found[0])


@functools.cache
def _simplified() -> dict[int, str]:
    """Return the ideographs that stand for others, for `str.translate`.

    Shipped as a file and not asked of OpenCC: the full-text index is damaged when words are removed
    by another table than the one that inserted them, so no other release may bring another table.
    """
    table: dict[int, str] = {}
    for line in (files("ingest.text") / "ideographs.txt").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            simplified, others = line.split(" ")
            table.update(dict.fromkeys(map(ord, others), simplified))
    return table
