"""What a page in another language than the question's offers."""

from datetime import UTC, datetime

import pytest

from assistant.answer.evidence import choose_evidence
from assistant.values import Passage

MANUAL = (
    "# Error codes\n\n| Code | Meaning | Fix |\n| --- | --- | --- |\n"
    "| E-1234 | Certificate expired | Renew it |\n| E-2001 | Server busy | Try again later |\n\n"
    "The help desk is open from 9 to 5."
)
TEA = "Green tea is brewed with water of 80 degrees for two minutes."
WARRANTY = "Do not immerse the kettle in water. The warranty lasts two years."
BUDGET = "项目预算为三十万元，由王工负责测试。"


def passage(number: int, text: str) -> Passage:
    return Passage(
        number=number,
        url=f"https://{number}.example/",
        title="",
        text=text,
        score=1.0,
        fetched_at=datetime(2026, 11, 28, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    "question", ["错误代码 E-2001 怎么办", "Ｅ２００１ 是什么意思？", "e 2001 怎么处理"]
)
def test_a_code_is_evidence_in_any_language(question: str) -> None:
    evidence = choose_evidence(question, [passage(1, TEA), passage(2, MANUAL)])
    assert evidence.answerability == "answerable"
    (block,) = evidence.blocks
    assert "E-2001 · Server busy" in block.text
    assert "E-1234" not in block.text
    assert block.passage == 2


@pytest.mark.parametrize(
    ("question", "text"), [("绿茶怎么泡", TEA), ("What is the budget of the project?", BUDGET)]
)
def test_what_vectors_put_first_is_the_nearest(question: str, text: str) -> None:
    page = passage(1, text)
    evidence = choose_evidence(question, [page])
    assert evidence.answerability == "nearest"
    assert page.text[evidence.blocks[0].start : evidence.blocks[0].end] == text


def test_behind_a_page_that_words_found_nothing_is_nearest() -> None:
    own = passage(1, f"{BUDGET}测试员爱喝绿茶。")
    assert choose_evidence("绿茶要用多少度的热水来冲泡", [own, passage(2, TEA)]).blocks == ()


def test_page_that_vectors_alone_put_first_does_not_hide_one_in_another_language() -> None:
    evidence = choose_evidence("水壶的保修期是多久？", [passage(1, BUDGET), passage(2, WARRANTY)])
    assert evidence.answerability == "nearest"
    assert [block.text for block in evidence.blocks] == ["The warranty lasts two years."]


def test_a_code_that_no_page_has_finds_nothing_of_its_kind() -> None:
    evidence = choose_evidence("错误代码 E-9999 怎么办", [passage(1, BUDGET), passage(2, MANUAL)])
    assert evidence.blocks == ()
