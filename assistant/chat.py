"""`assistant chat`: a conversation on the terminal."""

import asyncio
from contextlib import aclosing

import click

from assistant.answers import Answer, Message
from assistant.bootstrap import open_assistant
from assistant.events import AnswerFinished
from assistant.orchestrator import Assistant
from assistant.settings import Settings
from assistant.terminal import Terminal, say
from ingest.doors import complain
from ingest.errors import AssistantError
from ingest.tokens import language_of
from ingest.wording import Language, Wording

REMEMBERED = 12
"""Messages of the past that go along with a question; the prompt's budget may keep fewer."""

LEAVING = frozenset({"/quit", "/exit"})

_WELCOME = Wording(
    "Ask away. /web switches the web on or off, /new starts afresh, /quit leaves.",
    "请提问。/web 开关网页搜索，/new 重新开始，/quit 离开。",
)
_WEB_ON = Wording("The web is searched for every question.", "每个问题都会搜索网页。")
_WEB_OFF = Wording("Answers come from the index.", "只从索引回答。")
_FORGOTTEN = Wording("The conversation starts afresh.", "对话已重新开始。")


async def converse(
    *,
    settings: Settings,
    web: bool,
    model_is_required: bool,
    thinking: bool,
    quiet: bool,
    language: Language | None,
    spoken: Language,
) -> int:
    """Answer question after question until the person leaves; a failed one does not end it.

    Args:
        settings: What to build the assistant from.
        web: Whether to search the web to begin with.
        model_is_required: A missing model is an error, not a reason to quote.
        thinking: Show the model's thinking.
        quiet: Show no progress.
        language: Of all answers and messages; None: each question's own.
        spoken: The language of what is said before the first question.
    """
    say(_WELCOME.to(spoken), dim=True)
    say((_WEB_ON if web else _WEB_OFF).to(spoken), dim=True)
    history: tuple[Message, ...] = ()
    async with open_assistant(settings, model_is_required=model_is_required) as assistant:
        while (line := await _next_line()) is not None and line not in LEAVING:
            match line:
                case "":
                    continue
                case "/web":
                    web = not web
                    say((_WEB_ON if web else _WEB_OFF).to(spoken), dim=True)
                case "/new":
                    history = ()
                    say(_FORGOTTEN.to(spoken), dim=True)
                case question:
                    spoken = language or language_of(question)
                    terminal = Terminal(language=spoken, quiet=quiet, thinking=thinking)
                    answer = await _answer(assistant, question, web, history, terminal)
                    history = _remember(history, question, answer)
    return 0


async def _next_line() -> str | None:
    """Return what the person typed, None when they left. Typing waits in a thread of its own."""
    try:
        line: str = await asyncio.to_thread(
            click.prompt, "?", default="", show_default=False, prompt_suffix=" ", err=True
        )
    except (click.Abort, EOFError):
        return None
    return line.strip()


async def _answer(
    assistant: Assistant,
    question: str,
    web: bool,
    history: tuple[Message, ...],
    terminal: Terminal,
) -> Answer | None:
    answer = None
    try:
        async with aclosing(assistant.ask(question, web=web, history=history)) as events:
            async for event in events:
                terminal.show(event)
                if isinstance(event, AnswerFinished):
                    answer = event.answer
    except AssistantError as error:
        complain(error, terminal.language)
    click.echo()
    return answer


def _remember(
    history: tuple[Message, ...], question: str, answer: Answer | None
) -> tuple[Message, ...]:
    """Return the conversation with this turn; thinking and failed turns are left out."""
    if answer is None or answer.kind == "nothing":
        return history
    turn = (Message(role="user", text=question), Message(role="assistant", text=answer.text))
    return (*history, *turn)[-REMEMBERED:]
