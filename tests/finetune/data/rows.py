"""Records for tests, written in one line."""

from finetune.data.rows import with_content_id
from finetune.records import Record, Turn


def record(question: str, answer: str = "是的。", **more: str) -> Record:
    """Return a record of one turn; `more` are fields of the record, or `think`."""
    think = more.pop("think", "")
    turns = (Turn(user=question, answer=answer, think=think),)
    return with_content_id(Record(id="", turns=turns, **{"source": "rows.jsonl:1", **more}))


def conversation(*texts: str) -> Record:
    """Return a record whose questions and answers are `texts`, in turn."""
    turns = tuple(
        Turn(user=user, answer=answer) for user, answer in zip(texts[::2], texts[1::2], strict=True)
    )
    return with_content_id(Record(id="", turns=turns, source="rows.jsonl:1"))
