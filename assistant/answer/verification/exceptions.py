"""What is said of all but some: "every day except Monday", 除周一外每天.

A claim that says it of all leaves the exception out. 除X外 adds as often as it excepts: those of
除了年假外，员工都有病假 have both. It excepts a person among persons, a day among days.
"""

import itertools
import re
from collections.abc import Iterator, Sequence

from assistant.answer.verification.synonyms import word_stem
from assistant.answer.verification.tokens import (
    NEGATION,
    STRONG_BREAK,
    SentenceText,
    Token,
    join_words,
    read_sentence,
)

_QUANTIFIER = r"(?:all(?! (?:day|night)\b)|every|each|any)"
_ANYBODY = r"(?:everyone|everybody|anyone|anybody)"
_NOUN = r"(?!(?:is|are|was|were|has|have|had|can|will|do|does|did|may|must)\b|\S+ed\b)\S+"
_EXCEPT = r"(?:except|excluding|other than|apart from)"
_SOME = r"(?=[A-Z#]|one\b|the\b|those\b)"
"""What begins the exception behind "but": elsewhere that joins what is said besides."""
_EXCEPTED = re.compile(
    rf"\b(?i:{_QUANTIFIER}|{_ANYBODY})(?: \S+){{0,3}} {_EXCEPT}\b"
    rf"|\b(?i:{_QUANTIFIER}|{_ANYBODY}) but\b"
    rf"|^(?:(?i:in|on|at|for) )?(?i:{_QUANTIFIER}) (?:of (?:the )?)?{_NOUN} but {_SOME}"
    rf"|\b(?i:{_QUANTIFIER}) (?:of (?:the )?)?{_NOUN} but {_SOME}\S+(?: \S+)?$"
)
_EXCEPT_FOR = re.compile(
    r"\b(?:except|apart from|with the exception of|excluding)(?: for)? "
    r"(?P<some>(?:[\w.&'-]+ ?){1,4})$",
    re.IGNORECASE,
)
"""An exception that ends its sentence."""
_EXCEPT_BEHIND = re.compile(rf"{_EXCEPT}\b")
_ALL = re.compile(rf"\b(?:{_QUANTIFIER}|{_ANYBODY}|always)\b", re.IGNORECASE)
_EXCEPTS = re.compile(
    r"\b(?:but|except|excluding|other than|apart from|unless|save)\b", re.IGNORECASE
)
_QUANTIFIERS = frozenset(("all", "every", "each", "any"))
_BEFORE_NOUN = frozenset(("of", "the"))

_EXCEPTED_ZH = re.compile(
    r"除了?(?P<some>[^，。]{1,14}?)(?:以外|之外|外)(?!的)，?(?P<main>[^，。]*)"
)
_EXCEPTED_BEHIND_ZH = re.compile(r"，(?P<some>[^，。]{2,8})除外")
_ALSO_ZH = re.compile(r"[也还]")
_ALL_ZH = re.compile(r"都|均|每|全|所有|一律|任何")
_KINDS_ZH = (
    (
        re.compile(r"(?:周|星期|礼拜)(?:[日天末]|#\d)$|假日$|假期$|春节$|除夕$"),
        re.compile(r"每天|每日|天天|全年|全天|整周"),
    ),
    (
        re.compile(r"[员人生者]$|儿童$|老师$|教师$|客户$|职工$|员工$"),
        re.compile(
            r"所有[^，。]{0,4}[员人生者工]|大家|人人|每[个位名]?[^，。]{0,2}[员人生者工]|全体|[员人生者工]均|[员人生者工]都"
        ),
    ),
)
"""What may be excepted, and what says that it is of all of its kind."""
_OTHERWISE_ZH = re.compile(r"除|例外|但|[闭休停关]")


