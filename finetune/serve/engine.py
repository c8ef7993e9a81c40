"""The engine that generates replies: its protocol, and the model in this process."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor
from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer

from finetune.errors import FinetuneError
from finetune.model.chat_templates import ChatFormat
from finetune.model.samples import encode_prompt
from finetune.model.tokenization import ChatTokenizer
from finetune.records import Record
from finetune.train.model import LoadedModel
from ingest.foundation.messages import Message

FinishReason = Literal["stop", "length", "cancelled"]

Emit = Callable[[str], bool]
"""Receives the text of each token as it comes, often ""; returns False to cancel the reply."""

MIN_TEMPERATURE = 1e-3
"""Temperature below which replies are greedy: they hardly differ, and logits divided by next to
nothing overflow, after which CUDA fails each further request."""

MAX_CHARACTER_TOKENS = 8
"""Tokens after which an incomplete character is emitted as it is; the longest has four bytes."""

DETAIL_CHARACTERS = 200
"""Characters of torch's error message that are passed on."""


class EngineError(FinetuneError):
    """The model cannot generate a reply."""


class TooLongError(EngineError):
    """The conversation does not fit into the model's context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """One request. `record` holds the conversation; the answer of its last turn is empty."""

    record: Record
    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    think: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationResult:
    """Why a reply ended, and the tokens of prompt and reply."""

    reason: FinishReason
    prompt_tokens: int
    reply_tokens: int


class Engine(Protocol):
    """A model that handles one request after the other, in the thread that calls it."""

    name: str
    thinks: bool

    def generate(self, request: GenerationRequest, emit: Emit) -> GenerationResult:
        """Emit the reply piece by piece, without stop sequences and end token.

        Raises:
            TooLongError: the conversation does not fit.
            EngineError: the model failed.
        """
        ...


class TransformersEngine:
    """A model of transformers in this process."""

    def __init__(self, loaded: LoadedModel, fmt: ChatFormat, *, name: str) -> None:
        """Serve a loaded model under `name`.

        Raises:
            BaseModelError: its tokenizer lacks marks of the format.
        """
        self.name = name
        self.thinks = fmt.thinks
        loaded.tokenizer.require(fmt)
        loaded.model.train(False)
        self._model: Any = loaded.model
        self._tokenizer = loaded.tokenizer
        self._fmt = fmt
        self.parameters = sum(weight.numel() for weight in loaded.model.parameters())
        """How many weights there are, an adapter's with them."""
        self.context = int(loaded.model.config.max_position_embeddings)
        """Tokens that prompt and reply share at most."""
        # Both: an adapter ends with the format's token, a base perhaps still with its own.
        self._end_ids = sorted({loaded.tokenizer.eos_id, loaded.tokenizer.control(fmt.eos)})

    def generate(self, request: GenerationRequest, emit: Emit) -> GenerationResult:
        """Emit the reply of the model; see `Engine`."""
        prompt = encode_prompt(request.record, self._fmt, self._tokenizer, think=request.think)
        tokens_left = self.context - len(prompt)
        if tokens_left < 1:
            raise TooLongError(
                Message(
                    "the conversation has {prompt_count} {prompt_count:?token|tokens}, "
                    "the model reads {context}",
                    prompt_count=len(prompt),
                    context=self.context,
                ),
                hint=Message("leave out earlier turns"),
            )
        stops = StopSequenceFilter((*self._fmt.stops, *request.stop))
        streamer = _TextStreamer(self._tokenizer, self._end_ids, stops, emit)
        # Pass a generation config: else `generate` uses the sampling in the model's own folder.
        settings: dict[str, Any] = {
            "max_new_tokens": min(request.max_tokens, tokens_left),
            "eos_token_id": self._end_ids,
            "pad_token_id": self._tokenizer.pad_id,
        }
        if request.temperature >= MIN_TEMPERATURE:
            # transformers defaults to the 50 most probable tokens; OpenAI's API has no such limit.
            sampling = {"temperature": request.temperature, "top_p": request.top_p, "top_k": 0}
            settings |= {"do_sample": True, **sampling}
        ids = torch.tensor([prompt], device=self._model.device)
        try:
            with torch.inference_mode():
                self._model.generate(
                    input_ids=ids,
                    attention_mask=torch.ones_like(ids),
                    generation_config=GenerationConfig.from_dict(settings),
                    streamer=streamer,
                    stopping_criteria=StoppingCriteriaList([_StreamerStop(streamer)]),
                )
        # OutOfMemoryError is a RuntimeError, and so is what torch raises when it samples from NaN.
        except RuntimeError as error:
            raise EngineError(
                Message("the model failed"),
                hint=Message.verbatim(" ".join(str(error).split())[:DETAIL_CHARACTERS]),
            ) from error
        return GenerationResult(
            reason=streamer.finish_reason, prompt_tokens=len(prompt), reply_tokens=streamer.tokens
        )


