"""The code of the four packages, read and parsed once for all tests that look at it."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("assistant", "ui", "ingest", "finetune")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


# At the first test that asks, not at import: each process of a parallel run collects every test.
@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path), str(path))


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """Return what `ast.walk` yields of a file: to walk all of them again takes as long."""
    return tuple(ast.walk(tree_of(path)))


def source_trees() -> dict[Path, ast.Module]:
    return {path: tree_of(path) for path in SOURCES}
