"""All figures of an evaluation: what each is made of, how it is shown, and which way is better.

A figure and the interval of its difference come from the same columns, so they cannot disagree.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from finetune.evaluate.metrics.scored import ScoredReply
from finetune.evaluate.metrics.statistics import f1, macro_f1, perplexity
from ingest.foundation.intervals import Floats, Statistic, mean
from ingest.foundation.messages import Message

Better = Literal["higher", "lower", ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure, of those replies that have all its `scores`.

    `factor` converts the statistic to `unit`, which is "%", "s" or "".
    """

    name: str
    label: Message
    scores: tuple[str, ...]
    statistic: Statistic = mean
    better: Better = "higher"
    unit: str = ""
    factor: float = 1.0
    digits: int = 2

    def value(self, replies: Sequence[ScoredReply]) -> float | None:
        """Return the figure in its unit, None if it applies to no reply."""
        kept = [reply for reply in replies if self.applies_to(reply)]
        if not kept:
            return None
        # One row: statistics take many resamples at once (bootstrap).
        return self.factor * float(self.statistic(self.columns(kept).sum(axis=0)[None])[0])

    def applies_to(self, reply: ScoredReply) -> bool:
        """Return whether a reply has the scores that this figure is made of."""
        return all(name in reply.scores for name in self.scores)

    def columns(self, replies: Sequence[ScoredReply]) -> Floats:
        """Return what each reply adds to the sums of `statistic`, (replies, columns)."""
        if self.statistic is macro_f1:
            # (correct, given, expected) of each label that a record has, side by side: unlike an
            # F1 per label these are sums, which the bootstrap can draw again.
            labels = sorted({reply.label for reply in replies})
            rows = [
                [
                    count
                    for label in labels
                    for count in (
                        reply.given_label == label == reply.label,
                        reply.given_label == label,
                        reply.label == label,
                    )
                ]
                for reply in replies
            ]
            return np.array(rows, dtype=np.float64)
        values = [[reply.scores[name] for name in self.scores] for reply in replies]
        table: Floats = np.array(values, dtype=np.float64)
        if self.statistic is mean and len(self.scores) == 1:
            # A mean is sum / count, and each reply counts once.
            return np.hstack([table, np.ones((len(table), 1))])
        return table


def _share_figure(name: str, label: Message, better: Better = "higher") -> Figure:
    return Figure(
        name=name,
        label=label,
        scores=(name,),
        better=better,
        unit="%",
        factor=100.0,
        digits=1,
    )


def _percent_figure(name: str, label: Message) -> Figure:
    return Figure(name=name, label=label, scores=(name,), unit="%")


def _length_figure(name: str, label: Message) -> Figure:
    return Figure(name=name, label=label, scores=(name,), better="", digits=1)


def bits_per_byte(sums: Floats) -> Floats:
    """Return bits per byte, (draws,), of the columns nats and bytes of UTF-8."""
    return mean(sums) / math.log(2)


FIGURES: tuple[Figure, ...] = (
    Figure(
        name="accuracy",
        label=Message("accuracy"),
        scores=("correct",),
        unit="%",
        factor=100.0,
        digits=1,
    ),
    Figure(
        name="macro_f1",
        label=Message("macro F1"),
        scores=("correct",),
        statistic=macro_f1,
        unit="%",
        factor=100.0,
    ),
    Figure(
        name="entity_f1",
        label=Message("entity F1 (strict)"),
        scores=("entity_right", "entity_given", "entity_wanted"),
        statistic=f1,
        unit="%",
        factor=100.0,
    ),
    Figure(
        name="risk_f1",
        label=Message("risk F1"),
        scores=("risk_right", "risk_given", "risk_wanted"),
        statistic=f1,
        unit="%",
        factor=100.0,
    ),
    _share_figure("json_valid", Message("valid JSON")),
    _share_figure("silence", Message("silent when polite")),
    _share_figure("exact", Message("exact match")),
    _share_figure("token_f1", Message("token F1")),
    Figure(
        name="similarity",
        label=Message("semantic similarity"),
        scores=("similarity",),
        digits=3,
    ),
    _percent_figure("answer_bleu-4", Message("BLEU-4, answer")),
    _percent_figure("answer_rouge-1", Message("ROUGE-1, answer")),
    _percent_figure("answer_rouge-2", Message("ROUGE-2, answer")),
    _percent_figure("answer_rouge-l", Message("ROUGE-L, answer")),
    _percent_figure("predict_bleu-4", Message("BLEU-4, with thinking")),
    _percent_figure("predict_rouge-1", Message("ROUGE-1, with thinking")),
    _percent_figure("predict_rouge-2", Message("ROUGE-2, with thinking")),
    _percent_figure("predict_rouge-l", Message("ROUGE-L, with thinking")),
    _percent_figure("sentence_bleu", Message("sacreBLEU, mean of sentences")),
    _percent_figure("sentence_chrf", Message("chrF, mean of sentences")),
    Figure(
        name="perplexity",
        label=Message("perplexity of the reference"),
        scores=("nats", "target_tokens"),
        statistic=perplexity,
        better="lower",
    ),
    Figure(
        name="bits_per_byte",
        label=Message("bits per byte"),
        scores=("nats", "target_bytes"),
        statistic=bits_per_byte,
        better="lower",
        digits=3,
    ),
    _share_figure("format", Message("format kept")),
    _share_figure("stop", Message("stops by itself")),
    _share_figure("repetition", Message("loops"), "lower"),
    _share_figure("repeated_ngrams", Message("repeated 4-grams"), "lower"),
    _share_figure("language", Message("right language")),
    _length_figure("think_characters", Message("thought, characters")),
    _length_figure("answer_characters", Message("answer, characters")),
    Figure(
        name="seconds_per_reply",
        label=Message("time of a reply"),
        scores=("seconds",),
        better="",
        unit="s",
    ),
)
