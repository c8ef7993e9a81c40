"""`assistant evaluate`: a person's own questions, through the command itself."""

import json
import re
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from assistant.evaluation.figures import FIGURES
from tests.engines.ollama_server import OllamaServer
from tests.internet.demo import QUESTIONS
from tests.journeys.conftest import Shell, Shown

TEA = "https://leafandwater.example/brewing/green-tea"
ROBOTS = "https://crawlers.example/robots/rfc-9309"
ASKED: Sequence[dict[str, Any]] = (
    {"question": "How hot should water for green tea be?", "answer": "80 °C", "url": TEA},
    {"question": "How long may robots.txt be cached?", "answer": "24 hours"},
    {"question": "How many redirects of robots.txt should be followed?", "url": ROBOTS},
    {"question": "Who wrote the opera Turandot?", "unanswerable": True},
)


def write_questions(shell: Shell, rows: Sequence[dict[str, Any]] = ASKED) -> str:
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (shell.folder / "questions.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return "questions.jsonl"


def index_pages(shell: Shell) -> None:
    shell("ingest", TEA, ROBOTS, "--quiet")


def evaluate(shell: Shell, *options: str, code: int | None = 0, **extra: str) -> Shown:
    return shell("assistant", "evaluate", *options, "--lang", "en", code=code, **extra)


def replies(*, tea: str, robots: str) -> Callable[[list[Any]], tuple[str, str]]:
    """Return a model that says what the pages say, whether or not it answers the question."""

    def reply(messages: list[Any]) -> tuple[str, str]:
        asked = str(messages)
        if "Turandot" in asked:
            return "", "The passages do not say who wrote it."
        return "", tea if "How hot should" in asked else robots

    return reply


def saved_results(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()[1:]]


def only_error(shown: Shown) -> str:
    """Return the one line that an error is."""
    (line,) = shown.stderr.splitlines()
    assert line.startswith("error: ")
    return line


def test_quotes_are_judged_without_a_model(shell: Shell) -> None:
    index_pages(shell)
    shown = evaluate(shell, write_questions(shell), "--no-model", "--json", "--html", "report.html")
    found = json.loads(shown.stdout)
    figures = {name: one["value"] for name, one in found["figures"].items()}
    assert found["run"]["model"] == "quotes"
    assert found["run"]["pages"] == 2
    assert (found["questions"], found["failed"]) == (4, [])
    assert figures["recall_at_k"] == figures["right"] == figures["refusals_right"] == 1.0
    assert figures["refusals_wrong"] == 0.0
    assert found["figures"]["right"]["questions"] == 2
    assert set(found["latency"]) == {"seconds_to_evidence", "seconds_to_first_word", "seconds"}
    assert "supported" not in figures  # quotes stand in their passages by the way they are made
    assert [line[:5] for line in shown.stderr.splitlines() if line.startswith("[")] == [
        "[1/4]", "[2/4]", "[3/4]", "[4/4]",
    ]  # fmt: skip
    page = (shell.folder / "report.html").read_text("utf-8")
    assert page.count("<svg") >= 4
    assert "How hot should water for green tea be?" in page
    assert not re.search(r"<script|<link|<img|@import|url\(|\ssrc=|<iframe", page)


def test_a_models_answers_are_judged_saved_and_compared(
    shell_with_model: Shell, ollama: OllamaServer
) -> None:
    shell = shell_with_model
    index_pages(shell)
    path = write_questions(shell)
    bitter = "Green tea turns bitter for one reason more than any other."
    hot = "Use water at 80 °C, 3 grams of leaf and two minutes. The moon has 17 cheeses."
    ollama.answer = replies(tea=hot, robots="Crawlers may cache the file.")
    shown = evaluate(shell, path, "--save", "old.jsonl", "--quiet")
    assert shown.stderr == ""
    assert re.search(r"50\.0 %.*the answer holds the expected one", shown.stdout)
    rows = saved_results(shell.folder / "old.jsonl")
    tea = next(row for row in rows if row["question"] == ASKED[0]["question"])
    assert (tea["kind"], tea["right"], tea["rank"], tea["refused"]) == ("model", True, 1, False)
    assert tea["verdicts"]["unsupported"] == 1
    assert tea["prompt_tokens"] > 0
    assert 0 < tea["seconds_to_evidence"] < tea["seconds_to_first_word"] <= tea["seconds"]
    limit = "Crawlers should not use a cached version for more than 24 hours."
    ollama.answer = replies(tea=bitter, robots=limit)
    shown = evaluate(shell, path, "--json", "--compare", "old.jsonl", "--html", "new.html")
    found = json.loads(shown.stdout)["comparison"]
    assert found["won"] == [ASKED[1]["question"]]
    assert found["lost"] == [ASKED[0]["question"]]
    assert {one["verdict"] for one in found["figures"].values()} <= {"none", "better", "worse"}
    assert found["figures"]["right"]["verdict"] == "none"
    page = (shell.folder / "new.html").read_text("utf-8")
    assert "no difference shown" in page
    assert "17 cheeses" in page


def test_a_saved_run_is_shown_again_without_a_model_or_an_index(
    shell: Shell, tmp_path: Path
) -> None:
    index_pages(shell)
    shown = evaluate(shell, write_questions(shell), "--no-model", "--save", "run.jsonl")
    away = {"ASSISTANT_HOME": str(tmp_path / "elsewhere")}
    again = evaluate(shell, "run.jsonl", **away)
    assert again.stdout == shown.stdout
    zh = shell("assistant", "evaluate", "run.jsonl", "--compare", "run.jsonl", "--html", "c.html",
               "--lang", "zh", **away)  # fmt: skip
    assert "未显出差别" in zh.stdout
    assert '<html lang="zh">' in (shell.folder / "c.html").read_text("utf-8")
    refused = evaluate(shell, "run.jsonl", "--model", "m", "--limit", "1", code=2)
    assert "run.jsonl is a saved run: --model, --limit" in only_error(refused)


def test_snapshots_are_kept_only_where_they_are_wanted(shell: Shell) -> None:
    index_pages(shell)
    path = write_questions(shell, ASKED[:2])
    evaluate(shell, path, "--no-model", "--save", "none.jsonl")
    assert {row["answer_id"] for row in saved_results(shell.folder / "none.jsonl")} == {""}
    evaluate(
        shell, path, "--no-model", "--save", "kept.jsonl", "--html", "kept.html", "--snapshots"
    )
    kept = [row["answer_id"] for row in saved_results(shell.folder / "kept.jsonl")]
    assert all(kept)
    assert f"assistant explain {kept[0]}" in (shell.folder / "kept.html").read_text("utf-8")
    shown = shell("assistant", "explain", kept[0], "--lang", "en")
    assert ASKED[0]["question"] in shown.stdout


def test_ctrl_c_keeps_what_was_asked_and_the_same_command_goes_on(
    shell_with_model: Shell, ollama: OllamaServer
) -> None:
    shell = shell_with_model
    index_pages(shell)
    path = write_questions(shell)
    saved = shell.folder / "run.jsonl"
    # Slow enough to be stopped within the second answer, whatever the machine.
    ollama.answer = lambda messages: ("", "Use 80 °C." if "hot" in str(messages) else "x " * 4_000)
    ollama.delay_s = 0.02
    command = ("assistant", "evaluate", path, "--save", "run.jsonl", "--lang", "en")
    process = shell.start(*command)
    while not (saved.exists() and saved.read_text("utf-8").count("\n") >= 2):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "1 question · model" in stdout
    assert "1 of 4 asked; the same command asks the rest" in stderr
    assert "Traceback" not in stderr
    (first,) = saved_results(saved)
    ollama.answer, ollama.delay_s = (lambda _: ("", "It is 24 hours.")), 0.0
    ollama.requests.clear()
    shown = shell(*command)
    assert "1 question already asked" in shown.stderr
    assert "4 questions · model" in shown.stdout
    results = saved_results(saved)
    assert len(results) == 4
    assert results[0] == first
    prompts = [str(body["messages"]) for body in ollama.asked("/api/chat") if body.get("messages")]
    assert prompts
    assert not any("How hot should" in prompt for prompt in prompts)


def test_expected_pages_that_the_index_lacks_are_said(shell: Shell) -> None:
    index_pages(shell)
    lacking = {"question": "How long does tea keep?", "url": "https://nowhere.example/tea"}
    known = {"question": "How hot?", "urls": [f"{TEA.replace('https', 'http')}/", "green-tea"]}
    path = write_questions(shell, [*ASKED, known, lacking])
    shown = evaluate(shell, path, "--no-model")
    assert "expected pages that are not in the index: 1, such as https://nowhere" in shown.stderr


def test_questions_come_from_a_pipe(shell: Shell) -> None:
    index_pages(shell)
    text = (shell.folder / write_questions(shell)).read_text("utf-8")
    shown = shell("assistant", "evaluate", "-", "--no-model", "--json", stdin=text)
    assert json.loads(shown.stdout)["questions"] == len(ASKED)


def test_several_questions_are_asked_side_by_side(
    shell_with_model: Shell, ollama: OllamaServer
) -> None:
    index_pages(shell_with_model)
    path = write_questions(shell_with_model)
    ollama.answer = lambda _: ("", "It is 24 hours.")
    shown = evaluate(shell_with_model, path, "--jobs", "4", "--json", "--limit", "3")
    assert json.loads(shown.stdout)["questions"] == 3
    assert json.loads(shown.stdout)["run"]["jobs"] == 4


def test_an_empty_index_and_a_model_that_is_away_are_one_line_each(shell: Shell) -> None:
    path = write_questions(shell)
    assert "the index is empty" in only_error(evaluate(shell, path, "--no-model", code=1))
    index_pages(shell)
    # Not quotes under the model's name: "auto" would fall back to them.
    assert "ollama" in only_error(evaluate(shell, path, code=1)).lower()
    assert not (shell.folder / "run.jsonl").exists()


def test_a_model_that_is_not_there_is_named(shell_with_model: Shell) -> None:
    index_pages(shell_with_model)
    path = write_questions(shell_with_model)
    shown = evaluate(shell_with_model, path, "--model", "nosuch:1b", code=1)
    assert "nosuch:1b" in only_error(shown)


def test_a_server_that_dies_stops_the_run_and_costs_nothing_that_was_asked(
    shell_with_model: Shell, ollama: OllamaServer
) -> None:
    shell = shell_with_model
    index_pages(shell)
    rows = [*ASKED[:2], *({"question": f"How hot is tea {n}?", "answer": "80"} for n in range(9))]
    path = write_questions(shell, rows)
    ollama.answer = lambda _: ("", "It is 24 hours.")
    evaluate(shell, path, "--save", "run.jsonl", "--limit", "2")
    ollama.fail("crashed", path="/api/chat")
    shown = evaluate(shell, path, "--save", "run.jsonl", code=1)
    assert "3 answers failed one after the other" in shown.stderr.splitlines()[-1]
    assert "5 of 11 asked" in shown.stderr
    kinds = [row["kind"] for row in saved_results(shell.folder / "run.jsonl")]
    assert [kind == "failed" for kind in kinds] == [False, False, True, True, True]


def test_failures_end_with_1_and_a_reader_of_progress_who_leaves_ends_nothing(
    shell_with_model: Shell, ollama: OllamaServer
) -> None:
    shell = shell_with_model
    index_pages(shell)
    path = write_questions(shell, ASKED[:2])
    ollama.answer = lambda _: ("", "It is 24 hours.")
    process = shell.start("assistant", "evaluate", path, "--json", "--html", "report.html")
    assert process.stderr is not None
    process.stderr.close()
    assert process.stdout is not None
    assert json.loads(process.stdout.read())["questions"] == 2
    assert process.wait(60) == 0
    ollama.fail("crashed", path="/api/chat")
    shown = evaluate(shell, path, "--quiet", "--json", code=1)
    assert len(json.loads(shown.stdout)["failed"]) == 2
    assert "no answer to 2 questions: " in shown.stderr


def test_floors_end_with_their_own_exit_code(shell: Shell) -> None:
    index_pages(shell)
    path = write_questions(shell)
    floors = ("--fail-under", "recall_at_k=.9", "--fail-under", "right=100%")
    evaluate(shell, path, "--no-model", "--quiet", *floors)
    shown = evaluate(shell, path, "--no-model", "--quiet", "--fail-under", "f1=.99", code=4)
    assert re.search(r"f1 is 0\.\d{3}, below 0\.99", shown.stderr)
    shown = evaluate(shell, path, "--no-model", "--quiet", "--fail-under", "trust=.1", code=4)
    assert "trust: no question of this run has this figure" in shown.stderr


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("missing.jsonl",), "cannot read missing.jsonl (No such file"),
        (("empty.jsonl",), "empty.jsonl holds no question"),
        (("broken.jsonl",), "broken.jsonl, line 2: no JSON"),
        (("questions.jsonl", "--model", "m", "--no-model"), "exclude each other"),
        (("questions.jsonl", "--compare", "broken.jsonl"), "broken.jsonl is no saved run"),
        (("questions.jsonl", "--compare", "other.jsonl"), "no question in common"),
        (("questions.jsonl", "--no-model", "--save", "questions.jsonl"), "is no saved run"),
        (("questions.jsonl", "--no-model", "--html", "empty.jsonl/x.html"), "cannot be written"),
        (("questions.jsonl", "--html", "./questions.jsonl"), "would overwrite questions.jsonl"),
        (("other.jsonl", "--html", "other.jsonl"), "would overwrite other.jsonl"),
        (("questions.jsonl", "--save", "r.jsonl", "--html", "r.jsonl"), "would overwrite r.jsonl"),
        (("questions.jsonl", "--fail-under", "rihgt=.8"), 'no figure "rihgt"'),
        (("questions.jsonl", "--fail-under", "unsupported=.8"), 'no figure "unsupported"'),
        (("questions.jsonl", "--fail-under", "right=8"), "from 0 to 1"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_exit_2(
    options: tuple[str, ...], why: str, shell: Shell
) -> None:
    path = shell.folder / write_questions(shell)
    (shell.folder / "empty.jsonl").write_text("")
    (shell.folder / "broken.jsonl").write_text('{"question": "a?", "answer": "b"}\noops\n')
    header = '{"type": "run", "model": "m", "top_k": 6}\n'
    (shell.folder / "other.jsonl").write_text(header + '{"key": "k", "question": "q"}\n')
    before = path.read_bytes()
    if "--save" in options:
        index_pages(shell)  # looked at once the index is known to hold something
    assert why in only_error(evaluate(shell, *options, code=2))
    assert path.read_bytes() == before


def test_hostile_questions_and_answers_are_text_on_page_and_terminal(
    shell_with_model: Shell, ollama: OllamaServer
) -> None:
    index_pages(shell_with_model)
    bad = "<script>alert(1)</script> \x1b[31m\u202egreen tea?"
    path = write_questions(shell_with_model, [{"question": bad, "answer": "</style><b>"}])
    ollama.answer = lambda _: ("", "<img src=x onerror=alert(1)> Use water at 80 °C.")
    shown = evaluate(shell_with_model, path, "--html", "r.html")
    assert "\x1b" not in shown.stdout + shown.stderr
    assert "\u202e" not in shown.stdout + shown.stderr
    page = (shell_with_model.folder / "r.html").read_text("utf-8")
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page


def test_the_shipped_questions_are_answered_on_the_demos_pages(shell: Shell) -> None:
    urls = {json.loads(line).get("url") for line in QUESTIONS.read_text("utf-8").splitlines()}
    # One page names a canonical address that its site does not serve: it is listed as not read.
    shell("ingest", *sorted(filter(None, urls)), "--quiet", code=3)
    shown = evaluate(shell, str(QUESTIONS), "--no-model", "--quiet", "--json")
    figures = json.loads(shown.stdout)["figures"]
    assert figures["recall_at_k"]["value"] >= 0.8
    assert figures["right"]["value"] >= 0.8
    assert figures["refusals_right"]["value"] >= 0.5


def test_every_figure_is_explained_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text("utf-8")
    assert [one.name for one in FIGURES if f"`{one.name}`" not in page] == []
