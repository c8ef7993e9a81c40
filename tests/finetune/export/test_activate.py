"""Activation: the assistant's settings switch to the tuned model and back, nothing else changes."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.settings import load_settings
from finetune.errors import ExportError
from finetune.export.activate import activate, rollback
from finetune.pipeline import Pipeline
from finetune.progress import SilentProgress
from finetune.runs import Run
from ingest.foundation.errors import SettingsError
from tests.engines.ollama_create import CreatingOllama
from tests.engines.ollama_server import OllamaServer
from tests.finetune.export.conftest import Merged
from tests.finetune.export.tuned_models import recipe_of

ROOT = Path(__file__).parents[3]
COMMENTED = """\
# my settings
[search]
limit = 5   # few

[model]   # which one
name = "qwen3:8b"  # the big one
temperature = 0.3
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings file of an assistant that lives in a folder of its own."""
    monkeypatch.setenv("ASSISTANT_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "assistant.toml"


def open_pipeline(folder: Path) -> Pipeline:
    recipe = recipe_of(folder / "nowhere")
    return Pipeline(
        recipe=recipe, run=Run(folder / "run"), progress=SilentProgress(), language="en"
    )


def model() -> tuple[str, str]:
    """Return provider and name of the model in the assistant's settings."""
    table = load_settings().model
    return table.provider, table.name


def test_assistant_uses_the_tuned_model_and_after_rollback_the_one_before(file: Path) -> None:
    file.write_text(COMMENTED)
    assert model() == ("auto", "qwen3:8b")
    assert "--rollback" in activate("drone:latest").localize("en")
    assert model() == ("auto", "drone:latest")
    assert file.read_text() == COMMENTED.replace("qwen3:8b", "drone:latest")
    assert "qwen3:8b" in rollback().localize("zh")
    assert file.read_text() == COMMENTED
    assert model() == ("auto", "qwen3:8b")


def test_doctor_of_another_process_sees_the_tuned_model(file: Path) -> None:
    activate("drone-of-ours:latest")
    with OllamaServer(models=["drone-of-ours:latest"]) as server:
        done = subprocess.run(
            [sys.executable, "-m", "assistant", "doctor"],
            env={**os.environ, "OLLAMA_HOST": server.url, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert "drone-of-ours:latest" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "before",
    [
        b"",
        b"[search]\nlimit = 5\n",
        b"[model]\ntemperature = 0.3\n",
        b'model.name = "a:1"\n',
        b'model = { name = "a:1" }\n',
        '\ufeff[model]\r\nname = "b"\r\n'.encode(),
    ],
)
def test_rollback_restores_the_file_byte_for_byte(file: Path, before: bytes) -> None:
    file.write_bytes(before)
    activate("drone:latest")
    assert model() == ("auto", "drone:latest")
    rollback()
    assert file.read_bytes() == before


def test_provider_that_is_not_ollama_is_switched_and_given_back(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    before = '[model]\nprovider = "openai"\nhost = "http://127.0.0.1:1/v1"\nname = "gpt"\n'
    file.write_text(before)
    activate("drone:latest")
    assert model() == ("ollama", "drone:latest")
    assert load_settings().model.host == "http://127.0.0.1:11434"
    file.write_text(file.read_text() + "timeout = 9\n")
    rollback()
    assert file.read_text() == before + "timeout = 9\n"


def test_a_size_that_was_chosen_for_another_model_does_not_change_the_prompt(file: Path) -> None:
    before = '[model]\nname = "qwen3:32b"\nsize = "large"\n'
    file.write_text(before)
    activate("drone:latest")
    assert load_settings().model.size == "auto"
    rollback()
    assert file.read_text() == before


def test_file_that_was_not_there_is_gone_again(file: Path) -> None:
    activate("drone:latest")
    assert model() == ("auto", "drone:latest")
    rollback()
    assert not file.exists()


def test_edits_between_activation_and_rollback_stay(file: Path) -> None:
    file.write_text(COMMENTED)
    activate("drone:latest")
    file.write_text(file.read_text().replace("limit = 5", "limit = 7"))
    rollback()
    assert file.read_text() == COMMENTED.replace("limit = 5", "limit = 7")


def test_two_activations_are_undone_one_by_one(file: Path) -> None:
    file.write_text(COMMENTED)
    activate("one")
    activate("two")
    rollback()
    assert model() == ("auto", "one")
    rollback()
    assert file.read_text() == COMMENTED


def test_a_model_never_exported_to_ollama_is_not_activated(file: Path, tmp_path: Path) -> None:
    file.write_text(COMMENTED)
    pipeline = open_pipeline(tmp_path)
    with pipeline.run.step("export-gguf", "any"):
        pass
    with pytest.raises(ExportError, match="Ollama") as caught:
        pipeline.activate()
    assert "--to ollama" in caught.value.localize("zh")
    assert file.read_text() == COMMENTED


def test_the_name_exported_to_ollama_is_activated(file: Path, tmp_path: Path) -> None:
    pipeline = open_pipeline(tmp_path)
    with pipeline.run.step("export-ollama", "any") as figures:
        figures["model"] = "drone:1.5b"
    pipeline.activate()
    assert model() == ("auto", "drone:1.5b")


def test_export_to_another_ollama_is_not_taken_for_done(
    merged: Merged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = replace(
        open_pipeline(tmp_path), recipe=merged.recipe.model_copy(update={"folder": tmp_path})
    )
    (tmp_path / "rows.jsonl").touch()
    shutil.copytree(merged.folder, pipeline.run.merged)
    with pipeline.run.step("merge", pipeline.merge_digest()):
        pass
    with CreatingOllama() as one, CreatingOllama() as other:
        for server in (one, other):
            monkeypatch.setenv("OLLAMA_HOST", server.url)
            assert pipeline.export("ollama", quantize="f16")
            assert not pipeline.export("ollama", quantize="f16")
            assert list(server.created) == ["drone:latest"]


@pytest.mark.usefixtures("file")
def test_rollback_without_activation_raises_in_one_line() -> None:
    with pytest.raises(ExportError, match="no model was activated") as caught:
        rollback()
    assert "\n" not in caught.value.localize("zh")


@pytest.mark.usefixtures("file")
def test_an_overriding_environment_variable_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ASSISTANT_MODEL__NAME", "other")
    assert "$ASSISTANT_MODEL__NAME (other)" in activate("drone:latest").localize("en")


def test_broken_settings_are_left_alone(file: Path) -> None:
    file.write_text("[model\n")
    with pytest.raises(SettingsError, match="not valid TOML"):
        activate("drone:latest")
    assert file.read_text() == "[model\n"
    assert [path.name for path in file.parent.iterdir()] == ["assistant.toml"]
