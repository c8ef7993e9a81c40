"""Whether a text holds an expected answer, and whether two addresses are those of one page.

Right is what SQuAD's and CMRC's evaluations take for right (tokens without case, punctuation and
articles; each ideograph a token), and what differs from it in the format of numbers alone.
"""

import contextlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from urllib.parse import unquote

from assistant.answer.verification.quantities import Quantity
from assistant.answer.verification.quantity_scanner import scan_figures
from assistant.answer.verification.spelled_numbers import digits_for_words
from ingest.errors import FetchError
from ingest.text.answer_overlap import answer_tokens, token_f1
from ingest.text.normalize import fold_text, normalize_text
from ingest.text.words import sentence_spans
from ingest.web.urls import canonical_url

_THOUSANDS = re.compile(r"(?<=\d)[,'’](?=\d{3}(?!\d))")
_SEAM = re.compile(r"(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)")
_SIGN = re.compile(r"(?<![\w)])[-−](?=\d)")
_MARKER = re.compile(r"\s*\[\d+\]")
_SITE = re.compile(r"^https?://(?:www\.)?", re.IGNORECASE)


def holds_answer(text: str, expected: Iterable[str]) -> bool:
    """Return whether a text holds any of the expected answers."""
    given = folded_tokens(text)
    return any(_holds_tokens(given, one, text) or _holds_figures(text, one) for one in expected)


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
    # A percent sign is a unit: 25 % is not 25 apples. As a word it survives the tokens, and equals
    # the one that is written out.
    text = _THOUSANDS.sub("", fold_text(text)).replace("%", " percent ")
    # Punctuation goes, and with it the sign of a number: -5 is not 5.
    return _SEAM.sub(" ", _SIGN.sub(" minus ", text))


def _holds_tokens(given: Sequence[str], expected: str, text: str) -> bool:
    """Return whether the expected tokens stand in a row, whole: "5" does not stand in "15"."""
    wanted = folded_tokens(expected)
    if not wanted:  # punctuation alone, such as "->"
        return bool(expected.strip()) and expected.strip() in text
    size = len(wanted)
    return any(given[at : at + size] == wanted for at in range(len(given) - size + 1))


def _holds_figures(text: str, expected: str) -> bool:
    """Return whether one sentence holds the figures of `expected`, and its other words."""
    figures, words = _figures_and_words(expected)
    if not figures:
        return False
    # Within a sentence: over a whole answer the 3 of one thing and the days of another would do.
    for start, end in sentence_spans(text):
        held, others = _figures_and_words(text[start:end])
        if words <= others and all(any(one.equals(two) for two in held) for one in figures):
            return True
    return False


def _figures_and_words(text: str) -> tuple[list[Quantity], set[str]]:
    """Return the figures of a text, whatever they are written in, and the words beside them."""
    # With its case: months are known by it.
    plain = digits_for_words(unicodedata.normalize("NFKC", normalize_text(text)))
    figures = scan_figures(plain)
    rest, at = [], 0
    for figure in figures:
        rest.append(plain[at : figure.start])
        at = max(at, figure.end)
    return figures, set(folded_tokens(" ".join([*rest, plain[at:]])))


def is_same_page(url: str, expected: str) -> bool:
    """Return whether a page of the index is the one that a person named.

    Scheme, "www." and a slash at the end do not count; "handbook.pdf" or "docs/setup" names the
    page whose address ends with it.
    """
    held, wanted = _page_key(url), _page_key(expected)
    return held == wanted or held.endswith("/" + wanted.removeprefix("/"))


def spellings(url: str) -> set[str]:
    """Return the addresses that `is_same_page` takes for this one, none if it is part of one."""
    if _SITE.match(url) is None:
        return set()
    return {
        f"{scheme}://{site}{_page_key(url)}{slash}"
        for scheme in ("https", "http")
        for site in ("", "www.")
        for slash in ("", "/")
    }


def _page_key(url: str) -> str:
    # A file's address is no http(s) one, and stays as it is.
    with contextlib.suppress(FetchError):
        url = canonical_url(url) if "://" in url else url
    return _SITE.sub("", unquote(url).partition("#")[0]).rstrip("/").strip()
