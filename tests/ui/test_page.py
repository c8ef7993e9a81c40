"""What Streamlit draws of the page: its words, switches and example questions."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from streamlit.runtime.scriptrunner import RerunData
from streamlit.testing.v1 import AppTest, local_script_runner

from assistant.models.scripted import ScriptedModel
from tests.ui.page_in_memory import OPENED, opening, page
from ui.service import AssistantService
from ui.session import Conversation

QUESTION = "Which lights does a drone need at night?"


def conversation_of(test: AppTest) -> Conversation:
    conversation = test.session_state["open"]
    assert isinstance(conversation, Conversation)
    return conversation


def ask(test: AppTest, question: str = QUESTION) -> AppTest:
    test.chat_input[0].set_value(question).run()
    assert not test.exception
    return test


def fragment_ids(test: AppTest) -> list[str]:
    """Return the parts of the page that are drawn again by themselves."""
    return list(test._fragment_storage._fragments)


@pytest.mark.parametrize(
    ("locale", "title"), [("zh-CN", "求证"), ("zh-Hant-TW", "求证"), ("en-GB", "Qiuzheng")]
)
def test_the_page_speaks_the_language_of_the_browser(locale: str, title: str) -> None:
    test = page(opening(ScriptedModel()), locale=locale)
    assert test.sidebar.title[0].value == title


def test_the_language_is_switched_and_stays_in_the_address() -> None:
    test = page(opening(ScriptedModel()))
    test.segmented_control(key="lang").set_value("zh").run()
    assert test.sidebar.title[0].value == "求证"
    assert test.query_params["lang"] == "zh"


def test_a_question_begins_a_conversation_that_the_address_names() -> None:
    test = ask(page(opening(ScriptedModel("Lights [1]."))))
    conversation = conversation_of(test)
    assert [turn.question for turn in conversation.turns] == [QUESTION]
    assert conversation.turns[0].web
    assert test.query_params["c"] == conversation.id


def test_the_switch_of_the_web_counts_for_the_next_question() -> None:
    test = page(opening(ScriptedModel("Lights [1].")))
    test.toggle(key="web").set_value(False)
    assert not conversation_of(ask(test)).turns[0].web


def test_blank_questions_are_not_asked() -> None:
    test = ask(page(opening(ScriptedModel())), "   ")
    assert conversation_of(test).turns == []


def test_an_example_question_is_asked_with_a_click() -> None:
    test = page(opening(ScriptedModel("Lights [1].")))
    test.button(key="example-0").click().run()
    assert conversation_of(test).turns[0].question == "What do I need to fly a drone at night?"


@pytest.mark.parametrize("widget", ["typed", "example"])
def test_a_press_that_a_polled_part_sends_along_counts_once(
    monkeypatch: pytest.MonkeyPatch, widget: str
) -> None:
    test = page(opening(ScriptedModel("Lights [1].")))
    conversation = conversation_of(test)
    (polled,) = fragment_ids(test)

    line, example = test.chat_input[0], test.button(key="example-0")

    def press() -> None:
        (line.set_value(QUESTION) if widget == "typed" else example.click()).run()

    # Streamlit's browser sends it with the part that is due, and then with the whole page.
    with monkeypatch.context() as patch:
        patch.setattr(local_script_runner, "RerunData", partial(RerunData, fragment_id=polled))
        press()
    assert conversation.turns == []
    press()
    assert len(conversation.turns) == 1


def test_a_question_that_is_sent_twice_is_asked_once_until_it_is_drawn() -> None:
    service = AssistantService(opening(ScriptedModel("Lights [1].")))
    OPENED.append(service)
    conversation = Conversation(id="c")

    def script(service: "AssistantService", conversation: "Conversation") -> None:
        from ui.question_line import ask, draw_question_line, forget_submission

        ask(service, conversation, "Which lights?")
        ask(service, conversation, "Which lights?")
        forget_submission(draw_question_line(service, conversation, "en"))

    parts = {"service": service, "conversation": conversation}
    test = AppTest.from_function(script, kwargs=parts, default_timeout=30).run()
    assert not test.exception
    assert len(conversation.turns) == 1
    test.run()
    assert len(conversation.turns) == 2


def test_the_next_question_is_about_the_same_files_where_the_choice_is_not_drawn_yet(
    home: Path,
) -> None:
    service = AssistantService(opening(ScriptedModel("In drawer 8 [1].")))
    OPENED.append(service)
    conversation = Conversation(id="c")

    def script(service: "AssistantService", conversation: "Conversation") -> None:
        from types import SimpleNamespace

        import streamlit as st

        from ui.question_line import ask

        content = memoryview(b"The key is in drawer 8.")
        ask(
            service,
            conversation,
            "Which drawer?",
            uploads=[SimpleNamespace(name="cellar.md", getbuffer=lambda: content)],
        )
        # As Streamlit does for a widget that the browser has not told of.
        del st.session_state[f"collections-{conversation.id}"]
        ask(service, conversation, "And the spare one?")

    parts = {"service": service, "conversation": conversation}
    assert not AppTest.from_function(script, kwargs=parts, default_timeout=30).run().exception
    assert [turn.collections for turn in conversation.turns] == [("cellar.md",)] * 2


def test_a_file_that_is_taken_away_below_the_line_stays_away(home: Path) -> None:
    test = page(opening(ScriptedModel("In drawer 8 [1].")))
    conversation = conversation_of(test)
    conversation.add_question("Which drawer?", web=False, collections=("cellar.md",))
    test.run().multiselect[0].set_value([]).run()
    test.run()
    assert test.multiselect[0].value == []
    ask(test, "And the spare one?")
    assert [turn.collections for turn in conversation.turns] == [("cellar.md",), ()]


def test_who_asks_the_same_again_is_answered_again() -> None:
    test = ask(ask(page(opening(ScriptedModel("Lights [1].")))))
    assert [turn.question for turn in conversation_of(test).turns] == [QUESTION] * 2


def test_a_new_conversation_is_empty_and_the_old_one_is_still_there() -> None:
    test = ask(page(opening(ScriptedModel("Lights [1]."))))
    before = conversation_of(test)
    test.button(key="new").click().run()
    assert conversation_of(test).turns == []
    assert "c" not in test.query_params
    assert OPENED[0].conversation(before.id) is before


def test_a_question_cannot_be_longer_than_what_is_answered() -> None:
    assert page(opening(ScriptedModel())).chat_input[0].proto.max_chars == 4_000


def test_settings_that_cannot_be_read_are_said_before_the_first_question(home: Path) -> None:
    (home / "assistant.toml").write_text("[model\nname = 3\n")
    test = page(opening(ScriptedModel()))
    assert "is not valid TOML" in test.error[0].value
    assert not test.info
    (home / "assistant.toml").unlink()
    assert not test.run().error


def test_what_is_drawn_again_by_itself_leaves_no_gap_when_it_is_taken_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Streamlit does so on a slow machine, and a browser draws nothing behind a gap.
    sent: list[Any] = []
    parse = local_script_runner.parse_tree_from_messages

    def parse_and_keep(messages: list[Any]) -> Any:
        sent.extend(messages)
        return parse(messages)

    monkeypatch.setattr(local_script_runner, "parse_tree_from_messages", parse_and_keep)
    page(opening(ScriptedModel()))
    deltas = [message for message in sent if message.WhichOneof("type") == "delta"]
    assert any(message.delta.fragment_id for message in deltas)
    kept = {
        tuple(message.metadata.delta_path) for message in deltas if not message.delta.fragment_id
    }
    for path in kept:
        *parent, index = path
        assert index == 0 or (*parent, index - 1) in kept, path
