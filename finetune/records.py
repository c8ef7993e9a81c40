"""The one shape that every data format becomes, and that lies in `runs/<name>/data/*.jsonl`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Split = Literal["train", "val", "test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One question and its reply. `think` is the reasoning before the answer, "" for none."""

    user: str
    answer: str
    think: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A labelled span of a record's text: `text` is at [start, end), counted in characters."""

    label: str
    text: str
    # -1: not located. A model's reply names entities by their text alone.
    start: int = -1
    end: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One conversation of the training data; its last turn is the one that evaluation scores.

    `source` is "file:row", rows counted from 1. `id` is a digest of the content, so that it is the
    same wherever the row stands. Records of one `group` are never in two splits. `label` and
    `entities` hold what classification and extraction are scored by; `document` ties the windows
    of one long text together, and `offset` is where in it a window begins, in characters.
    `rejected` is another reply to the last question, which the reply there was preferred to.
    """

    id: str
    turns: tuple[Turn, ...]
    system: str = ""
    label: str = ""
    entities: tuple[Entity, ...] = ()
    group: str = ""
    source: str = ""
    document: str = ""
    offset: int = 0
    rejected: Turn | None = None

    @property
    def last(self) -> Turn:
        """The turn whose question evaluation puts to a model, and whose answer is the reference."""
        return self.turns[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """A model's reply to a record's last question.

    `text` is the whole reply as generated, with thinking and tags but without the end token;
    `think` and `answer` are its parts. `stopped`: the model ended by itself, not by the limit.
    `seconds` is what it took, `tokens` how many were generated.
    """

    id: str
    text: str
    think: str
    answer: str
    stopped: bool
    seconds: float
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRow:
    """A row as it was read, before a format makes a record of it. `source` is "file:row"."""

    source: str
    fields: Mapping[str, Any] = field(default_factory=dict)


def to_json(record: Record) -> dict[str, Any]:
    """Return a record for one line of JSON; what is empty is left out."""
    row: dict[str, Any] = {"id": record.id}
    if record.system:
        row["system"] = record.system
    row["turns"] = [{"user": turn.user, **_reply_to_json(turn)} for turn in record.turns]
    if record.rejected:
        row["rejected"] = _reply_to_json(record.rejected)
    if record.entities:
        row["entities"] = [
            {"label": one.label, "text": one.text, "start": one.start, "end": one.end}
            for one in record.entities
        ]
    # Left out where empty: in half a million rows these keys alone would be tens of megabytes.
    for name in ("label", "group", "source", "document", "offset"):
        if value := getattr(record, name):
            row[name] = value
    return row


def from_json(row: Mapping[str, Any]) -> Record:
    """Return the record that `to_json` wrote.

    Raises:
        KeyError, TypeError: the row is no such record.
    """
    return Record(
        id=row["id"],
        turns=tuple(Turn(**turn) for turn in row["turns"]),
        system=row.get("system", ""),
        label=row.get("label", ""),
        entities=tuple(Entity(**one) for one in row.get("entities", ())),
        group=row.get("group", ""),
        source=row.get("source", ""),
        document=row.get("document", ""),
        offset=row.get("offset", 0),
        # The question is that of the last turn: it is not written twice.
        rejected=Turn(user=row["turns"][-1]["user"], **row["rejected"])
        if row.get("rejected")
        else None,
    )


def _reply_to_json(turn: Turn) -> dict[str, str]:
    return {**({"think": turn.think} if turn.think else {}), "answer": turn.answer}
