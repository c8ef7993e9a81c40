"""Chromium's processes: when they begin, who ends them, and that none is left."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from ingest.errors import FetchError
from ingest.foundation.errors import MissingDependencyError
from ingest.web.fetch.chromium import PROFILE_PREFIX, find_browser
from tests.browser_kit import Kit, failure, group_of
from tests.internet.net import Internet
from tests.internet.weird import page_en

pytestmark = [pytest.mark.anyio, pytest.mark.chromium]


async def test_one_chromium_serves_all_and_ends_with_the_fetcher(net: Internet, kit: Kit) -> None:
    urls = [f"https://{name}.test/" for name in "abcde"]
    for url in urls:
        net.page(url, page_en())
    pages = await asyncio.gather(*map(kit.fetcher.fetch, urls))
    assert [page.url for page in pages] == urls
    pid = kit.fetcher.pid
    assert pid is not None
    assert len(group_of(pid)) > 1
    await kit.close()
    await kit.close()
    assert group_of(pid) == []
    assert kit.fetcher.pid is None


async def test_giving_up_in_the_middle_leaves_no_chromium_behind(net: Internet, kit: Kit) -> None:
    net.page("https://a.test/", page_en())
    net.page("https://slow.test/", page_en(), delay=60)
    await kit.fetcher.fetch("https://a.test/")
    pid = kit.fetcher.pid
    assert pid is not None
    slow = asyncio.create_task(kit.fetcher.fetch("https://slow.test/"))
    while "/" not in net.hits("slow.test"):
        await asyncio.sleep(0.02)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    await kit.close()
    assert group_of(pid) == []


async def test_closing_while_chromium_starts_leaves_none_behind(net: Internet, kit: Kit) -> None:
    net.page("https://a.test/", page_en())
    fetch = asyncio.create_task(kit.fetcher.fetch("https://a.test/"))
    while not (started := children(PROFILE_PREFIX)):
        await asyncio.sleep(0.005)
    profile = next(word for word in words_of(started[0]) if PROFILE_PREFIX in word)
    await kit.close()
    with pytest.raises(asyncio.CancelledError):
        await fetch
    assert naming(profile) == []
    assert not Path(profile).exists()


def words_of(pid: int) -> list[str]:
    """Return the command line of a process, [] if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def naming(text: str) -> list[int]:
    """Return the processes whose command line holds `text`."""
    pids = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if text in "".join(words_of(pid))]


def children(text: str) -> list[int]:
    """Return our direct children whose command line holds `text`."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [pid for pid in map(int, listed) if text in "".join(words_of(pid))]


async def test_a_chromium_that_crashes_is_replaced(net: Internet, kit: Kit) -> None:
    net.page("https://a.test/", page_en())
    await kit.fetcher.fetch("https://a.test/")
    first = kit.fetcher.pid
    assert first is not None
    os.killpg(first, signal.SIGKILL)
    while kit.fetcher.pid is not None:
        await asyncio.sleep(0.01)
    await kit.fetcher.fetch("https://a.test/")
    assert kit.fetcher.pid not in (None, first)


async def test_a_page_under_which_chromium_crashes_is_read_all_the_same(
    net: Internet, kit: Kit
) -> None:
    net.page("https://a.test/", page_en(), delay=1)
    page = asyncio.create_task(kit.fetcher.fetch("https://a.test/"))
    while "/" not in net.hits("a.test"):
        await asyncio.sleep(0.02)
    assert kit.fetcher.pid is not None
    os.killpg(kit.fetcher.pid, signal.SIGKILL)
    assert b"Drone law" in (await page).body
    assert [hop.status for hop in (await page).hops] == [200]


async def test_a_chromium_that_has_served_its_pages_is_replaced(net: Internet) -> None:
    kit = Kit(pages_per_browser=2)
    net.page("https://a.test/", page_en())
    pids = []
    for _ in range(3):
        await kit.fetcher.fetch("https://a.test/")
        pids.append(kit.fetcher.pid)
    assert pids[0] is not None
    assert pids[1] is None  # it ended with its second page
    assert pids[2] not in (None, pids[0])
    assert group_of(pids[0]) == []
    await kit.close()


async def test_closing_under_an_open_page_ends_it_and_no_other_begins(
    net: Internet, kit: Kit
) -> None:
    net.page("https://slow.test/", page_en(), delay=60)
    slow = asyncio.create_task(kit.fetcher.fetch("https://slow.test/"))
    while "/" not in net.hits("slow.test"):
        await asyncio.sleep(0.02)
    await kit.close()
    with pytest.raises(FetchError):
        await slow
    assert (await failure(kit, "https://slow.test/")).reason == "unreachable"
    assert children(PROFILE_PREFIX) == []


async def test_without_a_browser_the_command_that_brings_one_is_named(
    net: Internet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.page("https://a.test/", page_en())
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    assert find_browser() is None
    kit = Kit()
    with pytest.raises(MissingDependencyError) as caught:
        await kit.fetcher.fetch("https://a.test/")
    await kit.close()
    assert "apt-get install chromium" in caught.value.localize("zh")


@pytest.mark.parametrize("executable", ["/bin/false", "/nowhere/chromium"])
async def test_a_browser_that_does_not_start_is_named(net: Internet, executable: str) -> None:
    net.page("https://a.test/", page_en())
    kit = Kit(executable=executable)
    with pytest.raises(FetchError, match=executable):
        await kit.fetcher.fetch("https://a.test/")
    await kit.close()


async def test_a_browser_that_lets_nobody_in_is_named_and_nothing_is_left_of_it(
    net: Internet, tmp_path: Path
) -> None:
    net.page("https://a.test/", page_en())
    executable = tmp_path / "closed-browser"
    executable.write_text(
        "#!/bin/sh\nexec 3<&- 4>&-; exec sleep 60\n"  # closes the debugging socket, and lives on
    )
    executable.chmod(0o755)
    kit = Kit(executable=str(executable))
    with pytest.raises(FetchError, match="closed-browser does not start"):
        await kit.fetcher.fetch("https://a.test/")
    await kit.close()
    assert naming(str(executable)) == []


def test_a_browser_that_playwright_brought_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chrome = tmp_path / "chromium-1200" / "chrome-linux" / "chrome"
    chrome.parent.mkdir(parents=True)
    chrome.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    assert find_browser() == str(chrome)
