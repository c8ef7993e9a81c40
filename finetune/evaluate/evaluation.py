"""How good a model is on held-out records: its replies, their scores, and the figures over them.

Replies are written as they come, so that an evaluation that was cut short asks only what is
missing. Nothing here imports torch unless a model of this process is asked.
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
from finetune.evaluate.metrics import catalogue, nvc
from finetune.evaluate.metrics.labels import classification
from finetune.evaluate.metrics.likelihood import TargetLoss
from finetune.evaluate.metrics.overlap import bleu_tokens, corpus_bleu, corpus_chrf
from finetune.evaluate.metrics.scored import Scored, to_json
from finetune.evaluate.metrics.scoring import Scorer
from finetune.evaluate.metrics.similarity import similarity
from finetune.evaluate.replies import Replies, read_replies
from finetune.model.chat_format import chat_format
from finetune.progress import Progress, SilentProgress
from finetune.recipe import Recipe
from finetune.records import Prediction, Record
from finetune.runs import Run, digest_of, write_whole
from ingest.foundation.messages import Message

DIGITS = 4
"""Of figures in JSON, as LLaMA-Factory writes them."""
IN_PROCESS = ("base", "adapter", "merged")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Figures of one model, and where its scored replies lie.

    `missing` counts records without a reply; `left_out` says why a figure is not there.
    """

    model: str
    path: Path
    records: int
    values: Mapping[str, float]
    missing: int = 0
    tables: Mapping[str, Any] = field(default_factory=dict)
    left_out: Mapping[str, Message] = field(default_factory=dict)

    def figures(self) -> dict[str, Any]:
        """Return what is worth keeping, for JSON."""
        told = {name: why.in_each_language() for name, why in self.left_out.items()}
        return {
            "model": self.model,
            "records": self.records,
            **({"missing": self.missing} if self.missing else {}),
            **self.values,
            **self.tables,
            **({"left_out": told} if told else {}),
        }


def evaluate(
    recipe: Recipe, run: Run, model: str, *, progress: Progress, anew: bool = False
) -> Evaluation:
    """Ask a model the held-out questions and score its replies.

    Args:
        recipe: `evaluate` says which split, how many, and how the model is asked.
        run: Where the prepared data lie and the figures go: `evaluation/<model>.json` and .jsonl.
        model: base, adapter, merged, ollama:NAME or openai:URL.
        progress: Where news go.
        anew: Ask again what was answered before.

    Raises:
        EvaluationError: the model cannot be asked, or there is nothing to ask.
        BaseModelError: weights are missing or do not fit.
    """
    generator = _open(recipe, run, model)
    return evaluate_with(generator, recipe, run, model, progress=progress, anew=anew)


def evaluate_with(
    generator: Generator,
    recipe: Recipe,
    run: Run,
    model: str,
    *,
    progress: Progress,
    anew: bool = False,
) -> Evaluation:
    """Do the same with a model that is open already; `model` is what its files are called by."""
    records = chosen_records(recipe, run)
    predictions = _ask(generator, recipe, run, model, records, progress, anew=anew)
    losses: dict[str, TargetLoss] = {}
    if recipe.evaluate.perplexity and isinstance(generator, TargetScorer):
        found = generator.target_losses(records, progress=progress)
        losses = {loss.id: loss for loss in found}
    return _judge(recipe, run, model, records, predictions, losses, progress)


def evaluate_predictions(
    recipe: Recipe, run: Run, path: Path, *, progress: Progress | None = None
) -> Evaluation:
    """Score a file of replies that were made elsewhere, without any model.

    Its lines are ours (`id` of a prepared record, `text` or `answer`), or those that LLaMA-Factory
    writes (`prompt`, `predict`, `label`). The figures go to `evaluation/file-<stem>.json`.

    Raises:
        EvaluationError: the file cannot be read, or names records that are not there.
    """
    found = read_replies(path, chat_format(recipe.model.format))
    records = found.records or chosen_records(recipe, run, every=True)
    known = {record.id for record in records}
    for name, place in found.places.items():
        if name not in known:
            raise _unknown(path, place, recipe)
    name = f"file-{path.stem}"
    return _judge(recipe, run, name, records, found.predictions, {}, progress or SilentProgress())


