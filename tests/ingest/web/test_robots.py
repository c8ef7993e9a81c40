import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ingest.errors import FetchError, ForbiddenError, ProxyUnreachableError
from ingest.foundation.cache import ExpiringCache
from ingest.foundation.messages import Message
from ingest.web.robots import FRESH_S, STALE_S, RobotsPolicy, RobotsReply
from ingest.web.robots_parser import MAX_BYTES, robots_verdict

pytestmark = pytest.mark.anyio

AGENT = "qiuzheng/0.1.0 (+https://example.test/)"
CASES = json.loads((Path(__file__).parents[2] / "data" / "robots-cases.json").read_text("utf-8"))
"""From the tests of google/robotstxt, Apache-2.0."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["test"])
def test_rules_are_read_as_google_reads_them(case: dict[str, Any]) -> None:
    found = robots_verdict(case["robots"], case["agent"], case["url"])
    assert found.allowed is case["allowed"], found.rule


@pytest.mark.parametrize(
    ("robots", "url", "allowed", "rule"),
    [
        ("", "https://a.test/", True, "no rule matches"),
        (
            "# hello\nUser-agent: *\nDisallow: /private # keep out\n",
            "https://a.test/private/x",
            False,
            "robots.txt line 3: Disallow: /private",
        ),
        (
            "User-agent: *\nDisallow: /\nAllow: /open\n",
            "https://a.test/open",
            True,
            "robots.txt line 3: Allow: /open",
        ),
        ("User-agent: *\nDisallow:\n", "https://a.test/x", True, "no rule matches"),
        # RFC 9309, 2.2.1: our own group alone counts, wherever it stands, merged if it is two.
        ("User-agent: *\nDisallow: /\nUser-agent: QIUZHENG/2 beta\nAllow: /\n", "https://a.test/x",
         True, "robots.txt line 4: Allow: /"),
        ("User-agent: qiuzheng\nAllow: /a\nUser-agent: b\nDisallow: /\nUser-agent: qiuzheng\n"
         "Disallow: /a/b\n", "https://a.test/a/b", False, "robots.txt line 6: Disallow: /a/b"),
        ("User-agent: qiuzheng\n\nUser-agent: b\n\nDisallow: /\n", "https://a.test/x", False,
         "robots.txt line 5: Disallow: /"),
        ("User-agent: qiu\nDisallow: /\n", "https://a.test/x", True, "no rule matches"),
        ("User-agent: qiuzheng-images\nDisallow: /\n", "https://a.test/x", True, "no rule matches"),
        # Marks that nobody sees, around records.
        ("\u200bUser-agent: *\n\ufeff\u00a0Disallow: /\u200b\n", "https://a.test/x", False,
         "robots.txt line 2: Disallow: /"),
        ("\0User-agent: *\0\nDisallow: /\n", "https://a.test/x", False,
         "robots.txt line 2: Disallow: /"),
        # The colon of Chinese keyboards.
        ("User-agent： *\nDisallow：/\nCrawl-delay：3", "https://a.test/x", False,
         "robots.txt line 2: Disallow: /"),
        # RFC 9309, 2.2.4: other records part no group.
        ("User-agent: qiuzheng\nInvalid: x\nUser-agent: *\nDisallow: /\n", "https://a.test/x",
         False, "robots.txt line 4: Disallow: /"),
        ("User-agent: qiuzheng\nSitemap: https://a.test/s\nDisallow: /\n", "https://a.test/x",
         False, "robots.txt line 3: Disallow: /"),
        # RFC 9309, 2.2.2: most octets as written, an escape weighs what it weighs there.
        ("User-agent: *\nDisallow: /*?s=\nAllow: /blog\n", "https://a.test/blog?s=1", True,
         "robots.txt line 3: Allow: /blog"),
        ("User-agent: *\nDisallow: /\nAllow: /路\n", "https://a.test/%E8%B7%AF/x", True,
         "robots.txt line 3: Allow: /路"),
        ("User-agent: *\nDisallow: /%7euser\n", "https://a.test/~user", False,
         "robots.txt line 2: Disallow: /%7euser"),
        ("User-agent: *\nDisallow: /\nAllow: /foo/%62%61%7A\n", "https://a.test/foo/%62%61%7a",
         True, "robots.txt line 3: Allow: /foo/%62%61%7A"),
        ("User-agent: *\nDisallow: /\nAllow: /d/index.html\n", "https://a.test/d/", True,
         "robots.txt line 3: Allow: /d/index.html"),
        ("\ufeffUser-agent: *\r\nDisallow: /x\r\n", "https://a.test/x", False,
         "robots.txt line 2: Disallow: /x"),
        ("User-agent: *\rDisallow: /x\r", "https://a.test/x", False,
         "robots.txt line 2: Disallow: /x"),
        ("User-agent: *\nDisallow: /x\u2028Allow: /\n", "https://a.test/x", True,
         "no rule matches"),
        ("User-agent: *\nDisallow: /\n", "https://a.test/robots.txt", True, "no rule matches"),
    ],
)  # fmt: skip
def test_the_verdict_names_the_line(robots: str, url: str, allowed: bool, rule: str) -> None:
    found = robots_verdict(robots, AGENT, url)
    assert (found.allowed, found.rule) == (allowed, rule)


def test_bytes_that_are_no_text_are_read_all_the_same() -> None:
    robots = "User-agent: *\nDisallow: /路\nDisallow: /x\n".encode("gbk")
    assert not robots_verdict(robots, AGENT, "https://a.test/x").allowed
    assert not robots_verdict(robots, AGENT, "https://a.test/%C2%B7").allowed
    assert robots_verdict(robots, AGENT, "https://a.test/y").allowed


def test_a_line_is_cut_where_google_cuts_it() -> None:
    name = "/x/" + "a" * 16_649
    robots = f"user-agent: FooBot\ndisallow: {name}/qux\n"
    assert not robots_verdict(robots, "FooBot", f"http://foo.bar{name}/fux").allowed
    assert robots_verdict(robots, "FooBot", "http://foo.bar/fux").allowed


def test_half_a_line_at_the_size_limit_is_no_rule() -> None:
    head = "User-agent: *\nDisallow: /early\n"
    line = "Disallow: /late\n"
    filler = "#" * (MAX_BYTES - len(head) - len(line)) + "\n"
    robots = head + filler + line
    assert len(robots) == MAX_BYTES + 1
    assert not robots_verdict(robots, AGENT, "https://a.test/early").allowed
    assert robots_verdict(robots, AGENT, "https://a.test/late").allowed


@pytest.mark.parametrize(
    ("robots", "delay"),
    [
        ("User-agent: *\nCrawl-delay: 2.5\n", 2.5),
        ("User-agent: *\nCrawl-delay: 9\nUser-agent: qiuzheng\nCrawl-delay: 1\n", 1),
        ("User-agent: slurp\nCrawl-delay: 9\nUser-agent: *\nDisallow: /x\n", None),
        ("User-agent: *\nCrawl-delay: soon\n", None),
        ("User-agent: *\nCrawl-delay: -1\n", None),
        ("User-agent: *\nCrawl-delay: inf\n", None),
    ],
)
def test_the_delay_that_a_site_asks_for(robots: str, delay: float | None) -> None:
    assert robots_verdict(robots, AGENT, "https://a.test/").crawl_delay == delay


class Sites:
    """Answers for robots.txt and counts who was asked; `gate` holds the answers back."""

    def __init__(self, **answers: RobotsReply | FetchError) -> None:
        self.answers = {name.replace("_", "."): answer for name, answer in answers.items()}
        self.asked: Counter[str] = Counter()
        self.open = asyncio.Event()
        self.open.set()

    async def read(self, url: str) -> RobotsReply:
        self.asked[url] += 1
        await self.open.wait()
        answer = self.answers[url.split("/")[2]]
        if isinstance(answer, FetchError):
            raise answer
        return answer


def down(detail: str) -> FetchError:
    return FetchError(
        Message.bilingual(detail, detail), url="https://down.test/", reason="unreachable"
    )


def no_one() -> RobotsReply:
    return RobotsReply(status=200, body=b"User-agent: *\nDisallow: /")


@pytest.mark.parametrize("status", [301, 400, 403, 404, 410, 429])
async def test_a_site_without_robots_txt_is_open(status: int) -> None:
    sites = Sites(a_test=RobotsReply(status=status, body=b"User-agent: *\nDisallow: /"))
    found = await RobotsPolicy(agent=AGENT, read=sites.read).check("https://a.test/x")
    assert (found.allowed, found.rule) == (True, f"robots.txt: {status}")


@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize("answer", [RobotsReply(status=503), down("reset")])
async def test_a_site_whose_robots_txt_cannot_be_had_is_closed_unless_we_are_lenient(
    answer: RobotsReply | FetchError, lenient: bool
) -> None:
    policy = RobotsPolicy(agent=AGENT, read=Sites(a_test=answer).read, lenient=lenient)
    found = await policy.check("https://a.test/x")
    assert found.allowed is lenient
    assert found.rule.startswith("robots.txt unreachable: ")


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-be"])
def test_a_file_in_utf16_closes_what_it_closes(coding: str) -> None:
    text = "User-agent: *\nDisallow: /港口\n"
    mark = b"\xfe\xff" if coding == "utf-16-be" else b""
    found = robots_verdict(mark + text.encode(coding), AGENT, "https://a.test/%E6%B8%AF%E5%8F%A3")
    assert found.rule == "robots.txt line 2: Disallow: /港口"


@pytest.mark.parametrize("lenient", [False, True])
async def test_no_site_is_blamed_for_a_proxy_that_does_not_answer(lenient: bool) -> None:
    closed = ProxyUnreachableError(
        Message.bilingual("no proxy", "没有代理"),
        url="https://a.test/robots.txt",
        reason="unreachable",
    )
    sites = Sites(a_test=closed)
    policy = RobotsPolicy(agent=AGENT, read=sites.read, lenient=lenient)
    with pytest.raises(ProxyUnreachableError, match="no proxy") as caught:
        await policy.permit("https://a.test/x")
    assert caught.value.url == "https://a.test/x"
    sites.answers["a.test"] = RobotsReply(status=404)  # somebody starts it
    assert (await policy.permit("https://a.test/x")).allowed


async def test_a_forbidden_page_is_an_error_with_its_rule_and_a_hint_if_there_is_one() -> None:
    policy = RobotsPolicy(
        agent=AGENT, read=Sites(a_test=no_one(), down_test=RobotsReply(status=503)).read
    )
    with pytest.raises(ForbiddenError) as caught:
        await policy.permit("https://a.test/")
    assert caught.value.robots == "robots.txt line 2: Disallow: /"
    assert "lenient" not in caught.value.localize("en")
    with pytest.raises(ForbiddenError) as caught:
        await policy.permit("https://down.test/")
    assert "crawl.lenient_robots" in caught.value.localize("zh")


async def test_a_line_that_fails_is_not_told_as_what_the_site_says() -> None:
    policy = RobotsPolicy(agent=AGENT, read=Sites(down_test=down("no address")).read)
    with pytest.raises(FetchError) as caught:
        await policy.permit("https://down.test/x")
    assert (caught.value.reason, caught.value.url) == ("unreachable", "https://down.test/x")
    assert caught.value.robots == "robots.txt unreachable: no address"
    assert caught.value.localize("en") == "no address"


async def test_an_origin_gets_one_request_however_many_pages_are_wanted_and_others_beside_it() -> (
    None
):
    sites = Sites(a_test=no_one(), b_test=RobotsReply(status=404))
    sites.open.clear()
    policy = RobotsPolicy(agent=AGENT, read=sites.read)
    urls = [f"https://{host}.test/{n}" for n in range(10) for host in "ab"]
    checks = [asyncio.create_task(policy.check(url)) for url in urls]
    while len(sites.asked) < 2:  # both are asked before either answers
        await asyncio.sleep(0)
    sites.open.set()
    found = await asyncio.gather(*checks)
    assert sites.asked == {"https://a.test/robots.txt": 1, "https://b.test/robots.txt": 1}
    assert [one.allowed for one in found] == [False, True] * 10


async def test_a_caller_that_gives_up_cancels_no_other() -> None:
    sites = Sites(a_test=no_one())
    sites.open.clear()
    policy = RobotsPolicy(agent=AGENT, read=sites.read)
    first = asyncio.create_task(policy.check("https://a.test/1"))
    second = asyncio.create_task(policy.check("https://a.test/2"))
    while not sites.asked:
        await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    sites.open.set()
    assert not (await second).allowed
    assert sites.asked["https://a.test/robots.txt"] == 1


async def test_ports_and_schemes_are_origins_of_their_own() -> None:
    sites = Sites(**{"a_test": no_one(), "a_test:8080": RobotsReply(status=404)})
    policy = RobotsPolicy(agent=AGENT, read=sites.read)
    assert not (await policy.check("https://a.test/")).allowed
    assert not (await policy.check("http://a.test/")).allowed
    assert (await policy.check("https://a.test:8080/")).allowed
    assert len(sites.asked) == 3


async def test_a_copy_lasts_a_day_and_a_failure_a_minute() -> None:
    now = 0.0
    sites = Sites(a_test=no_one(), down_test=down("reset"))
    policy = RobotsPolicy(agent=AGENT, read=sites.read, clock=lambda: now)
    for at, asked in [(0, (1, 1)), (59, (1, 1)), (61, (1, 2)), (86_399, (1, 3)), (86_401, (2, 3))]:
        now = float(at)
        await policy.check("https://a.test/")
        await policy.check("https://down.test/")
        assert tuple(sites.asked.values()) == asked


async def test_a_big_file_is_worked_through() -> None:
    lines = "".join(f"Disallow: /p{n}/\n" for n in range(3_000))
    sites = Sites(a_test=RobotsReply(status=200, body=f"User-agent: *\n{lines}".encode()))
    policy = RobotsPolicy(agent=AGENT, read=sites.read)
    assert (
        await policy.check("https://a.test/p2999/x")
    ).rule == "robots.txt line 3001: Disallow: /p2999/"
    assert (await policy.check("https://a.test/")).allowed


async def test_closing_twice_ends_what_is_under_way() -> None:
    sites = Sites(a_test=no_one())
    sites.open.clear()
    policy = RobotsPolicy(agent=AGENT, read=sites.read)
    waiting = asyncio.create_task(policy.check("https://a.test/1"))
    while not sites.asked:
        await asyncio.sleep(0)
    await policy.close()
    await policy.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


@pytest.fixture
def now() -> list[float]:
    return [1_000_000.0]


async def ask(
    sites: Sites, cache: ExpiringCache, now: list[float], *, lenient: bool = False
) -> tuple[bool, str]:
    """Ask about one page of a.test with a policy of its own, as another process would."""
    policy = RobotsPolicy(
        agent=AGENT, read=sites.read, lenient=lenient, cache=cache, clock=lambda: now[0]
    )
    found = await policy.check("https://a.test/x")
    await policy.close()
    return found.allowed, found.rule


@pytest.mark.parametrize(
    ("answer", "allowed", "rule"),
    [
        (no_one(), False, "robots.txt line 2: Disallow: /"),
        (RobotsReply(status=200), True, "no rule matches"),
        (RobotsReply(status=404), True, "robots.txt: 404"),
        (RobotsReply(status=200, body=b"\xff\n\x00" * 99), True, "no rule matches"),
    ],
)
async def test_a_copy_lasts_a_day_across_processes(
    tmp_path: Path, now: list[float], answer: RobotsReply, allowed: bool, rule: str
) -> None:
    sites = Sites(a_test=answer)
    for hours, asked in [(0, 1), (12, 1), (11.9, 1), (0.2, 2), (1, 2)]:
        now[0] += hours * 3600
        cache = ExpiringCache(tmp_path / "web.sqlite", clock=lambda: now[0])
        assert await ask(sites, cache, now) == (allowed, rule)
        cache.close()
        assert sites.asked["https://a.test/robots.txt"] == asked


@pytest.mark.parametrize("trouble", [RobotsReply(status=503), down("reset")])
async def test_an_old_copy_counts_for_a_week_while_the_site_cannot_be_reached(
    now: list[float], trouble: RobotsReply | FetchError
) -> None:
    cache = ExpiringCache(clock=lambda: now[0])
    sites = Sites(a_test=RobotsReply(status=200, body=b"User-agent: *\nAllow: /x\nDisallow: /"))
    old = (True, "robots.txt line 2: Allow: /x")
    assert await ask(sites, cache, now) == old
    sites.answers["a.test"] = trouble
    now[0] += FRESH_S + 1
    assert await ask(sites, cache, now) == old
    now[0] = 1_000_000.0 + STALE_S - 1
    assert await ask(sites, cache, now) == old
    assert sites.asked["https://a.test/robots.txt"] == 3  # each time the site was asked first
    now[0] += 2
    assert not (await ask(sites, cache, now))[0]


async def test_what_a_site_says_again_replaces_the_old_copy(now: list[float]) -> None:
    cache = ExpiringCache(clock=lambda: now[0])
    sites = Sites(a_test=RobotsReply(status=404))
    assert (await ask(sites, cache, now))[0]
    sites.answers["a.test"] = no_one()
    now[0] += FRESH_S + 1
    assert not (await ask(sites, cache, now))[0]
    sites.answers["a.test"] = down("reset")
    now[0] += FRESH_S + 1
    assert await ask(sites, cache, now) == (False, "robots.txt line 2: Disallow: /")


async def test_a_failure_is_not_kept(now: list[float]) -> None:
    cache = ExpiringCache(clock=lambda: now[0])
    sites = Sites(a_test=down("reset"))
    assert not (await ask(sites, cache, now))[0]
    sites.answers["a.test"] = RobotsReply(status=404)
    assert (await ask(sites, cache, now))[0]


@pytest.mark.parametrize("kept", [b"", b"junk", b"1e6 200\nnot gzip", b"1e6 200\n\x1f\x8b\x08\x00"])
async def test_a_damaged_copy_is_no_copy(now: list[float], kept: bytes) -> None:
    cache = ExpiringCache(clock=lambda: now[0])
    cache.put("robots https://a.test", kept, ttl_s=1e6)
    assert not (await ask(Sites(a_test=no_one()), cache, now))[0]


@pytest.mark.parametrize(
    ("url", "line"),
    [("https://a.test/x", 3), ("https://a.test/y", 5), ("https://a.test/", None)],
)
def test_the_line_is_given_as_a_number_too(url: str, line: int | None) -> None:
    robots = "# hello\nUser-agent: *\nDisallow: /x\n\nAllow: /y\n"
    assert robots_verdict(robots, AGENT, url).line == line


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_in_two_bytes_a_character_closes_what_it_says(charset: str) -> None:
    robots = "User-agent: *\r\nDisallow: /x\r\n".encode(charset)
    assert not robots_verdict(robots, AGENT, "https://a.test/x").allowed
    assert robots_verdict(robots, AGENT, "https://a.test/y").allowed
