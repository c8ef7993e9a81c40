"""JSON inside an answer, as models write it: bare, fenced, or with words around it."""

import json
import re
from typing import Any

_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL | re.IGNORECASE)
_BEGINNING = re.compile(r"[\[{]")


def whole_json(answer: str) -> Any:
    """Return the value if the answer is JSON and nothing else (a fence may be round it), or None.

    That is what a program that reads the reply needs.
    """
    fenced = _FENCE.fullmatch(answer.strip())
    try:
        return json.loads(fenced[1] if fenced else answer)
    except (ValueError, RecursionError):
        return None


def first_json(answer: str) -> Any:
    """Return the first list or object of an answer, whatever words stand around it, or None."""
    decoder = json.JSONDecoder()
    for found in _BEGINNING.finditer(answer):
        try:
            return decoder.raw_decode(answer, found.start())[0]
        except (ValueError, RecursionError):
            continue
    return None
