"""DPO and ORPO beside TRL's, on one batch: `python -m bench.finetune_trl_preference`.

It needs TRL (the environment that bench.finetune_trl makes has it). The same weights, moved away
from the reference; TRL's own trainer renders and batches three pairs and computes loss and
gradient, and ours does so on its ids. Exits 1 if they differ by more than 1e-5.
"""

import copy
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

BETA = 0.25
TOLERANCE = 1e-5
MOVED = 0.01
"""Standard deviation of what is added to each weight, so that the loss is not log 2."""

ROWS = (
    ("How high may it fly?", " At most 120 m.", " As high as you like, pilot."),
    ("夜间可以飞吗？", "没有许可不可以。", "可以。"),
    ("Battery?", " Land at 15 percent.", " Fly on."),
)


def main() -> int:
    """Print both losses and their differences, and return the exit code."""
    import torch
    from datasets import Dataset  # type: ignore[import-not-found]
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import DPOConfig, DPOTrainer  # type: ignore[import-not-found]

    from finetune.train.preference import patch_preference_loss
    from tests.finetune.tiny import make_tiny

    with tempfile.TemporaryDirectory() as folder:
        base = make_tiny(Path(folder) / "base", family="chatml")
        load: Any = AutoModelForCausalLM.from_pretrained
        reference, theirs, scorer = (load(base, dtype=torch.float32) for _ in range(3))
        torch.manual_seed(1)
        with torch.no_grad():
            for weight in theirs.parameters():
                weight += torch.randn_like(weight) * MOVED
        ours = copy.deepcopy(theirs)
        names = ("prompt", "chosen", "rejected")
        trainer = DPOTrainer(
            model=theirs,
            ref_model=reference,
            args=DPOConfig(
                output_dir=folder,
                beta=BETA,
                report_to="none",
                use_cpu=True,
                per_device_train_batch_size=len(ROWS),
                gradient_checkpointing=False,
                bf16=False,
                disable_dropout=True,
            ),
            train_dataset=Dataset.from_list([dict(zip(names, row, strict=True)) for row in ROWS]),
            processing_class=AutoTokenizer.from_pretrained(base),
        )
        batch = next(iter(trainer.get_train_dataloader()))
        loss = trainer._compute_loss(trainer.model, dict(batch), False)
        loss.backward()
        inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
        inputs["labels"] = batch["input_ids"].masked_fill(batch["completion_mask"] == 0, -100)
        for model in (scorer, ours):
            patch_preference_loss(model, objective="dpo", beta=BETA, chunk=7)
        with torch.no_grad():
            scores = scorer(**inputs).logits
        mine = ours(**inputs, reference=scores).loss
        mine.backward()
    apart = abs(loss.item() - mine.item())
    gradients = {name: weight.grad for name, weight in trainer.model.named_parameters()}
    steepest = max(
        float((weight.grad - gradients[name]).abs().max())
        for name, weight in ours.named_parameters()
    )
    click.echo(f"dpo: loss {loss.item():.6f} (TRL), {mine.item():.6f} (ours), apart {apart:.1g}")
    click.echo(f"dpo: largest difference of a gradient {steepest:.1g}")
    return int(max(apart, steepest) > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
