"""The search APIs with keys, over the wire: what they are sent, each way to fail, and the key."""

import json
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.bootstrap import build_search
from assistant.errors import SearchError, SearchFailure
from assistant.search.base import SearchEngine
from assistant.search.json_api import MAX_BYTES
from assistant.search.registry import build_engine
from assistant.settings import SearchSettings, Settings, load_settings
from assistant.values import SearchHit
from ingest.foundation.cache import ExpiringCache
from ingest.foundation.errors import SettingsError
from ingest.foundation.messages import Language
from tests.internet.duckduckgo import Result, fixed
from tests.internet.engines import BRAVE, brave
from tests.internet.net import Internet, Reply
from tests.internet.search_apis import KEY, SITES, ApiSite, as_json

pytestmark = pytest.mark.anyio

MANY = [f"https://site{number}.test/" for number in range(60)]
QUERY_FIELD = {"brave": "q"}
"""The rest call it "query"."""
LIMITED = Reply(status=429, body="{}", headers={"Retry-After": "600"})
HTML = Reply(body="<!DOCTYPE html><title>Log in to the hotel's network</title>")


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    internet = Internet()
    with internet.serve():
        for name, value in internet.variables.items():
            monkeypatch.setenv(name, value)
        yield internet


@pytest.fixture(params=list(SITES))
def name(request: pytest.FixtureRequest) -> str:
    """Name of an engine with a key."""
    return str(request.param)


@pytest.fixture
def site(name: str, net: Internet) -> ApiSite:
    """Its API, with more pages than anybody wants."""
    return SITES[name](fixed(*MANY)).install(net)


def engine(
    name: str, *, key: str = KEY, url: str = "", exclude: tuple[str, ...] = ()
) -> SearchEngine:
    """Return the engine as the settings build it."""
    table = {"key": key, "url": url}
    search = SearchSettings.model_validate({"engines": (name,), "exclude": exclude, name: table})
    return build_engine(name, search, user_agent="qiuzheng/test")


async def find(
    engine: SearchEngine, query: str = "tea", *, limit: int = 10, language: Language = "en"
) -> list[SearchHit]:
    return await engine.search(query, limit=limit, language=language, timeout_s=10)


async def failure(engine: SearchEngine, *, timeout_s: float = 10) -> SearchError:
    with pytest.raises(SearchError) as caught:
        await engine.search("tea", limit=3, language="en", timeout_s=timeout_s)
    return caught.value


# What is sent


async def test_one_paid_request_brings_as_many_hits_as_a_question_wants(
    name: str, site: ApiSite, net: Internet
) -> None:
    hits = await find(engine(name, exclude=("site0.test", "site1.test")))
    assert [hit.url for hit in hits] == MANY[2:12]
    assert len(net.log) == 1


async def test_the_api_is_asked_under_our_own_name(name: str, site: ApiSite, net: Internet) -> None:
    await find(engine(name))
    (request,) = net.log
    assert request.scheme == "https"
    assert request.headers["user-agent"] == "qiuzheng/test"
    assert request.headers["accept"] == "application/json"


async def test_a_long_question_is_cut_to_what_the_api_takes(name: str, site: ApiSite) -> None:
    await find(engine(name), "word " * 500)
    (asked,) = site.asked
    query = asked[QUERY_FIELD.get(name, "query")]
    assert 0 < len(query) < 500
    assert set(query.split(" ")) == {"word"}


async def test_brave_is_asked_in_the_language_of_the_question_by_pages(net: Internet) -> None:
    site = SITES["brave"](fixed(*MANY)).install(net)
    await find(engine("brave"), "绿茶 水温", limit=30, language="zh")
    await find(engine("brave"), "word " * 90)
    fields = ("offset", "country", "search_lang")
    assert [tuple(one[field] for field in fields) for one in site.asked] == [
        ("0", "CN", "zh-hans"),
        ("1", "CN", "zh-hans"),
        ("0", "US", "en"),
    ]
    assert site.asked[0]["q"] == "绿茶 水温"
    assert site.asked[-1]["q"].count("word") == 50


async def test_texts_arrive_as_they_stand_on_the_page(name: str, net: Internet) -> None:
    result = Result(url=MANY[0], title="1 < 2 & tea's", snippet="hot\n  <b>water</b> \ud83c")
    SITES[name](lambda _query: [result]).install(net)
    (hit,) = await find(engine(name))
    assert (hit.title, hit.snippet) == ("1 < 2 & tea's", "hot <b>water</b> ?")


async def test_rows_that_lead_to_no_page_are_no_hits_and_none_is_visited(
    name: str, net: Internet
) -> None:
    odd = [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "",
        "https://",
        "//a b/",
    ]
    private = ["http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:9/"]
    site = SITES[name](fixed(*odd, *private, MANY[0])).install(net)
    hits = await find(engine(name))
    # Private addresses are hits like others: it is the fetcher that refuses to visit them.
    assert [hit.url for hit in hits] == [*private, MANY[0]]
    assert {request.host for request in net.log} == {site.host}
    assert net.refused == []


