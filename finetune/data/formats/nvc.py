"""Messages rewritten by Nonviolent Communication: observation, feeling, need, request.

The answer is JSON: {"risk": false} for a message that may be sent as it is, else what was seen in
it and how it could be put. Marshall B. Rosenberg, "Nonviolent Communication".
"""

import json

from finetune.data.rows import Content, Fields, RowError, required
from finetune.records import Turn
from ingest.foundation.messages import Message

PARTS = ("observation", "feeling", "need", "request", "rewrite")
RISKY, POLITE = "risk", "polite"

_YES = frozenset({"true", "yes", "1", "1.0", "是", "有"})
_NO = frozenset({"false", "no", "0", "0.0", "否", "无"})


def fits(fields: Fields) -> bool:
    """Tell whether the row has a message, and whether it hurts or how it could be put."""
    known = fields.has("risk", "risk") or fields.has("rewrite", "rewrite")
    return fields.has("text", "message") and known


def read(fields: Fields) -> Content:
    """Return the one turn, labelled `RISKY` or `POLITE`.

    Raises:
        RowError: the message, its risk, or a part of a rewriting is missing.
    """
    message = required(fields.text("text", "message"), Message("message"))
    parts = {name: fields.text(name, name).strip() for name in PARTS}
    risk = _risk(fields.value("risk", "risk"), rewritten=bool(parts["rewrite"]))
    missing = next((name for name, text in parts.items() if risk and not text), None)
    if missing:
        raise RowError(Message("no {missing}", missing=missing))
    told = fields.instruction
    answer = {"risk": True, **parts} if risk else {"risk": False}
    turn = Turn(
        user=f"{told}\n{message}" if told else message,
        answer=json.dumps(answer, ensure_ascii=False),
        think=fields.text("think", "think"),
    )
    return Content(
        turns=(turn,),
        system=fields.text("system", "system"),
        label=RISKY if risk else POLITE,
    )


def _risk(value: object, *, rewritten: bool) -> bool:
    if value is None or value == "":
        return rewritten
    told = str(value).strip().casefold()
    if told in _YES | _NO:
        return told in _YES
    raise RowError(Message("risk {told} is neither true nor false", told=told[:40]))
