"""Whether a tuned model has lost what its base could do with texts of other kinds.

Asked are the questions that come with the package (`finetune.other_texts`), and rows of the index's
other collections; each brings its passages, so that nothing is looked up and both models are shown
the same.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assistant.evaluation.comparison import FigureDifference, RunComparison, compare_runs
from assistant.evaluation.comparison import figure_difference as difference_of
from assistant.evaluation.figures import FIGURES, EvaluationFigure, format_value
from assistant.evaluation.questions import EvaluationQuestion
from assistant.evaluation.results import EvaluationRun, QuestionResult
from finetune.other_texts.texts import load_other_questions
from finetune.rag_evaluation.product_figures import OWN_WORDS_FIGURE
from finetune.rag_evaluation.questions import HeldOutQuestion, passage_of_row
from finetune.recipe import Recipe
from finetune.runs import read_json_lines
from ingest.foundation.messages import Message
from ingest.text.language import language_of

PREFIX = "other-texts:"
"""What the id of such a question begins with; its group follows, and a number."""

LABELS = {
    "en": Message("other texts, in English"),
    "zh": Message("other texts, in Chinese"),
    "collections": Message("other collections of the index"),
}
"""The groups: each is judged by itself, since a loss in one language hides behind the other."""

SURELY_WORSE_BY = 0.05
"""Share of the questions of a group that may be lost though chance does not explain it: one in
twenty, as within the collection."""

MAX_LOST = 0.15
"""Share from which it is a loss whatever the interval says: of 37 questions, with one in five
answered otherwise by chance, a model that lost nothing gets there once in forty times."""

MAX_BY_CHANCE = 2
"""Questions more or fewer that are no finding, however small the group."""


def other_text_questions(recipe: Recipe) -> list[HeldOutQuestion]:
    """Return the questions on other texts that a recipe wants to be asked, none by default."""
    if not recipe.evaluate.other_texts:
        return []
    questions = [
        HeldOutQuestion(
            expected=EvaluationQuestion(
                text=one.text,
                answers=(one.answer,) if one.is_answerable else (),
                unanswerable=not one.is_answerable,
                id=f"{PREFIX}{one.language}:{number}",
            ),
            passages=one.passages,
            language=one.language,
        )
        for number, one in enumerate(load_other_questions("gate"), start=1)
    ]
    for file in other_row_files(recipe):
        # The questions of rows that `finetune synthesize` wrote, with their passages.
        questions += [
            HeldOutQuestion(
                expected=EvaluationQuestion(
                    text=row["question"],
                    answers=(row["answer"],) if row["answerable"] else (),
                    unanswerable=not row["answerable"],
                    id=f"{PREFIX}collections:{number}",
                ),
                passages=tuple(map(passage_of_row, row["passages"])),
                language=language_of(row["question"]),
            )
            for number, row in enumerate(read_json_lines(file), start=1)
        ]
    return questions


def other_row_files(recipe: Recipe) -> list[Path]:
    """Return the files of rows of other collections that are there."""
    files = [recipe.folder / name for name in recipe.evaluate.other_rows]
    return [file for file in files if file.is_file()]


def is_on_other_texts(result: QuestionResult) -> bool:
    """Return whether a result is of one of these questions."""
    return result.id.startswith(PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherTextsComparison:
    """Base and tuned model on one group of other texts."""

    label: Message
    comparison: RunComparison
    """`differences` are those of `OWN_WORDS_FIGURE` and of declined questions."""

    @property
    def lines(self) -> list[Message]:
        """One line for people for each figure."""
        return [
            Message(
                "{texts}: {label}, {old} → {new}",
                texts=self.label,
                label=one.figure.label,
                old=format_value(one.old, one.figure),
                new=format_value(one.new, one.figure),
            )
            for one in self.comparison.differences
        ]

    @property
    def losses(self) -> list[Message]:
        """Why the tuned model may not take the base's place, as far as these texts go."""
        losses = []
        for one in filter(_is_lost, self.comparison.differences):
            old, new = (format_value(value, one.figure) for value in (one.old, one.new))
            values = {"texts": self.label, "old": old, "new": new}
            if one.figure is OWN_WORDS_FIGURE:
                loss = Message(
                    "it has lost what the base could do: on {texts} it answers fewer questions "
                    "rightly, {old} → {new}",
                    **values,
                )
            else:
                loss = Message(
                    "it says too often that the answer is not there: on {texts} it declines {new} "
                    "of the questions that can be answered, the base {old}",
                    **values,
                )
            losses.append(loss)
        return losses

    def to_json(self) -> dict[str, Any]:
        """Return group and differences as JSON values."""
        return {"texts": self.label.in_each_language(), **self.comparison.to_json()}


def _is_lost(one: FigureDifference) -> bool:
    loss = one.old - one.new if one.figure.better == "higher" else one.new - one.old
    if abs(one.higher - one.lower) <= MAX_BY_CHANCE:
        return False
    return loss > MAX_LOST or (loss > SURELY_WORSE_BY and one.verdict == "worse")


def compare_on_other_texts(base: EvaluationRun, tuned: EvaluationRun) -> list[OtherTextsComparison]:
    """Return how the models differ on each group of other texts that both were asked."""
    declined = next(one for one in FIGURES if one.name == "refusals_wrong")
    figures: tuple[EvaluationFigure, ...] = (OWN_WORDS_FIGURE, declined)
    found = []
    for group, label in LABELS.items():
        runs = [
            replace(
                run,
                results=tuple(one for one in run.results if one.id.startswith(f"{PREFIX}{group}:")),
            )
            for run in (base, tuned)
        ]
        if not all(run.results for run in runs):
            continue
        comparison = compare_runs(*runs)
        differences = (difference_of(one, comparison.pairs) for one in figures)
        shown = replace(comparison, differences=tuple(filter(None, differences)))
        found.append(OtherTextsComparison(label=label, comparison=shown))
    return found
