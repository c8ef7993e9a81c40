"""The device that this machine trains on, and the number formats that it supports."""

import platform
import sys
from dataclasses import dataclass
from typing import Literal

import psutil  # type: ignore[import-untyped]
import torch

from finetune.errors import RecipeError
from finetune.recipe import TrainTable
from ingest.foundation.messages import Message

Device = Literal["cuda", "mps", "cpu"]
Precision = Literal["bf16", "fp16", "fp32"]

AMPERE = (8, 0)
"""First compute capability with bfloat16 in hardware.

`torch.cuda.is_bf16_supported()` says yes on a T4 (7.5) too, where it is emulated and slow.
"""

KIBIBYTE = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """The device that trains. `capability` is CUDA's, `memory` its total in bytes."""

    device: Device
    name: str
    memory: int
    capability: tuple[int, int] = (0, 0)
    count: int = 1

    @property
    def torch_device(self) -> torch.device:
        """The device for torch; of several GPUs the one of this process."""
        if self.device == "cuda":
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device(self.device)


def detect_hardware() -> Hardware:
    """Return the device that this machine trains on: CUDA before MPS before the processor."""
    if torch.cuda.is_available():
        device = torch.cuda.get_device_properties(torch.cuda.current_device())
        return Hardware(
            device="cuda",
            name=device.name,
            memory=device.total_memory,
            capability=(device.major, device.minor),
            count=torch.cuda.device_count(),
        )
    # Apple's GPU shares the main memory; so the machine's total holds for MPS, too.
    memory: int = psutil.virtual_memory().total
    if torch.backends.mps.is_available():
        return Hardware(device="mps", name=f"Apple {platform.machine()}", memory=memory)
    return Hardware(device="cpu", name=platform.processor() or platform.machine(), memory=memory)


def choose_precision(table: TrainTable, hardware: Hardware) -> Precision:
    """Return the number format to train in; `auto` chooses by the hardware.

    Raises:
        RecipeError: the recipe asks for a format that this hardware does not support.
    """
    # bf16 works on any processor, but only some compute in it: `auto` does not take it there.
    has_bf16 = hardware.device == "cpu" or hardware.capability >= AMPERE
    if table.precision == "auto":
        if hardware.device != "cuda":
            return "fp32"
        return "bf16" if has_bf16 else "fp16"
    if table.precision == "fp16" and hardware.device != "cuda":
        raise _unsupported_precision("fp16", hardware, instead="fp32")
    if table.precision == "bf16" and not has_bf16:
        instead: Precision = "fp16" if hardware.device == "cuda" else "fp32"
        raise _unsupported_precision("bf16", hardware, instead=instead)
    return table.precision


def peak_memory(hardware: Hardware) -> int:
    """Return the peak in bytes so far: of the GPU's memory, else of this process."""
    if hardware.device == "cuda":
        return torch.cuda.max_memory_allocated()
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource  # noqa: PLC0415  not on Windows

    unit = 1 if sys.platform == "darwin" else KIBIBYTE  # getrusage(2): macOS counts bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _unsupported_precision(
    wanted: Precision, hardware: Hardware, *, instead: Precision
) -> RecipeError:
    device = f"{hardware.name} ({hardware.device})"
    return RecipeError(
        Message("train.precision: {device} cannot train in {wanted}", device=device, wanted=wanted),
        hint=Message('write precision = "auto" (it becomes {instead})', instead=instead),
    )
