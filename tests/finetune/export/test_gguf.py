"""GGUF: transformers and llama.cpp read the same model back."""

import json
import resource
import shutil
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedModel
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from finetune.errors import BaseModelError, ExportError
from finetune.export.config import compatible_config
from finetune.export.gguf import GgufKind, llama3_factors, write_gguf
from finetune.model.chat_format import chat_format, render_prompt
from finetune.model.tokenization import load_tokenizer
from tests.finetune.export.conftest import Merged

R1 = chat_format("r1-think")
IDS = torch.tensor([[5, 300, 41, 7, 900, 12, 88, 1200]])
NEW_TOKENS = 24
F32 = 0
"""ggml's number for F32: the engine's cache is F16 by default, which alone changes answers."""


def logits(model: PreTrainedModel) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model.eval()(input_ids=IDS).logits[0].float()
    return found


def loaded(folder: Path, gguf_file: str | None = None) -> PreTrainedModel:
    named = {"gguf_file": gguf_file} if gguf_file else {}
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, **named
    )
    return model


def fields(path: Path) -> dict[str, Any]:
    reader = gguf.GGUFReader(path)
    return {name: field.contents() for name, field in reader.fields.items()}


def copy_model(source: Path, target: Path, **config: object) -> Path:
    """Return a copy of a model folder with keys of its config changed; None deletes one."""
    shutil.copytree(source, target)
    old = json.loads((target / "config.json").read_text())
    new = {key: value for key, value in {**old, **config}.items() if value is not None}
    (target / "config.json").write_text(json.dumps(new))
    return target


@pytest.mark.parametrize(("kind", "off"), [("f32", 0.0), ("f16", 0.05), ("q8_0", 1.0)])
def test_transformers_reads_the_same_model_back(
    merged: Merged, tmp_path: Path, kind: GgufKind, off: float
) -> None:
    report = write_gguf(merged.folder, tmp_path / "m.gguf", kind=kind, chat_template=R1.jinja)
    ours = logits(loaded(tmp_path, "m.gguf"))
    theirs = logits(loaded(merged.folder))
    assert float((ours - theirs).abs().max()) <= off
    assert torch.equal(ours.argmax(-1), theirs.argmax(-1))
    assert report.architecture == "qwen2"
    assert report.bytes == (tmp_path / "m.gguf").stat().st_size


def test_metadata_is_complete(merged: Merged, tmp_path: Path) -> None:
    report = write_gguf(merged.folder, tmp_path / "m.gguf", kind="f16", chat_template=R1.jinja)
    found = fields(tmp_path / "m.gguf")
    tokenizer = load_tokenizer(merged.folder)
    assert found["qwen2.rope.freq_base"] == 10_000.0
    assert found["qwen2.context_length"] == 2048
    assert found["general.file_type"] == gguf.LlamaFileType.MOSTLY_F16
    assert found["tokenizer.ggml.pre"] == report.pre_tokenizer == "deepseek-r1-qwen"
    assert found["tokenizer.ggml.eos_token_id"] == tokenizer.eos_id
    assert found["tokenizer.ggml.bos_token_id"] == tokenizer.control(R1.bos)
    assert found["tokenizer.ggml.padding_token_id"] == tokenizer.pad_id
    assert found["tokenizer.chat_template"] == R1.jinja
    types = found["tokenizer.ggml.token_type"]
    assert types[tokenizer.eos_id] == gguf.TokenType.CONTROL
    assert types[tokenizer.control("<think>")] == gguf.TokenType.USER_DEFINED
    assert types[tokenizer.control("<｜User｜>")] == gguf.TokenType.CONTROL
    assert types[5] == gguf.TokenType.NORMAL


def test_bos_is_added_exactly_where_the_template_writes_one(merged: Merged, tmp_path: Path) -> None:
    for name, adds in (("r1-think", True), ("r1-direct", True), ("chatml", False)):
        out = tmp_path / f"{name}.gguf"
        template = chat_format(name).jinja  # type: ignore[arg-type]
        report = write_gguf(merged.folder, out, kind="f16", chat_template=template)
        assert report.adds_bos is adds
        assert fields(out)["tokenizer.ggml.add_bos_token"] is adds


def test_ids_beyond_the_vocabulary_are_unused(merged: Merged, tmp_path: Path) -> None:
    folder = copy_model(merged.folder, tmp_path / "wide", vocab_size=2048)
    weights = load_file(folder / "model.safetensors")
    wide = {
        name: torch.nn.functional.pad(one, (0, 0, 0, 2048 - one.shape[0]))
        if name in ("model.embed_tokens.weight", "lm_head.weight")
        else one
        for name, one in weights.items()
    }
    save_file(wide, folder / "model.safetensors", metadata={"format": "pt"})
    write_gguf(folder, tmp_path / "m.gguf", kind="f32", chat_template=R1.jinja)
    found = fields(tmp_path / "m.gguf")
    assert found["tokenizer.ggml.tokens"][2040] == "[PAD2040]"
    assert found["tokenizer.ggml.token_type"][2040] == gguf.TokenType.UNUSED


