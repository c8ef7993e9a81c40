"""The whole way on a real index, with a model that learns nothing in two steps: it stays out."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest

from assistant.settings import load_settings
from bench.handbook_pages import write_handbook
from finetune.errors import (
    BaseModelError,
    DataError,
    ExportError,
    FinetuneError,
    RecipeError,
)
from finetune.export.activate import rollback
from finetune.improve.improvement import improve
from finetune.improve.other_rows import ROWS_OF_EACH, write_other_rows
from finetune.improve.plan import (
    OTHER_COLLECTIONS,
    OTHER_TEXTS,
    ImprovementPlan,
    longest_row,
    run_name,
)
from finetune.improve.rows import ensure_rows
from finetune.model.tokenization import load_tokenizer
from finetune.progress import SilentProgress
from finetune.rag_evaluation.product import passages_file
from finetune.recipe import DataTable
from finetune.runs import Run
from ingest.bootstrap import open_ingest
from ingest.documents import Document
from tests.engines.ollama_create import CreatingOllama

ROOT = Path(__file__).parents[3]
QUICK = (
    "train.max_steps=2",
    "train.gradient_checkpointing=false",
    "train.r=2",
    "evaluate.limit=12",
    "evaluate.max_new_tokens=8",
    "data.split.train=0.4",
    "data.split.val=0.1",
    "data.split.test=0.5",
)
PAGES = 12
BEFORE = '[model]\nname = "qwen3:8b"\n'


@dataclass(frozen=True, kw_only=True)
class Handbook:
    """A home with an index of some pages, and what improves it."""

    home: Path
    plan: ImprovementPlan

    @property
    def run(self) -> Run:
        return Run(self.plan.folder / "runs" / run_name(self.plan.collection))


async def fill(pages: Path) -> None:
    async with open_ingest(load_settings()) as ingest:
        for path in write_handbook(pages)[:PAGES]:
            text = path.read_text(encoding="utf-8")
            page = Document(
                url=f"https://handbook.example/{path.stem}",
                title=text.partition("\n")[0].lstrip("# "),
                text=text,
                fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
            )
            await ingest.reading.pipeline.add_document(page)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an index of some pages. Never write into it."""
    home = tmp_path_factory.mktemp("filled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSISTANT_HOME", str(home))
        patch.setenv("ASSISTANT_EMBED__ENCODER", "all-MiniLM-L6-v2")
        asyncio.run(fill(home / "pages"))
    return home


