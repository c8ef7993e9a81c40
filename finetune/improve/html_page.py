"""The report of an improvement: what was decided, on what, and what to do next. No scripts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assistant.evaluation.figures import EvaluationFigure, format_value
from assistant.evaluation.results import QuestionResult
from assistant.evaluation.text_report import MARKS, VERDICT_LABELS
from finetune.html_templates import render
from finetune.pipeline import Pipeline
from finetune.rag_evaluation.gate import GateDecision
from finetune.rag_evaluation.product_figures import own_score
from finetune.runs import write_atomically
from ingest.foundation.messages import Language, Message

EXAMPLES = 12
"""Questions shown of each kind: won, lost, and wrong in both."""

EXCERPT_CHARACTERS = 500
"""Characters shown of an answer."""

RIGHT_FROM = 0.5
"""Score of the model's own words from which a person would call them right."""

_EXAMPLES = (
    (Message("Won: the base was wrong, the tuned model is right"), [False, True]),
    (Message("Lost: the base was right, the tuned model is wrong"), [True, False]),
    (Message("Wrong in both"), [False, False]),
)
"""Titles of the lists of questions, and whether base and tuned model are right in them."""


def write_improvement_page(
    decision: GateDecision,
    pipeline: Pipeline,
    path: Path,
    *,
    collection: str,
    outcome: Sequence[Message],
) -> None:
    """Write the report; `outcome` is what became of the model, a line each."""
    language, run = pipeline.language, pipeline.run
    pairs = decision.comparison.pairs
    right = [[own_score(one) >= RIGHT_FROM for one in pair] for pair in pairs]
    examples = {
        title: [pair for pair, both in zip(pairs, right, strict=True) if both == outcomes]
        for title, outcomes in _EXAMPLES
    }
    summary = Message(
        "Of {count} {count:?question|questions} from documents that it was not trained "
        "on, the base answers {old} rightly in its own words, the tuned model {new}.",
        count=len(pairs),
        old=sum(old for old, _ in right),
        new=sum(new for _, new in right),
    )
    page = render(
        "improve.html.j2",
        language,
        filters={"said": _own_words},
        decision=decision,
        collection=collection,
        summary=summary.localize(language),
        reasons=[one.localize(language) for one in decision.reasons],
        outcome=[one.localize(language) for one in outcome],
        differences=decision.comparison.differences,
        other_texts=_describe_other_texts(decision, language),
        format_value=format_value,
        interval=_render_interval,
        marks=MARKS,
        verdict_names={name: text.localize(language) for name, text in VERDICT_LABELS.items()},
        examples=[
            (title.localize(language), len(found), found[:EXAMPLES])
            for title, found in examples.items()
            if found
        ],
        data=run.figures("prepare"),
        training=run.figures("train"),
        recipe=pipeline.recipe,
        base=Path(pipeline.recipe.model.base).name,
    )
    write_atomically(path, page)


def _describe_other_texts(decision: GateDecision, language: Language) -> dict[str, Any] | None:
    """Return what the page says of texts of other kinds, None where they were not asked about."""
    groups = decision.other_texts
    if not groups:
        return None
    pairs = [pair for group in groups for pair in group.comparison.pairs]
    # Lost is what the reader loses: an answer, not the saying that there is none.
    lost = [
        (old, new)
        for old, new in pairs
        if own_score(old) >= RIGHT_FROM > own_score(new) and not new.unanswerable
    ]
    is_lost = any(group.losses for group in groups)
    count = len(pairs)
    verdict = (
        Message(
            "Both models were asked {count} {count:?question|questions} on texts of "
            "other kinds, too. The tuned model answers them worse: put into use, it "
            "would be better at this collection and worse at everything else.",
            count=count,
        )
        if is_lost
        else Message(
            "Both models were asked {count} {count:?question|questions} on texts of "
            "other kinds, too: the tuned model has not lost what the base could do there.",
            count=count,
        )
    )
    return {
        "is_lost": is_lost,
        "verdict": verdict.localize(language),
        "groups": [
            (group.label.localize(language), group.comparison.differences) for group in groups
        ],
        "lost": lost[:EXAMPLES],
        "lost_count": len(lost),
    }


def _render_interval(low: float, high: float, figure: EvaluationFigure) -> str:
    shown = (format_value(value, figure, signed=True) for value in (low, high))
    return " … ".join(shown)


def _own_words(result: QuestionResult) -> str:
    """Return the beginning of what a model said itself, "" where quotes stood in for it."""
    text = (result.own_words or result.answer).strip() if result.kind == "model" else ""
    return text if len(text) <= EXCERPT_CHARACTERS else f"{text[:EXCERPT_CHARACTERS]}…"
