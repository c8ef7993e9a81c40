"""An encoder that goes along when another process moves the index to another space."""

from collections.abc import Awaitable, Callable, Sequence

from ingest.foundation.messages import Language, Message
from ingest.index.embed.base import Embedder, Vector

OTHER_ENCODER = Message(
    "The vectors of the index are of another encoder than the one in force. To move it, while you"
    " go on asking: assistant index migrate"
)


class FollowingEmbedder:
    """An `Embedder` that stands for the one of the index's current space.

    A chat or a page runs for days. When the index is migrated meanwhile, the vectors that its first
    encoder could look up are deleted: `follow`, called before each question, opens the new one.

    Args:
        embedder: The first one.
        space: The current space when that was opened.
        current_space: Looks it up.
        reopen: Returns the embedder for a space, None if there is none.
        notice: What a person should know about the first one, said once.
    """

    def __init__(
        self,
        embedder: Embedder,
        *,
        space: str,
        current_space: Callable[[], Awaitable[str]],
        reopen: Callable[[str], Awaitable[Embedder | None]],
        notice: Message | None = None,
    ) -> None:
        self._embedder = embedder
        self._space = space
        self._current_space = current_space
        self._reopen = reopen
        self._notice = notice
        # Kept until the end: another question may be in the middle of using one.
        self._former: list[Embedder] = []

    async def follow(self) -> Message | None:
        """Go along with the index; return what a person should know, each time it is news.

        Raises:
            StoreError: the index cannot be read.
        """
        notice, self._notice = self._notice, None
        space = await self._current_space()
        if space == self._space:
            return notice
        self._space = space
        if space in ("", self._embedder.space):
            return None
        opened = await self._reopen(space)
        if opened is not None:
            self._former.append(self._embedder)
            self._embedder = opened
        return None if self._embedder.space == space else OTHER_ENCODER

    @property
    def space(self) -> str:
        """The space of the encoder that is used now."""
        return self._embedder.space

    def language_coverage(self, text: str) -> float:
        """Return how well that encoder knows the language of `text`."""
        return self._embedder.language_coverage(text)

    def pair_weight(self, *, question: Language, text: Language) -> float:
        """Return what that encoder's ranking is worth for two languages."""
        return self._embedder.pair_weight(question=question, text=text)

    def noise_floor(self, *, question: Language, text: Language) -> float:
        """Return up to which cosine that encoder's ranking says nothing for two languages."""
        return self._embedder.noise_floor(question=question, text=text)

    def preload(self) -> None:
        """Load that encoder."""
        self._embedder.preload()

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """Return its vectors of `texts`, or raise `EmbedError`."""
        return await self._embedder.embed_documents(texts)

    async def embed_query(self, text: str) -> Vector:
        """Return its vector of a question, or raise `EmbedError`."""
        return await self._embedder.embed_query(text)

    async def close(self) -> None:
        """Close all that were opened."""
        for embedder in (self._embedder, *self._former):
            await embedder.close()
