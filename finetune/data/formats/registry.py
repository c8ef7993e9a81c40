"""All formats: how a row of each is known, and how it is parsed.

A format is a module of two functions, `is_NAME_row` and `parse_NAME_row`, and one entry here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from finetune.data.formats.alpaca import is_alpaca_row, parse_alpaca_row
from finetune.data.formats.chat import is_chat_row, parse_chat_row
from finetune.data.formats.choices import is_choices_row, parse_choices_row
from finetune.data.formats.classify import is_classify_row, parse_classify_row
from finetune.data.formats.cot import is_cot_row, parse_cot_row
from finetune.data.formats.entities import is_entities_row, parse_entities_row
from finetune.data.formats.exports import (
    CHATGPT_FIELDS,
    is_chatgpt_row,
    is_xtuner_row,
    parse_chatgpt_row,
    parse_xtuner_row,
)
from finetune.data.formats.feedback import FEEDBACK_FIELDS, is_feedback_row, parse_feedback_row
from finetune.data.formats.huatuo import is_huatuo_row, parse_huatuo_row
from finetune.data.formats.messages import is_openai_row, is_sharegpt_row, parse_messages_row
from finetune.data.formats.nvc import is_nvc_row, parse_nvc_row
from finetune.data.formats.passages import PASSAGES_FIELDS, is_passages_row
from finetune.data.formats.preference import is_preference_row, parse_preference_row
from finetune.data.formats.templated import is_templated_row, parse_templated_row
from finetune.data.rows import ParsedRow, RowFields
from finetune.recipe import ReaderName


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format of training data.

    `matches` says by its fields whether a row is in the format. `parse` returns its content, or
    raises `RowError` with the reason for which the row is rejected.
    """

    matches: Callable[[RowFields], bool]
    parse: Callable[[RowFields], ParsedRow]
    known: frozenset[str] = frozenset()
    """Fields that it has and that nothing is trained on: they are not reported as unused."""
    groups: tuple[str, ...] = ("group",)
    """Fields that name what must not be in two splits."""


# The order decides where a row matches several: each format has fields that none behind it has.
# An Alpaca row, say, may have a text and a label besides.
FORMATS: Mapping[ReaderName, Format] = {
    "preference": Format(matches=is_preference_row, parse=parse_preference_row),
    "huatuo": Format(matches=is_huatuo_row, parse=parse_huatuo_row),
    "xtuner": Format(matches=is_xtuner_row, parse=parse_xtuner_row),
    "sharegpt": Format(matches=is_sharegpt_row, parse=parse_messages_row),
    "chat": Format(matches=is_chat_row, parse=parse_chat_row),
    "feedback": Format(matches=is_feedback_row, parse=parse_feedback_row, known=FEEDBACK_FIELDS),
    "passages": Format(
        matches=is_passages_row,
        parse=parse_messages_row,
        known=PASSAGES_FIELDS,
        groups=("group", "document"),
    ),
    "openai": Format(matches=is_openai_row, parse=parse_messages_row),
    "chatgpt": Format(matches=is_chatgpt_row, parse=parse_chatgpt_row, known=CHATGPT_FIELDS),
    "nvc": Format(matches=is_nvc_row, parse=parse_nvc_row),
    "choices": Format(matches=is_choices_row, parse=parse_choices_row),
    "alpaca": Format(matches=is_alpaca_row, parse=parse_alpaca_row),
    "entities": Format(matches=is_entities_row, parse=parse_entities_row),
    "classify": Format(matches=is_classify_row, parse=parse_classify_row),
    "cot": Format(matches=is_cot_row, parse=parse_cot_row),
    "templated": Format(matches=is_templated_row, parse=parse_templated_row),
}
"""Name in `data.reader` -> format, in the order in which rows are matched."""
