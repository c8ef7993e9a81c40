"""From data files to `runs/<name>/data`: two passes, and memory that hardly grows with the rows.

The first pass reads, cleans and counts, and lays each row that stays on disk; of a row some 250
bytes are remembered (80 of numbers, a digest with its place). Splits are known once all rows are.
The second pass copies lines from disk into the splits' files; only rows that training sees in
other forms (windows, key rows, varied questions) are looked into again.
"""

import contextlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from finetune.data.augmentation import Augmenter
from finetune.data.dedupe import NearRows
from finetune.data.first_pass import Intake, line_of
from finetune.data.oversampling import times_shown
from finetune.data.quality import Quality, Written, measure
from finetune.data.quality_page import page
from finetune.data.splitting import SPLITS, assign, number_of, opening
from finetune.data.spool import Spool, atomic_file
from finetune.data.windows import windows
from finetune.errors import DataError
from finetune.progress import Progress, ProgressStage
from finetune.recipe import Recipe
from finetune.records import Record, from_json
from finetune.runs import Run, write_atomically
from ingest.foundation.messages import SEMICOLON, Message, describe_os_error, join_messages

READING = Message("reading and cleaning")
COMPARING = Message("looking for rows that are nearly alike")
WRITING = Message("writing the splits")

UNLABELLED = Message(
    "data.split.stratify has no effect: no row has a label (data.map names the field)"
)

TOLD_REASONS = 3
TOLD_EVERY = 2_000

Splits = npt.NDArray[np.int8]


def prepare(recipe: Recipe, run: Run, *, progress: Progress) -> Quality:
    """Make the data ready and return what it is like.

    Writes train.jsonl, val.jsonl, test.jsonl, quarantine.jsonl (bad rows with their reasons),
    duplicates.jsonl (which row was like which), quality.json, quality.html and sample.csv (a tenth
    of the rows for people to judge), each of them whole or not at all.

    Raises:
        DataError: a file cannot be read, no rows are left, too many of them are bad, or there are
            too few to validate on; also if the folder cannot be written to.
    """
    try:
        run.data.mkdir(parents=True, exist_ok=True)
        with Spool(run.data) as spool:
            intake = _read(recipe, run, spool, progress)
            _refuse_bad(recipe, run, intake)
            if intake.quarantined:
                progress.note(_told_bad(run, intake))
            if recipe.data.split.stratify and not any(intake.columns.label_codes):
                progress.note(UNLABELLED)
            splits = _split(recipe, intake)
            with progress.stage(WRITING, total=len(spool)) as stage:
                written = _Writer(recipe, intake, splits).write(run.data, spool, stage)
            quality, sheet = measure(intake, splits, name=recipe.name, written=written)
        write_atomically(run.data / "quality.html", page(quality, recipe.language))
        write_atomically(run.data / "sample.csv", sheet)
        write_atomically(run.data / "quality.json", quality.to_json())
    except OSError as error:
        raise _unwritable(run.data, error) from error
    return quality


def _read(recipe: Recipe, run: Run, spool: Spool, progress: Progress) -> Intake:
    """Take all rows in, and drop those that are nearly alike."""
    with (
        atomic_file(run.data / "quarantine.jsonl") as quarantine,
        atomic_file(run.data / "duplicates.jsonl") as duplicates,
        contextlib.ExitStack() as stack,
    ):
        near = None
        if recipe.data.dedupe == "near":
            near = stack.enter_context(NearRows(threshold=recipe.data.near, folder=run.data))
        intake = Intake(
            recipe.data,
            seed=recipe.seed,
            spool=spool,
            quarantine=quarantine,
            duplicates=duplicates,
        )
        with progress.stage(READING) as stage:
            intake.read(recipe, stage, near=near)
        if near is not None:
            with progress.stage(COMPARING):
                intake.drop_near(near)
    return intake


def _split(recipe: Recipe, intake: Intake) -> Splits:
    """Return the split of each row of the spool; those of dropped rows mean nothing."""
    columns, kept = intake.columns, ~intake.dropped
    splits = np.zeros(len(columns), dtype=np.int8)
    splits[kept] = assign(
        np.frombuffer(columns.groups, dtype=np.uint64)[kept],
        recipe.data.split,
        labels=np.frombuffer(columns.labels, dtype=np.int64)[kept],
        names=list(columns.label_codes),
        seed=recipe.seed,
    )
    return splits


