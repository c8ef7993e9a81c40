"""Whether a sentence says what one or two sentences of a passage say.

Both are aligned token by token (Ratcliff and Obershelp's matching blocks, `difflib`). What stands
in the claim where the passage has something else decides: another figure, name, negation or
opposite contradicts; what is only added or left out does not, as long as figures, names and most
words are there.
"""

import re
from dataclasses import dataclass, field

from assistant.answer.verification.alignment import (
    GOVERNED,
    LONGEST_OPPOSITE,
    SHORTEST_TERM,
    AlignedTexts,
    Slot,
    core_ideographs,
    count_content_ideographs,
    denies_other,
    ends_clause,
    governed_places,
    is_counted_noun,
    is_other_numeral,
    is_rotated,
    is_same_clauses,
    points_back,
)
from assistant.answer.verification.exceptions import excepted_is_denied
from assistant.answer.verification.exchanged_parts import exchanged_parts, words_of
from assistant.answer.verification.exchanges import (
    given_name_differs,
    is_of_all,
    kinds_in_place,
    slots_are_exchanged,
)
from assistant.answer.verification.figures_in_place import figures_in_place
from assistant.answer.verification.numbers.quantities import Quantity
from assistant.answer.verification.opposites import exchanged_run, words_are_opposed
from assistant.answer.verification.overlap import OVERLAP_FLOOR, word_shares
from assistant.answer.verification.relations.borrowed_parts import (
    argument_is_of_elsewhere,
    subject_is_of_elsewhere,
)
from assistant.answer.verification.relations.excepted import exception_agreement
from assistant.answer.verification.relations.relation_order import relation_order
from assistant.answer.verification.relations.rewordings import LONGEST_SYNONYM, is_reworded
from assistant.answer.verification.relations.sides import is_contained
from assistant.answer.verification.roles import is_total
from assistant.answer.verification.tokens import (
    NEGATION,
    SentenceText,
    Token,
    is_counted,
)
from assistant.values import VerdictReason

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
_COPULAS_ZH = "是为成"
_NOT_NAMES = ("ing", "ed", "ly", "s", "every")


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


