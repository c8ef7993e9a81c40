"""`assistant chat`: a conversation on the terminal."""

import asyncio
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace
from types import FrameType

import click

from assistant.answer.orchestrator import Assistant
from assistant.bootstrap import open_assistant
from assistant.cli.terminal import Terminal, say
from assistant.conversations.recorder import ConversationRecorder, RecordedTurn
from assistant.conversations.store import ConversationStore, conversations_path
from assistant.errors import ConversationError
from assistant.events import Notice, NoticeCode
from assistant.settings import Settings
from assistant.values import Question
from ingest.foundation.command_line.cli_runner import STOPPED
from ingest.foundation.messages import NO_MESSAGE, Language, Message, join_messages
from ingest.foundation.startup import INTERRUPTED, decode_argument, decode_input
from ingest.text.language import language_of

SHOWN_CHARACTERS = 400
"""Characters shown of the last answer when a conversation is resumed."""

LEAVING = frozenset({"/quit", "/exit"})
STANDING: frozenset[NoticeCode] = frozenset({"no_model", "words_only", "other_encoder"})
"""Notices that hold for the whole conversation, and are shown once."""

_COMMAND = re.compile(r"/[\w?-]*")
_COMMANDS = Message("/web switches the web on or off, /new starts afresh, /quit leaves.")
_WELCOME = Message("Ask away.")
_WEB_ON = Message("The web is searched for every question.")
_WEB_OFF = Message("Answers come from the index.")
_FORGOTTEN = Message("The conversation starts afresh.")


async def converse(
    *,
    settings: Settings,
    question: Question,
    thinking: bool,
    quiet: bool,
    language: Language | None,
    spoken: Language,
    resume: str | None = None,
) -> int:
    """Answer question after question until the person leaves; a failed one does not end it.

    Ctrl-C stops the answer that is being given; where none is, it leaves.

    Args:
        settings: What to build the assistant from.
        question: The options of every question; its text is not used.
        thinking: Show the model's thinking.
        quiet: Show no progress.
        language: Of all answers and messages; None: each question's own.
        spoken: The language of what is said before the first question.
        resume: The kept conversation to go on with; None: a new one.

    Raises:
        ConversationError: there is no such conversation, or it cannot be read.
    """
    recorder = _open_recorder(private=question.private, resume=resume)
    async with open_assistant(settings) as assistant, recorder:
        # A model or an engine that does not exist fails every question: better before the first.
        await assistant.prepare(question)
        chat = _Chat(
            assistant=assistant,
            question=question,
            thinking=thinking,
            quiet=quiet,
            language=language,
            spoken=spoken,
            recorder=recorder,
        )
        if resume is not None:
            chat.say_where_we_were()
        chat.say(Message("{welcome} {commands}", welcome=_WELCOME, commands=_COMMANDS))
        chat.say(_WEB_ON if question.web else _WEB_OFF)
        return await chat.run()


def _open_recorder(*, private: bool, resume: str | None) -> ConversationRecorder:
    if private and resume is None:
        return ConversationRecorder(None)
    try:
        store = ConversationStore(conversations_path())
    except ConversationError as error:
        if resume is not None:
            raise
        # A home that cannot be written to is no reason not to answer.
        return ConversationRecorder(None, problem=error.message)
    recorder = ConversationRecorder(store, private=private)
    if resume is not None:
        try:
            recorder.resume(resume)
        except ConversationError:
            store.close()
            raise
    return recorder


