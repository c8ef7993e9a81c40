"""Questions to a model's weights: whether they compute, which format they know, how replies end."""

from collections.abc import Sequence
from itertools import islice
from statistics import fmean, median

import torch
from torch import nn

from finetune.diagnose.checks.evidence import Behaviour, Ending, ModelProbe, Numbers
from finetune.diagnose.probing.fits import format_fits, last_logits, unknown_marks
from finetune.errors import BaseModelError
from finetune.evaluate.generate.transformers import TransformersGenerator
from finetune.evaluate.metrics.form import is_looping
from finetune.model.chat_format import ChatFormat, chat_format, reply_pieces
from finetune.model.samples import encode_prompt
from finetune.model.tokenization import PROBE
from finetune.progress import Progress
from finetune.recipe import Recipe
from finetune.records import Prediction, Record, Split
from finetune.runs import Run
from finetune.train.adapters import is_full_model, load_for_inference
from finetune.train.failures import is_out_of_memory
from finetune.train.hardware import Hardware, Precision, choose_precision, detect_hardware
from finetune.train.model import DTYPES, LoadedModel
from ingest.foundation.messages import Message

PROBED_RECORDS = 8
"""Held-out records that are asked: faults of the kinds looked for show in nearly all of them."""


def probe(recipe: Recipe, run: Run, model: str, *, progress: Progress) -> ModelProbe:
    """Return what the weights of `model` (base, adapter or merged) tell.

    They are loaded in fp32, whatever the recipe trains in. Behaviour is left out where the logits
    are no numbers, or where `prepare` has left no records.

    Raises:
        BaseModelError: the model is missing, broken beyond loading, or too large for this machine.
    """
    try:
        return _probe(recipe, run, model, progress=progress)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise _too_large(model) from error


def _probe(recipe: Recipe, run: Run, model: str, *, progress: Progress) -> ModelProbe:
    machine = detect_hardware()
    records = _records(recipe, run)
    with progress.stage(Message("loading {model}", model=model)):
        loaded = _load(recipe, run, model, machine)
    broken = broken_weights(loaded.model)
    with torch.inference_mode():
        computes = not broken and _finite(loaded, records)
        behaviour = None
        if computes and records:
            behaviour = _behaviour(loaded, recipe, records, name=model, progress=progress)
        trained_in = _trained_in(recipe, machine)
        tried = dict.fromkeys(("fp32", trained_in, "fp16") if computes else ("fp32",))
        overflowing = [one for one in tried if not _finite(loaded, records, precision=one)]
    numbers = Numbers(
        weights=sum(1 for _ in loaded.model.parameters()),
        broken=broken,
        tried=tuple(tried),
        overflowing=tuple(overflowing),
        precision=trained_in,
        first_token=loaded.tokenizer.decode([0]),
    )
    return ModelProbe(model=model, folder=loaded.folder, numbers=numbers, behaviour=behaviour)


def broken_weights(model: nn.Module) -> tuple[str, ...]:
    """Return the names of the weights that hold NaN or infinity."""
    return tuple(
        name.removeprefix("base_model.model.")
        for name, weight in model.named_parameters()
        if weight.is_floating_point() and not bool(torch.isfinite(weight).all())
    )


def _load(recipe: Recipe, run: Run, model: str, machine: Hardware) -> LoadedModel:
    """Return the model in fp32. An adapter's folder with a config.json is a whole model."""
    made = {"adapter": run.adapter, "merged": run.merged}.get(model)
    if model == "merged" and not is_full_model(run.merged):
        raise BaseModelError(
            Message("there is no model in {merged}", merged=run.merged),
            hint=Message("run first: python -m finetune merge RECIPE"),
        )
    loaded = load_for_inference(recipe, made, hardware=machine, precision="fp32")
    loaded.model.train(False)
    return loaded


def _trained_in(recipe: Recipe, machine: Hardware) -> Precision:
    """Return what the recipe trains in: its own word, or what `auto` becomes on this machine."""
    wanted = recipe.train.precision
    return choose_precision(recipe.train, machine) if wanted == "auto" else wanted


def _records(recipe: Recipe, run: Run) -> list[Record]:
    """Return the first records of the held-out split, of training if none was held out."""
    splits: tuple[Split, ...] = (recipe.evaluate.split, "train")
    for split in splits:
        if not (run.data / f"{split}.jsonl").is_file():
            continue
        if found := list(islice(run.records(split), PROBED_RECORDS)):
            return found
    return []


def _finite(
    loaded: LoadedModel, records: Sequence[Record], *, precision: Precision = "fp32"
) -> bool:
    """Tell whether logits are finite in `precision`; the model stays in it."""
    nn.Module.to(loaded.model, DTYPES[precision])
    texts = [PROBE, *(f"{one.last.user}\n{one.last.answer}" for one in records[:1])]
    prompts = [loaded.tokenizer.plain(text) for text in texts]
    return all(bool(torch.isfinite(last_logits(loaded, ids)).all()) for ids in prompts)


def _behaviour(
    loaded: LoadedModel,
    recipe: Recipe,
    records: Sequence[Record],
    *,
    name: str,
    progress: Progress,
) -> Behaviour:
    fmt = chat_format(recipe.model.format)
    fits = format_fits(loaded, fmt, records)
    if unknown := unknown_marks(fmt, loaded.tokenizer):
        return Behaviour(fits=fits, unknown=unknown)
    return Behaviour(
        fits=fits,
        ending=_ending(loaded, fmt, records),
        replies=_replies(loaded, recipe, records, name=name, progress=progress),
        thoughts=fmean(bool(one.last.think) for one in records),
        looping=fmean(is_looping(one.last.answer) for one in records),
    )


def _ending(loaded: LoadedModel, fmt: ChatFormat, records: Sequence[Record]) -> Ending:
    tokenizer = loaded.tokenizer
    end = tokenizer.control(fmt.eos)
    probabilities = []
    for record in records:
        reply = tokenizer.encode(reply_pieces(fmt, record.last)[:-1])
        logits = last_logits(loaded, encode_prompt(record, fmt, tokenizer) + reply)
        probabilities.append(float(logits[-1].softmax(dim=-1)[end]))
    return Ending(
        probability=median(probabilities), mark=fmt.eos, eos=tokenizer.decode([tokenizer.eos_id])
    )


def _replies(
    loaded: LoadedModel,
    recipe: Recipe,
    records: Sequence[Record],
    *,
    name: str,
    progress: Progress,
) -> tuple[Prediction, ...]:
    """Return greedy replies: what is wrong with a model shows best without luck."""
    greedy = recipe.evaluate.model_copy(update={"temperature": 0.0})
    asked = recipe.model_copy(update={"evaluate": greedy})
    generator = TransformersGenerator(loaded, asked, name=name, identity="")
    return tuple(generator.generate(records, progress=progress))


def _too_large(model: str) -> BaseModelError:
    return BaseModelError(
        Message("not enough memory for {model} in fp32", model=model),
        hint=Message(
            "free some, or look without the GPU: CUDA_VISIBLE_DEVICES= python -m finetune "
            "diagnose RECIPE"
        ),
    )
