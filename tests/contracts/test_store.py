"""What every `ChunkStore` promises: in memory, and on disk with Chroma."""

import dataclasses
import math
from datetime import timedelta

import pytest

from ingest.documents import Chunking, Processing, StoredSummary
from ingest.errors import StoreError, VectorError
from ingest.foundation.messages import Message
from ingest.index.store.hybrid import Index
from ingest.text.words import words
from tests.index_samples import SPACE, at, chunks_of, document, matching, nearest, record, store

pytestmark = pytest.mark.anyio


async def test_empty_index_finds_nothing(index: Index) -> None:
    assert await nearest(index, 0) == []
    assert await matching(index, "drone") == []
    assert await index.chunks("https://a.example/") == []
    assert await index.documents(["https://a.example/"]) == {}
    assert await index.delete("https://a.example/") == 0
    stats = await index.stats()
    assert (stats.documents, stats.chunks, stats.embedded, stats.space) == (0, 0, 0, "")


async def test_document_and_chunks_come_back_as_they_went_in(index: Index) -> None:
    page = document("a", "无人机\u3000夜间飞行", 'quotes " and % and \x00 nul', title="标题 <b>")
    chunks = chunks_of(page, heading="第一章")
    await index.replace(page, chunks, {}, space=SPACE)
    assert await index.documents([page.url, "https://gone.example/"]) == {page.url: page}
    assert await index.chunks(page.url) == chunks
    assert [s.chunk for s in await index.matching(words("夜间"), top_k=5)] == chunks[:1]


async def test_nearest_is_by_cosine_best_first(index: Index) -> None:
    await store(index, document("a", "north", "north east", "east"), [90, 45, 0])
    found = await index.nearest(at(80), top_k=2, space=SPACE)
    assert [scored.chunk.text for scored in found] == ["north", "north east"]
    assert found[0].score == pytest.approx(0.9848, abs=1e-3)
    assert found[1].score == pytest.approx(0.8192, abs=1e-3)


async def test_matching_prefers_rare_words_and_more_of_them(index: Index) -> None:
    await store(
        index,
        document("a", "the drone flies", "the law of the drone weight", "the weather is fine"),
    )
    assert await matching(index, "drone", "weight") == [
        "the law of the drone weight",
        "the drone flies",
    ]
    found = await index.matching(["drone", "weight"], top_k=5)
    assert found[0].score > found[1].score > 0


async def test_words_of_title_and_heading_find_the_chunk(index: Index) -> None:
    page = document("a", "Not above 120 metres.", title="Drone law")
    await index.replace(page, chunks_of(page, heading="Height"), {}, space=SPACE)
    assert await matching(index, "drone") == ["Not above 120 metres."]
    assert await matching(index, "height") == ["Not above 120 metres."]


@pytest.mark.parametrize("word", ["and", "or", "not", "near", "ünïcode", "机夜", "한국", "3", "々"])
async def test_any_word_is_only_a_word(index: Index, word: str) -> None:
    await store(index, document("a", "AND OR NOT NEAR Ünïcode 无人机夜间 한국 3 々", "else"))
    assert words(word) == [word]
    assert len(await matching(index, word)) == 1


@pytest.mark.parametrize("word", ['"', 'a" OR "drone', "*", "drone*", "body:drone", "(", ""])
async def test_search_syntax_is_never_obeyed(index: Index, word: str) -> None:
    await store(index, document("a", "drones"))
    assert await matching(index, word) == []


async def test_question_of_thousands_of_words_is_answered(index: Index) -> None:
    await store(index, document("a", "drone"))
    assert await matching(index, "drone", *(f"w{n}" for n in range(20_000))) == ["drone"]


async def test_words_that_no_chunk_has_stand_for_those_one_edit_away(index: Index) -> None:
    await store(index, document("a", "the government of Norway", "governments and parliament"))
    await store(index, document("b", "2,345 inhabitants", "号码E1234"))
    for misspelt in ("goverment", "governmant", "govermnent", "governmentt"):
        assert await index.near_misses([misspelt, "norway"]) == ["government"]
    # Known words, short ones, codes, numbers, Chinese and what is two edits away stand for
    # themselves alone.
    others = ["government", "thr", "e1235", "2346", "号马", "govermant", "overnment", ""]
    assert await index.near_misses(others) == []
    assert await index.near_misses(["inhabitantx"] * 3) == ["inhabitant"]


