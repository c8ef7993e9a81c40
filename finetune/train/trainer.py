"""Train a model, from prepared data to the best adapter: transformers' Trainer with our loss.

Under `accelerate launch` each process trains on its share of the samples; rank 0 alone writes.
"""

import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from peft import PeftModel
from torch import Tensor
from transformers import PreTrainedModel, TrainerCallback, TrainerState, TrainingArguments, set_seed
from transformers.trainer_callback import PrinterCallback

from finetune.errors import TrainingError
from finetune.model.base_model import find_base_model
from finetune.model.chat_format import chat_format
from finetune.model.samples import total_steps
from finetune.model.tokenization import load_tokenizer
from finetune.progress import Progress, SilentProgress
from finetune.recipe import Recipe, TrainTable
from finetune.runs import Run
from finetune.train.adapters import add_lora, fingerprint, save_origin
from finetune.train.arguments import (
    prepare_reporters,
    process_count,
    process_rank,
    training_arguments,
)
from finetune.train.batches import (
    TrainingSet,
    load_training_set,
    padding_collator,
)
from finetune.train.callbacks import BestCheckpointCallback, LossMeter, NaNGuard, TrainingReporter
from finetune.train.checkpoints import Checkpoints, publish_checkpoint, settings_of
from finetune.train.failures import explain_failures
from finetune.train.hardware import Hardware, Precision, choose_precision, detect_hardware
from finetune.train.log import (
    SUMMARY_FILE,
    LogEntry,
    TrainLog,
    TrainSummary,
    best_evaluation,
    write_summary,
)
from finetune.train.loss import keeps_samples_apart, patch_target_loss
from finetune.train.model import (
    LoadedModel,
    checkpoint_activations,
    count_parameters,
    load_base,
)
from finetune.train.pairs import PairSet, load_pair_set, pair_collator, score_reference
from finetune.train.plots import draw_curves
from finetune.train.preference import patch_preference_loss
from finetune.train.target_trainer import ModelScore, PreferenceTrainer, TargetTrainer
from ingest.foundation.messages import Message

FORWARD_SHARE = 1 / 3
"""Time of a forward pass in that of a training step: the backward pass costs about two more."""

