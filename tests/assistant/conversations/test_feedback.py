"""What readers say of answers becomes rows that training reads, and goes with its conversation."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assistant.conversations.feedback import MAX_CORRECTION_CHARACTERS, Feedback, feedback_row
from assistant.conversations.store import ConversationStore
from assistant.conversations.turns import ConversationTurn
from assistant.events import AnswerFinished
from assistant.values import Answer, ChatMessage
from finetune.data.formats.feedback import parse_feedback_row
from finetune.data.formats.registry import FORMATS
from finetune.data.rows import RowError, RowFields
from finetune.recipe import DataTable

QUOTES = "来源原文：\n\n- 开灯"
PROMPT = (
    ChatMessage(role="system", content="用中文回答"),
    ChatMessage(role="user", content="资料：\n- 开灯\n\n问题：夜里飞?"),
)
TURN = ConversationTurn(
    number=0,
    question="夜里飞?",
    web=True,
    state="done",
    seconds=1.0,
    asked_at=datetime(2026, 1, 1, tzinfo=UTC),
    events=(
        AnswerFinished(
            answer=Answer(
                text=f"要开灯[1]。\n\n{QUOTES}", kind="model", quotes=QUOTES, id="7f3a0000"
            )
        ),
    ),
)


def parsed(row: dict[str, Any]) -> Any:
    fields = RowFields(json.loads(json.dumps(row)), DataTable(files=["x.jsonl"]))
    name = next(name for name, one in FORMATS.items() if one.matches(fields))
    assert name == "feedback"
    return parse_feedback_row(fields)


def test_a_good_answer_is_learnt_without_the_quotes_that_code_put_beneath() -> None:
    row = feedback_row(TURN, Feedback(rating="up"), prompt=PROMPT)
    (turn,) = parsed(row).turns
    assert (turn.user, turn.answer) == (PROMPT[1].content, "要开灯[1]。")
    assert parsed(row).system == "用中文回答"
    assert "rejected" not in row


def test_a_correction_is_learnt_in_place_of_what_was_said() -> None:
    feedback = Feedback(rating="down", reasons=("wrong",), correction="要开灯，并登记。")
    row = feedback_row(TURN, feedback, prompt=PROMPT)
    assert parsed(row).turns[0].answer == "要开灯，并登记。"
    assert row["rejected"] == "要开灯[1]。"
    assert row["answer_id"] == "7f3a0000"


def test_a_bad_answer_without_a_correction_teaches_nothing() -> None:
    row = feedback_row(TURN, Feedback(rating="down", reasons=("off_topic",)))
    assert row["messages"] == [{"role": "user", "content": "夜里飞?"}]
    with pytest.raises(RowError, match="nobody corrected"):
        parsed(row)


@pytest.mark.parametrize(
    ("rating", "reasons", "correction", "kept"),
    [
        ("up", [], None, Feedback(rating="up")),
        (
            "down",
            ["wrong", "evil", 3],
            " x ",
            Feedback(rating="down", reasons=("wrong",), correction="x"),
        ),
        (
            "down",
            [],
            "字" * 50_000,
            Feedback(rating="down", correction="字" * MAX_CORRECTION_CHARACTERS),
        ),
        ("sideways", [], "", None),
        (None, [], "", None),
    ],
)
def test_what_comes_from_a_browser_is_checked(
    rating: object, reasons: list[object], correction: object, kept: Feedback | None
) -> None:
    assert Feedback.checked(rating, reasons, correction) == kept


def test_feedback_is_replaced_survives_asking_again_and_goes_with_its_conversation(
    tmp_path: Path,
) -> None:
    good, bad = Feedback(rating="up"), Feedback(rating="down", reasons=("wrong", "language"))
    with ConversationStore(tmp_path / "c.sqlite") as store:
        store.put_turn("a", TURN, title="t")
        store.put_feedback("a", 0, good, feedback_row(TURN, good))
        store.put_feedback("a", 0, bad, feedback_row(TURN, bad))
        store.remove_turns("a", start=0)
        # Of training it is still a row, and of the turn in its place it says nothing.
        assert store.feedback("a") == {}
        assert [json.loads(row)["rating"] for row in store.feedback_rows()] == ["down"]
        store.delete("a")
        assert store.feedback_rows() == []
        store.clear()
        assert store.feedback("a") == {}
