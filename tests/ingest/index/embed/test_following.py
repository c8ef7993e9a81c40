"""A program that runs for days goes along when the index is moved to another encoder."""

import pytest

from ingest.foundation.messages import Message
from ingest.index.embed.base import Embedder
from ingest.index.embed.following import OTHER_ENCODER, FollowingEmbedder
from ingest.index.embed.memory import HashingEmbedder

pytestmark = pytest.mark.anyio


class Newer(HashingEmbedder):
    """Another encoder."""

    space = "newer:256"


def following(
    spaces: list[str], *, opened: Embedder | None, notice: Message | None = None
) -> FollowingEmbedder:
    async def current_space() -> str:
        return spaces[-1]

    async def reopen(space: str) -> Embedder | None:
        assert space == spaces[-1]
        return opened

    return FollowingEmbedder(
        HashingEmbedder(),
        space=spaces[0],
        current_space=current_space,
        reopen=reopen,
        notice=notice,
    )


async def test_the_first_vector_of_an_empty_index_changes_nothing() -> None:
    spaces = [""]
    embedder = following(spaces, opened=None)
    assert await embedder.follow() is None
    spaces.append(HashingEmbedder.space)
    assert await embedder.follow() is None
    assert embedder.space == HashingEmbedder.space


async def test_the_next_question_uses_the_encoder_that_the_index_was_moved_to() -> None:
    spaces = [HashingEmbedder.space]
    embedder = following(spaces, opened=Newer())
    assert await embedder.follow() is None
    spaces.append(Newer.space)
    assert await embedder.follow() is None
    assert embedder.space == Newer.space
    assert await embedder.embed_query("drones") == await Newer().embed_query("drones")
    await embedder.close()


@pytest.mark.parametrize("opened", [None, HashingEmbedder()])
async def test_where_that_encoder_is_not_to_be_had_it_is_said_once(opened: Embedder | None) -> None:
    spaces = [HashingEmbedder.space]
    embedder = following(spaces, opened=opened)
    spaces.append("elsewhere:1")
    assert await embedder.follow() == OTHER_ENCODER
    assert await embedder.follow() is None


async def test_what_was_known_at_the_start_is_said_once() -> None:
    embedder = following([HashingEmbedder.space], opened=None, notice=OTHER_ENCODER)
    assert [await embedder.follow(), await embedder.follow()] == [OTHER_ENCODER, None]
