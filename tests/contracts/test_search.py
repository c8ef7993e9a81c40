"""What every search engine promises, asked of each of them."""

from collections.abc import Iterator

import pytest

from assistant.answers import SearchHit
from assistant.search.base import SearchProvider
from assistant.search.duckduckgo import DuckDuckGo
from assistant.search.memory import MemorySearch
from tests.internet.duckduckgo import DuckDuckGoSite, fixed
from tests.internet.net import Internet

pytestmark = pytest.mark.anyio

PAGES = [
    "https://a.test/tea%2Fgreen?next=%2Fcup%3Fsize",
    "https://b.test/",
    "https://A.test:443/tea%2Fgreen?next=%2Fcup%3Fsize#again",
    "https://b.test/?utm_source=elsewhere",
    *(f"https://c.test/{number}" for number in range(16)),
]
DISTINCT = [PAGES[0], PAGES[1], *PAGES[4:]]


@pytest.fixture(params=["memory", "duckduckgo"])
def engine(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SearchProvider]:
    if request.param == "memory":
        hits = [SearchHit(rank=n, title=f"Page {n}", url=url) for n, url in enumerate(PAGES, 1)]
        yield MemorySearch(hits)
        return
    net = Internet()
    DuckDuckGoSite(fixed(*PAGES)).install(net)
    with net.serve():
        for name, value in net.variables.items():
            monkeypatch.setenv(name, value)
        yield DuckDuckGo(timeout_s=10)
    assert net.refused == []


async def test_hits_come_in_order_each_page_once_ranked_from_one(engine: SearchProvider) -> None:
    hits = await engine.search("绿茶", limit=100, language="zh")
    assert [hit.url for hit in hits] == DISTINCT
    assert [hit.rank for hit in hits] == list(range(1, len(DISTINCT) + 1))
    assert all(hit.title for hit in hits)


@pytest.mark.parametrize("limit", [0, 1, 12])
async def test_there_are_never_more_than_asked_for(engine: SearchProvider, limit: int) -> None:
    hits = await engine.search("green tea", limit=limit, language="en")
    assert [hit.url for hit in hits] == DISTINCT[:limit]


@pytest.mark.parametrize("query", ["", " \n"])
async def test_a_blank_query_finds_nothing(engine: SearchProvider, query: str) -> None:
    assert await engine.search(query, limit=10, language="en") == []


async def test_an_engine_can_be_asked_again(engine: SearchProvider) -> None:
    first = await engine.search("tea", limit=3, language="en")
    assert await engine.search("tea", limit=3, language="en") == first


async def test_the_engine_has_a_name_for_people(engine: SearchProvider) -> None:
    assert engine.name
