"""A question with a pasted text is looked up by what it asks."""

import pytest

from assistant.answer.long_questions import WHOLE_CHARACTERS, condense_question

PASTE = {
    "en": "The committee met in March and heard nine reports. Budgets were approved after debate. "
    "How the money is spent was left open. " * 16,
    "zh": "委员会在三月举行会议，听取了九份报告。经过讨论，预算获得批准。如何使用资金尚未决定。"
    * 55,
}
ASKED = {
    "en": "What lights does a drone need at night?",
    "zh": "无人机夜间飞行需要什么灯光？",
}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "layout", ["{paste}\n{asked}", "{asked}\n{paste}", "{paste}\n{asked}\n{paste}"]
)
def test_question_beside_a_paste_is_looked_up_alone(language: str, layout: str) -> None:
    asked = ASKED[language]
    assert condense_question(layout.format(paste=PASTE[language], asked=asked)) == asked


@pytest.mark.parametrize(
    "question", ["", "drones?", "无人机", "a" * WHOLE_CHARACTERS, "One. Two? Three."]
)
def test_short_questions_stay_as_they_are(question: str) -> None:
    assert condense_question(question) == question


@pytest.mark.parametrize(
    ("language", "asked", "telling"),
    [("en", "What does this mean?", "budget"), ("zh", "这是什么意思？", "委员")],
)
def test_question_about_the_paste_takes_its_telling_words(
    language: str, asked: str, telling: str
) -> None:
    condensed = condense_question(f"{PASTE[language]}\n{asked}")
    assert condensed.startswith(asked)
    assert telling in condensed
    assert len(condensed) < WHOLE_CHARACTERS


@pytest.mark.parametrize(
    ("language", "request_"),
    [
        ("zh", "请说出无人机夜间飞行所需的灯光颜色。"),
        ("en", "Name the colour of lights that a drone needs at night."),
    ],
)
def test_request_without_a_question_mark_is_found_at_the_end(language: str, request_: str) -> None:
    condensed = condense_question(f"{PASTE[language]}\n{request_}")
    assert condensed.endswith(request_)
    assert len(condensed) < 2 * len(request_)


def test_questions_in_the_paste_do_not_displace_the_one_at_the_end() -> None:
    faq = "How long do batteries last? Ten minutes. May I fly indoors? Yes, you may. " * 20
    assert condense_question(f"{faq}\nThat is all. {ASKED['en']}").endswith(ASKED["en"])
    assert "batteries" not in condense_question(f"Dear all. Thanks. {faq} Well. {ASKED['en']}")


@pytest.mark.parametrize("text", ["word " * 50_000, "字" * 50_000, "? " * 50_000, "\n" * 5_000])
def test_what_is_looked_up_is_bounded(text: str) -> None:
    assert len(condense_question(f"drone {text}")) <= 3 * WHOLE_CHARACTERS
