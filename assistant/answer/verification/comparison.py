"""Whether a sentence says what one or two sentences of a passage say.

Both are aligned token by token (Ratcliff and Obershelp's matching blocks, `difflib`). What stands
in the claim where the passage has something else decides: another figure, name, negation or
opposite contradicts; what is only added or left out does not, as long as figures, names and most
words are there.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from assistant.answer.verification.alignment import (
    GOVERNED,
    LONGEST_OPPOSITE,
    SHORTEST_TERM,
    AlignedTexts,
    Slot,
    core_ideographs,
    governed_places,
    is_rotated,
    is_same_clauses,
    points_back,
)
from assistant.answer.verification.bounds import (
    bounds_are_exchanged,
    changes_are_exchanged,
    directions_are_exchanged,
    rates_are_exchanged,
)
from assistant.answer.verification.exceptions import excepted_is_denied, exception_is_left_out
from assistant.answer.verification.opposites import (
    exchanged_run,
    kinds_are_exchanged,
    kinds_of_ideographs,
    words_are_opposed,
)
from assistant.answer.verification.predicates import (
    kind_has_other_predicate,
    predicates_are_exchanged,
)
from assistant.answer.verification.quantities import Quantity
from assistant.answer.verification.roles import (
    clauses_are_mixed,
    is_counted,
    is_total,
    roles_are_exchanged,
    tuples_are_reordered,
)
from assistant.answer.verification.tokens import NEGATION, SentenceText, Token
from assistant.answer.verification.value_segments import figures_are_of_others
from assistant.values import VerdictReason
from ingest.text.numerals import NUMERAL_CHARACTERS

OVERLAP_FLOOR = 0.6
"""Share of a claim's content words that must be in the sentences compared with it."""

LONGEST_SYNONYM = 2
"""Ideographs that a writer may replace by others of the same sense: 开启 for 打开."""

_ARTICLES = frozenset(("a", "an"))
"""Not "the": the device is the camera."""
_PRONOUNS = frozenset(
    re.findall(
        r"\w+",
        """
    he she it they him her them his their its this that these those who which i we you
    the a an former latter one both neither
    """,
    )
)
_NOT_NAMES = ("ing", "ed", "ly", "s")


@dataclass(slots=True)
class ClaimComparison:
    """What of a claim a window of a passage does not say."""

    share: float
    """Share of the claim's content words that are in the window."""
    missing: dict[VerdictReason, None] = field(default_factory=dict)
    """What is not there; other sentences may hold it."""
    contradicted: dict[VerdictReason, None] = field(default_factory=dict)
    """What is there otherwise."""

    @property
    def supports(self) -> bool:
        """Return whether the window says what the claim says."""
        return not self.missing and not self.contradicted

    @property
    def reasons(self) -> tuple[VerdictReason, ...]:
        """Return all that speaks against, what contradicts first."""
        return tuple({**self.contradicted, **self.missing})


@dataclass(frozen=True, slots=True)
class PassageContext:
    """What a passage says besides the sentences compared, and what all others say."""

    words: frozenset[str]
    """Words of title and heading."""
    keys: frozenset[str]
    """Keys of all tokens of the passage, its title and its heading."""
    figures: tuple[Quantity, ...]
    """Figures of title and heading."""
    letters_of_all: str
    """Text of all passages without white space."""
    keys_of_all: frozenset[str]


def compare_claim(
    claim: SentenceText,
    window: SentenceText,
    context: PassageContext,
    *,
    floor: float = OVERLAP_FLOOR,
) -> ClaimComparison:
    """Return what of the claim the window does not say."""
    return _Comparer(claim, window, context).compare(floor)


def word_share(claim: SentenceText, held: frozenset[str], context: frozenset[str]) -> float:
    """Return the share of the claim's words that a window, or the heading above it, has."""
    if not claim.words:
        return 1.0
    # As differences of sets, for it is asked of every sentence of every passage.
    return 1 - len(claim.words - context - held - claim.glue) / len(claim.words)


