"""The recipe in the words of transformers' Trainer, and of accelerate for several GPUs."""

import math
import os
from pathlib import Path

from transformers import TrainingArguments

from finetune.recipe import Recipe
from finetune.train.hardware import Hardware, Precision

SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}


def training_arguments(
    recipe: Recipe,
    *,
    folder: Path,
    hardware: Hardware,
    precision: Precision,
    evaluates: bool,
    steps: int,
    dry_steps: int = 0,
) -> TrainingArguments:
    """Return the Trainer's settings for a training of `steps` steps that writes into `folder`.

    A dry run takes `dry_steps` of them and neither evaluates nor saves.
    """
    table = recipe.train
    evaluation = _every(table.evaluate_every) if evaluates and not dry_steps else "no"
    saving = _every(table.save_every or table.evaluate_every) if not dry_steps else "no"
    return TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=table.batch,
        per_device_eval_batch_size=table.batch,
        gradient_accumulation_steps=table.accumulate,
        num_train_epochs=table.epochs,
        max_steps=dry_steps or table.max_steps or -1,
        learning_rate=table.lr,
        lr_scheduler_type=SCHEDULES[table.schedule],
        warmup_steps=warmup_steps(table.warmup, steps),
        weight_decay=table.weight_decay,
        max_grad_norm=table.clip,
        optim="adamw_torch_fused" if hardware.device == "cuda" else "adamw_torch",
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        use_cpu=hardware.device == "cpu",
        seed=recipe.seed,
        data_seed=recipe.seed,
        eval_strategy=evaluation,
        eval_steps=table.evaluate_every or None,
        save_strategy=saving,
        save_steps=table.save_every or table.evaluate_every or 1,
        save_total_limit=table.keep + evaluates,
        metric_for_best_model="eval_loss" if evaluates else None,
        greater_is_better=False,
        logging_steps=table.log_every,
        logging_first_step=True,
        logging_nan_inf_filter=False,
        remove_unused_columns=False,
        label_names=["labels"],
        dataloader_pin_memory=hardware.device == "cuda",
        ddp_find_unused_parameters=False,
        disable_tqdm=True,
        report_to="none",
        log_level="error",
    )


def warmup_steps(warmup: float, steps: int) -> int:
    """Return the steps of warm-up: below 1 a share of all `steps`, from 1 on their number."""
    return math.ceil(warmup * steps) if warmup < 1 else round(warmup)


def processes() -> int:
    """Return how many processes train together, as torchrun and accelerate tell each of them."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def accelerate_config(processes: int) -> str:
    """Return the YAML that `accelerate launch --config_file` takes, one process for each GPU.

    Precision and accumulation stay the recipe's: the trainer sets them by itself.
    """
    lines = {
        "compute_environment": "LOCAL_MACHINE",
        "distributed_type": "MULTI_GPU" if processes > 1 else "'NO'",
        "machine_rank": "0",
        "main_training_function": "main",
        "mixed_precision": "'no'",
        "num_machines": "1",
        "num_processes": str(processes),
        "use_cpu": "false",
    }
    return "".join(f"{name}: {value}\n" for name, value in lines.items())


def _every(steps: int) -> str:
    return "steps" if steps else "epoch"
