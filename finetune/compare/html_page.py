"""The comparison of two models as one page that needs nothing else: no scripts, no network."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from finetune.compare.differences import Comparison, Difference, shown
from finetune.evaluate.metrics.scored import ERROR_TYPES
from finetune.html_templates import render
from ingest.foundation.messages import Language, Message

WHOLE = 100.0
"""End of the scale of bars: figures in percent."""
BINS = 16
PLOT = (420, 120)
"""Width and height of a histogram, in SVG units."""
EXCERPT = 600
"""Characters of a text that are shown."""
MOST_LABELS = 20
"""Of a confusion matrix: more cannot be read."""
TILES = ("accuracy", "entity_f1", "risk_f1", "similarity", "answer_rouge-l", "exact", "format")
MOST_TILES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One figure in percent, as lengths of 0 to 100: both models, and where b lies for sure."""

    a: float
    b: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One bin of a histogram, in SVG units, for one of three texts."""

    x: float
    y: float
    width: float
    height: float
    of: str
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Given labels by wanted ones; `shades` are shares of a row, 0 to 1."""

    model: str
    labels: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    shades: tuple[tuple[float, ...], ...]


def comparison_page(comparison: Comparison, language: Language) -> str:
    """Return the comparison as HTML."""
    return render(
        "comparison.html.j2",
        language,
        filters={"excerpt": _excerpt},
        c=comparison,
        summary=_summary(comparison).localize(language),
        tiles=_tiles(comparison),
        shown=shown,
        bar=bar,
        faults=ERROR_TYPES,
        lengths=lengths(comparison, language),
        longest=longest(comparison),
        plot=PLOT,
        matrices=matrices(comparison),
    )


def bar(one: Difference) -> Bar | None:
    """Return a figure in percent as bars, None for other units."""
    if one.figure.unit != "%":
        return None
    low, high = (one.gain.low, one.gain.high) if one.gain else (0.0, 0.0)
    return Bar(
        a=_clipped(one.a),
        b=_clipped(one.b),
        low=_clipped(one.a + low),
        high=_clipped(one.a + high),
    )


def lengths(comparison: Comparison, language: Language) -> list[Column]:
    """Return how long the answers of both models are, beside the references."""
    texts = {
        "wanted": [len(one.wanted) for one, _ in comparison.pairs],
        "a": [len(one.prediction.answer) for one, _ in comparison.pairs],
        "b": [len(other.prediction.answer) for _, other in comparison.pairs],
    }
    edges = np.linspace(0, longest(comparison) or 1, BINS + 1)
    counts = {name: np.histogram(values, edges)[0] for name, values in texts.items()}
    most = max(int(values.max()) for values in counts.values())
    slot = PLOT[0] / BINS
    names = {
        "wanted": Message("reference").localize(language),
        "a": comparison.a,
        "b": comparison.b,
    }
    return [
        Column(
            x=round(place * slot + (0.1 + 0.27 * order) * slot, 1),
            y=round(PLOT[1] * (1 - count / most), 1),
            width=round(0.25 * slot, 1),
            height=round(PLOT[1] * count / most, 1),
            of=name,
            told=f"{names[name]}, {edges[place]:.0f}–{edges[place + 1]:.0f}: {count}",
        )
        for order, (name, values) in enumerate(counts.items())
        for place, count in enumerate(map(int, values))
        if count
    ]


def longest(comparison: Comparison) -> int:
    """Return the characters of the longest answer or reference."""
    return max(
        max(len(one.wanted), len(one.prediction.answer), len(other.prediction.answer))
        for one, other in comparison.pairs
    )


def matrices(comparison: Comparison) -> list[Matrix]:
    """Return the confusion matrix of each model, none if there are no labels, or too many."""
    labels = tuple(sorted({one.label for one, _ in comparison.pairs}))
    if labels == ("",) or len(labels) > MOST_LABELS:
        return []
    sides = ((comparison.a, 0), (comparison.b, 1))
    return [
        _matrix(model, labels, [(pair[side].label, pair[side].given) for pair in comparison.pairs])
        for model, side in sides
    ]


def _matrix(model: str, labels: tuple[str, ...], given: Sequence[tuple[str, str]]) -> Matrix:
    others = {label if label in labels else "" for _, label in given} - set(labels)
    columns = (*labels, *others)
    counts = tuple(
        tuple(
            sum(one == row and (said if said in labels else "") == column for one, said in given)
            for column in columns
        )
        for row in labels
    )
    shades = tuple(tuple(count / max(1, sum(row)) for count in row) for row in counts)
    return Matrix(model=model, labels=labels, columns=columns, counts=counts, shades=shades)


def _tiles(comparison: Comparison) -> list[Difference]:
    """Return the figures that say most about this task."""
    by_name = {one.figure.name: one for one in comparison.differences}
    return [by_name[name] for name in TILES if name in by_name][:MOST_TILES]


def _summary(comparison: Comparison) -> Message:
    better = sum(one.verdict == "better" for one in comparison.differences)
    worse = sum(one.verdict == "worse" for one in comparison.differences)
    judged = sum(bool(one.figure.better) for one in comparison.differences)
    b = comparison.b
    return Message(
        "Of {judged} figures, {b} is surely better in {better} and surely worse in {worse}; "
        "in the rest chance may explain the difference.",
        judged=judged,
        b=b,
        better=better,
        worse=worse,
    )


def _clipped(value: float) -> float:
    return round(min(WHOLE, max(0.0, value)), 2)


def _excerpt(text: str) -> str:
    text = text.strip()
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT]}…"
