"""Rows that hold several: the paragraphs of SQuAD, an object of questions and answers."""

from collections.abc import Iterator, Mapping
from typing import Any

from finetune.data.rows import RejectedRow
from finetune.records import RawRow

MIN_PAIRS = 3
"""Entries from which an object of texts is a list of questions, each with its answer."""


def expanded_rows(rows: Iterator[RawRow | RejectedRow]) -> Iterator[RawRow | RejectedRow]:
    """Yield each row, or the rows that it holds; they keep its source."""
    for row in rows:
        if isinstance(row, RejectedRow):
            yield row
        elif isinstance(row.fields.get("paragraphs"), list):
            # The questions of an article of SQuAD, CMRC or DRCD, with the paragraph of each. A
            # question that cannot be answered (SQuAD 2) has an empty answer: its row is rejected.
            for paragraph in row.fields["paragraphs"]:
                if not isinstance(paragraph, Mapping):
                    continue
                for entry in paragraph.get("qas") or ():
                    answers = entry.get("answers") or [] if isinstance(entry, Mapping) else []
                    first = answers[0] if answers else ""
                    fields = {
                        "question": entry.get("question") if isinstance(entry, Mapping) else None,
                        "answer": first.get("text", "") if isinstance(first, Mapping) else first,
                        "context": paragraph.get("context", ""),
                        # Questions on one paragraph are never in two splits.
                        "group": str(row.fields.get("title") or "")
                        + str(paragraph.get("context"))[:60],
                    }
                    yield RawRow(source=row.source, fields=fields)
        elif _is_pairs(row.fields):
            for question, answer in row.fields.items():
                yield RawRow(source=row.source, fields={"question": question, "answer": answer})
        else:
            yield row


def _is_pairs(fields: Mapping[str, Any]) -> bool:
    """Return whether an object's keys are questions: most of them ask, and none is a name."""
    if len(fields) < MIN_PAIRS or not all(isinstance(one, str) for one in fields.values()):
        return False
    questions = sum(str(name).rstrip().endswith(("？", "?")) for name in fields)
    return 2 * questions > len(fields)
