"""Probe a model's weights: finite numbers, known chat format, ends of replies."""

from collections.abc import Sequence
from itertools import islice
from statistics import fmean, median

import torch
from torch import nn

from finetune.diagnose.checks.evidence import Behaviour, Ending, ModelProbe, Numerics
from finetune.diagnose.probing.fits import format_fits, last_logits, unknown_marks
from finetune.errors import BaseModelError
from finetune.evaluate.generate.transformers import TransformersGenerator
from finetune.evaluate.metrics.form import is_looping
from finetune.model.chat_format import chat_format, reply_pieces
from finetune.model.samples import encode_prompt
from finetune.model.tokenization import PROBE
from finetune.progress import Progress
from finetune.recipe import Recipe
from finetune.records import Record, Split
from finetune.runs import Run
from finetune.train.adapters import is_full_model, load_for_inference
from finetune.train.failures import is_out_of_memory
from finetune.train.hardware import Precision, choose_precision, detect_hardware
from finetune.train.model import DTYPES, LoadedModel
from ingest.foundation.messages import Message

PROBED_RECORDS = 8
"""Held-out records that are used: what the checks look for shows in nearly all replies."""


def probe(recipe: Recipe, run: Run, model: str, *, progress: Progress) -> ModelProbe:
    """Return what the weights of `model` (base, adapter or merged) show.

    Behaviour is left out if logits are not finite, or if `prepare` has left no records.

    Raises:
        BaseModelError: the model is missing, broken beyond loading, or too large for this machine.
    """
    try:
        return _probe_weights(recipe, run, model, progress=progress)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise BaseModelError(
            Message("not enough memory for {model} in fp32", model=model),
            hint=Message(
                "free some, or look without the GPU: CUDA_VISIBLE_DEVICES= python -m finetune "
                "diagnose RECIPE"
            ),
        ) from error


def _probe_weights(recipe: Recipe, run: Run, model: str, *, progress: Progress) -> ModelProbe:
    machine = detect_hardware()
    records: list[Record] = []
    # Of training, if nothing was held out.
    splits: tuple[Split, ...] = (recipe.evaluate.split, "train")
    for split in splits:
        if not records and (run.data / f"{split}.jsonl").is_file():
            records = list(islice(run.records(split), PROBED_RECORDS))
    folder = {"adapter": run.adapter, "merged": run.merged}.get(model)
    if model == "merged" and not is_full_model(run.merged):
        raise BaseModelError(
            Message("there is no model in {merged}", merged=run.merged),
            hint=Message("run first: python -m finetune merge RECIPE"),
        )
    with progress.stage(Message("loading {model}", model=model)):
        # fp32, whatever the recipe trains in: only that tells broken weights from an overflow.
        loaded = load_for_inference(recipe, folder, hardware=machine, precision="fp32")
        loaded.model.train(False)
    broken = broken_weights(loaded.model)
    with torch.inference_mode():
        is_finite = not broken and _has_finite_logits(loaded, records)
        behaviour = None
        if is_finite and records:
            behaviour = observe_behaviour(loaded, recipe, records, name=model, progress=progress)
        precision = recipe.train.precision
        if precision == "auto":
            precision = choose_precision(recipe.train, machine)
        # Last, from wide to narrow: the model is converted in place, and what bf16 has rounded
        # away does not come back.
        tested = dict.fromkeys(("fp32", precision, "fp16") if is_finite else ("fp32",))
        overflowing = [
            one for one in tested if not _has_finite_logits(loaded, records, precision=one)
        ]
    numerics = Numerics(
        weights=sum(1 for _ in loaded.model.parameters()),
        broken=broken,
        tested=tuple(tested),
        overflowing=tuple(overflowing),
        precision=precision,
        first_token=loaded.tokenizer.decode([0]),
    )
    return ModelProbe(model=model, folder=loaded.folder, numerics=numerics, behaviour=behaviour)


def broken_weights(model: nn.Module) -> tuple[str, ...]:
    """Return the names of the weights that hold NaN or Inf."""
    return tuple(
        name.removeprefix("base_model.model.")
        for name, weight in model.named_parameters()
        if weight.is_floating_point() and not bool(torch.isfinite(weight).all())
    )


def _has_finite_logits(
    loaded: LoadedModel, records: Sequence[Record], *, precision: Precision = "fp32"
) -> bool:
    """Return whether logits are finite in `precision`; the model stays in it."""
    nn.Module.to(loaded.model, DTYPES[precision])
    texts = [PROBE, *(f"{one.last.user}\n{one.last.answer}" for one in records[:1])]
    prompts = [loaded.tokenizer.plain(text) for text in texts]
    return all(bool(torch.isfinite(last_logits(loaded, ids)).all()) for ids in prompts)


def observe_behaviour(
    loaded: LoadedModel,
    recipe: Recipe,
    records: Sequence[Record],
    *,
    name: str,
    progress: Progress,
) -> Behaviour:
    """Generate replies to records, and return what they show."""
    fmt = chat_format(recipe.model.format)
    fits = format_fits(loaded, fmt, records)
    if unknown := unknown_marks(fmt, loaded.tokenizer):
        return Behaviour(fits=fits, unknown_marks=unknown)
    # Greedy: errors of a model show most clearly without sampling, and are the same each time.
    greedy = recipe.evaluate.model_copy(update={"temperature": 0.0})
    generator = TransformersGenerator(
        loaded, recipe.model_copy(update={"evaluate": greedy}), name=name, identity=""
    )
    tokenizer = loaded.tokenizer
    probabilities = []
    for record in records:
        reply = tokenizer.encode(reply_pieces(fmt, record.last)[:-1])  # without the end token
        logits = last_logits(loaded, encode_prompt(record, fmt, tokenizer) + reply)
        probabilities.append(float(logits[-1].softmax(dim=-1)[tokenizer.control(fmt.eos)]))
    return Behaviour(
        fits=fits,
        # The median: one reference that could as well go on does not count.
        ending=Ending(
            probability=median(probabilities),
            mark=fmt.eos,
            eos=tokenizer.decode([tokenizer.eos_id]),
        ),
        replies=tuple(generator.generate(records, progress=progress)),
        thinking_share=fmean(bool(one.last.think) for one in records),
        looping_share=fmean(is_looping(one.last.answer) for one in records),
    )
