"""The words leg of a large index: found by rare words, ordered by the frequent ones, too."""

import pytest

from ingest.index.store import memberships, word_search
from ingest.index.store.catalog import Catalog
from tests.index_samples import chunks_of, document

FILLER = 120


@pytest.fixture
def catalog(monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """Return an index of which a third speaks of harbours, small as if it were large."""
    monkeypatch.setattr(word_search, "MIN_POSTINGS", 4)
    monkeypatch.setattr(word_search, "POSTINGS_PER_ROOT", 0)
    catalog = Catalog()
    texts = [
        f"the harbour number {n}" if n % 3 else f"the 港口城市 city {n}" for n in range(FILLER)
    ]
    texts += ["the lamp of the tower", "the lamp of the harbour", "the lamp, 港口城市"]
    page = document("a", *texts)
    catalog.replace(page, chunks_of(page), {}, space="")
    return catalog


def found(catalog: Catalog, *words: str, top_k: int = 3) -> list[str]:
    return [scored.chunk.text for scored in catalog.matching(words, top_k=top_k)]


def test_rare_word_finds_and_frequent_one_orders(catalog: Catalog) -> None:
    assert found(catalog, "the", "港口", "lamp")[0] == "the lamp, 港口城市"
    assert set(found(catalog, "lamp", "港口")) == {
        "the lamp of the tower",
        "the lamp of the harbour",
        "the lamp, 港口城市",
    }


def test_word_of_half_the_chunks_finds_where_it_is_alone(catalog: Catalog) -> None:
    assert len(found(catalog, "harbour", top_k=200)) > FILLER / 2
    assert len(found(catalog, "the", top_k=200)) == FILLER + 3


def test_word_that_was_nowhere_is_found_once_it_is_stored(catalog: Catalog) -> None:
    assert found(catalog, "zebra") == []
    page = document("b", "a zebra")
    catalog.replace(page, chunks_of(page), {}, space="")
    assert found(catalog, "zebra", "the")[0] == "a zebra"


def test_frequent_word_finds_in_a_collection_that_has_no_rare_one(catalog: Catalog) -> None:
    page = document("b", "a harbour of our own")
    catalog.replace(page, chunks_of(page), {}, space="")
    with catalog.writing() as connection:
        memberships.put_member(connection, page.url, "ours")
    for words in (("lamp", "harbour"), ("lamp", "harbour", "own")):
        scored = catalog.matching(words, top_k=3, collections=["ours"])
        assert [one.chunk.text for one in scored] == ["a harbour of our own"]


def test_small_index_is_ranked_by_all_words() -> None:
    catalog = Catalog()
    page = document("a", "red lamp", "red red lamp", "blue lamp")
    catalog.replace(page, chunks_of(page), {}, space="")
    assert set(found(catalog, "red", "lamp")) == {"red lamp", "red red lamp", "blue lamp"}
