"""How a command starts: in which language it speaks, and one line where it is called wrongly."""

import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import click

from ingest.foundation.command_line.cli_runner import print_error_line
from ingest.foundation.command_line.command_help import localize_help
from ingest.foundation.messages import NO_MESSAGE, Language, Message, join_messages

LANGUAGE_OPTION = "--lang"
_BLANK_AFTER_STOP = re.compile(r"(?<=[。！？]) +")


def command_language(choose_language: Callable[[str | None], Language]) -> Language:
    """Return the language that this process is to speak, and have click speak it.

    Before the commands are imported: click translates some texts where an option is declared.

    Args:
        choose_language: Returns the language for the value of `--lang`, None where it is not given.
    """
    language = choose_language(chosen_language(sys.argv[1:]))
    # gettext, by which click translates what it says by itself, knows no other way to be told.
    os.environ["LANGUAGE"] = language
    return language


def start_command(
    command: click.Command, folder: Path, language: Language, *, name: str | None = None
) -> NoReturn:
    """Run a command with the arguments of this process, and leave with its exit code.

    Help and usage errors are in the language of `--lang`, before click has read it.

    Args:
        command: With its subcommands.
        folder: That of its package, for the translations of its help.
        language: That of `command_language`.
        name: What the help calls the command; None: as the process is called.
    """
    localize_help(command, folder / "command_help", language)
    try:
        # By itself, click would print usage, hint and error on three lines.
        code = command.main(prog_name=name, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = error.exit_code
    except click.ClickException as error:
        print_usage_error(error, language, name or Path(sys.argv[0]).name)
        code = error.exit_code
    except click.Abort:
        click.echo(err=True)
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def chosen_language(arguments: Sequence[str]) -> str | None:
    """Return the last value of `--lang` among arguments, None if it is not there."""
    chosen = None
    for place, argument in enumerate(arguments):
        if argument == "--":
            break
        name, sign, value = argument.partition("=")
        if name == LANGUAGE_OPTION:
            chosen = value if sign else next(iter(arguments[place + 1 :]), None)
    return chosen


def print_usage_error(error: click.ClickException, language: Language, program: str) -> None:
    """Write to stderr, on one line, what is wrong with a call and which help says what is right."""
    # Click's parser does not always know in which subcommand it is.
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context else program
    hint = Message("see how to call it: {command} --help", command=command)
    # Click joins its sentences by a blank in each language; Chinese has none between them.
    problem = Message.verbatim(_BLANK_AFTER_STOP.sub("", error.format_message().rstrip(".。")))
    # "Did you mean 'ask'?" takes no colon behind it.
    if problem.localize(language).endswith(("?", "？")):
        problem = join_messages([problem, hint], Message.bilingual(" ", ""))
        hint = NO_MESSAGE
    print_error_line(problem, hint, language)
