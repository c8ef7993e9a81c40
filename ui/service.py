"""One assistant for every tab of the page."""

from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, suppress

from assistant.answer.orchestrator import Assistant
from assistant.events import AnswerEvent, AnswerFailed
from assistant.values import ChatMessage, Question
from ingest.foundation.concurrency import LazyResource
from ingest.foundation.errors import QiuzhengError
from ui.bridge import CLOSE_TIMEOUT_S, EventLoopThread


class AssistantService:
    """Asks one assistant on behalf of every browser tab, each in a thread of its own."""

    def __init__(
        self, open_assistant: Callable[[], AbstractAsyncContextManager[Assistant]]
    ) -> None:
        self._loop = EventLoopThread()
        self._assistant = LazyResource(open_assistant)

    def ask(
        self, question: Question, history: Sequence[ChatMessage], *, poll_interval_s: float
    ) -> Generator[AnswerEvent | None, None, None]:
        """Yield the events of one answer, and None after `poll_interval_s` seconds of silence.

        An assistant that cannot be opened ends the stream with `AnswerFailed`, too.
        """

        async def answer_events() -> AsyncGenerator[AnswerEvent, None]:
            """Yield the events of one answer, in the loop's thread."""
            try:
                assistant = await self._assistant.get()
                async with aclosing(assistant.ask(question, history)) as events:
                    async for event in events:
                        yield event
            except QiuzhengError as error:
                yield AnswerFailed.from_error(error)

        return self._loop.iterate(answer_events, poll_interval_s=poll_interval_s)

    def close(self) -> None:
        """Close the assistant; give up after `CLOSE_TIMEOUT_S` seconds."""
        with suppress(TimeoutError):
            self._loop.call(self._assistant.close(), timeout_s=CLOSE_TIMEOUT_S)
