"""Evaluate a model on held-out records: generate replies, score them, compute figures.

Replies are written as they come, so that an interrupted evaluation generates only the missing ones.
Imports no torch unless a model runs in this process.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from finetune.errors import EvaluationError
from finetune.evaluate.generate.base import Generator, TargetScorer
from finetune.evaluate.generate.ollama import OllamaGenerator
from finetune.evaluate.generate.openai import OpenAIGenerator
from finetune.evaluate.metrics.corpus_figures import number_figures, table_figures
from finetune.evaluate.metrics.likelihood import TargetLoss
from finetune.evaluate.metrics.scored import scored_to_json
from finetune.evaluate.metrics.scoring import Scorer
from finetune.evaluate.metrics.similarity import answer_similarity
from finetune.evaluate.replies import ReplyStore, read_replies
from finetune.model.chat_format import chat_format
from finetune.progress import Progress, SilentProgress
from finetune.recipe import Recipe
from finetune.records import Prediction, Record
from finetune.runs import Run, digest_of, write_atomically
from ingest.foundation.messages import Message

IN_PROCESS = ("base", "adapter", "merged")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Figures of one model over its scored replies; `path` is that of its JSON.

    `missing` counts records without a reply; `left_out` gives the reason for each figure that could
    not be computed.
    """

    model: str
    path: Path
    records: int
    values: Mapping[str, float]
    missing: int = 0
    tables: Mapping[str, Any] = field(default_factory=dict)
    left_out: Mapping[str, Message] = field(default_factory=dict)

    def figures(self) -> dict[str, Any]:
        """Return all figures as JSON values."""
        left_out = {name: reason.in_each_language() for name, reason in self.left_out.items()}
        return {
            "model": self.model,
            "records": self.records,
            **({"missing": self.missing} if self.missing else {}),
            **self.values,
            **self.tables,
            **({"left_out": left_out} if left_out else {}),
        }


def evaluate(
    recipe: Recipe, run: Run, model: str, *, progress: Progress, force: bool = False
) -> Evaluation:
    """Generate a model's replies to the held-out questions and score them.

    Args:
        recipe: `evaluate` says which split, how many records, and how replies are generated.
        run: Has the prepared data, and gets `evaluation/<model>.json` and .jsonl.
        model: base, adapter, merged, ollama:NAME or openai:URL.
        progress: Gets the stages.
        force: Generate replies again that are there already.

    Raises:
        EvaluationError: the model cannot be reached, or there is no record.
        BaseModelError: weights are missing or do not fit.
    """
    generator: Generator
    kind, _, rest = model.partition(":")
    if model in IN_PROCESS:
        from finetune.evaluate.generate.transformers import open_model  # noqa: PLC0415  torch takes 3 s
        from finetune.train.hardware import detect_hardware  # noqa: PLC0415  torch takes 3 s

        generator = open_model(recipe, run, model, hardware=detect_hardware())
    elif kind == "ollama" and rest:
        generator = OllamaGenerator(rest, recipe)
    elif kind == "openai" and rest:
        generator = OpenAIGenerator(rest, recipe)
    else:
        raise EvaluationError(
            Message("there is no model {model}", model=model),
            hint=Message("write base, adapter, merged, ollama:NAME or openai:URL"),
        )
    return evaluate_generator(generator, recipe, run, model, progress=progress, force=force)


def evaluate_generator(
    generator: Generator,
    recipe: Recipe,
    run: Run,
    model: str,
    *,
    progress: Progress,
    force: bool = False,
) -> Evaluation:
    """Do the same as `evaluate` with an open generator; `model` names its files."""
    records = select_records(recipe, run)
    settings = recipe.evaluate
    # All that shapes a reply. The limit is not part of it: more records keep the replies so far.
    digest = digest_of(
        generator.identity,
        recipe.model.format,
        recipe.seed,
        settings.max_new_tokens,
        settings.temperature,
    )
    path = run.evaluation / f"{model_slug(model)}.replies.jsonl"
    with ReplyStore(path, digest=digest, force=force) as store:
        missing = [record for record in records if record.id not in store.kept]
        if count := len(records) - len(missing):
            progress.note(
                Message("{count} {count:?reply was|replies were} there already", count=count)
            )
        for prediction in generator.generate(missing, progress=progress) if missing else ():
            store.add(prediction)
        predictions = dict(store.kept)
    losses: dict[str, TargetLoss] = {}
    if settings.perplexity and isinstance(generator, TargetScorer):
        found = generator.target_losses(records, progress=progress)
        losses = {loss.id: loss for loss in found}
    return _score_and_write(recipe, run, model, records, predictions, losses, progress)


