"""Which language a text is in, and in which one to answer."""

import os
import re

from ingest.foundation.messages import LANGUAGES, Language
from ingest.text.cjk import CJK

LETTERS_AN_IDEOGRAPH = 3
"""English words have five letters, Chinese ones between one and two characters."""
_NO_LETTERS = re.compile(r"[\W\d_]+")
_CJK_CHARACTER = re.compile(rf"[{CJK}]")
_LATIN_LETTER = re.compile(r"[A-Za-z]")
_ENGLISH_GRAMMAR = re.compile(
    r"\b(a|an|and|are|at|can|do|does|for|from|how|in|is|of|on|the|to|was|what|when|where|which|who|why"
    r"|with)\b",
    re.IGNORECASE,
)


def language_of(text: str) -> Language:
    """Return "zh" if the text is written in CJK characters, else "en"."""
    ideographs = len(_CJK_CHARACTER.findall(text))
    if not ideographs:
        return "en"
    # Product names make a Chinese question look English ("DJI Mini 4 Pro 多重?"), a Chinese name
    # makes an English one look Chinese ("Who is 李白?"): English grammar decides between them.
    letters = len(_LATIN_LETTER.findall(text))
    return "en" if letters > ideographs and _ENGLISH_GRAMMAR.search(text) else "zh"


def dominant_language(text: str) -> Language:
    """Return the language of most words of a text: of a page, a passage, a row of a table.

    A table of English words with one Chinese name in it is English, and Chinese text with names of
    programs in every line Chinese. For a question `language_of` is the better judge.
    """
    ideographs = len(_CJK_CHARACTER.findall(text))
    if not ideographs:
        return "en"
    letters = len(_LATIN_LETTER.findall(text))
    return "zh" if LETTERS_AN_IDEOGRAPH * ideographs >= letters else "en"


def cjk_share(text: str) -> float:
    """Return the share of CJK characters among all letters and ideographs, 0 to 1."""
    ideographs = len(_CJK_CHARACTER.findall(text))
    # Nothing to divide in most texts, and counting letters takes longest.
    if not ideographs:
        return 0.0
    # "・" is no letter to Python, nor is an ideograph that is newer than its Unicode tables.
    return ideographs / max(len(_NO_LETTERS.sub("", text)), ideographs)


def choose_language(chosen: str | None, text: str = "") -> Language:
    """Return the language to answer in: the one chosen, else that of `text`, else the locale's.

    `chosen` is what an option or a setting says; "auto" and None choose none.
    """
    named = next((language for language in LANGUAGES if language == chosen), None)
    if named is not None:
        return named
    if text.strip():
        return language_of(text)
    # The order in which POSIX has them override one another (Base Definitions, 8.2).
    variables = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return language_of_locale(next(filter(None, variables), ""))


def language_of_locale(locale: str) -> Language:
    """Return the language of "zh_CN.UTF-8", "zh-CN" or "zh-CN,en;q=0.8": English if not ours."""
    locale = locale.lower()
    return next((language for language in LANGUAGES if locale.startswith(language)), "en")
