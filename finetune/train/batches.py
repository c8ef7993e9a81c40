"""Samples in memory, stored compactly, and the padded batches made of them."""

import itertools
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, Protocol, TypedDict

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from finetune.errors import RecipeError
from finetune.model.chat_format import chat_format
from finetune.model.samples import IGNORED, EncodedRecord, Sample, encode_record, pack_lengths
from finetune.model.tokenization import ChatTokenizer
from finetune.progress import Progress
from finetune.recipe import Recipe
from finetune.records import Record, Split
from finetune.runs import Run
from ingest.foundation.messages import Message

NO_LIMIT = 1 << 40
"""More tokens than any sample has."""


class SampleRow(TypedDict):
    """One row before it is padded: int64, (length,) each.

    `position_ids`, of rows that hold several samples, begin at 0 with each of them.
    """

    input_ids: Tensor
    labels: Tensor
    position_ids: NotRequired[Tensor]


class SampleSet(Dataset[SampleRow]):
    """Samples in memory; one row per sample, in the order given."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        # End to end in two arrays, five bytes a token; a tuple of ints would take some forty. A
        # label is either its own id or IGNORED, so one byte says which.
        ids, is_target, ends = array("i"), bytearray(), array("q", [0])
        for sample in samples:
            ids.extend(sample.ids)
            is_target.extend(label != IGNORED for label in sample.labels)
            ends.append(len(ids))
        self._ids = np.asarray(ids)
        self._is_target = np.frombuffer(bytes(is_target), dtype=np.bool_)
        self._ends = ends

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, index: int) -> SampleRow:
        part = slice(self._ends[index], self._ends[index + 1])
        ids = self._ids[part].astype(np.int64)
        labels = np.where(self._is_target[part], ids, IGNORED)
        return {"input_ids": torch.from_numpy(ids), "labels": torch.from_numpy(labels)}

    @property
    def tokens(self) -> int:
        """Tokens of all samples, prompts and replies, without padding."""
        return len(self._ids)

    @property
    def samples(self) -> int:
        """Number of samples: one a row."""
        return len(self)

    @property
    def lengths(self) -> list[int]:
        """Tokens of each sample."""
        return [end - begun for begun, end in itertools.pairwise(self._ends)]


class PackedSet(Dataset[SampleRow]):
    """The samples of a set end to end in rows of at most `size` tokens, none of them cut.

    Short samples in a batch are padded to its longest; packed, next to nothing is padding.
    """

    def __init__(self, samples: SampleSet, *, size: int) -> None:
        self._samples = samples
        self._rows = pack_lengths(samples.lengths, size)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> SampleRow:
        rows = [self._samples[number] for number in self._rows[index]]
        labels = [row["labels"].clone() for row in rows]
        for one in labels:
            # The last state of one sample would learn to predict the first token of the next.
            one[0] = IGNORED
        return {
            "input_ids": torch.cat([row["input_ids"] for row in rows]),
            "labels": torch.cat(labels),
            "position_ids": torch.cat([torch.arange(len(row["input_ids"])) for row in rows]),
        }

    @property
    def tokens(self) -> int:
        """Tokens of all samples, without padding."""
        return self._samples.tokens

    @property
    def samples(self) -> int:
        """Number of samples: several a row."""
        return len(self._samples)


class RowSet(Protocol):
    """Rows that the Trainer reads: samples, or pairs of them."""

    @property
    def tokens(self) -> int:
        """Tokens of all rows, without padding."""

    @property
    def samples(self) -> int:
        """Samples or pairs in all rows."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """The rows of a run. `dropped` and `shortened` count those above `train.max_tokens`.

    `unpaired` counts records without a rejected reply where pairs are trained on.
    """

    train: RowSet
    val: RowSet
    dropped: int
    shortened: int
    unpaired: int | None = None


def load_training_set(
    recipe: Recipe, run: Run, tokenizer: ChatTokenizer, *, progress: Progress
) -> TrainingSet:
    """Return the samples of the splits `train` and `val`; the latter may be empty.

    Raises:
        RecipeError: no sample to train on is left, or `prepare` has not been run.
    """
    counts = {"dropped": 0, "shortened": 0}

    def encode_split(split: Split) -> Iterable[Sample]:
        """Yield the samples of a split one by one: none is held beside the arrays."""
        with progress.stage(Message("encoding {split}", split=split)) as stage:
            for record in run.records(split):
                encoded = _encode_record(record, recipe, tokenizer, recipe.train.max_tokens)
                counts["dropped"] += encoded.dropped
                counts["shortened"] += encoded.shortened
                stage.advance()
                yield from encoded.samples

    train = SampleSet(encode_split("train"))
    if not len(train):
        raise no_samples_error(list(run.records("train")), recipe, tokenizer)
    size = recipe.train.max_tokens
    rows: RowSet = PackedSet(train, size=size) if recipe.train.packing else train
    return TrainingSet(train=rows, val=SampleSet(encode_split("val")), **counts)


def padding_collator(pad_id: int) -> Callable[[Sequence[SampleRow]], dict[str, Tensor]]:
    """Return the function that makes one batch of rows, int64, (batch, longest) each."""

    def collate(rows: Sequence[SampleRow]) -> dict[str, Tensor]:
        """Return the rows padded on the right: on the left positions would not start at 0."""
        ids = [row["input_ids"] for row in rows]
        labels = [row["labels"] for row in rows]
        ones = [torch.ones_like(row) for row in ids]
        batch = {
            "input_ids": pad_sequence(ids, batch_first=True, padding_value=pad_id),
            "attention_mask": pad_sequence(ones, batch_first=True),
            "labels": pad_sequence(labels, batch_first=True, padding_value=IGNORED),
        }
        if any("position_ids" in row for row in rows):
            # Padding is one more sample behind the others, which none of them attends to.
            longest = batch["input_ids"].shape[1]
            batch["position_ids"] = torch.stack(
                [
                    torch.cat((row["position_ids"], torch.arange(longest - len(row["input_ids"]))))
                    for row in rows
                ]
            )
        return batch

    return collate


def _encode_record(
    record: Record, recipe: Recipe, tokenizer: ChatTokenizer, max_tokens: int
) -> EncodedRecord:
    return encode_record(
        record,
        chat_format(recipe.model.format),
        tokenizer,
        turns=recipe.train.turns,
        max_tokens=max_tokens,
        over_length=recipe.train.over_length,
    )


def no_samples_error(
    records: Sequence[Record], recipe: Recipe, tokenizer: ChatTokenizer
) -> RecipeError:
    """Return the error for a training split without samples; its hint is the limit they need."""
    limit = recipe.train.max_tokens
    lengths = [
        len(sample.ids)
        for record in records
        for sample in _encode_record(record, recipe, tokenizer, NO_LIMIT).samples
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
