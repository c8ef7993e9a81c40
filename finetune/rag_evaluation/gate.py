"""Whether a tuned model may take the base's place: surely better, and nothing else much worse."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from assistant.evaluation.comparison import RunComparison, compare_runs, figure_difference
from assistant.evaluation.figures import format_value
from assistant.evaluation.results import EvaluationRun
from assistant.evaluation.text_report import comparison_lines
from finetune.rag_evaluation.other_texts import (
    OtherTextsComparison,
    compare_on_other_texts,
    is_on_other_texts,
)
from finetune.rag_evaluation.product_figures import LENGTH, OWN_WORDS_FIGURE
from ingest.foundation.messages import Language, Message

MIN_QUESTIONS = 10
"""Fewer show nothing: the sign test takes six that all point one way."""

WORSE_BY = {
    "shown": 0.05,
    "refusals_right": 0.05,
    "refusals_wrong": 0.05,
    "unsupported": 0.05,
    "failed": 0.0,
}
"""Share by which each of the other figures may be worse: about one question in twenty."""

LONGER_BY = 2.0
"""Factor by which the tokens of a reply may grow. Not its seconds: the two models are asked one
after the other, and what else the machine did meanwhile doubled them in a run where replies were
shorter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDecision:
    """Whether model b may take the place of model a, and why not."""

    comparison: RunComparison
    """`differences` begins with that of `OWN_WORDS_FIGURE`."""
    reasons: tuple[Message, ...]
    """Why it may not; empty where it may."""
    other_texts: tuple[OtherTextsComparison, ...] = ()
    """The same of questions on texts of other kinds, where those were asked."""

    @property
    def passed(self) -> bool:
        """Whether it may."""
        return not self.reasons

    @property
    def verdict(self) -> Message:
        """One line for people."""
        a, b = self.comparison.old.name, self.comparison.new.name
        if self.passed:
            return Message("{b} is surely better than {a} through the assistant", a=a, b=b)
        return Message("{b} does not take the place of {a}", a=a, b=b)

    def to_lines(self, language: Language) -> list[str]:
        """Return the verdict, the reasons and all differences, a line each."""
        head = f"{'▲' if self.passed else '·'} {self.verdict.localize(language)}"
        reasons = [f"  {reason.localize(language)}" for reason in self.reasons]
        others = [line.localize(language) for one in self.other_texts for line in one.lines]
        return [head, *reasons, *others, "", *comparison_lines(self.comparison, language)]

    def to_json(self) -> dict[str, Any]:
        """Return the verdict, the reasons and all differences as JSON values."""
        return {
            "passed": self.passed,
            "reasons": [reason.in_each_language() for reason in self.reasons],
            "other_texts": [one.to_json() for one in self.other_texts],
            **self.comparison.to_json(),
        }


def decide_replacement(base: EvaluationRun, tuned: EvaluationRun) -> GateDecision:
    """Return whether the tuned model may replace its base, and why not.

    It may if `OWN_WORDS_FIGURE` gains by more than chance explains (paired bootstrap, and the sign
    test), no other figure loses more than `WORSE_BY`, replies grow by `LONGER_BY` at most, and
    nothing is lost on other texts, where those were asked about.

    Raises:
        EvaluationFileError: they have no question in common.
    """
    comparison = compare_runs(_own_questions(base), _own_questions(tuned))
    other_texts = compare_on_other_texts(base, tuned)
    own_words, reply_length = (
        figure_difference(one, comparison.pairs) for one in (OWN_WORDS_FIGURE, LENGTH)
    )
    differences = (
        *filter(None, (own_words,)),
        *comparison.differences,
        *filter(None, (reply_length,)),
    )
    comparison = replace(comparison, differences=differences)
    reasons: list[Message] = []
    if len(comparison.pairs) < MIN_QUESTIONS:
        reasons.append(
            Message(
                "{count} held-out {count:?question shows|questions show} nothing: at "
                "least {least} are wanted",
                count=len(comparison.pairs),
                least=MIN_QUESTIONS,
            )
        )
    if own_words is None or own_words.verdict != "better":
        old, new = (
            (format_value(one, OWN_WORDS_FIGURE) for one in (own_words.old, own_words.new))
            if own_words
            else ("-", "-")
        )
        reasons.append(Message("it is not surely better: {old} → {new}", old=old, new=new))
    reasons += _worse_figures(comparison)
    reasons += [reason for one in other_texts for reason in one.losses]
    return GateDecision(
        comparison=comparison, reasons=tuple(reasons), other_texts=tuple(other_texts)
    )


def _own_questions(run: EvaluationRun) -> EvaluationRun:
    return replace(run, results=tuple(one for one in run.results if not is_on_other_texts(one)))


def _worse_figures(comparison: RunComparison) -> Sequence[Message]:
    """Return one line for each figure that is worse by more than its bound."""
    found = []
    for one in comparison.differences:
        figure = one.figure
        loss = one.old - one.new if figure.better == "higher" else one.new - one.old
        most = WORSE_BY.get(figure.name)
        # One question more or less is no finding, however few there are of its kind.
        lost = most == 0 or abs(one.higher - one.lower) > 1
        too_long = figure is LENGTH and one.new > LONGER_BY * one.old
        if too_long or (most is not None and loss > most and lost):
            found.append(
                Message(
                    "worse: {label}, {old} → {new}",
                    label=figure.label,
                    old=format_value(one.old, figure),
                    new=format_value(one.new, figure),
                )
            )
    return found
