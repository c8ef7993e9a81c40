"""Follow-ups become questions of their own, by the model or by rules."""

import asyncio
import csv
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from assistant.answer.conversations import (
    leans_on_history,
    rewriting_prompt,
    standalone_question,
)
from assistant.errors import ModelError
from assistant.events import AnswerDelta, ModelEvent, Notice, ReasoningDelta
from assistant.models.scripted import ScriptedModel
from assistant.values import ChatMessage, Prompt
from ingest.foundation.messages import Message

DATA = Path(__file__).parents[2] / "data" / "answers"

pytestmark = pytest.mark.anyio

FALLEN = ModelError(Message.bilingual("gone", "没了"), kind="unreachable")


def talk(*texts: str) -> list[ChatMessage]:
    """Return a conversation: question, answer, question, …."""
    roles = ("user", "assistant")
    return [
        ChatMessage(role="user" if roles[n % 2] == "user" else "assistant", content=text)
        for n, text in enumerate(texts)
    ]


ZH = talk("小型无人机的高度限制是多少？", "不超过120米[1]。")
EN = talk("How far can the DJI Mini 4 Pro fly?", "Up to 10 km [1].")


@pytest.mark.parametrize(
    "question",
    [
        "它的重量限制呢?",
        "那夜间呢？",
        "为什么？",
        "这个需要许可吗？",
        "多少钱？",
        "谁发明了它",
        "and in winter?",
        "What about at night?",
        "Why?",
        "How heavy is it in total weight?",
        "Do those drones need a licence?",
    ],
)
def test_questions_that_lean_on_the_conversation(question: str) -> None:
    assert leans_on_history(question)


@pytest.mark.parametrize(
    "question",
    [
        "小型无人机的重量限制是多少？",
        "其他国家的无人机规定有哪些？",
        "应该怎么申请无人机飞行许可？",
        "DJI Mini 4 Pro 多重?",
        "What is the weight limit of small drones?",
        "Is there a speed limit for drones in China?",
        "Is it legal to fly drones at night?",
        "Which drones that weigh under 250 g need a licence?",
    ],
)
async def test_standalone_questions_pass_unchanged_and_no_model_is_asked(question: str) -> None:
    model = ScriptedModel("Something about drones and licence weight 无人机 重量?")
    assert await standalone_question(question, ZH + EN, model=model) == question
    assert model.prompts == []


@pytest.mark.parametrize("question", ["它的重量限制呢?", "and in winter?"])
async def test_first_question_passes_unchanged(question: str) -> None:
    assert await standalone_question(question, [], model=ScriptedModel("?")) == question


async def test_model_rewrites_a_chinese_follow_up() -> None:
    model = ScriptedModel("改写后的问题：小型无人机夜间的", "高度限制是多少？\n")
    assert await standalone_question("那夜间呢？", ZH, model=model) == (
        "小型无人机夜间的高度限制是多少？"
    )


async def test_model_rewrites_an_english_follow_up() -> None:
    model = ScriptedModel(
        ReasoningDelta(text="The user means the drone."),
        '"Can the DJI Mini 4 Pro fly in winter?"',
    )
    assert await standalone_question("and in winter?", EN, model=model) == (
        "Can the DJI Mini 4 Pro fly in winter?"
    )


async def test_thinking_that_leaked_is_no_part_of_the_question() -> None:
    leak = Notice(code="reasoning_leaked", text="")
    model = ScriptedModel("Hm, the DJI", leak, "Can the DJI Mini 4 Pro fly in winter?")
    assert await standalone_question("and in winter?", EN, model=model) == (
        "Can the DJI Mini 4 Pro fly in winter?"
    )


BY_RULE_EN = "How far can the DJI Mini 4 Pro fly in winter?"


