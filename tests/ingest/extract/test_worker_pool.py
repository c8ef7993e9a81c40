"""Pages are read in processes that can be killed, and none of them outlives its use."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.documents import Page
from ingest.errors import ExtractError
from ingest.extract.extractor import extract
from ingest.extract.worker import CUT_MARK, MAX_TEXT, truncate
from ingest.extract.worker_pool import ReaderPool
from ingest.text.words import words

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]
TEA = (Path(__file__).parents[2] / "data" / "pages" / "tea.html").read_bytes()
SLOW = b"<html><body>" + b"".join(b"<p>%d \xff\xfe\x80" % i for i in range(400_000))
"""Keeps a reader busy for seconds: bytes in no charset, and more tags than are worth it."""
TIMEOUT_S = 5.0
STARTS_S = 90
"""How long a process may take to come or go on a busy machine."""


def page(body: bytes, *, media_type: str = "text/html") -> Page:
    return Page(
        url="https://a.test/asked",
        final_url="https://a.test/",
        media_type=media_type,
        charset=None,
        body=body,
        fetched_at=datetime(2026, 11, 21, tzinfo=UTC),
        fetcher="memory",
        robots="",
    )


@asynccontextmanager
async def pool_of(workers: int = 1, **options: float) -> AsyncIterator[ReaderPool]:
    pool = ReaderPool(workers=workers, **({"timeout_s": TIMEOUT_S} | options))  # type: ignore[arg-type]
    try:
        yield pool
    finally:
        await pool.close()


def is_running(pid: int) -> bool:
    """Tell whether `pid` is a process that has not ended; a zombie has."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


async def comes_true(condition: Callable[[], bool]) -> bool:
    for _look in range(STARTS_S * 20):
        if condition():
            return True
        await asyncio.sleep(0.05)
    return False


async def test_document_is_the_one_that_extract_makes() -> None:
    async with pool_of() as pool:
        assert await pool.read(page(TEA)) == extract(page(TEA))


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"", "text/html"),
        (b"\x89PNG\r\n", "image/png"),
        (b"<div id=app></div><script src=a.js></script>", "text/html"),
    ],
)
async def test_error_crosses_the_border_whole(body: bytes, media_type: str) -> None:
    with pytest.raises(ExtractError) as here:
        extract(page(body, media_type=media_type))
    async with pool_of() as pool:
        with pytest.raises(ExtractError) as there:
            await pool.read(page(body, media_type=media_type))
        first = pool.pids
        await pool.read(page(TEA))
        assert pool.pids == first  # a page without text is no reason for a new process
    for name in ("message", "hint", "url", "reason"):
        assert getattr(there.value, name) == getattr(here.value, name)


async def test_page_that_takes_too_long_is_skipped_and_the_next_one_is_read() -> None:
    async with pool_of(timeout_s=1.5) as pool:
        await pool.read(page(TEA))
        (pid,) = pool.pids
        os.kill(pid, signal.SIGSTOP)  # as slow as can be
        with pytest.raises(ExtractError, match=r"longer than 1\.5 s") as skipped:
            await pool.read(page(TEA))
        assert skipped.value.reason == "too_large"
        assert "超过了 1.5 秒" in skipped.value.localize("zh")
        assert not is_running(pid)
        assert (await pool.read(page(TEA))).text


async def test_process_killed_while_it_reads_costs_its_page_alone() -> None:
    async with pool_of() as pool:
        await pool.read(page(TEA))
        (pid,) = pool.pids
        os.kill(pid, signal.SIGSTOP)
        reading = asyncio.create_task(pool.read(page(TEA)))
        await asyncio.sleep(0.1)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(ExtractError) as skipped:
            await reading
        assert skipped.value.reason == "too_large"
        assert (await pool.read(page(TEA))).text
        assert pid not in pool.pids


async def test_process_killed_while_idle_is_replaced_unnoticed() -> None:
    async with pool_of() as pool:
        await pool.read(page(TEA))
        (pid,) = pool.pids
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # all its threads have gone
        assert (await pool.read(page(TEA))).text


async def test_page_that_takes_too_much_memory_is_skipped() -> None:
    async with pool_of(memory_bytes=150_000_000) as pool:
        with pytest.raises(ExtractError) as skipped:
            await pool.read(page(b"word " * 8_000_000, media_type="text/plain"))
        assert skipped.value.reason == "too_large"
        assert (await pool.read(page(TEA))).text


async def test_process_is_replaced_after_its_share_of_pages() -> None:
    async with pool_of(max_pages=2) as pool:
        seen = []
        for _ in range(3):
            pool.preload()
            seen.append(pool.pids[0])
            await pool.read(page(TEA))
        assert seen[0] == seen[1] != seen[2]
        assert not is_running(seen[0])


