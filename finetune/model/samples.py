"""Records to samples for training: token ids, and labels that mark which of them are trained on."""

import math
from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from finetune.model.chat_format import conversation_pieces, opening_pieces, reply_pieces
from finetune.model.chat_templates import ChatFormat
from finetune.model.tokenization import ChatTokenizer
from finetune.recipe import TrainTable
from finetune.records import Record

IGNORED = -100
"""The label of a token that is read but not trained on (torch's `ignore_index`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One reply to train on, behind its prompt.

    `ids` and `labels` have one entry for each token; a label is the id itself where it is
    trained on, and `IGNORED` in the prompt. `record` is the record's id.
    """

    ids: tuple[int, ...]
    labels: tuple[int, ...]
    record: str

    @property
    def prompt_tokens(self) -> int:
        """How many tokens come before the first that is trained on."""
        return sum(label == IGNORED for label in self.labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedRecord:
    """The samples of a record, and how many were too long: dropped, or with less history."""

    samples: tuple[Sample, ...]
    dropped: int = 0
    shortened: int = 0


def encode_record(
    record: Record,
    fmt: ChatFormat,
    tokenizer: ChatTokenizer,
    *,
    turns: Literal["last", "all"],
    max_tokens: int,
    over_length: Literal["drop", "shorten"],
) -> EncodedRecord:
    """Return the samples of a record, none longer than `max_tokens` tokens.

    `shorten` leaves out the earliest turns. The question, the system message and the reply are
    never cut: a sample that is too long with them alone is dropped.
    """
    samples: list[Sample] = []
    dropped = shortened = 0
    for number in range(0 if turns == "all" else len(record.turns) - 1, len(record.turns)):
        encode_prompt_from = partial(_encode_turns, record, fmt, tokenizer, last=number)
        first, prompt = 0, encode_prompt_from(first=0)
        opening = tokenizer.encode(opening_pieces(fmt))
        # Each part is encoded alone: a server sends the opening and the model goes on, so that no
        # token may reach across.
        target = tokenizer.encode(reply_pieces(fmt, record.turns[number]))
        # A format that thinks is trained to write its opening tag, too.
        prompt_end: list[int] = [] if fmt.thinks else opening
        target = opening + target if fmt.thinks else target
        space = max_tokens - len(prompt_end) - len(target)
        if len(prompt) > space and over_length == "shorten":
            # The fewest turns left out after which it fits: each turn less is shorter.
            first = bisect_left(
                range(number), -space, key=lambda one: -len(encode_prompt_from(first=one))
            )
            prompt = encode_prompt_from(first=first)
        if len(prompt) > space:
            dropped += 1
            continue
        shortened += first > 0
        prompt = prompt + prompt_end
        labels = (*[IGNORED] * len(prompt), *target)
        samples.append(Sample(ids=(*prompt, *target), labels=labels, record=record.id))
    return EncodedRecord(samples=tuple(samples), dropped=dropped, shortened=shortened)


def encode_pair(
    record: Record,
    fmt: ChatFormat,
    tokenizer: ChatTokenizer,
    *,
    max_tokens: int,
    over_length: Literal["drop", "shorten"],
) -> tuple[Sample, Sample] | None:
    """Return the samples of a record's last reply and of its rejected one, behind one prompt.

    None if there is no rejected reply, or one of the two is longer than `max_tokens` tokens.
    """
    if record.rejected is None:
        return None
    samples: list[Sample] = []
    for reply in (record.last, record.rejected):
        # The question of the record, which may have been varied since the pair was read.
        turn = replace(reply, user=record.last.user)
        encoded = encode_record(
            replace(record, turns=(*record.turns[:-1], turn)),
            fmt,
            tokenizer,
            turns="last",
            max_tokens=max_tokens,
            over_length=over_length,
        )
        if not encoded.samples:
            return None
        samples += encoded.samples
    # The longer reply may have left fewer tokens for earlier turns: both are compared behind the
    # prompt that fits the two of them.
    prompt = min((one.ids[: one.prompt_tokens] for one in samples), key=len)
    chosen_sample, rejected_sample = (
        Sample(
            ids=(*prompt, *(target := one.ids[one.prompt_tokens :])),
            labels=(*[IGNORED] * len(prompt), *target),
            record=one.record,
        )
        for one in samples
    )
    return chosen_sample, rejected_sample


def encode_prompt(
    record: Record, fmt: ChatFormat, tokenizer: ChatTokenizer, *, think: bool = True
) -> list[int]:
    """Return the ids of the prompt for a record's last reply, as a server would send them."""
    prompt = _encode_turns(record, fmt, tokenizer, first=0, last=len(record.turns) - 1)
    return prompt + tokenizer.encode(opening_pieces(fmt, think=think))


def _encode_turns(
    record: Record, fmt: ChatFormat, tokenizer: ChatTokenizer, *, first: int, last: int
) -> list[int]:
    """Return the ids from BOS to the reply of turn `last`, turns before `first` left out."""
    return tokenizer.encode(
        conversation_pieces(
            fmt,
            system=record.system,
            history=record.turns[first:last],
            user=record.turns[last].user,
        )
    )


def pack_lengths(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Return which samples share a row of at most `size` tokens, by their numbers.

    Best fit, the longest first: each goes where the least space is left (Johnson 1974). The rows
    are in the order of their first samples, so that a shuffle alone decides what is seen when.
    """
    rows: list[list[int]] = []
    free: list[tuple[int, int]] = []  # space left and number of the row, in order
    for number in sorted(range(len(lengths)), key=lambda one: (-lengths[one], one)):
        place = bisect_left(free, (lengths[number], 0))
        if place < len(free):
            space, row = free.pop(place)
        else:
            space, row = size, len(rows)
            rows.append([])
        rows[row].append(number)
        insort(free, (space - lengths[number], row))
    return sorted((sorted(row) for row in rows), key=lambda row: row[0])


def steps_per_epoch(samples: int, table: TrainTable, *, processes: int = 1) -> int:
    """Return how many optimiser steps see each sample once; the last may have fewer samples."""
    batches = math.ceil(samples / (table.batch * processes))
    return math.ceil(batches / table.accumulate)


def total_steps(samples: int, table: TrainTable, *, processes: int = 1) -> int:
    """Return how many optimiser steps a training has, unless it stops early."""
    of_epochs = math.ceil(table.epochs * steps_per_epoch(samples, table, processes=processes))
    return table.max_steps or of_epochs
