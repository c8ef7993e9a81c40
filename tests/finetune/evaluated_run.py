"""A run of three questions whose right replies are known."""

import json
from collections.abc import Sequence
from pathlib import Path

from finetune.model.chat_format import chat_format
from finetune.recipe import Recipe, parse_recipe
from finetune.records import Record, to_json
from finetune.runs import Run

FMT = chat_format("r1-think")
QUESTIONS = ("能飞150米吗？", "机场旁能飞吗？", "夜间能飞吗？")
RIGHT = {
    QUESTIONS[0]: ("上限是120米。", "不可以，超过120米。"),
    QUESTIONS[1]: ("机场是管制空域。", "不可以，机场旁是管制空域。"),
    QUESTIONS[2]: ("需要灯光。", "可以，请打开夜航灯。"),
}
SCRIPT = {
    question: f"<think>\n{think}\n</think>\n\n{answer}"
    for question, (think, answer) in RIGHT.items()
}


def recipe(**tables: object) -> Recipe:
    whole = {
        "name": "t",
        "model": {"base": "nowhere", **dict(tables.pop("model", {}))},  # type: ignore[call-overload]
        "data": {"files": ["x"]},
        "evaluate": {"similarity": "off", **dict(tables.pop("evaluate", {}))},  # type: ignore[call-overload]
        **tables,
    }
    return parse_recipe(whole, source="t.toml", folder=Path())


def run_of(folder: Path, records: Sequence[Record]) -> Run:
    run = Run(folder)
    run.data.mkdir(parents=True)
    lines = [json.dumps(to_json(one), ensure_ascii=False) for one in records]
    (run.data / "val.jsonl").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return run
