"""A model or run that is broken in one way is told so, with the change that mends it."""

import json
import math
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import gguf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from finetune.diagnose.checks.evidence import Evidence
from finetune.diagnose.checks.learning import overfit, underfit
from finetune.diagnose.checks.numbers import divergence
from finetune.diagnose.checks.verdicts import NAMES, Finding
from finetune.diagnose.diagnosis import RULES, Diagnosis, diagnose
from finetune.errors import BaseModelError, RecipeError, TrainingError
from finetune.model.tokenization import load_tokenizer
from finetune.progress import SilentProgress
from finetune.recipe import Recipe
from finetune.records import Record, Turn
from finetune.runs import Run
from finetune.train.log import LogEntry, TrainLog
from finetune.train.trainer import train
from tests.finetune.broken_models import (
    ROWS,
    damaged,
    lessons,
    make_bilingual,
    prepared,
    recipe,
    teach,
    unasked_thoughts,
    with_theta,
    without,
)

QUICK = {"r": 16, "alpha": 32, "lr": 5e-3, "batch": 4, "accumulate": 1, "log_every": 1}
LOOPS = [replace(one, turns=(Turn(user=one.last.user, answer="好的。" * 20),)) for one in ROWS]
BEHAVIOUR = {"template", "ending", "thinking", "repetition"}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with random weights that knows the marks of R1 and of ChatML."""
    return make_bilingual(tmp_path_factory.mktemp("diagnosis") / "base")


@pytest.fixture(scope="module")
def sound(base: Path) -> Path:
    """A model that has learnt the rows in R1's format."""
    return teach(base, base.with_name("sound"), lessons(base))


@pytest.fixture(scope="module")
def looping(sound: Path) -> Path:
    """The same model, which has then learnt to say one thing again and again."""
    return teach(sound, sound.with_name("looping"), lessons(sound, LOOPS), steps=15)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return prepared(tmp_path / "run")


def look(rules: Recipe, run: Run, model: str = "base") -> Diagnosis:
    return diagnose(rules, run, model, progress=SilentProgress())


def of(diagnosis: Diagnosis, cause: str) -> Finding:
    return next(one for one in diagnosis.verdicts if one.cause == cause)


def causes(diagnosis: Diagnosis) -> list[str]:
    return [one.cause for one in diagnosis.findings]


def test_a_sound_model_is_told_to_be_sound_with_what_was_looked_at(sound: Path, run: Run) -> None:
    diagnosis = look(recipe(sound), run)
    assert diagnosis.findings == ()
    text = diagnosis.to_text("en")
    assert "nothing wrong found" in text
    assert "没有发现问题" in diagnosis.to_text("zh")
    seen, _, unseen = text.partition("could not be looked at:")
    assert all(
        NAMES[one.cause].localize("en") in seen
        for one in diagnosis.verdicts
        if one.state == "sound"
    )
    assert NAMES["overfit"].localize("en") in unseen
    assert "log.jsonl" in unseen


def test_nan_in_the_base_is_named_before_all_that_it_causes(
    sound: Path, run: Run, tmp_path: Path
) -> None:
    def poison(weights: dict[str, Tensor]) -> None:
        weights["model.layers.2.mlp.up_proj.weight"][0, 0] = math.nan

    diagnosis = look(recipe(damaged(sound, tmp_path / "nan", poison), max_tokens=16), run)
    assert causes(diagnosis) == ["weights", "truncation"]
    first = diagnosis.findings[0]
    assert first.figures["broken"] == ["model.layers.2.mlp.up_proj.weight"]
    assert '"!!!!"' in first.told.localize("en")
    assert "base model anew" in first.change.localize("en")
    assert all(of(diagnosis, cause).state == "unseen" for cause in BEHAVIOUR | {"overflow"})


def overflow_in_half(weights: dict[str, Tensor]) -> None:
    weights["model.layers.1.mlp.down_proj.weight"] *= 1e6


def test_a_model_that_overflows_in_the_precision_of_its_training_is_sent_to_another(
    sound: Path, run: Run, tmp_path: Path
) -> None:
    large = damaged(sound, tmp_path / "large", overflow_in_half)
    first = look(recipe(large, precision="fp16"), run).findings[0]
    assert first.cause == "overflow"
    assert first.figures == {"tried": ["fp32", "fp16"], "overflowing": ["fp16"]}
    assert "--set train.precision=bf16" in first.change.localize("en")
    assert "--set train.precision=fp32" in first.change.localize("zh")


