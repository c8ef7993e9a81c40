"""`assistant ask`: one answer, for people or as a line of JSON for each event."""

from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

from assistant.bootstrap import open_assistant
from assistant.cli.terminal import Terminal
from assistant.errors import QuestionError
from assistant.events import ANSWER_EVENT, AnswerEvent, AnswerFailed, AnswerFinished
from assistant.settings import load_settings
from assistant.values import Question
from ingest.foundation.command_line.cli_runner import print_json
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Language, Message
from ingest.report import print_note
from ingest.text.language import choose_language

NOTHING_FOUND = 3
"""Exit code where neither the index nor the web had anything for the question. 1 and 2 are taken:
what failed, and what was asked wrongly."""


async def print_answer(
    question: Question,
    *,
    overrides: Mapping[str, Mapping[str, Any]],
    crawl_log: Path | None,
    as_json: bool,
    thinking: bool,
    quiet: bool,
    language: Language,
) -> int:
    """Show the events of one answer, and return the exit code: 3 where nothing was found.

    `language` is that of errors until the settings, changed by `overrides`, are read.
    """
    terminal = Terminal(language=language, quiet=quiet, thinking=thinking)

    def show(event: AnswerEvent) -> None:
        # A failure goes both ways: JSON on stdout for the program, one line on stderr for people.
        if as_json:
            print_json(ANSWER_EVENT.dump_json(event, context={"language": terminal.language}))
        if not as_json or isinstance(event, AnswerFailed):
            terminal.show(event)

    def say(text: Message) -> None:
        if not quiet and not as_json:
            print_note(text, terminal.language)

    code = 0
    try:
        if not question.web and (question.fresh or crawl_log):
            raise QuestionError(
                Message("--{given} needs --web", given="fresh" if question.fresh else "ledger"),
                hint=Message("without it no page is asked for: add --web"),
            )
        settings = load_settings(overrides)
        terminal.language = choose_language(settings.answer.language, question.text)
        opened = open_assistant(
            settings,
            crawl_log=crawl_log,
            say=say,
        )
        async with opened as assistant, aclosing(assistant.ask(question)) as events:
            async for event in events:
                show(event)
                code = exit_code_of(event)  # that of the last one
    except QiuzhengError as error:  # what could not be opened ends the stream like all else
        show(AnswerFailed.from_error(error))
        code = error.exit_code
    return code


def exit_code_of(event: AnswerEvent) -> int:
    """Return the exit code of a command whose answer ends with this event."""
    match event:
        case AnswerFailed():
            return event.exit_code
        case AnswerFinished(answer=answer) if not answer.found:
            return NOTHING_FOUND
        case _:
            return 0
