"""The process that reads pages for `ingest.extract.worker_pool.ReaderPool`.

It takes one page at a time from its standard input and writes what became of it to its standard
output. What it handles was written by strangers, so it is meant to be killed: it holds nothing
that anybody else needs, never asks the network, and may not use more memory than it was given.
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
from dataclasses import asdict, replace
from pathlib import Path
from typing import BinaryIO

from ingest.documents import Document, Page
from ingest.errors import IngestError
from ingest.extract.extractor import extract, preload
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.ipc import receive, send
from ingest.foundation.messages import Message
from ingest.foundation.telemetry import disable_telemetry

MAX_TEXT = 200_000
"""Characters of a page that are kept: a short novel, 35,000 English words. Splitting and pruning
what is kept happens in the asking process. For ten such pages at once, of one-letter lines, that
takes 300 MB; for 500,000 characters it took 570. Over all of a page's 5 MB one regular expression
stops everything for 0.4 s, counting ideographs for 0.7 s (bench/README.md)."""
CUT_MARK = "\n\n[…]"
MAX_FIELD = 2_000
"""Characters of a title, an author, an address."""
ALARM_GRACE_S = 1.0
"""Seconds beyond a page's time after which this process ends itself: whoever should have killed
it has gone."""
LONGEST_JOB = 1 << 32


def main() -> None:
    """Read pages until standard input ends. Arguments: bytes of memory that may be used."""
    jobs, answers = _pipes()
    _limit(memory_bytes=int(sys.argv[-1]))
    disable_telemetry()
    threading.Thread(target=_end_with_parent, args=(jobs,), daemon=True).start()
    preload()
    with contextlib.suppress(EOFError, OSError):
        send(answers, b"")  # ready
        while True:
            page, seconds = pickle.loads(receive(jobs, limit=LONGEST_JOB))  # noqa: S301  our own
            end_after(seconds + ALARM_GRACE_S)
            send(answers, _reply(page))
            end_after(0)


def end_after(seconds: float) -> None:
    """Have the system end this process after `seconds` (0: never), even inside a library.

    A regular expression lets no thread of Python run, so `_end_with_parent` alone is not enough.
    """
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def within(text: str, *, limit: int) -> str:
    """Return `text`, cut behind a paragraph if it has more than `limit` characters.

    Counted is what `ingest.text.words.words` works on: NFKC makes 18 characters of some.
    """
    start = text[:limit]
    folded = len(unicodedata.normalize("NFKC", start))
    end = limit if folded <= limit else limit * limit // folded
    if len(text) <= end:
        return text
    border = max(text.rfind("\n\n", end // 2, end), text.rfind("\n", end * 9 // 10, end))
    return text[: border if border > 0 else end].rstrip() + CUT_MARK


def _reply(page: Page) -> bytes:
    """Return the document or the error as JSON: whoever asks unpickles nothing that we say."""
    found: dict[str, object]
    try:
        found = {"document": _bounded(extract(page))}
    except QiuzhengError as error:
        found = {"failure": _failure(error)}
    except MemoryError:
        found = {"memory_spent": True}
    found["held_bytes"] = _held_bytes()
    return json.dumps(found, default=str, ensure_ascii=False).encode()


def _bounded(document: Document) -> dict[str, object]:
    fields = {
        name: _sound(value[:MAX_FIELD]) if isinstance(value, str) else value
        for name, value in asdict(replace(document, text="")).items()
    }
    return fields | {"text": _sound(within(document.text, limit=MAX_TEXT))}


def _sound(text: str) -> str:
    """Return `text` without lone surrogates, which JSON cannot carry."""
    return text.encode("utf-8", "replace").decode()


def _failure(error: QiuzhengError) -> dict[str, object]:
    return {
        "kind": type(error).__name__,
        "message": _both(error.message),
        "hint": _both(error.hint),
        "reason": error.reason if isinstance(error, IngestError) else "unsupported",
    }


def _both(wording: Message) -> dict[str, str]:
    return {name: _sound(text) for name, text in wording.in_each_language().items()}


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep the two pipes to ourselves: what a library prints would be taken for an answer."""
    pipes = os.fdopen(os.dup(0), "rb", buffering=0), os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDWR)
    for taken in (0, 1):
        os.dup2(nothing, taken)
    return pipes


def _limit(*, memory_bytes: int) -> None:
    """Bound what this process may use. Systems that do not know a limit leave it out."""
    with contextlib.suppress(OSError):  # Linux alone has it: if memory runs out, take this one
        Path("/proc/self/oom_score_adj").write_text("1000")
    try:
        import resource  # noqa: PLC0415  not on every system
    except ImportError:
        return
    # Heap and private mappings since Linux 4.7. RLIMIT_AS counts reserved addresses, too, of which
    # numpy's threads alone take gigabytes.
    for limit, value in ((resource.RLIMIT_DATA, memory_bytes), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(limit, (value, value))


def _held_bytes() -> int:
    """Return the memory that this process holds now, 0 where the system does not say."""
    with contextlib.suppress(OSError, ValueError):
        resident = Path("/proc/self/statm").read_text().split()[1]
        return int(resident) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _end_with_parent(jobs: BinaryIO) -> None:
    """End at once when the asking process has gone, in whatever way, while a page is read."""
    if not hasattr(select, "poll"):
        return
    watch = select.poll()
    watch.register(jobs, 0)  # nothing but its hang-up
    watch.poll()
    os._exit(0)
