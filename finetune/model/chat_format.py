"""How a conversation is written for a model; no other module knows it.

A `ChatFormat` holds the marks of one way of writing. From these marks alone come the text and the
ids that we train on, the Jinja template (transformers, vLLM, llama.cpp), the Go template (Ollama)
and the stop words, so that a model is served with exactly what it was trained on.

Two rules hold for all of them. Thoughts of earlier turns are left out, as DeepSeek asks for at
inference. Text of a user is never searched for marks: a `Piece` is a control token or plain text.

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
    """A part of a rendered conversation: one control token, or plain text."""

    text: str
    control: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatFormat:
    """One way to write conversations. Marks are pairs: what stands before and after a text.

    `controls` are the control tokens, `stops` the stop words of a server. `bos` opens every
    conversation ("" for none), `eos` ends every reply, `after_eos` stands between a reply and what
    follows it. `opening` is what a prompt ends with, after the assistant's mark. A model that
    `thinks` learns to write it, too (Ollama's own template for R1 does not write it into the
    prompt); in the other formats it is a part of the prompt alone.
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
        """The chat template of transformers, vLLM and llama.cpp.

        Its variable `enable_thinking` is that of Qwen3's template.
        """
        return "".join(jinja_lines(self))

    @property
    def ollama_template(self) -> str:
        """The TEMPLATE of an Ollama Modelfile, in Go's text/template."""
        lines = _GoLines()
        # BOS is left out: llama.cpp adds it by itself, and twice it would be other ids.
        lines.put("if .System", *self.system, value=".System").end()
        lines.put("range $i, $_ := .Messages")
        lines.put("$last := eq (len (slice $.Messages $i)) 1")
        lines.put('if eq .Role "user"', *self.user, value=".Content")
        lines.put('else if eq .Role "assistant"', self.assistant)
        if self.thinks:
            lines.put("if $last", THOUGHT_BEGINS, THOUGHT_ENDS, value=".Thinking").end()
        elif self.opening:
            lines.put("if $last", self.opening).end()
        lines.put(".Content").put("if not $last", self.eos + self.after_eos).end().end()
        # A last message of the assistant is a reply to be continued: no mark is written again.
        lines.put('if and $last (ne .Role "assistant")', self.assistant)
        if self.thinks:
            lines.put("if and $.IsThinkSet (not $.Think)", NO_THOUGHT)
            lines.put("else", self.opening).end()
        else:
            lines.literal(self.opening)
        return lines.end().end().text


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

    `think` False: the prompt of a thinking format ends with an empty thought, as Ollama's does.
    """
    pieces = conversation_pieces(fmt, system=system, history=history, user=user)
    return _join_pieces((*pieces, *opening_pieces(fmt, think=think)))


def render_target(fmt: ChatFormat, turn: Turn) -> str:
    """Return the text that the model is trained to write, from the thought's tag to EOS.

    In a thinking format it begins with the opening that prompts already end with.
    """
    opening = opening_pieces(fmt) if fmt.thinks else ()
    return _join_pieces((*opening, *reply_pieces(fmt, turn)))


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
    """Return the pieces from BOS to the mark behind which the reply begins."""
    turns = (piece for turn in history for piece in turn_pieces(fmt, turn))
    return (*head_pieces(fmt, system), *turns, *question_pieces(fmt, user))


def head_pieces(fmt: ChatFormat, system: str) -> tuple[Piece, ...]:
    """Return what stands before the first question."""
    message = _wrap_text(fmt, fmt.system, system) if system else ()
    return (*_split_controls(fmt, fmt.bos), *message)


def turn_pieces(fmt: ChatFormat, turn: Turn) -> tuple[Piece, ...]:
    """Return an earlier turn, its thought left out."""
    after = _split_controls(fmt, fmt.eos + fmt.after_eos)
    return (*question_pieces(fmt, turn.user), Piece(text=turn.answer), *after)


def question_pieces(fmt: ChatFormat, user: str) -> tuple[Piece, ...]:
    """Return a question and the mark behind which the reply begins."""
    return (*_wrap_text(fmt, fmt.user, user), *_split_controls(fmt, fmt.assistant))


def opening_pieces(fmt: ChatFormat, *, think: bool = True) -> tuple[Piece, ...]:
    """Return what stands between the assistant's mark and the first token that the model writes."""
    return tuple(_split_controls(fmt, fmt.opening if think or not fmt.thinks else NO_THOUGHT))


def reply_pieces(fmt: ChatFormat, turn: Turn) -> tuple[Piece, ...]:
    """Return the reply behind the opening, with EOS; without thinking, the thought is empty."""
    thought = (Piece(text=turn.think), *_split_controls(fmt, THOUGHT_ENDS)) if fmt.thinks else ()
    return (*thought, Piece(text=turn.answer), Piece(text=fmt.eos, control=True))


def _wrap_text(fmt: ChatFormat, marks: tuple[str, str], text: str) -> Iterator[Piece]:
    yield from _split_controls(fmt, marks[0])
    yield Piece(text=text)  # a stranger's: never split
    yield from _split_controls(fmt, marks[1])


def _split_controls(fmt: ChatFormat, text: str) -> Iterator[Piece]:
    """Yield the pieces of a text of ours, in which marks are control tokens."""
    for part in re.split(f"({'|'.join(map(re.escape, fmt.controls))})", text):
        if part:
            yield Piece(text=part, control=part in fmt.controls)


