"""Follow-ups become questions of their own by rules: what is meant takes its place."""

import pytest

from assistant.answer.conversations import (
    standalone_question,
)
from assistant.values import ChatMessage
from tests.talk_samples import EN, LIGHTS, WEIGHT, ZH, talk

pytestmark = pytest.mark.anyio


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
