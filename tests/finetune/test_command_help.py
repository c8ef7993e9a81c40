"""The help of `finetune` in Chinese: all of it, and in lines that fit a terminal."""

import json
import os
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import finetune
from finetune.cli import main
from ingest.text.command_help import VERBATIM, help_paragraphs, localize_help, walk_commands

FOLDER = Path(finetune.__path__[0]) / "command_help"


def translatable() -> Iterator[str]:
    """Yield each paragraph and option text that is no example to be typed."""
    for command in walk_commands(main):
        for paragraph in help_paragraphs(command.help or ""):
            if not paragraph.startswith(VERBATIM) or "#" in paragraph:
                yield paragraph
        for parameter in command.params:
            if isinstance(parameter, click.Option) and parameter.help:
                yield parameter.help


def test_each_text_is_translated_and_no_translation_is_left_over() -> None:
    texts = set(translatable())
    assert set(json.loads((FOLDER / "zh.json").read_text(encoding="utf-8"))) == texts


@pytest.mark.parametrize("verb", ["improve", "synthesize", "export", ""])
def test_help_is_chinese_where_the_locale_is(verb: str) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "finetune", *verb.split(), "--help"],
        env={**os.environ, "LC_ALL": "zh_CN.UTF-8", "PYTHONUTF8": "1", "COLUMNS": "80"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    assert "选项" in shown
    lines = shown.splitlines()
    # An English sentence is one of five words in a row that is no example of a command.
    english = [line for line in lines if "finetune" not in line and len(line.split()) > 7]
    assert not [line for line in english if line.isascii()]
    for line in lines:
        columns = sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in line)
        assert columns <= 100, line


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
