"""Values of a server's reply: the one place where they get their type.

Servers that "speak" a protocol send other types than it has: a count as a string, content as a list
of parts, null for "not set". Each field passes here and comes out as str, int, a mapping or None;
what fits none of them is another protocol.
"""

import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import replace
from typing import Any

from ingest.model_servers.base import ChatPiece, ModelServerError

_SURROGATE = re.compile("[\ud800-\udfff]")
_THINKING_PARTS = frozenset({"thinking", "reasoning", "reasoning_text"})
"""Types of a part that holds thinking: Magistral's, and those of OpenAI's newer format."""


_PART_TEXTS = ("thinking", "text", "summary")
"""Fields of a part that may hold its text; OpenRouter's summaries have the last."""


@contextmanager
def as_wrong_protocol(reply: object) -> Iterator[None]:
    """Raise "wrong_protocol" where `reply` turns out to hold other types than the protocol has."""
    try:
        yield
    except (AttributeError, KeyError, TypeError) as error:
        raise ModelServerError("wrong_protocol", str(reply)) from error


def mapping_field(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the object at `name`, an empty one for null and where there is none.

    Raises:
        TypeError: it is no object; see `as_wrong_protocol`.
    """
    value = fields.get(name) or {}
    if not isinstance(value, Mapping):
        raise TypeError(name)
    return value


def name_field(fields: object, *names: str) -> str:
    """Return the first text at `names`, "" where there is none that could be sent back.

    For lists of which one odd entry must not cost the others; `fields` may be the name itself.
    """
    values = [fields.get(name) for name in names] if isinstance(fields, Mapping) else [fields]
    texts = (value for value in values if isinstance(value, str) and value)
    return next((text for text in texts if not _SURROGATE.search(text)), "")


def names_field(fields: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    """Return the names listed at `name`, None where the server lists none that could be read.

    Seen are a list of names or of objects with a name, names in one text, and names with true.
    """
    value = fields.get(name)
    if isinstance(value, str):
        value = value.replace(",", " ").split()
    if isinstance(value, Mapping):
        value = [key for key, holds in value.items() if holds]
    if not isinstance(value, list):
        return None
    return tuple(filter(None, (name_field(entry, "name", "type", "id") for entry in value)))


def flag_field(fields: Mapping[str, Any], name: str) -> bool:
    """Return whether the flag at `name` is set; gateways in some languages send it as text."""
    value = fields.get(name)
    return value.strip().lower() in ("true", "1") if isinstance(value, str) else bool(value)


def text_field(fields: Mapping[str, Any], name: str) -> str:
    """Return the text at `name`, "" for null and where there is none.

    A list of parts (`[{"type": "text", "text": "…"}]`, as in requests) is the text of those that
    hold no thinking.

    Raises:
        TypeError: it is no text; see `as_wrong_protocol`.
    """
    return _joined_parts(fields.get(name), thinking=False)


def thinking_field(fields: Mapping[str, Any], name: str) -> str:
    """Return what a list of parts at `name` holds of thinking, "" where it is no list."""
    value = fields.get(name)
    return _joined_parts(value, thinking=True) if isinstance(value, list) else ""


def count_field(fields: Mapping[str, Any], name: str) -> int | None:
    """Return the number at `name`, None where the server did not count.

    Gateways in languages without integers send 12.0, and those that mask nothing "12".
    """
    value = fields.get(name)
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        # Of bytes and of parameters, too, hence 15 digits.
        return int(value) if value.isascii() and value.isdigit() and len(value) <= 15 else None
    # NaN and infinity, which Python's JSON reads, are equal to no whole number.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and value >= 0 else None


def _joined_parts(value: object, *, thinking: bool) -> str:
    """Return the text of a value, or of those of its parts that are thinking or are not."""
    if value is None or isinstance(value, str | bool):
        return "" if thinking or not isinstance(value, str) else value
    if isinstance(value, Mapping):
        value = [value]
    if not isinstance(value, list):
        raise TypeError(type(value).__name__)
    texts = []
    for part in value:
        is_thinking = isinstance(part, Mapping) and part.get("type") in _THINKING_PARTS
        if is_thinking != thinking:
            continue
        # Magistral nests: a part of thinking is itself a list of parts of text.
        inner = (
            next(filter(None, map(part.get, _PART_TEXTS)), "")
            if isinstance(part, Mapping)
            else part
        )
        texts.append(_joined_parts(inner, thinking=False))
    return "".join(texts)


class SurrogateJoiner:
    r"""Joins halves of a character beyond U+FFFF that arrive in two pieces.

    Servers that cut a reply by UTF-16 units send "\ud83d" in one frame and "\ude00" in the next. A
    half alone can neither be printed nor written as UTF-8: it becomes U+FFFD.
    """

    def __init__(self) -> None:
        self._half = ""

    def feed(self, text: str) -> str:
        """Return the text so far without halves; a first half waits for the next piece."""
        if not self._half and not _SURROGATE.search(text):
            return text
        text, self._half = self._half + text, ""
        if "\ud800" <= text[-1:] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def flush(self) -> str:
        """Return U+FFFD for a first half whose second never came, else nothing."""
        half, self._half = self._half, ""
        return "\ufffd" if half else ""


async def join_surrogates(
    pieces: AsyncGenerator[ChatPiece, None],
) -> AsyncGenerator[ChatPiece, None]:
    """Yield the pieces with halves of characters joined, in answer and thinking apart."""
    content, thinking = SurrogateJoiner(), SurrogateJoiner()
    async with aclosing(pieces):
        async for piece in pieces:
            spoken, thought = content.feed(piece.content), thinking.feed(piece.thinking)
            if piece.done_reason:
                spoken, thought = spoken + content.flush(), thought + thinking.flush()
            if (spoken, thought) != (piece.content, piece.thinking):
                piece = replace(piece, content=spoken, thinking=thought)
            yield piece
