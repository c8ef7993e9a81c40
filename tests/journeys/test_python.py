"""The Python of README and docs/python.md, run as it stands on the replayed internet."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.conftest import LONGEST_S, Shell

ROOT = Path(__file__).parents[2]


def blocks(page: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


EXAMPLES = [
    pytest.param(block, id=f"{page}-{number}")
    for page in ("README.md", "docs/python.md")
    for number, block in enumerate(blocks(page))
]


def test_there_are_examples_to_run() -> None:
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize("program", EXAMPLES)
def test_the_examples_of_the_docs_run_as_they_stand(program: str, shell_with_model: Shell) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=dict(shell_with_model.variables) | {"PYTHONPATH": str(ROOT)},
        cwd=shell_with_model.folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=LONGEST_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert "failed:" not in done.stdout
