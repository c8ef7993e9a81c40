"""The quality of the prepared data: is it complete, consistent, balanced, free of leaks?

Of the qualities of ISO/IEC 25012 these can be measured by a program. Whether the answers are true
is for people to judge, who get a sheet of a tenth of the rows.
"""

import csv
import io
import itertools
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from finetune.data.columns import CHECKS, EXAMPLES, FIELDS, Mask, RowColumns, rows_with_flag
from finetune.data.conflicts import Conflicts, find_conflicts
from finetune.data.first_pass import FirstPass
from finetune.data.personal import PersonalKind
from finetune.data.rows import Repair
from finetune.data.splitting import SPLITS, to_fractions
from finetune.records import Record, Split
from ingest.foundation.messages import Message
from ingest.text.language import language_of
from ingest.text.tokens import estimate_tokens

TOKEN_SAMPLE = 2_000
"""Rows whose tokens and language are counted: all of 300 MB would take a minute."""

SHEET_SHARE = 0.1
"""Share of the rows that people get to judge."""

SHEET_ROWS = 1_000
"""Rows of the sheet at most: as many as a person can judge in a few days."""

CELL_CHARACTERS = 32_000
"""Excel holds 32,767 in a cell."""

REVIEW_COLUMNS = (
    "correct? y/n 正确吗",
    "complete? y/n 完整吗",
    "harmless? y/n 无害吗",
    "remark 备注",
)
"""Columns of the sheet that people fill in."""

BINS = 20
"""Bins of a histogram up to its 99th percentile; one more holds the rest."""

LABELS_KEPT = 1_000
"""Labels that the report lists: more are names or ids in the wrong field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why rows were quarantined; `examples` are "file:row"."""

    message: Message
    count: int
    examples: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the message by its languages, and beside them what is counted."""
        counted = {"count": self.count, "examples": self.examples}
        return {**self.message.in_each_language(), **counted}


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFinding:
    """Rows whose form looks wrong in one way of `CHECKS`. They stay in the data."""

    check: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistogramBin:
    """How many rows are at least `least` and below `below` long; `below` 0: any longer one."""

    least: int
    below: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RowLengths:
    """How long one part of the rows that have it is, in characters or estimated tokens."""

    rows: int
    median: int
    p95: int
    longest: int
    bins: tuple[HistogramBin, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """How many `rows` of a held-out split have the question, or the answer, of a training row."""

    split: Split
    rows: int
    questions: int
    answers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenRows:
    """What the files of the splits hold, and how many lines are no rows of the data."""

    records: Mapping[str, int]
    """Lines of each split's file."""
    windows: int = 0
    """Lines that a row gives more than its first, because it was cut into windows."""
    oversampled: int = 0
    """Repetitions of key rows."""
    augmented: int = 0
    """Varied copies."""
    leaking: int = 0
    """Varied copies left out because a held-out row has the same question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """The quality report. `rows` = `kept` + `exact` + `near` + `quarantined`."""

    name: str
    rows: int
    kept: int
    exact: int
    near: int
    quarantined: int
    reasons: tuple[Reason, ...]
    splits: Mapping[str, int]
    written: WrittenRows
    cleaned: Mapping[str, int]
    missing: Mapping[str, int]
    """Rows without each field of `FIELDS`."""
    findings: tuple[DataFinding, ...]
    labels: Mapping[str, Mapping[str, int]]
    """Label -> split -> rows, the most frequent label first, 1,000 at most."""
    balance: float | None
    """Entropy of the labels over that of equal shares: 1 even, 0 one label; None: no labels."""
    characters: Mapping[str, RowLengths]
    tokens: Mapping[str, RowLengths]
    languages: Mapping[str, int]
    sampled: int
    """Rows in which tokens and languages were counted."""
    leaks: tuple[Leak, ...]
    conflicts: Conflicts
    repairs: Mapping[Repair, int]
    """Conversations that were put right, by what was done."""
    unused: Mapping[str, int]
    """Rows by the fields in them that nothing uses, the most frequent first."""
    personal: Mapping[PersonalKind, int]
    """Rows that hold personal data, by its kind."""
    sheet: int
    """Rows in sample.csv."""

    def figures(self) -> dict[str, Any]:
        """Return the figures for the terminal, by name."""
        shown: dict[str, Any] = {
            "rows": self.rows,
            "kept": self.kept,
            "duplicates": self.exact + self.near,
            "quarantined": self.quarantined,
            **self.written.records,
            "leaks": sum(leak.questions for leak in self.leaks),
            "answer_leaks": sum(leak.answers for leak in self.leaks),
            "conflicts": self.conflicts.questions,
        }
        return shown if self.balance is None else {**shown, "balance": self.balance}

    def to_json(self) -> str:
        """Return the report as JSON."""
        values = asdict(self) | {"reasons": [reason.to_json() for reason in self.reasons]}
        return json.dumps(values, ensure_ascii=False, indent=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _KeptRows:
    """The rows that are kept, and the place of each row's split in `SPLITS`."""

    columns: RowColumns
    kept: Mask
    splits: npt.NDArray[np.int8]

    def findings(self) -> Iterator[DataFinding]:
        """Yield what the checks found in them."""
        for at, check in enumerate(CHECKS):
            rows = np.flatnonzero(rows_with_flag(self.columns.faults, at) & self.kept)
            if len(rows):
                examples = tuple(self.columns.source(row) for row in rows[:EXAMPLES])
                yield DataFinding(check=check, count=len(rows), examples=examples)

    def missing(self) -> dict[str, int]:
        """Return how many rows lack each field."""
        return {
            field: int((~rows_with_flag(self.columns.fields, at))[self.kept].sum())
            for at, field in enumerate(FIELDS)
        }

    def by_label(self) -> dict[str, dict[str, int]]:
        """Return label -> split -> rows, the most frequent label first; "" for rows without one."""
        codes = np.frombuffer(self.columns.labels, dtype=np.int64)
        counted = np.zeros((len(self.columns.label_codes), len(SPLITS)), dtype=np.int64)
        # Not `counted[...] += 1`, which counts a pair of indices that comes twice only once.
        np.add.at(counted, (codes[self.kept], self.splits[self.kept]), 1)
        names = list(self.columns.label_codes)
        order = np.argsort(-counted.sum(axis=1), kind="stable")[:LABELS_KEPT]
        return {
            names[at]: dict(zip(SPLITS, map(int, counted[at]), strict=True))
            for at in order
            if counted[at].any()
        }

    def by_split(self) -> dict[str, int]:
        """Return split -> rows."""
        return {split: int((self.splits[self.kept] == at).sum()) for at, split in enumerate(SPLITS)}

    def leaks(self) -> Iterator[Leak]:
        """Yield what the other splits share with the one that is trained on."""
        columns = self.columns
        questions = np.frombuffer(columns.questions, dtype=np.uint64)
        answers = np.frombuffer(columns.answers, dtype=np.int64)
        label, entities = FIELDS.index("label"), FIELDS.index("entities")
        # Labels and entities are answered alike on purpose: only answers in free text can leak.
        free = ~(rows_with_flag(columns.fields, label) | rows_with_flag(columns.fields, entities))
        trained = self.kept & (self.splits == SPLITS.index("train"))
        for at, split in enumerate(SPLITS):
            held = self.kept & (self.splits == at)
            if split != "train" and held.any():
                yield Leak(
                    split=split,
                    rows=int(held.sum()),
                    questions=int(np.isin(questions[held], questions[trained]).sum()),
                    answers=int(np.isin(answers[held & free], answers[trained]).sum()),
                )


