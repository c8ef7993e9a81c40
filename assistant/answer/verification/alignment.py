"""How two sentences are aligned: runs of tokens in each other's place, and what a word governs."""

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from assistant.answer.verification.opposites import kind_words, runs_are_opposed
from assistant.answer.verification.tokens import NEGATION, SentenceText, Token
from ingest.text.numerals import NUMERAL_CHARACTERS

LONGEST_OPPOSITE = 3
"""Ideographs of a run that may be the opposite of another: 战胜, 不必."""
MODIFIERS = frozenset("冷热大小高低长短前后内外新旧快慢早晚干湿男女左右")
"""Ideographs that tell one of a kind from its opposite before the word that both have."""
SHORTEST_TERM = 2
"""Ideographs of a run that may be a name or a term."""
MAX_POINTER_IDEOGRAPHS = 3
"""Ideographs of what points back to something named before."""
MIN_CLAUSE_TOKENS = 3
"""Tokens of a clause that says something by itself: shorter ones are items of a list."""
GOVERNED = 3
"""Tokens behind a negation among which stands what it negates."""

_GENERIC_ZH = re.compile(
    r"之间|之内|之中|其中|以及|并且|而且|同时|此外|另外|一共|总共|共有|共计|"
    r"合计|至少|至多|以上|以下|以内|左右|包括|属于|作为|通过|进行|开始|使用|"
    r"可以|能够|需要|应当|不能|没有|已经|曾经|正在|将会|准备|获得|成为|发生|"
    r"出现|产生|造成|导致|引起|表示|认为|介绍|告诉|说明|有关|相关|情况|问题|"
    r"方面|时候|时间|期间|当时|目前|今天|每日|每年|每月|每次|每个|"
    r"这种|本品|该品|此药|该药|"
    r"内容|部分|方式|用来|用于|开展|进入|达到|完成|来自|位于|关于|对于|根据|由于|"
    r"因为|因此|如果|但是|然而|虽然|不过|或者|还是|就是|只有|只要|只需|无论|"
    r"甚至|尤其|特别|最后|最终|首先|然后|随后|之后|之前|以后|以前|后来|为止"
)
"""Chinese words that name nothing."""
_COORDINATORS = frozenset(("and", "or", "as", "well", "和", "与", "及", "或", "、", "以"))
_MODALS = frozenset("得要用应宜")
_NOBODY = frozenset(("nothing", "none", "nobody"))
_POINTING_AT_TWO = ("两者", "二者", "二人", "两人", "两款", "两队", "双方", "两种")
_POINTING = frozenset("该这其此他她它本前后者")

Opcode = tuple[str, int, int, int, int]


def joined_opcodes(opcodes: Sequence[Opcode], tokens: Sequence[Token]) -> list[Opcode]:
    """Return the opcodes with replacements joined that one ideograph in common cuts apart."""
    joined: list[Opcode] = []
    for code in opcodes:
        if len(joined) > 1 and code[0] != "equal":
            (tag, a, _, c, _), (_, start, end, _, _) = joined[-2:]
            _, _, b, _, d = code
            alone = end - start == 1 and tokens[start].kind == "ideograph"
            if alone and tag != "equal" and b - a > 1 and d - c > 1:
                code = ("replace", a, b, c, d)
                del joined[-2:]
        joined.append(code)
    return joined


def core_ideographs(tokens: Sequence[Token]) -> str:
    """Return the ideographs of a run without the particles at its ends: 张伟 of 张伟在."""
    run = [token for token in tokens if token.kind == "ideograph"]
    places = [place for place, token in enumerate(run) if token.content]
    return "".join(token.key for token in run[places[0] : places[-1] + 1]) if places else ""


def count_content_ideographs(tokens: Sequence[Token]) -> int:
    """Return how many ideographs of a run carry meaning and are of no generic word."""
    spelt = "".join(token.key if token.kind == "ideograph" else " " for token in tokens)
    generic = sum(len(word) for word in _GENERIC_ZH.findall(spelt))
    content = sum(token.content for token in tokens if token.kind == "ideograph")
    return max(0, content - generic)


def is_other_numeral(claimed: str, held: str) -> bool:
    """Return whether two runs, each in the other's place, have other Chinese numerals."""
    numerals, others = (NUMERAL_CHARACTERS.intersection(run) for run in (claimed, held))
    if len(claimed) == len(held) and numerals and others and numerals != others:
        return True
    # 可以吃三 for 吃两, both before 粒.
    ends = claimed[-1:] in numerals and held[-1:] in others
    return ends and claimed[-1] != held[-1]


