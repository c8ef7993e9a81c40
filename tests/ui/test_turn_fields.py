"""What the page is given of a turn, in the language of its reader."""

import pytest

from assistant.errors import ModelError
from assistant.events import AnswerDelta, Notice, ReasoningDelta
from assistant.models.scripted import ScriptedModel
from assistant.values import Answer, SentenceVerdict
from ingest.events import PageStored
from ingest.foundation.errors import SettingsError
from ingest.foundation.messages import Language, Message
from tests.ui.answered import QUESTION, answer_text, answered, fields, text_of
from tests.ui.page_in_memory import LIGHTS, failing, opening
from ui.session import PageTurn
from ui.turn_fields import TITLE_CHARACTERS, display_place, shorten_title

NO_MODEL = Notice(code="no_model", text=Message.bilingual("no model: run x", "没有模型：请运行 x"))


def test_a_citation_leads_to_its_passage_and_sources_are_numbered() -> None:
    shown = fields(answered(opening(ScriptedModel("Anti-collision ", "lights [1]."))))
    assert answer_text(shown).startswith("Anti-collision lights[1].") or answer_text(
        shown
    ).startswith("Anti-collision lights [1].")
    assert "cite" in str(shown["part.0"])
    (line,) = shown["sources"]["lines"]
    assert (line["n"], line["title"], line["url"]) == (1, "Night flights", LIGHTS)
    assert (line["detail"], line["fetched"]) == ("lights.test", "fetched 2026-01-01")
    (card,) = shown["passages"]
    assert "anti-collision lights" in card["text"]
    start, end = card["evidence"][0]
    assert "anti-collision lights" in card["text"][start:end]


def test_steps_tell_pages_read_and_skipped_with_the_reason() -> None:
    shown = fields(answered(opening(ScriptedModel("Lights [1]."))))
    assert shown["state"] == "done"
    assert shown["status"] == "Read 1 page, skipped 1"
    steps = [(step["icon"], step["name"], step["detail"]) for step in shown["steps"]]
    assert ("read", "Night flights", "lights.test") in steps
    assert ("skipped", "Shut", "shut.test · cannot be reached") in steps
    assert any(name.endswith("from 1 page") for _, name, _ in steps)


def test_two_pages_of_one_name_are_told_apart_by_their_place() -> None:
    turn = PageTurn(number=0, question=QUESTION, web=True, state="done")
    for url, title in (
        ("https://a.test/%E5%A4%9C", "Night"),
        ("https://www.a.test/b?q=1", "Night"),
        ("https://a.test/c", "Day"),
        ("https://b.test/d", "Night"),
    ):
        turn.pages.append(
            PageStored(url=url, title=title, chunks=1, embedded=1, robots="", fetcher="http")
        )
    shown = [(step["name"], step["detail"]) for step in fields(turn)["steps"]]
    assert shown == [
        ("Night", "a.test/夜"),
        ("Night", "a.test/b?q=1"),
        ("Day", "a.test"),
        ("Night", "b.test"),
    ]


def test_reasoning_is_apart_from_the_answer() -> None:
    model = ScriptedModel(ReasoningDelta(text="Let me see."), "Lights [1].")
    shown = fields(answered(opening(model)))
    assert text_of(shown["reasoning.0"]) == "Let me see."
    assert "Let me see" not in answer_text(shown)


def test_unsupported_sentences_are_told_from_the_others_and_trust_is_said() -> None:
    reply = (
        "A drone that flies at night needs anti-collision lights. "
        "They are visible for 9 statute miles [1]. Fly well!\n\n"
        "| Distance | Light |\n| --- | --- |\n| 9 statute miles | anti-collision \ue0ff |"
    )
    shown = fields(answered(opening(ScriptedModel(reply))))
    kinds = {name: value[0] for name, value in shown.items() if name.startswith("s.")}
    assert {"s.0": "supported", "s.1": "unsupported"}.items() <= kinds.items()
    assert "1 of 3 statements stand in the sources" in shown["trust"]
    (first, second, *_) = [
        node for node in shown["part.0"][0][2:] if isinstance(node, list) and node[0] == "sentence"
    ]
    assert "anti-collision lights" in text_of([first])
    assert "9 statute miles" in text_of([second])
    assert "anti-collision \ufffd" in answer_text(shown)  # a mark of ours in the model's text


def test_quotes_are_labelled_as_quotes() -> None:
    shown = fields(answered(opening(ScriptedModel("“Lights” [1].", kind="quotes"))))
    assert shown["kind"] == "quotes from pages, not an answer"


ERROR = ModelError(
    Message.bilingual("Ollama does not answer", "Ollama 没有响应"),
    kind="unreachable",
    hint=Message.bilingual("start it: ollama serve", "请启动它：ollama serve"),
)


