"""From chunks to stored vectors; what cannot be embedded is noted, and tried again later."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ingest.documents import Chunk
from ingest.errors import EmbedError, VectorError
from ingest.foundation.messages import NO_MESSAGE, Message
from ingest.foundation.tracing import span
from ingest.index.embed.base import Embedder
from ingest.index.embed.bisection import embed_each
from ingest.index.embed.following import current_embedder
from ingest.index.store.base import ChunkStore


@dataclass(slots=True, kw_only=True)
class EmbeddedChunks:
    """What became of chunks that were to get their vectors."""

    embedded: int = 0
    """How many have their vector now."""
    failures: dict[str, Message] = field(default_factory=dict)
    """Chunk id -> why this text alone could not be embedded."""
    ended_by: EmbedError | VectorError | None = None
    """Why the rest was not tried, if it was not."""

    def add(self, other: "EmbeddedChunks") -> None:
        """Count what became of further chunks."""
        self.embedded += other.embedded
        self.failures |= other.failures
        self.ended_by = self.ended_by or other.ended_by

    @property
    def reason(self) -> Message:
        """Why chunks have no vector, `NO_MESSAGE` if all have one."""
        if self.ended_by is not None:
            return self.ended_by.full_message
        return next(iter(self.failures.values()), NO_MESSAGE)


async def embed_chunks(
    chunks: Sequence[Chunk], *, embedder: Embedder, store: ChunkStore
) -> EmbeddedChunks:
    """Embed chunks in one request, store their vectors, and note those that cannot be embedded.

    Raises:
        StoreError: the index cannot be written. Vectors that it refuses are no such error.
    """
    embedder = current_embedder(embedder)
    with span("embed", chunks=len(chunks)):
        result = await embed_each(embedder, [chunk.text for chunk in chunks])
    pairs = [
        (chunk, vector)
        for chunk, vector in zip(chunks, result.vectors, strict=True)
        if vector is not None
    ]
    outcome = EmbeddedChunks(ended_by=result.ended_by)
    if pairs:
        try:
            await store.add_vectors(
                [chunk for chunk, _ in pairs], [vector for _, vector in pairs], space=embedder.space
            )
        except VectorError as error:
            # Another model than yesterday's answers under this name: so it will for all.
            outcome.ended_by = error
            return outcome
        outcome.embedded = len(pairs)
    if result.failures:
        failed = {chunks[place]: error for place, error in result.failures.items()}
        await store.note_failures(
            {chunk.id: error.full_message for chunk, error in failed.items()}, space=embedder.space
        )
        outcome.failures = {chunk.id: error.message for chunk, error in failed.items()}
    return outcome
