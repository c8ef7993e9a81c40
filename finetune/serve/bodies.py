"""Bodies of requests and replies: those of `/predict`, and of OpenAI's chat API."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from finetune.errors import FinetuneError
from finetune.records import Record, Turn
from finetune.serve.engine import GenerationRequest, GenerationResult
from ingest.foundation.messages import Message

MAX_TEXT_CHARACTERS = 100_000
"""Characters of one message: far above any context, and tokenized in a moment."""

MAX_MESSAGES = 1_000
MAX_REPLY_TOKENS = 32_768
THINKING_TOKENS = 2_048
"""Tokens for thinking in `/predict`, on top of `max_length`, which is that of the answer."""

Text = Annotated[str, Field(max_length=MAX_TEXT_CHARACTERS)]
Stop = Annotated[str, Field(min_length=1, max_length=200)]


class BadRequestError(FinetuneError):
    """The messages are no conversation that a model can continue."""


class PredictBody(BaseModel):
    """The request of `/predict`; `max_length` is that of the answer, in tokens."""

    model_config = ConfigDict(extra="forbid")

    text: Text = Field(min_length=1)
    max_length: int = Field(default=50, ge=1, le=4_096)

    @field_validator("text")
    @classmethod
    def reject_blank(cls, text: str) -> str:
        """Return the text, or raise ValueError for pydantic to report."""
        if not text.strip():
            raise ValueError("nothing but white space")
        return text

    def to_request(self, *, system: str, thinks: bool) -> GenerationRequest:
        """Return the request to the engine: greedy, so that the same text gets the same answer."""
        record = Record(id="", turns=(Turn(user=self.text, answer=""),), system=system)
        max_tokens = self.max_length + (THINKING_TOKENS if thinks else 0)
        return GenerationRequest(record=record, max_tokens=max_tokens)


class PredictReply(BaseModel):
    """The reply of `/predict`."""

    result: str


class TextPart(BaseModel):
    """A part of a message; other types, such as images, are rejected."""

    type: Literal["text"]
    text: Text


class RequestMessage(BaseModel):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Text | Annotated[list[TextPart], Field(max_length=100)]

    @property
    def text(self) -> str:
        """The content as one text."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content)


class StreamOptions(BaseModel):
    """OpenAI's options of a stream."""

    include_usage: bool = False


class TemplateOptions(BaseModel):
    """vLLM's `chat_template_kwargs`: `{"enable_thinking": false}` switches thinking off."""

    enable_thinking: bool = True


class ChatBody(BaseModel):
    """The request of `/v1/chat/completions`; unknown fields are ignored, as clients send many."""

    model: str = ""
    messages: list[RequestMessage] = Field(min_length=1, max_length=MAX_MESSAGES)
    max_tokens: int | None = Field(default=None, ge=1, le=MAX_REPLY_TOKENS)
    max_completion_tokens: int | None = Field(default=None, ge=1, le=MAX_REPLY_TOKENS)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    stop: Stop | Annotated[list[Stop], Field(max_length=16)] | None = None
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    chat_template_kwargs: TemplateOptions = TemplateOptions()
    # Known, so that another value is an error instead of one reply where several are expected.
    n: int = Field(default=1, ge=1, le=1)

    def to_request(
        self, *, system: str, max_tokens: int, temperature: float, top_p: float
    ) -> GenerationRequest:
        """Return the request to the engine; the arguments replace fields that were left out.

        Raises:
            BadRequestError: the turns do not alternate, or the last is not the user's.
        """
        instructions = [one.text for one in self.messages if one.role in ("system", "developer")]
        talk = [one for one in self.messages if one.role in ("user", "assistant")]
        roles = [one.role for one in talk]
        expected = (["user", "assistant"] * len(talk))[: len(talk)]
        # An odd number that alternates ends with the user.
        if len(talk) % 2 == 0 or roles != expected:
            raise BadRequestError(
                Message(
                    "messages: user and assistant must alternate, and a user's must be the last"
                )
            )
        turns = tuple(
            Turn(user=question.text, answer=reply.text if reply else "")
            for question, reply in zip(talk[::2], [*talk[1::2], None], strict=True)
        )
        stop = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return GenerationRequest(
            record=Record(id="", turns=turns, system="\n\n".join(instructions) or system),
            # OpenAI has renamed `max_tokens`; clients send either.
            max_tokens=self.max_completion_tokens or self.max_tokens or max_tokens,
            temperature=temperature if self.temperature is None else self.temperature,
            top_p=self.top_p or top_p,
            stop=tuple(stop),
            think=self.chat_template_kwargs.enable_thinking,
        )


def openai_usage(result: GenerationResult) -> dict[str, int]:
    """Return OpenAI's `usage`."""
    return {
        "prompt_tokens": result.prompt_tokens,
        "completion_tokens": result.reply_tokens,
        "total_tokens": result.prompt_tokens + result.reply_tokens,
    }


def openai_finish_reason(result: GenerationResult) -> str:
    """Return OpenAI's `finish_reason`."""
    return "length" if result.reason == "length" else "stop"


def error_body(text: str, kind: str) -> dict[str, Any]:
    """Return an error for both kinds of clients: `detail` is FastAPI's, `error` OpenAI's."""
    return {"detail": text, "error": {"message": text, "type": kind}}
