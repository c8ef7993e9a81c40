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

MarkKind = Literal["open", "close", "channel", "end", "start", "answer_open", "answer_close"]

_NAMES = (
    *("think", "thinking", "thought", "thoughts", "reasoning", "seed:think", "mythink"),
    *("analysis", "reflection", "scratchpad", "inner_monologue", "思考", "思考过程", "思维链"),
    *("thinking_process", "thought_process", "chain_of_thought", "cot", "rationale"),
    *("longcat_think", "minimax:think", "internal_thoughts"),
)
_GAP = r"[^\S\n]{0,3}"
_BRACKETS = (("<", ">"), ("&lt;", "&gt;"), ("＜", "＞"), ("\\u003c", "\\u003e"))
"""Brackets of tags, as they are written and as servers and filters escape them."""
_OPEN, _CLOSE = ("|".join(map(re.escape, side)) for side in zip(*_BRACKETS, strict=True))
_NAME = "|".join(map(re.escape, sorted(_NAMES, key=len, reverse=True)))

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
    "[|assistant|]",
    "<|START_RESPONSE|>",
    "<|END_RESPONSE|>",
    "<|begin_of_box|>",
    "<|end_of_box|>",
)
"""Control tokens that begin the model's own turn: the text goes on behind them."""

_FIXED = {
    **{text.casefold(): "end" for text in END_TEXTS},
    **{text.casefold(): "start" for text in START_TEXTS},
    "[think]": "open",
    "[/think]": "close",
    "[thinking]": "open",
    "[/thinking]": "close",
    "【思考】": "open",
    "【/思考】": "close",
    "<|thinking|>": "open",
    "<|/thinking|>": "close",
    "<|channel>thought": "open",
    "<channel|>": "close",
    "<think/>": "start",
    "<think />": "start",
    "[reasoning]": "open",
    "[/reasoning]": "close",
    "<|think|>": "open",
    "<|/think|>": "close",
    "<|start_thinking|>": "open",
    "<|end_thinking|>": "close",
    "<unused94>thought": "open",
    "<unused95>": "close",
    "◁think▷": "open",
    "◁/think▷": "close",
    "<|begin_of_thought|>": "open",
    "<|end_of_thought|>": "close",
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
}
_CHANNEL = (
    r"(?:<\|start\|>\s*assistant\s*)?<\|channel\|>\s*(?P<channel>\w+)"
    r"(?:[^<\n]|<\|constrain\|>){0,80}<\|message\|>"
)
_MARK = re.compile(
    rf"{_CHANNEL}|(?:{_OPEN}){_GAP}(?P<slash>\\?/|){_GAP}(?P<name>{_NAME}){_GAP}(?:{_CLOSE})"
    rf"|(?P<fixed>{'|'.join(map(re.escape, sorted(_FIXED, key=len, reverse=True)))})",
    re.IGNORECASE,
)
# Without its first tokens, which the template wrote into the prompt.
_BARE_CHANNEL = re.compile(r"\s*(?P<channel>analysis|commentary|final)[^\S\n]*<\|message\|>")
_BARE_CHANNELS = tuple(f"{name}<|message|>" for name in ("analysis", "commentary", "final"))


@dataclass(frozen=True, slots=True)
class _StartStyle:
    """Thinking that begins a reply and is no tag."""

    opening: re.Pattern[str]
    begun: re.Pattern[str]
    """What may become its opening."""
    closing: re.Pattern[str]
    closings: tuple[str, ...]
    """What closes it, in small letters without white space, to know a beginning."""


_START_STYLES = (
    # `ollama run`.
    _StartStyle(
        re.compile(r"\s*Thinking(?:\.\.\.|…)[^\S\n]*\n"),
        re.compile(r"\s*(?:t|th|thi|thin|think|thinki|thinkin|thinking(?:\.{0,3}|…))\s*\Z", re.I),
        re.compile(r"\n?(?:\.\.\.|…)done thinking\."),
        tuple(f"{gap}{dots}donethinking." for gap in ("", "\n") for dots in ("...", "…")),
    ),
    # A fenced block that says so.
    _StartStyle(
        re.compile(r"\s*```(?:think|thinking|thought|reasoning)[^\S\n]*\n", re.IGNORECASE),
        re.compile(r"\s*`{1,3}(?:(?<=```)[a-z]{0,9}[^\S\n]*)?\Z", re.IGNORECASE),
        re.compile(r"\n```(?=\n|\Z)"),
        ("\n```",),
    ),
    # Open WebUI, and pages that fold it.
    _StartStyle(
        re.compile(
            r"\s*<details(?: [^<>\n]{0,80})?>\s*<summary>[^<>\n]{0,40}"
            r"(?:think|thought|reason|思考|推理)[^<>\n]{0,40}</summary>",
            re.IGNORECASE,
        ),
        re.compile(
            r"\s*<(?:d|de|det|deta|detai|detail|details(?: [^<>\n]{0,80})?(?:>\s*(?:<(?:[a-z]{0,7}"
            r"(?:(?<=summary)>[^<>\n]{0,90}(?:</?[a-z]{0,7})?)?)?)?)?)?\Z",
            re.IGNORECASE,
        ),
        re.compile(r"</details>", re.IGNORECASE),
        ("</details>",),
    ),
)

# What marks begin with, written without white space and in small letters, to know a beginning.
_BEGINNINGS = tuple(
    re.sub(r"[^\S\n]+", "", whole).casefold()
    for whole in (
        *_FIXED,
        *(
            f"{begin}{slash}{name}{end}"
            for begin, end in _BRACKETS
            for name in _NAMES
            for slash in ("", "/", "\\/")
        ),
    )
)
_LONGEST_CHANNEL = 160
_TRIGGERS = "<[◁&＜\\【"


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
        self._style: _StartStyle | None = None

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

    def _next_mark(self) -> tuple[re.Match[str], Mark] | None:
        if self._is_start:
            for style in _START_STYLES:
                if match := style.opening.match(self._buffer):
                    self._style = style
                    return match, Mark("open", match[0], "terminal")
            if match := _BARE_CHANNEL.match(self._buffer):
                return match, Mark("channel", match[0], match["channel"])
        match = _MARK.search(self._buffer)
        if self._style:
            closing = self._style.closing.search(self._buffer)
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
            or any(
                style.begun.match(text) or style.opening.fullmatch(text) for style in _START_STYLES
            )
        ):
            return 0
        for at in range(max(0, len(text) - _LONGEST_CHANNEL), len(text)):
            if text[at] in _TRIGGERS and (
                _may_begin(text[at:], _BEGINNINGS) or _may_be_channel(text[at:])
            ):
                return at
            if self._style and text[at] in "\n.…<" and _may_begin(text[at:], self._style.closings):
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
