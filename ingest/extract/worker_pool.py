"""Extracts pages in processes that can be killed, so that no page stalls us or eats our memory.

A regular expression over a page stops every thread of Python while it runs, and no thread can be
ended from outside. A process can (1 MB of `<p>A</p>` kept a thread busy for six seconds).
"""

import asyncio
import contextlib
import functools
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

import ingest
from ingest.documents import Document, Page
from ingest.errors import ExtractError, SkipReason
from ingest.extract.archives import ArchiveContent
from ingest.extract.base import TOO_MUCH_MEMORY
from ingest.extract.jobs import ArchiveJob, FileJob, Job
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.ipc import receive, send
from ingest.foundation.messages import NO_MESSAGE, Message

WORKERS = 2
DOCUMENT_TIMEOUT_S = 30.0
"""PDF and Office files: importing unstructured takes 6 s on its own."""
LONGEST_FILE_S = 4 * 3600.0
"""Seconds for a local file that is read by OCR, each page of which has `DOCUMENT_TIMEOUT_S`: 5,000
pages take three hours."""
MEMORY_BYTES = 1_000_000_000
"""Measured: the worst 5 MB of HTML that we could write takes 610 MB, unstructured's import 380."""
MAX_PAGES = 500
"""Pages after which a process is replaced, whatever a library has piled up in it."""
MAX_HELD_BYTES = 250_000_000
"""Memory that a process may still hold when a page has been read; most hold a third of this. An
Office file leaves more, but those are rare on the web, and the memory would be gone permanently."""
START_S = 60.0
"""Seconds until a new process is ready: its imports take 1 s, on a busy machine far longer."""
MAX_REPLY = 40_000_000
"""Bytes: more than `ingest.extract.worker.MAX_FILE_TEXT` characters take as JSON, whatever they
are."""

# Loads the package from where we have it, and puts no folder on the path: a module of the same name
# in the current folder, or in Streamlit's (ui/), would be imported in its place.
_PROGRAM = """
import sys
from importlib import util
spec = util.spec_from_file_location("ingest", sys.argv[1])
sys.modules["ingest"] = package = util.module_from_spec(spec)
spec.loader.exec_module(package)
from ingest.extract.worker import main
main()
"""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    """An error on its way here from a worker."""

    kind: Literal["ExtractError", "MissingDependencyError"]
    message: Message
    hint: Message
    reason: SkipReason


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    """What a worker replies. A page may have taken the worker over: everything is validated."""

    held_bytes: int
    document: Document | None = None
    archive: ArchiveContent | None = None
    failure: _Failure | None = None
    is_out_of_memory: bool = False
    broken_by: str = ""
    """The exception of a library that is none of ours, by name."""


@functools.cache
def _reply_adapter() -> TypeAdapter[_Reply]:
    return TypeAdapter(_Reply)  # building it takes longer than reading a page