def test_a_model_that_fails_says_what_to_do_in_each_language() -> None:
    turn = answered(opening(ScriptedModel(ERROR)))
    english, chinese = fields(turn), fields(turn, "zh")
    assert english["failure"] == {
        "message": "Ollama does not answer",
        "hint": 'Start Ollama on this computer, then press "Ask again".',
        "detail": "",
    }
    assert (english["state"], english["status"]) == ("failed", "Not answered")
    assert chinese["failure"]["message"] == "Ollama 没有响应"
    assert "未能回答" in chinese["status"]


def test_settings_that_cannot_be_read_are_a_failure_too() -> None:
    error = SettingsError(
        Message.bilingual("unknown key", "未知的键"), hint=Message.bilingual("fix", "请修改")
    )
    shown = fields(answered(failing(error), "夜间飞行"), "zh")
    assert shown["failure"] == {"message": "未知的键", "hint": "请修改", "detail": ""}


@pytest.mark.parametrize(
    ("language", "message", "said"),
    [
        ("en", "the model stopped (ReadError)", "The model stopped"),
        ("zh", "模型停止了（ReadError peer closed (chunked)）", "模型停止了"),
        ("en", "notes.pdf cannot be read (too large)", "notes.pdf cannot be read (too large)"),
    ],
)
def test_what_only_a_program_understands_stands_apart(
    language: Language, message: str, said: str
) -> None:
    error = ModelError(Message.verbatim(message), kind="failed")
    failure = fields(answered(opening(ScriptedModel(error))), language)["failure"]
    assert failure["message"] == said
    assert failure["detail"] in message


def test_without_the_web_an_empty_index_says_how_to_search() -> None:
    shown = fields(answered(opening(ScriptedModel("never")), web=False))
    assert 'Switch on "Search the web" below' in answer_text(shown)
    assert shown["steps"] == [] or "skipped" not in str(shown["steps"])


def test_small_talk_is_answered_and_nothing_is_said_to_have_been_read() -> None:
    shown = fields(answered(opening(ScriptedModel("never")), "thanks!", web=False))
    assert "Glad to help" in answer_text(shown)
    assert shown["status"] == "Replied"
    assert shown["steps"] == []


def test_all_that_we_say_follows_the_language() -> None:
    turn = answered(opening(ScriptedModel("Lights [1]."), NO_MODEL))
    english, chinese = str(fields(turn)), str(fields(turn, "zh"))
    for before, after in (
        ("Read 1 page, skipped 1", "阅读了 1 个网页，跳过 1 个"),
        ("cannot be reached", "无法访问"),
        ("Chose 1 passage from 1 page", "选出 1 个网页中的 1 个段落"),
        ("No model: run x", "没有模型：请运行 x"),
        ("'Sources'", "'来源'"),
    ):
        assert before in english
        assert after in chinese
        assert before not in chinese


def test_a_growing_answer_changes_its_last_part_alone() -> None:
    turn = PageTurn(number=0, question="q", web=False, state="running")
    paragraph = "夜间飞行应当开启灯光系统。" * 20 + "\n\n"
    seen: list[dict[str, object]] = []
    for piece in [paragraph * 4, "又", "一段"]:
        turn.apply_event(AnswerDelta(text=piece))
        seen.append(fields(turn))
    assert [name for name in seen[-1] if name.startswith("part.")] == ["part.0", "part.1"]
    assert seen[-1]["part.0"] == seen[-2]["part.0"]
    assert answer_text(seen[-1]) == "夜间飞行应当开启灯光系统。" * 80 + "又一段"


@pytest.mark.parametrize(
    ("streamed", "ends", "whole", "kept"),
    [
        ("\nA b. C d.\n\n\n- Q", [5, 10], "A b. C d.\n\n\n- Q", [4, 9]),
        ("A b. C d. C d. C d.\n\n- Q", [4, 9, 14], "A b. C d.\n\n- Q", [4, 9]),
        ("It is none.\n\nA b. C d.", [11, 17], "A b. C d.", [4]),
        ("Something else.", [15], "A b.", []),
    ],
)
def test_verdicts_stay_at_the_ends_of_their_sentences(
    streamed: str, ends: list[int], whole: str, kept: list[int]
) -> None:
    verdict = SentenceVerdict(kind="unsupported")
    checked = [(end, verdict) for end in ends]
    turn = PageTurn(number=0, question="q", web=False, text=streamed, checked=checked)
    turn._finish(Answer(text=whole, kind="model"))
    assert [end for end, _ in turn.checked] == kept


def test_a_long_title_is_cut() -> None:
    title = shorten_title("无人机 " * 100)
    assert len(title) == TITLE_CHARACTERS
    assert title.endswith("…")


def test_a_file_is_named_by_its_path_as_people_read_it() -> None:
    assert display_place("file:///home/me/%E7%AC%94%E8%AE%B0%20a.md") == "/home/me/笔记 a.md"
    assert display_place("https://www.faa.gov/x") == "faa.gov"
