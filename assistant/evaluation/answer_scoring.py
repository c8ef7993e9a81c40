"""Whether a text holds an expected answer, and whether two addresses are those of one page.

Right is what SQuAD's and CMRC's evaluations take for right (tokens without case, punctuation and
articles; each ideograph a token), and what differs from it in the format of numbers alone.
"""

import contextlib
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from urllib.parse import unquote

from assistant.answer.verification.numbers.quantities import Quantity
from assistant.answer.verification.numbers.quantity_scanner import scan_figures
from assistant.answer.verification.numbers.spelled_numbers import digits_for_words
from ingest.errors import FetchError
from ingest.text.answer_overlap import answer_tokens, token_f1
from ingest.text.normalize import fold_text, normalize_text
from ingest.text.words import sentence_spans
from ingest.web.urls import canonical_url

_THOUSANDS = re.compile(r"(?<=\d)[,'’](?=\d{3}(?!\d))")
_SEAM = re.compile(r"(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)")
_CLOCK = re.compile(r"(?<=\d)[:：](?=\d\d(?!\d))")
# Before a digit alone: "COVID-19" and 歼-20 have no sign, 气温为-5 has one.
_SIGN = re.compile(
    r"(?:(?<![\w)])|(?<=[为是到至约达低]))[-−](?=[$£€¥₹₩]?\d)"
    r"|(?:零下|负|\bnegative )\s?(?=[$£€¥₹₩]?\d)"
)
_CURRENCY = re.compile(r"[\u20a0-\u20cf฿]|[$£¥](?=\s?\d)|(?<=\d)[$£¥]|(?<=\d )[$£¥]")
_CODES = frozenset({"us", "usd", "hk", "hkd", "eur", "gbp", "cny", "jpy", "rmb"})
"""Words that belong to an amount of money, and are recognized by its unit."""
_RANGE = re.compile(r"\s?(?:[-–—~～至到]|to)\s?")
_POUND_G = 453.59237
_SECONDS_PER_HOUR = 3600
_MAGNITUDES = frozenset({"hundred", "thousand", "million", "billion", "trillion", "万", "亿"})
_MARKER = re.compile(r"\s*\[\d+\]")
_SITE = re.compile(r"^https?://(?:www\.)?", re.IGNORECASE)


def holds_answer(text: str, expected: Iterable[str]) -> bool:
    """Return whether a text holds any of the expected answers."""
    given = folded_tokens(text)
    return any(holds_tokens(given, one, text) or holds_figures(text, one) for one in expected)


def best_token_f1(text: str, expected: Iterable[str]) -> float:
    """Return the highest token F1 of an answer and an expected one; citations do not count."""
    answer = _plain(_MARKER.sub("", text))
    return max((token_f1(answer, _plain(one)) for one in expected), default=0.0)


def folded_tokens(text: str) -> list[str]:
    """Return the tokens that answers are compared by.

    Traditional ideographs count as simplified ones, "12,345" as 12345, "250g" as "250 g".
    """
    return answer_tokens(_plain(text))


def _plain(text: str) -> str:
    # Signs that are units are none of the punctuation that goes: 25 % is not 25 apples, £10 not 10
    # people. As words they survive the tokens.
    text = _THOUSANDS.sub("", fold_text(text)).replace("%", " percent ")
    # "20:10" is one value, as "20.10" is: it holds no 10.
    text = _SIGN.sub(" minus ", _CLOCK.sub(".", text))
    return _SEAM.sub(" ", _CURRENCY.sub(lambda sign: f" currency{ord(sign[0])} ", text))


def holds_tokens(given: Sequence[str], expected: str, text: str) -> bool:
    """Return whether the expected tokens are in a row, whole: "5" is not in "15"."""
    wanted = folded_tokens(expected)
    if not wanted:
        expected = expected.strip()
        if not any(c.isalnum() for c in expected):  # such as "->"
            return bool(expected) and expected in text
        # The name of an option: with its case, as a word of its own. At the start of a sentence,
        # or among capitals, an "A" before a word is the article; behind another word it is a name:
        # "Plan A is the best".
        word = rf"(?<![A-Za-z0-9_]){re.escape(expected)}(?![A-Za-z0-9_+#'’-])"
        behind = r"(?<=[a-z\u3400-\u9fff])\s?"
        return re.search(rf"{word}(?!\s+[^\W\d])|{behind}{word}", text) is not None
    size = len(wanted)
    return any(
        given[at : at + size] == wanted and not _is_other_number(given, at, at + size)
        for at in range(len(given) - size + 1)
    )


