"""What does training cost on a GPU? `python -m bench.finetune_gpu [--only CASE] [--folder F]`.

A model of random weights in the shape of DeepSeek-R1-Distill-Qwen-1.5B; samples of 1,024 random
tokens, of which the last third is learnt. Each case is a process of its own, with our loader, our
LoRA, our trainer; it prints a line of JSON, and a table stands at the end:

* bf16, fp16 and QLoRA (NF4), each with the full loss (transformers' own: logits of all tokens at
  once) and with the masked one in chunks, each with and without gradient checkpointing,
* drone-16gb: the shipped drone recipe as it is, with the longest samples that it allows, in what
  a card of 16 GB leaves to torch,
* agreement: the loss of the same samples on the processor in fp32 and on the GPU.

What a machine cannot do (no memory, no bitsandbytes, no bf16) is said in its line. Without CUDA
nothing is measured. --folder keeps the base model (3.6 GB) for the next call; --tiny does the same
with a toy, on the processor too, to see that this script works.

MFU (Chowdhery et al., "PaLM", 2022, appendix B) is the floating-point operations that the training
needs, in a second, as a share of what the card can do. HFU counts those that are done.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from finetune.model.memory_estimate import ModelShape, read_shape
from finetune.recipe import Recipe, TrainTable, load_recipe

if TYPE_CHECKING:
    from finetune.train.batches import SampleSet
    from finetune.train.hardware import Hardware
    from finetune.train.model import LoadedModel
    from finetune.train.trainer import TargetTrainer

Loss = Literal["full", "masked"]

RECIPE = Path(__file__).parent.parent / "finetune" / "recipes" / "drone-safety.toml"
R1_1_5B: dict[str, Any] = {
    "hidden_size": 1_536,
    "intermediate_size": 8_960,
    "num_hidden_layers": 28,
    "num_attention_heads": 12,
    "num_key_value_heads": 2,
    "vocab_size": 151_936,
    "max_position_embeddings": 131_072,
    "rope_theta": 10_000.0,
    "tie_word_embeddings": False,
}
"""config.json of DeepSeek-R1-Distill-Qwen-1.5B."""

LENGTH, TINY_LENGTH = 1_024, 96
LEARNT = 1 / 3
BATCH, TINY_BATCH = 8, 2
STEPS = 8
"""The first one, slowed by warming up, is not counted."""
COMPARED = 2
"""Samples of which the loss is compared."""
FIRST_ID, LAST_ID = 300, 1_900
"""Range of ids of the random tokens: words of the tiny tokenizer, no control tokens."""

CARD = 16e9
CUDA_OWN = 0.6e9
"""Bytes of a card that CUDA takes for itself, before torch has any."""

PEAKS = {
    "B200": 2_250e12,
    "H200": 989e12,
    "H100 PCIe": 756e12,
    "H100 NVL": 835e12,
    "H100": 989e12,
    "A100": 312e12,
    "A10G": 70e12,
    "A10": 125e12,
    "L40S": 362e12,
    "L4": 121e12,
    "RTX 4090": 165e12,
    "RTX 3090": 71e12,
    "V100": 125e12,
    "T4": 65e12,
}
"""Device's name holds -> operations a second in 16 bits, dense, by NVIDIA's data sheets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing to measure: the drone recipe with `changes`, and which loss.

    `memory` bounds what torch may take, in bytes; 0: all there is.
    """

    name: str
    changes: tuple[str, ...] = ()
    loss: Loss = "masked"
    memory: float = 0.0


AGREEMENT = "agreement"
DRONE = "drone-16gb"


def cases(batch: int) -> Iterator[Case]:
    """Yield all cases."""
    kinds = {"bf16": ("bf16", "lora"), "fp16": ("fp16", "lora"), "qlora": ("auto", "qlora")}
    for kind, (precision, method) in kinds.items():
        for loss in ("full", "masked"):
            for again in (False, True):
                yield Case(
                    name=f"{kind}-{loss}{'-checkpointed' if again else ''}",
                    changes=(
                        f"train.precision={precision}",
                        f"train.method={method}",
                        f"train.gradient_checkpointing={str(again).lower()}",
                        f"train.batch={batch}",
                        "train.accumulate=1",
                        "train.dropout=0",
                    ),
                    loss=loss,
                )
    yield Case(name=DRONE, memory=CARD - CUDA_OWN)
    yield Case(name=AGREEMENT, changes=("train.precision=auto", "train.dropout=0"))


def recipe_of(case: Case, base: Path) -> Recipe:
    """Return the shipped drone recipe for `base`, changed as the case wants it."""
    return load_recipe(RECIPE, [f"model.base={base}", *case.changes])


@dataclass(frozen=True, slots=True, kw_only=True)
class Flops:
    """Floating-point operations for one sample: what its gradient needs, and what is done."""

    needed: int
    done: int


def flops(shape: ModelShape, table: TrainTable, *, length: int, learnt: int, loss: Loss) -> Flops:
    """Return the operations of LoRA's forward and backward pass over one sample.

    A product of n x k with k x m counts 2nkm. Forward, each of `length` tokens costs 2 for each
    weight of the layers and of LoRA, and 4·length·width in the attention of each layer (counted
    whole, though it is causal, as PaLM does). Backward, frozen weights cost the same once more,
    for what goes on to the layer below; LoRA's weights and attention, both of whose factors get a
    gradient, cost it twice. The head costs 2·vocabulary·width for each token forward, the same
    backward; needed are the `learnt` tokens alone.

    Done is more: the full loss takes the head to every token, chunks compute their logits again,
    checkpointing the layers. Left out: norms, activations, softmax, the optimiser, and that the
    first layer has nothing below it.
    """
    linear = 2 * shape.in_layers * length
    lora = 2 * shape.layers * table.r * sum(map(sum, shape.linear.values())) * length
    attention = 4 * shape.layers * length * length * shape.query
    head = 2 * shape.vocabulary * shape.hidden
    forward = linear + lora + attention
    layers = 2 * linear + 3 * lora + 3 * attention
    again = forward if table.gradient_checkpointing else 0
    passes = 3 if table.loss_chunk else 2
    heads = head * (2 * length if loss == "full" else passes * learnt)
    return Flops(needed=layers + 2 * head * learnt, done=layers + again + heads)


def peak_of(device: str) -> float | None:
    """Return how many operations a second a device can do in 16 bits, None if we do not know."""
    found = sorted((name for name in PEAKS if name in device), key=len)
    return PEAKS[found[-1]] if found else None


def make_base(folder: Path, *, tiny: bool) -> Path:
    """Write a base of random weights into `folder`, unless it is there."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from tests.finetune.tiny import make_tiny

    base, toy = folder / "base", folder / "tiny"
    if not toy.exists():
        make_tiny(toy)
    if tiny:
        return toy
    if not (base / "config.json").exists():
        torch.manual_seed(0)
        with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
            model = Qwen2ForCausalLM(Qwen2Config(**R1_1_5B))
        torch.nn.Module.to(model, torch.bfloat16)
        base.mkdir(parents=True, exist_ok=True)
        for path in toy.glob("tokenizer*"):
            shutil.copy(path, base)
        model.save_pretrained(base)
    return base


