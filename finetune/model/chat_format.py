"""How a conversation is written for a model: the only place that knows.

A `ChatFormat` holds the marks of one way of writing. From these marks alone come the text and the
ids that we train on, the Jinja template (transformers, vLLM, llama.cpp), the Go template (Ollama)
and the stop words, so that a model is served with exactly what it has learnt.

Two rules hold for all of them. Thoughts of earlier turns are left out, as DeepSeek asks for at
inference. Text of a user is never searched for marks: `Piece` tells it apart from ours.

The marks are those of DeepSeek-R1-Distill-Qwen's and Qwen2.5's `tokenizer_config.json`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assistant.models.reasoning import THINK_CLOSE, THINK_OPEN, ThinkSplitter
from finetune.recipe import FormatName
from finetune.records import Turn

BOS = "<｜begin▁of▁sentence｜>"
EOS = "<｜end▁of▁sentence｜>"
USER = "<｜User｜>"
ASSISTANT = "<｜Assistant｜>"
IM_START = "<|im_start|>"
IM_END = "<|im_end|>"

THOUGHT_BEGINS = f"{THINK_OPEN}\n"
THOUGHT_ENDS = f"\n{THINK_CLOSE}\n\n"
NO_THOUGHT = THOUGHT_BEGINS + THOUGHT_ENDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of a rendered conversation: one control token, or plain text."""

    text: str
    control: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatFormat:
    """One way to write conversations. Marks are pairs: what stands before and after a text.

    `bos` opens every conversation ("" for none), `eos` ends every reply, `after_eos` stands
    between a reply and what follows it. `opening` is what a prompt ends with, after the
    assistant's mark. A model that `thinks` learns to write it, too (Ollama's own template for R1
    does not write it into the prompt); else it is given, and learnt by nobody.
    """

    name: FormatName
    controls: tuple[str, ...]
    stops: tuple[str, ...]
    bos: str
    eos: str
    system: tuple[str, str]
    user: tuple[str, str]
    assistant: str
    after_eos: str
    opening: str
    thinks: bool

    @property
    def jinja(self) -> str:
        """The chat template of transformers, vLLM and llama.cpp; `enable_thinking` as in Qwen3."""
        return "".join(_jinja_lines(self))

    @property
    def ollama_template(self) -> str:
        """The TEMPLATE of an Ollama Modelfile. Without BOS, which llama.cpp adds by itself."""
        return _ollama_template(self)


_R1_CONTROLS = (BOS, EOS, USER, ASSISTANT, THINK_OPEN, THINK_CLOSE)
_R1_STOPS = (BOS, EOS, USER, ASSISTANT)  # those of deepseek-r1 in Ollama's library

R1_THINK = ChatFormat(
    name="r1-think",
    controls=_R1_CONTROLS,
    stops=_R1_STOPS,
    bos=BOS,
    eos=EOS,
    system=("", ""),
    user=(USER, ""),
    assistant=ASSISTANT,
    after_eos="",
    opening=THOUGHT_BEGINS,
    thinks=True,
)
R1_DIRECT = ChatFormat(
    name="r1-direct",
    controls=_R1_CONTROLS,
    stops=_R1_STOPS,
    bos=BOS,
    eos=EOS,
    system=("", ""),
    user=(USER, ""),
    assistant=ASSISTANT,
    after_eos="",
    opening=NO_THOUGHT,
    thinks=False,
)
CHATML = ChatFormat(
    name="chatml",
    controls=(IM_START, IM_END),
    stops=(IM_START, IM_END, "<|endoftext|>"),
    bos="",
    eos=IM_END,
    system=(f"{IM_START}system\n", f"{IM_END}\n"),
    user=(f"{IM_START}user\n", f"{IM_END}\n"),
    assistant=f"{IM_START}assistant\n",
    after_eos="\n",
    opening="",
    thinks=False,
)
FORMATS: tuple[ChatFormat, ...] = (R1_THINK, R1_DIRECT, CHATML)


def chat_format(name: FormatName) -> ChatFormat:
    """Return the format that recipes call `name`."""
    return next(fmt for fmt in FORMATS if fmt.name == name)


def render_prompt(
    fmt: ChatFormat, *, system: str, history: Sequence[Turn], user: str, think: bool = True
) -> str:
    """Return what the model is given at inference, BOS and opening with it.

    `think` False asks a thinking format for a reply without thinking, as Ollama's does.
    """
    pieces = conversation_pieces(fmt, system=system, history=history, user=user)
    return _text(pieces) + _text(opening_pieces(fmt, think=think))


