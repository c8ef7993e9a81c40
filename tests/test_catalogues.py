"""Every text for people is in the catalogues, with the same values; nothing in them is unused."""

import ast
import json
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("ingest", "assistant", "ui", "finetune")
IN_TEMPLATE = re.compile(r"""\bt\((["'])(.*?)\1\)""")


def literals(node: ast.expr) -> Iterator[str]:
    """Yield the templates that an argument may be: a literal, or one of two by a condition."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=body, orelse=other):
            yield from literals(body)
            yield from literals(other)


def templates(package: str) -> Iterator[tuple[str, set[str], str]]:
    """Yield each template in the code, the names of its values, and where it stands."""
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Message" and node.args:
                names = {word.arg for word in node.keywords if word.arg}
                for text in literals(node.args[0]):
                    yield text, names, f"{path.relative_to(ROOT)}:{node.lineno}"
    for path in (ROOT / package).rglob("*.j2"):
        for _, text in IN_TEMPLATE.findall(path.read_text(encoding="utf-8")):
            yield text, set(), path.name


def catalogue(package: str, language: str) -> dict[str, str]:
    path = ROOT / package / "translations" / f"{language}.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


LANGUAGES = sorted(
    {path.stem for package in PACKAGES for path in (ROOT / package / "translations").iterdir()}
)
COMPLETE = ("zh",)
"""Held to be whole. A language of volunteers may lack messages, which are shown in English."""
of_all = pytest.mark.parametrize("language", LANGUAGES)


def fields(text: str) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]


COUNTED = (
    "addresses|answers|archives|cells|characters|chunks|claims|columns|conversations|documents|"
    "entries|failures|figures|files|formulas|languages|links|messages|models|numbers|pages|pairs|"
    "passages|pictures|questions|records|replies|rows|runs|samples|seconds|sentences|sources|"
    "statements|texts|thoughts|times|tokens|vectors|words|workers"
)
"""Nouns that our messages count."""
FIXED_PLURAL = re.compile(
    rf"\{{(\w+)(?::[^}}?]*)?\}} (?:(?!with |in |of |it )[\w-]+ )?(?:{COUNTED})\b"
)
NEVER_ONE = {
    *("name", "kind", "suffix", "speakers"),  # no numbers
    *("limit", "most", "max_url_characters", "size", "longest_kept", "tokens", "characters"),
    *("claims", "prompt"),
}
"""Values before a plural that are bounds of thousands, or of which one has a message of its own."""


def test_what_is_counted_agrees_with_its_number() -> None:
    wrong = [
        (text, where)
        for package in PACKAGES
        for text, _, where in templates(package)
        for found in FIXED_PLURAL.finditer(text)
        if found[1] not in NEVER_ONE
    ]
    assert wrong == [], "{count} pages → {count} {count:?page|pages}"


def test_what_agrees_with_a_number_is_given_it() -> None:
    """`str.format` alone knows no two forms: the values have to come with the message."""
    wrong = [
        (text, where)
        for package in PACKAGES
        for text, names, where in templates(package)
        if not set(re.findall(r"\{(\w+):\?", text)) <= names
    ]
    assert wrong == []


def test_a_catalogue_is_named_by_its_language_alone() -> None:
    for package in PACKAGES:
        names = [path.name for path in (ROOT / package / "translations").iterdir()]
        assert [
            name for name in names if not re.fullmatch(r"[a-z]{2,3}(-[A-Z]{2})?.json", name)
        ] == []
    assert set(COMPLETE) <= set(LANGUAGES)


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("language", COMPLETE)
def test_every_text_for_people_is_translated(package: str, language: str) -> None:
    known = {text for name in PACKAGES for text in catalogue(name, language)}
    missing = [
        (text, where)
        for text, _, where in templates(package)
        if re.search("[A-Za-z]{2}", re.sub(r"\{[^}]*\}", "", text)) and text not in known
    ]
    assert missing == []


@of_all
@pytest.mark.parametrize("package", PACKAGES)
def test_a_translation_uses_no_value_that_the_message_lacks(package: str, language: str) -> None:
    known = {text: word for name in PACKAGES for text, word in catalogue(name, language).items()}
    wrong = [
        (text, known[text], where)
        for text, names, where in templates(package)
        if names and text in known and not set(fields(known[text])) <= names
    ]
    assert wrong == []


@of_all
@pytest.mark.parametrize("package", PACKAGES)
def test_no_translation_is_empty(package: str, language: str) -> None:
    assert [text for text, word in catalogue(package, language).items() if not word.strip()] == []


@of_all
@pytest.mark.parametrize("package", PACKAGES)
def test_no_translation_is_left_of_a_text_that_is_gone(package: str, language: str) -> None:
    constants = {
        node.value
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    used = constants | {text for text, _, _ in templates(package)}
    assert [text for text in catalogue(package, language) if text not in used] == []


@of_all
def test_a_text_is_translated_once_in_the_lowest_package_that_says_it(language: str) -> None:
    seen: dict[str, str] = {}
    for package in PACKAGES:
        for text in catalogue(package, language):
            assert seen.setdefault(text, package) == package, text