async def test_given_up_page_leaves_its_process_to_the_next() -> None:
    async with pool_of() as pool:
        await pool.read(page(TEA))
        before = pool.pids
        reading = asyncio.create_task(pool.read(page(TEA)))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert (await pool.read(page(TEA))).text
        assert pool.pids == before


async def test_given_up_page_that_waits_for_its_turn_is_never_read() -> None:
    async with pool_of() as pool:
        first = asyncio.create_task(pool.read(page(TEA)))
        await asyncio.sleep(0)
        second = asyncio.create_task(pool.read(page(SLOW)))
        await asyncio.sleep(0)
        second.cancel()
        assert (await first).text
        assert (await asyncio.wait_for(pool.read(page(TEA)), STARTS_S)).text


async def test_pages_are_read_side_by_side_by_no_more_processes_than_asked_for() -> None:
    async with pool_of(workers=2) as pool:
        await asyncio.gather(*(pool.read(page(TEA)) for _ in range(8)))
        assert 1 <= len(pool.pids) <= 2


async def test_close_ends_every_process_and_what_is_being_read() -> None:
    pool = ReaderPool(workers=2, timeout_s=TIMEOUT_S)
    reading = [asyncio.create_task(pool.read(page(SLOW))) for _ in range(2)]
    assert await comes_true(lambda: len(pool.pids) > 0)
    pids = pool.pids
    await pool.close()
    await pool.close()
    ended = await asyncio.gather(*reading, return_exceptions=True)
    assert all(isinstance(error, ExtractError) for error in ended)
    assert not any(is_running(pid) for pid in pids)
    with pytest.raises(ExtractError):
        await pool.read(page(TEA))


ASKER = """
    import asyncio, sys
    from tests.ingest.extract.test_worker_pool import SLOW, TEA, ReaderPool, page

    async def main() -> None:
        pool = ReaderPool(workers=1, timeout_s=3600)
        await pool.read(page(TEA))
        print(*pool.pids, flush=True)
        if sys.argv[1] == "busy":
            await pool.read(page(SLOW))
        await asyncio.sleep(3600)

    asyncio.run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("state", ["idle", "busy"])
async def test_no_process_outlives_the_one_that_started_it(
    state: str, number: signal.Signals
) -> None:
    command = [sys.executable, "-c", textwrap.dedent(ASKER), state]
    asker = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert asker.stdout is not None
    pid = int(asker.stdout.readline())
    time.sleep(0.2)
    asker.send_signal(number)
    asker.wait(STARTS_S)
    assert await comes_true(lambda: not is_running(pid))


def test_process_ends_in_time_even_inside_a_regular_expression() -> None:
    program = """if True:
        import re
        from ingest.extract.worker import exit_after
        exit_after(0.2)
        re.match("(a+)+$", "a" * 64 + "b")
    """
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=STARTS_S)
    assert ended.returncode == -signal.SIGALRM


async def test_no_folder_can_slip_in_a_module_of_our_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ingest.py", "lxml.py", "trafilatura.py"):
        (tmp_path / name).write_text("raise SystemExit('the wrong module')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    async with pool_of() as pool:
        assert (await pool.read(page(TEA))).text


def test_reader_imports_nothing_that_serves_other_parts() -> None:
    program = "import sys, ingest.extract.worker as w; w.import_trafilatura(); print(*sys.modules)"
    shown = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    others = {"httpx", "numpy", "pydantic", "chromadb", "onnxruntime", "unstructured", "sqlite3"}
    assert not others & set(shown.stdout.split())


async def test_page_longer_than_a_novel_is_cut_behind_a_paragraph() -> None:
    paragraph = "The desk is open at night. " * 20
    async with pool_of() as pool:
        document = await pool.read(
            page(f"{paragraph}\n\n".encode() * 1_500, media_type="text/plain")
        )
    assert document.text.endswith(f"{paragraph.strip()}{CUT_MARK}")
    assert MAX_TEXT * 0.9 < len(document.text) <= MAX_TEXT + len(CUT_MARK)


@given(st.text("a \n。\ufdfa机", max_size=300), st.integers(1, 200))
def test_cut_text_is_a_beginning_and_never_has_more_words_than_the_limit(
    text: str, limit: int
) -> None:
    kept = truncate(text, limit=limit)
    assert kept == text or text.startswith(kept.removesuffix(CUT_MARK))
    assert len(words(kept.removesuffix(CUT_MARK))) <= limit + 18


async def test_process_that_cannot_be_started_skips_the_page_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    async with pool_of() as pool:
        pool.preload()
        with pytest.raises(ExtractError, match="does not start"):
            await pool.read(page(TEA))
    assert pool.pids == ()