def slug_of(model: str) -> str:
    """Return the name of a model's files: "ollama:a/b:1.5b" becomes "ollama-a-b-1.5b"."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", model).strip("-.") or "model"


def chosen_records(recipe: Recipe, run: Run, *, every: bool = False) -> list[Record]:
    """Return the held-out records to ask, in the order of their file, each id once.

    When there are more than `evaluate.limit`, those with the smallest digests are taken: a fair
    draw that stays the same while data grow. Windows of one document stay together.

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
    drawn = sorted({record.document or record.id for record in records}, key=digest_of)
    places = {name: place for place, name in enumerate(drawn)}
    nearest = sorted(records, key=lambda record: places[record.document or record.id])
    last = places[nearest[limit - 1].document or nearest[limit - 1].id]
    return [record for record in records if places[record.document or record.id] <= last]


def _open(recipe: Recipe, run: Run, model: str) -> Generator:
    kind, _, rest = model.partition(":")
    if model in IN_PROCESS:
        from finetune.evaluate.generate.transformers import open_model  # noqa: PLC0415  torch takes 3 s
        from finetune.train.hardware import detect_hardware  # noqa: PLC0415  torch takes 3 s

        return open_model(recipe, run, model, hardware=detect_hardware())
    if kind == "ollama" and rest:
        return OllamaGenerator(rest, recipe)
    if kind == "openai" and rest:
        return OpenAIGenerator(rest, recipe)
    raise EvaluationError(
        Message("there is no model {model}", model=model),
        hint=Message("write base, adapter, merged, ollama:NAME or openai:URL"),
    )


def _ask(
    generator: Generator,
    recipe: Recipe,
    run: Run,
    model: str,
    records: Sequence[Record],
    progress: Progress,
    *,
    anew: bool,
) -> dict[str, Prediction]:
    """Return all replies: those that are there already, and those that are asked for now."""
    settings = recipe.evaluate
    digest = digest_of(
        generator.identity,
        recipe.model.format,
        recipe.seed,
        settings.max_new_tokens,
        settings.temperature,
    )
    path = run.evaluation / f"{slug_of(model)}.replies.jsonl"
    with Replies(path, digest=digest, anew=anew) as replies:
        asked = [record for record in records if record.id not in replies.kept]
        if len(asked) < len(records):
            progress.note(_going_on(len(records) - len(asked)))
        for prediction in generator.generate(asked, progress=progress) if asked else ():
            replies.add(prediction)
        return dict(replies.kept)


def _judge(
    recipe: Recipe,
    run: Run,
    model: str,
    records: Sequence[Record],
    predictions: Mapping[str, Prediction],
    losses: Mapping[str, TargetLoss],
    progress: Progress,
) -> Evaluation:
    """Score the replies, write what came of it, and return the figures."""
    answered = [record for record in records if record.id in predictions]
    if not answered:
        raise EvaluationError(
            Message("model {model} gave no reply", model=model),
            hint=Message("evaluate it again"),
        )
    cosines, left_out = _meaning(recipe, answered, predictions)
    if not all(math.isfinite(loss.nats) for loss in losses.values()):
        losses, left_out = {}, {**left_out, "perplexity": _NOT_FINITE}
    for figure, why in left_out.items():
        progress.note(Message("{figure} left out: {why}", figure=figure, why=why))
    scored = Scorer(
        fmt=chat_format(recipe.model.format),
        task=recipe.evaluate.task,
        labels=recipe.data.labels or _labels_of(run),
        losses=losses,
        cosines=cosines,
    ).score(answered, predictions, progress=progress)
    evaluation = Evaluation(
        model=model,
        path=run.evaluation / f"{slug_of(model)}.json",
        records=len(scored),
        missing=len(records) - len(scored),
        values=_values(scored),
        tables=_tables(scored, recipe),
        left_out=left_out,
    )
    _write(evaluation, scored, recipe)
    return evaluation