def _is_other_number(given: Sequence[str], start: int, end: int) -> bool:
    """Return whether what is beside tokens makes their number another one: -5, 5 million."""
    is_amount = given[start][0].isdigit() or given[start].startswith("currency")
    signed = start > 0 and given[start - 1] == "minus" and is_amount
    larger = end < len(given) and given[end] in _MAGNITUDES and given[end - 1][-1].isdigit()
    return signed or larger or given[end : end + 2] in (["below", "zero"], ["below", "freezing"])


def holds_figures(text: str, expected: str) -> bool:
    """Return whether one sentence holds the figures of `expected`, and its other words."""
    figures, words, units = _figures_and_words(expected)
    if not figures:
        return False
    # Within a sentence: over a whole answer the 3 of one thing and the days of another would do.
    for start, end in sentence_spans(text):
        held, others, _ = _figures_and_words(text[start:end])
        # The head of a column may tell the unit: "Weight (g): 250".
        has_unit = bool(units) and units <= others
        if words <= others and all(
            any(is_same_figure(one, two, has_unit=has_unit) for two in held) for one in figures
        ):
            return True
    return False


def is_same_figure(expected: Quantity, held: Quantity, *, has_unit: bool) -> bool:
    """Return whether both have one value and one unit, where `equals` leaves open what is open.

    A verdict gives a sentence the benefit of the doubt; what is expected comes from a person.
    """
    wanted, given = expected.dimension, held.dimension
    if not wanted or expected.kind != "number" or wanted == given:
        return expected.equals(held)
    if not given:
        return has_unit and expected.equals(held)
    if {wanted, given} == {"mass", "sterling"}:  # pounds, of either kind
        mass, money = (expected, held) if wanted == "mass" else (held, expected)
        return math.isclose(mass.base, money.value * _POUND_G)
    if {wanted, given} == {"length", "speed"}:  # km/h is read as km
        way, speed = (expected, held) if wanted == "length" else (held, expected)
        return math.isclose(way.base, speed.base * _SECONDS_PER_HOUR)
    return expected.equals(held)


def _figures_and_words(text: str) -> tuple[list[Quantity], set[str], set[str]]:
    """Return a text's figures, whatever they are written in, the words beside, and in them."""
    # With its case: months are known by it.
    plain = digits_for_words(unicodedata.normalize("NFKC", normalize_text(text)))
    figures = scan_figures(plain)
    for number, (one, two) in enumerate(pairwise(figures), start=1):
        # "£10–20": the sign before the first is that of both.
        if not two.dimension and _RANGE.fullmatch(plain[one.end : two.start]):
            figures[number] = replace(two, dimension=one.dimension)
    rest, at = [], 0
    for figure in figures:
        rest.append(plain[at : figure.start])
        at = max(at, figure.end)
    words = set(folded_tokens(" ".join([*rest, plain[at:]])))
    within = folded_tokens(" ".join(plain[one.start : one.end] for one in figures))
    units = {token for token in within if not token[0].isdigit()}
    return figures, words - _CODES if any(one.dimension for one in figures) else words, units


def is_same_page(url: str, expected: str) -> bool:
    """Return whether a page of the index is the one that a person named.

    Scheme, "www." and a slash at the end do not count; "handbook.pdf" or "docs/setup" names the
    page whose address ends with it.
    """
    held, wanted = _page_key(url), _page_key(expected)
    return held == wanted or held.endswith("/" + wanted.removeprefix("/"))


def spellings(url: str) -> set[str]:
    """Return the addresses that `is_same_page` takes for this one, none if it is part of one.

    They are escaped as those of the index are.
    """
    if _SITE.match(url) is None:
        return set()
    try:
        bare = _SITE.sub("", canonical_url(url)).rstrip("/")
    except FetchError:
        return set()
    return {
        f"{scheme}://{site}{bare}{slash}"
        for scheme in ("https", "http")
        for site in ("", "www.")
        for slash in ("", "/")
    }


def _page_key(url: str) -> str:
    # A file's address is no http(s) one, and stays as it is.
    with contextlib.suppress(FetchError):
        url = canonical_url(url) if "://" in url else url
    # Cut before escapes are undone: "c%23" is no fragment.
    return _SITE.sub("", unquote(url.partition("#")[0])).rstrip("/").strip()
