"""`runs/<name>/`: what each step leaves behind, and which steps need not be done again."""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import filelock

from finetune.errors import BaseModelError, FinetuneError, RecipeError
from finetune.records import Record, Split, from_json
from ingest.foundation.messages import Message

StepName = str
"""prepare, train, merge, evaluate-MODEL or export-TARGET: its key in state.json."""


class Run:
    """The folder of one run. Files appear whole or not at all, so that a step can be cut short.

    `state.json` holds, for each step that is done, the digest of its inputs and its figures.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def data(self) -> Path:
        """Prepared data: train.jsonl, val.jsonl, test.jsonl, quarantine.jsonl, quality.json."""
        return self.folder / "data"

    @property
    def train(self) -> Path:
        """Training: log.jsonl, plots, checkpoints/, summary.json."""
        return self.folder / "train"

    @property
    def adapter(self) -> Path:
        """The best adapter, or the whole model if all of it was trained."""
        return self.folder / "adapter"

    @property
    def merged(self) -> Path:
        """Base and adapter in one model folder."""
        return self.folder / "merged"

    @property
    def evaluation(self) -> Path:
        """Predictions and figures, one pair of files for each model."""
        return self.folder / "evaluation"

    @property
    def exports(self) -> Path:
        """What servers load: GGUF files and model folders, one folder for each target."""
        return self.folder / "export"

    def records(self, split: Split) -> Iterator[Record]:
        """Yield the prepared records of a split.

        Raises:
            RecipeError: `prepare` has not been run, or its file is broken.
        """
        path = self.data / f"{split}.jsonl"
        if not path.is_file():
            raise RecipeError(
                Message("there is no {path}", path=path),
                hint=Message("run first: python -m finetune prepare RECIPE"),
            )
        # Bytes, not text: what is not UTF-8 is then the fault of one line, which can be named.
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    yield from_json(json.loads(line))
                except (ValueError, KeyError, TypeError) as error:
                    raise RecipeError(
                        Message("{path}: line {number} is broken", path=path, number=number),
                        hint=Message("prepare again"),
                    ) from error

    def is_finished(self, step: StepName, digest: str) -> bool:
        """Return whether `step` was done with the inputs of this digest."""
        return bool(self._state().get(step, {}).get("digest") == digest)

    @contextlib.contextmanager
    def step(self, step: StepName, digest: str) -> Iterator[dict[str, Any]]:
        """Record that `step` was done once the block ends without an error.

        The block may put figures worth keeping into the mapping that it gets.

        Raises:
            FinetuneError: another process is at work in this folder.
        """
        # Of processes that train together the first one alone holds the lock and writes the state.
        if os.environ.get("RANK", "0") != "0":
            yield {}
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        # A lock of the operating system, which is gone when its process is killed: a lock file
        # that is merely there would have to be removed by hand.
        lock = filelock.FileLock(self.folder / ".lock")
        try:
            held_lock = lock.acquire(timeout=0)
        except filelock.Timeout as error:
            raise FinetuneError(
                Message("another process is at work in {folder}", folder=self.folder),
                hint=Message("wait for it, or stop it"),
            ) from error
        with held_lock:
            begun = time.monotonic()
            figures: dict[str, Any] = {}
            before = self._state().get(step)
            # Removed first: a step that is killed has overwritten half of its files.
            self._record(step, None)
            try:
                yield figures
            except (RecipeError, BaseModelError):
                # A step that rejects its inputs has written nothing yet: what it did before holds.
                self._record(step, before)
                raise
            finished = datetime.now(UTC).isoformat(timespec="milliseconds")
            seconds = round(time.monotonic() - begun, 3)
            entry = {"digest": digest, "finished": finished, "seconds": seconds, **figures}
            self._record(step, entry)

    def finished_at(self, step: StepName) -> str:
        """Return when a step was last finished (ISO 8601, UTC), "" if it was not."""
        return str(self.figures(step).get("finished", ""))

    def figures(self, step: StepName) -> Mapping[str, Any]:
        """Return what a finished step left in the state, nothing if it was not done."""
        figures: Mapping[str, Any] = self._state().get(step, {})
        return figures

    def _state(self) -> dict[str, Any]:
        try:
            state = json.loads((self.folder / "state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}  # missing or broken: every step is done again, and nothing is lost
        return state if isinstance(state, dict) else {}

    def _record(self, step: StepName, entry: Mapping[str, Any] | None) -> None:
        """Write the state with `entry` for a step; None removes the step."""
        # Read again each time, not kept: the run's report and other commands read this file.
        state = {name: value for name, value in self._state().items() if name != step}
        if entry is not None:
            state[step] = dict(entry)
        write_atomically(
            self.folder / "state.json", json.dumps(state, ensure_ascii=False, indent=1)
        )


def write_atomically(path: Path, text: str) -> None:
    """Write a text file so that a reader sees the old one or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as file:
        file.write(text.encode())


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file of JSON lines that this program has written."""
    # Iterated, not `splitlines`: that also splits at U+2028, which JSON strings may hold.
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that appears under its name once the block ends well; else the old one stays."""
    # In the same folder, since a rename is atomic only within one file system; with the process's
    # number, since two commands may write the same report.
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def digest_of(*parts: Any) -> str:
    """Return 16 hex digits of SHA-256 over values that JSON knows; files count by their content."""
    total = hashlib.sha256()
    for part in parts:
        if not isinstance(part, Path):
            total.update(json.dumps(part, sort_keys=True, ensure_ascii=False, default=str).encode())
        elif part.is_file():
            with part.open("rb") as file:
                total.update(hashlib.file_digest(file, "sha256").digest())
        else:
            total.update(b"missing")
        total.update(b"\0")  # so that ("ab", "c") and ("a", "bc") differ
    return total.hexdigest()[:16]
