"""The help of commands in the language of messages; without a translation it stays English.

A package that translates its help has `command_help/<language>.json`: English paragraph of a
docstring or text of an option -> its translation. They are no catalogue of messages, since they are
needed for --help alone, which begins at once.
"""

import inspect
import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import click

VERBATIM = "\b"
"""Line with which a paragraph begins that click leaves as it is (its own mark)."""

COLUMNS = 76
"""Columns of a paragraph: click breaks lines at spaces alone, and Chinese text has none."""

OPTION_COLUMNS = 46
"""The same of an option's text, which begins in column 32 at most."""

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
            found: list[str] = []
            for paragraph in help_paragraphs(each.help or ""):
                translation = translations.get(paragraph)
                # The first one is also the line in the list of commands, which click cuts itself.
                if translation and found and not translation.startswith(VERBATIM):
                    translation = "\n".join([VERBATIM, *_wrap(translation, COLUMNS)])
                found.append(translation or paragraph)
            each.help = "\n\n".join(found) if each.help else each.help
            for parameter in each.params:
                if isinstance(parameter, click.Option) and parameter.help in translations:
                    lines = [*_wrap(translations[parameter.help], OPTION_COLUMNS)]
                    parameter.help = "\n".join([VERBATIM, *lines] if lines[1:] else lines)


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


def _wrap(text: str, columns: int) -> Iterator[str]:
    """Yield lines of so many columns, of which a Chinese character takes two."""
    line, width = "", 0
    for character in text:
        wide = 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if width + wide > columns and character not in CANNOT_BEGIN:
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