class _Comparer:
    def __init__(self, claim: SentenceText, window: SentenceText, context: PassageContext) -> None:
        self._claim = claim
        self._window = window
        self._context = context
        self._texts = AlignedTexts(claim, window)
        self._window_keys = self._texts.window_keys
        self._claim_keys = self._texts.claim_keys
        self._matched = self._texts.matched
        self._agreement = exception_agreement(claim, window)
        self._relation = relation_order(claim, window)
        (share,) = word_shares(claim, [(window.words, window.ideographs)], context.words)
        self._result = ClaimComparison(share)

    def compare(self, floor: float) -> ClaimComparison:
        if self._result.share < floor:
            self._result.missing["words"] = None
        self._check_figures()
        # Every name has to be somewhere in the passage.
        if self._claim.has_names and any(
            t.is_name and t.key not in self._context.keys for t in self._claim.tokens
        ):
            self._result.missing["name"] = None
        self._check_negations()
        slots = [
            Slot(self._claim.tokens[a:b], self._window.tokens[c:d], a)
            for tag, a, b, c, d in self._texts.opcodes
            if tag == "replace"
        ]
        for slot in slots:
            self._check_slot(slot)
        if not is_same_clauses(self._claim, self._window):
            self._check_order()
        if slots_are_exchanged(slots, self._claim):
            self._result.contradicted["order"] = None
        # A rule between paragraphs ("* * *") or an emoji alone has no tokens: nothing to exchange.
        if self._claim.tokens and self._window.tokens:
            self._check_relations()
            if any(
                is_of_elsewhere(self._claim, self._window, self._context.keys)
                for is_of_elsewhere in (argument_is_of_elsewhere, subject_is_of_elsewhere)
            ):
                self._result.contradicted["order"] = None
            self._result.contradicted.update(
                dict.fromkeys(
                    exchanged_parts(self._claim, self._window, self._relation, self._agreement)
                )
            )
        return self._result

    def _check_slot(self, slot: Slot) -> None:
        if otherwise := figures_in_place(slot, self._texts):
            self._result.contradicted[otherwise] = None
        claimed = [t for t in slot.claimed if not self._texts.is_moved(t)]
        words, others = words_of(claimed), words_of(slot.held)
        if words_are_opposed(words, others, self._window_keys) or is_of_all(slot, self._texts):
            self._result.contradicted["polarity"] = None
        if kinds_in_place(slot, self._texts) or given_name_differs(self._claim, self._window, slot):
            self._result.contradicted["name"] = None
        self._check_names_in_place(slot)
        self._check_ideographs_in_place(slot)

    def _check_relations(self) -> None:
        """Find a relation turned round; one that stands, in other words, outweighs what is moved.

        "Beavers are bigger than otters" of "Otters are smaller than beavers".
        """
        contradicted = self._result.contradicted
        if self._relation == "turned":
            contradicted["order"] = None
        elif self._relation == "compared":
            contradicted.clear()
        elif self._relation == "same":
            # What is on each side may be exchanged for all that, and a name most of all.
            contradicted.pop("polarity", None)
            if not self._claim.has_names:
                contradicted.pop("order", None)
        elif self._agreement == "same" and is_contained(self._claim, self._window):
            contradicted.pop("name", None)
            contradicted.pop("order", None)

    def _check_figures(self) -> None:
        held = (*self._window.figures, *self._context.figures)
        tokens = self._window.tokens
        for figure in self._claim.figures:
            if figure.weak or any(figure.equals(other) for other in self._context.figures):
                continue
            places = [i for i, one in self._window.figure_places if figure.equals(one)]
            if places and not (figure.dimension and all(is_counted(tokens, i) for i in places)):
                continue
            if is_total(figure, self._claim, self._window):
                continue
            # 249 kg for 249 g is another error than 294 g, and the message says which.
            same = any(figure.has_same_value(other) for other in held)
            self._result.missing["unit" if same else "figure"] = None

    def _check_negations(self) -> None:
        tokens, held = self._claim.tokens, self._window.tokens
        matched_held = self._texts.matched_held
        spare = [i for i, t in enumerate(held) if t.kind == "negation" and i not in matched_held]
        if self._agreement == "turned":
            self._result.contradicted["polarity"] = None
        is_excepted = self._agreement == "same" or (
            NEGATION in self._claim.keys and excepted_is_denied(self._claim, self._window)
        )
        for index, token in enumerate(tokens):
            if token.kind != "negation":
                continue
            governed = governed_places(tokens, index)
            if index in self._matched and not denies_other(
                tokens, index, held, self._matched[index]
            ):
                continue
            places = [p for i in governed if (p := self._texts.place_held(i)) is not None]
            near = any(0 < place - other <= GOVERNED for place in places for other in spare)
            if not near and ends_clause(tokens, index):
                # "but not on macOS" of "macOS is not supported"
                near = any(
                    0 < other - place <= GOVERNED - 1 and held[other].clause == held[place].clause
                    for place in places
                    for other in spare
                )
            if not is_excepted and (not spare or (places and not near)):
                self._result.contradicted["polarity"] = None
        # The other way round: the window denies what the claim says. A denial of something that the
        # claim leaves out does not concern it, so most of what is denied must be in the claim.
        for index in spare:
            governed = governed_places(held, index)
            places = [p for i in governed if (p := self._texts.place_claimed(i)) is not None]
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

    def _check_names_in_place(self, slot: Slot) -> None:
        held_keys = {token.key for token in slot.held}
        claimed_keys = {token.key for token in slot.claimed}
        claimed = [t for t in slot.claimed if _may_be_name(t) and t.key not in held_keys]
        held = [
            t
            for t in slot.held
            if _may_be_name(t) and t.key not in claimed_keys and t.key not in _PRONOUNS
        ]
        if not claimed:
            if self._is_other_noun(slot):
                self._result.contradicted["name"] = None
            return
        if not held:
            # "Renewable Energy" for "nuclear power": a term of elsewhere in the place of a noun.
            nouns = [t for t in slot.held if t.content]
            pointed = any(token.key in _PRONOUNS for token in slot.held)
            elsewhere = [t for t in claimed if t.is_name and t.key not in self._window_keys]
            if nouns and elsewhere and not pointed and len(slot.held) <= len(slot.claimed) + 1:
                self._result.contradicted["name"] = None
            return
        if all(self._texts.travels(slot, token) for token in claimed):
            return
        # Two capitalised first words may be nouns: then one of them has to be known as a name.
        # "Pierre Curie" for "Marie Curie": what is before a name that both have is one, too.
        sure = any(t.is_name for t in (*claimed, *held)) or self._begins_name(slot)
        if not sure and all(t.key not in self._context.keys_of_all for t in claimed):
            return
        swapped = all(t.key in self._window_keys for t in claimed) and any(
            t.key in self._claim_keys for t in held
        )
        self._result.contradicted["order" if swapped else "name"] = None

    def _is_other_noun(self, slot: Slot) -> bool:
        """Return whether one noun is in another's place, which the passage has elsewhere.

        "Her brother was a physicist" where he was a composer, and a physicist is spoken of.
        """
        claimed, held = ([t for t in run if t.content] for run in (slot.claimed, slot.held))
        if len(claimed) != 1 or len(held) != 1 or {claimed[0].kind, held[0].kind} != {"word"}:
            return False
        word, other = claimed[0], held[0]
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
        behind = slot.claim_start + len(slot.claimed)
        tokens = self._claim.tokens
        single = len(slot.claimed) == len(slot.held) == 1
        return single and behind < len(tokens) and tokens[behind].is_name

    def _check_ideographs_in_place(self, slot: Slot) -> None:
        claimed = "".join(t.key for t in slot.claimed if t.kind == "ideograph")
        held = "".join(t.key for t in slot.held if t.kind == "ideograph")
        latin = [t for t in slot.claimed if t.kind == "word" and t.key not in self._window_keys]
        ideographs = sum(t.kind == "ideograph" and t.content for t in slot.held)
        if not claimed and latin and ideographs >= SHORTEST_TERM and not points_back(held):
            # A Latin name in the place of a Chinese one, unless it is its translation.
            if any(t.key in self._context.keys_of_all for t in latin):
                self._result.contradicted["name"] = None
            return
        # Chinese has no capitals, so here the length of a run and where else it stands decide.
        if not claimed or not slot.held:
            return
        otherwise = exchanged_run(claimed, held) if len(claimed) <= LONGEST_OPPOSITE else None
        if otherwise or self._texts.ends_in_opposites(slot):
            self._result.contradicted[otherwise or "polarity"] = None
            return
        if is_other_numeral(claimed, held) or self._texts.is_other_count(slot):
            self._result.contradicted["figure"] = None
            return
        # 之间至少 is no name: what joins and tells when or how much says nothing here.
        content = count_content_ideographs(slot.claimed)
        held_content = sum(t.content for t in slot.held)
        names_nothing = content < SHORTEST_TERM or not held_content or points_back(held)
        if not names_nothing and not is_counted_noun(self._texts, slot):
            self._check_run_in_place(slot, claimed, held, content)

    def _check_run_in_place(self, slot: Slot, claimed: str, held: str, content: int) -> None:
        if claimed in self._window.letters:
            # A run that has both its neighbours in the window, too, was only moved.
            keys, end = self._claim.keys, slot.claim_start + len(slot.claimed)
            before = "".join(keys[max(0, slot.claim_start - 1) : slot.claim_start])
            after = "".join(keys[end : end + 1])
            if before + claimed + after not in self._window.letters:
                swapped = held in self._claim.letters
                self._result.contradicted["order" if swapped else "name"] = None
        elif is_reworded(slot, self._texts):
            return
        # What is said of 李敏 and begins with 张伟在.
        elif content > LONGEST_SYNONYM or (
            (claimed.rstrip(_COPULAS_ZH) if slot.claim_start else core_ideographs(slot.claimed))
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
            claimed = self._claim.tokens[deleted[1] : deleted[2]]
            held = self._window.tokens[inserted[3] : inserted[4]]
            if is_rotated(claimed, held):
                self._result.contradicted["order"] = None


def _may_be_name(token: Token) -> bool:
    """Return whether a token is a name, or a capitalised first word that is likely one."""
    if token.is_name:
        return True
    likely = token.kind == "word" and token.capital and token.content and token.first
    return likely and not token.lower.endswith(_NOT_NAMES)
