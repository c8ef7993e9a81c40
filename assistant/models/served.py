"""What chat models on a server share: pieces become events, failures become `ModelError`."""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass

from assistant.errors import ModelError, ModelFailure, ModelNotFoundError
from assistant.events import ModelEvent, Notice, ReplyFinished
from assistant.models.reasoning import ThinkSplitter
from assistant.models.token_scale import TokenScale
from assistant.values import ChatMessage, Prompt, Usage
from ingest.foundation.messages import NO_MESSAGE, Message
from ingest.model_servers.base import ChatPiece, FailureKind, ModelServerError

REASONING_LEAKED = Notice(
    code="reasoning_leaked",
    text=Message("What was shown as the answer so far was the model's thinking."),
)
"""All answer deltas before this notice were thinking; the answer begins after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """Which model of which server, for the messages."""

    name: str
    url: str
    timeout_s: float
    start_hint: Message
    """What to do when nothing answers."""
    missing_hint: Message
    """What to do when the server does not have the model."""
    protocol: str
    """What the server should speak."""


def to_wire(messages: Sequence[ChatMessage]) -> list[dict[str, str]]:
    """Return messages as servers take them."""
    return [{"role": message.role, "content": message.content} for message in messages]


async def reply_events(
    pieces: AsyncGenerator[ChatPiece, None], splitter: ThinkSplitter
) -> AsyncGenerator[ModelEvent, None]:
    """Yield what the pieces of a reply say, and `ReplyFinished` at its end."""
    async with aclosing(pieces):
        async for piece in pieces:
            if piece.waits_for:
                yield Notice(
                    code="model_loading",
                    text=Message("waiting for the model server ({why})", why=piece.waits_for),
                )
                continue
            leaks = splitter.leaks
            events: list[ModelEvent] = []
            if piece.thinking:
                events += splitter.feed_reasoning(piece.thinking)
            events += splitter.feed(piece.content)
            if piece.done_reason:
                length_limit = piece.done_reason == "length"
                events += splitter.close(cut_short=length_limit)
                prompt, reply = piece.prompt_tokens, piece.reply_tokens
                usage = Usage(prompt=prompt or 0, reply=reply or 0) if prompt or reply else None
                events.append(
                    ReplyFinished(reason="length" if length_limit else "stop", usage=usage)
                )
            # First, because the splitter returns only deltas that come after the leaked thinking.
            if splitter.leaks > leaks:
                yield REASONING_LEAKED
            for event in events:
                yield event


@contextmanager
def as_model_errors(model: ServedModel) -> Iterator[None]:
    """Raise the `ModelError` that a failure of the server means."""
    try:
        yield
    except ModelServerError as error:
        message = describe_failure(error, model)
        if error.kind == "not_found":
            raise ModelNotFoundError(message, hint=model.missing_hint) from error
        kind: ModelFailure = "failed" if error.kind == "wrong_protocol" else error.kind
        hint = model.start_hint if kind == "unreachable" else _HINTS[error.kind]
        raise ModelError(message, kind=kind, hint=hint) from error


@contextmanager
def learning_limit(scale: TokenScale, prompt: Prompt) -> Iterator[None]:
    """Let `scale` learn from a server that refuses `prompt` as too long and says by how much."""
    try:
        yield
    except ModelServerError as error:
        if error.tokens is not None:
            scale.learn_limit(estimate=prompt.tokens, tokens=error.tokens)
        raise


def describe_failure(error: ModelServerError, model: ServedModel) -> Message:
    """Return what happened, in one line."""
    values: dict[str, object] = {
        "model": model.name,
        "url": model.url,
        "timeout_s": model.timeout_s,
        "protocol": model.protocol,
        "detail": error.detail,
        "why": NO_MESSAGE,
        "figures": NO_MESSAGE,
    }
    if error.detail:
        values["why"] = Message(" ({detail})", detail=error.detail)
    if error.tokens:
        prompt, context = error.tokens
        values["figures"] = Message(
            " ({prompt} tokens, {context} fit)", prompt=prompt, context=context
        )
    messages: dict[FailureKind, Message] = {
        "unreachable": Message("no model server answers at {url}", **values),
        "not_found": Message('model "{model}" is not on {url}', **values),
        "busy": Message("the model server at {url} is busy{why}", **values),
        "too_long": Message('the prompt is too long for model "{model}"{figures}', **values),
        "no_thinking": Message('model "{model}" does not support thinking', **values),
        "unauthorized": Message("the model server at {url} refuses the key{why}", **values),
        "no_credit": Message("the account at {url} has no credit left{why}", **values),
        "bad_gateway": Message(
            "a gateway answers at {url}, but no model server behind it{why}", **values
        ),
        "no_endpoint": Message("a web server answers at {url}, but no {protocol}{why}", **values),
        "broken_stream": Message('model "{model}" stopped in mid-answer{why}', **values),
        "timeout": Message('model "{model}" said nothing for {timeout_s:g} s', **values),
        "wrong_protocol": Message("what answers at {url} does not speak {protocol}", **values),
        "failed": Message('model "{model}" at {url} failed: {detail}', **values),
    }
    return messages[error.kind]


_HINTS: Mapping[FailureKind, Message] = {
    "busy": Message("ask again in a moment"),
    "too_long": Message(
        "ask a shorter question, take fewer passages (--top-k 3), or lower the model's "
        "context_tokens to what the server really has"
    ),
    "no_thinking": Message(
        "leave the model's thinking setting out, then it is used where it exists"
    ),
    "unauthorized": Message(
        "set the key: ASSISTANT_MODEL__API_KEY, or api_key under [model] in assistant.toml"
    ),
    "no_credit": Message("top up the account of the key, or choose another server or model"),
    "bad_gateway": Message("start the model server, or ask again in a moment"),
    "no_endpoint": Message("correct model.host: the address of most servers ends in /v1"),
    "broken_stream": Message(
        "ask again; if it happens again, the server may lack memory: try a smaller model or "
        "context, and read the server's log"
    ),
    "timeout": Message(
        "the machine may be too slow for it: try a smaller model, or raise the model's timeout_s"
    ),
    "wrong_protocol": Message(
        "check the address, and that no proxy stands between: assistant doctor"
    ),
    "failed": Message("read the server's log, or try another model"),
}
