"""What is kept in memory of each row while its text lies on disk: 89 bytes of numbers."""

import functools
import json
from array import array

import numpy as np
import numpy.typing as npt

from finetune.data.dedupe import fold_text, normalize_question
from finetune.data.splitting import group_name, hash_text, opening_question
from finetune.recipe import SplitTable
from finetune.records import Record

Mask = npt.NDArray[np.bool_]
"""One bool for each row that is kept: shape (rows,)."""

FIELDS = ("system", "think", "label", "entities", "group", "document", "history")
"""What a record may have or lack; history is a conversation of more than one turn."""

CHECKS = ("broken_characters", "think_tags", "open_code", "echo", "cut_off", "bad_json", "entity")
"""Faults of form that each row is checked for; `quality_page` says what they mean."""

PARTS = ("question", "think", "answer")
"""Texts of a turn, in this order."""

EXAMPLES = 3
"""Rows that a report names for each fault or reason."""

CUT_OFF_FROM = 40
"""Characters from which an answer should end with a mark; short ones are names and numbers."""

GOES_ON = ",，、:：;；-—"
"""Marks with which no sentence ends."""

_ROW_BITS = 40
"""Bits for the row of a packed source: files of a million million rows, 16 million files."""


class RowColumns:
    """One entry for each row that is kept after exact deduplication.

    Typed arrays, not a list of objects, each of which would take hundreds of bytes.
    """

    def __init__(self, *, split: SplitTable, seed: int) -> None:
        self._split = split
        self._seed = seed
        self._files: dict[str, int] = {}
        self.label_codes: dict[str, int] = {"": 0}
        self.sources = array("Q")
        """Number of the file << `_ROW_BITS` | row."""
        self.groups = array("Q")
        """Hash of what must not be in two splits."""
        self.questions = array("Q")
        """Hash of the first question."""
        self.prompts = array("Q")
        """Hash of all that the last answer replies to: system message and turns."""
        self.answers = array("q")
        """Hash of the last answer."""
        self.chances = array("Q")
        """Decides on samples: depends on the content alone."""
        self.labels = array("q")
        """Place in `label_codes`; 0 for none."""
        self.lengths = {name: array("I") for name in PARTS}
        """Characters, summed over the turns of a conversation."""
        self.fields = array("I")
        """One bit for each of `FIELDS`."""
        self.faults = array("I")
        """One bit for each of `CHECKS`."""
        self.train_only = array("b")
        """1 for rows that are never held out."""

    def __len__(self) -> int:
        return len(self.groups)

    def add(self, record: Record, digest: bytes, *, train_only: bool = False) -> None:
        """Add a record; `digest` is its `content_digest`. `train_only`: it is never held out."""
        self.train_only.append(train_only)
        name, _, row = record.source.rpartition(":")
        file = self._files.setdefault(name, len(self._files))
        self.sources.append(file << _ROW_BITS | int(row))
        question = hash_text(opening_question(record), seed=self._seed)
        group = group_name(record, self._split.group)
        self.questions.append(question)
        self.groups.append(hash_text(group, seed=self._seed) if group else question)
        before = [record.system]
        for turn in record.turns[:-1]:
            before += (turn.user, turn.answer)
        prompt = [*before, normalize_question(record.last.user)]
        self.prompts.append(hash_text("\0".join(prompt), seed=0))
        # Compared with each other alone, in this process: Python's own hash does, and is quicker.
        self.answers.append(hash(fold_text(record.last.answer)))
        self.chances.append(int.from_bytes(digest[:8], "big"))
        self.labels.append(self.label_codes.setdefault(record.label, len(self.label_codes)))
        texts = [text for turn in record.turns for text in (turn.user, turn.think, turn.answer)]
        for at, name in enumerate(PARTS):
            self.lengths[name].append(sum(map(len, texts[at :: len(PARTS)])))
        fields = (  # in the order of `FIELDS`
            bool(record.system),
            any(texts[PARTS.index("think") :: len(PARTS)]),
            bool(record.label),
            bool(record.entities),
            bool(record.group),
            bool(record.document),
            len(record.turns) > 1,
        )
        self.fields.append(_pack_flags(fields))
        last = record.last
        whole = "\n".join(texts)
        faults = (  # in the order of `CHECKS`
            "\ufffd" in whole,
            "think>" in whole and ("<think>" in whole or "</think>" in whole),
            last.answer.count("```") % 2 == 1,
            last.user == last.answer,
            # It ends in the middle of a sentence, or with a mark behind which one goes on.
            len(last.answer) >= CUT_OFF_FROM
            and (last.answer[-1:].isalnum() or last.answer[-1:] in GOES_ON),
            is_broken_json(last.answer),
            any(entity.text not in last.user for entity in record.entities),
        )
        self.faults.append(_pack_flags(faults))

    def source(self, number: int) -> str:
        """Return "file:row" of a row."""
        packed = self.sources[number]
        return f"{list(self._files)[packed >> _ROW_BITS]}:{packed & (1 << _ROW_BITS) - 1}"


def rows_with_flag(column: "array[int]", place: int) -> Mask:
    """Return which rows have the flag of a field or check, by its place in `FIELDS` or `CHECKS`."""
    return (np.frombuffer(column, dtype=np.uint32) >> place & 1).astype(bool)


@functools.cache  # of so few flags there are few combinations
def _pack_flags(flags: tuple[bool, ...]) -> int:
    return sum(1 << place for place, flag in enumerate(flags) if flag)


def is_broken_json(answer: str) -> bool:
    """Return whether an answer begins like an object of JSON and is none."""
    # Not a bare bracket: "[1] Regulations of 2024" is an answer in words.
    if not answer.startswith(('{"', '[{"')):
        return False
    try:
        json.loads(answer)
    except ValueError:
        return True
    return False