class _Writer:
    """The second pass."""

    def __init__(self, recipe: Recipe, intake: Intake, splits: Splits) -> None:
        data = recipe.data
        self._data = data
        self._seed = recipe.seed
        self._intake = intake
        self._splits = splits
        self._augmenter = Augmenter(
            data.augment, folder=recipe.folder, seed=recipe.seed, kept=data.instruction
        )
        asked = np.frombuffer(intake.columns.questions, dtype=np.uint64)
        held_out = (splits > 0) & ~intake.dropped
        self._held_out = frozenset(asked[held_out].tolist()) if data.augment.copies else frozenset()
        self._counts: Counter[str] = Counter()

    def write(self, folder: Path, spool: Spool, stage: ProgressStage) -> Written:
        """Write the splits' files and return what they hold."""
        with contextlib.ExitStack() as stack:
            files = [
                stack.enter_context(atomic_file(folder / f"{split}.jsonl")) for split in SPLITS
            ]
            for number, line in enumerate(spool):
                if not self._intake.dropped[number]:
                    self._copy(line, int(self._splits[number]), files)
                if (number + 1) % TOLD_EVERY == 0:
                    stage.advance(TOLD_EVERY)
        counts = self._counts
        return Written(
            records={split: counts[split] for split in SPLITS},
            windows=counts["windows"],
            oversampled=counts["oversampled"],
            augmented=counts["augmented"],
            leaking=counts["leaking"],
        )

    def _copy(self, line: bytes, split: int, files: list[IO[bytes]]) -> None:
        name, data = SPLITS[split], self._data
        varied = name == "train" and (data.oversample or data.augment.copies)
        if not varied and not data.window.characters:
            self._counts[name] += 1
            files[split].write(line + b"\n")
            return
        for record in self._shapes(from_json(json.loads(line)), training=name == "train"):
            self._counts[name] += 1
            files[split].write(line_of(record) + b"\n")

    def _shapes(self, record: Record, *, training: bool) -> Iterator[Record]:
        """Yield a record's windows; in training, key ones repeated and varied copies besides."""
        for number, window in enumerate(windows(record, self._data.window)):
            self._counts["windows"] += number > 0
            yield window
            if not training:
                continue
            for _ in range(times_shown(window, self._data.oversample) - 1):
                self._counts["oversampled"] += 1
                yield window
            for copy in self._augmenter.copies(window):
                leaks = number_of(opening(copy), seed=self._seed) in self._held_out
                self._counts["leaking" if leaks else "augmented"] += 1
                if not leaks:
                    yield copy


def _refuse_bad(recipe: Recipe, run: Run, intake: Intake) -> None:
    """Stop if no rows are left, or if so many are bad that the recipe must be wrong.

    Raises:
        DataError: it says why; quarantine.jsonl has the rows.
    """
    share, most = intake.quarantined / intake.rows, recipe.data.max_bad_share
    if intake.quarantined < intake.rows and share <= most:
        return
    why, path = _main_reasons(intake), run.data / "quarantine.jsonl"
    raise DataError(
        Message(
            "{quarantined:,} of {rows:,} rows cannot be used ({share:.0%}, "
            "data.max_bad_share is {most:.0%}): {why}",
            quarantined=intake.quarantined,
            rows=intake.rows,
            share=share,
            most=most,
            why=why,
        ),
        hint=Message("all of them are in {path}; is data.reader or data.map right?", path=path),
    )


def _told_bad(run: Run, intake: Intake) -> Message:
    """Say how many rows were put aside, why, and which they are."""
    why, path = _main_reasons(intake), run.data / "quarantine.jsonl"
    return Message(
        "{quarantined:,} of {rows:,} rows cannot be used: {why}; see {path}",
        quarantined=intake.quarantined,
        rows=intake.rows,
        why=why,
        path=path,
    )


def _main_reasons(intake: Intake) -> Message:
    """Return the most frequent reasons with the rows that they were first met in."""
    told = []
    for reason in intake.reasons.most_frequent(TOLD_REASONS):
        count, rows = intake.reasons.counts[reason], intake.reasons.examples[reason]
        where = ", ".join(rows)
        told.append(
            Message("{count:,} × {reason} ({where})", count=count, reason=reason, where=where)
        )
    return join_messages(told, SEMICOLON)


def _unwritable(folder: Path, error: OSError) -> DataError:
    why = describe_os_error(error)
    return DataError(
        Message("cannot write into {folder}: {why}", folder=folder, why=why),
        hint=Message("free some space or name another folder: --runs FOLDER"),
    )
