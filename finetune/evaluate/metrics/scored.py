"""A reply with its scores: one line of `evaluation/<model>.jsonl`."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from finetune.records import Prediction
from ingest.foundation.messages import Message

ErrorType = Literal[
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

ERROR_TYPES: dict[ErrorType, Message] = {
    "empty": Message("no answer"),
    "format": Message("broken format"),
    "endless": Message("did not stop"),
    "repeats": Message("repeats itself"),
    "language": Message("wrong language"),
    "number": Message("number missing"),
    "label": Message("wrong label"),
    "missed": Message("entity missed"),
    "spurious": Message("no entity, or another label"),
    "invented": Message("entity not in the text"),
    "low_overlap": Message("says something else"),
}
"""What can be wrong with a reply, the plainest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyError:
    """One thing that is wrong with a reply; `detail` is the number, label or entity."""

    kind: ErrorType
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A reply beside what was wanted. `scores` holds only what this record can tell."""

    question: str
    wanted: str
    prediction: Prediction
    scores: Mapping[str, float]
    faults: tuple[ReplyError, ...] = ()
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
        faults=tuple(ReplyError(**fault) for fault in row.get("faults", ())),
        label=row.get("label", ""),
        given=row.get("given", ""),
    )
