"""One training, from prepared data to the best adapter: transformers' Trainer with our loss.

Under `accelerate launch` each process trains on its share; the first one alone writes.
"""

import contextlib
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from peft import PeftModel
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset
from transformers import (
    PreTrainedModel,
    Trainer,
    TrainerCallback,
    TrainerState,
    TrainingArguments,
    set_seed,
)
from transformers.trainer_callback import PrinterCallback

from finetune.model.base_model import find_base_model
from finetune.model.chat_format import chat_format
from finetune.model.samples import total_steps
from finetune.model.tokenization import load_tokenizer
from finetune.progress import Progress, SilentProgress
from finetune.recipe import Recipe
from finetune.runs import Run
from finetune.train.adapters import add_lora, fingerprint, save_origin
from finetune.train.arguments import process, processes, training_arguments
from finetune.train.batches import PackedRow, TrainingSet, load_training_set, padding
from finetune.train.callbacks import BestCheckpointCallback, LossMeter, NaNGuard, TrainingReporter
from finetune.train.checkpoints import Checkpoints, publish, settings_of
from finetune.train.failures import (
    checkpoint_failure,
    disk_failure,
    memory_failure,
    out_of_disk,
    out_of_memory,
    unreadable,
)
from finetune.train.hardware import Hardware, Precision, choose_precision, hardware
from finetune.train.log import (
    SUMMARY_FILE,
    LogEntry,
    TrainLog,
    TrainSummary,
    best_evaluation,
    write_summary,
)
from finetune.train.loss import learn_targets_only, summed_loss
from finetune.train.model import (
    LoadedModel,
    checkpoint_activations,
    count_parameters,
    load_base,
)
from finetune.train.plots import draw_curves
from ingest.foundation.messages import Message

FORWARD_SHARE = 1 / 3
"""Time of a forward pass in that of a training step: the backward pass costs about two more."""

