"""Packed samples: the loss is that of samples read alone, for every kind of model."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from finetune.check.inspection import inspect
from finetune.errors import RecipeError
from finetune.model.samples import IGNORED, Sample, pack_lengths
from finetune.progress import SilentProgress
from finetune.recipe import parse_recipe
from finetune.train.batches import PackedSet, SampleSet, padding_collator
from finetune.train.loss import keeps_samples_apart, patch_target_loss
from finetune.train.trainer import train
from tests.finetune.train.training_set import prepared, recipe

VOCABULARY = 97
SHAPE: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}
MODELS: dict[str, Any] = {
    "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**SHAPE)),
    "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(**SHAPE, head_dim=8)),
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**SHAPE)),
    # A window shorter than the samples, so that it is part of what is compared.
    "mistral": lambda: MistralForCausalLM(MistralConfig(**SHAPE, sliding_window=6)),
    "gemma": lambda: Gemma3ForCausalLM(
        Gemma3TextConfig(
            **SHAPE,
            head_dim=8,
            sliding_window=6,
            layer_types=["sliding_attention", "full_attention", "sliding_attention"],
        )
    ),
}
LENGTHS = (31, 5, 12, 20, 7, 3, 26, 9, 14, 11)


def model_of(name: str, attention: str) -> PreTrainedModel:
    torch.manual_seed(0)
    model: PreTrainedModel = MODELS[name]()
    model.set_attn_implementation(attention)
    assert patch_target_loss(model, chunk=16)
    return model.train()


def random_samples() -> SampleSet:
    noise = torch.Generator().manual_seed(1)
    samples = []
    for length in LENGTHS:
        ids = tuple(torch.randint(1, VOCABULARY, (length,), generator=noise).tolist())
        labels = (*[IGNORED] * (length // 2), *ids[length // 2 :])
        samples.append(Sample(ids=ids, labels=labels, record=""))
    return SampleSet(samples)


def gradients(model: PreTrainedModel, batches: list[dict[str, Tensor]]) -> tuple[float, Tensor]:
    """Return the summed loss of batches, and its gradient end to end."""
    total = 0.0
    for batch in batches:
        loss = model(**batch, num_items_in_batch=1).loss
        loss.backward()
        total += loss.item()
    grads = [weight.grad.flatten() for weight in model.parameters() if weight.grad is not None]
    return total, torch.cat(grads)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("name", MODELS)
def test_loss_and_gradient_of_packed_rows_are_those_of_samples_alone(
    name: str, attention: str
) -> None:
    samples = random_samples()
    packed = PackedSet(samples, size=64)
    assert len(packed) < len(samples)
    collate = padding_collator(0)
    alone = [collate([samples[number]]) for number in range(len(samples))]
    rows = collate([packed[number] for number in range(len(packed))])
    assert int(rows["attention_mask"].sum()) == samples.tokens
    expected, wanted = gradients(model_of(name, attention), alone)
    got, gradient = gradients(model_of(name, attention), [rows])
    targets = int((rows["labels"] != IGNORED).sum())
    assert got / targets == pytest.approx(expected / targets, abs=1e-5)
    torch.testing.assert_close(gradient / targets, wanted / targets, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_what_stands_before_a_sample_changes_nothing(name: str) -> None:
    model = model_of(name, "sdpa").eval()
    assert keeps_samples_apart(model)
    # Without positions that begin anew the second sample sees the first: the trial tells.
    decoder = model.get_decoder()
    original = decoder.forward

    def seeing_all(*, position_ids: Tensor | None = None, **others: Any) -> Any:
        return original(**others)

    decoder.forward = seeing_all
    assert not keeps_samples_apart(model)


@given(st.lists(st.integers(1, 50), max_size=60))
def test_every_sample_is_in_one_row_that_holds_it(lengths: list[int]) -> None:
    rows = pack_lengths(lengths, 50)
    assert sorted(number for row in rows for number in row) == list(range(len(lengths)))
    assert all(sum(lengths[number] for number in row) <= 50 for row in rows)
    # Two rows that would fit into one are never left.
    halves = sorted(sum(lengths[number] for number in row) for row in rows)[:2]
    assert len(halves) < 2 or sum(halves) > 50


def test_a_packed_training_learns_what_an_unpacked_one_learns(tiny: Path, tmp_path: Path) -> None:
    losses = {}
    for name, changes in {
        "alone": {"batch": 24, "accumulate": 1},
        "packed": {"batch": 24, "accumulate": 1, "packing": True},
    }.items():
        run = prepared(tmp_path / name)
        wanted = recipe(tiny, epochs=6, **changes)
        assert inspect(wanted, run).steps == 6
        summary = train(wanted, run, progress=SilentProgress())
        assert (summary.samples, summary.steps) == (24, 6)
        losses[name] = (summary.first_loss, summary.train_loss, summary.tokens)
    first, last, tokens = losses["packed"]
    assert first == pytest.approx(losses["alone"][0], abs=1e-5)
    assert last == pytest.approx(losses["alone"][1], rel=1e-3)
    assert tokens == losses["alone"][2]


def test_fewer_rows_are_fewer_steps_and_check_says_so(tiny: Path, tmp_path: Path) -> None:
    run = prepared(tmp_path / "run")
    wanted = recipe(tiny, epochs=1, packing=True, batch=1, accumulate=1)
    expected = inspect(wanted, run).steps
    assert expected < 24
    assert train(wanted, run, progress=SilentProgress()).steps == expected


def test_pairs_are_not_packed(tmp_path: Path) -> None:
    tables = {
        "name": "t",
        "model": {"base": "none"},
        "data": {"files": ["a.jsonl"]},
        "train": {"method": "dpo", "packing": True},
    }
    with pytest.raises(RecipeError, match="objective sft"):
        parse_recipe(tables, source="t", folder=tmp_path)
