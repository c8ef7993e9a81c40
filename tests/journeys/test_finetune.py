"""What goes wrong between data and a tuned model, in both languages: one line, nothing lost."""

import contextlib
import hashlib
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import filelock
import pytest
from safetensors.numpy import load_file, save_file

from tests.finetune.tiny import make_tiny
from tests.finetune_shell import RECIPE, finetune, refused, rows, write_rows
from tests.journeys.conftest import LONGEST_S, Shell, clean_environment

NEITHER = re.compile(r"\bNaN\b|Infinity")
"""What Python writes as JSON and no other language reads."""


@pytest.fixture
def shell(home: Path, tmp_path: Path) -> Shell:
    """A shell in a folder with a recipe and rows to learn from; the base model is not there."""
    (tmp_path / "small.toml").write_text(RECIPE, encoding="utf-8")
    write_rows(tmp_path / "rows.jsonl", rows(20))
    return Shell(variables=clean_environment(home), folder=tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small run that went through all steps. Never write into it."""
    folder = tmp_path_factory.mktemp("finished")
    make_tiny(folder / "base")
    (folder / "small.toml").write_text(RECIPE, encoding="utf-8")
    write_rows(folder / "rows.jsonl", rows(20))
    environment = clean_environment(tmp_path_factory.mktemp("home"))
    told = finetune(Shell(variables=environment, folder=folder), "run", "small.toml", "--json")
    assert json.loads(told.stdout)["export-gguf"]["bytes"] > 0
    return folder


@pytest.fixture
def trained(shell: Shell, finished: Path) -> Shell:
    """A shell in a copy of the run that went through all steps."""
    shutil.copytree(finished, shell.folder, dirs_exist_ok=True)
    return shell


def test_samples_that_are_all_too_long_are_warned_of_and_not_trained_on(trained: Shell) -> None:
    short = ("--set", "train.max_tokens=16")
    write_rows(trained.folder / "rows.jsonl", [{**row, "output": "长" * 40} for row in rows(20)])
    shown = finetune(trained, "check", "small.toml", *short, "--lang", "zh")
    assert "train.max_tokens" in shown.stdout
    told = refused(trained, "train", "small.toml", *short, code=2, languages=["en"])
    assert "train.max_tokens = 16" in told
    write_rows(trained.folder / "rows.jsonl", rows(20))
    assert "--force" in finetune(trained, "train", "small.toml").stderr  # it is still done


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("train.lrr=1e-3", "train.lr"),
        ("train.lr", "train.lr=2e-4"),
        ("=3", "train.lr=2e-4"),
        ("train.lr.x=1", "train.lr.x"),
        ("train.lr=fast", "fast"),
        ("train.lr=nan", "nan"),
        ("train=3", "train"),
        ("seed=1e400", "seed"),
        ("data.files=[]", "data.files"),
        ("data.files=rows.jsonl", "data.files"),
        ("name=a b", "name"),
        ("model.format=llama", "r1-think"),
        ("data.split={train=0.5}", "data.split"),
    ],
)
def test_a_change_that_makes_no_sense_is_named(shell: Shell, change: str, told: str) -> None:
    lines = refused(shell, "prepare", "small.toml", "--set", change, code=2)
    assert all(told in line for line in lines.splitlines())
    assert not re.search(r"[A-Z]\w+ (should|must) ", lines)  # pydantic's own words


def test_an_unknown_key_of_the_recipe_is_refused_with_the_nearest_one(shell: Shell) -> None:
    (shell.folder / "small.toml").write_text(RECIPE + "max_token = 3\n", encoding="utf-8")
    told = refused(shell, "prepare", "small.toml", code=2)
    assert told.count("evaluate.max_new_tokens") == 2


@pytest.mark.parametrize(
    "content",
    [b'name = "small', b"[train]\n[train]\n", b"\xff\xfe\x00", b"\x00", b"", b"name = 3"],
    ids=["unclosed", "twice", "no-utf8", "nul", "empty", "incomplete"],
)
def test_a_recipe_that_cannot_be_read_is_named(shell: Shell, content: bytes) -> None:
    (shell.folder / "small.toml").write_bytes(content)
    assert refused(shell, "check", "small.toml", code=2).count("small.toml") == 2


def test_what_is_not_there_is_named_with_what_to_write(shell: Shell) -> None:
    assert refused(shell, "check", "none.toml", code=2).count("init drone-safety") == 2
    assert refused(shell, "check", ".", code=2).count("init drone-safety") == 2
    assert refused(shell, "init", "drones", code=2).count("drone-safety") == 2
    (shell.folder / "rows.jsonl").unlink()
    assert refused(shell, "prepare", "small.toml", code=2).count("rows.jsonl") == 2


def test_a_recipe_that_is_there_already_is_not_written_over(shell: Shell) -> None:
    recipe = shell.folder / "support.toml"
    recipe.write_text("mine", encoding="utf-8")
    assert refused(shell, "init", "support", code=2).count("--into") == 2
    assert recipe.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("command", ["check", "train"])
def test_a_missing_base_model_is_named_with_its_folder_and_the_download(
    shell: Shell, command: str
) -> None:
    base = shell.folder / "models" / "DeepSeek-R1-Distill-Qwen-1.5B"
    told = refused(shell, command, "small.toml", "--set", f"model.base={base}")
    download = f"hf download deepseek-ai/{base.name} --local-dir {base}"
    assert told.count(download) == 2


def test_a_base_without_its_tokenizer_is_told(trained: Shell) -> None:
    (trained.folder / "base" / "tokenizer.json").unlink()
    assert refused(trained, "check", "small.toml").count("tokenizer.json") == 2


def test_a_base_without_a_chat_template_is_trained_with_ours(trained: Shell) -> None:
    path = trained.folder / "base" / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    del config["chat_template"]
    path.write_text(json.dumps(config), encoding="utf-8")
    assert "<think>" in finetune(trained, "check", "small.toml").stdout
    shown = finetune(trained, "train", "small.toml", "--dry-run", "1", "--json")
    assert json.loads(shown.stdout)["steps"] == 1


def test_an_adapter_is_not_put_into_another_base(trained: Shell) -> None:
    weights = trained.folder / "base" / "model.safetensors"
    save_file({name: -weight for name, weight in load_file(weights).items()}, weights)
    told = refused(trained, "merge", "small.toml", "--force", languages=["zh"])
    assert "model.base" in told


def test_a_full_disk_at_a_checkpoint_costs_nothing_that_was_saved(trained: Shell) -> None:
    more = ("train", "small.toml", "--resume", "--set", "train.max_steps=3")
    told = refused(trained, *more, languages=["zh"], before="ulimit -f 800")  # of 512 bytes each
    assert "checkpoint-2" in told
    assert "--resume" in told
    shown = json.loads(finetune(trained, *more, "--json").stdout)
    assert (shown["resumed_from"], shown["steps"]) == (2, 3)


def test_a_file_in_place_of_the_runs_folder_is_told(shell: Shell) -> None:
    (shell.folder / "runs").write_text("mine", encoding="utf-8")
    assert refused(shell, "prepare", "small.toml").count("--runs") == 2
    assert (shell.folder / "runs").read_text(encoding="utf-8") == "mine"


def test_ollama_down_at_export_is_told_and_the_merged_model_stays(trained: Shell) -> None:
    told = refused(trained, "export", "small.toml", "--to", "ollama", languages=["en"])
    assert "ollama serve" in told


@pytest.mark.parametrize(
    ("command", "first"),
    [
        (("merge", "small.toml"), "finetune train"),
        (("export", "small.toml"), "finetune train"),
        (("evaluate", "small.toml"), "finetune train"),
        (("compare", "small.toml", "base", "adapter"), "finetune evaluate"),
        (("card", "small.toml"), "finetune train"),
    ],
)
def test_a_step_before_its_time_names_the_one_to_do_first(
    shell: Shell, command: tuple[str, ...], first: str
) -> None:
    finetune(shell, "prepare", "small.toml")
    code = 1 if command[0] == "compare" else 2
    assert refused(shell, *command, code=code).count(first) == 2


def test_serving_before_merging_names_what_to_do_first(shell: Shell) -> None:
    finetune(shell, "prepare", "small.toml")
    told = refused(shell, "serve", "small.toml", "--port", "0", languages=["zh"])
    assert "finetune merge" in told


def test_a_report_of_nothing_names_what_to_do_first(shell: Shell) -> None:
    assert refused(shell, "report", "small.toml", code=2).count("finetune prepare") == 2
    assert not (shell.folder / "runs").exists()


def test_a_second_process_in_the_same_run_is_sent_away(shell: Shell) -> None:
    finetune(shell, "prepare", "small.toml")
    run = shell.folder / "runs" / "small"
    with filelock.FileLock(run / ".lock"):
        told = refused(shell, "prepare", "small.toml", "--force")
    assert told.count(str(run)) == 2
    assert finetune(shell, "prepare", "small.toml", "--force").code == 0


def test_ctrl_c_in_training_keeps_checkpoints_and_resume_goes_on(trained: Shell) -> None:
    command = ("train", "small.toml", "--force", "--set", "train.keep=1", "--set")
    long = [sys.executable, "-m", "finetune", *command, "train.max_steps=5000", "--lang", "zh"]
    checkpoints = trained.folder / "runs" / "small" / "train" / "checkpoints"
    before = hashlib.sha256(adapter_of(trained).read_bytes()).hexdigest()
    process = trained.start(*long)
    reached = wait_for_step(checkpoints, 3, process)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=LONGEST_S)
    assert process.returncode == 130, told
    assert told.splitlines()[-1] == "已停止"
    assert "Traceback" not in told
    assert hashlib.sha256(adapter_of(trained).read_bytes()).hexdigest() == before
    last = max(step_of(path) for path in checkpoints.glob("checkpoint-*"))
    shown = finetune(trained, *command, f"train.max_steps={last + 2}", "--resume", "--json")
    figures = json.loads(shown.stdout)
    assert figures["resumed_from"] >= reached
    assert figures["steps"] == last + 2


def adapter_of(shell: Shell) -> Path:
    return shell.folder / "runs" / "small" / "adapter" / "adapter_model.safetensors"


def wait_for_step(checkpoints: Path, step: int, process: subprocess.Popen[str]) -> int:
    """Return the step of a checkpoint at or after `step` that is whole, once there is one."""
    while process.poll() is None:
        with contextlib.suppress(OSError):  # the trainer deletes old ones while we look
            states = [*checkpoints.glob("checkpoint-*/trainer_state.json")]
            reached = max((step_of(path.parent) for path in states), default=0)
            if reached >= step:
                return reached
        time.sleep(0.05)
    raise AssertionError(process.communicate())


def step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def test_a_reader_that_leaves_is_no_error(trained: Shell) -> None:
    process = trained.start(sys.executable, "-m", "finetune", "check", "small.toml", "--quiet")
    assert process.stdout is not None
    process.stdout.close()  # as `head` does once it has seen enough, only sooner
    assert process.stderr is not None
    told = process.stderr.read()
    assert process.wait(timeout=LONGEST_S) == 141
    assert told == ""


def test_output_may_go_into_head(trained: Shell) -> None:
    line = f"{sys.executable} -m finetune check small.toml | head -1"
    shown = trained("/bin/sh", "-c", line)
    assert shown.stdout.startswith("small · r1-think")
    assert shown.stdout.count("\n") == 1
    assert "rror" not in shown.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("prepare",),
        ("check",),
        ("train",),
        ("diagnose",),
        ("evaluate", "--model", "base"),
        ("evaluate",),
        ("compare", "base", "adapter"),
        ("merge",),
        ("export",),
        ("report",),
        ("card",),
    ],
    ids=" ".join,
)
def test_json_is_one_value_on_stdout_and_nothing_else(
    trained: Shell, command: tuple[str, ...]
) -> None:
    shown = finetune(trained, command[0], "small.toml", *command[1:], "--json")
    assert isinstance(json.loads(shown.stdout), dict)
    assert not NEITHER.search(shown.stdout)
    assert shown.stderr == ""


def test_json_of_a_step_that_fails_leaves_stdout_empty(shell: Shell) -> None:
    assert refused(shell, "merge", "small.toml", "--json", code=2).count("train") >= 2