async def test_shrunk_page_leaves_nothing_stale(index: Index) -> None:
    await store(index, document("a", "one", "two", "three"), [0, 10, 20])
    await store(index, document("b", "other"), [30])
    kept = await store(index, document("a", "one changed"), [5])
    assert await nearest(index, 0) == ["one changed", "other"]
    assert await matching(index, "one", "two", "three") == ["one changed"]
    assert await index.chunks("https://a.example/") == kept
    stats = await index.stats()
    assert (stats.documents, stats.chunks, stats.embedded) == (2, 2, 2)


async def test_page_that_became_empty_is_still_a_page(index: Index) -> None:
    await store(index, document("a", "one"), [0])
    await store(index, document("a"))
    assert await nearest(index, 0) == []
    assert list(await index.documents(["https://a.example/"])) == ["https://a.example/"]


async def test_text_that_did_not_change_keeps_its_vector_wherever_it_moved(index: Index) -> None:
    await store(index, document("a", "one", "two"), [0, 90])
    chunks = await store(index, document("a", "new", "one", "changed"))
    assert await nearest(index, 0) == ["one"]
    missing = await index.unembedded(space=SPACE, limit=10)
    assert missing == [chunks[0], chunks[2]]


async def test_new_vector_wins_over_the_kept_one(index: Index) -> None:
    await store(index, document("a", "one", "two"), [0, 90])
    await store(index, document("a", "one", "two"), [180])
    assert (await index.nearest(at(0), top_k=1, space=SPACE))[0].chunk.text == "two"


async def test_vectors_added_later_are_found_and_strangers_ignored(index: Index) -> None:
    chunks = await store(index, document("a", "one", "two"))
    assert await nearest(index, 0) == []
    stranger = dataclasses.replace(chunks[0], id="gone")
    await index.add_vectors([chunks[1], stranger], [at(3), at(0)], space=SPACE)
    assert await nearest(index, 0) == ["two"]
    assert (await index.stats()).embedded == 1


async def test_vector_of_text_that_has_been_replaced_meanwhile_is_dropped(index: Index) -> None:
    before = await store(index, document("a", "one", "two"))
    after = await store(index, document("a", "changed", "two"))
    assert before[0].id == after[0].id
    await index.add_vectors(before, [at(0), at(90)], space=SPACE)
    assert await nearest(index, 0) == ["two"]
    assert await index.unembedded(space=SPACE, limit=9) == [after[0]]


async def test_unembedded_is_bounded_and_can_be_limited_to_some_ids(index: Index) -> None:
    chunks = await store(index, document("a", "one", "two", "three", "four"), [0])
    assert await index.unembedded(space=SPACE, limit=2) == chunks[1:3]
    ids = [chunks[0].id, chunks[3].id, "gone"]
    assert await index.unembedded(ids, space=SPACE, limit=9) == [chunks[3]]
    assert await index.unembedded([], space=SPACE, limit=9) == []
    assert await index.unembedded(space="other", limit=9) == chunks


async def test_spaces_do_not_mix(index: Index) -> None:
    chunks = await store(index, document("a", "one", "two"), [0])
    await index.add_vectors([chunks[1]], [[1.0, 0.0]], space="other:2")
    assert await nearest(index, 0) == ["one"]
    found = await index.nearest([1.0, 0.0], top_k=5, space="other:2")
    assert [scored.chunk.text for scored in found] == ["two"]
    assert (await index.stats()).space == SPACE  # the first one, whatever else is written


@pytest.mark.parametrize(
    "vector", [[], [0.0, 0.0, 0.0], [math.nan, 1.0, 0.0], [math.inf, 0.0, 0.0], [3.0, 4.0, 0.0]]
)
async def test_what_is_no_unit_vector_is_refused_and_nothing_is_stored(
    index: Index, vector: list[float]
) -> None:
    chunks = await store(index, page := document("a", "one", "two"))
    with pytest.raises(VectorError):
        await index.add_vectors(chunks, [at(0), vector], space=SPACE)
    with pytest.raises(VectorError):
        await index.replace(page, chunks, {chunks[0].id: vector}, space=SPACE)
    stats = await index.stats()
    assert (stats.embedded, stats.space) == (0, "")


