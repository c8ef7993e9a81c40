"""The owner's view of the index: what is listed is what is there, what is removed is gone."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from ingest.documents import Chunking, Processing
from ingest.foundation.cache import ExpiringCache
from ingest.index.store.hybrid import Index
from ingest.index.store.inventory import DocumentFilter
from ingest.library import DocumentNotFoundError, Library
from tests.index_samples import SPACE, at, chunks_of, document, matching, nearest, persistent
from tests.index_samples import record as validators
from tests.index_samples import store as store_page

pytestmark = pytest.mark.anyio

TEA = replace(document("tea", "Green tea is steeped at eighty degrees."), title="Tea")
SUB = replace(document("a.tea", "Black tea takes boiling water."), language="")
LOOKALIKE = document("nottea", "Coffee.", title="Zebra")
ZH = replace(
    document("zh", "港口六点开放。"),
    url="file:///home/me/my_notes/50%25/b.md",
    language="zh",
    fetched_at=datetime(2025, 1, 31, tzinfo=UTC),
)
PAGES = (TEA, SUB, LOOKALIKE, ZH)


async def filled_index(folder: Path) -> Index:
    index = persistent(folder)
    for number, page in enumerate(PAGES):
        await store_page(index, page, degrees=[10.0 * number])
    return index


async def filled(folder: Path) -> Library:
    return Library(await filled_index(folder), folder=folder)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (DocumentFilter(), {TEA.url, SUB.url, LOOKALIKE.url, ZH.url}),
        (DocumentFilter(host="tea.example"), {TEA.url, SUB.url}),
        (DocumentFilter(host="TEA.example."), {TEA.url, SUB.url}),
        (DocumentFilter(host="a.tea.example"), {SUB.url}),
        (DocumentFilter(host="%"), set()),
        (DocumentFilter(folder="file:///home/me"), {ZH.url}),
        (DocumentFilter(folder="file:///home/me/my_notes/"), {ZH.url}),
        (DocumentFilter(folder="file:///home/me/my-notes"), set()),
        (DocumentFilter(folder="file:///home/me/my"), set()),
        (DocumentFilter(language="zh"), {ZH.url}),
        (DocumentFilter(since=TEA.fetched_at), {TEA.url, SUB.url, LOOKALIKE.url}),
        (DocumentFilter(before=TEA.fetched_at), {ZH.url}),
        (DocumentFilter(host="tea.example", language="en"), {TEA.url}),
        (DocumentFilter(urls=(ZH.url, "https://gone.example/")), {ZH.url}),
    ],
)
async def test_a_filter_means_what_it_says(
    tmp_path: Path, wanted: DocumentFilter, found: set[str]
) -> None:
    library = await filled(tmp_path)
    assert {line.url for line in await library.lines(wanted)} == found


async def test_lists_are_sorted_and_count(tmp_path: Path) -> None:
    library = await filled(tmp_path)
    newest = await library.lines(order="date")
    assert newest[-1].url == ZH.url
    assert [line.title for line in await library.lines(order="title")] == ["", "", "Tea", "Zebra"]
    (line,) = await library.lines(DocumentFilter(language="zh"))
    assert (line.chunks, line.characters, line.fetched_at) == (1, 7, ZH.fetched_at)


async def test_a_document_is_found_by_url_by_file_and_by_the_page_that_led_to_it(
    tmp_path: Path,
) -> None:
    index = persistent(tmp_path)
    await store_page(index, TEA)
    await index.remember(validators(TEA, url="https://short.example/t"))
    note = tmp_path / "注 记.md"
    await store_page(index, replace(ZH, url=note.as_uri()))
    library = Library(index)
    assert await library.find(TEA.url) == TEA.url
    assert await library.find("tea.example") == TEA.url
    assert await library.find("https://short.example/t") == TEA.url
    assert await library.find(str(note)) == note.as_uri()


async def test_an_unknown_name_offers_those_that_look_alike(tmp_path: Path) -> None:
    library = await filled(tmp_path)
    with pytest.raises(DocumentNotFoundError) as raised:
        await library.find("https://tea.example/gren")
    assert TEA.url in raised.value.hint.localize("en")
    with pytest.raises(DocumentNotFoundError) as raised:
        await library.find("没有")
    assert "assistant index list" in raised.value.hint.localize("en")


async def test_details_tell_how_a_document_was_cut_and_which_chunks_have_vectors(
    tmp_path: Path,
) -> None:
    index = persistent(tmp_path)
    page = document("a", "one", "two")
    chunks = chunks_of(page)
    cut = Processing(extractor=6, chunking=Chunking(size=400, overlap=100, version=1))
    await index.replace(page, chunks, {chunks[0].id: at(0)}, space=SPACE, processing=cut)
    await index.remember(validators(page))
    details = await Library(index).details(page.url)
    assert details.document == page
    assert details.processing == cut
    assert [state.vectors for state in details.chunks] == [{SPACE: 3}, {}]
    assert [state.chunk for state in details.chunks] == chunks
    assert [record.url for record in details.pages] == [page.url]


async def test_what_is_removed_is_gone_from_words_vectors_caches_and_the_disk(
    tmp_path: Path,
) -> None:
    index = persistent(tmp_path)
    secret = document("secret", "Zanzibarxyz is the password.", *(f"more {n}" for n in range(50)))
    await store_page(index, secret, degrees=[0])
    await store_page(index, TEA, degrees=[90])
    with closing(ExpiringCache(tmp_path / "web.sqlite")) as cache:
        cache.put("search.reply 1", f'[{{"url":"{secret.url}"}}]'.encode(), ttl_s=60)
        cache.put(f"failure {secret.url}", b"x", ttl_s=60)
        cache.put("search.reply 2", b"[]", ttl_s=60)
        removal = await Library(index, cache=cache, folder=tmp_path).remove([secret.url])
        assert cache.get("search.reply 1") is None
        assert cache.get(f"failure {secret.url}") is None
        assert cache.get("search.reply 2") == b"[]"
    assert (removal.documents, removal.chunks, removal.stored_again) == (1, 51, ())
    assert await matching(index, "zanzibarxyz") == []
    assert await nearest(index, 0) == [TEA.text]
    assert index.vectors.count(space=SPACE) == 1
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert b"zanzibarxyz" not in path.read_bytes().lower(), path.name
    await index.close()


async def test_the_vectors_of_what_is_removed_leave_the_disk_when_it_is_compacted(
    tmp_path: Path,
) -> None:
    index = persistent(tmp_path)
    await store_page(index, document("secret", "The password."), degrees=[12.345])
    await store_page(index, TEA, degrees=[90])
    library = Library(index, folder=tmp_path)
    await library.remove([document("secret", "x").url])
    await library.compact()
    assert await nearest(index, 12.345) == [TEA.text]
    vector = np.array(at(12.345)[:2], dtype=np.float32).tobytes()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert vector not in path.read_bytes(), path.name
    assert index.vectors.count(space=SPACE) == 1
    await index.close()


async def test_removing_beside_a_process_that_uses_the_vector_store_says_what_waits(
    tmp_path: Path,
) -> None:
    index = persistent(tmp_path)
    await store_page(index, TEA, degrees=[0])
    await index.close()
    holder, other = persistent(tmp_path), persistent(tmp_path)
    other._process_lock.timeout = 0.05  # type: ignore[union-attr]
    with holder.exclusive():
        removal = await Library(other).remove([TEA.url])
    assert removal.documents == 1
    assert "locked" in removal.copy_waits.localize("en")
    assert await matching(other, "tea") == []
    await other.close()
    await holder.close()


async def test_statistics_add_up(tmp_path: Path) -> None:
    index = await filled_index(tmp_path)
    while index.carry_out_batch():
        pass  # or the background does; the vectors are in files of their own then
    statistics = await Library(index, folder=tmp_path).statistics()
    assert statistics.stats.documents == len(PAGES)
    assert statistics.characters == sum(len(page.text) for page in PAGES)
    assert statistics.languages == {"en": 2, "": 1, "zh": 1}
    assert statistics.hosts[""] == 1
    assert [(month.month, month.documents) for month in statistics.growth] == [
        ("2025-01", 1),
        ("2026-11", 3),
    ]
    assert statistics.file_bytes["text"] > 0
    assert statistics.file_bytes["vectors"] > 0


async def test_a_moment_older_than_the_filter_is_left_out(tmp_path: Path) -> None:
    library = await filled(tmp_path)
    earlier = DocumentFilter(since=ZH.fetched_at + timedelta(microseconds=1))
    assert ZH.url not in {line.url for line in await library.lines(earlier)}
