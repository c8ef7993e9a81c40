"""A run, and its difference from another one, as one self-contained HTML page: no scripts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from assistant.evaluation.comparison import RunComparison
from assistant.evaluation.figures import (
    TIMES,
    FigureValue,
    Latency,
    format_value,
)
from assistant.evaluation.results import EvaluationRun, QuestionResult
from assistant.evaluation.text_report import (
    GROUPS,
    MARKS,
    TIME_LABELS,
    VERDICT_LABELS,
    describe_conditions,
    describe_header,
)
from assistant.values import VerdictKind
from ingest.foundation.html_templates import render_template
from ingest.foundation.messages import Language, Message

TEMPLATE = Path(__file__).parent.parent / "templates" / "evaluation.html.j2"
TILES = ("right", "evidence", "recall_at_k", "mrr", "trust", "refusals_right")
"""Figures at the top."""
EXCERPT = 700
"""Characters shown of an answer."""
PLOT = (600, 150)
"""Width and height of a plot, in SVG units."""
MIN_SPAN_S = 0.01
"""Seconds: the end of the time axis where all came at once."""

VERDICTS: dict[VerdictKind, Message] = {
    "supported": Message("supported"),
    "re_attached": Message("supported by another passage"),
    "unchecked": Message("not checked: passages in another language"),
    "unsupported": Message("not supported"),
    "no_claim": Message("claims nothing"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A part of a bar or a column of a plot, in SVG units."""

    name: str
    x: float
    width: float
    y: float = 0.0
    height: float = 0.0
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Share of answers (upwards) that had something, over seconds (to the right)."""

    name: str
    path: str


def evaluation_page(
    run: EvaluationRun,
    values: Sequence[FigureValue],
    latencies: Sequence[Latency],
    language: Language,
    *,
    comparison: RunComparison | None = None,
) -> str:
    """Return the run as HTML, with its difference from another one where that is given."""
    by_name = {one.figure.name: one for one in values}
    seconds = [result.seconds for result in run.results if not result.has_failed]
    most = MIN_SPAN_S
    if seconds:
        # The first question loads the model: to its line's end the others would be one stroke.
        most = max(most, min(max(seconds), 2 * float(np.percentile(seconds, 95))))
    conditions = describe_conditions(comparison) if comparison else None
    return render_template(
        TEMPLATE,
        language,
        filters={"excerpt": _excerpt},
        run=run,
        head=describe_header(run.header, len(run.results)).localize(language),
        tiles=[by_name[name] for name in TILES if name in by_name],
        groups=[
            (GROUPS[name].localize(language), list(members))
            for name, members in groupby(values, key=lambda one: one.figure.group)
        ],
        latencies=latencies,
        format_value=format_value,
        time_labels={name: text.localize(language) for name, text in TIME_LABELS.items()},
        curves=latency_curves(run.results, most),
        most_s=most,
        verdicts=verdict_segments(run.results),
        verdict_labels={name: text.localize(language) for name, text in VERDICTS.items()},
        ranks=rank_columns(run.results),
        plot=PLOT,
        results=sorted(run.results, key=lambda one: ("failed", "bad", "good").index(_state(one))),
        state=_state,
        c=comparison,
        conditions=conditions.localize(language) if conditions else "",
        marks=MARKS,
        verdict_names={name: text.localize(language) for name, text in VERDICT_LABELS.items()},
    )


def latency_curves(results: Sequence[QuestionResult], most_s: float) -> list[Curve]:
    """Return the distribution functions of the three times as steps."""
    width, height = PLOT
    curves = []
    for name in TIMES:
        given = [getattr(result, name) for result in results if not result.has_failed]
        seconds = sorted(value for value in given if value is not None)
        steps = [f"M0 {height}"]
        for done, value in enumerate(seconds, start=1):
            x, y = width * min(1.0, value / most_s), height * (1 - done / len(seconds))
            steps.append(f"H{x:.1f}V{y:.1f}")
        if seconds:
            curves.append(Curve(name=name, path="".join([*steps, f"H{width}"])))
    return curves


def verdict_segments(results: Sequence[QuestionResult]) -> list[Segment]:
    """Return one bar of all sentences that models said, parted by verdict."""
    counts: Counter[VerdictKind] = Counter()
    for result in results:
        counts.update(result.verdicts)
    total, x, segments = counts.total(), 0.0, []
    for name in VERDICTS:
        if counts[name]:
            width = PLOT[0] * counts[name] / total
            segments.append(
                Segment(name=name, x=round(x, 2), width=round(width, 2), count=counts[name])
            )
            x += width
    return segments


def rank_columns(results: Sequence[QuestionResult]) -> list[Segment]:
    """Return how many questions have their first right passage at rank 1, 2, …, or nowhere."""
    answerable = [result for result in results if not result.unanswerable]
    counts = Counter(result.rank for result in answerable)
    # Ranks without a question keep their place, so that the axis is a scale.
    places = [*range(1, max((rank for rank in counts if rank), default=0) + 1), None]
    most = max(counts.values(), default=1)
    slot = PLOT[0] / len(places)
    return [
        Segment(
            name="–" if rank is None else str(rank),
            x=round(at * slot + 0.15 * slot, 1),
            width=round(0.7 * slot, 1),
            y=round(PLOT[1] * (1 - counts[rank] / most), 1),
            height=round(PLOT[1] * counts[rank] / most, 1),
            count=counts[rank],
        )
        for at, rank in enumerate(places)
    ]


def _state(result: QuestionResult) -> str:
    """Return how a question went, as the page's style sheet calls it."""
    return "failed" if result.has_failed else "good" if result.is_good else "bad"


def _excerpt(text: str) -> str:
    text = text.strip()
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT]}…"
