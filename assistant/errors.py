"""What can go wrong between a question and its answer (root: `ingest.foundation.errors`)."""

from typing import Literal

from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import NO_MESSAGE, Message

ModelFailure = Literal[
    "unreachable",
    "not_found",
    "busy",
    "too_long",
    "no_memory",
    "no_thinking",
    "cannot_chat",
    "unauthorized",
    "no_credit",
    "bad_gateway",
    "no_endpoint",
    "broken_stream",
    "timeout",
    "failed",
]
SearchFailure = Literal["rate_limited", "unreachable", "timeout", "failed", "misconfigured"]
"""How a search engine failed: "misconfigured" is for the reader to fix, the rest may pass."""


class QuestionError(QiuzhengError):
    """The question cannot be asked."""

    exit_code = 2
    code = "question"


class SearchError(QiuzhengError):
    """The search engine cannot answer. An empty result is not an error."""

    code = "search"

    def __init__(
        self,
        message: Message,
        *,
        kind: SearchFailure,
        hint: Message = NO_MESSAGE,
        retry_after_s: float | None = None,
    ) -> None:
        """`retry_after_s`: the seconds that the engine itself asks us to wait (Retry-After)."""
        super().__init__(message, hint=hint)
        self.kind: SearchFailure = kind
        self.retry_after_s = retry_after_s


class ModelError(QiuzhengError):
    """The chat model cannot answer."""

    code = "model"

    def __init__(self, message: Message, *, kind: ModelFailure, hint: Message = NO_MESSAGE) -> None:
        super().__init__(message, hint=hint)
        self.kind: ModelFailure = kind


class ModelNotFoundError(ModelError):
    """The server does not have this model; the hint is the command that pulls it."""

    def __init__(self, message: Message, *, hint: Message = NO_MESSAGE) -> None:
        super().__init__(message, kind="not_found", hint=hint)


class RerankError(QiuzhengError):
    """The reranker cannot judge; answers go on in the order of the search."""

    code = "rerank"


class EvaluationFileError(QiuzhengError):
    """A file of questions, or a saved run of an evaluation, cannot be used."""

    exit_code = 2
    code = "evaluation"


class EvaluationStoppedError(EvaluationFileError):
    """A run's file cannot be added to any more: the disk is full, most often."""

    exit_code = 1


class SnapshotError(QiuzhengError):
    """What is kept of answers cannot be used; answers go on without."""

    code = "snapshots"


class SnapshotNotFoundError(SnapshotError):
    """No kept answer has the name that was asked for."""

    exit_code = 2


class SnapshotChoiceError(SnapshotError):
    """It was not said which kept answers are meant, or in two ways at once."""

    exit_code = 2


class RemovalChoiceError(QiuzhengError):
    """It was not said which documents are to leave the index, and there is no terminal."""

    exit_code = 2


class ExportTargetError(QiuzhengError):
    """A file is not written over that a person may still need."""

    exit_code = 2


class SnapshotDamagedError(SnapshotError):
    """The file of kept answers is none any more. Nothing but deleting it helps."""


class SnapshotLockedError(SnapshotError):
    """Another process uses the file of kept answers. It is whole, and later it can be used."""


class ConversationError(QiuzhengError):
    """Kept conversations cannot be read or written; answers go on without."""

    code = "conversations"


class ConversationNotFoundError(ConversationError):
    """No conversation is kept under this id: it was deleted, or never was."""

    exit_code = 2
