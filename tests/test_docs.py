"""What the docs say is true."""

import ast
import re
import shlex
from pathlib import Path

import click
import pytest
from babel.messages.pofile import read_po
from markdown_it import MarkdownIt

from assistant.cli.main import main as assistant
from docs.generate import CLICK_CATALOGUE, ROOT, stale
from finetune.cli import main as finetune
from ingest.cli import main as ingest

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMANDS: dict[str, click.Command] = {
    "assistant": assistant,
    "ingest": ingest,
    "finetune": finetune,
}


def test_generated_pages_say_what_the_code_says() -> None:
    assert stale() == []


def test_what_click_says_in_chinese_is_what_it_says() -> None:
    sources = [*Path(click.__file__).parent.glob("*.py"), ROOT / "ingest" / "cli.py"]
    sources.append(ROOT / "assistant" / "cli" / "index" / "commands.py")
    strings = {
        node.value
        for path in sources
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    with (ROOT / CLICK_CATALOGUE).open("rb") as file:
        entries = [entry for entry in read_po(file) if entry.id]
    for entry in entries:
        original, translated = str(entry.id), str(entry.string)
        if isinstance(entry.id, tuple):
            original, translated = entry.id[0], entry.string[0]
        assert original in strings
        assert set(re.findall(r"{\w+", translated)) <= set(re.findall(r"{\w+", str(entry.id)))


def shown_commands() -> list[str]:
    """Return the commands of ours in fenced blocks and docstrings of the pages."""
    found = []
    for page in PAGES:
        for line in page.read_text(encoding="utf-8").splitlines():
            command = re.sub(r"^\s*(\$ )?(python -m (?=finetune))?", "", line).partition("  #")[0]
            if re.match(r"(assistant|ingest|finetune) (?!\|)", command) and "Usage:" not in line:
                found.append(re.split(r" [|>] ", command)[0].strip())
    return sorted(set(found))


def test_there_are_commands_to_check() -> None:
    assert len(shown_commands()) >= 10


@pytest.mark.parametrize("line", shown_commands())
def test_commands_shown_in_the_docs_are_understood(line: str) -> None:
    """Parse each line with the real command: unknown options and commands fail."""
    name, *arguments = shlex.split(line.replace("…", "x"))
    command = COMMANDS[name]
    context = click.Context(command, info_name=name)
    if isinstance(command, click.Group):
        _, subcommand, arguments = command.resolve_command(context, arguments)
        assert subcommand is not None
        command = subcommand
    command.make_context(name, list(arguments), resilient_parsing=False)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_named_in_the_docs_exist(page: Path) -> None:
    named = re.findall(
        r"`((?:assistant|ingest|ui|finetune|tests|bench|docs)/[\w./-]*)`", page.read_text("utf-8")
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_row_of_a_table_is_shown_as_one(page: Path) -> None:
    """An empty line in a table ends it: what follows is shown as text with bars in it."""
    tokens = MarkdownIt("commonmark").enable("table").parse(page.read_text("utf-8"))
    paragraphs = [token.content for token in tokens if token.type == "inline"]
    assert [text for text in paragraphs if text.startswith("|")] == []
