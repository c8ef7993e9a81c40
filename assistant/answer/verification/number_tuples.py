"""Numbers that belong together in one order: 3-1, 16:9, 120/80, 1920×1080, 3比1."""

import re
from collections.abc import Sequence

from assistant.answer.verification.quantities import Quantity

_PART = r"\d{1,7}(?:\.\d+)?"
_JOINT = r"\s?(?:[:：/×xX*∶比]|-|–|—|乘以?|by|to)\s?"
# A digit or a sign of the same kind on either side makes it another thing: an address, a range of
# pages in a longer run, a decimal.
_TUPLE = re.compile(rf"(?<![A-Za-z\d./:×-]){_PART}(?:{_JOINT}{_PART})+(?![\d./:×-]*\d)")
_NUMBER = re.compile(_PART)

NumberTuple = tuple[float, ...]


def scan_number_tuples(text: str, figures: Sequence[Quantity]) -> tuple[NumberTuple, ...]:
    """Return the tuples of a text whose words are digits already, dates and times left out.

    Args:
        text: What was scanned.
        figures: What `scan_figures` found in it; a date may be written in any order.
    """
    apart = [(one.start, one.end) for one in figures if one.kind in ("date", "time")]
    return tuple(
        tuple(float(part) for part in _NUMBER.findall(found[0]))
        for found in _TUPLE.finditer(text)
        if not any(found.start() < end and start < found.end() for start, end in apart)
    )
