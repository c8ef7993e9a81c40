"""The other engines of ddgs and SearXNG: their pages, their links, and each way to say no."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.bootstrap import build_search
from assistant.errors import SearchError, SearchFailure
from assistant.search.engines.ddgs_engines import DdgsEngine, installed_engines
from assistant.search.engines.searxng import SearXNG
from assistant.search.json_api import MAX_BYTES
from assistant.settings import SearchSettings, Settings, load_settings
from assistant.values import SearchHit
from ingest.foundation.errors import SettingsError
from ingest.foundation.messages import Language
from tests.internet.duckduckgo import Result, fixed
from tests.internet.engines import AUTOMATED, CAPTCHA, brave, mojeek
from tests.internet.net import Internet, Reply
from tests.internet.searxng import HOST, HTML, LIMITED, NO_JSON, SearXNGSite

pytestmark = pytest.mark.anyio

MANY = [f"https://site{number}.test/" for number in range(40)]
AWKWARD = "https://a.test/x%2Fy%23z?u=https%3A%2F%2Fb.test%2F%3Fq%3D1%26r&s=%2526"


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    internet = Internet()
    with internet.serve():
        for name, value in internet.variables.items():
            monkeypatch.setenv(name, value)
        yield internet


async def find(
    engine: DdgsEngine | SearXNG, *, limit: int = 10, language: Language = "en"
) -> list[SearchHit]:
    return await engine.search("tea", limit=limit, language=language, timeout_s=10)


async def failure(engine: DdgsEngine | SearXNG, *, timeout_s: float = 10) -> SearchError:
    with pytest.raises(SearchError) as caught:
        await engine.search("tea", limit=3, language="en", timeout_s=timeout_s)
    return caught.value


def searxng(exclude: tuple[str, ...] = ()) -> SearXNG:
    return SearXNG(url=f"https://{HOST}/", exclude=exclude, user_agent="qiuzheng/test")


# ddgs


@pytest.mark.parametrize("name", ["mojeek", "brave"])
async def test_links_and_texts_arrive_as_they_stand_on_the_page(net: Internet, name: str) -> None:
    result = Result(url=AWKWARD, title="1 < 2 & tea", snippet="hot\n  <b>water</b>")
    for site in (mojeek, brave):
        site(net, lambda _query: [result])
    (hit,) = await find(DdgsEngine(name))
    assert (hit.url, hit.title, hit.snippet) == (AWKWARD, "1 < 2 & tea", "hot <b>water</b>")


async def test_the_language_of_the_question_reaches_the_engine(net: Internet) -> None:
    mojeek(net, fixed(*MANY))
    await find(DdgsEngine("mojeek"), language="zh")
    (request,) = net.log
    assert "lb=zh" in request.headers["cookie"]


async def test_excluded_sites_are_left_out_and_made_good(net: Internet) -> None:
    videos = [f"https://m.youtube.com/watch?v={number}" for number in range(9)]
    mojeek(net, fixed(*videos, *MANY))
    SearXNGSite(fixed(*videos, *MANY)).install(net)
    for engine in (
        DdgsEngine("mojeek", exclude=("youtube.com",)),
        searxng(exclude=("youtube.com",)),
    ):
        assert [hit.url for hit in await find(engine)] == MANY[:10]


async def test_yahoos_links_are_unwrapped_and_its_advertisements_dropped(net: Internet) -> None:
    link = "https://r.search.yahoo.com/_ylt=A/RV=2/RE=1/RO=10/RU=https%3a%2f%2fa.test%2fx/RK=2/RS=b"
    row = (
        '<div class="relsrch"><div class="compTitle"><h3><a href="{0}">Tea</a></h3></div>'
        '<div class="compText">hot</div></div>'
    )
    advertisement = row.format("https://www.bing.com/aclick?ld=1")
    net.route("search.yahoo.com", lambda _request: Reply(body=advertisement + row.format(link)))
    assert [hit.url for hit in await find(DdgsEngine("yahoo"))] == ["https://a.test/x"]


async def test_an_engine_that_repeats_itself_is_not_asked_for_ever(net: Internet) -> None:
    found = json.dumps(["tea", ["Tea"], [""], ["https://en.wikipedia.org/wiki/Tea"]])
    net.page("https://en.wikipedia.org/w/api.php", found, content_type="application/json")
    extract = json.dumps({"query": {"pages": {"1": {"extract": "A drink."}}}})
    net.route(
        "en.wikipedia.org",
        lambda request: Reply(body=extract) if "action=query" in request.path else None,
    )
    (hit,) = await find(DdgsEngine("wikipedia"))
    assert (hit.title, hit.url, hit.snippet) == (
        "Tea", "https://en.wikipedia.org/wiki/Tea", "A drink."
    )  # fmt: skip
    assert len(net.log) == 4  # two pages, each with its extract


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (AUTOMATED, "rate_limited"),
        (CAPTCHA, "rate_limited"),
        (Reply(status=429, headers={"Retry-After": "7"}), "rate_limited"),
        (Reply(status=503, headers={"Retry-After": "7"}), "rate_limited"),
        (Reply(status=503), "failed"),
        (Reply(status=500), "failed"),
        (Reply(fault="reset"), "unreachable"),
        (Reply(fault="truncate", body="x" * 5000), "failed"),
    ],
)
async def test_each_failure_has_its_kind(
    net: Internet, trouble: Reply, kind: SearchFailure
) -> None:
    brave(net, fixed(*MANY)).trouble = trouble
    error = await failure(DdgsEngine("brave"))
    assert error.kind == kind
    assert "Brave" in error.localize("en")
    assert "Brave" in error.localize("zh")
    assert error.hint.localize("en")
    assert error.retry_after_s == (7 if "Retry-After" in trouble.headers else None)


async def test_a_page_that_only_speaks_of_captchas_is_a_result(net: Internet) -> None:
    brave(net, lambda _query: [Result(url=MANY[0], title="What is a captcha?")])
    assert [hit.url for hit in await find(DdgsEngine("brave"))] == [MANY[0]]


async def test_an_answer_that_ddgs_cannot_read_is_a_failure(net: Internet) -> None:
    net.page("https://en.wikipedia.org/w/api.php", "<html>not JSON</html>")
    assert (await failure(DdgsEngine("wikipedia"))).kind == "failed"


async def test_a_silent_engine_is_given_up_in_time(net: Internet) -> None:
    mojeek(net, fixed(*MANY)).trouble = Reply(fault="hang")
    assert (await failure(DdgsEngine("mojeek"), timeout_s=0.2)).kind == "timeout"


async def test_a_request_beside_the_form_that_fails_has_its_kind(net: Internet) -> None:
    net.foreign_certificate("www.startpage.com")  # asked for a token before the search itself
    net.page("https://www.startpage.com/")
    error = await failure(DdgsEngine("startpage"))
    assert (error.kind, net.log) == ("unreachable", [])


async def test_an_empty_page_is_no_error(net: Internet) -> None:
    brave(net, fixed(*MANY)).trouble = Reply(body="")
    assert await find(DdgsEngine("brave")) == []


# SearXNG


async def test_searxng_is_asked_for_json_in_the_language_of_the_question(net: Internet) -> None:
    site = SearXNGSite(fixed(*MANY)).install(net)
    await searxng().search("绿茶 水温", limit=15, language="zh", timeout_s=10)
    asked = {"q": "绿茶 水温", "format": "json", "language": "zh"}
    assert site.asked == [{**asked, "pageno": "1"}, {**asked, "pageno": "2"}]
    assert {request.headers["user-agent"] for request in net.log} == {"qiuzheng/test"}


@pytest.mark.parametrize("trouble", [NO_JSON, HTML])
async def test_searxng_without_json_says_what_to_enable(net: Internet, trouble: Reply) -> None:
    SearXNGSite(fixed(*MANY)).install(net).trouble = trouble
    error = await failure(searxng())
    assert error.kind == "misconfigured"
    assert error.localize("en") == (
        f"SearXNG ({HOST}) cannot be used: it does not answer in JSON: enable it in the server's "
        "settings.yml, then restart it: search.formats: [html, json]"
    )
    assert "search.formats: [html, json]" in error.localize("zh")


@pytest.mark.parametrize(
    "body", ["[]", "null", '{"results": 3}', '{"results": [7]}', "[" * 100_000]
)
async def test_json_of_another_kind_is_not_searxngs(net: Internet, body: str) -> None:
    SearXNGSite(fixed(*MANY)).install(net).trouble = Reply(body=body)
    assert (await failure(searxng())).kind == "misconfigured"


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (LIMITED, "rate_limited"),
        (Reply(status=404), "misconfigured"),
        (Reply(status=500), "failed"),
        (Reply(fault="truncate", body="x" * 5000), "failed"),
        (Reply(fault="reset"), "failed"),
    ],
)
async def test_each_failure_of_searxng_has_its_kind(
    net: Internet, trouble: Reply, kind: SearchFailure
) -> None:
    SearXNGSite(fixed(*MANY)).install(net).trouble = trouble
    error = await failure(searxng())
    assert error.kind == kind
    assert error.retry_after_s == (600 if trouble is LIMITED else None)


async def test_searxng_may_redirect_to_itself_or_by_https_and_nowhere_else(net: Internet) -> None:
    SearXNGSite(fixed(*MANY)).install(net, "new.test")
    moved = Reply(status=301, location="https://new.test/search?q=tea&format=json&pageno=1")
    net.route(HOST, lambda _request: moved)
    assert [hit.url for hit in await find(searxng())] == MANY[:10]
    net.route(HOST, lambda _request: Reply(status=301, location="http://new.test/search"))
    error = await failure(searxng())
    assert (error.kind, "redirects" in error.localize("en")) == ("misconfigured", True)
    net.route(HOST, lambda _request: moved)  # from plain http, without its certificate checked
    error = await failure(SearXNG(url=f"http://{HOST}"))
    assert (error.kind, "redirects" in error.localize("en")) == ("misconfigured", True)


async def test_engines_that_do_not_answer_searxng_are_named(net: Internet) -> None:
    SearXNGSite(fixed()).install(net).unresponsive = [["google", "CAPTCHA"], ["bing", "timeout"]]
    error = await failure(searxng())
    assert "google, bing" in error.message.localize("en")
    assert "google, bing" in error.message.localize("zh")


async def test_silent_engines_that_are_no_list_are_passed_over(net: Internet) -> None:
    net.page(f"https://{HOST}/search", json.dumps({"results": [], "unresponsive_engines": 5}))
    assert await find(searxng()) == []


async def test_searxng_that_finds_nothing_is_no_error(net: Internet) -> None:
    SearXNGSite(fixed()).install(net)
    assert await find(searxng()) == []


async def test_a_reply_of_searxng_without_an_end_is_cut(net: Internet) -> None:
    SearXNGSite(fixed()).install(net).trouble = Reply(body=b" " * (MAX_BYTES + 1), gzip=True)
    assert "too large" in (await failure(searxng())).message.localize("en")


async def test_searxng_on_this_machine_is_asked_past_the_proxy(net: Internet) -> None:
    SearXNGSite(fixed(*MANY)).install(net, f"127.0.0.1:{net.port}")
    hits = await find(SearXNG(url=f"127.0.0.1:{net.port}"))
    assert [hit.url for hit in hits] == MANY[:10]


async def test_searxng_that_is_not_started_says_so() -> None:
    error = await failure(SearXNG(url="http://127.0.0.1:9"))
    assert error.kind == "unreachable"
    assert "search.searxng_url" in error.hint.localize("en")
    assert "search.searxng_url" in error.hint.localize("zh")


@pytest.mark.parametrize(
    ("name", "value"), [("ALL_PROXY", "ftp://proxy.test:21"), ("SSL_CERT_FILE", "/no/such/file")]
)
async def test_a_proxy_or_certificates_that_cannot_be_used_are_named(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    error = await failure(searxng())
    assert error.kind == "unreachable"
    assert "proxy" in error.localize("en")


async def test_half_a_character_from_searxng_harms_nobody(net: Internet) -> None:
    result = {"url": MANY[0], "title": "tea \ud83c", "content": "\udf75 hot"}
    net.route(HOST, lambda _request: Reply(body=json.dumps({"results": [result]})))
    (hit,) = await find(searxng())
    assert (hit.title, hit.snippet) == ("tea ?", "? hot")


async def test_a_silent_searxng_is_given_up_in_time(net: Internet) -> None:
    SearXNGSite(fixed()).install(net).trouble = Reply(fault="hang")
    assert (await failure(searxng(), timeout_s=0.2)).kind == "timeout"


def test_the_name_of_searxng_holds_no_password() -> None:
    assert SearXNG(url="https://me:secret@searx.test:8443/x").name == "SearXNG (searx.test:8443)"


# Settings


def built(engines: tuple[str, ...], **others: str) -> str:
    settings = Settings(search=SearchSettings(engines=engines, **others))
    return build_search(settings).name


def test_engines_stand_in_the_order_of_the_settings_each_once() -> None:
    engines = ("brave", "searxng", "duckduckgo", "brave")
    assert built(engines, searxng_url="localhost:8888") == (
        "Brave, SearXNG (localhost:8888), DuckDuckGo"
    )


def test_an_unknown_engine_is_one_line_that_names_the_known_ones() -> None:
    with pytest.raises(SettingsError) as caught:
        built(("duckduckgo", "altavista"))
    line = caught.value.localize("en")
    assert line.startswith("there is no search engine 'altavista': search.engines may name: ")
    assert "\n" not in line
    for name in ("duckduckgo", "searxng", *installed_engines()):
        assert name in line
        assert name in caught.value.localize("zh")


def test_searxng_without_an_address_says_what_to_write() -> None:
    with pytest.raises(SettingsError, match="searxng_url is not set"):
        built(("searxng",))


def test_the_setting_of_old_says_what_took_its_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "assistant.toml"
    file.write_text('[search]\nprovider = "duckduckgo"\n')
    monkeypatch.setenv("ASSISTANT_CONFIG", str(file))
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert caught.value.localize("en").endswith("unknown setting search.provider: did you mean "
                                          "search.engines?")  # fmt: skip
    assert "search.engines" in caught.value.localize("zh")


def test_no_engine_at_all_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTANT_SEARCH__ENGINES", "[]")
    with pytest.raises(SettingsError, match=r"search\.engines"):
        load_settings()


@pytest.mark.parametrize("url", ["http://xn--/", "http://½\u0338.test/"])
async def test_a_server_name_that_cannot_be_is_misconfigured(url: str) -> None:
    with pytest.raises(SearchError) as caught:
        await SearXNG(url=url).search("tea", limit=1, language="en", timeout_s=5)
    assert caught.value.kind == "misconfigured"
    assert "search.searxng_url" in caught.value.localize("zh")
