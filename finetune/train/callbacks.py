"""Callbacks of the Trainer: NaN guard, log and progress, best checkpoint and early stopping."""

import math
import time
from typing import Any

import torch
from torch import Tensor, nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from finetune.progress import ProgressStage
from finetune.recipe import TrainTable
from finetune.train.checkpoints import evaluations_since_best
from finetune.train.failures import divergence_failure
from finetune.train.hardware import Hardware, Precision, peak_memory
from finetune.train.log import LogEntry, TrainLog
from ingest.foundation.messages import Message

SCALER_TRIES = 20
"""Steps in a row that fp16's gradient scaler may skip: it begins at 2^16 and halves each time."""

LOSS = Message("the loss")
GRADIENT = Message("the gradient")
EVALUATION_LOSS = Message("the validation loss")


class LossMeter:
    """Sums loss and tokens of the batches of one optimiser step, on the device."""

    def __init__(self) -> None:
        self._loss: Tensor | None = None
        self._tokens: Tensor | None = None

    def add(self, loss: Tensor, tokens: Tensor) -> None:
        """Add a batch: its share of the step's loss and its number of tokens, both scalars."""
        self._loss = loss if self._loss is None else self._loss + loss
        self._tokens = tokens if self._tokens is None else self._tokens + tokens

    def finish_step(self, model: nn.Module) -> tuple[float, int, float]:
        """Return loss, tokens and gradient norm of the step, and start the next one."""
        assert self._loss is not None
        assert self._tokens is not None
        grads = [weight.grad for weight in model.parameters() if weight.grad is not None]
        norm = torch.nn.utils.get_total_norm(grads).to(self._loss.device)
        # One transfer for all three: each `.item()` would make the processor wait for the GPU.
        loss, tokens, size = torch.stack(
            (self._loss.float(), self._tokens.float(), norm.float())
        ).tolist()
        self._loss = self._tokens = None
        return loss, round(tokens), size


class NaNGuard(TrainerCallback):
    """Stops training when loss or gradient is NaN or Inf, before the weights are updated.

    `loss` and `tokens` are those of the last step.
    """

    def __init__(self, *, meter: LossMeter, table: TrainTable, precision: Precision) -> None:
        self._meter = meter
        self._table = table
        self._precision = precision
        self._skipped = 0
        self.loss = math.nan
        self.tokens = 0

    def on_pre_optimizer_step(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **others: Any,
    ) -> None:
        """Check loss and gradient; raises TrainingError if one of them is not finite."""
        self.loss, self.tokens, norm = self._meter.finish_step(others["model"])
        self._skipped = 0 if math.isfinite(norm) else self._skipped + 1
        # fp16's scaler finds its scale by overflowing: it skips those steps, and that is no error
        # until it has halved the scale so often that there is nothing left to halve.
        allowed = SCALER_TRIES if self._precision == "fp16" else 0
        # `global_step` is raised after the optimiser's step, so this one is the next.
        if not math.isfinite(self.loss):
            self._raise(LOSS, state.global_step + 1, others)
        if self._skipped > allowed:
            self._raise(GRADIENT, state.global_step + 1, others)

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **others: Any,
    ) -> None:
        """Check the validation loss; raises TrainingError if it is not finite."""
        if not math.isfinite(others["metrics"]["eval_loss"]):
            self._raise(EVALUATION_LOSS, state.global_step, others)

    def _raise(self, what: Message, step: int, others: dict[str, Any]) -> None:
        raise divergence_failure(
            others["model"],
            what,
            step=step,
            table=self._table,
            precision=self._precision,
            # The rate of this step, not the recipe's: in warm-up it is far lower.
            lr=others["lr_scheduler"].get_last_lr()[0],
        )


class Throughput:
    """Seconds per step and tokens per second of this session.

    The first step counts only while it is the only one: it pays for CUDA's kernels and caches.
    """

    def __init__(self) -> None:
        self._first: tuple[float, int] = (0.0, 0)
        self._seconds = 0.0
        self._tokens = 0
        self._steps = 0

    def add(self, seconds: float, tokens: int) -> None:
        """Count a step."""
        if not self._first[0]:
            self._first = (seconds, tokens)
            return
        self._seconds += seconds
        self._tokens += tokens
        self._steps += 1

    @property
    def seconds_per_step(self) -> float:
        """Mean seconds of a step, 0 before the first."""
        return self._seconds / self._steps if self._steps else self._first[0]

    @property
    def tokens_per_second(self) -> float:
        """Tokens trained on per second, those of prompts included; 0 before the first step."""
        seconds, tokens = (self._seconds, self._tokens) if self._steps else self._first
        return tokens / seconds if seconds else 0.0


