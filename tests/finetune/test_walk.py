"""docs/finetuning.md, word for word: from a recipe to a model that is measurably better."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "finetuning.md"


def lines_of_the_walk() -> list[str]:
    found = re.search(r"<!-- walk -->\n```\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return found[1].splitlines()


@pytest.mark.timeout(900)
def test_the_walk_of_the_docs_ends_with_a_better_model(tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    variables = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    for line in lines_of_the_walk():
        done = subprocess.run(
            line,
            shell=True,
            cwd=tmp_path,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        assert "Warning" not in done.stderr, f"{line}\n{done.stderr}"

    run = tmp_path / "runs" / "drone-safety"
    summary = json.loads((run / "train" / "summary.json").read_text(encoding="utf-8"))
    assert summary["train_loss"] < summary["first_loss"] / 10
    comparison = json.loads((run / "evaluation" / "compare-base-adapter.json").read_text("utf-8"))
    assert comparison["differences"]["answer_rouge-l"]["verdict"] == "better"
    assert comparison["differences"]["stop"]["b"] > 90
    state = json.loads((run / "state.json").read_text(encoding="utf-8"))
    assert state["merge"]["argmax_equal"] == 1
    assert list((run / "export").rglob("*.gguf"))
    for page in ("report.html", "data/quality.html", "evaluation/compare-base-adapter.html"):
        assert "<script" not in (run / page).read_text(encoding="utf-8")
    card = (run / "card" / "README.md").read_text(encoding="utf-8")
    assert "base_model: toy-base" in card
    assert "ROUGE-L" in card


def test_steps_that_are_done_are_skipped_and_forced_ones_are_not(tmp_path: Path) -> None:
    def finetune(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "finetune", *arguments, "--lang", "en"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stderr

    finetune("init", "support")
    finetune("prepare", "support.toml")
    assert "prepare: done before" in finetune("prepare", "support.toml")
    assert "done before" not in finetune("prepare", "support.toml", "--force")
    with (tmp_path / "support.csv").open("a", encoding="utf-8") as file:
        file.write("你是云盘客服，请简短准确地回答。,能离线使用吗？,可以。\n")
    assert "done before" not in finetune("prepare", "support.toml")


WITHOUT = """
import sys
for name in ("torch", "transformers", "prometheus_client"):
    sys.modules[name] = None  # as Python has it where a module is not to be found
from finetune.__main__ import main
main("finetune")
"""


@pytest.mark.parametrize("command", ["evaluate --model base", "run", "serve"])
def test_what_the_extra_brings_is_named_with_the_command_that_installs_it(
    tmp_path: Path, command: str
) -> None:
    (tmp_path / "base").mkdir()
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}

    def finetune(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", WITHOUT, *arguments],
            cwd=tmp_path,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )

    finetune("init", "support", "--set", "model.base=base")
    name, *options = command.split()
    done = finetune(name, "support.toml", *options, "--lang", "en")
    assert done.returncode == 1
    assert "[finetune]" in done.stderr
    assert "error: this step takes " in done.stderr
    assert "bug" not in done.stderr
