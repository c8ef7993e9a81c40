"""Steps: which are skipped because nothing changed, and which are not although it seems so."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from finetune.pipeline import Pipeline
from finetune.progress import SilentProgress
from finetune.recipe import load_recipe
from finetune.runs import Run
from tests.engines.ollama_server import OllamaServer

SERVED = "ollama:deepseek-r1:1.5b"


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    rows = [{"instruction": f"第{number}问？", "output": f"第{number}答。"} for number in range(9)]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines), "utf-8")
    (tmp_path / "synonyms.txt").write_text("电池 电芯\n", "utf-8")
    (tmp_path / "r.toml").write_text(
        'name = "r"\nmodel = { base = "nowhere" }\nevaluate = { similarity = "off" }\n'
        '[data]\nfiles = ["rows.jsonl"]\nsplit = { train = 0.7, val = 0.3 }\n'
        'augment = { copies = 1, methods = ["synonyms"], synonyms = "synonyms.txt" }\n',
        "utf-8",
    )
    recipe = load_recipe(tmp_path / "r.toml")
    return Pipeline(
        recipe=recipe, run=Run(tmp_path / "run"), progress=SilentProgress(), language="zh"
    )


def test_data_are_prepared_again_when_the_synonyms_change(pipeline: Pipeline) -> None:
    assert pipeline.prepare()
    assert not pipeline.prepare()
    (pipeline.recipe.folder / "synonyms.txt").write_text("电池 电源\n", "utf-8")
    assert pipeline.prepare()


def test_what_was_made_of_other_weights_is_made_again(pipeline: Pipeline) -> None:
    """A GPU does not add up in the same order twice: the same recipe gives other weights."""

    def weights() -> tuple[str, str, str]:
        with pipeline.run.step("train", pipeline.training_digest()):
            pass
        return (
            pipeline.merge_digest(),
            pipeline.evaluation_digest("adapter"),
            pipeline.evaluation_digest("base"),
        )

    first, second = weights(), weights()
    assert first[0] != second[0]
    assert first[1] != second[1]
    assert first[2] == second[2]


def test_the_length_to_which_references_are_cut_counts_for_the_perplexity_of_base(
    pipeline: Pipeline,
) -> None:
    train = pipeline.recipe.train.model_copy(update={"max_tokens": 64})
    shorter = replace(pipeline, recipe=pipeline.recipe.model_copy(update={"train": train}))
    assert pipeline.evaluation_digest("base") != shorter.evaluation_digest("base")


def test_a_served_model_is_looked_at_each_time_and_asked_what_is_new(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.prepare()
    with OllamaServer(answer="可以。") as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        assert pipeline.evaluate(SERVED)
        asked = len(server.asked("/api/chat"))
        assert pipeline.evaluate(SERVED)
        assert len(server.asked("/api/chat")) == asked > 0
        assert replace(pipeline, force=True).evaluate(SERVED)
        assert len(server.asked("/api/chat")) == 2 * asked
