"""Fetchers that are opened by the first page that has to be requested."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ingest.foundation.concurrency import LazyResource
from ingest.web.fetch.base import Fetcher
from ingest.web.fetch.memory import MemoryFetcher, html_page
from ingest.web.lazy_access import LazyLoader, LazySiteLists, OpenedAccess
from ingest.web.tiered_fetcher import TieredFetcher
from tests.ingest_parts import tiered_fetcher

pytestmark = pytest.mark.anyio

URL = "https://tea.example/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    pages: TieredFetcher
    site_lists: Fetcher


async def test_the_first_request_opens_the_fetchers_and_all_share_them() -> None:
    opened: list[Opened] = []
    page = html_page(URL, "<p>Green tea is steeped for two minutes.</p>")

    @asynccontextmanager
    async def open_access() -> AsyncIterator[OpenedAccess]:
        opened.append(
            Opened(pages=tiered_fetcher({URL: page}), site_lists=MemoryFetcher({URL: page}))
        )
        yield opened[-1]

    async with LazyResource(open_access) as access:
        loader, site_lists = LazyLoader(access), LazySiteLists(access)
        assert opened == []
        assert (await site_lists.fetch(URL)).body == page.body
        loaded = await loader.load(URL)
        assert loaded.document is not None
        assert "two minutes" in loaded.document.text
        assert len(opened) == 1


def test_a_second_run_over_what_is_unchanged_imports_no_http_client(tmp_path: Path) -> None:
    (tmp_path / "tea.md").write_text("# Tea\n\nGreen tea is steeped for two minutes.\n")
    environment = os.environ | {
        "ASSISTANT_HOME": str(tmp_path / "home"),
        "ASSISTANT_EMBED__PROVIDER": "none",
    }
    command = [sys.executable, "-X", "importtime", "-m", "ingest", str(tmp_path / "tea.md")]
    for origin in ("stored 1", "unchanged 1"):
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert origin in run.stderr + run.stdout
    assert "ingest.pipeline" in run.stderr
    assert "ingest.web.fetch.wire" not in run.stderr
