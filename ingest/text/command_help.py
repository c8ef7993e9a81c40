"""The help of commands in the language of messages; without a translation it stays English.

A package that translates its help has `command_help/<language>.json`: English paragraph of a
docstring or text of an option -> its translation. They are no catalogue of messages, since they are
needed for --help alone, which begins at once.
"""

import inspect
import json
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

VERBATIM = "\b"
"""Line with which a paragraph begins that click leaves as it is (its own mark)."""

COLUMNS = 76
"""Columns of a paragraph: click breaks lines at spaces alone, and Chinese text has none."""

CANNOT_BEGIN = "，。、；：？！）”》％"
"""Marks that no line begins with."""


def localize_help(command: click.Command, folder: Path, language: str) -> None:
    """Put the help of a command, its options and its subcommands into a language.

    `folder` is the package's `command_help`; without a file for the language nothing changes.
    """
    path = folder / f"{language}.json"
    if path.is_file():
        translations = json.loads(path.read_text(encoding="utf-8"))
        for each in walk_commands(command):
            if each.help:
                each.help = _localize_paragraphs(each.help, translations)
            for parameter in each.params:
                if isinstance(parameter, click.Option) and parameter.help:
                    parameter.help = translations.get(parameter.help, parameter.help)


def walk_commands(command: click.Command) -> Iterator[click.Command]:
    """Yield a command and all below it."""
    yield command
    if isinstance(command, click.Group):
        for below in command.commands.values():
            yield from walk_commands(below)


def help_paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a docstring as translations name them: one line each.

    Those that click leaves as they are keep their lines, and begin with its mark.
    """
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return [one if one.startswith(VERBATIM) else " ".join(one.split()) for one in paragraphs]


def _localize_paragraphs(text: str, translations: Mapping[str, str]) -> str:
    found = []
    for paragraph in help_paragraphs(text):
        translation = translations.get(paragraph)
        if translation is None or translation.startswith(VERBATIM):
            found.append(translation or paragraph)
        elif not found:
            # The first one is also the line in the list of commands, which click cuts by itself.
            found.append(translation)
        else:
            found.append("\n".join([VERBATIM, *_wrap(translation)]))
    return "\n\n".join(found)


def _wrap(text: str) -> Iterator[str]:
    """Yield lines of `COLUMNS` columns, of which a Chinese character takes two."""
    line, width = "", 0
    for character in text:
        wide = 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if width + wide > COLUMNS and character not in CANNOT_BEGIN:
            # A word of ASCII letters stays whole: `--base`, or a file's name.
            kept = len(line)
            while wide == 1 and kept and line[kept - 1].isascii() and line[kept - 1] != " ":
                kept -= 1
            kept = kept or len(line)
            yield line[:kept].rstrip()
            line = line[kept:].lstrip()
            width = sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in line)
        line += character
        width += wide
    if line:
        yield line
