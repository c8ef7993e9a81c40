"""Answers keep their snapshots, and no answer suffers where one cannot be kept."""

import logging
import sqlite3
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import ModelError
from assistant.events import AnswerDelta, AnswerFailed, Notice, ReasoningDelta
from assistant.models.scripted import ScriptedModel
from assistant.snapshots.store import SnapshotStore, delete_snapshots
from assistant.snapshots.writer import SnapshotWriter
from assistant.values import ChatMessage, Prompt, Question
from ingest.events import PageSkipped, PageStored
from ingest.foundation.messages import Message
from tests.snapshot_kit import (
    QUESTION,
    REPLY,
    SHUT,
    TEA,
    ask,
    assistant,
    finished,
    ids,
    kept,
    writer_at,
)

pytestmark = pytest.mark.anyio


async def test_a_snapshot_holds_all_that_the_answer_was_made_of(path: Path) -> None:
    writer = writer_at(path)
    model = ScriptedModel(REPLY)
    events = await ask(assistant(writer, model), top_k=2)
    await writer.close()
    snapshot = kept(path)
    answer = finished(events).answer
    assert answer.id == snapshot.id
    assert snapshot.answer == answer
    assert (snapshot.question.text, snapshot.question.top_k) == (QUESTION, 2)
    assert snapshot.search is not None
    assert [hit.url for hit in snapshot.search.hits] == [TEA, SHUT]
    pages = {page.url: page for page in snapshot.pages}
    assert isinstance(pages[TEA], PageStored)
    assert isinstance(pages[SHUT], PageSkipped)
    assert snapshot.passages[0].ranks.words == 1
    assert snapshot.evidence.blocks[0].signals is not None
    assert snapshot.model.name == model.name
    assert [message.role for message in snapshot.prompt] == ["system", "user"]
    assert QUESTION in snapshot.prompt[-1].content
    assert [each.verdict.kind for each in snapshot.sentences] == ["supported", "unsupported"]
    assert list(snapshot.seconds) == [
        "search", "read", "retrieve", "passages", "evidence", "reply", "first_word", "end",
    ]  # fmt: skip
    assert sorted(snapshot.seconds.values()) == list(snapshot.seconds.values())


async def test_the_conversation_and_the_question_made_of_it_are_kept(path: Path) -> None:
    writer = writer_at(path)
    turns = [
        ChatMessage(role="user", content=QUESTION),
        ChatMessage(role="assistant", content="80 degrees [1]. \ud800"),
    ]
    await ask(assistant(writer), "How long does it steep?", turns * 10)
    await writer.close()
    snapshot = kept(path)
    assert "tea" in snapshot.query
    assert snapshot.query != snapshot.question.text
    assert len(snapshot.history) == 12


@pytest.mark.parametrize("question", ["hello", "12*7"])
async def test_small_talk_leaves_nothing(question: str, path: Path) -> None:
    writer = writer_at(path)
    events = await ask(assistant(writer), question)
    await writer.close()
    assert finished(events).answer.id == ""
    assert not path.exists()


async def test_private_answers_and_switched_off_ones_leave_nothing(path: Path) -> None:
    writer = writer_at(path)
    assert finished(await ask(assistant(writer), private=True)).answer.id == ""
    assert finished(await ask(assistant(None))).answer.id == ""
    await writer.close()
    assert not path.exists()


class Failing(ScriptedModel):
    """Says half a sentence and fails."""

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Any, None]:
        yield AnswerDelta(text="The water should")
        raise ModelError(Message("no GPU left"), kind="failed")


async def test_a_failure_is_kept_with_what_it_had(path: Path) -> None:
    writer = writer_at(path)
    events = await ask(assistant(writer, Failing("")))
    await writer.close()
    assert isinstance(events[-1], AnswerFailed)
    snapshot = kept(path)
    assert snapshot.failure is not None
    assert (snapshot.failure.code, str(snapshot.failure.message)) == (
        "model",
        "the model failed to answer",
    )
    assert snapshot.answer is None
    assert snapshot.passages


class Musing(ScriptedModel):
    """Thinks until it is told not to."""

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Any, None]:
        if prompt.thinking:
            yield ReasoningDelta(text="Hm. ")
            return
        async for event in super().stream(prompt):
            yield event


async def test_a_second_try_without_thinking_is_kept_as_one(path: Path) -> None:
    writer = writer_at(path)
    await ask(assistant(writer, Musing(REPLY)))
    await writer.close()
    assert not kept(path).model.thinking


