"""The recipe as settings of transformers' Trainer, and of accelerate for several GPUs."""

import importlib.util
import math
import os
from pathlib import Path
from typing import Any

from transformers import TrainingArguments

from finetune.errors import RecipeError
from finetune.recipe import Recipe, TrainTable
from finetune.train.hardware import Hardware, Precision
from ingest.foundation.messages import Message

SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}
SILENT: dict[str, Any] = {"disable_tqdm": True, "log_level": "error"}


def training_arguments(
    recipe: Recipe,
    *,
    folder: Path,
    hardware: Hardware,
    precision: Precision,
    evaluates: bool,
    steps: int,
    dry_steps: int = 0,
    by_score: bool = False,
) -> TrainingArguments:
    """Return the Trainer's settings for a training of `steps` steps that writes into `folder`.

    A dry run takes `dry_steps` of them, and neither evaluates nor saves. `by_score`: the best
    checkpoint has the highest score, not the lowest loss.
    """
    table = recipe.train
    return TrainingArguments(
        output_dir=str(folder),
        seed=recipe.seed,
        data_seed=recipe.seed,
        max_steps=dry_steps or table.max_steps or -1,
        # From all steps, not from `max_steps`: a dry run measures the same warm-up.
        warmup_steps=warmup_steps(table.warmup, steps),
        # The fused kernel updates all weights in one launch; it gains nothing on processors.
        optim="adamw_torch_fused" if hardware.device == "cuda" else "adamw_torch",
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        use_cpu=hardware.device == "cpu",
        dataloader_pin_memory=hardware.device == "cuda",
        # Every trained weight takes part in every step: the search for others costs a pass.
        ddp_find_unused_parameters=False,
        # The Trainer keeps the columns that `forward` names; ours hides behind peft's wrapper.
        remove_unused_columns=False,
        label_names=["labels"],
        per_device_train_batch_size=table.batch,
        per_device_eval_batch_size=table.batch,
        gradient_accumulation_steps=table.accumulate,
        num_train_epochs=table.epochs,
        learning_rate=table.lr,
        lr_scheduler_type=SCHEDULES[table.schedule],
        weight_decay=table.weight_decay,
        max_grad_norm=table.clip,
        neftune_noise_alpha=table.neftune or None,
        run_name=recipe.name,
        metric_for_best_model=("eval_score" if by_score else "eval_loss") if evaluates else None,
        greater_is_better=by_score,
        **reporting_intervals(table, evaluates=evaluates, dry=dry_steps > 0),
        **SILENT,
    )


def reporting_intervals(table: TrainTable, *, evaluates: bool, dry: bool) -> dict[str, Any]:
    """Return when to log, where to, and when to evaluate and save: by steps or each epoch."""
    save_every = table.save_every or table.evaluate_every
    return {
        "eval_strategy": _interval(table.evaluate_every) if evaluates and not dry else "no",
        "eval_steps": table.evaluate_every or None,
        "save_strategy": "no" if dry else _interval(save_every),
        "save_steps": save_every or 1,
        # The Trainer counts the best checkpoint among those that it keeps; `keep` does not.
        "save_total_limit": table.keep + evaluates,
        "logging_steps": table.log_every,
        "logging_first_step": True,
        # The filter would replace NaN by the mean before it, and hide what NaNGuard looks for.
        "logging_nan_inf_filter": False,
        # A dry run is no training that anybody would look up later.
        "report_to": list(table.reporters) if table.reporters and not dry else "none",
    }


def warmup_steps(warmup: float, steps: int) -> int:
    """Return the warm-up in steps: below 1 it is a share of all `steps`, from 1 on their number."""
    return math.ceil(warmup * steps) if warmup < 1 else round(warmup)


def prepare_reporters(table: TrainTable, folder: Path) -> None:
    """Check that the libraries that figures are to be reported by are there.

    TensorBoard's files go into `folder`.

    Raises:
        RecipeError: one of them is missing.
    """
    for name in table.reporters:
        if importlib.util.find_spec(name) is None:
            raise RecipeError(
                Message("train.reporters: {name} is not installed", name=name),
                hint=Message("pip install {name}, or leave it out", name=name),
            )
    if "tensorboard" in table.reporters:
        # The only way that transformers 5 offers to say where.
        os.environ["TENSORBOARD_LOGGING_DIR"] = str(folder / "tensorboard")


def process_count() -> int:
    """Return how many processes train together; torchrun and accelerate set WORLD_SIZE."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def process_rank() -> int:
    """Return the rank of this process among those that train together, 0 for a single one."""
    return int(os.environ.get("RANK", "0"))


def accelerate_config(processes: int) -> str:
    """Return YAML for `accelerate launch --config_file`, with one process for each GPU."""
    lines = {
        "compute_environment": "LOCAL_MACHINE",
        # Quoted: YAML 1.1 reads a bare NO as false.
        "distributed_type": "MULTI_GPU" if processes > 1 else "'NO'",
        "machine_rank": "0",
        "main_training_function": "main",
        "mixed_precision": "'no'",  # the Trainer sets the recipe's
        "num_machines": "1",
        "num_processes": str(processes),
        "use_cpu": "false",
    }
    return "".join(f"{name}: {value}\n" for name, value in lines.items())


def _interval(steps: int) -> str:
    return "steps" if steps else "epoch"
