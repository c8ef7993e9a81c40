"""The wheel, built and installed alone, away from this tree."""

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps",
               "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]  # fmt: skip
    subprocess.run(command, check=True, timeout=120)
    return next(folder.glob("qiuzheng-*.whl"))


@pytest.fixture(scope="module")
def alone(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has our dependencies, and of ours the wheel alone."""
    folder = tmp_path_factory.mktemp("alone")
    venv.create(folder, with_pip=False)
    packages = next(folder.glob("lib/python*/site-packages"))
    # A path file names the dependencies; editable installs beside them are not followed from here.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    command = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install",
               "--quiet", "--no-deps", "--ignore-installed", str(wheel)]  # fmt: skip
    subprocess.run(command, check=True, timeout=120)
    return folder


def test_wheel_holds_our_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "assistant",
        "finetune",
        "ingest",
        "ui",
    }


@pytest.mark.parametrize("command", [["assistant", "--help"], ["ingest", "--help"]])
def test_commands_of_the_wheel_start(command: list[str], alone: Path, tmp_path: Path) -> None:
    program = alone / "bin" / command[0]
    shown = subprocess.run(
        [program, *command[1:]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "Usage:" in shown.stdout


def test_wheel_answers_a_question(alone: Path, home: Path, tmp_path: Path) -> None:
    note = tmp_path / "note.md"
    note.write_text("# Note\n\nThe night desk answers at extension 8801.\n")
    environment = {"ASSISTANT_HOME": str(home), "OLLAMA_HOST": "127.0.0.1:9", "LANG": "C.UTF-8"}

    def run(*command: str) -> str:
        done = subprocess.run(
            [str(alone / "bin" / command[0]), *command[1:]],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
        return done.stdout

    run("ingest", str(note))
    assert "8801" in run("assistant", "ask", "Which extension answers at the night desk?")
    where = f"{alone}/bin/python"
    place = subprocess.run(
        [where, "-c", "import assistant; print(assistant.__file__)"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert place.stdout.startswith(str(alone))
