"""What is no question to the pages is told apart, and answered by code."""

from datetime import UTC, datetime

import pytest

from assistant.answer.small_talk import (
    HELP,
    IDENTITY,
    NO_VALUE,
    NOTHING_ASKED,
    SMALL_TALK,
    STATEMENT,
    is_small_talk,
    small_talk_answer,
)

NOW = datetime(2026, 11, 28, 14, 5, tzinfo=UTC)


def answer(text: str, language: str = "en") -> str | None:
    said = small_talk_answer(text, now=NOW)
    return None if said is None else said.localize(language)


@pytest.mark.parametrize(
    "said",
    [
        *("谢谢", "谢谢你！", "好的，谢谢", "你好", "您好！", "嗯嗯", "明白了", "再见👋"),
        *("haha", "哈哈", "lol", "How are you?", "你好吗？", "Sorry", "对不起", "You are great!"),
        *("no problem", "Nice to meet you!", "have a nice day", "早", "祝你愉快", "没关系", "yep"),
        *("ok", "OK, thanks!", "Thanks", "hello", "Thank you very much.", "Good morning"),
    ],
)
def test_greetings_thanks_and_nods_are_small_talk(said: str) -> None:
    assert is_small_talk(said)


@pytest.mark.parametrize(
    "asked",
    [
        *(
            "谢谢用英语怎么说?",
            "早餐吃什么?",
            "你好世界是什么?",
            "好奇心",
            "行政区划",
            "对数",
            "了",
            "？",
        ),
        *(
            "How are glaciers formed?",
            "help desk phone number",
            "你好用日语怎么写？",
            "早餐几点供应？",
        ),
        *(
            "nice weather in Lisbon in May?",
            "你们的退货政策是什么？",
            "Is there no problem with it?",
        ),
        *("why?", "hello world in C", "What does OK mean?", "Who wrote No Country for Old Men?"),
        *("", "好了" * 2_000 + "?x", "ok " * 1_000 + "x"),
    ],
)
def test_questions_are_no_small_talk(asked: str) -> None:
    assert not is_small_talk(asked)


@pytest.mark.parametrize(
    "said",
    [
        *("who are you?", "Hello, who are you?", "What can you do?", "Are you ChatGPT?"),
        *("What's your name?", "你是谁？", "你能做什么", "你好，你是谁?", "介绍一下你自己"),
    ],
)
def test_identity_is_told(said: str) -> None:
    assert small_talk_answer(said, now=NOW) == IDENTITY


@pytest.mark.parametrize(
    "said",
    [
        "help",
        "How do I use this?",
        "怎么用？",
        "我可以问什么？",
        "Do you speak German?",
        "Can you answer in other languages?",
        "你会说英语吗？",
        "你会讲普通话吗？",
        "你懂西班牙语吗？",
    ],
)
def test_help_is_given(said: str) -> None:
    assert small_talk_answer(said, now=NOW) == HELP


@pytest.mark.parametrize("said", ["I like tea.", "我喜欢喝茶。", "That's interesting!", "我叫李雷"])
def test_statements_ask_nothing(said: str) -> None:
    assert small_talk_answer(said, now=NOW) == STATEMENT


@pytest.mark.parametrize(
    ("said", "en", "zh"),
    [
        ("what day is it today?", "Today is Saturday, 28 November 2026.", None),
        ("What is today's date?", "Today is Saturday, 28 November 2026.", None),
        ("今天星期几", None, "今天是2026年11月28日，星期六。"),
        ("今天几号？", None, "今天是2026年11月28日，星期六。"),
        ("明天是星期几？", None, "明天是2026年11月29日，星期日。"),
        ("What time is it?", "It is 14:05 (UTC).", None),
        ("现在几点了？", None, "现在是14:05（UTC）。"),
    ],
)
def test_dates_come_from_the_clock(said: str, en: str | None, zh: str | None) -> None:
    assert en is None or answer(said) == en
    assert zh is None or answer(said, "zh") == zh


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("12*7", "12*7 = 84"),
        ("what is 17*23?", "17*23 = 391"),
        ("What is 10 - 4?", "10 - 4 = 6"),
        ("0.1+0.2", "0.1+0.2 = 0.3"),
        ("calculate 1/3", "1/3 ≈ 0.3333333333"),
        ("3的平方是多少", "3^2 = 9"),
        ("三加五等于几？", "3+5 = 8"),
        ("what is 15% of 80", "(15/100)*80 = 12"),
        ("12 × 7 = ?", "12*7 = 84"),
        ("1,000 + 1", "1000 + 1 = 1001"),
        ("1/0=", NO_VALUE.localize("en")),
        ("9^9^9^9", NO_VALUE.localize("en")),
    ],
)
def test_sums_are_computed(said: str, value: str) -> None:
    assert answer(said) == value


@pytest.mark.parametrize(
    "asked",
    [
        *("no idea what UTC is", "谢谢，再问一下限高", "hello, how high may a drone fly"),
        *(
            "What is 24/7?",
            "9/11",
            "2024-03-03",
            "555-1234",
            "RFC 9309",
            "10.0.0.1",
            "42",
            "E=mc^2",
        ),
        *("What can you do with a drone?", "你能做什么运动减肥？", "Who created Python?"),
        *("I like tea, which has least caffeine?", "I Love Lucy", "I need a visa for Japan"),
        *(
            "今天天气怎么样？",
            "今天是什么节日？",
            "What time is it in Tokyo?",
            "help desk software",
        ),
        *("What day is Easter in 2027?", "怎么用微波炉？", "what day", "(" * 90, "1+" * 50),
        *("一加手机多少钱？", "1+1乐队是谁？", "__import__('os')", "2**", "what is C++?"),
    ],
)
def test_questions_to_the_pages_are_left_to_them(asked: str) -> None:
    assert small_talk_answer(asked, now=NOW) is None


def test_small_talk_that_is_nothing_but_a_nod_is_greeted() -> None:
    assert small_talk_answer("thanks!", now=NOW) == SMALL_TALK


@pytest.mark.parametrize(
    "said",
    [
        "What did we talk about?",
        "what did I ask before?",
        "What was my last question?",
        "我们刚才聊了什么？",
        "我刚才问了什么？",
        "我上一个问题是什么？",
    ],
)
def test_what_was_asked_is_told_without_a_search(said: str) -> None:
    asked = ["珠穆朗玛峰有多高？", "How tall is K2?"]
    told = small_talk_answer(said, now=NOW, earlier=asked)
    assert told is not None
    assert all(f"- {question}" in told.localize("zh") for question in asked)
    assert small_talk_answer(said, now=NOW) == NOTHING_ASKED


@pytest.mark.parametrize(
    "said",
    [
        "What did they talk about at the summit?",
        "What did we discover in 1492?",
        "他们聊了什么？",
        "什么问题最难？",
        "说了什么？",
        "What did you ask about in the interview with Jobs?",
    ],
)
def test_other_questions_about_talk_go_to_the_pages(said: str) -> None:
    assert small_talk_answer(said, now=NOW, earlier=["x"]) is None


@pytest.mark.parametrize(
    "said",
    [
        "Do you understand Kubernetes?",
        "Can you understand recursion?",
        "Can you speak freely?",
        "你能讲笑话吗？",
        "你会打电话吗？",
        "你会写作文吗？",
    ],
)
def test_what_is_no_language_gets_no_help_text(said: str) -> None:
    assert small_talk_answer(said, now=NOW) != HELP