@pytest.mark.parametrize("vector", [[1.0, 0.0], [0.0, 0.0, 0.0], [math.nan, 0.0, 0.0]])
async def test_vector_of_another_model_finds_an_error_and_rebuilds_nothing(
    index: Index, vector: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    await store(index, document("a", "one"), [0])
    assert await index.nearest(vector, top_k=1, space="other:2") == []
    with pytest.raises(VectorError):
        await index.nearest(vector, top_k=1, space=SPACE)
    assert caplog.records == []
    assert await nearest(index, 0) == ["one"]


async def test_first_vector_decides_the_length_until_the_last_is_gone(index: Index) -> None:
    chunks = await store(index, page := document("a", "one"), [0])
    with pytest.raises(VectorError):
        await index.add_vectors(chunks, [[1.0, 0.0]], space=SPACE)
    await index.delete(page.url)
    chunks = await store(index, page)
    await index.add_vectors(chunks, [[1.0, 0.0]], space=SPACE)
    assert (await index.stats()).embedded == 1


async def test_text_that_failed_is_left_out_on_demand_until_it_has_a_vector(index: Index) -> None:
    chunks = await store(index, document("a", "one", "two"))
    reason = Message.bilingual("NaN", "非数")
    await index.note_failures({chunks[0].id: reason, "gone_0": reason}, space=SPACE)
    assert (await index.unembedded(space=SPACE, limit=9)) == chunks
    assert (await index.unembedded(space=SPACE, limit=9, with_failed=False)) == chunks[1:]
    await index.add_vectors(chunks[1:], [at(0)], space=SPACE)
    assert (await index.stats()).failed == 1
    await index.add_vectors(chunks[:1], [at(0)], space=SPACE)
    stats = await index.stats()
    assert (stats.failed, stats.embedded) == (0, 2)


async def test_vectors_of_another_length_are_refused_and_nothing_is_stored(index: Index) -> None:
    await store(index, document("a", "one"), [0])
    page = document("a", "two")
    with pytest.raises(StoreError) as caught:
        await index.replace(page, chunks_of(page), {"a.example_0": [1.0, 0.0]}, space=SPACE)
    assert "2 numbers instead of 3" in caught.value.localize("en")
    assert "嵌入模型" in caught.value.localize("zh")
    assert await matching(index, "one") == ["one"]


async def test_deleted_page_is_gone_from_words_and_vectors(index: Index) -> None:
    await store(index, document("a", "one", "two"), [0, 1])
    await store(index, document("b", "other"), [2])
    assert await index.delete("https://a.example/") == 2
    assert await nearest(index, 0) == ["other"]
    assert await matching(index, "one", "two") == []
    assert await index.documents(["https://a.example/"]) == {}


async def test_replace_is_all_or_nothing(index: Index) -> None:
    await store(index, document("a", "one", "two"), [0, 1])
    page = document("a", "three", "four")
    first, second = chunks_of(page)
    with pytest.raises(StoreError):
        await index.replace(page, [first, second, first], {}, space=SPACE)
    assert await nearest(index, 0) == ["one", "two"]
    assert await matching(index, "one", "three") == ["one"]


async def test_changed_title_finds_chunks_that_did_not_change(index: Index) -> None:
    await store(index, document("a", "one", "two", title="Drones"), [0, 90])
    await store(index, document("a", "one", "two", title="Kites"))
    assert await matching(index, "drone") == []
    assert sorted(await matching(index, "kite")) == ["one", "two"]
    assert await nearest(index, 0) == ["one", "two"]


async def test_text_that_grew_above_a_chunk_only_moves_it(index: Index) -> None:
    await store(index, document("a", "one", "two"), [0, 90])
    chunks = await store(index, document("a", "one and more", "two"))
    assert await index.chunks("https://a.example/") == chunks
    assert await nearest(index, 90) == ["two"]
    assert await matching(index, "more") == ["one and more"]
    assert await matching(index, "two") == ["two"]


async def test_what_is_kept_of_a_page_comes_back_by_the_url_that_was_requested(
    index: Index,
) -> None:
    page = document("a", "one")
    await store(index, page)
    kept = record(page, url="https://short.example/x")
    await index.remember(kept)
    assert await index.recall([kept.url, page.url, "https://gone.example/"]) == {kept.url: kept}
    assert await index.recall([]) == {}


async def test_a_page_is_put_with_its_collection_and_record_at_once_or_not_at_all(
    index: Index,
) -> None:
    page = document("a", "one", "two")
    first, second = chunks_of(page)
    kept = record(page, url="https://short.example/x")
    with pytest.raises(StoreError):
        await index.replace(
            page, [first, first], {}, space=SPACE, collection="notes", validators=kept
        )
    assert await index.recall([kept.url]) == {}
    await index.replace(page, [first, second], {}, space=SPACE, collection="notes", validators=kept)
    assert await index.recall([kept.url]) == {kept.url: kept}
    await index.check_collections(["notes"])


async def test_newer_record_of_a_page_takes_the_place_of_the_older(index: Index) -> None:
    page = document("a", "one")
    await store(index, page)
    await index.remember(record(page))
    newer = dataclasses.replace(record(page, hours=1), etag="", fetcher="http")
    await index.remember(newer)
    assert await index.recall([page.url]) == {page.url: newer}


async def test_confirmed_page_is_dated_anew_and_keeps_chunks_words_and_vectors(
    index: Index,
) -> None:
    page = document("a", "one", "two")
    chunks = await store(index, page, [0, 90])
    await index.remember(record(page, hours=5))
    later = page.fetched_at + timedelta(hours=5)
    assert await index.documents([page.url]) == {
        page.url: dataclasses.replace(page, fetched_at=later)
    }
    await index.remember(record(page, url="https://old.example/", hours=2))
    assert (await index.documents([page.url]))[page.url].fetched_at == later
    assert await index.chunks(page.url) == chunks
    assert await nearest(index, 0) == ["one", "two"]
    assert await matching(index, "two") == ["two"]


async def test_every_way_to_a_document_is_kept_when_its_text_changes(index: Index) -> None:
    page = document("a", "one")
    await store(index, page)
    ways = [record(page), record(page, url="https://b.example/")]
    for way in ways:
        await index.remember(way)
    await store(index, document("a", "changed"))
    assert await index.recall([way.url for way in ways]) == {way.url: way for way in ways}


async def test_deleted_document_takes_its_page_records_along(index: Index) -> None:
    page, other = document("a", "one"), document("b", "two")
    for kept in (page, other):
        await store(index, kept)
        await index.remember(record(kept))
    await index.remember(record(page, url="https://short.example/"))
    await index.delete(page.url)
    assert await index.recall([page.url, "https://short.example/"]) == {}
    assert list(await index.recall([other.url])) == [other.url]


async def test_page_without_a_document_is_not_remembered(index: Index) -> None:
    page = document("a", "one")
    await store(index, page)
    await index.remember(record(page))
    elsewhere = record(document("b", "two"), url=page.url)
    await index.remember(elsewhere)
    assert await index.recall([page.url]) == {}
    assert list(await index.documents([page.url])) == [page.url]


async def test_closing_twice_does_no_harm(index: Index) -> None:
    await store(index, document("a", "one"), [0])
    await index.close()
    await index.close()


async def test_ten_thousand_chunks(index: Index) -> None:
    for number in range(20):
        texts = [f"page{number} word{line}" for line in range(500)]
        angles = [number + line / 1000 for line in range(500)]
        await store(index, document(f"p{number}", *texts), angles)
    stats = await index.stats()
    assert (stats.documents, stats.chunks, stats.embedded) == (20, 10_000, 10_000)
    assert await matching(index, "page7", "word123", top_k=1) == ["page7 word123"]
    (best, *_) = await index.nearest(at(19.7), top_k=5, space=SPACE)
    assert best.chunk.url == "https://p19.example/"
    assert best.score == pytest.approx(1.0, abs=1e-4)


async def test_documents_below_a_prefix_come_in_order_and_in_pages(index: Index) -> None:
    names = ["notes/b%25", "notes/a", "notes", "notes2/a", "notes/c_", "note/x", "notes/茶"]
    for name in names:
        page = dataclasses.replace(document("a", "words"), url=f"file:///{name}")
        await index.replace(page, [], {}, space=SPACE)
    first = await index.urls_below("file:///notes/", limit=2)
    rest = await index.urls_below("file:///notes/", after=first[-1], limit=9)
    assert first == ["file:///notes/a", "file:///notes/b%25"]
    assert rest == ["file:///notes/c_", "file:///notes/茶"]


async def test_what_is_settled_is_told_without_its_text(index: Index) -> None:
    cut = Processing(extractor=9, chunking=Chunking(size=400, overlap=100, version=1))
    other = dataclasses.replace(cut, extractor=8)
    for slug, made_by in (("a", cut), ("b", other), ("c", cut)):
        page = document(slug, "one", "two", title=f"Title {slug}")
        chunks = chunks_of(page)
        vectors = {chunks[0].id: at(0)}
        await index.replace(page, chunks, vectors, space=SPACE, processing=made_by)
        await index.put_in_collection(page.url, "elsewhere" if slug == "c" else "notes")
    urls = [document(slug, "one").url for slug in ("a", "b", "c", "d")]
    found = await index.summaries(urls, space=SPACE, processing=cut, collection="notes")
    assert found == {urls[0]: StoredSummary(title="Title a", kind="other", chunks=2, embedded=1)}
    other_space = await index.summaries(urls, space="x", processing=cut, collection="notes")
    assert [summary.embedded for summary in other_space.values()] == [0]
