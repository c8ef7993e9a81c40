"""What goes on beside the steps: watching for NaN, telling, logging, and stopping early."""

import math
import time
from typing import Any

import torch
from torch import Tensor, nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from finetune.progress import ProgressStage
from finetune.recipe import TrainTable
from finetune.train.checkpoints import evaluations_since_best
from finetune.train.failures import divergence
from finetune.train.hardware import Hardware, Precision, peak_memory
from finetune.train.log import LogEntry, TrainLog
from ingest.foundation.messages import Message

SCALER_TRIES = 20
"""Steps in a row that fp16's gradient scaler may skip: it begins at 2^16 and halves each time."""

LOSS = Message("the loss")
GRADIENT = Message("the gradient")
EVALUATION_LOSS = Message("the validation loss")


class LossMeter:
    """What one optimiser step adds up to, kept on the device: one transfer a step is enough."""

    def __init__(self) -> None:
        self._loss: Tensor | None = None
        self._tokens: Tensor | None = None

    def add(self, loss: Tensor, tokens: Tensor) -> None:
        """Add a batch: its share of the step's loss, and how many tokens it has."""
        self._loss = loss if self._loss is None else self._loss + loss
        self._tokens = tokens if self._tokens is None else self._tokens + tokens

    def take(self, model: nn.Module) -> tuple[float, int, float]:
        """Return loss, tokens and norm of the gradient of the step, and begin anew."""
        assert self._loss is not None
        assert self._tokens is not None
        grads = [weight.grad for weight in model.parameters() if weight.grad is not None]
        norm = torch.nn.utils.get_total_norm(grads).to(self._loss.device)
        loss, tokens, size = torch.stack(
            (self._loss.float(), self._tokens.float(), norm.float())
        ).tolist()
        self._loss = self._tokens = None
        return loss, round(tokens), size


class NaNGuard(TrainerCallback):
    """Ends a training whose numbers are none any more, before they reach the weights."""

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
        """Look at loss and gradient; the gradient scaler of fp16 may skip some steps."""
        self.loss, self.tokens, norm = self._meter.take(others["model"])
        self._skipped = 0 if math.isfinite(norm) else self._skipped + 1
        patience = SCALER_TRIES if self._precision == "fp16" else 0
        if not math.isfinite(self.loss):
            self._raise(LOSS, state.global_step + 1, others)
        if self._skipped > patience:
            self._raise(GRADIENT, state.global_step + 1, others)

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **others: Any,
    ) -> None:
        """Look at the validation loss."""
        if not math.isfinite(others["metrics"]["eval_loss"]):
            self._raise(EVALUATION_LOSS, state.global_step, others)

    def _raise(self, what: Message, step: int, others: dict[str, Any]) -> None:
        rate = others["lr_scheduler"].get_last_lr()[0]
        raise divergence(
            others["model"],
            what,
            step=step,
            table=self._table,
            precision=self._precision,
            lr=rate,
        )


class Throughput:
    """How fast steps go. The first of a session, slowed by warming up, counts only if alone."""

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
        """Tokens, prompts among them, that are trained on in a second; 0 before the first step."""
        seconds, tokens = (self._seconds, self._tokens) if self._steps else self._first
        return tokens / seconds if seconds else 0.0


class TrainingReporter(TrainerCallback):
    """Writes the log and tells the progress; on the first of several processes alone.

    Of several processes each is taken to have read as many tokens as this one.
    """

    def __init__(
        self, *, watcher: NaNGuard, log: TrainLog, stage: ProgressStage, hardware: Hardware
    ) -> None:
        self._watcher = watcher
        self._log = log
        self._stage = stage
        self._hardware = hardware
        last = log.entries[-1] if log.entries else None
        self._seconds_before = last.seconds if last else 0.0
        self.tokens = last.tokens if last else 0
        self.pace = Throughput()
        self._begun = self._step_begun = time.monotonic()
        self._window_seconds = 0.0
        self._window_tokens = 0

    @property
    def seconds(self) -> float:
        """Seconds of training so far, those before a resume among them."""
        return self._seconds_before + time.monotonic() - self._begun

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **others: Any,
    ) -> None:
        """Start the clock; steps that were done before a resume count as done."""
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
        """Tell the step; what is saved or evaluated is logged, too, so that a resume fits."""
        if control.should_save or control.should_evaluate:
            control.should_log = True
        seconds = time.monotonic() - self._step_begun
        tokens = self._watcher.tokens * args.world_size
        self.tokens += tokens
        self.pace.add(seconds, tokens)
        self._window_seconds += seconds
        self._window_tokens += tokens
        rate = others["lr_scheduler"].get_last_lr()[0]
        left = clock(self.pace.seconds_per_step * (state.max_steps - state.global_step))
        pace = self.pace.tokens_per_second
        self._stage.advance(
            told=f"loss {self._watcher.loss:.4f} · lr {rate:.2e} · {pace:,.0f} tokens/s · {left}"
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
        """Write an entry for losses; the Trainer's own farewell is none."""
        logs: dict[str, float] = others["logs"]
        if not {"loss", "eval_loss"} & set(logs):
            return
        pace = None
        if "loss" in logs and self._window_seconds:
            pace = round(self._window_tokens / self._window_seconds, 1)
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
                lr=logs.get("learning_rate"),
                grad_norm=logs.get("grad_norm"),
                tokens_per_second=pace,
            )
        )


class BestCheckpointCallback(TrainerCallback):
    """Saves what is the best so far, and stops when it gets no better."""

    def __init__(self, *, patience: int) -> None:
        self._patience = patience
        self.stopped_early = False

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **others: Any,
    ) -> None:
        """Look at the losses so far, the newest among them."""
        if evaluations_since_best(state) == 0:
            control.should_save = True
        if self.gave_up(state):
            control.should_training_stop = self.stopped_early = True

    def gave_up(self, state: TrainerState) -> bool:
        """Tell whether there was no gain for too many evaluations."""
        return 0 < self._patience <= evaluations_since_best(state)


def clock(seconds: float) -> str:
    """Return a time left as hours, minutes and seconds: 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
