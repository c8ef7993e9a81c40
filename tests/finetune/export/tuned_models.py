"""Tuned models without training: LoRA with random weights on a tiny base."""

from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, PreTrainedModel

from finetune.recipe import Recipe, parse_recipe
from finetune.runs import Run
from finetune.train.adapters import save_origin

LORA_B_STD = 0.05
"""Standard deviation of B: far enough from zero that each answer of the tiny base changes."""


def recipe_of(base: Path, *, name: str = "drone", **tables: object) -> Recipe:
    """Return a recipe that starts from `base`."""
    model = {"base": str(base), **dict(tables.pop("model", {}))}  # type: ignore[call-overload]
    given = {"name": name, "model": model, "data": {"files": ["rows.jsonl"]}, **tables}
    return parse_recipe(given, source="test", folder=base.parent)


def add_adapter(
    recipe: Recipe, run: Run, *, seed: int = 1, base: Path | None = None
) -> PreTrainedModel:
    """Write an adapter to `run.adapter` as training does; return base + adapter in fp32."""
    base = base or Path(recipe.model.base)
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    settings = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM")
    adapted = get_peft_model(model, settings)
    for name, weights in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weights, std=LORA_B_STD)
    adapted.save_pretrained(run.adapter)
    save_origin(run.adapter, base, recipe)
    return adapted.eval()
