"""`python -m tests.smoke`: the base install answers from plain pages, in both languages.

Run before the extras are installed, it shows that none of them is needed.
"""

import json
import subprocess
import sys

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
    return 0


if __name__ == "__main__":
    sys.exit(main())
