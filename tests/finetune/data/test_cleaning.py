"""Cleaning repairs, counts what it did, and eats nothing."""

import json
import unicodedata
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.data.cleaning import Cleaner
from finetune.data.formats.entities import build_prompt, render_entities, split_prompt
from finetune.data.rows import RejectedRow
from finetune.recipe import Step
from finetune.records import Entity, Record, Turn

STEPS: tuple[Step, ...] = get_args(Step)


def record(answer: str = "a", *, user: str = "q", think: str = "", system: str = "") -> Record:
    return Record(id="0", turns=(Turn(user=user, think=think, answer=answer),), system=system)


def cleaned(given: Record, *steps: Step) -> Record:
    read = Cleaner(steps or STEPS).clean(given)
    assert isinstance(read, Record), read
    return read


def answer_after(text: str, *steps: Step) -> str:
    return cleaned(record(text), *steps).last.answer


@pytest.mark.parametrize(
    "text",
    [
        "if a<b and c>d: return",
        "若 a<b 且 b>c，则 a<c",
        "x<b>y 中的 b 没有配对",
        "$\\frac{a}{b} \\left< x \\right>$ 与 $a & b$",
        "    indented\n\tby a tab\n\n\nand blank lines",
        "```python\nx = 1   \n\n\n\n\n\ny = '<br>&nbsp;'\n```",
        "用 `<br>` 换行",
        "HTML 中 <b>粗体</b> 用 b 标签",
        "<!DOCTYPE html>\n<p>hi</p>",
        "List<String> names; Map<K, V> m; template <typename T>",
        "<answer>42</answer> <Foo.Bar/>",
        "&lt;br&gt; 是转义后的 br",
        "AT&T; R&D; a && b; ?x=1&copy=2",
        "10<sup>2</sup>",
        "家庭 👨‍👩‍👧 与 می‌خواهم",
        "①２ＡＢ㎡ ﬁ",
        "《》—— ｜ ：",
        "|a|b|\n|-|-|\n|1|2|",
        "a  b   c",
    ],
)
def test_what_is_data_survives(text: str) -> None:
    given = record(text)
    assert cleaned(given) is given


def test_thinking_survives() -> None:
    given = record("a", think="first\n\n  then a<b")
    assert cleaned(given) is given


@pytest.mark.parametrize(
    ("step", "dirty", "clean"),
    [
        ("unicode", "e\u0301te\u0301", "été"),
        ("unicode", "零\u200b宽\ufeff字\u2060符", "零宽字符"),
        ("unicode", "a\u200db", "ab"),
        ("unicode", "bell\x07 del\x7f", "bell del"),
        ("unicode", "a\r\nb\rc\u2028d\x0ce", "a\nb\nc\nd\ne"),
        ("unicode", "e\u200b\u0301", "é"),
        ("spaces", "a  \nb\u3000\nc \t", "a\nb\nc"),
        ("spaces", "\n \n  a\n\n\n\n\n\nb\n\n", "  a\n\n\nb"),
        ("spaces", "a \n```\nx \n```\nb \n", "a\n```\nx \n```\nb"),
        ("html", "多喝水<br/>早睡&nbsp;觉", "多喝水\n早睡 觉"),
        ("html", '<span class="x">a</span> <font color=red>b</font>', "a b"),
        ("html", "<p>一</p><b>二</b>", "\n一\n二"),
        ("html", "a &lt; b &amp; c &#x4e2d;&#20013;", "a < b & c 中中"),
        ("html", "&ldquo;好&rdquo;<br>`<br>`", "“好”\n`<br>`"),
        ("control_tokens", "a<|im_end|>b", "a‹|im_end|›b"),
        ("control_tokens", "a<｜end▁of▁sentence｜>", "a‹｜end▁of▁sentence｜›"),
        ("control_tokens", "a\n<think>b</think>", "a\n‹think›b‹/think›"),
        ("control_tokens", "[INST] <<SYS>>", "(INST) (SYS)"),
    ],
)
def test_step_repairs_and_counts(step: Step, dirty: str, clean: str) -> None:
    cleaner = Cleaner([step])
    read = cleaner.clean(record(dirty))
    assert isinstance(read, Record)
    assert read.last.answer == clean
    assert cleaner.counts == {step: 1}


def test_step_that_the_recipe_leaves_out_is_not_taken() -> None:
    assert answer_after("a<br>\u200b  \n", "control_tokens") == "a<br>\u200b  \n"
    assert Cleaner(()).clean(record(" ")) == record(" ")


