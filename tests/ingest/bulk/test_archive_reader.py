import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.bulk.archives import KEPT_UNPACKED, ArchiveReader
from ingest.errors import ExtractError
from ingest.extract.worker_pool import ReaderPool
from tests.file_samples import SENTENCE, tar_gz, zipped


@contextmanager
def private(folder: Path) -> Iterator[Path]:
    yield folder
    # Nothing that was unpacked outlives its reader.
    assert [path for path in folder.rglob("*") if path.is_file()] == []


async def texts(folder: Path, *paths: Path) -> list[str]:
    pool = ReaderPool(timeout_s=30, workers=1)
    reader = ArchiveReader(folder=folder, pool=pool)
    try:
        return [(await reader.read_file(path)).text for path in paths]
    finally:
        await reader.close()
        await pool.close()


def test_files_of_archives_in_archives_are_read(tmp_path: Path) -> None:
    inner = zipped({"deep/a.md": SENTENCE.encode()})
    (tmp_path / "outer.tar.gz").write_bytes(tar_gz({"x/inner.zip": inner, "b.md": b"# B"}))
    outer = tmp_path / "outer.tar.gz"
    with private(tmp_path / "unpacked") as folder:
        found = asyncio.run(
            texts(folder, outer / "x" / "inner.zip" / "deep" / "a.md", outer / "b.md")
        )
    assert found == [SENTENCE, "# B"]


def test_a_document_keeps_the_day_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(tar_gz({"a.md": SENTENCE.encode()}))

    async def read() -> None:
        pool = ReaderPool(timeout_s=30, workers=1)
        reader = ArchiveReader(folder=tmp_path / "unpacked", pool=pool)
        document = await reader.read_file(tmp_path / "a.tar.gz" / "a.md")
        assert str(document.modified) == "2024-06-01"
        assert document.url == (tmp_path / "a.tar.gz" / "a.md").as_uri()
        # What is not there is told by the name that a person knows.
        with pytest.raises(ExtractError, match=r"a\.tar\.gz/none\.md"):
            await reader.read_file(tmp_path / "a.tar.gz" / "none.md")
        await reader.close()
        await pool.close()

    asyncio.run(read())


def test_a_folder_of_archives_is_not_unpacked_all_at_once(tmp_path: Path) -> None:
    names = [f"{number}.zip" for number in range(5)]
    for name in names:
        (tmp_path / name).write_bytes(zipped({"a.md": SENTENCE.encode()}))

    async def read() -> None:
        pool = ReaderPool(timeout_s=30, workers=2)
        reader = ArchiveReader(folder=tmp_path / "unpacked", pool=pool)
        await asyncio.gather(*(reader.read_file(tmp_path / name / "a.md") for name in names))
        left = list((tmp_path / "unpacked").glob("*/*/a.md"))
        assert 0 < len(left) <= KEPT_UNPACKED
        await reader.close()
        await pool.close()

    with private(tmp_path / "unpacked"):
        asyncio.run(read())


def test_what_a_killed_process_left_goes_with_the_next_one(tmp_path: Path) -> None:
    left = tmp_path / "unpacked" / "tmpdead"
    left.mkdir(parents=True)
    (left / "secret.md").write_text("x")
    (tmp_path / "unpacked" / "tmpdead.lock").touch()
    (tmp_path / "a.zip").write_bytes(zipped({"a.md": SENTENCE.encode()}))
    assert asyncio.run(texts(tmp_path / "unpacked", tmp_path / "a.zip" / "a.md")) == [SENTENCE]
    assert not left.exists()
