"""Each way in which a model or run is broken is found, with the change that fixes it."""

import json
import math
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import gguf
import pytest
from torch import Tensor

from finetune.diagnose.checks.findings import Finding
from finetune.diagnose.diagnosis import CHECKS, Diagnosis, diagnose
from finetune.errors import BaseModelError, RecipeError, TrainingError
from finetune.model.tokenization import load_tokenizer
from finetune.progress import SilentProgress
from finetune.recipe import Recipe
from finetune.records import Record, Turn
from finetune.runs import Run
from finetune.train.log import TrainLog
from finetune.train.trainer import train
from tests.finetune.broken_models import (
    ROWS,
    damage,
    encode_samples,
    make_bilingual,
    prepared,
    recipe,
    train_by_heart,
    unwanted_thoughts,
    with_theta,
    without_token,
)
from tests.finetune.training_logs import logged

QUICK = {"r": 16, "alpha": 32, "lr": 5e-3, "batch": 4, "accumulate": 1, "log_every": 1}
LOOPS = [replace(one, turns=(Turn(user=one.last.user, answer="好的。" * 20),)) for one in ROWS]
BEHAVIOUR = {"template", "ending", "thinking", "repetition"}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with random weights whose tokenizer has the marks of R1 and of ChatML."""
    return make_bilingual(tmp_path_factory.mktemp("diagnosis") / "base")


@pytest.fixture(scope="module")
def sound(base: Path) -> Path:
    """A model that has learnt the rows in R1's format."""
    return train_by_heart(base, base.with_name("sound"), encode_samples(base))


@pytest.fixture(scope="module")
def looping(sound: Path) -> Path:
    """The same model, then trained to repeat one sentence."""
    return train_by_heart(sound, sound.with_name("looping"), encode_samples(sound, LOOPS), steps=15)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return prepared(tmp_path / "run")


def diagnosed(settings: Recipe, run: Run, model: str = "base") -> Diagnosis:
    return diagnose(settings, run, model, progress=SilentProgress())


def finding_of(diagnosis: Diagnosis, check: str) -> Finding:
    return next(one for one in diagnosis.findings if one.check == check)


def problems(diagnosis: Diagnosis) -> list[str]:
    return [one.check for one in diagnosis.problems]


def test_a_sound_model_is_found_sound_with_a_list_of_the_checks(sound: Path, run: Run) -> None:
    diagnosis = diagnosed(recipe(sound), run)
    assert diagnosis.problems == ()
    text = diagnosis.to_text("en")
    assert "nothing wrong found" in text
    assert "没有发现问题" in diagnosis.to_text("zh")
    checked, _, unchecked = text.partition("could not be looked at:")
    assert all(
        CHECKS[one.check].title.localize("en") in checked
        for one in diagnosis.findings
        if one.state == "sound"
    )
    assert CHECKS["overfit"].title.localize("en") in unchecked
    assert "log.jsonl" in unchecked


def test_nan_in_the_base_is_named_before_all_that_it_causes(
    sound: Path, run: Run, tmp_path: Path
) -> None:
    def poison(weights: dict[str, Tensor]) -> None:
        weights["model.layers.2.mlp.up_proj.weight"][0, 0] = math.nan

    diagnosis = diagnosed(recipe(damage(sound, tmp_path / "nan", poison), max_tokens=16), run)
    assert problems(diagnosis) == ["weights", "truncation"]
    first = diagnosis.problems[0]
    assert first.figures["broken"] == ["model.layers.2.mlp.up_proj.weight"]
    assert '"!!!!"' in first.message.localize("en")
    assert "base model anew" in first.fix.localize("en")
    assert all(
        finding_of(diagnosis, check).state == "unchecked" for check in BEHAVIOUR | {"overflow"}
    )


def overflow_in_half(weights: dict[str, Tensor]) -> None:
    weights["model.layers.1.mlp.down_proj.weight"] *= 1e6


