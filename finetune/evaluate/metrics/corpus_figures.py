"""Figures over all scored replies of one model: single numbers, and tables."""

import math
from collections.abc import Sequence
from typing import Any

from finetune.evaluate.metrics.catalogue import FIGURES
from finetune.evaluate.metrics.labels import score_classification
from finetune.evaluate.metrics.nvc import nvc_figures, parse_nvc_reply
from finetune.evaluate.metrics.overlap import bleu_tokenizer, corpus_bleu, corpus_chrf
from finetune.evaluate.metrics.scored import ScoredReply
from finetune.recipe import Task

DIGITS = 4
"""Digits of figures in JSON, as LLaMA-Factory writes them."""


def number_figures(scored: Sequence[ScoredReply]) -> dict[str, float]:
    """Return all figures that are one number, by name; those of LLaMA-Factory have its names."""
    values = {figure.name: figure.value(scored) for figure in FIGURES}
    answers = [one.prediction.answer for one in scored]
    references = [one.reference for one in scored]
    # BLEU and chrF of a corpus sum n-grams over all pairs; no mean of sentence scores equals them.
    values["bleu"] = corpus_bleu(answers, references, bleu_tokenizer(references))[0]
    values["chrf"] = corpus_chrf(answers, references)
    seconds = sum(one.prediction.seconds for one in scored)
    if seconds:
        values["predict_runtime"] = seconds
        values["predict_samples_per_second"] = len(scored) / seconds
    return {
        name: round(value, DIGITS)
        for name, value in values.items()
        if value is not None and math.isfinite(value)
    }


def table_figures(scored: Sequence[ScoredReply], task: Task) -> dict[str, Any]:
    """Return all other figures: error counts, the confusion matrix, both sides of an F1."""
    references = [one.reference for one in scored]
    error_counts: dict[str, int] = {}
    # Replies, not errors, are counted: one that misses ten entities counts once.
    for kind in (kind for one in scored for kind in {error.kind for error in one.errors}):
        error_counts[kind] = error_counts.get(kind, 0) + 1
    answers = [one.prediction.answer for one in scored]
    tables: dict[str, Any] = {
        "faults": error_counts,
        "bleu_signature": corpus_bleu(answers, references, bleu_tokenizer(references))[1],
    }
    if task == "classify":
        figures = score_classification(
            [one.label for one in scored], [one.given_label for one in scored]
        )
        tables["labels"], tables["columns"] = figures.labels, figures.columns
        tables["confusion"] = figures.confusion
        tables["per_label"] = {
            one.label: {"precision": one.precision, "recall": one.recall, "f1": one.f1}
            for one in figures.per_label
        }
    if task == "nvc":
        nvc = nvc_figures([parse_nvc_reply(one.prediction.answer, one.reference) for one in scored])
        tables["risk"] = {"precision": nvc.risk_precision, "recall": nvc.risk_recall}
    return tables
