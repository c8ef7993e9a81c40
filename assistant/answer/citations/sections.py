"""Tells under which heading of a passage a quote stands: a passage may hold several sections."""

from assistant.answer.evidence.units import split_into_units
from assistant.values import Passage


def section_of(passage: Passage, end: int) -> str:
    """Return the heading above what ends at character `end` of the passage's text.

    0 stands for a place that is not known: the passage's own heading is returned.
    """
    # By its end: a sentence may begin with the heading itself, which is no unit.
    above = [unit for unit in split_into_units(passage) if unit.start < end] if end else []
    return max(above, key=lambda unit: unit.start).heading if above else passage.heading
