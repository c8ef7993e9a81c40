"""Write the pages that are made from the code: commands, settings, recipe keys, the example.

python -m docs.generate            # write them
python -m docs.generate --check    # exit 1 if they are stale (a test does this)
"""

import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from pydantic import SecretStr

from assistant.cli.main import main as assistant
from assistant.search.registry import ENGINES
from assistant.settings import Settings
from finetune.cli import main as finetune
from finetune.recipe import Recipe, RecipeTable
from ingest.cli import main as ingest
from ingest.foundation.settings import SettingsTable, tables_of

ROOT = Path(__file__).parent.parent
MACHINE_DEPENDENT = {
    "host": "http://127.0.0.1:11434",
    "user_agent": "qiuzheng/<version> (+<project URL>)",
}
"""Defaults that are read from this machine; the pages show what they usually are."""
APPENDED = {"search.engines": f" All: {', '.join(sorted(ENGINES))}."}
"""Setting -> end of its description that only a higher module than the settings knows."""


def cli_page() -> str:
    """Return the help texts of every command."""
    parts = [
        "# Commands",
        "",
        "Made from `--help` by `make docs`. stdout carries the answer, stderr all else. "
        "Exit codes: 0 done, 1 failed, 2 asked wrongly, 130 stopped by Ctrl-C; of `assistant ask` "
        "also 3, nothing was found; of `assistant evaluate` also 4, a figure is below its "
        "`--fail-under`.",
    ]
    for name, command in (("assistant", assistant), ("ingest", ingest), ("finetune", finetune)):
        parts += _help(name, command)
    return "\n".join(parts) + "\n"


def _help(name: str, command: click.Command, parent: click.Context | None = None) -> list[str]:
    width = {"terminal_width": 96, "max_content_width": 96}
    settings = {**command.context_settings, **width}
    context = click.Context(command, info_name=name.split()[-1], parent=parent, **settings)
    lines = ["", f"## `{name}`", "", "```", command.get_help(context).rstrip(), "```"]
    if isinstance(command, click.Group):
        for child, subcommand in sorted(command.commands.items()):
            lines += _help(f"{name} {child}", subcommand, context)
    return lines


def _tables() -> Iterator[tuple[str, str, list[tuple[str, Any, str]]]]:
    """Yield (name, what it is for, rows of key, default and description) of each table.

    A table within a table follows it, under its dotted name.
    """
    for name, keys in tables_of(Settings).items():
        yield from _table(name, "", keys())


def _table(
    name: str, purpose: str, table: SettingsTable
) -> Iterator[tuple[str, str, list[tuple[str, Any, str]]]]:
    rows: list[tuple[str, Any, str]] = []
    inner: list[tuple[str, str, SettingsTable]] = []
    for key, field in type(table).model_fields.items():
        value = getattr(table, key)
        description = (field.description or "") + APPENDED.get(f"{name}.{key}", "")
        if isinstance(value, SettingsTable):
            inner.append((f"{name}.{key}", description, value))
        else:
            rows.append((key, MACHINE_DEPENDENT.get(key, value), description))
    yield name, purpose, rows
    for each in inner:
        yield from _table(*each)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | SecretStr):
        return f'"{value}"'
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return str(value)


def configuration_page() -> str:
    """Return every setting with its default and what it does."""
    lines = [
        "# Settings",
        "",
        "Made from the code by `make docs`. Order of precedence: command-line option, environment, "
        "file, default. The file is `$ASSISTANT_CONFIG`, else `./assistant.toml`, else "
        "`assistant.toml` under `$ASSISTANT_HOME` (default: the platform's data folder, on Linux "
        "`~/.local/share/qiuzheng`), which also holds the index. In the environment a setting is "
        "`ASSISTANT_<TABLE>__<KEY>`, for example `ASSISTANT_MODEL__NAME=qwen3:4b` or, for a table "
        "within a table, `ASSISTANT_SEARCH__BRAVE__KEY`; lists are JSON. "
        "`assistant` refuses unknown names wherever they stand; `ingest` does, too, but leaves the "
        "tables `search`, `model` and `answer` unread. `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`, "
        "`SSL_CERT_FILE` and `OLLAMA_HOST` mean what they mean elsewhere.",
    ]
    for table, purpose, rows in _tables():
        lines += ["", f"## [{table}]", *(["", purpose] if purpose else [])]
        lines += ["", "| key | default | what it does |", "| --- | --- | --- |"]
        lines += [
            f"| `{key}` | `{_toml(default)}` | {description} |"
            for key, default, description in rows
        ]
    return "\n".join(lines) + "\n"