def _join_pieces(pieces: Sequence[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def jinja_lines(fmt: ChatFormat) -> Iterator[str]:
    """Yield the Jinja template."""
    # Plain loops and tests only: llama.cpp has a Jinja of its own that knows no more. Each tag has
    # "-" on both sides, so that the line breaks between them, for people, are not written.
    # System messages are joined, wherever they stand: some clients send several.
    yield "{%- set ns = namespace(system='') -%}\n"
    yield "{%- for message in messages -%}{%- if message['role'] == 'system' -%}\n"
    yield "{%- set ns.system = ns.system + ('\\n\\n' if ns.system else '') + message['content'] -%}"
    yield "\n{%- endif -%}{%- endfor -%}\n"
    if fmt.bos:
        yield f"{{{{- {_quote(fmt.bos)} -}}}}\n"
    yield f"{{%- if ns.system -%}}{_jinja_between(fmt.system, 'ns.system')}{{%- endif -%}}\n"
    yield "{%- for message in messages -%}\n"
    yield "{%- if message['role'] == 'user' -%}\n"
    yield _jinja_between(fmt.user, "message['content']") + "\n"
    yield "{%- elif message['role'] == 'assistant' -%}\n"
    yield from jinja_reply(fmt)
    yield "{%- endif -%}\n{%- endfor -%}\n"
    yield "{%- if add_generation_prompt -%}\n"
    yield f"{{{{- {_quote(fmt.assistant)} -}}}}\n"
    if fmt.thinks:
        yield "{%- if enable_thinking is defined and not enable_thinking -%}\n"
        yield f"{{{{- {_quote(NO_THOUGHT)} -}}}}\n"
        yield f"{{%- else -%}}\n{{{{- {_quote(fmt.opening)} -}}}}\n{{%- endif -%}}\n"
    elif fmt.opening:
        yield f"{{{{- {_quote_hidden(fmt.opening)} -}}}}\n"
    yield "{%- endif -%}"


def jinja_reply(fmt: ChatFormat) -> Iterator[str]:
    """Yield the lines for one reply; only the last one of a conversation keeps its thought."""
    marks = (fmt.assistant, fmt.eos + fmt.after_eos)
    if fmt.thinks:
        # The thought comes in a field (vLLM: reasoning_content, Ollama: thinking) or with its tags
        # in the content, as clients send back what they were sent.
        yield "{%- set answer = message['content'] or '' -%}\n"
        yield "{%- set thought = message['reasoning_content'] or message['thinking'] or '' -%}\n"
        yield f"{{%- if '{THINK_CLOSE}' in answer -%}}\n"
        yield f"{{%- set thought = answer.split('{THINK_CLOSE}')[0].split('{THINK_OPEN}')[-1]"
        yield ".strip('\\n') -%}\n"
        yield f"{{%- set answer = answer.split('{THINK_CLOSE}')[-1].lstrip('\\n') -%}}\n"
        yield "{%- endif -%}\n"
        whole = _jinja_between((marks[0] + THOUGHT_BEGINS, THOUGHT_ENDS), "thought")
        yield f"{{%- if loop.last -%}}{whole}\n"
        yield f"{{%- else -%}}{{{{- {_quote(marks[0])} -}}}}{{%- endif -%}}\n"
        yield _jinja_between(("", marks[1]), "answer") + "\n"
    elif fmt.opening:
        yield f"{{{{- {_quote(marks[0])} -}}}}\n"
        yield f"{{%- if loop.last -%}}{{{{- {_quote_hidden(fmt.opening)} -}}}}{{%- endif -%}}\n"
        yield _jinja_between(("", marks[1]), "message['content']") + "\n"
    else:
        yield _jinja_between(marks, "message['content']") + "\n"


def _jinja_between(marks: tuple[str, str], name: str) -> str:
    """Return a Jinja expression that writes the variable `name` between two marks."""
    before, after = (_quote(mark) if mark else "" for mark in marks)
    return "{{- " + " + ".join(part for part in (before, name, after) if part) + " -}}"


def _quote(text: str) -> str:
    """Return a Jinja string; our marks hold no quotes."""
    return "'" + text.replace("\n", "\\n") + "'"


def _quote_hidden(text: str) -> str:
    """Return a Jinja string in which no think tag can be found."""
    # Servers search the template's source: with both tags in it they take the model for one that
    # can think (Ollama server/images.go) and offer a switch that this one was never trained for.
    return _quote(text).replace("think>", "' + 'think>")


class _GoLines:
    """Writes a Go template in which the layout's line breaks never reach the output."""

    def __init__(self) -> None:
        self.text = ""

    def put(self, action: str, before: str = "", after: str = "", *, value: str = "") -> "_GoLines":
        """Write `action`, then the literal `before`, the `value` and the literal `after`."""
        # A line break for people goes with the `{{-` behind it. One that belongs to a mark would
        # go with it as well, so that the action is then glued to it.
        glued = not self.text or self.text.endswith("\n")
        self.text += f"{{{{ {action} }}}}" if glued else f"\n{{{{- {action} }}}}"
        self.text += before
        if value:
            self.text += f"{{{{ {value} }}}}" + after
        return self

    def literal(self, text: str) -> "_GoLines":
        """Write text that the template gives out as it is."""
        self.text += text
        return self

    def end(self) -> "_GoLines":
        """Close the last `if` or `range`."""
        return self.put("end")