def test_a_model_that_overflows_only_where_it_may_be_served_is_told_so_last(
    sound: Path, run: Run, tmp_path: Path
) -> None:
    large = damaged(sound, tmp_path / "large", overflow_in_half)
    diagnosis = look(recipe(large, precision="fp32"), run)
    assert of(diagnosis, "overflow").state == "sound"
    assert causes(diagnosis)[-1] == "serving"
    assert "--dtype bfloat16" in diagnosis.findings[-1].change.localize("en")


def test_positions_without_a_base_are_the_cause_of_logits_that_are_no_numbers(
    sound: Path, run: Run, tmp_path: Path
) -> None:
    diagnosis = look(recipe(with_theta(sound, tmp_path / "theta", 0)), run)
    assert causes(diagnosis) == ["rope", "overflow"]
    assert "config.json from the base" in diagnosis.findings[0].change.localize("en")
    assert of(diagnosis, "overflow").figures["overflowing"] == ["fp32"]


def test_exports_that_lost_the_base_of_their_positions_are_to_be_written_anew(
    sound: Path, run: Run
) -> None:
    run.merged.mkdir()
    (run.merged / "config.json").write_text((sound / "config.json").read_text())
    write_gguf(run.exports / "whole.gguf", theta=10_000)
    write_gguf(run.exports / "broken.gguf", theta=0)
    (run.exports / "torn.gguf").write_bytes(b"GGUF")
    finding = of(look(recipe(sound), run), "rope")
    assert finding.state == "wrong"
    assert {Path(name).name: theta for name, theta in finding.figures.items()} == {
        "config.json": 0,  # of the merged model, which comes last: Ollama reads the outer key
        "whole.gguf": 10_000,
        "broken.gguf": 0,
        "torn.gguf": 0,
    }
    assert "python -m finetune merge --force RECIPE" in finding.change.localize("en")


def write_gguf(path: Path, *, theta: float) -> None:
    path.parent.mkdir(exist_ok=True)
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_rope_freq_base(theta)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def test_a_model_taught_with_eos_masked_is_told_that_it_cannot_end(base: Path, run: Run) -> None:
    end = load_tokenizer(base).eos_id
    endless = teach(base, base.with_name("endless"), without(lessons(base), end, masked=True))
    first = look(recipe(endless), run).findings[0]
    assert first.cause == "ending"
    assert first.figures["probability"] < 0.01
    assert first.figures["stop_rate"] == 0
    assert "python -m finetune train RECIPE" in first.change.localize("en")


def test_a_model_of_r1_spoken_to_as_chatml_is_told_which_format_to_set(
    sound: Path, run: Run
) -> None:
    first = look(recipe(sound, fmt="chatml"), run).findings[0]
    assert first.cause == "template"
    assert first.figures["chatml"] > first.figures["r1-think"] + 1
    assert first.figures["chat_template"] == first.figures["r1-think"]
    assert first.change.localize("en").endswith("--set model.format=r1-think")


def test_a_format_whose_marks_the_model_lacks_is_told_by_its_marks(tiny: Path, run: Run) -> None:
    diagnosis = look(recipe(tiny, fmt="chatml"), run)
    first = diagnosis.findings[0]
    assert first.cause == "template"
    assert "<|im_start|>" in first.told.localize("zh")
    assert first.change.localize("en").endswith("--set model.format=r1-think")
    assert "im_start" in of(diagnosis, "truncation").told.localize("en")
    assert "marks" in of(diagnosis, "ending").told.localize("en")


def test_a_model_that_thinks_unasked_is_sent_back_to_the_thinking_format(
    sound: Path, run: Run
) -> None:
    stubborn = teach(sound, sound.with_name("stubborn"), unasked_thoughts(sound), steps=15)
    finding = of(look(recipe(stubborn, fmt="r1-direct"), run), "thinking")
    assert finding.figures["tagged"] == 4
    assert finding.change.localize("en").endswith("--set model.format=r1-think")


def test_a_model_taught_without_the_end_of_thought_is_told_so(base: Path, run: Run) -> None:
    close = load_tokenizer(base).control("</think>")
    open_ended = teach(base, base.with_name("open"), without(lessons(base), close))
    diagnosis = look(recipe(open_ended), run)
    assert causes(diagnosis) == ["thinking"]
    assert diagnosis.findings[0].figures["unclosed"] == 4
    assert diagnosis.findings[0].figures["format_rate"] == 0


def test_a_model_that_loops_is_told_so_with_its_words(looping: Path, run: Run) -> None:
    finding = of(look(recipe(looping), run), "repetition")
    assert finding.state == "wrong"
    assert finding.figures == {"loop_rate": 1.0, "looping_references": 0.0}
    assert "好的。好的。" in finding.told.localize("en")
    assert "--set evaluate.temperature=0.6" in finding.change.localize("en")


