"""What differs between two models' replies to the same records, and how sure that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from finetune.evaluate.metrics.catalogue import FIGURES, Figure
from finetune.evaluate.metrics.intervals import Interval, paired_interval
from finetune.evaluate.metrics.scored import ERROR_TYPES, ErrorType, ReplyError, Scored
from ingest.foundation.messages import Language, Message

NEARLY = 1e-9
"""Scores that differ by less are a tie."""
Pairs = Sequence[tuple[Scored, Scored]]
"""Replies of model a and of model b to the same record."""
LARGE = 100_000
"""From here on a figure is shown by its power of ten: the perplexity of untrained weights."""
EXAMPLES = 3
"""Of each kind of fault."""
DIGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One figure of both models over the same records; `gain` is b - a, in the figure's unit.

    `wins` counts the records at which b is better (higher, where no way is better). It is None
    where single records have no score, as with macro-F1; so is `gain` where a figure is infinite.
    """

    figure: Figure
    a: float
    b: float
    records: int
    gain: Interval | None
    wins: tuple[int, int, int] | None
    """Won by b, won by a, tied."""

    @property
    def verdict(self) -> str:
        """`better` or `worse` if chance does not explain it and one way is better, else ""."""
        if self.gain is None or not self.gain.is_sure or not self.figure.better:
            return ""
        return "better" if (self.gain.value > 0) == (self.figure.better == "higher") else "worse"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyExample:
    """A record at which a model did something wrong, and what both said."""

    fault: ReplyError
    reply: Scored
    other: Scored


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCount:
    """How many replies of each model have a fault, and replies of b that do."""

    kind: ErrorType
    a: int
    b: int
    examples: tuple[ReplyExample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Model b against model a; `path` is the page, beside it lies the JSON."""

    a: str
    b: str
    records: int
    only_one: int
    """Records that one of the two did not answer: they are left out."""
    differences: tuple[Difference, ...]
    faults: tuple[ErrorCount, ...]
    pairs: Pairs
    path: Path

    def to_json(self) -> dict[str, Any]:
        """Return figures, intervals and faults."""
        return {
            "a": self.a,
            "b": self.b,
            "records": self.records,
            "only_one": self.only_one,
            "page": str(self.path),
            "differences": {one.figure.name: _difference_json(one) for one in self.differences},
            "faults": {
                one.kind: {
                    "a": one.a,
                    "b": one.b,
                    "examples": [example.reply.id for example in one.examples],
                }
                for one in self.faults
            },
        }

    def to_text(self, language: Language) -> str:
        """Return a table for a terminal, one line a figure, and where the page is."""
        lines = [_HEAD.localize(language).format(a=self.a, b=self.b, records=self.records)]
        lines += [_text_line(one, language) for one in self.differences]
        if self.faults:
            lines += ["", _FAULTS.localize(language)]
            lines += [
                f"  {ERROR_TYPES[one.kind].localize(language)}: {one.a} → {one.b}"
                for one in self.faults
            ]
        return "\n".join([*lines, "", str(self.path)])


def differences(pairs: Pairs, seed: int) -> list[Difference]:
    """Return each figure that both models have, with its gain."""
    found = (_difference(figure, pairs, seed) for figure in FIGURES if _speaks(figure, pairs))
    return [one for one in found if one is not None]


def _speaks(figure: Figure, pairs: Pairs) -> bool:
    """Tell whether a figure has something to say: no thought, no figures of thoughts."""
    if figure.name.startswith("predict_") or figure.name == "think_characters":
        return any(one.prediction.think for pair in pairs for one in pair)
    if figure.name == "seconds_per_reply":
        return any(one.prediction.seconds for pair in pairs for one in pair)
    return True


def _difference(figure: Figure, pairs: Pairs, seed: int) -> Difference | None:
    kept = [(one, other) for one, other in pairs if figure.tells(one) and figure.tells(other)]
    if not kept:
        return None
    firsts, seconds = zip(*kept, strict=True)
    a, b = figure.of(firsts), figure.of(seconds)
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
    return Difference(
        figure=figure, a=a, b=b, records=len(kept), gain=gain, wins=_wins(figure, kept)
    )


def _wins(figure: Figure, pairs: Pairs) -> tuple[int, int, int] | None:
    if len(figure.scores) > 1 or figure.name == "macro_f1":
        return None
    (name,) = figure.scores
    sign = -1 if figure.better == "lower" else 1
    gains = [sign * (other.scores[name] - one.scores[name]) for one, other in pairs]
    won, lost = sum(gain > NEARLY for gain in gains), sum(gain < -NEARLY for gain in gains)
    return won, lost, len(gains) - won - lost


def fault_counts(pairs: Pairs) -> list[ErrorCount]:
    """Return the kinds that occur, those of b with the most replies first."""
    counts = []
    for kind in ERROR_TYPES:
        firsts = [fault for one, _ in pairs if (fault := _fault(one, kind))]
        wrong = [(one, other, fault) for one, other in pairs if (fault := _fault(other, kind))]
        if firsts or wrong:
            shown = tuple(
                ReplyExample(fault=fault, reply=other, other=one) for one, other, fault in wrong
            )
            counts.append(
                ErrorCount(kind=kind, a=len(firsts), b=len(wrong), examples=shown[:EXAMPLES])
            )
    return sorted(counts, key=lambda count: -count.b)


def _fault(reply: Scored, kind: ErrorType) -> ReplyError | None:
    return next((fault for fault in reply.faults if fault.kind == kind), None)


def _difference_json(one: Difference) -> Mapping[str, Any]:
    told: dict[str, Any] = {
        "a": _number(one.a),
        "b": _number(one.b),
        "unit": one.figure.unit,
        "records": one.records,
    }
    if one.gain:
        told["gain"] = round(one.gain.value, DIGITS)
        told["interval"] = [round(one.gain.low, DIGITS), round(one.gain.high, DIGITS)]
        told["sure"] = one.gain.is_sure
    if one.wins:
        told |= dict(zip(("wins", "losses", "ties"), one.wins, strict=True))
    if one.verdict:
        told["verdict"] = one.verdict
    return told


def _number(value: float) -> float | None:
    """Return what JSON can say: it knows no infinity."""
    return round(value, DIGITS) if np.isfinite(value) else None


def shown(value: float, figure: Figure, *, signed: bool = False, bare: bool = False) -> str:
    """Return a figure as people read it: "83.10 %", "2.53e+08"; "+12.40" if signed and bare."""
    sign = "+" if signed else ""
    unit = f" {figure.unit}" if figure.unit and not bare else ""
    if abs(value) >= LARGE:
        return f"{value:{sign}.3g}{unit}"
    return f"{value:{sign}.{figure.digits}f}{unit}"


_MARKS = {"better": "▲", "worse": "▼", "": " "}


def _text_line(one: Difference, language: Language) -> str:
    figure = one.figure
    line = f"{_MARKS[one.verdict]} {figure.label.localize(language)}: "
    line += f"{shown(one.a, figure)} → {shown(one.b, figure)}"
    if one.gain:
        gain, low, high = (
            shown(value, figure, signed=True, bare=True)
            for value in (one.gain.value, one.gain.low, one.gain.high)
        )
        line += f"  ({gain} [{low}, {high}])"
    return line


_HEAD = Message(
    "{b} against {a}, {records} records; difference with its 95 % interval (▲ surely better, "
    "▼ surely worse)"
)
_FAULTS = Message("replies with faults:")
