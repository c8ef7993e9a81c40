"""Convert a BPE tokenizer from tokenizer.json to the metadata of a GGUF file.

Byte-level BPE (GPT-2's kind) is written with its merges, SentencePiece's BPE with a score for each
piece: llama.cpp joins the neighbours that make the piece of the highest score.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf

from finetune.errors import ExportError
from finetune.export.config import TOKENIZER_CONFIG, read_json
from finetune.model.gguf_support import (
    SENTENCEPIECE,
    SPACE,
    pre_tokenizer_name,
    tokenizer_obstacle,
)
from ingest.foundation.messages import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The tokenizer's part of a GGUF file; tuples are indexed by token id.

    Of `merges` and `scores` one is empty: a SentencePiece model has scores.
    """

    pre: str
    texts: tuple[str, ...]
    types: tuple[gguf.TokenType, ...]
    merges: tuple[str, ...]
    scores: tuple[float, ...]
    bos: int | None
    eos: int
    pad: int | None
    adds_bos: bool


def unsupported_model(what: Message) -> ExportError:
    """Return the error for a model that cannot be written as GGUF here, with another way."""
    return ExportError(
        what,
        hint=Message(
            "serve the merged folder with vLLM (--to vllm), or try llama.cpp's own "
            "convert_hf_to_gguf.py on it, which knows more models"
        ),
    )


def read_vocabulary(folder: Path, *, size: int, template: str) -> Vocabulary:
    """Return the vocabulary of a model folder; `size` is the number of rows of its embedding.

    Raises:
        BaseModelError: tokenizer.json is missing or broken.
        ExportError: llama.cpp does not split text as it does.
    """
    tokenizer = read_json(folder / "tokenizer.json")
    pre = pre_tokenizer_name(tokenizer)
    if pre is None:
        raise unsupported_model(tokenizer_obstacle(folder))
    pieces = pre == SENTENCEPIECE
    added = {int(token["id"]): token for token in tokenizer.get("added_tokens") or []}
    plain = {index: text for text, index in tokenizer["model"]["vocab"].items()}
    texts: list[str] = []
    types: list[gguf.TokenType] = []
    for index in range(size):
        if index in added:
            text = added[index]["content"]
            special = added[index].get("special") or _LOOKS_SPECIAL.fullmatch(text)
            kind = gguf.TokenType.CONTROL if special else gguf.TokenType.USER_DEFINED
            if pieces and not special:
                text = text.replace(SPACE, " ")  # looked for in the text before spaces are replaced
            if pieces and text == tokenizer["model"].get("unk_token"):
                kind = gguf.TokenType.UNKNOWN
        elif index in plain:
            text, kind = plain[index], gguf.TokenType.NORMAL
            if pieces and _BYTE.fullmatch(text):
                kind = gguf.TokenType.BYTE
        else:
            # The embedding has more rows than the tokenizer tokens; the list has to be as long.
            text, kind = f"[PAD{index}]", gguf.TokenType.UNUSED
        texts.append(text)
        types.append(kind)
    bos, eos, pad = special_token_ids(
        folder, {token["content"]: index for index, token in added.items()}
    )
    return Vocabulary(
        pre=pre,
        texts=tuple(texts),
        types=tuple(types),
        merges=() if pieces else tuple(" ".join(pair) for pair in _merges(tokenizer)),
        scores=_piece_scores(tokenizer, texts) if pieces else (),
        bos=bos,
        eos=eos,
        pad=pad,
        # An engine that adds BOS removes the template's own, so there is one either way. Qwen's
        # templates write none, and an added one would be a token that training never saw.
        adds_bos=bos is not None and (texts[bos] in template or "bos_token" in template),
    )


def write_vocabulary(writer: gguf.GGUFWriter, vocabulary: Vocabulary) -> None:
    """Add the tokenizer's metadata."""
    # llama.cpp's names for SentencePiece and for byte-level BPE.
    writer.add_tokenizer_model("llama" if vocabulary.scores else "gpt2")
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list(vocabulary.texts)
    writer.add_token_types(vocabulary.types)
    if vocabulary.scores:
        writer.add_token_scores(vocabulary.scores)
        # None in front of a text: each text of ours is behind a control token.
        writer.add_add_space_prefix(False)
    else:
        writer.add_token_merges(vocabulary.merges)
    if vocabulary.bos is not None:
        writer.add_bos_token_id(vocabulary.bos)
    writer.add_eos_token_id(vocabulary.eos)
    if vocabulary.pad is not None:
        writer.add_pad_token_id(vocabulary.pad)
    writer.add_add_bos_token(vocabulary.adds_bos)
    writer.add_add_eos_token(False)


def _merges(tokenizer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the pairs of a BPE model, the one learnt first before others."""
    for one in tokenizer["model"]["merges"]:
        # A merge is "a b" in older files, ["a", "b"] in newer ones.
        left, right = one.split(" ") if isinstance(one, str) else one
        yield left, right


def _piece_scores(tokenizer: Mapping[str, Any], texts: Sequence[str]) -> tuple[float, ...]:
    """Return a score for each id: the earlier a piece is made by merges, the higher.

    SentencePiece's own scores are not in tokenizer.json; merges are in their order, so that any
    numbers in that order give the same pieces.
    """
    ranks: dict[str, int] = {}
    for rank, (left, right) in enumerate(_merges(tokenizer)):
        ranks.setdefault(left + right, rank)
    return tuple(-float(ranks.get(text, 0)) for text in texts)


_BYTE = re.compile(r"<0x[0-9A-F]{2}>")

_LOOKS_SPECIAL = re.compile(r"<\|.*\|>|<｜.*｜>", re.DOTALL)
"""Marks that llama.cpp's own converter makes control tokens, whatever their flag says: engines
parse those in a template, but not in the text of a user, who could otherwise end a turn."""


def special_token_ids(folder: Path, ids: Mapping[str, int]) -> tuple[int | None, int, int | None]:
    """Return the ids of BOS, EOS and PAD; `ids` are those of the added tokens."""
    settings = read_json(folder / TOKENIZER_CONFIG)
    configs: dict[str, Any] = {}
    # Later files override earlier ones: generation_config.json has the end that was trained, the
    # tokenizer's own may be that of the pre-trained model.
    for name in ("config.json", "generation_config.json"):
        if (folder / name).is_file():
            configs |= {k: v for k, v in read_json(folder / name).items() if v is not None}
    from_tokenizer: dict[str, int | None] = {}
    for key in ("bos_token", "eos_token", "pad_token"):
        # An AddedToken object in older files, its text in newer ones.
        value = settings.get(key)
        from_tokenizer[key] = ids.get(value["content"] if isinstance(value, dict) else str(value))
    end = configs.get("eos_token_id")
    eos = end[0] if isinstance(end, list) and end else end
    eos = from_tokenizer["eos_token"] if eos is None or isinstance(eos, list) else int(eos)
    bos = from_tokenizer["bos_token"]
    if eos is None:
        raise ExportError(
            Message("{folder} names no end token", folder=folder),
            hint=Message("merge again: python -m finetune merge RECIPE"),
        )
    bos = configs.get("bos_token_id") if bos is None else bos
    return bos, eos, from_tokenizer["pad_token"]
