"""How fast is data made ready? `python -m bench.finetune_prepare [--rows 226043] [--floor]`.

A file in HuatuoGPT's form and of its size (226,043 conversations, some 330 MB), invented, the same
in each run: one row in 50 is there twice, one in 100 nearly, one in 500 is broken. Each side is a
process of its own, imports included.

* ours: `finetune prepare` with the recipe's defaults: cleaned, checked, exact duplicates dropped,
  split 7:2:1 without leaks, quality report written.
* near: the same, and rows that are nearly alike (Jaccard 0.9) dropped.
* pandas: read_json(lines=True), drop_duplicates, DataFrame.sample for the splits, to_json; neither
  cleaned nor checked, a question may stand in two splits, and broken rows are left out beforehand
  because they would stop it.
* json: each row read by `json.loads`, once, and written by `json.dumps`: the least that anything
  does which reads JSON in Python.

With --floor it exits 1 when ours takes more than 15 times the CPU of json, or 66 MB and 590 bytes
for each row (200 MB for all rows). Not by the clock, and in no seconds: the same work takes 28 s of
CPU on one machine and 68 on a busy one.
Without pandas (the extra "bench") its side is left out, and it says so.
"""

import argparse
import importlib.util
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.memory import peak_bytes

ROWS = 226_043
MEGABYTE = 1_000_000
MOST_TIMES_JSON = 15.0
"""CPU of ours against that of reading and writing the rows; 6 to 8 on 30 November 2026, with 60,000
rows 8 to 11: other work on the machine takes more from ours, which needs more of the cache."""
START_BYTES = 66 * MEGABYTE
MOST_BYTES_PER_ROW = 590
"""Memory of ours: what the process takes at its start, and what may grow with the rows."""
SIDES = ("ours", "json", "near", "pandas")
RECIPE = {
    "name": "bench",
    "model": {"base": "none", "format": "r1-direct"},
    "data": {
        "files": ["huatuo.jsonl"],
        "reader": "huatuo",
        "split": {"train": 0.7, "val": 0.2, "test": 0.1},
    },
}

ASKED = ("怎么办", "能吃{0}吗", "要去医院检查{0}吗", "和{0}有关系吗", "多久会好", "需要忌口吗")
BEGINS = ("医生您好，", "您好，", "请问，", "想咨询一下，", "")
PATIENTS = ("我", "我妈妈", "孩子", "老人", "我先生", "同事")
SIGNS = ("头疼", "胃痛", "咳嗽", "发烧", "失眠", "皮肤发痒", "腰酸", "眼睛干涩", "心慌", "便秘")
WHEN = ("三天了", "一个星期了", "断断续续半年", "昨晚开始", "饭后加重", "夜里更厉害")
ADVICE = (
    "建议您先{0}，观察{1}天，",
    "如果{0}之后仍然没有缓解，请到{2}就诊，",
    "平时注意{0}，保持规律作息，不要自行用药，",
    "这种情况多与{0}有关，一般不严重，",
    "可以化验血常规，并结合{2}医生的检查结果判断，",
    "饮食上少吃辛辣油腻的食物，每天饮水{3}毫升左右，",
    "以上意见仅供参考，祝您早日康复。",
)
DEEDS = ("休息", "热敷", "冷敷", "多喝水", "清淡饮食", "适当运动", "测量体温", "记录症状")
ROOMS = ("神经内科", "消化内科", "呼吸内科", "皮肤科", "骨科", "眼科", "心内科", "口腔科")


def rows(count: int) -> Iterator[str]:
    """Yield the lines of the file, the same ones each time."""
    chance = random.Random(0)
    last = ""
    for number in range(count):
        if number % 500 == 499:
            yield '{"data": ["问：只有问题"]}' if number % 1000 == 499 else '{"data": ["问：断'
        elif number % 50 == 49:
            yield last
        elif number % 100 == 24:
            yield last.replace("。", "！", 1)
        else:
            last = json.dumps({"data": list(conversation(chance))}, ensure_ascii=False)
            yield last


def conversation(chance: random.Random) -> Iterator[str]:
    """Yield questions and answers, one to four of each."""
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
        asked = chance.choice(ASKED).format(chance.choice(DEEDS))
        yield (
            f"问：{chance.choice(BEGINS)}{chance.choice(PATIENTS)}{chance.choice(SIGNS)}，"
            f"{chance.choice(WHEN)}，今年{chance.randint(1, 90)}岁，{asked}？"
        )
        advice = (
            chance.choice(ADVICE).format(
                chance.choice(DEEDS),
                chance.randint(2, 14),
                chance.choice(ROOMS),
                100 * chance.randint(8, 30),
            )
            for _ in range(chance.randint(5, 16))
        )
        yield "答：" + "".join(advice)


