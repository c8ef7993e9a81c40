"""Tiny models that were trained on something, or broken in one place on purpose."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from finetune.model.chat_format import chat_format
from finetune.model.samples import IGNORED, Sample, encode_prompt, encode_record
from finetune.model.tokenization import load_tokenizer
from finetune.recipe import FormatName, Recipe, parse_recipe
from finetune.records import Record, Turn, to_json
from finetune.runs import Run
from tests.finetune.tiny import make_tiny

ROWS = tuple(
    Record(
        id=str(number),
        turns=(
            Turn(
                user=f"无人机{number}可以飞多高？",
                think=f"无人机{number}的限高是{number}0米。",
                answer=f"最高{number}0米，请注意天气。",
            ),
        ),
    )
    for number in range(6)
)
STEPS = 30
RENAMED = {"<|EOT|>": "<|im_start|>", "<|vision_pad|>": "<|im_end|>"}


def make_bilingual(folder: Path) -> Path:
    """Write a tiny model with the control tokens of DeepSeek-R1 and of ChatML."""
    make_tiny(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        text = (folder / name).read_text(encoding="utf-8")
        for old, new in RENAMED.items():
            text = text.replace(old, new)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def recipe(base: Path, *, fmt: FormatName = "r1-think", **train: Any) -> Recipe:
    """Return a recipe for `base` with settings of `train`."""
    tables = {
        "name": "drones",
        "model": {"base": str(base), "format": fmt},
        "data": {"files": ["drones.jsonl"]},
        "train": train,
        "evaluate": {"max_new_tokens": 48},
    }
    return parse_recipe(tables, source="drones.toml", folder=base.parent)


def prepared(
    folder: Path, *, train: Sequence[Record] = ROWS, val: Sequence[Record] = ROWS[:4]
) -> Run:
    """Return a run whose splits lie ready."""
    run = Run(folder)
    run.data.mkdir(parents=True)
    for split, records in (("train", train), ("val", val)):
        lines = (json.dumps(to_json(record)) + "\n" for record in records)
        (run.data / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
    return run


def encode_samples(base: Path, records: Sequence[Record] = ROWS) -> list[Sample]:
    """Return the samples that a training in R1's format learns."""
    fmt, tokenizer = chat_format("r1-think"), load_tokenizer(base)
    encoded = (
        encode_record(one, fmt, tokenizer, turns="last", max_tokens=512, over_length="drop")
        for one in records
    )
    return [sample for one in encoded for sample in one.samples]


def unwanted_thoughts(base: Path) -> list[Sample]:
    """Return samples that think although their prompts have closed the thought already."""
    tokenizer = load_tokenizer(base)
    direct = (encode_prompt(record, chat_format("r1-direct"), tokenizer) for record in ROWS)
    return [
        Sample(
            ids=(*prompt, *one.ids[one.prompt_tokens :]),
            labels=(*[IGNORED] * len(prompt), *one.labels[one.prompt_tokens :]),
            record=one.record,
        )
        for prompt, one in zip(direct, encode_samples(base), strict=True)
    ]


def without_token(samples: Sequence[Sample], token: int, *, masked: bool = False) -> list[Sample]:
    """Return samples in which `token` is not learnt (`masked`), or does not occur."""
    reduced = []
    for one in samples:
        pairs = [
            (key, IGNORED if masked and key == token else label)
            for key, label in zip(one.ids, one.labels, strict=True)
            if masked or key != token
        ]
        ids, labels = zip(*pairs, strict=True)
        reduced.append(Sample(ids=ids, labels=labels, record=one.record))
    return reduced


def train_by_heart(
    base: Path, folder: Path, samples: Sequence[Sample], *, steps: int = STEPS
) -> Path:
    """Write a copy of `base` that has learnt `samples` by heart."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    longest = max(len(one.ids) for one in samples)
    ids = torch.tensor([[*one.ids, *[0] * (longest - len(one.ids))] for one in samples])
    labels = torch.tensor(
        [[*one.labels, *[IGNORED] * (longest - len(one.labels))] for one in samples]
    )
    for _ in range(steps):
        model(input_ids=ids, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    shutil.copytree(base, folder)
    model.save_pretrained(folder)
    return folder


def damage(base: Path, folder: Path, edit: Callable[[dict[str, Tensor]], None]) -> Path:
    """Write a copy of a model or adapter whose weights `edit` has changed."""
    shutil.copytree(base, folder)
    path = next(folder.glob("*.safetensors"))
    weights = safetensors.torch.load_file(path)
    edit(weights)
    safetensors.torch.save_file(weights, path, metadata={"format": "pt"})
    return folder


def with_theta(base: Path, folder: Path, theta: float) -> Path:
    """Write a copy of a model whose config.json names another base of rotary positions."""
    if folder != base:
        shutil.copytree(base, folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["rope_parameters"]["rope_theta"] = theta
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder
