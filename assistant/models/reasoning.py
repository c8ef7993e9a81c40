"""Separates thinking from answer in a streamed reply.

The same weights send their thinking in four ways, depending on server and chat template:

1. in a field of its own (Ollama's `message.thinking`, `reasoning_content`, `reasoning`);
2. in the text, closed by a lone `</think>`: the template wrote `<think>` into the prompt;
3. in the text, as `<think>…</think>`;
4. not at all.

A tag may be cut anywhere between two deltas, and has many dresses (`assistant.models.reply_marks`).
Some templates also leak the text of the token that ends a turn. Seen on a true Ollama with
DeepSeek's templates, and on llama.cpp.
"""

import re
from collections.abc import Iterable
from typing import Literal

from assistant.events import AnswerDelta, ReasoningDelta
from assistant.models.reply_marks import Mark, MarkScanner

THINK_OPEN = "<think>"
THINK_CLOSE = "</think>"
_THINKERS = re.compile(
    r"deepseek-?r1|\br1\b|qwq|qwen-?3|magistral|openthinker|deepscaler|exaone-deep|smallthinker"
    r"|marco-o1|gpt-oss|think|reason"
)
_ANSWERERS = re.compile(r"instruct|coder|embed|rerank|non-?thinking|no-?think")

_FENCE = re.compile(r"^[^\S\n]*(?:```|~~~)", re.MULTILINE)
_CHANNEL_OF_ANSWERS = "final"
"""The one of Harmony's channels that is for the reader."""
_SWITCHES = ("<think/>", "<think />")
"""Tags that switch thinking off, where they begin a reply."""

_LAST = ("<eos>", "[eos]", "<pad>", "</assistant>")
"""Tokens that texts on tokenizers name: they end a reply only where nothing follows."""
_BULLET = re.compile(r"\s*(?:[-*+•|]|\d{1,3}[.)、])\s*")
_SENTENCE_ENDS = '.!?。！？)]）】`"”*|'
_NAMING = (*_LAST, "<bos>", "是", "为", "即", ":", "：", "、", ",")
"""Ends of a line that goes on to name such a token."""

Delta = ReasoningDelta | AnswerDelta
Channel = Literal["reasoning", "answer"]


def is_known_to_think(model_name: str) -> bool:
    """Return whether models of this name begin with thinking, as far as names show."""
    name = model_name.casefold()
    return bool(_THINKERS.search(name)) and not _ANSWERERS.search(name)


