"""Ordinary content that looks like what asks nothing, and is asked for."""

import pytest

from tests.finetune.synthesize.test_questions import answers_of


def table(*rows: str) -> str:
    head, *cells = (f"| {row.replace(',', ' | ')} |" for row in rows)
    rule = "|---" * len(rows[0].split(",")) + "|"
    return "\n".join([head, rule, *cells, ""])


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (table("id,Name,City", "ab,Ann,Rome", "cd,Ben,Oslo"), "Rome"),
        (table("name,Default,Unit", "speed,5 ticks,km", "width,7 ticks,mm"), "7 ticks"),
        (table("model,重量", "a1,5公斤", "b2,6公斤"), "6公斤"),
        (table("key,Meaning", "abc,9 letters", "def,8 letters"), "9 letters"),
        (table("车型,km/h", "甲车,180/200", "乙车,150/170"), "150/170"),
        (table("部门,电话/传真", "财务部,8001/8002", "人事部,8003/8004"), "8003/8004"),
        (table("项目,内容", "主持人,张明", "地点,北京会堂"), "张明"),
        (table("城市,价格", "北京,30元", "城市,价格", "上海,20元"), "20元"),
    ],
)
def test_a_table_of_short_heads_keeps_its_cells(text: str, answer: str) -> None:
    assert answer in answers_of(text, "row").values()


def test_a_head_that_stands_twice_is_no_row() -> None:
    text = table("城市,价格", "北京,30元", "城市,价格", "上海,20元")
    assert list(answers_of(text, "row")) == ["北京的价格是多少？", "上海的价格是多少？"]


@pytest.mark.parametrize(
    "text",
    [
        "-v, --verbose\n: Print what is done, step by step",
        "-o, --output FILE\n: Writes to a file, not to the terminal",
    ],
)
def test_an_option_without_a_full_stop_is_asked_for(text: str) -> None:
    assert len(answers_of(text, "term")) == 1


@pytest.mark.parametrize(
    ("heading", "reply"),
    [
        ("押金退还", "请注意：押金在退房后七天内原路退回。"),
        ("Refund policy", "Please note: refunds are paid within seven days of the return."),
        ("参观须知", "营业时间：每天九点到十七点，周一闭馆不接待。"),
        ("Delivery times", "Orders given before noon are shipped on the same day of the week."),
        ("哪些部件不保修？", "有些部件不在保修范围之内，例如电池和灯泡。"),
        ("What if I forgot it?", "Suppose you forgot the PIN: hold the key for ten seconds."),
        ("Causes of the war", "World War I began in 1914 after the shooting in Sarajevo."),
        ("Wiring of the board", "The I/O lines of the board are found at its left edge."),
        ("Reign of the queen", "Elizabeth I reigned for more than forty years in England."),
        ("Errors of a test", "A Type I error is to reject what holds, as in a false alarm."),
    ],
)
def test_a_section_of_ordinary_prose_is_asked_for(heading: str, reply: str) -> None:
    assert reply in answers_of(f"## {heading}\n\n{reply}\n", "section", "faq").values()


@pytest.mark.parametrize(
    "text",
    [
        "## My first week\n\nWhen I press the green key, the whole screen goes dark at once.",
        "## Repair of the pump\n\nThe pump, as I found out later, has to be filled with water.",
        "## 会务安排\n\n时间：九点到十七点，中午休息。\n\n地点：北京会堂的二楼大厅。",
        "## Old orders\n\nThe settings that were given before, apply to each of the orders here.",
    ],
)
def test_a_voice_of_its_own_or_one_of_several_labels_asks_nothing(text: str) -> None:
    assert answers_of(text, "section") == {}


def test_what_is_good_at_something_is_defined_by_it() -> None:
    text = "Copper is a good conductor of electricity."
    assert answers_of(text) == {"What is Copper?": text}
    assert answers_of("Copper is a good choice for the roof of a house.") == {}