def recipe_page() -> str:
    """Return every key of a recipe with its default and what it means."""
    lines = [
        "# Recipes",
        "",
        "Made from the code by `make docs`. A recipe is one TOML file; paths are relative to it, "
        "unknown keys are refused. `--set train.lr=2e-4` changes a key for one command. "
        "[finetuning.md](finetuning.md) walks through one.",
    ]
    return "\n".join([*lines, *_recipe_rows("", Recipe)]) + "\n"


def _recipe_rows(prefix: str, table: type[RecipeTable]) -> list[str]:
    heading = f"## [{prefix.rstrip('.')}]" if prefix else "## At the top"
    lines = ["", heading, "", "| key | default | what it means |", "| --- | --- | --- |"]
    inner: list[str] = []
    for key, field in table.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, RecipeTable):
            inner += _recipe_rows(f"{prefix}{key}.", kind)
        elif not field.exclude:
            default = "required" if field.is_required() else f"`{_toml(field.default)}`"
            lines.append(f"| `{key}` | {default} | {field.description or ''} |")
    return [*lines, *inner]


def example_file() -> str:
    """Return an assistant.toml with every setting at its default, commented out."""
    lines = ["# Every setting with its default; uncomment what you change. Made by `make docs`."]
    for table, purpose, rows in _tables():
        lines += ["", *([f"# {purpose}"] if purpose else []), f"[{table}]"]
        for key, default, description in rows:
            lines += [f"# {description}", f"# {key} = {_toml(default)}"]
    return "\n".join(lines) + "\n"


def click_catalogue() -> bytes:
    """Return what click says by itself, in Chinese, as gettext reads it."""
    with (ROOT / CLICK_CATALOGUE).open("rb") as file:
        catalogue = read_po(file, locale="zh")  # which knows how Chinese counts
    # Babel's is the present moment: the file would differ each minute.
    catalogue.creation_date = datetime(2026, 11, 28, tzinfo=UTC)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    return compiled.getvalue()


CLICK_CATALOGUE = "ingest/foundation/click_locale/zh/LC_MESSAGES/click.po"
PAGES = {
    "docs/cli.md": cli_page,
    "docs/configuration.md": configuration_page,
    "docs/recipes.md": recipe_page,
    "assistant.example.toml": example_file,
}


def stale() -> list[str]:
    """Return the names of generated files that differ from what they are made of."""
    compiled = (ROOT / CLICK_CATALOGUE).with_suffix(".mo")
    is_compiled = compiled.is_file() and compiled.read_bytes() == click_catalogue()
    return [
        name
        for name, make in PAGES.items()
        if not (ROOT / name).exists() or (ROOT / name).read_text(encoding="utf-8") != make()
    ] + ([] if is_compiled else [f"{CLICK_CATALOGUE} (compiled)"])


def main() -> int:
    """Write the pages, or only compare them."""
    if "--check" in sys.argv:
        for name in stale():
            click.echo(f"{name} is stale: run make docs", err=True)
        return 1 if stale() else 0
    for name, make in PAGES.items():
        (ROOT / name).write_text(make(), encoding="utf-8")
    (ROOT / CLICK_CATALOGUE).with_suffix(".mo").write_bytes(click_catalogue())
    return 0


if __name__ == "__main__":
    sys.exit(main())
