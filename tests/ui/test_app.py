"""The page's logic, from a question typed to what is shown."""

import pytest
from streamlit.testing.v1 import AppTest

from assistant.errors import ModelError
from assistant.events import Notice, ReasoningDelta
from assistant.models.scripted import ScriptedModel
from ingest.foundation.errors import SettingsError
from ingest.foundation.messages import Message
from tests.ui.page_in_memory import LIGHTS, failing, opening, page

QUESTION = "Which lights does a drone need at night?"


def ask(test: AppTest, question: str = QUESTION) -> AppTest:
    test.chat_input[0].set_value(question).run()
    assert not test.exception
    return test


def shown_text(test: AppTest) -> str:
    return "\n".join(each.value for each in [*test.markdown, *test.caption])


def test_a_question_is_answered_with_linked_citations_and_numbered_sources() -> None:
    test = ask(page(opening(ScriptedModel("Anti-collision ", "lights [1]."))))
    assert f'Anti-collision lights [\\[1\\]](<{LIGHTS}> "Night flights").' in shown_text(test)
    assert "**Sources**" in shown_text(test)
    assert f"\\[1\\] [Night flights](<{LIGHTS}>" in shown_text(test)
    assert "lights\\.test · fetched 2026-01-01" in shown_text(test)


def test_the_folded_status_tells_pages_read_and_skipped_with_the_reason() -> None:
    test = ask(page(opening(ScriptedModel("Lights [1]."))))
    assert test.status[0].label.startswith("Read 1 page, skipped 1 ·")
    assert test.status[0].state == "complete"
    steps = "\n".join(each.value for each in test.status[0].markdown)
    assert "Night flights · :gray[lights\\.test]" in steps
    assert "Shut · shut\\.test] · cannot be reached" in steps
    assert "from 1 page" in steps


def test_reasoning_is_folded_and_kept_out_of_answer_and_history() -> None:
    model = ScriptedModel(ReasoningDelta(text="Let me see."), "Lights [1].")
    test = ask(ask(page(opening(model))), "And by day?")
    assert [status.label for status in test.status][1] == "Reasoning"
    assert "Let me see" in test.status[1].markdown[0].value
    history = [message.content for message in model.prompts[-1].messages]
    assert any(QUESTION in text for text in history)
    assert not any("Let me see" in text for text in history)


def test_an_unsupported_sentence_has_a_sign_and_the_answer_a_line_on_its_trust() -> None:
    reply = (
        "A drone that flies at night needs anti-collision lights. "
        "They are visible for 9 statute miles [1]. Fly well!\n\n"
        "| Distance | Light |\n| --- | --- |\n| 9 statute miles | anti-collision \ue0ff |"
    )
    test = ask(page(opening(ScriptedModel(reply))))
    text = shown_text(test)
    assert "for 9 statute miles. :gray[(?)] Fly well" in text
    assert "| 9 statute miles | anti-collision \ufffd :gray[(?)] |" in text
    assert "1 of 3 statements stand in the sources" in text
    assert "lights [\\[1\\]]" in text


def test_quotes_are_labelled_as_quotes() -> None:
    test = ask(page(opening(ScriptedModel("“Lights” [1].", kind="quotes"))))
    assert "quotes from pages, not an answer" in shown_text(test)


def test_a_model_that_fails_is_one_red_box_that_says_what_to_do() -> None:
    error = ModelError(
        Message.bilingual("Ollama does not answer", "Ollama 没有回应"),
        kind="unreachable",
        hint=Message.bilingual("start it: ollama serve", "请启动它：ollama serve"),
    )
    test = ask(page(opening(ScriptedModel(error))))
    assert [box.value for box in test.error] == [
        "**Ollama does not answer**\n\nstart it\\: ollama serve"
    ]
    assert test.status[0].state == "error"
    assert not test.chat_input[0].disabled


def test_settings_that_cannot_be_read_are_a_red_box_too() -> None:
    error = SettingsError(
        Message.bilingual("unknown key", "未知的键"), hint=Message.bilingual("fix", "请修改")
    )
    test = ask(page(failing(error), locale="zh-CN"), "夜间飞行")
    assert [box.value for box in test.error] == ["**未知的键**\n\n请修改"]


