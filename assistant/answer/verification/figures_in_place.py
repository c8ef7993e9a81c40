"""Whether a figure of a claim stands where the window has another one."""

import math
from typing import Literal

from assistant.answer.verification.alignment import GOVERNED, AlignedTexts, Slot
from assistant.answer.verification.numbers.quantities import Quantity
from assistant.answer.verification.numbers.units import is_same_dimension
from assistant.answer.verification.roles import is_total

RESTATED_WITHIN = 0.02
"""Relative difference of a share and the round one that it makes exact."""


def figures_in_place(slot: Slot, texts: AlignedTexts) -> Literal["unit", "figure"] | None:
    """Return what is otherwise where figures stand in each other's place; None where nothing is."""
    claimed = [t.figure for t in slot.claimed if t.figure]
    held = [t.figure for t in slot.held if t.figure]
    if not claimed or not held:
        return None
    other_claimed = [
        f
        for f in claimed
        if not any(f.equals(g) for g in held) and not is_total(f, texts.claim, texts.window)
    ]
    other_held = [
        g
        for g in held
        if not any(f.equals(g) for f in claimed)
        and not any(_is_no_rival(f, g, texts) for f in other_claimed)
        # Nor a year that the claim has, too, in a count's place: 一场火灾, 1921年.
        and not (
            any(g.equals(f) for f in texts.claim.figures)
            and all(f.weak and f.kind != g.kind for f in other_claimed)
        )
    ]
    # A long stretch of the window is not "in the place" of two words.
    if not other_claimed or not other_held or len(slot.held) > len(slot.claimed) + GOVERNED:
        return None
    moved = [t for t in slot.claimed if t.figure in other_claimed]
    # 一个 is everywhere, so that it is elsewhere, too, says nothing.
    if all(texts.travels(slot, t) and not (t.figure and t.figure.weak) for t in moved):
        return None
    return "unit" if other_claimed[0].has_same_value(other_held[0]) else "figure"


def _is_no_rival(figure: Quantity, other: Quantity, texts: AlignedTexts) -> bool:
    """Return whether a figure that the window has elsewhere takes another's place by chance.

    80 km that of 2.5 t, where nothing else could be exchanged with it; 75.4 % that of "three
    quarters, 75.4 %", which it makes exact.
    """
    if not any(figure.equals(one) for one in texts.window.figures):
        return False
    if "ratio" in (figure.dimension, other.dimension):
        return math.isclose(figure.base, other.base, rel_tol=RESTATED_WITHIN)
    alone = len(texts.claim.figures) == 1
    return alone and not is_same_dimension(figure.dimension, other.dimension)
