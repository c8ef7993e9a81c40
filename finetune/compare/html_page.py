"""The comparison of two models as one self-contained HTML page: no scripts, no network."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from finetune.compare.differences import Comparison, Difference, format_figure
from finetune.evaluate.metrics.scored import ERROR_LABELS
from finetune.html_templates import render
from ingest.foundation.messages import Language, Message

BAR_MAX = 100.0
"""End of the scale of bars, in percent."""

BINS = 16
PLOT = (420, 120)
"""Width and height of a histogram, in SVG units."""

EXCERPT_CHARACTERS = 600
"""Characters shown of a text."""

MAX_LABELS = 20
"""Labels of a confusion matrix; a larger one cannot be read."""

TILES = ("accuracy", "entity_f1", "risk_f1", "similarity", "answer_rouge-l", "exact", "format")
"""Figures in tiles at the top, the most telling of a task first."""

MAX_TILES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One figure of both models as lengths, 0 to 100, and the interval of b's."""

    a: float
    b: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One bin of a histogram in SVG units; `series` is "wanted", "a" or "b"."""

    x: float
    y: float
    width: float
    height: float
    series: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Given labels (columns) by expected ones (rows); `shades` are shares of a row, 0 to 1."""

    model: str
    labels: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    shades: tuple[tuple[float, ...], ...]


def comparison_page(comparison: Comparison, language: Language) -> str:
    """Return the comparison as HTML."""
    by_name = {one.figure.name: one for one in comparison.differences}
    verdicts = Counter(one.verdict for one in comparison.differences)
    summary = Message(
        "Of {judged} {judged:?figure|figures}, {b} is surely better in {better} and "
        "surely worse in {worse}; in the rest chance may explain the difference.",
        judged=sum(bool(one.figure.better) for one in comparison.differences),
        b=comparison.b,
        better=verdicts["better"],
        worse=verdicts["worse"],
    )
    return render(
        "comparison.html.j2",
        language,
        filters={"excerpt": excerpt},
        c=comparison,
        summary=summary.localize(language),
        tiles=[by_name[name] for name in TILES if name in by_name][:MAX_TILES],
        format_figure=format_figure,
        bar=bar,
        error_labels=ERROR_LABELS,
        lengths=length_histogram(comparison, language),
        longest=max_length(comparison),
        plot=PLOT,
        matrices=matrices(comparison),
    )


def bar(one: Difference) -> Bar | None:
    """Return a figure in percent as bars, None for other units, which have no common scale."""
    if one.figure.unit != "%":
        return None
    low, high = (one.gain.low, one.gain.high) if one.gain else (0.0, 0.0)
    return Bar(
        a=_clip_to_bar(one.a),
        b=_clip_to_bar(one.b),
        low=_clip_to_bar(one.a + low),
        high=_clip_to_bar(one.a + high),
    )


def length_histogram(comparison: Comparison, language: Language) -> list[Column]:
    """Return how long the answers of both models and the references are, in characters."""
    texts = {
        "wanted": [len(one.reference) for one, _ in comparison.pairs],
        "a": [len(one.prediction.answer) for one, _ in comparison.pairs],
        "b": [len(other.prediction.answer) for _, other in comparison.pairs],
    }
    edges = np.linspace(0, max_length(comparison) or 1, BINS + 1)
    counts = {name: np.histogram(values, edges)[0] for name, values in texts.items()}
    most = max(int(values.max()) for values in counts.values())
    slot = PLOT[0] / BINS
    names = {
        "wanted": Message("reference").localize(language),
        "a": comparison.a,
        "b": comparison.b,
    }
    return [
        # Three columns side by side take 0.27 of a bin's slot each, with a gap to the next bin.
        Column(
            x=round(place * slot + (0.1 + 0.27 * order) * slot, 1),
            y=round(PLOT[1] * (1 - count / most), 1),
            width=round(0.25 * slot, 1),
            height=round(PLOT[1] * count / most, 1),
            series=name,
            title=f"{names[name]}, {edges[place]:.0f}–{edges[place + 1]:.0f}: {count}",
        )
        for order, (name, values) in enumerate(counts.items())
        for place, count in enumerate(map(int, values))
        if count
    ]


def max_length(comparison: Comparison) -> int:
    """Return the length of the longest answer or reference, in characters."""
    return max(
        max(len(one.reference), len(one.prediction.answer), len(other.prediction.answer))
        for one, other in comparison.pairs
    )


def matrices(comparison: Comparison) -> list[Matrix]:
    """Return the confusion matrix of each model, none without labels or with too many."""
    labels = tuple(sorted({one.label for one, _ in comparison.pairs}))
    if labels == ("",) or len(labels) > MAX_LABELS:
        return []
    found = []
    for side, model in enumerate((comparison.a, comparison.b)):
        replies = [pair[side] for pair in comparison.pairs]
        # Labels that no record has share one column with "none": they are all as wrong.
        given = [one.given_label if one.given_label in labels else "" for one in replies]
        columns = (*labels, *(set(given) - set(labels)))
        cells = Counter((one.label, label) for one, label in zip(replies, given, strict=True))
        counts = tuple(tuple(cells[row, column] for column in columns) for row in labels)
        shades = tuple(tuple(count / max(1, sum(row)) for count in row) for row in counts)
        found.append(
            Matrix(model=model, labels=labels, columns=columns, counts=counts, shades=shades)
        )
    return found


def _clip_to_bar(value: float) -> float:
    return round(min(BAR_MAX, max(0.0, value)), 2)


def excerpt(text: str) -> str:
    """Return the beginning of a text, with "…" if it goes on."""
    text = text.strip()
    return text if len(text) <= EXCERPT_CHARACTERS else f"{text[:EXCERPT_CHARACTERS]}…"