def test_data_that_repeats_itself_is_named_as_the_cause_of_loops(
    looping: Path, tmp_path: Path
) -> None:
    run = prepared(tmp_path / "run", train=LOOPS, val=LOOPS)
    finding = of(look(recipe(looping), run), "repetition")
    assert finding.figures["looping_references"] == 1
    assert "prepare --force" in finding.change.localize("en")


def test_one_step_of_training_is_under_fit(base: Path, run: Run) -> None:
    settings = recipe(base, max_steps=1, **QUICK)
    train(settings, run, progress=SilentProgress())
    diagnosis = look(settings, run, "adapter")
    first = diagnosis.findings[0]
    assert diagnosis.model == "adapter"
    assert first.cause == "underfit"
    assert first.figures["steps"] == 1
    assert first.change.localize("en").endswith("--set train.max_steps=0")


def test_four_rows_learnt_by_heart_are_over_fit(sound: Path, tmp_path: Path) -> None:
    others = [
        Turn(user=f"无人机{n}可以飞多高？", think="看天气。", answer=f"{n}米。")
        for n in range(6, 10)
    ]
    rows = [Record(id=turn.user, turns=(turn,)) for turn in others]
    run = prepared(tmp_path / "run", train=rows, val=ROWS[:4])
    settings = recipe(sound, epochs=15, schedule="constant", **QUICK)
    train(settings, run, progress=SilentProgress())
    finding = of(look(settings, run, "adapter"), "overfit")
    assert finding.state == "wrong"
    assert finding.figures["last"] > 2 * finding.figures["lowest"]
    assert "--set train.early_stop=2 --set train.dropout=0.1" in finding.change.localize("en")


def test_nan_in_an_adapter_is_laid_to_its_training(base: Path, run: Run) -> None:
    settings = recipe(base, max_steps=1, **QUICK)
    train(settings, run, progress=SilentProgress())
    whole = run.adapter.rename(run.folder / "whole")

    def poison(weights: dict[str, Tensor]) -> None:
        next(iter(weights.values()))[0, 0] = math.inf

    damaged(whole, run.adapter, poison)
    first = look(settings, run, "adapter").findings[0]
    assert first.cause == "weights"
    assert "lora_" in first.told.localize("en")
    assert "--set train.lr=0.001" in first.change.localize("en")


def test_a_training_that_blew_up_is_not_taken_for_under_fit(base: Path, run: Run) -> None:
    settings = recipe(base, epochs=3, **{**QUICK, "lr": 1e6})
    with pytest.raises(TrainingError, match="not a finite number"):
        train(settings, run, progress=SilentProgress())
    said = SilentProgress()
    diagnosis = diagnose(settings, run, "adapter", progress=said)
    assert diagnosis.model == "base"
    assert "no adapter" in said.notes[0].localize("en")
    assert of(diagnosis, "divergence").state == "wrong"
    assert of(diagnosis, "underfit").state == "unseen"
    assert causes(diagnosis)[0] == "divergence"
    assert "train --resume" in diagnosis.findings[0].change.localize("en")


def test_the_length_that_is_named_loses_no_sample(sound: Path, run: Run) -> None:
    finding = of(look(recipe(sound, max_tokens=24), run), "truncation")
    assert finding.figures["dropped"] == finding.figures["samples"] == len(ROWS)
    assert "nothing is left" in finding.told.localize("en")
    named = re.search(r"--set train\.max_tokens=(\d+)", finding.change.localize("en"))
    assert named is not None
    mended = of(look(recipe(sound, max_tokens=int(named[1])), run), "truncation")
    assert mended.state == "sound"
    assert mended.figures["dropped"] == 0


def test_a_missing_base_is_refused_and_a_log_is_looked_at_all_the_same(
    base: Path, run: Run, tmp_path: Path
) -> None:
    nowhere = recipe(tmp_path / "nowhere")
    with pytest.raises(BaseModelError, match="nowhere"):
        look(nowhere, run)
    run.train.mkdir()
    log = TrainLog(run.train)
    for one in logged([2.0, math.nan]):
        log.add(one)
    diagnosis = look(nowhere, run)
    assert causes(diagnosis) == ["divergence"]
    assert "nowhere" in of(diagnosis, "weights").told.localize("zh")


def test_without_prepared_data_the_numbers_are_looked_at(sound: Path, tmp_path: Path) -> None:
    diagnosis = look(recipe(sound), Run(tmp_path / "empty"))
    assert diagnosis.findings == ()
    assert of(diagnosis, "overflow").state == "sound"
    assert "prepare" in of(diagnosis, "truncation").told.localize("en")
    assert "python -m finetune prepare RECIPE" in of(diagnosis, "template").told.localize("en")


