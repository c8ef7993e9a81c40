"""The page on a run and the model card: results shown, missing and outdated ones named."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from finetune.compare.comparison import compare
from finetune.data.prepare import prepare
from finetune.errors import RecipeError
from finetune.evaluate.evaluation import evaluate_generator
from finetune.evaluate.generate.memory import ScriptedGenerator
from finetune.model.chat_format import chat_format
from finetune.progress import SilentProgress
from finetune.recipe import Recipe, parse_recipe
from finetune.report.html_page import write_report
from finetune.report.model_card import write_card
from finetune.runs import Run
from finetune.train.log import LogEntry, TrainSummary, write_summary
from finetune.train.plots import draw_curves

SUMMARY = TrainSummary(
    steps=10,
    epochs=2.0,
    first_loss=4.0,
    train_loss=0.5,
    eval_loss=0.7,
    best_eval_loss=0.6,
    best_step=8,
    tokens=1_000,
    seconds=2.0,
    tokens_per_second=500.0,
    peak_memory=600_000_000,
    device="<cpu>",
    precision="fp32",
    parameters=100,
    trainable_parameters=10,
    samples=20,
    val_samples=5,
    dropped=1,
    shortened=0,
)


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    rows = [
        {"instruction": f"<b>{number}</b> 号机能飞吗？", "output": f"能，飞 {number} 米。"}
        for number in range(40)
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    tables = {
        "name": "small",
        "model": {"base": "<tiny>", "format": "r1-direct"},
        "data": {"files": ["rows.jsonl"], "clean": []},
        "evaluate": {"similarity": "off"},
    }
    return parse_recipe(tables, source="small.toml", folder=tmp_path)


@pytest.fixture
def run(recipe: Recipe) -> Run:
    run = Run(recipe.folder / "runs" / "small")
    prepare(recipe, run, progress=SilentProgress())
    return run


def train(run: Run) -> None:
    write_summary(run.train, SUMMARY)
    entries = [
        LogEntry(**{**_EMPTY, "step": step, "epoch": step / 5, "loss": 4 / step})
        for step in (1, 5, 10)
    ]
    draw_curves(entries, run.train)


_EMPTY = {
    field: None if field in {"loss", "eval_loss", "lr", "grad_norm"} else 0
    for field in LogEntry.__dataclass_fields__
}


def evaluate(recipe: Recipe, run: Run, model: str, *, right: bool) -> None:
    script = {
        record.last.user: record.last.answer if right else "不知道" for record in run.records("val")
    }
    twin = ScriptedGenerator(script, fmt=chat_format("r1-direct"))
    evaluate_generator(twin, recipe, run, model, progress=SilentProgress())


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]


def test_a_run_without_data_has_nothing_to_report(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        write_report(recipe, Run(tmp_path / "none"), language="en")
    assert "finetune prepare" in caught.value.hint.localize("en")


def test_steps_not_yet_run_are_named(recipe: Recipe, run: Run) -> None:
    page = write_report(recipe, run, language="en").read_text(encoding="utf-8")
    for words in ("not trained yet", "not evaluated yet", "not exported yet"):
        assert words in page


def test_the_page_shows_all_of_a_run_and_loads_nothing(recipe: Recipe, run: Run) -> None:
    train(run)
    evaluate(recipe, run, "base", right=False)
    evaluate(recipe, run, "adapter", right=True)
    compare(run, "base", "adapter", language="en")
    page = write_report(recipe, run, language="zh").read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(page)
    assert "svg" in tags.names
    assert "script" not in tags.names
    assert not [one for one in tags.addresses if one.startswith(("http", "//"))]
    assert "&lt;tiny&gt;" in page
    assert "完全匹配" in page
    assert "[+100.0 %, +100.0 %]" in page
    assert "compare-base-adapter.html" in page


def test_examples_the_gate_and_what_was_exported_stand_on_the_page(
    recipe: Recipe, run: Run
) -> None:
    train(run)
    evaluate(recipe, run, "adapter", right=True)
    file = run.exports / "gguf" / "small-q8_0.gguf"
    file.parent.mkdir(parents=True)
    file.write_bytes(bytes(2_500_000))
    with run.step("export-gguf", "any") as figures:
        figures.update({"file": str(file), "command": "ollama create small -f Modelfile"})
    with run.step("gate", "any") as figures:
        reason = {"en": "it is not surely better: 10 % → 12 %", "zh": "并非确有提高"}
        figures.update({"passed": False, "reasons": [reason]})
    page = write_report(recipe, run, language="en").read_text(encoding="utf-8")
    asked = next(run.records("val")).last
    assert asked.answer in page
    assert "&lt;b&gt;" in page
    assert "it is not surely better: 10 % → 12 %" in page
    assert f"<code>{file}</code>" in page
    assert "2.5 MB" in page
    assert "ollama create small" in page


def test_figures_older_than_the_weights_are_left_out_and_named(recipe: Recipe, run: Run) -> None:
    train(run)
    evaluate(recipe, run, "base", right=False)
    evaluate(recipe, run, "adapter", right=True)
    compare(run, "base", "adapter", language="en")
    page = write_report(
        recipe, run, language="en", is_current=lambda model: model == "base"
    ).read_text(encoding="utf-8")
    assert "have changed since: adapter" in page
    assert "+100.0 %" not in page
    card = write_card(recipe, run, language="en", is_current=lambda model: model == "base")
    assert "adapter" not in card.read_text(encoding="utf-8")


def test_the_card_shows_data_training_figures_and_limits(recipe: Recipe, run: Run) -> None:
    train(run)
    evaluate(recipe, run, "base", right=False)
    evaluate(recipe, run, "adapter", right=True)
    card = write_card(recipe, run, language="en").read_text(encoding="utf-8")
    assert card.startswith("---\nbase_model: <tiny>\n")
    assert "40 rows read, 40 kept" in card
    assert "| exact match | 0.0 % | 100.0 % |" in card
    assert "## Limits" in card
    assert "ollama run small" in card


def test_a_card_needs_a_trained_model(recipe: Recipe, run: Run) -> None:
    with pytest.raises(RecipeError) as caught:
        write_card(recipe, run, language="zh")
    assert "finetune train" in caught.value.hint.localize("zh")
