"""Questions that name their own topic stay as they are, in a conversation, too."""

import pytest

from assistant.answer.conversations import (
    standalone_question,
)
from assistant.models.scripted import ScriptedModel
from assistant.values import ChatMessage
from tests.talk_samples import EN, LIGHTS, WEIGHT, ZH, talk

pytestmark = pytest.mark.anyio


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