CHATTY = r"(torch|transformers|peft|accelerate|bitsandbytes|huggingface_hub)\b"
"""Libraries whose warnings are for programmers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRun:
    """What a training is made of, once everything is loaded. `base` is the base's folder."""

    recipe: Recipe
    run: Run
    base: Path
    lessons: TrainingSet
    model: PreTrainedModel | PeftModel
    hardware: Hardware
    precision: Precision
    args: TrainingArguments
    collate: Callable[[Sequence[PackedRow]], dict[str, Tensor]]
    steps: int

    @property
    def checkpoints(self) -> Checkpoints:
        """Where checkpoints are saved."""
        return Checkpoints(Path(self.args.output_dir or ""))

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes."""
        return bool(self.args.process_index == 0)


class TargetTrainer(Trainer):
    """Counts what a step consists of, and evaluates by token instead of by batch."""

    def __init__(self, *, meter: LossMeter, **settings: Any) -> None:
        super().__init__(**settings)
        self._meter = meter

    def training_step(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor],
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """Return the loss of a batch, after its backward pass."""
        loss: Tensor = super().training_step(model, inputs, num_items_in_batch)
        self._meter.add(loss, inputs["attention_mask"].sum())
        return loss

    def evaluate(
        self,
        eval_dataset: Any = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """Return the mean loss over all target tokens, whatever batches they fall into.

        Each process reads its share, none of them a sample twice, so the bare model is asked: that
        of several processes would wait for those that have no batch left.
        """
        rows: Any = eval_dataset or self.eval_dataset
        model: Any = self.model
        share = Subset(rows, range(self.args.process_index, len(rows), self.args.world_size))
        loader = DataLoader(
            share, batch_size=self.args.eval_batch_size, collate_fn=self.data_collator
        )
        model.eval()
        total = summed_loss(model, loader, device=self.args.device)
        summed, count = self.accelerator.reduce(total, reduction="sum").tolist()
        metrics = {f"{metric_key_prefix}_loss": summed / count}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics


def train(
    recipe: Recipe, run: Run, *, progress: Progress, resume: bool = False, dry_steps: int = 0
) -> TrainSummary:
    """Train, and return how it went. The best weights lie in `run.adapter` afterwards.

    Log, plots, summary and checkpoints lie in `run.train`. With `resume` training goes on from the
    last whole checkpoint as though it had never been cut. With `dry_steps` so many steps are
    taken, nothing is kept, and the summary tells how long the whole would take.

    Raises:
        TrainingError: NaN, no memory, no disk, no sample, a broken checkpoint; what was saved
            stays.
        BaseModelError: the base model is missing, broken, or has no such layers.
        RecipeError: the data is not prepared, or `resume` finds other settings.
    """
    machine = hardware()
    if process() > 0:
        progress = SilentProgress()
    with _without_chatter(), _explained(recipe, run, machine):
        if dry_steps:
            with tempfile.TemporaryDirectory() as folder:
                course = _load(recipe, run, machine, Path(folder), dry_steps, progress)
                return _rehearse(course, dry_steps, progress)
        course = _load(recipe, run, machine, run.train / "checkpoints", 0, progress)
        return _learn(course, resume=resume, progress=progress)


def _load(
    recipe: Recipe, run: Run, machine: Hardware, folder: Path, dry_steps: int, progress: Progress
) -> TrainingRun:
    """Load data before weights: what is wrong with it shows at once."""
    base = find_base_model(recipe)
    tokenizer = load_tokenizer(base, fmt=chat_format(recipe.model.format))
    lessons = load_training_set(recipe, run, tokenizer, progress=progress)
    steps = total_steps(len(lessons.train), recipe.train, processes=processes())
    args = training_arguments(
        recipe,
        folder=folder,
        hardware=machine,
        precision=choose_precision(recipe.train, machine),
        evaluates=len(lessons.val) > 0,
        steps=steps,
        dry_steps=dry_steps,
    )
    set_seed(recipe.seed)
    loaded = load_base(recipe, hardware=machine, quantized=recipe.train.method == "qlora")
    return TrainingRun(
        recipe=recipe,
        run=run,
        base=base,
        lessons=lessons,
        model=_ready(loaded, recipe, progress),
        hardware=machine,
        precision=loaded.precision,
        args=args,
        collate=padding(tokenizer.pad_id),
        steps=steps,
    )


def _ready(loaded: LoadedModel, recipe: Recipe, progress: Progress) -> PreTrainedModel | PeftModel:
    """Return the model with our loss, and with LoRA unless all of it is trained."""
    table = recipe.train
    if not learn_targets_only(loaded.model, chunk=table.loss_chunk):
        progress.note(
            Message("this model reshapes its logits: the loss is computed on all tokens at once")
        )
    if table.gradient_checkpointing:
        checkpoint_activations(loaded.model)
    return loaded.model if table.method == "full" else add_lora(loaded, table)


def _learn(course: TrainingRun, *, resume: bool, progress: Progress) -> TrainSummary:
    last, state = _begin(course, resume=resume, progress=progress)
    until = state.global_step if state else 0
    log = TrainLog(course.run.train, until=until, writes=course.leads)
    keeper = BestCheckpointCallback(patience=course.recipe.train.early_stop)
    keeper.stopped_early = state is not None and keeper.gave_up(state)
    meter = LossMeter()
    with progress.stage(Message("training"), total=course.steps) as stage:
        watcher = NaNGuard(meter=meter, table=course.recipe.train, precision=course.precision)
        reporter = TrainingReporter(watcher=watcher, log=log, stage=stage, hardware=course.hardware)
        if not keeper.stopped_early:
            trainer = _trainer(course, meter, [watcher, reporter, keeper])
            trainer.train(resume_from_checkpoint=str(last) if last else None)
            state = trainer.state
    assert state is not None
    summary = replace(
        _summary(course, reporter, log.entries),
        steps=state.global_step,
        epochs=round(state.epoch or 0.0, 4),
        stopped_early=keeper.stopped_early,
        resumed_from=until,
    )
    if course.leads:
        _keep(course, summary, log.entries)
    return summary


def _begin(
    course: TrainingRun, *, resume: bool, progress: Progress
) -> tuple[Path | None, TrainerState | None]:
    """Return the checkpoint to go on from, with its state, if there is one and it is wanted."""
    settings = settings_of(course.recipe, course.run, fingerprint(course.base))
    with course.args.main_process_first(local=False):
        if resume and course.checkpoints.whole():
            return course.checkpoints.go_on(settings)
        if course.leads:
            course.checkpoints.begin(settings)
            (course.run.train / SUMMARY_FILE).unlink(missing_ok=True)
    if resume:
        progress.note(Message("there is no checkpoint to resume from: training begins anew"))
    return None, None


def _rehearse(course: TrainingRun, steps: int, progress: Progress) -> TrainSummary:
    meter, log = LossMeter(), TrainLog(None)
    with progress.stage(Message("dry run"), total=steps) as stage:
        watcher = NaNGuard(meter=meter, table=course.recipe.train, precision=course.precision)
        reporter = TrainingReporter(watcher=watcher, log=log, stage=stage, hardware=course.hardware)
        _trainer(course, meter, [watcher, reporter]).train()
    every = course.recipe.train.evaluate_every
    evaluations = course.steps / every if every else course.recipe.train.epochs
    read = evaluations * course.lessons.val.tokens * FORWARD_SHARE
    estimated = (
        course.steps * reporter.pace.seconds_per_step + read / reporter.pace.tokens_per_second
    )
    return replace(
        _summary(course, reporter, log.entries),
        steps=steps,
        epochs=round(steps * course.recipe.train.epochs / course.steps, 4),
        estimated_seconds=round(estimated, 1),
    )


def _trainer(
    course: TrainingRun, meter: LossMeter, callbacks: list[TrainerCallback]
) -> TargetTrainer:
    trainer = TargetTrainer(
        meter=meter,
        model=course.model,
        args=course.args,
        data_collator=course.collate,
        train_dataset=course.lessons.train,
        eval_dataset=course.lessons.val if len(course.lessons.val) else None,
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _summary(
    course: TrainingRun, reporter: TrainingReporter, entries: Sequence[LogEntry]
) -> TrainSummary:
    """Return what log and clock tell; the steps are the caller's to say."""
    losses = [entry.loss for entry in entries if entry.loss is not None]
    evaluations = [entry.eval_loss for entry in entries if entry.eval_loss is not None]
    best = best_evaluation(entries)
    trainable, parameters = count_parameters(course.model)
    return TrainSummary(
        steps=0,
        total_steps=course.steps,
        epochs=0.0,
        first_loss=losses[0],
        train_loss=losses[-1],
        eval_loss=evaluations[-1] if evaluations else None,
        best_eval_loss=best.eval_loss if best else None,
        best_step=best.step if best else entries[-1].step,
        tokens=reporter.tokens,
        seconds=entries[-1].seconds,
        tokens_per_second=round(reporter.pace.tokens_per_second, 1),
        peak_memory=max(entry.peak_memory for entry in entries),
        device=f"{course.hardware.name} ({course.hardware.device})",
        precision=course.precision,
        parameters=parameters,
        trainable_parameters=trainable,
        samples=len(course.lessons.train),
        val_samples=len(course.lessons.val),
        dropped=course.lessons.dropped,
        shortened=course.lessons.shortened,
    )


def _keep(course: TrainingRun, summary: TrainSummary, entries: Sequence[LogEntry]) -> None:
    best = course.checkpoints.best()
    save_origin(best, course.base, course.recipe)
    publish(best, course.run.adapter)
    draw_curves(entries, course.run.train, stopped_early=summary.stopped_early)
    write_summary(course.run.train, summary)


@contextlib.contextmanager
def _without_chatter() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=CHATTY)
        yield


@contextlib.contextmanager
def _explained(recipe: Recipe, run: Run, machine: Hardware) -> Iterator[None]:
    """Say in one line what ran out, and leave no half checkpoint behind."""
    try:
        yield
    except (OSError, RuntimeError, MemoryError, SafetensorError) as error:
        if out_of_memory(error):
            raise memory_failure(recipe, machine) from error
        checkpoints = Checkpoints(run.train / "checkpoints")
        if unreadable(error) and checkpoints.whole():
            raise checkpoint_failure(checkpoints.whole()[-1]) from error
        if not out_of_disk(error):
            raise
        checkpoints.drop_broken()
        raise disk_failure(run.train, checkpoints.whole()) from error
