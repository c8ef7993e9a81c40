"""The estimate is near the truth, above it for prose, and adds up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.text.tokens import estimate_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        (" ", 0),
        ("\n", 1),
        ("\n\n\n", 3),
        ("    ", 1),
        ("\u3000", 1),
        ("猫", 1),
        ("㐀", 1),
        ("\U00020000", 2),
        ("无人机夜航。", 6),
        ("A drone flies.", 4),
        ("international", 3),
        ("限重25kg的无人机", 9),
        ("UNESCO", 3),
        ("camelCase", 2),
        ("é", 1),
        ("😀", 3),
        ("a" * 1000, 200),
    ],
)
def test_tokens_are_estimated_alike_in_both_languages(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


@pytest.mark.parametrize(
    ("text", "true_count"),
    [
        # counted with o200k_base, which knows Chinese no better than Qwen's tokenizer does
        ("The speed limit for drones at night is 120 metres above the ground.", 15),
        ("无人机夜间飞行必须打开灯光，并且高度不得超过120米。", 18),
        ("https://www.caac.gov.cn/XXGK/XXGK/MHGZ/202304/t20230428_218386.html", 27),
        ("Привет, как дела? Это простой текст", 9),
        ("안녕하세요 오늘 날씨가 좋네요", 8),
    ],
)
def test_estimate_is_not_below_the_truth(text: str, true_count: int) -> None:
    assert true_count <= estimate_tokens(text) <= 4 * true_count


@given(st.text(), st.text())
def test_texts_together_have_no_more_tokens_than_apart_but_for_one_white_space(
    one: str, two: str
) -> None:
    apart = estimate_tokens(one) + estimate_tokens(two)
    assert estimate_tokens(one + two) <= apart + 1
    assert abs(estimate_tokens(f"{one} {two}") - apart) <= 1
