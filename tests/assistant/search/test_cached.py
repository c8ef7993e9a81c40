"""Replies that are kept: no request for what was asked a while ago, and nothing old or false."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.bootstrap import build_search
from assistant.errors import SearchError
from assistant.search.cached import SECOND_BEST_TTL_S, CachedSearch
from assistant.search.chain import SearchChain
from assistant.search.memory import MemoryEngine, MemorySearch
from assistant.search.notices import source_notice
from assistant.settings import SearchSettings, Settings
from assistant.values import SearchHit
from ingest.foundation.cache import ExpiringCache
from ingest.foundation.messages import Message
from tests.internet.duckduckgo import DuckDuckGoSite, fixed
from tests.internet.net import Internet

pytestmark = pytest.mark.anyio

HITS = [SearchHit(rank=n, title=f"Page {n}", url=f"https://site{n}.test/") for n in range(1, 31)]
HOUR_S = 3_600.0


class Clock:
    """A clock that a test turns."""

    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> ExpiringCache:
    return ExpiringCache(clock=clock)


def kept(search: MemorySearch, cache: ExpiringCache, *scope: str) -> CachedSearch:
    return CachedSearch(search, cache=cache, ttl_s=HOUR_S, scope=scope)


async def test_the_same_search_is_made_once(cache: ExpiringCache) -> None:
    web = MemorySearch(HITS)
    first = await kept(web, cache).search("Green  Tea", limit=10, language="en")
    again = await kept(web, cache).search(" ｇreen tea\n", limit=10, language="en")
    assert web.queries == ["Green  Tea"]
    assert (again.hits, again.engine) == (first.hits, "memory")
    assert (first.cached, again.cached) == (False, True)
    assert "kept from the same search" in source_notice(again).localize("en")
    assert "取自不久前的同一次搜索" in source_notice(again).localize("zh")


async def test_fewer_hits_are_taken_from_more_but_never_the_other_way(
    cache: ExpiringCache,
) -> None:
    web = MemorySearch(HITS)
    search = kept(web, cache)
    await search.search("tea", limit=10, language="en")
    fewer = await search.search("tea", limit=3, language="en")
    assert [hit.rank for hit in fewer.hits] == [1, 2, 3]
    assert len(web.queries) == 1
    more = await search.search("tea", limit=20, language="en")
    assert len(more.hits) == 20
    assert len(web.queries) == 2


async def test_another_language_or_other_settings_are_another_search(cache: ExpiringCache) -> None:
    web = MemorySearch(HITS)
    await kept(web, cache, "duckduckgo").search("Berlin", limit=10, language="en")
    await kept(web, cache, "duckduckgo").search("Berlin", limit=10, language="zh")
    await kept(web, cache, "brave").search("Berlin", limit=10, language="en")
    assert len(web.queries) == 3


async def test_a_reply_is_forgotten_when_its_time_is_over(
    cache: ExpiringCache, clock: Clock
) -> None:
    web = MemorySearch(HITS)
    await kept(web, cache).search("tea", limit=10, language="en")
    clock.now += HOUR_S + 1
    assert not (await kept(web, cache).search("tea", limit=10, language="en")).cached
    assert len(web.queries) == 2


async def test_fresh_asks_again_and_what_it_finds_is_kept(cache: ExpiringCache) -> None:
    await kept(MemorySearch(HITS[:1]), cache).search("tea", limit=10, language="en")
    fresh = CachedSearch(MemorySearch(HITS[1:2]), cache=cache, ttl_s=HOUR_S)
    await fresh.search("tea", limit=10, language="en", fresh=True)
    reply = await kept(MemorySearch([]), cache).search("tea", limit=10, language="en")
    assert [hit.url for hit in reply.hits] == ["https://site2.test/"]


async def test_a_failure_is_never_kept(cache: ExpiringCache) -> None:
    web = MemorySearch(HITS)
    web.engine.failure = SearchError(Message.bilingual("down", "坏了"), kind="failed")
    with pytest.raises(SearchError):
        await kept(web, cache).search("tea", limit=10, language="en")
    web.engine.failure = None
    assert (await kept(web, cache).search("tea", limit=10, language="en")).hits


async def test_no_hits_are_kept_for_a_short_time_only(cache: ExpiringCache, clock: Clock) -> None:
    nothing = MemorySearch([])
    await kept(nothing, cache).search("tea", limit=10, language="en")
    await kept(nothing, cache).search("tea", limit=10, language="en")
    assert len(nothing.queries) == 1
    clock.now += SECOND_BEST_TTL_S + 1
    await kept(nothing, cache).search("tea", limit=10, language="en")
    assert len(nothing.queries) == 2


async def test_what_a_stand_in_found_is_kept_for_a_short_time_only(
    cache: ExpiringCache, clock: Clock
) -> None:
    engines = [MemoryEngine(name="first"), MemoryEngine(HITS, name="second")]
    chain = SearchChain(engines, cache=cache, timeout_s=5, clock=clock)
    search = CachedSearch(chain, cache=cache, ttl_s=HOUR_S)
    assert (await search.search("tea", limit=5, language="en")).engine == "second"
    again = await search.search("tea", limit=5, language="en")
    assert (again.cached, again.skipped) == (True, ())
    clock.now += SECOND_BEST_TTL_S + 1
    assert not (await search.search("tea", limit=5, language="en")).cached


async def test_the_file_does_not_tell_the_question(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    cache = ExpiringCache(path)
    await kept(MemorySearch(HITS), cache).search("my secret illness", limit=10, language="en")
    cache.close()
    assert b"illness" not in path.read_bytes()


async def test_what_another_version_wrote_is_asked_anew(clock: Clock) -> None:
    class Garbled(ExpiringCache):
        def get(self, key: str) -> bytes | None:
            return b'{"limit": "many"}'

    web = MemorySearch(HITS)
    assert (await kept(web, Garbled()).search("tea", limit=1, language="en")).hits
    assert len(web.queries) == 1


# Over the wire, as bootstrap builds it


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    internet = Internet()
    with internet.serve():
        for name, value in internet.variables.items():
            monkeypatch.setenv(name, value)
        yield internet


async def test_the_next_process_makes_no_request(net: Internet, tmp_path: Path) -> None:
    site = DuckDuckGoSite(fixed("https://a.test/")).install(net)
    for _process in range(2):
        cache = ExpiringCache(tmp_path / "cache.sqlite")
        reply = await build_search(Settings(), cache=cache).search("tea", limit=1, language="en")
        assert [hit.url for hit in reply.hits] == ["https://a.test/"]
        cache.close()
    assert len(site.asked) == 1


async def test_a_ttl_of_nought_and_fresh_ask_every_time(net: Internet) -> None:
    site = DuckDuckGoSite(fixed("https://a.test/")).install(net)
    cache = ExpiringCache()
    off = Settings(search=SearchSettings(ttl=0))
    for search, fresh in (
        (build_search(off, cache=cache), False),
        (build_search(off, cache=cache), False),
        (build_search(Settings(), cache=cache), True),
        (build_search(Settings()), False),
    ):
        assert not (await search.search("tea", limit=1, language="en", fresh=fresh)).cached
    assert len(site.asked) == 4


async def test_another_searxng_server_is_another_search(
    net: Internet, cache: ExpiringCache
) -> None:
    for host in ("old.test", "new.test"):
        net.page(
            f"https://{host}/search",
            json.dumps({"results": [{"url": f"https://from-{host}/", "title": "tea"}]}),
        )
        wanted = SearchSettings(engines=("searxng",), searxng_url=f"https://{host}")
        search = build_search(Settings(search=wanted), cache=cache)
        reply = await search.search("tea", limit=3, language="en")
        assert [hit.url for hit in reply.hits] == [f"https://from-{host}/"]
