"""Whether one run of ideographs is another in other words, though no run says where words end."""

from assistant.answer.verification.alignment import SHORTEST_TERM, AlignedTexts, Slot
from assistant.answer.verification.opposites import runs_are_opposed
from assistant.answer.verification.tokens import GLUE_CJK

_MODALS_CJK = frozenset("要用会能可该需应当")
LONGEST_SYNONYM = 2
"""Ideographs that the window lacks and that may still be a word for another."""


def is_reworded(slot: Slot, texts: AlignedTexts) -> bool:
    """Return whether a run has the window's own words, moved, and no name is left over for them.

    Of 新服务器会推迟 for 要晚 only 推迟 is new, and only 晚 is gone: no name has so few.
    """
    figures = [t.figure for t in slot.held if t.figure and not t.figure.weak]
    if "比" in {t.key for t in slot.claimed} or any(
        not any(figure.equals(other) for other in texts.claim.figures) for figure in figures
    ):
        return False
    if "只有" in "".join(t.key for t in slot.claimed) or any(
        t.kind in ("word", "negation") and t.key not in texts.claim_keys for t in slot.held
    ):
        return False  # more than the window says; a denial, a title or a name of another script
    end = slot.claim_start + len(slot.claimed)
    behind = texts.claim.keys[end : end + 1]
    if runs_are_opposed(*("".join((run[-1].key, *behind)) for run in (slot.claimed, slot.held))):
        return False  # 常见 for 少见
    added = {t.key for t in slot.claimed if t.kind == "ideograph" and t.content}
    gone = {t.key for t in slot.held if t.kind == "ideograph" and t.content}
    # A word that both have elsewhere keeps none of its ideographs here: 费 of 运费 for 消费者.
    spare = {t.key for i, t in enumerate(texts.claim.tokens) if i not in texts.matched}
    spare.update(t.key for t in slot.claimed)
    return (
        len(added - texts.window.ideographs - GLUE_CJK) <= LONGEST_SYNONYM
        and len(gone - spare - _MODALS_CJK) < SHORTEST_TERM
    )
