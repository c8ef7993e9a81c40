import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.answer.evidence_prompt import SYSTEM as SMALL
from assistant.answer.guard import LoopDetector, ReplyProblem, find_problem, loop_start
from assistant.answer.prompts import SYSTEM
from ingest.foundation.messages import Language
from ingest.text.language import language_of


def problem(text: str, language: Language = "en", reasoning: str = "") -> ReplyProblem | None:
    instructions = SYSTEM.localize(language)
    return find_problem(text, reasoning=reasoning, language=language, instructions=instructions)


@pytest.mark.parametrize(
    "text", ["", " \n", "[2]", "[1][3].", "[2] [3]", "[Nikola_Tesla]", "…", "The answer is:", "**"]
)
def test_a_reply_without_a_word_of_content_is_empty(text: str) -> None:
    assert problem(text) == "empty"
    assert problem(text, reasoning="Let me see.") == "only_thinking"


@pytest.mark.parametrize("text", ["80", "80 degrees", "Yes.", "是的。", "1901年", "Nikola Tesla"])
def test_a_short_answer_is_one(text: str) -> None:
    assert problem(text) is None


@pytest.mark.parametrize("language", ["en", "zh"])
def test_instructions_that_are_recited_are_no_answer(language: Language) -> None:
    rules = SYSTEM.localize(language).splitlines()
    assert problem("\n".join(rules[1:4]), language) == "recites_prompt"
    small = SMALL.localize(language)
    found = find_problem(small, reasoning="", language=language, instructions=small)
    assert found == "recites_prompt"


def test_an_answer_in_another_language_is_none() -> None:
    assert problem("无人机在夜间飞行时必须打开灯，并且保持视距内。") == "other_language"
    assert (
        problem("A drone that flies at night must carry lights and stay in sight.", "zh")
        == "other_language"
    )
    assert problem("DJI Mini 4 Pro", "zh") is None
    assert problem("The poet is 李白, whom others write Li Bai.") is None


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("请翻译成英文：无人机在夜间飞行时必须打开灯。", "zh"),
        ("用英文回答：无人机夜间飞行要注意什么？", "zh"),
        ("无人机夜飞规则，请用English回答", "zh"),
        ("How do you say that drones need lights at night in Chinese?", "en"),
        ("Translate into Mandarin: drones need lights at night.", "en"),
    ],
)
def test_an_answer_in_another_language_is_one_where_it_is_asked_for(
    question: str, language: Language
) -> None:
    text = {
        "zh": "A drone that flies at night must carry lights and stay in sight.",
        "en": "无人机在夜间飞行时必须打开灯，并且保持视距内。",
    }[language]
    instructions = SYSTEM.localize(language)

    def found(question: str) -> ReplyProblem | None:
        return find_problem(
            text, reasoning="", language=language, instructions=instructions, question=question
        )

    assert found(question) is None
    assert found("夜间飞行要注意什么？" if language == "zh" else "What of nights?") is not None


@pytest.mark.parametrize(
    "unit", ["The answer is:\n\n", "The limit is 400 feet. ", "限高为120米。", "[1] the ", "a b "]
)
def test_a_loop_is_seen_wherever_it_is_cut_and_said_once(unit: str) -> None:
    text = "South, and then: " + unit * 60
    for size in (1, 3, 7, 50):
        detector = LoopDetector()
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        seen = next(n for n, piece in enumerate(pieces) if detector.ends_in_loop_after(piece))
        assert seen * size < len(text)
    start = loop_start(text)
    assert start is not None
    assert text[:start].count(unit.strip()) <= 2


@pytest.mark.parametrize(
    "text",
    [
        "-" * 300,
        "| a | b |\n" * 3,
        "Ha ha ha ha ha!",
        "\n".join(f"- Step {n}: wait for {n * 7} minutes and stir." for n in range(1, 9)),
        "1000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
        "x = [0]\n" * 4,
    ],
)
def test_rules_lists_and_laughter_are_no_loop(text: str) -> None:
    assert loop_start(text) is None


@given(st.text(max_size=400))
def test_whatever_is_said_is_judged(text: str) -> None:
    problem(text)
    problem(text, "zh")
    start = loop_start(text)
    assert start is None or 0 < start < len(text)


@pytest.mark.parametrize(
    ("question", "reply"),
    [
        (
            "What type of civil disobedience is larger scale?",
            "The type of civil disobedience mentioned in the notes is larger scale.",
        ),
        ("Who keeps the books of the bakery?", "The books of the bakery are kept."),
        ("科尔尼大道上哪两条街之间住着富人？", "科尔尼大道上两条街之间住着富人。"),
        ("伊斯兰国缺乏国际社会给予它什么？", "缺乏国际社会给予伊斯兰国什么？"),
        ("谁管理面包店的账目？", "根据资料，面包店的账目有管理。"),
        ("How does inequality prevent growth?", "Inequality prevents growth."),
        ("And how are the data packets routed here?", "Here the data packets are routed."),
        ("不平等如何阻碍增长？", "不平等阻碍增长。"),
        ("怎样重置路由器的管理密码？", "根据资料，重置路由器的管理密码。"),
    ],
)
def test_question_said_again_is_no_answer(question: str, reply: str) -> None:
    found = find_problem(
        reply,
        reasoning="",
        language=language_of(question),
        instructions="Answer.",
        question=question,
    )
    assert found == "restates_question"


@pytest.mark.parametrize(
    ("question", "reply"),
    [
        ("Is the museum open on Mondays?", "The museum is open on Mondays."),
        ("Which is larger, Mars or Venus?", "Venus is larger."),
        ("Which of Mars and Venus is larger?", "Venus is larger."),
        ("How many legs does a fly have?", "A fly has six legs."),
        ("Who may enter the vault?", "Nobody may enter the vault."),
        ("When is the shop open?", "The shop is always open."),
        ("What year was it?", "1969"),
        ("博物馆周一开放吗？", "博物馆周一开放。"),
        ("火星和金星哪个大？", "金星大。"),
        ("苍蝇有几条腿？", "苍蝇有六条腿。"),
        ("谁能进入金库？", "没人能进入金库。"),
        ("什么时候开门？", "九点开门。"),
        ("How many days does the 30-day return policy last?", "30 days."),
        ("How long is the two-week notice period?", "The notice period is two weeks."),
        ("When is the deadline?", "In May."),
        ("What grade did he get?", "A"),
        ("Which band sang My Generation?", "The Who"),
        ("What is the hepatitis type?", "Hepatitis A"),
        ("七天无理由退货期限是多少天？", "七天。"),
        ("白宫是什么颜色的？", "白色。"),
        ("马克思主义是谁创立的？", "马克思。"),
        ("新加坡的首都是什么？", "新加坡。"),
        ("Does she know how to swim well?", "She knows how to swim well."),
        ("How does inequality prevent growth?", "Inequality prevents growth by limiting demand."),
        ("How do I get there, by bus or by tram?", "You get there by tram."),
        ("他知道如何操作这台机器吗？", "他知道如何操作这台机器。"),
        ("不平等如何阻碍增长？", "不平等限制总需求，从而阻碍增长。"),
        ("怎么去火车站，坐地铁还是公交？", "坐地铁去火车站。"),
        ("如何登录系统？", "刷卡登录系统。"),
    ],
)
def test_answer_in_words_of_the_question_stays(question: str, reply: str) -> None:
    found = find_problem(
        reply,
        reasoning="",
        language=language_of(question),
        instructions="Answer.",
        question=question,
    )
    assert found is None
