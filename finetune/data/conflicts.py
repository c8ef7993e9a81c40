"""Questions that the data answers in more than one way: what no model can learn."""

from dataclasses import dataclass

import numpy as np

from finetune.data.columns import EXAMPLES, FIELDS, Mask, rows_with_flag
from finetune.data.first_pass import FirstPass

EXCERPT = 60
"""Characters of a question or an answer that a report quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A question with two of its answers, and the rows ("file:row") that hold them."""

    question: str
    answers: tuple[str, str]
    sources: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflicts:
    """How many questions have several answers, in how many rows, and the first of them."""

    questions: int
    rows: int
    examples: tuple[Conflict, ...]


def find_conflicts(first_pass: FirstPass, kept: Mask) -> Conflicts:
    """Return the questions whose rows give different answers: the same system, turns and words.

    Rows with entities are left out: what is a name in one may be spelt otherwise in the other.
    """
    columns = first_pass.columns
    wanted = kept & ~rows_with_flag(columns.fields, FIELDS.index("entities"))
    rows = np.flatnonzero(wanted)
    prompts = np.frombuffer(columns.prompts, dtype=np.uint64)[rows]
    answers = np.frombuffer(columns.answers, dtype=np.int64)[rows]
    order = np.lexsort((rows, prompts))
    prompts, answers, rows = prompts[order], answers[order], rows[order]
    same = prompts[1:] == prompts[:-1]
    differs = same & (answers[1:] != answers[:-1])
    which = np.unique(prompts[1:][differs])
    # By where they are in the data, not by their hashes: a person looks at the first ones.
    first = sorted(int(rows[np.argmax(prompts == prompt)]) for prompt in which[:EXAMPLES])
    examples = []
    for row in first:
        at = int(np.flatnonzero(rows == row)[0])
        other = next(n for n in range(at + 1, len(rows)) if answers[n] != answers[at])
        one, two = (first_pass.record(each) for each in (row, int(rows[other])))
        examples.append(
            Conflict(
                question=_excerpt(one.last.user),
                answers=(_excerpt(one.last.answer), _excerpt(two.last.answer)),
                sources=(columns.source(row), columns.source(int(rows[other]))),
            )
        )
    return Conflicts(
        questions=len(which), rows=int(np.isin(prompts, which).sum()), examples=tuple(examples)
    )


def _excerpt(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= EXCERPT else line[: EXCERPT - 1] + "…"
