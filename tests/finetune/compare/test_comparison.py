"""Comparison: significant gains are marked, chance is not, and the page is self-contained."""

import json
import math
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from finetune.compare.comparison import compare
from finetune.compare.differences import Comparison, format_figure
from finetune.errors import EvaluationError
from finetune.evaluate.evaluation import evaluate_generator
from finetune.evaluate.generate.memory import ScriptedGenerator
from finetune.evaluate.metrics.catalogue import FIGURES
from finetune.evaluate.metrics.likelihood import TargetLoss
from finetune.evaluate.metrics.scoring import Scorer
from finetune.model.chat_format import chat_format
from finetune.progress import Progress, SilentProgress
from finetune.recipe import Recipe, parse_recipe
from finetune.records import Prediction, Record, Turn, to_json
from finetune.runs import Run

COUNT = 40
FMT = chat_format("r1-think")


def question(number: int) -> str:
    return f"第{number}号机能飞{number + 100}米吗？"


def answer(number: int) -> str:
    return f"不可以，第{number}号机最多飞{number + 90}米。"


def reply(text: str) -> str:
    return f"<think>\n先看高度。\n</think>\n\n{text}"


RIGHT = {question(number): reply(answer(number)) for number in range(COUNT)}
WRONG = {question(number): f"It may fly <b>{number}</b>." for number in range(COUNT)}


def recipe(task: str = "text") -> Recipe:
    tables = {
        "name": "t",
        "model": {"base": "nowhere", "format": "r1-think" if task == "text" else "r1-direct"},
        "data": {"files": ["x"]},
        "evaluate": {"similarity": "off", "task": task},
    }
    return parse_recipe(tables, source="t.toml", folder=Path())


def run_of(folder: Path, records: list[Record]) -> Run:
    run = Run(folder / "run")
    run.data.mkdir(parents=True)
    lines = [json.dumps(to_json(one), ensure_ascii=False) for one in records]
    (run.data / "val.jsonl").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return run


def evaluated(run: Run, name: str, script: dict[str, str], task: str = "text") -> None:
    settings = recipe(task)
    twin = ScriptedGenerator(script, fmt=chat_format(settings.model.format))
    evaluate_generator(twin, settings, run, name, progress=SilentProgress())


@pytest.fixture
def run(tmp_path: Path) -> Run:
    records = [
        Record(
            id=f"{number:03}",
            turns=(Turn(user=question(number), think="先看高度。", answer=answer(number)),),
        )
        for number in range(COUNT)
    ]
    return run_of(tmp_path, records)


def by_name(comparison: Comparison) -> dict[str, str]:
    return {one.figure.name: one.verdict for one in comparison.differences}


def test_a_model_that_learnt_is_significantly_better(run: Run) -> None:
    evaluated(run, "base", WRONG)
    evaluated(run, "adapter", RIGHT)
    found = compare(run, "base", "adapter", language="zh")
    verdicts = by_name(found)
    for name in (
        "exact",
        "answer_rouge-l",
        "predict_bleu-4",
        "sentence_chrf",
        "format",
        "language",
    ):
        assert verdicts[name] == "better", name
    exact = next(one for one in found.differences if one.figure.name == "exact")
    assert (exact.a, exact.b, exact.wins) == (0, 100, (COUNT, 0, 0))
    assert exact.gain is not None
    assert exact.gain.low == exact.gain.high == 100


def test_a_reply_with_unicode_line_ends_is_one_row(run: Run) -> None:
    script = dict.fromkeys(RIGHT, reply("能\u2028不能\x85可以"))
    evaluated(run, "base", script)
    evaluated(run, "adapter", RIGHT)
    assert compare(run, "base", "adapter", language="zh").records == COUNT


def test_the_other_way_round_it_is_significantly_worse(run: Run) -> None:
    evaluated(run, "base", WRONG)
    evaluated(run, "adapter", RIGHT)
    assert by_name(compare(run, "adapter", "base", language="en"))["exact"] == "worse"


