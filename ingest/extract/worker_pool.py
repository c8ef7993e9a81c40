"""Reading pages in processes that can be killed, so that no page holds us up or eats our memory.

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
from typing import Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

import ingest
from ingest.documents import Document, Page
from ingest.errors import ExtractError, SkipReason
from ingest.extract.registry import find_reader
from ingest.foundation.errors import MissingDependencyError, QiuzhengError
from ingest.foundation.ipc import receive, send
from ingest.foundation.messages import NO_MESSAGE, Message

WORKERS = 2
TIMEOUT_S = 5.0
"""A long article takes 0.1 s; what takes longer than this was made to."""
DOCUMENT_TIMEOUT_S = 30.0
"""PDF and Office files: importing unstructured takes 6 s on its own."""
MEMORY_BYTES = 1_000_000_000
"""Measured: the worst 5 MB of HTML that we could write takes 610 MB, unstructured's import 380."""
MAX_PAGES = 500
"""After so many a process is replaced, whatever a library has piled up in it."""
RETIRED_BYTES = 250_000_000
"""Memory that a process may still hold when a page has been read; most hold a third of this. An
Office file leaves more, but those are rare on the web, and the memory would be gone for good."""
START_S = 60.0
MAX_REPLY = 4_000_000
"""Bytes: more than `reading_worker.MAX_TEXT` characters take as JSON, whatever they are."""

_PROGRAM = """
import sys
from importlib import util
spec = util.spec_from_file_location("ingest", sys.argv[1])
sys.modules["ingest"] = package = util.module_from_spec(spec)
spec.loader.exec_module(package)
from ingest.extract.worker import main
main()
"""
"""Takes the package from where we have it, and puts no folder on the path: neither the current
one nor Streamlit's can slip in a module of the same name."""

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
    """What a worker says about a page. It may have been taken over: everything is checked."""

    held_bytes: int
    document: Document | None = None
    failure: _Failure | None = None
    memory_spent: bool = False


