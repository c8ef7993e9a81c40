"""How well a model foresees the same answers behind prompts of different chat formats.

A model that was made for one format foresees answers worse behind another, so that the losses tell
which one it knows. Only tokens of the answer count: they are the same in every format. A thought is
shown in the recipe's own format alone; it makes answers easier, so that another format that is
better all the same is better indeed.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jinja2 import TemplateError
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  torch's own name for it
from transformers.utils.chat_template_utils import render_jinja_template

from finetune.diagnose.checks.evidence import FormatFit
from finetune.errors import BaseModelError
from finetune.evaluate.generate.base import messages
from finetune.model.base_model import own_template
from finetune.model.chat_format import (
    CHATML,
    FORMATS,
    R1_DIRECT,
    R1_THINK,
    THOUGHT_BEGINS,
    THOUGHT_ENDS,
    ChatFormat,
    Piece,
    conversation_pieces,
    opening_pieces,
    reply_pieces,
)
from finetune.model.tokenization import ChatTokenizer
from finetune.records import Record
from finetune.train.model import LoadedModel

ProbePrompt = list[int]


def format_fits(
    loaded: LoadedModel, fmt: ChatFormat, records: Sequence[Record]
) -> tuple[FormatFit, ...]:
    """Return how well the answers are foreseen in `fmt`, in others, and in the folder's template.

    Formats whose marks the tokenizer lacks are left out, save `fmt`, whose marks are then text.
    """
    tokenizer = loaded.tokenizer
    fits = []
    for one in (fmt, *_rivals(fmt, records)):
        if one is fmt or not unknown_marks(one, tokenizer):
            prompts = [_prompt(one, record, tokenizer, thought=one is fmt) for record in records]
            fits.append(FormatFit(format=one.name, nats=_nats(loaded, prompts, records)))
    if template := _template(loaded.folder):
        fits += _template_fit(loaded, fmt, template, records)
    return tuple(fits)


def unknown_marks(fmt: ChatFormat, tokenizer: ChatTokenizer) -> tuple[str, ...]:
    """Return the marks of a format that are no control tokens of the model."""
    return tuple(mark for mark in fmt.controls if not _knows(tokenizer, mark))


def last_logits(loaded: LoadedModel, ids: Sequence[int], *, keep: int = 1) -> Tensor:
    """Return the logits of the last `keep` positions in fp32, (keep, vocabulary)."""
    asked = torch.tensor([list(ids)], device=loaded.model.device)
    logits: Tensor = loaded.model(input_ids=asked, logits_to_keep=keep, use_cache=False).logits
    return logits[0].float()


def _rivals(fmt: ChatFormat, records: Sequence[Record]) -> tuple[ChatFormat, ...]:
    """Return formats to compare with; without thoughts, the two of R1 are one and the same."""
    if fmt is R1_THINK:
        return (R1_DIRECT, CHATML)
    if fmt is R1_DIRECT:
        return (CHATML,)
    return (R1_THINK if any(record.last.think for record in records) else R1_DIRECT,)


def _prompt(
    fmt: ChatFormat, record: Record, tokenizer: ChatTokenizer, *, thought: bool
) -> ProbePrompt:
    """Return all ids before the answer."""
    asked = conversation_pieces(
        fmt, system=record.system, history=record.turns[:-1], user=record.last.user
    )
    opening = opening_pieces(fmt, think=thought)
    thinking = reply_pieces(fmt, record.last)[:-2] if thought else ()
    return _encode((*asked, *opening, *thinking), tokenizer)


def _encode(pieces: Sequence[Piece], tokenizer: ChatTokenizer) -> ProbePrompt:
    """Return ids; a mark that the model does not know is text, as it would be on a server."""
    known = (
        Piece(text=one.text, control=one.control and _knows(tokenizer, one.text)) for one in pieces
    )
    return tokenizer.encode(known)


def _knows(tokenizer: ChatTokenizer, mark: str) -> bool:
    try:
        tokenizer.control(mark)
    except BaseModelError:
        return False
    return True


def _nats(loaded: LoadedModel, prompts: Sequence[ProbePrompt], records: Sequence[Record]) -> float:
    """Return the mean cross-entropy of an answer's token."""
    nats, tokens = 0.0, 0
    for prompt, record in zip(prompts, records, strict=True):
        answer = loaded.tokenizer.plain(record.last.answer)
        logits = last_logits(loaded, prompt + answer, keep=len(answer) + 1)[:-1]
        wanted = torch.tensor(answer, device=logits.device)
        nats += float(F.cross_entropy(logits, wanted, reduction="sum"))
        tokens += len(answer)
    return nats / max(1, tokens)


def _template(folder: Path) -> dict[str, Any]:
    """Return what renders the folder's own chat template, nothing if it brings none."""
    try:
        text = own_template(folder)
        config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, AttributeError):
        return {}
    tokens = {name: _content(config.get(name)) for name in ("bos_token", "eos_token")}
    return {"chat_template": text, **tokens} if text else {}


def _content(token: object) -> str:
    return str(token.get("content") or "") if isinstance(token, dict) else str(token or "")


def _template_fit(
    loaded: LoadedModel, fmt: ChatFormat, template: dict[str, Any], records: Sequence[Record]
) -> list[FormatFit]:
    """Return the fit of the folder's template, nothing if it cannot be rendered."""
    try:
        texts = [_rendered(template, record) for record in records]
    except (TemplateError, TypeError, ValueError):
        return []
    known = (fmt, *_rivals(fmt, records), *FORMATS)
    like = next((one.name for one in known if _written_in(one, texts[0])), None)
    prompts = [loaded.tokenizer.encode(_pieces(text, loaded.tokenizer)) for text in texts]
    return [FormatFit(format=None, nats=_nats(loaded, prompts, records), like=like)]


def _rendered(template: dict[str, Any], record: Record) -> str:
    """Return the prompt for a record's last turn; a thought that it opens is closed, empty."""
    rendered: Any = render_jinja_template(
        [messages(record)], add_generation_prompt=True, **template
    )  # texts, and where replies stand in them
    text = str(rendered[0][0])
    return text + (THOUGHT_ENDS if text.endswith(THOUGHT_BEGINS) else "")


def _written_in(fmt: ChatFormat, text: str) -> bool:
    return fmt.user[0] in text and fmt.assistant in text


def _pieces(text: str, tokenizer: ChatTokenizer) -> list[Piece]:
    """Return rendered text as pieces, each control token one of its own, as servers read it."""
    marks = sorted(
        {tokenizer.decode([one]) for one in tokenizer.control_ids}, key=len, reverse=True
    )
    parts = re.split(f"({'|'.join(map(re.escape, marks))})", text)
    return [Piece(text=part, control=part in marks) for part in parts if part]