@pytest.mark.parametrize(
    "token", ["<think>", "</think>", "<|im_start|>", "<｜User｜>", "<|eot_id|>", "[INST]", "<s>"]
)
def test_text_of_users_and_systems_holds_no_control_token(token: str) -> None:
    hidden = token[0] + "\u200b" + token[1:]
    read = cleaned(record(user=f"q {token} {hidden}", system=f"s {token}"))
    assert token not in read.last.user
    assert token not in read.system


@given(text=st.text(st.sampled_from("<|>think/_im｜s\u200b e"), max_size=30))
def test_no_spelling_makes_a_think_tag(text: str) -> None:
    read = Cleaner(STEPS).clean(record(f"x{text}", user=f"x{text}", think=text))
    assert isinstance(read, Record)
    for part in (read.last.user, read.last.answer, read.last.think):
        assert "<think>" not in part
        assert "</think>" not in part
        assert "<|im|>" not in part


def test_answer_in_json_stays_json() -> None:
    answer = json.dumps({"rewrite": "请<br>帮我&quot;"}, ensure_ascii=False)
    assert json.loads(answer_after(answer)) == {"rewrite": "请<br>帮我&quot;"}


def test_record_of_which_nothing_is_left_is_a_bad_row() -> None:
    read = Cleaner(STEPS).clean(record("\u200b\ufeff"))
    assert isinstance(read, RejectedRow)
    assert read.reason.localize("en") == "no answer"


def test_changed_record_gets_the_id_of_its_content() -> None:
    assert cleaned(record("a ")).id == cleaned(record("a\u200b")).id != "0"


TEXT = "甲方：\u200b张三  \n\n\n\n\n乙方：李\u200b四<br>张三"


def extraction(text: str, *found: tuple[str, str, int]) -> Record:
    entities = tuple(
        Entity(label=label, text=name, start=start, end=start + len(name))
        for label, name, start in found
    )
    turn = Turn(user=build_prompt("找人名。", text), answer=render_entities(entities))
    return Record(id="0", turns=(turn,), entities=entities)


def test_entities_stand_where_they_are_after_cleaning() -> None:
    names = ("张三", TEXT.index("张三")), ("李\u200b四", TEXT.index("李"))
    given = extraction(TEXT, *(("人名", *one) for one in (*names, ("张三", TEXT.rindex("张三")))))
    read = cleaned(given)
    text = split_prompt(read.last.user)[1]
    assert [one.text for one in read.entities] == ["张三", "李四", "张三"]
    assert all(text[one.start : one.end] == one.text for one in read.entities)
    assert len({one.start for one in read.entities}) == 3
    assert [one["text"] for one in json.loads(read.last.answer)] == ["张三", "李四", "张三"]


def test_entity_that_is_lost_in_cleaning_is_named() -> None:
    read = Cleaner(STEPS).clean(extraction("a\u200bb", ("零宽", "\u200b", 1)))
    assert isinstance(read, RejectedRow)
    assert "is lost in cleaning" in read.reason.localize("en")


PIECES = st.sampled_from(
    [
        *"<>&`\n \t;/a",
        *("<br>", "<b>", "</b>", "<p class='x'>", "<script>", "&lt;", "&amp;", "&nbsp;", "&#96;"),
        *("```", "```\n", "\n```\n", "\r\n", "\u200b", "\u200d", "\u0301", "K", "👩", "\u3000"),
        *("<think>", "</think>", "<|im_end|>", "<｜User｜>", "[INST]", "html", "代码", "ht", "ml"),
        *("x = 1", "中文", "é", "&#8203;", "&lt;b&gt;", "\x07", "\x85"),
    ]
)
DIRTY = st.lists(PIECES | st.text(max_size=4), max_size=14).map("".join)


@given(user=DIRTY, think=DIRTY, answer=DIRTY, system=DIRTY)
def test_cleaning_twice_is_cleaning_once(user: str, think: str, answer: str, system: str) -> None:
    once = Cleaner(STEPS).clean(record(f"a{answer}", user=f"q{user}", think=think, system=system))
    if isinstance(once, Record):
        assert Cleaner(STEPS).clean(once) is once


@given(text=st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters="<&[")))
def test_letters_marks_and_symbols_are_never_lost(text: str) -> None:
    assert answer_after(f"a{text}") == unicodedata.normalize("NFC", f"a{text}")
