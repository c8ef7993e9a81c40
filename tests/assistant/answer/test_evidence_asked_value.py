"""A value answers what it is a value of, and not whatever else the same document speaks of."""

import pytest

from assistant.answer.evidence import choose_evidence
from tests.evidence_samples import passages

LEASE = (
    "Landlord: Mrs Chen, phone 020 7946 0312\nTenant: Daniel Okoye\nStart: 1 March 2024\n"
    "Rent: 980 pounds a month, due on the 3rd\n\n"
    "The flat is on the second floor and has one parking space in the yard. The alarm was last"
    " serviced in October 2023. The stopcock is under the sink. Turn it clockwise to shut the"
    " water off."
)
CONTACTS = (
    "| Name | Role | Phone |\n| --- | --- | --- |\n| Anna Brandt | Head coach | 0151 2345 |\n"
    "| Sofia Lund | Physio | 0151 9902 |"
)
TRIP = (
    "10月4日：上午参观啤酒博物馆，门票60元。\n10月5日：爬崂山，带上雨衣。18:20坐火车返回。\n\n"
    "住宿：海天宾馆，已订两晚，共860元。"
)
LETTER = (
    "姓名：林秀英　年龄：62岁　科室：心内科\n检查：血压158/94 mmHg\n"
    "诊断：高血压2级。\n复诊：四周后。"
)
LIST = "超市：\n- 低脂牛奶3瓶\n- 鸡蛋两盒\n\n五金店：\n- 浴室灯泡，E27，暖光\n\n预算500元。"
STATUTES = (
    "第三条　会费每年120元。\n第四条　理事会由五人组成，任期两年，由全体会员大会选举产生。\n"
    "第五条　会员大会每年召开一次，须有半数以上会员出席方为有效。\n第六条　活动时间为每周三。"
)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Who is the landlord?", LEASE),
        ("How much is the rent?", LEASE),
        ("What is the landlord's phone number?", LEASE),
        ("Where do I shut the water off?", LEASE),
        ("What is Sofia Lund's phone number?", CONTACTS),
        ("Who is the head coach?", CONTACTS),
        ("啤酒博物馆的门票多少钱？", TRIP),
        ("海天宾馆一共多少钱？", TRIP),
        ("几点坐火车返回？", TRIP),
        ("林秀英的血压是多少？", LETTER),
        ("林秀英多大年纪？", LETTER),
        ("要买几瓶牛奶？", LIST),
        ("会费是多少钱？", STATUTES),
        ("理事会的任期是多长？", STATUTES),
        ("会员大会多久召开一次？", STATUTES),
        # A label that tells the kind alone belongs to what stands above it.
        (
            "物业服务中心的邮箱是什么？",
            "请联系物业服务中心，联系人：王晓梅。\n邮箱：wy@cuihu.example",
        ),
        ("What is the phone number of the surgery?", "Mill Street surgery\n\nPhone: 020 7946 0312"),
        # A sentence may have its subject from the one before.
        ("How much does the museum cost?", "The museum is by the river. Entry costs 12 euros."),
    ],
)
def test_value_of_what_is_asked_about_is_an_answer(question: str, text: str) -> None:
    assert choose_evidence(question, passages(text)).answerability == "answerable"


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("How much does the parking space cost?", LEASE),
        ("How large is the flat?", LEASE),
        ("Who is the previous tenant?", LEASE),
        ("What is the code of the alarm?", LEASE),
        ("What colour is the flat?", LEASE),
        ("How old is Sofia Lund?", CONTACTS),
        ("What is the phone number of the assistant coach?", CONTACTS),
        ("Where does Anna Brandt live?", CONTACTS),
        ("崂山的门票多少钱？", TRIP),
        ("啤酒博物馆几点关门？", TRIP),
        ("海天宾馆的房间号是多少？", TRIP),
        ("林秀英的血糖是多少？", LETTER),
        ("林秀英的身高是多少？", LETTER),
        ("林秀英住在哪里？", LETTER),
        ("牛奶多少钱一瓶？", LIST),
        ("灯泡要多少瓦的？", LIST),
        ("一共有多少会员？", STATUTES),
    ],
)
def test_value_of_something_else_is_near_at_most(question: str, text: str) -> None:
    assert choose_evidence(question, passages(text)).answerability != "answerable"


def test_sentence_that_tells_what_to_do_with_it_is_shown_with_what_it_is() -> None:
    blocks = choose_evidence("Where do I shut the water off?", passages(LEASE)).blocks
    assert "The stopcock is under the sink. Turn it clockwise" in blocks[0].text
