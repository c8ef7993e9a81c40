"""Write a Qwen2 model folder (safetensors) as one GGUF file.

    python -m tests.engines.build_gguf tests/data/tiny_chat /tmp/tiny.gguf

Needs the packages gguf, safetensors and numpy, no torch. llama.cpp's own script refuses tokenizers
that it does not know. Weights stay F32: quantised models of this size crash the engine.
"""

import json
import sys
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from safetensors.numpy import load_file

PRE_TOKENIZER = "gpt-2"
"""Byte-level BPE without the digit rules of the real Qwen."""

PARTS = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
TOP = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}


def build_gguf(folder: Path, target: Path) -> None:
    """Write `target` from the model in `folder`."""
    config = json.loads((folder / "config.json").read_text())
    writer = gguf.GGUFWriter(target, "qwen2")
    writer.add_name(folder.name)
    _add_shape(writer, config)
    _add_tokenizer(writer, config, json.loads((folder / "tokenizer.json").read_text()))
    writer.add_chat_template((folder / "chat_template.jinja").read_text())
    for name, weight in load_file(folder / "model.safetensors").items():
        writer.add_tensor(tensor_name(name), weight.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tensor_name(name: str) -> str:
    """Return GGUF's name of a transformers weight."""
    if name in TOP:
        return TOP[name]
    _, _, layer, rest = name.split(".", 3)
    part, kind = rest.rsplit(".", 1)
    return f"blk.{layer}.{PARTS[part]}.{kind}"


def _add_shape(writer: gguf.GGUFWriter, config: dict[str, Any]) -> None:
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)


def _add_tokenizer(
    writer: gguf.GGUFWriter, config: dict[str, Any], tokenizer: dict[str, Any]
) -> None:
    vocabulary = {index: text for text, index in tokenizer["model"]["vocab"].items()}
    added = {token["id"]: token for token in tokenizer["added_tokens"]}
    texts, types = [], []
    for index in range(config["vocab_size"]):
        if index in added:
            special = added[index]["special"]
            texts.append(added[index]["content"])
            types.append(gguf.TokenType.CONTROL if special else gguf.TokenType.USER_DEFINED)
        else:
            texts.append(vocabulary.get(index, f"[PAD{index}]"))
            known = index in vocabulary
            types.append(gguf.TokenType.NORMAL if known else gguf.TokenType.UNUSED)
    merges = tokenizer["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(PRE_TOKENIZER)
    writer.add_token_list(texts)
    writer.add_token_types(types)
    writer.add_token_merges([each if isinstance(each, str) else " ".join(each) for each in merges])
    writer.add_bos_token_id(config["bos_token_id"])
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_pad_token_id(config["pad_token_id"])
    writer.add_add_bos_token(False)  # the chat template writes it


if __name__ == "__main__":
    build_gguf(Path(sys.argv[1]), Path(sys.argv[2]))
