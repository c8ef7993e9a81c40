"""An index as one file: what is written comes back as it was, and a torn file costs nothing."""

import dataclasses
import io
import json
import random
import stat
import tracemalloc
import zipfile
from contextlib import aclosing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.documents import Chunking, Processing
from ingest.errors import CollectionError, StoreError
from ingest.index.archive import ArchiveError, read_archive, read_manifest
from ingest.index.store.hybrid import Index
from ingest.index.store.inventory import DocumentFilter
from ingest.library import ImportedCounts, Library
from tests.index_samples import SPACE, at, chunks_of, document, matching, persistent, record

pytestmark = pytest.mark.anyio

CUT = Processing(extractor=9, chunking=Chunking(size=400, overlap=100, version=1))
OTHER_SPACE = "other:2"


async def filled(folder: Path) -> Index:
    """Make an index of three documents: vectors of two spaces, collections, pages of paper."""
    index = persistent(folder)
    law = document("a", "drones at night", "无人机\u3000夜间 \x00 \U0001f6f8", title="Law")
    law = dataclasses.replace(law, page_starts=(0, 4), author="Ann", canonical="https://a.test/")
    tea, bare = document("b", "green tea"), document("c")
    for page, angle in ((law, 0.25), (tea, 1.5), (bare, 0.0)):
        chunks = chunks_of(page, heading="§ 1")
        vectors = {chunk.id: at(angle + place) for place, chunk in enumerate(chunks)}
        await index.replace(page, chunks, vectors, space=SPACE, processing=CUT)
    await index.add_vectors(chunks_of(tea, heading="§ 1"), [[1.0, 0.0]], space=OTHER_SPACE)
    await index.put_in_collection(law.url, "法律")
    await index.put_in_collection(law.url, "drones")
    await index.remember(record(law))
    return index


async def exported(index: Index, path: Path, wanted: DocumentFilter | None = None) -> list[int]:
    async with aclosing(Library(index).export(path, wanted or DocumentFilter())) as steps:
        return [step async for step in steps]


async def imported(index: Index, path: Path, *, collection: str = "") -> ImportedCounts:
    counts = ImportedCounts(documents=0, chunks=0, vectors=0, kept=0)
    async with aclosing(Library(index).import_archive(path, collection=collection)) as steps:
        async for step in steps:
            counts = step
    return counts


def parts_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


async def test_what_is_imported_is_what_was_exported_bit_by_bit(tmp_path: Path) -> None:
    first, second = await filled(tmp_path / "one"), persistent(tmp_path / "two")
    path = tmp_path / "index.zip"
    assert (await exported(first, path))[-1] == 3
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert await imported(second, path) == ImportedCounts(documents=3, chunks=3, vectors=4, kept=0)
    again = tmp_path / "again.zip"
    await exported(second, again)
    assert parts_of(again) == parts_of(path)
    urls = [document(slug).url for slug in "abc"]
    assert await second.documents(urls) == await first.documents(urls)
    assert await second.recall(urls) == await first.recall(urls)
    assert await second.current_space() == SPACE
    for index in (first, second):
        assert await matching(index, "night", top_k=1) == ["drones at night"]
    # Once more over what is there: as if nothing had happened.
    await imported(second, path)
    await exported(second, again)
    assert parts_of(again) == parts_of(path)
    await first.close()
    await second.close()


async def test_other_programs_read_the_parts(tmp_path: Path) -> None:
    index = await filled(tmp_path / "one")
    await exported(index, tmp_path / "index.zip")
    await index.close()
    parts = parts_of(tmp_path / "index.zip")
    lines = [json.loads(line) for line in parts["documents.jsonl"].splitlines()]
    assert [line["document"]["title"] for line in lines] == ["Law", "", ""]
    ids = [json.loads(line) for line in parts["vectors/0.ids.jsonl"].splitlines()]
    vectors = np.load(io.BytesIO(parts["vectors/0.npy"]), allow_pickle=False)
    assert vectors.shape == (len(ids), len(at(0)))
    assert vectors[0].tolist() == pytest.approx(at(0.25))


async def test_a_part_is_exported_and_goes_where_it_is_said(tmp_path: Path) -> None:
    index, path = await filled(tmp_path / "one"), tmp_path / "law.zip"
    await exported(index, path, DocumentFilter(collection="法律"))
    with pytest.raises(CollectionError):
        await exported(index, tmp_path / "none.zip", DocumentFilter(collection="east"))
    await index.close()
    assert read_manifest(path).documents == 1
    second = persistent(tmp_path / "two")
    assert (await imported(second, path, collection="mine")).documents == 1
    lines = await Library(second).lines(DocumentFilter(collection="mine"))
    assert [line.collections for line in lines] == [("mine",)]
    await second.close()


