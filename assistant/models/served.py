"""What chat models on a server share: pieces become events, failures become `ModelError`."""

import re
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

REPLY_FILTERED = Notice(
    code="reply_filtered",
    text=Message("The model server's content filter ended the reply."),
)

_LENGTH_REASONS = frozenset({"length", "max_tokens", "limit", "model_length"})
"""Words for a reply that hit its limit: of the two protocols, and of the APIs behind gateways."""

_FILTER_REASONS = frozenset({"content_filter", "content-filter", "safety", "sensitive"})
"""OpenAI's and Azure's word, Google's, and that of Zhipu."""


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
                length_limit = piece.done_reason.lower() in _LENGTH_REASONS
                events += splitter.close(cut_short=length_limit)
                prompt, reply = piece.prompt_tokens, piece.reply_tokens
                usage = Usage(prompt=prompt or 0, reply=reply or 0) if prompt or reply else None
                events.append(
                    ReplyFinished(reason="length" if length_limit else "stop", usage=usage)
                )
            # First, because the splitter returns only deltas that come after the leaked thinking.
            if splitter.leaks > leaks:
                yield REASONING_LEAKED
            if piece.done_reason.lower() in _FILTER_REASONS:
                yield REPLY_FILTERED
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
        raise ModelError(message, kind=kind, hint=_hint_for(error, model)) from error


def _hint_for(error: ModelServerError, model: ServedModel) -> Message:
    """Return what to do next: what the server's own words ask for, else what the kind does."""
    # "SSL: WRONG_VERSION_NUMBER", of an http server that is called by https.
    if error.kind == "unreachable" and "SSL" not in error.detail:
        return model.start_hint
    for words, hint in _HINTS_BY_WORDS.items():
        if re.search(words, error.detail, re.IGNORECASE):
            return hint
    if model.protocol == "Ollama" and error.kind in _OLLAMA_HINTS:
        return _OLLAMA_HINTS[error.kind]
    return _HINTS[error.kind]


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
        "no_memory": Message('the server has too little memory for model "{model}"{why}', **values),
        "no_thinking": Message('model "{model}" does not support thinking', **values),
        "unauthorized": Message("the model server at {url} refuses the key{why}", **values),
        "no_credit": Message("the account at {url} has no credit left{why}", **values),
        "bad_gateway": Message(
            "a gateway answers at {url}, but no model server behind it{why}", **values
        ),
        "no_endpoint": Message("a web server answers at {url}, but no {protocol}{why}", **values),
        "broken_stream": Message('model "{model}" stopped in mid-answer{why}', **values)
        if error.has_begun
        else Message('the reply of model "{model}" ended before its first word{why}', **values),
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
    "no_memory": Message(
        "choose a smaller model, lower the model's context_tokens, or close other programs there"
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

_OLLAMA_HINTS: Mapping[FailureKind, Message] = {
    "unauthorized": Message("set the key in the environment: OLLAMA_API_KEY"),
    "no_endpoint": Message(
        "correct model.host; a server that speaks OpenAI's API needs its whole address, with /v1"
    ),
}

_HINTS_BY_WORDS: Mapping[str, Message] = {
    r"newer version of ollama": Message("update the model server"),
    r"no space left|disk is full|not enough space": Message(
        "free some disk where the server keeps its models"
    ),
    r"does not support (chat|generate)": Message("choose another one: --model deepseek-r1:1.5b"),
    r"digest mismatch|max retries exceeded|unexpected EOF": Message(
        "pull it again: what has come is kept"
    ),
    r"\bx509\b|failed to verify certificate": Message(
        "the server does not trust its registry's certificate: see its proxy and certificates"
    ),
    r"dial tcp|no such host|i/o timeout": Message(
        "the server cannot reach its registry: see its network and proxy"
    ),
    r"manifest: file does not exist": Message("see how the model is spelled"),
    r"WRONG_VERSION_NUMBER|wrong version number|record layer": Message(
        "correct model.host: the server speaks http://, not https://"
    ),
    r"\bSSL\b.*CERTIFICATE|certificate verify failed": Message(
        "this machine does not trust the server's certificate: see model.host and SSL_CERT_FILE"
    ),
    r"client sent an HTTP request to an HTTPS server|plain HTTP request was sent to HTTPS": Message(
        "correct model.host: the server speaks https://, not http://"
    ),
    r"^HTTP 30\d moved to http": Message("set model.host to the address that it moved to"),
}
"""What servers' words ask for, which their status does not tell."""
