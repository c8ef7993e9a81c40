"""The value that is kept of an answer: all that it takes to explain it, or to ask again."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import TypeAdapter
from pydantic_core import to_json

from assistant.events import AnswerFailed, Notice, SearchFinished, SentenceChecked
from assistant.values import (
    Answer,
    AnswerEvidence,
    AnswerKind,
    ChatMessage,
    Passage,
    Question,
    UnitSimilarity,
)
from ingest.events import PageSkipped, PageStored
from ingest.foundation.messages import Language, Message


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSnapshot:
    """The model that was asked, and how. Neither its server's address nor a key is kept."""

    name: str
    kind: AnswerKind
    size: str
    context_tokens: int
    digest: str = ""
    """Digest of its weights, "" where the server reports none."""
    temperature: float | None = None
    reply_tokens: int | None = None
    """Longest reply, thinking included."""
    thinking: bool = True
    """False: asked to leave its thinking out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One answer, or one failure, and what it was made of."""

    id: str
    """Hexadecimal digits."""
    at: datetime
    """When it was asked, with its time zone."""
    version: str
    """Version of the product."""
    question: Question
    """As it was asked, with its options."""
    language: Language
    """Language of the answer."""
    query: str
    """The question as it stands alone, made from the conversation."""
    looked_up: str = ""
    """What passages and evidence were found by (`Retrieved.looked_up`)."""
    history: tuple[ChatMessage, ...] = ()
    """The turns before it, the last ones."""
    search: SearchFinished | None = None
    """None: the web was not searched, or could not be."""
    pages: tuple[PageStored | PageSkipped, ...] = ()
    """Each page that was read or left out, with the reason; without its requests."""
    passages: tuple[Passage, ...] = ()
    compared: tuple[UnitSimilarity, ...] = ()
    """Similarities of their pieces: a replay chooses evidence by them, without an encoder."""
    evidence: AnswerEvidence = field(default_factory=AnswerEvidence)
    model: ModelSnapshot
    prompt: tuple[ChatMessage, ...] = ()
    """What the model was given, word for word."""
    prompt_tokens: int = 0
    """Our estimate; the server's count is in `answer.usage`."""
    answer: Answer | None = None
    """None: it failed."""
    failure: AnswerFailed | None = None
    rejected: str = ""
    """What the model had written when quotes took its place."""
    sentences: tuple[SentenceChecked, ...] = ()
    """The answer's sentences with their verdicts."""
    notices: tuple[Notice, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Seconds after the question at which each stage began ("search", "read", "retrieve",
    "reply"), the passages and the evidence were there, the first word came, and all was over."""
    parent: str = ""
    """Id of the answer whose passages a replay was made of, "" for what is no replay."""


def dump_snapshot(snapshot: Snapshot) -> bytes:
    """Return a snapshot as JSON that `snapshot_adapter` reads, messages in all languages.

    Without the adapter, which takes 17 ms to make: a question would pay for them.
    """
    return to_json(snapshot, fallback=_translations_of)


def _translations_of(value: object) -> dict[str, str]:
    if isinstance(value, Message):
        return value.in_each_language()
    raise TypeError(type(value).__name__)


@functools.cache
def snapshot_adapter() -> TypeAdapter[Snapshot]:
    """Return what reads a snapshot, and writes it with its messages in one language."""
    return TypeAdapter(Snapshot)