def render_target(fmt: ChatFormat, turn: Turn) -> str:
    """Return what the model learns to write, from the thought's tag to EOS.

    In a thinking format it begins with the opening that prompts already end with.
    """
    learnt = opening_pieces(fmt) if fmt.thinks else ()
    return _text(learnt) + _text(reply_pieces(fmt, turn))


def split_reply(
    fmt: ChatFormat, text: str, *, think: bool = True, cut_short: bool = False
) -> tuple[str, str]:
    """Return thought and answer of a generated reply, white space around them gone.

    `think` is what the prompt was rendered with; `cut_short`: the length limit ended the reply,
    so that a thought without end is no answer.
    """
    splitter = ThinkSplitter(starts_thinking=fmt.thinks and think)
    splitter.feed(text)
    splitter.close(cut_short=cut_short)
    return splitter.reasoning, splitter.answer


def conversation_pieces(
    fmt: ChatFormat, *, system: str, history: Sequence[Turn], user: str
) -> tuple[Piece, ...]:
    """Return all from BOS to the mark behind which the reply begins."""
    turns = (piece for turn in history for piece in turn_pieces(fmt, turn))
    return (*head_pieces(fmt, system), *turns, *question_pieces(fmt, user))


def head_pieces(fmt: ChatFormat, system: str) -> tuple[Piece, ...]:
    """Return what stands before the first question."""
    message = _between(fmt, fmt.system, system) if system else ()
    return (*_ours(fmt, fmt.bos), *message)


def turn_pieces(fmt: ChatFormat, turn: Turn) -> tuple[Piece, ...]:
    """Return an earlier turn, its thought left out."""
    after = _ours(fmt, fmt.eos + fmt.after_eos)
    return (*question_pieces(fmt, turn.user), Piece(text=turn.answer), *after)


def question_pieces(fmt: ChatFormat, user: str) -> tuple[Piece, ...]:
    """Return a question and the mark behind which the reply begins."""
    return (*_between(fmt, fmt.user, user), *_ours(fmt, fmt.assistant))


def opening_pieces(fmt: ChatFormat, *, think: bool = True) -> tuple[Piece, ...]:
    """Return what stands between the assistant's mark and the first word of the model's own."""
    return tuple(_ours(fmt, fmt.opening if think or not fmt.thinks else NO_THOUGHT))


def reply_pieces(fmt: ChatFormat, turn: Turn) -> tuple[Piece, ...]:
    """Return the reply behind the opening, with EOS; without thinking, the thought is empty."""
    thought = (Piece(text=turn.think), *_ours(fmt, THOUGHT_ENDS)) if fmt.thinks else ()
    return (*thought, Piece(text=turn.answer), Piece(text=fmt.eos, control=True))


def _between(fmt: ChatFormat, marks: tuple[str, str], text: str) -> Iterator[Piece]:
    yield from _ours(fmt, marks[0])
    yield Piece(text=text)
    yield from _ours(fmt, marks[1])


def _ours(fmt: ChatFormat, text: str) -> Iterator[Piece]:
    """Yield the pieces of our own words, in which marks are control tokens."""
    for part in re.split(f"({'|'.join(map(re.escape, fmt.controls))})", text):
        if part:
            yield Piece(text=part, control=part in fmt.controls)