async def test_another_server_with_the_same_api_can_be_named(name: str, net: Internet) -> None:
    site = SITES[name](fixed(*MANY))
    site.install(net, "proxy.test")
    site.install(net, f"127.0.0.1:{net.port}")
    for url in ("https://proxy.test/", "proxy.test", f"http://127.0.0.1:{net.port}"):
        assert len(await find(engine(name, url=url))) == 10
    assert [request.scheme for request in net.log] == ["https", "https", "http"]


# Each way to fail


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (LIMITED, "rate_limited"),
        (Reply(status=503, headers={"Retry-After": "600"}), "rate_limited"),
        (Reply(status=401), "misconfigured"),
        (Reply(status=403), "misconfigured"),
        (Reply(status=404), "failed"),
        (Reply(status=500), "failed"),
        (Reply(status=204), "failed"),
        (HTML, "failed"),
        (Reply(body=""), "failed"),
        (Reply(fault="reset"), "failed"),
        (Reply(fault="truncate", body="x" * 5000), "failed"),
        (Reply(body=b"no gzip", headers={"Content-Encoding": "gzip"}), "failed"),
        (Reply(body=b"unasked for", headers={"Content-Encoding": "br"}), "failed"),
    ],
)
async def test_each_failure_has_its_kind(
    name: str, site: ApiSite, trouble: Reply, kind: SearchFailure
) -> None:
    site.trouble = trouble
    error = await failure(engine(name))
    assert error.kind == kind
    assert error.retry_after_s == (600 if kind == "rate_limited" else None)
    for language in ("en", "zh"):
        assert engine(name).name in error.localize(language)
        assert error.hint.localize(language)


@pytest.mark.parametrize(
    "body",
    ["null", "[]", "7", '"text"', "{}", '{"results": 3, "data": 3, "web": 3}', "[" * 100_000,
     '{"results": [7], "data": {"webPages": {"value": [7]}}, "web": {"results": [7]}}'],
)  # fmt: skip
async def test_json_of_another_kind_is_a_failure_not_an_empty_result(
    name: str, site: ApiSite, body: str
) -> None:
    site.trouble = Reply(body=body)
    error = await failure(engine(name))
    assert (error.kind, "JSON" in error.localize("en")) == ("failed", True)


async def test_one_null_among_the_results_costs_no_other(name: str, site: ApiSite) -> None:
    rows = [None, {"url": "https://a.test/", "title": "A"}, {"title": "no address"}, "text"]
    reply = {"results": rows, "data": {"webPages": {"value": rows}}, "web": {"results": rows}}
    site.trouble = as_json(reply)
    assert [hit.url for hit in await find(engine(name), limit=1)] == ["https://a.test/"]


async def test_nothing_found_is_no_failure(name: str, net: Internet) -> None:
    SITES[name](fixed()).install(net)
    assert await find(engine(name)) == []


@pytest.mark.parametrize("packed", [False, True])
async def test_a_reply_without_an_end_is_cut(name: str, site: ApiSite, packed: bool) -> None:
    site.trouble = Reply(body=b" " * (MAX_BYTES + 1), gzip=packed)
    assert "too large" in (await failure(engine(name))).localize("en")


async def test_a_packed_reply_is_read(name: str, net: Internet) -> None:
    site = SITES[name](fixed(*MANY)).install(net)
    (first, *_) = await find(engine(name))
    plain = site.reply(site.asked[0])
    site.trouble = Reply(body=json.dumps(plain), gzip=True)
    assert (await find(engine(name)))[0] == first


async def test_a_silent_api_is_given_up_in_time(name: str, site: ApiSite) -> None:
    site.trouble = Reply(fault="hang")
    assert (await failure(engine(name), timeout_s=0.2)).kind == "timeout"


async def test_an_api_that_cannot_be_reached_says_where_to_look(name: str, net: Internet) -> None:
    error = await failure(engine(name))
    assert (error.kind, net.refused) == ("unreachable", [f"{SITES[name].host}:443"])
    assert "check the network and HTTPS_PROXY" in error.hint.localize("en")
    gone = await failure(engine(name, url="http://127.0.0.1:9"))
    assert gone.kind == "unreachable"
    assert f"search.{name}.url" in gone.hint.localize("en")


@pytest.mark.parametrize("trouble", [HTML, Reply(status=404)])
async def test_an_address_of_ones_own_is_named_when_it_is_no_api(
    name: str, net: Internet, trouble: Reply
) -> None:
    SITES[name](fixed()).install(net, "proxy.test").trouble = trouble
    error = await failure(engine(name, url="https://proxy.test"))
    assert error.kind == "misconfigured"
    assert f"search.{name}.url" in error.hint.localize("zh")


# The key