def _labels_of(run: Run) -> tuple[str, ...]:
    """Return the labels of the prepared data: a split may lack some, which answers may yet give."""
    try:
        told = json.loads((run.data / "quality.json").read_text(encoding="utf-8"))
        return tuple(told["labels"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def _write(evaluation: Evaluation, scored: Sequence[Scored], recipe: Recipe) -> None:
    """Write `<slug>.jsonl`, a line for each reply, and `<slug>.json`, the figures."""
    lines = [json.dumps(to_json(one), ensure_ascii=False) for one in scored]
    write_whole(evaluation.path.with_suffix(".jsonl"), "".join(f"{line}\n" for line in lines))
    told = {"split": recipe.evaluate.split, "task": recipe.evaluate.task, **evaluation.figures()}
    write_whole(evaluation.path, json.dumps(told, ensure_ascii=False, indent=1))


def _meaning(
    recipe: Recipe, records: Sequence[Record], predictions: Mapping[str, Prediction]
) -> tuple[dict[str, float], dict[str, Message]]:
    if recipe.evaluate.similarity == "off":
        return {}, {}
    found = similarity(
        [predictions[record.id].answer for record in records],
        [record.last.answer for record in records],
    )
    if not found.cosines:
        return {}, {"similarity": found.reason}
    names = [record.id for record in records]
    return dict(zip(names, found.cosines, strict=True)), {}


def _values(scored: Sequence[Scored]) -> dict[str, float]:
    """Return all figures by name; those of LLaMA-Factory have its names."""
    values = {figure.name: figure.of(scored) for figure in catalogue.FIGURES}
    said = [one.prediction.answer for one in scored]
    wanted = [one.wanted for one in scored]
    values["bleu"] = corpus_bleu(said, wanted, bleu_tokens(wanted))[0]
    values["chrf"] = corpus_chrf(said, wanted)
    seconds = sum(one.prediction.seconds for one in scored)
    if seconds:
        values["predict_runtime"] = seconds
        values["predict_samples_per_second"] = len(scored) / seconds
    return {
        name: round(value, DIGITS)
        for name, value in values.items()
        if value is not None and math.isfinite(value)
    }


def _tables(scored: Sequence[Scored], recipe: Recipe) -> dict[str, Any]:
    """Return what is no single number: faults, the confusion matrix, the sides of an F1."""
    wanted = [one.wanted for one in scored]
    faults: dict[str, int] = {}
    for kind in (kind for one in scored for kind in {fault.kind for fault in one.faults}):
        faults[kind] = faults.get(kind, 0) + 1
    said = [one.prediction.answer for one in scored]
    tables: dict[str, Any] = {
        "faults": faults,
        "bleu_signature": corpus_bleu(said, wanted, bleu_tokens(wanted))[1],
    }
    if recipe.evaluate.task == "classify":
        figures = classification([one.label for one in scored], [one.given for one in scored])
        tables["labels"], tables["columns"] = figures.labels, figures.columns
        tables["confusion"] = figures.confusion
        tables["per_label"] = {
            one.label: {"precision": one.precision, "recall": one.recall, "f1": one.f1}
            for one in figures.per_label
        }
    if recipe.evaluate.task == "nvc":
        judged = nvc.rewriting([nvc.judge(one.prediction.answer, one.wanted) for one in scored])
        tables["risk"] = {"precision": judged.risk_precision, "recall": judged.risk_recall}
    return tables


_NOT_FINITE = Message(
    "the model's outputs are not numbers (NaN): python -m finetune diagnose RECIPE"
)


def _going_on(count: int) -> Message:
    return Message("{count} replies were there already", count=count)


def _unknown(path: Path, place: int, recipe: Recipe) -> EvaluationError:
    split = recipe.evaluate.split
    return EvaluationError(
        Message(
            "{path}: row {place}: no record of {split} has this id",
            path=path,
            place=place,
            split=split,
        ),
        hint=Message("take the ids of data/{split}.jsonl in the run's folder", split=split),
    )
