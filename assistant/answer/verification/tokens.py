"""A sentence as it is compared: words, ideographs and figures in order, and what negates them."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, wraps
from typing import Any, Literal, TypeVar

from assistant.answer.verification.numbers.quantities import (
    NumberTuple,
    Quantity,
    scan_number_tuples,
)
from assistant.answer.verification.numbers.quantity_scanner import scan_figures
from assistant.answer.verification.numbers.spelled_numbers import (
    decimals_for_fractions,
    digits_for_words,
)
from assistant.answer.verification.synonyms import common_word, with_common_phrases
from ingest.text.cjk import CJK
from ingest.text.normalize import normalize_text
from ingest.text.words import content_words, words

NEGATION = "¬"
"""The key of every word that turns a statement round."""

TokenKind = Literal["word", "ideograph", "figure", "negation"]

_TOKEN = re.compile(
    rf"(?P<figure>\ue001(?P<index>\d+)\ue002)|(?P<cjk>[{CJK}]+)"
    rf"|(?P<word>[^\W_{CJK}\ue001]+(?:['’.&-][^\W_{CJK}\ue001]+)*)|(?P<mark>[^\w\s])"
)
_FIGURE_MARK = re.compile("\ue001\\d+\ue002")
_IN_FIGURES = re.compile("(?<=\ue002 )[-–—:∶] \ue001")
_RATIO_ZH = re.compile(r"(?<=\d)\s?比\s?(?=\d)")
_NO_LETTERS = re.compile(r"[\W_]+")
_CLAUSE_MARKS = frozenset(",;:，；：。.!?！？()（）|、—–")
JOINTS = frozenset(("and", "but", "while", "whereas", "而", "但"))
"""Keys of words that join two clauses."""
STRONG_BREAK = 1_000
"""By how much the number of a clause grows at a full stop or semicolon, more than commas make."""
_SENTENCE_MARKS = frozenset(".。!?！？;；")
_TITLES = frozenset(("Dr", "Mr", "Mrs", "Ms", "Prof", "St"))
"""Abbreviations before a name: their full stop ends nothing."""
# Powers differ from factors, and our own marks (figures, weak numbers) stand for nothing else.
_OWN_CHARACTERS = str.maketrans(
    {digit: f"^{value}" for value, digit in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}
    | dict.fromkeys("\ue000\ue001\ue002", " ")
)

_NEGATIONS = frozenset(
    re.findall(
        r"\w+",
        """
    not no never none nobody nothing nowhere neither nor without hardly barely scarcely
    rarely seldom cannot unable fail fails failed failing lack lacks lacked lacking
    refuse refuses refused deny denies denied except exclude excludes excluded
    """,
    )
)
_CONTRACTED = re.compile(r"(?P<stem>[a-z]+)n['’]t$", re.IGNORECASE)
_POSSESSIVE = re.compile(r"['’]s?$")
_STEMS = {"ca": "can", "wo": "will", "sha": "shall"}
_NEGATIONS_ZH = re.compile(
    # Words in which the character negates nothing come first, so that they are passed over.
    r"(?:不[同仅但断过久少管论如止只禁妨愧惜料良]|不得不|无法不|不列颠|差不多|了不起|对不起|无(?:人(?![员数口群士])|[线论数疑穷名聊])|非[常洲凡]"
    r"|未[来婚必]|没[收落]|是非|除非|莫非|[南北东西中]非|沉没|淹没|埋没|出没|虚无)"
    r"|(?P<cue>禁止|严禁|不准|不许|并非|从未|尚未|没有|毫无|不再|不[是会能可得应必需须要曾]|禁(?=[用食服烟酒行停飞入鸣渔止])|无[法须需]|未[能曾]|拒绝|不|没|未|非|无|勿)"
)


def word_key(word: str) -> tuple[str, bool]:
    """Return a lower-case word as it is counted, and whether it carries meaning."""
    counted = words(word)
    return "".join(counted[:1]) or word, bool(content_words(word))


_FUNCTION_CJK = frozenset(
    "的了是在吗呢吧么与及或也就都而被把啊呀哦地得着之其这那和有为以于对由从将并等"
)
GLUE_CJK = frozenset("要用会就能可该需给让做放过说里时候只则便共且到成所此应当已先再因还")
"""Ideographs by which a writer joins words: a pair with one of them is no word of its own."""
_JOINING_CJK = GLUE_CJK | _FUNCTION_CJK
LIGHT_WORDS = frozenset(
    common_word(word_key(word)[0])
    for word in re.findall(
        r"\w+",
        """
    need get about already also then still whereas else someone somebody one ones aged itself
    together there
    """,
    )
)
"""English words that state nothing by themselves: "you need 250 g of flour" of "250 g of flour"."""
_DENIED = re.compile(r"\b(?:cannot|[a-z]+n['’]t)\b", re.IGNORECASE)
MIN_WORDS_BESIDE_GLUE = 2
"""Other words of a text from which on those that only join may be missing: 费用 is a word."""
CLASSIFIERS = frozenset("个名位家座台辆艘架项件颗株头匹只棵")
"""Ideographs directly behind a number that count things, so that it measures nothing."""
_TIMES = re.compile(r"(?<=\d)(?<!\b0)[xX](?=\d)")
"""1920x1080 is no code, 0x1F is one."""

_FEET_AND_INCHES = re.compile(
    r"""(?<![\w'′’°.,])(?<!° )(\d{1,2})['′’] ?(\d{1,2}(?:\.\d)?)(?:["”]|''|′′|’’)(?!\w)"""
)


@dataclass(slots=True)
class Token:
    """A word, an ideograph, a figure or a negation.

    Never changed, and not frozen for all that: a passage has thousands, and it would take thrice
    the time to make them.
    """

    kind: TokenKind
    key: str
    clause: int
    """Count of the marks before it that end a clause; one that ends more counts `STRONG_BREAK`."""
    content: bool = False
    """Whether it carries meaning by itself."""
    text: str = ""
    capital: bool = False
    first: bool = False
    """The first word of its sentence, where a capital says nothing."""
    figure: Quantity | None = None
    lower: str = ""
    """Its text in lower case."""

    @property
    def is_name(self) -> bool:
        """Return whether it is written like a name."""
        return self.kind == "word" and self.capital and not self.first and self.content


@dataclass(frozen=True)
class SentenceText:
    """A sentence, ready to be compared with others; without slots, for what is kept once read."""

    tokens: tuple[Token, ...]
    keys: tuple[str, ...]
    words: frozenset[str]
    """Its content words, as everywhere else in the project, without figures and units."""
    glue: frozenset[str]
    """Those that only join two Chinese words, and that need not be anywhere: 肉要, 要用."""
    ideographs: frozenset[str]
    """Its ideographs that carry meaning."""
    figures: tuple[Quantity, ...]
    letters: str
    """Its letters, digits and ideographs without case, for what is looked for as a string."""
    number_tuples: tuple[NumberTuple, ...] = ()
    """Numbers that belong together in one order: 3-1, 16:9, 120/80."""
    kept: dict[Callable[..., Any], Any] = field(default_factory=dict, compare=False, repr=False)
    """What `once_per_text` has read from it."""

    @cached_property
    def own_words(self) -> frozenset[str]:
        """Its content words without those that only join."""
        return self.words - self.glue

    @cached_property
    def clauses(self) -> list[list[Token]]:
        """Return the runs of tokens between marks that end a clause and words that join two."""
        runs: list[list[Token]] = [[]]
        clause = self.tokens[0].clause if self.tokens else 0
        for token in self.tokens:
            joins = token.key in JOINTS
            if joins or token.clause != clause:
                runs.append([])
                clause = token.clause
            if not joins:
                runs[-1].append(token)
        return [run for run in runs if run]

    @cached_property
    def figure_places(self) -> list[tuple[int, Quantity]]:
        """Return its figures, each with the place of its token."""
        return [(i, token.figure) for i, token in enumerate(self.tokens) if token.figure]

    @cached_property
    def spelt(self) -> str:
        """Return its tokens as they are written, one space apart."""
        return join_words(self.tokens)

    @cached_property
    def has_names(self) -> bool:
        """Return whether a word is written like a name."""
        return any(token.capital and token.is_name for token in self.tokens)

    def followed_by(self, other: "SentenceText") -> "SentenceText":
        """Return the two as one text."""
        past = self.tokens[-1].clause + STRONG_BREAK if self.tokens else 0
        tokens = (*self.tokens, *(_in_clause(t, t.clause + past) for t in other.tokens))
        return SentenceText(
            tokens=tokens,
            keys=self.keys + other.keys,
            words=self.words | other.words,
            glue=self.glue | other.glue,
            ideographs=self.ideographs | other.ideographs,
            figures=self.figures + other.figures,
            letters=self.letters + other.letters,
            number_tuples=self.number_tuples + other.number_tuples,
        )


Read = TypeVar("Read")


def once_per_text(read: Callable[[SentenceText], Read]) -> Callable[[SentenceText], Read]:
    """Keep what a function reads from a text with that text, which is compared with several."""

    @wraps(read)
    def kept(text: SentenceText) -> Read:
        if read not in text.kept:
            text.kept[read] = read(text)
        found: Read = text.kept[read]
        return found

    return kept


def _in_clause(token: Token, clause: int) -> Token:
    # Not `dataclasses.replace`, which takes twice the time.
    return Token(
        token.kind,
        token.key,
        clause,
        token.content,
        token.text,
        token.capital,
        token.first,
        token.figure,
        token.lower,
    )


def join_words(tokens: Sequence[Token]) -> str:
    """Return tokens as they are written, one space apart, for patterns of several words."""
    return " ".join([token.text or token.key for token in tokens])


def read_sentence(text: str) -> SentenceText:
    """Return the tokens of a text, with its numbers, units, dates and times in one spelling."""
    plain = decimals_for_fractions(normalize_text(text).translate(_OWN_CHARACTERS))
    plain = digits_for_words(with_common_phrases(unicodedata.normalize("NFKC", plain)))
    plain = _FEET_AND_INCHES.sub(r"\1 feet \2 inches", _TIMES.sub("×", plain))
    plain = _RATIO_ZH.sub("-", plain)
    figures = scan_figures(plain)
    pieces = []
    past = 0
    for index, figure in enumerate(figures):
        pieces += [plain[past : figure.start], f" \ue001{index}\ue002 "]
        past = max(past, figure.end)
    pieces.append(plain[past:])
    marked = "".join(pieces)
    # What denies is a token of its own and no word: cannot, doesn't.
    affirmed = _FIGURE_MARK.sub(" ", marked)
    if any(map(affirmed.lower().__contains__, ("cannot", "n't", "n’t"))):
        affirmed = _DENIED.sub(" ", affirmed)
    held = frozenset(map(common_word, content_words(affirmed)))
    glue = frozenset(
        word for word in held if word in LIGHT_WORDS or not _JOINING_CJK.isdisjoint(word)
    )
    strong = any(not figure.weak for figure in figures)
    return SentenceText(
        tokens=(tokens := tuple(_tokens(marked, figures))),
        keys=tuple(token.key for token in tokens),
        words=held,
        glue=glue if len(held - glue) + strong >= MIN_WORDS_BESIDE_GLUE else frozenset(),
        ideographs=frozenset(
            t.key for t in tokens if t.kind == "ideograph" and t.content and t.key not in GLUE_CJK
        ),
        figures=tuple(figures),
        letters=_NO_LETTERS.sub("", plain).casefold(),
        number_tuples=scan_number_tuples(plain, figures),
    )


def _tokens(text: str, figures: list[Quantity]) -> list[Token]:
    negated = {
        found.start("cue"): found.end("cue")
        for found in _NEGATIONS_ZH.finditer(text)
        if found["cue"]
    }
    tokens: list[Token] = []
    clause = 0
    first = True
    position = 0
    while found := _TOKEN.search(text, position):
        position = found.end()
        kind = found.lastgroup
        if kind == "cjk":
            tokens += _ideograph_tokens(text, *found.span(), clause, negated)
            first = False
        elif kind == "word":
            tokens += word_tokens(found[0], clause, first=first)
            first = False
        elif kind == "figure":
            figure = figures[int(found["index"])]
            tokens.append(Token("figure", figure.key(), clause, content=True, figure=figure))
            first = False
        else:
            mark = found[0]
            # The dash of 3–2 and the colon of 2:2 end nothing.
            if not _IN_FIGURES.match(text, found.start()):
                if mark == "." and tokens and tokens[-1].text in _TITLES:
                    continue
                clause += STRONG_BREAK if mark in _SENTENCE_MARKS else mark in _CLAUSE_MARKS
            first = first or mark in _SENTENCE_MARKS
    return tokens


def _ideograph_tokens(
    text: str, start: int, end: int, clause: int, negated: Mapping[int, int]
) -> Iterator[Token]:
    """Yield the tokens of a run of ideographs, given where what negates begins and ends."""
    while start < end:
        character = text[start]
        stop = negated.get(start, start + 1)
        if start in negated:
            cue = text[start:stop]
            yield Token("negation", NEGATION, clause, text=cue, lower=cue)
            # 不是 negates 是, which stays a token of its own: only 没有, 禁止 are one word.
            for rest in cue[1:] if cue[0] in "不未无" else "":
                yield Token("ideograph", rest, clause)
        else:
            yield Token("ideograph", character, clause, character not in _FUNCTION_CJK)
        start = stop


def word_tokens(word: str, clause: int, *, first: bool) -> list[Token]:
    """Return the tokens of a word: its parts, and what it stands for."""
    lower = word.lower()
    affirmed = ""
    if lower.endswith(("n't", "n’t")) and (contracted := _CONTRACTED.match(lower)):
        affirmed = _STEMS.get(contracted["stem"], contracted["stem"])
    elif lower == "cannot":
        affirmed = "can"
    # Python's None is a value, none of them is not.
    if affirmed or (lower in _NEGATIONS and (first or word != "None")):
        negation = Token("negation", NEGATION, clause, text=word, lower=lower)
        return [Token("word", affirmed, clause), negation] if affirmed else [negation]
    stem, key, content, capital, sure = _parse_word(word)
    first = first and not sure
    return [Token("word", key, clause, content, stem, capital, first, None, stem.lower())]


@lru_cache(maxsize=1 << 14)
def _parse_word(word: str) -> tuple[str, str, bool, bool, bool]:
    """Return stem and key of a word, whether it has meaning, a capital, and is surely a name."""
    stem = _POSSESSIVE.sub("", word)  # Tesla's is Tesla
    key, content = word_key(stem.lower())
    capital = any(character.isupper() for character in word)
    # iPhone, NASA, H2O are names at the beginning of a sentence, too.
    sure = any(character.isupper() or character.isdigit() for character in word[1:])
    return stem, common_word(key), content, capital, sure


def is_counted(tokens: Sequence[Token], index: int) -> bool:
    """Return whether the number at a place only counts things: 12 of 12个补给站.

    It is no "12 km": a bare number is open as to its unit, one before a classifier is not.
    """
    figure = tokens[index].figure
    behind = tokens[index + 1].key if index + 1 < len(tokens) else ""
    return figure is not None and not figure.dimension and behind in CLASSIFIERS
