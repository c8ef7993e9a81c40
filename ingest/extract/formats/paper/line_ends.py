"""Lines of paper made one: words that were broken at their ends, ideographs without blanks."""

import re
from collections import Counter

from ingest.extract.formats.paper.columns import ASIAN_PUNCTUATION
from ingest.text.cjk import CJK

HYPHENS = "\ufffe\u00ad\u0002\u2010"
"""What pdfium makes of a hyphen that a program set at the end of a line, and soft hyphens."""
MAX_WORD_LETTERS = 100
"""Letters of a broken word that are looked at: a search from the beginning of the text would go
through all of it for each line of a book."""


def join_line(text: str, line: str, vocabulary: Counter[str]) -> str:
    """Return a text with the next line behind it, a word that was broken made whole."""
    if text[-1] in HYPHENS or (text[-1] == "-" and text[-2:-1].isalpha()):
        head = re.search(r"[\w-]*$", text[-MAX_WORD_LETTERS:-1])
        tail = re.match(r"\w*", line)
        start, end = (head[0] if head else ""), (tail[0] if tail else "")
        whole, hyphened = (start + end).casefold(), f"{start}-{end}".casefold()
        # Evidence first: how the word is elsewhere. Compounds of capitals keep theirs.
        is_compound = vocabulary[hyphened] > vocabulary[whole] or "-" in start
        if is_compound or not end[:1].islower():
            return f"{text[:-1]}-{line}"
        return text[:-1] + line
    asian = f"[{CJK}{ASIAN_PUNCTUATION}]"
    if re.match(asian, text[-1:]) and re.match(asian, line):
        return text + line  # Chinese and Japanese are written without spaces
    return f"{text} {line}"
