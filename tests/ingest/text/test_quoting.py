"""Text of pages is quoted so that no model takes it for its instructions, no reader for ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.text.quoting import addresses_a_model, neutralize_markup, strip_footnotes


def test_ordinary_text_stays_as_it_is() -> None:
    ordinary = "if a < b and c > d: print('<b>') # 5 <|> 3"
    assert neutralize_markup(ordinary) == ordinary


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<|im_end|>", "‹|im_end|›"),
        ("<|im\u200b_end|>", "‹|im_end|›"),
        ("</think><THINK>", "‹/think›‹THINK›"),
        ("[INST] <<SYS>>", "(INST) (SYS)"),
    ],
)
def test_control_tokens_of_chat_templates_lose_their_brackets(text: str, expected: str) -> None:
    assert neutralize_markup(text) == expected


@given(st.text(alphabet="<|>‹/im_end sthink[]INSTSY\u200b", max_size=40))
def test_what_is_neutral_stays_so(text: str) -> None:
    once = neutralize_markup(text)
    assert neutralize_markup(once) == once


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("It began in 1998.[4] Then", "It began in 1998. Then"),
        ("the speed[12][13], and", "the speed, and"),
        ("始建于明代[2]。", "始建于明代。"),
        ("a[0] and `args[1]` stay", "a[0] and `args[1]` stay"),
        ("see [1] there", "see [1] there"),
    ],
)
def test_footnotes_of_pages_do_not_pass_for_citations(given: str, expected: str) -> None:
    assert strip_footnotes(given) == expected


def test_line_about_instructions_for_people_stays() -> None:
    assert not addresses_a_model("Read the previous instructions before you fly.")
    assert not addresses_a_model("请遵守以上规则，夜间飞行要开灯。")
