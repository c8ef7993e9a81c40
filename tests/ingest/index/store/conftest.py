"""Indexes in files, for tests of their postings."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.index.store.catalog import Catalog
from ingest.index.store.postings import segmented as segments


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an index of a few hundred chunks be a large one, of several files."""
    monkeypatch.setattr(segments, "SEGMENT_EVERY", 32)
    monkeypatch.setattr(segments, "MAX_ROWS_IN_MEMORY", 64)
    monkeypatch.setattr(segments, "MAX_SEGMENT_CHUNKS", 100)
    monkeypatch.setattr(segments, "MAX_SMALL_SEGMENTS", 3)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog(tmp_path / "index.sqlite")
    yield catalog
    catalog.close()
