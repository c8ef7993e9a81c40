"""`assistant index migrate`: every chunk into another encoder's space, while the index is in use.

Vectors of the new space are written beside the old ones, batch by batch, so that a process that
dies at any moment loses one batch, and the next call goes on. Questions are answered from the old
space until the new one has all that it can have; then one transaction switches.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from ingest.documents import Chunk
from ingest.errors import EmbedError
from ingest.foundation.messages import NO_MESSAGE, Message
from ingest.index.chunk_embedding import embed_chunks
from ingest.index.embed.base import LANGUAGE_COVERAGE_FLOOR, Embedder
from ingest.index.store.maintenance import IndexMaintenance

BATCH = 16
"""Chunks embedded and stored at once: what is lost with a process. One second's work at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationProgress:
    """How far a migration is."""

    space: str
    chunks: int
    """In the index when this call began, and since."""
    embedded: int
    """With a vector in the new space."""
    foreign: int
    """In languages that the encoder does not know: these are found by words."""
    failed: int
    """That the encoder could not embed."""
    seconds_left: float | None
    """At the rate so far, None before the first batch of this call."""
    rate: float = 0.0
    """Chunks embedded in a second."""
    reason: Message = NO_MESSAGE
    """Why the first of `failed` has no vector."""
    is_done: bool = False
    """The index is switched."""
    deleted: int = 0
    """Vectors of other spaces, deleted after the switch."""


class SpaceMigration:
    """Moves an index to the space of `embedder`; call `run` once.

    Args:
        maintenance: Of the index.
        embedder: Of the new space.
        keep_old: Leave vectors of other spaces where they are.
    """

    def __init__(
        self, *, maintenance: IndexMaintenance, embedder: Embedder, keep_old: bool = False
    ) -> None:
        self._maintenance = maintenance
        self._embedder = embedder
        self._keep_old = keep_old
        # Chunks that get no vector, by id and text: the same id with another text is another chunk.
        self._foreign: set[tuple[str, str]] = set()
        self._failed: set[tuple[str, str]] = set()
        self._reason = NO_MESSAGE
        self._made = 0
        self._seconds = 0.0

    async def run(self) -> AsyncGenerator[MigrationProgress, None]:
        """Embed what is missing and switch; yield after each batch, and at the end.

        Raises:
            EmbedError: the encoder fails for every text, or for more than it embeds. What is
                embedded is kept.
            StoreError: the index cannot be written, or another process migrates it.
        """
        with self._maintenance.migrating():
            yield await self._progress()
            number = 0
            while True:
                batch = await self._maintenance.unembedded_after(
                    number, space=self._embedder.space, limit=BATCH
                )
                if batch:
                    number = batch[-1][0]
                    await self._embed([chunk for _, chunk in batch])
                    yield await self._progress()
                elif await self._try_switch():
                    break
                else:
                    number = 0  # chunks came behind our back: once more from the start
            deleted = 0 if self._keep_old else await self._maintenance.drop_other_spaces()
            await self._maintenance.update_copy()
            yield await self._progress(is_done=True, deleted=deleted)

    async def _embed(self, chunks: list[Chunk]) -> None:
        """Embed a batch, without what is known to fail.

        Raises:
            EmbedError: the encoder fails for every text.
        """
        given_up = self._foreign | self._failed
        readable = []
        for chunk in chunks:
            if (chunk.id, chunk.text) in given_up:
                continue
            coverage = await asyncio.to_thread(self._embedder.language_coverage, chunk.text)
            if coverage < LANGUAGE_COVERAGE_FLOOR:
                self._foreign.add((chunk.id, chunk.text))
            else:
                readable.append(chunk)
        if not readable:
            return
        began = time.monotonic()
        done = await embed_chunks(readable, embedder=self._embedder, store=self._maintenance.store)
        self._seconds += time.monotonic() - began
        self._made += done.embedded
        self._failed |= {(c.id, c.text) for c in readable if c.id in done.failures}
        self._reason = self._reason or done.reason
        if done.ended_by is not None:
            raise done.ended_by

    async def _try_switch(self) -> bool:
        """Switch the index if the new space has all that it can have.

        Raises:
            EmbedError: that is nothing, or less than what failed.
        """
        stats = await self._maintenance.stats()
        embedded = stats.chunks - await self._maintenance.count_unembedded(self._embedder.space)
        # The old vectors serve better than so few new ones.
        if len(self._failed) > embedded:
            raise EmbedError(
                Message(
                    "{failed} {failed:?text|texts} could not be embedded, more than "
                    "could: the index stays as it is ({reason})",
                    failed=len(self._failed),
                    reason=self._reason,
                ),
                hint=Message("see what the encoder does: assistant doctor"),
            )
        if stats.embedded and not embedded:
            raise EmbedError(
                Message("the encoder knows the language of no text: the index stays as it is"),
                hint=Message("choose another encoder in [embed]"),
            )
        return await self._maintenance.switch(
            self._embedder.space, given_up=self._foreign | self._failed
        )

    async def _progress(self, *, is_done: bool = False, deleted: int = 0) -> MigrationProgress:
        stats = await self._maintenance.stats()
        space = self._embedder.space
        unembedded = await self._maintenance.count_unembedded(space)
        left = max(0, unembedded - len(self._foreign) - len(self._failed))
        rate = self._made / self._seconds if self._seconds else 0.0
        return MigrationProgress(
            space=space,
            chunks=stats.chunks,
            embedded=stats.chunks - unembedded,
            foreign=len(self._foreign),
            failed=len(self._failed),
            seconds_left=left / rate if rate else None,
            rate=rate,
            reason=self._reason,
            is_done=is_done,
            deleted=deleted,
        )
