"""One model, many who ask: one at a time, a short queue, and nobody waits for ever."""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator

from finetune.errors import FinetuneError
from finetune.serve.engine import Asked, Ended, Engine, EngineError
from ingest.foundation.messages import Message

log = logging.getLogger(__name__)

LONGEST_REASON = 200
"""Characters of a bug's own words."""

Pieces = asyncio.Queue[str | Ended | FinetuneError]


class BusyError(EngineError):
    """Too many wait already."""


class OvertimeError(EngineError):
    """The reply took longer than allowed, waiting included."""


class RequestQueue:
    """Hands requests to the engine one by one."""

    def __init__(self, engine: Engine, *, queue: int, timeout_s: float) -> None:
        """`queue` may wait besides the one that is answered."""
        self._engine = engine
        self._room = queue + 1
        self._timeout_s = timeout_s
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._at_work: asyncio.Task[None] | None = None

    @property
    def present(self) -> int:
        """How many are being answered or wait."""
        return len(self._tasks)

    async def reply(self, asked: Asked) -> AsyncGenerator[str | Ended, None]:
        """Yield the reply's tokens as text, then how it ended. Closing it frees the engine.

        Raises:
            BusyError: the queue is full.
            OvertimeError: time is up.
            EngineError: the engine's own, or what it died of.
        """
        if self.present >= self._room:
            raise BusyError(
                Message("too many requests wait already"),
                hint=Message("try again in a few seconds"),
            )
        left = threading.Event()
        pieces: Pieces = asyncio.Queue()
        task = asyncio.create_task(self._work(asked, pieces, left))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda done: _tell_of_bug(done, pieces))
        until = asyncio.get_running_loop().time() + self._timeout_s
        try:
            while True:
                piece = await self._next(pieces, until)
                if isinstance(piece, FinetuneError):
                    raise piece
                yield piece
                if isinstance(piece, Ended):
                    return
        finally:
            left.set()
            if task is not self._at_work:
                task.cancel()  # who waits no more leaves room for others

    async def _next(self, pieces: Pieces, until: float) -> str | Ended | FinetuneError:
        try:
            async with asyncio.timeout_at(until):
                return await pieces.get()
        except TimeoutError:
            raise OvertimeError(
                Message("no reply within {timeout_s:g} seconds", timeout_s=self._timeout_s),
                hint=Message("ask for fewer tokens"),
            ) from None

    async def _work(self, asked: Asked, pieces: Pieces, left: threading.Event) -> None:
        """Wait for the engine and let it work in a thread.

        Cancelled only while it waits: a thread at work goes on until its next token, and the engine
        is busy till then.
        """
        loop = asyncio.get_running_loop()

        def tell(text: str) -> bool:
            loop.call_soon_threadsafe(pieces.put_nowait, text)
            return not left.is_set()

        async with self._lock:
            self._at_work = asyncio.current_task()
            try:
                pieces.put_nowait(await asyncio.to_thread(self._engine.generate, asked, tell))
            except FinetuneError as error:
                pieces.put_nowait(error)


def _tell_of_bug(task: asyncio.Task[None], pieces: Pieces) -> None:
    """Let who waits know of an exception that nobody foresaw, and the log where it came from."""
    bug = None if task.cancelled() else task.exception()
    if bug is None:
        return
    log.error("the model failed", exc_info=bug)
    what = f"{type(bug).__name__}: {' '.join(str(bug).split())}"[:LONGEST_REASON]
    pieces.put_nowait(EngineError(Message("the model failed"), hint=Message.verbatim(what)))