@pytest.mark.parametrize(
    "script",
    [
        [""],
        ["The DJI Mini 4 Pro flies\nless far in winter."],
        ["The DJI Mini 4 Pro " * 20],
        ["Bananas contain potassium."],
        ["DJI Mini 4 Pro <think> winter?"],
        [ReasoningDelta(text="hm " * 900), "Can the DJI Mini 4 Pro fly in winter?"],
        ["Can the DJI", FALLEN],
        [FALLEN],
    ],
)
async def test_reply_of_no_use_gives_way_to_the_rules(
    script: list[str | ModelEvent | ModelError],
) -> None:
    assert await standalone_question("and in winter?", EN, model=ScriptedModel(*script)) == (
        BY_RULE_EN
    )


class SlowModel(ScriptedModel):
    """Never says anything."""

    async def stream(self, prompt: Prompt) -> AsyncGenerator[ModelEvent, None]:
        await asyncio.Event().wait()
        yield AnswerDelta(text="too late")


async def test_slow_model_gives_way_to_the_rules() -> None:
    rewritten = await standalone_question("and in winter?", EN, model=SlowModel(), seconds=0.01)
    assert rewritten == BY_RULE_EN


async def test_reply_without_end_is_cut_and_its_stream_closed() -> None:
    model = ScriptedModel(*["winter drones "] * 500)
    assert await standalone_question("and in winter?", EN, model=model) == BY_RULE_EN
    assert model.closed_early == 1


async def test_quoting_model_is_never_asked() -> None:
    model = ScriptedModel("Can the DJI Mini 4 Pro fly in winter?", kind="quotes")
    assert await standalone_question("and in winter?", EN, model=model) == BY_RULE_EN
    assert model.prompts == []


@pytest.mark.parametrize(
    ("question", "history", "standalone"),
    [
        ("它的重量限制呢?", ZH, "小型无人机的重量限制?"),
        ("那夜间呢？", ZH, "小型无人机的高度限制 夜间？"),
        ("它多重？", talk("DJI Mini 4 Pro 有多快?", "16 m/s[1]。"), "DJI Mini 4 Pro多重？"),
        ("它要泡多久?", talk("绿茶用多热的水泡?", "80 度[1]。"), "绿茶要泡多久?"),
        ("珠穆朗玛峰呢", talk("泰山的海拔是多少米?", "1545 米"), "泰山的海拔 珠穆朗玛峰"),
        ("What about at night?", EN, "How far can the DJI Mini 4 Pro fly at night?"),
        (
            "How heavy is it in total weight?",
            EN,
            "How heavy is the DJI Mini 4 Pro in total weight?",
        ),
        ("为什么？", [*ZH, *talk("那夜间呢？", "一样[1]。")], "小型无人机的高度限制 为什么？"),
    ],
)
async def test_rules_add_the_topic_of_the_last_question_that_has_one(
    question: str, history: list[ChatMessage], standalone: str
) -> None:
    assert await standalone_question(question, history, model=None) == standalone


def test_rewriting_prompt_is_short_and_wants_no_thinking() -> None:
    history = talk(*["A long story about drones. " * 200] * 20)
    prompt = rewriting_prompt("and in winter?", [*history, *EN])
    assert prompt.tokens < 800
    assert not prompt.thinking
    assert prompt.reply_tokens == 96
    assert prompt.messages[-1].content.endswith(
        "Last question: and in winter?\nRewritten question:"
    )
    assert "Up to 10 km" in prompt.messages[-1].content


def test_earlier_thinking_is_not_shown_to_the_model() -> None:
    history = talk("Lights?", "<think>secret</think>White ones.")
    assert "secret" not in rewriting_prompt("它呢？", history).messages[-1].content


LIGHTS = talk("What lights does a drone need at night in the United States?", "White ones [1].")
WEIGHT = talk("大疆Mini 4 Pro的重量是多少？", "249克[1]。")


