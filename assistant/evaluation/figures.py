"""The figures of a run, each with its 95 % interval, and the times that a reader waits.

A figure is a ratio of sums over questions (`columns`), so that its interval, its difference from
another run and the interval of that come from the same numbers.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assistant.evaluation.results import QuestionResult
from assistant.values import VerdictKind
from ingest.foundation.intervals import Floats, sample_interval, wilson_interval
from ingest.foundation.messages import Message

TIMES = ("seconds_to_evidence", "seconds_to_first_word", "seconds")
"""Fields of `QuestionResult`."""

Columns = tuple[float, float]
"""What a question adds to the sums whose ratio is a figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationFigure:
    """One figure; `columns` is None for a question to which it does not apply."""

    name: str
    label: Message
    columns: Callable[[QuestionResult], Columns | None]
    unit: Literal["%", "", "s", "tokens"] = "%"
    """"%": a share, kept as 0 to 1."""
    better: Literal["higher", "lower", ""] = "higher"
    group: Literal["retrieval", "answer", "verdicts", "refusals", "cost"] = "answer"

    def table(self, results: Iterable[QuestionResult]) -> Floats:
        """Return the columns of the questions to which the figure applies, (questions, 2)."""
        rows = [row for result in results if (row := self.columns(result)) is not None]
        return np.array(rows, dtype=np.float64).reshape(-1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureValue:
    """A figure of one run."""

    figure: EvaluationFigure
    value: float
    low: float
    high: float
    """Ends of the 95 % interval."""
    questions: int
    """How many questions the figure applies to."""

    def to_json(self) -> dict[str, object]:
        """Return value, interval and number of questions."""
        return {
            "value": round(self.value, 4),
            "interval": [round(self.low, 4), round(self.high, 4)],
            "questions": self.questions,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long readers wait for something: seconds at the 50th and 95th percentile."""

    name: str
    p50: float
    p95: float
    questions: int


def _flag(value: bool | None) -> Columns | None:
    return None if value is None else (float(value), 1.0)


def _amount(value: float | None) -> Columns | None:
    return None if value is None else (float(value), 1.0)


def _is_looked_up(result: QuestionResult) -> bool:
    """Return whether the passages of the question can be judged."""
    # An answer that failed before the passages were chosen says nothing about retrieval.
    return not result.unanswerable and not (result.has_failed and not result.passages)


def _recall(result: QuestionResult, most: int | None) -> Columns | None:
    if not _is_looked_up(result):
        return None
    return _flag(result.rank is not None and (most is None or result.rank <= most))


def _share_of_claims(result: QuestionResult, kind: VerdictKind) -> Columns | None:
    """Return how many of the sentences that claim something have a verdict."""
    # "Unchecked" ones count as claims: a model that answers in another language hides nothing.
    claims = sum(count for name, count in result.verdicts.items() if name != "no_claim")
    return (float(result.verdicts.get(kind, 0)), float(claims)) if claims else None


def _gives_way(result: QuestionResult) -> Columns | None:
    """Return whether quotes stand where a model's reply was none."""
    unusable = "reply_unusable" in result.notices
    return _flag(unusable) if unusable or result.kind == "model" else None


def _refusal_columns(result: QuestionResult, *, unanswerable: bool) -> Columns | None:
    if result.has_failed or result.unanswerable != unanswerable:
        return None
    return _flag(result.refused)


FIGURES: tuple[EvaluationFigure, ...] = (
    EvaluationFigure(
        name="recall_at_1",
        label=Message("the first passage is a right one (recall@1)"),
        columns=lambda result: _recall(result, 1),
        group="retrieval",
    ),
    EvaluationFigure(
        name="recall_at_k",
        label=Message("a right passage is among all (recall@k)"),
        columns=lambda result: _recall(result, None),
        group="retrieval",
    ),
    EvaluationFigure(
        name="mrr",
        label=Message("mean reciprocal rank of the first right passage (MRR)"),
        columns=lambda r: (1 / r.rank if r.rank else 0.0, 1.0) if _is_looked_up(r) else None,
        unit="",
        group="retrieval",
    ),
    EvaluationFigure(
        name="evidence",
        label=Message("the evidence holds the expected answer"),
        columns=lambda result: None if result.has_failed else _flag(result.in_evidence),
        group="retrieval",
    ),
    EvaluationFigure(
        name="right",
        label=Message("the answer holds the expected one"),
        columns=lambda result: _flag(result.right),
    ),
    EvaluationFigure(
        name="shown",
        label=Message("what is shown holds it, with the quotes beneath a reply"),
        columns=lambda result: _flag(result.shown_right),
    ),
    EvaluationFigure(
        name="f1",
        label=Message("token F1 of the answer"),
        columns=lambda result: _amount(result.f1),
        unit="",
    ),
    EvaluationFigure(
        name="replaced",
        label=Message("replies that were no answer, and gave way to quotes"),
        columns=_gives_way,
        better="lower",
    ),
    EvaluationFigure(
        name="failed",
        label=Message("no answer at all (an error)"),
        columns=lambda result: _flag(result.has_failed),
        better="lower",
    ),
    EvaluationFigure(
        name="supported",
        label=Message("sentences that their passage supports"),
        columns=lambda result: _share_of_claims(result, "supported"),
        group="verdicts",
    ),
    EvaluationFigure(
        name="re_attached",
        label=Message("sentences that another passage supports than the one cited"),
        columns=lambda result: _share_of_claims(result, "re_attached"),
        better="",
        group="verdicts",
    ),
    EvaluationFigure(
        name="unsupported",
        label=Message("sentences that no passage supports"),
        columns=lambda result: _share_of_claims(result, "unsupported"),
        better="lower",
        group="verdicts",
    ),
    EvaluationFigure(
        name="trust",
        label=Message("trust, mean over answers"),
        columns=lambda result: _amount(result.trust),
        group="verdicts",
    ),
    EvaluationFigure(
        name="refusals_right",
        label=Message("unanswerable questions that are refused"),
        columns=lambda result: _refusal_columns(result, unanswerable=True),
        group="refusals",
    ),
    EvaluationFigure(
        name="refusals_wrong",
        label=Message("answerable questions that are refused"),
        columns=lambda result: _refusal_columns(result, unanswerable=False),
        better="lower",
        group="refusals",
    ),
    EvaluationFigure(
        name="prompt_tokens",
        label=Message("tokens of a prompt"),
        columns=lambda result: _amount(result.prompt_tokens),
        unit="tokens",
        better="",
        group="cost",
    ),
    EvaluationFigure(
        name="seconds",
        label=Message("seconds to the whole answer, mean"),
        columns=lambda result: None if result.has_failed else _amount(result.seconds),
        unit="s",
        better="lower",
        group="cost",
    ),
)

FIGURE_OF = {figure.name: figure for figure in FIGURES}


def measure(
    results: Sequence[QuestionResult], figures: Sequence[EvaluationFigure] = FIGURES
) -> list[FigureValue]:
    """Return those of `figures` that apply to any of the results."""
    found = []
    for figure in figures:
        table = figure.table(results)
        if not len(table):
            continue
        if figure.name == "failed" and not table[:, 0].any():
            continue  # a figure that is hoped to be empty says nothing while it is
        interval = sample_interval(table)
        values = table[:, 0] / table[:, 1]
        if figure.unit in {"%", ""} and values.min() == values.max():
            # Drawing from equal values gives equal values: the bootstrap would call 5 of 5 certain.
            interval = wilson_interval(float(values[0]), len(values))
        found.append(
            FigureValue(
                figure=figure,
                value=interval.value,
                low=interval.low,
                high=interval.high,
                questions=len(table),
            )
        )
    return found


def measure_latency(results: Iterable[QuestionResult]) -> list[Latency]:
    """Return how long readers wait for evidence, the first word and the whole answer."""
    answered = [result for result in results if not result.has_failed]
    found = []
    for name in TIMES:
        given = [getattr(result, name) for result in answered]
        seconds = [value for value in given if value is not None]
        if seconds:
            p50, p95 = (float(value) for value in np.percentile(seconds, [50, 95]))
            found.append(Latency(name=name, p50=p50, p95=p95, questions=len(seconds)))
    return found


def format_value(value: float, figure: EvaluationFigure, *, signed: bool = False) -> str:
    """Return a value as people read it: "80.0 %", "0.912", "1.25 s", "431".

    `signed` is for differences: those of shares are percentage points, and have no unit.
    """
    sign = "+" if signed else ""
    if figure.unit == "%":
        return f"{100 * value:{sign}.1f}" if signed else f"{100 * value:.1f} %"
    if figure.unit == "s":
        return f"{value:{sign}.2f} s"
    return f"{value:{sign}.0f}" if figure.unit == "tokens" else f"{value:{sign}.3f}"
