"""Our trainer beside TRL's SFTTrainer. `python -m bench.finetune_trl [--epochs N] [--floor]`.

The same rendered samples, the same LoRA, the same optimizer settings; TRL runs in an environment of
its own (made once, kept under ~/.cache/qiuzheng), for it brings a hundred packages that we do not
need. Two models of random weights:

* small vocabulary: four epochs over the shipped drone data; the evaluation loss must agree,
* Qwen's vocabulary of 151,936: batches of 2 x 768 tokens of which a third is learnt; time and peak
  memory, where the logits are what counts.

With --floor it exits 1 if the losses differ by more than 1e-3, or ours is behind in time or memory
at the large vocabulary.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

CACHE = Path.home() / ".cache" / "qiuzheng" / "trl"
TRL = ("trl==1.16.0", "datasets==5.2.0", "peft==0.21.2", "torch==2.13.0", "transformers==5.23.0")
WORKER = Path(__file__).with_name("finetune_trl_worker.py")
TOLERANCE = 1e-3
VOCABULARY = 151_936
LENGTH = 768
LEARNT = 256
LARGE_ROWS = 16


def main() -> int:
    """Run both trainers on both models and print them side by side."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=float, default=4.0)
    parser.add_argument("--floor", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        small = _small(Path(folder), arguments.epochs)
        large = _large(Path(folder))
    apart = abs(small["ours"]["eval_loss"] - small["trl"]["eval_loss"])
    click.echo(f"evaluation losses differ by {apart:.2g}")
    ahead = all(large["ours"][name] <= large["trl"][name] for name in ("seconds", "memory"))
    return int(arguments.floor and (apart > TOLERANCE or not ahead))


def _small(folder: Path, epochs: float) -> dict[str, Any]:
    from finetune.data.prepare import prepare
    from finetune.model.chat_format import chat_format
    from finetune.model.samples import encode_record
    from finetune.model.tokenization import load_tokenizer
    from finetune.progress import SilentProgress
    from finetune.recipe import load_recipe
    from finetune.runs import Run
    from tests.finetune.tiny import make_tiny

    base = make_tiny(folder / "small")
    recipe = load_recipe(
        Path(__file__).parent.parent / "finetune" / "recipes" / "drone-safety.toml",
        [f"model.base={base}"],
    )
    run = Run(folder / "prepared")
    prepare(recipe, run, progress=SilentProgress())
    tokenizer = load_tokenizer(base)

    def rows(split: Any) -> list[dict[str, Any]]:
        samples = [
            sample
            for record in run.records(split)
            for sample in encode_record(
                record,
                chat_format("r1-think"),
                tokenizer,
                turns="last",
                max_tokens=1024,
                over_length="drop",
            ).samples
        ]
        return [{"ids": list(one.ids), "labels": list(one.labels)} for one in samples]

    settings = {"epochs": epochs, "batch": 16, "lr": 5e-3, "r": 16, "alpha": 32}
    return _side_by_side("small vocabulary", base, rows("train"), rows("val"), settings, folder)


def _large(folder: Path) -> dict[str, Any]:
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    base = folder / "large"
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=VOCABULARY,
        hidden_size=128,
        intermediate_size=352,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    Qwen2ForCausalLM(config).save_pretrained(base)
    for path in (folder / "small").glob("tokenizer*"):
        (base / path.name).write_bytes(path.read_bytes())
    draw = random.Random(0)
    ids = [[draw.randrange(300, 2_000) for _ in range(LENGTH)] for _ in range(LARGE_ROWS)]
    rows = [{"ids": one, "labels": [-100] * (LENGTH - LEARNT) + one[-LEARNT:]} for one in ids]
    settings = {"epochs": 1, "batch": 2, "lr": 1e-4, "r": 8, "alpha": 16}
    return _side_by_side("vocabulary 151,936", base, rows, rows[:2], settings, folder)


def _side_by_side(
    name: str,
    base: Path,
    train: Sequence[dict[str, Any]],
    val: Sequence[dict[str, Any]],
    settings: dict[str, Any],
    folder: Path,
) -> dict[str, Any]:
    task = folder / "task.json"
    task.write_text(
        json.dumps({"base": str(base), "train": train, "val": val, "settings": settings})
    )
    figures: dict[str, Any] = {}
    for who, python in (("ours", Path(sys.executable)), ("trl", _environment())):
        figures[who] = _work(python, who, task)
        told = figures[who]
        click.echo(
            f"{name:<20} {who:<5} eval loss {told['eval_loss']:.5f}  "
            f"{told['seconds']:7.1f} s  {told['memory'] / 1e6:7.0f} MB"
        )
    ratios = [figures["ours"][key] / figures["trl"][key] for key in ("seconds", "memory")]
    click.echo(f"{name:<20} ours / TRL: time {ratios[0]:.2f}, memory {ratios[1]:.2f}")
    return figures


def _work(python: Path, who: str, task: Path) -> dict[str, Any]:
    command = [str(python), str(WORKER), who, str(task)]
    root = Path(__file__).parent.parent
    path = str(root) if who == "ours" else ""
    settings = {**os.environ, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=settings)
    if done.returncode:
        raise SystemExit(f"{who}: {done.stderr[-2_000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def _environment() -> Path:
    """Return the Python of TRL's environment, made the first time."""
    python = CACHE / "bin" / "python"
    if not (CACHE / "ready").exists():
        click.echo(f"installing TRL into {CACHE} (once, a minute)…", err=True)
        venv.create(CACHE, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *TRL], check=True)
        (CACHE / "ready").touch()
    return python


if __name__ == "__main__":
    sys.exit(main())
