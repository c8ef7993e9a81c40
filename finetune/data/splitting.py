"""Which row belongs to which split: by its group's hash, so that rows added elsewhere move nothing.

A group is what must not stand in two splits: rows with the same question, field or document. Its
hash (with the recipe's seed) is its place between 0 and 1. Without strata that place decides alone:
below `train` it is trained on, and nothing but the seed or the shares can ever move it.

With strata a label's groups are ordered by their hash and cut at the shares, so that each label
has its share to within one group. Random draws would be as even but would shuffle all rows when one
is added; with the order fixed, only the cut wanders: one new group moves at most one other across
each cut, and none of another label. The cut of each label is rounded up or down by the label's own
hash, so that many small labels together still have the right share (of ten labels with 3 rows each,
about 4 or 5 rows are for validation, not none).

A split that is wanted but got nothing, as happens with a handful of rows, takes the group whose
place is nearest to its own stretch.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from finetune.data.dedupe import question_form
from finetune.errors import DataError
from finetune.recipe import SplitTable
from finetune.records import Record, Split
from ingest.foundation.messages import Message

SPLITS: tuple[Split, ...] = ("train", "val", "test")

_GREETING = re.compile(
    r"(?:[您你]好|大家好|哈喽|哈啰|嗨|嘿|喂|在吗|在么|在不在|请问|打扰|早安|[早上中下午晚]{2}好"
    r"|医生|大夫|老师|先生|女士|客服|hello|hi|hey|there|good(?:morning|afternoon|evening|day)"
    r"|doctor|sir|madam|[了一下呀啊哦呢,.!?~、;:。]){1,12}"
)
"""What opens thousands of conversations and asks nothing, as `question_form` leaves it."""

Place = npt.NDArray[np.float64]


def opening(record: Record) -> str:
    """Return the normal form of what a conversation is about: its first question.

    Greetings are none, unless nothing else is said.
    """
    asked = [question_form(turn.user) for turn in record.turns]
    return next((one for one in asked if one and not _GREETING.fullmatch(one)), "".join(asked))


def bound_by(record: Record, how: Literal["question", "group", "document"]) -> str:
    """Return what binds a record to others besides its `opening`; empty: the opening does."""
    named = {"question": "", "group": record.group, "document": record.document}[how]
    return f"{how}\0{named}" if named else ""


def number_of(text: str, *, seed: int) -> int:
    """Return 64 bits that look random and depend on text and seed alone."""
    key = seed.to_bytes(32, "big")
    digest = hashlib.blake2b(text.encode(errors="replace"), digest_size=8, key=key).digest()
    return int.from_bytes(digest, "big")


def assign(
    groups: npt.NDArray[np.uint64],
    table: SplitTable,
    *,
    labels: npt.NDArray[np.int64] | None = None,
    names: Sequence[str] = (),
    seed: int = 0,
) -> npt.NDArray[np.int8]:
    """Return the split of each row, as its place in `SPLITS`.

    `groups` are the rows' numbers from `number_of`. With `table.stratify`, `labels` are the rows'
    labels as places in `names`; the label of a group is the first of its rows' by the alphabet.

    Raises:
        DataError: there are fewer groups than splits.
    """
    unique, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    wanted = [place for place, name in enumerate(SPLITS) if getattr(table, name) > 0]
    if len(unique) < len(wanted):
        raise too_few(len(unique), [SPLITS[place] for place in wanted])
    places = fractions(unique)
    if table.stratify and labels is not None:
        ranks = np.argsort(np.argsort(np.array(names)))[labels]
        of_group = np.full(len(unique), len(names), dtype=np.int64)
        np.minimum.at(of_group, inverse, ranks)
        places = _in_strata(places, sizes, of_group, sorted(names), seed)
    cuts = _cuts(table)
    placed = np.searchsorted(cuts[1:-1], places, side="right").astype(np.int8)
    _leave_none_empty(placed, places, cuts, wanted)
    return placed[inverse]


def fractions(numbers: npt.NDArray[np.uint64]) -> Place:
    """Return the numbers' places in [0, 1); 53 bits, as many as a float holds."""
    return (numbers >> np.uint64(11)).astype(np.float64) * 2.0**-53


def too_few(groups: int, wanted: Sequence[Split]) -> DataError:
    """Return the error for fewer different questions than splits."""
    names = ", ".join(wanted)
    return DataError(
        Message(
            "{groups} different question(s) cannot be shared between {names}: nothing would "
            "be left to validate on",
            groups=groups,
            names=names,
        ),
        hint=Message('add rows, or train on all: --set "data.split={train=1, val=0}"'),
    )


def _cuts(table: SplitTable) -> Place:
    """Return where the splits begin and end; the last one wanted reaches to the end."""
    cuts = np.cumsum([0.0, table.train, table.val, table.test])
    cuts[cuts > 1 - 1e-9] = 1.0  # 0.7 + 0.2 + 0.1 is a little less than 1
    return cuts


def _in_strata(
    places: Place,
    sizes: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
    names: Sequence[str],
    seed: int,
) -> Place:
    """Return each group's place in the order of its label, by rows: even between 0 and 1."""
    order = np.lexsort((places, labels))
    begins = np.flatnonzero(np.r_[True, np.diff(labels[order]) != 0])
    result = np.empty_like(places)
    for members in np.split(order, begins[1:]):
        rounding = np.array([number_of(names[labels[members[0]]], seed=seed)], dtype=np.uint64)
        held = sizes[members]
        before = np.cumsum(held) - held
        result[members] = (before + fractions(rounding) * held) / held.sum()
    return result


def _leave_none_empty(
    placed: npt.NDArray[np.int8], places: Place, cuts: Place, wanted: Sequence[int]
) -> None:
    """Move the nearest group into each wanted split that has none."""
    for split in wanted:
        if np.any(placed == split):
            continue
        held = np.bincount(placed, minlength=len(SPLITS))
        away = np.maximum(cuts[split] - places, places - cuts[split + 1])
        away[held[placed] < 2] = np.inf  # a split's only group stays
        placed[np.argmin(away)] = split
