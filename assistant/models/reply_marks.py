"""Finds in a streamed reply what is no text: tags of thinking, channels, ends of a turn.

Models write their thinking in many dresses: `<think>` (DeepSeek-R1, Qwen), `<thinking>`,
`<thought>`, `<reasoning>`, `<seed:think>` (Seed-OSS), `[THINK]` (Magistral), `◁think▷` (Kimi),
`<|begin_of_thought|>` (Sky-T1), `<|START_THINKING|>` (Command A), `<unused94>` (MedGemma),
`<scratchpad>` (asked for by prompts), the channels of OpenAI's Harmony (gpt-oss), and the lines
that `ollama run` prints. A mark may be cut anywhere between two pieces.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from assistant.models.thinking_styles import (
    GAP,
    LONGEST_CLOSING,
    THINKING_NAME,
    THINKING_NAMES,
    begin_softly,
    may_begin_softly,
)

MarkKind = Literal["open", "close", "channel", "end", "start", "answer_open", "answer_close"]

END_TEXTS = (
    "<｜end▁of▁sentence｜>",
    "<｜User｜>",
    "<|im_end|>",
    "<|im_start|>user",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|EOT|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|user|>",
    "<end_of_turn>",
    "<start_of_turn>user",
    "<|END_OF_TURN_TOKEN|>",
    "<|observation|>",
    "[|endofturn|]",
    "</s>",
    "[/INST]",
    "[INST]",
    "<｜end of sentence｜>",
    "<|end_of_sentence|>",
    "<|end_of_turn|>",
    "<|endofturn|>",
    "<|endofassistant|>",
    "<|start_header_id|>user",
    "<|eos|>",
    "<|eot|>",
    "<|im_sep|>",
    "</assistant>",
    "<eos>",
    "[EOS]",
    "<pad>",
)
"""Control tokens that end a turn, or begin the user's, and that templates leak as text (DeepSeek,
Qwen, Llama, Phi, gpt-oss, Gemma, Command, GLM, EXAONE, Mistral). What follows is not for the
reader."""

START_TEXTS = (
    "<｜begin▁of▁sentence｜>",
    "<｜Assistant｜>",
    "<|im_start|>assistant",
    "<|start|>assistant",
    "<|assistant|>",
    "<start_of_turn>model",
    "<|start_header_id|>assistant<|end_header_id|>",
    "[|assistant|]",
    "<bos>",
    "<|START_RESPONSE|>",
    "<|END_RESPONSE|>",
    "<|begin_of_box|>",
    "<|end_of_box|>",
)
"""Control tokens that begin the model's own turn: the text goes on behind them."""