async def test_a_key_that_is_refused_says_which_setting_to_correct(
    name: str, site: ApiSite
) -> None:
    error = await failure(engine(name, key="another"))
    assert error.kind == "misconfigured"
    assert "it refuses the key" in error.localize("en")
    for language in ("en", "zh"):
        assert f"search.{name}.key" in error.hint.localize(language)
        assert f"ASSISTANT_SEARCH__{name.upper()}__KEY" in error.hint.localize(language)


@pytest.mark.parametrize("name", [name for name, site in SITES.items() if site.used_up])
async def test_a_key_without_credit_is_not_called_wrong(name: str, site: ApiSite) -> None:
    site.trouble = site.used_up
    error = await failure(engine(name))
    assert error.kind == "misconfigured"
    assert "used up" in error.localize("en")
    assert "search.engines" in error.hint.localize("zh")


async def test_a_mistake_in_the_request_is_not_blamed_on_braves_key(net: Internet) -> None:
    mistake = as_json({"error": {"code": "VALIDATION"}}, status=422)
    SITES["brave"](fixed()).install(net).trouble = mistake
    assert (await failure(engine("brave"))).message.localize("en") == "Brave API failed (HTTP 422)"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["https://elsewhere.test/x", "http://{host}/x"])
async def test_no_redirect_takes_the_key_to_another_server_or_out_of_tls(
    name: str, site: ApiSite, net: Internet, status: int, target: str
) -> None:
    elsewhere = target.format(host=site.host)
    net.page("https://elsewhere.test/x", "{}")
    site.trouble = Reply(status=status, location=elsewhere)
    assert "redirects to another server" in (await failure(engine(name))).localize("en")
    assert [request.host for request in net.log] == [site.host]
    assert net.log[0].scheme == "https"


@pytest.mark.parametrize(
    "trouble",
    [None, LIMITED, HTML, Reply(status=401), Reply(status=500), Reply(fault="reset"),
     Reply(fault="truncate", body="x" * 5000), Reply(status=302, location="https://else.test/"),
     Reply(body=KEY), Reply(status=400, body=KEY)],
)  # fmt: skip
async def test_the_key_is_shown_nowhere(
    name: str, site: ApiSite, trouble: Reply | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for logger in ("httpx", "httpcore"):  # our own fetcher silences them for the whole process
        caplog.set_level(logging.DEBUG, logger=logger)
    asked = engine(name)
    shown = [repr(asked), str(vars(asked))]
    site.trouble = trouble
    try:
        shown.append(repr(await find(asked)))
    except SearchError as error:
        shown += traceback.format_exception(error)
        shown += [repr(error), str(vars(error)), error.localize("en"), error.localize("zh")]
    shown += [record.getMessage() + repr(record.args) for record in caplog.records]
    assert len(shown) > 3
    assert [text for text in shown if KEY in text] == []


def test_settings_hide_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTANT_SEARCH__BRAVE__KEY", KEY)
    settings = load_settings()
    assert settings.search.brave.key.get_secret_value() == KEY
    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert KEY not in shown


@pytest.mark.parametrize("key", [f"{KEY} ", f"{KEY}\nHost: a.test", f"“{KEY}”", f"{KEY}\x7f"])
def test_a_key_that_no_header_can_hold_is_refused_without_being_shown(name: str, key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        engine(name, key=key)
    assert f"search.{name}.key" in caught.value.localize("en")
    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("name", [name for name in SITES if name != "brave"])
def test_an_engine_without_its_key_says_what_to_write(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as caught:
        build_search(Settings(search=SearchSettings(engines=(name,))))
    line = caught.value.localize("en")
    assert line.startswith(f"search.{name}.key is not set: write key = ")
    assert "\n" not in line
    assert f"[search.{name}]" in caught.value.localize("zh")
    # What it says works.
    file = tmp_path / "assistant.toml"
    file.write_text(
        f'[search]\nengines = ["{name}"]\n[search.{name}]\nkey = "…"\n'.replace("…", KEY)
    )
    monkeypatch.setenv("ASSISTANT_CONFIG", str(file))
    assert build_search(load_settings()).name == engine(name).name


async def test_brave_is_its_api_with_a_key_and_its_result_page_without(net: Internet) -> None:
    brave(net, fixed("https://page.test/"))
    site = SITES["brave"](fixed("https://api.test/")).install(net)
    cache = ExpiringCache()
    found = []
    for key in ("", KEY):  # neither takes what the other has kept
        settings = Settings(
            search=SearchSettings.model_validate({"engines": ("brave",), "brave": {"key": key}})
        )
        reply = await build_search(settings, cache=cache).search("tea", limit=1, language="en")
        found.append((reply.engine, reply.hits[0].url))
    assert found == [("Brave", "https://page.test/"), ("Brave API", "https://api.test/")]
    assert {request.host for request in net.log} == {BRAVE, site.host}
