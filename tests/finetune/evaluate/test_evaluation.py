"""Evaluation: records selected, replies kept over interruptions, figures and errors."""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from finetune.data.prepare import prepare
from finetune.errors import EvaluationError
from finetune.evaluate.evaluation import evaluate, evaluate_generator, model_slug, select_records
from finetune.evaluate.generate.memory import ScriptedGenerator
from finetune.evaluate.metrics.likelihood import TargetLoss
from finetune.evaluate.metrics.scored import scored_from_json
from finetune.model.chat_format import chat_format, render_target
from finetune.progress import Progress, SilentProgress
from finetune.recipe import load_recipe
from finetune.records import Entity, Prediction, Record, Turn
from finetune.runs import Run
from tests.engines.ollama_server import OllamaServer
from tests.finetune.evaluated_run import FMT, QUESTIONS, RIGHT, SCRIPT, recipe, run_of


def reply_of(answer: str) -> str:
    return f"<think>\n想\n</think>\n\n{answer}"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return run_of(
        tmp_path / "run",
        [
            Record(id=str(place), turns=(Turn(user=question, think=think, answer=answer),))
            for place, (question, (think, answer)) in enumerate(RIGHT.items())
        ],
    )


class FailingGenerator(ScriptedGenerator):
    """Answers one question, then fails."""

    def generate(self, records: Sequence[Record], *, progress: Progress) -> Iterator[Prediction]:
        yield from super().generate(records[:1], progress=progress)
        raise ConnectionError("the server died")


def test_right_replies_have_the_best_figures_there_are(run: Run) -> None:
    found = evaluate_generator(
        ScriptedGenerator(SCRIPT, fmt=FMT), recipe(), run, "m", progress=SilentProgress()
    )
    figures = found.figures()
    assert figures["records"] == 3
    for name in ("exact", "token_f1", "format", "stop", "language"):
        assert figures[name] == 100, name
    for name in ("predict_rouge-1", "predict_rouge-l", "answer_rouge-l", "predict_bleu-4"):
        assert figures[name] == pytest.approx(100, abs=1e-3), name
    assert figures["repetition"] == 0
    assert figures["faults"] == {}


def test_kept_replies_are_not_generated_again(run: Run) -> None:
    with pytest.raises(ConnectionError):
        evaluate_generator(
            FailingGenerator(SCRIPT, fmt=FMT), recipe(), run, "m", progress=SilentProgress()
        )
    second = ScriptedGenerator(SCRIPT, fmt=FMT)
    found = evaluate_generator(second, recipe(), run, "m", progress=SilentProgress())
    assert second.record_ids == ["1", "2"]
    assert found.records == 3


def test_a_reply_on_a_truncated_line_is_generated_again(run: Run) -> None:
    evaluate_generator(
        ScriptedGenerator(SCRIPT, fmt=FMT), recipe(), run, "m", progress=SilentProgress()
    )
    path = run.evaluation / "m.replies.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    again = ScriptedGenerator(SCRIPT, fmt=FMT)
    found = evaluate_generator(again, recipe(), run, "m", progress=SilentProgress())
    assert again.record_ids == ["2"]
    assert found.records == 3


@pytest.mark.parametrize(
    ("identity", "settings", "force"),
    [
        ("trained anew", {}, False),
        ("scripted", {"max_new_tokens": 9}, False),
        ("scripted", {}, True),
    ],
)
def test_other_weights_other_settings_or_force_generate_all_replies_again(
    run: Run, identity: str, settings: dict[str, int], force: bool
) -> None:
    evaluate_generator(
        ScriptedGenerator(SCRIPT, fmt=FMT), recipe(), run, "m", progress=SilentProgress()
    )
    again = ScriptedGenerator(SCRIPT, fmt=FMT, identity=identity)
    evaluate_generator(
        again, recipe(evaluate=settings), run, "m", progress=SilentProgress(), force=force
    )
    assert len(again.record_ids) == 3


def test_each_kind_of_error_is_reported(run: Run) -> None:
    script = {
        QUESTIONS[0]: "<think>\n上限\n</think>\n\n不可以，超过上限。",
        QUESTIONS[1]: "<think>\n" + "想一想。" * 20,
        QUESTIONS[2]: "Yes, you can do it if the light is on.",
    }
    twin = ScriptedGenerator(script, fmt=FMT, endless=frozenset({QUESTIONS[1]}))
    found = evaluate_generator(twin, recipe(), run, "m", progress=SilentProgress())
    lines = (run.evaluation / "m.jsonl").read_text("utf-8").splitlines()
    errors = [
        {(error.kind, error.detail) for error in scored_from_json(json.loads(line)).errors}
        for line in lines
    ]
    assert errors[0] == {("number", "120")}
    assert errors[1] == {("empty", ""), ("endless", ""), ("repeats", "")}
    assert errors[2] == {("format", ""), ("language", ""), ("low_overlap", "")}
    kinds = ("number", "empty", "endless", "repeats", "format", "language", "low_overlap")
    assert found.figures()["faults"] == dict.fromkeys(kinds, 1)


