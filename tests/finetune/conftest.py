"""Tiny models, made once for all tests that want one."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch

from tests.finetune.tiny import make_tiny

BaseFor = Callable[[str], Path]

torch.set_num_threads(1)  # threads that wait for busy cores are ten times slower


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny Qwen2 with DeepSeek-R1's control tokens. Never write into it."""
    return make_tiny(tmp_path_factory.mktemp("base") / "tiny-r1")


@pytest.fixture(scope="session")
def tiny_chatml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny Qwen2 with Qwen2.5's control tokens. Never write into it."""
    return make_tiny(tmp_path_factory.mktemp("base") / "tiny-chatml", family="chatml")


@pytest.fixture(scope="session")
def base_for(tiny: Path, tiny_chatml: Path, tmp_path_factory: pytest.TempPathFactory) -> BaseFor:
    """Return the folder of a tiny model for a chat format, by its name. Never write into it."""

    @cache
    def base(name: str) -> Path:
        if name.startswith("r1-"):
            return tiny
        if name == "chatml":
            return tiny_chatml
        families = {"qwen3-think": "qwen3", "qwen3-direct": "qwen3", "gemma": "gemma3"}
        return made(families.get(name, name))

    @cache
    def made(family: str) -> Path:
        return make_tiny(tmp_path_factory.mktemp("base") / f"tiny-{family}", family=family)

    return base
