"""Where functions, classes and the like begin in code, by the language that its fence names."""

import re
from functools import cache

LANGUAGES = {
    "c++": "cpp",
    "cs": "csharp",
    "golang": "go",
    "hs": "haskell",
    "javascript": "js",
    "jsx": "js",
    "kt": "kotlin",
    "py": "python",
    "rb": "ruby",
    "rs": "rust",
    "tsx": "ts",
    "typescript": "ts",
}
"""What people write behind a fence -> the name that langchain's splitters have for it."""


def code_units(text: str, start: int, end: int, *, language: str) -> list[int]:
    """Return where the lines begin in text[start:end] at which a function or class begins.

    A chunk had best end before one of them. Empty where the language is not known.

    Source: the separators of langchain's splitters for code (`Language`).
    """
    pattern = _unit_start(LANGUAGES.get(language.lower(), language.lower()))
    if pattern is None:
        return []
    return [found.start() + 1 for found in pattern.finditer(text, max(0, start - 1), end)]


@cache
def _unit_start(name: str) -> re.Pattern[str] | None:
    """Return what is before a unit of a language: a line's end and one of its keywords."""
    # Here and not above: importing it takes .4 s, and most documents hold no code.
    from langchain_text_splitters import Language, RecursiveCharacterTextSplitter

    try:
        separators = RecursiveCharacterTextSplitter.get_separators_for_language(Language(name))
    except ValueError:
        return None
    words = [each for each in separators if each.startswith("\n") and each.strip()]
    return re.compile("|".join(map(re.escape, words))) if words else None