class StopSequenceFilter:
    """Passes text through up to the first stop sequence; `found` says whether one came."""

    def __init__(self, sequences: Sequence[str]) -> None:
        self._sequences = tuple(one for one in sequences if one)
        self._held = ""
        self.found = False

    def feed(self, text: str) -> str:
        """Add text; return what is certainly before any stop sequence."""
        if self.found:
            return ""
        self._held += text
        positions = [at for one in self._sequences if (at := self._held.find(one)) >= 0]
        if positions:
            self.found = True
            return self._held[: min(positions)]
        # A sequence may begin in this piece and end in a later one: such an end is held back.
        longest = max(map(len, self._sequences), default=1) - 1
        for keep in range(min(longest, len(self._held)), 0, -1):
            if any(one.startswith(self._held[-keep:]) for one in self._sequences):
                break
        else:
            keep = 0
        ready = self._held[: len(self._held) - keep]
        self._held = self._held[len(ready) :]
        return ready

    def close(self) -> str:
        """Return what was held back, once no more text comes."""
        rest, self._held = ("" if self.found else self._held), ""
        return rest


class _TextStreamer(BaseStreamer):
    """Receives the ids of transformers' `generate`, and emits them as text."""

    def __init__(
        self,
        tokenizer: ChatTokenizer,
        end_ids: Sequence[int],
        stops: StopSequenceFilter,
        emit: Emit,
    ) -> None:
        self._tokenizer = tokenizer
        self._end_ids = end_ids
        self._stops = stops
        self._emit = emit
        self._prompt_seen = False
        self._pending: list[int] = []
        self._ended = False
        self._cancelled = False
        self.tokens = 0

    @property
    def should_stop(self) -> bool:
        """Whether a stop sequence came, or the reply was cancelled."""
        return self._stops.found or self._cancelled

    @property
    def finish_reason(self) -> FinishReason:
        """Why no more tokens came."""
        if self._ended or self._stops.found:
            return "stop"
        return "cancelled" if self._cancelled else "length"

    def put(self, value: Tensor) -> None:
        """Add ids, the prompt's first."""
        if not self._prompt_seen:
            self._prompt_seen = True  # `generate` passes the prompt as the first value
            return
        for token in value.reshape(-1).tolist():
            self._ended = self._ended or token in self._end_ids
            if not self._ended:
                self.tokens += 1
                self._pending.append(token)
        self._flush(is_end=self._ended)

    def end(self) -> None:
        """Emit everything that was held back."""
        self._flush(is_end=True)
        if rest := self._stops.close():
            self._emit(rest)

    def _flush(self, *, is_end: bool) -> None:
        """Decode the pending tokens and emit them, unless they end inside a character."""
        text = self._tokenizer.decode(self._pending)
        # Byte-level BPE: a token may end inside a character, which decodes to U+FFFD until the rest
        # of it comes. A model may also write broken bytes, so there is a limit.
        if text.endswith("\ufffd") and not is_end and len(self._pending) < MAX_CHARACTER_TOKENS:
            text = ""
        else:
            self._pending = []
        # Emitted even if "": that is how a request learns that its client has gone.
        self._cancelled = not self._emit(self._stops.feed(text)) or self._cancelled


class _StreamerStop(StoppingCriteria):
    """Ends `generate` when the streamer needs no more tokens."""

    def __init__(self, streamer: _TextStreamer) -> None:
        self._streamer = streamer

    def __call__(self, input_ids: Tensor, scores: Any, **_: Any) -> Tensor:
        return torch.full(
            (input_ids.shape[0],), self._streamer.should_stop, device=input_ids.device
        )
