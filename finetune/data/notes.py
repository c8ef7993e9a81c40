"""What a person should know about the rows before anything is trained, one line each."""

from collections.abc import Iterator

from finetune.data.personal import PERSONAL_NAMES
from finetune.data.quality import Quality
from finetune.data.rows import Repair
from ingest.foundation.messages import Message, join_messages

MAX_NAMED_FIELDS = 8
"""Unused fields that a line names."""

REPORTED_SHARE = 0.2
"""Share of held-out answers in the training data from which on it is reported."""

REPAIRS: dict[Repair, Message] = {
    "joined": Message("neighbours of one side joined"),
    "greeting": Message("what stood before the first question left out"),
    "unanswered": Message("a last question without an answer left out"),
    "empty": Message("messages without text left out"),
    "system": Message("a system message in the middle put before the next question"),
}


def row_notes(quality: Quality) -> Iterator[Message]:
    """Yield what became of rows and what is in them that may not be meant, the gravest first."""
    for conflict in quality.conflicts.examples[:1]:
        yield Message(
            "{questions:,} {questions:?question has|questions have} more than one answer "
            "({rows:,} {rows:?row|rows}), such as “{question}”: “{one}” ({where}) and "
            "“{two}” ({there}); quality.html has more",
            questions=quality.conflicts.questions,
            rows=quality.conflicts.rows,
            question=conflict.question,
            one=conflict.answers[0],
            two=conflict.answers[1],
            where=conflict.sources[0],
            there=conflict.sources[1],
        )
    if quality.unused:
        unused_fields = [f"{name} ({count:,})" for name, count in quality.unused.items()]
        yield Message(
            "fields that nothing uses, with the rows that have them: {named}{more}",
            named=", ".join(unused_fields[:MAX_NAMED_FIELDS]),
            more="…" if len(unused_fields) > MAX_NAMED_FIELDS else "",
        )
    if quality.repairs:
        repairs = [
            Message("{what} ({count:,})", what=REPAIRS[repair], count=count)
            for repair, count in quality.repairs.items()
        ]
        yield Message("conversations put right: {done}", done=join_messages(repairs))
    if quality.personal:
        found = [
            Message("{what} ({count:,})", what=PERSONAL_NAMES[kind], count=count)
            for kind, count in quality.personal.items()
        ]
        yield Message(
            'rows with personal data: {found}; mask them with data.clean = [{steps}, "personal"]',
            found=join_messages(found),
            steps=", ".join(f'"{step}"' for step in quality.cleaned),
        )
    for leak in quality.leaks:
        if leak.answers >= max(1, REPORTED_SHARE * leak.rows):
            yield Message(
                "{answers:,} of {rows:,} {rows:?answer|answers} of {split} "
                "{answers:?is|are} in train word for word: figures on them measure recall",
                answers=leak.answers,
                rows=leak.rows,
                split=leak.split,
            )