def exception_is_left_out(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether the claim says of all, or of the exception, what the window excepts."""
    return _says_of_all(claim, window) or _says_of_all_zh(claim, window)


def excepted_is_denied(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether the claim denies something of what the window excepts: not on Mondays."""
    if "除" in window.keys:
        claimed = _spelt_zh(claim)
        if any(some in claimed for some, _ in _exceptions_zh(_spelt_zh(window))):
            return True
    keys = [token.key for token in window.tokens if token.content]
    for found in _EXCEPT_FOR.finditer(window.spelt):
        excepted = {t.key for t in read_sentence(found["some"]).tokens if t.content}
        # What stands elsewhere, too, is not what the exception tells from the rest.
        own = {key for key in excepted if keys.count(key) == 1}
        if own and own <= set(claim.keys):
            return True
    return False


def _says_of_all(claim: SentenceText, window: SentenceText) -> bool:
    claimed = claim.spelt
    if not _ALL.search(claimed) or _EXCEPTS.search(claimed):
        return False
    named = {form for token in _all_of(claim.tokens) for form in _forms(token)} - {""}
    # "Always" is of all times, whatever is named behind it; its key is cut.
    return any(
        "alway" in named or any(not named.isdisjoint(_forms(token)) for token in clause)
        for clause in _excepting_clauses(window.tokens)
    )


def _excepting_clauses(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Yield each clause that says something of all but some, named there or behind a comma."""
    clauses = [list(one) for _, one in itertools.groupby(tokens, key=lambda token: token.clause)]
    for clause, behind in zip(clauses, [*clauses[1:], []], strict=True):
        spelt = join_words(clause)
        close = bool(behind) and behind[0].clause - clause[-1].clause < STRONG_BREAK
        if _EXCEPTED.search(spelt) or (
            close and _ALL.search(spelt) and _EXCEPT_BEHIND.match(join_words(behind))
        ):
            yield clause


def _all_of(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield what is behind each "all", "every"; "everyone" is its own."""
    for index, token in enumerate(tokens):
        word = token.lower
        if word in _QUANTIFIERS:
            behind = (t for t in tokens[index + 1 :] if t.key not in _BEFORE_NOUN)
            yield next(behind, token)
        elif _ALL.fullmatch(word):
            yield token


def _forms(token: Token) -> tuple[str, str]:
    """Return a word's key and its stem: keys of employee and employees differ."""
    return token.key, word_stem(token.lower)


def _says_of_all_zh(claim: SentenceText, window: SentenceText) -> bool:
    if "除" in claim.keys or "除" not in window.keys:
        return False
    claimed, held = _spelt_zh(claim), _spelt_zh(window)
    for some, of_all in _exceptions_zh(held):
        if of_all.search(claimed) and some not in claimed:
            return True
        if _says_of_excepted(claim, claimed, some, held):
            return True
    return any(
        _says_of_excepted(claim, claimed, found["some"], held)
        for found in _EXCEPTED_BEHIND_ZH.finditer(held)
    )


def _says_of_excepted(claim: SentenceText, claimed: str, some: str, held: str) -> bool:
    plain = NEGATION not in claim.keys and not _OTHERWISE_ZH.search(claimed)
    return plain and some in claimed and held.count(some) == 1


def _exceptions_zh(held: str) -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield what a Chinese text excepts, and how one says that it holds of all."""
    for found in _EXCEPTED_ZH.finditer(held):
        some, main = found["some"], found["main"]
        if _ALSO_ZH.search(main):
            continue
        for kind, of_all in _KINDS_ZH:
            if kind.search(some) and of_all.search(main):
                yield some, of_all
        if NEGATION in main and _ALL_ZH.search(main):
            yield some, _ALL_ZH


def _spelt_zh(text: SentenceText) -> str:
    """Return the keys of a text with a comma or a full stop where a clause ends."""
    spelt = ""
    past = 0
    for token in text.tokens:
        if token.clause != past:
            spelt += "。" if token.clause - past >= STRONG_BREAK else "，"
        spelt += token.key
        past = token.clause
    return spelt
