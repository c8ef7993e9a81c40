"""Two runs over the same questions: which figures differ by more than chance explains."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from assistant.errors import EvaluationFileError
from assistant.evaluation.figures import FIGURES, EvaluationFigure, Latency, measure_latency
from assistant.evaluation.results import EvaluationRun, QuestionResult, header_differences
from ingest.foundation.intervals import Interval, paired_interval
from ingest.foundation.messages import Message

SIGNIFICANT = 0.05
"""Significance level of the sign test, two-sided. Five questions that all point one way come by
chance in 1 of 16 comparisons, six in 1 of 32, seven of eight in 1 of 14; the bootstrap alone would
call two of two certain."""

SAME_WITHIN = 1e-9
"""Values that differ by less are a tie."""

Pairs = Sequence[tuple[QuestionResult, QuestionResult]]
"""Results of the old and of the new run for the same question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureDifference:
    """One figure of both runs over the questions that both asked; `gain` is new - old."""

    figure: EvaluationFigure
    old: float
    new: float
    gain: Interval
    higher: int
    """Questions with a higher value in the new run."""
    lower: int
    questions: int

    @property
    def verdict(self) -> Literal["better", "worse", "none"]:
        """Whether the difference is shown; "none" also for figures of which no way is better."""
        shown = self.gain.is_significant and sign_test(self.higher, self.lower) < SIGNIFICANT
        # Where most questions gain and a few lose more, the two tests contradict each other.
        agree = (self.gain.value > 0) == (self.higher > self.lower)
        if not (shown and agree and self.figure.better):
            return "none"
        return "better" if (self.gain.value > 0) == (self.figure.better == "higher") else "worse"

    def to_json(self) -> dict[str, Any]:
        """Return both values, the gain with its interval, and the verdict."""
        return {
            "old": round(self.old, 4),
            "new": round(self.new, 4),
            "gain": round(self.gain.value, 4),
            "interval": [round(self.gain.low, 4), round(self.gain.high, 4)],
            "higher": self.higher,
            "lower": self.lower,
            "questions": self.questions,
            "verdict": self.verdict,
        }


def sign_test(higher: int, lower: int) -> float:
    """Return how often chance splits as many questions as unevenly, either way, 0 to 1."""
    total, fewer = higher + lower, min(higher, lower)
    tail = sum(math.comb(total, count) for count in range(fewer + 1))
    return min(1.0, float(2 * tail / 2**total))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunComparison:
    """A new run against an old one."""

    old: EvaluationRun
    new: EvaluationRun
    pairs: Pairs
    only_one: int
    """Questions of which one run alone has a result; they are left out."""
    differences: tuple[FigureDifference, ...]
    latencies: tuple[tuple[Latency, Latency], ...]
    """Old and new, of what both have."""

    @property
    def changed(self) -> Pairs:
        """The questions whose answer became right or wrong, those lost first."""
        pairs = [(old, new) for old, new in self.pairs if old.is_good != new.is_good]
        return sorted(pairs, key=lambda pair: pair[1].is_good)

    @property
    def conditions(self) -> list[str]:
        """Names of what the runs were asked of differently, beside model and passages."""
        return header_differences(self.old.header, self.new.header)

    def to_json(self) -> dict[str, Any]:
        """Return the differences by figure."""
        return {
            "old": self.old.name,
            "new": self.new.name,
            "questions": len(self.pairs),
            "only_one": self.only_one,
            "figures": {one.figure.name: one.to_json() for one in self.differences},
            "lost": [new.question for _, new in self.changed if not new.is_good],
            "won": [new.question for _, new in self.changed if new.is_good],
        }


def compare_runs(old: EvaluationRun, new: EvaluationRun) -> RunComparison:
    """Return how the new run differs from the old one.

    Raises:
        EvaluationFileError: they have no question in common.
    """
    # By key and not by place: either run may have been stopped, or asked another file.
    before = {result.key: result for result in old.results}
    after = {result.key: result for result in new.results}
    refuse_unlike(old, after, new.name)
    pairs = [(before[key], after[key]) for key in before if key in after]
    # Over the pairs alone: a run that was stopped may have asked the easy half.
    times = [measure_latency(side) for side in zip(*pairs, strict=True)]
    latencies = [(one, two) for one in times[0] for two in times[1] if one.name == two.name]
    return RunComparison(
        old=old,
        new=new,
        pairs=pairs,
        only_one=len(before.keys() ^ after.keys()),
        differences=tuple(figure_differences(pairs)),
        latencies=tuple(latencies),
    )


def refuse_unlike(old: EvaluationRun, keys: Iterable[str], name: str) -> None:
    """Raise `EvaluationFileError` if a run has none of the questions that `name` has."""
    if {result.key for result in old.results}.isdisjoint(keys):
        raise EvaluationFileError(
            Message("{old} and {new} have no question in common", old=old.name, new=name),
            hint=Message("a question is the same only if what is expected is the same, too"),
        )


def figure_differences(pairs: Pairs) -> list[FigureDifference]:
    """Return how each figure that both runs have differs, with what the difference is worth."""
    found = (figure_difference(figure, pairs) for figure in FIGURES)
    return [one for one in found if one is not None]


def figure_difference(figure: EvaluationFigure, pairs: Pairs) -> FigureDifference | None:
    """Return how one figure differs, None if it applies to no question of both runs."""
    kept = [pair for pair in pairs if all(figure.columns(result) is not None for result in pair)]
    if not kept:
        return None
    olds, news = (figure.table(side) for side in zip(*kept, strict=True))
    if figure.name == "failed" and not (olds[:, 0].any() or news[:, 0].any()):
        return None
    # Per question, for the sign test; the figure itself is a ratio of sums.
    gains = news[:, 0] / news[:, 1] - olds[:, 0] / olds[:, 1]
    return FigureDifference(
        figure=figure,
        old=float(olds[:, 0].sum() / olds[:, 1].sum()),
        new=float(news[:, 0].sum() / news[:, 1].sum()),
        gain=paired_interval(olds, news),
        higher=int(np.count_nonzero(gains > SAME_WITHIN)),
        lower=int(np.count_nonzero(gains < -SAME_WITHIN)),
        questions=len(kept),
    )
