"""Each shipped recipe walks from its sample to an exported model, in its own format and settings.

The base is a tiny model of the recipe's family; steps, replies and precision are cut to what a
processor does in seconds. All else is as shipped: reader, instruction, windows, splits, sampling,
rank, schedule, task and figures.
"""

from pathlib import Path

import pytest
from safetensors.torch import load_file

from finetune.check.inspection import inspect
from finetune.pipeline import Pipeline
from finetune.progress import SilentProgress
from finetune.recipe import load_recipe
from finetune.runs import Run
from finetune.shipped_recipes import copy_recipe, list_recipes
from finetune.train.log import read_summary
from tests.finetune.conftest import BaseFor

STEPS = 4
"""Optimiser steps of each training, of two samples each."""

CHANGES = (
    f"train.max_steps={STEPS}",
    "train.precision=fp32",
    "train.lr=5e-3",
    "train.warmup=0",
    "train.log_every=1",
    # The tiny tokenizers cut Chinese to single bytes: three times the tokens of a real one.
    "train.max_tokens=3000",
    "train.batch=2",
    "train.accumulate=1",
    "evaluate.limit=2",
    "evaluate.max_new_tokens=12",
)
FIGURES = {
    "app-privacy": "accuracy",
    "classify": "accuracy",
    "contract": "entity_f1",
    "nvc": "risk_f1",
    "url-safety": "accuracy",
}
"""The figure of a recipe's task; texts have all the others."""


def test_no_recipe_is_left_out() -> None:
    assert sorted(list_recipes()) == sorted(
        ("drone-safety", "identity", "medical", "support", *FIGURES),
    )


@pytest.mark.parametrize("name", list_recipes())
def test_a_shipped_recipe_walks_to_an_exported_model(
    name: str, base_for: BaseFor, tmp_path: Path
) -> None:
    shipped = copy_recipe(name, tmp_path)[-1].with_suffix(".toml")
    base = base_for(load_recipe(shipped).model.format)
    recipe = load_recipe(shipped, [*CHANGES, f"model.base={base}"])
    run = Run(tmp_path / "run")
    pipeline = Pipeline(recipe=recipe, run=run, progress=SilentProgress(), language="en")
    assert pipeline.prepare()
    if recipe.data.labels:
        assert {record.label for record in run.records("test")} == set(recipe.data.labels)
    inspection = inspect(recipe, run)
    assert not any(split.dropped for split in inspection.splits)
    assert inspection.exports == ("hf", "vllm", "gguf", "ollama")
    assert pipeline.train()
    summary = read_summary(run.train)
    assert (summary.steps, summary.dropped) == (STEPS, 0)
    # B of LoRA begins at zero: what is not zero was learnt.
    learnt = load_file(run.adapter / "adapter_model.safetensors")
    assert all(bool(weight.any()) for name, weight in learnt.items() if "lora_B" in name)
    assert pipeline.evaluate("adapter")
    assert FIGURES.get(name, "answer_rouge-l") in run.figures("evaluate-adapter")
    assert pipeline.merge()
    assert pipeline.export("gguf", quantize="q8_0")
    assert list(run.exports.rglob("*.gguf"))