def random_samples(count: int, *, length: int, learnt: int) -> "SampleSet":
    """Return samples of random tokens, the same ones each time."""
    from finetune.model.samples import IGNORED, Sample
    from finetune.train.batches import SampleSet

    draw = random.Random(0)
    drawn = [tuple(draw.randrange(FIRST_ID, LAST_ID) for _ in range(length)) for _ in range(count)]
    ignored = (IGNORED,) * (length - learnt)
    return SampleSet(
        Sample(ids=ids, labels=ignored + ids[length - learnt :], record=str(number))
        for number, ids in enumerate(drawn)
    )


def measured(case: Case, base: Path, length: int) -> dict[str, Any]:
    """Do one case in this process, and return its figures, or why there are none."""
    import torch

    from finetune.errors import FinetuneError
    from finetune.train.hardware import detect_hardware

    machine = detect_hardware()
    recipe = recipe_of(case, base)
    if case.memory and machine.device == "cuda":
        share = min(1.0, case.memory / machine.memory)
        torch.cuda.set_per_process_memory_fraction(share)
    work = _agreement if case.name == AGREEMENT else _training
    told = {"case": case.name, "device": machine.name}
    try:
        return told | work(case, recipe, machine, length)
    except FinetuneError as error:
        return told | {"left_out": error.localize("en")}
    except torch.OutOfMemoryError:
        limit = case.memory or machine.memory
        return told | {"left_out": f"more memory than {limit / 1e9:.1f} GB"}


