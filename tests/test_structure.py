"""What keeps the tree readable for a stranger: small folders, one direction, names for grep."""

import ast
import io
import itertools
import re
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

from tests.conftest import LONG_FILES
from tests.source_trees import ROOT, SOURCES, nodes_of, source_trees, text_of

MODULES_IN_A_FOLDER = 20
FOLDER_ARROWS_OF_INGEST = 24
COMMENTS_PER_1000_LINES = 30
CALLED_ONCE = 0.1
"""Most helpers with a single caller, as a share of all functions: each costs its reader a jump."""
SHARED_NAMES = {"main"}
"""Functions that each command has under one name by convention."""

PRIVATE_WORDS = re.compile(
    r"\b(?:doors?|latecomers?|patience|furniture|rooms|bear(?:s|ing)? on|telling words|hand_over"
    r"|dossier|rehearse|backlog|fluency|waiting room)\b",
    re.IGNORECASE,
)
"""Words that were ours alone; the field's stand in docs/glossary.md."""


OUR_NAMES = re.compile(
    r"_*(?:asked|said|(?:\w+_)?(?:told|tells?|telling|mend(?:s|ed)?|remarks?|complaints?)(?:_\w+)?)",
    re.IGNORECASE,
)
"""Names that say that somebody speaks, and not what is held: the value has a name of its own."""


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports, also inside functions and for types alone."""
    for node in nodes_of(path):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


MODULES = {module_of(path): path for path in SOURCES}


@cache
def import_arrows() -> dict[str, set[str]]:
    """Return the modules of ours that each imports."""
    return {
        name: {other for other in imported(path) if other in MODULES and other != name}
        for name, path in MODULES.items()
    }


def test_no_folder_holds_more_modules_than_a_reader_can_overlook() -> None:
    counts = Counter(path.parent for path in SOURCES if path.name != "__init__.py")
    assert {folder: n for folder, n in counts.items() if n > MODULES_IN_A_FOLDER} == {}


def test_no_module_imports_itself_through_others_not_even_late() -> None:
    graph = {
        # A package's own __init__ runs before its modules: that they import it is no circle.
        name: {other for other in others if not name.startswith(f"{other}.")}
        for name, others in import_arrows().items()
    }
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def folder_of(module: str) -> str:
    """Return the folder of a module of `ingest`, "" for those at its top."""
    path = MODULES[module].relative_to(ROOT / "ingest")
    return path.parts[0] if len(path.parts) > 1 else ""


def test_few_arrows_lead_from_one_folder_of_ingest_to_another() -> None:
    arrows = {
        (folder_of(name), folder_of(other))
        for name, others in import_arrows().items()
        for other in others
        if name.startswith("ingest.") and other.startswith("ingest.")
    }
    assert len({(a, b) for a, b in arrows if a != b}) <= FOLDER_ARROWS_OF_INGEST


def test_no_two_classes_have_one_name() -> None:
    places = defaultdict(list)
    for path in SOURCES:
        for node in nodes_of(path):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(path.relative_to(ROOT)))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_a_function_name_leads_to_its_place() -> None:
    places = defaultdict(list)
    for path, tree in source_trees().items():
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                places[node.name].append(str(path.relative_to(ROOT)))
    vague = {name: where for name, where in places.items() if len(where) > 2}
    assert {name: where for name, where in vague.items() if name not in SHARED_NAMES} == {}


def test_what_is_named_like_a_question_answers_yes_or_no() -> None:
    others = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in SOURCES
        for node in nodes_of(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and re.match(r"_?(is|has|can)_", node.name)
        and not (node.returns and ast.unparse(node.returns).startswith(("bool", "TypeGuard")))
    ]
    assert others == []


def may_stand_in_its_caller(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether a function is private and without a decorator."""
    private = node.name.startswith("_") and not node.name.startswith("__")
    return private and not node.decorator_list


def test_few_helpers_have_a_single_caller() -> None:
    used: Counter[str] = Counter()
    called: Counter[str] = Counter()
    every: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
    for node in itertools.chain.from_iterable(map(nodes_of, SOURCES)):
        if isinstance(node, ast.Name | ast.Attribute):
            used[node.id if isinstance(node, ast.Name) else node.attr] += 1
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            called[node.func.id if isinstance(node.func, ast.Name) else node.func.attr] += 1
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            every.append(node)
    # What is passed as a value has to be a function.
    once = [
        node.name
        for node in every
        if used[node.name] == called[node.name] == 1 and may_stand_in_its_caller(node)
    ]
    assert len(once) <= CALLED_ONCE * len(every), f"{len(once)} of {len(every)}"


