"""One text that cannot be embedded costs itself alone, and few requests."""

from collections.abc import AsyncIterator, Iterator

import pytest

from ingest.index.embed.bisection import PROBE, embed_each
from ingest.index.embed.ollama import OllamaEmbedder
from tests.engines.ollama_server import OllamaServer
from tests.engines.replies import EmbedFault

pytestmark = pytest.mark.anyio

TEXTS = [f"chapter {n} tells of harbours" for n in range(8)]


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    with OllamaServer() as running:
        yield running


@pytest.fixture
async def embedder(server: OllamaServer) -> AsyncIterator[OllamaEmbedder]:
    made = OllamaEmbedder(
        host=server.url, model="nomic-embed-text", timeout_s=5, busy_waits_s=(0, 0)
    )
    yield made
    await made.close()


@pytest.mark.parametrize(
    "fault", ["nan", "oversized", "zeros", "empty", "no_row", "words", "digits"]
)
async def test_bad_text_is_found_with_few_requests(
    server: OllamaServer, embedder: OllamaEmbedder, fault: EmbedFault
) -> None:
    server.embed_faults = {"chapter 5": fault}
    result = await embed_each(embedder, TEXTS)
    assert [place for place, vector in enumerate(result.vectors) if vector is None] == [5]
    assert list(result.failures) == [5]
    assert result.ended_by is None
    assert "nomic-embed-text" in result.failures[5].localize("en")
    assert "nomic-embed-text" in result.failures[5].localize("zh")
    # The whole, a probe, and two for each halving. Where one is too large, the embedder itself
    # looks for it, to embed it in parts.
    assert len(server.asked("/api/embed")) <= (8 if fault != "oversized" else 18)


@pytest.mark.parametrize("fault", ["nan", "zeros", "empty"])
async def test_server_that_fails_for_every_text_is_asked_twice(
    server: OllamaServer, embedder: OllamaEmbedder, fault: EmbedFault
) -> None:
    server.embed_faults = {"": fault}
    result = await embed_each(embedder, TEXTS)
    assert result.ended_by is not None
    assert not any(result.vectors)
    assert [len(asked["input"]) for asked in server.asked("/api/embed")] == [8, 1]
    assert PROBE in server.asked("/api/embed")[1]["input"][0]


@pytest.mark.parametrize("failure", ["busy", "not_json", "missing"])
async def test_server_that_cannot_embed_at_all_is_not_asked_again(
    server: OllamaServer, embedder: OllamaEmbedder, failure: str
) -> None:
    server.fail(failure, path="/api/embed")  # type: ignore[arg-type]
    result = await embed_each(embedder, TEXTS)
    assert result.ended_by is not None
    assert {len(asked["input"]) for asked in server.asked("/api/embed")} == {8}


async def test_server_that_goes_away_halfway_keeps_what_was_made(
    server: OllamaServer, embedder: OllamaEmbedder
) -> None:
    server.embed_faults = {"chapter 7": "nan"}

    class GoesAway(OllamaEmbedder):
        async def embed_documents(self, texts):  # type: ignore[no-untyped-def]
            if texts == TEXTS[4:]:
                server.fail("missing", path="/api/embed")
            return await super().embed_documents(texts)

    leaving = GoesAway(host=server.url, model="nomic-embed-text", timeout_s=5)
    result = await embed_each(leaving, TEXTS)
    await leaving.close()
    assert result.ended_by is not None
    assert [vector is not None for vector in result.vectors] == [True] * 4 + [False] * 4


async def test_throttled_server_is_waited_for_as_long_as_it_says(
    server: OllamaServer, embedder: OllamaEmbedder
) -> None:
    server.retry_after = "0"
    server.fail("throttled", path="/api/embed", times=2)
    result = await embed_each(embedder, TEXTS)
    assert all(result.vectors)
    server.retry_after = "3600"  # longer than anybody waits here
    server.fail("throttled", path="/api/embed")
    before = len(server.asked("/api/embed"))
    result = await embed_each(embedder, TEXTS)
    assert result.ended_by is not None
    assert "busy" in result.ended_by.localize("en")
    assert len(server.asked("/api/embed")) == before + 1
