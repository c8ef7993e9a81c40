"""Numbers that belong together keep their order: scores, ratios, pressures, sizes."""

import pytest

from tests.verdict_samples import verdict


@pytest.mark.parametrize(
    ("passage", "same", "reordered"),
    [
        (
            "Arsenal won the match 3-1 against Chelsea.",
            "Arsenal won the match 3–1 against Chelsea.",
            "Arsenal won the match 1-3 against Chelsea.",
        ),
        (
            "中国队以3:1战胜日本队。",
            "中国队3比1战胜日本队。",
            "中国队1:3战胜日本队。",
        ),
        (
            "The patient's blood pressure was 120/80 mmHg at admission.",
            "The patient's blood pressure was 120/80mmHg at admission.",
            "The patient's blood pressure was 80/120 mmHg at admission.",
        ),
        (
            "患者入院时血压为120/80毫米汞柱。",
            "患者入院时血压为120/80mmHg。",
            "患者入院时血压为80/120mmHg。",
        ),
        (
            "水泥与沙子按1:3的比例混合。",
            "水泥与沙子按1比3的比例混合。",
            "水泥与沙子按3:1的比例混合。",
        ),
        (
            "The box measures 30 x 20 x 10 cm.",
            "The box measures 30×20×10cm.",
            "The box measures 20 x 30 x 10 cm.",
        ),
        (
            "屏幕分辨率为1920×1080像素。",
            "屏幕分辨率为1920x1080像素。",
            "屏幕分辨率为1080×1920像素。",
        ),
        (
            "The vote passed 52-48.",
            "The vote passed 52 to 48.",
            "The vote passed 48-52.",
        ),
    ],
)
def test_numbers_of_a_tuple_keep_their_order(passage: str, same: str, reordered: str) -> None:
    assert verdict(passage, same).kind == "supported"
    flagged = verdict(passage, reordered)
    assert (flagged.kind, flagged.reasons) == ("unsupported", ("order",))


@pytest.mark.parametrize(
    ("passage", "sentence"),
    [
        ("Arsenal beat Chelsea 3-1.", "Chelsea lost 1-3 to Arsenal."),
        ("中国队以3比1战胜日本队。", "日本队1比3负于中国队。"),
        ("Mix cement and sand in a ratio of 1:3.", "Mix sand and cement in a ratio of 3:1."),
        ("The rule dates from 5/3/2021.", "The rule dates from 2021-03-05."),
        ("Opening hours are 9:00-17:30.", "It opens from 9:00 to 17:30."),
        ("See pages 10-12 and 12-10.", "See pages 10-12."),
        ("The shop is at 12/4 Park Road.", "The shop is at 12/4 Park Road."),
    ],
)
def test_another_order_of_the_words_may_reorder_them(passage: str, sentence: str) -> None:
    assert verdict(passage, sentence).kind == "supported"


@pytest.mark.parametrize(
    ("sentence", "reasons"),
    [
        ("The score was 3-2 at half-time.", ("order",)),
        ("The score was 2-2 at full time.", ("order",)),
        ("The score was 2-2 at half-time.", ()),
        ("The score was 3-2 at full time.", ()),
        ("The score was 3-2.", ()),
        ("The score was 2-2 at half-time and 3-2 at full time.", ()),
    ],
)
def test_a_tuple_keeps_the_words_behind_it(sentence: str, reasons: tuple[str, ...]) -> None:
    passage = "The score was 2-2 at half-time and 3-2 at full time."
    assert verdict(passage, sentence).reasons == reasons


def test_words_behind_a_tuple_may_be_left_out() -> None:
    passage = "They won 2-1 in Paris on Monday and 3-2 in Paris."
    assert verdict(passage, "They won 2-1 in Paris.").kind == "supported"
