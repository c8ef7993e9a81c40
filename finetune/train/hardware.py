"""What this machine computes with, and the number format that it does well in."""

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
    """The device that trains. `capability` is CUDA's, `memory` in bytes is what it has in all."""

    device: Device
    name: str
    memory: int
    capability: tuple[int, int] = (0, 0)
    count: int = 1

    @property
    def torch_device(self) -> torch.device:
        """The device as torch names it; of several GPUs the one of this process."""
        if self.device == "cuda":
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device(self.device)


def hardware() -> Hardware:
    """Return what this machine trains on: CUDA before MPS before the processor."""
    if torch.cuda.is_available():
        told = torch.cuda.get_device_properties(torch.cuda.current_device())
        return Hardware(
            device="cuda",
            name=told.name,
            memory=told.total_memory,
            capability=(told.major, told.minor),
            count=torch.cuda.device_count(),
        )
    memory: int = psutil.virtual_memory().total
    if torch.backends.mps.is_available():
        return Hardware(device="mps", name=f"Apple {platform.machine()}", memory=memory)
    return Hardware(device="cpu", name=platform.processor() or platform.machine(), memory=memory)


def choose_precision(table: TrainTable, hardware: Hardware) -> Precision:
    """Return the number format to train in; `auto` is decided by what the hardware does.

    Raises:
        RecipeError: the recipe asks for a format that this hardware does not have.
    """
    has_bf16 = hardware.device == "cpu" or hardware.capability >= AMPERE
    if table.precision == "auto":
        if hardware.device != "cuda":
            return "fp32"
        return "bf16" if has_bf16 else "fp16"
    if table.precision == "fp16" and hardware.device != "cuda":
        raise _not_here("fp16", hardware, instead="fp32")
    if table.precision == "bf16" and not has_bf16:
        raise _not_here("bf16", hardware, instead="fp16" if hardware.device == "cuda" else "fp32")
    return table.precision


def peak_memory(hardware: Hardware) -> int:
    """Return the most bytes held so far: of the GPU's memory, else of this process."""
    if hardware.device == "cuda":
        return torch.cuda.max_memory_allocated()
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource  # noqa: PLC0415  not on Windows

    unit = 1 if sys.platform == "darwin" else KIBIBYTE
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _not_here(wanted: Precision, hardware: Hardware, *, instead: Precision) -> RecipeError:
    device = f"{hardware.name} ({hardware.device})"
    return RecipeError(
        Message("train.precision: {device} cannot train in {wanted}", device=device, wanted=wanted),
        hint=Message('write precision = "auto" (it becomes {instead})', instead=instead),
    )