_PIPED_NAMES = (
    "think",
    "thinking",
    "thought",
    "thoughts",
    "reason",
    "reasoning",
    "cot",
    "reflection",
)
_PIPED = {
    f"<|{form.format(name)}|>": kind
    for name in _PIPED_NAMES
    for kind, forms in (
        (
            "open",
            ("{}", "{}_start", "start_{}", "begin_{}", "begin_of_{}", "start_of_{}", "startof{}"),
        ),
        ("close", ("/{}", "{}_end", "end_{}", "end_of_{}", "endof{}")),
    )
    for form in forms
}
"""As many models write their own: <|thought|>, <|think_end|>, <|begin_of_reasoning|>."""
_FIXED = {
    **_PIPED,
    "<|inner_prefix|>": "open",
    "<|inner_suffix|>": "close",
    **{text.casefold(): "end" for text in END_TEXTS},
    **{text.casefold(): "start" for text in START_TEXTS},
    "[think]": "open",
    "[/think]": "close",
    "<|channel>thought": "open",
    "<channel|>": "close",
    "<think/>": "start",
    "<think />": "start",
    "[reasoning]": "open",
    "[/reasoning]": "close",
    "<unused94>thought": "open",
    "<unused95>": "close",
    "◁think▷": "open",
    "◁/think▷": "close",
    "<|begin_of_solution|>": "start",
    "<|end_of_solution|>": "start",
    "<answer>": "answer_open",
    "</answer>": "answer_close",
    "<output>": "answer_open",
    "</output>": "answer_close",
    "<response>": "answer_open",
    "</response>": "answer_close",
    "<final_answer>": "answer_open",
    "</final_answer>": "answer_close",
    "<final>": "answer_open",
    "</final>": "answer_close",
    "<result>": "answer_open",
    "</result>": "answer_close",
    "<solution>": "answer_open",
    "</solution>": "answer_close",
}
_CHANNEL = (
    r"(?:<\|start\|>\s*assistant\s*)?<\|channel\|>\s*(?P<channel>\w+)"
    r"(?:[^<\n]|<\|constrain\|>){0,80}<\|message\|>"
)
_ATTRIBUTES = r"(?:[^\S\n]+[\w-]{1,20}=[^<>\n]{1,60})?"
_ATTRIBUTES_BEGUN = re.compile(
    rf"<{GAP}(?:{THINKING_NAME})[^\S\n]+[\w-]{{0,20}}(?:(?<=\w)=[^<>\n]{{0,60}})?\Z", re.IGNORECASE
)
_MARK = re.compile(
    rf"{_CHANNEL}|<{GAP}(?P<slash>\\?/|){GAP}(?P<name>{THINKING_NAME}){_ATTRIBUTES}{GAP}>"
    rf"|(?P<fixed>{'|'.join(map(re.escape, sorted(_FIXED, key=len, reverse=True)))})",
    re.IGNORECASE,
)
# Without its first tokens, which the template wrote into the prompt.
_BARE_CHANNEL = re.compile(r"\s*(?P<channel>analysis|commentary|final)[^\S\n]*<\|message\|>")
_BARE_CHANNELS = tuple(f"{name}<|message|>" for name in ("analysis", "commentary", "final"))


# `ollama run`.
_TERMINAL_OPEN = re.compile(r"\s*Thinking(?:\.\.\.|…)[^\S\n]*\n")
_TERMINAL_BEGUN = re.compile(
    r"\s*(?:t|th|thi|thin|think|thinki|thinkin|thinking(?:\.{0,3}|…))\s*\Z", re.IGNORECASE
)
_TERMINAL_CLOSE = re.compile(r"\n?(?:\.\.\.|…)done thinking\.")
_TERMINAL_CLOSES = tuple(f"{gap}{dots}donethinking." for gap in ("", "\n") for dots in ("...", "…"))

# What marks begin with, written without white space and in small letters, to know a beginning.
_BEGINNINGS = tuple(
    re.sub(r"[^\S\n]+", "", whole).casefold()
    for whole in (
        *_FIXED,
        *(f"<{slash}{name}>" for name in THINKING_NAMES for slash in ("", "/", "\\/")),
    )
)
_LONGEST_CHANNEL = 160
_TRIGGERS = "<[◁"


@dataclass(frozen=True, slots=True)
class Mark:
    """What is no text, as it was written."""

    kind: MarkKind
    text: str
    name: str = ""
    """Name of a tag ("think") or a channel ("final"); for other marks their own text, lower case.
    """
    next_character: str = ""
    """The character that follows it, "" at the end of the reply."""


