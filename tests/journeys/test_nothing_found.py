"""What a reader and a script are told where the pages hold no answer, or only come near one."""

import pytest

from assistant.events import EvidenceChosen, Notice
from tests.engines.ollama_server import OllamaServer
from tests.journeys.conftest import Shell, Shown

TOWER = """# The lamp of Velmar

The lighthouse of Velmar stands on a cliff and was painted white. Its keeper climbs the stairs each
evening, and visitors may follow on Sundays in summer.
"""
ANSWERED = ("What colour is the lighthouse of Velmar painted?", "answerable")
NEAREST = ("How many euros does the lighthouse of Velmar cost?", "nearest")
ELSEWHERE = "Who invented the periodic table of chemical elements?"
CLOSEST = "The pages do not seem to answer this. Closest to it:"


@pytest.fixture
def indexed(shell: Shell) -> Shell:
    (shell.folder / "velmar.md").write_text(TOWER, "utf-8")
    shell("ingest", "velmar.md")
    return shell


@pytest.fixture
def indexed_with_model(indexed: Shell, shell_with_model: Shell) -> Shell:
    return shell_with_model


def answerability(shown: Shown) -> str:
    return next(e.evidence.answerability for e in shown.events if isinstance(e, EvidenceChosen))


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_exit_code_tells_found_from_nothing_found(indexed: Shell, as_json: tuple[str, ...]) -> None:
    indexed("assistant", "ask", ANSWERED[0], *as_json, code=0)
    indexed("assistant", "ask", NEAREST[0], *as_json, code=0)
    indexed("assistant", "ask", ELSEWHERE, *as_json, code=3)
    indexed("assistant", "ask", "元素周期表是谁发明的？", *as_json, code=3)
    # Answered by code, of no page.
    indexed("assistant", "ask", "hello", *as_json, code=0)
    indexed("assistant", "ask", "12*7", *as_json, code=0)


def test_empty_index_ends_with_3_and_json_says_so(shell: Shell) -> None:
    shown = shell("assistant", "ask", ELSEWHERE, "--json", code=3)
    assert not shown.answer.answer.found
    assert shown.answer.answer.kind == "nothing"


def test_pages_without_a_fitting_sentence_are_nothing_found(indexed: Shell) -> None:
    # A word of the question stands on the page, and no answer.
    shown = indexed("assistant", "ask", "Who invented the periodic stairs table?", "--json", code=3)
    assert shown.answer.answer.kind == "nothing"
    assert shown.answer.answer.citations == ()


def test_a_conversation_ends_with_0_whatever_was_found(indexed: Shell) -> None:
    indexed("assistant", "chat", stdin=f"{ELSEWHERE}\n/quit\n", code=0)


def test_without_a_model_the_nearest_is_labelled_as_such(indexed: Shell) -> None:
    shown = indexed("assistant", "ask", NEAREST[0])
    assert shown.stdout.startswith(CLOSEST)
    assert indexed("assistant", "ask", ANSWERED[0]).stdout.startswith("Quotes from the pages")


@pytest.mark.parametrize("size", ["small", "large"])
def test_with_a_model_the_reader_is_told_before_it_speaks(
    indexed_with_model: Shell, ollama: OllamaServer, size: str
) -> None:
    ollama.answer = "The lighthouse of Velmar was painted white [1]."
    setting = {"ASSISTANT_MODEL__SIZE": size}
    shown = indexed_with_model("assistant", "ask", NEAREST[0], **setting)
    assert (
        shown.stderr.index(CLOSEST) < shown.stderr.index("  · ") < shown.stderr.index("Answering")
    )
    sure = indexed_with_model("assistant", "ask", ANSWERED[0], **setting)
    assert CLOSEST not in sure.stderr + sure.stdout


def test_json_says_nearest_once_with_a_model_and_once_without(
    indexed_with_model: Shell, indexed: Shell
) -> None:
    for run, codes in ((indexed_with_model, ["nearest_only"]), (indexed, [])):
        shown = run("assistant", "ask", NEAREST[0], "--json")
        assert answerability(shown) == "nearest"
        said = [e.code for e in shown.events if isinstance(e, Notice) and e.code != "no_model"]
        assert said == codes
        assert shown.answer.answer.found


def test_model_that_says_the_pages_do_not_hold_it_has_found_nothing(
    indexed_with_model: Shell, ollama: OllamaServer
) -> None:
    ollama.answer = "The passages do not say what the lighthouse costs."
    indexed_with_model("assistant", "ask", NEAREST[0], code=3)


def test_model_that_fails_leaves_the_nearest_under_its_label(
    indexed_with_model: Shell, ollama: OllamaServer
) -> None:
    ollama.fail("crashed")
    shown = indexed_with_model("assistant", "ask", NEAREST[0], code=1)
    assert shown.stdout.startswith(CLOSEST)
    assert "What the pages say" not in shown.stdout