def test_overflow_in_the_precision_of_training_is_fixed_by_another(
    sound: Path, run: Run, tmp_path: Path
) -> None:
    large = damage(sound, tmp_path / "large", overflow_in_half)
    first = diagnosed(recipe(large, precision="fp16"), run).problems[0]
    assert first.check == "overflow"
    assert first.figures == {"tried": ["fp32", "fp16"], "overflowing": ["fp16"]}
    assert "--set train.precision=bf16" in first.fix.localize("en")
    assert "--set train.precision=fp32" in first.fix.localize("zh")


def test_overflow_that_only_serving_can_meet_is_named_last(
    sound: Path, run: Run, tmp_path: Path
) -> None:
    large = damage(sound, tmp_path / "large", overflow_in_half)
    diagnosis = diagnosed(recipe(large, precision="fp32"), run)
    assert finding_of(diagnosis, "overflow").state == "sound"
    assert problems(diagnosis)[-1] == "serving"
    assert "--dtype bfloat16" in diagnosis.problems[-1].fix.localize("en")


def test_a_rope_theta_of_zero_explains_logits_of_nan(sound: Path, run: Run, tmp_path: Path) -> None:
    diagnosis = diagnosed(recipe(with_theta(sound, tmp_path / "theta", 0)), run)
    assert problems(diagnosis) == ["rope", "overflow"]
    assert "config.json from the base" in diagnosis.problems[0].fix.localize("en")
    assert finding_of(diagnosis, "overflow").figures["overflowing"] == ["fp32"]


def test_exports_without_rope_theta_are_to_be_written_again(sound: Path, run: Run) -> None:
    run.merged.mkdir()
    (run.merged / "config.json").write_text((sound / "config.json").read_text())
    write_gguf(run.exports / "whole.gguf", theta=10_000)
    write_gguf(run.exports / "broken.gguf", theta=0)
    (run.exports / "torn.gguf").write_bytes(b"GGUF")
    finding = finding_of(diagnosed(recipe(sound), run), "rope")
    assert finding.state == "wrong"
    assert {Path(name).name: theta for name, theta in finding.figures.items()} == {
        "config.json": 0,  # of the merged model, which comes last: Ollama reads the outer key
        "whole.gguf": 10_000,
        "broken.gguf": 0,
        "torn.gguf": 0,
    }
    assert "python -m finetune merge --force RECIPE" in finding.fix.localize("en")


def write_gguf(path: Path, *, theta: float) -> None:
    path.parent.mkdir(exist_ok=True)
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_rope_freq_base(theta)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def test_a_model_trained_with_eos_masked_does_not_end(base: Path, run: Run) -> None:
    end = load_tokenizer(base).eos_id
    endless = train_by_heart(
        base, base.with_name("endless"), without_token(encode_samples(base), end, masked=True)
    )
    first = diagnosed(recipe(endless), run).problems[0]
    assert first.check == "ending"
    assert first.figures["probability"] < 0.01
    assert first.figures["stop_rate"] == 0
    assert "python -m finetune train RECIPE" in first.fix.localize("en")


def test_the_format_to_set_is_named_for_a_model_of_r1_prompted_as_chatml(
    sound: Path, run: Run
) -> None:
    first = diagnosed(recipe(sound, fmt="chatml"), run).problems[0]
    assert first.check == "template"
    assert first.figures["chatml"] > first.figures["r1-think"] + 1
    assert first.figures["chat_template"] == first.figures["r1-think"]
    assert first.fix.localize("en").endswith("--set model.format=r1-think")


def test_marks_of_the_format_that_the_model_lacks_are_named(tiny: Path, run: Run) -> None:
    diagnosis = diagnosed(recipe(tiny, fmt="chatml"), run)
    first = diagnosis.problems[0]
    assert first.check == "template"
    assert "<|im_start|>" in first.message.localize("zh")
    assert first.fix.localize("en").endswith("--set model.format=r1-think")
    assert "im_start" in finding_of(diagnosis, "truncation").message.localize("en")
    assert "marks" in finding_of(diagnosis, "ending").message.localize("en")


