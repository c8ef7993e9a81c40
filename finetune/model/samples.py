"""Records to samples for training: token ids, and labels that mark which of them are trained on."""

import math
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import Literal

from finetune.model.chat_format import (
    conversation_pieces,
    head_pieces,
    opening_pieces,
    question_pieces,
    reply_pieces,
    turn_pieces,
)
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
    head = tokenizer.encode(head_pieces(fmt, record.system))
    past = [tokenizer.encode(turn_pieces(fmt, turn)) for turn in record.turns[:-1]]
    samples: list[Sample] = []
    dropped = shortened = 0
    for number in range(0 if turns == "all" else len(record.turns) - 1, len(record.turns)):
        turn = record.turns[number]
        # Each part is encoded alone: a server sends the opening and the model goes on, so that no
        # token may reach across.
        question = tokenizer.encode(question_pieces(fmt, turn.user))
        opening = tokenizer.encode(opening_pieces(fmt))
        target = tokenizer.encode(reply_pieces(fmt, turn))
        # A format that thinks is trained to write its opening tag, too.
        question, target = (
            (question, opening + target) if fmt.thinks else (question + opening, target)
        )
        space = max_tokens - len(head) - len(question) - len(target)
        # The latest turns that fit, from the last one back.
        taken = accumulate(len(turn) for turn in reversed(past[:number]))
        history = past[number - sum(tokens <= space for tokens in taken) : number]
        if space < 0 or (over_length == "drop" and len(history) < number):
            dropped += 1
            continue
        shortened += len(history) < number
        prompt = [*head, *chain(*history), *question]
        labels = (*[IGNORED] * len(prompt), *target)
        samples.append(Sample(ids=(*prompt, *target), labels=labels, record=record.id))
    return EncodedRecord(samples=tuple(samples), dropped=dropped, shortened=shortened)


def encode_prompt(
    record: Record, fmt: ChatFormat, tokenizer: ChatTokenizer, *, think: bool = True
) -> list[int]:
    """Return the ids of the prompt for a record's last reply, as a server would send them."""
    pieces = conversation_pieces(
        fmt, system=record.system, history=record.turns[:-1], user=record.last.user
    )
    return tokenizer.encode(pieces) + tokenizer.encode(opening_pieces(fmt, think=think))


def steps_per_epoch(samples: int, table: TrainTable, *, processes: int = 1) -> int:
    """Return how many optimiser steps see each sample once; the last may have fewer samples."""
    batches = math.ceil(samples / (table.batch * processes))
    return math.ceil(batches / table.accumulate)


def total_steps(samples: int, table: TrainTable, *, processes: int = 1) -> int:
    """Return how many optimiser steps a training has, unless it stops early."""
    of_epochs = math.ceil(table.epochs * steps_per_epoch(samples, table, processes=processes))
    return table.max_steps or of_epochs