@pytest.mark.parametrize(
    ("question", "history"),
    [
        *((q, LIGHTS) for q in ("What is UTC?", "Who is Einstein?", "Why is the sky blue?")),
        ('Who wrote "This Is It"?', LIGHTS),
        ("What does it mean that a drone is registered?", LIGHTS),
        *(
            (q, WEIGHT)
            for q in ("李白是谁？", "光速是多少？", "Python是什么？", "再生能源有哪些？")
        ),
        *(
            (q, WEIGHT)
            for q in ("而立之年是多少岁？", "也门的首都是哪里？", "其乐无穷是什么意思？")
        ),
        *((q, WEIGHT) for q in ("具体措施有哪些？", "继续教育是什么？", "那不勒斯在哪里？")),
        ("How high may it fly?", talk("hello", "Hi.", "thanks", "Glad.")),
    ],
)
async def test_question_that_names_its_own_topic_stays_alone(
    question: str, history: list[ChatMessage]
) -> None:
    assert await standalone_question(question, history, model=None) == question


@pytest.mark.parametrize(
    ("history", "question", "standalone"),
    [
        (LIGHTS, "How much do they cost?", "How much do drone lights cost?"),
        (
            talk("What is the Falcon 9?", "…", "Who built it?", "…", "What is Python?", "…"),
            "Who created it?",
            "Who created Python?",
        ),
        (talk("李白是谁？", "…", "杜甫是谁？", "…"), "他们是朋友吗？", "李白和杜甫是朋友吗？"),
        (WEIGHT, "需要登记吗？", "大疆Mini 4 Pro 需要登记吗？"),
        (WEIGHT, "How far can it fly?", "How far can Mini 4 Pro fly?"),
        (WEIGHT, "那么，特斯拉Model 3多少钱？", "特斯拉Model 3多少钱？"),
        (ZH, "What about black tea?", "black tea?"),
        (ZH, "换个话题，绿茶怎么泡？", "绿茶怎么泡？"),
        (ZH, "继续说", "小型无人机的高度限制是多少？"),
        (
            talk("无人机限高？", "…", "换个话题，绿茶怎么泡？", "…"),
            "它有咖啡因吗？",
            "绿茶有咖啡因吗？",
        ),
    ],
)
async def test_rules_know_what_is_meant(
    history: list[ChatMessage], question: str, standalone: str
) -> None:
    assert await standalone_question(question, history, model=None) == standalone


@pytest.mark.parametrize(
    ("asked", "answer", "then", "standalone"),
    [
        (
            "Who wrote Hamlet?",
            "Hamlet was written by William Shakespeare around 1600 [1].",
            "When was he born?",
            "When was William Shakespeare born?",
        ),
        (
            "谁发明了电话？",
            "电话的发明者是亚历山大·贝尔[1]。",
            "他是哪国人？",
            "亚历山大·贝尔是哪国人？",
        ),
        (
            "Who is Tim Cook?",
            "The head of Apple, after Steve Jobs [1].",
            "Is he rich?",
            "Is Tim Cook rich?",
        ),
        ("法国的首都是哪里？", "巴黎[1]。", "西班牙呢？", "西班牙的首都是哪里？"),
        (
            "What is the capital of France?",
            "Paris [1].",
            "And Spain?",
            "What is the capital of Spain?",
        ),
        ("Who won in 2018?", "France [1].", "And 2022?", "Who won in 2022?"),
        ("Who won in 2018?", "France [1].", "And Spain?", "Who won in 2018 Spain?"),
        ("小型无人机的高度限制是多少？", "120米[1]。", "室内呢？", "小型无人机的高度限制 室内？"),
        ("糖尿病有哪些症状？", "口渴[1]。", "如何预防高血压？", "如何预防高血压？"),
    ],
)
async def test_names_of_the_answer_and_of_the_same_kind_are_understood(
    asked: str, answer: str, then: str, standalone: str
) -> None:
    assert await standalone_question(then, talk(asked, answer), model=None) == standalone