def measure_quality(
    first_pass: FirstPass, splits: npt.NDArray[np.int8], *, name: str, written: WrittenRows
) -> tuple[Quality, str]:
    """Return the report, and the sheet for people as CSV.

    `splits` has for each row of the first pass the place of its split in `SPLITS`.
    """
    columns, reasons, is_kept = first_pass.columns, first_pass.reasons, ~first_pass.dropped
    rows = _KeptRows(columns=columns, kept=is_kept, splits=splits)
    labels = rows.by_label()
    sampled = sample_rows(columns, is_kept)
    tokens, languages = measure_sample(first_pass, sampled[:TOKEN_SAMPLE])
    sheet, sheet_rows = render_sheet(first_pass, splits, sampled)
    quality = Quality(
        name=name,
        rows=first_pass.rows,
        kept=len(sampled),
        exact=first_pass.exact,
        near=int(first_pass.dropped.sum()),
        quarantined=first_pass.quarantined,
        reasons=tuple(
            Reason(
                message=reason,
                count=reasons.counts[reason],
                examples=tuple(reasons.examples[reason]),
            )
            for reason in reasons.most_frequent()
        ),
        splits=rows.by_split(),
        written=written,
        cleaned=dict(first_pass.cleaner.counts),
        missing=rows.missing(),
        findings=tuple(rows.findings()),
        labels={label: counts for label, counts in labels.items() if label},
        balance=label_balance([sum(counts.values()) for label, counts in labels.items() if label]),
        characters={
            part: measure_lengths(np.frombuffer(column, dtype=np.uint32)[is_kept])
            for part, column in columns.lengths.items()
        },
        tokens=tokens,
        languages=languages,
        sampled=min(len(sampled), TOKEN_SAMPLE),
        leaks=tuple(rows.leaks()),
        conflicts=find_conflicts(first_pass, is_kept),
        repairs=dict(first_pass.notes.repairs.most_common()),
        unused=dict(first_pass.notes.unused.most_common()),
        personal=dict(first_pass.personal.most_common()),
        sheet=sheet_rows,
    )
    return quality, sheet