def test_without_torch_the_rest_is_looked_at_and_the_command_named(sound: Path, run: Run) -> None:
    told = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(sound), str(run.folder)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    ).stdout
    assert "this step takes torch: pip install" in told
    assert f"0 of {len(ROWS)} samples" in told


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


def test_models_on_servers_and_models_that_are_not_there_are_refused(base: Path, run: Run) -> None:
    with pytest.raises(RecipeError, match="cannot look into ollama:drones"):
        look(recipe(base), run, "ollama:drones")
    with pytest.raises(BaseModelError, match="merged"):
        look(recipe(base), run, "merged")


def test_all_that_is_found_can_be_written_as_json(sound: Path, run: Run) -> None:
    told = json.loads(json.dumps(look(recipe(sound), run).to_json()))
    assert [one["cause"] for one in told["verdicts"]] == list(NAMES)
    assert len(told["verdicts"]) == len(RULES)


def entry(step: int) -> dict[str, int | float]:
    return {"step": step, "epoch": step, "tokens": 1, "seconds": 1.0, "peak_memory": 1}


def learnt(rules: Recipe, log: tuple[LogEntry, ...]) -> Evidence:
    return Evidence(recipe=rules, model="adapter", log=log, finished=True)


def logged(
    losses: Sequence[float], evaluations: Sequence[float] = (), norms: Sequence[float] = ()
) -> tuple[LogEntry, ...]:
    """Return a log with a loss, a gradient and an evaluation for each step."""
    entries = []
    for number, loss in enumerate(losses):
        norm = norms[number] if norms else 1.0
        entries.append(LogEntry(**entry(number + 1), loss=loss, grad_norm=norm))
        if evaluations:
            entries.append(LogEntry(**entry(number + 1), eval_loss=evaluations[number]))
    return tuple(entries)


@given(
    st.lists(st.floats(0.4, 20), min_size=2, max_size=30),
    st.lists(st.floats(0.4, 20), min_size=30, max_size=30),
)
def test_a_validation_loss_that_ends_at_its_lowest_is_never_over_fit(
    losses: list[float], evaluations: list[float]
) -> None:
    ends_low = [*evaluations[: len(losses) - 1], min(evaluations)]
    evidence = learnt(recipe(Path("base")), logged(losses, ends_low))
    assert overfit(evidence).state == "sound"


@given(st.floats(0.31, 20), st.integers(1, 300))
def test_a_loss_that_does_not_move_is_under_fit_however_long(loss: float, steps: int) -> None:
    evidence = learnt(recipe(Path("base")), logged([loss] * steps))
    assert underfit(evidence).state == "wrong"


def test_a_loss_that_still_falls_asks_for_epochs_unless_validation_rises() -> None:
    falling = [8 / step for step in range(1, 21)]
    rules = recipe(Path("base"), epochs=4)
    evidence = learnt(rules, logged(falling, falling))
    assert underfit(evidence).change.localize("en").endswith("--set train.epochs=8")
    rising = learnt(rules, logged(falling, sorted(falling)))
    assert underfit(rising).state == "sound"
    assert overfit(rising).change.localize("en").count("--set train.epochs=1 ") == 1


def test_too_few_steps_become_more_by_smaller_ones_before_more_epochs() -> None:
    log = logged([5.0] * 20)
    small = learnt(recipe(Path("base"), accumulate=16), log)
    assert underfit(small).change.localize("en").endswith("RECIPE --set train.accumulate=3")
    single = learnt(recipe(Path("base"), accumulate=1, epochs=3), log)
    assert underfit(single).change.localize("en").endswith("RECIPE --set train.epochs=15")


@pytest.mark.parametrize(
    ("lr", "change"),
    [(1e-5, "--set train.lr=0.0002"), (2e-4, "--set train.r=16 --set train.alpha=32")],
)
def test_many_steps_without_effect_ask_for_a_higher_rate_then_a_higher_rank(
    lr: float, change: str
) -> None:
    evidence = learnt(recipe(Path("base"), lr=lr), logged([5.0] * 200))
    assert underfit(evidence).change.localize("en").endswith(change)


def test_the_scaler_of_fp16_may_overflow_at_first_and_no_loss_may() -> None:
    calibrating = logged([3.0, 2.0, 1.0], norms=[math.inf, 1.0, 1.0])
    rules = recipe(Path("base"))
    half = Evidence(recipe=rules, model="base", log=calibrating, precision="fp16", finished=True)
    assert divergence(half).state == "sound"
    assert divergence(replace(half, precision="fp32")).state == "wrong"
    blown = replace(half, log=logged([3.0, math.nan, 1.0]))
    assert divergence(blown).change.localize("en").endswith("--set train.precision=bf16")
    assert underfit(blown).state == "unseen"
