"""Every figure by name: what it is made of, how it is shown, and which way is better.

A figure and the interval of its difference come from the same columns, so they cannot disagree.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from finetune.evaluate.metrics.intervals import Floats, Statistic, f1, macro_f1, mean, perplexity
from finetune.evaluate.metrics.scored import Scored
from ingest.foundation.messages import Message

Better = Literal["higher", "lower", ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure. `scores` are what a reply must have to count; `unit` is "%" or "" or a word.

    `factor` turns the figure into its unit: shares are shown in percent.
    """

    name: str
    label: Message
    scores: tuple[str, ...]
    statistic: Statistic = mean
    better: Better = "higher"
    unit: str = ""
    factor: float = 1.0
    digits: int = 2

    def of(self, replies: Sequence[Scored]) -> float | None:
        """Return the figure, in its unit, None if no reply can tell."""
        kept = [reply for reply in replies if self.tells(reply)]
        if not kept:
            return None
        return self.factor * float(self.statistic(self.columns(kept).sum(axis=0)[None])[0])

    def tells(self, reply: Scored) -> bool:
        """Whether a reply has what this figure is made of."""
        return all(name in reply.scores for name in self.scores)

    def columns(self, replies: Sequence[Scored]) -> Floats:
        """Return what each reply adds, (replies, columns), as `statistic` takes it."""
        if self.statistic is macro_f1:
            return _label_columns(replies)
        values = [[reply.scores[name] for name in self.scores] for reply in replies]
        table: Floats = np.array(values, dtype=np.float64)
        if self.statistic is mean and len(self.scores) == 1:
            return np.hstack([table, np.ones((len(table), 1))])
        return table


def _label_columns(replies: Sequence[Scored]) -> Floats:
    """Return (right, given, wanted) of each label that a record has, side by side."""
    rows = []
    labels = sorted({reply.label for reply in replies})
    for reply in replies:
        row: list[bool] = []
        for label in labels:
            given, wanted = reply.given == label, reply.label == label
            row += [given and wanted, given, wanted]
        rows.append(row)
    return np.array(rows, dtype=np.float64)


def _share(name: str, label: Message, better: Better = "higher") -> Figure:
    return Figure(
        name=name,
        label=label,
        scores=(name,),
        better=better,
        unit="%",
        factor=100.0,
        digits=1,
    )


def _percent(name: str, label: Message) -> Figure:
    return Figure(name=name, label=label, scores=(name,), unit="%")


def _amount(name: str, label: Message) -> Figure:
    return Figure(name=name, label=label, scores=(name,), better="", digits=1)


def bits(sums: Floats) -> Floats:
    """Return bits per byte, of nats and bytes."""
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
    _share("json_valid", Message("valid JSON")),
    _share("silence", Message("silent when polite")),
    _share("exact", Message("exact match")),
    _share("token_f1", Message("token F1")),
    Figure(
        name="similarity",
        label=Message("semantic similarity"),
        scores=("similarity",),
        digits=3,
    ),
    _percent("answer_bleu-4", Message("BLEU-4, answer")),
    _percent("answer_rouge-1", Message("ROUGE-1, answer")),
    _percent("answer_rouge-2", Message("ROUGE-2, answer")),
    _percent("answer_rouge-l", Message("ROUGE-L, answer")),
    _percent("predict_bleu-4", Message("BLEU-4, with thinking")),
    _percent("predict_rouge-1", Message("ROUGE-1, with thinking")),
    _percent("predict_rouge-2", Message("ROUGE-2, with thinking")),
    _percent("predict_rouge-l", Message("ROUGE-L, with thinking")),
    _percent("sentence_bleu", Message("sacreBLEU, mean of sentences")),
    _percent("sentence_chrf", Message("chrF, mean of sentences")),
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
        statistic=bits,
        better="lower",
        digits=3,
    ),
    _share("format", Message("format kept")),
    _share("stop", Message("stops by itself")),
    _share("repetition", Message("loops"), "lower"),
    _share("repeated_ngrams", Message("repeated 4-grams"), "lower"),
    _share("language", Message("right language")),
    _amount("think_characters", Message("thought, characters")),
    _amount("answer_characters", Message("answer, characters")),
    Figure(
        name="seconds_per_reply",
        label=Message("time of a reply"),
        scores=("seconds",),
        better="",
        unit="s",
    ),
)

BY_NAME: dict[str, Figure] = {figure.name: figure for figure in FIGURES}