def test_a_model_that_thinks_unasked_gets_the_thinking_format(sound: Path, run: Run) -> None:
    stubborn = train_by_heart(
        sound, sound.with_name("stubborn"), unwanted_thoughts(sound), steps=15
    )
    finding = finding_of(diagnosed(recipe(stubborn, fmt="r1-direct"), run), "thinking")
    assert finding.figures["tagged"] == 4
    assert finding.fix.localize("en").endswith("--set model.format=r1-think")


def test_a_model_trained_without_the_end_of_thought_is_recognized(base: Path, run: Run) -> None:
    close = load_tokenizer(base).control("</think>")
    open_ended = train_by_heart(
        base, base.with_name("open"), without_token(encode_samples(base), close)
    )
    diagnosis = diagnosed(recipe(open_ended), run)
    assert problems(diagnosis) == ["thinking"]
    assert diagnosis.problems[0].figures["unclosed"] == 4
    assert diagnosis.problems[0].figures["format_rate"] == 0


def test_a_looping_model_is_quoted(looping: Path, run: Run) -> None:
    finding = finding_of(diagnosed(recipe(looping), run), "repetition")
    assert finding.state == "wrong"
    assert finding.figures == {"loop_rate": 1.0, "looping_references": 0.0}
    assert "好的。好的。" in finding.message.localize("en")
    assert "--set evaluate.temperature=0.6" in finding.fix.localize("en")


def test_data_that_repeats_itself_is_named_as_the_cause_of_loops(
    looping: Path, tmp_path: Path
) -> None:
    run = prepared(tmp_path / "run", train=LOOPS, val=LOOPS)
    finding = finding_of(diagnosed(recipe(looping), run), "repetition")
    assert finding.figures["looping_references"] == 1
    assert "prepare --force" in finding.fix.localize("en")


def test_one_step_of_training_is_under_fit(base: Path, run: Run) -> None:
    settings = recipe(base, max_steps=1, **QUICK)
    train(settings, run, progress=SilentProgress())
    diagnosis = diagnosed(settings, run, "adapter")
    first = diagnosis.problems[0]
    assert diagnosis.model == "adapter"
    assert first.check == "underfit"
    assert first.figures["steps"] == 1
    assert first.fix.localize("en").endswith("--set train.max_steps=0")


def test_four_rows_learnt_by_heart_are_over_fit(sound: Path, tmp_path: Path) -> None:
    others = [
        Turn(user=f"无人机{n}可以飞多高？", think="看天气。", answer=f"{n}米。")
        for n in range(6, 10)
    ]
    rows = [Record(id=turn.user, turns=(turn,)) for turn in others]
    run = prepared(tmp_path / "run", train=rows, val=ROWS[:4])
    settings = recipe(sound, epochs=15, schedule="constant", **QUICK)
    train(settings, run, progress=SilentProgress())
    finding = finding_of(diagnosed(settings, run, "adapter"), "overfit")
    assert finding.state == "wrong"
    assert finding.figures["last"] > 2 * finding.figures["lowest"]
    assert "--set train.early_stop=2 --set train.dropout=0.1" in finding.fix.localize("en")


def test_nan_in_an_adapter_is_blamed_on_its_training(base: Path, run: Run) -> None:
    settings = recipe(base, max_steps=1, **QUICK)
    train(settings, run, progress=SilentProgress())
    whole = run.adapter.rename(run.folder / "whole")

    def poison(weights: dict[str, Tensor]) -> None:
        next(iter(weights.values()))[0, 0] = math.inf

    damage(whole, run.adapter, poison)
    first = diagnosed(settings, run, "adapter").problems[0]
    assert first.check == "weights"
    assert "lora_" in first.message.localize("en")
    assert "--set train.lr=0.001" in first.fix.localize("en")


