"""What writes the replies: the promise, and the model in this process that keeps it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor
from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer

from finetune.errors import FinetuneError
from finetune.model.chat_format import ChatFormat
from finetune.model.samples import encode_prompt
from finetune.model.tokenization import ChatTokenizer
from finetune.records import Record
from finetune.train.model import LoadedModel
from ingest.foundation.messages import Message

Reason = Literal["stop", "length", "left"]

Tell = Callable[[str], bool]
"""Takes the text of each token as it comes, often ""; False: nobody wants more."""

COLDEST = 1e-3
"""Below it replies are greedy: they hardly differ, and logits divided by next to nothing overflow,
after which a GPU answers nobody any more."""

HELD = 8
"""Tokens after which a broken character is told as it is; four bytes make the longest one."""


class EngineError(FinetuneError):
    """The model cannot answer."""


class TooLongError(EngineError):
    """The conversation does not fit into the model's context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request. `record` holds the conversation; the answer of its last turn is empty."""

    record: Record
    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    think: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a reply ended, and how many tokens were read and written."""

    reason: Reason
    prompt_tokens: int
    reply_tokens: int


class Engine(Protocol):
    """A model that answers one request after the other, in the thread that calls it."""

    name: str
    thinks: bool

    def generate(self, asked: Asked, tell: Tell) -> Ended:
        """Tell the reply piece by piece, stop strings and end token left out.

        Raises:
            TooLongError: the conversation does not fit.
            EngineError: the model failed.
        """
        ...


class TransformersEngine:
    """A model of transformers in this process."""

    def __init__(self, loaded: LoadedModel, chat: ChatFormat, *, name: str) -> None:
        """Take a loaded model.

        Raises:
            BaseModelError: its tokenizer does not know the format's marks.
        """
        self.name = name
        self.thinks = chat.thinks
        loaded.tokenizer.require(chat)
        loaded.model.train(False)
        self._model: Any = loaded.model
        self._tokenizer = loaded.tokenizer
        self._chat = chat
        self._context = int(loaded.model.config.max_position_embeddings)
        self._ends = sorted({loaded.tokenizer.eos_id, loaded.tokenizer.control(chat.eos)})

    def generate(self, asked: Asked, tell: Tell) -> Ended:
        prompt = encode_prompt(asked.record, self._chat, self._tokenizer, think=asked.think)
        room = self._context - len(prompt)
        if room < 1:
            raise TooLongError(
                Message(
                    "the conversation has {prompt_count} tokens, the model reads {context}",
                    prompt_count=len(prompt),
                    context=self._context,
                ),
                hint=Message("leave out earlier turns"),
            )
        stops = StopWords((*self._chat.stops, *asked.stop))
        teller = _Teller(self._tokenizer, self._ends, stops, tell)
        self._run(prompt, asked, min(asked.max_tokens, room), teller)
        return Ended(reason=teller.reason(), prompt_tokens=len(prompt), reply_tokens=teller.tokens)

    def _run(self, prompt: list[int], asked: Asked, room: int, teller: "_Teller") -> None:
        ids = torch.tensor([prompt], device=self._model.device)
        try:
            with torch.inference_mode():
                self._model.generate(
                    input_ids=ids,
                    attention_mask=torch.ones_like(ids),
                    generation_config=self._settings(asked, room),
                    streamer=teller,
                    stopping_criteria=StoppingCriteriaList([_Enough(teller)]),
                )
        except RuntimeError as error:  # torch's OutOfMemoryError is one, NaN when sampling another
            raise EngineError(
                Message("the model failed"),
                hint=Message.verbatim(" ".join(str(error).split())[:200]),
            ) from error

    def _settings(self, asked: Asked, room: int) -> GenerationConfig:
        """Return settings of our own: the model folder's would add its publisher's sampling."""
        settings: dict[str, Any] = {
            "max_new_tokens": room,
            "eos_token_id": self._ends,
            "pad_token_id": self._tokenizer.pad_id,
        }
        if asked.temperature >= COLDEST:
            drawn = {"temperature": asked.temperature, "top_p": asked.top_p, "top_k": 0}
            settings |= {"do_sample": True, **drawn}
        return GenerationConfig.from_dict(settings)


class StopWords:
    """Lets text through up to the first stop word; what may be the beginning of one waits."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = tuple(word for word in words if word)
        self._held = ""
        self.hit = False

    def feed(self, text: str) -> str:
        """Take more text; return what is surely before any stop word."""
        if self.hit:
            return ""
        self._held += text
        found = [at for word in self._words if (at := self._held.find(word)) >= 0]
        if found:
            self.hit = True
            return self._held[: min(found)]
        longest = max(map(len, self._words), default=1) - 1
        for keep in range(min(longest, len(self._held)), 0, -1):
            if any(word.startswith(self._held[-keep:]) for word in self._words):
                break
        else:
            keep = 0
        ready = self._held[: len(self._held) - keep]
        self._held = self._held[len(ready) :]
        return ready

    def close(self) -> str:
        """Return what was held back, since no more is coming."""
        rest, self._held = ("" if self.hit else self._held), ""
        return rest


class _Teller(BaseStreamer):
    """Turns ids into text as they come. Byte-level BPE: ids may end inside a character."""

    def __init__(
        self, tokenizer: ChatTokenizer, ends: Sequence[int], stops: StopWords, tell: Tell
    ) -> None:
        self._tokenizer = tokenizer
        self._ends = ends
        self._stops = stops
        self._tell = tell
        self._begun = False
        self._pending: list[int] = []
        self._ended = False
        self._left = False
        self.tokens = 0

    @property
    def enough(self) -> bool:
        """Whether a stop word came, or nobody wants more."""
        return self._stops.hit or self._left

    def put(self, value: Tensor) -> None:
        if not self._begun:
            self._begun = True  # the prompt comes first
            return
        for one in value.reshape(-1).tolist():
            self._ended = self._ended or one in self._ends
            if not self._ended:
                self.tokens += 1
                self._pending.append(one)
        self._say(whole=self._ended)

    def end(self) -> None:
        self._say(whole=True)
        if rest := self._stops.close():
            self._tell(rest)

    def reason(self) -> Reason:
        """Return why no more came."""
        if self._ended or self._stops.hit:
            return "stop"
        return "left" if self._left else "length"

    def _say(self, *, whole: bool) -> None:
        text = self._tokenizer.decode(self._pending)
        if text.endswith("\ufffd") and not whole and len(self._pending) < HELD:
            text = ""
        else:
            self._pending = []
        self._left = not self._tell(self._stops.feed(text)) or self._left


class _Enough(StoppingCriteria):
    """Ends the generation when the teller has enough."""

    def __init__(self, teller: _Teller) -> None:
        self._teller = teller

    def __call__(self, input_ids: Tensor, scores: Any, **_: Any) -> Tensor:
        return torch.full((input_ids.shape[0],), self._teller.enough, device=input_ids.device)