NOISY_LIBRARIES = r"(torch|transformers|peft|accelerate|bitsandbytes|huggingface_hub)\b"
"""Modules (a regular expression) whose warnings address programmers, not users."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRun:
    """All parts of one training, loaded. `base` is the folder of the base model.

    `steps` is the number of optimiser steps of the whole training, also in a dry run.
    """

    recipe: Recipe
    run: Run
    base: Path
    samples: TrainingSet
    model: PreTrainedModel | PeftModel
    hardware: Hardware
    precision: Precision
    args: TrainingArguments
    collate: Callable[[Sequence[Any]], dict[str, Tensor]]
    steps: int
    score: ModelScore | None = None

    @property
    def checkpoints(self) -> Checkpoints:
        """The checkpoints in the Trainer's output folder."""
        assert self.args.output_dir is not None  # transformers itself replaces None
        return Checkpoints(Path(self.args.output_dir))

    @property
    def is_main_process(self) -> bool:
        """Whether this process writes files: rank 0 of those that train together."""
        return bool(self.args.process_index == 0)

    def train_to_end(self, *, resume: bool, progress: Progress) -> TrainSummary:
        """Train to the end or the early stop, then publish weights, plots and summary."""
        checkpoint, state = self._prepare_checkpoints(resume=resume, progress=progress)
        resumed_from = state.global_step if state else 0
        log = TrainLog(self.run.train, until=resumed_from, writes=self.is_main_process)
        best_checkpoint = BestCheckpointCallback(early_stop=self.recipe.train.early_stop)
        # A training that stopped early has no step left to do: resuming it only writes the results.
        best_checkpoint.stopped_early = state is not None and best_checkpoint.should_stop(state)
        meter = LossMeter()
        with progress.stage(Message("training"), total=self.steps) as stage:
            guard = NaNGuard(meter=meter, table=self.recipe.train, precision=self.precision)
            reporter = TrainingReporter(guard=guard, log=log, stage=stage, hardware=self.hardware)
            # Transformers takes one step more where `max_steps` ends within an epoch.
            if not best_checkpoint.stopped_early and resumed_from < self.steps:
                # The guard stands before the best checkpoint: a validation loss of NaN ends the
                # training, it is not saved as the lowest so far.
                trainer = self._build_trainer(meter, [guard, reporter, best_checkpoint])
                trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
                state = trainer.state
        assert state is not None
        summary = replace(
            self._summarize(reporter, log.entries),
            steps=state.global_step,
            epochs=round(state.epoch or 0.0, 4),
            stopped_early=best_checkpoint.stopped_early,
            resumed_from=resumed_from,
        )
        if self.is_main_process:
            best = self.checkpoints.best()
            # Into the checkpoint, not into the copy: the published folder appears complete or not.
            save_origin(best, self.base, self.recipe)
            publish_checkpoint(best, self.run.adapter)
            draw_curves(log.entries, self.run.train, stopped_early=summary.stopped_early)
            # Last, since a summary marks a finished training.
            write_summary(self.run.train, summary)
        return summary

    def _prepare_checkpoints(
        self, *, resume: bool, progress: Progress
    ) -> tuple[Path | None, TrainerState | None]:
        """Return the checkpoint to resume from and its state; without one make the folder anew."""
        settings = settings_of(self.recipe, self.run, fingerprint(self.base))
        # Rank 0 alone deletes and renames; the others look at the folder once it has finished.
        with self.args.main_process_first(local=False):
            if resume and self.checkpoints.complete():
                return self.checkpoints.resume(settings)
            if self.is_main_process:
                self.checkpoints.start_anew(settings)
                (self.run.train / SUMMARY_FILE).unlink(missing_ok=True)
        if resume:
            progress.note(Message("there is no checkpoint to resume from: training begins anew"))
        return None, None

    def dry_run(self, steps: int, progress: Progress) -> TrainSummary:
        """Take `steps` steps without saving, and estimate the seconds of the whole training.

        Of an evaluation its share of a step's time is taken, and the replies of `best_by` are
        written once.
        """
        meter, log = LossMeter(), TrainLog(None)
        with progress.stage(Message("dry run"), total=steps) as stage:
            guard = NaNGuard(meter=meter, table=self.recipe.train, precision=self.precision)
            reporter = TrainingReporter(guard=guard, log=log, stage=stage, hardware=self.hardware)
            self._build_trainer(meter, [guard, reporter]).train()
        every = self.recipe.train.evaluate_every
        evaluations = self.steps / every if every else self.recipe.train.epochs
        # An evaluation has no backward pass: its tokens cost a third of a training token.
        evaluated_tokens = evaluations * self.samples.val.tokens * FORWARD_SHARE
        # What `best_by` asks is answered once; where loss decides, nothing is.
        score_s = 0.0
        if self.score is not None and len(self.samples.val):
            begun = time.perf_counter()
            self.score(self.model)
            score_s = time.perf_counter() - begun
        throughput = reporter.throughput
        estimated = (
            self.steps * throughput.seconds_per_step
            + evaluated_tokens / throughput.tokens_per_second
            + evaluations * score_s
        )
        return replace(
            self._summarize(reporter, log.entries),
            steps=steps,
            epochs=round(steps * self.recipe.train.epochs / self.steps, 4),
            estimated_seconds=round(estimated, 1),
        )

    def _build_trainer(self, meter: LossMeter, callbacks: list[TrainerCallback]) -> TargetTrainer:
        kind = TargetTrainer if self.recipe.train.objective == "sft" else PreferenceTrainer
        trainer = kind(
            meter=meter,
            score=self.score,
            model=self.model,
            args=self.args,
            data_collator=self.collate,
            train_dataset=self.samples.train,
            eval_dataset=self.samples.val if len(self.samples.val) else None,
            callbacks=callbacks,
        )
        # The Trainer adds it when tqdm is off; it prints each log to stdout, which is for results.
        trainer.remove_callback(PrinterCallback)
        return trainer

    def _summarize(self, reporter: TrainingReporter, entries: Sequence[LogEntry]) -> TrainSummary:
        """Return the figures of log and clock; the caller fills in `steps` and `epochs`."""
        losses = [entry.loss for entry in entries if entry.loss is not None]
        evaluations = [entry.eval_loss for entry in entries if entry.eval_loss is not None]
        best = best_evaluation(entries)
        trainable, parameters = count_parameters(self.model)
        return TrainSummary(
            steps=0,
            total_steps=self.steps,
            epochs=0.0,
            first_loss=losses[0],
            train_loss=losses[-1],
            eval_loss=evaluations[-1] if evaluations else None,
            best_eval_loss=best.eval_loss if best else None,
            best_step=best.step if best else entries[-1].step,
            tokens=reporter.tokens,
            seconds=entries[-1].seconds,
            tokens_per_second=round(reporter.throughput.tokens_per_second, 1),
            peak_memory=max(entry.peak_memory for entry in entries),
            device=f"{self.hardware.name} ({self.hardware.device})",
            precision=self.precision,
            parameters=parameters,
            trainable_parameters=trainable,
            samples=self.samples.train.samples,
            val_samples=len(self.samples.val),
            dropped=self.samples.dropped,
            shortened=self.samples.shortened,
            unpaired=self.samples.unpaired,
            objective=self.recipe.train.objective,
            val_accuracy=best.accuracy if best else None,
            best_score=best.eval_score if best else None,
        )


