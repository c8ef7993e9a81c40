"""Which models can be written as GGUF, read from config.json and tokenizer.json alone. No torch.

`check` says it before a training, `export` relies on it after one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finetune.model.base_model import read_config, read_tables
from ingest.foundation.messages import Message

ARCHITECTURES = {
    "Qwen2ForCausalLM": "qwen2",
    "Qwen3ForCausalLM": "qwen3",
    "LlamaForCausalLM": "llama",
    "MistralForCausalLM": "llama",
    "Gemma3ForCausalLM": "gemma3",
}
"""Class of transformers -> llama.cpp's name of the architecture."""

ROPE_TYPES = ("default", "llama3", "linear", "yarn")
"""Ways to scale rotary embeddings that GGUF can tell an engine of."""

GEMMA3_PATTERN = 6
"""Layers of which the last one sees the whole context; llama.cpp takes that for granted."""

_QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_LLAMA3 = _QWEN2.replace(r"\p{N}| ?", r"\p{N}{1,3}| ?")
PRE_TOKENIZERS = {_QWEN2: "qwen2", _LLAMA3: "llama-bpe"}
"""Regular expression that splits text before BPE -> llama.cpp's name for it (llama-vocab.cpp)."""

SENTENCEPIECE = "default"
"""The name for tokenizers that do not split text at all before BPE."""

R1_MARK = "<｜Assistant｜>"
"""DeepSeek's distills of Qwen split as Qwen does, but llama.cpp has a name of its own for them."""

SPACE = "▁"
"""How SentencePiece writes a space."""


def gguf_obstacle(folder: Path) -> Message | None:
    """Return why the model in `folder` cannot be written as GGUF, None if it can."""
    tokenizer = read_tables(folder / "tokenizer.json")
    if obstacle := architecture_obstacle(read_config(folder)):
        return obstacle
    return None if pre_tokenizer_name(tokenizer) else tokenizer_obstacle(folder)


def architecture_obstacle(config: Mapping[str, Any]) -> Message | None:
    """Return what in config.json GGUF has no place for, None if nothing."""
    named = str((config.get("architectures") or ["?"])[0])
    if named not in ARCHITECTURES:
        return Message("{named} cannot be written as GGUF here", named=named)
    rope = main_rope(
        {**(config.get("rope_scaling") or {}), **(config.get("rope_parameters") or {})}
    )
    kind = rope.get("rope_type") or rope.get("type") or "default"
    if kind not in ROPE_TYPES:
        return Message("unknown rope type {kind}", kind=kind)
    usual = all(
        (layer == "full_attention") == ((number + 1) % GEMMA3_PATTERN == 0)
        for number, layer in enumerate(config.get("layer_types") or ())
    )
    pattern = config.get("sliding_window_pattern", config.get("_sliding_window_pattern"))
    head = config.get("head_dim", 256)
    if ARCHITECTURES[named] == "gemma3" and not (
        usual
        and pattern in (None, GEMMA3_PATTERN)
        # llama.cpp scales the scores of all sizes but the 27B by the width of a head.
        and config.get("query_pre_attn_scalar", head) == head
        and not config.get("use_bidirectional_attention")
    ):
        return Message("llama.cpp does not know this shape of {named}", named=named)
    return None


def main_rope(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the rotary parameters of layers that see the whole context: Gemma 3 has two sets."""
    of_full_attention = parameters.get("full_attention")
    return of_full_attention if isinstance(of_full_attention, Mapping) else parameters


def tokenizer_obstacle(folder: Path) -> Message:
    """Return what is said of a tokenizer without a name in llama.cpp."""
    return Message(
        "llama.cpp has no name for how the tokenizer of {folder} cuts text", folder=folder
    )


def pre_tokenizer_name(tokenizer: Mapping[str, Any]) -> str | None:
    """Return llama.cpp's name for how a tokenizer splits text before BPE, None if it has none."""
    model = tokenizer.get("model") or {}
    if model.get("type") != "BPE":
        return None
    splitting = tokenizer.get("pre_tokenizer") or {}
    if model.get("byte_fallback"):
        # Mistral's turns spaces into "▁" and leaves the text in one piece; Gemma's looks for spaces
        # that its normalizer has replaced already.
        is_whole = not splitting or splitting.get("pattern") == {"String": " "}
        if splitting.get("type") == "Metaspace":
            is_whole = not splitting.get("split", True) and splitting.get("replacement") == SPACE
        return SENTENCEPIECE if is_whole else None
    steps = splitting.get("pretokenizers") or [splitting]
    patterns = [step["pattern"].get("Regex") for step in steps if step.get("type") == "Split"]
    if not patterns and any(step.get("use_regex", True) for step in steps):
        return "gpt-2"
    # A wrong name still loads, and then splits some texts differently: answers get worse without
    # any error. So the expression has to be equal to the letter.
    pre = PRE_TOKENIZERS.get(patterns[0]) if len(patterns) == 1 else None
    if pre is None or bool(model.get("ignore_merges")) != (pre == "llama-bpe"):
        return None
    marks = {token["content"] for token in tokenizer.get("added_tokens") or []}
    return "deepseek-r1-qwen" if pre == "qwen2" and R1_MARK in marks else pre
