"""A byte-level BPE tokenizer, from tokenizer.json to the metadata of a GGUF file."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf

from finetune.errors import ExportError
from finetune.export.config import TOKENIZER_CONFIG, read_json
from ingest.foundation.messages import Message

_QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_LLAMA3 = _QWEN2.replace(r"\p{N}| ?", r"\p{N}{1,3}| ?")
PRE_TOKENIZERS = {_QWEN2: "qwen2", _LLAMA3: "llama-bpe"}
"""How text is cut before BPE -> llama.cpp's name of it (src/llama-vocab.cpp)."""

R1_MARK = "<｜Assistant｜>"
"""DeepSeek's distills of Qwen cut as Qwen does; llama.cpp has a name of its own for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What a GGUF file holds of a tokenizer; lists run by token id."""

    pre: str
    texts: tuple[str, ...]
    types: tuple[gguf.TokenType, ...]
    merges: tuple[str, ...]
    bos: int | None
    eos: int
    pad: int | None
    adds_bos: bool


def not_ours(what: Message) -> ExportError:
    """Return the error for a model that we cannot write as GGUF, with another way to Ollama."""
    return ExportError(
        what,
        hint=Message(
            "let Ollama convert it: write a Modelfile with FROM and the merged folder, then "
            "run ollama create NAME -f Modelfile"
        ),
    )


def read_vocabulary(folder: Path, *, size: int, template: str) -> Vocabulary:
    """Return the vocabulary of a model folder, `size` tokens long as its embedding is.

    Raises:
        BaseModelError: tokenizer.json is missing or broken.
        ExportError: it is no byte-level BPE whose cutting llama.cpp knows.
    """
    whole = read_json(folder / "tokenizer.json")
    added = {int(token["id"]): token for token in whole.get("added_tokens") or []}
    pre = _pre_tokenizer(whole, {token["content"] for token in added.values()}, folder)
    texts, types = zip(*_tokens(whole["model"]["vocab"], added, size), strict=True)
    bos, eos, pad = _ends(folder, {token["content"]: index for index, token in added.items()})
    return Vocabulary(
        pre=pre,
        texts=texts,
        types=types,
        merges=tuple(m if isinstance(m, str) else " ".join(m) for m in whole["model"]["merges"]),
        bos=bos,
        eos=eos,
        pad=pad,
        adds_bos=bos is not None and (texts[bos] in template or "bos_token" in template),
    )


def write_vocabulary(writer: gguf.GGUFWriter, vocabulary: Vocabulary) -> None:
    """Add the tokenizer's metadata."""
    writer.add_tokenizer_model("gpt2")  # llama.cpp's word for byte-level BPE
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list(vocabulary.texts)
    writer.add_token_types(vocabulary.types)
    writer.add_token_merges(vocabulary.merges)
    if vocabulary.bos is not None:
        writer.add_bos_token_id(vocabulary.bos)
    writer.add_eos_token_id(vocabulary.eos)
    if vocabulary.pad is not None:
        writer.add_pad_token_id(vocabulary.pad)
    writer.add_add_bos_token(vocabulary.adds_bos)
    writer.add_add_eos_token(False)


def _pre_tokenizer(whole: Mapping[str, Any], added: set[str], folder: Path) -> str:
    model = whole.get("model") or {}
    if model.get("type") != "BPE" or model.get("byte_fallback"):
        raise not_ours(Message("the tokenizer of {folder} is no byte-level BPE", folder=folder))
    cutting = whole.get("pre_tokenizer") or {}
    steps = cutting.get("pretokenizers") or [cutting]
    patterns = [step["pattern"].get("Regex") for step in steps if step.get("type") == "Split"]
    if not patterns and any(step.get("use_regex", True) for step in steps):
        return "gpt-2"
    pre = PRE_TOKENIZERS.get(patterns[0]) if len(patterns) == 1 else None
    if pre is None or bool(model.get("ignore_merges")) != (pre == "llama-bpe"):
        raise not_ours(
            Message(
                "llama.cpp has no name for how the tokenizer of {folder} cuts text", folder=folder
            )
        )
    return "deepseek-r1-qwen" if pre == "qwen2" and R1_MARK in added else pre


_LOOKS_SPECIAL = re.compile(r"<\|.*\|>|<｜.*｜>", re.DOTALL)
"""Marks that llama.cpp's own converter takes for control tokens, whatever their flag says: it then
finds them in a prompt only where it is asked to, never in what a user typed."""


def _tokens(
    vocabulary: Mapping[str, int], added: Mapping[int, Mapping[str, Any]], size: int
) -> Iterator[tuple[str, gguf.TokenType]]:
    """Yield text and type of each token; ids that nothing has are UNUSED."""
    plain = {index: text for text, index in vocabulary.items()}
    for index in range(size):
        if index in added:
            text = added[index]["content"]
            special = added[index].get("special") or _LOOKS_SPECIAL.fullmatch(text)
            yield text, gguf.TokenType.CONTROL if special else gguf.TokenType.USER_DEFINED
        elif index in plain:
            yield plain[index], gguf.TokenType.NORMAL
        else:
            yield f"[PAD{index}]", gguf.TokenType.UNUSED


def _ends(folder: Path, ids: Mapping[str, int]) -> tuple[int | None, int, int | None]:
    """Return the ids of BOS, EOS and PAD.

    What generation_config.json says of EOS counts most: it is what the model was trained to end
    with, where the tokenizer's own may be that of the pre-trained model.
    """
    settings = read_json(folder / TOKENIZER_CONFIG)
    numbers: dict[str, Any] = {}
    for name in ("config.json", "generation_config.json"):
        if (folder / name).is_file():
            numbers |= {k: v for k, v in read_json(folder / name).items() if v is not None}

    def named(key: str) -> int | None:
        value = settings.get(key)
        return ids.get(value["content"] if isinstance(value, dict) else str(value))

    end = numbers.get("eos_token_id")
    eos = end[0] if isinstance(end, list) and end else end
    eos = named("eos_token") if eos is None or isinstance(eos, list) else int(eos)
    bos = named("bos_token")
    if eos is None:
        raise ExportError(
            Message("{folder} names no end token", folder=folder),
            hint=Message("merge again: python -m finetune merge RECIPE"),
        )
    return (numbers.get("bos_token_id") if bos is None else bos), eos, named("pad_token")
