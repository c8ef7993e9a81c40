"""Convert a byte-level BPE tokenizer from tokenizer.json to the metadata of a GGUF file."""

import re
from collections.abc import Mapping
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
"""Regular expression that splits text before BPE -> llama.cpp's name for it (llama-vocab.cpp)."""

R1_MARK = "<｜Assistant｜>"
"""DeepSeek's distills of Qwen split as Qwen does, but llama.cpp has a name of its own for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The tokenizer's part of a GGUF file; tuples are indexed by token id."""

    pre: str
    texts: tuple[str, ...]
    types: tuple[gguf.TokenType, ...]
    merges: tuple[str, ...]
    bos: int | None
    eos: int
    pad: int | None
    adds_bos: bool


def unsupported_model(what: Message) -> ExportError:
    """Return the error for a model that cannot be written as GGUF here, with another way."""
    return ExportError(
        what,
        hint=Message(
            "let Ollama convert it: write a Modelfile with FROM and the merged folder, then "
            "run ollama create NAME -f Modelfile"
        ),
    )


def read_vocabulary(folder: Path, *, size: int, template: str) -> Vocabulary:
    """Return the vocabulary of a model folder; `size` is the number of rows of its embedding.

    Raises:
        BaseModelError: tokenizer.json is missing or broken.
        ExportError: it is no byte-level BPE, or llama.cpp does not split text as it does.
    """
    tokenizer = read_json(folder / "tokenizer.json")
    added = {int(token["id"]): token for token in tokenizer.get("added_tokens") or []}
    pre = pre_tokenizer_name(tokenizer, {token["content"] for token in added.values()}, folder)
    plain = {index: text for text, index in tokenizer["model"]["vocab"].items()}
    texts: list[str] = []
    types: list[gguf.TokenType] = []
    for index in range(size):
        if index in added:
            text = added[index]["content"]
            special = added[index].get("special") or _LOOKS_SPECIAL.fullmatch(text)
            kind = gguf.TokenType.CONTROL if special else gguf.TokenType.USER_DEFINED
        elif index in plain:
            text, kind = plain[index], gguf.TokenType.NORMAL
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
        # A merge is "a b" in older files, ["a", "b"] in newer ones.
        merges=tuple(
            one if isinstance(one, str) else " ".join(one) for one in tokenizer["model"]["merges"]
        ),
        bos=bos,
        eos=eos,
        pad=pad,
        # An engine that adds BOS removes the template's own, so there is one either way. Qwen's
        # templates write none, and an added one would be a token that training never saw.
        adds_bos=bos is not None and (texts[bos] in template or "bos_token" in template),
    )


def write_vocabulary(writer: gguf.GGUFWriter, vocabulary: Vocabulary) -> None:
    """Add the tokenizer's metadata."""
    writer.add_tokenizer_model("gpt2")  # llama.cpp's name for byte-level BPE
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


def pre_tokenizer_name(tokenizer: Mapping[str, Any], added: set[str], folder: Path) -> str:
    """Return llama.cpp's name for how the tokenizer splits text before BPE."""
    model = tokenizer.get("model") or {}
    if model.get("type") != "BPE" or model.get("byte_fallback"):
        raise unsupported_model(
            Message("the tokenizer of {folder} is no byte-level BPE", folder=folder)
        )
    splitting = tokenizer.get("pre_tokenizer") or {}
    steps = splitting.get("pretokenizers") or [splitting]
    patterns = [step["pattern"].get("Regex") for step in steps if step.get("type") == "Split"]
    if not patterns and any(step.get("use_regex", True) for step in steps):
        return "gpt-2"
    # A wrong name still loads, and then splits some texts differently: answers get worse without
    # any error. So the expression has to be equal to the letter.
    pre = PRE_TOKENIZERS.get(patterns[0]) if len(patterns) == 1 else None
    if pre is None or bool(model.get("ignore_merges")) != (pre == "llama-bpe"):
        raise unsupported_model(
            Message(
                "llama.cpp has no name for how the tokenizer of {folder} cuts text", folder=folder
            )
        )
    return "deepseek-r1-qwen" if pre == "qwen2" and R1_MARK in added else pre


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
