"""What every search engine and every provider promises, asked of each of them."""

from collections.abc import Iterator

import pytest

from assistant.models.pool import ModelPool
from assistant.models.scripted import ScriptedModel
from assistant.search.base import SearchEngine, SearchProvider
from assistant.search.cached import CachedSearch
from assistant.search.chain import SearchChain
from assistant.search.expansion import ExpandingSearch
from assistant.search.memory import MemoryEngine, MemorySearch
from assistant.search.registry import build_engine
from assistant.settings import SearchSettings
from assistant.values import SearchHit
from ingest.foundation.cache import ExpiringCache
from tests.internet.duckduckgo import DuckDuckGoSite, fixed
from tests.internet.engines import brave, mojeek
from tests.internet.net import Internet
from tests.internet.search_apis import KEY, SITES
from tests.internet.searxng import HOST as SEARXNG
from tests.internet.searxng import SearXNGSite

pytestmark = pytest.mark.anyio

PAGES = [
    "https://a.test/tea%2Fgreen?next=%2Fcup%3Fsize",
    "https://b.test/",
    "https://A.test:443/tea%2Fgreen?next=%2Fcup%3Fsize#again",
    "https://b.test/?utm_source=elsewhere",
    *(f"https://c.test/{number}" for number in range(16)),
]
DISTINCT = [PAGES[0], PAGES[1], *PAGES[4:]]
HITS = [SearchHit(rank=n, title=f"Page {n}", url=url) for n, url in enumerate(PAGES, 1)]


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    net = Internet()
    DuckDuckGoSite(fixed(*PAGES)).install(net)
    SearXNGSite(fixed(*PAGES)).install(net)
    mojeek(net, fixed(*PAGES))
    brave(net, fixed(*PAGES))
    for site in SITES.values():
        site(fixed(*PAGES)).install(net)
    with net.serve():
        for name, value in net.variables.items():
            monkeypatch.setenv(name, value)
        yield net
    assert net.refused == []


@pytest.fixture(
    params=["memory", "duckduckgo", "mojeek", "brave", "searxng", *(f"{api} api" for api in SITES)]
)
def engine(request: pytest.FixtureRequest, net: Internet) -> SearchEngine:
    name = str(request.param)
    if name == "memory":
        return MemoryEngine(HITS)
    search = SearchSettings(searxng_url=f"https://{SEARXNG}/", exclude=())
    if name.endswith(" api"):
        name = name.removesuffix(" api")
        search = SearchSettings.model_validate({name: {"key": KEY}, "exclude": ()})
    return build_engine(name, search, user_agent="qiuzheng/test")


async def test_hits_come_in_order_each_page_once_ranked_from_one(engine: SearchEngine) -> None:
    hits = await engine.search("绿茶", limit=100, language="zh", timeout_s=10)
    assert [hit.url for hit in hits] == DISTINCT
    assert [hit.rank for hit in hits] == list(range(1, len(DISTINCT) + 1))
    assert all(hit.title for hit in hits)


@pytest.mark.parametrize("limit", [0, 1, 12])
async def test_there_are_never_more_than_asked_for(engine: SearchEngine, limit: int) -> None:
    hits = await engine.search("green tea", limit=limit, language="en", timeout_s=10)
    assert [hit.url for hit in hits] == DISTINCT[:limit]


@pytest.mark.parametrize("query", ["", " \n"])
async def test_a_blank_query_finds_nothing(engine: SearchEngine, query: str) -> None:
    assert await engine.search(query, limit=10, language="en", timeout_s=10) == []


async def test_an_engine_can_be_asked_again(engine: SearchEngine) -> None:
    first = await engine.search("tea", limit=3, language="en", timeout_s=10)
    assert await engine.search("tea", limit=3, language="en", timeout_s=10) == first


async def test_the_engine_has_a_name_for_people(engine: SearchEngine) -> None:
    assert engine.name


@pytest.fixture(params=["memory", "chain", "cached", "expanding"])
def provider(request: pytest.FixtureRequest) -> SearchProvider:
    memory = MemorySearch(HITS)
    cache = ExpiringCache()
    match request.param:
        case "chain":
            return SearchChain([MemoryEngine(HITS)], cache=cache, timeout_s=5)
        case "cached":
            return CachedSearch(memory, cache=cache, ttl_s=60)
        case "expanding":
            return ExpandingSearch(
                memory, models=ModelPool.holding(ScriptedModel("a")), queries=2, timeout_s=5
            )
        case _:
            return memory


@pytest.mark.parametrize("limit", [0, 1, 12, 100])
async def test_a_provider_returns_the_hits_and_who_found_them(
    provider: SearchProvider, limit: int
) -> None:
    for _again in range(2):
        reply = await provider.search("绿茶", limit=limit, language="zh")
        assert [hit.url for hit in reply.hits] == DISTINCT[:limit]
        assert [hit.rank for hit in reply.hits] == list(range(1, len(reply.hits) + 1))
        assert reply.engine == provider.name
        assert reply.skipped == ()


@pytest.mark.parametrize("query", ["", " \n"])
async def test_a_provider_finds_nothing_for_a_blank_query(
    provider: SearchProvider, query: str
) -> None:
    assert (await provider.search(query, limit=10, language="en")).hits == ()
