"""A claim and a window of a passage, aligned token by token (`difflib`): where each stands."""

from dataclasses import dataclass
from difflib import SequenceMatcher

from assistant.answer.verification.alignment import joined_opcodes
from assistant.answer.verification.opposites import kind_words, runs_are_opposed
from assistant.answer.verification.tokens import SentenceText, Token

LONGEST_OPPOSITE = 3
"""Ideographs of a run that may be the opposite of another: 战胜, 不必."""
MODIFIERS = frozenset("冷热大小高低长短前后内外新旧快慢早晚干湿男女左右")
"""Ideographs that tell one of a kind from its opposite before the word that both have."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A run of the claim, and what the window has in its place."""

    said: tuple[Token, ...]
    held: tuple[Token, ...]
    said_start: int


class AlignedTexts:
    """Where the tokens of a claim stand in a window, and the other way round."""

    def __init__(self, claim: SentenceText, window: SentenceText) -> None:
        self.claim = claim
        self.window = window
        self.window_keys = frozenset(window.keys)
        self.claim_keys = frozenset(claim.keys)
        # Without `autojunk`: in long windows it would ignore the commonest ideographs.
        matcher = SequenceMatcher(None, claim.keys, window.keys, autojunk=False)
        self.matched: dict[int, int] = {}
        for block in matcher.get_matching_blocks():
            for offset in range(block.size):
                self.matched[block.a + offset] = block.b + offset
        self.matched_held = {other: index for index, other in self.matched.items()}
        self.opcodes = joined_opcodes(matcher.get_opcodes(), claim.tokens)

    def place_held(self, index: int) -> int | None:
        """Return where the window has a token of the claim: aligned, or a content word anywhere.

        "Passwords are stored" is aligned with "does not store passwords" by one of two words.
        """
        token = self.claim.tokens[index]
        if index in self.matched or not token.content or token.kind != "word":
            return self.matched.get(index)
        return self.window.keys.index(token.key) if token.key in self.window_keys else None

    def place_said(self, index: int) -> int | None:
        """Return where the claim has a token of the window, as `_place_held` does."""
        token = self.window.tokens[index]
        if index in self.matched_held or not token.content or token.kind != "word":
            return self.matched_held.get(index)
        return self.claim.keys.index(token.key) if token.key in self.claim_keys else None

    def travels(self, slot: Slot, token: Token) -> bool:
        """Return whether a token is elsewhere in the window as it is in the claim.

        A phrase that was only moved takes its preposition along ("in 2004", "with 30 people"), a
        name that was put in another's place gets that one's.
        """
        place = slot.said.index(token)
        index = slot.said_start + place
        keys, held = self.claim.keys, self.window.keys
        before = keys[max(0, index - 1) : index]
        after = keys[index + 1 : index + 2]
        carried = bool(place) and not slot.said[place - 1].capital
        for other, key in enumerate(held):
            # One that another word of the claim stands for is no place to have come from.
            free = key == token.key and other not in self.matched_held
            if free and index == 0 and after == held[other + 1 : other + 2] == ("say",):
                return True  # "Levy said that it …" for "It …, Levy said"
            beside = free and before == held[max(0, other - 1) : other]
            if beside and (carried or after == held[other + 1 : other + 2]):
                return True
        return False

    def is_moved(self, token: Token) -> bool:
        """Return whether the window has a season or a day elsewhere, behind the same preposition.

        What is said of it there is looked at by itself (`kind_has_other_predicate`).
        """
        if token.key not in self.window_keys or not kind_words([token]):
            return False
        claim, held = self.claim.keys, self.window.keys
        before = claim[max(0, claim.index(token.key) - 1) : claim.index(token.key)]
        at = held.index(token.key)
        return at not in self.matched_held and before == held[max(0, at - 1) : at]

    def ends_in_opposites(self, slot: Slot) -> bool:
        """Return whether opposites stand before the same word: 热水 and 冷水 in longer runs."""
        behind = slot.said_start + len(slot.said)
        said, held = slot.said[-1], slot.held[-1]
        return (
            said.key in MODIFIERS
            and max(len(slot.said), len(slot.held)) > LONGEST_OPPOSITE
            and behind in self.matched
            and self.claim.tokens[behind].clause == said.clause
            and runs_are_opposed(said.key, held.key)
        )
