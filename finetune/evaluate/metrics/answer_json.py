"""JSON inside an answer, as models write it: bare, fenced, or with words around it."""

import json
import re
from typing import Any

_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL | re.IGNORECASE)
_OPENING = re.compile(r"[\[{]")


def parse_whole_json(answer: str) -> Any:
    """Return the value of an answer that is JSON and nothing else, else None.

    A Markdown fence around it is allowed. This is what a program that reads the reply needs.
    """
    fenced = _FENCE.fullmatch(answer.strip())
    try:
        return json.loads(fenced[1] if fenced else answer)
    except (ValueError, RecursionError):  # the latter: "[" 5,000 times, from a looping model
        return None


def find_first_json(answer: str) -> Any:
    """Return the first list or object in an answer, whatever is around it, or None."""
    decoder = json.JSONDecoder()
    for opening in _OPENING.finditer(answer):
        try:
            return decoder.raw_decode(answer, opening.start())[0]
        except (ValueError, RecursionError):
            continue
    return None
