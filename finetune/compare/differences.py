"""Differences between two models' replies to the same records, with confidence intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from finetune.evaluate.metrics.catalogue import FIGURES, Figure
from finetune.evaluate.metrics.scored import ERROR_LABELS, ErrorType, ReplyError, ScoredReply
from ingest.foundation.intervals import Interval, paired_interval
from ingest.foundation.messages import COLON, Language, Message

TIE_TOLERANCE = 1e-9
"""Scores that differ by less are a tie."""

Pairs = Sequence[tuple[ScoredReply, ScoredReply]]
"""Replies of model a and of model b to the same record."""

SCIENTIFIC_FROM = 100_000
"""Figures from here on are shown with an exponent, such as the perplexity of untrained weights."""

EXAMPLES_PER_KIND = 3
"""Replies shown for each kind of error."""

DIGITS = 4
"""Digits of figures in JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One figure of both models over the same records; `gain` is b - a, in the figure's unit.

    `wins` counts the records where b is better (higher, if neither way is better). It is None where
    single records have no score, as with macro-F1; `gain` is None where a figure is infinite.
    """

    figure: Figure
    a: float
    b: float
    records: int
    gain: Interval | None
    wins: tuple[int, int, int] | None
    """Records won by b, won by a, and tied."""

    @property
    def verdict(self) -> str:
        """`better` or `worse` if the difference is significant and one way is better, else ""."""
        if self.gain is None or not self.gain.is_significant or not self.figure.better:
            return ""
        return "better" if (self.gain.value > 0) == (self.figure.better == "higher") else "worse"

    def to_json(self) -> dict[str, Any]:
        """Return both figures, the gain with its interval, and the wins as JSON values."""
        row: dict[str, Any] = {
            "a": _finite_or_none(self.a),
            "b": _finite_or_none(self.b),
            "unit": self.figure.unit,
            "records": self.records,
        }
        if self.gain:
            row["gain"] = round(self.gain.value, DIGITS)
            row["interval"] = [round(self.gain.low, DIGITS), round(self.gain.high, DIGITS)]
            row["sure"] = self.gain.is_significant
        if self.wins:
            row |= dict(zip(("wins", "losses", "ties"), self.wins, strict=True))
        if self.verdict:
            row["verdict"] = self.verdict
        return row

    def to_text(self, language: Language) -> str:
        """Return one line for a terminal: "▲ accuracy: 50.0 % → 80.0 %  (+30.0 [+12.0, +47.0])"."""
        label = f"{self.figure.label.localize(language)}{COLON.localize(language)}"
        line = f"{_MARKS[self.verdict]} {label}"
        line += f"{format_figure(self.a, self.figure)} → {format_figure(self.b, self.figure)}"
        if self.gain:
            gain, low, high = (
                format_figure(value, self.figure, signed=True, bare=True)
                for value in (self.gain.value, self.gain.low, self.gain.high)
            )
            line += f"  ({gain} [{low}, {high}])"
        return line


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyExample:
    """A record with an error in model b's reply; `other` is model a's reply."""

    error: ReplyError
    reply: ScoredReply
    other: ScoredReply


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCount:
    """Numbers of replies with one kind of error, and examples of model b."""

    kind: ErrorType
    a: int
    b: int
    examples: tuple[ReplyExample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Model b against model a; `path` is that of the page, the JSON lies beside it."""

    a: str
    b: str
    records: int
    only_one: int
    """Number of records that only one of the two answered: they are left out."""
    differences: tuple[Difference, ...]
    error_counts: tuple[ErrorCount, ...]
    pairs: Pairs
    path: Path

    def to_json(self) -> dict[str, Any]:
        """Return figures, intervals and error counts as JSON values."""
        return {
            "a": self.a,
            "b": self.b,
            "records": self.records,
            "only_one": self.only_one,
            "page": str(self.path),
            "differences": {one.figure.name: one.to_json() for one in self.differences},
            "faults": {
                one.kind: {
                    "a": one.a,
                    "b": one.b,
                    "examples": [example.reply.id for example in one.examples],
                }
                for one in self.error_counts
            },
        }

    def to_text(self, language: Language) -> str:
        """Return a table for a terminal, one line per figure, and the path of the page."""
        joint = COLON.localize(language)
        head = Message(
            "{b} against {a}, {records} {records:?record|records}; difference with its 95 % "
            "interval (▲ surely better, ▼ surely worse)",
            a=self.a,
            b=self.b,
            records=self.records,
        )
        lines = [head.localize(language)]
        lines += [one.to_text(language) for one in self.differences]
        if self.error_counts:
            lines += ["", _ERRORS.localize(language)]
            lines += [
                f"  {ERROR_LABELS[one.kind].localize(language)}{joint}{one.a} → {one.b}"
                for one in self.error_counts
            ]
        return "\n".join([*lines, "", str(self.path)])