@dataclass(kw_only=True)
class _Chat:
    """One conversation and what is remembered of it."""

    assistant: Assistant
    question: Question
    thinking: bool
    quiet: bool
    language: Language | None
    spoken: Language
    recorder: ConversationRecorder
    _shown: set[NoticeCode] = field(default_factory=set)

    async def run(self) -> int:
        """Take line after line; return the exit code."""
        try:
            while (line := await _next_line()) is not None:
                if line.casefold() in LEAVING:
                    break
                if _COMMAND.fullmatch(line):
                    match line.casefold():
                        case "/web":
                            self.question = replace(self.question, web=not self.question.web)
                            self.say(_WEB_ON if self.question.web else _WEB_OFF)
                        case "/new":
                            self.recorder.start_afresh()
                            self.say(_FORGOTTEN)
                        case "/help" | "/?" | "/":
                            self.say(_COMMANDS)
                        case command:
                            unknown = Message("There is no {command}. ", command=command)
                            self.say(join_messages([unknown, _COMMANDS]))
                elif line:
                    await self._reply(line)
        except asyncio.CancelledError:
            say(f"\n{STOPPED.localize(self.spoken)}")
            return INTERRUPTED
        finally:
            if not self.quiet and not self.question.private and self.recorder.turns:
                command = f"assistant chat --resume={self.recorder.id}"
                self.say(Message("To go on later: {command}", command=command))
        return 0

    def say(self, text: Message) -> None:
        """Show a message in the language of the conversation so far."""
        say(text.localize(self.spoken), dim=True)

    def say_where_we_were(self) -> None:
        """Show the last question and answer of a conversation that is taken up again."""
        recorder = self.recorder
        self.say(
            Message(
                "{title}: {count} {count:?question|questions} so far.",
                title=recorder.title,
                count=len(recorder.turns),
            )
        )
        if recorder.turns:
            last = recorder.turns[-1]
            text = last.text.strip()
            cut = text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
            say(f"? {last.question}\n{cut}\n", dim=True)

    async def _reply(self, question: str) -> None:
        """Answer one question, unless Ctrl-C stops it, and keep what came of it."""
        self.spoken = self.language or language_of(question)
        turn = RecordedTurn(question=replace(self.question, text=question))
        answering = asyncio.ensure_future(self._answer(turn))
        stopped = True
        try:
            with _ctrl_c_stops(answering):
                await answering
            stopped = False
        except asyncio.CancelledError:
            # Either Ctrl-C ended the answer alone, or the whole command is being cancelled: only
            # in the second case has this task itself been asked to end.
            this = asyncio.current_task()
            if this is not None and this.cancelling():
                raise
            say(f"\n{STOPPED.localize(self.spoken)}")
        finally:
            self.recorder.record(turn, stopped=stopped)
        click.echo()
        if self.recorder.problem:
            self.say(self.recorder.problem)
            self.recorder.problem = NO_MESSAGE

    async def _answer(self, turn: RecordedTurn) -> None:
        terminal = Terminal(language=self.spoken, quiet=self.quiet, thinking=self.thinking)
        events = self.assistant.ask(turn.question, self.recorder.history())
        async with aclosing(events):
            async for event in events:
                turn.events.append(event)
                if isinstance(event, Notice) and event.code in self._shown:
                    continue
                if isinstance(event, Notice) and event.code in STANDING:
                    self._shown.add(event.code)
                terminal.show(event)


@contextmanager
def _ctrl_c_stops(answering: asyncio.Future[None]) -> Iterator[None]:
    """Let Ctrl-C cancel `answering` alone; pressed again before it has stopped, it leaves."""
    loop = asyncio.get_running_loop()
    before = signal.getsignal(signal.SIGINT)
    pressed = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed and callable(before):
            before(number, frame)
        pressed = True
        # A signal handler runs between two bytecodes of any task: only the loop may cancel one.
        loop.call_soon_threadsafe(answering.cancel)

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


async def _next_line() -> str | None:
    """Return what the person typed, None when they left. A thread waits for it, so Ctrl-C works."""
    line = await asyncio.to_thread(_read_line)
    return None if line is None else line.strip()


def _read_line() -> str | None:
    if not sys.stdin.isatty():
        return decode_input(sys.stdin.buffer.readline()) or None
    try:
        return decode_argument(
            click.prompt("?", default="", show_default=False, prompt_suffix=" ", err=True)
        )
    except (click.Abort, EOFError):
        return None