def public_definitions(tree: ast.Module) -> Iterator[ast.ClassDef | ast.FunctionDef]:
    """Yield public classes, functions and methods; those inside private classes are private."""

    def visit(body: list[ast.stmt]) -> Iterator[ast.ClassDef | ast.FunctionDef]:
        for node in body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                if node.name.startswith("_"):
                    continue
                yield node  # type: ignore[misc]
                if isinstance(node, ast.ClassDef):
                    yield from visit(node.body)

    return visit(tree.body)


def test_what_is_public_says_what_it_gives() -> None:
    every = [
        (path, node) for path, tree in source_trees().items() for node in public_definitions(tree)
    ]
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path, node in every
        if not ast.get_docstring(node)
    ]
    assert len(silent) <= 0.02 * len(every), silent


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and text of each bare string: docstrings, also those of constants and fields."""
    for node in nodes_of(path):
        value = node.value if isinstance(node, ast.Expr) else None
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.lineno, value.value


def test_a_docstring_says_what_it_is_about_before_of_what() -> None:
    # In a hover and in grep's output the name of what it describes is not beside it.
    headless = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in SOURCES
        for line, text in docstrings(path)
        if text.startswith("Of ")
    ]
    assert headless == []


def comments(text: str) -> int:
    """Return the comments of a file; directives for tools are none."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return sum(
        token.type == tokenize.COMMENT and not re.match(r"# (noqa|type:)", token.string)
        for token in tokens
    )


@pytest.mark.parametrize("package", ["assistant", "ingest", "finetune"])
def test_the_code_says_why_where_it_turns(package: str) -> None:
    texts = [text_of(path) for path in SOURCES if path.relative_to(ROOT).parts[0] == package]
    lines = sum(bool(line.strip()) for text in texts for line in text.splitlines())
    assert 1000 * sum(map(comments, texts)) / lines >= COMMENTS_PER_1000_LINES


def private_words(text: str) -> list[str]:
    """Return the lines with a word of ours alone."""
    return [
        f"{number}: {line.strip()}"
        for number, line in enumerate(text.splitlines(), start=1)
        if PRIVATE_WORDS.search(line)
    ]


def test_names_and_prose_are_the_fields_own() -> None:
    # One test for all: to make a folder and an environment for each file takes longer than to look.
    ours = {
        path.relative_to(ROOT).as_posix(): found
        for path in SOURCES
        if (found := private_words(text_of(path)))
    }
    assert ours == {}


def names_given(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and name of functions, classes, parameters and variables; not those of fields."""
    fields = {
        id(line.target)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for line in node.body
        if isinstance(line, ast.AnnAssign)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) if id(node) not in fields:
                yield node.lineno, name
            case ast.arg(arg=name):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield node.lineno, name
            case ast.ClassDef(name=name):
                yield node.lineno, name.removeprefix("_")


def test_a_name_says_what_it_holds_and_not_that_somebody_says_it() -> None:
    ours = [
        f"{path.relative_to(ROOT).as_posix()}:{line} {name}"
        for path, tree in source_trees().items()
        for line, name in names_given(tree)
        if OUR_NAMES.fullmatch(name)
    ]
    assert ours == []


def test_the_names_that_are_looked_for_are_found() -> None:
    code = ast.parse("def f(asked):\n    is_told = 1\n    for _said in asked: pass\n    seller = 2")
    found = [name for _, name in names_given(code) if OUR_NAMES.fullmatch(name)]
    assert sorted(found) == ["_said", "asked", "is_told"]


PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
        *(ROOT / "docs").glob("*.md"),  # not decisions: they keep the words of their day
        ROOT / "bench" / "README.md",
    ]
)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_are_in_the_fields_own_words(path: Path) -> None:
    assert private_words(path.read_text(encoding="utf-8")) == []


def test_the_long_files_that_begin_a_parallel_run_are_there() -> None:
    assert [name for name in LONG_FILES if not (ROOT / name).is_file()] == []


def test_the_glossary_is_short_and_in_order() -> None:
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    words = [line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| ")][2:]
    assert 20 <= len(words) <= 40
    assert all(a.casefold() <= b.casefold() for a, b in pairwise(words))
