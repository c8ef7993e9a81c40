"""Evidence in what people have at hand: price lists, questions and answers, notices, minutes."""

from datetime import UTC, datetime

import pytest

from assistant.answer.evidence import choose_evidence
from assistant.values import AnswerEvidence, Passage

PRICES = (
    "# 青禾打印店价格表\n\n| 项目 | 规格 | 单价 | 起订量 | 交货时间 |\n"
    "| --- | --- | --- | --- | --- |\n"
    "| 黑白打印 | A4 单面 | 0.30元/页 | 1页 | 当场 |\n"
    "| 彩色打印 | A4 单面 | 1.50元/页 | 1页 | 当场 |\n"
    "| 名片 | 300克铜版纸 | 38元/盒（100张） | 2盒 | 3个工作日 |\n\n"
    "## 优惠\n学生凭学生证享受九折优惠，名片除外。\n\n## 说明\n加急订单另收50%的加急费。"
)
FAQ = (
    "# 共享单车常见问题\n\n**问：未满多少岁不能骑？**\n"
    "答：未满12周岁的儿童不得骑行。本平台要求用户年满16周岁才能注册。\n\n"
    "**问：月卡多少钱？**\n答：月卡25元，每次前30分钟免费。月卡购买后7天内未使用可以全额退款。"
)
NOTICE_TITLE = "关于翠湖小区计划性停水的通知"
NOTICE = (
    f"{NOTICE_TITLE}\n\n各位业主、住户：\n\n"
    "因更换主供水管道，翠湖小区将于2025年6月12日上午9:00至下午17:00停水。\n\n"
    "小区游泳池每天14:00至21:00开放。\n\n"
    "如有疑问，请联系物业服务中心，电话：0571-8888 6021，联系人：王晓梅。"
)
MINUTES = (
    "# Minutes\n\n## Finances\nThe committee agreed to spend up to £600 on a shed.\n\n"
    "## Membership\nThe club has 86 members. The annual fee stays at £25. Students pay £10."
)


def evidence_of(question: str, text: str, title: str = "") -> AnswerEvidence:
    page = Passage(
        number=1,
        url="file:///page",
        title=title,
        text=text,
        score=1.0,
        fetched_at=datetime(2026, 11, 28, tzinfo=UTC),
    )
    return choose_evidence(question, [page])


@pytest.mark.parametrize(
    ("question", "text", "answer"),
    [
        ("名片多久能拿到？", PRICES, "3个工作日"),
        ("名片多少钱一盒？", PRICES, "38元"),
        ("加急要加多少钱？", PRICES, "50%"),
        ("学生打折吗？", PRICES, "九折"),
        ("几岁可以注册骑车？", FAQ, "16周岁"),
        ("月卡能退吗？", FAQ, "全额退款"),
    ],
)
def test_short_chinese_question_is_known_to_be_answered(
    question: str, text: str, answer: str
) -> None:
    title = text.partition("\n")[0].strip("# ")
    evidence = evidence_of(question, text, title)
    assert evidence.answerability == "answerable"
    assert answer in evidence.blocks[0].text


@pytest.mark.parametrize("question", ["饮料多少钱？", "名片的设计师是谁？", "明天天气怎么样？"])
def test_short_chinese_question_on_something_else_is_not_answered(question: str) -> None:
    assert evidence_of(question, PRICES).answerability != "answerable"


def test_rows_of_one_table_share_its_head() -> None:
    blocks = evidence_of("A4彩色打印多少钱一页？", PRICES).blocks
    lines = "\n".join(block.text for block in blocks).split("\n")
    assert lines.count("项目 · 规格 · 单价 · 起订量 · 交货时间") == 1
    assert lines[1] == "彩色打印 · A4 单面 · 1.50元/页 · 1页 · 当场"
    assert "黑白打印 · A4 单面 · 0.30元/页 · 1页 · 当场" in lines
    assert all(PRICES[block.start : block.end].startswith("|") for block in blocks[:1])


def test_question_right_above_its_answer_is_shown_with_it() -> None:
    block = evidence_of("月卡多少钱？", FAQ).blocks[0]
    assert block.heading == "问：月卡多少钱？"
    assert block.text.startswith("答：月卡25元")