def test_an_empty_answer_is_not_in_the_right_language(run: Run) -> None:
    script = {QUESTIONS[0]: SCRIPT[QUESTIONS[0]], QUESTIONS[1]: reply_of("No.")}
    found = evaluate_generator(
        ScriptedGenerator(script, fmt=FMT), recipe(), run, "m", progress=SilentProgress()
    )
    assert found.values["language"] == 50
    nothing = ScriptedGenerator({}, fmt=FMT, identity="mute")
    mute = evaluate_generator(nothing, recipe(), run, "mute", progress=SilentProgress())
    assert "language" not in mute.values


def test_a_fair_draw_is_made_where_there_are_too_many(tmp_path: Path) -> None:
    records = [
        Record(id=f"{number:03}", turns=(Turn(user=str(number), answer="a"),))
        for number in range(100)
    ]
    run = run_of(tmp_path / "run", records)
    drawn = select_records(recipe(evaluate={"limit": 20}), run)
    assert len(drawn) == 20
    assert [one.id for one in drawn] == sorted(one.id for one in drawn)
    assert max(int(one.id) for one in drawn) > 60
    more = select_records(recipe(evaluate={"limit": 40}), run)
    assert {one.id for one in drawn} < {one.id for one in more}


def test_windows_of_one_document_stay_together(tmp_path: Path) -> None:
    records = [
        Record(id=f"{number:02}", turns=(Turn(user="a", answer="a"),), document=f"d{number // 5}")
        for number in range(20)
    ]
    drawn = select_records(recipe(evaluate={"limit": 6}), run_of(tmp_path / "run", records))
    assert len(drawn) == 10
    assert len({one.document for one in drawn}) == 2


def test_an_empty_split_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError) as caught:
        select_records(recipe(), run_of(tmp_path / "run", []))
    assert "data.split.val" in caught.value.localize("en")


def test_classification_has_accuracy_and_a_confusion_matrix(tmp_path: Path) -> None:
    records = [
        Record(id=str(place), turns=(Turn(user=f"q{place}", answer=label),), label=label)
        for place, label in enumerate(["骨科", "骨科", "眼科", "眼科"])
    ]
    run = run_of(tmp_path / "run", records)
    direct = chat_format("r1-direct")
    script = {"q0": "骨科", "q1": "应去眼科。", "q2": "眼科", "q3": "不清楚"}
    found = evaluate_generator(
        ScriptedGenerator(script, fmt=direct),
        recipe(model={"format": "r1-direct"}, evaluate={"task": "classify"}),
        run,
        "m",
        progress=SilentProgress(),
    )
    figures = found.figures()
    assert figures["accuracy"] == 50
    assert figures["columns"] == ("眼科", "骨科", "")
    assert figures["confusion"] == ((1, 0, 1), (1, 1, 0))
    assert figures["macro_f1"] == pytest.approx(100 * (1 / 2 + 2 / 3) / 2, abs=1e-3)
    assert figures["faults"] == {"label": 2}


def classified(run: Run, script: dict[str, str]) -> dict[str, object]:
    twin = ScriptedGenerator(script, fmt=chat_format("r1-direct"))
    settings = recipe(model={"format": "r1-direct"}, evaluate={"task": "classify"})
    return evaluate_generator(twin, settings, run, "m", progress=SilentProgress()).figures()


def test_rows_without_a_label_are_classified_by_their_answer(tmp_path: Path) -> None:
    records = [
        Record(id=str(place), turns=(Turn(user=f"q{place}", answer=label),))
        for place, label in enumerate(["骨科", "眼科"])
    ]
    figures = classified(run_of(tmp_path / "run", records), {"q0": "骨科", "q1": "不清楚"})
    assert figures["accuracy"] == 50
    assert figures["labels"] == ("眼科", "骨科")
    assert figures["confusion"] == ((0, 0, 1), (0, 1, 0))


def test_a_label_that_only_training_has_is_no_other_one(tmp_path: Path) -> None:
    record = Record(id="0", turns=(Turn(user="q", answer="satisfied"),), label="satisfied")
    run = run_of(tmp_path / "run", [record])
    quality = {"labels": {"satisfied": {"val": 1}, "not satisfied": {"train": 3, "val": 0}}}
    (run.data / "quality.json").write_text(json.dumps(quality), "utf-8")
    assert classified(run, {"q": "I am not satisfied."})["accuracy"] == 0


