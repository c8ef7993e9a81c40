"""The number format is chosen by the hardware."""

import pytest

from finetune.errors import RecipeError
from finetune.recipe import TrainTable
from finetune.train.hardware import Hardware, choose_precision, detect_hardware, peak_memory

T4 = Hardware(device="cuda", name="Tesla T4", memory=16 << 30, capability=(7, 5))
A100 = Hardware(device="cuda", name="A100", memory=40 << 30, capability=(8, 0))
H100 = Hardware(device="cuda", name="H100", memory=80 << 30, capability=(9, 0))
MAC = Hardware(device="mps", name="Apple arm64", memory=16 << 30)
PROCESSOR = Hardware(device="cpu", name="x86_64", memory=16 << 30)


@pytest.mark.parametrize(
    ("machine", "precision"),
    [(T4, "fp16"), (A100, "bf16"), (H100, "bf16"), (MAC, "fp32"), (PROCESSOR, "fp32")],
    ids=lambda value: getattr(value, "name", value),
)
def test_auto_takes_the_best_supported_format(machine: Hardware, precision: str) -> None:
    assert choose_precision(TrainTable(), machine) == precision


@pytest.mark.parametrize(
    ("wanted", "machine", "instead"),
    [("bf16", T4, "fp16"), ("fp16", PROCESSOR, "fp32"), ("fp16", MAC, "fp32")],
    ids=lambda value: getattr(value, "name", value),
)
def test_an_unsupported_format_raises(wanted: str, machine: Hardware, instead: str) -> None:
    table = TrainTable.model_validate({"precision": wanted})
    with pytest.raises(RecipeError, match=f"cannot train in {wanted}") as caught:
        choose_precision(table, machine)
    assert instead in caught.value.hint.localize("en")


@pytest.mark.parametrize("machine", [T4, A100, MAC, PROCESSOR], ids=lambda value: value.name)
def test_fp32_is_always_supported(machine: Hardware) -> None:
    assert choose_precision(TrainTable(precision="fp32"), machine) == "fp32"


def test_bf16_can_be_set_on_a_processor() -> None:
    assert choose_precision(TrainTable(precision="bf16"), PROCESSOR) == "bf16"


def test_this_machine_is_detected() -> None:
    machine = detect_hardware()
    assert machine.torch_device.type == machine.device
    assert machine.memory > 1 << 28
    assert 0 < peak_memory(machine) < machine.memory
