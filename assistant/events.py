"""What `Assistant.ask` tells its listeners, and in which order.

    [SearchFinished] (PageStored | PageSkipped)* PassagesChosen
    (ReasoningDelta | AnswerDelta)* AnswerFinished

`StageStarted` and `Notice` may come anywhere before `AnswerFinished`.
A stream ends with exactly one `AnswerFinished`, or it raises an `QiuzhengError`.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from assistant.values import Answer, Passage, SearchHit, Usage
from ingest.events import PageSkipped, PageStored

Stage = Literal["search", "read", "retrieve", "reply"]
NoticeCode = Literal[
    "search_unavailable",
    "other_engine",
    "nothing_found",
    "pages_late",
    "words_only",
    "no_model",
    "question_rewritten",
    "passages_dropped",
    "prompt_truncated",
    "reply_cut_short",
    "reasoning_leaked",
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

    code: NoticeCode
    text: str
    """One line in the language of the question: what happened and what to do."""
    type: Literal["notice"] = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFinished:
    """The whole answer with its citations. Its text is the authority, not the deltas' sum."""

    answer: Answer
    type: Literal["answer_finished"] = "answer_finished"


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
    | ReasoningDelta
    | AnswerDelta
    | Notice
    | AnswerFinished
)

ANSWER_EVENT: TypeAdapter[AnswerEvent] = TypeAdapter(
    Annotated[AnswerEvent, Field(discriminator="type")]
)
"""Reads and writes one event as JSON."""
