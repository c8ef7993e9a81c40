"""DuckDuckGo's own manners: pages, regions, links, exclusions, and each way to say no."""

import asyncio
import threading
from collections.abc import Iterator

import primp
import pytest

from assistant.errors import SearchError, SearchFailure
from assistant.search.ddgs_client import map_error
from assistant.search.engines.duckduckgo import DuckDuckGo, parse_rows, unwrap_link
from assistant.search.result_pages import QUERY_LIMIT, search_error, shorten_query
from assistant.settings import SearchSettings
from assistant.values import SearchHit
from ingest.foundation.messages import Language
from tests.internet.duckduckgo import HOST, DuckDuckGoSite, Mode, Result, fixed
from tests.internet.net import Internet, Reply, Request

pytestmark = pytest.mark.anyio

EXCLUDED = SearchSettings().exclude
MANY = [f"https://site{number}.test/" for number in range(40)]


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    internet = Internet()
    with internet.serve():
        for name, value in internet.variables.items():
            monkeypatch.setenv(name, value)
        yield internet


async def find(
    query: str, *, limit: int = 10, language: Language = "en", region: str | None = None
) -> list[SearchHit]:
    engine = DuckDuckGo(exclude=EXCLUDED, region=region)
    return await engine.search(query, limit=limit, language=language, timeout_s=10)


async def urls(*, limit: int = 10, timeout_s: float = 10.0) -> list[str]:
    hits = await DuckDuckGo(exclude=EXCLUDED).search(
        "tea", limit=limit, language="en", timeout_s=timeout_s
    )
    return [hit.url for hit in hits]


async def test_the_region_follows_the_language_of_the_question(net: Internet) -> None:
    site = DuckDuckGoSite(fixed("https://a.test/")).install(net)
    await find("绿茶怎么泡？", limit=1, language="zh")
    await find("how to brew tea", limit=1)
    await find("Tee", limit=1, region="de-de")
    assert [(form["q"], form["l"]) for form in site.asked] == [
        ("绿茶怎么泡？", "cn-zh"),
        ("how to brew tea", "us-en"),
        ("Tee", "de-de"),
    ]


async def test_one_page_is_asked_for_when_one_is_enough(net: Internet) -> None:
    site = DuckDuckGoSite(fixed(*MANY)).install(net)
    assert await urls() == MANY[:10]
    assert len(site.asked) == 1


async def test_pages_are_turned_until_there_are_enough(net: Internet) -> None:
    site = DuckDuckGoSite(fixed(*MANY)).install(net)
    assert await urls(limit=30) == MANY[:30]
    assert [form.get("s") for form in site.asked] == [None, "10", "25"]


async def test_pages_are_turned_until_the_engine_is_dry(net: Internet) -> None:
    site = DuckDuckGoSite(fixed(*MANY[:12])).install(net)
    assert await urls(limit=30) == MANY[:12]
    assert len(site.asked) == 3


async def test_the_number_of_pages_is_bounded(net: Internet) -> None:
    videos = [f"https://youtube.com/watch?v={number}" for number in range(1000)]
    site = DuckDuckGoSite(fixed(*videos)).install(net)
    assert await urls() == []
    assert len(site.asked) == 4


async def test_excluded_sites_are_left_out_of_the_results_and_made_good(net: Internet) -> None:
    videos = ["https://www.youtube.com/watch?v=1", "https://vimeo.com/2", "https://m.youtube.com/"]
    lookalike = "https://notyoutube.com/"
    site = DuckDuckGoSite(fixed(*videos, lookalike, *MANY)).install(net)
    assert await urls() == [lookalike, *MANY[:9]]
    assert {form["q"] for form in site.asked} == {"tea"}


@pytest.mark.parametrize("wrapped", [False, True])
async def test_links_arrive_as_their_sites_wrote_them(net: Internet, wrapped: bool) -> None:
    links = [
        "https://a.test/x%2Fy%23z?u=https%3A%2F%2Fb.test%2F%3Fq%3D1%26r&s=%2526",
        "https://zh.test/%E8%8C%B6?a=1&b=2",
    ]
    DuckDuckGoSite(fixed(*links), wrapped=wrapped).install(net)
    assert await urls() == links


