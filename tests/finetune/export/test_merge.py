"""Merging: the same logits from one folder, and the base's small files unchanged."""

import hashlib
import json
import pickle
import resource
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from finetune.errors import BaseModelError, ExportError
from finetune.export.config import compatible_config, rope_parameters
from finetune.export.gguf import write_gguf
from finetune.export.gguf_check import check_gguf
from finetune.export.merge import merge
from finetune.progress import SilentProgress
from finetune.runs import Run
from finetune.train.hardware import detect_hardware
from finetune.train.model import load_base
from finetune.train.trainer import train
from tests.finetune.export.conftest import Merged
from tests.finetune.export.tuned_models import add_adapter, recipe_of
from tests.finetune.tiny import make_tiny
from tests.finetune.train.training_set import prepared
from tests.finetune.train.training_set import recipe as training_recipe

IDS = torch.tensor([[5, 300, 41, 7, 900, 12, 88]])


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def logits(folder: Path) -> torch.Tensor:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.inference_mode():
        found: torch.Tensor = model(input_ids=IDS).logits
    return found


def test_merged_model_answers_as_base_and_adapter_do(tiny: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    recipe = recipe_of(tiny)
    adapted = add_adapter(recipe, run)
    report = merge(recipe, run, progress=SilentProgress())
    with torch.inference_mode():
        expected = adapted(input_ids=IDS).logits
    assert float((logits(run.merged) - expected).abs().max()) < 1e-3
    assert float((logits(tiny) - expected).abs().max()) > 0.1
    assert report.dtype == "float32"
    assert report.max_difference < 1e-3
    assert report.argmax_equal == 1.0
    assert report.parameters > 1_000_000
    assert json.loads(json.dumps(report.figures()))["bytes"] == report.bytes > 4_000_000


def pickled(tiny: Path, folder: Path, shards: int) -> Path:
    """Return the tiny model with its weights in one .bin file, or in several with their index."""
    base = Path(shutil.copytree(tiny, folder))
    weights = load_file(base / "model.safetensors")
    (base / "model.safetensors").unlink()
    if shards == 1:
        torch.save(weights, base / "pytorch_model.bin")
        return base
    places = {
        name: f"pytorch_model-0000{1 + at % shards}-of-0000{shards}.bin"
        for at, name in enumerate(sorted(weights))
    }
    for file in set(places.values()):
        held = {name: weights[name] for name, place in places.items() if place == file}
        torch.save(held, base / file)
    size = sum(weight.numel() * weight.element_size() for weight in weights.values())
    index = {"metadata": {"total_size": size}, "weight_map": places}
    (base / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    return base


@pytest.mark.parametrize("shards", [1, 3])
def test_a_base_of_pickled_weights_is_trained_merged_and_written(
    shards: int, tiny: Path, tmp_path: Path
) -> None:
    base = pickled(tiny, tmp_path / "old", shards)
    run = prepared(tmp_path / "run")
    quick = training_recipe(base, epochs=1)
    summary = train(quick, run, progress=SilentProgress())
    assert summary.parameters > 1_000_000
    report = merge(quick, run, progress=SilentProgress())
    assert report.argmax_equal == 1.0
    # Pickles are counted by their size, which is a little more than that of the weights.
    assert report.parameters == pytest.approx(summary.parameters, rel=0.15)
    assert float((logits(run.merged) - logits(tiny)).abs().max()) > 1e-3
    written = write_gguf(run.merged, tmp_path / "m.gguf", kind="f32", chat_template="")
    assert check_gguf(run.merged, written.path)["argmax_equal"] == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "pointer of Git LFS"),
        (pickle.dumps({"a": print}, protocol=2), "holds code besides weights"),
        (b"hello", "is broken"),
    ],
)
def test_a_pickle_that_is_more_or_less_than_weights_is_refused(
    content: bytes, words: str, tiny: Path, tmp_path: Path
) -> None:
    base = pickled(tiny, tmp_path / "old", 1)
    (base / "pytorch_model.bin").write_bytes(content)
    with pytest.raises(BaseModelError, match=words):
        load_base(recipe_of(base), hardware=detect_hardware())


def test_tokenizer_is_the_bases_byte_for_byte(merged: Merged, tiny: Path) -> None:
    assert sha256(merged.folder / "tokenizer.json") == sha256(tiny / "tokenizer.json")
    ours = json.loads((merged.folder / "tokenizer_config.json").read_text())
    theirs = json.loads((tiny / "tokenizer_config.json").read_text())
    template = (merged.folder / "chat_template.jinja").read_text()
    assert ours == {**theirs, "chat_template": template}
    assert "enable_thinking" in template


def test_config_is_read_alike_by_old_and_new_readers(merged: Merged) -> None:
    config = json.loads((merged.folder / "config.json").read_text())
    assert config["rope_theta"] == config["rope_parameters"]["rope_theta"] == 10_000.0
    assert config["torch_dtype"] == config["dtype"] == "float32"


def test_rope_base_may_stand_under_either_key() -> None:
    old = {"rope_theta": 1e6, "rope_scaling": {"type": "yarn", "factor": 4.0}}
    new = {"rope_parameters": {"rope_theta": 1e6, "rope_type": "yarn", "factor": 4.0}}
    assert rope_parameters(old)["rope_theta"] == rope_parameters(new)["rope_theta"] == 1e6
    assert rope_parameters(old)["rope_type"] == rope_parameters(new)["rope_type"] == "yarn"
    assert compatible_config(new, dtype="float16")["rope_scaling"]["factor"] == 4.0


