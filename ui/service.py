"""One assistant for every tab of the page."""

from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, suppress

from assistant.answer.orchestrator import Assistant
from assistant.events import AnswerEvent, AnswerFailed
from assistant.values import ChatMessage, Question
from ingest.foundation.errors import QiuzhengError
from ui.bridge import GOODBYE_S, Bridge, SharedResource


class AssistantService:
    """Asks one assistant on behalf of every browser tab, each in a thread of its own."""

    def __init__(
        self, open_assistant: Callable[[], AbstractAsyncContextManager[Assistant]]
    ) -> None:
        self._bridge = Bridge()
        self._assistants = SharedResource(open_assistant)

    def ask(
        self, question: Question, history: Sequence[ChatMessage], *, poll_interval_s: float
    ) -> Generator[AnswerEvent | None, None, None]:
        """Yield the events of one answer, and None after `poll_interval_s` seconds of silence.

        An assistant that cannot be opened ends the stream with `AnswerFailed`, too.
        """

        async def events() -> AsyncGenerator[AnswerEvent, None]:
            try:
                async with (
                    self._assistants.use() as assistant,
                    aclosing(assistant.ask(question, history)) as answering,
                ):
                    async for event in answering:
                        yield event
            except QiuzhengError as error:
                yield AnswerFailed.from_error(error)

        return self._bridge.iterate(events, poll_interval_s=poll_interval_s)

    def close(self) -> None:
        """Close the assistant; give up after `GOODBYE_S` seconds."""
        with suppress(TimeoutError):
            self._bridge.call(self._assistants.close(), timeout_s=GOODBYE_S)
