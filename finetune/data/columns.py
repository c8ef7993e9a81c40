"""What is remembered of each row while its text lies on disk: 80 bytes of numbers."""

import json
from array import array
from collections.abc import Sequence
from operator import attrgetter

import numpy as np
import numpy.typing as npt

from finetune.data.dedupe import folded
from finetune.data.splitting import bound_by, number_of, opening
from finetune.recipe import SplitTable
from finetune.records import Record

Mask = npt.NDArray[np.bool_]

FIELDS = ("system", "think", "label", "entities", "group", "document", "history")
"""What a record may have or lack; history is a conversation of more than one turn."""

CHECKS = ("broken_characters", "think_tags", "open_code", "echo", "cut_off", "bad_json", "entity")
"""What is looked at in each row's form; `quality_page` says what they mean."""

PART = {
    "question": attrgetter("user"),
    "think": attrgetter("think"),
    "answer": attrgetter("answer"),
}
"""Part of a row -> where a turn has it."""

EXAMPLES = 3
CUT_OFF_FROM = 40
"""Characters from which an answer should end with a mark; short ones are names and numbers."""

GOES_ON = ",，、:：;；-—"


class Columns:
    """One entry for each row that is kept after exact deduplication."""

    def __init__(self, *, split: SplitTable, seed: int) -> None:
        self._split = split
        self._seed = seed
        self._files: dict[str, int] = {}
        self.label_codes: dict[str, int] = {"": 0}
        self.sources = array("Q")
        """File number << 40 | row."""
        self.groups = array("Q")
        self.questions = array("Q")
        self.answers = array("Q")
        self.chances = array("Q")
        """Decides on samples: depends on the content alone."""
        self.labels = array("q")
        self.lengths = {name: array("I") for name in PART}
        """Characters, summed over the turns of a conversation."""
        self.fields = array("I")
        """One bit for each of `FIELDS`."""
        self.faults = array("I")
        """One bit for each of `CHECKS`."""

    def __len__(self) -> int:
        return len(self.groups)

    def add(self, record: Record, digest: bytes) -> None:
        """Remember a record; `digest` is its `content_digest`."""
        self.sources.append(self._packed(record.source))
        asked = number_of(opening(record), seed=self._seed)
        bound = bound_by(record, self._split.group)
        self.questions.append(asked)
        self.groups.append(number_of(bound, seed=self._seed) if bound else asked)
        self.answers.append(number_of(folded(record.last.answer), seed=0))
        self.chances.append(int.from_bytes(digest[:8], "big"))
        self.labels.append(self.label_codes.setdefault(record.label, len(self.label_codes)))
        for name, column in self.lengths.items():
            column.append(sum(map(len, map(PART[name], record.turns))))
        self.fields.append(_bits(_fields(record)))
        self.faults.append(_bits(_faults(record)))

    def source(self, number: int) -> str:
        """Return "file:row" of a row."""
        packed = self.sources[number]
        return f"{list(self._files)[packed >> 40]}:{packed & (1 << 40) - 1}"

    def _packed(self, source: str) -> int:
        name, _, row = source.rpartition(":")
        return self._files.setdefault(name, len(self._files)) << 40 | int(row)


def bit(column: "array[int]", place: int) -> Mask:
    """Return which rows have the bit of a field or check."""
    return (np.frombuffer(column, dtype=np.uint32) >> place & 1).astype(bool)


def _bits(flags: Sequence[bool]) -> int:
    return sum(1 << place for place, flag in enumerate(flags) if flag)


def _fields(record: Record) -> Sequence[bool]:
    return (
        bool(record.system),
        any(turn.think for turn in record.turns),
        bool(record.label),
        bool(record.entities),
        bool(record.group),
        bool(record.document),
        len(record.turns) > 1,
    )


def _faults(record: Record) -> Sequence[bool]:
    last = record.last
    whole = "\n".join(
        [text for turn in record.turns for text in (turn.user, turn.think, turn.answer)]
    )
    return (
        "\ufffd" in whole,
        "think>" in whole and ("<think>" in whole or "</think>" in whole),
        last.answer.count("```") % 2 == 1,
        last.user == last.answer,
        _cut_off(last.answer),
        _bad_json(last.answer),
        any(entity.text not in last.user for entity in record.entities),
    )


def _cut_off(answer: str) -> bool:
    """Tell whether an answer seems to end in the middle of a sentence."""
    end = answer[-1:]
    return len(answer) >= CUT_OFF_FROM and (end.isalnum() or end in GOES_ON)


def _bad_json(answer: str) -> bool:
    """Tell whether an answer begins like an object of JSON and is none."""
    if not answer.startswith(('{"', '[{"')):
        return False
    try:
        json.loads(answer)
    except ValueError:
        return True
    return False
