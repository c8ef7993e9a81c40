"""A program that runs for days goes along when the index is moved to another encoder."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from ingest.foundation.messages import Message
from ingest.index.chunk_embedding import embed_chunks
from ingest.index.embed.base import Embedder, Vector
from ingest.index.embed.following import OTHER_ENCODER, RETRY_S, FollowingEmbedder
from ingest.index.embed.memory import HashingEmbedder
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.vector_stores.memory import MemoryVectors
from tests.index_samples import chunks_of, document

pytestmark = pytest.mark.anyio

Opened = tuple[Embedder | None, tuple[Message, ...]]

NO_SERVER = Message.bilingual("no Ollama", "没有 Ollama")


class Newer(HashingEmbedder):
    """Another encoder, whose vectors are as long."""

    space = "newer:256"

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        return [[-number for number in vector] for vector in await super().embed_documents(texts)]

    async def embed_query(self, text: str) -> Vector:
        return (await self.embed_documents([text]))[0]


class Slow(HashingEmbedder):
    """An encoder that answers when it is told to."""

    def __init__(self) -> None:
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        self.asked.set()
        await self.go.wait()
        return await super().embed_documents(texts)


def following(
    spaces: list[str],
    *opened: Opened,
    first: Embedder | None = None,
    notice: Message | None = None,
    clock: Callable[[], float] = lambda: 0.0,
) -> FollowingEmbedder:
    """Return one that finds the last of `spaces`, and opens what is next in `opened`."""
    left = list(opened)

    async def current_space() -> str:
        return spaces[-1]

    async def reopen(space: str) -> Opened:
        assert space == spaces[-1]
        await asyncio.sleep(0)
        return left.pop(0)

    return FollowingEmbedder(
        first or HashingEmbedder(),
        space=spaces[0],
        current_space=current_space,
        reopen=reopen,
        notice=notice,
        clock=clock,
    )


async def test_the_first_vector_of_an_empty_index_changes_nothing() -> None:
    spaces = [""]
    embedder = following(spaces)
    assert await embedder.follow() is None
    spaces.append(HashingEmbedder.space)
    assert await embedder.follow() is None
    assert embedder.space == HashingEmbedder.space


async def test_the_next_question_uses_the_encoder_that_the_index_was_moved_to() -> None:
    spaces = [HashingEmbedder.space]
    embedder = following(spaces, (Newer(), ()))
    assert await embedder.follow() is None
    spaces.append(Newer.space)
    assert await embedder.follow() is None
    assert embedder.space == Newer.space
    assert await embedder.embed_query("drones") == await Newer().embed_query("drones")
    await embedder.close()


async def test_where_the_settings_name_another_encoder_the_command_is_said_once() -> None:
    spaces = [HashingEmbedder.space]
    embedder = following(spaces, (HashingEmbedder(), ()))
    spaces.append("elsewhere:1")
    assert await embedder.follow() == OTHER_ENCODER
    assert await embedder.follow() is None


async def test_an_encoder_that_is_away_is_named_once_and_tried_again_after_a_while() -> None:
    spaces, now = [HashingEmbedder.space], [0.0]
    absent: Opened = (None, (NO_SERVER,))
    embedder = following(spaces, absent, absent, (Newer(), ()), clock=lambda: now[0])
    spaces.append(Newer.space)
    assert await embedder.follow() == NO_SERVER
    assert await embedder.follow() is None  # nothing is opened: the third would be there
    assert embedder.space == HashingEmbedder.space
    now[0] = RETRY_S
    assert await embedder.follow() is None  # tried, and no news
    now[0] = 2 * RETRY_S
    assert await embedder.follow() is None
    assert embedder.space == Newer.space


async def test_question_that_comes_while_an_encoder_is_opened_waits_for_it() -> None:
    spaces = [HashingEmbedder.space]
    embedder = following(spaces, (Newer(), ()))
    spaces.append(Newer.space)
    used = []

    async def ask() -> None:
        await embedder.follow()
        used.append(embedder.space)

    await asyncio.gather(ask(), ask())
    assert used == [Newer.space, Newer.space]


async def test_vectors_are_filed_under_the_encoder_that_made_them() -> None:
    index = Index(catalog=Catalog(), vectors=MemoryVectors())
    page = document("a", "Drones need lights.", "Pilots rest.")
    chunks = chunks_of(page)
    await index.replace(page, chunks, {}, space="")
    slow, spaces = Slow(), [HashingEmbedder.space]
    embedder = following(spaces, (Newer(), ()), first=slow)
    embedding = asyncio.create_task(embed_chunks(chunks, embedder=embedder, store=index))
    await slow.asked.wait()
    spaces.append(Newer.space)
    await embedder.follow()
    slow.go.set()
    assert (await embedding).embedded == 2
    assert embedder.space == Newer.space
    assert len(await index.unembedded(space=Newer.space, limit=9)) == 2
    assert await index.unembedded(space=HashingEmbedder.space, limit=9) == []


async def test_what_was_known_at_the_start_is_said_once() -> None:
    embedder = following([HashingEmbedder.space], notice=OTHER_ENCODER)
    assert [await embedder.follow(), await embedder.follow()] == [OTHER_ENCODER, None]