class _Worker:
    """One process. Its methods block, but for `kill`."""

    def __init__(self, *, memory_bytes: int) -> None:
        command = [sys.executable, "-P", "-c", _PROGRAM, str(ingest.__file__), str(memory_bytes)]
        self._process = subprocess.Popen(  # noqa: S603  ourselves
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a traceback may quote the page
            bufsize=0,
            start_new_session=True,  # Ctrl-C is for us, and we end it
        )
        self._is_ready = False
        self.pages = 0
        """How many it has been given."""

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def get_ready(self) -> None:
        """Return once its imports are done. Raises `EOFError` if it ends instead."""
        if not self._is_ready:
            assert self._process.stdout is not None
            receive(self._process.stdout, limit=0)
            self._is_ready = True

    def ask(self, page: Page, *, seconds: float) -> _Reply:
        """Return what it makes of `page`.

        Raises:
            EOFError, OSError: it has ended.
            ValidationError: what it says makes no sense.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.pages += 1
        send(self._process.stdin, pickle.dumps((page, seconds)))
        return _replies().validate_json(receive(self._process.stdout, limit=MAX_REPLY))

    def kill(self) -> None:
        self._process.kill()

    def bury(self) -> None:
        """Wait for the end of a killed process, and close its pipes."""
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


class ReaderPool:
    """Turns pages into documents, in processes of their own.

    Args:
        workers: processes, at most one for each CPU.
        timeout_s: seconds for a page, without the time that it waits for its turn.
        document_timeout_s: the same for PDF and Office files.
        memory_bytes: what a process may use. Only Linux holds it to that.
        max_pages: pages after which a process is replaced.
    """

    def __init__(
        self,
        *,
        workers: int = WORKERS,
        timeout_s: float = TIMEOUT_S,
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
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="reader")
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._jobs: set[asyncio.Task[Document]] = set()
        self._is_closed = False

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes there are."""
        return tuple(worker.pid for worker in (*self._idle, *self._busy))

    def preload(self) -> None:
        """Start a process and return at once; its imports run beside whatever we do next."""
        if not self._is_closed and not self._idle and not self._busy:
            with contextlib.suppress(OSError):  # raised again, and explained, with the first page
                self._idle.append(self._start())

    async def read(self, page: Page) -> Document:
        """Return the text of `page` (`ingest.extract.extractor.extract`).

        Giving up does not stop a page that is being read: its process stays of use, and ends in
        time or is killed.

        Raises:
            ExtractError: it holds no text that we can read; "too_large": reading it takes too
                long or too much memory.
            MissingDependencyError: reading its kind takes a part that is not installed.
        """
        await self._gate.acquire()
        job = asyncio.create_task(self._read(page))
        self._jobs.add(job)
        job.add_done_callback(self._finished)
        return await asyncio.shield(job)

    async def close(self) -> None:
        """End every process; pages that are being read fail. May be called twice."""
        self._is_closed = True
        for worker in (*self._idle, *self._busy):
            worker.kill()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        while self._idle:
            await self._in_thread(self._idle.pop().bury)
        self._threads.shutdown(wait=False)

    def _finished(self, job: asyncio.Task[Document]) -> None:
        self._jobs.discard(job)
        self._gate.release()

    async def _read(self, page: Page) -> Document:
        try:
            worker = self._take()
        except OSError as error:
            raise _failed(page, _WILL_NOT_START, hint=_DOCTOR) from error
        if worker is None:
            raise _failed(page, _CLOSED)
        try:
            reply = await self._ask(worker, page)
        except BaseException:
            worker.kill()
            await self._dismiss(worker)
            raise
        if worker.pages < self._max_pages and reply.held_bytes <= RETIRED_BYTES:
            self._busy.discard(worker)
            self._idle.append(worker)
        else:
            worker.kill()
            await self._dismiss(worker)
        return _document(page, reply)

    async def _ask(self, worker: _Worker, page: Page) -> _Reply:
        """Return the answer of `worker`, in time."""
        try:
            async with asyncio.timeout(START_S):
                await self._in_thread(worker.get_ready)
        except (TimeoutError, EOFError, OSError) as error:
            raise _failed(page, _WILL_NOT_START, hint=_DOCTOR) from error
        seconds = self._seconds(page)
        try:
            async with asyncio.timeout(seconds):
                return await self._in_thread(functools.partial(worker.ask, page, seconds=seconds))
        except TimeoutError as error:
            raise _failed(page, _too_slow(seconds)) from error
        except (EOFError, OSError, ValidationError) as error:
            raise _failed(page, _CLOSED if self._is_closed else _BROKE) from error

    def _seconds(self, page: Page) -> float:
        reader = find_reader(page.media_type, page.body)
        is_document = reader is not None and reader.is_document
        return self._document_timeout_s if is_document else self._timeout_s

    def _take(self) -> _Worker | None:
        """Return a worker that lives, None when all is closed."""
        if self._is_closed:
            return None
        worker = self._idle.pop() if self._idle else self._start()
        if not worker.is_alive:  # killed by somebody else while it had nothing to do
            worker.bury()
            worker = self._start()
        self._busy.add(worker)
        return worker

    def _start(self) -> _Worker:
        return _Worker(memory_bytes=self._memory_bytes)

    async def _dismiss(self, worker: _Worker) -> None:
        await self._in_thread(worker.bury)
        self._busy.discard(worker)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


@functools.cache
def _replies() -> TypeAdapter[_Reply]:
    return TypeAdapter(_Reply)


def _document(page: Page, reply: _Reply) -> Document:
    """Return the document of `page`, or raise what the worker raised."""
    if reply.document is not None:
        # Where a text comes from is our word, not that of a process that strangers wrote to.
        return replace(reply.document, url=page.final_url, fetched_at=page.fetched_at)
    if reply.failure is not None:
        raise _error(page, reply.failure)
    raise _failed(page, _TOO_MUCH_MEMORY if reply.memory_spent else _BROKE)


def _error(page: Page, failure: _Failure) -> QiuzhengError:
    if failure.kind == "MissingDependencyError":
        return MissingDependencyError(failure.message, hint=failure.hint)
    return ExtractError(
        failure.message, url=page.final_url, reason=failure.reason, hint=failure.hint
    )


_BROKE = Message("reading it broke the reader")
_CLOSED = Message("reading was ended")
_TOO_MUCH_MEMORY = Message("reading it takes too much memory")
_WILL_NOT_START = Message("the reading process does not start")
_DOCTOR = Message("assistant doctor says what is missing")


def _too_slow(seconds: float) -> Message:
    return Message("reading it takes longer than {seconds:g} s", seconds=seconds)


def _failed(page: Page, message: Message, *, hint: Message = NO_MESSAGE) -> ExtractError:
    return ExtractError(message, url=page.final_url, reason="too_large", hint=hint)
