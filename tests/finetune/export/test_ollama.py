"""Ollama: the model arrives whole and described, and what goes wrong is one clear line."""

import hashlib
import json
import re
import shutil
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from finetune.errors import ExportError
from finetune.export.modelfile import build_model_spec
from finetune.export.ollama import OllamaReport, export_to_ollama
from finetune.model.chat_format import chat_format
from finetune.progress import SilentProgress
from finetune.recipe import Recipe
from finetune.runs import Run
from tests.engines.ollama_create import CreatingOllama
from tests.finetune.export.conftest import Merged

R1 = chat_format("r1-think")


@pytest.fixture
def server() -> Iterator[CreatingOllama]:
    with CreatingOllama(answer="Check the propellers.", thought="Wind first.") as running:
        yield running


@pytest.fixture
def run(merged: Merged, tmp_path: Path) -> Run:
    """A run with a merged model, whose exports may be written."""
    shutil.copytree(merged.folder, tmp_path / "run" / "merged")
    return Run(tmp_path / "run")


def exported(recipe: Recipe, run: Run, server: CreatingOllama, **options: object) -> OllamaReport:
    return export_to_ollama(
        recipe,
        run,
        host=server.url,
        progress=SilentProgress(),
        **options,  # type: ignore[arg-type]
    )


def with_export(recipe: Recipe, **changes: object) -> Recipe:
    return recipe.model_copy(update={"export": recipe.export.model_copy(update=changes)})


def test_model_is_uploaded_created_and_verified(
    merged: Merged, run: Run, server: CreatingOllama
) -> None:
    report = exported(merged.recipe, run, server, verify=True)
    body = server.created["drone:latest"].body
    digest = f"sha256:{hashlib.sha256(report.gguf.read_bytes()).hexdigest()}"
    assert body["files"] == {"drone-f16.gguf": digest}
    assert body["quantize"] == "q4_K_M"
    assert body["template"] == R1.ollama_template
    assert body["parameters"] == {
        "stop": list(R1.stops),
        "num_ctx": 8192,
        "temperature": 0.6,
        "top_p": 0.95,
    }
    assert {check.name for check in report.checks} == {
        "capabilities", "template", "parameters", "prompt", "answer", "end", "marks"
    }  # fmt: skip
    assert all(check.passed for check in report.checks)


def test_file_that_the_server_has_is_not_sent_again(
    merged: Merged, run: Run, server: CreatingOllama
) -> None:
    exported(merged.recipe, run, server)
    exported(merged.recipe, run, server)
    assert server.uploads == 1


@pytest.mark.parametrize(
    ("quantize", "file", "asked"),
    [
        ("", "drone-f16.gguf", None),
        ("q8_0", "drone-q8_0.gguf", None),
        ("q4_K_S", "drone-f16.gguf", "q4_K_S"),
    ],
)
def test_what_we_can_write_is_written_and_the_rest_left_to_ollama(
    merged: Merged, run: Run, server: CreatingOllama, quantize: str, file: str, asked: str | None
) -> None:
    assert exported(merged.recipe, run, server, quantize=quantize).gguf.name == file
    assert server.created["drone:latest"].body.get("quantize") == asked


def test_licence_and_system_message_go_along(
    merged: Merged, run: Run, server: CreatingOllama
) -> None:
    (run.merged / "LICENSE").write_text("MIT, and so on")
    spoken = merged.recipe.model.model_copy(update={"system": "你是飞行教员。"})
    recipe = merged.recipe.model_copy(update={"model": spoken})
    assert all(check.passed for check in exported(recipe, run, server, verify=True).checks)
    body = server.created["drone:latest"].body
    assert (body["license"], body["system"]) == ("MIT, and so on", "你是飞行教员。")


def test_modelfile_lies_beside_the_gguf_for_those_who_create_by_hand(
    merged: Merged, run: Run, server: CreatingOllama
) -> None:
    report = exported(with_export(merged.recipe, license="Apache-2.0"), run, server)
    text = (report.gguf.parent / "Modelfile").read_text()
    assert text.startswith("FROM ./drone-f16.gguf\n")
    assert f'TEMPLATE """{R1.ollama_template}"""\n' in text
    assert 'PARAMETER stop "<｜User｜>"\n' in text
    assert "PARAMETER num_ctx 8192\n" in text
    assert 'LICENSE """Apache-2.0"""\n' in text


def test_missing_licence_file_is_named(merged: Merged) -> None:
    with pytest.raises(ExportError, match=r"TERMS\.txt"):
        build_model_spec(with_export(merged.recipe, license="TERMS.txt"), merged.folder)


