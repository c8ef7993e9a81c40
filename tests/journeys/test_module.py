"""The commands by another name, for machines where another program owns `assistant`."""

import subprocess
import sys

import pytest

from tests.journeys.conftest import Shell


@pytest.mark.parametrize("module", ["assistant", "ingest"])
def test_python_dash_m_starts_the_command(module: str, shell: Shell) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        env=dict(shell.variables), capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert f"Usage: python -m {module}" in shown.stdout


def test_version_is_told(shell: Shell) -> None:
    assert shell("assistant", "--version").stdout.startswith("assistant, version 0.")
