"""What every `Reranker` promises. A new one is added to the fixture and passes as it is."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.answer.rerank.base import Reranker
from assistant.answer.rerank.cross_encoder import CrossEncoderReranker
from assistant.answer.rerank.memory import OverlapReranker
from ingest.documents import Chunk, ScoredChunk
from tests.cross_encoders import write_cross_encoder

pytestmark = pytest.mark.anyio

TEXTS = [
    "The recipe asks for two eggs.",
    "A drone that flies at night needs lights.",
    "夜间飞行的无人机必须开启灯光。",
    "",
    "Lights.",
]
QUESTIONS = ["What lights does a drone need at night?", "无人机夜间飞行需要什么灯光？", "the", ""]


def chunk(number: int, text: str) -> ScoredChunk:
    piece = Chunk(
        id=f"c{number}",
        url="https://a.test/",
        title="",
        position=number,
        start=0,
        end=len(text),
        heading="",
        text=text,
    )
    return ScoredChunk(chunk=piece, score=1.0 / (number + 1))


CHUNKS = [chunk(number, text) for number, text in enumerate(TEXTS)]


@pytest.fixture(params=["overlap", "cross-encoder"])
def reranker(request: pytest.FixtureRequest, tmp_path: Path) -> Reranker:
    if request.param == "overlap":
        return OverlapReranker()
    folder = write_cross_encoder(tmp_path, vocabulary=[*TEXTS, *QUESTIONS])
    return CrossEncoderReranker(folder=folder, budget_s=60, threads=1)


@pytest.mark.parametrize("question", QUESTIONS)
async def test_the_same_chunks_come_back_each_once_best_first(
    reranker: Reranker, question: str
) -> None:
    ranked = await reranker.rerank(question, CHUNKS)
    assert sorted(one.chunk.id for one in ranked) == sorted(one.chunk.id for one in CHUNKS)
    assert {one.chunk.id: one.chunk for one in ranked} == {o.chunk.id: o.chunk for o in CHUNKS}
    scores = [one.score for one in ranked]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(("question", "best"), [(QUESTIONS[0], {"c1"}), (QUESTIONS[1], {"c2"})])
async def test_the_chunk_that_answers_comes_first(
    reranker: Reranker, question: str, best: set[str]
) -> None:
    assert (await reranker.rerank(question, CHUNKS))[0].chunk.id in best


async def test_nothing_to_rank_is_nothing_ranked(reranker: Reranker) -> None:
    assert await reranker.rerank(QUESTIONS[0], []) == []


async def test_closing_twice_is_no_error(reranker: Reranker) -> None:
    await reranker.close()
    await reranker.close()


@given(order=st.permutations(range(len(TEXTS))))
async def test_what_is_best_does_not_depend_on_the_order_that_came(order: list[int]) -> None:
    shuffled = [replace(CHUNKS[place], score=0.5) for place in order]
    assert (await OverlapReranker().rerank(QUESTIONS[0], shuffled))[0].chunk.id == "c1"