class TrainingReporter(TrainerCallback):
    """Writes the log and reports progress.

    `tokens` counts those of all processes, before a resume as well.
    """

    def __init__(
        self, *, guard: NaNGuard, log: TrainLog, stage: ProgressStage, hardware: Hardware
    ) -> None:
        self._guard = guard
        self._log = log
        self._stage = stage
        self._hardware = hardware
        last = log.entries[-1] if log.entries else None
        self._seconds_before = last.seconds if last else 0.0
        self.tokens = last.tokens if last else 0
        self.throughput = Throughput()
        self._begun = self._step_begun = time.monotonic()
        self._window_seconds = 0.0
        self._window_tokens = 0

    @property
    def seconds(self) -> float:
        """Seconds of training so far, those before a resume included."""
        return self._seconds_before + time.monotonic() - self._begun

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **others: Any,
    ) -> None:
        """Start the clock; the progress bar begins at the step of the resume."""
        self._begun = time.monotonic()
        self._stage.advance(state.global_step)

    def on_step_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **others: Any,
    ) -> None:
        """Start the clock of the step."""
        self._step_begun = time.monotonic()

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **others: Any,
    ) -> None:
        """Report the step, and request a log entry for each checkpoint and evaluation."""
        # A resume reads tokens and seconds from the last entry up to its checkpoint: without an
        # entry at that very step they would fall behind.
        if control.should_save or control.should_evaluate:
            control.should_log = True
        seconds = time.monotonic() - self._step_begun
        # An estimate for the other processes: their batches are as large, their lengths differ.
        tokens = self._guard.tokens * args.world_size
        self.tokens += tokens
        self.throughput.add(seconds, tokens)
        self._window_seconds += seconds
        self._window_tokens += tokens
        rate = others["lr_scheduler"].get_last_lr()[0]
        left = format_duration(
            self.throughput.seconds_per_step * (state.max_steps - state.global_step)
        )
        speed = self.throughput.tokens_per_second
        self._stage.advance(
            detail=f"loss {self._guard.loss:.4f} · lr {rate:.2e} · {speed:,.0f} tokens/s · {left}"
        )

    def on_epoch_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **others: Any,
    ) -> None:
        """Log at the end of an epoch, before evaluating and saving."""
        control.should_log = True

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **others: Any,
    ) -> None:
        """Write a log entry for a training or validation loss."""
        logs: dict[str, float] = others["logs"]
        # The Trainer's last log holds its own runtime figures alone: nothing of them is ours.
        if not {"loss", "eval_loss"} & set(logs):
            return
        speed = None
        if "loss" in logs and self._window_seconds:
            speed = round(self._window_tokens / self._window_seconds, 1)
            self._window_seconds, self._window_tokens = 0.0, 0
        self._log.add(
            LogEntry(
                step=state.global_step,
                epoch=round(state.epoch or 0.0, 4),
                tokens=self.tokens,
                seconds=round(self.seconds, 3),
                peak_memory=peak_memory(self._hardware),
                loss=logs.get("loss"),
                eval_loss=logs.get("eval_loss"),
                accuracy=logs.get("eval_accuracy"),
                eval_score=logs.get("eval_score"),
                lr=logs.get("learning_rate"),
                grad_norm=logs.get("grad_norm"),
                tokens_per_second=speed,
            )
        )


class BestCheckpointCallback(TrainerCallback):
    """Saves a checkpoint at each new best evaluation, and stops early without one.

    The best has the lowest validation loss, or the highest score of `train.best_by`. `early_stop`
    is the number of evaluations in a row without a new best; 0 never stops.
    """

    def __init__(self, *, early_stop: int) -> None:
        self._early_stop = early_stop
        self.stopped_early = False

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **others: Any,
    ) -> None:
        """Compare the newest evaluation with those before."""
        # `save_steps` may skip the step of the best evaluation; its weights would be lost.
        if evaluations_since_best(state) == 0:
            control.should_save = True
        if self.should_stop(state):
            control.should_training_stop = self.stopped_early = True

    def should_stop(self, state: TrainerState) -> bool:
        """Return whether the last `early_stop` evaluations brought no new best.

        It is read from the log in `state`, so that a resumed training counts on.
        """
        return 0 < self._early_stop <= evaluations_since_best(state)


def format_duration(seconds: float) -> str:
    """Return seconds as hours, minutes and seconds: 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