async def test_the_version_that_was_fetched_later_stays(tmp_path: Path) -> None:
    index, path = await filled(tmp_path / "one"), tmp_path / "index.zip"
    await exported(index, path)
    new = document("b", "black tea")
    new = dataclasses.replace(new, fetched_at=new.fetched_at + timedelta(days=1))
    await index.replace(new, chunks_of(new), {}, space=SPACE)
    assert (await imported(index, path)).kept == 1
    assert await matching(index, "tea", top_k=5) == ["black tea"]
    await index.close()


async def test_a_torn_file_is_one_error_and_what_is_stored_stays(tmp_path: Path) -> None:
    index, path = await filled(tmp_path / "one"), tmp_path / "index.zip"
    await exported(index, path)
    whole, torn = path.read_bytes(), tmp_path / "torn.zip"
    draw = random.Random(3)
    refused = 0
    for _ in range(120):
        body = bytearray(whole[: draw.randrange(len(whole))] if draw.random() < 0.3 else whole)
        for _ in range(draw.randrange(1, 9)):
            if body:
                body[draw.randrange(len(body))] = draw.randrange(256)
        torn.write_bytes(bytes(body))
        # Whatever else the libraries raise over it ends the test.
        with suppress(ArchiveError):
            refused += 1
            for _item in read_archive(torn):
                pass
            refused -= 1
    assert refused > 100  # the others differ where no reader looks
    (tmp_path / "note.zip").write_text("no archive")
    for wrong in ("note.zip", "missing.zip", "."):
        with pytest.raises(ArchiveError):
            await imported(index, tmp_path / wrong)
    assert (await index.stats()).documents == 3
    await index.close()


async def test_vectors_that_are_none_are_refused_and_their_document_with_them(
    tmp_path: Path,
) -> None:
    index, path = await filled(tmp_path / "one"), tmp_path / "index.zip"
    await exported(index, path)
    await index.close()
    parts = parts_of(path)
    parts["vectors/0.npy"] = parts["vectors/0.npy"][:-4] + np.float32(np.nan).tobytes()
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in parts.items():
            archive.writestr(name, body)
    second = persistent(tmp_path / "two")
    with pytest.raises(StoreError):
        await imported(second, path)
    assert await matching(second, "tea", top_k=5) == []
    assert await matching(second, "night", top_k=5) == ["drones at night"]
    await second.close()


@pytest.mark.parametrize(
    "change",
    [
        {"document": {"fetched_at": "2026-01-01T00:00:00"}},
        {"collections": ["../../x"]},
        {"collections": ["\x1b[31mred"]},
        {"collections": ["a" * 1000]},
        {"chunks": {"start": 2**70}},
        {"chunks": {"end": 10**12}},
        {"chunks": "twice"},
    ],
    ids=str,
)
async def test_what_no_index_can_hold_is_one_error(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "index.zip"
    await exported(await filled(tmp_path / "one"), path)
    parts = parts_of(path)
    first, *others = parts["documents.jsonl"].splitlines()
    line = json.loads(first)
    for name, value in change.items():
        if value == "twice":
            line["chunks"] *= 2
        elif name == "chunks":
            line["chunks"][0] |= value
        else:
            line[name] = line[name] | value if isinstance(value, dict) else value
    parts["documents.jsonl"] = b"\n".join([json.dumps(line).encode(), *others])
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in parts.items():
            archive.writestr(name, body)
    second = persistent(tmp_path / "two")
    with pytest.raises(ArchiveError):
        await imported(second, path)


async def test_a_manifest_without_end_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("index.json", b" " * 50_000_000)
    tracemalloc.start()
    with pytest.raises(ArchiveError):
        read_manifest(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


async def test_a_newer_format_says_so(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "new.zip", "w") as archive:
        archive.writestr("index.json", json.dumps({"format": "qiuzheng-index", "version": 2}))
    with pytest.raises(ArchiveError, match="newer"):
        read_manifest(tmp_path / "new.zip")


async def test_an_export_that_is_stopped_leaves_no_file(tmp_path: Path) -> None:
    index = await filled(tmp_path / "one")
    path = tmp_path / "out" / "index.zip"
    with pytest.raises(ArchiveError, match="cannot write"):
        await exported(index, path)
    path.parent.mkdir()
    path.write_text("what was here before")
    async with aclosing(Library(index).export(path)) as steps:
        assert await anext(steps) == 1
    assert [file.name for file in path.parent.iterdir()] == ["index.zip"]
    assert path.read_text() == "what was here before"
    await index.close()


async def test_compacting_gives_room_back_and_rebuilding_loses_nothing(tmp_path: Path) -> None:
    index = persistent(tmp_path / "one")
    library = Library(index, folder=tmp_path / "one")
    for number in range(60):
        page = document(f"p{number}", *(f"word{number} line {line} " * 20 for line in range(20)))
        await index.replace(page, chunks_of(page), {}, space=SPACE)
    await library.remove([document(f"p{number}").url for number in range(50)])
    before, after = await library.compact()
    assert after < before / 2
    await library.rebuild()
    assert len(await matching(index, "word55", top_k=99)) == 20
    assert await matching(index, "word5", top_k=99) == []
    await index.close()
