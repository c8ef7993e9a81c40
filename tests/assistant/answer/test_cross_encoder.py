"""A cross-encoder from a folder: what it may look like, its budget, and folders that hold none."""

import itertools
import json
from pathlib import Path

import pytest

from assistant.answer.rerank.cross_encoder import BATCH, CrossEncoderReranker
from assistant.answer.retrieval import Retriever
from assistant.errors import RerankError
from ingest.documents import Chunk, ScoredChunk
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.vector_stores.memory import MemoryVectors
from tests.cross_encoders import write_cross_encoder
from tests.index_samples import chunks_of, document

pytestmark = pytest.mark.anyio

QUESTION = "drone lights at night"
TEXTS = ["Drone drone drone.", "Eggs.", *["Tea."] * 8, "A drone needs lights at night."]


def chunks() -> list[ScoredChunk]:
    return [
        ScoredChunk(
            chunk=Chunk(
                id=f"c{number}",
                url="https://a.test/",
                title="",
                position=number,
                start=0,
                end=len(text),
                heading="",
                text=text,
            ),
            score=1.0 / (number + 1),
        )
        for number, text in enumerate(TEXTS)
    ]


def reranker(folder: Path, *, seconds_a_look: float = 0.0, budget_s: float = 1.0) -> (
    CrossEncoderReranker
):  # fmt: skip
    """Return a reranker whose clock goes on by so many seconds whenever it is looked at."""
    ticks = itertools.count()
    return CrossEncoderReranker(
        folder=folder, budget_s=budget_s, threads=1, clock=lambda: next(ticks) * seconds_a_look
    )


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("place", ["model.onnx", "onnx/model.onnx"])
async def test_one_number_or_two_and_both_places_of_the_file_are_read(
    tmp_path: Path, outputs: int, place: str
) -> None:
    folder = write_cross_encoder(
        tmp_path, vocabulary=[QUESTION, *TEXTS], outputs=outputs, place=place
    )
    ranked = await reranker(folder).rerank(QUESTION, chunks())
    assert [one.chunk.id for one in ranked[:3]] == ["c10", "c0", "c1"]
    assert all(0 <= one.score <= 1 for one in ranked)


async def test_what_is_not_read_in_time_keeps_its_order_behind(tmp_path: Path) -> None:
    folder = write_cross_encoder(tmp_path, vocabulary=[QUESTION, *TEXTS])
    ranked = await reranker(folder, seconds_a_look=0.6).rerank(QUESTION, chunks())
    # The clock is looked at before the second batch (0.6 s later: go on) and before the third.
    read = 2 * BATCH
    assert ranked[0].chunk.id == "c0"
    assert [one.chunk.id for one in ranked[read:]] == [f"c{n}" for n in range(read, len(TEXTS))]
    assert {one.score for one in ranked[read:]} == {0.0}
    slow = await reranker(folder, seconds_a_look=9.0).rerank(QUESTION, chunks())
    assert slow[0].score > 0  # one batch is always read


async def test_long_chunks_are_cut_to_what_the_model_reads(tmp_path: Path) -> None:
    folder = write_cross_encoder(tmp_path, vocabulary=[QUESTION, *TEXTS])
    (first, *_) = chunks()
    ranked = await reranker(folder).rerank("drone " * 2_000, [first])
    assert len(ranked) == 1


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("no folder", "model.onnx is missing"),
        ("no tokenizer", "tokenizer.json is missing"),
        ("no model", "no cross-encoder"),
        ("other inputs", "pixels"),
        ("three outputs", "wanted one number for a pair"),
        ("tokenizer is no tokenizer", "tokenizer.json"),
        ("half a model", "is no cross-encoder"),
    ],
)
async def test_folder_that_holds_something_else_is_one_clear_line(
    tmp_path: Path, damage: str, said: str
) -> None:
    folder = tmp_path / "reranker"
    if damage != "no folder":
        write_cross_encoder(
            folder,
            vocabulary=[QUESTION],
            outputs=3 if damage == "three outputs" else 1,
            first_input="pixels" if damage == "other inputs" else "input_ids",
        )
    match damage:
        case "no tokenizer":
            (folder / "tokenizer.json").unlink()
        case "no model":
            (folder / "model.onnx").unlink()
        case "tokenizer is no tokenizer":
            (folder / "tokenizer.json").write_text(json.dumps({"model": 1}))
        case "half a model":
            whole = (folder / "model.onnx").read_bytes()
            (folder / "model.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RerankError) as caught:
        await reranker(folder).rerank(QUESTION, chunks())
    line = caught.value.localize("en")
    assert said in line
    assert "\n" not in line
    assert "answer.reranker" in line
    index = Index(catalog=Catalog(), vectors=MemoryVectors())
    page = document("a", "A drone needs lights.")
    await index.replace(page, chunks_of(page), {}, space="")
    retriever = Retriever(
        store=index, embedder=None, top_k=2, no_encoder=None, reranker=reranker(folder)
    )
    retrieved = await retriever.retrieve(QUESTION)
    assert [passage.text for passage in retrieved.passages] == ["A drone needs lights."]
    assert [notice.code for notice in retrieved.notices] == ["not_reranked"]
