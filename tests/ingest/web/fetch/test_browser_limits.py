"""Pages that fail, that are no pages, and that do not want to end."""

import asyncio
from typing import NoReturn

import pytest

from ingest.errors import FetchError, IngestError
from ingest.web.fetch.browser import BrowserFetcher
from ingest.web.robots import RobotsPolicy
from ingest.web.ssrf import AddressGuard
from tests.browser_kit import AGENT, Kit, failure, group_of
from tests.internet.net import Internet
from tests.internet.weird import install, page_en

pytestmark = [pytest.mark.anyio, pytest.mark.chromium]


async def test_each_failure_has_its_reason(net: Internet, strict: Kit) -> None:
    weird = install(net, bomb_mebibytes=1, huge_mebibytes=1)
    net.page(weird["huge"], page_en() * 50)
    for name in ("reset", "hanging", "bad-tls"):
        net.robots(weird[name].split("/")[2], "")
    reasons = {
        "403": "refused",
        "500": "refused",
        "reset": "unreachable",
        "hanging": "timeout",
        "huge": "too_large",
        "bad-tls": "unreachable",
    }
    for name, reason in reasons.items():
        assert (name, (await failure(strict, weird[name])).reason) == (name, reason)


async def test_a_robots_txt_that_never_comes_is_a_page_too_slow(net: Internet) -> None:
    async def never(url: str) -> NoReturn:
        await asyncio.sleep(3600)
        raise AssertionError

    robots = RobotsPolicy(agent=AGENT, read=never)
    fetcher = BrowserFetcher(
        guard=AddressGuard(),
        robots=robots,
        user_agent=AGENT,
        executable=None,
        timeout_s=0.5,
        max_bytes=100_000,
    )
    with pytest.raises(FetchError) as caught:
        await fetcher.fetch("https://slow.test/")
    await fetcher.close()
    await robots.close()
    assert caught.value.reason == "timeout"


@pytest.mark.parametrize("status", [200, 403, 503])
async def test_a_challenge_is_no_page(net: Internet, kit: Kit, status: int) -> None:
    challenge = "<title>Just a moment...</title><p>Verify you are human</p>"
    net.page("https://a.test/", challenge, status=status)
    error = await failure(kit, "https://a.test/")
    assert error.reason == "refused"
    assert "challenge" in error.localize("en")


async def test_a_challenge_that_lets_the_browser_through_is_waited_for(
    net: Internet, kit: Kit
) -> None:
    passed = "<script>setTimeout(() => { location = '/in' }, 300)</script>"
    challenge = f"<title>Just a moment...</title><p>Checking your browser</p>{passed}"
    net.page("https://a.test/", challenge, status=403)
    net.page("https://a.test/in", page_en())
    assert b"Drone law" in (await kit.fetcher.fetch("https://a.test/")).body


HOSTILE = {
    "endless": ("<script>for (;;) {}</script>", {"timeout"}),
    "alerts": ("<script>for (;;) alert('again')</script>", {"timeout"}),
    "bloated": (
        "<script>document.write('<p>' + 'word '.repeat(8e6))</script>",
        {"too_large", "timeout"},
    ),
    "breeding": (
        "<div id=d></div><script>setInterval(() => { for (let i = 0; i < 1000; i++)"
        " d.append(document.createElement('p')) }, 10)</script>",
        {"too_large", "timeout", ""},
    ),
    "hungry": (
        "<script>kept = []; setInterval(() => kept.push(new Uint8Array(1e8).fill(1)), 20)</script>"
        "<script>setInterval(() => document.body.append('more '), 50)</script>",
        {"too_large"},
    ),
    "reloading": ("<script>location.reload()</script>", {"refused", "timeout"}),
    "wandering": (
        "<script>location = '/' + Math.random()</script>",
        {"refused", "timeout"},
    ),
    "deaf": (
        "<script>onbeforeunload = () => 'stay'; for (;;) {}</script>",
        {"timeout"},
    ),
    "popups": ("<script>setInterval(() => open('/popups'), 10)</script>", {"", "timeout"}),
    "attached": ("", {"unsupported"}),
}
"""Pages that do not want to end, and how they may."""


async def test_no_page_can_hold_the_browser_and_the_next_one_is_read(
    net: Internet, strict: Kit
) -> None:
    net.page("https://good.test/", page_en())
    for name, (html, _) in HOSTILE.items():
        net.page(f"https://{name}.test/", f"<title>x</title><body>{html}")
    attachment = {"Content-Disposition": "attachment; filename=x.html"}
    net.page("https://attached.test/", page_en(), headers=attachment)
    for name, (_, endings) in HOSTILE.items():
        try:
            await strict.fetcher.fetch(f"https://{name}.test/")
            ending = ""
        except IngestError as error:
            ending = error.reason
        assert (name, ending in endings, ending) == (name, True, ending)
        assert b"Drone law" in (await strict.fetcher.fetch("https://good.test/")).body


async def test_the_process_of_a_page_that_does_not_end_is_ended(net: Internet, strict: Kit) -> None:
    net.page("https://good.test/", page_en())
    net.page("https://endless.test/", "<script>for (;;) {}</script>")
    await strict.fetcher.fetch("https://good.test/")
    assert strict.fetcher.pid is not None
    before = len(group_of(strict.fetcher.pid))
    assert (await failure(strict, "https://endless.test/")).reason == "timeout"
    assert strict.fetcher.pid is not None
    while len(group_of(strict.fetcher.pid)) > before:
        await asyncio.sleep(0.05)
