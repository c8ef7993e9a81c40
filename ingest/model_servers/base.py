"""What a chat server is asked and what comes back, whichever protocol it speaks."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, TypeVar

from ingest.foundation.server_urls import hide_secrets

T = TypeVar("T")

DETAIL_CHARACTERS = 200
"""Characters shown of a server's own words in an error."""

FailureKind = Literal[
    "unreachable",  # nothing answers, or the address cannot be called
    "timeout",  # it answers no more
    "busy",  # its queue is full and stayed full
    "not_found",  # it does not have the model
    "too_long",  # prompt and reply exceed the model's context
    "no_memory",  # its machine has too little for the model
    "no_thinking",  # the model cannot think aloud but was asked to
    "unauthorized",  # it wants a key, or another one
    "no_credit",  # the account of the key is empty
    "bad_gateway",  # a gateway answers, and nothing behind it
    "no_endpoint",  # a web server answers, but not at this path: the address lacks its "/v1"
    "broken_stream",  # the reply ended without its end
    "wrong_protocol",  # something else answers: a captive portal, another kind of server
    "failed",  # anything else; see `detail`
]


class ModelServerError(Exception):
    """A model server did not do what it was asked.

    Attributes:
        kind: Why not.
        detail: The server's or the network's own words, in one short line, without our key.
        status: Of the HTTP response, 200 where a reply that had begun ended in an error, 0 where
            the server said nothing about it.
        tokens: How long a prompt is that is too long, and how long it may be, if the server says.
        retry_after_s: Seconds after which the server wants to be asked again, if it says.
        has_begun: False for a reply of which not a word had come.
    """

    def __init__(
        self,
        kind: FailureKind,
        detail: str = "",
        *,
        status: int = 0,
        tokens: tuple[int, int] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        self.kind: FailureKind = kind
        # Before it is cut, or half a key would stay.
        self.detail = hide_secrets(" ".join(detail.split()))[:DETAIL_CHARACTERS]
        super().__init__(f"{kind}: {self.detail}")
        self.status = status
        self.tokens = tokens
        self.retry_after_s = retry_after_s
        self.has_begun = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """One question to a chat model. None leaves a matter to the server."""

    model: str
    messages: Sequence[Mapping[str, str]]
    """Each with its `role` and `content`; with none, Ollama only loads the model."""
    temperature: float | None = None
    reply_tokens: int | None = None
    """Longest reply, thinking included."""
    context_tokens: int | None = None
    """Prompt and reply together. Ollama alone lets a request choose it."""
    seed: int | None = None
    think: bool | None = None
    keep_alive: str | int | None = None
    """How long Ollama keeps the model loaded: "10m", or seconds."""
    schema: Mapping[str, Any] | None = None
    """JSON schema of the reply. Ollama alone enforces it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatPiece:
    """A few characters of a reply. The last piece, and no other, has `done_reason`."""

    content: str = ""
    thinking: str = ""
    """What the server itself tells from the answer; it may also stand in `content`, in tags."""
    done_reason: str = ""
    """"stop", "length", or another word of the server's."""
    prompt_tokens: int | None = None
    reply_tokens: int | None = None
    waits_for: str = ""
    """Why nothing comes yet, in the server's words: it loads the model. Before the first text."""


class ChatClient(Protocol):
    """A server that answers `ChatRequest`s."""

    @property
    def url(self) -> str:
        """Where it is, as it is shown to people."""
        ...

    def chat(self, request: ChatRequest) -> AsyncGenerator[ChatPiece, None]:
        """Yield the reply as it comes, to its end, or raise `ModelServerError`. Close it early."""
        ...

    async def close(self) -> None:
        """Give back connections. The next request opens new ones, in whatever event loop."""
        ...


async def whole_reply(pieces: AsyncGenerator[ChatPiece, None]) -> ChatPiece:
    """Return a reply as one piece, when all of it has come."""
    content, thinking = [], []
    last = ChatPiece()
    async with aclosing(pieces):
        async for last in pieces:
            content.append(last.content)
            thinking.append(last.thinking)
    return replace(last, content="".join(content), thinking="".join(thinking))


def run_exchange(client: ChatClient, exchange: Coroutine[Any, Any, T]) -> T:
    """Return what an exchange with a server returns, for callers without an event loop."""

    async def exchange_and_close() -> T:
        try:
            return await exchange
        finally:
            # Connections left open would belong to a loop that is gone.
            await client.close()

    return asyncio.run(exchange_and_close())