def label_balance(counts: Sequence[int]) -> float | None:
    """Return the normalised entropy of labels' counts (Pielou's evenness): 1 for equal ones.

    0 for one label alone, None where there are no labels.
    """
    held = np.array([count for count in counts if count], dtype=np.float64)
    if not len(held):
        return None
    if len(held) == 1:
        return 0.0  # the formula would divide by log(1)
    shares = held / held.sum()
    return round(float(-(shares * np.log(shares)).sum() / np.log(len(held))), 4)


def measure_lengths(values: npt.NDArray[Any]) -> RowLengths:
    """Return the distribution of lengths, shape (rows,), of the rows that are not empty."""
    held = values[values > 0]
    if not len(held):
        return RowLengths(rows=0, median=0, p95=0, longest=0, bins=())
    median, p95, p99 = (int(np.percentile(held, share)) for share in (50, 95, 99))
    # Up to the 99th percentile: one row of a megabyte would squeeze all others into one bin.
    width = max(p99, BINS) / BINS
    # The next of 1, 2, 5, 10, 20, 50, …, so that bins have readable borders.
    readable = (digit * 10**power for power in itertools.count() for digit in (1, 2, 5))
    step = next(step for step in readable if step >= width)
    counts = np.bincount(np.minimum(held // step, BINS), minlength=BINS + 1)
    last = int(np.flatnonzero(counts)[-1])
    bins = tuple(
        HistogramBin(
            least=at * step, below=(at + 1) * step if at < BINS else 0, count=int(counts[at])
        )
        for at in range(last + 1)
    )
    return RowLengths(rows=len(held), median=median, p95=p95, longest=int(held.max()), bins=bins)


def sample_rows(columns: RowColumns, kept: Mask) -> npt.NDArray[np.int64]:
    """Return the numbers of all kept rows in an order whose first n are a sample of n.

    The order is that of a hash of their content, so that it is the same in each run.
    """
    rows = np.flatnonzero(kept)
    return rows[np.argsort(np.frombuffer(columns.chances, dtype=np.uint64)[rows], kind="stable")]


def measure_sample(
    first_pass: FirstPass, rows: npt.NDArray[np.int64]
) -> tuple[dict[str, RowLengths], dict[str, int]]:
    """Return estimated tokens of each part and the languages of the rows.

    A row's language is that of its questions and of its answers: "zh", "en", or "zh → en".
    """
    found: dict[str, list[int]] = {"question": [], "think": [], "answer": []}
    languages: Counter[str] = Counter()
    for row in np.sort(rows):  # in the order in which they lie on disk
        parts = _texts_by_part(first_pass.record(int(row)))
        for part, text in parts.items():
            found[part].append(estimate_tokens(text))
        question, answer = language_of(parts["question"]), language_of(parts["answer"])
        languages[question if question == answer else f"{question} → {answer}"] += 1
    tokens = {
        part: measure_lengths(np.array(counts, dtype=np.int64)) for part, counts in found.items()
    }
    return tokens, dict(languages.most_common())


def _texts_by_part(record: Record) -> dict[str, str]:
    return {
        "question": "\n".join(turn.user for turn in record.turns),
        "think": "\n".join(turn.think for turn in record.turns if turn.think),
        "answer": "\n".join(turn.answer for turn in record.turns),
    }


def render_sheet(
    first_pass: FirstPass, splits: npt.NDArray[np.int8], sampled: npt.NDArray[np.int64]
) -> tuple[str, int]:
    """Return the sheet as CSV, and the number of its rows: a tenth of all, and one at least."""
    # By the hash itself, not by the number of rows: a row that is in stays in when others come.
    chances = np.frombuffer(first_pass.columns.chances, dtype=np.uint64)[sampled]
    tenth = int((to_fractions(chances) < SHEET_SHARE).sum())
    rows = sampled[: min(max(tenth, 1), SHEET_ROWS)]
    out = io.StringIO()
    out.write("\ufeff")  # without a byte order mark Excel reads the code page of its Windows
    writer = csv.writer(out)
    names = ("source", "split", "label", "system", "question", "think", "answer")
    writer.writerow([*names, *REVIEW_COLUMNS])
    for row in np.sort(rows):
        record = first_pass.record(int(row))
        texts = [record.source, SPLITS[splits[row]], record.label, record.system]
        texts += _texts_by_part(record).values()
        writer.writerow([*map(escape_cell, texts), *("" for _ in REVIEW_COLUMNS)])
    return out.getvalue(), len(rows)


def escape_cell(text: str) -> str:
    """Return text for a cell that no spreadsheet takes for a formula (OWASP, "CSV Injection")."""
    text = text[:CELL_CHARACTERS]
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