def is_counted_noun(texts: "AlignedTexts", slot: "Slot") -> bool:
    """Return whether a noun behind its count is before it in the window: 86个航班, 航班86个."""
    at = slot.claim_start
    tokens = texts.claim.tokens
    figure = tokens[at - 2].figure if at > 1 else None
    if figure is None or tokens[at - 1].kind != "ideograph":
        return False
    claimed = "".join(t.key for t in slot.claimed)
    held = texts.window.tokens
    return any(
        t.figure is not None
        and figure.equals(t.figure)
        and "".join(one.key for one in held[max(0, index - len(claimed)) : index]) == claimed
        for index, t in enumerate(held)
    )


def points_back(held: str) -> bool:
    """Return whether a run only points back: 该公司, 他, 这座桥; a name may stand for it."""
    return (held[:1] in _POINTING or held.startswith(_POINTING_AT_TWO)) and len(
        held
    ) <= MAX_POINTER_IDEOGRAPHS


def is_rotated(claimed: Sequence[Token], held: Sequence[Token]) -> bool:
    """Return whether two runs have the same tokens, a name among them, in another order."""
    one = [t for t in claimed if t.key not in _COORDINATORS]
    other = [t for t in held if t.key not in _COORDINATORS]
    keys, other_keys = [t.key for t in one], [t.key for t in other]
    if len(keys) < 2 or keys == other_keys or Counter(keys) != Counter(other_keys):
        return False
    named, other_named = _prepositions(one), _prepositions(other)
    if named and named == other_named:
        return False  # "to York from Leeds": each name has kept its part
    ideographs = sum(t.kind == "ideograph" and t.content for t in one)
    return ideographs >= SHORTEST_TERM or any(t.capital or t.figure for t in one)


def _prepositions(tokens: Sequence[Token]) -> Counter[tuple[str, str]] | None:
    """Return each name or figure with a preposition of its own; None where one has none."""
    named = []
    for index, token in enumerate(tokens):
        if token.capital or token.figure:
            before = tokens[index - 1] if index else None
            if before is None or before.kind != "word" or before.content or before.capital:
                return None
            named.append((before.key, token.key))
    is_own = len({preposition for preposition, _ in named}) == len(named)
    return Counter(named) if is_own else None


