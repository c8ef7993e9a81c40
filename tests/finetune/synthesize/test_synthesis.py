"""Rows out of a real index: the assistant's own prompt, checked answers, and runs that were cut."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from assistant.answer.prompts import FENCE_OPEN
from assistant.answer.verification.claims import says_not_there
from assistant.answer.verification.verifier import SentenceVerifier
from assistant.bootstrap import open_assistant
from assistant.models.registry import build_model
from assistant.settings import Settings, load_settings
from assistant.values import Question
from finetune.data.prepare import prepare
from finetune.errors import DataError
from finetune.own_recipe import write_own_recipe
from finetune.progress import SilentProgress
from finetune.recipe import load_recipe
from finetune.runs import Run
from finetune.synthesize.checking import NOT_THERE, PASSAGES_NOT_THERE
from finetune.synthesize.synthesis import synthesize
from finetune.synthesize.teacher import Teacher
from finetune.synthesize.teacher_settings import teacher_settings
from ingest.bootstrap import open_ingest
from ingest.documents import Chunk
from ingest.errors import CollectionError
from tests.engines.ollama_server import OllamaServer
from tests.finetune.synthesized_rows import (
    LESSON,
    InterruptedProgress,
    Rows,
    made,
    rows_of,
    store_pages,
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose index holds the pages in the collection "firm"."""
    folder = tmp_path_factory.mktemp("firm")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSISTANT_HOME", str(folder / "home"))
        patch.setenv("ASSISTANT_EMBED__ENCODER", "all-MiniLM-L6-v2")
        patch.setenv("ASSISTANT_INDEX__COLLECTION", "firm")
        anyio.run(store_pages, load_settings(), folder)
        yield folder


