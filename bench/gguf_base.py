"""A GGUF file as a model folder to train from: `python -m bench.gguf_base [--model NAME] FOLDER`.

Weights are dequantized by the `gguf` package, names and shapes are those that transformers reads.
Of the architectures llama and qwen2, with a byte-level BPE. What quantizing took from the weights
stays lost: they are the quantized model's, to the bit that float32 holds.

With llama-cpp-python it also says how far the two engines differ over one text: ids must be equal,
logits differ by what llama.cpp rounds while it multiplies quantized weights.
"""

import argparse
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

from bench.small_weights import MODELS, find_weights_of

TEXT = (
    "Green tea is steeped at 80 °C for 2 minutes; black tea at 95 °C.\n\n- Fly no higher than "
    "120 m.\n\tdef f(a<b): return {'é': 1}\nThe Swift drone weighs 1,250 g."
)
CONTROL = 3
"""Token type in GGUF: what no text can hold."""

QWEN2_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
ARCHITECTURES = {"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM"}


def write_base(source: Path, folder: Path) -> Path:
    """Write config, weights (float32) and tokenizer of a GGUF file into `folder`."""
    from gguf import GGUFReader

    reader = GGUFReader(source)
    values = {name: field.contents() for name, field in reader.fields.items()}
    kind = values["general.architecture"]
    folder.mkdir(parents=True, exist_ok=True)
    config = _config(values, kind, tied=all(one.name != "output.weight" for one in reader.tensors))
    (folder / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
    _write_weights(reader, folder, config)
    _write_tokenizer(values, folder, config)
    return folder


def _config(values: dict[str, Any], kind: str, *, tied: bool) -> dict[str, Any]:
    heads = values[f"{kind}.attention.head_count"]
    ids = {
        name: values.get(f"tokenizer.ggml.{name}_token_id") for name in ("bos", "eos", "padding")
    }
    return {
        "architectures": [ARCHITECTURES[kind]],
        "model_type": kind,
        "hidden_act": "silu",
        "hidden_size": values[f"{kind}.embedding_length"],
        "intermediate_size": values[f"{kind}.feed_forward_length"],
        "num_hidden_layers": values[f"{kind}.block_count"],
        "num_attention_heads": heads,
        "num_key_value_heads": values[f"{kind}.attention.head_count_kv"],
        "max_position_embeddings": values[f"{kind}.context_length"],
        "rms_norm_eps": values[f"{kind}.attention.layer_norm_rms_epsilon"],
        "rope_theta": values[f"{kind}.rope.freq_base"],
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": values[f"{kind}.rope.freq_base"],
        },
        "tie_word_embeddings": tied,
        "vocab_size": len(values["tokenizer.ggml.tokens"]),
        "bos_token_id": ids["bos"],
        "eos_token_id": ids["eos"],
        "pad_token_id": ids["padding"],
        "torch_dtype": "float32",
        "dtype": "float32",
    }


def _write_weights(reader: Any, folder: Path, config: dict[str, Any]) -> None:
    import gguf
    import torch
    from safetensors.torch import save_file

    arch = {"llama": gguf.MODEL_ARCH.LLAMA, "qwen2": gguf.MODEL_ARCH.QWEN2}[config["model_type"]]
    layers = config["num_hidden_layers"]
    names = gguf.get_tensor_name_map(arch, layers)
    # The map leads from transformers' names to GGUF's; here the way back is wanted.
    wanted = ["model.embed_tokens", "model.norm", "lm_head"]
    parts = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj")
    parts += ("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
    parts += ("input_layernorm", "post_attention_layernorm")
    wanted += [f"model.layers.{layer}.{part}" for layer in range(layers) for part in parts]
    back = {names.get_name(one): one for one in wanted}
    weights = {}
    for tensor in reader.tensors:
        stem, _, end = tensor.name.rpartition(".")
        if stem not in back:
            continue  # the factors of a rope that config.json describes
        array = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        array = array.reshape(tuple(reversed([int(size) for size in tensor.shape])))
        heads = {"attn_q": "num_attention_heads", "attn_k": "num_key_value_heads"}
        part = stem.rpartition(".")[2]
        if config["model_type"] == "llama" and part in heads:
            # llama.cpp's converter lays the halves of each head beside each other.
            rows = array.reshape(config[heads[part]], -1, 2, *array.shape[1:])
            array = rows.swapaxes(1, 2).reshape(array.shape)
        weights[f"{back[stem]}.{end}"] = torch.from_numpy(array.astype("float32").copy())
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _write_tokenizer(values: dict[str, Any], folder: Path, config: dict[str, Any]) -> None:
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers
    from tokenizers import pre_tokenizers as pre

    texts, types = values["tokenizer.ggml.tokens"], values["tokenizer.ggml.token_type"]
    merges = [tuple(one.split(" ", 1)) for one in values["tokenizer.ggml.merges"]]
    vocabulary = {text: number for number, text in enumerate(texts)}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    bytes_of = pre.ByteLevel(add_prefix_space=False, use_regex=False)
    if values["tokenizer.ggml.pre"] == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
        words: list[Any] = [pre.Split(Regex(QWEN2_WORDS), "isolated"), bytes_of]
    else:  # smollm: each digit alone, then the words of GPT-2
        words = [pre.Digits(individual_digits=True), pre.ByteLevel(add_prefix_space=False)]
    tokenizer.pre_tokenizer = pre.Sequence(words)
    tokenizer.decoder = decoders.ByteLevel()
    controls = [text for text, kind in zip(texts, types, strict=True) if kind == CONTROL]
    tokenizer.add_special_tokens(
        [AddedToken(one, special=True, normalized=False) for one in controls]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    table = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": texts[config["eos_token_id"]],
        "pad_token": texts[config["pad_token_id"]],
        "bos_token": None,
        "clean_up_tokenization_spaces": False,
        "model_max_length": config["max_position_embeddings"],
        "chat_template": values.get("tokenizer.chat_template", ""),
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(table, indent=1), encoding="utf-8")


def engine_difference(source: Path, folder: Path) -> tuple[bool, float, float]:
    """Return whether ids are equal, how far logits differ at most, and how many argmax are equal.

    Between llama.cpp with the file and transformers with the folder.
    """
    import numpy as np
    import torch
    from llama_cpp import Llama
    from transformers import AutoModelForCausalLM

    from finetune.model.tokenization import load_tokenizer

    ids = load_tokenizer(folder).plain(TEXT)
    engine = Llama(str(source), n_ctx=512, n_threads=1, logits_all=True, verbose=False)
    theirs = list(engine.tokenize(TEXT.encode(), add_bos=False, special=False))
    engine.eval(ids)
    logits = np.array(engine.scores[: len(ids)])
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.inference_mode():
        ours = model(torch.tensor([ids])).logits[0].numpy()
    equal = float((ours.argmax(-1) == logits.argmax(-1)).mean())
    return theirs == ids, float(np.abs(ours - logits).max()), equal


def main() -> int:
    """Write the folder, and say how far the engines differ."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", choices=sorted(MODELS), default="smollm2-135m")
    options = parser.parse_args()
    weights = find_weights_of(MODELS[options.model])
    if weights is None:
        return 1
    write_base(weights, options.folder)
    print(options.folder)
    if importlib.util.find_spec("llama_cpp") is not None:
        same, most, equal = engine_difference(weights, options.folder)
        print(f"ids equal: {same}; logits differ by {most:.3f}; likeliest token equal {equal:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