def test_chance_is_not_taken_for_a_gain(run: Run) -> None:
    for name, lucky in (("a", (0, 1)), ("b", (1, 2))):  # each is right at half of the records
        right = {question(number) for number in range(COUNT) if number % 4 in lucky}
        evaluated(run, name, {one: (RIGHT if one in right else WRONG)[one] for one in RIGHT})
    found = compare(run, "a", "b", language="en")
    assert by_name(found)["exact"] == ""
    exact = next(one for one in found.differences if one.figure.name == "exact")
    assert exact.gain is not None
    assert exact.gain.low < 0 < exact.gain.high
    assert exact.wins == (10, 10, 20)


def test_errors_are_counted_with_examples(run: Run) -> None:
    evaluated(run, "base", WRONG)
    evaluated(run, "adapter", {**RIGHT, question(3): "", question(4): reply("第4号机 " * 30)})
    found = compare(run, "base", "adapter", language="en")
    counts = {one.kind: (one.a, one.b) for one in found.error_counts}
    assert counts["empty"] == (0, 1)
    assert counts["repeats"] == (0, 1)
    assert counts["number"] == (COUNT, 1)
    assert counts["language"] == (COUNT, 0)
    empty = next(one for one in found.error_counts if one.kind == "empty")
    assert [example.reply.id for example in empty.examples] == ["003"]
    assert empty.examples[0].other.prediction.text == WRONG[question(3)]


def test_records_that_one_model_did_not_answer_are_left_out(run: Run) -> None:
    evaluated(run, "base", WRONG)
    evaluated(run, "adapter", RIGHT)
    path = run.evaluation / "adapter.jsonl"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:-5]), "utf-8")
    found = compare(run, "base", "adapter", language="en")
    assert (found.records, found.only_one) == (COUNT - 5, 5)


