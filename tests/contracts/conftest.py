"""Each store, in memory and on disk."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.vector_stores.memory import MemoryVectors
from tests.index_samples import persistent


@pytest.fixture(params=["memory", "disk"])
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Index]:
    if request.param == "memory":
        opened = Index(catalog=Catalog(), vectors=MemoryVectors())
    else:
        opened = persistent(tmp_path)
    yield opened
    await opened.close()
