"""A sentence as it is compared: words, ideographs and figures in order, and what negates them."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from assistant.answer.verification.quantities import NumberTuple, Quantity, scan_number_tuples
from assistant.answer.verification.quantity_scanner import scan_figures
from assistant.answer.verification.spelled_numbers import decimals_for_fractions, digits_for_words
from assistant.answer.verification.synonyms import common_word, with_common_phrases
from ingest.text.cjk import CJK
from ingest.text.normalize import normalize_text
from ingest.text.words import content_words, words

NEGATION = "¬"
"""The key of every word that turns a statement round."""

TokenKind = Literal["word", "ideograph", "figure", "negation"]

_TOKEN = re.compile(
    rf"(?P<figure>\ue001(?P<index>\d+)\ue002)|(?P<cjk>[{CJK}])"
    rf"|(?P<word>[^\W_{CJK}\ue001]+(?:['’.&-][^\W_{CJK}\ue001]+)*)|(?P<mark>[^\w\s])"
)
_FIGURE_MARK = re.compile("\ue001\\d+\ue002")
_IN_FIGURES = re.compile("(?<=\ue002 )[-–—:∶] \ue001")
_RATIO_ZH = re.compile(r"(?<=\d)\s?比\s?(?=\d)")
_NO_LETTERS = re.compile(r"[\W_]+")
_CLAUSE_MARKS = frozenset(",;:，；：。.!?！？()（）|、—–")
STRONG_BREAK = 1_000
"""By how much the number of a clause grows at a full stop or semicolon, more than commas make."""
_SENTENCE_MARKS = frozenset(".。!?！？;；")
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
_STEMS = {"ca": "can", "wo": "will", "sha": "shall"}
_NEGATIONS_ZH = re.compile(
    # Words in which the character negates nothing come first, so that they are passed over.
    r"(?:不[同仅但断过久少管论如止只禁妨愧惜料良]|不得不|无法不|不列颠|差不多|了不起|对不起|无[人线论数疑穷名聊]|非[常洲凡]"
    r"|未[来婚必]|没[收落]|是非|除非|莫非|[南北东西中]非|沉没|淹没|埋没|出没|虚无)"
    r"|(?P<cue>禁止|严禁|不准|不许|并非|从未|尚未|没有|毫无|不再|不[是会能可得应必需须要曾]|无[法须需]|未[能曾]|拒绝|不|没|未|非|无|勿)"
)

_FUNCTION_CJK = frozenset(
    "的了是在吗呢吧么与及或也就都而被把啊呀哦地得着之其这那和有为以于对由从将并等"
)
_GLUE_CJK = frozenset("要用会就能可该需给让做放过说里时候只则便共且到成所此")
"""Ideographs by which a writer joins words: a pair with one of them is no word of its own."""
MIN_WORDS_BESIDE_GLUE = 2
"""Other words of a text from which on those that only join may be missing: 费用 is a word."""
_TIMES = re.compile(r"(?<=\d)(?<!\b0)[xX](?=\d)")
"""1920x1080 is no code, 0x1F is one."""

_FEET_AND_INCHES = re.compile(
    r"""(?<![\w'′’°.,])(?<!° )(\d{1,2})['′’] ?(\d{1,2}(?:\.\d)?)(?:["”]|''|′′|’’)(?!\w)"""
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word, an ideograph, a figure or a negation."""

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

    @property
    def is_name(self) -> bool:
        """Return whether it is written like a name."""
        return self.kind == "word" and self.capital and not self.first and self.content


@dataclass(frozen=True, slots=True)
class SentenceText:
    """A sentence, ready to be compared with others."""

    tokens: tuple[Token, ...]
    keys: tuple[str, ...]
    words: frozenset[str]
    """Its content words, as everywhere else in the project, without figures and units."""
    glue: frozenset[str]
    """Those that only join two Chinese words, and that need not be anywhere: 肉要, 要用."""
    figures: tuple[Quantity, ...]
    letters: str
    """Its letters, digits and ideographs without case, for what is looked for as a string."""
    number_tuples: tuple[NumberTuple, ...] = ()
    """Numbers that belong together in one order: 3-1, 16:9, 120/80."""

    def followed_by(self, other: "SentenceText") -> "SentenceText":
        """Return the two as one text."""
        past = self.tokens[-1].clause + STRONG_BREAK if self.tokens else 0
        tokens = (*self.tokens, *(replace(t, clause=t.clause + past) for t in other.tokens))
        return SentenceText(
            tokens=tokens,
            keys=self.keys + other.keys,
            words=self.words | other.words,
            glue=self.glue | other.glue,
            figures=self.figures + other.figures,
            letters=self.letters + other.letters,
            number_tuples=self.number_tuples + other.number_tuples,
        )


def join_words(tokens: Sequence[Token]) -> str:
    """Return tokens as they are written, one space apart, for patterns of several words."""
    return " ".join(token.text or token.key for token in tokens)


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
    held = frozenset(map(common_word, content_words(_FIGURE_MARK.sub(" ", marked))))
    glue = frozenset(word for word in held if not _GLUE_CJK.isdisjoint(word))
    return SentenceText(
        tokens=(tokens := tuple(_tokens(marked, figures))),
        keys=tuple(token.key for token in tokens),
        words=held,
        glue=glue if len(held - glue) >= MIN_WORDS_BESIDE_GLUE else frozenset(),
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
        if mark := found["mark"]:
            # The dash of 3–2 and the colon of 2:2 end nothing.
            if not _IN_FIGURES.match(text, found.start()):
                clause += STRONG_BREAK if mark in _SENTENCE_MARKS else mark in _CLAUSE_MARKS
            first = first or mark in _SENTENCE_MARKS
        elif index := found["index"]:
            figure = figures[int(index)]
            tokens.append(Token("figure", figure.key(), clause, content=True, figure=figure))
            first = False
        elif character := found["cjk"]:
            if end := negated.get(found.start()):
                tokens.append(Token("negation", NEGATION, clause, text=text[found.start() : end]))
                # 不是 negates 是, which stays a token of its own: only 没有, 禁止 are one word.
                cue = text[found.start() : end]
                rest = cue[1:] if cue[0] in "不未无" else ""
                tokens += [Token("ideograph", character, clause) for character in rest]
                position = end
            else:
                content = character not in _FUNCTION_CJK
                tokens.append(Token("ideograph", character, clause, content=content))
            first = False
        else:
            tokens += word_tokens(found["word"], clause, first=first)
            first = False
    return tokens


def word_tokens(word: str, clause: int, *, first: bool) -> list[Token]:
    """Return the tokens of a word: its parts, and what it stands for."""
    lower = word.lower()
    if contracted := _CONTRACTED.match(lower):
        stem = _STEMS.get(contracted["stem"], contracted["stem"])
        return [Token("word", stem, clause), Token("negation", NEGATION, clause, text=word)]
    if lower == "cannot":
        return [Token("word", "can", clause), Token("negation", NEGATION, clause, text=word)]
    # Python's None is a value, none of them is not.
    if lower in _NEGATIONS and (first or word != "None"):
        return [Token("negation", NEGATION, clause, text=word)]
    stem = re.sub(r"['’]s?$", "", word)  # Tesla's is Tesla
    key, content = word_key(stem.lower())
    key = common_word(key)
    capital = word[0].isupper() or any(character.isupper() for character in word[1:])
    # iPhone, NASA, H2O are names at the beginning of a sentence, too.
    sure = any(character.isupper() or character.isdigit() for character in word[1:])
    return [
        Token(
            "word",
            key,
            clause,
            content=content,
            text=stem,
            capital=capital,
            first=first and not sure,
        )
    ]


@lru_cache(maxsize=1 << 14)
def word_key(word: str) -> tuple[str, bool]:
    """Return a lower-case word as it is counted, and whether it carries meaning."""
    counted = words(word)
    return "".join(counted[:1]) or word, bool(content_words(word))
