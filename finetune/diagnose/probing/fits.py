"""Losses of the same answers after prompts in different chat formats.

A model made for one format predicts answers worse in another, so the losses show which one it
knows. Only tokens of the answer count: they are the same in every format.
"""

import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jinja2 import TemplateError
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  torch's own name for it
from transformers.utils.chat_template_utils import render_jinja_template

from finetune.diagnose.checks.evidence import FormatFit
from finetune.errors import BaseModelError
from finetune.evaluate.generate.base import chat_messages
from finetune.model.base_model import own_template, token_text
from finetune.model.chat_format import (
    FORMATS,
    Piece,
    conversation_pieces,
    opening_pieces,
    reply_pieces,
)
from finetune.model.chat_templates import THOUGHT_BEGINS, THOUGHT_ENDS, ChatFormat
from finetune.model.tokenization import ChatTokenizer
from finetune.records import Record
from finetune.train.model import LoadedModel


def format_fits(
    loaded: LoadedModel, fmt: ChatFormat, records: Sequence[Record]
) -> tuple[FormatFit, ...]:
    """Return the fit of `fmt`, of other formats, and of the folder's own chat template.

    Other formats whose marks the tokenizer lacks are left out.
    """
    tokenizer = loaded.tokenizer
    # Of two formats that differ in their thinking one is enough: without a thought they write the
    # same prompt.
    kind = "think" if any(record.last.think for record in records) else "direct"
    family = fmt.name.partition("-")[0]
    others = []
    for one in FORMATS:
        own_family, _, own_kind = one.name.partition("-")
        is_other_family = own_family != family and own_kind in ("", kind)
        is_direct_twin = own_family == family and fmt.thinks and not one.thinks
        if is_other_family or is_direct_twin:
            others.append(one)
    fits = []
    for one in (fmt, *others):
        if one is fmt or not unknown_marks(one, tokenizer):
            # A thought is shown in the recipe's format alone. It makes answers easier: another
            # format that predicts them better without one is better indeed.
            prompts = [
                encode_probe_prompt(one, record, tokenizer, with_thought=one is fmt)
                for record in records
            ]
            fits.append(FormatFit(format=one.name, nats=_answer_nats(loaded, prompts, records)))
    if template := _OwnTemplate.read(loaded.folder):
        # A template that cannot be rendered says nothing of the model; so it is left out.
        with contextlib.suppress(TemplateError, TypeError, ValueError):
            known = (fmt, *others, *FORMATS)
            fits.append(_own_template_fit(loaded, template, records, known=known))
    return tuple(fits)


def _own_template_fit(
    loaded: LoadedModel,
    template: "_OwnTemplate",
    records: Sequence[Record],
    *,
    known: Sequence[ChatFormat],
) -> FormatFit:
    """Return the fit of the folder's template, and the first of `known` that writes its marks."""
    tokenizer = loaded.tokenizer
    texts = [template.render(record) for record in records]
    equivalent = next(
        (one.name for one in known if one.user[0] in texts[0] and one.assistant in texts[0]), None
    )
    # Each control token is a piece of its own. Longest first: one may begin with another.
    marks = sorted(
        {tokenizer.decode([one]) for one in tokenizer.control_ids}, key=len, reverse=True
    )
    by_mark = re.compile(f"({'|'.join(map(re.escape, marks))})")
    prompts = [
        tokenizer.encode(
            Piece(text=part, control=part in marks) for part in by_mark.split(text) if part
        )
        for text in texts
    ]
    nats = _answer_nats(loaded, prompts, records)
    return FormatFit(format=None, nats=nats, equivalent=equivalent)


def unknown_marks(fmt: ChatFormat, tokenizer: ChatTokenizer) -> tuple[str, ...]:
    """Return the marks of a format that are no control tokens of the model."""
    return tuple(mark for mark in fmt.controls if not _has_mark(tokenizer, mark))


def last_logits(loaded: LoadedModel, ids: Sequence[int], *, keep: int = 1) -> Tensor:
    """Return the logits of the last `keep` positions in fp32, (keep, vocabulary)."""
    batch = torch.tensor([list(ids)], device=loaded.model.device)
    # The rest is never computed: over a vocabulary of 150,000 it would be the largest tensor.
    logits: Tensor = loaded.model(input_ids=batch, logits_to_keep=keep, use_cache=False).logits
    return logits[0].float()


def encode_probe_prompt(
    fmt: ChatFormat, record: Record, tokenizer: ChatTokenizer, *, with_thought: bool
) -> list[int]:
    """Return all ids before the answer."""
    conversation = conversation_pieces(
        fmt, system=record.system, history=record.turns[:-1], user=record.last.user
    )
    opening = opening_pieces(fmt, think=with_thought)
    # Without the last two pieces of a reply: the answer and the end token.
    thought = reply_pieces(fmt, record.last)[:-2] if with_thought else ()
    # A mark that the model does not have becomes text, as it would on a server.
    return tokenizer.encode(
        Piece(text=one.text, control=one.control and _has_mark(tokenizer, one.text))
        for one in (*conversation, *opening, *thought)
    )


def _has_mark(tokenizer: ChatTokenizer, mark: str) -> bool:
    try:
        tokenizer.control(mark)
    except BaseModelError:
        return False
    return True


def _answer_nats(
    loaded: LoadedModel, prompts: Sequence[list[int]], records: Sequence[Record]
) -> float:
    """Return the mean cross-entropy of the answers' tokens, in nats."""
    nats, tokens = 0.0, 0
    for prompt, record in zip(prompts, records, strict=True):
        answer = loaded.tokenizer.plain(record.last.answer)
        # The logits at position n predict token n + 1: one position earlier, and not the last.
        logits = last_logits(loaded, prompt + answer, keep=len(answer) + 1)[:-1]
        targets = torch.tensor(answer, device=logits.device)
        nats += float(F.cross_entropy(logits, targets, reduction="sum"))
        tokens += len(answer)
    return nats / max(1, tokens)


@dataclass(frozen=True, slots=True)
class _OwnTemplate:
    """A folder's own chat template and the special tokens that it writes."""

    variables: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> "_OwnTemplate | None":
        """Return that of `folder`, None if there is none."""
        try:
            text = own_template(folder)
            config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError, AttributeError):
            return None
        tokens = {name: token_text(config.get(name)) for name in ("bos_token", "eos_token")}
        return cls({"chat_template": text, **tokens}) if text else None

    def render(self, record: Record) -> str:
        """Return the prompt for a record's last turn, with an empty thought if it opens one."""
        # The result is a pair: the texts, and the spans of replies in them.
        rendered: Any = render_jinja_template(
            [chat_messages(record)], add_generation_prompt=True, **self.variables
        )
        text = str(rendered[0][0])
        # R1's template ends with `<think>`: the answer would be inside the thought.
        return text + (THOUGHT_ENDS if text.endswith(THOUGHT_BEGINS) else "")