def evaluate_predictions(
    recipe: Recipe, run: Run, path: Path, *, progress: Progress | None = None
) -> Evaluation:
    """Score a file of replies that were made elsewhere, without any model.

    Its lines are ours (`id` of a prepared record, `text` or `answer`), or those that LLaMA-Factory
    writes (`prompt`, `predict`, `label`). The figures go to `evaluation/file-<stem>.json`.

    Raises:
        EvaluationError: the file cannot be read, or an id is not that of a held-out record.
    """
    file = read_replies(path, chat_format(recipe.model.format))
    # All records, not the first `evaluate.limit`: another program chose which to answer.
    records = file.records or select_records(recipe, run, every=True)
    record_ids = {record.id for record in records}
    for name, number in file.row_numbers.items():
        if name not in record_ids:
            split = recipe.evaluate.split
            raise EvaluationError(
                Message(
                    "{path}: row {place}: no record of {split} has this id",
                    path=path,
                    place=number,
                    split=split,
                ),
                hint=Message("take the ids of data/{split}.jsonl in the run's folder", split=split),
            )
    name = f"file-{path.stem}"
    return _score_and_write(
        recipe, run, name, records, file.predictions, {}, progress or SilentProgress()
    )


def model_slug(model: str) -> str:
    """Return the name of a model's files: "ollama:a/b:1.5b" becomes "ollama-a-b-1.5b"."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", model).strip("-.") or "model"


def select_records(recipe: Recipe, run: Run, *, every: bool = False) -> list[Record]:
    """Return the held-out records to evaluate, in the order of their file, each id once.

    Above `evaluate.limit` some are drawn. Windows of one document stay together.

    Raises:
        EvaluationError: the split is empty.
    """
    split = recipe.evaluate.split
    records = list({record.id: record for record in run.records(split)}.values())
    if not records:
        raise EvaluationError(
            Message("there is no record in {split}", split=split),
            hint=Message(
                "give data.split.{split} a larger share, or set evaluate.split", split=split
            ),
        )
    limit = recipe.evaluate.limit
    if every or not limit or len(records) <= limit:
        return records
    # Drawn by the smallest digests: independent of the file's order, and nearly the same records
    # after the data have grown, so that figures stay comparable.
    drawn = sorted({record.document or record.id for record in records}, key=digest_of)
    ranks = {name: rank for rank, name in enumerate(drawn)}
    by_rank = sorted(records, key=lambda record: ranks[record.document or record.id])
    last = ranks[by_rank[limit - 1].document or by_rank[limit - 1].id]
    return [record for record in records if ranks[record.document or record.id] <= last]


def _score_and_write(
    recipe: Recipe,
    run: Run,
    model: str,
    records: Sequence[Record],
    predictions: Mapping[str, Prediction],
    losses: Mapping[str, TargetLoss],
    progress: Progress,
) -> Evaluation:
    """Score the replies, write `<model>.jsonl` and `<model>.json`, and return the figures."""
    answered = [record for record in records if record.id in predictions]
    if not answered:
        raise EvaluationError(
            Message("model {model} gave no reply", model=model),
            hint=Message("evaluate it again"),
        )
    cosines, left_out = answer_similarities(recipe, answered, predictions)
    # JSON has no NaN, and a mean with one NaN would say nothing about the other records.
    if not all(math.isfinite(loss.nats) for loss in losses.values()):
        losses, left_out = {}, {**left_out, "perplexity": _NOT_FINITE}
    for figure, reason in left_out.items():
        progress.note(Message("{figure} left out: {why}", figure=figure, why=reason))
    scored = Scorer(
        fmt=chat_format(recipe.model.format),
        task=recipe.evaluate.task,
        labels=recipe.data.labels or prepared_labels(run),
        losses=losses,
        cosines=cosines,
    ).score(answered, predictions, progress=progress)
    evaluation = Evaluation(
        model=model,
        path=run.evaluation / f"{model_slug(model)}.json",
        records=len(scored),
        missing=len(records) - len(scored),
        values=number_figures(scored),
        tables=table_figures(scored, recipe.evaluate.task),
        left_out=left_out,
    )
    lines = [json.dumps(scored_to_json(one), ensure_ascii=False) for one in scored]
    write_atomically(evaluation.path.with_suffix(".jsonl"), "".join(f"{line}\n" for line in lines))
    figures = {
        "split": recipe.evaluate.split,
        "task": recipe.evaluate.task,
        **evaluation.figures(),
    }
    # After the replies: whoever finds figures also finds what they were computed from.
    write_atomically(evaluation.path, json.dumps(figures, ensure_ascii=False, indent=1))
    return evaluation


def prepared_labels(run: Run) -> tuple[str, ...]:
    """Return the labels of all splits, empty if unknown."""
    # A split may lack some: an answer that gives one of them is wrong, it is not without a label.
    try:
        quality = json.loads((run.data / "quality.json").read_text(encoding="utf-8"))
        return tuple(quality["labels"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def answer_similarities(
    recipe: Recipe, records: Sequence[Record], predictions: Mapping[str, Prediction]
) -> tuple[dict[str, float], dict[str, Message]]:
    """Return the cosines by record id, or else why similarity is left out."""
    if recipe.evaluate.similarity == "off":
        return {}, {}
    found = answer_similarity(
        [predictions[record.id].answer for record in records],
        [record.last.answer for record in records],
    )
    if not found.cosines:
        return {}, {"similarity": found.reason}
    names = [record.id for record in records]
    return dict(zip(names, found.cosines, strict=True)), {}


_NOT_FINITE = Message(
    "the model's outputs are not numbers (NaN): python -m finetune diagnose RECIPE"
)