async def test_titles_and_snippets_are_plain_text(net: Internet) -> None:
    result = Result(url="https://a.test/", title="1 < 2 & tea", snippet="hot\n  <b>water</b>")
    DuckDuckGoSite(lambda _query: [result]).install(net)
    (hit,) = await find("tea", limit=3)
    assert (hit.title, hit.snippet) == ("1 < 2 & tea", "hot <b>water</b>")


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("ratelimit", "rate_limited"),
        ("challenge", "rate_limited"),
        ("403", "rate_limited"),
        ("429", "rate_limited"),
        ("500", "failed"),
    ],
)
async def test_each_failure_has_its_kind(net: Internet, mode: Mode, kind: SearchFailure) -> None:
    DuckDuckGoSite(fixed(*MANY)).install(net).mode = mode
    with pytest.raises(SearchError) as caught:
        await urls()
    assert caught.value.kind == kind
    assert caught.value.localize("en").startswith("DuckDuckGo")
    assert "DuckDuckGo" in caught.value.localize("zh")
    assert caught.value.hint.localize("en")


@pytest.mark.parametrize(("sent", "wait_s"), [("120", 120.0), ("soon", None), ("", None)])
async def test_what_the_engine_asks_us_to_wait_is_passed_on(
    net: Internet, sent: str, wait_s: float | None
) -> None:
    net.route(HOST, lambda _request: Reply(status=429, headers={"Retry-After": sent}))
    with pytest.raises(SearchError) as caught:
        await urls()
    assert caught.value.retry_after_s == wait_s


@pytest.mark.parametrize("mode", ["empty", "blank"])
async def test_an_empty_page_is_no_error(net: Internet, mode: Mode) -> None:
    DuckDuckGoSite(fixed(*MANY)).install(net).mode = mode
    assert await urls() == []


async def test_a_silent_engine_is_given_up_in_time(net: Internet) -> None:
    DuckDuckGoSite(fixed(*MANY)).install(net).mode = "hang"
    with pytest.raises(SearchError) as caught:
        await urls(timeout_s=0.2)
    assert caught.value.kind == "timeout"


async def test_a_later_page_that_fails_costs_only_itself(net: Internet) -> None:
    site = DuckDuckGoSite(fixed(*MANY))

    def tired_after_one(request: Request) -> Reply:
        reply = site(request)
        return reply if len(site.asked) == 1 else Reply(status=202)

    net.route(HOST, tired_after_one)
    assert await urls(limit=20) == MANY[:10]


