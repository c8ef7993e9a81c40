"""The process that extracts pages for `ingest.extract.worker_pool.ReaderPool`.

It takes one page at a time from its standard input and writes the document, or why there is none,
to its standard output. Its input was written by strangers, so it is meant to be killed: it holds
nothing that another process needs, never uses the network, and is limited in memory.
"""

import contextlib
import json
import os
import pickle
import select
import signal
import sys
import threading
import unicodedata
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from ingest.documents import Page
from ingest.errors import ExtractError, IngestError
from ingest.extract.archives import (
    ArchiveContent,
    NoRoomError,
    list_archive,
    unpack_archive,
)
from ingest.extract.base import DamagedFileError
from ingest.extract.blocks.trafilatura_text import import_trafilatura
from ingest.extract.extractor import extract, read_file
from ingest.extract.formats.long_work import allow_long_work
from ingest.extract.jobs import ArchiveJob, Job
from ingest.foundation.errors import MissingDependencyError, QiuzhengError
from ingest.foundation.ipc import receive, send
from ingest.foundation.messages import Message, plain
from ingest.foundation.telemetry import disable_telemetry

MAX_TEXT = 200_000
"""Characters of a page that are kept: a short novel, 35,000 English words. Splitting and pruning
what is kept happens in the parent process. For ten such pages at once, of one-letter lines, that
takes 300 MB; for 500,000 characters it took 570. Over all of a page's 5 MB one regular expression
stops everything for 0.4 s, counting ideographs for 0.7 s (bench/README.md)."""
CUT_MARK = "\n\n[…]"
MAX_FILE_TEXT = 2_000_000
"""Characters of a local file that are kept: a person named it, and a report of 300 pages
has 977,000. Files are split one at a time, unlike pages."""
MAX_FIELD = 2_000
"""Characters of a title, an author, an address."""
ALARM_GRACE_S = 1.0
"""Seconds beyond a page's time after which this process ends itself: the parent that should have
killed it is gone."""
MAX_JOB = 1 << 32
"""Bytes of a pickled page. Only the parent writes them, so that this is no protection."""


def main() -> None:
    """Extract pages until standard input ends. Arguments: bytes of memory that may be used."""
    # The pipes to the parent, with /dev/null in their place: what a library prints would otherwise
    # are between two replies, and be taken for one.
    jobs = os.fdopen(os.dup(0), "rb", buffering=0)
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream_number in (0, 1):
        os.dup2(nothing, stream_number)
    with contextlib.suppress(OSError):  # Linux alone has it: if memory runs out, take this one
        Path("/proc/self/oom_score_adj").write_text("1000")
    with contextlib.suppress(ImportError):
        import resource  # noqa: PLC0415  not on Windows

        # Heap and private mappings since Linux 4.7. RLIMIT_AS counts reserved addresses, too, of
        # which numpy's threads alone take gigabytes. No core: it would write the page to the disk.
        limits = ((resource.RLIMIT_DATA, int(sys.argv[-1])), (resource.RLIMIT_CORE, 0))
        for limit, value in limits:
            with contextlib.suppress(OSError, ValueError):  # a system that does not know it
                resource.setrlimit(limit, (value, value))
    disable_telemetry()
    threading.Thread(target=_exit_with_parent, args=(jobs,), daemon=True).start()
    import_trafilatura()
    with contextlib.suppress(EOFError, OSError):
        send(replies, b"")  # ready: the parent's clock for the first page starts only now
        while True:
            # Unpickling runs code, and is for what our own parent says. Replies go back as JSON,
            # since a page may have taken this process over.
            job, seconds = pickle.loads(receive(jobs, limit=MAX_JOB))  # noqa: S301
            exit_after(seconds + ALARM_GRACE_S)
            send(replies, _reply_to(job, partial(_go_on, replies, seconds)))
            exit_after(0)


def _go_on(replies: BinaryIO, seconds: float) -> None:
    """Tell the parent that a part is done, and begin the time of the next one."""
    send(replies, b"")
    exit_after(seconds + ALARM_GRACE_S)


def exit_after(seconds: float) -> None:
    """Have the system end this process after `seconds` (0: never), even inside a library."""
    # A regular expression keeps the GIL for its whole run, so that `_exit_with_parent` cannot see
    # that the parent is gone. SIGALRM has no handler: its default action needs no Python.
    if hasattr(signal, "setitimer"):  # not on Windows
        signal.setitimer(signal.ITIMER_REAL, seconds)