async def test_what_a_model_wrote_before_quotes_took_its_place_is_kept(path: Path) -> None:
    writer = writer_at(path)
    chinese = "绿茶应当用八十度左右的水来冲泡，而不要用刚刚烧开的水，并且大约需要泡上两分钟。"
    events = await ask(assistant(writer, ScriptedModel(chinese)))
    await writer.close()
    snapshot = kept(path)
    assert finished(events).answer.kind == "quotes"
    assert snapshot.rejected.strip() == chinese
    assert snapshot.model.kind == "model"
    assert all(each.text not in chinese for each in snapshot.sentences)


def directory(path: Path) -> None:
    path.mkdir()


def damaged(path: Path) -> None:
    path.write_bytes(b"this is no database" * 400)


def newer(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


@pytest.mark.parametrize("spoil", [directory, damaged, newer])
async def test_a_file_that_cannot_be_used_costs_one_notice_and_no_answer(
    spoil: Callable[[Path], None], path: Path
) -> None:
    spoil(path)
    told: list[Message] = []
    writer = writer_at(path, told)
    asked = assistant(writer)
    runs = [await ask(asked)]
    wait_for(writer)
    runs += [await ask(asked) for _ in range(2)]
    await writer.close()
    notices = [each for run in runs for each in run if isinstance(each, Notice)]
    shown = [notice.text for notice in notices if notice.code == "not_kept"] + told
    assert len(shown) == 1
    assert str(path) in str(shown[0])
    assert all("80 degrees" in finished(run).answer.text for run in runs)
    assert finished(runs[-1]).answer.id == ""


def wait_for(writer: SnapshotWriter) -> None:
    """Return when all that was to be written is written, or has failed."""
    writer._thread.submit(lambda: None).result(30)  # one thread: this comes behind the others


async def test_a_write_that_fails_is_told_by_its_id_each_time(path: Path) -> None:
    with SnapshotStore(path, keep=50, days=9):
        pass
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    told: list[Message] = []
    writer = writer_at(path, told)
    asked = assistant(writer)
    await ask(asked)
    wait_for(writer)
    other.execute("BEGIN IMMEDIATE")
    events = await ask(asked)
    assert "80 degrees" in finished(events).answer.text  # nobody waited for the lock
    wait_for(writer)
    other.execute("ROLLBACK")
    third = await ask(asked)
    (notice,) = [each for each in third if isinstance(each, Notice) and each.code == "not_kept"]
    assert f"answer {finished(events).answer.id}:" in str(notice.text)  # and not this one
    wait_for(writer)
    other.execute("BEGIN IMMEDIATE")
    fourth = await ask(asked)
    await writer.close()
    other.close()
    assert [finished(fourth).answer.id in str(one) for one in told] == [True]
    assert len(ids(path)) == 2


async def test_after_a_damaged_file_is_deleted_the_open_page_keeps_again(path: Path) -> None:
    damaged(path)
    writer = writer_at(path)
    asked = assistant(writer)
    await ask(asked)
    wait_for(writer)
    assert delete_snapshots(path) is None
    await ask(asked)
    wait_for(writer)
    fine = finished(await ask(asked)).answer.id
    wait_for(writer)
    assert fine in ids(path)
    path.unlink()  # by hand, while it is open
    again = finished(await ask(asked)).answer.id
    await writer.close()
    assert ids(path) == [again]


async def test_a_problem_is_no_warning_of_a_log(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damaged(path)
    writer = writer_at(path)
    await ask(assistant(writer))
    await writer.close()
    # Python prints warnings on stderr where nobody asked for a log.
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


async def test_a_problem_after_the_last_answer_is_told_at_the_end(path: Path) -> None:
    with SnapshotStore(path, keep=50, days=9):
        pass
    other = sqlite3.connect(path, isolation_level=None)
    told: list[Message] = []
    writer = writer_at(path, told)
    other.execute("BEGIN IMMEDIATE")
    await ask(assistant(writer))
    await writer.close()
    other.close()
    assert len(told) == 1
    assert "locked" in str(told[0])


async def test_a_consumer_that_leaves_at_the_answer_has_it_kept(path: Path) -> None:
    writer = writer_at(path)
    answer = await assistant(writer).answer(Question(QUESTION, web=True))
    await writer.close()
    assert ids(path) == [answer.id]
