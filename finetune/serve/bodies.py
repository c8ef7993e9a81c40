"""Bodies of requests and replies: those of `/predict`, and OpenAI's."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from finetune.errors import FinetuneError
from finetune.records import Record, Turn
from finetune.serve.engine import Asked, Ended
from ingest.foundation.messages import Message

LONGEST_TEXT = 100_000
"""Characters of one message: far above any context, far below what hurts."""
MOST_MESSAGES = 1_000
MOST_TOKENS = 32_768
THINKING_TOKENS = 2_048
"""Of a thinking model's `/predict`, on top of `max_length`, which is the answer's."""

Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Stop = Annotated[str, Field(min_length=1, max_length=200)]


class BadRequestError(FinetuneError):
    """The conversation makes no sense."""


class PredictBody(BaseModel):
    """What `/predict` is asked. `max_length` is the longest answer, in tokens."""

    model_config = ConfigDict(extra="forbid")

    text: Text = Field(min_length=1)
    max_length: int = Field(default=50, ge=1, le=4_096)

    @field_validator("text")
    @classmethod
    def _not_blank(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("nothing but white space")
        return text

    def asked(self, *, system: str, thinks: bool) -> Asked:
        """Return the request to the engine; the answer is greedy, so that it is the same again."""
        record = Record(id="", turns=(Turn(user=self.text, answer=""),), system=system)
        room = self.max_length + (THINKING_TOKENS if thinks else 0)
        return Asked(record=record, max_tokens=room)


class PredictReply(BaseModel):
    """What `/predict` answers."""

    result: str


class Part(BaseModel):
    """A piece of a message; only text is understood."""

    type: Literal["text"]
    text: Text


class RequestMessage(BaseModel):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Text | Annotated[list[Part], Field(max_length=100)]

    @property
    def text(self) -> str:
        """The content as one text."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content)


class StreamOptions(BaseModel):
    """What a stream brings besides."""

    include_usage: bool = False


class TemplateOptions(BaseModel):
    """As vLLM has it: `{"enable_thinking": false}` asks for no thinking."""

    enable_thinking: bool = True


class ChatBody(BaseModel):
    """What `/v1/chat/completions` is asked; fields that we do not know are passed over."""

    model: str = ""
    messages: list[RequestMessage] = Field(min_length=1, max_length=MOST_MESSAGES)
    max_tokens: int | None = Field(default=None, ge=1, le=MOST_TOKENS)
    max_completion_tokens: int | None = Field(default=None, ge=1, le=MOST_TOKENS)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    stop: Stop | Annotated[list[Stop], Field(max_length=16)] | None = None
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    chat_template_kwargs: TemplateOptions = TemplateOptions()
    n: int = Field(default=1, ge=1, le=1)

    def asked(self, *, system: str, max_tokens: int, temperature: float, top_p: float) -> Asked:
        """Return the request to the engine; the arguments stand in for what was left out.

        Raises:
            BadRequestError: the turns do not alternate, or the last is not the user's.
        """
        stop = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return Asked(
            record=self._record(system),
            max_tokens=self.max_completion_tokens or self.max_tokens or max_tokens,
            temperature=temperature if self.temperature is None else self.temperature,
            top_p=self.top_p or top_p,
            stop=tuple(stop),
            think=self.chat_template_kwargs.enable_thinking,
        )

    def _record(self, system: str) -> Record:
        given = [one.text for one in self.messages if one.role in ("system", "developer")]
        talk = [one for one in self.messages if one.role in ("user", "assistant")]
        roles = [one.role for one in talk]
        if (
            not talk
            or len(talk) % 2 == 0
            or roles != (["user", "assistant"] * len(talk))[: len(talk)]
        ):
            raise BadRequestError(
                Message(
                    "messages: user and assistant must alternate, and a user's must be the last"
                )
            )
        replies = [*talk[1::2], None]
        turns = tuple(
            Turn(user=asked.text, answer=reply.text if reply else "")
            for asked, reply in zip(talk[::2], replies, strict=True)
        )
        return Record(id="", turns=turns, system="\n\n".join(given) or system)


def usage_of(ended: Ended) -> dict[str, int]:
    """Return how many tokens were used, as OpenAI counts them."""
    return {
        "prompt_tokens": ended.prompt_tokens,
        "completion_tokens": ended.reply_tokens,
        "total_tokens": ended.prompt_tokens + ended.reply_tokens,
    }


def finish_of(ended: Ended) -> str:
    """Return OpenAI's word for why the reply ended."""
    return "length" if ended.reason == "length" else "stop"


def error_body(line: str, kind: str) -> dict[str, Any]:
    """Return an error for both kinds of clients: `detail` is FastAPI's, `error` OpenAI's."""
    return {"detail": line, "error": {"message": line, "type": kind}}
