"""The public names of `assistant`, and how long they may take to import."""

import subprocess
import sys

import pytest

import assistant


@pytest.mark.parametrize("name", assistant.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(assistant, name).__doc__


def test_a_name_that_is_not_public_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'oracle'"):
        _ = assistant.oracle


def test_importing_the_package_imports_nothing_heavy() -> None:
    program = (
        "import sys, assistant\n"
        "print(sorted({'pydantic', 'httpx', 'numpy', 'chromadb'} & set(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert shown.stdout.strip() == "[]"
