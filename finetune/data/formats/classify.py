"""Classification: text, label and perhaps an instruction; the label is the answer."""

from finetune.data.rows import TEXT, Content, Fields, required
from finetune.records import Turn


def fits(fields: Fields) -> bool:
    """Tell whether the row has a text and a label of one word, not a list of spans."""
    label = fields.value("label", "label")
    return fields.has("text", "text") and label is not None and not isinstance(label, list)


def read(fields: Fields) -> Content:
    """Return the one turn.

    Raises:
        RowError: text or label is missing, or the label is not allowed.
    """
    label = fields.label(fields.text("label", "label"))
    text = required(fields.text("text", "text"), TEXT)
    told = fields.instruction
    turn = Turn(
        user=f"{told}\n{text}" if told else text,
        answer=label,
        think=fields.text("think", "think"),
    )
    return Content(turns=(turn,), system=fields.text("system", "system"), label=label)