def test_without_the_web_an_empty_index_says_how_to_search() -> None:
    test = page(opening(ScriptedModel("never")))
    test.toggle(key="web").set_value(False)
    ask(test)
    assert 'Switch on "Search the web" below' in shown_text(test)
    assert "skipped" not in shown_text(test)


def test_small_talk_is_answered_and_nothing_is_said_to_have_been_read() -> None:
    test = page(opening(ScriptedModel("never")))
    test.toggle(key="web").set_value(False)
    ask(test, "thanks!")
    assert "Glad to help" in shown_text(test)
    assert test.status[0].label.startswith("Replied ·")
    assert not test.status[0].markdown


NO_MODEL = Notice(code="no_model", text=Message.bilingual("no model: run x", "没有模型：请运行 x"))


def test_notices_are_shown_and_follow_when_the_language_is_switched() -> None:
    test = ask(page(opening(ScriptedModel("Lights [1]."), NO_MODEL)))
    assert ":material/info: no model\\: run x" in shown_text(test)
    test.segmented_control(key="lang").set_value("zh").run()
    assert "没有模型：请运行 x" in shown_text(test)
    assert "no model" not in shown_text(test)


def test_a_new_conversation_forgets_the_old_one() -> None:
    model = ScriptedModel("Lights [1].")
    test = ask(page(opening(model)))
    test.button(key="new").click().run()
    assert "Lights" not in shown_text(test)
    ask(test, "Which lights does a drone need by day?")
    assert not any(QUESTION in message.content for message in model.prompts[-1].messages)


def test_an_example_question_is_asked_with_a_click() -> None:
    test = page(opening(ScriptedModel("Lights [1].")))
    test.button(key="example-0").click().run()
    assert "What do I need to fly a drone at night?" in shown_text(test).replace("\\", "")
    assert "**Sources**" in shown_text(test)


@pytest.mark.parametrize(
    ("locale", "title"), [("zh-CN", "求证"), ("zh-Hant-TW", "求证"), ("en-GB", "Qiuzheng")]
)
def test_the_page_speaks_the_language_of_the_browser(locale: str, title: str) -> None:
    assert page(opening(ScriptedModel()), locale=locale).sidebar.title[0].value == title


def switch_language(test: AppTest, language: str) -> str:
    """Switch, and return all text of the conversation as it is drawn then."""
    test.segmented_control(key="lang").set_value(language).run()
    assert not test.exception
    boxes = [box.value for box in test.error]
    return "\n".join([*(status.label for status in test.status), shown_text(test), *boxes])


def test_past_answers_their_notices_and_skipped_pages_follow_the_language() -> None:
    test = ask(page(opening(ScriptedModel("Lights [1]."), NO_MODEL)))
    english = switch_language(test, "en")
    chinese = switch_language(test, "zh")
    for before, after in (
        ("Read 1 page, skipped 1 ·", "阅读了 1 个网页，跳过 1 个 ·"),
        ("shut\\.test] · cannot be reached", "shut\\.test] · 无法访问"),
        ("Chose 1 passage from 1 page", "选出 1 个网页中的 1 个段落"),
        ("no model\\: run x", "没有模型：请运行 x"),
        ("**Sources**", "**来源**"),
    ):
        assert before in english
        assert after in chinese
        assert before not in chinese
    assert switch_language(test, "en") == english


def test_a_past_failure_follows_the_language() -> None:
    error = ModelError(
        Message.bilingual("Ollama does not answer", "Ollama 没有回应"),
        kind="unreachable",
        hint=Message.bilingual("start it: ollama serve", "请启动它：ollama serve"),
    )
    test = ask(page(opening(ScriptedModel(error))))
    chinese = switch_language(test, "zh")
    assert "**Ollama 没有回应**\n\n请启动它：ollama serve" in chinese
    assert "does not answer" not in chinese
    assert "没有完成" in chinese


def test_a_title_with_markup_in_it_is_shown_as_it_is() -> None:
    title = "Night ![x](https://evil.test/i.png) [flights](https://evil.test) <b>"
    words = shown_text(ask(page(opening(ScriptedModel("Lights [1]."), title=title))))
    assert "](https://evil.test" not in words
    assert "![x]" not in words


def test_blank_questions_are_not_asked() -> None:
    test = page(opening(ScriptedModel()))
    test.chat_input[0].set_value("   ").run()
    assert not test.chat_message
