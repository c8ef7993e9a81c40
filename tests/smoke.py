"""`python -m tests.smoke`: the base install answers from plain pages, and prepares training data.

Run before the extras are installed, it shows that none of them is needed.
"""

import json
import subprocess
import sys
import tempfile

import click

QUESTIONS = ("无人机夜间飞行需要什么条件?", "How hot should water be for green tea?")


def main() -> int:
    """Return 0 if each question gets quotes with sources."""
    for question in QUESTIONS:
        command = [sys.executable, "-m", "tests.internet.demo", "ask", question, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        last = done.stdout.strip().rpartition("\n")[2]
        if done.returncode or not json.loads(last)["answer"]["citations"]:
            click.echo(f"no cited answer to {question}\n{done.stdout}\n{done.stderr}", err=True)
            return 1
        click.echo(f"answered with sources: {question}")
    return _prepare()


def _prepare() -> int:
    """Return 0 if training data can be prepared: that needs no torch."""
    with tempfile.TemporaryDirectory() as folder:
        for words in ("init support", "prepare support.toml"):
            command = [sys.executable, "-m", "finetune", *words.split()]
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, cwd=folder, timeout=300
            )
            if done.returncode:
                click.echo(f"finetune {words} failed\n{done.stderr}", err=True)
                return 1
    click.echo("prepared training data")
    return 0


if __name__ == "__main__":
    sys.exit(main())
