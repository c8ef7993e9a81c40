"""Replies that were made elsewhere are scored as our own are."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from finetune.errors import EvaluationError
from finetune.evaluate.evaluation import evaluate_generator, evaluate_predictions
from finetune.evaluate.generate.memory import ScriptedGenerator
from finetune.progress import SilentProgress
from finetune.records import Record, Turn
from finetune.runs import Run
from tests.finetune.evaluated_run import FMT, QUESTIONS, RIGHT, SCRIPT, recipe, run_of


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return run_of(
        tmp_path / "run",
        [
            Record(id=str(place), turns=(Turn(user=question, think=think, answer=answer),))
            for place, (question, (think, answer)) in enumerate(RIGHT.items())
        ],
    )


def lines_of(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def test_replies_made_elsewhere_are_scored_by_id(run: Run, tmp_path: Path) -> None:
    rows = [{"id": "0", "text": SCRIPT[QUESTIONS[0]]}, {"id": "2", "answer": "不知道"}]
    found = evaluate_predictions(recipe(), run, lines_of(tmp_path / "mine.jsonl", *rows))
    assert found.model == "file-mine"
    assert (found.records, found.missing) == (2, 1)
    assert found.values["exact"] == 50


def test_the_replies_of_an_evaluation_can_be_scored_again(run: Run) -> None:
    twin = ScriptedGenerator(SCRIPT, fmt=FMT)
    first = evaluate_generator(twin, recipe(), run, "m", progress=SilentProgress())
    second = evaluate_predictions(recipe(), run, run.evaluation / "m.replies.jsonl")
    assert {**second.values} == {**first.values}


def test_the_predictions_of_llama_factory_are_read(run: Run, tmp_path: Path) -> None:
    rows = [
        {"prompt": "a", "predict": SCRIPT[QUESTIONS[0]], "label": SCRIPT[QUESTIONS[0]]},
        {"prompt": "b", "predict": "不可以", "label": "<think>\n想\n</think>\n\n可以"},
    ]
    found = evaluate_predictions(recipe(), run, lines_of(tmp_path / "lf.jsonl", *rows))
    assert found.records == 2
    assert found.values["exact"] == 50


def test_a_thought_beside_an_answer_counts_as_thinking(run: Run, tmp_path: Path) -> None:
    rows = [
        {"id": str(place), "think": think, "answer": answer}
        for place, (think, answer) in enumerate(RIGHT.values())
    ]
    found = evaluate_predictions(recipe(), run, lines_of(tmp_path / "own.jsonl", *rows))
    assert found.values["format"] == 100
    assert found.values["predict_rouge-l"] == pytest.approx(100, abs=0.01)


def test_two_replies_of_llama_factory_to_one_question_both_count(run: Run, tmp_path: Path) -> None:
    row = {"prompt": "a", "label": "可以"}
    rows = [{**row, "predict": "可以"}, {**row, "predict": "不可以"}]
    found = evaluate_predictions(recipe(), run, lines_of(tmp_path / "lf.jsonl", *rows))
    assert (found.records, found.values["exact"]) == (2, 50)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no reply"),
        (b'{"id": "0", "text": "a"}\n{"id": 1}\n', "row 2"),
        (b"[1]\n", "row 1"),
        (b'{"id": "0", "text": 3}\n', "row 1"),
        (b"{\n", "row 1"),
        ('{"id": "0", "text": "好"}'.encode("gbk"), "UTF-8"),
        (b'{"id": "other", "text": "a"}\n', "no record of val"),
    ],
)
def test_a_file_of_replies_that_cannot_be_read_is_named_with_its_row(
    run: Run, tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "replies.jsonl"
    path.write_bytes(content)
    with pytest.raises(EvaluationError) as error:
        evaluate_predictions(recipe(), run, path)
    assert message in error.value.localize("en")
    assert str(path) in error.value.localize("zh")


def test_a_file_that_is_not_there_is_named(run: Run, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"nothing\.jsonl"):
        evaluate_predictions(recipe(), run, tmp_path / "nothing.jsonl")


def test_scoring_replies_of_others_needs_no_torch() -> None:
    program = (
        "import sys, finetune.evaluate.evaluation, finetune.evaluate.metrics.scoring\n"
        "print([name for name in ('torch', 'transformers', 'peft', 'matplotlib', 'nltk', 'jieba',"
        " 'sklearn', 'sacrebleu', 'ollama') if name in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert shown.stdout.strip() == "[]"