@pytest.mark.parametrize(
    "question",
    [
        "如何减肥？",
        "怎么理财？",
        "如何戒烟？",
        "孕妇能喝茶吗？",
        "外国人能买房吗？",
        "公司要交税吗？",
        "几点日出？",
        "什么是货币？",
        "什么是遗传？",
        "利率是什么？",
        "内存是什么？",
        "货币是怎么来的？",
        "黑洞？",
        "红楼梦？",
        "量子力学？",
        "今天天气怎么样？",
    ],
)
async def test_short_chinese_questions_of_their_own_stay_alone(question: str) -> None:
    history = talk("法国的首都是哪里？", "巴黎[1]。")
    assert await standalone_question(question, history, model=None) == question


@pytest.mark.parametrize(
    "question",
    [
        "What is currency?",
        "What is an author?",
        "What is a plot?",
        "What is a dose?",
        "What does a director do?",
        "What causes asthma?",
    ],
)
async def test_short_english_questions_of_their_own_stay_alone(question: str) -> None:
    history = talk("What is diabetes?", "A disease [1].")
    assert await standalone_question(question, history, model=None) == question


@pytest.mark.parametrize(
    ("asked", "answer", "then", "standalone"),
    [
        ("What is the population of France?", "67 million [1].", "Area?", "France Area?"),
        ("How do I export data to Excel?", "So [1].", "Really?", "to Excel Really?"),
        ("When did Napoleon die in Saint Helena?", "1821.", "And Beethoven?", "Helena Beethoven?"),
        ("What is the weather in Berlin on Monday?", "Fair.", "And Hamburg?", "Monday Hamburg?"),
        ("泰山有多高？", "1545米[1]。", "爬山呢？", "泰山有多高 爬山？"),
        ("中国的国土面积是多少？", "960万。", "回国呢？", "中国的国土面积 回国？"),
        ("李白是谁？", "诗人。", "儿子呢？", "李白是谁 儿子？"),
        (
            "Who directed Titanic?",
            "In the United States, James Cameron did.",
            "How old is he?",
            "Titanic How old is he?",
        ),
        (
            "谁发明了电灯？",
            "这是错误的。电灯由爱迪生发明。",
            "他哪年去世？",
            "谁发明了电灯 他哪年去世？",
        ),
        ("How heavy is a Mini 4?", "249 g.", "And Tuesday?", "Mini 4 Tuesday?"),
    ],
)
async def test_what_is_of_another_kind_takes_no_place(
    asked: str, answer: str, then: str, standalone: str
) -> None:
    found = await standalone_question(then, talk(asked, answer), model=None)
    assert found.endswith(standalone)


async def test_a_recap_is_no_topic() -> None:
    history = talk("How far can the DJI Mini 4 Pro fly?", "10 km.", "What did we talk about?", "…")
    found = await standalone_question("How heavy is it?", history, model=None)
    assert found == "How heavy is the DJI Mini 4 Pro?"


CANADA = talk("What lights does a drone need at night?", "White ones [1].")


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("And in Canada?", "In Canada, drones need position lights at night."),
        ("And in Canada?", "Drones in Canada"),
        ("And in Canada?", "Yes, the same lights apply in Canada."),
        ("And in Canada?", "What lights does a drone need at night?"),
        ("And in Canada?", "What lights does a kite need in Canada?"),
        ("And in Canada?", '{"question": "What lights does a drone need in Canada?"}'),
        ("And in Canada?", "无人机在 Canada 需要什么灯？"),
        ("那续航时间呢？", "大疆Mini 4 Pro的续航时间是34分钟。"),
        ("那续航时间呢？", "大疆Mini 4 Pro的重量是多少？"),
    ],
)
async def test_rewrite_that_is_no_such_question_is_refused(question: str, said: str) -> None:
    history = CANADA if "Canada" in question else WEIGHT
    by_rule = await standalone_question(question, history, model=None)
    assert by_rule != said
    assert await standalone_question(question, history, model=ScriptedModel(said)) == by_rule


async def test_preface_of_a_rewrite_is_taken_off() -> None:
    model = ScriptedModel("好的，改写后的问题：大疆Mini 4 Pro的续航时间是多少？")
    assert await standalone_question("那续航时间呢？", WEIGHT, model=model) == (
        "大疆Mini 4 Pro的续航时间是多少？"
    )


