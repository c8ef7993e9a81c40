"""Texts of other kinds: what they hold, and that the gate refuses a model that has lost them."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.evaluation.results import EvaluationRun, QuestionResult, RunHeader
from assistant.settings import load_settings
from finetune.other_texts.texts import FOLDER, PASSAGES, load_other_questions
from finetune.pipeline import Pipeline
from finetune.proof import ask_with_passages, decide_gate
from finetune.rag_evaluation.gate import decide_replacement
from finetune.rag_evaluation.other_texts import PREFIX, other_text_questions
from finetune.synthesize.other_rows import other_rows
from tests.finetune.rag_evaluation.drone_index import (
    NOT_THERE,
    AnsweringEngine,
    babble,
    fill_index,
    first_note,
    first_note_or_nothing,
    prepared_pipeline,
    served_as,
    synthesized_row,
)


def texts_of(name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()]


def test_what_the_gate_asks_is_about_no_text_that_was_trained_on() -> None:
    trained, asked = (
        {str(text["title"]) for text in texts_of(name)} for name in ("training", "gate")
    )
    assert not trained & asked
    questions = [load_other_questions(name) for name in ("training", "gate")]  # type: ignore[arg-type]
    assert not {one.text for one in questions[0]} & {one.text for one in questions[1]}


@pytest.mark.parametrize("name", ["training", "gate"])
def test_both_languages_and_many_kinds_are_there(name: str) -> None:
    questions = load_other_questions(name)  # type: ignore[arg-type]
    count = Counter((one.language, one.is_answerable) for one in questions)
    assert count["en", True] == count["zh", True]
    assert min(count["en", True], count["en", False], count["zh", False]) >= 7
    assert len({one.genre for one in questions if one.language == "en"}) >= 8
    assert len({one.genre for one in questions if one.language == "zh"}) >= 8
    assert all(len(one.passages) == PASSAGES for one in questions)


def test_an_expected_answer_stands_in_the_text_of_its_question() -> None:
    for one in load_other_questions("gate"):
        own = next(each for each in one.passages if each.url == one.url)
        assert one.answer.casefold() in own.text.casefold(), one.text


@pytest.mark.parametrize("size", ["small", "large"])
def test_rows_of_other_texts_are_in_the_prompt_of_the_assistant(
    size: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSISTANT_HOME", str(tmp_path))
    rows = list(other_rows(load_settings(), size))  # type: ignore[arg-type]
    assert len(rows) >= 95
    # A model that sees others learns that declining is safe.
    assert all(row.is_answerable for row in rows)
    # Large models cite; small ones are asked for plain prose.
    assert all(("[" in row.reply) == (size == "large") for row in rows)
    assert {row.language for row in rows} == {"en", "zh"}


def test_rows_of_other_collections_hold_any_character_of_a_text(
    tmp_path: Path, tiny_chatml: Path
) -> None:
    pipeline: Pipeline = prepared_pipeline(tmp_path, tiny_chatml)
    changes = {"other_texts": True, "other_rows": ("others.jsonl",)}
    wanted = pipeline.recipe.evaluate.model_copy(update=changes)
    row = synthesized_row(0) | {"question": "Which\u2028drone\x85is it?", "passages": []}
    (tmp_path / "others.jsonl").write_text(f"{json.dumps(row, ensure_ascii=False)}\n", "utf-8")
    asked = other_text_questions(pipeline.recipe.model_copy(update={"evaluate": wanted}))
    assert asked[-1].expected.text == row["question"]


def results_on(group: str, *, right: int, declined: int, of: int = 40) -> list[QuestionResult]:
    """Return the results of a model on answerable questions: right, declined, and else wrong."""
    return [
        QuestionResult(
            key=f"{group}{number}",
            id=group if group == "own" else f"{PREFIX}{group}:{number}",
            question="?",
            expected=("it",),
            kind="model",
            right=number < right,
            refused=right <= number < right + declined,
        )
        for number in range(of)
    ]


def run_of(*parts: list[QuestionResult]) -> EvaluationRun:
    return EvaluationRun(
        header=RunHeader(model="m", top_k=5), results=tuple(one for part in parts for one in part)
    )


@pytest.mark.parametrize(
    ("right", "declined", "reason"),
    [
        (20, 0, ""),
        (18, 0, ""),  # two of forty: within chance
        (10, 0, "fewer questions rightly, 50.0 % → 25.0 %"),
        (20, 20, "declines 50.0 %"),
        (0, 40, "declines 100.0 %"),
    ],
)
@pytest.mark.parametrize("group", ["en", "zh", "collections"])
def test_what_is_lost_on_other_texts_keeps_a_model_out(
    group: str, right: int, declined: int, reason: str
) -> None:
    base = run_of(results_on("own", right=5, declined=0), results_on(group, right=20, declined=0))
    tuned = run_of(
        results_on("own", right=35, declined=0), results_on(group, right=right, declined=declined)
    )
    decision = decide_replacement(base, tuned)
    assert decision.passed == (not reason)
    assert reason in "\n".join(map(str, decision.reasons))
    # The collection's own figures are of its own questions.
    assert len(decision.comparison.pairs) == 40


def test_one_language_does_not_hide_what_the_other_loses() -> None:
    base = run_of(
        results_on("own", right=5, declined=0),
        results_on("en", right=20, declined=0),
        results_on("zh", right=20, declined=0),
    )
    tuned = run_of(
        results_on("own", right=35, declined=0),
        results_on("en", right=12, declined=0),
        results_on("zh", right=28, declined=0),
    )
    (reason,) = decide_replacement(base, tuned).reasons
    assert "in English" in str(reason)


def test_a_model_that_declines_all_but_its_own_collection_is_refused_through_the_assistant(
    tmp_path: Path, tiny_chatml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSISTANT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    fill_index()
    pipeline: Pipeline = prepared_pipeline(tmp_path, tiny_chatml)
    wanted = pipeline.recipe.evaluate.model_copy(update={"other_texts": True})
    pipeline = replace(pipeline, recipe=pipeline.recipe.model_copy(update={"evaluate": wanted}))
    pipeline.prepare()

    def narrow(prompt: str) -> str:
        return first_note_or_nothing(prompt) if "drone" in prompt else NOT_THERE

    def half_right(prompt: str) -> str:
        return babble(prompt) if "drone" in prompt else first_note(prompt)

    with (
        served_as(AnsweringEngine("half-135m", half_right)) as base,
        served_as(AnsweringEngine("narrow-135m", narrow)) as tuned,
    ):
        ask_with_passages(pipeline, base)
        ask_with_passages(pipeline, tuned)
        decision = decide_gate(pipeline, base, tuned)
    assert decision.comparison.differences[0].verdict == "better"
    assert not decision.passed
    assert all("on other texts" in str(one) for one in decision.reasons)
