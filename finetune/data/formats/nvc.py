"""Messages rewritten by Nonviolent Communication: observation, feeling, need, request.

The answer is JSON: {"risk": false} for a message that may be sent as it is, else what was seen in
it and how it could be put. Marshall B. Rosenberg, "Nonviolent Communication".
"""

import json

from finetune.data.rows import QUOTED_CHARACTERS, ParsedRow, RowError, RowFields, require_text
from finetune.records import Turn
from ingest.foundation.messages import Message

PARTS = ("observation", "feeling", "need", "request", "rewrite")
RISKY, POLITE = "risk", "polite"

_YES = frozenset({"true", "yes", "1", "1.0", "是", "有"})
_NO = frozenset({"false", "no", "0", "0.0", "否", "无"})


def is_nvc_row(fields: RowFields) -> bool:
    """Return whether the row has a message, and whether it hurts or how it could be put."""
    known = fields.has("risk", "risk") or fields.has("rewrite", "rewrite")
    return fields.has("text", "message") and known


def parse_nvc_row(fields: RowFields) -> ParsedRow:
    """Return the one turn, labelled `RISKY` or `POLITE`.

    Raises:
        RowError: the message, its risk, or a part of a rewriting is missing.
    """
    message = require_text(fields.text("text", "message"), Message("message"))
    parts = {name: fields.text(name, name).strip() for name in PARTS}
    # A bool or a number in JSON, a word in a table; empty: whether a rewriting was needed.
    risk = fields.value("risk", "risk")
    text = "" if risk is None else str(risk).strip().casefold()
    if risk not in (None, "") and text not in _YES | _NO:
        quoted = text[:QUOTED_CHARACTERS]
        raise RowError(Message("risk {value} is neither true nor false", value=quoted))
    risky = text in _YES if text else bool(parts["rewrite"])
    # All five or none: half an analysis would teach the model to leave parts out.
    missing = next((name for name, text in parts.items() if risky and not text), None)
    if missing:
        raise RowError(Message("no {missing}", missing=missing))
    instruction = fields.instruction
    answer = {"risk": True, **parts} if risky else {"risk": False}
    turn = Turn(
        user=f"{instruction}\n{message}" if instruction else message,
        answer=json.dumps(answer, ensure_ascii=False),
        think=fields.text("think", "think"),
    )
    return ParsedRow(
        turns=(turn,),
        system=fields.text("system", "system"),
        label=RISKY if risky else POLITE,
    )