class ThinkSplitter:
    """Sorts the pieces of one reply into thinking and answer.

    `reasoning` and `answer` are the authority. The deltas joined give the same texts, save in three
    cases: thinking that was presumed turns out to be the answer (no tag ever came), an answer turns
    out to be thinking (a late, lone `</think>`), which `leaks` counts, and what looked like a
    further round of thinking was prose (its tag is never closed).
    """

    def __init__(self, *, starts_thinking: bool) -> None:
        """Presume that plain text is thinking until `</think>` comes, if `starts_thinking`."""
        self._channel: Channel = "reasoning" if starts_thinking else "answer"
        self._presumed = starts_thinking
        self._texts: dict[Channel, str] = {"reasoning": "", "answer": ""}
        # White space seen last, returned once text follows: an answer has none at its ends.
        self._spaces: dict[Channel, str] = {"reasoning": "", "answer": ""}
        self._scanner = MarkScanner()
        self._opened_in_prose = False
        self._has_channels = False
        self._in_answer_tag = False
        self._ended = False
        # Text of a further round of thinking, as it was written: it may turn out to be prose.
        self._further_round = ""
        self.has_thinking_field = False
        """Whether the server sends thinking in a field of its own."""
        self.leaks = 0
        """How often an answer turned out to be thinking. When it grows, forget all answer deltas
        of earlier calls; those that the same call returned come after the tag."""

    @property
    def has_leaked(self) -> bool:
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
        return self._deltas_of(self._scanner.feed(text))

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
        deltas = self._deltas_of(self._scanner.flush())
        if self._presumed and not cut_short and self.reasoning:
            text = self._texts["answer"] = self.reasoning
            self._texts["reasoning"] = ""
            deltas.append(AnswerDelta(text=text))
        elif self._further_round and not cut_short:
            # A sentence about the tag that began its line: no model thinks to the end of a reply
            # that had begun to answer.
            written = self._further_round.rstrip()
            kept = self.reasoning.removesuffix(written.partition(">")[2].strip()).rstrip()
            self._texts["reasoning"] = kept
            deltas += self._put(written, "answer")
        self._presumed, self._further_round = False, ""
        return deltas

    def _deltas_of(self, parts: Iterable[str | Mark]) -> list[Delta]:
        deltas: list[Delta] = []
        for part in parts:
            if self._ended:
                continue
            deltas = (
                deltas + self._put(part) if isinstance(part, str) else self._apply(part, deltas)
            )
        return deltas

    def _put(self, text: str, channel: Channel | None = None) -> list[Delta]:
        """Return text as deltas, white space only when something follows it."""
        channel = channel or self._channel
        if self._further_round and channel == "reasoning":
            self._further_round += text
        text = self._spaces[channel] + text
        if not self._texts[channel]:
            text = text.lstrip()
        body = text.rstrip()
        self._spaces[channel] = text[len(body) :]
        if not body:
            return []
        self._texts[channel] += body
        return [ReasoningDelta(text=body) if channel == "reasoning" else AnswerDelta(text=body)]

    def _apply(self, mark: Mark, deltas: list[Delta]) -> list[Delta]:
        """Return the deltas of this call so far, after what the mark makes of them."""
        # In a fenced block of code tags are text. Thinking may leave a fence open, and its end must
        # be seen anyway.
        if mark.kind != "channel" and self._channel == "answer" and _is_in_fence(self.answer):
            return deltas + self._put(mark.text)
        text = self._texts[self._channel]
        in_code = text.endswith("`") and not self._spaces[self._channel]
        match mark.kind:
            case "channel":
                self._has_channels, self._presumed = True, False
                is_answer = mark.name == _CHANNEL_OF_ANSWERS
                self._channel = "answer" if is_answer else "reasoning"
            case "end" | "start" if in_code or self._is_spoken_of(mark, text):
                # The text speaks of a control token: in inline code, or struck out.
                return deltas + self._put(mark.text)
            case "start" if mark.name in _SWITCHES and (text or mark.next_character in ("", " ")):
                return deltas + self._put(mark.text)  # the text speaks of the tag
            case "end":
                # Before the answer, and between Harmony's messages, such a mark means nothing.
                is_message_end = self._has_channels and mark.name == "<|end|>"
                answered = self._channel == "answer" and bool(self.answer) and not is_message_end
                # Harmony's <|end|> ends a message, any other what was no thinking after all.
                no_thinking = self._presumed and bool(self.reasoning) and mark.name != "<|end|>"
                self._ended = answered or no_thinking
            case "answer_open" | "answer_close":
                return self._apply_answer_tag(mark, deltas)
            case "open" | "close":
                return self._apply_tag(mark, deltas)
            case "start":
                pass
        return deltas

    def _is_spoken_of(self, mark: Mark, text: str) -> bool:
        """Return whether a sentence goes on behind a token that else ends a reply."""
        if mark.name == "</s>":
            return "<s>" in text
        line = f"{text}{self._spaces[self._channel]}".rpartition("\n")[2]
        if mark.name == "<bos>":
            return bool(line.strip())
        if mark.name not in _LAST:
            return False
        if mark.name == "</assistant>" and "<assistant>" in text:
            return True
        if mark.next_character not in ("", "\n", "<") or _BULLET.fullmatch(line):
            return True
        # A token that leaks is glued to the end of a sentence; one that is named seldom.
        bare_line = line.rstrip()
        goes_on = line != bare_line and bare_line and bare_line[-1] not in _SENTENCE_ENDS
        named = bool(goes_on) or bare_line.casefold().endswith(_NAMING)
        return named and mark.next_character != ""

    def _apply_answer_tag(self, mark: Mark, deltas: list[Delta]) -> list[Delta]:
        """Leave out the tags around a whole answer (GLM, and models tuned with GRPO)."""
        # Others' XML has these, too: tags of models behind thinking alone.
        may_be_text = mark.name in ("<response>", "<result>", "<solution>", "<final>") and (
            not self.reasoning or self.has_thinking_field or self._channel == "reasoning"
        )
        if mark.kind == "answer_open" and not self.answer and not may_be_text:
            self._in_answer_tag, self._presumed = True, False
            self._channel = "answer"
            return deltas
        if mark.kind == "answer_close" and self._in_answer_tag:
            self._in_answer_tag = False
            return deltas
        return deltas + self._put(mark.text)

    def _apply_tag(self, mark: Mark, deltas: list[Delta]) -> list[Delta]:
        if self._channel == "reasoning" and mark.kind == "close":
            # `</think>` in a thought about tags, or in the code that an opening one stands in.
            is_quoted = self.reasoning.endswith("`") or _is_in_fence(self.reasoning)
            if self._opened_in_prose and is_quoted:
                self._opened_in_prose = False
                return deltas + self._put(mark.text)
            self._channel, self._further_round = "answer", ""
            self._presumed = False
            return deltas
        if self._channel == "reasoning":
            if self.reasoning and not self._further_round:
                self._opened_in_prose = True
                return deltas + self._put(mark.text)  # the model thinks about the tag
            # Opened explicitly: if it is never closed, it was thinking anyway.
            self._presumed = False
            return deltas
        if self._is_prose(mark):
            self._opened_in_prose = mark.kind == "open"
            return deltas + self._put(mark.text)
        if mark.kind == "open":
            self._channel = "reasoning"
            # A tag that stands alone on its line opens a real further round.
            if self.answer and mark.next_character not in ("", "\n"):
                self._further_round = mark.text
            return deltas
        if not self.answer:
            return deltas
        # A lone end: the template had opened the thinking, and all "answer" before it leaked.
        self.leaks += 1
        parts = (self.reasoning, self.answer)
        self._texts["reasoning"] = "\n".join(part for part in parts if part)
        self._texts["answer"] = self._spaces["answer"] = ""
        return [ReasoningDelta(text=delta.text) for delta in deltas]

    def _is_prose(self, mark: Mark) -> bool:
        """Return whether the answer speaks of a tag. Models open thinking on a line of its own."""
        gap = self._spaces["answer"]
        if mark.kind == "close":
            return self._opened_in_prose or (self.answer.endswith("`") and not gap)
        return bool(self.answer) and "\n" not in gap


def _is_in_fence(text: str) -> bool:
    """Return whether the end of `text` is inside a fenced block of code."""
    return len(_FENCE.findall(text)) % 2 == 1
