"""Scores of the tasks classification, extraction and nonviolent rewriting."""

import json

import pytest

from finetune.evaluate.metrics.answer_json import find_first_json, parse_whole_json
from finetune.evaluate.metrics.entities import (
    locate_entities,
    parse_entities,
    score_extraction,
)
from finetune.evaluate.metrics.labels import NO_LABEL, parse_label, score_classification
from finetune.evaluate.metrics.nvc import nvc_figures, parse_nvc_reply
from finetune.records import Entity, Record, Turn

LABELS = ["骨科", "眼科", "满意", "不满意", "cold", "other"]


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("骨科", "骨科"),
        ("**骨科**。", "骨科"),
        ("应当去眼科就诊。", "眼科"),
        ("不满意", "不满意"),
        ("我觉得不满意。", "不满意"),
        ("骨科或眼科", NO_LABEL),
        ("内科", NO_LABEL),
        ("It was scolded.", NO_LABEL),
        ("A COLD.", "cold"),
        ("", NO_LABEL),
    ],
)
def test_the_one_label_of_an_answer_is_found(answer: str, label: str) -> None:
    assert parse_label(answer, LABELS) == label


def test_accuracy_macro_f1_and_confusion_of_a_known_case() -> None:
    figures = score_classification(["a", "a", "b", "b"], ["a", "b", "b", NO_LABEL])
    assert figures.accuracy == 0.5
    assert figures.macro_f1 == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert figures.columns == ("a", "b", NO_LABEL)
    assert figures.confusion == ((1, 1, 0), (0, 1, 1))
    assert [one.records for one in figures.per_label] == [2, 2]


def test_classification_without_records_raises() -> None:
    with pytest.raises(ValueError, match="no record"):
        score_classification([], [])


TEXT = "甲方：北京云山公司。乙方：杭州知行公司。甲方应在三十日内付款。"


def window(start: int, end: int, *entities: tuple[str, str]) -> Record:
    text = TEXT[start:end]
    gold = tuple(
        Entity(label=label, text=part, start=text.index(part), end=text.index(part) + len(part))
        for label, part in entities
    )
    return Record(
        id=f"{start}-{end}",
        turns=(Turn(user=f"找出实体。\n\n{text}", answer="[]"),),
        entities=gold,
        document="contract-1",
        offset=start,
    )


def reply(*entities: tuple[str, str]) -> str:
    return json.dumps([{"label": a, "text": b} for a, b in entities], ensure_ascii=False)


def test_an_entity_in_the_text_that_two_windows_share_counts_once() -> None:
    shared = ("乙方", "杭州知行公司")
    first = locate_entities(window(0, 20, shared), reply(shared))
    second = locate_entities(window(10, 31, shared), reply(shared))
    figures = score_extraction([first, second])
    assert (figures.micro.correct, figures.micro.given, figures.micro.expected) == (1, 1, 1)


def test_missed_spurious_and_mislabelled_entities_lower_the_f1() -> None:
    gold = [("甲方", "北京云山公司"), ("乙方", "杭州知行公司"), ("期限", "三十日内")]
    given = [("甲方", "北京云山公司"), ("甲方", "杭州知行公司"), ("金额", "五百万元")]
    figures = score_extraction([locate_entities(window(0, 31, *gold), reply(*given))])
    assert figures.micro.f1 == pytest.approx(1 / 3)
    assert figures.per_label["甲方"].precision == 0.5
    assert figures.per_label["甲方"].recall == 1
    assert figures.per_label["金额"].expected == 0
    assert figures.macro_f1 == pytest.approx((2 / 3 + 0 + 0) / 3)


def test_the_same_entity_named_twice_too_often_is_spurious() -> None:
    gold = ("乙方", "杭州知行公司")
    found = locate_entities(window(0, 31, gold), reply(gold, gold))
    assert score_extraction([found]).micro.given == 2


def test_entities_without_offsets_are_located() -> None:
    record = Record(
        id="1",
        turns=(Turn(user=TEXT, answer="[]"),),
        entities=(Entity(label="方", text="甲方"), Entity(label="方", text="甲方")),
    )
    found = locate_entities(record, reply(("方", "甲方"), ("方", "甲方")))
    assert found.expected == found.given
    assert len(found.expected) == 2


def test_an_entity_with_one_end_wrong_is_wrong() -> None:
    gold = [("甲方", "北京云山公司"), ("乙方", "杭州知行公司"), ("期限", "三十日内")]
    given = [("甲方", "北京云山"), ("乙方", "杭州知行公司"), ("期限", "三十日内")]
    ours = score_extraction([locate_entities(window(0, 31, *gold), reply(*given))])
    assert ours.micro.f1 == pytest.approx(2 / 3)  # as seqeval's strict mode
    assert ours.per_label["甲方"].f1 == 0


def test_nothing_expected_and_nothing_given_is_correct() -> None:
    assert score_extraction([locate_entities(window(0, 10), "[]")]).micro.f1 == 1


@pytest.mark.parametrize(
    "answer",
    [
        '[{"label": "甲方", "text": "云山"}]',
        '好的：\n```json\n[{"label": "甲方", "text": "云山"}]\n```\n以上。',
        '{"entities": [{"label": "甲方", "text": "云山"}]}',
        '{"label": "甲方", "text": "云山"}',
        '{"甲方": ["云山"]}',
        '{"甲方": "云山"}',
    ],
)
def test_entities_are_read_in_the_shapes_that_models_write(answer: str) -> None:
    assert parse_entities(answer) == [Entity(label="甲方", text="云山")]


@pytest.mark.parametrize("answer", ["", "没有", "[", '[{"label": 1}]', '["甲方"]', "3", "[" * 5000])
def test_a_reply_that_is_no_list_of_entities_has_none(answer: str) -> None:
    assert parse_entities(answer) == []


def test_only_json_alone_is_of_use_to_a_program() -> None:
    assert parse_whole_json('```json\n{"a": 1}\n```') == {"a": 1}
    assert parse_whole_json('Here: {"a": 1}') is None
    assert find_first_json('Here [1: {"a": 1}') == {"a": 1}


RISKY = json.dumps(
    {
        "risk": True,
        "observation": "o",
        "feeling": "f",
        "need": "n",
        "request": "r",
        "rewrite": "w",
    }
)
POLITE = '{"risk": false}'


def test_rewritings_are_judged_by_risk_json_and_silence() -> None:
    figures = nvc_figures(
        [
            parse_nvc_reply(RISKY, RISKY),
            parse_nvc_reply(POLITE, RISKY),
            parse_nvc_reply(POLITE, POLITE),
            parse_nvc_reply('{"risk": false, "rewrite": "w"}', POLITE),
            parse_nvc_reply(f"好的 {RISKY}", POLITE),
            parse_nvc_reply("没有风险", POLITE),
        ]
    )
    assert figures.risk_precision == 0.5
    assert figures.risk_recall == 0.5
    assert figures.risk_f1 == 0.5
    assert figures.valid == pytest.approx(4 / 6)
    assert figures.silence == pytest.approx(1 / 4)


def test_a_risk_without_its_parts_is_no_valid_reply() -> None:
    assert not parse_nvc_reply('{"risk": true}', RISKY).valid
    assert parse_nvc_reply('{"risk": true}', RISKY).is_correct
    assert not parse_nvc_reply('{"risk": "yes"}', RISKY).is_correct


def test_without_polite_messages_there_is_no_silence_figure() -> None:
    assert nvc_figures([parse_nvc_reply(RISKY, RISKY)]).silence is None
