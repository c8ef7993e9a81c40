"""Requests to one model: one at a time, a short queue, and a time limit."""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator

from finetune.errors import FinetuneError
from finetune.serve.engine import Engine, EngineError, GenerationRequest, GenerationResult
from ingest.foundation.messages import Message

log = logging.getLogger(__name__)

MAX_REASON_CHARACTERS = 200
"""Characters of an unexpected exception's message that are passed on."""

ReplyPieces = asyncio.Queue[str | GenerationResult | FinetuneError]
"""Texts of a reply, then its result or the error that ended it."""


class QueueFullError(EngineError):
    """Too many requests wait already."""


class ReplyTimeoutError(EngineError):
    """The reply took longer than allowed, waiting included."""


class RequestQueue:
    """Passes requests to the engine one by one."""

    def __init__(self, engine: Engine, *, max_waiting: int, timeout_s: float) -> None:
        """`max_waiting` requests may wait besides the active one."""
        self._engine = engine
        self._capacity = max_waiting + 1
        self._timeout_s = timeout_s
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._active: asyncio.Task[None] | None = None

    @property
    def size(self) -> int:
        """Number of requests that are active or wait."""
        return len(self._tasks)

    async def stream(
        self, request: GenerationRequest
    ) -> AsyncGenerator[str | GenerationResult, None]:
        """Yield the reply's tokens as text, then the result. Closing it frees the engine.

        Raises:
            QueueFullError: too many requests wait already.
            ReplyTimeoutError: time is up.
            EngineError: the engine failed.
        """
        if self.size >= self._capacity:
            raise QueueFullError(
                Message("too many requests wait already"),
                hint=Message("try again in a few seconds"),
            )
        cancelled = threading.Event()
        pieces: ReplyPieces = asyncio.Queue()
        # A task of its own, not this generator: it has to end in order even if its reader stops.
        task = asyncio.create_task(self._generate(request, pieces, cancelled))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda done: _report_bug(done, pieces))
        # One deadline for the whole reply: a limit per token would let a slow model run for hours.
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        try:
            while True:
                try:
                    async with asyncio.timeout_at(deadline):
                        piece = await pieces.get()
                except TimeoutError:
                    raise ReplyTimeoutError(
                        Message(
                            "no reply within {timeout_s:g} {timeout_s:?second|seconds}",
                            timeout_s=self._timeout_s,
                        ),
                        hint=Message("ask for fewer tokens"),
                    ) from None
                if isinstance(piece, FinetuneError):
                    raise piece
                yield piece
                if isinstance(piece, GenerationResult):
                    return
        finally:
            cancelled.set()
            # The active one is not cancelled: its thread would go on, and the lock be free for a
            # second one. It ends at its next token, as `cancelled` is set.
            if task is not self._active:
                task.cancel()

    async def _generate(
        self, request: GenerationRequest, pieces: ReplyPieces, cancelled: threading.Event
    ) -> None:
        """Wait for the engine, then run it in a thread, which fills `pieces`."""
        loop = asyncio.get_running_loop()

        def emit(text: str) -> bool:
            """Pass a text from the engine's thread to the event loop's."""
            loop.call_soon_threadsafe(pieces.put_nowait, text)
            return not cancelled.is_set()

        async with self._lock:
            self._active = asyncio.current_task()
            try:
                pieces.put_nowait(await asyncio.to_thread(self._engine.generate, request, emit))
            except FinetuneError as error:
                pieces.put_nowait(error)


def _report_bug(task: asyncio.Task[None], pieces: ReplyPieces) -> None:
    """Log an unexpected exception of the engine, and end the reply with an error."""
    bug = None if task.cancelled() else task.exception()
    if bug is None:
        return
    # Without an entry in `pieces` the client would wait until its time is up.
    log.error("the model failed", exc_info=bug)
    reason = f"{type(bug).__name__}: {' '.join(str(bug).split())}"[:MAX_REASON_CHARACTERS]
    pieces.put_nowait(EngineError(Message("the model failed"), hint=Message.verbatim(reason)))