def is_same_clauses(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether two texts have the same two clauses, in any order, behind what begins both.

    More, or any with a name, may be a list: first, second and third of a race.
    """
    if len(claim.keys) != len(window.keys) or sorted(claim.keys) != sorted(window.keys):
        return False
    if len({token.clause for token in claim.tokens}) != 2 or any(t.capital for t in claim.tokens):
        return False
    pairs = zip(claim.keys, window.keys, strict=False)
    common = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
    # 博物馆周 begins both, and 周 is of the first clause.
    return any(
        (claimed := _clauses_from(claim, start)) == _clauses_from(window, start)
        and all(len(clause) >= MIN_CLAUSE_TOKENS for clause in claimed)
        for start in range(common + 1)
    )


def _clauses_from(text: SentenceText, start: int) -> Counter[tuple[str, ...]]:
    clauses = itertools.groupby(text.tokens[start:], key=lambda token: token.clause)
    return Counter(tuple(token.key for token in clause) for _, clause in clauses)


def governed_places(tokens: Sequence[Token], index: int) -> list[int]:
    """Return the places of the first tokens behind a negation in its clause."""
    clause = tokens[index].clause
    places: list[int] = []
    modals: list[int] = []
    for place in range(index + 1, len(tokens)):
        token = tokens[place]
        if token.clause != clause or token.key == NEGATION:
            break
        # 不得冷冻 forbids to freeze, 不要用热水 hot water: 得 is no part of what is denied.
        if token.key in _MODALS:
            modals.append(place)
        elif token.content or token.kind == "ideograph":
            places.append(place)
        if len(places) == GOVERNED - 1:
            break
    if not places and tokens[index].lower in _NOBODY:
        # "She earned nothing from it" denies what is before.
        before = (i for i in range(index - 1, -1, -1) if tokens[i].content)
        places = [i for i in before if tokens[i].clause == clause][:1]
    return places or modals  # 孕妇禁用 has nothing else


def ends_clause(tokens: Sequence[Token], index: int) -> bool:
    """Return whether behind a negation is no more than one thing, to the end of its clause."""
    behind = itertools.takewhile(lambda t: t.clause == tokens[index].clause, tokens[index + 1 :])
    return sum(token.content for token in behind) == 1


def denies_other(
    tokens: Sequence[Token], index: int, held: Sequence[Token], held_index: int
) -> bool:
    """Return whether two negations have nothing in common behind them: 禁食 for 不可喝水."""
    behind, behind_held = (
        {
            token.key
            for token in run[at + 1 :]
            if token.clause == run[at].clause and (token.content or token.kind == "ideograph")
        }
        for run, at in ((tokens, index), (held, held_index))
    )
    return bool(behind and behind_held) and behind.isdisjoint(behind_held)


@dataclass(frozen=True, slots=True)
class Slot:
    """A run of the claim, and what the window has in its place."""

    claimed: tuple[Token, ...]
    held: tuple[Token, ...]
    claim_start: int


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

    def place_claimed(self, index: int) -> int | None:
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
        place = slot.claimed.index(token)
        index = slot.claim_start + place
        keys, held = self.claim.keys, self.window.keys
        before = keys[max(0, index - 1) : index]
        after = keys[index + 1 : index + 2]
        carried = bool(place) and not slot.claimed[place - 1].capital
        for other, key in enumerate(held):
            # One that another word of the claim stands for is no place to have come from.
            free = key == token.key and other not in self.matched_held
            if free and index == 0 and after == held[other + 1 : other + 2] == ("say",):
                return True  # "Levy said that it …" for "It …, Levy said"
            beside = free and before == held[max(0, other - 1) : other]
            if beside and (carried or after == held[other + 1 : other + 2]):
                return True
            if beside and not place and self._is_of_left_out(slot, other):
                return True
        return False

    def _is_of_left_out(self, slot: Slot, other: int) -> bool:
        """Return whether a slot has what belongs to a verb that the claim leaves out.

        "Born in 1921 in Uppsala" of "born in Uppsala in 1921 and studied law in Lund": Uppsala is
        behind the claim's own verb there, and Lund behind one that it does not have.
        """
        tokens = self.window.tokens
        at = next((i for i, token in enumerate(tokens) if token is slot.held[0]), 0)
        own, left_out = (
            next((t for t in reversed(tokens[:end]) if t.content and not t.figure), None)
            for end in (other, at)
        )
        return (
            own is not None
            and left_out is not None
            and own.key in self.claim_keys
            and left_out.key not in self.claim_keys
        )

    def is_moved(self, token: Token) -> bool:
        """Return whether the window has a season or a day elsewhere, behind the same preposition.

        What is said of it there is looked at by itself (`kind_has_other_predicate`).
        """
        if token.key not in self.window_keys or not kind_words([token]):
            return False
        claim, held = self.claim.keys, self.window.keys
        before = claim[max(0, claim.index(token.key) - 1) : claim.index(token.key)]
        at = held.index(token.key)
        if at in self.matched_held or before != held[max(0, at - 1) : at]:
            return False
        # "In winter hourly" of "in summer hourly, in winter twice a day": what ends the claim is
        # of the other one.
        last = next((t for t in reversed(self.claim.tokens) if t.content and t != token), token)
        clause = self.window.tokens[at].clause
        return any(t.key == last.key for t in self.window.tokens if t.clause == clause)

    def is_other_count(self, slot: Slot) -> bool:
        """Return whether 一 stands for another number before the same measure: 一勺 for 2勺."""
        behind = slot.claim_start + len(slot.claimed)
        figure = slot.held[-1].figure
        if any(token.key == "#1" for token in slot.held):
            return False
        return (
            slot.claimed[-1].key == "一"
            and figure is not None
            and figure.kind == "number"
            and figure.value > 1
            and behind in self.matched
            # 一个, 一位 count nothing: 他是一位教授.
            and self.claim.keys[behind] not in "个位种名项些"
            and self.claim.tokens[behind].kind == "ideograph"
        )

    def ends_in_opposites(self, slot: Slot) -> bool:
        """Return whether opposites stand before or behind the same word in longer runs.

        热水 and 冷水, 饭后 and 饭前.
        """
        before = slot.claim_start - 1
        first, first_held = slot.claimed[0], slot.held[0]
        if (
            first.key in MODIFIERS
            and before in self.matched
            and self.claim.tokens[before].kind == "ideograph"
            and self.claim.tokens[before].content
            and self.claim.tokens[before].clause == first.clause
            and runs_are_opposed(first.key, first_held.key)
        ):
            return True
        behind = slot.claim_start + len(slot.claimed)
        claimed, held = slot.claimed[-1], slot.held[-1]
        return (
            claimed.key in MODIFIERS
            and behind in self.matched
            and self.claim.tokens[behind].clause == claimed.clause
            and runs_are_opposed(claimed.key, held.key)
        )
