"""From data files to `runs/<name>/data`: two passes, and memory that hardly grows with the rows.

The first pass reads, cleans and counts, and lays each row that stays on disk; of a row some 250
bytes stay in memory (89 of numbers, a digest with its place). Splits are known once all rows are.
The second pass copies lines from disk into the splits' files; only rows that training sees in
other forms (windows, key rows, varied questions) are parsed again.
"""

import contextlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from finetune.data.augmentation import Augmenter
from finetune.data.dedupe import SimilarRows
from finetune.data.first_pass import ADVANCE_EVERY, FirstPass, encode_line
from finetune.data.notes import row_notes
from finetune.data.oversampling import times_shown
from finetune.data.quality import Quality, WrittenRows, measure_quality
from finetune.data.quality_page import render_quality_page
from finetune.data.splitting import SPLITS, assign_splits, hash_text, opening_question
from finetune.data.temporary_lines import TemporaryLines
from finetune.data.windows import cut_windows
from finetune.errors import DataError
from finetune.progress import Progress, ProgressStage
from finetune.recipe import Recipe
from finetune.records import Split, from_json
from finetune.runs import Run, atomic_file, write_atomically
from ingest.foundation.messages import SEMICOLON, Message, describe_os_error, join_messages

READING = Message("reading and cleaning")
COMPARING = Message("looking for rows that are nearly alike")
WRITING = Message("writing the splits")

UNLABELLED = Message(
    "data.split.stratify has no effect: no row has a label (data.map names the field)"
)

NOTHING_MATCHES = Message("data.oversample has no effect: no training row holds what it names")

REASONS_SHOWN = 3
"""Reasons that a message names: one line of a terminal; quarantine.jsonl has all."""

TRAIN = SPLITS.index("train")
Splits = npt.NDArray[np.int8]
"""For each row the place of its split in `SPLITS`, without meaning for dropped ones: (rows,)."""


def prepare(recipe: Recipe, run: Run, *, progress: Progress) -> Quality:
    """Prepare the data and return its quality report.

    Writes train.jsonl, val.jsonl, test.jsonl, quarantine.jsonl (rejected rows with their reasons),
    duplicates.jsonl (which row was like which), quality.json, quality.html and sample.csv (a tenth
    of the rows for people to judge), each of them whole or not at all.

    Raises:
        DataError: a file cannot be read, no rows are left, too many of them are rejected, or there
            are too few to validate on; also if the folder cannot be written to.
    """
    try:
        run.data.mkdir(parents=True, exist_ok=True)
        with TemporaryLines(run.data) as lines:
            first_pass = _read_rows(recipe, run, lines, progress)
            _report_rejected(recipe, run, first_pass, progress)
            if recipe.data.split.stratify and not any(first_pass.columns.label_codes):
                progress.note(UNLABELLED)
            splits = _split_rows(recipe, first_pass)
            with progress.stage(WRITING, total=len(lines)) as stage:
                second_pass = _SecondPass(recipe=recipe, first_pass=first_pass, splits=splits)
                rows = second_pass.write(run.data, lines, stage)
            quality, sheet = measure_quality(first_pass, splits, name=recipe.name, written=rows)
        if recipe.data.oversample and not rows.oversampled:
            progress.note(NOTHING_MATCHES)
        for note in row_notes(quality):
            progress.note(note)
        write_atomically(run.data / "quality.html", render_quality_page(quality, recipe.language))
        write_atomically(run.data / "sample.csv", sheet)
        write_atomically(run.data / "quality.json", quality.to_json())
    except OSError as error:
        # Mostly a disk that is full. Data files that cannot be read are named where they are read.
        raise DataError(
            Message(
                "cannot write into {folder}: {why}",
                folder=run.data,
                why=describe_os_error(error),
            ),
            hint=Message("free some space or name another folder: --runs FOLDER"),
        ) from error
    return quality


def _split_rows(recipe: Recipe, first_pass: FirstPass) -> Splits:
    """Return the place in `SPLITS` of each row's split; of dropped rows, that of training."""
    columns = first_pass.columns
    splits = np.full(len(columns), TRAIN, dtype=np.int8)
    # Dropped rows are left out before: a stratum's shares count the rows that are there.
    is_shared = ~first_pass.dropped & (np.frombuffer(columns.train_only, dtype=np.int8) == 0)
    splits[is_shared] = assign_splits(
        np.frombuffer(columns.groups, dtype=np.uint64)[is_shared],
        recipe.data.split,
        labels=np.frombuffer(columns.labels, dtype=np.int64)[is_shared],
        names=list(columns.label_codes),
        seed=recipe.seed,
    )
    return splits


