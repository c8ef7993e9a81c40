"""What is no whole model says what it is before anything is done with it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM

from finetune.errors import BaseModelError
from finetune.model.base_files import require_whole_model


def keep_adapter_alone(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()
    config = {"peft_type": "LORA", "base_model_name_or_path": "/models/qwen"}
    (folder / "adapter_config.json").write_text(json.dumps(config))


def keep_gguf_alone(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()
    (folder / "model-q8_0.gguf").write_bytes(b"GGUF")


def cut_weights(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def name_a_missing_shard(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    index = {"weight_map": {"a.weight": "model-00001-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def name_a_missing_older_shard(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    index = {"weight_map": {"a.weight": "pytorch_model-00001-of-00002.bin"}}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))


def cut_the_index(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a.wei')


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (keep_adapter_alone, "is an adapter of /models/qwen, and no base model"),
        (keep_gguf_alone, "holds a GGUF file"),
        (cut_weights, "model.safetensors is cut off or damaged"),
        (name_a_missing_shard, "there is no .*model-00001-of-00002.safetensors"),
        (name_a_missing_older_shard, "there is no .*pytorch_model-00001-of-00002.bin"),
        (cut_the_index, "model.safetensors.index.json is cut off or damaged"),
        (lambda folder: (folder / "model.safetensors").unlink(), "holds no weights"),
        (lambda folder: (folder / "config.json").write_text("{"), "names no architecture"),
        (lambda folder: (folder / "config.json").unlink(), "there is no .*config.json"),
    ],
)
def test_what_is_missing_or_of_another_kind_is_named(
    spoil: Callable[[Path], object], says: str, tiny_chatml: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_chatml, tmp_path / "base")
    require_whole_model(folder)
    spoil(folder)
    with pytest.raises(BaseModelError, match=says) as caught:
        require_whole_model(folder)
    assert caught.value.hint


def test_what_transformers_loads_is_not_refused(tiny_chatml: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_chatml, tmp_path / "base")
    index = {"weight_map": {"a.weight": "model-00001-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    config = json.loads((folder / "config.json").read_text())
    config.pop("architectures")
    (folder / "config.json").write_text(json.dumps(config))
    require_whole_model(folder)
    AutoModelForCausalLM.from_pretrained(folder)