@pytest.fixture
def settings(library: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("ASSISTANT_HOME", str(library / "home"))
    return load_settings()


@pytest.fixture(scope="module")
def rows(library: Path) -> Rows:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSISTANT_HOME", str(library / "home"))
        patch.setenv("ASSISTANT_EMBED__ENCODER", "all-MiniLM-L6-v2")
        report = made(load_settings(), library / "made.jsonl")
    return Rows(report=report, made=rows_of(report.path))


def test_rows_hold_the_prompt_that_the_assistant_sends_word_for_word(
    rows: Rows, settings: Settings
) -> None:
    with OllamaServer(answer="好的。") as server:
        model = settings.model.model_copy(update={"provider": "ollama", "host": server.url})
        served = settings.model_copy(update={"model": model})

        async def ask_all() -> None:
            async with open_assistant(served) as assistant:
                for row in rows.answered:
                    question = Question(row["question"], collections=("firm",), private=True)
                    await assistant.answer(question)

        anyio.run(ask_all)
        sent = [body["messages"] for body in server.asked("/api/chat") if body["messages"]]
    for row in rows.answered:
        assert row["messages"][:-1] in sent


def test_each_answer_stands_in_its_passages_and_each_kind_is_there(rows: Rows) -> None:
    report = rows.report
    assert report.rows == len(rows.made) >= 25
    assert {"figure", "row", "list", "faq", "section"} <= report.kinds.keys()
    assert report.languages.keys() == {"zh", "en"}
    for row in rows.made:
        passages = "\n".join(one["text"] for one in row["passages"])
        notes = row["messages"][1]["content"]
        if row["answerable"] and row["kind"] in ("figure", "row"):
            assert row["answer"] in passages
            assert row["answer"] in notes
        assert row["document"].startswith("file://")
    sheet = report.sheet.read_text(encoding="utf-8-sig")
    assert sheet.startswith("question,reply,answer,kind,document,prompt,correct? y/n 正确吗")
    assert not report.path.with_name("made.jsonl.part").exists()


def test_what_is_declined_lacks_its_page_and_says_so(rows: Rows) -> None:
    declined = [row for row in rows.made if not row["answerable"]]
    assert rows.report.declined == len(declined) >= 1
    for row in declined:
        assert row["answer"] == ""
        assert row["document"] not in {one["url"] for one in row["passages"]}
        assert [one["id"] for one in row["passages"]] == [*range(1, len(row["passages"]) + 1)]
        assert says_not_there(row["messages"][-1]["content"])


def test_declining_does_not_begin_as_answers_do(rows: Rows) -> None:
    # "The notes do not say." shared its first word with most answers: where a model had to go on
    # from there on unknown text, "notes" was likelier than any noun.
    begins = {way.split()[0] for way in NOT_THERE["en"]}
    english = [row for row in rows.answered if row["language"] == "en"]
    assert english
    assert begins.isdisjoint(row["messages"][-1]["content"].split()[0] for row in english)
    assert begins.isdisjoint({"The", "A", "It", "Only", "To"})


@pytest.mark.parametrize("sentences", [NOT_THERE, PASSAGES_NOT_THERE])
def test_the_assistant_knows_each_way_to_decline(sentences: dict[str, tuple[str, ...]]) -> None:
    verifier = SentenceVerifier(())
    for ways in sentences.values():
        for sentence in ways:
            assert says_not_there(sentence)
            assert verifier.check(sentence).kind == "no_claim"


def test_rows_for_large_models_cite_each_sentence(settings: Settings, tmp_path: Path) -> None:
    made(settings, tmp_path / "rows.jsonl", size="large")
    rows = [row for row in rows_of(tmp_path / "rows.jsonl") if row["answerable"]]
    for row in rows:
        assert FENCE_OPEN in row["messages"][1]["content"]
        reply = row["messages"][-1]["content"]
        numbers = {str(one["id"]) for one in row["passages"]}
        sentences = re.findall(r"[^。！!\n]+?(?:[。！]|[.!](?=\s|$)|(?<!:)$)", reply, re.MULTILINE)
        assert sentences
        for sentence in sentences:
            marker = re.search(r"\[(\d+)\][。.!！]?$", sentence)
            assert marker
            assert marker[1] in numbers


def test_a_limit_takes_from_every_page_and_the_same_seed_makes_the_same_rows(
    settings: Settings, tmp_path: Path
) -> None:
    made(settings, tmp_path / "a.jsonl", limit=8, seed=3)
    made(settings, tmp_path / "b.jsonl", limit=8, seed=3)
    rows = rows_of(tmp_path / "a.jsonl")
    assert len(rows) == 8
    assert len({row["document"] for row in rows}) >= 3
    assert rows == rows_of(tmp_path / "b.jsonl")


def test_a_teachers_answer_is_kept_only_if_the_pages_say_it(
    settings: Settings, tmp_path: Path
) -> None:
    with OllamaServer(
        answer=f"Sure!\n```json\n{json.dumps(LESSON, ensure_ascii=False)}\n```"
    ) as server:
        local = settings.model.model_copy(update={"host": server.url})
        teacher = teacher_settings(f"ollama:{settings.model.name}", local)
        report = made(settings, tmp_path / "rows.jsonl", teacher=teacher)
    by_teacher = [row for row in rows_of(tmp_path / "rows.jsonl") if row["kind"] == "model"]
    assert report.teacher_asked >= 3
    assert {row["messages"][-1]["content"] for row in by_teacher if row["answerable"]} == {
        "仓库面积为12000平方米。"
    }


def test_a_teacher_that_dies_leaves_the_rules(settings: Settings, tmp_path: Path) -> None:
    progress = SilentProgress()
    with OllamaServer() as server:
        url = server.url
    local = settings.model.model_copy(update={"host": url})
    report = synthesize(
        settings,
        "firm",
        tmp_path / "rows.jsonl",
        teacher=teacher_settings(f"ollama:{settings.model.name}", local),
        progress=progress,
    )
    assert report.rows >= 25
    assert report.teacher_failed == report.teacher_asked == 3
    assert "the rules go on alone" in str(progress.notes[-1])


async def ask_slow_teacher(settings: Settings, pieces: list[Chunk]) -> Teacher:
    model = build_model(settings.model)
    teacher = Teacher(model=model, timeout_s=0.5)
    try:
        for piece in pieces:
            assert await teacher.write_questions(piece) is None
    finally:
        await model.close()
    return teacher


def test_a_teacher_that_drips_its_reply_is_given_up(settings: Settings) -> None:
    pieces = [
        Chunk(id=f"c{at}", url="u", title="T", position=at, start=0, end=1, heading="", text=text)
        for at, text in enumerate(("仓库里有货物。", "车间里有机器。", "码头上有船。"))
    ]
    with OllamaServer(answer="word " * 200, delay_s=0.1) as server:
        model = settings.model.model_copy(update={"host": server.url})
        slow = settings.model_copy(
            update={"model": teacher_settings(f"ollama:{settings.model.name}", model)}
        )
        teacher = anyio.run(ask_slow_teacher, slow, pieces)
    assert teacher.is_gone
    assert str(teacher.last_error) == "no reply in 0.5 s"


def test_a_teacher_that_talks_nonsense_costs_nothing(settings: Settings, tmp_path: Path) -> None:
    with OllamaServer(answer="[[[ I would rather not. ]") as server:
        local = settings.model.model_copy(update={"host": server.url})
        teacher = teacher_settings(f"ollama:{settings.model.name}", local)
        report = made(settings, tmp_path / "rows.jsonl", teacher=teacher)
    assert report.teacher_unusable == report.teacher_asked
    assert report.rows >= 25


@pytest.mark.parametrize("steps", [0, 3, 12])
def test_a_run_that_is_cut_short_goes_on_and_ends_with_the_same_rows(
    steps: int, rows: Rows, settings: Settings, tmp_path: Path
) -> None:
    into = tmp_path / "rows.jsonl"
    with pytest.raises(KeyboardInterrupt):
        synthesize(settings, "firm", into, progress=InterruptedProgress(steps=steps))
    assert not into.exists()
    # As a kill in the middle of a line leaves it.
    with (tmp_path / "rows.jsonl.part").open("ab") as file:
        file.write(b'{"key": "half a li')
    progress = SilentProgress()
    synthesize(settings, "firm", into, progress=progress)
    assert ["going on with" in str(note) for note in progress.notes] == [True] * (steps > 0)
    assert rows_of(into) == rows.made


def test_a_run_that_is_killed_loses_nothing(
    rows: Rows, settings: Settings, library: Path, tmp_path: Path
) -> None:
    into, part = tmp_path / "cut.jsonl", tmp_path / "cut.jsonl.part"
    command = [sys.executable, "-m", "finetune", "synthesize", "firm", "--limit", "0", "--into"]
    process = subprocess.Popen(
        [*command, str(into)],
        env={**os.environ, "ASSISTANT_HOME": str(library / "home")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and (not part.exists() or part.read_bytes().count(b"\n") < 3):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    # On a busy machine it may have come to its end first, which is no worse.
    if not into.exists():
        made(settings, into)
    assert rows_of(into) == rows.made


@pytest.mark.parametrize(
    "name", ["rows.jsonl.part", "rows.sample.csv.{}.part", "rows.jsonl.{}.part"]
)
def test_a_full_disk_at_any_file_costs_nothing_that_was_made(
    name: str, rows: Rows, settings: Settings, tmp_path: Path
) -> None:
    # /dev/full answers every write with ENOSPC, as a full disk does.
    full = tmp_path / name.format(os.getpid())
    full.symlink_to("/dev/full")
    into = tmp_path / "rows.jsonl"
    with pytest.raises(DataError, match="No space left") as caught:
        made(settings, into)
    assert "run the same command again" in str(caught.value.hint)
    assert not into.exists()
    full.unlink(missing_ok=True)
    made(settings, into)
    assert rows_of(into) == rows.made
    assert sorted(one.name for one in tmp_path.iterdir() if one.name.startswith("rows")) == [
        "rows.jsonl",
        "rows.sample.csv",
    ]


def test_a_journal_of_another_run_is_begun_anew(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl.part").write_text('{"journal": 0}\n{"key": "a", "value": {}}\n')
    progress = SilentProgress()
    synthesize(settings, "firm", tmp_path / "rows.jsonl", progress=progress)
    assert progress.notes == []


def test_what_cannot_be_made_is_one_clear_error(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match="nosuch"):
        synthesize(settings, "nosuch", tmp_path / "a.jsonl", progress=SilentProgress())
    (tmp_path / "kept.jsonl").write_text("mine")
    with pytest.raises(DataError, match="is there already"):
        made(settings, tmp_path / "kept.jsonl")
    assert (tmp_path / "kept.jsonl").read_text() == "mine"
    with pytest.raises(DataError, match="cannot write"):
        made(settings, tmp_path / "kept.jsonl" / "rows.jsonl")


async def store_tables(settings: Settings, folder: Path) -> None:
    async with open_ingest(settings) as parts:
        for number in range(5):
            rows = "\n".join(
                f"| 型号{number}-{row} | {row + 2}公斤 | {row * 7 + number} hours |"
                for row in range(6)
            )
            path = folder / f"{number}.md"
            path.write_text(
                f"# 表{number}\n\n| 型号 | 重量 | Runtime |\n| --- | --- | --- |\n{rows}\n"
            )
            await parts.reading.pipeline.add_file(path)


def test_five_pages_of_nothing_but_tables_make_rows_in_both_languages(
    home: Path, tmp_path: Path
) -> None:
    settings = load_settings()
    anyio.run(store_tables, settings, tmp_path)
    report = synthesize(settings, "", tmp_path / "rows.jsonl", progress=SilentProgress())
    assert report.documents == 5
    assert report.kinds.keys() == {"row"}
    for row in rows_of(tmp_path / "rows.jsonl"):
        # Five tables under one head: the figure has to be that of the row that is asked for.
        if row["answerable"]:
            model = re.search(r"型号\d-\d", row["question"])
            assert model
            (line,) = [
                one for one in row["messages"][1]["content"].split("\n") if f"{model[0]} " in one
            ]
            assert row["answer"] in line


def test_the_command_says_what_it_made_and_what_it_cannot(
    settings: Settings, library: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "finetune", "synthesize", "--lang", "zh"]
    environment = {**os.environ, "ASSISTANT_HOME": str(library / "home")}
    made = subprocess.run(
        [*command, "firm", "--json", "--limit", "5", "--into", str(tmp_path / "rows.jsonl")],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert json.loads(made.stdout)["synthesized"] == 5
    assert made.stderr == ""
    for arguments, status, text in (
        (["nosuch"], 2, "nosuch"),
        (["firm", "--teacher", "gpt"], 2, "ollama:名称"),
        (["firm", "--into", str(tmp_path / "rows.jsonl")], 1, "已经存在"),
    ):
        failed = subprocess.run(
            [*command, *arguments], env=environment, capture_output=True, encoding="utf-8"
        )
        assert failed.returncode == status
        assert text in failed.stderr
        assert failed.stderr.count("\n") == 1


@pytest.mark.parametrize("size", ["tiny", "small", "large"])
def test_rows_are_prepared_as_they_were_made_and_split_by_page(
    size: str, settings: Settings, tmp_path: Path
) -> None:
    made(settings, tmp_path / "rows.jsonl", size=size)
    recipe = load_recipe(write_own_recipe(tmp_path / "rows.jsonl", "", tmp_path).path)
    run = Run(tmp_path / "run")
    prepare(recipe, run, progress=SilentProgress())
    sent = {
        tuple(m["content"] for m in row["messages"]) for row in rows_of(tmp_path / "rows.jsonl")
    }
    train, val = list(run.records("train")), list(run.records("val"))
    assert {(one.system, one.last.user, one.last.answer) for one in [*train, *val]} == sent
    assert not {one.group for one in train} & {one.group for one in val}
    assert all(one.group for one in val)


def test_an_empty_index_says_how_to_fill_it(home: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no pages") as raised:
        synthesize(load_settings(), "", tmp_path / "a.jsonl", progress=SilentProgress())
    assert "ingest FOLDER" in str(raised.value.hint)
