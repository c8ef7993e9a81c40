"""transformers' Trainer with our meter and evaluation: of target tokens, or of pairs of replies."""

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset
from transformers import Trainer

from finetune.train.callbacks import LossMeter
from finetune.train.loss import summed_loss

ModelScore = Callable[[Any], float]
"""Gives a model a score by its replies, the higher the better."""


class TargetTrainer(Trainer):
    """transformers' Trainer that meters each step and evaluates per token instead of per batch."""

    measured: ClassVar[tuple[str, ...]] = ("loss",)
    """Names of what `summed` adds up, its count left out."""

    def __init__(
        self, *, meter: LossMeter, score: ModelScore | None = None, **settings: Any
    ) -> None:
        super().__init__(**settings)
        self._meter = meter
        self._score = score

    def training_step(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor],
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """Run forward and backward on one batch; return its share of the step's loss."""
        loss: Tensor = super().training_step(model, inputs, num_items_in_batch)
        # The mask counts real tokens: padding is work for the GPU, but no throughput.
        self._meter.add(loss, inputs["attention_mask"].sum())
        return loss

    def evaluate(
        self,
        eval_dataset: Any = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """Return the losses of the validation rows, whatever batches they fall into.

        Each process reads its own share of the rows; no row is read twice to even out the shares.
        """
        rows: Any = eval_dataset or self.eval_dataset
        # The bare model, not DDP's wrapper: its forward pass synchronizes all processes and would
        # hang on those that have run out of batches.
        model: Any = self.model
        share = Subset(rows, range(self.args.process_index, len(rows), self.args.world_size))
        loader = DataLoader(
            share, batch_size=self.args.eval_batch_size, collate_fn=self.data_collator
        )
        model.eval()
        totals = self.accelerator.reduce(self.summed(model, loader), reduction="sum").tolist()
        metrics = {
            f"{metric_key_prefix}_{name}": total / totals[-1]
            for name, total in zip(self.measured, totals, strict=False)
        }
        if self._score is not None:
            # Replies draw from the same generator as dropout and the order of rows: a training
            # that is evaluated more often must not be another training.
            devices = [self.args.device] if self.args.device.type == "cuda" else []
            with torch.random.fork_rng(devices):
                metrics[f"{metric_key_prefix}_score"] = self._score(model)
        self.log(metrics)
        # The overridden method ends with this event; early stopping and NaNGuard depend on it.
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    def summed(self, model: Any, loader: DataLoader[Any]) -> Tensor:
        """Return the summed loss of all target tokens in nats, and their number, (2,)."""
        return summed_loss(model, loader, device=self.args.device)


class PreferenceTrainer(TargetTrainer):
    """The same over pairs: losses are means over pairs, and evaluation counts those won."""

    measured: ClassVar[tuple[str, ...]] = ("loss", "accuracy")

    def __init__(
        self, *, meter: LossMeter, score: ModelScore | None = None, **settings: Any
    ) -> None:
        super().__init__(meter=meter, score=score, **settings)
        # The patched model returns the mean over a batch, which the Trainer divides by the batches
        # of a step; it counts target tokens for models that divide by them themselves.
        self.model_accepts_loss_kwargs = False

    @torch.no_grad()
    def summed(self, model: Any, loader: DataLoader[Any]) -> Tensor:
        """Return the summed loss of all pairs, the pairs of a positive margin, and all, (3,)."""
        device = self.args.device
        total = torch.zeros(3, dtype=torch.float32, device=device)
        for batch in loader:
            output = model(**{name: part.to(device) for name, part in batch.items()})
            pairs = len(output.logits)
            won = (output.logits > 0).sum()
            total += torch.stack((output.loss.float() * pairs, won.float(), won.new_tensor(pairs)))
        return total