def train(
    recipe: Recipe,
    run: Run,
    *,
    progress: Progress,
    resume: bool = False,
    dry_steps: int = 0,
    score: ModelScore | None = None,
) -> TrainSummary:
    """Train and return the summary; the best weights are in `run.adapter` afterwards.

    Log, plots, summary and checkpoints are written to `run.train`. `resume` continues from the last
    complete checkpoint with the same result as an uninterrupted training. `dry_steps` takes that
    many steps, keeps nothing, and estimates the duration of the whole training. `score` decides
    which checkpoint is the best, in the place of the validation loss.

    Raises:
        TrainingError: NaN, no memory, no disk space, no sample, or a broken checkpoint; what was
            saved stays.
        BaseModelError: the base model is missing, broken, or has no such layers.
        RecipeError: the data is not prepared, or `resume` finds other settings.
    """
    machine = detect_hardware()
    if process_rank() > 0:
        progress = SilentProgress()
    with warnings.catch_warnings(), explain_failures(recipe, run, machine):
        warnings.filterwarnings("ignore", module=NOISY_LIBRARIES)
        if dry_steps:
            # Not in the run's folder: a dry run must not move the checkpoints of a real one aside.
            with tempfile.TemporaryDirectory() as folder:
                training = _load_training_run(
                    recipe, run, machine, Path(folder), dry_steps, progress, score=score
                )
                return training.dry_run(dry_steps, progress)
        training = _load_training_run(
            recipe, run, machine, run.train / "checkpoints", 0, progress, score=score
        )
        return training.train_to_end(resume=resume, progress=progress)


def _load_training_run(
    recipe: Recipe,
    run: Run,
    machine: Hardware,
    folder: Path,
    dry_steps: int,
    progress: Progress,
    score: ModelScore | None = None,
) -> TrainingRun:
    """Return everything that a training needs; the Trainer writes to `folder`."""
    if not dry_steps:
        prepare_reporters(recipe.train, run.train)
    base = find_base_model(recipe)
    tokenizer = load_tokenizer(base, fmt=chat_format(recipe.model.format))
    # Data before weights: a mistake in the data shows after seconds, not after a long load.
    is_preference = recipe.train.objective != "sft"
    load = load_pair_set if is_preference else load_training_set
    samples = load(recipe, run, tokenizer, progress=progress)
    steps = total_steps(len(samples.train), recipe.train, processes=process_count())
    args = training_arguments(
        recipe,
        folder=folder,
        hardware=machine,
        precision=choose_precision(recipe.train, machine),
        evaluates=len(samples.val) > 0,
        steps=steps,
        dry_steps=dry_steps,
        by_score=score is not None,
    )
    # Before the model: LoRA's A matrices are drawn at random when they are added.
    set_seed(recipe.seed)
    table = recipe.train
    loaded = load_base(recipe, hardware=machine, quantized=table.method == "qlora")
    # Before peft wraps the model: the replaced `forward` has to be that of the innermost model.
    _patch_loss(loaded, table, samples, progress, dry=dry_steps > 0)
    if table.gradient_checkpointing:
        checkpoint_activations(loaded.model)
    return TrainingRun(
        recipe=recipe,
        run=run,
        base=base,
        samples=samples,
        model=loaded.model if table.method == "full" else add_lora(loaded, table),
        hardware=machine,
        precision=loaded.precision,
        args=args,
        collate=(pair_collator if is_preference else padding_collator)(tokenizer.pad_id),
        steps=steps,
        score=score,
    )


def _patch_loss(
    loaded: LoadedModel, table: TrainTable, samples: TrainingSet, progress: Progress, *, dry: bool
) -> None:
    """Give the model the loss of the recipe's objective.

    Raises:
        TrainingError: it cannot be had for this model, or not with packed samples.
    """
    if table.objective != "sft":
        patched = patch_preference_loss(
            loaded.model, objective=table.objective, beta=table.beta, chunk=table.loss_chunk
        )
        if not patched:
            raise TrainingError(
                Message(
                    "{objective} cannot be had for this model: it reshapes its logits",
                    objective=table.objective,
                ),
                hint=Message('write objective = "sft", or take another base'),
            )
        # Not in a dry run, which is there for time and memory: it would read all of the data. ORPO
        # needs no scores of the model as it is now.
        for pairs in () if dry or table.objective == "orpo" else (samples.train, samples.val):
            assert isinstance(pairs, PairSet)
            score_reference(
                loaded.model,
                pairs,
                pad_id=loaded.tokenizer.pad_id,
                batch=table.batch,
                progress=progress,
            )
        return
    is_patched = patch_target_loss(loaded.model, chunk=table.loss_chunk)
    if not is_patched:
        progress.note(
            Message("this model reshapes its logits: the loss is computed on all tokens at once")
        )
    if table.packing and not (is_patched and keeps_samples_apart(loaded.model)):
        raise TrainingError(
            Message("train.packing is not for this model: samples in a row would see each other"),
            hint=Message("leave train.packing out, or take another base"),
        )