@pytest.fixture
def handbook(
    filled: Path, tmp_path: Path, tiny_chatml: Path, monkeypatch: pytest.MonkeyPatch
) -> Handbook:
    shutil.copytree(filled, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("ASSISTANT_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "assistant.toml").write_text(BEFORE)
    plan = ImprovementPlan(
        collection="",
        base=str(tiny_chatml),
        folder=tmp_path / "improve",
        changes=QUICK,
        language="zh",
    )
    return Handbook(home=tmp_path, plan=plan)


async def store_page(name: str, text: str) -> None:
    async with open_ingest(load_settings()) as ingest:
        await ingest.reading.pipeline.add_document(
            Document(
                url=f"https://handbook.example/{name}",
                title=text.partition("\n")[0].lstrip("# "),
                text=text,
                fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
            )
        )


def make_rows(path: Path, size: object) -> None:
    """Make rows of the index, as the command does."""
    from finetune.synthesize.synthesis import synthesize

    synthesize(load_settings(), "", path, limit=60, size="small", progress=SilentProgress())


def improved(plan: ImprovementPlan, *, to: str = "ollama", activate: bool = True):  # type: ignore[no-untyped-def]
    return improve(
        plan,
        settings=load_settings(),
        make_rows=make_rows,
        to=to,  # type: ignore[arg-type]
        activate=activate,
        progress=SilentProgress(),
    )


def answer_rightly(file: Path) -> None:
    """Rewrite kept results as a model that has learnt would have left them."""
    head, *lines = file.read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    for row in rows:
        row |= {"kind": "model", "right": not row["unanswerable"], "refused": row["unanswerable"]}
        row |= {"shown_right": row["right"], "verdicts": {"supported": 1}, "notices": []}
    file.write_text("\n".join([head, *map(json.dumps, rows)]) + "\n", encoding="utf-8")


@pytest.mark.timeout(900)
def test_a_model_that_is_not_better_stays_out_and_one_that_is_goes_in(
    handbook: Handbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    with CreatingOllama(answer="Ready.") as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        refused = improved(handbook.plan)
        assert not refused.decision.passed
        assert refused.exported == ""
        assert server.created == {}
        assert (handbook.home / "assistant.toml").read_text() == BEFORE
        page = refused.page.read_text(encoding="utf-8")
        assert "微调后的模型没有启用" in page
        assert "其他文本：原来会的不能丢" in page
        assert "<script" not in page
        # Each row is asked as the assistant asks: a page's questions stand in one split.
        splits = [
            {record.group for record in handbook.run.records(split)} for split in ("train", "test")
        ]
        assert all(splits)
        assert not splits[0] & splits[1]

        # The same command goes on with what was asked: now as if training had helped.
        answer_rightly(passages_file(handbook.run, "adapter"))
        trained = handbook.run.finished_at("train")
        done = improved(handbook.plan)
        assert handbook.run.finished_at("train") == trained
        assert done.decision.passed, done.decision.reasons
        (name,) = server.created
        assert load_settings().model.name in name
        assert done.activated is not None
        page = done.page.read_text(encoding="utf-8")
        assert "微调后的模型更好" in page
        assert "--rollback" in page
    rollback()
    assert (handbook.home / "assistant.toml").read_text() == BEFORE


def test_what_cannot_work_is_said_before_anything_is_done(
    handbook: Handbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")
    with pytest.raises(ExportError, match="does not answer"):
        improved(handbook.plan)
    with pytest.raises(BaseModelError, match="no-such-base"):
        improved(replace(handbook.plan, base="no-such-base/x"), to="none")
    with pytest.raises(DataError, match="there is no data file gone"):
        improved(replace(handbook.plan, more_rows=(Path("gone.jsonl"),)), to="none")
    other = shutil.copytree(handbook.plan.base, handbook.home / "other")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "architectures": ["OddLM"]}))
    with pytest.raises(BaseModelError, match="OddLM cannot be written as GGUF") as caught:
        improved(replace(handbook.plan, base=str(other)))
    assert "--to none" in str(caught.value.hint)
    assert not handbook.plan.folder.exists()


def test_a_folder_of_another_collection_is_refused(handbook: Handbook) -> None:
    handbook.plan.folder.mkdir()
    (handbook.plan.folder / "plan.json").write_text('{"collection": "tea", "base": "x"}')
    handbook.plan.rows.write_text("{}\n")
    with pytest.raises(RecipeError, match="collection = tea, not"):
        improved(handbook.plan, to="none")


def test_rows_are_made_anew_once_the_teacher_or_the_index_is_another(handbook: Handbook) -> None:
    made = []

    def make_few(path: Path, size: object) -> None:
        made.append(size)
        path.write_text(f'{{"row": {min(len(made), 2)}}}\n')

    def ensured(plan: ImprovementPlan) -> list[str]:
        progress = SilentProgress()
        ensure_rows(
            plan, settings=load_settings(), size="small", make_rows=make_few, progress=progress
        )
        return [str(note) for note in progress.notes]

    handbook.plan.folder.mkdir()
    assert ensured(handbook.plan) == []
    assert "rows of before are used" in ensured(handbook.plan)[0]
    taught = replace(handbook.plan, teacher="ollama:qwen3:8b")
    assert "made anew" in ensured(taught)[0]
    before = handbook.plan.rows.with_name("rows.before.jsonl")
    assert (before.read_text(), taught.rows.read_text()) == ('{"row": 1}\n', '{"row": 2}\n')
    asyncio.run(store_page("one-more", "# Kettle\n\nThe kettle holds 2 litres of water.\n"))
    # The same rows as before: nothing to tell, and no training to do again.
    assert ensured(taught) == []
    assert not before.exists()
    asyncio.run(store_page("another", "# Lamp\n\nThe lamp weighs 300 grams.\n"))
    (handbook.run.train / "checkpoints").mkdir(parents=True)
    assert "rows of before are used" in ensured(taught)[0]
    assert len(made) == 3


def test_other_collections_are_asked_about_and_other_texts_are_learnt(handbook: Handbook) -> None:
    plan = replace(handbook.plan, collection="tea")
    plan.folder.mkdir()
    write_other_rows(plan, settings=load_settings(), size="small", progress=SilentProgress())
    learnt, asked = (
        [json.loads(line) for line in (plan.folder / name).read_text("utf-8").splitlines()]
        for name in (OTHER_TEXTS, OTHER_COLLECTIONS)
    )
    assert {row["kind"] for row in learnt} == {"other"}
    assert len(asked) == ROWS_OF_EACH
    assert all(row["document"].startswith("https://handbook.example/") for row in asked)
    # The whole index has nothing beside it.
    whole = replace(handbook.plan, folder=handbook.home / "whole")
    whole.folder.mkdir()
    write_other_rows(whole, settings=load_settings(), size="small", progress=SilentProgress())
    assert (whole.folder / OTHER_COLLECTIONS).read_text("utf-8") == ""


def test_a_base_that_reads_single_bytes_of_a_language_learns_no_rows_of_it(
    handbook: Handbook, tiny_chatml: Path
) -> None:
    def languages(base: Path) -> set[str]:
        plan = replace(handbook.plan, base=str(base), folder=handbook.home / base.name)
        plan.folder.mkdir(exist_ok=True)
        write_other_rows(plan, settings=load_settings(), size="small", progress=SilentProgress())
        lines = (plan.folder / OTHER_TEXTS).read_text("utf-8").splitlines()
        return {json.loads(line)["language"] for line in lines}

    assert languages(tiny_chatml) == {"en", "zh"}
    # Without merges each token is a byte: one of a letter, three of a Chinese character.
    of_bytes = handbook.home / "of-bytes"
    shutil.copytree(tiny_chatml, of_bytes)
    tokenizer = json.loads((of_bytes / "tokenizer.json").read_text("utf-8"))
    tokenizer["model"]["merges"] = []
    (of_bytes / "tokenizer.json").write_text(json.dumps(tokenizer), "utf-8")
    assert languages(of_bytes) == {"en"}


def test_rows_of_any_format_count_for_the_longest(tmp_path: Path, tiny_chatml: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["问题", "回答"])
    book.active.append(["几点开门？", "九点开门。" * 60])
    book.save(tmp_path / "faq.xlsx")
    tokenizer = load_tokenizer(tiny_chatml)
    longest = longest_row(tokenizer, [tmp_path / "faq.xlsx"], DataTable(files=("faq.xlsx",)))
    assert longest > len(tokenizer.plain("九点开门。" * 60))


def test_too_few_questions_end_it_before_training(handbook: Handbook) -> None:
    few = tuple(one for one in QUICK if "limit" not in one)
    with pytest.raises(DataError, match="held-out questions show nothing") as caught:
        improved(replace(handbook.plan, changes=(*few, "evaluate.limit=5")), to="none")
    assert "--teacher" in str(caught.value.hint)
    assert not handbook.run.figures("train")


def test_a_full_disk_names_the_same_command_whatever_step_it_stops(handbook: Handbook) -> None:
    handbook.run.folder.mkdir(parents=True)
    state = handbook.run.folder / f"state.json.{os.getpid()}.part"
    state.symlink_to("/dev/full")
    with pytest.raises(FinetuneError, match="no room left to write") as caught:
        improved(handbook.plan, to="none")
    assert "run the same command again" in str(caught.value.hint)
    assert handbook.plan.rows.exists()


@pytest.mark.parametrize("collection", ["", "论文", "my papers", "tea"])
def test_each_collection_has_a_name_of_its_own_that_ollama_takes(collection: str) -> None:
    name = run_name(collection)
    assert name.isascii()
    assert name.replace("-", "").isalnum()
    others = {"", "论文", "my papers", "tea", "my-papers", "论 文"} - {collection}
    assert name not in {run_name(other) for other in others}


def test_the_command_names_what_is_missing(handbook: Handbook) -> None:
    def finetune(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "finetune", "improve", *arguments, "--lang", "en"],
            cwd=handbook.home,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    missing = finetune("handbook")
    assert missing.returncode == 2
    assert "--base is missing" in missing.stderr
    assert "hf download" in missing.stderr
    nowhere = finetune("nosuch", "--base", handbook.plan.base, "--to", "none")
    assert nowhere.returncode == 2
    assert "nosuch" in nowhere.stderr
    assert "Traceback" not in nowhere.stderr
    back = finetune("--rollback")
    assert back.returncode == 1
    assert "no model was activated here" in back.stderr
