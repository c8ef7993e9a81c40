"""Turns belong to the server: they go on, stop, wait, come back and are kept without any tab."""

import asyncio
import gc
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path

from assistant.conversations.store import ConversationStore
from assistant.events import AnswerDelta, ModelEvent, ReplyFinished
from assistant.models.scripted import ScriptedModel
from assistant.values import Prompt
from tests.ui.answered import LONGEST_S, QUESTION, service_of, wait
from tests.ui.page_in_memory import opening
from ui.service import AssistantService
from ui.session import Conversation, PageTurn


class PausingModel(ScriptedModel):
    """Says its script, and then waits for a test to let it say the rest."""

    def __init__(self, *script: str) -> None:
        super().__init__(*script)
        self.is_waiting = False
        self.is_released = False

    async def stream(self, prompt: Prompt) -> AsyncGenerator[ModelEvent, None]:
        """Yield the script, wait, and end."""
        self.prompts.append(prompt)
        for line in self._script:
            assert isinstance(line, str)
            yield AnswerDelta(text=line)
        self.is_waiting = True
        while not self.is_released:
            await asyncio.sleep(0.01)
        yield AnswerDelta(text=" And more.")
        yield ReplyFinished(reason="stop")


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LONGEST_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def asked(service: AssistantService, conversation: Conversation, question: str) -> PageTurn:
    turn = service.ask(conversation, question, web=True)
    assert turn is not None
    return turn


def test_a_stop_is_seen_at_once_and_what_was_written_stays() -> None:
    model = PausingModel("Lights at night [1].")
    service = service_of(opening(model))
    conversation = service.conversation("c")
    turn = asked(service, conversation, QUESTION)
    until(lambda: model.is_waiting)
    service.stop(conversation)
    assert turn.state == "stopped"
    model.is_released = True
    time.sleep(0.1)
    assert turn.state == "stopped"
    assert "more" not in turn.text
    assert [message.role for message in conversation.history(before=1)] == ["user", "assistant"]


def test_a_question_waits_for_the_answer_before_it() -> None:
    model = PausingModel("Lights at night [1].")
    service = service_of(opening(model))
    conversation = service.conversation("c")
    first = asked(service, conversation, QUESTION)
    until(lambda: model.is_waiting)
    second = asked(service, conversation, "Which lights does a drone need by day?")
    assert (first.state, second.state) == ("running", "waiting")
    model.is_released = True
    assert wait(second).state == "done"
    assert first.state == "done"
    assert any(QUESTION in message.content for message in model.prompts[-1].messages)


def test_a_turn_is_asked_again_in_its_place_with_other_words() -> None:
    model = ScriptedModel("Lights [1].")
    service = service_of(opening(model))
    conversation = service.conversation("c")
    wait(asked(service, conversation, QUESTION))
    wait(asked(service, conversation, "And by day?"))
    turn = service.ask_again(conversation, 0, question="Which lights does a plane need?", web=False)
    assert turn is not None
    assert wait(turn).state == "done"
    assert [turn.question for turn in conversation.turns] == ["Which lights does a plane need?"]
    assert not turn.web
    assert service.ask_again(conversation, 7) is None


def test_a_conversation_is_kept_and_found_again(tmp_path: Path) -> None:
    path = tmp_path / "conversations.sqlite"
    service = service_of(
        opening(ScriptedModel("Lights [1].")), open_store=lambda: ConversationStore(path)
    )
    conversation = service.conversation("c")
    turn = wait(asked(service, conversation, QUESTION))
    text, number = turn.text, turn.number
    until(lambda: not service._tasks)
    del conversation, turn
    gc.collect()
    again = service.conversation("c")
    assert (again.title, len(again.turns)) == ("Which lights does a drone need at night", 1)
    assert (again.turns[0].text, again.turns[0].number) == (text, number)
    assert again.turns[0].state == "done"
    assert path.stat().st_mode & 0o077 == 0


def test_a_turn_whose_program_ended_was_interrupted(tmp_path: Path) -> None:
    path = tmp_path / "conversations.sqlite"
    model = PausingModel("Lights at night [1].")
    service = service_of(opening(model), open_store=lambda: ConversationStore(path))
    conversation = service.conversation("c")
    asked(service, conversation, QUESTION)
    until(lambda: model.is_waiting)
    service.close()
    with ConversationStore(path) as store:
        (kept,) = store.turns("c")
    assert kept.state == "interrupted"
    assert kept.text.startswith("Lights")


