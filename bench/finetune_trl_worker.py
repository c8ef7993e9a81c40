"""One training of `bench.finetune_trl`, in whichever environment starts it.

    python finetune_trl_worker.py ours|trl TASK.json

The last line on stdout is JSON: eval_loss, seconds of training, memory (peak, bytes).
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments, set_seed

SEED = 42
KIBIBYTE = 1024


def main() -> None:
    """Train and tell."""
    who, path = sys.argv[1:]
    task = json.loads(Path(path).read_text())
    torch.set_num_threads(1)
    set_seed(SEED)
    base = AutoModelForCausalLM.from_pretrained(task["base"], dtype=torch.float32)
    with tempfile.TemporaryDirectory() as folder:
        trainer = (_ours if who == "ours" else _trl)(base, task, folder)
        begun = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIBIBYTE
        loss = _loss(trainer.model, task["val"])
    print(json.dumps({"eval_loss": loss, "seconds": seconds, "memory": peak}))


@torch.no_grad()
def _loss(model: Any, rows: list[dict[str, Any]]) -> float:
    """Return the mean over all target tokens: transformers' own is one over batches' means."""
    model.train(False)
    total, count = 0.0, 0
    for row in rows:
        logits = model(input_ids=torch.tensor([row["ids"]])).logits[0, :-1].float()
        labels = torch.tensor(row["labels"][1:])
        total += float(torch.nn.functional.cross_entropy(logits, labels, reduction="sum"))
        count += int((labels != -100).sum())
    return total / count


def _adapted(base: Any, settings: dict[str, Any]) -> Any:
    lora = LoraConfig(
        r=settings["r"],
        lora_alpha=settings["alpha"],
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(base, lora)


def _arguments(settings: dict[str, Any], folder: str) -> dict[str, Any]:
    return {
        "output_dir": folder,
        "num_train_epochs": settings["epochs"],
        "per_device_train_batch_size": settings["batch"],
        "per_device_eval_batch_size": settings["batch"],
        "learning_rate": settings["lr"],
        "lr_scheduler_type": "cosine",
        "max_grad_norm": 1.0,
        "optim": "adamw_torch",
        "bf16": False,
        "use_cpu": True,
        "seed": SEED,
        "gradient_checkpointing": False,
        "save_strategy": "no",
        "eval_strategy": "no",
        "logging_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "remove_unused_columns": False,
    }


def _ours(base: Any, task: dict[str, Any], folder: str) -> Any:
    from finetune.train.batches import padding_collator
    from finetune.train.callbacks import LossMeter
    from finetune.train.loss import patch_target_loss
    from finetune.train.trainer import TargetTrainer

    patch_target_loss(base, chunk=1024)
    settings = task["settings"]
    return TargetTrainer(
        meter=LossMeter(),
        model=_adapted(base, settings),
        args=TrainingArguments(**_arguments(settings, folder), label_names=["labels"]),
        data_collator=padding_collator(0),
        train_dataset=_rows(task["train"]),
        eval_dataset=_rows(task["val"]),
    )


def _rows(rows: list[dict[str, Any]]) -> Any:
    from finetune.model.samples import Sample
    from finetune.train.batches import SampleSet

    return SampleSet(
        Sample(ids=tuple(row["ids"]), labels=tuple(row["labels"]), record="") for row in rows
    )


def _trl(base: Any, task: dict[str, Any], folder: str) -> Trainer:
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    def dataset(rows: list[dict[str, Any]]) -> Dataset:
        return Dataset.from_list(
            [
                {
                    "input_ids": row["ids"],
                    "completion_mask": [int(label != -100) for label in row["labels"]],
                }
                for row in rows
            ]
        )

    settings = task["settings"]
    return SFTTrainer(
        model=_adapted(base, settings),
        args=SFTConfig(**_arguments(settings, folder), max_length=None, completion_only_loss=True),
        processing_class=AutoTokenizer.from_pretrained(task["base"]),
        train_dataset=dataset(task["train"]),
        eval_dataset=dataset(task["val"]),
    )


if __name__ == "__main__":
    main()
