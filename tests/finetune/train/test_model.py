"""A base model that cannot be trained is rejected with a hint."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from finetune.errors import BaseModelError, TrainingError
from finetune.train.adapters import add_lora, apply_adapter, check_adapter, fingerprint, save_origin
from finetune.train.hardware import Hardware, detect_hardware
from finetune.train.model import load_base
from tests.finetune.tiny import make_tiny
from tests.finetune.train.training_set import recipe

A100 = Hardware(device="cuda", name="A100", memory=40 << 30, capability=(8, 0))


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    """A base model that a test may break."""
    return Path(shutil.copytree(tiny, tmp_path / "base"))


def loading_error(base: Path | str, folder: Path = Path()) -> BaseModelError:
    with pytest.raises(BaseModelError) as caught:
        load_base(recipe(base, folder=folder), hardware=detect_hardware())
    return caught.value


def test_a_missing_folder_is_named_with_the_command_that_downloads_it(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "DeepSeek-R1-Distill-Qwen-1.5B"
    error = loading_error(str(folder))
    assert str(folder) in error.message.localize("en")
    command = f"hf download deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B --local-dir {folder}"
    assert command in error.hint.localize("en")
    assert command in error.hint.localize("zh")


def test_a_folder_is_looked_for_beside_the_recipe(tmp_path: Path) -> None:
    error = loading_error("models/Qwen2.5-0.5B-Instruct/", folder=tmp_path)
    place = tmp_path / "models" / "Qwen2.5-0.5B-Instruct"
    assert f"hf download Qwen/Qwen2.5-0.5B-Instruct --local-dir {place}" in error.hint.localize(
        "en"
    )


def test_a_name_of_a_hub_that_was_not_downloaded_is_named_with_its_command() -> None:
    assert "hf download nobody/no-such-model" in loading_error(
        "nobody/no-such-model"
    ).hint.localize("en")


def test_a_git_lfs_pointer_is_recognized(copy: Path) -> None:
    (copy / "model.safetensors").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3554214621\n"
    )
    assert "Git LFS" in loading_error(copy).message.localize("en")


def test_truncated_weights_are_rejected(copy: Path) -> None:
    whole = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    error = loading_error(copy)
    assert "is not a usable base model" in error.message.localize("en")
    assert "\n" not in error.localize("en")


def test_missing_weights_are_rejected_rather_than_filled_with_noise(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    assert "model.layers.1.mlp.up_proj.weight" in loading_error(copy).message.localize("en")


def test_a_config_of_another_shape_is_rejected(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"intermediate_size": 17}))
    assert "is not a usable base model" in loading_error(copy).message.localize("en")


def test_a_folder_without_a_config_is_rejected(copy: Path) -> None:
    (copy / "config.json").unlink()
    assert "is not a usable base model" in loading_error(copy).message.localize("en")


def test_a_tokenizer_with_more_tokens_than_the_model_is_rejected(copy: Path) -> None:
    tokenizer = json.loads((copy / "tokenizer.json").read_text(encoding="utf-8"))
    last = max(token["id"] for token in tokenizer["added_tokens"])
    more = tokenizer["added_tokens"][-1] | {"id": last + 1, "content": "<more>"}
    tokenizer["added_tokens"].append(more)
    (copy / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    assert "take tokenizer and weights from the same model" in loading_error(copy).hint.localize(
        "en"
    )


def test_a_layer_that_the_model_lacks_is_named_with_those_it_has(tiny: Path) -> None:
    wanted = recipe(tiny, targets=("q_proj", "query_key_value"))
    loaded = load_base(wanted, hardware=detect_hardware())
    with pytest.raises(BaseModelError, match="no linear layer query_key_value") as caught:
        add_lora(loaded, wanted.train)
    assert "q_proj" in caught.value.hint.localize("en")


def test_lora_is_added_to_the_named_layers_and_no_others(tiny: Path) -> None:
    wanted = recipe(tiny, targets=("q_proj", "v_proj"))
    model = add_lora(load_base(wanted, hardware=detect_hardware()), wanted.train)
    trained = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert trained
    assert all("q_proj.lora" in name or "v_proj.lora" in name for name in trained)


def test_a_head_that_shares_its_weights_with_the_embedding_is_rejected(tiny: Path) -> None:
    """Merged into the shared weights, what the head learnt would change the embedding as well."""
    wanted = recipe(tiny, targets=("q_proj", "lm_head"))
    loaded = load_base(wanted, hardware=detect_hardware())
    assert add_lora(loaded, wanted.train)
    tied = load_base(wanted, hardware=detect_hardware())
    tied.model.config.tie_word_embeddings = True
    with pytest.raises(BaseModelError, match="lm_head") as caught:
        add_lora(tied, wanted.train)
    assert '["all"]' in caught.value.hint.localize("zh")


def test_four_bits_without_cuda_are_rejected(tiny: Path) -> None:
    wanted = recipe(tiny, method="qlora")
    with pytest.raises(TrainingError, match="needs a CUDA GPU") as caught:
        load_base(wanted, hardware=detect_hardware(), quantized=True)
    assert 'method = "lora"' in caught.value.hint.localize("en")


def test_four_bits_without_bitsandbytes_name_the_command_that_brings_it(tiny: Path) -> None:
    with pytest.raises(TrainingError, match="needs bitsandbytes") as caught:
        load_base(recipe(tiny, method="qlora"), hardware=A100, quantized=True)
    assert caught.value.hint.localize("en") == "pip install 'qiuzheng[qlora]'"


def test_an_adapter_of_another_base_is_rejected(tiny: Path, tmp_path: Path) -> None:
    wanted = recipe(tiny)
    adapter = tmp_path / "adapter"
    loaded = load_base(wanted, hardware=detect_hardware())
    add_lora(loaded, wanted.train).save_pretrained(adapter)
    save_origin(adapter, loaded.folder, wanted)
    check_adapter(adapter, tiny)
    other = load_base(recipe(make_tiny(tmp_path / "other", seed=1)), hardware=detect_hardware())
    with pytest.raises(BaseModelError, match="was trained on another base"):
        apply_adapter(other, adapter)


def test_an_adapter_answers_as_it_did_when_it_was_saved(tiny: Path, tmp_path: Path) -> None:
    wanted = recipe(tiny)
    loaded = load_base(wanted, hardware=detect_hardware())
    adapted = add_lora(loaded, wanted.train).eval()
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    ids = torch.arange(8).unsqueeze(0)
    expected = adapted(ids).logits
    adapted.save_pretrained(tmp_path)
    save_origin(tmp_path, tiny, wanted)
    again = apply_adapter(load_base(wanted, hardware=detect_hardware()), tmp_path)
    torch.testing.assert_close(again.model(ids).logits, expected)


def test_an_adapter_that_does_not_say_its_base_is_rejected(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(BaseModelError, match="does not say on which base"):
        check_adapter(tmp_path, tiny)


def test_a_fingerprint_tells_models_of_one_shape_apart(copy: Path, tiny: Path) -> None:
    assert fingerprint(copy) == fingerprint(tiny)
    weights = load_file(copy / "model.safetensors")
    shape = weights["model.norm.weight"].shape
    save_file(weights | {"model.norm.weight": torch.zeros(shape)}, copy / "model.safetensors")
    assert fingerprint(copy) != fingerprint(tiny)