def test_a_training_that_blew_up_is_not_taken_for_under_fit(base: Path, run: Run) -> None:
    settings = recipe(base, epochs=3, **{**QUICK, "lr": 1e6})
    with pytest.raises(TrainingError, match="not a finite number"):
        train(settings, run, progress=SilentProgress())
    progress = SilentProgress()
    diagnosis = diagnose(settings, run, "adapter", progress=progress)
    assert diagnosis.model == "base"
    assert "no adapter" in progress.notes[0].localize("en")
    assert finding_of(diagnosis, "divergence").state == "wrong"
    assert finding_of(diagnosis, "underfit").state == "unchecked"
    assert problems(diagnosis)[0] == "divergence"
    assert "train --resume" in diagnosis.problems[0].fix.localize("en")


def test_the_length_that_is_named_loses_no_sample(sound: Path, run: Run) -> None:
    finding = finding_of(diagnosed(recipe(sound, max_tokens=24), run), "truncation")
    assert finding.figures["dropped"] == finding.figures["samples"] == len(ROWS)
    assert "nothing is left" in finding.message.localize("en")
    named = re.search(r"--set train\.max_tokens=(\d+)", finding.fix.localize("en"))
    assert named is not None
    fixed = finding_of(diagnosed(recipe(sound, max_tokens=int(named[1])), run), "truncation")
    assert fixed.state == "sound"
    assert fixed.figures["dropped"] == 0


def test_a_missing_base_raises_unless_there_is_a_log_to_check(
    base: Path, run: Run, tmp_path: Path
) -> None:
    nowhere = recipe(tmp_path / "nowhere")
    with pytest.raises(BaseModelError, match="nowhere"):
        diagnosed(nowhere, run)
    run.train.mkdir()
    log = TrainLog(run.train)
    for one in logged([2.0, math.nan]):
        log.add(one)
    diagnosis = diagnosed(nowhere, run)
    assert problems(diagnosis) == ["divergence"]
    assert "nowhere" in finding_of(diagnosis, "weights").message.localize("zh")


def test_without_prepared_data_the_numerics_are_checked(sound: Path, tmp_path: Path) -> None:
    diagnosis = diagnosed(recipe(sound), Run(tmp_path / "empty"))
    assert diagnosis.problems == ()
    assert finding_of(diagnosis, "overflow").state == "sound"
    assert "prepare" in finding_of(diagnosis, "truncation").message.localize("en")
    assert "python -m finetune prepare RECIPE" in finding_of(
        diagnosis, "template"
    ).message.localize("en")


def test_without_torch_the_rest_is_checked_and_the_command_named(sound: Path, run: Run) -> None:
    output = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(sound), str(run.folder)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    ).stdout
    assert "this step takes torch: pip install" in output
    assert f"0 of {len(ROWS)} samples" in output


WITHOUT_TORCH = """
import sys
from pathlib import Path
sys.modules["torch"] = None  # as Python has it where a module is not to be found
from finetune.diagnose.diagnosis import diagnose
from finetune.progress import SilentProgress
from finetune.recipe import parse_recipe
from finetune.runs import Run
tables = {"name": "drones", "model": {"base": sys.argv[1]}, "data": {"files": ["x"]}}
recipe = parse_recipe(tables, source="drones.toml", folder=Path())
print(diagnose(recipe, Run(Path(sys.argv[2])), "base", progress=SilentProgress()).to_text("en"))
"""


def test_models_on_servers_and_missing_models_raise(base: Path, run: Run) -> None:
    with pytest.raises(RecipeError, match="cannot look into ollama:drones"):
        diagnosed(recipe(base), run, "ollama:drones")
    with pytest.raises(BaseModelError, match="merged"):
        diagnosed(recipe(base), run, "merged")


def test_all_findings_can_be_written_as_json(sound: Path, run: Run) -> None:
    values = json.loads(json.dumps(diagnosed(recipe(sound), run).to_json()))
    assert [one["cause"] for one in values["verdicts"]] == list(CHECKS)
    assert {one["state"] for one in values["verdicts"]} == {"sound", "unseen"}
    assert all(one["told"]["zh"] for one in values["verdicts"])
