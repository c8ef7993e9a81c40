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

ERROR_LABELS: dict[ErrorType, Message] = {
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
"""What can be wrong with a reply, the most obvious first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyError:
    """One error of a reply; `detail` is the number, label or entity, if there is one."""

    kind: ErrorType
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredReply:
    """A reply with its reference, scores and errors.

    `scores` holds those that apply to this record. `label` is the record's, `given_label` the
    reply's; both are empty unless the task is classification.
    """

    question: str
    reference: str
    prediction: Prediction
    scores: Mapping[str, float]
    errors: tuple[ReplyError, ...] = ()
    label: str = ""
    given_label: str = ""

    @property
    def id(self) -> str:
        """The record's id."""
        return self.prediction.id


def scored_to_json(scored: ScoredReply) -> dict[str, Any]:
    """Return the JSON object of one line."""
    # The keys are a file format that others read; they do not follow the names of the fields.
    row = dataclasses.asdict(scored.prediction)
    row |= {"question": scored.question, "wanted": scored.reference}
    if scored.label:
        row |= {"label": scored.label, "given": scored.given_label}
    row["scores"] = dict(scored.scores)
    if scored.errors:
        row["faults"] = [dataclasses.asdict(error) for error in scored.errors]
    return row


def scored_from_json(row: Mapping[str, Any]) -> ScoredReply:
    """Return the reply that `scored_to_json` wrote.

    Raises:
        KeyError, TypeError: a key is missing, or the row is no object.
    """
    names = [field.name for field in dataclasses.fields(Prediction)]
    return ScoredReply(
        prediction=Prediction(**{name: row[name] for name in names}),
        question=row["question"],
        reference=row["wanted"],
        scores=row["scores"],
        errors=tuple(ReplyError(**error) for error in row.get("faults", ())),
        label=row.get("label", ""),
        given_label=row.get("given", ""),
    )
