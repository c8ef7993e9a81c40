"""A section answers with all of its text, or asks nothing."""

import pytest

from tests.finetune.synthesize.test_questions import answers_of


def test_a_sentence_that_leans_on_the_one_before_is_part_of_the_answer() -> None:
    text = "## May I wash the cover?\n\nSome owners boil it. This is a bad idea. Wipe it instead."
    assert answers_of(text, "faq") == {
        "May I wash the cover?": "Some owners boil it. This is a bad idea. Wipe it instead."
    }
    text = "## 可以水洗吗？\n\n有些用户会把外套放进热水。这样做会使它缩水。请用湿布擦拭外套。"
    assert answers_of(text, "faq") == {
        "可以水洗吗？": "有些用户会把外套放进热水。这样做会使它缩水。请用湿布擦拭外套。"
    }


@pytest.mark.parametrize(
    "text",
    [
        # What leads to something else stands at the end; a question does; a text is cut short.
        "## Order of the pumps\n\nThe pumps share one pipe.\n\nThey start in this order:",
        "## Order of the pumps\n\nThe pumps share one pipe of the house. Which comes first?",
        "## Order of the pumps\n\nWhy so?\n\nThe pumps share one pipe of the house.",
        "## Pumps of the house\n\nPumps share a pipe. Pumps share a pipe.",
        # It sends its reader elsewhere.
        "## Pumps of the house\n\nPumps share a pipe. That is discussed in the plan of the house.",
        "## 水泵的管道\n\n两台水泵共用一条管道。请遵守上一段的建议。",
        "## Pumps of the house\n\nPumps share a pipe of the house. See Plan of the pipes.",
        # Half of it is in the other language.
        "## 水泵的管道\n\n两台水泵共用一条管道。The second pump has a valve of its own.",
        "## Pumps of the house\n\nPumps share a pipe of the house. 第二台水泵有自己的阀门。",
        # A question that leads on, takes up what was said, or is a label of a button.
        "## What's next?\n\nThe house is ready for winter now, and the pumps are full.",
        "## 但是第二台水泵呢？\n\n第二台水泵有自己的阀门，可以单独关闭。",
        "## You are talking about pumps. Which ones?\n\nThe pumps of the house share a pipe.",
        "## What is hot?\n\nShows the help of the panel under the pointer until the next click.",
        # A step of a row of them, and a mode.
        "## Reads the meter\n\nThe meter of the house is read once by the first pump.",
    ],
)
def test_what_is_not_all_of_an_answer_asks_nothing(text: str) -> None:
    assert answers_of(text, "faq", "section") == {}


def test_a_mode_is_no_deed() -> None:
    text = "## Edit mode\n\nUse the green key to turn the mode on."
    assert list(answers_of(text)) == ["What does “Manual” say about “Edit mode”?"]
    text = "## Change the settings\n\nPress the green key and turn the wheel."
    assert list(answers_of(text)) == ["How do I change the settings?"]


def test_the_number_of_a_question_is_no_part_of_it() -> None:
    text = "## 8.3 How can I stop a pump?\n\nPress the red key for five seconds."
    assert list(answers_of(text, "faq")) == ["How can I stop a pump?"]
