"""A reply with its scores: one line of `evaluation/<model>.jsonl`."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from finetune.records import Prediction
from ingest.foundation.messages import Wording

FaultKind = Literal[
    "empty",
    "format",
    "endless",
    "repeats",
    "language",
    "number",
    "label",
    "missed",
    "spurious",
    "invented",
    "low_overlap",
]

FAULTS: dict[FaultKind, Wording] = {
    "empty": Wording("no answer", "没有回答"),
    "format": Wording("broken format", "格式损坏"),
    "endless": Wording("did not stop", "没有结束"),
    "repeats": Wording("repeats itself", "重复循环"),
    "language": Wording("wrong language", "语言不对"),
    "number": Wording("number missing", "缺少数字"),
    "label": Wording("wrong label", "标签错误"),
    "missed": Wording("entity missed", "漏掉实体"),
    "spurious": Wording("no entity, or another label", "多报或标错实体"),
    "invented": Wording("entity not in the text", "原文没有的实体"),
    "low_overlap": Wording("says something else", "答非所问"),
}
"""What can be wrong with a reply, the plainest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong with a reply; `detail` is the number, label or entity."""

    kind: FaultKind
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A reply beside what was wanted. `scores` holds only what this record can tell."""

    question: str
    wanted: str
    prediction: Prediction
    scores: Mapping[str, float]
    faults: tuple[Fault, ...] = ()
    label: str = ""
    given: str = ""

    @property
    def id(self) -> str:
        """The record's id."""
        return self.prediction.id


def to_json(scored: Scored) -> dict[str, Any]:
    """Return one line of JSON."""
    row = dataclasses.asdict(scored.prediction)
    row |= {"question": scored.question, "wanted": scored.wanted}
    if scored.label:
        row |= {"label": scored.label, "given": scored.given}
    row["scores"] = dict(scored.scores)
    if scored.faults:
        row["faults"] = [dataclasses.asdict(fault) for fault in scored.faults]
    return row


def from_json(row: Mapping[str, Any]) -> Scored:
    """Return what `to_json` wrote.

    Raises:
        KeyError, TypeError: the row is no such line.
    """
    names = [field.name for field in dataclasses.fields(Prediction)]
    return Scored(
        prediction=Prediction(**{name: row[name] for name in names}),
        question=row["question"],
        wanted=row["wanted"],
        scores=row["scores"],
        faults=tuple(Fault(**fault) for fault in row.get("faults", ())),
        label=row.get("label", ""),
        given=row.get("given", ""),
    )
