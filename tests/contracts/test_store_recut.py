"""What every `ChunkStore` keeps of how a document was cut, and what it does when it is cut anew."""

import dataclasses

import pytest

from ingest.documents import Chunking, Processing
from ingest.index.store.hybrid import Index
from tests.index_samples import SPACE, at, chunks_of, document, matching, nearest, record, store

pytestmark = pytest.mark.anyio


CUT = Chunking(size=400, overlap=100, version=1)
SMALLER = Chunking(size=100, overlap=20, version=1)


async def test_what_shaped_a_document_is_kept_with_it_and_unknown_unless_said(
    index: Index,
) -> None:
    page, other = document("a", "one"), document("b", "two")
    processing = Processing(extractor=3, chunking=CUT)
    await index.replace(page, chunks_of(page), {}, space=SPACE, processing=processing)
    await store(index, other)
    urls = [page.url, other.url, "https://gone.example/"]
    assert await index.processing(urls) == {page.url: processing, other.url: Processing()}
    await store(index, page)
    assert await index.processing([page.url]) == {page.url: Processing()}


async def test_documents_cut_otherwise_are_counted_and_listed_in_order(index: Index) -> None:
    cuts = {
        "a": CUT,
        "b": SMALLER,
        "c": None,
        "d": dataclasses.replace(CUT, version=2),
        "e": dataclasses.replace(CUT, overlap=0),
    }
    for slug, chunking in cuts.items():
        page = document(slug, "one")
        processing = Processing(extractor=1, chunking=chunking)
        await index.replace(page, chunks_of(page), {}, space=SPACE, processing=processing)
    urls = [f"https://{slug}.example/" for slug in "bcde"]
    assert await index.count_outdated(CUT) == 4
    assert await index.outdated_urls(CUT, limit=9) == urls
    assert await index.outdated_urls(CUT, limit=2) == urls[:2]
    assert await index.outdated_urls(CUT, after=urls[1], limit=9) == urls[2:]
    assert await index.outdated_urls(CUT, after=urls[3], limit=9) == []


async def test_recut_replaces_chunks_and_nothing_else_of_a_page(index: Index) -> None:
    page = document("a", "one", "two", "three")
    chunks = chunks_of(page)
    vectors = {chunk.id: at(angle) for chunk, angle in zip(chunks, (0, 60, 120), strict=True)}
    processing = Processing(extractor=3, chunking=CUT)
    await index.replace(page, chunks, vectors, space=SPACE, processing=processing)
    await index.remember(record(page, hours=2))
    before = await index.documents([page.url])
    joined = dataclasses.replace(chunks[0], end=chunks[1].end, text=page.text[: chunks[1].end])
    recut = [joined, dataclasses.replace(chunks[2], id=chunks[1].id, position=1)]
    made = {joined.id: at(30)}
    assert await index.recut(page, recut, made, space=SPACE, chunking=SMALLER)
    assert await index.chunks(page.url) == recut
    assert await nearest(index, 120) == ["three", "one\n\ntwo"]
    assert await matching(index, "two") == ["one\n\ntwo"]
    assert await index.documents([page.url]) == before
    assert await index.recall([page.url]) == {page.url: record(page, hours=2)}
    kept = await index.processing([page.url])
    assert kept == {page.url: Processing(extractor=3, chunking=SMALLER)}


@pytest.mark.parametrize("change", [{"text": "changed"}, {"title": "Changed"}])
async def test_recut_of_a_page_that_has_changed_meanwhile_changes_nothing(
    index: Index, change: dict[str, str]
) -> None:
    page = document("a", "one", "two")
    now = dataclasses.replace(page, **change)
    chunks = await store(index, now)
    assert not await index.recut(page, chunks_of(page)[:1], {}, space=SPACE, chunking=CUT)
    assert await index.chunks(page.url) == chunks
    assert await index.processing([page.url]) == {page.url: Processing()}


async def test_recut_of_a_page_that_is_gone_does_not_bring_it_back(index: Index) -> None:
    page = document("a", "one")
    assert not await index.recut(page, chunks_of(page), {}, space=SPACE, chunking=CUT)
    assert await index.documents([page.url]) == {}
    assert await matching(index, "one") == []