def _text(pieces: Sequence[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def _jinja_lines(fmt: ChatFormat) -> Iterator[str]:
    """Yield the Jinja template. Plain loops and tests only: llama.cpp's Jinja knows no more."""
    yield "{%- set ns = namespace(system='') -%}\n"
    yield "{%- for message in messages -%}{%- if message['role'] == 'system' -%}\n"
    yield "{%- set ns.system = ns.system + ('\\n\\n' if ns.system else '') + message['content'] -%}"
    yield "\n{%- endif -%}{%- endfor -%}\n"
    if fmt.bos:
        yield f"{{{{- {_quoted(fmt.bos)} -}}}}\n"
    yield f"{{%- if ns.system -%}}{_jinja_between(fmt.system, 'ns.system')}{{%- endif -%}}\n"
    yield "{%- for message in messages -%}\n"
    yield "{%- if message['role'] == 'user' -%}\n"
    yield _jinja_between(fmt.user, "message['content']") + "\n"
    yield "{%- elif message['role'] == 'assistant' -%}\n"
    yield from _jinja_reply(fmt)
    yield "{%- endif -%}\n{%- endfor -%}\n"
    yield "{%- if add_generation_prompt -%}\n"
    yield f"{{{{- {_quoted(fmt.assistant)} -}}}}\n"
    if fmt.thinks:
        yield "{%- if enable_thinking is defined and not enable_thinking -%}\n"
        yield f"{{{{- {_quoted(NO_THOUGHT)} -}}}}\n"
        yield f"{{%- else -%}}\n{{{{- {_quoted(fmt.opening)} -}}}}\n{{%- endif -%}}\n"
    elif fmt.opening:
        yield f"{{{{- {_hidden(fmt.opening)} -}}}}\n"
    yield "{%- endif -%}"


def _jinja_reply(fmt: ChatFormat) -> Iterator[str]:
    """Yield the lines for one reply; only the last one of a conversation keeps its thought."""
    marks = (fmt.assistant, fmt.eos + fmt.after_eos)
    if fmt.thinks:
        yield "{%- set answer = message['content'] or '' -%}\n"
        yield "{%- set thought = message['reasoning_content'] or message['thinking'] or '' -%}\n"
        yield f"{{%- if '{THINK_CLOSE}' in answer -%}}\n"
        yield f"{{%- set thought = answer.split('{THINK_CLOSE}')[0].split('{THINK_OPEN}')[-1]"
        yield ".strip('\\n') -%}\n"
        yield f"{{%- set answer = answer.split('{THINK_CLOSE}')[-1].lstrip('\\n') -%}}\n"
        yield "{%- endif -%}\n"
        whole = _jinja_between((marks[0] + THOUGHT_BEGINS, THOUGHT_ENDS), "thought")
        yield f"{{%- if loop.last -%}}{whole}\n"
        yield f"{{%- else -%}}{{{{- {_quoted(marks[0])} -}}}}{{%- endif -%}}\n"
        yield _jinja_between(("", marks[1]), "answer") + "\n"
    elif fmt.opening:
        yield f"{{{{- {_quoted(marks[0])} -}}}}\n"
        yield f"{{%- if loop.last -%}}{{{{- {_hidden(fmt.opening)} -}}}}{{%- endif -%}}\n"
        yield _jinja_between(("", marks[1]), "message['content']") + "\n"
    else:
        yield _jinja_between(marks, "message['content']") + "\n"


def _jinja_between(marks: tuple[str, str], name: str) -> str:
    before, after = (_quoted(mark) if mark else "" for mark in marks)
    return "{{- " + " + ".join(part for part in (before, name, after) if part) + " -}}"


def _quoted(text: str) -> str:
    return "'" + text.replace("\n", "\\n") + "'"


def _hidden(text: str) -> str:
    """Return Jinja for text in which no think tag can be found.

    Servers take a template with both tags for that of a model that can think (Ollama
    server/images.go), and this one is never asked to.
    """
    return _quoted(text).replace("think>", "' + 'think>")


def _ollama_template(fmt: ChatFormat) -> str:
    """Return Go's text/template. A line break of the layout goes with the `{{-` behind it."""
    lines = _GoLines()
    lines.put("if .System", *fmt.system, value=".System").end()
    lines.put("range $i, $_ := .Messages")
    lines.put("$last := eq (len (slice $.Messages $i)) 1")
    lines.put('if eq .Role "user"', *fmt.user, value=".Content")
    lines.put('else if eq .Role "assistant"', fmt.assistant)
    if fmt.thinks:
        lines.put("if $last", THOUGHT_BEGINS, THOUGHT_ENDS, value=".Thinking").end()
    elif fmt.opening:
        lines.put("if $last", fmt.opening).end()
    lines.put(".Content").put("if not $last", fmt.eos + fmt.after_eos).end().end()
    lines.put('if and $last (ne .Role "assistant")', fmt.assistant)
    if fmt.thinks:
        lines.put("if and $.IsThinkSet (not $.Think)", NO_THOUGHT)
        lines.put("else", fmt.opening).end()
    else:
        lines.literal(fmt.opening)
    return lines.end().end().text


class _GoLines:
    """Writes a Go template in which the layout's line breaks never reach the output."""

    def __init__(self) -> None:
        self.text = ""

    def put(self, action: str, before: str = "", after: str = "", *, value: str = "") -> "_GoLines":
        """Write `action`, then the literal `before`, the `value` and the literal `after`."""
        glued = not self.text or self.text.endswith("\n")  # `{{-` would eat our own line break
        self.text += f"{{{{ {action} }}}}" if glued else f"\n{{{{- {action} }}}}"
        self.text += before
        if value:
            self.text += f"{{{{ {value} }}}}" + after
        return self

    def literal(self, text: str) -> "_GoLines":
        self.text += text
        return self

    def end(self) -> "_GoLines":
        return self.put("end")