def test_nothing_of_a_private_conversation_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "conversations.sqlite"
    service = service_of(
        opening(ScriptedModel("Lights [1].")), open_store=lambda: ConversationStore(path)
    )
    conversation = service.conversation("c")
    conversation.private = True
    wait(asked(service, conversation, QUESTION))
    until(lambda: not service._tasks)
    assert service.store is not None
    assert service.store.lines() == []


def test_a_store_that_cannot_be_opened_is_said_and_answers_go_on(tmp_path: Path) -> None:
    path = tmp_path / "conversations.sqlite"
    path.write_bytes(b"no database" * 100)
    service = service_of(
        opening(ScriptedModel("Lights [1].")), open_store=lambda: ConversationStore(path)
    )
    turn = wait(asked(service, service.conversation("c"), QUESTION))
    assert turn.state == "done"
    assert service.store_problem is not None
    assert str(path) in service.store_problem.localize("en")


def test_tabs_of_one_conversation_hold_the_same_one() -> None:
    service = service_of(opening(ScriptedModel()))
    first = service.conversation("c")
    assert service.conversation("c") is first
    assert service.conversation("d") is not first


def kept_service(path: Path, *script: str) -> AssistantService:
    model = ScriptedModel(*(script or ("Lights [1].",)))
    return service_of(opening(model), open_store=lambda: ConversationStore(path))


def test_two_programs_on_one_conversation_lose_no_turn(tmp_path: Path) -> None:
    path = tmp_path / "conversations.sqlite"
    first, second = kept_service(path), kept_service(path)
    here = first.conversation("c")
    wait(asked(first, here, QUESTION))
    until(lambda: not first._tasks)
    there = second.conversation("c")
    wait(asked(second, there, "And by day?"))
    until(lambda: not second._tasks)
    wait(asked(first, here, "And in fog?"))
    until(lambda: not first._tasks)
    with ConversationStore(path) as store:
        questions = [turn.question for turn in store.turns("c")]
    assert questions == [QUESTION, "And by day?", "And in fog?"]


def test_what_another_program_has_answered_is_seen_when_a_conversation_is_opened_again(
    tmp_path: Path,
) -> None:
    path = tmp_path / "conversations.sqlite"
    first, second = kept_service(path), kept_service(path)
    here = first.conversation("c")
    wait(asked(first, here, QUESTION))
    until(lambda: not first._tasks)
    there = second.conversation("c")
    wait(asked(second, there, "And by day?"))
    until(lambda: not second._tasks)
    with ConversationStore(path) as store:
        # One that the other program is still busy with: it would be shown as cut off.
        running = replace(store.turns("c")[1], number=2, state="running")
        store.put_turn("c", running, title="")
    assert [turn.question for turn in first.conversation("c").turns] == [QUESTION, "And by day?"]
    assert [turn.state for turn in here.turns] == ["done", "done"]


def test_a_turn_that_was_taken_out_while_it_was_answered_does_not_come_back(
    tmp_path: Path,
) -> None:
    path = tmp_path / "conversations.sqlite"
    model = PausingModel("Lights at night [1].")
    service = service_of(opening(model), open_store=lambda: ConversationStore(path))
    conversation = service.conversation("c")
    model.is_released = True
    wait(asked(service, conversation, QUESTION))
    model.is_waiting = model.is_released = False
    asked(service, conversation, "And by day?")
    until(lambda: model.is_waiting)
    model.is_released = True
    again = service.ask_again(conversation, 0, question="Which lights does a plane need?")
    assert again is not None
    wait(again)
    until(lambda: not service._tasks)
    with ConversationStore(path) as store:
        assert [turn.question for turn in store.turns("c")] == ["Which lights does a plane need?"]


def test_a_question_in_a_conversation_that_was_deleted_brings_it_back(tmp_path: Path) -> None:
    service = kept_service(tmp_path / "conversations.sqlite")
    conversation = service.conversation("c")
    wait(asked(service, conversation, QUESTION))
    until(lambda: not service._tasks)
    assert service.store is not None
    service.store.delete("c")
    wait(asked(service, conversation, "And by day?"))
    until(lambda: not service._tasks)
    assert [turn.question for turn in service.store.turns("c")] == [QUESTION, "And by day?"]
    service.store.clear()
    wait(asked(service, conversation, "And in fog?"))
    until(lambda: not service._tasks)
    assert service.store.lines() == []
    assert service.store_problem is not None
