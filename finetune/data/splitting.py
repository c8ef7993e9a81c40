"""Which row belongs to which split: by its group's hash, so that added rows move no other.

A group is what must not be in two splits: rows with the same question, field or document. Its
hash (with the recipe's seed) is its place between 0 and 1. Without strata that place decides alone:
below `train` it is trained on, and nothing but the seed or the shares can ever move it.

With strata a label's groups are ordered by their hash and cut at the shares, so that each label
has its share to within one group. Random draws would be as even but would shuffle all rows when one
is added; with the order fixed, only the cut moves: one new group moves at most one other across
each cut, and none of another label. The cut of each label is rounded up or down by the label's own
hash, so that many small labels together still have the right share (of ten labels with 3 rows each,
about 4 or 5 rows are for validation, not none).

A split that is wanted but got nothing, as happens with a handful of rows, takes the group whose
place is nearest to its own interval.
"""

import functools
import hashlib
import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from finetune.data.dedupe import normalize_question
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
"""What many conversations begin with and asks nothing, as `normalize_question` leaves it."""

Places = npt.NDArray[np.float64]
"""Places of groups in [0, 1): shape (groups,)."""


def opening_question(record: Record) -> str:
    """Return the normal form of what a conversation is about: its first question.

    Greetings are none, unless there is nothing else.
    """
    before = ""
    for turn in record.turns:
        question = normalize_question(turn.user)
        # By "你好" alone half of the dialogues of a clinic would be one group, in one split.
        if question and not _GREETING.fullmatch(question):
            return question
        before += question
    return before


def group_name(record: Record, by: Literal["question", "group", "document"]) -> str:
    """Return the name of the record's group, "" if its opening question is what groups it."""
    named = {"question": "", "group": record.group, "document": record.document}[by]
    # With its kind: a group that is called like a question must not be taken for it.
    return f"{by}\0{named}" if named else ""


def hash_text(text: str, *, seed: int) -> int:
    """Return 64 bits that look random and depend on text and seed alone."""
    # Not `hash`: Python's differs in each process (PYTHONHASHSEED).
    total = _keyed_hash(seed).copy()
    total.update(text.encode(errors="replace"))
    return int.from_bytes(total.digest(), "big")


@functools.lru_cache(maxsize=8)
def _keyed_hash(seed: int) -> hashlib.blake2b:
    """Return the hash of nothing, to be copied: to set a key takes as long as to hash a line."""
    return hashlib.blake2b(digest_size=8, key=seed.to_bytes(32, "big"))


def assign_splits(
    groups: npt.NDArray[np.uint64],
    table: SplitTable,
    *,
    labels: npt.NDArray[np.int64] | None = None,
    names: Sequence[str] = (),
    seed: int = 0,
) -> npt.NDArray[np.int8]:
    """Return the split of each row, as its place in `SPLITS`: shape (rows,).

    `groups` (rows,) are the rows' numbers from `hash_text`. With `table.stratify`, `labels` (rows,)
    are their labels as places in `names`; the label of a group is the first of its rows' by the
    alphabet.

    Raises:
        DataError: there are fewer groups than splits.
    """
    unique, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    wanted_splits = [place for place, name in enumerate(SPLITS) if getattr(table, name) > 0]
    if len(unique) < len(wanted_splits):
        raise DataError(
            Message(
                "{groups} different question(s) cannot be shared between {names}: nothing would "
                "be left to validate on",
                groups=len(unique),
                names=", ".join(SPLITS[place] for place in wanted_splits),
            ),
            hint=Message('add rows, or train on all: --set "data.split={train=1, val=0}"'),
        )
    places = to_fractions(unique)
    if table.stratify and labels is not None:
        # Codes depend on the order in which labels were met; ranks of their names do not.
        ranks = np.argsort(np.argsort(np.array(names)))[labels]
        of_group = np.full(len(unique), len(names), dtype=np.int64)
        np.minimum.at(of_group, inverse, ranks)
        places = places_in_strata(places, sizes, of_group, sorted(names), seed)
    cuts = np.cumsum([0.0, table.train, table.val, table.test])
    cuts[cuts > 1 - 1e-9] = 1.0  # 0.7 + 0.2 + 0.1 is a little less than 1
    placed = np.searchsorted(cuts[1:-1], places, side="right").astype(np.int8)
    for split in wanted_splits:
        if np.any(placed == split):
            continue
        # The nearest group moves into a wanted split that has none; a split's only group stays.
        counts = np.bincount(placed, minlength=len(SPLITS))
        distance = np.maximum(cuts[split] - places, places - cuts[split + 1])
        distance[counts[placed] < 2] = np.inf
        placed[np.argmin(distance)] = split
    return placed[inverse]


def to_fractions(numbers: npt.NDArray[np.uint64]) -> Places:
    """Return the numbers' places in [0, 1); 53 bits, as many as a float holds."""
    return (numbers >> np.uint64(11)).astype(np.float64) * 2.0**-53


def places_in_strata(
    places: Places,
    sizes: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
    names: Sequence[str],
    seed: int,
) -> Places:
    """Return each group's place in the order of its label, by rows: even between 0 and 1.

    `places`, `sizes` (rows of each group) and `labels` (places in `names`) have shape (groups,).
    """
    order = np.lexsort((places, labels))
    begins = np.flatnonzero(np.r_[True, np.diff(labels[order]) != 0])
    result = np.empty_like(places)
    for members in np.split(order, begins[1:]):
        # The label's own hash decides whether its cuts are rounded up or down: rounded all alike,
        # many small labels together would leave validation without a row.
        rounding = np.array([hash_text(names[labels[members[0]]], seed=seed)], dtype=np.uint64)
        rows = sizes[members]
        before = np.cumsum(rows) - rows
        result[members] = (before + to_fractions(rounding) * rows) / rows.sum()
    return result