def test_tied_embedding_is_written_once(merged: Merged, tmp_path: Path) -> None:
    folder = copy_model(merged.folder, tmp_path / "tied", tie_word_embeddings=True)
    weights = load_file(folder / "model.safetensors")
    del weights["lm_head.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    report = write_gguf(folder, tmp_path / "m.gguf", kind="f32", chat_template=R1.jinja)
    assert report.tensors == merged_tensors(merged) - 1
    assert torch.equal(logits(loaded(tmp_path, "m.gguf")), logits(loaded(folder)))


def merged_tensors(merged: Merged) -> int:
    return len(load_file(merged.folder / "model.safetensors"))


def make_llama(source: Path, folder: Path, **changes: Any) -> Path:
    """Write a tiny Llama, heads grouped, with the tokenizer of `source`."""
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=json.loads((source / "config.json").read_text())["vocab_size"],
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        **changes,
    )
    model = LlamaForCausalLM(config)
    torch.nn.init.normal_(model.lm_head.weight, std=0.5)
    torch.nn.init.normal_(model.model.embed_tokens.weight, std=0.5)
    for layer in model.model.layers:
        torch.nn.init.normal_(layer.self_attn.q_proj.weight, std=0.5)
        torch.nn.init.normal_(layer.self_attn.k_proj.weight, std=0.5)
    model.save_pretrained(folder)
    written = json.loads((folder / "config.json").read_text())
    both = compatible_config(written, dtype="float32")
    (folder / "config.json").write_text(json.dumps(both))
    return folder


def test_llama_is_read_back_with_its_rows_reordered(merged: Merged, tmp_path: Path) -> None:
    folder = make_llama(merged.folder, tmp_path / "llama")
    report = write_gguf(folder, tmp_path / "m.gguf", kind="f32", chat_template=R1.jinja)
    assert report.architecture == "llama"
    assert torch.equal(logits(loaded(tmp_path, "m.gguf")), logits(loaded(folder)))
    written = {tensor.name: tensor.data for tensor in gguf.GGUFReader(tmp_path / "m.gguf").tensors}
    query = load_file(folder / "model.safetensors")["model.layers.0.self_attn.q_proj.weight"]
    assert not np.array_equal(written["blk.0.attn_q.weight"], query.numpy())


def test_frequencies_of_llama3_are_those_of_transformers(tmp_path: Path) -> None:
    scaling = {
        "rope_type": "llama3",
        "rope_theta": 500_000.0,
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    }
    config = LlamaConfig(
        hidden_size=512, num_attention_heads=4, rope_parameters=scaling, head_dim=128
    )
    theirs, _ = ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
    plain = 500_000.0 ** -(torch.arange(0, 128, 2) / 128)
    ours = plain / torch.from_numpy(llama3_factors(scaling, 128))
    assert torch.allclose(ours, theirs, rtol=1e-5)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"architectures": ["GemmaForCausalLM"]}, "GemmaForCausalLM"),
        ({"rope_theta": None, "rope_parameters": None}, "rope_theta"),
        ({"rope_theta": 0, "rope_parameters": {"rope_theta": 0}}, "rope_theta"),
        ({"rope_parameters": {"rope_theta": 1e4, "rope_type": "longrope"}}, "longrope"),
    ],
)
def test_an_unsupported_model_raises(
    merged: Merged, tmp_path: Path, config: dict[str, Any], words: str
) -> None:
    folder = copy_model(merged.folder, tmp_path / "model", **config)
    with pytest.raises(ExportError, match=words) as caught:
        write_gguf(folder, tmp_path / "m.gguf", kind="f16", chat_template=R1.jinja)
    assert "\n" not in caught.value.localize("zh")
    assert not (tmp_path / "m.gguf").exists()


def test_the_error_names_other_ways_to_serve_the_model(merged: Merged, tmp_path: Path) -> None:
    folder = copy_model(merged.folder, tmp_path / "model", architectures=["Phi3ForCausalLM"])
    with pytest.raises(ExportError) as caught:
        write_gguf(folder, tmp_path / "m.gguf", kind="f16", chat_template=R1.jinja)
    assert "--to vllm" in caught.value.localize("en")


def test_an_unknown_pre_tokenizer_raises(merged: Merged, tmp_path: Path) -> None:
    folder = copy_model(merged.folder, tmp_path / "model")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = r"\w+|\W"
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(ExportError, match="cuts text"):
        write_gguf(folder, tmp_path / "m.gguf", kind="f16", chat_template=R1.jinja)


