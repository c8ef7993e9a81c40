"""Questions go through the real assistant and index, to models behind a real server."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from finetune.cli import main as finetune
from finetune.errors import EvaluationError, ExportError, RecipeError
from finetune.pipeline import PREPARE, Pipeline, Step, evaluate_step
from finetune.proof import ask_with_passages, decide_gate, passages_step, require_proof
from finetune.rag_evaluation.product import passages_file, read_passages_run
from finetune.rag_evaluation.questions import held_out_questions, synthesized_rows
from finetune.records import Record, Turn
from tests.finetune.rag_evaluation.drone_index import (
    AnsweringEngine,
    babble,
    fill_index,
    first_note,
    first_note_or_nothing,
    prepared_pipeline,
    served_as,
)

NAME = "parrot-135m"
"""What the assistant knows by that it is a small model."""


@pytest.fixture
def pipeline(tmp_path: Path, tiny_chatml: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    monkeypatch.setenv("ASSISTANT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    fill_index()
    pipeline = prepared_pipeline(tmp_path, tiny_chatml)
    pipeline.prepare()
    return pipeline


def test_a_model_is_asked_with_the_prompt_that_its_rows_were_made_in(pipeline: Pipeline) -> None:
    engine = AnsweringEngine(NAME, first_note)
    with served_as(engine) as model:
        done = ask_with_passages(pipeline, model)
    trained = {record.system for record in pipeline.run.records("val")}
    assert {system for system, _ in engine.prompts} == trained
    assert (
        len(engine.prompts)
        == len(done.results)
        == len(held_out_questions(pipeline.recipe, pipeline.run))
    )
    answered = [one for one in done.results if not one.unanswerable]
    assert all(one.kind == "model" and one.right for one in answered)
    assert all(one.verdicts.get("supported") for one in answered)
    # What stands beneath a small model's reply is not its own.
    assert {one.own_words.count(".") for one in answered} == {1}


@pytest.mark.parametrize("step", [PREPARE, evaluate_step("base"), passages_step("adapter")])
def test_the_command_that_a_step_names_exists(step: Step) -> None:
    name, *options = step.command.split()
    command = finetune.commands[name]
    assert {one for one in options if one.startswith("-")} <= {
        flag for parameter in command.params for flag in parameter.opts
    }


def test_rows_of_two_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    files, records = [], []
    for folder in ("a", "b"):
        files.append(tmp_path / folder / "rows.jsonl")
        files[-1].parent.mkdir()
        question = f"What is {folder}?"
        row = {"question": question, "answer": folder, "answerable": True, "messages": []}
        files[-1].write_text(json.dumps(row) + "\n")
        turn = Turn(user=f"Notes: …\n\n{question}", answer=folder)
        records.append(Record(id=folder, source="rows.jsonl:1", turns=(turn,)))
    found = synthesized_rows(files, records)
    assert {id_: row["answer"] for id_, row in found.items()} == {"a": "a", "b": "b"}


def test_the_gate_lets_the_better_model_through_and_not_the_worse_one(pipeline: Pipeline) -> None:
    with served_as(AnsweringEngine(NAME, babble)) as base:
        ask_with_passages(pipeline, base)
        with served_as(AnsweringEngine(NAME, first_note_or_nothing)) as tuned:
            ask_with_passages(pipeline, tuned)
            better = decide_gate(pipeline, base, tuned)
            worse = decide_gate(pipeline, tuned, base)
            same = decide_gate(pipeline, base, base)
    assert better.passed, better.reasons
    assert better.comparison.differences[0].gain.low > 0.5
    assert not worse.passed
    assert "not surely better: 100.0 % → 0.0 %" in str(worse.reasons[0])
    assert not same.passed
    # The last decision counts.
    assert pipeline.run.figures("gate")["passed"] is False
    assert better.to_lines("en")[0] != better.to_lines("zh")[0] != same.to_lines("zh")[0]


def test_a_model_that_answers_where_nothing_is_to_be_found_is_refused(pipeline: Pipeline) -> None:
    with served_as(AnsweringEngine(NAME, babble)) as base:
        ask_with_passages(pipeline, base)
        # Better on each question that the pages answer, and sure of itself on all others.
        with served_as(AnsweringEngine(NAME, first_note)) as tuned:
            ask_with_passages(pipeline, tuned)
            decision = decide_gate(pipeline, base, tuned)
    assert not decision.passed
    assert "unanswerable questions that are refused" in str(decision.reasons)


def test_what_was_asked_is_not_asked_again_until_the_index_changes(pipeline: Pipeline) -> None:
    engine = AnsweringEngine(NAME, first_note)
    with served_as(engine) as model:
        ask_with_passages(pipeline, model)
        asked = len(engine.prompts)
        # As a kill leaves it: half a line, and the last results lost.
        path = passages_file(pipeline.run, model)
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:-2]) + lines[-2][:20])
        ask_with_passages(pipeline, model)
        assert len(engine.prompts) == asked + 2
        ask_with_passages(replace(pipeline, force=True), model)
        assert len(engine.prompts) == 2 * asked + 2


def test_the_model_of_the_run_is_served_and_asked_in_this_process(pipeline: Pipeline) -> None:
    few = pipeline.recipe.evaluate.model_copy(update={"limit": 2, "max_new_tokens": 8})
    recipe = pipeline.recipe.model_copy(update={"evaluate": few})
    done = ask_with_passages(replace(pipeline, recipe=recipe), "base")
    assert len(done.results) == 2
    # Random weights say nothing that a page holds: what is right is quoted beneath it or instead.
    assert not any(one.kind == "model" and one.right for one in done.results)
    assert all(one.shown_right for one in done.results if not one.unanswerable)


def test_nothing_is_activated_without_proof(pipeline: Pipeline) -> None:
    with pytest.raises(ExportError, match="nothing shows that it answers better") as caught:
        require_proof(pipeline)
    assert "--with passages" in str(caught.value.hint)
    with served_as(AnsweringEngine(NAME, babble)) as base:
        ask_with_passages(pipeline, base)
        with served_as(AnsweringEngine(NAME, first_note_or_nothing)) as other:
            ask_with_passages(pipeline, other)
            assert decide_gate(pipeline, base, other).passed
    # Of a model of others nothing follows for ours.
    with pytest.raises(ExportError, match="were compared"):
        require_proof(pipeline)


def test_what_cannot_be_asked_says_so(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RecipeError, match="train has not been done"):
        ask_with_passages(pipeline, "adapter")
    with pytest.raises(EvaluationError, match="there is no model nonsense"):
        ask_with_passages(pipeline, "nonsense")
    with pytest.raises(EvaluationError, match="has not been evaluated with passages"):
        read_passages_run(pipeline.run, "base")
    monkeypatch.setenv("ASSISTANT_HOME", str(pipeline.run.folder / "empty"))
    with pytest.raises(EvaluationError, match="the index is empty"):
        ask_with_passages(pipeline, "openai:http://127.0.0.1:9/v1#x")