def find_differences(pairs: Pairs, seed: int) -> list[Difference]:
    """Return each figure that both models have, with its gain."""
    # Without thinking "predict_*" equals "answer_*"; replies made elsewhere may have no times.
    uninformative = set()
    if not any(one.prediction.think for pair in pairs for one in pair):
        uninformative = {figure.name for figure in FIGURES if figure.name.startswith("predict_")}
        uninformative.add("think_characters")
    if not any(one.prediction.seconds for pair in pairs for one in pair):
        uninformative.add("seconds_per_reply")
    found = []
    for figure in FIGURES:
        kept_pairs = [pair for pair in pairs if all(map(figure.applies_to, pair))]
        if not kept_pairs or figure.name in uninformative:
            continue
        firsts, seconds = zip(*kept_pairs, strict=True)
        a, b = figure.value(firsts), figure.value(seconds)
        assert a is not None
        assert b is not None
        gain = None
        if np.isfinite([a, b]).all():
            columns = figure.columns(firsts), figure.columns(seconds)
            plain = paired_interval(*columns, figure.statistic, seed=seed)
            gain = Interval(
                value=plain.value * figure.factor,
                low=plain.low * figure.factor,
                high=plain.high * figure.factor,
            )
        wins = count_wins(figure, kept_pairs)
        found.append(
            Difference(figure=figure, a=a, b=b, records=len(kept_pairs), gain=gain, wins=wins)
        )
    return found


def count_wins(figure: Figure, pairs: Pairs) -> tuple[int, int, int] | None:
    """Return how many records b answers better, worse and as well; None for figures of sums."""
    # Perplexity and F1 are figures of sums: a single record has none of its own.
    if len(figure.scores) > 1 or figure.name == "macro_f1":
        return None
    (name,) = figure.scores
    sign = -1 if figure.better == "lower" else 1
    gains = [sign * (other.scores[name] - one.scores[name]) for one, other in pairs]
    won, lost = (
        sum(gain > TIE_TOLERANCE for gain in gains),
        sum(gain < -TIE_TOLERANCE for gain in gains),
    )
    return won, lost, len(gains) - won - lost


def count_errors(pairs: Pairs) -> list[ErrorCount]:
    """Return the kinds of errors that occur, those with the most replies of b first."""
    counts = []
    for kind in ERROR_LABELS:
        a = sum(_first_error(one, kind) is not None for one, _ in pairs)
        examples = [
            ReplyExample(error=error, reply=other, other=one)
            for one, other in pairs
            if (error := _first_error(other, kind))
        ]
        if a or examples:
            shown = tuple(examples[:EXAMPLES_PER_KIND])
            counts.append(ErrorCount(kind=kind, a=a, b=len(examples), examples=shown))
    return sorted(counts, key=lambda count: -count.b)


def _first_error(reply: ScoredReply, kind: ErrorType) -> ReplyError | None:
    return next((error for error in reply.errors if error.kind == kind), None)


def _finite_or_none(value: float) -> float | None:
    # JSON has no infinity.
    return round(value, DIGITS) if np.isfinite(value) else None


def format_figure(value: float, figure: Figure, *, signed: bool = False, bare: bool = False) -> str:
    """Return a figure for people: "83.10 %", "2.53e+08"; "+12.40" if `signed` and `bare`."""
    sign = "+" if signed else ""
    unit = f" {figure.unit}" if figure.unit and not bare else ""
    if abs(value) >= SCIENTIFIC_FROM:
        return f"{value:{sign}.3g}{unit}"
    return f"{value:{sign}.{figure.digits}f}{unit}"


_MARKS = {"better": "▲", "worse": "▼", "": " "}
_ERRORS = Message("replies with faults:")