def _training(case: Case, recipe: Recipe, machine: "Hardware", length: int) -> dict[str, Any]:
    """Train for some steps, the first of which warms up."""
    from finetune.progress import SilentProgress
    from finetune.train.callbacks import LossMeter, NaNGuard, TrainingReporter
    from finetune.train.hardware import peak_memory
    from finetune.train.log import TrainLog
    from finetune.train.model import load_base

    table = recipe.train
    learnt = round(length * LEARNT)
    loaded = load_base(recipe, hardware=machine, quantized=table.method == "qlora")
    meter, log = LossMeter(), TrainLog(None)
    guard = NaNGuard(meter=meter, table=table, precision=loaded.precision)
    reporter = TrainingReporter(guard=guard, log=log, stage=SilentProgress(), hardware=machine)
    with tempfile.TemporaryDirectory() as folder:
        trainer = _trainer(case, recipe, loaded, machine, meter, length, Path(folder))
        trainer.add_callback(guard)
        trainer.add_callback(reporter)
        trainer.train()
    pace = reporter.throughput.tokens_per_second
    cost = flops(_shape(loaded), table, length=length, learnt=learnt, loss=case.loss)
    peak = peak_of(machine.name)
    return {
        "precision": loaded.precision,
        "tokens_per_second": round(pace, 1),
        "seconds_per_step": round(reporter.throughput.seconds_per_step, 4),
        "mfu": round(pace / length * cost.needed / peak, 4) if peak else None,
        "hfu": round(pace / length * cost.done / peak, 4) if peak else None,
        "memory": peak_memory(machine),
        "reserved": _reserved(machine),
        "loss": round(guard.loss, 4),
        "batch": table.batch,
        "accumulate": table.accumulate,
        "length": length,
        "learnt": learnt,
    }


def _trainer(
    case: Case,
    recipe: Recipe,
    loaded: "LoadedModel",
    machine: "Hardware",
    meter: Any,
    length: int,
    folder: Path,
) -> "TargetTrainer":
    from finetune.train.adapters import add_lora
    from finetune.train.arguments import training_arguments
    from finetune.train.batches import padding_collator
    from finetune.train.loss import patch_target_loss
    from finetune.train.model import checkpoint_activations
    from finetune.train.trainer import TargetTrainer

    table = recipe.train
    if case.loss == "masked":
        patch_target_loss(loaded.model, chunk=table.loss_chunk)
    if table.gradient_checkpointing:
        checkpoint_activations(loaded.model)
    arguments = training_arguments(
        recipe,
        folder=folder,
        hardware=machine,
        precision=loaded.precision,
        evaluates=False,
        steps=STEPS,
        dry_steps=STEPS,
    )
    count = STEPS * table.batch * table.accumulate
    return TargetTrainer(
        meter=meter,
        model=add_lora(loaded, table),
        args=arguments,
        data_collator=padding_collator(loaded.tokenizer.pad_id),
        train_dataset=random_samples(count, length=length, learnt=round(length * LEARNT)),
    )


def _agreement(case: Case, recipe: Recipe, machine: "Hardware", length: int) -> dict[str, Any]:
    """Return the loss of the same samples in fp32 on the processor, and on this machine."""
    from finetune.train.hardware import Hardware

    processor = Hardware(device="cpu", name="cpu", memory=0)
    precise, _ = _loss(recipe, processor, length)
    loss, precision = _loss(recipe, machine, length)
    return {
        "precision": precision,
        "loss": round(loss, 5),
        "loss_cpu_fp32": round(precise, 5),
        "relative_difference": round(abs(loss - precise) / precise, 6),
        "length": length,
    }


