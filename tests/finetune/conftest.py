"""Tiny models, made once for all tests that want one."""

from pathlib import Path

import pytest
import torch

from tests.finetune.tiny import make_tiny

torch.set_num_threads(1)  # threads that wait for busy cores are ten times slower


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny Qwen2 with DeepSeek-R1's control tokens. Never write into it."""
    return make_tiny(tmp_path_factory.mktemp("base") / "tiny-r1")


@pytest.fixture(scope="session")
def tiny_chatml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny Qwen2 with Qwen2.5's control tokens. Never write into it."""
    return make_tiny(tmp_path_factory.mktemp("base") / "tiny-chatml", chatml=True)