def _read_rows(recipe: Recipe, run: Run, lines: TemporaryLines, progress: Progress) -> FirstPass:
    """Read all rows, and drop those that are nearly alike if the recipe asks for it."""
    with (
        atomic_file(run.data / "quarantine.jsonl") as quarantine,
        atomic_file(run.data / "duplicates.jsonl") as duplicates,
        contextlib.ExitStack() as stack,
    ):
        similar = None
        if recipe.data.dedupe == "near":
            threshold = recipe.data.near
            similar = stack.enter_context(SimilarRows(threshold=threshold, folder=run.data))
        first_pass = FirstPass(
            data=recipe.data,
            seed=recipe.seed,
            lines=lines,
            quarantine=quarantine,
            duplicates=duplicates,
        )
        with progress.stage(READING) as stage:
            first_pass.read(recipe, stage, similar=similar)
        if similar is not None:
            with progress.stage(COMPARING):
                first_pass.drop_similar(similar)
    return first_pass


def _report_rejected(recipe: Recipe, run: Run, first_pass: FirstPass, progress: Progress) -> None:
    """Note how many rows were rejected and why.

    Raises:
        DataError: no rows are left, or so many are rejected that the recipe must be wrong.
    """
    broken, most = first_pass.quarantined - first_pass.expected, recipe.data.max_bad_share
    share = broken / first_pass.rows
    path = run.data / "quarantine.jsonl"
    reasons = [
        Message(
            "{count:,} × {reason} ({where})",
            count=first_pass.reasons.counts[reason],
            reason=reason,
            where=", ".join(first_pass.reasons.examples[reason]),
        )
        for reason in first_pass.reasons.most_frequent(REASONS_SHOWN)
    ]
    why = join_messages(reasons, SEMICOLON)
    if first_pass.quarantined < first_pass.rows and share <= most:
        if first_pass.quarantined:
            progress.note(
                Message(
                    "{quarantined:,} of {rows:,} {rows:?row|rows} cannot be used: {why}; "
                    "see {path}",
                    quarantined=first_pass.quarantined,
                    rows=first_pass.rows,
                    why=why,
                    path=path,
                )
            )
        return
    raise DataError(
        Message(
            "{quarantined:,} of {rows:,} {rows:?row|rows} cannot be used ({share:.0%}, "
            "data.max_bad_share is {most:.0%}): {why}",
            quarantined=first_pass.quarantined,
            rows=first_pass.rows,
            share=share,
            most=most,
            why=why,
        ),
        hint=Message("all of them are in {path}; is data.reader or data.map right?", path=path),
    )


class _SecondPass:
    """Copies the kept rows into the splits' files, in the forms that training sees."""

    def __init__(self, *, recipe: Recipe, first_pass: FirstPass, splits: Splits) -> None:
        data = recipe.data
        self._data = data
        self._seed = recipe.seed
        self._first_pass = first_pass
        self._splits = splits
        self._augmenter = Augmenter(
            data.augment, folder=recipe.folder, seed=recipe.seed, kept=data.instruction
        )
        # A varied question may be that of a held-out row, which would then be trained on.
        questions = np.frombuffer(first_pass.columns.questions, dtype=np.uint64)
        held_out = questions[(splits != TRAIN) & ~first_pass.dropped]
        self._held_out = frozenset(held_out.tolist()) if data.augment.copies else frozenset()
        self._counts: Counter[str] = Counter()

    def write(self, folder: Path, lines: TemporaryLines, stage: ProgressStage) -> WrittenRows:
        """Write the splits' files and return what they hold."""
        with contextlib.ExitStack() as stack:
            files = [
                stack.enter_context(atomic_file(folder / f"{split}.jsonl")) for split in SPLITS
            ]
            for number, line in enumerate(lines):
                if not self._first_pass.dropped[number]:
                    split = int(self._splits[number])
                    for form in self._forms(line, SPLITS[split]):
                        self._counts[SPLITS[split]] += 1
                        files[split].write(form + b"\n")
                if (number + 1) % ADVANCE_EVERY == 0:
                    stage.advance(ADVANCE_EVERY)
        counts = self._counts
        return WrittenRows(
            records={split: counts[split] for split in SPLITS},
            windows=counts["windows"],
            oversampled=counts["oversampled"],
            augmented=counts["augmented"],
            leaking=counts["leaking"],
        )

    def _forms(self, line: bytes, split: Split) -> Iterator[bytes]:
        """Yield a row's windows as lines; in training, key ones repeated and varied copies, too."""
        data = self._data
        varied = split == "train" and (data.oversample or data.augment.copies)
        # Most recipes change nothing here: parsing and writing JSON again would double the time.
        if not varied and not data.window.characters:
            yield line
            return
        for number, window in enumerate(cut_windows(from_json(json.loads(line)), data.window)):
            self._counts["windows"] += number > 0
            yield encode_line(window)
            if split != "train":
                continue
            for _ in range(times_shown(window, data.oversample) - 1):
                self._counts["oversampled"] += 1
                yield encode_line(window)
            for copy in self._augmenter.copies(window):
                leaks = hash_text(opening_question(copy), seed=self._seed) in self._held_out
                self._counts["leaking" if leaks else "augmented"] += 1
                if not leaks:
                    yield encode_line(copy)
