"""What the page fetches: whole turns first, then what changes of the one that grows."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from assistant.conversations.store import ConversationStore
from assistant.events import AnswerDelta, AnswerFinished
from assistant.models.scripted import ScriptedModel
from assistant.values import Answer
from tests.ui.page_in_memory import opening
from ui.components import list_revision
from ui.routes import conversation_routes, is_own_host, stream_conversation, turn_key
from ui.service import AssistantService
from ui.session import Conversation, PageTurn


def lines_of(conversation: Conversation, *, have: frozenset[str] = frozenset()) -> list[Any]:
    async def read() -> list[Any]:
        stream = stream_conversation(conversation, "en", have=have)
        return [json.loads(line) async for line in stream if line.strip()]

    return asyncio.run(read())


def ended(number: int, text: str) -> PageTurn:
    turn = PageTurn(number=number, question=f"q{number}", web=False, state="running")
    turn.apply_event(AnswerFinished(answer=Answer(text=text, kind="model")))
    turn.state = "done"
    return turn


def test_a_finished_conversation_is_sent_whole_and_the_stream_ends() -> None:
    conversation = Conversation(id="c", turns=[ended(0, "One."), ended(1, "Two.")])
    order, *turns = lines_of(conversation)
    assert order == {"order": [turn_key(turn) for turn in conversation.turns], "live": False}
    assert [turn["set"]["question"] for turn in turns] == ["q0", "q1"]
    assert "Two." in str(turns[1]["set"]["part.0"])


def test_turns_that_the_asker_has_are_not_sent_again() -> None:
    conversation = Conversation(id="c", turns=[ended(0, "One."), ended(1, "Two.")])
    have = frozenset({f"{turn_key(conversation.turns[0])}.{conversation.turns[0].revision}"})
    _, *turns = lines_of(conversation, have=have)
    assert [turn["set"]["question"] for turn in turns] == ["q1"]


def test_of_a_growing_answer_only_what_changes_is_sent() -> None:
    turn = PageTurn(number=0, question="q", web=False, state="running")
    conversation = Conversation(id="c", turns=[turn])

    async def read() -> list[Any]:
        lines = []
        turn.apply_event(AnswerDelta(text="One."))
        async for line in stream_conversation(conversation, "en"):
            if not line.strip():
                continue
            lines.append(json.loads(line))
            if len(lines) == 2:  # order, and the turn as it was
                turn.apply_event(AnswerDelta(text=" Two."))
            if len(lines) == 3:
                turn.apply_event(AnswerFinished(answer=Answer(text="One. Two.", kind="model")))
                turn.state = "done"
        return lines

    first, whole, grown, *rest = asyncio.run(read())
    assert first["live"]
    assert "question" in whole["set"]
    assert grown["set"] == {"part.0": [["p", None, "One. Two."]]}
    assert rest[0]["live"] is False
    assert rest[-1]["set"]["state"] == "done"


def test_the_list_has_another_revision_when_another_tab_has_changed_it(home: Path) -> None:
    service = AssistantService(
        opening(ScriptedModel("Lights [1].")),
        open_store=lambda: ConversationStore(home / "conversations.sqlite"),
    )
    client = TestClient(
        Starlette(routes=conversation_routes(lambda: service)), base_url="http://127.0.0.1:8501"
    )

    def revision() -> str:
        return str(client.get("/conversations").json()["revision"])

    try:
        seen = [revision()]
        service.ask(service.conversation("c"), "Which lights?", web=False)
        seen.append(revision())
        store = service.store
        assert store is not None
        assert list_revision(store.lines()) == seen[-1]
        for change in (
            lambda: store.rename("c", "Lights"),
            lambda: store.delete("c"),
            lambda: store.restore("c"),
        ):
            change()
            seen.append(revision())
        assert seen[1] != seen[2] == seen[4]
        assert seen[0] == seen[3]
        foreign = client.get("/conversations", headers={"Host": "evil.test"})
        assert foreign.status_code == 403
    finally:
        service.close()


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1:8501", True),
        ("localhost:8501", True),
        ("[::1]:8501", True),
        ("192.168.1.4:8501", True),
        ("qa.home:8501", True),
        ("evil.test", False),
        ("evil.test:8501", False),
        ("localhost.evil.test", False),
        ("", False),
    ],
)
def test_only_requests_that_name_this_server_are_answered(host: str, own: bool) -> None:
    assert is_own_host(host, configured=["qa.home"]) is own