def test_entities_are_scored_by_document_and_their_errors_reported(tmp_path: Path) -> None:
    text = "甲方：云山公司。乙方：知行。"
    record = Record(
        id="0",
        turns=(Turn(user=f"找出实体。\n\n{text}", answer="[]"),),
        entities=(
            Entity(label="甲方", text="云山公司", start=3, end=7),
            Entity(label="乙方", text="知行", start=11, end=13),
        ),
    )
    run = run_of(tmp_path / "run", [record])
    given = [("甲方", "云山公司"), ("甲方", "知行"), ("日期", "明天")]
    reply = json.dumps([{"label": a, "text": b} for a, b in given], ensure_ascii=False)
    found = evaluate_generator(
        ScriptedGenerator({record.last.user: reply}, fmt=chat_format("chatml")),
        recipe(model={"format": "chatml"}, evaluate={"task": "entities"}),
        run,
        "m",
        progress=SilentProgress(),
    )
    assert found.values["entity_f1"] == pytest.approx(100 * 2 / 5, abs=1e-3)
    (line,) = (run.evaluation / "m.jsonl").read_text("utf-8").splitlines()
    errors = {error.kind: error.detail for error in scored_from_json(json.loads(line)).errors}
    assert errors == {"missed": "乙方 知行", "spurious": "甲方 知行", "invented": "日期 明天"}


def test_a_model_of_this_process_is_evaluated_with_perplexity(run: Run, tiny: Path) -> None:
    settings = {"max_new_tokens": 4}
    found = evaluate(
        recipe(model={"base": str(tiny)}, evaluate=settings), run, "base", progress=SilentProgress()
    )
    assert found.values["perplexity"] > 1
    assert found.values["bits_per_byte"] > 0
    assert found.values["predict_samples_per_second"] > 0
    assert json.loads((run.evaluation / "base.json").read_text("utf-8"))["model"] == "base"


class NaNGenerator(ScriptedGenerator):
    """Scores targets, each with a loss of NaN."""

    def target_losses(
        self, records: Sequence[Record], *, progress: Progress
    ) -> Iterator[TargetLoss]:
        for record in records:
            yield TargetLoss(id=record.id, nats=math.nan, tokens=3, bytes=9)


def test_a_loss_of_nan_is_left_out_and_the_reason_noted(run: Run) -> None:
    progress = SilentProgress()
    found = evaluate_generator(NaNGenerator(SCRIPT, fmt=FMT), recipe(), run, "m", progress=progress)
    assert "perplexity" not in found.values
    assert "diagnose" in progress.notes[0].localize("en")
    json.loads(found.path.read_text("utf-8"), parse_constant=pytest.fail)


def test_a_model_on_ollama_is_evaluated(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with OllamaServer(answer="不可以，超过120米。") as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        name = "ollama:deepseek-r1:1.5b"
        found = evaluate(recipe(), run, name, progress=SilentProgress())
    assert found.path.name == "ollama-deepseek-r1-1.5b.json"
    assert found.values["exact"] == pytest.approx(100 / 3, abs=0.01)


def test_without_an_encoder_similarity_is_left_out_and_the_reason_noted(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSISTANT_EMBED__PROVIDER", "none")
    progress = SilentProgress()
    found = evaluate_generator(
        ScriptedGenerator(SCRIPT, fmt=FMT),
        recipe(evaluate={"similarity": "auto"}),
        run,
        "m",
        progress=progress,
    )
    assert "similarity" not in found.values
    assert "assistant setup" in found.figures()["left_out"]["similarity"]["en"]
    assert any("assistant setup" in note.localize("zh") for note in progress.notes)


@pytest.mark.parametrize("name", ["", "nothing", "ollama:", "openai:", "gguf:x"])
def test_an_unknown_model_raises(run: Run, name: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        evaluate(recipe(), run, name, progress=SilentProgress())
    assert "ollama:NAME" in caught.value.localize("en")


def test_file_names_are_safe() -> None:
    assert model_slug("ollama:a/b:1.5b") == "ollama-a-b-1.5b"
    assert model_slug("openai:http://x:8000/v1#m") == "openai-http-x-8000-v1-m"
    assert "/" not in model_slug("../../etc")
    assert model_slug("模型") == "model"


@pytest.mark.parametrize(
    ("name", "best"),
    [
        ("classify", {"accuracy": 100, "macro_f1": 100}),
        ("contract", {"entity_f1": 100}),
        ("nvc", {"risk_f1": 100, "json_valid": 100, "silence": 100}),
        ("drone-safety", {"exact": 100, "format": 100}),
    ],
)
def test_the_references_of_shipped_recipes_score_best(
    name: str, best: dict[str, float], tmp_path: Path
) -> None:
    shares = "{train=0.4, val=0.3, test=0.3}"
    shipped = load_recipe(
        Path(__file__).parents[3] / "finetune" / "recipes" / f"{name}.toml",
        ["evaluate.similarity=off", "evaluate.limit=0", f"data.split={shares}"],
    )
    run = Run(tmp_path / "run")
    prepare(shipped, run, progress=SilentProgress())
    fmt = chat_format(shipped.model.format)
    script = {
        record.last.user: render_target(fmt, record.last).removesuffix(fmt.eos)
        for record in select_records(shipped, run)
    }
    found = evaluate_generator(
        ScriptedGenerator(script, fmt=fmt), shipped, run, "m", progress=SilentProgress()
    )
    assert {figure: found.values[figure] for figure in best} == best
    assert found.tables["faults"] == {}
