"""No raw escape sequence reaches a terminal, whoever wrote it: page, file name, model or server."""

import json
import re

import pytest

from tests.engines.ollama_server import OllamaServer
from tests.journeys.conftest import Shell, Shown

ESCAPES = "\x1b]0;owned\x07\x1b[31m\x9b2J\x08\u202e\u2066"
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
PAGE = f"""<!DOCTYPE html><html><head><meta charset="utf-8">
<title>The tower{ESCAPES} of Velmar</title></head><body><h1>The tower of Velmar</h1>
<p>The tower of Velmar was{ESCAPES} painted white in 1907 by its keeper,
who climbed it each evening. مرحبا 🗼 zero\u200bwidth.</p></body></html>"""


def clean(shown: Shown) -> Shown:
    assert not RAW.search(shown.stdout), shown.stdout
    assert not RAW.search(shown.stderr), shown.stderr
    return shown


@pytest.fixture
def indexed(shell_with_model: Shell) -> Shell:
    name = "tower\x1b[31m\x07.html"
    (shell_with_model.folder / name).write_text(PAGE, "utf-8")
    clean(shell_with_model("ingest", name))
    return shell_with_model


def test_page_file_name_question_and_model(indexed: Shell, ollama: OllamaServer) -> None:
    said = f"The tower of Velmar{ESCAPES} was painted white in 1907 {ESCAPES}[1]."
    ollama.answer = lambda _: (f"Let me see{ESCAPES}", said)
    ollama.piece = 1  # an escape sequence comes in pieces, too
    question = f"When was the tower{ESCAPES} of Velmar painted?"
    shown = clean(indexed("assistant", "ask", question, "--show-thinking"))
    assert "painted white in 1907" in shown.stdout
    clean(indexed("assistant", "chat", stdin=f"{question}\nand its height{ESCAPES}?\n/quit\n"))


def test_errors_and_reports_that_name_what_others_wrote(indexed: Shell) -> None:
    clean(indexed("assistant", "ask", "tower?", "--model", f"none{ESCAPES}", code=1))
    clean(indexed("ingest", f"no-such{ESCAPES}.md", code=None))
    clean(indexed("assistant", "doctor", code=None, ASSISTANT_MODEL__NAME="a\x1b[31mb"))
    clean(indexed("assistant", "setup", "--model", "missing\x1b[31m", code=None))


def test_quotes_without_a_model(indexed: Shell, shell: Shell) -> None:
    shown = clean(shell("assistant", "ask", "When was the tower of Velmar painted?"))
    assert "1907" in shown.stdout


def test_json_is_the_same_value_and_harmless_on_a_terminal(
    indexed: Shell, ollama: OllamaServer
) -> None:
    # Without figures: those of colours and of the cursor are not in the page.
    written = "\x1b[m\x07\x08\u202e\u2066"
    said = f"The tower of Velmar was painted white in 1907{written} [1]."
    ollama.answer = lambda _: ("", said)
    question = f"When was the tower{ESCAPES} of Velmar painted?"
    answered = clean(indexed("assistant", "ask", question, "--json"))
    assert written in answered.answer.answer.text
    clean(indexed("assistant", "history", "--json", code=None))
    read = clean(indexed("assistant", "read", "tower\x1b[31m\x07.html", "--json", code=None))
    assert all(json.loads(line) for line in read.stdout.splitlines())
    clean(indexed("assistant", "doctor", "--json", code=None, ASSISTANT_MODEL__NAME="a\x9bb"))
    clean(indexed("ingest", f"no-such{ESCAPES}.md", "--json", code=None))
