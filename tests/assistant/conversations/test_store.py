"""Conversations are kept, found, renamed, deleted and brought back."""

import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assistant.conversations.store import UNDO_S, ConversationStore, new_conversation_id
from assistant.conversations.turns import ConversationTurn, title_of
from assistant.errors import ConversationError, ConversationNotFoundError
from assistant.events import AnswerDelta, AnswerFailed, AnswerFinished, Notice
from assistant.values import Answer, ChatMessage
from ingest.foundation.messages import Message


def turn(
    number: int, question: str = "Which lights?", text: str = "Green ones."
) -> ConversationTurn:
    return ConversationTurn(
        number=number,
        question=question,
        web=True,
        state="done",
        seconds=1.5,
        asked_at=datetime(2026, 1, 1, tzinfo=UTC),
        events=(
            Notice(code="no_model", text=Message.bilingual("none", "没有")),
            AnswerDelta(text=text[:3]),
            AnswerDelta(text=text[3:]),
            AnswerFinished(answer=Answer(text=text, kind="model")),
        ),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "conversations.sqlite"


def test_a_file_of_an_older_version_learns_what_answers_came_from(path: Path) -> None:
    with ConversationStore(path) as store:
        store.put_turn("a", turn(0), title="Lights")
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE turn_collections")
    with ConversationStore(path) as store:
        store.put_turn("a", replace(turn(1), collections=("论文", "web")), title="Lights")
        store.put_turn("a", replace(turn(1), collections=("论文",)), title="Lights")
        assert [one.collections for one in store.turns("a")] == [(), ("论文",)]
        store.remove_turns("a", start=1)
        store.put_turn("a", turn(1), title="Lights")
        assert [one.collections for one in store.turns("a")] == [(), ()]


def test_turns_come_back_as_they_were(path: Path) -> None:
    with ConversationStore(path) as store:
        store.put_turn("a", turn(0), title="Lights")
        store.put_turn("a", turn(1, "And by day?", "None."), title="another title")
    with ConversationStore(path) as store:
        first, second = store.turns("a")
        assert store.title("a") == "Lights"
    assert (first.question, first.text, first.web, first.seconds) == (
        "Which lights?",
        "Green ones.",
        True,
        1.5,
    )
    assert [event.type for event in first.events] == ["notice", "answer_delta", "answer_finished"]
    assert first.events[0].text.localize("zh") == "没有"
    assert second.messages() == (
        ChatMessage(role="user", content="And by day?"),
        ChatMessage(role="assistant", content="None."),
    )


def test_a_turn_of_the_same_number_is_replaced_and_later_ones_can_go(path: Path) -> None:
    with ConversationStore(path) as store:
        for number in range(3):
            store.put_turn("a", turn(number), title="t")
        store.put_turn("a", turn(0, "Other words?"), title="t")
        store.remove_turns("a", start=1)
        assert [kept.question for kept in store.turns("a")] == ["Other words?"]


def test_the_last_used_is_the_first_in_the_list(path: Path) -> None:
    now = [1_000_000.0]
    with ConversationStore(path, clock=lambda: now[0]) as store:
        for name in ("a", "b"):
            now[0] += 1
            store.put_turn(name, turn(0), title=name)
        now[0] += 1
        store.put_turn("a", turn(1), title="a")
        assert [line.id for line in store.lines()] == ["a", "b"]
        assert store.lines()[0].updated_at == datetime.fromtimestamp(now[0], UTC)
        assert len(store.lines(limit=1)) == 1


@pytest.mark.parametrize("wanted", ["灯光", "GREEN", "100%", " lights? "])
def test_search_finds_titles_questions_and_answers(path: Path, wanted: str) -> None:
    with ConversationStore(path) as store:
        store.put_turn("a", turn(0, "夜间灯光 lights?", "Green, 100%."), title="t")
        store.put_turn("b", turn(0, "Tea", "Hot."), title="Tea")
        assert [line.id for line in store.lines(search=wanted)] == ["a"]
        assert store.lines(search="_") == []


def test_a_deleted_one_is_out_of_sight_and_comes_back(path: Path) -> None:
    with ConversationStore(path) as store:
        store.put_turn("a", turn(0), title="t")
        store.delete("a")
        assert store.lines() == []
        assert store.title("a") is None
        with pytest.raises(ConversationNotFoundError):
            store.turns("a")
        with pytest.raises(ConversationNotFoundError):
            store.delete("a")
        assert store.is_deleted("a")
        with pytest.raises(ConversationNotFoundError):
            store.put_turn("a", turn(1), title="t")  # its answer ends after it was deleted
        store.restore("a")
        assert not store.is_deleted("a")
        assert len(store.turns("a")) == 1


def test_a_deleted_one_is_overwritten_when_its_time_is_over(path: Path) -> None:
    with ConversationStore(path, clock=lambda: 0.0) as store:
        store.put_turn("a", turn(0, text="a secret that goes"), title="t")
        store.delete("a")
    later = ConversationStore(path, clock=lambda: UNDO_S + 1)
    with later as store, pytest.raises(ConversationNotFoundError):
        store.restore("a")
    assert b"a secret" not in path.read_bytes()


def test_a_title_is_changed_and_a_blank_one_is_none(path: Path) -> None:
    with ConversationStore(path) as store:
        store.put_turn("a", turn(0), title="t")
        store.rename("a", "  夜航 \n灯光 ")
        store.rename("a", "   ")
        assert store.title("a") == "夜航 灯光"
        with pytest.raises(ConversationNotFoundError):
            store.rename("b", "x")


def test_all_are_deleted_at_once(path: Path) -> None:
    with ConversationStore(path) as store:
        store.put_turn("a", turn(0), title="t")
        store.put_turn("b", turn(0), title="t")
        assert store.clear() == 2
        assert store.lines() == []


def test_two_stores_write_at_the_same_time(path: Path) -> None:
    def write(name: str) -> None:
        with ConversationStore(path) as store:
            for number in range(20):
                store.put_turn(name, turn(number), title=name)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with ConversationStore(path) as store:
        assert [len(store.turns(name)) for name in "abc"] == [20, 20, 20]


def test_the_file_is_its_owners_alone(path: Path) -> None:
    with ConversationStore(path) as store:
        store.put_turn("a", turn(0), title="t")
        assert {file.stat().st_mode & 0o077 for file in path.parent.iterdir()} == {0}


def test_a_damaged_file_is_one_clear_line(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(ConversationError, match="cannot be kept in"):
        ConversationStore(path)


def test_a_file_that_another_program_writes_is_no_damaged_one(path: Path) -> None:
    with ConversationStore(path) as store, closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ConversationError, match=r"another process keeps .+ locked") as caught:
            store.put_turn("c", turn(0), title="t")
    assert "moment" in str(caught.value.hint)


def test_a_file_of_another_version_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(ConversationError, match="another version"):
        ConversationStore(path)


def test_one_turn_that_cannot_be_read_does_not_take_the_others_along(path: Path) -> None:
    with ConversationStore(path) as store:
        store.put_turn("a", turn(0), title="t")
        store.put_turn("a", turn(1), title="t")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE turns SET body = x'00' WHERE number = 0")
    with ConversationStore(path) as store:
        first, second = store.turns("a")
    assert (first.question, first.events) == ("Which lights?", ())
    assert second.text == "Green ones."


def test_what_was_written_before_a_failure_counts_as_said() -> None:
    failed = AnswerFailed(code="model", message=Message("gone"))
    broken = ConversationTurn(
        number=0,
        question="q",
        web=False,
        state="failed",
        seconds=0.0,
        asked_at=datetime.now(UTC),
        events=(AnswerDelta(text="Half an"), failed),
    )
    assert broken.failure == failed
    assert [message.content for message in broken.messages()] == ["q", "Half an"]


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("无人机夜间飞行需要什么条件?", "无人机夜间飞行需要什么条件"),
        ("\n  What   is UTC? \nAnd GMT?", "What is UTC"),
        (
            "What is the difference between coordinated universal time and GMT?",
            "What is the difference between…",
        ),
        ("字" * 60, "字" * 40 + "…"),
        ("???", "???"),
    ],
)
def test_a_title_is_the_first_line_shortened(question: str, title: str) -> None:
    assert title_of(question) == title


def test_ids_are_not_guessed() -> None:
    assert len({new_conversation_id() for _ in range(100)}) == 100
    assert len(new_conversation_id()) == 12
