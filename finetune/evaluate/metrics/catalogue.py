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
from ingest.foundation.messages import Wording

Better = Literal["higher", "lower", ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure. `scores` are what a reply must have to count; `unit` is "%" or "" or a word.

    `factor` turns the figure into its unit: shares are shown in percent.
    """

    name: str
    label: Wording
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


def _share(name: str, en: str, zh: str, better: Better = "higher") -> Figure:
    return Figure(
        name=name,
        label=Wording(en, zh),
        scores=(name,),
        better=better,
        unit="%",
        factor=100.0,
        digits=1,
    )


def _percent(name: str, en: str, zh: str) -> Figure:
    return Figure(name=name, label=Wording(en, zh), scores=(name,), unit="%")


def _amount(name: str, en: str, zh: str) -> Figure:
    return Figure(name=name, label=Wording(en, zh), scores=(name,), better="", digits=1)


def bits(sums: Floats) -> Floats:
    """Return bits per byte, of nats and bytes."""
    return mean(sums) / math.log(2)


FIGURES: tuple[Figure, ...] = (
    Figure(
        name="accuracy",
        label=Wording("accuracy", "准确率"),
        scores=("correct",),
        unit="%",
        factor=100.0,
        digits=1,
    ),
    Figure(
        name="macro_f1",
        label=Wording("macro F1", "宏平均 F1"),
        scores=("correct",),
        statistic=macro_f1,
        unit="%",
        factor=100.0,
    ),
    Figure(
        name="entity_f1",
        label=Wording("entity F1 (strict)", "实体 F1（严格）"),
        scores=("entity_right", "entity_given", "entity_wanted"),
        statistic=f1,
        unit="%",
        factor=100.0,
    ),
    Figure(
        name="risk_f1",
        label=Wording("risk F1", "风险识别 F1"),
        scores=("risk_right", "risk_given", "risk_wanted"),
        statistic=f1,
        unit="%",
        factor=100.0,
    ),
    _share("json_valid", "valid JSON", "JSON 可用"),
    _share("silence", "silent when polite", "礼貌消息不打扰"),
    _share("exact", "exact match", "完全匹配"),
    _share("token_f1", "token F1", "词元 F1"),
    Figure(
        name="similarity",
        label=Wording("semantic similarity", "语义相似度"),
        scores=("similarity",),
        digits=3,
    ),
    _percent("answer_bleu-4", "BLEU-4, answer", "BLEU-4（回答）"),
    _percent("answer_rouge-1", "ROUGE-1, answer", "ROUGE-1（回答）"),
    _percent("answer_rouge-2", "ROUGE-2, answer", "ROUGE-2（回答）"),
    _percent("answer_rouge-l", "ROUGE-L, answer", "ROUGE-L（回答）"),
    _percent("predict_bleu-4", "BLEU-4, with thinking", "BLEU-4（含思考）"),
    _percent("predict_rouge-1", "ROUGE-1, with thinking", "ROUGE-1（含思考）"),
    _percent("predict_rouge-2", "ROUGE-2, with thinking", "ROUGE-2（含思考）"),
    _percent("predict_rouge-l", "ROUGE-L, with thinking", "ROUGE-L（含思考）"),
    _percent("sentence_bleu", "sacreBLEU, mean of sentences", "sacreBLEU（逐句平均）"),
    _percent("sentence_chrf", "chrF, mean of sentences", "chrF（逐句平均）"),
    Figure(
        name="perplexity",
        label=Wording("perplexity of the reference", "参考答案困惑度"),
        scores=("nats", "target_tokens"),
        statistic=perplexity,
        better="lower",
    ),
    Figure(
        name="bits_per_byte",
        label=Wording("bits per byte", "每字节比特"),
        scores=("nats", "target_bytes"),
        statistic=bits,
        better="lower",
        digits=3,
    ),
    _share("format", "format kept", "格式正确"),
    _share("stop", "stops by itself", "自行结束"),
    _share("repetition", "loops", "重复循环", "lower"),
    _share("repeated_ngrams", "repeated 4-grams", "重复 4 元组", "lower"),
    _share("language", "right language", "语言正确"),
    _amount("think_characters", "thought, characters", "思考字符数"),
    _amount("answer_characters", "answer, characters", "回答字符数"),
    Figure(
        name="seconds_per_reply",
        label=Wording("time of a reply", "每条用时"),
        scores=("seconds",),
        better="",
        unit="s",
    ),
)

BY_NAME: dict[str, Figure] = {figure.name: figure for figure in FIGURES}
