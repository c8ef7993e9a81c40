"""The steps of fine-tuning on a small recipe, and what they leave behind."""

import hashlib
import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from ingest.foundation.messages import Language
from tests.journeys.conftest import Shell, Shown

BEGINNINGS: dict[Language, str] = {"zh": "错误：", "en": "error: "}
CHINESE = re.compile("[\u4e00-\u9fff]")
BOOKKEEPING = {".lock", "state.json", "quarantine.jsonl", "duplicates.jsonl", "log.jsonl"}
"""Files of a run that a step may write before it fails: they tell how far it came, and why."""

RECIPE = """
name = "small"
[model]
base = "base"
[data]
files = ["rows.jsonl"]
[train]
precision = "fp32"
max_steps = 2
batch = 4
accumulate = 1
save_every = 1
[evaluate]
limit = 2
max_new_tokens = 4
similarity = "off"
"""


def rows(count: int) -> list[dict[str, object]]:
    return [{"instruction": f"第{n}问？", "output": f"第{n}答。"} for n in range(1, count + 1)]


def write_rows(path: Path, these: Iterable[object]) -> None:
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in these)
    path.write_text("".join(lines), encoding="utf-8")


def finetune(shell: Shell, *command: str, code: int = 0) -> Shown:
    return shell(sys.executable, "-m", "finetune", *command, code=code)


def refused(
    shell: Shell,
    *command: str,
    code: int = 1,
    languages: Sequence[Language] = ("zh", "en"),
    before: str = "",
) -> str:
    """Run a command that cannot work, in each language; return the lines that it wrote.

    What earlier steps had written must be there afterwards. `before` is what a POSIX shell does
    first, such as setting a limit.
    """
    kept, lines = outputs(shell.folder), []
    quiet = [] if command[0] == "init" else ["--quiet"]
    for language in languages:
        line = [sys.executable, "-m", "finetune", *command, *quiet, "--lang", language]
        if before:
            line = ["/bin/sh", "-c", f'{before}; exec "$@"', "sh", *line]
        shown = shell(*line, code=code)
        assert shown.stdout == ""
        assert shown.stderr.startswith(BEGINNINGS[language]), shown.stderr
        assert shown.stderr.count("\n") == 1, shown.stderr
        assert bool(CHINESE.search(shown.stderr[len("错误：") :])) == (language == "zh")
        assert "qiuzheng-crash-" not in shown.stderr  # where a bug of ours would be kept
        lines.append(shown.stderr)
    now = outputs(shell.folder)
    assert {path: now.get(path) for path in kept} == kept
    return "".join(lines)


def outputs(folder: Path) -> dict[Path, str]:
    """Return the digests of what the steps of a run have written."""
    runs = folder / "runs"
    files = (path for path in runs.rglob("*") if path.is_file() and path.name not in BOOKKEEPING)
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def prepared_rows(shell: Shell) -> list[str]:
    """Return question and answer of each prepared row, sorted."""
    data = shell.folder / "runs" / "small" / "data"
    lines = [line for path in data.glob("t*.jsonl") for line in path.open(encoding="utf-8")]
    lines += (data / "val.jsonl").read_text(encoding="utf-8").splitlines()
    turns = [json.loads(line)["turns"][0] for line in lines]
    return sorted(turn["user"] + turn["answer"] for turn in turns)


def quarantine(shell: Shell) -> list[dict[str, object]]:
    path = shell.folder / "runs" / "small" / "data" / "quarantine.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
