"""Search that does not go dark: the next engine answers, and one that is down is left alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.errors import SearchError
from assistant.search.chain import SearchChain
from assistant.search.circuit_breaker import FIRST_WAIT_S, MAX_WAIT_S, CircuitBreaker
from assistant.search.engines.ddgs_engines import DdgsEngine
from assistant.search.engines.duckduckgo import DuckDuckGo
from assistant.search.engines.searxng import SearXNG
from assistant.search.memory import MemoryEngine
from assistant.search.notices import fallback_notice, source_notice
from assistant.values import SearchHit, SearchReply
from ingest.foundation.cache import ExpiringCache
from ingest.foundation.messages import Language, Message
from tests.breaker_kit import Clock, longest, refusal
from tests.internet.duckduckgo import HOST, DuckDuckGoSite, Mode, fixed
from tests.internet.engines import AUTOMATED, BRAVE, CAPTCHA, MOJEEK, ResultSite, brave, mojeek
from tests.internet.net import Internet, Reply
from tests.internet.searxng import HOST as SEARXNG
from tests.internet.searxng import SearXNGSite

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    internet = Internet()
    with internet.serve():
        for name, value in internet.variables.items():
            monkeypatch.setenv(name, value)
        yield internet


class World:
    """Three engines on the replayed internet, each with one page of its own."""

    def __init__(self, net: Internet) -> None:
        self.net = net
        self.duckduckgo = DuckDuckGoSite(fixed("https://duck.test/")).install(net)
        self.mojeek: ResultSite = mojeek(net, fixed("https://moj.test/"))
        self.brave: ResultSite = brave(net, fixed("https://brave.test/"))

    def hosts(self) -> list[str]:
        """Return who was asked since the last time, in order."""
        asked = [request.host for request in self.net.log]
        self.net.clear()
        return asked


@pytest.fixture
def world(net: Internet) -> World:
    return World(net)


def chain(clock: Clock, path: Path | None = None, *, timeout_s: float = 20.0) -> SearchChain:
    """Return the default chain as a process that just started has it."""
    return SearchChain(
        [DuckDuckGo(), DdgsEngine("mojeek"), DdgsEngine("brave")],
        cache=ExpiringCache(path, clock=clock),
        timeout_s=timeout_s,
        clock=clock,
        draw=longest,
    )


async def ask(search: SearchChain, query: str = "tea") -> SearchReply:
    return await search.search(query, limit=1, language="en")


def urls(reply: SearchReply) -> list[str]:
    return [hit.url for hit in reply.hits]


# Who answers


async def test_the_first_engine_answers_and_no_other_hears_the_question(
    world: World, clock: Clock
) -> None:
    reply = await ask(chain(clock))
    assert (reply.engine, urls(reply), reply.skipped) == ("DuckDuckGo", ["https://duck.test/"], ())
    assert world.hosts() == [HOST]
    assert fallback_notice(reply) is None
    assert source_notice(reply).localize("en") == "results from DuckDuckGo"


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("ratelimit", "rate_limited"),
        ("challenge", "rate_limited"),
        ("403", "rate_limited"),
        ("429", "rate_limited"),
        ("500", "failed"),
        ("empty", "empty"),
        ("blank", "empty"),
    ],
)
async def test_the_next_engine_answers_and_says_why_the_first_did_not(
    world: World, clock: Clock, mode: Mode, kind: str
) -> None:
    world.duckduckgo.mode = mode
    reply = await ask(chain(clock))
    assert (reply.engine, urls(reply)) == ("Mojeek", ["https://moj.test/"])
    assert [(one.engine, one.kind) for one in reply.skipped] == [("DuckDuckGo", kind)]
    notice = fallback_notice(reply)
    assert notice is not None
    assert notice.localize("en").startswith("DuckDuckGo ")
    assert "Mojeek answered instead" in notice.localize("en")
    assert "改用 Mojeek 的结果" in notice.localize("zh")
    assert "search.engines" in notice.localize("en")
    assert "search.engines" in notice.localize("zh")


async def test_a_name_that_cannot_be_resolved_is_passed_over(net: Internet, clock: Clock) -> None:
    mojeek(net, fixed("https://moj.test/"))
    reply = await ask(chain(clock))
    assert reply.engine == "Mojeek"
    assert [(one.engine, one.kind) for one in reply.skipped] == [("DuckDuckGo", "unreachable")]
    assert net.refused == [f"{HOST}:443"]


@pytest.mark.parametrize(
    "trouble",
    [
        Reply(fault="reset"),
        Reply(fault="truncate", body="<html>" + "x" * 1000),
        Reply(body=b"\xff\xfe\x00\x01<<<html", content_type="text/html"),
        Reply(body="<div class='result__body'><a class='result__a'>no link</a></div>"),
    ],
    ids=["reset", "truncated", "binary", "no links"],
)
async def test_a_broken_page_is_passed_over(net: Internet, clock: Clock, trouble: Reply) -> None:
    net.route(HOST, lambda _request: trouble)
    mojeek(net, fixed("https://moj.test/"))
    assert (await ask(chain(clock))).engine == "Mojeek"


async def test_a_refusal_of_every_engine_names_each_of_them(world: World, clock: Clock) -> None:
    world.duckduckgo.mode = "ratelimit"
    world.mojeek.trouble = AUTOMATED
    world.brave.trouble = CAPTCHA
    with pytest.raises(SearchError) as caught:
        await ask(chain(clock))
    error = caught.value
    assert error.kind == "rate_limited"
    assert error.message == Message.bilingual(
        "no search engine answered: DuckDuckGo asks us to wait (HTTP 202); Mojeek asks us to wait "
        "(HTTP 403); Brave asks us to wait (it wants to see a human)",
        "没有搜索引擎响应：DuckDuckGo 要求稍候（HTTP 202）；Mojeek 要求稍候（HTTP 403）；"
        "Brave 要求稍候（它要求真人验证）",
    )
    assert "--no-web" in error.hint.localize("en")
    assert "--no-web" in error.hint.localize("zh")


async def test_an_engine_that_finds_nothing_is_believed_when_the_others_do_not_answer(
    world: World, clock: Clock
) -> None:
    world.duckduckgo.mode = "empty"
    world.mojeek.trouble = AUTOMATED
    world.brave.trouble = Reply(status=500)
    reply = await ask(chain(clock))
    assert (reply.engine, reply.hits) == ("DuckDuckGo", ())
    assert [one.engine for one in reply.skipped] == ["Mojeek", "Brave"]
    notice = fallback_notice(reply)
    assert notice is not None
    assert "DuckDuckGo found nothing" in notice.localize("en")


async def test_a_proxy_that_is_down_is_said_of_every_engine(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "DDGS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    search = chain(clock)
    for _again in range(3):  # it may be up again at any moment, so nobody is left alone for it
        with pytest.raises(SearchError) as caught:
            await ask(search)
        assert caught.value.kind == "unreachable"
        assert "to be asked again" not in caught.value.message.localize("en")
    assert world.hosts() == []
    monkeypatch.setenv("DDGS_PROXY", world.net.proxy)
    assert (await ask(search)).engine == "DuckDuckGo"


async def test_a_single_engine_fails_in_its_own_words(world: World, clock: Clock) -> None:
    world.duckduckgo.mode = "500"
    alone = SearchChain([DuckDuckGo()], cache=ExpiringCache(), timeout_s=10, clock=clock)
    with pytest.raises(SearchError) as caught:
        await ask(alone)
    assert caught.value.message.localize("en") == "DuckDuckGo failed (HTTP 500)"


# Time


async def test_a_silent_engine_leaves_the_next_one_time_to_answer(
    world: World, clock: Clock
) -> None:
    world.duckduckgo.mode = "hang"
    reply = await ask(chain(clock, timeout_s=4.0))
    assert reply.engine == "Mojeek"
    assert [one.kind for one in reply.skipped] == ["timeout"]


class Slow(MemoryEngine):
    """Notes how many seconds it was given, and fails."""

    given_s = 0.0

    async def search(
        self, query: str, *, limit: int, language: Language, timeout_s: float = 1.0
    ) -> list[SearchHit]:
        self.given_s = timeout_s
        raise SearchError(Message.bilingual("slow", "慢"), kind="timeout")


async def test_engines_get_half_of_what_is_left_and_the_last_all_of_it(clock: Clock) -> None:
    engines = [Slow(name=name) for name in "abc"]
    search = SearchChain(engines, cache=ExpiringCache(), timeout_s=1000, clock=clock)
    with pytest.raises(SearchError, match="no search engine answered"):
        await ask(search)
    assert [engine.given_s for engine in engines] == [
        pytest.approx(500, abs=50), pytest.approx(500, abs=50), pytest.approx(1000, abs=100)
    ]  # fmt: skip


async def test_no_time_is_kept_for_engines_that_are_left_alone(clock: Clock) -> None:
    cache = ExpiringCache(clock=clock)
    slow = Slow(name="a")
    CircuitBreaker("b", cache=cache, clock=clock).on_failure(refusal(retry_after_s=600))
    search = SearchChain([slow, MemoryEngine(name="b")], cache=cache, timeout_s=1000, clock=clock)
    with pytest.raises(SearchError):
        await ask(search)
    assert slow.given_s == pytest.approx(1000, abs=100)


# The breaker, over the wire


async def test_an_engine_that_says_slow_down_is_left_alone_by_the_next_process_too(
    world: World, clock: Clock, tmp_path: Path
) -> None:
    shared = tmp_path / "cache.sqlite"
    world.duckduckgo.mode = "ratelimit"
    await ask(chain(clock, shared))
    assert world.hosts() == [HOST, MOJEEK]
    reply = await ask(chain(clock, shared))
    assert world.hosts() == [MOJEEK]
    assert reply.skipped[0].kind == "rate_limited"
    assert reply.skipped[0].text == Message.bilingual(
        "DuckDuckGo asks us to wait (HTTP 202), to be asked again in 30 s",
        "DuckDuckGo 要求稍候（HTTP 202），30 秒后再试",
    )


async def test_after_its_wait_an_engine_is_asked_again_and_an_answer_closes_the_breaker(
    world: World, clock: Clock, tmp_path: Path
) -> None:
    shared = tmp_path / "cache.sqlite"
    world.duckduckgo.mode = "ratelimit"
    await ask(chain(clock, shared))
    clock.now += FIRST_WAIT_S + 1
    world.duckduckgo.mode = "ok"
    assert (await ask(chain(clock, shared))).engine == "DuckDuckGo"
    world.duckduckgo.mode = "500"  # one failure opens nothing any more
    await ask(chain(clock, shared))
    world.hosts()
    await ask(chain(clock, shared))
    assert world.hosts() == [HOST, MOJEEK]


async def test_an_engine_that_refuses_again_waits_twice_as_long(
    world: World, clock: Clock, tmp_path: Path
) -> None:
    shared = tmp_path / "cache.sqlite"
    world.duckduckgo.mode = "403"
    waits = []
    for _again in range(9):
        reply = await ask(chain(clock, shared))
        reply = await ask(chain(clock, shared))
        waits.append(reply.skipped[0].text.localize("en").rpartition("again in ")[2])
        clock.now += MAX_WAIT_S + 1
    assert waits[:4] == ["30 s", "60 s", "2 min", "4 min"]
    assert waits[-2:] == ["60 min", "60 min"]


async def test_what_retry_after_asks_for_is_kept_to(
    world: World, clock: Clock, tmp_path: Path
) -> None:
    shared = tmp_path / "cache.sqlite"
    world.net.route(HOST, lambda _request: Reply(status=429, headers={"Retry-After": "600"}))
    await ask(chain(clock, shared))
    clock.now += 599
    world.hosts()
    await ask(chain(clock, shared))
    assert world.hosts() == [MOJEEK]
    clock.now += 2
    await ask(chain(clock, shared))
    assert world.hosts() == [HOST, MOJEEK]


async def test_an_engine_that_fails_twice_in_a_row_is_left_alone(
    world: World, clock: Clock
) -> None:
    search = chain(clock)
    world.duckduckgo.mode = "500"
    await ask(search)
    await ask(search)
    assert world.hosts() == [HOST, MOJEEK] * 2
    reply = await ask(search)
    assert world.hosts() == [MOJEEK]
    assert "to be asked again in 30 s" in reply.skipped[0].text.localize("en")


async def test_all_open_breakers_are_named_without_asking_anyone(
    world: World, clock: Clock
) -> None:
    search = chain(clock)
    world.duckduckgo.mode = "429"
    world.mojeek.trouble = world.brave.trouble = AUTOMATED
    with pytest.raises(SearchError):
        await ask(search)
    assert world.hosts() == [HOST, MOJEEK, BRAVE]
    with pytest.raises(SearchError) as caught:
        await ask(search)
    assert world.hosts() == []
    assert caught.value.message.localize("en").count("to be asked again in") == 3


async def test_a_searxng_of_ones_own_can_stand_behind(world: World, clock: Clock) -> None:
    SearXNGSite(fixed("https://searx-found.test/")).install(world.net)
    world.duckduckgo.mode = "429"
    engines = [DuckDuckGo(), SearXNG(url=f"https://{SEARXNG}")]
    search = SearchChain(engines, cache=ExpiringCache(), timeout_s=10, clock=clock)
    reply = await ask(search)
    assert (reply.engine, urls(reply)) == (f"SearXNG ({SEARXNG})", ["https://searx-found.test/"])
