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


def catalogue(package: str) -> dict[str, str]:
    return dict(
        json.loads((ROOT / package / "translations" / "zh.json").read_text(encoding="utf-8"))
    )


def fields(text: str) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_text_for_people_is_translated(package: str) -> None:
    known = {text for name in PACKAGES for text in catalogue(name)}
    missing = [
        (text, where)
        for text, _, where in templates(package)
        if re.search("[A-Za-z]{2}", re.sub(r"\{[^}]*\}", "", text)) and text not in known
    ]
    assert missing == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_translation_uses_no_value_that_the_message_lacks(package: str) -> None:
    known = {text: zh for name in PACKAGES for text, zh in catalogue(name).items()}
    wrong = [
        (text, known[text], where)
        for text, names, where in templates(package)
        if names and text in known and not set(fields(known[text])) <= names
    ]
    assert wrong == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_translation_is_left_of_a_text_that_is_gone(package: str) -> None:
    constants = {
        node.value
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    used = constants | {text for text, _, _ in templates(package)}
    assert [text for text in catalogue(package) if text not in used] == []


def test_a_text_is_translated_once_in_the_lowest_package_that_says_it() -> None:
    seen: dict[str, str] = {}
    for package in PACKAGES:
        for text in catalogue(package):
            assert seen.setdefault(text, package) == package, text
