"""Export targets: a folder, vLLM's folder, a GGUF file with its Modelfile."""

import json
import shlex
import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from finetune.errors import ExportError
from finetune.export.gguf import write_gguf
from finetune.export.gguf_check import check_gguf
from finetune.export.targets import ExportTarget, export
from finetune.export.vllm import serve_command
from finetune.model.chat_format import chat_format, render_prompt
from finetune.progress import SilentProgress
from finetune.runs import Run
from tests.finetune.export.conftest import Merged
from tests.finetune.tiny import make_tiny


@pytest.fixture
def run(merged: Merged, tmp_path: Path) -> Run:
    shutil.copytree(merged.folder, tmp_path / "run" / "merged")
    return Run(tmp_path / "run")


def test_folder_for_a_hub_is_a_whole_model_with_a_card(merged: Merged, run: Run) -> None:
    figures = export(merged.recipe, run, "hf", progress=SilentProgress()).figures()
    folder = Path(figures["folder"])
    model = AutoModelForCausalLM.from_pretrained(folder)
    original = AutoModelForCausalLM.from_pretrained(merged.folder)
    assert torch.equal(model.lm_head.weight, original.lm_head.weight)
    card = (folder / "README.md").read_text()
    assert card.startswith("---\nbase_model: tiny-r1\n")
    assert "lora" in card


def test_the_exported_template_renders_the_prompt_of_training(merged: Merged, run: Run) -> None:
    folder = Path(export(merged.recipe, run, "vllm", progress=SilentProgress()).figures()["folder"])
    tokenizer = AutoTokenizer.from_pretrained(folder)
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "能夜飞吗？"},
    ]
    found = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    chat = chat_format("r1-think")
    assert found == render_prompt(chat, system="Be brief.", history=(), user="能夜飞吗？")


def test_command_for_vllm_serves_the_exported_folder(merged: Merged, run: Run) -> None:
    figures = export(merged.recipe, run, "vllm", progress=SilentProgress()).figures()
    words = shlex.split(figures["command"])
    assert words[:2] == ["vllm", "serve"]
    assert Path(words[2], "config.json").is_file()
    assert Path(words[words.index("--chat-template") + 1]).is_file()
    assert words[words.index("--reasoning-parser") + 1] == "deepseek_r1"
    readme = (Path(words[2]) / "README.md").read_text()
    assert "vllm serve . " in readme
    assert "--chat-template chat_template.jinja" in readme


def test_vllm_gets_no_longer_context_than_the_model_reads(merged: Merged, run: Run) -> None:
    readable = json.loads((run.merged / "config.json").read_text())["max_position_embeddings"]
    assert merged.recipe.export.num_ctx > readable
    words = shlex.split(
        export(merged.recipe, run, "vllm", progress=SilentProgress()).figures()["command"]
    )
    assert words[words.index("--max-model-len") + 1] == str(readable)


@pytest.mark.parametrize("target", ["hf", "vllm"])
def test_sampling_changed_after_the_merge_is_exported_and_the_merged_model_stays(
    merged: Merged, run: Run, target: ExportTarget
) -> None:
    changed = merged.recipe.export.model_copy(update={"temperature": 0.2, "top_p": 0.5})
    recipe = merged.recipe.model_copy(update={"export": changed})
    before = (run.merged / "generation_config.json").read_bytes()
    folder = Path(export(recipe, run, target, progress=SilentProgress()).figures()["folder"])
    figures = json.loads((folder / "generation_config.json").read_text())
    assert (figures["temperature"], figures["top_p"], figures["do_sample"]) == (0.2, 0.5, True)
    assert figures["eos_token_id"] == json.loads(before)["eos_token_id"]
    assert (run.merged / "generation_config.json").read_bytes() == before


@pytest.mark.parametrize("name", ["chatml", "r1-direct"])
def test_model_that_does_not_think_gets_no_reasoning_parser(merged: Merged, name: str) -> None:
    model = merged.recipe.model.model_copy(update={"format": name})
    recipe = merged.recipe.model_copy(update={"model": model})
    assert "--reasoning-parser" not in serve_command(recipe, Path("/models/x"), context=8)


def test_gguf_comes_with_its_modelfile_and_is_verified_on_request(merged: Merged, run: Run) -> None:
    progress = SilentProgress()
    figures = export(
        merged.recipe, run, "gguf", quantize="f32", verify=True, progress=progress
    ).figures()
    assert (figures["max_difference"], figures["argmax_equal"]) == (0.0, 1.0)
    assert Path(figures["file"]).name == "drone-f32.gguf"
    assert (Path(figures["file"]).parent / "Modelfile").is_file()
    assert progress.notes == []
    assert json.dumps(figures)


def test_quantizations_that_only_ollama_makes_are_noted(merged: Merged, run: Run) -> None:
    progress = SilentProgress()
    figures = export(merged.recipe, run, "gguf", progress=progress).figures()
    assert figures["kind"] == "f16"
    assert "q4_K_M" in progress.notes[0].localize("zh")
    words = shlex.split(figures["command"])
    assert words[words.index("--quantize") + 1] == "q4_K_M"


def test_command_for_ollama_quotes_a_folder_with_spaces(merged: Merged, run: Run) -> None:
    spaced = Run(run.folder.rename(run.folder.with_name("my run")))
    figures = export(
        merged.recipe, spaced, "gguf", quantize="f16", progress=SilentProgress()
    ).figures()
    words = shlex.split(figures["command"])
    assert words[:3] == ["ollama", "create", "drone"]
    assert Path(words[words.index("-f") + 1]).is_file()
    assert "--quantize" not in words


def test_gguf_of_another_model_fails_its_check(merged: Merged, tmp_path: Path) -> None:
    other = make_tiny(tmp_path / "other", seed=9)
    template = chat_format("r1-think").jinja
    write_gguf(other, tmp_path / "other.gguf", kind="f32", chat_template=template)
    with pytest.raises(ExportError, match="agrees"):
        check_gguf(merged.folder, tmp_path / "other.gguf")


def test_a_run_without_a_merged_model_names_the_command(merged: Merged, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="merged") as caught:
        export(merged.recipe, Run(tmp_path / "none"), "hf", progress=SilentProgress())
    assert "finetune merge" in caught.value.localize("en")