async def test_no_way_there_is_unreachable(net: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SearchError) as caught:
        await urls()
    assert (caught.value.kind, net.refused) == ("unreachable", [f"{HOST}:443"])
    DuckDuckGoSite(fixed(*MANY)).install(net)
    net.foreign_certificate(HOST)
    with pytest.raises(SearchError) as caught:
        await urls()
    assert caught.value.kind == "unreachable"
    monkeypatch.setenv("DDGS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(SearchError) as caught:
        await urls()
    assert caught.value.kind == "unreachable"

    assert caught.value.message.localize("zh") == "无法连接 DuckDuckGo：网络、代理或证书挡住了连接"


def test_what_people_read_holds_no_word_of_the_http_client() -> None:
    raw = "error sending request > Query { name: Name(…) }"
    offline = search_error("DuckDuckGo", map_error(primp.DNSError(raw)))
    assert offline.kind == "unreachable"
    assert offline.message.localize("en") == (
        "DuckDuckGo cannot be reached: no network or its name cannot be resolved"
    )
    broken = search_error("DuckDuckGo", map_error(primp.DecodeError(raw)))
    assert broken.kind == "failed"
    for error in (offline, broken):
        assert "Query" not in error.localize("en") + error.localize("zh")


async def test_an_impossible_proxy_is_named(net: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DDGS_PROXY", "no proxy at all")
    with pytest.raises(SearchError, match="proxy"):
        await urls()


async def test_the_usual_proxy_variable_is_enough(
    net: Internet, monkeypatch: pytest.MonkeyPatch
) -> None:
    DuckDuckGoSite(fixed("https://a.test/")).install(net)
    monkeypatch.delenv("DDGS_PROXY")
    assert await urls() == ["https://a.test/"]


async def test_a_cancelled_search_holds_nobody_up(net: Internet) -> None:
    DuckDuckGoSite(fixed(*MANY)).install(net).mode = "hang"
    search = asyncio.create_task(urls(timeout_s=60))
    while not net.log:
        await asyncio.sleep(0.01)
    search.cancel()
    with pytest.raises(asyncio.CancelledError):
        await search
    waiting = [thread for thread in threading.enumerate() if thread.name == "search"]
    assert waiting
    assert all(thread.daemon for thread in waiting)


async def test_a_long_question_is_cut_at_a_word(net: Internet) -> None:
    site = DuckDuckGoSite(fixed("https://a.test/")).install(net)
    await find("word " * 20_000, limit=1)
    asked = site.asked[0]["q"]
    assert len(asked) <= QUERY_LIMIT
    assert set(asked.split(" ")) == {"word"}
    assert shorten_query("茶" * 1000) == "茶" * QUERY_LIMIT
    assert shorten_query("a\n b") == "a b"


def test_links_that_are_no_pages_are_dropped() -> None:
    advertisement = "https://duckduckgo.com/y.js?ad_domain=shop.test"
    assert unwrap_link(advertisement) == ""
    assert unwrap_link("//duckduckgo.com/l/?uddg=https%3A%2F%2Fduckduckgo.com%2Fy.js%3Fad") == ""
    assert unwrap_link("//duckduckgo.com/l/?rut=1") == ""
    assert unwrap_link("https://") == ""
    assert unwrap_link("//duckduckgo.com/l/?uddg=" * 2_000 + "https://a.test/") == ""
    assert unwrap_link("//duckduckgo.com/about") == "https://duckduckgo.com/about"


async def test_rows_that_lead_to_no_page_are_no_hits(net: Internet) -> None:
    DuckDuckGoSite(fixed("javascript:void(0)", "https://a.test/", "data:text/html,x")).install(net)
    assert await urls() == ["https://a.test/"]


def test_a_row_without_a_link_or_a_snippet_breaks_nothing() -> None:
    html = (
        '<div class="result__body"><h2>no link</h2></div>'
        '<div class="result__body"><h2><a class="result__a" href="https://a.test/">A</a></h2></div>'
    )
    assert [(row.title, row.href, row.snippet) for row in parse_rows(html)] == [
        ("A", "https://a.test/", "")
    ]


@pytest.mark.parametrize("rows", [0, 1])
async def test_a_page_of_xhtml_is_read_as_any_other(net: Internet, rows: int) -> None:
    """As gates of hotel networks send it in place of the results."""
    link = '<div class="result__body"><a class="result__a" href="https://a.test/">茶</a></div>'
    html = f'<?xml version="1.0" encoding="utf-8"?><html><body>{link * rows}</body></html>'
    net.page(f"https://{HOST}/html/", html)
    assert [hit.title for hit in await find("茶", limit=1)] == ["茶"] * rows


LAYOUT = "<html><body><main>{}</main><footer><a href='https://duckduckgo.com/about'>About</a>"
ROW_OF_TOMORROW = "<article><a class=title href='https://{}.test/'>{}</a><p>Words</p></article>"


async def test_a_page_that_can_no_longer_be_read_is_told_from_one_that_found_nothing(
    net: Internet,
) -> None:
    rows = "".join(ROW_OF_TOMORROW.format(name, name) for name in ("one", "two", "three", "four"))
    net.page("https://html.duckduckgo.com/html/", LAYOUT.format(rows))
    with pytest.raises(SearchError) as caught:
        await urls()
    assert caught.value.kind == "failed"
    assert "no longer" in caught.value.localize("en")
    net.page("https://html.duckduckgo.com/html/", LAYOUT.format("<div>No results found</div>"))
    assert await urls() == []