def ours(folder: Path, *, near: bool) -> int:
    from finetune.data.prepare import prepare
    from finetune.progress import SilentProgress
    from finetune.recipe import parse_recipe
    from finetune.runs import Run

    data: dict[str, Any] = {**RECIPE["data"], "dedupe": "near" if near else "exact"}  # type: ignore[dict-item]
    recipe = parse_recipe({**RECIPE, "data": data}, source="bench", folder=folder)
    run = Run(folder / ("near" if near else "exact"))
    return prepare(recipe, run, progress=SilentProgress()).kept


def plain_json(folder: Path) -> int:
    seen = set()
    with (
        (folder / "whole.jsonl").open(encoding="utf-8") as rows_in,
        (folder / "plain.jsonl").open("w", encoding="utf-8") as rows_out,
    ):
        for line in rows_in:
            row = json.loads(line)
            if (key := hash(tuple(row["data"]))) not in seen:
                seen.add(key)
                rows_out.write(json.dumps(row, ensure_ascii=False) + "\n")
    return len(seen)


def pandas(folder: Path) -> int:
    import pandas as pd

    frame = pd.read_json(folder / "whole.jsonl", lines=True)
    frame["question"] = frame["data"].str[0]
    frame["answer"] = frame["data"].str[-1]
    frame = frame.drop_duplicates(["question", "answer"])
    train = frame.sample(frac=0.7, random_state=42)
    rest = frame.drop(train.index)
    val = rest.sample(frac=2 / 3, random_state=42)
    for name, part in (("train", train), ("val", val), ("test", rest.drop(val.index))):
        part.to_json(folder / f"pandas-{name}.jsonl", orient="records", lines=True)
    return len(frame)


def side(name: str, folder: Path) -> None:
    """Do one side's work in this process and say what it took."""
    began = time.perf_counter()
    other = {"pandas": pandas, "json": plain_json}.get(name)
    kept = other(folder) if other else ours(folder, near=name == "near")
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = {
        "kept": kept,
        "seconds": time.perf_counter() - began,
        "cpu": used.ru_utime + used.ru_stime,
        "peak": peak_bytes(),
    }
    print(json.dumps(told))


def measured(name: str, folder: Path) -> dict[str, float]:
    """Run one side in a fresh process."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "bench.finetune_prepare", "--side", name, "--in", str(folder)],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        check=True,
    )
    told: dict[str, float] = json.loads(done.stdout)
    return {**told, "seconds": time.perf_counter() - began}


def write(folder: Path, count: int) -> float:
    """Write both files and return the size of the first in MB."""
    with (
        (folder / "huatuo.jsonl").open("w", encoding="utf-8") as file,
        (folder / "whole.jsonl").open("w", encoding="utf-8") as whole,
    ):
        for number, line in enumerate(rows(count)):
            file.write(line + "\n")
            if number % 500 != 499:
                whole.write(line + "\n")
    return (folder / "huatuo.jsonl").stat().st_size / MEGABYTE


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=ROWS, metavar="N")
    parser.add_argument("--floor", action="store_true", help="exit 1 above the bounds")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--in", dest="folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        side(arguments.side, arguments.folder)
        return 0
    with tempfile.TemporaryDirectory(prefix="prepare-") as folder:
        size = write(Path(folder), arguments.rows)
        print(f"{arguments.rows:,} rows, {size:.0f} MB, {os.cpu_count()} CPUs")
        print(f"{'':8}{'seconds':>9}{'CPU s':>9}{'MB':>7}{'kept':>9}")
        found = {}
        for name in SIDES[:2] if arguments.floor else SIDES:
            if name == "pandas" and importlib.util.find_spec("pandas") is None:
                print("pandas: left out, it is not installed (pip install -e '.[bench]')")
                continue
            found[name] = it = measured(name, Path(folder))
            peak = it["peak"] / MEGABYTE
            print(f"{name:8}{it['seconds']:9.1f}{it['cpu']:9.1f}{peak:7.0f}{it['kept']:9,.0f}")
    print(f"load {os.getloadavg()[0]:.1f} at the end")
    times = found["ours"]["cpu"] / found["json"]["cpu"]
    print(f"ours: {times:.1f} times the CPU of json (at most {MOST_TIMES_JSON:.0f})")
    slow = times > MOST_TIMES_JSON
    most = START_BYTES + MOST_BYTES_PER_ROW * arguments.rows
    print(f"ours: {found['ours']['peak'] / MEGABYTE:.0f} MB (at most {most / MEGABYTE:.0f})")
    large = found["ours"]["peak"] > most
    return int(arguments.floor and (slow or large))


if __name__ == "__main__":
    sys.exit(main())
