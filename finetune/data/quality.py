"""What the prepared data is like: complete, consistent, balanced, free of leaks?

The four questions are those of ISO/IEC 25012 that a program can answer; whether the answers are
true is for people, who get a sheet of a tenth of the rows.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from finetune.data.columns import CHECKS, EXAMPLES, FIELDS, Columns, Mask, bit
from finetune.data.first_pass import Intake
from finetune.data.splitting import SPLITS, fractions
from finetune.records import Record, Split
from ingest.text.language import language_of
from ingest.text.tokens import estimate_tokens

TOKEN_SAMPLE = 2_000
"""Rows whose tokens and language are looked at: all of 300 MB would take a minute."""

SHEET_SHARE = 0.1
SHEET_ROWS = 1_000
"""As many as a person can judge in a few days."""

CELL_CHARACTERS = 32_000
"""Excel holds 32,767 in a cell."""

VERDICT = (
    "correct? y/n 正确吗",
    "complete? y/n 完整吗",
    "harmless? y/n 无害吗",
    "remark 备注",
)
"""Columns that people fill in."""

BINS = 20
LABELS_SHOWN = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why rows were quarantined; `examples` are "file:row"."""

    en: str
    zh: str
    count: int
    examples: tuple[str, ...]


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
    """How long one part of the rows that have it is, in characters or (estimated) tokens."""

    rows: int
    median: int
    p95: int
    longest: int
    bins: tuple[HistogramBin, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """How many rows of a held-out split ask or answer what a row of the training split does."""

    split: Split
    rows: int
    questions: int
    answers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What training gets besides the rows themselves."""

    records: Mapping[str, int]
    """Lines of each split's file."""
    windows: int = 0
    """Lines that a row gives more than its first, because it was cut into windows."""
    oversampled: int = 0
    augmented: int = 0
    leaking: int = 0
    """Varied copies left out because they ask what a held-out row asks."""


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
    written: Written
    cleaned: Mapping[str, int]
    missing: Mapping[str, int]
    """Rows without each field of `FIELDS`."""
    findings: tuple[DataFinding, ...]
    labels: Mapping[str, Mapping[str, int]]
    """Label -> split -> rows, the most frequent label first, 1,000 at most."""
    balance: float | None
    """Entropy of the labels over that of equal shares: 1 even, 0 all the same; None: no labels."""
    characters: Mapping[str, RowLengths]
    tokens: Mapping[str, RowLengths]
    languages: Mapping[str, int]
    sampled: int
    """Rows in which tokens and languages were counted."""
    leaks: tuple[Leak, ...]
    sheet: int
    """Rows in sample.csv."""

    def figures(self) -> dict[str, Any]:
        """Return what is worth a line each on a terminal."""
        shown: dict[str, Any] = {
            "rows": self.rows,
            "kept": self.kept,
            "duplicates": self.exact + self.near,
            "quarantined": self.quarantined,
            **self.written.records,
            "leaks": sum(leak.questions for leak in self.leaks),
        }
        return shown if self.balance is None else {**shown, "balance": self.balance}

    def to_json(self) -> str:
        """Return the report as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)


def measure(
    intake: Intake, splits: npt.NDArray[np.int8], *, name: str, written: Written
) -> tuple[Quality, str]:
    """Return the report, and the sheet for people as CSV."""
    columns, kept = intake.columns, ~intake.dropped
    rows = np.flatnonzero(kept)
    labels = _labels(columns, kept, splits)
    sampled = sample(columns, kept)
    tokens, languages = _read_sample(intake, sampled[:TOKEN_SAMPLE])
    sheet = _sheet_rows(columns, sampled)
    quality = Quality(
        name=name,
        rows=intake.rows,
        kept=len(rows),
        exact=intake.exact,
        near=int(intake.dropped.sum()),
        quarantined=intake.quarantined,
        reasons=_reasons(intake),
        splits={split: int((splits[kept] == at).sum()) for at, split in enumerate(SPLITS)},
        written=written,
        cleaned=dict(intake.cleaner.counts),
        missing={
            field: int((~bit(columns.fields, at))[kept].sum()) for at, field in enumerate(FIELDS)
        },
        findings=tuple(_findings(columns, kept)),
        labels={label: counts for label, counts in labels.items() if label},
        balance=balance([sum(counts.values()) for label, counts in labels.items() if label]),
        characters={
            part: lengths(np.frombuffer(column, dtype=np.uint32)[kept])
            for part, column in columns.lengths.items()
        },
        tokens=tokens,
        languages=languages,
        sampled=min(len(sampled), TOKEN_SAMPLE),
        leaks=tuple(_leaks(columns, kept, splits)),
        sheet=len(sheet),
    )
    return quality, _sheet(intake, splits, sheet)


def balance(counts: Sequence[int]) -> float | None:
    """Return the normalised entropy of counts (Pielou's evenness): 1 for equal ones.

    One label alone is no balance at all: 0. None: there are no labels.
    """
    held = np.array([count for count in counts if count], dtype=np.float64)
    if not len(held):
        return None
    if len(held) == 1:
        return 0.0
    shares = held / held.sum()
    return round(float(-(shares * np.log(shares)).sum() / np.log(len(held))), 4)


def lengths(values: npt.NDArray[Any]) -> RowLengths:
    """Return the lengths of the rows that are not empty, with a histogram up to their p99."""
    held = values[values > 0]
    if not len(held):
        return RowLengths(rows=0, median=0, p95=0, longest=0, bins=())
    median, p95, p99 = (int(np.percentile(held, share)) for share in (50, 95, 99))
    step = _round_up(max(p99, BINS) / BINS)
    counts = np.bincount(np.minimum(held // step, BINS), minlength=BINS + 1)
    last = int(np.flatnonzero(counts)[-1])
    bins = tuple(
        HistogramBin(
            least=at * step, below=(at + 1) * step if at < BINS else 0, count=int(counts[at])
        )
        for at in range(last + 1)
    )
    return RowLengths(rows=len(held), median=median, p95=p95, longest=int(held.max()), bins=bins)


def sample(columns: Columns, kept: Mask) -> npt.NDArray[np.int64]:
    """Return all kept rows in the order of a hash of their content: any beginning is a sample."""
    rows = np.flatnonzero(kept)
    return rows[np.argsort(np.frombuffer(columns.chances, dtype=np.uint64)[rows], kind="stable")]


def _round_up(step: float) -> int:
    """Return the next of 1, 2, 5, 10, 20, 50, …, so that bins have readable borders."""
    scale = 1
    while True:
        for digit in (1, 2, 5):
            if digit * scale >= step:
                return digit * scale
        scale *= 10


def _reasons(intake: Intake) -> tuple[Reason, ...]:
    counted = intake.reasons
    return tuple(
        Reason(
            **reason.in_each_language(),
            count=counted.counts[reason],
            examples=tuple(counted.examples[reason]),
        )
        for reason in counted.most_frequent()
    )


def _findings(columns: Columns, kept: Mask) -> Iterable[DataFinding]:
    for at, check in enumerate(CHECKS):
        rows = np.flatnonzero(bit(columns.faults, at) & kept)
        if len(rows):
            examples = tuple(columns.source(row) for row in rows[:EXAMPLES])
            yield DataFinding(check=check, count=len(rows), examples=examples)


def _labels(
    columns: Columns, kept: Mask, splits: npt.NDArray[np.int8]
) -> dict[str, dict[str, int]]:
    codes = np.frombuffer(columns.labels, dtype=np.int64)
    counted = np.zeros((len(columns.label_codes), len(SPLITS)), dtype=np.int64)
    np.add.at(counted, (codes[kept], splits[kept]), 1)
    names = list(columns.label_codes)
    order = np.argsort(-counted.sum(axis=1), kind="stable")[:LABELS_SHOWN]
    return {
        names[at]: dict(zip(SPLITS, map(int, counted[at]), strict=True))
        for at in order
        if counted[at].any()
    }


def _leaks(columns: Columns, kept: Mask, splits: npt.NDArray[np.int8]) -> Iterable[Leak]:
    """Labels and entities are answered alike on purpose: only free answers can leak."""
    questions = np.frombuffer(columns.questions, dtype=np.uint64)
    answers = np.frombuffer(columns.answers, dtype=np.uint64)
    label, entities = FIELDS.index("label"), FIELDS.index("entities")
    free = ~(bit(columns.fields, label) | bit(columns.fields, entities))
    trained = kept & (splits == SPLITS.index("train"))
    for at, split in enumerate(SPLITS):
        held = kept & (splits == at)
        if split != "train" and held.any():
            yield Leak(
                split=split,
                rows=int(held.sum()),
                questions=int(np.isin(questions[held], questions[trained]).sum()),
                answers=int(np.isin(answers[held & free], answers[trained]).sum()),
            )


def _read_sample(
    intake: Intake, rows: npt.NDArray[np.int64]
) -> tuple[dict[str, RowLengths], dict[str, int]]:
    """Return estimated tokens of each part and the languages of the rows.

    A row's language is that of its questions and of its answers: "zh", "en", or "zh → en".
    """
    found: dict[str, list[int]] = {"question": [], "think": [], "answer": []}
    languages: Counter[str] = Counter()
    for row in np.sort(rows):
        parts = _parts(intake.record(int(row)))
        for part, text in parts.items():
            found[part].append(estimate_tokens(text))
        asked, answered = language_of(parts["question"]), language_of(parts["answer"])
        languages[asked if asked == answered else f"{asked} → {answered}"] += 1
    tokens = {part: lengths(np.array(counts, dtype=np.int64)) for part, counts in found.items()}
    return tokens, dict(languages.most_common())


def _parts(record: Record) -> dict[str, str]:
    return {
        "question": "\n".join(turn.user for turn in record.turns),
        "think": "\n".join(turn.think for turn in record.turns if turn.think),
        "answer": "\n".join(turn.answer for turn in record.turns),
    }


def _sheet_rows(columns: Columns, sampled: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return a tenth of the rows, at least one: a row that is in stays in when others come."""
    chances = np.frombuffer(columns.chances, dtype=np.uint64)[sampled]
    tenth = int((fractions(chances) < SHEET_SHARE).sum())
    return sampled[: min(max(tenth, 1), SHEET_ROWS)]


def _sheet(intake: Intake, splits: npt.NDArray[np.int8], rows: npt.NDArray[np.int64]) -> str:
    """Return the sheet as CSV; a BOM makes Excel read it as UTF-8."""
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow(["source", "split", "label", "system", "question", "think", "answer", *VERDICT])
    for row in np.sort(rows):
        record = intake.record(int(row))
        texts = [record.source, SPLITS[splits[row]], record.label, record.system]
        texts += _parts(record).values()
        writer.writerow([*map(cell, texts), *("" for _ in VERDICT)])
    return out.getvalue()


def cell(text: str) -> str:
    """Return text for a cell: none that a spreadsheet would compute (OWASP, "CSV Injection")."""
    text = text[:CELL_CHARACTERS]
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