def with_weight(source: Path, target: Path, value: float) -> Path:
    folder = copy_model(source, target)
    weights = load_file(folder / "model.safetensors")
    weights["model.layers.1.mlp.up_proj.weight"][3, 4] = value
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_a_weight_of_nan_raises(merged: Merged, tmp_path: Path) -> None:
    folder = with_weight(merged.folder, tmp_path / "model", float("nan"))
    with pytest.raises(ExportError, match=r"up_proj.*NaN") as caught:
        write_gguf(folder, tmp_path / "m.gguf", kind="f32", chat_template=R1.jinja)
    assert "diagnose" in caught.value.localize("en")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_weight_too_large_for_f16_raises_for_f16_alone(merged: Merged, tmp_path: Path) -> None:
    folder = with_weight(merged.folder, tmp_path / "model", 70_000.0)
    with pytest.raises(ExportError, match="F16"):
        write_gguf(folder, tmp_path / "m.gguf", kind="f16", chat_template=R1.jinja)
    assert write_gguf(folder, tmp_path / "m.gguf", kind="f32", chat_template=R1.jinja).tensors


def test_model_in_several_files_is_written_as_one(merged: Merged, tmp_path: Path) -> None:
    folder = copy_model(merged.folder, tmp_path / "many")
    (folder / "model.safetensors").unlink()
    loaded(merged.folder).save_pretrained(tmp_path / "parts", max_shard_size="1MB")
    for part in (tmp_path / "parts").glob("model-*.safetensors"):
        shutil.copy(part, folder)
    write_gguf(folder, tmp_path / "many.gguf", kind="f32", chat_template=R1.jinja)
    assert torch.equal(logits(loaded(tmp_path, "many.gguf")), logits(loaded(merged.folder)))
    next(iter(sorted(folder.glob("*.safetensors")))).unlink()
    with pytest.raises(BaseModelError, match="missing"):
        write_gguf(folder, tmp_path / "less.gguf", kind="f32", chat_template=R1.jinja)


def test_missing_weight_is_named(merged: Merged, tmp_path: Path) -> None:
    folder = copy_model(merged.folder, tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.2.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BaseModelError, match=r"blk\.2\.ffn_up"):
        write_gguf(folder, tmp_path / "m.gguf", kind="f16", chat_template=R1.jinja)


def test_a_full_disk_leaves_the_old_file(merged: Merged, tmp_path: Path) -> None:
    out = tmp_path / "m.gguf"
    out.write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
    try:
        with pytest.raises(ExportError, match="disk is full") as caught:
            write_gguf(merged.folder, out, kind="f16", chat_template=R1.jinja)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(out) in caught.value.localize("en")
    assert out.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["m.gguf"]


@pytest.mark.engine
@pytest.mark.parametrize("kind", ["f32", "f16"])
@pytest.mark.parametrize("family", ["qwen2", "llama"])
def test_llama_cpp_gives_the_same_greedy_answer(
    merged: Merged, tmp_path: Path, kind: GgufKind, family: str
) -> None:
    from llama_cpp import Llama

    folder = merged.folder if family == "qwen2" else make_llama(merged.folder, tmp_path / "llama")
    write_gguf(folder, tmp_path / "m.gguf", kind=kind, chat_template=R1.jinja)
    tokenizer = load_tokenizer(folder)
    text = "无人机 flies at 120 m!\n\n  two  spaces, 夜间 { } é"
    prompt = [tokenizer.control(R1.bos), *tokenizer.plain(text)]
    model = loaded(folder)
    with torch.inference_mode():
        whole = model.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            max_new_tokens=NEW_TOKENS,
            do_sample=False,
            eos_token_id=[],
            pad_token_id=0,
        )
    engine = Llama(
        str(tmp_path / "m.gguf"), n_ctx=512, n_threads=1, type_k=F32, type_v=F32, verbose=False
    )
    assert engine.tokenize(text.encode(), add_bos=True, special=False) == prompt
    drawn = engine.generate(prompt, temp=0.0, repeat_penalty=1.0)
    ours = [next(drawn) for _ in range(NEW_TOKENS)]
    engine.close()
    assert ours == whole[0, len(prompt) :].tolist()


@pytest.mark.engine
def test_llama_cpp_tokenizes_a_rendered_prompt_as_we_do(merged: Merged, tmp_path: Path) -> None:
    from llama_cpp import Llama

    write_gguf(merged.folder, tmp_path / "m.gguf", kind="f32", chat_template=R1.jinja)
    tokenizer = load_tokenizer(merged.folder)
    prompt = render_prompt(R1, system="你是教员。", history=(), user="Fly at night?")
    engine = Llama(str(tmp_path / "m.gguf"), n_ctx=512, n_threads=1, verbose=False)
    found = engine.tokenize(prompt.removeprefix(R1.bos).encode(), add_bos=True, special=True)
    engine.close()
    assert tokenizer.decode(found) == prompt
    assert found.count(tokenizer.control(R1.bos)) == 1
    assert tokenizer.control("<think>") in found