def test_server_that_does_not_tell_prompts_still_passes(
    merged: Merged, run: Run, server: CreatingOllama
) -> None:
    server.renders = False
    checks = exported(merged.recipe, run, server, verify=True).checks
    assert [check.name for check in checks if check.passed is None] == ["prompt"]


def test_question_comes_from_the_data_that_was_held_out(
    merged: Merged, run: Run, server: CreatingOllama
) -> None:
    run.data.mkdir()
    row = {"id": "1", "turns": [{"user": "能夜飞吗？", "answer": "不能。"}]}
    (run.data / "val.jsonl").write_text(json.dumps(row) + "\n")
    exported(merged.recipe, run, server, verify=True)
    last = server.asked("/api/chat")[-1]
    assert last["messages"] == [{"role": "user", "content": "能夜飞吗？"}]
    assert last["options"]["temperature"] == 0


@pytest.mark.parametrize(
    ("change", "words", "hint"),
    [
        ({"capable": False}, "does not see that the model can think", "update Ollama"),
        ({"template_kept": False}, "its template differs from ours at character 4: ", "ollama rm"),
        ({"answer": " ", "thought": ""}, "answers a question with nothing", "diagnose"),
        ({"answer": " ", "thought": "Wind."}, "ends inside its thought", "diagnose"),
        (
            {"answer": " ", "thought": "Wind.", "done_reason": "length"},
            "cut at 512 tokens, inside its thought",
            "max_new_tokens=1024",
        ),
        ({"done_reason": "length"}, "its reply was cut at 512 tokens$", "max_new_tokens=1024"),
        ({"answer": "Yes<｜User｜>and"}, "writes <｜User｜> into its answer", "diagnose"),
    ],
)
def test_model_that_is_not_what_was_trained_fails_with_its_true_cause(
    merged: Merged, run: Run, change: dict[str, str], words: str, hint: str
) -> None:
    evaluate = merged.recipe.evaluate.model_copy(update={"max_new_tokens": 512})
    recipe = merged.recipe.model_copy(update={"evaluate": evaluate})
    with (
        replace(CreatingOllama(answer="Yes."), **change) as server,  # type: ignore[arg-type]
        pytest.raises(ExportError) as caught,
    ):
        exported(recipe, run, server, verify=True)
    assert re.search(words, str(caught.value.message))
    assert "is in Ollama, but" in str(caught.value.message)
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    ("refusal", "hint"),
    [
        ("write /models/blobs/sha256-1: no space left on device", "Ollama's disk"),
        ("unsupported quantization for this tensor", "--quantize q8_0"),
        ("llama runner process has terminated", "log"),
    ],
)
def test_refusal_is_one_line_and_the_file_stays(
    merged: Merged, run: Run, server: CreatingOllama, refusal: str, hint: str
) -> None:
    server.refusal = refusal
    with pytest.raises(ExportError, match=refusal) as caught:
        exported(merged.recipe, run, server)
    assert hint in caught.value.localize("en")
    assert "drone-f16.gguf" in caught.value.localize("zh")
    assert "\n" not in caught.value.localize("en")
    assert (run.exports / "gguf" / "drone-f16.gguf").stat().st_size > 1_000_000


def test_server_that_is_down_is_named_before_anything_is_written(merged: Merged, run: Run) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(ExportError, match=f"127.0.0.1:{port}") as caught:
        export_to_ollama(merged.recipe, run, host=f"127.0.0.1:{port}", progress=SilentProgress())
    assert "ollama serve" in caught.value.localize("en")
    assert not run.exports.exists()


def test_server_that_is_too_old_is_refused(
    merged: Merged, run: Run, server: CreatingOllama
) -> None:
    server.version = "0.5.7"
    with pytest.raises(ExportError, match=r"0\.5\.7 is too old") as caught:
        exported(merged.recipe, run, server)
    assert "0.9.0" in caught.value.localize("zh")


def test_server_that_breaks_off_is_one_line(
    merged: Merged, run: Run, server: CreatingOllama
) -> None:
    server.fail("not_json", path="/api/create")
    with pytest.raises(ExportError, match="broke off"):
        exported(merged.recipe, run, server)
    assert (run.exports / "gguf" / "drone-f16.gguf").is_file()


def test_web_server_that_is_no_ollama_is_refused(
    merged: Merged, run: Run, server: CreatingOllama
) -> None:
    server.fail("not_json", path="/api/version")
    with pytest.raises(ExportError, match="no Ollama"):
        exported(merged.recipe, run, server)
