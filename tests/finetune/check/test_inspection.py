"""`check` counts what training will see, and says what is wrong before it costs an hour."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from finetune.check.inspection import Inspection, inspect
from finetune.errors import BaseModelError, RecipeError
from finetune.progress import SilentProgress
from finetune.recipe import Recipe, parse_recipe
from finetune.records import Record, Split, Turn, to_json
from finetune.runs import Run
from tests.finetune.conftest import BaseFor

Rows = Sequence[Record]
Check = Callable[..., Inspection]


def rows(count: int, *, start: int = 0, think: str = "Let me see.", words: int = 3) -> list[Record]:
    return [
        Record(
            id=f"{number:016x}",
            turns=(Turn(user=f"How high is {number}?", think=think, answer="It is low. " * words),),
        )
        for number in range(start, start + count)
    ]


def write(run: Run, split: Split, records: Rows) -> None:
    run.data.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(to_json(one), ensure_ascii=False) + "\n" for one in records)
    (run.data / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")


def recipe_for(base: Path, *, fmt: str = "r1-think", **tables: Any) -> Recipe:
    model = {"base": str(base), "format": fmt}
    data = {"files": ["rows.jsonl"]}
    return parse_recipe(
        {"name": "test", "model": model, "data": data, **tables}, source="test", folder=base
    )


@pytest.fixture
def check(tiny: Path, tmp_path: Path) -> Check:
    """Prepare a run of these records by hand, and check it."""

    def checked(
        taught: Rows, held: Rows = (), /, *, base: Path = tiny, **tables: Any
    ) -> Inspection:
        run = Run(tmp_path / "run")
        write(run, "train", taught)
        write(run, "val", held)
        return inspect(recipe_for(base, **tables), run)

    return checked


def warned(inspection: Inspection) -> str:
    """Return all warnings in English; each must be one line in both languages."""
    assert all(
        "\n" not in one.localize("en") + one.localize("zh") and one.localize("zh")
        for one in inspection.warnings
    )
    return "\n".join(one.localize("en") for one in inspection.warnings)


def test_a_good_set_is_shown_without_a_warning(check: Check) -> None:
    inspection = check(rows(60), rows(10, start=60))
    train, val = inspection.splits
    assert (train.split, train.records, train.samples, train.thoughts) == ("train", 60, 60, 60)
    assert (val.split, val.records, val.samples, val.leaks) == ("val", 10, 10, 0)
    assert (train.dropped, train.shortened) == (0, 0)
    assert inspection.warnings == ()


def test_the_example_is_the_sample_to_the_letter(check: Check) -> None:
    train, val = check(rows(60), rows(10, start=60)).splits
    assert train.example is not None
    assert val.example is not None
    assert train.example.prompt == "<｜begin▁of▁sentence｜><｜User｜>How high is 0?<｜Assistant｜>"
    assert train.example.target == (
        "<think>\nLet me see.\n</think>\n\nIt is low. It is low. It is low. <｜end▁of▁sentence｜>"
    )
    assert val.example.prompt.endswith("How high is 60?<｜Assistant｜>")
    assert train.tokens is not None
    assert train.example.prompt_tokens + train.example.target_tokens == train.tokens.shortest


def test_lengths_are_those_of_the_samples(check: Check) -> None:
    short, long = rows(40), rows(20, start=40, words=40)
    [train, _] = check([*short, *long]).splits
    assert train.tokens is not None
    assert train.replies is not None
    assert train.tokens.shortest < train.tokens.median < train.tokens.p95 <= train.tokens.longest
    assert train.replies.longest < train.tokens.longest == train.longest_kept
    assert sum(one.count for one in train.tokens.bins) == 60
    first, *_, last = train.tokens.bins
    assert first.least == train.tokens.shortest
    assert first.count > 0
    assert last.count > 0
    assert last.least <= train.tokens.longest < last.below


@pytest.mark.parametrize(
    ("settings", "per_epoch", "in_all"),
    [
        ({"batch": 2, "accumulate": 16, "epochs": 5}, 2, 10),
        ({"batch": 64, "accumulate": 1, "epochs": 1}, 1, 1),
        ({"batch": 1, "accumulate": 1, "epochs": 0.5}, 60, 30),
        ({"batch": 1, "accumulate": 1, "max_steps": 7}, 60, 7),
    ],
)
def test_steps_are_counted(
    check: Check, settings: dict[str, Any], per_epoch: int, in_all: int
) -> None:
    inspection = check(rows(60), train=settings)
    assert (inspection.steps_per_epoch, inspection.steps) == (per_epoch, in_all)


def test_each_turn_is_a_sample_if_all_are_learnt(check: Check) -> None:
    turns = tuple(turn for record in rows(3) for turn in record.turns)
    record = Record(id="r", turns=turns)
    assert check([record] * 50, train={"turns": "all"}).splits[0].samples == 150
    assert check([record] * 50, train={"turns": "last"}).splits[0].samples == 50


@pytest.mark.parametrize("over_length", ["drop", "shorten"])
def test_what_is_too_long_is_counted_and_told(check: Check, over_length: str) -> None:
    turns = tuple(turn for record in rows(4, words=10) for turn in record.turns)
    long = Record(id="long", turns=turns)
    hopeless = rows(1, start=90, words=200)
    inspection = check(
        [*rows(60), long, *hopeless], train={"max_tokens": 96, "over_length": over_length}
    )
    train = inspection.splits[0]
    shortened = over_length == "shorten"
    assert (train.dropped, train.shortened) == ((1, 1) if shortened else (2, 0))
    assert train.samples + train.dropped == train.records == 62
    assert train.longest_kept <= 96
    assert f"train: {train.dropped} of 62 samples are dropped" in warned(inspection)


def test_a_set_that_is_empty_after_truncation_is_told(check: Check) -> None:
    inspection = check(rows(60, words=40), train={"max_tokens": 16})
    assert inspection.splits[0].samples == inspection.steps == 0
    assert inspection.splits[0].example is None
    assert "nothing is left to train on: 60 of 60 samples are dropped" in warned(inspection)
    assert "the longest has" in warned(inspection)


def test_an_empty_split_is_shown_as_such(check: Check) -> None:
    inspection = check(rows(60))
    assert inspection.splits[1].tokens is None
    assert "val: 0 records, 0 samples" in inspection.to_text("en")


def test_replies_that_evaluation_would_cut_are_told(check: Check) -> None:
    long = rows(3, start=100, words=40)
    inspection = check(rows(60), [*rows(5, start=70), *long], evaluate={"max_new_tokens": 64})
    assert inspection.splits[1].long_replies == 3
    assert "val: 3 replies are longer than evaluate.max_new_tokens = 64" in warned(inspection)


def test_few_rows_are_told(check: Check) -> None:
    assert "only 49 training rows" in warned(check(rows(49)))
    assert "training rows" not in warned(check(rows(50)))


def test_questions_that_training_asks_are_leaks(check: Check) -> None:
    inspection = check(rows(60), [*rows(2, start=58), *rows(3, start=80)])
    assert inspection.splits[1].leaks == 2
    assert "2 of 5 questions in val are asked in train" in warned(inspection)


def test_thoughts_that_do_not_fit_the_format_are_told(check: Check) -> None:
    bare = rows(60, think="")
    assert "no training row has a thought" in warned(check(bare))
    assert "thought" not in warned(check(bare, fmt="r1-direct"))
    assert "60 training rows have a thought" in warned(check(rows(60), fmt="r1-direct"))


def test_samples_longer_than_the_window_of_the_base_are_told(check: Check) -> None:
    inspection = check([*rows(60), *rows(1, start=60, words=800)], train={"max_tokens": 10_000})
    assert "longer than the base's window of 2048: set train.max_tokens = 2048" in warned(
        inspection
    )


@pytest.mark.parametrize(
    ("precision", "widths"),
    [("auto", ["16-bit", "fp32"]), ("bf16", ["16-bit"]), ("fp16", ["16-bit"]), ("fp32", ["fp32"])],
)
def test_memory_is_foretold_for_each_precision_in_question(
    check: Check, precision: str, widths: list[str]
) -> None:
    inspection = check(rows(60), train={"precision": precision})
    assert [one.width for one in inspection.memory] == widths
    assert all(0 < one.trainable < one.parameters for one in inspection.memory)
    assert "memory in" in inspection.to_text("en")


def test_the_trained_part_is_marked_on_paper_and_painted_in_colour(check: Check) -> None:
    inspection = check(rows(60))
    plain = inspection.to_text("en")
    assert "<｜Assistant｜>⟦<think>\nLet me see.\n</think>\n\nIt is low." in plain
    assert "<｜end▁of▁sentence｜>⟧" in plain
    assert "\x1b" not in plain
    painted = inspection.to_text("en", colour=True)
    assert "\x1b[30;42m<think>\x1b[0m\n\x1b[30;42mLet me see.\x1b[0m" in painted
    assert "⟦" not in painted


def test_data_cannot_write_to_the_terminal_by_itself(check: Check) -> None:
    record = Record(id="r", turns=(Turn(user="\x1b[2J\x07\u202e", answer="a\tb"),))
    text = check([record]).to_text("zh")
    assert not {"\x1b", "\x07", "\u202e"}.intersection(text)
    assert "\\x1b[2J\\x07\\u202e" in text


def test_of_a_long_sample_the_ends_are_shown(check: Check) -> None:
    record = Record(id="r", turns=(Turn(user="first " + "x " * 2_000 + "last", answer="a"),))
    text = check([record], train={"max_tokens": 9_999}).to_text("en")
    assert "first x" in text
    assert "x last<｜Assistant｜>" in text
    assert len(text) < 5_000


def test_text_is_in_both_languages(check: Check) -> None:
    inspection = check(rows(20))
    assert "20 records, 20 samples, 0 dropped" in inspection.to_text("en")
    assert "20 条记录，20 个样本，舍弃 0" in inspection.to_text("zh")
    assert "警告：训练数据只有 20 条" in inspection.to_text("zh")


def test_json_holds_all_of_it(check: Check) -> None:
    inspection = check(rows(20))
    table = json.loads(json.dumps(inspection.to_json()))
    assert table["splits"][0]["tokens"]["longest"] == inspection.splits[0].longest_kept
    assert table["memory"][0]["total"] == inspection.memory[0].total
    assert table["warnings"][0]["zh"] == inspection.warnings[0].localize("zh")


def test_progress_is_told(tiny: Path, tmp_path: Path) -> None:
    run = Run(tmp_path)
    write(run, "train", rows(5))
    assert len(inspect(recipe_for(tiny), run, progress=SilentProgress()).splits) == 1


def test_unprepared_data_are_asked_for(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        inspect(recipe_for(tiny), Run(tmp_path))
    assert "python -m finetune prepare" in caught.value.localize("en")


def test_a_base_of_another_format_is_refused(check: Check, tiny_chatml: Path) -> None:
    with pytest.raises(BaseModelError) as caught:
        check(rows(5), base=tiny_chatml)
    assert 'write format = "chatml"' in caught.value.localize("en")


def test_where_the_tuned_model_can_go_is_said(check: Check, tiny: Path, tmp_path: Path) -> None:
    able = check(rows(5))
    assert able.exports == ("hf", "vllm", "gguf", "ollama")
    assert "can be exported to: hf, vllm, gguf, ollama" in able.to_text("en")
    base = Path(shutil.copytree(tiny, tmp_path / "phi"))
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    config["architectures"] = ["Phi3ForCausalLM"]
    (base / "config.json").write_text(json.dumps(config), encoding="utf-8")
    barred = check(rows(5), base=base)
    assert barred.exports == ("hf", "vllm")
    assert any("Phi3ForCausalLM" in note.localize("zh") for note in barred.notes)


def test_gemma_in_fp16_is_warned_of(check: Check, base_for: BaseFor) -> None:
    def overflows(precision: str) -> bool:
        found = check(rows(60), base=base_for("gemma"), fmt="gemma", train={"precision": precision})
        return "Gemma 3 overflows" in warned(found)

    assert overflows("fp16")
    assert not overflows("bf16")


def test_pairs_are_counted_as_training_sees_them(check: Check) -> None:
    pairs = [replace(one, rejected=Turn(user="", answer="It is high. " * 9)) for one in rows(60)]
    plain = check(pairs)
    assert "60 training rows have a rejected answer" in warned(plain)
    preferring = check([*pairs, *rows(5, start=60)], train={"method": "dpo"})
    train = preferring.splits[0]
    assert (train.records, train.pairs, train.samples, train.dropped) == (65, 60, 60, 0)
    assert "5 of 65 training rows have no rejected answer" in warned(preferring)
    assert train.longest_kept > plain.splits[0].longest_kept
    assert train.example is not None
    assert "It is low." in train.example.target
    assert preferring.memory[0].activations > 1.9 * plain.memory[0].activations


def test_torch_is_not_needed(tiny: Path, tmp_path: Path) -> None:
    run = Run(tmp_path)
    write(run, "train", rows(5))
    script = (
        "import sys; from pathlib import Path\n"
        "from finetune.check.inspection import inspect\n"
        "from finetune.recipe import parse_recipe\n"
        "from finetune.runs import Run\n"
        "base, run = map(Path, sys.argv[1:])\n"
        "tables = {'name': 'x', 'model': {'base': str(base)}, 'data': {'files': ['x']}}\n"
        "print(inspect(parse_recipe(tables, source='x', folder=base), Run(run)).to_text('en'))\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\n"
    )
    asked = [sys.executable, "-c", script, str(tiny), str(tmp_path)]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert "5 records, 5 samples" in done.stdout
