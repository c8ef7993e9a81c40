"""The rows of an improvement: how many declined ones a model is trained on, and after a stop."""

import json
from pathlib import Path

import numpy as np
import pytest

from assistant.models.base import ModelSize
from assistant.settings import load_settings
from finetune.data.splitting import assign_splits, hash_text
from finetune.improve.plan import HELD_OUT, ImprovementPlan
from finetune.improve.rows import REQUEST, MakeRows, ensure_rows, thin_declined
from finetune.progress import SilentProgress
from finetune.recipe import parse_recipe
from finetune.runs import read_json_lines


def test_rows_that_were_not_thinned_are_when_the_command_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSISTANT_HOME", str(tmp_path))
    rows = [
        {"document": f"d{number % 40}", "answerable": number % 2 != 0, "question": "a\u2028b\x85c"}
        for number in range(400)
    ]
    text = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    plan = ImprovementPlan(collection="", base="none", folder=tmp_path / "improved")
    progress = SilentProgress()

    def make(path: Path, size: object) -> None:
        path.write_text(text, "utf-8")

    def stopped(path: Path, size: object) -> None:
        make(path, size)
        raise KeyboardInterrupt

    def ensure(make_rows: MakeRows) -> int:
        settings = load_settings()
        ensure_rows(plan, settings=settings, size="small", make_rows=make_rows, progress=progress)
        return plan.rows.read_text("utf-8").count("\n")

    with pytest.raises(KeyboardInterrupt):
        ensure(stopped)
    thinned = ensure(stopped)
    assert thinned < 300
    # An earlier version wrote them all, and said nothing of a share: what it wrote is kept.
    make(plan.rows, "small")
    request = json.loads((plan.folder / REQUEST).read_text())
    (plan.folder / REQUEST).write_text(json.dumps({**request, "declined": 1}))
    assert ensure(make) == thinned
    request.pop("declined")
    make(plan.rows, "small")
    (plan.folder / REQUEST).write_text(json.dumps(request))
    assert ensure(stopped) == thinned
    assert plan.rows.with_name("rows.before.jsonl").read_text("utf-8") == text
    assert "made anew" in str(progress.notes[-1])


@pytest.mark.parametrize("size", ["tiny", "small"])
def test_a_small_model_is_trained_on_few_declined_rows_and_asked_all(
    size: ModelSize, tmp_path: Path
) -> None:
    rows = [
        {"document": f"d{number % 40}", "answerable": number % 7 != 0, "question": str(number)}
        for number in range(400)
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    whole = path.read_bytes()
    thin_declined(path, "large")
    assert path.read_bytes() == whole
    thin_declined(path, size)
    kept = read_json_lines(path)
    recipe = parse_recipe(
        {
            "name": "x",
            "model": {"base": "x"},
            "data": {
                "files": ["rows.jsonl"],
                "split": HELD_OUT,
            },
        },
        source="x",
        folder=tmp_path,
    )
    groups = np.array(
        [hash_text(f"group\0{row['document']}", seed=recipe.seed) for row in rows], dtype=np.uint64
    )
    splits = assign_splits(groups, recipe.data.split, seed=recipe.seed)
    trained = {row["document"] for row, place in zip(rows, splits, strict=True) if place == 0}
    learnt = [row for row in kept if row["document"] in trained]
    declined = sum(not row["answerable"] for row in learnt)
    assert 1 <= declined <= 0.05 * len(learnt)
    # Of the others none is lost.
    others = [row for row in rows if row["answerable"] or row["document"] not in trained]
    assert [row for row in kept if row in others] == others
