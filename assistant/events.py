"""The events that `Assistant.ask` yields, and their order.

    [SearchFinished] (PageStored | PageSkipped)* PassagesChosen [EvidenceChosen]
    (ReasoningDelta | AnswerDelta | SentenceChecked)* AnswerFinished

`StageStarted` and `Notice` may come anywhere before the end. A stream ends with exactly one
`AnswerFinished` or, at any point, with exactly one `AnswerFailed`.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from assistant.values import (
    Answer,
    AnswerEvidence,
    AnswerKind,
    Passage,
    SearchHit,
    SentenceVerdict,
    Usage,
)
from ingest.events import PageSkipped, PageStored
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import NO_MESSAGE, Message

Stage = Literal["search", "read", "retrieve", "reply"]
NoticeCode = Literal[
    "search_unavailable",
    "other_engine",
    "nothing_found",
    "pages_late",
    "words_only",
    "other_encoder",
    "not_reranked",
    "no_model",
    "model_loading",
    "question_rewritten",
    "passages_dropped",
    "nearest_only",
    "no_evidence",
    "orders_left_out",
    "prompt_truncated",
    "reply_cut_short",
    "reply_unusable",
    "reply_filtered",
    "reply_looped",
    "sentences_dropped",
    "reasoning_leaked",
    "not_kept",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStarted:
    """Work of one kind begins."""

    stage: Stage
    type: Literal["stage_started"] = "stage_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFinished:
    """The search engine replied."""

    query: str
    hits: tuple[SearchHit, ...]
    engine: str = ""
    """Who answered."""
    cached: bool = False
    """True: the engine was not asked, its reply to the same query is still fresh."""
    type: Literal["search_finished"] = "search_finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class PassagesChosen:
    """These passages go into the prompt."""

    passages: tuple[Passage, ...]
    type: Literal["passages_chosen"] = "passages_chosen"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceChosen:
    """What the passages hold for the question: there before a model says its first word."""

    evidence: AnswerEvidence
    answered_by: AnswerKind = "model"
    """"quotes": the blocks are the answer, and will come once more as its text."""
    type: Literal["evidence_chosen"] = "evidence_chosen"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentenceChecked:
    """A sentence of the answer is complete and was compared with the passages.

    The deltas up to here end where it ends: a sign that it needs can be put at this place.
    """

    text: str
    """As it was streamed, without its markers."""
    verdict: SentenceVerdict
    shown: bool = True
    """False: it was left out of the answer, as `answer.unsupported` or the question wants it."""
    type: Literal["sentence_checked"] = "sentence_checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningDelta:
    """The next piece of the model's thinking."""

    text: str
    type: Literal["reasoning_delta"] = "reasoning_delta"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerDelta:
    """The next piece of the answer."""

    text: str
    type: Literal["answer_delta"] = "answer_delta"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something went less well than hoped; the answer goes on."""

    code: NoticeCode  # for programs; the text may change
    text: Message
    """One line: what happened and what to do."""
    type: Literal["notice"] = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFinished:
    """The whole answer with its citations. Its text is the authority, not the deltas' sum."""

    answer: Answer
    type: Literal["answer_finished"] = "answer_finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFailed:
    """There is no answer: why, and what to do next."""

    code: str
    """What failed, in one word for programs: `QiuzhengError.code`."""
    message: Message
    """What happened, to what."""
    hint: Message = NO_MESSAGE
    """What to do next."""
    exit_code: int = 1
    """Exit code of a command that ends with it: 1 it failed, 2 it was called wrongly."""
    type: Literal["answer_failed"] = "answer_failed"

    @classmethod
    def from_error(cls, error: QiuzhengError) -> "AnswerFailed":
        """Return the end of a stream that `error` ended."""
        return cls(
            code=error.code, message=error.message, hint=error.hint, exit_code=error.exit_code
        )


# No `type`: it never leaves the process, so it is not in `AnswerEvent`.
@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyFinished:
    """From a chat model to the orchestrator only: the reply is over."""

    reason: Literal["stop", "length"]
    usage: Usage | None = None


ModelEvent = ReasoningDelta | AnswerDelta | Notice | ReplyFinished
"""What a `ChatModel` yields."""

AnswerEvent = (
    StageStarted
    | SearchFinished
    | PageStored
    | PageSkipped
    | PassagesChosen
    | EvidenceChosen
    | ReasoningDelta
    | AnswerDelta
    | SentenceChecked
    | Notice
    | AnswerFinished
    | AnswerFailed
)

ANSWER_EVENT: TypeAdapter[AnswerEvent] = TypeAdapter(
    Annotated[AnswerEvent, Field(discriminator="type")],
    # At its first use: building it takes 15 ms, and a terminal needs no JSON.
    config=ConfigDict(defer_build=True),
)
"""Reads and writes one event as JSON. Messages are written in the language of the context:
`ANSWER_EVENT.dump_json(event, context={"language": "zh"})`; without one, in all languages."""