def test_bold_line_is_the_heading_of_what_follows() -> None:
    text = "**Subletting**\nIt needs the consent of the landlord and ends after twelve months."
    block = evidence_of("Does subletting need the consent of the landlord?", text).blocks[0]
    assert block.heading == "Subletting"
    assert block.text.startswith("It needs")


@pytest.mark.parametrize("question", ["停水的事找谁问？", "停水的事怎么联系物业？"])
def test_whom_to_ask_is_the_line_with_the_contact(question: str) -> None:
    blocks = evidence_of(question, NOTICE, NOTICE_TITLE).blocks
    assert "王晓梅" in blocks[0].text
    assert NOTICE_TITLE not in [block.text for block in blocks]


def test_english_contact_is_found_too() -> None:
    text = (
        "Mill Lane will be closed for road works from 3 March to 21 March 2025.\n\n"
        "The footpath stays open at all times.\n\n"
        "If you have any questions, please contact Sarah Whitcombe, tel. 020 5550 7788."
    )
    blocks = evidence_of("Whom can I ask about the road works?", text, "Road works").blocks
    assert any("Whitcombe" in block.text for block in blocks[:2])


def test_short_sentence_with_a_figure_comes_with_the_one_before_it() -> None:
    blocks = evidence_of("What is the annual fee for students?", MINUTES).blocks
    assert "The annual fee stays at £25. Students pay £10." in blocks[0].text


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("王晓梅的邮箱是什么？", NOTICE),
        ("物业服务中心的网址是什么？", NOTICE),
        ("What is the e-mail address of the club?", MINUTES),
        ("What is the phone number of the club?", MINUTES),
    ],
)
def test_address_of_a_kind_that_no_text_has_is_not_answered(question: str, text: str) -> None:
    assert evidence_of(question, text).answerability != "answerable"


def test_address_of_the_kind_asked_for_is_an_answer() -> None:
    text = NOTICE + "邮箱：wuye@cuihu.example。"
    assert evidence_of("物业服务中心的邮箱是什么？", text).answerability == "answerable"
    assert evidence_of("物业服务中心的电话是多少？", text).answerability == "answerable"


CONTACTS_ZH = (
    "# 通讯录\n\n| 姓名 | 部门 | 电话 |\n| --- | --- | --- |\n"
    "| 李敏 | 行政部 | 8002 |\n| 张伟 | 财务部 | 8011 |"
)
CONTACTS_EN = (
    "# Contacts\n\n| Name | Department | Phone |\n| --- | --- | --- |\n"
    "| Li Min | Admin | 8002 |\n| Jo Park | Finance | ext. 8011 |"
)


@pytest.mark.parametrize(
    ("question", "text", "answer"),
    [
        ("李敏的电话是多少？", CONTACTS_ZH, "8002"),
        ("What is Jo Park's phone number?", CONTACTS_EN, "8011"),
        ("What is the extension of Jo Park?", CONTACTS_EN, "8011"),
        ("前台的电话是多少？", "总机：010-8888 6666，前台分机 8000。", "8000"),
        ("Who is the CTO?", "CEO: Anna Lindqvist\nCTO: Raj Patel", "Raj Patel"),
        ("总经理是谁？", "董事长：陈建国；总经理：刘红", "刘红"),
        ("你们的电话是多少？", "客服电话：400-810-8888", "400-810-8888"),
        ("你们的客服电话是多少？", "客服电话：400-810-8888", "400-810-8888"),
        ("请问贵公司的电话是多少？", "公司电话：400-810-8888", "400-810-8888"),
        ("人工客服的电话是多少？", "客服电话：400-810-8888", "400-810-8888"),
        ("销售部门的电话是多少？", "销售部电话：010-8888 6666", "010-8888 6666"),
    ],
)
def test_short_number_and_line_of_a_list_of_contacts_answer(
    question: str, text: str, answer: str
) -> None:
    evidence = evidence_of(question, text)
    assert evidence.answerability == "answerable"
    assert answer in evidence.blocks[0].text


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("王芳的电话是多少？", CONTACTS_ZH),
        ("行政部的电话是多少？", "行政部负责会议室预订，2019年成立，共8002人。"),
        ("What is the phone number of the office?", "The office opened in 2019 on 8002 m2."),
    ],
)
def test_contact_of_another_and_figures_of_other_kinds_are_no_answer(
    question: str, text: str
) -> None:
    assert evidence_of(question, text).answerability != "answerable"
