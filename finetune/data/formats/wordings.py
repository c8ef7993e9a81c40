"""Other wordings of a row's question, as the knowledge bases of support desks keep them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from finetune.data.field_names import SIMILAR_NAMES
from finetune.data.rows import with_content_id
from finetune.records import Record

MAX_WORDINGS = 200
"""Wordings of one question that are taken."""

_BETWEEN = re.compile(r"[\n|｜;；]+|(?<=[？?])[,，、 ]*(?=\S)")


def other_wordings(fields: Mapping[str, Any]) -> list[str]:
    """Return the wordings in a row beside its question: a list, or a text with marks between."""
    if fields.keys().isdisjoint(SIMILAR_NAMES):
        return []
    given = next((fields[name] for name in SIMILAR_NAMES if fields.get(name)), None)
    texts = given if isinstance(given, list) else _BETWEEN.split(str(given or ""))
    return list(filter(None, dict.fromkeys(str(one).strip() for one in texts)))[:MAX_WORDINGS]


def reworded(record: Record, question: str) -> Record:
    """Return the record with another last question, which the same answer answers."""
    last = replace(record.last, user=question)
    return with_content_id(replace(record, turns=(*record.turns[:-1], last)))
