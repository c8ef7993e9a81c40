"""Rules of this repository that no linter knows."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.source_trees import PACKAGES, ROOT, SOURCES, nodes_of, source_trees, text_of

WEIGHTS = tuple(
    f"finetune/{part}/"
    for part in ("train", "diagnose/probing", "evaluate/generate", "export", "serve")
)
VENDORS: dict[str, str | tuple[str, ...]] = {
    "ada_url": "ingest/web/urls.py",
    "chardet": ("ingest/text/encodings.py", "finetune/data/"),
    "chromadb": "ingest/index/store/vector_stores/chroma",
    "crawl4ai": "ingest/crawl4ai_filter.py",
    "httpcore": "ingest/web/fetch/",
    "ddgs": "assistant/search/",
    "fastapi": ("finetune/serve/", "assistant/api/"),
    "gguf": ("finetune/export/", "finetune/diagnose/checks/"),
    "jieba": "finetune/evaluate/metrics/",
    "matplotlib": "finetune/train/",
    "nltk": "finetune/evaluate/metrics/",
    "pathspec": "ingest/bulk/folders.py",
    "peft": WEIGHTS,
    "ray": "ingest/ray_cluster.py",
    "rensa": "finetune/data/",
    "rouge_chinese": "finetune/evaluate/metrics/",
    "sacrebleu": "finetune/evaluate/metrics/",
    "sklearn": "finetune/evaluate/metrics/",
    "onnx": "ingest/index/embed/",
    "onnxruntime": "ingest/index/embed/",
    "ollama": "ingest/model_servers/ollama.py",
    "protego": "ingest/web/robots_parser.py",
    "rank_bm25": "",  # pruning and quotes
    "streamlit": "ui/",
    "torch": WEIGHTS,
    "trafilatura": "ingest/extract/blocks/trafilatura_text.py",
    "transformers": WEIGHTS,
    "openpyxl": ("ingest/extract/formats/sheets.py", "finetune/data/files/"),
    "pyarrow": "finetune/data/files/",
    "olefile": "ingest/extract/readers/outlook.py",
    "pypdfium2": "ingest/extract/readers/pdf.py",
}
"""Where a vendor's name may stand; "" is anywhere."""

SCOPES = {"TaskGroup", "create_task_group", "timeout", "timeout_at", "fail_after", "move_on_after"}
"""Context managers that belong to the task that entered them (PEP 789)."""


def trees_by_place() -> Iterator[tuple[str, ast.Module]]:
    """Yield each file of ours, for a test of all: one for each would take longer to begin."""
    for path, tree in source_trees().items():
        yield path.relative_to(ROOT).as_posix(), tree


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_each_vendor_is_named_in_one_place() -> None:
    strangers = [
        f"{place}: {name}"
        for place, tree in trees_by_place()
        for name in imported(tree)
        if not place.startswith(VENDORS.get(name.partition(".")[0], ""))
    ]
    assert strangers == []


def scope_of(item: ast.withitem) -> str:
    call = item.context_expr
    if not isinstance(call, ast.Call):
        return ""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def yields_inside_scope(tree: ast.AST) -> list[int]:
    """Return lines of `yield` under a task group or timeout of an async generator."""
    lines: list[int] = []

    def visit(node: ast.AST, *, inside: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                continue
            scoped = isinstance(child, ast.With | ast.AsyncWith) and any(
                scope_of(item) in SCOPES for item in child.items
            )
            if isinstance(child, ast.Yield) and inside:
                lines.append(child.lineno)
            visit(child, inside=inside or scoped)

    for function in ast.walk(tree):
        if isinstance(function, ast.AsyncFunctionDef) and not any(
            "asynccontextmanager" in ast.unparse(decorator) for decorator in function.decorator_list
        ):
            visit(function, inside=False)
    return lines


def test_nothing_is_yielded_inside_a_task_group_or_timeout() -> None:
    found = {place: yields_inside_scope(tree) for place, tree in trees_by_place()}
    assert {place: lines for place, lines in found.items() if lines} == {}


def test_the_guard_sees_a_yield_inside_a_timeout() -> None:
    planted = "async def f():\n  async with asyncio.timeout(1):\n    for x in y:\n      yield x\n"
    assert yields_inside_scope(ast.parse(planted)) == [4]


HEAVY = [
    "chromadb",
    "crawl4ai",
    "streamlit",
    "ollama",
    "openpyxl",
    "pypdfium2",
    "onnxruntime",
    "onnx",
    "trafilatura",
    "torch",
    "transformers",
    "pydantic",
    "httpx",
    "ddgs",
    "numpy",
]


@pytest.mark.parametrize("command", ["assistant.cli.main", "ingest.cli", "finetune.cli"])
def test_help_imports_nothing_heavy(command: str) -> None:
    program = (
        f"import sys; from {command} import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        f"print('HEAVY', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert "HEAVY []" in shown.stdout


ASK_THE_INDEX = """
import asyncio, sys
from assistant.cli.ask import print_answer
from assistant.values import Question

code = asyncio.run(
    print_answer(
        Question("How hot for green tea?"), overrides={}, crawl_log=None, as_json=False,
        thinking=False, quiet=True, language="en",
    )
)
readers = ("ingest.extract", "ingest.web.fetch", "ingest.pipeline", "assistant.search.engines")
print("READERS", code, [name for name in sys.modules if name.startswith(readers)])
"""


def test_a_question_to_the_index_imports_nothing_that_reads_pages(tmp_path: Path) -> None:
    own = {
        "ASSISTANT_HOME": str(tmp_path),
        "ASSISTANT_MODEL__PROVIDER": "extractive",
        "ASSISTANT_EMBED__PROVIDER": "none",
    }
    shown = subprocess.run(
        [sys.executable, "-c", ASK_THE_INDEX],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=os.environ | own,
    )
    assert "READERS 3 []" in shown.stdout


@pytest.mark.parametrize(
    "module",
    [
        "data.prepare",
        "check.inspection",
        "compare.comparison",
        "report.html_page",
        "report.model_card",
        "pipeline",
        "evaluate.evaluation",
    ],
)
def test_what_needs_no_weights_imports_no_torch(module: str) -> None:
    heavy = [
        "torch",
        "transformers",
        "peft",
        "accelerate",
        "matplotlib",
        "nltk",
        "jieba",
        "sklearn",
    ]
    program = (
        f"import sys; import finetune.{module}\n"
        f"print('HEAVY', [name for name in {heavy!r} if name in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert "HEAVY []" in shown.stdout


def test_files_of_code_and_of_tests_stay_short() -> None:
    for path in [*SOURCES, *(ROOT / "tests").rglob("test_*.py")]:
        assert text_of(path).count("\n") <= 400, f"{path} is longer than 400 lines"


def test_functions_stay_short() -> None:
    lengths: list[int] = []
    for path in SOURCES:
        for node in nodes_of(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                length = node.end_lineno - node.lineno + 1
                assert length <= 50, f"{path}:{node.lineno} {node.name} has {length} lines"
                lengths.append(length)
    assert sorted(lengths)[int(len(lengths) * 0.9)] <= 30


def test_no_package_is_called_by_a_catch_all_name() -> None:
    catch_alls = {"utils", "helpers", "common", "core", "manager", "misc"}
    assert not [path for path in SOURCES if {path.stem, path.parent.name} & catch_alls]


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_of_ours_is_patched_in_tests(package: str) -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert f'setattr("{package}.' not in text, path
        assert f'patch("{package}.' not in text, path
