"""An encoder that goes along when another process moves the index to another space."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from ingest.foundation.messages import Message
from ingest.index.embed.base import Embedder
from ingest.index.embed.delegating import DelegatingEmbedder

OTHER_ENCODER = Message(
    "The vectors of the index are of another encoder than the one in force. To move it, while you"
    " go on asking: assistant index migrate"
)

RETRY_S = 60.0
"""Between tries to open the encoder of a space: a server that is away would cost each question the
time-out of a connection."""


class FollowingEmbedder(DelegatingEmbedder):
    """An `Embedder` that stands for the one of the index's current space.

    A chat or a page runs for days. When the index is migrated meanwhile, the vectors that its first
    encoder could look up are deleted: `follow`, called before each question, opens the new one.

    Whoever awaits vectors and then files or looks them up takes `current_embedder` first: the space
    may be another one by then.

    Args:
        embedder: The first one.
        space: The current space when that was opened.
        current_space: Looks it up.
        reopen: Returns the embedder for a space, or None and why there is none.
        notice: What a person should know about the first one, said once.
        clock: Seconds, for the time between tries.
    """

    def __init__(
        self,
        embedder: Embedder,
        *,
        space: str,
        current_space: Callable[[], Awaitable[str]],
        reopen: Callable[[str], Awaitable[tuple[Embedder | None, tuple[Message, ...]]]],
        notice: Message | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(embedder)
        self._space = space
        self._current_space = current_space
        self._reopen = reopen
        self._notice = notice
        self._clock = clock
        # A question that comes while an encoder is opened waits for it, as the first one does.
        self._lock = asyncio.Lock()
        self._tried: tuple[str, float] = ("", 0.0)
        self._last_notice: Message | None = None
        # Kept until the end: another question may be in the middle of using one.
        self._former: list[Embedder] = []

    @property
    def current(self) -> Embedder:
        """The encoder that is used now: its vectors are of its space, whatever `follow` does."""
        return self._embedder

    async def follow(self) -> Message | None:
        """Go along with the index; return what a person should know, each time it is news.

        An encoder that cannot be had is tried again after `RETRY_S`.

        Raises:
            StoreError: the index cannot be read.
        """
        async with self._lock:
            notice, self._notice = self._notice, None
            space = await self._current_space()
            if space == self._space:
                return notice
            if space in ("", self._embedder.space):
                self._space = space
                return None
            tried, at = self._tried
            if tried == space and self._clock() - at < RETRY_S:
                return None
            reason = await self._open(space)
            self._tried = (space, self._clock())
            news = reason if reason != self._last_notice else None
            self._last_notice = reason
            return news

    async def _open(self, space: str) -> Message | None:
        """Open the encoder of `space`, and return why that is not the one in use now."""
        opened, problems = await self._reopen(space)
        if opened is None:
            return problems[0] if problems else OTHER_ENCODER
        if opened.space == self._embedder.space:  # not `space`: the settings name this encoder
            await opened.close()
            return OTHER_ENCODER
        self._former.append(self._embedder)
        self._embedder = opened
        if opened.space != space:
            return OTHER_ENCODER
        self._space = space
        return None

    async def close(self) -> None:
        """Close all that were opened."""
        for embedder in (self._embedder, *self._former):
            await embedder.close()


def current_embedder(embedder: Embedder) -> Embedder:
    """Return the encoder that `embedder` stands for at this moment, else itself.

    Take it before the first `await`: vectors made by one encoder and filed under the space of the
    next mislead all that look them up, and no length tells them apart.
    """
    return embedder.current if isinstance(embedder, FollowingEmbedder) else embedder