def truncate(text: str, *, limit: int) -> str:
    """Return `text`, cut behind a paragraph if it has more than `limit` characters.

    Counted are the characters after NFKC, on which `ingest.text.words.words` works.
    """
    start = text[:limit]
    # NFKC makes 18 characters of one U+FDFA: a page of those would be 18 times as long as it looks.
    folded = len(unicodedata.normalize("NFKC", start))
    end = limit if folded <= limit else limit * limit // folded
    if len(text) <= end:
        return text
    border = max(text.rfind("\n\n", end // 2, end), text.rfind("\n", end * 9 // 10, end))
    return text[: border if border > 0 else end].rstrip() + CUT_MARK


def _open_archive(job: ArchiveJob) -> ArchiveContent:
    try:
        if job.folder is None:
            return list_archive(job.path)
        return unpack_archive(job.path, job.folder)
    except NoRoomError as error:
        raise ExtractError(
            Message("there is no room to unpack {path}", path=job.shown),
            url=job.shown.as_uri(),
            reason="too_large",
            hint=Message("free some disk space or memory, and try again"),
        ) from error
    except DamagedFileError as error:
        raise ExtractError(
            Message("{path} is damaged or protected", path=job.shown),
            url=job.shown.as_uri(),
            reason="unsupported",
            hint=Message("open it in its own program and save it again"),
        ) from error


def _result_of(job: Job) -> dict[str, object]:
    """Return what is asked for, as what JSON can hold."""
    if isinstance(job, ArchiveJob):
        return {"archive": asdict(_open_archive(job))}
    if isinstance(job, Page):
        document = extract(job)
        text = truncate(document.text, limit=MAX_TEXT)
    else:
        # The text of a local file may be longer.
        document = read_file(job.path, shown=job.shown)
        text = truncate(document.text, limit=MAX_FILE_TEXT)
        if len(text) < len(document.text):
            cut = Message(
                "only its first {count:,} {count:?character is|characters are} stored",
                count=len(text),
            )
            document = replace(document, notes=(*document.notes, cut))
    fields = {
        name: value[:MAX_FIELD] if isinstance(value, str) else plain(value)
        for name, value in asdict(replace(document, text="")).items()
    }
    return {"document": fields | {"text": text}}


def _reply_to(job: Job, on_progress: Callable[[], None]) -> bytes:
    """Return the result or the error, and the memory that this process holds, as JSON."""
    reply: dict[str, object]
    try:
        if isinstance(job, Page):
            reply = _result_of(job)
        else:
            with allow_long_work(on_progress):
                reply = _result_of(job)
    except QiuzhengError as error:
        reply = {
            "failure": {
                "kind": "MissingDependencyError"
                if isinstance(error, MissingDependencyError)
                else "ExtractError",
                "message": error.message.in_each_language(),
                "hint": error.hint.in_each_language(),
                "reason": error.reason if isinstance(error, IngestError) else "unsupported",
            }
        }
    except MemoryError:
        reply = {"is_out_of_memory": True}
    except Exception as error:  # noqa: BLE001  libraries may raise anything over a broken file
        reply = {"broken_by": type(error).__name__}
    reply["held_bytes"] = 0  # where the system does not say
    with contextlib.suppress(OSError, ValueError):
        resident = Path("/proc/self/statm").read_text().split()[1]
        reply["held_bytes"] = int(resident) * os.sysconf("SC_PAGE_SIZE")
    # "replace": pages hold lone surrogates, which UTF-8 cannot carry.
    return json.dumps(reply, default=str, ensure_ascii=False).encode("utf-8", "replace")


def _exit_with_parent(jobs: BinaryIO) -> None:
    """End at once when the parent is gone, in whatever way, even while a page is extracted."""
    # The main thread notices only when it reads the next page. A parent that was killed with
    # SIGKILL cannot tell us anything, but the kernel closes its end of the pipe.
    if not hasattr(select, "poll"):  # Windows
        return
    poll = select.poll()
    poll.register(jobs, 0)  # no events: the hang-up is always reported
    poll.poll()
    os._exit(0)  # sys.exit would end this thread alone