class PageParser(HTMLParser):
    """Collects what a page would fetch, and checks that its tags are closed."""

    VOID = frozenset({"meta", "br", "link", "img"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_stands_alone_and_shows_replies_as_text(run: Run, language: str) -> None:
    evaluated(run, "base", RIGHT)
    evaluated(run, "adapter", WRONG)
    found = compare(run, "base", "adapter", language=language)  # type: ignore[arg-type]
    text = found.path.read_text("utf-8")
    page = PageParser()
    page.feed(text)
    assert page.open == []
    assert page.fetched == []
    assert "script" not in page.seen
    assert page.seen.count("svg") > 10
    assert "&lt;b&gt;" in text
    assert "<b>3</b>" not in text
    assert ("指标" in text) == (language == "zh")
    assert "prefers-color-scheme: dark" in text


def test_the_json_has_the_figures_of_the_page(run: Run) -> None:
    evaluated(run, "base", WRONG)
    evaluated(run, "adapter", RIGHT)
    found = compare(run, "base", "adapter", language="en")
    row = json.loads((run.evaluation / "compare-base-adapter.json").read_text("utf-8"))
    assert row == json.loads(json.dumps(found.to_json()))
    exact = row["differences"]["exact"]
    assert exact == {
        "a": 0,
        "b": 100,
        "unit": "%",
        "records": COUNT,
        "gain": 100,
        "interval": [100, 100],
        "sure": True,
        "wins": COUNT,
        "losses": 0,
        "ties": 0,
        "verdict": "better",
    }


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_terminal_gets_one_line_a_figure(run: Run, language: str) -> None:
    evaluated(run, "base", WRONG)
    evaluated(run, "adapter", RIGHT)
    text = compare(run, "base", "adapter", language="zh").to_text(language)  # type: ignore[arg-type]
    (line,) = [line for line in text.splitlines() if re.search("exact match|完全匹配", line)]
    assert line.startswith("▲")
    assert "0.0 % → 100.0 %" in line
    assert "+100.0 [+100.0, +100.0]" in line


def test_labels_get_a_confusion_matrix_and_a_macro_f1_with_its_interval(tmp_path: Path) -> None:
    labels = ["骨科", "眼科", "呼吸科"]
    records = [
        Record(
            id=f"{number:03}",
            turns=(Turn(user=f"q{number}", answer=labels[number % 3]),),
            label=labels[number % 3],
        )
        for number in range(60)
    ]
    run = run_of(tmp_path, records)
    luck = random.Random(5)
    evaluated(
        run, "base", {f"q{n}": luck.choice([*labels, "不知道"]) for n in range(60)}, "classify"
    )
    evaluated(run, "adapter", {f"q{n}": labels[n % 3] for n in range(60)}, "classify")
    found = compare(run, "base", "adapter", language="zh")
    assert by_name(found)["accuracy"] == "better"
    assert by_name(found)["macro_f1"] == "better"
    macro = next(one for one in found.differences if one.figure.name == "macro_f1")
    assert macro.b == pytest.approx(100)
    assert macro.wins is None
    page = found.path.read_text("utf-8")
    assert page.count('class="matrix"') == 2
    assert {one.kind for one in found.error_counts} == {"label"}


class LikelihoodGenerator(ScriptedGenerator):
    """Scores targets; a mean loss of 1,000 nats has no finite perplexity."""

    def __init__(self, nats: float) -> None:
        super().__init__(RIGHT, fmt=FMT)
        self._nats = nats

    def target_losses(self, records: list[Record], *, progress: Progress) -> Iterator[TargetLoss]:
        for record in records:
            yield TargetLoss(id=record.id, nats=self._nats, tokens=10, bytes=30)


@pytest.mark.parametrize(("nats", "verdict"), [(20.0, "better"), (10_000.0, "")])
def test_lower_perplexity_is_better_and_an_infinite_one_is_not_compared(
    run: Run, nats: float, verdict: str
) -> None:
    evaluate_generator(LikelihoodGenerator(nats), recipe(), run, "base", progress=SilentProgress())
    evaluate_generator(
        LikelihoodGenerator(10.0), recipe(), run, "adapter", progress=SilentProgress()
    )
    found = compare(run, "base", "adapter", language="en")
    assert by_name(found)["perplexity"] == verdict
    row = found.to_json()["differences"]["perplexity"]
    assert row["b"] == pytest.approx(math.e, abs=1e-3)
    assert (row["a"] is None) == (verdict == "")
    json.loads(json.dumps(found.to_json(), allow_nan=False))


def test_a_model_that_was_not_evaluated_names_the_command(run: Run) -> None:
    evaluated(run, "base", WRONG)
    with pytest.raises(EvaluationError) as caught:
        compare(run, "base", "adapter", language="en")
    assert "evaluate RECIPE --model adapter" in caught.value.localize("en")
    assert "base" in caught.value.localize("zh")


def test_broken_scores_are_named(run: Run) -> None:
    evaluated(run, "base", WRONG)
    (run.evaluation / "base.jsonl").write_text('{"id": "1"}\n', "utf-8")
    with pytest.raises(EvaluationError, match="cannot be read"):
        compare(run, "base", "base", language="en")


def test_models_without_a_record_in_common_raise(run: Run) -> None:
    evaluated(run, "base", WRONG)
    (run.evaluation / "adapter.jsonl").write_text("", "utf-8")
    with pytest.raises(EvaluationError, match="no record in common"):
        compare(run, "base", "adapter", language="en")


def test_comparing_needs_no_heavy_library(run: Run) -> None:
    evaluated(run, "base", WRONG)
    evaluated(run, "adapter", RIGHT)
    program = (
        "import sys; from pathlib import Path; from finetune.compare.comparison import compare\n"
        "from finetune.runs import Run\n"
        f"compare(Run(Path({str(run.folder)!r})), 'base', 'adapter', language='zh')\n"
        "print([name for name in ('torch', 'transformers', 'peft', 'matplotlib', 'nltk', 'jieba',"
        " 'sklearn', 'sacrebleu', 'ollama', 'onnxruntime') if name in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert shown.stdout.strip() == "[]"


def test_a_record_without_a_reply_is_not_scored() -> None:
    record = Record(id="1", turns=(Turn(user="a", answer="b"),))
    silent: dict[str, Prediction] = {}
    assert Scorer(fmt=FMT).score([record], silent, progress=SilentProgress()) == []


def test_very_large_figures_are_shown_with_an_exponent() -> None:
    perplexity = next(one for one in FIGURES if one.name == "perplexity")
    assert format_figure(253_304_953.6, perplexity) == "2.53e+08"
    assert format_figure(-12.345, perplexity, signed=True, bare=True) == "-12.35"
