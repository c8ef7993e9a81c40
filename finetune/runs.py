"""`runs/<name>/`: what each step leaves behind, and which steps need not be done again."""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import filelock

from finetune.errors import BaseModelError, FinetuneError, RecipeError
from finetune.records import Record, Split, from_json
from ingest.foundation.messages import Message

StepName = str
"""prepare, train, merge, evaluate-MODEL, export-TARGET."""


class Run:
    """The folder of one run. Files appear whole or not at all, so that a step can be cut short."""

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
        """What is handed to servers."""
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
        with path.open("rb") as lines:  # so that bytes that are no text are one line's fault, too
            for number, line in enumerate(lines, start=1):
                try:
                    yield from_json(json.loads(line))
                except (ValueError, KeyError, TypeError) as error:
                    raise RecipeError(
                        Message("{path}: line {number} is broken", path=path, number=number),
                        hint=Message("prepare again"),
                    ) from error

    def finished(self, step: StepName, digest: str) -> bool:
        """Tell whether `step` was done with these very inputs."""
        return bool(self._state().get(step, {}).get("digest") == digest)

    @contextlib.contextmanager
    def doing(self, step: StepName, digest: str) -> Iterator[dict[str, Any]]:
        """Remember that `step` was done once the block ends well.

        The block may put figures worth keeping into the mapping that it gets. A step that refuses
        its inputs has written nothing: what was known of it before stays.

        Raises:
            FinetuneError: another process is at work in this folder.
        """
        if os.environ.get("RANK", "0") != "0":
            yield {}  # of processes that train together, the first one keeps the books
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            begun = time.monotonic()
            figures: dict[str, Any] = {}
            before = self._state().get(step)
            self._put(step, None)
            try:
                yield figures
            except (RecipeError, BaseModelError):
                self._put(step, before)
                raise
            finished = datetime.now(UTC).isoformat(timespec="milliseconds")
            seconds = round(time.monotonic() - begun, 3)
            self._put(step, {"digest": digest, "finished": finished, "seconds": seconds, **figures})

    def ended(self, step: StepName) -> str:
        """Return when a step was last done, "" if it was not."""
        return str(self.figures(step).get("finished", ""))

    def figures(self, step: StepName) -> Mapping[str, Any]:
        """Return what a finished step left in the state, nothing if it was not done."""
        figures: Mapping[str, Any] = self._state().get(step, {})
        return figures

    def _state(self) -> dict[str, Any]:
        try:
            state = json.loads((self.folder / "state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}  # unreadable: every step is done again, nothing is lost
        return state if isinstance(state, dict) else {}

    def _put(self, step: StepName, entry: Mapping[str, Any] | None) -> None:
        state = {name: value for name, value in self._state().items() if name != step}
        if entry is not None:
            state[step] = dict(entry)
        write_whole(self.folder / "state.json", json.dumps(state, ensure_ascii=False, indent=1))

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        lock = filelock.FileLock(self.folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout as error:
            raise FinetuneError(
                Message("another process is at work in {folder}", folder=self.folder),
                hint=Message("wait for it, or stop it"),
            ) from error
        try:
            yield
        finally:
            lock.release()


def write_whole(path: Path, text: str) -> None:
    """Write a text file so that a reader sees the old one or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def digest_of(*parts: Any) -> str:
    """Return a short digest of values that JSON knows; files count by their content."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            total.update(_content(part))
        else:
            total.update(json.dumps(part, sort_keys=True, ensure_ascii=False, default=str).encode())
        total.update(b"\0")
    return total.hexdigest()[:16]


def _content(path: Path) -> bytes:
    if not path.is_file():
        return b"missing"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
