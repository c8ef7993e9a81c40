"""Chroma as a vector store: the same answers as its exact twin, in a folder that may be shared."""

import json
import logging
import random
from pathlib import Path

import pytest

from ingest.errors import StoreError
from ingest.index.store.vector_stores.chroma import ChromaVectors
from ingest.index.store.vector_stores.memory import MemoryVectors
from tests.index_samples import at

SPACE = "ollama:nomic-embed-text:v1.5:0a109f422b47:3f9c1d2e/任意 名称"


def test_answers_are_those_of_the_exact_twin(tmp_path: Path) -> None:
    dice = random.Random(7)
    vectors = {f"id {n} 文": [dice.gauss(0, 1) for _ in range(32)] for n in range(400)}
    chroma, exact = ChromaVectors(tmp_path), MemoryVectors()
    for store in (chroma, exact):
        store.upsert(vectors, space=SPACE)
        store.delete([f"id {n} 文" for n in range(0, 400, 3)], space=SPACE)
        store.delete(["never seen"], space=SPACE)
        store.upsert({"id 1 文": vectors["id 2 文"]}, space=SPACE)
    assert chroma.count(space=SPACE) == exact.count(space=SPACE) == 266
    for _ in range(10):
        query = [dice.gauss(0, 1) for _ in range(32)]
        ours = dict(chroma.nearest(query, top_k=5, space=SPACE))
        theirs = dict(exact.nearest(query, top_k=5, space=SPACE))
        assert ours == pytest.approx(theirs, abs=1e-5)
    chroma.close()


def test_empty_space_has_nothing_near(tmp_path: Path) -> None:
    store = ChromaVectors(tmp_path)
    assert store.nearest(at(0), top_k=5, space=SPACE) == []
    assert store.count(space=SPACE) == 0
    store.close()


def test_more_is_asked_for_than_there_is(tmp_path: Path) -> None:
    store = ChromaVectors(tmp_path)
    store.upsert({"a": at(0), "b": at(10)}, space=SPACE)
    assert [id_ for id_, _ in store.nearest(at(0), top_k=50, space=SPACE)] == ["a", "b"]
    assert store.nearest(at(0), top_k=0, space=SPACE) == []
    store.close()


def test_more_vectors_than_one_call_takes(tmp_path: Path) -> None:
    store = ChromaVectors(tmp_path)
    store.upsert({str(n): at(n / 100) for n in range(6_000)}, space=SPACE)
    store.delete([str(n) for n in range(5_900)], space=SPACE)
    assert store.count(space=SPACE) == 100
    store.close()


def test_vectors_are_there_after_opening_again(tmp_path: Path) -> None:
    store = ChromaVectors(tmp_path)
    store.upsert({"a": at(0)}, space=SPACE)
    store.close()
    store.close()
    again = ChromaVectors(tmp_path)
    assert again.count(space=SPACE) == 1
    again.close()


def test_cleared_store_is_empty_and_usable(tmp_path: Path) -> None:
    store = ChromaVectors(tmp_path)
    store.upsert({"a": at(0)}, space=SPACE)
    store.clear()
    assert store.count(space=SPACE) == 0
    store.upsert({"b": at(0)}, space=SPACE)
    assert [id_ for id_, _ in store.nearest(at(0), top_k=5, space=SPACE)] == ["b"]
    store.close()


def test_dropped_space_frees_its_files_and_leaves_those_of_others(tmp_path: Path) -> None:
    dice = random.Random(7)
    vectors = {str(n): [dice.gauss(0, 1) for _ in range(8)] for n in range(1_500)}
    store = ChromaVectors(tmp_path)
    store.upsert(vectors, space=SPACE)
    store.upsert(vectors, space="other")
    (tmp_path / "notes").mkdir()
    assert len(list(tmp_path.glob("*-*-*-*-*"))) == 2
    other = ChromaVectors(tmp_path)
    assert other.count(space="other") == 1_500
    store.drop(SPACE)
    assert len(list(tmp_path.glob("*-*-*-*-*"))) == 1
    assert (tmp_path / "notes").is_dir()
    for each in (store, other):
        assert each.spaces() == ["other"]
        assert [id_ for id_, _ in each.nearest(vectors["7"], top_k=1, space="other")] == ["7"]
    store.upsert(vectors, space=SPACE)
    assert store.count(space=SPACE) == 1_500
    store.close()
    other.close()


def test_vector_of_a_wrong_length_is_an_error_of_ours(tmp_path: Path) -> None:
    store = ChromaVectors(tmp_path)
    store.upsert({"a": at(0)}, space=SPACE)
    with pytest.raises(StoreError) as caught:
        store.nearest([1.0, 0.0], top_k=1, space=SPACE)
    assert f"rm -r {tmp_path}" in caught.value.localize("en")
    assert f"rm -r {tmp_path}" in caught.value.localize("zh")
    store.close()


def test_write_that_did_not_end_leaves_no_stamp_and_an_empty_store(tmp_path: Path) -> None:
    store = ChromaVectors(tmp_path)
    store.upsert({"a": at(0)}, space=SPACE)
    with pytest.raises(StoreError):
        store.upsert({"b": [1.0, 0.0]}, space=SPACE)
    assert not (tmp_path / "intact.json").exists()
    assert store.count(space=SPACE) == 0
    store.close()


@pytest.mark.parametrize("stamp", ["", "{", "[]", '{"token": 1}', '{"token": "x", "files": 3}'])
def test_unreadable_stamp_counts_as_none(tmp_path: Path, stamp: str) -> None:
    store = ChromaVectors(tmp_path)
    store.upsert({"a": at(0)}, space=SPACE)
    store.close()
    (tmp_path / "intact.json").write_text(stamp)
    again = ChromaVectors(tmp_path)
    assert again.count(space=SPACE) == 0
    again.close()
    assert json.loads((tmp_path / "intact.json").read_text())["token"]


def test_chroma_says_nothing_on_standard_output(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    store = ChromaVectors(tmp_path)
    store.preload()
    store.upsert({"a": at(0)}, space=SPACE)
    store.delete(["gone"], space=SPACE)
    store.nearest(at(0), top_k=3, space=SPACE)
    store.close()
    assert capfd.readouterr() == ("", "")
    assert caplog.text == ""
