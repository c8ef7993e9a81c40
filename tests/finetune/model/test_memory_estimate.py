"""The estimate of a training's memory is what torch and peft really hold."""

from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn
from transformers import Qwen2Config, Qwen2ForCausalLM

from finetune.model.memory_estimate import (
    BYTES,
    MemoryEstimate,
    ModelShape,
    Width,
    estimate_memory,
    read_shape,
)
from finetune.recipe import TrainTable

GIB = 1 << 30
R1_DISTILL = {
    "hidden_size": 1_536,
    "intermediate_size": 8_960,
    "num_hidden_layers": 28,
    "num_attention_heads": 12,
    "num_key_value_heads": 2,
    "vocab_size": 151_936,
    "tie_word_embeddings": False,
}
"""DeepSeek-R1-Distill-Qwen-1.5B."""


def shape_of(config: dict[str, Any]) -> ModelShape:
    shape = read_shape(config)
    assert shape is not None
    return shape


def small(layers: int = 3, *, tied: bool = False) -> Qwen2ForCausalLM:
    config = Qwen2Config(
        vocab_size=96,
        hidden_size=128,
        intermediate_size=352,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=tied,
    )
    return Qwen2ForCausalLM(config)


def learner(table: TrainTable, width: Width) -> nn.Module:
    torch.manual_seed(0)
    model = small()
    if table.method == "full":
        return model
    model = model.to(torch.bfloat16 if width == "16-bit" else torch.float32)
    settings = LoraConfig(r=table.r, lora_dropout=table.dropout, target_modules="all-linear")
    adapted: nn.Module = get_peft_model(model, settings)
    return adapted


def saved_bytes(model: nn.Module, ids: Tensor, width: Width) -> int:
    """Return the bytes of all tensors that torch keeps for the gradient, weights apart."""
    weights = {tuple(weight.shape) for weight in model.parameters()}
    weights |= {shape[::-1] for shape in weights}
    owned = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        if (
            tensor.untyped_storage().data_ptr() not in owned
            and tuple(tensor.shape) not in weights  # autocast's copy of a weight
        ):
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    autocast = torch.autocast("cpu", torch.bfloat16, enabled=width == "16-bit")
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), autocast:
        model(input_ids=ids, labels=None, logits_to_keep=1)
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


@pytest.mark.parametrize("width", ["16-bit", "fp32"])
@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("method", ["lora", "full"])
def test_activations_are_what_torch_saves(method: Any, dropout: float, width: Width) -> None:
    table = TrainTable(method=method, r=4, dropout=dropout, batch=3, gradient_checkpointing=False)
    model = learner(table, width).train()
    shape = shape_of(small().config.to_dict())
    estimated = estimate_memory(shape, table, width=width, longest=37, targets=1).activations
    saved = saved_bytes(model, torch.randint(0, 96, (3, 37)), width)
    assert estimated == pytest.approx(saved, rel=0.1)


def test_checkpointing_keeps_one_layer_and_the_inputs_of_the_others() -> None:
    shape = shape_of(R1_DISTILL)
    tables = [TrainTable(batch=2, gradient_checkpointing=on) for on in (True, False)]
    some, all_ = (
        estimate_memory(shape, table, width="16-bit", longest=1_024, targets=400)
        for table in tables
    )
    inputs = 28 * 2 * 1_024 * 1_536 * BYTES["16-bit"]
    assert some.activations - inputs == all_.activations / 28
    assert some.weights == all_.weights


@pytest.mark.parametrize("tied", [True, False])
def test_weights_are_counted_as_torch_does(tied: bool) -> None:
    model = small(tied=tied)
    table = TrainTable(method="full")
    estimated = estimate_memory(
        shape_of(model.config.to_dict()), table, width="fp32", longest=1, targets=1
    )
    assert estimated.parameters == estimated.trainable == model.num_parameters()
    assert estimated.weights == 4 * model.num_parameters()


@pytest.mark.parametrize("targets", [("all",), ("q_proj", "v_proj"), ("mlp.down_proj",)])
def test_weights_of_lora_are_counted_as_peft_does(targets: tuple[str, ...]) -> None:
    model = small()
    chosen = "all-linear" if "all" in targets else list(targets)
    adapted = get_peft_model(model, LoraConfig(r=6, target_modules=chosen))
    shape = shape_of(model.config.to_dict())
    estimated = estimate_memory(
        shape, TrainTable(r=6, targets=targets), width="fp32", longest=1, targets=1
    )
    assert estimated.trainable == adapted.get_nb_trainable_parameters()[0]


def distilled(**settings: Any) -> MemoryEstimate:
    table = TrainTable(**{"batch": 2, **settings})
    return estimate_memory(shape_of(R1_DISTILL), table, width="16-bit", longest=1_024, targets=700)


def test_the_published_model_has_its_published_size() -> None:
    assert distilled().parameters == 1_777_088_000
    assert distilled().weights == pytest.approx(3.31 * GIB, rel=0.01)


def test_four_bits_make_linear_layers_small_and_nothing_else() -> None:
    shape = shape_of(R1_DISTILL)
    estimated = distilled(method="qlora")
    assert estimated.weights == round(shape.in_layers * 4.127 / 8) + 4 * shape.elsewhere
    assert estimated.trained == distilled().trained


def test_adam_holds_sixteen_bytes_for_a_weight_of_lora() -> None:
    assert distilled().trained == 16 * distilled().trainable


def test_logits_are_held_a_chunk_at_a_time() -> None:
    assert distilled(loss_chunk=256).logits == 256 * 151_936 * 16
    assert distilled(loss_chunk=0).logits == 2 * 700 * 151_936 * 16
    assert distilled(loss_chunk=100_000).logits == distilled(loss_chunk=0).logits


def test_the_total_is_the_sum() -> None:
    estimated = distilled()
    parts = estimated.weights + estimated.trained + estimated.activations + estimated.logits
    assert estimated.total == parts


@pytest.mark.parametrize(
    "config",
    [
        {},
        {**R1_DISTILL, "num_attention_heads": 0},
        {**R1_DISTILL, "hidden_size": None},
        {key: value for key, value in R1_DISTILL.items() if key != "intermediate_size"},
    ],
)
def test_an_unknown_kind_of_model_has_no_shape(config: dict[str, Any]) -> None:
    assert read_shape(config) is None
