"""How a conversation is written for a model; no other module knows it.

A `ChatFormat` holds the marks of one way of writing. From these marks alone come the text and the
ids that we train on, the Jinja template (transformers, vLLM, llama.cpp), the Go template (Ollama)
and the stop words, so that a model is served with exactly what it was trained on.

Two rules hold for all of them. Thoughts of earlier turns are left out, as DeepSeek asks for at
inference. Text of a user is never searched for marks: a `Piece` is a control token or plain text.

The marks are those of the models' own `tokenizer_config.json` or `chat_template.jinja`:
DeepSeek-R1-Distill-Qwen, Qwen2.5, Qwen3, Llama 3, Gemma 3, Mistral-7B-Instruct-v0.3. Where a model
has its own way with a system message (Mistral puts it into the last question), it is before the
first one: what comes later in a conversation then does not change what came before.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from assistant.models.reasoning import THINK_CLOSE, THINK_OPEN, ThinkSplitter
from finetune.model.chat_templates import (
    NO_THOUGHT,
    SYSTEM_ENDS,
    THOUGHT_BEGINS,
    THOUGHT_ENDS,
    ChatFormat,
)
from finetune.recipe import FormatName
from finetune.records import Turn

BOS = "<｜begin▁of▁sentence｜>"
EOS = "<｜end▁of▁sentence｜>"
USER = "<｜User｜>"
ASSISTANT = "<｜Assistant｜>"
IM_START = "<|im_start|>"
IM_END = "<|im_end|>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of a rendered conversation: one control token, or plain text."""

    text: str
    control: bool = False


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
# Qwen3 writes ChatML, and thinks between the tags of R1. Its own template lets the model write the
# opening tag; here it is in the prompt and is learnt, as R1's does: the tokens are the same.
QWEN3_THINK = replace(
    CHATML,
    name="qwen3-think",
    controls=(IM_START, IM_END, THINK_OPEN, THINK_CLOSE),
    opening=THOUGHT_BEGINS,
    thinks=True,
)
QWEN3_DIRECT = replace(QWEN3_THINK, name="qwen3-direct", opening=NO_THOUGHT, thinks=False)
LLAMA3 = ChatFormat(
    name="llama3",
    controls=("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
    stops=(
        "<|begin_of_text|>",
        "<|start_header_id|>",
        "<|end_header_id|>",
        "<|eot_id|>",
        "<|end_of_text|>",
    ),
    bos="<|begin_of_text|>",
    eos="<|eot_id|>",
    system=("<|start_header_id|>system<|end_header_id|>\n\n", "<|eot_id|>"),
    user=("<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>"),
    assistant="<|start_header_id|>assistant<|end_header_id|>\n\n",
    after_eos="",
    opening="",
    thinks=False,
)
GEMMA = ChatFormat(
    name="gemma",
    controls=("<bos>", "<start_of_turn>", "<end_of_turn>"),
    stops=("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"),
    bos="<bos>",
    eos="<end_of_turn>",
    system=("", ""),
    user=("<start_of_turn>user\n", "<end_of_turn>\n"),
    assistant="<start_of_turn>model\n",
    after_eos="\n",
    opening="",
    thinks=False,
    system_in_question=True,
)
MISTRAL = ChatFormat(
    name="mistral",
    controls=("<s>", "</s>", "[INST]", "[/INST]"),
    # Not <s> and </s>: servers end at the token itself, and as text they are HTML's strike-through.
    stops=("[INST]", "[/INST]"),
    bos="<s>",
    eos="</s>",
    system=("", ""),
    user=("[INST] ", "[/INST]"),
    assistant="",
    after_eos="",
    opening="",
    thinks=False,
    system_in_question=True,
    # SentencePiece keeps a space with the word behind it: without it the first word of each answer
    # would be another token than the base was trained on.
    reply_lead=" ",
)
FORMATS: tuple[ChatFormat, ...] = (
    R1_THINK,
    R1_DIRECT,
    CHATML,
    QWEN3_THINK,
    QWEN3_DIRECT,
    LLAMA3,
    GEMMA,
    MISTRAL,
)


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
    pieces = list(_split_controls(fmt, fmt.bos))
    if system and not fmt.system_in_question:
        pieces += _wrap_text(fmt, fmt.system, system)
    of_question = system if fmt.system_in_question else ""
    for turn in history:
        pieces += _question_pieces(fmt, turn.user, system=of_question)
        # Earlier turns are written without their thoughts.
        pieces += (Piece(text=fmt.reply_lead + turn.answer),)
        pieces += _split_controls(fmt, fmt.eos + fmt.after_eos)
        of_question = ""
    return (*pieces, *_question_pieces(fmt, user, system=of_question))


def _question_pieces(fmt: ChatFormat, user: str, *, system: str) -> Iterator[Piece]:
    """Yield a question, the system message in it, and the mark behind which the reply begins."""
    yield from _wrap_text(fmt, fmt.user, system + SYSTEM_ENDS + user if system else user)
    yield from _split_controls(fmt, fmt.assistant)


def opening_pieces(fmt: ChatFormat, *, think: bool = True) -> tuple[Piece, ...]:
    """Return what is between the assistant's mark and the first token that the model writes."""
    return tuple(_split_controls(fmt, fmt.opening if think or not fmt.thinks else NO_THOUGHT))


def reply_pieces(fmt: ChatFormat, turn: Turn) -> tuple[Piece, ...]:
    """Return the reply behind the opening, with EOS; without thinking, the thought is empty."""
    thought = (Piece(text=turn.think), *_split_controls(fmt, THOUGHT_ENDS)) if fmt.thinks else ()
    answer = Piece(text=fmt.reply_lead + turn.answer)
    return (*thought, answer, Piece(text=fmt.eos, control=True))


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