class _Worker:
    """One process. Its methods block, but for `kill`."""

    def __init__(self, *, memory_bytes: int) -> None:
        # -P: the current folder is not put on the path either.
        command = [sys.executable, "-P", "-c", _PROGRAM, str(ingest.__file__), str(memory_bytes)]
        self._process = subprocess.Popen(  # noqa: S603  ourselves
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a traceback may quote the page
            bufsize=0,
            # Ctrl-C reaches every process of the terminal's group. It is for the parent alone,
            # which then ends this one in order.
            start_new_session=True,
        )
        self.is_ready = False
        """Whether its imports are done."""
        self.pages = 0
        """How many it has been given."""

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Return once its imports are done. Raises `EOFError` if it ends instead."""
        assert self._process.stdout is not None
        receive(self._process.stdout, limit=0)
        self.is_ready = True

    def begin(self, job: Job, *, seconds: float) -> _Reply | None:
        """Give it a job and return its first reply (`next_reply`).

        It ends itself some time after `seconds` without a word.

        Raises:
            EOFError, OSError: it has ended.
            ValidationError: what it replies is no reply.
        """
        assert self._process.stdin is not None
        self.pages += 1
        send(self._process.stdin, pickle.dumps((job, seconds)))
        return self.next_reply()

    def next_reply(self) -> _Reply | None:
        """Return its reply to the job; None: a part is done, and it goes on.

        Raises:
            EOFError, OSError: it has ended.
            ValidationError: what it replies is no reply.
        """
        assert self._process.stdout is not None
        reply = receive(self._process.stdout, limit=MAX_REPLY)
        return _reply_adapter().validate_json(reply) if reply else None

    def kill(self) -> None:
        """End it at once. A thread that waits for its reply gets `EOFError`."""
        self._process.kill()

    def reap(self) -> None:
        """Wait for the end of a killed process, so that no zombie stays, and close its pipes."""
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


class ReaderPool:
    """Turns pages into documents, in processes of their own.

    Args:
        timeout_s: seconds for a page, without the time that it waits for a process.
        workers: processes, at most one for each CPU.
        document_timeout_s: seconds for a document (`FileReader.is_document`).
        memory_bytes: what a process may use. Only Linux holds it to that.
        max_pages: pages after which a process is replaced.
    """

    def __init__(
        self,
        *,
        timeout_s: float,
        workers: int = WORKERS,
        document_timeout_s: float = DOCUMENT_TIMEOUT_S,
        memory_bytes: int = MEMORY_BYTES,
        max_pages: int = MAX_PAGES,
    ) -> None:
        self._timeout_s = timeout_s
        self._document_timeout_s = document_timeout_s
        self._memory_bytes = memory_bytes
        self._max_pages = max_pages
        count = max(1, min(workers, os.cpu_count() or 1))
        self._gate = asyncio.Semaphore(count)
        # A pool of our own: the loop's default one may be full of DNS lookups, and pages would time
        # out without having been read.
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="reader")
        # All below is touched by the loop's thread alone, between two awaits: no lock is needed.
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._jobs: set[asyncio.Task[_Reply]] = set()
        self._is_closed = False

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes there are."""
        return tuple(worker.pid for worker in (*self._idle, *self._busy))

    def preload(self) -> None:
        """Start a process and return at once; its imports run beside whatever we do next."""
        if not self._is_closed and not self._idle and not self._busy:
            with contextlib.suppress(OSError):  # raised again, and explained, with the first page
                self._idle.append(_Worker(memory_bytes=self._memory_bytes))

    async def read_file(self, path: Path, *, shown: Path | None = None) -> Document:
        """Return the text of a local file, whose path is absolute.

        What is on the disk may have come from strangers: it has a page's bounds, but more time and
        longer texts. Raises as `read` does; reason "unreachable": it cannot be opened.

        Args:
            path: Where it is.
            shown: What it is called, where that is another path: one within an archive.
        """
        return await self._document(FileJob(path=path, shown=shown or path))

    async def open_archive(
        self, path: Path, *, shown: Path | None = None, folder: Path | None = None
    ) -> ArchiveContent:
        """Return what an archive holds, after unpacking it into `folder` if one is given.

        Raises as `read_file` does.
        """
        reply = await self._reply_to(ArchiveJob(path=path, shown=shown or path, folder=folder))
        assert reply.archive is not None
        return reply.archive

    async def read(self, page: Page) -> Document:
        """Return the text of `page` (`ingest.extract.extractor.extract`).

        Cancelling does not stop a page that is being read: its process stays of use, and finishes
        in time or is killed.

        Raises:
            ExtractError: it holds no text that we can read; "too_large": reading it takes too
                long or too much memory.
            MissingDependencyError: reading its kind needs an optional dependency.
        """
        return await self._document(page)

    async def _document(self, job: Page | FileJob) -> Document:
        reply = await self._reply_to(job)
        assert reply.document is not None
        # Where a text comes from is our word, not that of a process that strangers wrote to.
        fetched_at = job.fetched_at if isinstance(job, Page) else datetime.now(UTC)
        return replace(reply.document, url=_url_of(job), fetched_at=fetched_at)

    async def _reply_to(self, job: Job) -> _Reply:
        """Return a reply with what was asked for, when a process is free."""
        # Cancelled here, a page is never started.
        await self._gate.acquire()
        # Cancelled from here on, only the caller leaves: the reply to a page that was sent must be
        # read, or the next page would get it. So the job runs in a task of its own, and the gate
        # opens when that ends, not when the caller leaves.
        task = asyncio.create_task(self._run(job))
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)
        task.add_done_callback(lambda _: self._gate.release())
        return await asyncio.shield(task)

    async def close(self) -> None:
        """End every process; pages that are being read fail. May be called twice."""
        self._is_closed = True  # from now on no job starts a process
        for worker in (*self._idle, *self._busy):
            worker.kill()
        # Jobs end by EOF. One whose reply came just before the kill puts its dead worker back among
        # the idle: so the idle are reaped after the jobs.
        await asyncio.gather(*self._jobs, return_exceptions=True)
        while self._idle:
            await self._in_thread(self._idle.pop().reap)
        self._threads.shutdown(wait=False)

    async def _run(self, job: Job) -> _Reply:
        if self._is_closed:  # while it waited at the gate
            raise _skip(job, _CLOSED)
        try:
            worker = self._idle.pop() if self._idle else _Worker(memory_bytes=self._memory_bytes)
            if not worker.is_alive:  # killed while idle, e.g. by the kernel when memory ran out
                worker.reap()
                worker = _Worker(memory_bytes=self._memory_bytes)
            self._busy.add(worker)
        except OSError as error:
            raise _skip(job, _WILL_NOT_START, hint=_DOCTOR) from error
        try:
            reply = await self._exchange(worker, job)
        except BaseException:
            # Whatever happened, also when the loop shuts down and cancels this task: a reply may
            # still be on its way, and would be taken for that to the next page.
            await self._retire(worker)
            raise
        if worker.pages < self._max_pages and reply.held_bytes <= MAX_HELD_BYTES:
            self._busy.discard(worker)
            self._idle.append(worker)
        else:
            await self._retire(worker)
        content = reply.archive if isinstance(job, ArchiveJob) else reply.document
        if content is not None:
            return reply
        if reply.broken_by:
            broke = Message("{problem} ({name})", problem=_BROKE, name=reply.broken_by)
            raise _skip(job, broke, hint=_SAVE_AGAIN, reason="unsupported")
        if reply.failure is None:
            raise _skip(job, TOO_MUCH_MEMORY if reply.is_out_of_memory else _BROKE)
        failure = reply.failure
        if failure.kind == "MissingDependencyError":
            raise MissingDependencyError(failure.message, hint=failure.hint)
        raise ExtractError(
            failure.message, url=_url_of(job), reason=failure.reason, hint=failure.hint
        )

    async def _exchange(self, worker: _Worker, job: Job) -> _Reply:
        """Return the reply of `worker` to `job`, in time."""
        # A timeout ends the wait, not the thread, which stays in the pipe until the caller kills
        # the worker. Then it sees the end of the pipe and is free again.
        try:
            # Each step in a thread costs .1 ms: a page takes one.
            if not worker.is_ready:
                async with asyncio.timeout(START_S):
                    await self._in_thread(worker.wait_until_ready)
        except (TimeoutError, EOFError, OSError) as error:
            raise _skip(job, _WILL_NOT_START, hint=_DOCTOR) from error
        # Only when a page is read: a run over what has not changed needs no reader.
        from ingest.extract.registry import find_reader  # noqa: PLC0415

        reader = find_reader(job.media_type, job.body) if isinstance(job, Page) else None
        is_document = not isinstance(job, Page) or (reader is not None and reader.is_document)
        seconds = self._document_timeout_s if is_document else self._timeout_s
        loop = asyncio.get_running_loop()
        latest = loop.time() + (seconds if isinstance(job, Page) else LONGEST_FILE_S)
        try:
            async with asyncio.timeout(seconds) as limit:
                reply = await self._in_thread(functools.partial(worker.begin, job, seconds=seconds))
                while reply is None:
                    limit.reschedule(min(loop.time() + seconds, latest))
                    reply = await self._in_thread(worker.next_reply)
                return reply
        except TimeoutError as error:
            too_slow = Message("reading it takes longer than {seconds:g} s", seconds=seconds)
            raise _skip(job, too_slow) from error
        except (EOFError, OSError, ValidationError) as error:
            raise _skip(job, _CLOSED if self._is_closed else _BROKE) from error

    async def _retire(self, worker: _Worker) -> None:
        """Kill `worker` and wait for its end. It counts as busy until then: `close` must see it."""
        worker.kill()
        await self._in_thread(worker.reap)
        self._busy.discard(worker)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


_BROKE = Message("reading it broke the reader")
_CLOSED = Message("reading was ended")
_WILL_NOT_START = Message("the reading process does not start")
_DOCTOR = Message("assistant doctor says what is missing")


_SAVE_AGAIN = Message("open it in its own program and save it again")


def _url_of(job: Job) -> str:
    return job.final_url if isinstance(job, Page) else job.shown.as_uri()


def _skip(
    job: Job,
    message: Message,
    *,
    hint: Message = NO_MESSAGE,
    reason: SkipReason = "too_large",
) -> ExtractError:
    return ExtractError(message, url=_url_of(job), reason=reason, hint=hint)
