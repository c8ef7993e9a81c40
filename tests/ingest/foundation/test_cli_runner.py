"""How commands end."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import threading, time
from ingest.foundation.command_line.cli_runner import run
from ingest.foundation.errors import SettingsError
from ingest.foundation.messages import Message

async def main():
    threading.Thread(target=time.sleep, args=(3600,)).start()
    {body}

run(main(), {language!r})
"""


def ended(body: str, tmp_path: Path, language: str = "en") -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(body=body, language=language)
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, timeout=30, check=False,
        env={"TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[3])},
    )  # fmt: skip


def test_command_leaves_with_its_code_and_waits_for_no_thread(tmp_path: Path) -> None:
    done = ended("print('said'); return 3", tmp_path)
    assert (done.returncode, done.stdout) == (3, "said\n")


@pytest.mark.parametrize(
    ("language", "line"), [("en", "error: bad: fix it"), ("zh", "错误：坏：修")]
)
def test_error_is_one_line_with_its_hint_and_its_code(
    language: str, line: str, tmp_path: Path
) -> None:
    error = "SettingsError(Message.bilingual('bad', '坏'), hint=Message.bilingual('fix it', '修'))"
    done = ended(f"raise {error}", tmp_path, language)
    assert (done.returncode, done.stderr.strip()) == (2, line)


def test_bug_is_one_line_and_its_trace_is_kept(tmp_path: Path) -> None:
    done = ended("raise RuntimeError('oh')", tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "RuntimeError: oh" in done.stderr
    (trace,) = tmp_path.glob("qiuzheng-crash-*.txt")
    assert "Traceback" in trace.read_text()
    assert str(trace) in done.stderr