def _loss(recipe: Recipe, machine: "Hardware", length: int) -> tuple[float, str]:
    from torch.utils.data import DataLoader

    from finetune.train.batches import padding_collator
    from finetune.train.loss import patch_target_loss, summed_loss
    from finetune.train.model import load_base

    loaded = load_base(recipe, hardware=machine)
    patch_target_loss(loaded.model, chunk=recipe.train.loss_chunk)
    samples = random_samples(COMPARED, length=length, learnt=round(length * LEARNT))
    batches = DataLoader(samples, collate_fn=padding_collator(loaded.tokenizer.pad_id))
    loaded.model.train(False)
    summed, count = summed_loss(loaded.model, batches, device=machine.torch_device)
    return float(summed / count), loaded.precision


def _shape(loaded: "LoadedModel") -> ModelShape:
    shape = read_shape(json.loads((loaded.folder / "config.json").read_text()))
    assert shape is not None
    return shape


def _reserved(machine: "Hardware") -> int | None:
    """Return the most bytes that torch took from the card, gaps in its pool with them."""
    import torch

    return torch.cuda.max_memory_reserved() if machine.device == "cuda" else None


def in_a_process(case: Case, options: Sequence[str]) -> dict[str, Any]:
    """Do one case in a fresh process, so that none leaves memory to the next."""
    command = [sys.executable, "-m", "bench.finetune_gpu", "--case", case.name, *options]
    root = Path(__file__).parent.parent
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["killed"])[-1]
        return {"case": case.name, "left_out": f"exit {done.returncode}: {last}"}
    figures: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def table(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield f"{'':<26}{'tokens/s':>10}{'MFU':>7}{'HFU':>7}{'GB':>7}{'taken':>7}  loss"
    for row in rows:
        name = row["case"]
        if "left_out" in row:
            yield f"{name:<26}{row['left_out']}"
        elif name == AGREEMENT:
            told = f"{row['loss']:.5f} in {row['precision']}, {row['loss_cpu_fp32']:.5f} on the CPU"
            yield f"{name:<26}{told}, apart {row['relative_difference']:.2g}"
        else:
            shares = "".join(_percent(row[key]) for key in ("mfu", "hfu"))
            sizes = "".join(_gigabytes(row[key]) for key in ("memory", "reserved"))
            yield f"{name:<26}{row['tokens_per_second']:>10,.0f}{shares}{sizes}  {row['loss']:.4f}"


def _percent(share: float | None) -> str:
    return f"{'?':>7}" if share is None else f"{share:>7.1%}"


def _gigabytes(size: int | None) -> str:
    return f"{'?':>7}" if size is None else f"{size / 1e9:>7.2f}"


def main() -> int:
    """Measure all cases, or say why not."""
    import torch

    arguments = _arguments()
    if not (torch.cuda.is_available() or arguments.tiny):
        click.echo("no CUDA device here: nothing was measured")
        return 0
    batch = arguments.batch or (TINY_BATCH if arguments.tiny else BATCH)
    known = {case.name: case for case in cases(batch)}
    if unknown := sorted({*arguments.only} - known.keys()):
        raise SystemExit(f"no case {unknown[0]}: there are {', '.join(known)}")
    if arguments.case:
        torch.set_num_threads(torch.get_num_threads() if torch.cuda.is_available() else 1)
        length = TINY_LENGTH if arguments.tiny else LENGTH
        base = make_base(arguments.folder, tiny=arguments.tiny)
        click.echo(json.dumps(measured(known[arguments.case], base, length)))
        return 0
    chosen = [known[name] for name in arguments.only or known]
    with tempfile.TemporaryDirectory(prefix="gpu-") as passing:
        folder = arguments.folder or Path(passing)
        options = ["--folder", str(folder), "--batch", str(batch)]
        rows = list(_told(chosen, [*options, *(["--tiny"] if arguments.tiny else [])]))
    for line in table(rows):
        click.echo(line)
    return 0


def _told(chosen: Sequence[Case], options: Sequence[str]) -> Iterator[dict[str, Any]]:
    for case in chosen:
        row = in_a_process(case, options)
        click.echo(json.dumps(row))
        yield row


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", action="append", default=[], metavar="CASE", help="repeatable")
    parser.add_argument("--folder", type=Path, help="where the base model lies, and stays")
    parser.add_argument("--batch", type=int, default=0, help=f"samples at once; default {BATCH}")
    parser.add_argument("--tiny", action="store_true", help="a toy, on the processor too")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
