"""One assistant for every tab of the page."""

from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, suppress

from assistant.answer.orchestrator import Assistant
from assistant.events import AnswerEvent
from assistant.values import ChatMessage
from ui.bridge import GOODBYE_S, Bridge, SharedResource


class AssistantService:
    """Asks one assistant on behalf of every browser tab, each in a thread of its own.

    An assistant that has remarks (no model, no encoder) is opened anew before the next question,
    so that a model server started in the meantime is noticed.
    """

    def __init__(
        self, open_assistant: Callable[[], AbstractAsyncContextManager[Assistant]]
    ) -> None:
        self._bridge = Bridge()
        self._assistants = SharedResource(open_assistant, is_stale=lambda one: bool(one.remarks))

    def ask(
        self, question: str, *, web: bool, history: Sequence[ChatMessage], poll_interval_s: float
    ) -> Generator[AnswerEvent | None, None, None]:
        """Yield the events of one answer, and None after `poll_interval_s` seconds of silence.

        Raises:
            QiuzhengError: as `Assistant.ask`, or the assistant could not be opened.
        """

        async def events() -> AsyncGenerator[AnswerEvent, None]:
            async with (
                self._assistants.use() as assistant,
                aclosing(assistant.ask(question, web=web, history=history)) as answering,
            ):
                async for event in answering:
                    yield event

        return self._bridge.iterate(events, poll_interval_s=poll_interval_s)

    def close(self) -> None:
        """Close the assistant; give up after `GOODBYE_S` seconds."""
        with suppress(TimeoutError):
            self._bridge.call(self._assistants.close(), timeout_s=GOODBYE_S)
