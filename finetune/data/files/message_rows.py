"""Tables and logs with one message a row, put together to conversations by the number of each."""

from collections.abc import Iterator, Mapping
from typing import Any

from finetune.data.field_names import SPEAKER_NAMES, THREAD_NAMES, UTTERANCE_NAMES
from finetune.data.rows import RejectedRow
from finetune.records import RawRow


def joined_messages(rows: Iterator[RawRow | RejectedRow]) -> Iterator[RawRow | RejectedRow]:
    """Yield rows as they are, but neighbours of one conversation as one row with "chat".

    A row is a message if it has a conversation's number, who speaks and what is said.
    """
    thread: object = None
    held: RawRow | None = None
    chat: list[dict[str, Any]] = []
    for row in rows:
        # A message has three fields at least: most rows of large sets have fewer.
        fields: Mapping[str, Any] = {}
        if isinstance(row, RawRow) and len(row.fields) >= 3:
            fields = {str(name).casefold(): value for name, value in row.fields.items()}
        number = _value(fields, THREAD_NAMES)
        speaker, said = _value(fields, SPEAKER_NAMES), _value(fields, UTTERANCE_NAMES)
        is_message = None not in (number, speaker, said) and isinstance(said, str)
        if held is not None and not (is_message and number == thread):
            yield RawRow(source=held.source, fields={"chat": chat})
            held, chat = None, []
        if is_message and isinstance(row, RawRow):
            held, thread = held or row, number
            chat.append({"from": str(speaker), "value": said})
        else:
            yield row
    if held is not None:
        yield RawRow(source=held.source, fields={"chat": chat})


def _value(folded: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """Return the first field of one of the names that is filled; None if there is none."""
    return next((folded[name] for name in names if folded.get(name) is not None), None)
