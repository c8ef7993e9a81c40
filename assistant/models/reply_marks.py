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
    *("analysis", "reflection", "scratchpad", "inner_monologue", "思考", "思考过程"),
    *("longcat_think", "minimax:think"),
)
_SOFT_NAMES = (
    *("thinking_process", "thought_process", "chain_of_thought", "cot", "rationale"),
    *("internal_thoughts", "思维链"),
)
"""Names that texts about markup use too."""
_GAP = r"[^\S\n]{0,3}"
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
    rf"{_CHANNEL}|<{_GAP}(?P<slash>\\?/|){_GAP}(?P<name>{_NAME}){_GAP}>"
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

_LINE = r"[^\S\n]*\n\s*(?![a-z])\S"
_ANSWER = re.compile(_LINE + r"|[^\sa-z.,;:!?…)\]。，、；：！？）】」』”’\"'`]")
"""How an answer begins behind its thinking: not as a sentence goes on that names a tag."""


@dataclass(frozen=True, slots=True)
class _SoftStyle:
    """Thinking at the start of a reply that looks as text may.

    It is thinking only where it is closed and an answer follows.
    """

    opening: re.Pattern[str]
    closing: re.Pattern[str]
    begun: re.Pattern[str] | None = None
    """What may become its opening, for those that are no tags."""
    answer: re.Pattern[str] = _ANSWER


def _soft_tag(begin: str, end: str, names: tuple[str, ...]) -> _SoftStyle:
    begin, end = re.escape(begin), re.escape(end)
    name = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return _SoftStyle(
        re.compile(rf"\s*{begin}{_GAP}(?:{name}){_GAP}{end}(?![^\S\n]+\S)", re.IGNORECASE),
        re.compile(rf"{begin}{_GAP}\\?/{_GAP}(?:{name}){_GAP}{end}", re.IGNORECASE),
    )


_SOFT_TAGS = (
    ("<", ">", _SOFT_NAMES),
    # As servers and filters escape them.
    *((*pair, _NAMES + _SOFT_NAMES) for pair in (("&lt;", "&gt;"), ("\\u003c", "\\u003e"))),
    ("＜", "＞", _NAMES + _SOFT_NAMES),
    ("[", "]", ("thinking",)),
    ("【", "】", ("思考",)),
)
_SOFT_BEGINNINGS = tuple(
    f"{begin}{name}{end}".casefold() for begin, end, names in _SOFT_TAGS for name in names
)
_SUMMARY = (
    r"\W{0,4}(?:thoughts?|thinking|reasoning|(?:thinking|thought|reasoning) (?:process|trace|steps)"
    r"|chain of thought|thought for (?:(?:about )?\d[^<>\n]{0,25}|a (?:moment|second|minute|while|"
    r"bit|few seconds|couple of seconds))|(?:思考|推理)(?:过程|中)|思维链"
    r"|(?:已|深度|已深度)思考(?:完成|过程)?(?:\W{0,2}(?:用时|耗时)?\W?[\d.]{1,6}\W?秒)?)\W{0,4}"
)
_SOFT_STYLES = (
    *(_soft_tag(*tag) for tag in _SOFT_TAGS),
    # A fenced block that says so.
    _SoftStyle(
        re.compile(r"\s*```(?:think|thinking|thought|reasoning)[^\S\n]*(?=\n)", re.IGNORECASE),
        re.compile(r"\n```(?P<nested>\w)?"),
        re.compile(r"\s*`{1,3}(?:(?<=```)[a-z]{0,9}[^\S\n]*)?\Z", re.IGNORECASE),
        re.compile(_LINE),
    ),
    # Open WebUI, and pages that fold it.
    _SoftStyle(
        re.compile(
            r"\s*<details(?:(?: [^<>\n]{0,80})? type=\"reasoning\"[^<>\n]{0,80}>\s*<summary>"
            rf"[^<>\n]{{0,90}}|(?: [^<>\n]{{0,80}})?>\s*<summary>{_SUMMARY})</summary>",
            re.IGNORECASE,
        ),
        re.compile(r"</details>|(?P<nested><details)", re.IGNORECASE),
        re.compile(
            r"\s*<(?:d|de|det|deta|detai|detail|details(?: [^<>\n]{0,180})?(?:>\s*(?:<(?:[a-z]{0,7}"
            r"(?:(?<=summary)>[^<>\n]{0,90}(?:</?[a-z]{0,7})?)?)?)?)?)?\Z",
            re.IGNORECASE,
        ),
    ),
)

# What marks begin with, written without white space and in small letters, to know a beginning.
_BEGINNINGS = tuple(
    re.sub(r"[^\S\n]+", "", whole).casefold()
    for whole in (
        *_FIXED,
        *(f"<{slash}{name}>" for name in _NAMES for slash in ("", "/", "\\/")),
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
        if self._is_start and (soft := _begin_softly(self._buffer)) is not None:
            opening, closing, is_certain = soft
            if not is_certain and not is_last:
                return
            if is_certain and closing:
                body = self._buffer[opening.end() : closing.start()]
                self._buffer = self._buffer[closing.end() :]
                yield Mark("open", opening[0], "think", body[:1])
                yield body
                yield Mark("close", closing[0], "think", self._buffer[:1])
            self._is_start = False
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
            _may_begin(text.lstrip(), _BARE_CHANNELS + _SOFT_BEGINNINGS)
            or _TERMINAL_BEGUN.match(text)
            or _TERMINAL_OPEN.fullmatch(text)
            or any(style.begun and style.begun.match(text) for style in _SOFT_STYLES)
        ):
            return 0
        for at in range(max(0, len(text) - _LONGEST_CHANNEL), len(text)):
            if text[at] in _TRIGGERS and (
                _may_begin(text[at:], _BEGINNINGS) or _may_be_channel(text[at:])
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


def _begin_softly(text: str) -> tuple[re.Match[str], re.Match[str] | None, bool] | None:
    """Return the opening and the closing of thinking that looks as text may, if it begins `text`.

    The last part says whether more text cannot change this; certain and no closing is prose.
    """
    for style in _SOFT_STYLES:
        if (opening := style.opening.match(text)) is None:
            continue
        closing = style.closing.search(text, opening.end())
        if closing is None:
            return opening, None, False
        if closing.lastgroup == "nested":
            return opening, None, True
        rest = text[closing.end() :]
        is_thinking = style.answer.match(rest)
        return opening, closing if is_thinking else None, bool(rest.strip())
    return None


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
