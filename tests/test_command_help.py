"""The help of our commands in Chinese: all of it, and in lines that fit a terminal."""

import json
import os
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import assistant.cli.main
import finetune.cli
import ingest.cli
from ingest.foundation.command_line.command_help import (
    VERBATIM,
    help_paragraphs,
    localize_help,
    walk_commands,
)

ROOT = Path(__file__).parent.parent
COMMANDS: dict[str, click.Command] = {
    "assistant": assistant.cli.main.main,
    "finetune": finetune.cli.main,
    "ingest": ingest.cli.main,
}


def translatable(command: click.Command) -> Iterator[str]:
    """Yield each paragraph and option text that is no example to be typed."""
    for each in walk_commands(command):
        for paragraph in help_paragraphs(each.help or ""):
            if not paragraph.startswith(VERBATIM) or "#" in paragraph:
                yield paragraph
        for parameter in each.params:
            if isinstance(parameter, click.Option) and parameter.help:
                yield parameter.help


@pytest.mark.parametrize("name", COMMANDS)
def test_each_text_is_translated_and_no_translation_is_left_over(name: str) -> None:
    file = ROOT / name / "command_help" / "zh.json"
    translations = json.loads(file.read_text(encoding="utf-8"))
    assert set(translations) == set(translatable(COMMANDS[name]))
    assert [text for text in translations.values() if text.isascii()] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_of_each_command_has_a_text(name: str) -> None:
    silent = [
        f"{command.name} {parameter.opts[0]}"
        for command in walk_commands(COMMANDS[name])
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.hidden and not parameter.help
    ]
    assert silent == []


@pytest.mark.parametrize(
    "line",
    [
        *("assistant", "assistant ask", "assistant index remove", "assistant evaluate"),
        *("finetune", "finetune improve", "finetune synthesize", "finetune export", "ingest"),
    ],
)
def test_help_is_chinese_where_the_locale_is(line: str) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", *line.split(), "--help"],
        env={**os.environ, "LC_ALL": "zh_CN.UTF-8", "PYTHONUTF8": "1", "COLUMNS": "80"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    assert "选项" in shown
    lines = shown.splitlines()
    # An English sentence is one of five words in a row that is no example of a command.
    english = [text for text in lines if line.split()[0] not in text and len(text.split()) > 7]
    assert not [text for text in english if text.isascii()]
    for text in lines:
        columns = sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)
        assert columns <= 100, text


def test_without_a_translation_the_help_stays_as_it_is(tmp_path: Path) -> None:
    @click.command()
    @click.option("--loud", help="Shout.")
    def greet(loud: str) -> None:
        """Greet.

        \b
        greet --loud yes
        """

    (tmp_path / "zh.json").write_text('{"Shout.": "大声。"}', encoding="utf-8")
    before = greet.help
    localize_help(greet, tmp_path, "fr")
    assert (greet.help, greet.params[0].help) == (before, "Shout.")  # type: ignore[attr-defined]
    localize_help(greet, tmp_path, "zh")
    assert greet.params[0].help == "大声。"  # type: ignore[attr-defined]
    assert "greet --loud yes" in (greet.help or "")
