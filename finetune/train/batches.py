"""Samples in memory, packed tightly, and the batches and steps that become of them."""

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from finetune.errors import RecipeError
from finetune.model.chat_format import chat_format
from finetune.model.samples import IGNORED, Encoded, Sample, encode
from finetune.model.tokenization import ChatTokenizer
from finetune.progress import Progress
from finetune.recipe import Recipe
from finetune.records import Record, Split
from finetune.runs import Run
from ingest.foundation.messages import Message

ANY_LENGTH = 1 << 40
"""More tokens than any sample has."""


class PackedRow(TypedDict):
    """One sample as a batch is made of it: int64, (length,) each."""

    input_ids: Tensor
    labels: Tensor


class SampleSet(Dataset[PackedRow]):
    """Samples end to end in two arrays, five bytes a token: a tuple of ints takes some forty."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        ids, learnt, ends = array("i"), bytearray(), array("q", [0])
        for sample in samples:
            ids.extend(sample.ids)
            learnt.extend(label != IGNORED for label in sample.labels)
            ends.append(len(ids))
        self._ids = np.asarray(ids)
        self._learnt = np.frombuffer(bytes(learnt), dtype=np.bool_)
        self._ends = ends

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, index: int) -> PackedRow:
        part = slice(self._ends[index], self._ends[index + 1])
        ids = self._ids[part].astype(np.int64)
        labels = np.where(self._learnt[part], ids, IGNORED)
        return {"input_ids": torch.from_numpy(ids), "labels": torch.from_numpy(labels)}

    @property
    def tokens(self) -> int:
        """Tokens of all samples, prompts and replies, padding apart."""
        return len(self._ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """What a run learns from and is held against, and what was too long for it."""

    train: SampleSet
    val: SampleSet
    dropped: int
    shortened: int


def load_training_set(
    recipe: Recipe, run: Run, tokenizer: ChatTokenizer, *, progress: Progress
) -> TrainingSet:
    """Return the samples of the splits `train` and `val`; the latter may be empty.

    Raises:
        RecipeError: no sample to train on is left, or `prepare` has not been run.
    """
    counts = {"dropped": 0, "shortened": 0}

    def samples(split: Split) -> Iterable[Sample]:
        with progress.stage(Message("encoding {split}", split=split)) as stage:
            for record in run.records(split):
                encoded = _encoded(record, recipe, tokenizer, recipe.train.max_tokens)
                counts["dropped"] += encoded.dropped
                counts["shortened"] += encoded.shortened
                stage.advance()
                yield from encoded.samples

    train = SampleSet(samples("train"))
    if not len(train):
        raise _nothing_left(list(run.records("train")), recipe, tokenizer)
    return TrainingSet(train=train, val=SampleSet(samples("val")), **counts)


def padding(pad_id: int) -> Callable[[Sequence[PackedRow]], dict[str, Tensor]]:
    """Return what makes a batch of rows: filled up on the right, (batch, longest) each."""

    def collate(rows: Sequence[PackedRow]) -> dict[str, Tensor]:
        ids = [row["input_ids"] for row in rows]
        labels = [row["labels"] for row in rows]
        ones = [torch.ones_like(row) for row in ids]
        return {
            "input_ids": pad_sequence(ids, batch_first=True, padding_value=pad_id),
            "attention_mask": pad_sequence(ones, batch_first=True),
            "labels": pad_sequence(labels, batch_first=True, padding_value=IGNORED),
        }

    return collate


def _encoded(record: Record, recipe: Recipe, tokenizer: ChatTokenizer, longest: int) -> Encoded:
    return encode(
        record,
        chat_format(recipe.model.format),
        tokenizer,
        turns=recipe.train.turns,
        max_tokens=longest,
        over_length=recipe.train.over_length,
    )


def _nothing_left(
    records: Sequence[Record], recipe: Recipe, tokenizer: ChatTokenizer
) -> RecipeError:
    limit = recipe.train.max_tokens
    lengths = [
        len(sample.ids)
        for record in records
        for sample in _encoded(record, recipe, tokenizer, ANY_LENGTH).samples
    ]
    if not lengths:
        return RecipeError(
            Message("the training split is empty"),
            hint=Message("look at data.files and data.split"),
        )
    return RecipeError(
        Message(
            "no sample is left: {length_count} of {length_count} are longer than "
            "train.max_tokens = {limit}, the shortest {min}, the longest {max}",
            length_count=len(lengths),
            limit=limit,
            min=min(lengths),
            max=max(lengths),
        ),
        hint=Message("set train.max_tokens = {max}", max=max(lengths)),
    )
