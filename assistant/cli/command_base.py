"""What the modules of commands share. Only click is imported up here, so that `--help` is quick."""

import sys
from typing import TYPE_CHECKING, Any

import click

from ingest.foundation.messages import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from assistant.settings import Settings
    from ingest.foundation.messages import Language

LANGUAGE = click.Choice(["auto", *LANGUAGES])


def message_language(chosen: str | None, text: str = "") -> "Language":
    """Return the language of messages: the one chosen, else that of `text`, else the locale's."""
    from ingest.text.language import choose_language

    return choose_language(chosen, text)


def run_async(main: "Coroutine[Any, Any, int]", language: "Language") -> None:
    """Run a command to its end and leave the process with its exit code."""
    from ingest.foundation.command_line.cli_runner import run

    run(main, language)


def run_plain(work: "Callable[[], int]", language: "Language") -> None:
    """Do the same for a command that waits for nothing."""
    from ingest.foundation.command_line.cli_runner import run_sync

    run_sync(work, language)


def settings_or_exit(
    overrides: "Mapping[str, Mapping[str, Any]]", language: "Language"
) -> "Settings":
    """Return the settings in force, or leave the process with one line that says what is wrong."""
    from assistant.settings import load_settings
    from ingest.foundation.command_line.cli_runner import print_error
    from ingest.foundation.errors import QiuzhengError

    try:
        return load_settings(overrides)
    except QiuzhengError as error:
        sys.exit(print_error(error, language))