@pytest.mark.parametrize("config", [{}, {"rope_theta": 0}, {"rope_parameters": {}}])
def test_missing_rope_base_raises(config: dict[str, object]) -> None:
    with pytest.raises(ExportError, match="rope_theta"):
        rope_parameters(config)


def test_generation_ends_with_the_token_that_was_trained(merged: Merged) -> None:
    settings = json.loads((merged.folder / "generation_config.json").read_text())
    tokenizer = json.loads((merged.folder / "tokenizer.json").read_text())
    ids = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    assert settings["eos_token_id"] == ids["<｜end▁of▁sentence｜>"]
    assert (settings["temperature"], settings["top_p"]) == (0.6, 0.95)


@pytest.mark.parametrize(("dtype", "bits"), [("float16", 16), ("bfloat16", 16)])
def test_half_precision_is_cast_last_and_stays_close(
    tiny: Path, tmp_path: Path, dtype: str, bits: int
) -> None:
    run = Run(tmp_path / "run")
    recipe = recipe_of(tiny)
    add_adapter(recipe, run)
    report = merge(recipe, run, progress=SilentProgress(), dtype=dtype)  # type: ignore[arg-type]
    assert report.bytes < report.parameters * bits / 8 * 1.1
    assert 0 < report.max_difference < 0.5
    assert report.argmax_equal > 0.9


def test_base_in_bf16_is_merged_in_fp32_and_saved_in_bf16(tiny: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(tiny, base)
    AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.bfloat16).save_pretrained(base)
    run = Run(tmp_path / "run")
    recipe = recipe_of(base)
    add_adapter(recipe, run)
    assert merge(recipe, run, progress=SilentProgress()).dtype == "bfloat16"
    assert json.loads((run.merged / "config.json").read_text())["torch_dtype"] == "bfloat16"


def test_a_fully_trained_model_is_copied_as_it_is(tiny: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    other = make_tiny(tmp_path / "other", seed=9)
    shutil.copytree(other, run.adapter)
    recipe = recipe_of(tiny, train={"method": "full"})
    from finetune.train.adapters import save_origin

    save_origin(run.adapter, tiny, recipe)
    assert merge(recipe, run, progress=SilentProgress()).argmax_equal == 1.0
    assert torch.equal(logits(run.merged), logits(other))


def test_adapter_of_another_base_raises(tiny: Path, tmp_path: Path) -> None:
    other = make_tiny(tmp_path / "other", seed=9)
    run = Run(tmp_path / "run")
    add_adapter(recipe_of(other), run)
    with pytest.raises(BaseModelError, match="another base") as caught:
        merge(recipe_of(tiny), run, progress=SilentProgress())
    assert "\n" not in caught.value.localize("zh")
    assert not run.merged.exists()


def test_quantised_base_raises(tiny: Path, tmp_path: Path) -> None:
    base = tmp_path / "base-4bit"
    shutil.copytree(tiny, base)
    config = json.loads((base / "config.json").read_text())
    quantised = {**config, "quantization_config": {"load_in_4bit": True}}
    (base / "config.json").write_text(json.dumps(quantised))
    run = Run(tmp_path / "run")
    recipe = recipe_of(base)
    add_adapter(recipe, run, base=tiny)
    with pytest.raises(BaseModelError, match="quantised"):
        merge(recipe, run, progress=SilentProgress())


def test_base_without_its_tokenizer_raises(tiny: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(tiny, base)
    run = Run(tmp_path / "run")
    recipe = recipe_of(base)
    add_adapter(recipe, run)
    (base / "tokenizer.json").unlink()
    with pytest.raises(BaseModelError, match=r"tokenizer\.json"):
        merge(recipe, run, progress=SilentProgress())


def test_a_run_without_an_adapter_names_the_command(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="adapter") as caught:
        merge(recipe_of(tiny), Run(tmp_path / "run"), progress=SilentProgress())
    assert "finetune train" in caught.value.localize("en")


def test_full_disk_is_one_line_and_nothing_is_left_behind(tiny: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    recipe = recipe_of(tiny)
    add_adapter(recipe, run)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(ExportError, match="disk is full") as caught:
            merge(recipe, run, progress=SilentProgress())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in caught.value.localize("zh")
    assert [path.name for path in run.folder.iterdir()] == ["adapter"]


def test_base_in_several_files_is_merged_alike(tiny: Path, tmp_path: Path) -> None:
    base = tmp_path / tiny.name
    shutil.copytree(tiny, base)
    (base / "model.safetensors").unlink()
    AutoModelForCausalLM.from_pretrained(tiny).save_pretrained(base, max_shard_size="1MB")
    assert len(list(base.glob("*.safetensors"))) > 2
    one, many = Run(tmp_path / "one"), Run(tmp_path / "many")
    for run, folder in ((one, tiny), (many, base)):
        recipe = recipe_of(folder)
        add_adapter(recipe, run)
        merge(recipe, run, progress=SilentProgress())
    assert torch.equal(logits(one.merged), logits(many.merged))


def test_model_merged_before_stays_when_merging_fails(tiny: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    recipe = recipe_of(tiny)
    add_adapter(recipe, run)
    merge(recipe, run, progress=SilentProgress())
    before = sha256(run.merged / "model.safetensors")
    broken = recipe_of(tiny, model={"format": "chatml"})
    with pytest.raises(BaseModelError, match="im_start"):
        merge(broken, run, progress=SilentProgress())
    assert sha256(run.merged / "model.safetensors") == before
    assert [path.name for path in run.folder.iterdir() if ".part" in path.name] == []
