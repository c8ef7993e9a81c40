"""Classification: text, label and perhaps an instruction; the label is the answer."""

from finetune.data.field_names import LABEL_NAMES, TEXT_NAMES
from finetune.data.rows import TEXT, ParsedRow, RowFields, require_text
from finetune.records import Turn


def is_classify_row(fields: RowFields) -> bool:
    """Return whether the row has a text and one label, not a list of spans."""
    label = fields.value("label", *LABEL_NAMES)
    return fields.has("text", *TEXT_NAMES) and label is not None and not isinstance(label, list)


def parse_classify_row(fields: RowFields) -> ParsedRow:
    """Return the one turn.

    Raises:
        RowError: text or label is missing, or the label is not allowed.
    """
    label = fields.label(fields.text("label", *LABEL_NAMES))
    text = require_text(fields.text("text", *TEXT_NAMES), TEXT)
    instruction = fields.instruction
    turn = Turn(
        user=f"{instruction}\n{text}" if instruction else text,
        answer=label,
        think=fields.text("think", "think"),
    )
    return ParsedRow(turns=(turn,), system=fields.text("system", "system"), label=label)
