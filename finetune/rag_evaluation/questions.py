"""The held-out records as questions to the assistant."""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from assistant.answer.verification.claims import says_not_there
from assistant.evaluation.questions import EvaluationQuestion
from assistant.values import Passage
from finetune.errors import EvaluationError
from finetune.evaluate.evaluation import select_records
from finetune.recipe import Recipe
from finetune.records import Record
from finetune.runs import Run
from finetune.served_prompt import question_of_prompt
from ingest.foundation.messages import Language, Message
from ingest.text.language import language_of


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutQuestion:
    """A question, what is expected, and where it is to be answered from."""

    expected: EvaluationQuestion
    passages: tuple[Passage, ...] = ()
    """Instead of what the index holds: a question that was made unanswerable is so with these."""
    language: Language = "en"


def held_out_questions(recipe: Recipe, run: Run) -> list[HeldOutQuestion]:
    """Return the questions of the records that evaluation asks, in their order, each once.

    A record that is itself a prompt of the assistant asks the question in it. Rows that
    `finetune synthesize` wrote say what a right answer holds; of others it is the whole reference.

    Raises:
        EvaluationError: the split is empty, or none of its records asks a question by itself.
    """
    records = select_records(recipe, run)
    rows = synthesized_rows(recipe.data_files, records)
    questions: dict[str, HeldOutQuestion] = {}
    for record in records:
        # What is said in a second turn means nothing without the first one.
        if len(record.turns) > 1:
            continue
        row = rows.get(record.id, {})
        text = str(row.get("question") or question_of_prompt(record.last.user) or record.last.user)
        answer = str(row.get("answer") or record.last.answer)
        answerable = row.get("answerable", not says_not_there(record.last.answer))
        expected = EvaluationQuestion(
            text=text.strip(),
            answers=(answer,) if answerable else (),
            unanswerable=not answerable,
            id=record.id,
        )
        # The index may well answer it: its page was kept from it on purpose.
        kept = () if answerable else tuple(map(passage_of_row, row.get("passages", ())))
        question = HeldOutQuestion(expected=expected, passages=kept, language=language_of(text))
        questions.setdefault(question.expected.key, question)
    if not questions:
        raise EvaluationError(
            Message(
                "no record of {split} asks a question by itself: all have several turns",
                split=recipe.evaluate.split,
            )
        )
    return list(questions.values())


def passage_of_row(row: Mapping[str, Any]) -> Passage:
    """Return a passage as `finetune synthesize` keeps it.

    Raises:
        KeyError, ValueError: it is none.
    """
    published, modified = (
        date.fromisoformat(row[name]) if row.get(name) else None
        for name in ("published", "modified")
    )
    return Passage(
        number=int(row["id"]),
        url=row["url"],
        title=row["title"],
        text=row["text"],
        score=1.0,
        fetched_at=datetime.fromisoformat(row["fetched_at"]),
        published=published,
        modified=modified,
        heading=row.get("heading", ""),
    )


def synthesized_rows(
    files: Sequence[Path], records: Sequence[Record]
) -> Mapping[str, Mapping[str, Any]]:
    """Return the synthesized row of each record that has one, by the record's id."""
    # Prepared records keep what is trained on; that a row is answerable, and by which words, stands
    # in its own file, at the line that `source` names.
    wanted: dict[str, dict[int, list[Record]]] = {}
    for record in records:
        name, _, row = record.source.rpartition(":")
        if row.isdecimal():
            wanted.setdefault(name, {}).setdefault(int(row), []).append(record)
    found: dict[str, Mapping[str, Any]] = {}
    for file in files:
        places = wanted.get(file.name, {})
        if file.suffix != ".jsonl" or not places:
            continue
        with file.open(encoding="utf-8", errors="replace") as lines:
            for number, line in enumerate(itertools.islice(lines, max(places)), start=1):
                if number not in places or not (parsed := _parse_synthesized(line)):
                    continue
                # Two files may have one name, and a row at the same line.
                for record in places[number]:
                    if parsed["question"] in record.last.user:
                        found[record.id] = parsed
    return found


def _parse_synthesized(line: str) -> Mapping[str, Any]:
    """Return the row of a line, {} if it is none that `finetune synthesize` wrote."""
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    is_ours = isinstance(row, dict) and {"question", "answer", "answerable", "messages"} <= set(row)
    return row if is_ours else {}
