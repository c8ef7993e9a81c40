"""A short reply is compared together with its question."""

import pytest

from assistant.answer.verification import SentenceVerifier
from assistant.answer.verification.claims import says_not_there
from tests.evidence_samples import passages


@pytest.mark.parametrize(
    ("passage", "question", "reply"),
    [
        ("季卡60元。", "季卡多少钱？", "季卡60元。"),
        ("门票20元。", "门票多少钱？", "门票20元。"),
        ("| 项目 | 单价 |\n|---|---|\n| 名片 | 38元/盒 |", "名片一盒多少钱？", "名片38元/盒。"),
        ("A day ticket costs £4.", "How much is a day ticket?", "A day ticket costs £4."),
    ],
)
def test_a_short_reply_that_names_its_subject_needs_no_other_words_of_the_question(
    passage: str, question: str, reply: str
) -> None:
    for cited in ((), (1,)):
        found = SentenceVerifier(passages(passage), question=question).check(reply, cited)
        assert found.kind == "supported"


BLAKE = (
    "1793年，威廉·布莱克搬到兰贝斯，在那里写下了《美国：一个预言》。",
    "威廉·布莱克的版画收藏于泰特美术馆。馆内还有透纳的作品。",
)

EMMA = (
    "The novel Emma was published in 1815 by John Murray. It was written by Jane Austen.",
    "Jane Austen lived in Bath for five years.",
)


@pytest.mark.parametrize(
    ("texts", "question", "reply", "cited", "kind", "number"),
    [
        (BLAKE, "谁写了《美国：一个预言》？", "威廉·布莱克", (2,), "re_attached", 1),
        (BLAKE, "谁的版画收藏于泰特美术馆？", "威廉·布莱克", (2,), "supported", 2),
        (BLAKE, "谁写了《美国：一个预言》？", "透纳", (2,), "unsupported", None),
        (BLAKE, "谁写了《美国：一个预言》？", "是的。", (2,), "no_claim", None),
        (EMMA, "Who wrote the novel Emma?", "Jane Austen", (2,), "re_attached", 1),
        (EMMA, "Who lived in Bath?", "Jane Austen", (), "supported", 2),
        (EMMA, "Who wrote the novel Emma?", "Charles Dickens", (1,), "unsupported", None),
    ],
)
def test_a_short_reply_is_supported_where_its_question_is_answered(
    texts: tuple[str, ...],
    question: str,
    reply: str,
    cited: tuple[int, ...],
    kind: str,
    number: int | None,
) -> None:
    found = SentenceVerifier(passages(*texts), question=question).check(reply, cited)
    assert (found.kind, found.passage) == (kind, number)


TEAS = (
    "Green tea should be brewed with water at 80 degrees, black tea with boiling water at 100"
    " degrees. Sencha needs 70 degrees.",
)

TEAS_APART = (
    "Green tea is brewed at 80 °C. Black tea is brewed with boiling water at 100 °C.",
    "Water for tea should be fresh.",
)

TEAS_ZH = ("绿茶用80度的水冲泡，红茶用沸水冲泡。",)

TICKETS_ZH = ("普通票价80元，学生票价40元。",)


@pytest.mark.parametrize(
    ("texts", "question", "right", "wrong"),
    [
        (TEAS, "How hot should the water for green tea be?", "80 degrees", "100 degrees"),
        (TEAS, "How hot should the water for green tea be?", "80 degrees", "70 degrees"),
        (TEAS, "How hot should the water for black tea be?", "100 degrees", "80 degrees"),
        (TEAS, "Which tea needs boiling water?", "Black tea", "Green tea"),
        (TEAS_APART, "How hot should the water for green tea be?", "80 °C", "100 °C"),
        (TEAS_APART, "Which tea needs boiling water?", "Black tea", "Green tea"),
        (TEAS_ZH, "哪种茶要用沸水？", "红茶", "绿茶"),
        (TICKETS_ZH, "学生票多少钱？", "40元", "80元"),
    ],
)
def test_a_short_reply_with_another_value_than_the_one_asked_for_is_unsupported(
    texts: tuple[str, ...], question: str, right: str, wrong: str
) -> None:
    verifier = SentenceVerifier(passages(*texts), question=question)
    assert verifier.check(right, (1,)).kind == "supported"
    assert verifier.check(wrong, (1,)).reasons == ("order",)


@pytest.mark.parametrize(
    "reply",
    [
        *("Not specified.", "Not explicitly stated", "It is not mentioned.", "Not yet specified"),
        *("The value is not available.", "未说明。", "没有提到", "暂未提供"),
    ],
)
def test_a_bare_not_specified_says_that_it_is_not_there(reply: str) -> None:
    assert says_not_there(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "The limit is not specified in the law of 1990.",
        "The ferry is not available.",
        "未说明理由的退货不予受理。",
    ],
)
def test_a_statement_about_what_is_not_specified_is_one(reply: str) -> None:
    assert not says_not_there(reply)
