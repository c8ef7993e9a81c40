"""Where an encoder, a vector, the vector store or a reranker fails, passages are found still."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from assistant.answer.rerank.base import Reranker
from assistant.answer.rerank.memory import OverlapReranker
from assistant.answer.retrieval import NO_ENCODER, Retriever
from assistant.events import Notice
from ingest.documents import ScoredChunk
from ingest.errors import EmbedError
from ingest.foundation.messages import Message
from ingest.index.embed.base import Embedder, Vector
from ingest.index.embed.builtin import BuiltinEmbedder
from ingest.index.embed.following import FollowingEmbedder
from ingest.index.embed.memory import HashingEmbedder
from ingest.index.embed.ollama import OllamaEmbedder
from ingest.index.store.vector_scan import SCAN_BYTES
from tests.engines.ollama_server import OllamaServer
from tests.index_samples import chunks_of, document, persistent
from tests.retrieval_samples import Opinionated, index_of, put

pytestmark = pytest.mark.anyio


class Absent(HashingEmbedder):
    """An encoder whose server is away."""

    async def embed_query(self, text: str) -> Vector:
        raise EmbedError(
            Message.bilingual("no Ollama", "没有 Ollama"),
            hint=Message.bilingual("start it", "启动它"),
        )


class TiredHalfway(Opinionated):
    """An encoder that reads questions and then fails on documents."""

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        raise EmbedError(Message.bilingual("out of memory", "内存不足"))


async def test_no_encoder_says_so_in_both_languages() -> None:
    index = await index_of(document("a", "Drones need lights."))
    retrieved = await Retriever(store=index, embedder=None, top_k=5).retrieve("drones")
    assert retrieved.notices == (Notice(code="words_only", text=NO_ENCODER),)
    assert len(retrieved.passages) == 1
    quiet = Retriever(store=index, embedder=None, top_k=5, no_encoder=None)
    assert (await quiet.retrieve("drones")).notices == ()


async def test_encoder_that_fails_leaves_words_and_its_reason() -> None:
    index = await index_of(document("a", "Drones need lights."))
    retrieved = await Retriever(store=index, embedder=Absent(), top_k=5).retrieve("drones")
    assert [passage.text for passage in retrieved.passages] == ["Drones need lights."]
    (notice,) = retrieved.notices
    assert notice.text.localize("en").startswith("Found by words alone. ")
    assert notice.text.localize("zh").startswith("仅按词语检索。")


async def test_weights_that_vanish_while_a_chat_is_open_leave_words(tmp_path: Path) -> None:
    index = await index_of(document("a", "Drones need lights."))
    vanished = BuiltinEmbedder(weights=tmp_path / "nowhere", cache=tmp_path)
    retrieved = await Retriever(store=index, embedder=vanished, top_k=5).retrieve("drones")
    assert [passage.text for passage in retrieved.passages] == ["Drones need lights."]
    (notice,) = retrieved.notices
    assert "not installed" in notice.text.localize("en")


async def test_question_keeps_its_encoder_while_the_index_is_moved_to_another() -> None:
    pages = document("a", "Drones need lights."), document("b", "Pilots rest.")
    index = await index_of(*pages, embedder=Opinionated("Pilots rest."))

    async def moved() -> str:
        return HashingEmbedder.space

    async def reopen(space: str) -> tuple[Embedder | None, tuple[Message, ...]]:
        return HashingEmbedder(), ()

    class Overtaken(Opinionated):
        async def embed_query(self, text: str) -> Vector:
            await following.follow()
            return await super().embed_query(text)

    following = FollowingEmbedder(
        Overtaken(), space=Opinionated.space, current_space=moved, reopen=reopen
    )
    await put(index, page := document("c", "Drones fly."), chunks_of(page))
    retrieved = await Retriever(store=index, embedder=following, top_k=5).retrieve("drones")
    assert following.space == HashingEmbedder.space
    assert "Pilots rest." in {passage.text for passage in retrieved.passages}
    assert retrieved.notices == ()
    unembedded = await index.unembedded(space=HashingEmbedder.space, limit=9)
    assert len(unembedded) == 3


async def test_chunk_that_cannot_be_embedded_does_not_take_the_vector_of_the_question() -> None:
    index = await index_of(document("a", "Pilots rest."), embedder=Opinionated("Pilots rest."))
    await put(index, page := document("b", "Drones need lights."), chunks_of(page))
    retrieved = await Retriever(store=index, embedder=TiredHalfway(), top_k=5).retrieve("drones")
    assert {passage.text for passage in retrieved.passages} == {
        "Drones need lights.",
        "Pilots rest.",
    }
    assert retrieved.notices == ()


async def test_text_that_failed_is_not_tried_for_each_question() -> None:
    with OllamaServer() as server:
        server.embed_faults = {"lights": "nan"}
        encoder = OllamaEmbedder(host=server.url, model="nomic-embed-text", timeout_s=5)
        index = await index_of(document("a", "Drones need lights.", "Drones need pilots."))
        retriever = Retriever(store=index, embedder=encoder, top_k=5)
        for _ in range(3):
            assert (await retriever.retrieve("drones")).notices == ()
        asked = [text for one in server.asked("/api/embed") for text in one["input"]]
        assert sum(text.startswith("search_query: ") for text in asked) == 3
        assert sum("lights" in text for text in asked) == 2  # with its neighbour, and alone
        await encoder.close()


async def test_damaged_vectors_leave_words_and_their_reason(tmp_path: Path) -> None:
    index = persistent(tmp_path)
    await put(index, page := document("a", "Drones need lights."), chunks_of(page))
    with contextlib.closing(sqlite3.connect(tmp_path / "index.sqlite")) as damaged, damaged:
        damaged.execute("DROP TABLE embeddings")
    retriever = Retriever(store=index, embedder=HashingEmbedder(), top_k=5)
    retrieved = await retriever.retrieve("drones")
    (passage,) = retrieved.passages
    assert passage.text == "Drones need lights."
    assert passage.ranks.vectors is None
    (notice,) = retrieved.notices
    assert str(tmp_path / "index.sqlite") in notice.text.localize("zh")
    await index.close()


@pytest.mark.parametrize("scan_bytes", [0, SCAN_BYTES])
async def test_broken_vector_store_costs_no_answer_its_vectors(
    tmp_path: Path, scan_bytes: int
) -> None:
    (tmp_path / "chroma").write_text("a file where the folder should be")
    index = persistent(tmp_path, scan_bytes=scan_bytes)
    page, encoder = document("a", "Drones need lights."), HashingEmbedder()
    await put(index, page, chunks_of(page), encoder)
    retrieved = await Retriever(store=index, embedder=encoder, top_k=5).retrieve("drones")
    (passage,) = retrieved.passages
    assert passage.ranks.words == passage.ranks.vectors == 1
    assert retrieved.notices == ()
    await index.close()


class BrokenReranker(OverlapReranker):
    """A reranker whose model is gone."""

    async def rerank(self, question: str, chunks: Sequence[ScoredChunk]) -> list[ScoredChunk]:
        raise EmbedError(Message.bilingual("out of memory", "内存不足"))


class HangingReranker(OverlapReranker):
    """A reranker whose server does not answer."""

    async def rerank(self, question: str, chunks: Sequence[ScoredChunk]) -> list[ScoredChunk]:
        await asyncio.Event().wait()
        return []


QUESTION = "drone lights at night"

PAGES = (
    document("a", "Drone drone drone drone."),
    document("b", "A drone that flies at night needs lights."),
)


async def test_a_reranker_orders_what_both_legs_found() -> None:
    index = await index_of(*PAGES)
    plain = Retriever(store=index, embedder=None, top_k=2, no_encoder=None)
    ranked = Retriever(
        store=index, embedder=None, top_k=2, no_encoder=None, reranker=OverlapReranker()
    )
    assert len((await plain.retrieve(QUESTION)).passages) == 2
    best, other = (await ranked.retrieve(QUESTION)).passages
    assert "needs lights" in best.text
    assert best.score > other.score


@pytest.mark.parametrize("reranker", [BrokenReranker(), HangingReranker()])
async def test_a_reranker_that_fails_leaves_the_order_and_says_so(reranker: Reranker) -> None:
    index = await index_of(*PAGES)
    plain = Retriever(store=index, embedder=None, top_k=2, no_encoder=None)
    failing = Retriever(
        store=index,
        embedder=None,
        top_k=2,
        no_encoder=None,
        reranker=reranker,
        timeout_s=0.05,
    )
    retrieved = await failing.retrieve(QUESTION)
    assert retrieved.passages == (await plain.retrieve(QUESTION)).passages
    (notice,) = retrieved.notices
    assert notice.code == "not_reranked"
    assert "order is that of the search" in notice.text.localize("en")