class _Comparer:
    def __init__(self, claim: SentenceText, window: SentenceText, context: PassageContext) -> None:
        self._claim = claim
        self._window = window
        self._context = context
        self._texts = AlignedTexts(claim, window)
        self._window_keys = self._texts.window_keys
        self._claim_keys = self._texts.claim_keys
        self._matched = self._texts.matched
        self._result = ClaimComparison(word_share(claim, window.words, context.words))

    def compare(self, floor: float) -> ClaimComparison:
        if self._result.share < floor:
            self._result.missing["words"] = None
        self._check_figures()
        # Every name has to be somewhere in the passage.
        if any(t.is_name and t.key not in self._context.keys for t in self._claim.tokens):
            self._result.missing["name"] = None
        self._check_negations()
        for tag, a, b, c, d in self._texts.opcodes:
            if tag != "replace":
                continue
            slot = Slot(self._claim.tokens[a:b], self._window.tokens[c:d], a)
            self._check_figures_in_place(slot)
            said = [t for t in slot.said if not self._texts.is_moved(t)]
            if words_are_opposed(_words_of(said), _words_of(slot.held)):
                self._result.contradicted["polarity"] = None
            self._check_names_in_place(slot)
            self._check_ideographs_in_place(slot)
        if not is_same_clauses(self._claim, self._window):
            self._check_order()
        self._check_exchanges()
        return self._result

    def _check_figures(self) -> None:
        held = (*self._window.figures, *self._context.figures)
        tokens = self._window.tokens
        counted = {i for i in range(len(tokens)) if is_counted(tokens, i)}
        for figure in self._claim.figures:
            if figure.weak or any(figure.equals(other) for other in self._context.figures):
                continue
            places = {i for i, t in enumerate(tokens) if t.figure and figure.equals(t.figure)}
            if places - counted if figure.dimension else places:
                continue
            if is_total(figure, self._claim, self._window):
                continue
            # 249 kg for 249 g is another error than 294 g, and the message says which.
            same = any(figure.has_same_value(other) for other in held)
            self._result.missing["unit" if same else "figure"] = None

    def _check_exchanges(self) -> None:
        """Find what is in the window, in another part: kinds, bounds, ends, counts."""
        claim, window = self._claim, self._window
        # A rule between paragraphs ("* * *") or an emoji alone has no tokens: nothing to exchange.
        if not claim.tokens or not window.tokens:
            return
        if (
            kinds_are_exchanged(_kinds_in(claim), _kinds_in(window))
            or bounds_are_exchanged(claim, window)
            or changes_are_exchanged(claim, window)
            or exception_is_left_out(claim, window)
            or directions_are_exchanged(claim, window)
            or kind_has_other_predicate(claim, window)
        ):
            self._result.contradicted["polarity"] = None
        if (
            roles_are_exchanged(claim, window)
            or figures_are_of_others(claim, window)
            or clauses_are_mixed(claim, window)
            or tuples_are_reordered(claim, window)
            or predicates_are_exchanged(claim, window)
        ):
            self._result.contradicted["order"] = None
        if rates_are_exchanged(claim, window):
            self._result.contradicted["unit"] = None

    def _check_negations(self) -> None:
        tokens = self._claim.tokens
        held = self._window.tokens
        matched_held = self._texts.matched_held
        spare = [i for i, t in enumerate(held) if t.kind == "negation" and i not in matched_held]
        is_excepted = NEGATION in self._claim.keys and excepted_is_denied(self._claim, self._window)
        for index, token in enumerate(tokens):
            if token.kind != "negation" or index in self._matched:
                continue
            governed = governed_places(tokens, index)
            places = [p for i in governed if (p := self._texts.place_held(i)) is not None]
            near = any(0 < place - other <= GOVERNED for place in places for other in spare)
            if is_excepted:
                continue
            if not spare or (places and not near):
                self._result.contradicted["polarity"] = None
        # The other way round: the window denies what the claim says. A denial of something that the
        # claim leaves out does not concern it, so most of what is denied must be in the claim.
        for index in spare:
            governed = governed_places(held, index)
            places = [p for i in governed if (p := self._texts.place_said(i)) is not None]
            if (
                governed
                and not is_excepted
                and len(places) * 2 > len(governed)
                and not any(
                    token.key == NEGATION and token.clause == tokens[place].clause
                    for place in places
                    for token in tokens[max(0, place - GOVERNED - 1) : place]
                )
            ):
                self._result.contradicted["polarity"] = None

    def _check_figures_in_place(self, slot: Slot) -> None:
        said = [t.figure for t in slot.said if t.figure]
        held = [t.figure for t in slot.held if t.figure]
        other_said = [
            f
            for f in said
            if not any(f.equals(g) for g in held) and not is_total(f, self._claim, self._window)
        ]
        other_held = [g for g in held if not any(f.equals(g) for f in said)]
        # A long stretch of the window is not "in the place" of two words.
        if not other_said or not other_held or len(slot.held) > len(slot.said) + GOVERNED:
            return
        moved = [t for t in slot.said if t.figure in other_said]
        # 一个 is everywhere, so that it is elsewhere, too, says nothing.
        if all(self._texts.travels(slot, t) and not (t.figure and t.figure.weak) for t in moved):
            return
        same = other_said[0].has_same_value(other_held[0])
        self._result.contradicted["unit" if same else "figure"] = None

    def _check_names_in_place(self, slot: Slot) -> None:
        held_keys = {token.key for token in slot.held}
        said_keys = {token.key for token in slot.said}
        said = [t for t in slot.said if _may_be_name(t) and t.key not in held_keys]
        held = [
            t
            for t in slot.held
            if _may_be_name(t) and t.key not in said_keys and t.key not in _PRONOUNS
        ]
        if not said:
            if self._is_other_noun(slot):
                self._result.contradicted["name"] = None
            return
        if not held:
            # "Renewable Energy" for "nuclear power": a term of elsewhere in the place of a noun.
            nouns = [t for t in slot.held if t.content]
            pointed = any(token.key in _PRONOUNS for token in slot.held)
            elsewhere = [t for t in said if t.is_name and t.key not in self._window_keys]
            if nouns and elsewhere and not pointed and len(slot.held) <= len(slot.said) + 1:
                self._result.contradicted["name"] = None
            return
        if all(self._texts.travels(slot, token) for token in said):
            return
        # Two capitalised first words may be nouns: then one of them has to be known as a name.
        # "Pierre Curie" for "Marie Curie": what is before a name that both have is one, too.
        sure = any(t.is_name for t in (*said, *held)) or self._begins_name(slot)
        if not sure and all(t.key not in self._context.keys_of_all for t in said):
            return
        swapped = all(t.key in self._window_keys for t in said) and any(
            t.key in self._claim_keys for t in held
        )
        self._result.contradicted["order" if swapped else "name"] = None

    def _is_other_noun(self, slot: Slot) -> bool:
        """Return whether one noun is in another's place, which the passage has elsewhere.

        "Her brother was a physicist" where he was a composer, and a physicist is spoken of.
        """
        said, held = ([t for t in run if t.content] for run in (slot.said, slot.held))
        if len(said) != 1 or len(held) != 1 or {said[0].kind, held[0].kind} != {"word"}:
            return False
        word, other = said[0], held[0]
        before, before_other = (
            tokens[max(0, tokens.index(one) - 1)].key
            for tokens, one in ((self._claim.tokens, word), (self._window.tokens, other))
        )
        return (
            before in _ARTICLES
            and before_other in _ARTICLES
            and word.key in self._context.keys
            and word.key not in self._window_keys
            and other.key not in self._claim_keys
        )

    def _begins_name(self, slot: Slot) -> bool:
        """Return whether a slot of one word each stands directly before a name."""
        behind = slot.said_start + len(slot.said)
        tokens = self._claim.tokens
        single = len(slot.said) == len(slot.held) == 1
        return single and behind < len(tokens) and tokens[behind].is_name

    def _check_ideographs_in_place(self, slot: Slot) -> None:
        said = "".join(t.key for t in slot.said if t.kind == "ideograph")
        held = "".join(t.key for t in slot.held if t.kind == "ideograph")
        latin = [t for t in slot.said if t.kind == "word" and t.key not in self._window_keys]
        ideographs = sum(t.kind == "ideograph" and t.content for t in slot.held)
        if not said and latin and ideographs >= SHORTEST_TERM and not points_back(held):
            # A Latin name in the place of a Chinese one, unless it is its translation.
            if any(t.key in self._context.keys_of_all for t in latin):
                self._result.contradicted["name"] = None
            return
        # Chinese has no capitals, so here the length of a run and where else it stands decide.
        if not said or not slot.held:
            return
        otherwise = exchanged_run(said, held) if len(said) <= LONGEST_OPPOSITE else None
        if otherwise or self._texts.ends_in_opposites(slot):
            self._result.contradicted[otherwise or "polarity"] = None
            return
        numerals = NUMERAL_CHARACTERS.intersection(said), NUMERAL_CHARACTERS.intersection(held)
        is_other_numeral = len(said) == len(held) and all(numerals) and numerals[0] != numerals[1]
        if is_other_numeral or self._texts.is_other_count(slot):
            self._result.contradicted["figure"] = None
            return
        content = sum(t.content for t in slot.said if t.kind == "ideograph")
        held_content = sum(t.content for t in slot.held)
        if content < SHORTEST_TERM or not held_content or points_back(held):
            return
        if said in self._window.letters:
            # A run that has both its neighbours in the window, too, was only moved.
            keys, end = self._claim.keys, slot.said_start + len(slot.said)
            before = "".join(keys[max(0, slot.said_start - 1) : slot.said_start])
            after = "".join(keys[end : end + 1])
            if before + said + after not in self._window.letters:
                swapped = held in self._claim.letters
                self._result.contradicted["order" if swapped else "name"] = None
        # What is said of 李敏 and begins with 张伟在.
        elif content > LONGEST_SYNONYM or (
            (said if slot.said_start else core_ideographs(slot.said))
            in self._context.letters_of_all
        ):
            self._result.contradicted["name"] = None

    def _check_order(self) -> None:
        """Find what was exchanged around words that stayed: B beat A for A beat B.

        The claim then lacks a run on one side of a matched block and the window the same tokens, in
        another order, on its other side.
        """
        for first, block, second in zip(
            self._texts.opcodes, self._texts.opcodes[1:], self._texts.opcodes[2:], strict=False
        ):
            if block[0] != "equal" or {first[0], second[0]} != {"delete", "insert"}:
                continue
            deleted, inserted = (first, second) if first[0] == "delete" else (second, first)
            said = self._claim.tokens[deleted[1] : deleted[2]]
            held = self._window.tokens[inserted[3] : inserted[4]]
            if is_rotated(said, held):
                self._result.contradicted["order"] = None


def _may_be_name(token: Token) -> bool:
    """Return whether a token is a name, or a capitalised first word that is likely one."""
    if token.is_name:
        return True
    likely = token.kind == "word" and token.capital and token.content and token.first
    return likely and not token.text.lower().endswith(_NOT_NAMES)


def _words_of(tokens: Sequence[Token]) -> list[str]:
    return [token.text.lower() for token in tokens if token.kind == "word" and token.text]


def _kinds_in(text: SentenceText) -> frozenset[str]:
    return frozenset(_words_of(text.tokens)) | kinds_of_ideographs(text.letters)
