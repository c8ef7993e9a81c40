"""The protocol of models under evaluation, and what their adapters share."""

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

from finetune.evaluate.metrics.likelihood import TargetLoss
from finetune.progress import Progress, ProgressStage
from finetune.records import Prediction, Record
from ingest.foundation.messages import Message


class Generator(Protocol):
    """Replies to the last turn of records."""

    @property
    def name(self) -> str:
        """What people call the model: "adapter", "ollama:qwen3"."""
        ...

    @property
    def identity(self) -> str:
        """Changes when the weights or settings do, so that old replies are not taken for new."""
        ...

    def generate(self, records: Sequence[Record], *, progress: Progress) -> Iterator[Prediction]:
        """Yield one reply for each record as it comes, in any order.

        Raises:
            EvaluationError: the model cannot answer; what was yielded stays good.
        """
        ...


@runtime_checkable
class TargetScorer(Protocol):
    """Also computes the loss of given replies, where a model's probabilities are at hand."""

    def target_losses(
        self, records: Sequence[Record], *, progress: Progress
    ) -> Iterator[TargetLoss]:
        """Yield the loss of each record's last reply; records that are too long are left out."""
        ...


def reply_stage(progress: Progress, name: str, total: int) -> ProgressStage:
    """Return the stage in which a model replies to `total` questions."""
    return progress.stage(Message("asking {name}", name=name), total=total)


def chat_messages(record: Record) -> list[dict[str, str]]:
    """Return a record as a chat server takes it: earlier turns without their thoughts."""
    chat = [{"role": "system", "content": record.system}] if record.system else []
    for turn in record.turns[:-1]:
        chat.append({"role": "user", "content": turn.user})
        chat.append({"role": "assistant", "content": turn.answer})
    return [*chat, {"role": "user", "content": record.last.user}]
