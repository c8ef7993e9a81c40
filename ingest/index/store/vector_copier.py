"""Carries the journal to Chroma in a process of its own.

Chroma keeps Python's interpreter lock while it inserts and while it writes its graph to the disk:
at 100,000 vectors every other thread of the process stood still for up to 1.4 s, writers and
questions with it. Another process has a lock of its own.
"""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import ingest
from ingest.errors import StoreError

log = logging.getLogger(__name__)

WORK, MORE, DONE, FAILED = b"work\n", b"more\n", b"done\n", b"failed\n"
"""What is asked of the process, and what it answers: `MORE` after each batch but the last."""
MAX_SILENCE_S = 60.0
"""Longest wait for an answer. A batch takes .5 s, the lock of another process 30 s, the import of
Chroma on a busy machine 10 s: who is silent for longer hangs, and is killed."""
EXIT_S = 10.0
"""Seconds for the batch under way. Chroma's writing of its graph is longest: .5 s at 100,000."""

BATCH = 160
"""Vectors carried at once: a question that wants the lock waits .2 s at 100,000, and no thread of
this process wants Python's."""
SCANNED_BATCH = 500
"""The same for an index whose questions compare with all vectors themselves. Chroma takes 3 to
18 % less CPU than in batches of 160; larger ones gain nothing (bench/README.md)."""
PAUSE_S = 0.012
"""Between two batches. Longer than others take to look whether the lock is free: a question is to
get it."""

# As readers are started (`ingest.extract.worker_pool`): no folder is put on the path, in which a
# module of the same name would be imported in place of ours.
_PROGRAM = """
import sys
from importlib import util
from pathlib import Path
spec = util.spec_from_file_location("ingest", sys.argv[1])
sys.modules["ingest"] = package = util.module_from_spec(spec)
spec.loader.exec_module(package)
from ingest.bootstrap import serve_vector_copier
serve_vector_copier(Path(sys.argv[2]), Path(sys.argv[3]))
"""


class VectorCopier:
    """A process that brings Chroma's folder up to date on request; started with the first one.

    Args:
        catalog: File of the index.
        folder: Chroma's.
    """

    def __init__(self, catalog: Path, folder: Path) -> None:
        self._command = [sys.executable, "-P", "-c", _PROGRAM, str(ingest.__file__)]
        self._command += [str(catalog), str(folder)]
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_closed = False

    @property
    def is_running(self) -> bool:
        """Whether the process was started and has not ended."""
        process = self._process
        return process is not None and process.poll() is None

    def update(self) -> bool:
        """Return once the copy is up to date, or False when the process could not make it so.

        One thread at a time calls it. `stop` lets it return at once after the batch under way.
        """
        with self._lock:
            if self._is_closed:
                return True
            if self._process is None:
                try:
                    self._process = self._start()
                except OSError as error:  # Python was removed or replaced, or no process is left
                    log.info("no process can be started that carries vectors: %s", error)
                    return False
            process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        answer = b""
        # It may have been killed, and `stop` may close the pipes meanwhile.
        with suppress(OSError, ValueError):
            process.stdin.write(WORK)
            while (answer := self._next_answer(process)) == MORE:
                pass
        with self._lock:
            if self._is_closed or answer == DONE:
                return True
            self._reap()
        log.info("the process that carries vectors has ended: %s", answer.decode().strip() or "-")
        return False

    def stop(self) -> None:
        """Have the process end after the batch under way, and wait for that. May be called twice.

        Not killed in its batch: Chroma's folder would have to be filled again.
        """
        with self._lock:
            self._is_closed = True
            self._reap()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603  ourselves
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            # Ctrl-C is for the parent; a batch that is cut off costs a new copy of all.
            start_new_session=True,
        )

    def _next_answer(self, process: subprocess.Popen[bytes]) -> bytes:
        """Return the next line of the process, b"" when it has ended or hangs and is killed."""
        assert process.stdout is not None
        # No system reads a pipe with a limit of time alike; a killed process ends the read.
        watchdog = threading.Timer(MAX_SILENCE_S, process.kill)
        watchdog.start()
        try:
            return process.stdout.readline()
        finally:
            watchdog.cancel()

    def _reap(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()  # what it ends at
        try:
            process.wait(timeout=EXIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def serve_copies(carry_out_batch: Callable[[], bool]) -> None:
    """Be the process: carry all out whenever a line is read, until the input ends.

    Args:
        carry_out_batch: Carries a batch out and returns whether there is more to do.
    """
    requests = threading.Semaphore(0)
    is_over = threading.Event()

    def listen() -> None:
        while os.read(0, len(WORK)):
            requests.release()
        is_over.set()
        requests.release()

    # A thread of its own: the end of the input, which is the end of the parent, also one by
    # kill -9, is to be seen between two batches.
    threading.Thread(target=listen, daemon=True).start()
    while requests.acquire() and not is_over.is_set():
        answer = DONE
        try:
            while carry_out_batch() and not is_over.wait(PAUSE_S):
                with suppress(OSError):  # the parent has ended: `is_over` is about to be set
                    os.write(1, MORE)
        except StoreError as error:
            log.info("vectors wait in the journal: %s", error)
            answer = FAILED
        if not is_over.is_set():
            os.write(1, answer)
