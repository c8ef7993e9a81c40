"""Separates thinking from answer in a streamed reply.

The same weights send their thinking in four ways, depending on server and chat template:

1. in a field of its own (Ollama's `message.thinking`, `reasoning_content`, `reasoning`);
2. in the text, closed by a lone `</think>`: the template wrote `<think>` into the prompt;
3. in the text, as `<think>…</think>`;
4. not at all.

A tag may be cut anywhere between two deltas. Some templates also leak the text of the token that
ends a turn. Seen on a true Ollama with DeepSeek's templates, and on llama.cpp.
"""

import re
from typing import Literal

from assistant.events import AnswerDelta, ReasoningDelta

THINK_OPEN = "<think>"
THINK_CLOSE = "</think>"
END_TEXTS = (
    "<｜end▁of▁sentence｜>",
    "<｜begin▁of▁sentence｜>",
    "<｜Assistant｜>",
    "<|im_end|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "<|EOT|>",
    "<|end|>",
    "<end_of_turn>",
)
"""Control tokens that templates leak as text (DeepSeek, Qwen, Llama 3, Phi, Gemma)."""

_MARKS = (THINK_OPEN, THINK_CLOSE, *END_TEXTS)
_MARK = re.compile("|".join(map(re.escape, _MARKS)))
_LONGEST_MARK = max(map(len, _MARKS))
_THINKERS = re.compile(
    r"deepseek-?r1|\br1\b|qwq|qwen-?3|magistral|openthinker|deepscaler|exaone-deep|smallthinker"
    r"|marco-o1|gpt-oss|think|reason"
)
_ANSWERERS = re.compile(r"instruct|coder|embed|rerank|non-?thinking|no-?think")

Delta = ReasoningDelta | AnswerDelta
Channel = Literal["reasoning", "answer"]


def known_to_think(model_name: str) -> bool:
    """Return whether models of this name begin with thinking, as far as names show."""
    name = model_name.casefold()
    return bool(_THINKERS.search(name)) and not _ANSWERERS.search(name)


class ThinkSplitter:
    """Sorts the pieces of one reply into thinking and answer.

    `reasoning` and `answer` are the authority. The deltas joined give the same texts, save in two
    cases: thinking that was presumed turns out to be the answer (no tag ever came), and an answer
    turns out to be thinking (a late, lone `</think>`), which `leaks` counts.
    """

    def __init__(self, *, starts_thinking: bool) -> None:
        """Presume that plain text is thinking until `</think>` comes, if `starts_thinking`."""
        self._channel: Channel = "reasoning" if starts_thinking else "answer"
        self._presumed = starts_thinking
        self._texts: dict[Channel, str] = {"reasoning": "", "answer": ""}
        # White space seen last, returned once text follows: an answer has none at its ends.
        self._spaces: dict[Channel, str] = {"reasoning": "", "answer": ""}
        self._buffer = ""
        self._opened_in_prose = False
        self.has_thinking_field = False
        """Whether the server sends thinking in a field of its own."""
        self.leaks = 0
        """How often an answer turned out to be thinking. When it grows, forget all answer deltas
        of earlier calls; those that the same call returned come after the tag."""

    @property
    def leaked(self) -> bool:
        """Whether thinking was returned as answer."""
        return self.leaks > 0

    @property
    def reasoning(self) -> str:
        """All thinking so far, no white space around it."""
        return self._texts["reasoning"]

    @property
    def answer(self) -> str:
        """The answer so far, no white space around it."""
        return self._texts["answer"]

    def feed(self, text: str) -> list[Delta]:
        """Take the next piece of the reply's text; return what is certain already."""
        self._buffer += text
        deltas: list[Delta] = []
        while mark := _MARK.search(self._buffer):
            deltas += self._put(self._buffer[: mark.start()])
            self._buffer = self._buffer[mark.end() :]
            if mark[0] in (THINK_OPEN, THINK_CLOSE):
                deltas = self._apply_tag(mark[0], deltas)
        # The server cuts tags anywhere: what may become one waits for the next piece.
        start = self._buffer.rfind("<", max(0, len(self._buffer) - _LONGEST_MARK + 1))
        tail = self._buffer[start:] if start >= 0 else ""
        held = tail if any(mark.startswith(tail) for mark in _MARKS) else ""
        ready = self._buffer.removesuffix(held)
        self._buffer = held
        return deltas + self._put(ready)

    def feed_reasoning(self, text: str) -> list[Delta]:
        """Take the next piece of a field that carries thinking alone; the text is answer then."""
        self.has_thinking_field = True
        if self._presumed:
            self._presumed = False
            self._channel = "answer"
        return self._put(text, "reasoning")

    def close(self, *, cut_short: bool = False) -> list[Delta]:
        """Return what was held back. `cut_short`: the reply hit its length limit.

        Presumed thinking that ended by itself and was never closed by a tag was the answer.
        """
        deltas = self._put(self._buffer)
        self._buffer = ""
        if self._presumed and not cut_short and self.reasoning:
            text = self._texts["answer"] = self.reasoning
            self._texts["reasoning"] = ""
            deltas.append(AnswerDelta(text=text))
        self._presumed = False
        return deltas

    def _put(self, text: str, channel: Channel | None = None) -> list[Delta]:
        """Return text as deltas, white space only when something follows it."""
        channel = channel or self._channel
        text = self._spaces[channel] + text
        if not self._texts[channel]:
            text = text.lstrip()
        body = text.rstrip()
        self._spaces[channel] = text[len(body) :]
        if not body:
            return []
        self._texts[channel] += body
        return [ReasoningDelta(text=body) if channel == "reasoning" else AnswerDelta(text=body)]

    def _apply_tag(self, tag: str, deltas: list[Delta]) -> list[Delta]:
        """Return the deltas of this call so far, after what the tag makes of them."""
        if self._channel == "reasoning" and tag == THINK_CLOSE:
            self._channel = "answer"
            self._presumed = False
            return deltas
        if self._channel == "reasoning":
            if self.reasoning:
                return deltas + self._put(tag)  # the model thinks about the tag
            # Opened in so many words: if it is never closed, it was thinking all the same.
            self._presumed = False
            return deltas
        gap = self._spaces["answer"]
        if tag == THINK_CLOSE:
            is_prose = self._opened_in_prose or (self.answer.endswith("`") and not gap)
        else:
            # Models open their thinking on a line of its own, prose has the tag within one.
            is_prose = bool(self.answer) and "\n" not in gap
        if is_prose:
            self._opened_in_prose = tag == THINK_OPEN
            return deltas + self._put(tag)
        if tag == THINK_OPEN:
            self._channel = "reasoning"
            return deltas
        if not self.answer:
            return deltas
        # A lone end: the template had opened the thinking, and all "answer" before it leaked.
        self.leaks += 1
        parts = (self.reasoning, self.answer)
        self._texts["reasoning"] = "\n".join(part for part in parts if part)
        self._texts["answer"] = self._spaces["answer"] = ""
        return [ReasoningDelta(text=delta.text) for delta in deltas]
