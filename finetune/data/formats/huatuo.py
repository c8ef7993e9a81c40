"""HuatuoGPT: {"data": ["问：…", "答：…", …]}, with or without the marks before each text."""

import re
from collections.abc import Sequence

from finetune.data.formats.thinking import turn_of
from finetune.data.rows import QUESTION, Content, Fields, RowError, as_text, required
from finetune.records import Turn
from ingest.foundation.messages import Message

_ASKED = re.compile(r"\s*问\s*[：:]\s*")
_REPLIED = re.compile(r"\s*答\s*[：:]\s*")


def fits(fields: Fields) -> bool:
    """Tell whether the row holds a list under `data`."""
    return isinstance(fields.value("data", "data"), list)


def read(fields: Fields) -> Content:
    """Return the conversation.

    Raises:
        RowError: there are no pairs of question and answer.
    """
    said = fields.value("data", "data")
    if not isinstance(said, list):
        raise RowError(Message("data is no list"))
    if not said or len(said) % 2:
        told = len(said)
        raise RowError(Message("{told} texts do not make pairs", told=told))
    texts = [as_text(text, "data") for text in said]
    return Content(turns=_turns(texts), system=fields.text("system", "system"))


def _turns(texts: Sequence[str]) -> tuple[Turn, ...]:
    pairs = enumerate(zip(texts[::2], texts[1::2], strict=True))
    return tuple(
        turn_of(
            required(_bare(asked, _ASKED, _REPLIED, 2 * place), QUESTION),
            _bare(reply, _REPLIED, _ASKED, 2 * place + 1),
        )
        for place, (asked, reply) in pairs
    )


def _bare(text: str, mark: re.Pattern[str], other: re.Pattern[str], place: int) -> str:
    """Return the text without its mark.

    Raises:
        RowError: it bears the mark of the other side.
    """
    if found := mark.match(text):
        return text[found.end() :]
    if other.match(text):
        raise RowError(Message("text {place} has the mark of the other side", place=place + 1))
    return text