class MarkScanner:
    """Cuts the pieces of a reply into text and marks; no output depends on where they were cut."""

    def __init__(self) -> None:
        self._buffer = ""
        self._is_start = True
        self._in_terminal_style = False
        self._searched = 0

    def feed(self, text: str) -> Iterator[str | Mark]:
        """Yield text and marks that are certain; what may become a mark waits."""
        self._buffer += text
        yield from self._scan(is_last=False)

    def flush(self) -> Iterator[str | Mark]:
        """Yield what waited. Call it once, at the end."""
        yield from self._scan(is_last=True)
        if self._buffer:
            yield self._buffer
        self._buffer = ""

    def _scan(self, *, is_last: bool) -> Iterator[str | Mark]:
        if self._is_start:
            soft = self._soft_thinking(is_last=is_last)
            if soft is None:
                return
            yield from soft
        while True:
            found = self._next_mark()
            if found is None:
                break
            match, mark = found
            # Whether a tag stands alone on its line shows in what follows it.
            if match.end() == len(self._buffer) and not is_last:
                break
            before, rest = self._buffer[: match.start()], self._buffer[match.end() :]
            self._buffer = rest
            self._is_start = False
            if before:
                yield before
            yield Mark(mark.kind, mark.text, mark.name, rest[:1])
        if is_last:
            return
        certain = self._certain()
        ready, self._buffer = self._buffer[:certain], self._buffer[certain:]
        if ready:
            self._is_start = self._is_start and not ready.strip()
            yield ready

    def _soft_thinking(self, *, is_last: bool) -> list[str | Mark] | None:
        """Return thinking that looks as text may and begins the reply; None: not yet known."""
        if self._buffer[:1].isspace():
            # A reply has no white space at its ends; a run of it would be read at every piece.
            self._buffer = f"\n{self._buffer.lstrip()}"
        soft = begin_softly(self._buffer, self._searched)
        if soft is None:
            return []
        opening, closing, is_certain = soft
        if not is_certain and not is_last:
            if closing is None:
                self._searched = max(0, len(self._buffer) - LONGEST_CLOSING)
            return None
        self._is_start = False
        if not is_certain or closing is None:
            return []
        body = self._buffer[opening.end() : closing.start()]
        self._buffer = self._buffer[closing.end() :]
        return [
            Mark("open", opening[0], "think", body[:1]),
            body,
            Mark("close", closing[0], "think", self._buffer[:1]),
        ]

    def _next_mark(self) -> tuple[re.Match[str], Mark] | None:
        if self._is_start:
            if match := _TERMINAL_OPEN.match(self._buffer):
                self._in_terminal_style = True
                return match, Mark("open", match[0], "terminal")
            if match := _BARE_CHANNEL.match(self._buffer):
                return match, Mark("channel", match[0], match["channel"])
        match = _MARK.search(self._buffer)
        if self._in_terminal_style:
            closing = _TERMINAL_CLOSE.search(self._buffer)
            if closing and (match is None or closing.start() < match.start()):
                return closing, Mark("close", closing[0], "terminal")
        if match is None:
            return None
        if match["channel"]:
            return match, Mark("channel", match[0], match["channel"].lower())
        if match["name"]:
            kind: MarkKind = "close" if match["slash"] else "open"
            return match, Mark(kind, match[0], match["name"].lower())
        fixed = match["fixed"].casefold()
        name = "think" if _FIXED[fixed] in ("open", "close") else fixed
        return match, Mark(_FIXED[fixed], match[0], name)  # type: ignore[arg-type]

    def _certain(self) -> int:
        """Return how many characters of the buffer cannot belong to a mark that is still coming."""
        text = self._buffer
        if self._is_start and (
            _may_begin(text.lstrip(), _BARE_CHANNELS)
            or _TERMINAL_BEGUN.match(text)
            or _TERMINAL_OPEN.fullmatch(text)
            or may_begin_softly(text)
        ):
            return 0
        for at in range(max(0, len(text) - _LONGEST_CHANNEL), len(text)):
            if text[at] in _TRIGGERS and (
                _may_begin(text[at:], _BEGINNINGS)
                or _may_be_channel(text[at:])
                or _ATTRIBUTES_BEGUN.match(text, at)
            ):
                return at
            if (
                self._in_terminal_style
                and text[at] in "\n.…"
                and _may_begin(text[at:], _TERMINAL_CLOSES)
            ):
                return at
        if (match := _MARK.search(text)) is not None:  # complete, but what follows it is to come
            return match.start()
        return len(text)


def _may_begin(tail: str, wholes: tuple[str, ...]) -> bool:
    """Return whether `tail` is the beginning of one of `wholes`, or one of them whole.

    These are in small letters, without white space but line ends.
    """
    written = re.sub(r"[^\S\n]+", "", tail).casefold()
    return any(whole.startswith(written) for whole in wholes)


def _may_be_channel(tail: str) -> bool:
    written = tail.casefold()
    if "<|message|>" in written or len(written) >= _LONGEST_CHANNEL:
        return False
    heads = ("<|start|>assistant<|channel|>", "<|channel|>")
    squeezed = re.sub(r"\s+", "", written)
    return any(head.startswith(squeezed) for head in heads) or (
        bool(re.match(r"(<\|start\|>\s*assistant\s*)?<\|channel\|>", written))
    )