def read_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a file of cases."""
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def talk_of(earlier: str) -> list[ChatMessage]:
    """Return the conversation that begins with questions joined by slashes."""
    return talk(*(text for question in earlier.split("/") for text in (question, "…")))


@pytest.mark.parametrize("row", read_rows("conversation.tsv"), ids=lambda row: row["question"])
async def test_question_of_a_conversation_becomes_the_one_meant(row: dict[str, str]) -> None:
    history = talk_of(row["earlier"])
    found = await standalone_question(row["question"], history, model=None)
    assert found == row["standalone"]


@pytest.mark.parametrize("row", read_rows("rewrites.tsv"), ids=lambda row: row["said"])
async def test_what_a_model_says_for_a_follow_up_is_refused_or_cleaned(
    row: dict[str, str],
) -> None:
    model = ScriptedModel(row["said"])
    found = await standalone_question(row["question"], talk_of(row["earlier"]), model=model)
    assert found == row["standalone"]


@pytest.mark.parametrize(
    ("asked", "then", "standalone"),
    [
        (
            "What is the speed limit in Germany?",
            "And in France?",
            "What is the speed limit in France?",
        ),
        ("Who won the election in 2016?", "And in 2020?", "Who won the election in 2020?"),
        ("What is the tax in Oslo?", "And in winter?", "What is the tax in Oslo in winter?"),
    ],
)
async def test_another_place_or_year_takes_the_place_of_the_first(
    asked: str, then: str, standalone: str
) -> None:
    found = await standalone_question(then, talk(asked, "…"), model=None)
    assert found == standalone


@pytest.mark.parametrize(
    "question",
    [
        "What else is new in Python 3.13?",
        "Where else can I buy train tickets in Berlin?",
        "Where else can I buy train tickets?",
        "What else did Shakespeare write besides Hamlet?",
        "Who else was on Apollo 11?",
    ],
)
async def test_else_with_a_topic_of_its_own_stays_alone(question: str) -> None:
    history = talk("How much does the DJI Mini 4 weigh?", "249 g [1].")
    assert await standalone_question(question, history, model=None) == question


@pytest.mark.parametrize(
    "question",
    ["What else is there to see?", "What else should I know?", "Who else signed the treaty?"],
)
async def test_else_without_one_leans_on_the_question_before(question: str) -> None:
    history = talk("What is the capital of France?", "Paris [1].")
    found = await standalone_question(question, history, model=None)
    assert found == f"What is the capital of France {question}"


@pytest.mark.parametrize(
    ("asked", "answer", "then", "standalone"),
    [
        ("公司的CEO是谁？", "李雷。", "他什么时候入职的？", "公司的CEO是谁 他什么时候入职的？"),
        ("谁是公司的CEO？", "李雷。", "他什么时候入职的？", "谁是公司的CEO 他什么时候入职的？"),
        ("公司的CEO是谁？", "公司的CEO是李雷。", "他什么时候入职的？", "李雷什么时候入职的？"),
        ("财务部的负责人是哪位？", "见名单。", "她的电话？", "财务部的负责人是哪位 她的电话？"),
        ("公司有多少员工？", "80人。", "他什么时候入职的？", "公司有多少员工 他什么时候入职的？"),
        ("李白是谁？", "诗人。", "他写过哪些诗？", "李白写过哪些诗？"),
        ("李白哪年出生？", "701年。", "他写过哪些诗？", "李白写过哪些诗？"),
        ("Tim Cook是谁？", "…", "他多大了？", "Tim Cook多大了？"),
        ("公司有多少员工？", "80人。", "它在哪里？", "公司在哪里？"),
    ],
)
async def test_no_thing_takes_the_place_of_a_person(
    asked: str, answer: str, then: str, standalone: str
) -> None:
    assert await standalone_question(then, talk(asked, answer), model=None) == standalone


@pytest.mark.parametrize(
    ("asked", "question", "standalone"),
    [
        (
            "Who won the cup final?",
            "What was the score?",
            "Who won the cup final What was the score?",
        ),
        ("Who won the cup final?", "Who was sent off?", "Who won the cup final Who was sent off?"),
        (
            "How do I bake bread?",
            "At what temperature?",
            "How do I bake bread At what temperature?",
        ),
        ("How do I bake bread?", "How many eggs?", "How do I bake bread How many eggs?"),
        ("海川队赢了吗？", "比分多少？", "海川队赢 比分多少？"),
        ("海川队赢了吗？", "谁进的球？", "海川队赢 谁进的球？"),
        ("怎么腌泡菜？", "盐放多少？", "腌泡菜 盐放多少？"),
        ("怎么腌泡菜？", "要加几勺糖？", "腌泡菜 要加几勺糖？"),
        ("孕妇可以吃这种药吗？", "儿童呢？", "孕妇 吃这种药 儿童？"),
        ("What is the capital of France?", "And of Xanadu?", "What is the capital of Xanadu?"),
        ("How does Rust borrow checking work?", "Is it slow?", "Is Rust borrow checking slow?"),
        (
            "What is the difference between TCP and UDP?",
            "Do they encrypt?",
            "Do TCP and UDP encrypt?",
        ),
        ("What's the capital of Peru?", "Is it big?", "Is the capital of Peru big?"),
    ],
)
async def test_a_question_without_its_subject_is_asked_of_the_topic(
    asked: str, question: str, standalone: str
) -> None:
    assert await standalone_question(question, talk(asked, "…"), model=None) == standalone


async def test_a_question_asked_of_another_name_is_the_new_topic() -> None:
    history = talk("法国的首都是哪里？", "巴黎。", "西班牙呢？", "马德里。")
    found = await standalone_question("人口多少？", history, model=None)
    assert "西班牙" in found
    assert "法国" not in found


THANKS = ["thanks, that helps", "Got it, thank you!", "好的，谢谢", "谢谢你的回答", "原来如此"]


@pytest.mark.parametrize("said", THANKS)
async def test_thanks_are_no_question(said: str) -> None:
    assert await standalone_question(said, WEIGHT, model=None) == said


OWN_TOPICS = """
李白是谁？
光速是多少？
What is UTC?
圆周率是多少？
油价多少？
牛奶能放多久？
汇率是多少？
鸡蛋煮几分钟？
地球多重？
儿童节是哪天？
老人与海是谁写的？
孕妇能喝咖啡吗？
北京人口多少？
茶叶保质期多久？
钢琴有多少个键？
血压多少正常？
端午节吃什么？
西班牙语难学吗？
端口是什么？
盐的化学式是什么？
What is a penalty kick?
What was the Marshall Plan?
What is the speed of light?
Who scored the most goals in NBA history?
How much sugar is in Coca-Cola?
What is a score in music?
How long do cats live?
Which planet is bigger, Mars or Venus?
What is the difference between a fruit and a vegetable?
What is the fastest animal?
What is a pointer?
Is Go faster than Java?
What is the result of a chemical reaction?
Who wrote The Prince?
珠穆朗玛峰多高？
谢谢用日语怎么说？
Thanks to whom was penicillin discovered?
What does "got it" mean?
好的睡眠需要几小时？
糖是什么？
谁写的论语？
裁判是什么？
沙拉放多久？
Who is Fred?
Great Wall length?
Hello Kitty was created by whom?
Who won the war of 1812?
What is a port?
What happened?
谢谢你的英文怎么写？
"""


@pytest.mark.parametrize("question", OWN_TOPICS.split("\n")[1:-1])
async def test_what_looks_like_a_follow_up_and_names_its_topic_stays_alone(question: str) -> None:
    for asked in ("红烧肉怎么做？", "Who won the World Cup in 2018?"):
        found = await standalone_question(question, talk(asked, "…"), model=None)
        assert found == question
