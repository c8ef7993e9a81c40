"""Whatever a model does, a reader gets an answer that ends, says what it is, and is not empty."""

import re
from collections.abc import Callable, Iterator

import pytest

from assistant.events import AnswerDelta, Notice
from tests.engines.ollama_server import OllamaServer
from tests.engines.replies import Json
from tests.journeys.conftest import Shell, Shown, clean_environment

PAGE = """# The tower of Velmar

The tower of Velmar was painted white in 1907 by its keeper, who climbed it each evening.
It is 41 metres tall and stands on a rock.
"""
QUESTION = "When was the tower of Velmar painted white?"
FACT = "The tower of Velmar was painted white in 1907"
GOOD = f"{FACT} by its keeper [1]."
LONGEST_SHOWN = 3_000
"""Characters of an answer to this question and what stands around it; a runaway has more."""

Say = Callable[[list[Json]], tuple[str, str]]


def says(text: str, thinking: str = "") -> Say:
    return lambda _: (thinking, text)


REPLACED: dict[str, tuple[Say, str]] = {
    "nothing": (says(""), "The model gave no answer"),
    "spaces": (says(" \n\n \t "), "The model gave no answer"),
    "markers": (says("[1] [2] [99]"), "The model gave no answer"),
    "an announcement": (says("The answer is:"), "The model gave no answer"),
    "thinking": (says("", "Hm, let me see."), "The model gave no answer"),
    "thinking for ever": (says("", "Hm, let me see. " * 4000), "The model gave no answer"),
    "thinking in text": (says("<think>Hm, let me see."), "The model thought and gave no answer"),
    "the prompt": (lambda given: ("", given[0]["content"]), "repeated its instructions"),
    "a loop": (says("The bridge was sold in 1950. " * 4000), "repeated itself and was stopped"),
    "Chinese": (
        says("维尔马的塔在一九零七年被看守人漆成了白色，他每晚都登塔。"),
        "another language",
    ),
    "what is false": (says("The bridge of Zorvex was sold to Peru in 1950."), "Nothing that the"),
    "broken JSON": (says('{"answer": "The bridge was sold in 1950", "cit'), "Nothing that the"),
    "empty JSON": (says('{"answer": "", "citations": ['), "The model gave no answer"),
}
KEPT: dict[str, Say] = {
    "a source that is none": says(f"{FACT} [99] (Source 9) 【7†source】."),
    "itself for ever": says(f"{GOOD} " * 2000),
    "one word for ever": says(GOOD + " white" * 9000),
    "an end too early": says(f"{FACT} by its"),
    "broken JSON": says(f'{{"answer": "{FACT} by its keeper", "cit'),
    "another turn": says(f"{GOOD}<|im_end|>\n<|im_start|>user\nAnd who sold it?"),
}


@pytest.fixture(scope="module")
def ollama() -> Iterator[OllamaServer]:
    with OllamaServer(piece=64) as server:
        yield server


@pytest.fixture(scope="module")
def shell(ollama: OllamaServer, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A shell with one page in its index, which no test changes."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("folder")
    shell = Shell(variables=clean_environment(home) | {"OLLAMA_HOST": ollama.url}, folder=folder)
    (folder / "tower.md").write_text(PAGE, "utf-8")
    shell("ingest", "tower.md")
    return shell


def holds_an_answer(shown: Shown) -> None:
    answer, _, sources = shown.stdout.partition("\nSources")
    assert FACT in answer
    assert "tower.md" in sources
    assert len(shown.stdout) < LONGEST_SHOWN
    assert set(re.findall(r"\[\d+\]", shown.stdout)) == {"[1]"}
    assert "<think>" not in shown.stdout


@pytest.mark.parametrize(
    ("kind", "size"),
    [*((kind, "small") for kind in REPLACED), ("nothing", "large")],
)
def test_what_is_no_answer_is_replaced_by_quotes_and_said(
    kind: str, size: str, shell: Shell, ollama: OllamaServer
) -> None:
    ollama.answer, why = REPLACED[kind]
    shown = shell("assistant", "ask", QUESTION, ASSISTANT_MODEL__SIZE=size)
    holds_an_answer(shown)
    assert why in shown.stderr
    assert len(shown.stderr) < LONGEST_SHOWN
    assert "Sources (quotes" in shown.stdout


@pytest.mark.parametrize(
    ("kind", "size"),
    [*((kind, "small") for kind in KEPT), ("itself for ever", "large"), ("broken JSON", "large")],
)
def test_of_an_answer_that_goes_wrong_the_good_part_stands(
    kind: str, size: str, shell: Shell, ollama: OllamaServer
) -> None:
    ollama.answer = KEPT[kind]
    holds_an_answer(shell("assistant", "ask", QUESTION, ASSISTANT_MODEL__SIZE=size))


@pytest.mark.parametrize("failure", ["no_done", "reset", "error_line", "crashed", "not_json"])
def test_a_server_that_closes_early_leaves_quotes_and_a_failure(
    failure: str, shell: Shell, ollama: OllamaServer
) -> None:
    ollama.answer = GOOD
    ollama.fail(failure)  # type: ignore[arg-type]
    try:
        shown = shell("assistant", "ask", QUESTION, code=1)
    finally:
        ollama.heal()
    assert shown.stdout.strip()
    assert len([line for line in shown.stderr.splitlines() if line.startswith("error: ")]) == 1


def test_json_of_a_runaway_ends_as_any_other(shell: Shell, ollama: OllamaServer) -> None:
    ollama.answer = f"{GOOD} " * 2000
    shown = shell("assistant", "ask", QUESTION, "--json")
    said = "".join(event.text for event in shown.events if isinstance(event, AnswerDelta))
    assert len(said) < LONGEST_SHOWN
    assert shown.answer.answer.text.count(GOOD) == 1
    codes = [event.code for event in shown.events if isinstance(event, Notice)]
    assert "reply_looped" in codes
