"""Tables and logs with one message a row, put together to conversations.

By the number of each, or, where there is none (a chat exported from Telegram or Discord), by an
hour in which nothing was said.
"""

import contextlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from finetune.data.field_names import (
    EXPORT_NAMES,
    SPEAKER_NAMES,
    THREAD_NAMES,
    TIME_NAMES,
    UTTERANCE_NAMES,
)
from finetune.data.files.chat_text import NEW_AFTER
from finetune.data.rows import RejectedRow
from finetune.records import RawRow

TIMES = (
    *("%d-%b-%y %I:%M %p", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %H:%M", "%d.%m.%Y %H:%M"),
    *("%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y年%m月%d日 %H:%M"),
)
"""How exports write the time of a message, beside ISO 8601 and seconds since 1970."""

_MESSAGE_NAMES = frozenset({*SPEAKER_NAMES, *UTTERANCE_NAMES, *TIME_NAMES, *EXPORT_NAMES})
"""Columns of a table that holds messages and nothing besides."""


def joined_messages(rows: Iterator[RawRow | RejectedRow]) -> Iterator[RawRow | RejectedRow]:
    """Yield rows as they are, but neighbours of one conversation as one row with "chat".

    A row is a message if it has a conversation's number, who speaks and what is said; or, instead
    of the number, a time, and nothing besides but what chat programs add.
    """
    thread: object = None
    sent_at: float | None = None
    held: RawRow | None = None
    chat: list[dict[str, Any]] = []
    for row in rows:
        number = at = speaker = words = None
        # A message has three fields at least: most rows of large sets have fewer.
        if isinstance(row, RawRow) and len(row.fields) >= 3:
            fields = {str(name).casefold(): value for name, value in row.fields.items()}
            if fields.get("type") == "service" and "actor" in fields:
                continue  # "Ann joined the group", in Telegram's words
            number = _value(fields, THREAD_NAMES)
            at = _time_of(fields) if number is None else None
            speaker = _value(fields, SPEAKER_NAMES)
            words = _text_of(_value(fields, UTTERANCE_NAMES))
        is_message = None not in (speaker, words) and (number is not None or at is not None)
        is_near = at is None or sent_at is None or abs(at - sent_at) <= NEW_AFTER
        if held is not None and not (is_message and number == thread and is_near):
            yield RawRow(source=held.source, fields={"chat": chat})
            held, chat = None, []
        if is_message and isinstance(row, RawRow):
            held, thread, sent_at = held or row, number, at
            chat.append({"from": str(speaker), "value": words})
        else:
            yield row
    if held is not None:
        yield RawRow(source=held.source, fields={"chat": chat})


def _value(folded: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """Return the first field of one of the names that is filled; None if there is none."""
    return next((folded[name] for name in names if folded.get(name) is not None), None)


def _text_of(value: Any) -> str | None:
    """Return what was said; Telegram has it in pieces where it holds a link. None: nothing was."""
    if isinstance(value, list):
        pieces = [one.get("text") if isinstance(one, Mapping) else one for one in value]
        return "".join(one for one in pieces if isinstance(one, str))
    return value if isinstance(value, str) else None


def _time_of(folded: Mapping[str, Any]) -> float | None:
    """Return when a message was sent, in seconds since 1970; None if the row is no message.

    Of a table of articles with author, date and content, each is a row of its own: there, other
    columns tell.
    """
    if not _MESSAGE_NAMES.issuperset(folded) or not EXPORT_NAMES.intersection(folded):
        return None
    written = str(_value(folded, TIME_NAMES) or "").strip()
    if written.isdecimal():
        return float(written)
    with contextlib.suppress(ValueError):
        return _seconds(datetime.fromisoformat(written))
    for form in TIMES:
        with contextlib.suppress(ValueError):
            return _seconds(datetime.strptime(written, form))
    return None


def _seconds(at: datetime) -> float:
    # Where no zone is named, the hours between two messages are the same in any.
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
