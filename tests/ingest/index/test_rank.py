"""The blocks that are relevant to the question stay, in both languages."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.documents import Document
from ingest.extract.extractor import read_file
from ingest.index.blocks import Block, markdown_blocks
from ingest.index.rank import MAX_BLOCKS, choose_blocks
from ingest.text.tokens import estimate_tokens
from tests.markdown_texts import MARKDOWN


def document(text: str) -> Document:
    return Document(
        url="https://example.com/",
        title="T",
        text=text,
        fetched_at=datetime(2026, 5, 1, tzinfo=UTC),
    )


def chosen(text: str, question: str, *, budget: int) -> list[str]:
    return [text[b.start : b.end] for b in choose_blocks(document(text), question, budget=budget)]


def tokens(text: str, kept: list[Block]) -> int:
    return sum(estimate_tokens(text[block.start : block.end]) for block in kept)


@given(MARKDOWN, st.text(max_size=20) | st.just("无人机夜间飞行"), st.integers(0, 3000))
@settings(deadline=None)
def test_choice_fits_the_budget_keeps_order_and_is_never_empty(
    text: str, question: str, budget: int
) -> None:
    kept = choose_blocks(document(text), question, budget=budget)
    assert bool(kept) == bool(text.strip())
    assert kept == sorted(kept, key=lambda block: block.start)
    assert set(kept) <= set(markdown_blocks(text))
    assert len(kept) == 1 or tokens(text, kept) <= budget


@given(MARKDOWN, st.text(max_size=20))
@settings(deadline=None)
def test_budget_as_long_as_the_text_keeps_all_of_it(text: str, question: str) -> None:
    whole = markdown_blocks(text)
    assert choose_blocks(document(text), question, budget=tokens(text, whole)) == whole


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("夜间飞行需要什么灯光？", "无人机必须装有防撞灯"),
        ("夜航培训多少钱", "| 夜航培训 | 800 元 |"),
        ("灯闪烁几次", "每分钟闪烁四十到一百次"),
        ("How bright must the floor be?", "floor = 40"),
    ],
)
def test_block_that_answers_survives_in_half_of_the_page(question: str, answer: str) -> None:
    page = read_file(Path(__file__).parents[2] / "data" / "pages" / "night_flight.html")
    kept = choose_blocks(page, question, budget=estimate_tokens(page.text) // 2)
    assert any(answer in page.text[block.start : block.end] for block in kept)


def test_words_match_across_case_width_and_punctuation() -> None:
    text = "Nothing here.\n\nThe DRONE.\n\nNothing there."
    assert chosen(text, "ｄｒｏｎｅ?", budget=1) == ["The DRONE."]


@pytest.mark.parametrize("text", ["The drone flies.", "drone drone.\n\nThe drone flies."])
def test_word_that_stands_in_every_block_still_keeps_one(text: str) -> None:
    assert chosen(text, "drone", budget=1)


def test_word_that_stands_in_most_blocks_still_ranks_them_first() -> None:
    text = "The drone flies.\n\nMy drone is red.\n\nA drone can swim.\n\nCakes are baked in ovens."
    assert "Cakes are baked in ovens." not in chosen(text, "drone", budget=15)


def test_heading_counts_for_the_blocks_below_it() -> None:
    below = ("## Batteries\n\nMine differ.", "Charge to sixty percent.")
    text = "\n\n".join(("Rain is wet.", *below, "Sun is dry."))
    assert chosen(text, "batteries", budget=sum(map(estimate_tokens, below))) == list(below)


def test_neighbours_of_the_best_block_come_before_weaker_matches() -> None:
    text = (
        "Night is dark.\n\nWhen may a drone fly at night?\n\nOnly with a lamp.\n\nTea is hot.\n\n"
        "Birds fly too.\n\nFish do not."
    )
    assert "Only with a lamp." in chosen(text, "when may a drone fly at night", budget=15)


def test_question_that_matches_nothing_keeps_the_beginning() -> None:
    text = "One is first.\n\nTwo is next.\n\nThree is last."
    assert chosen(text, "无关", budget=4) == ["One is first."]


def test_page_of_very_many_blocks_is_ranked_in_groups() -> None:
    text = "\n\n".join(["A"] * (3 * MAX_BLOCKS) + ["the needle"])
    kept = chosen(text, "needle", budget=40)
    assert any("the needle" in piece for piece in kept)
    assert len(kept) < 20


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        (
            "Share this: drone lights at night\n\nHome | Drone lights | Night | About\n\n"
            "Lights are wanted on every drone at night.\n\n## Related articles\n\n- Drone lights\n"
            "- Lights at night",
            "drone lights at night",
            "Lights are wanted on every drone at night.",
        ),
        (
            "首页 | 无人机灯光 | 夜间飞行 | 关于我们\n\n分享到：无人机夜间飞行灯光\n\n"
            "无人机在夜间飞行时，灯光应当一直开启。\n\n## 相关阅读\n\n- 无人机灯光\n- 夜间飞行",
            "无人机夜间飞行的灯光",
            "无人机在夜间飞行时，灯光应当一直开启。",
        ),
    ],
)
def test_menus_notices_and_links_to_other_pages_come_after_what_the_page_says(
    text: str, question: str, answer: str
) -> None:
    assert chosen(text, question, budget=1) == [answer]


def test_boilerplate_is_kept_where_there_is_room() -> None:
    text = "Drones fly.\n\nShare this: drones\n\nAll rights reserved."
    assert len(chosen(text, "drones", budget=100)) == 3


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        (
            "Red.\n\nSubscribe to our newsletter below.\n\nA newsletter in shops is read by many.",
            "How do I subscribe to the newsletter?",
            "Subscribe to our newsletter below.",
        ),
        (
            "红色。\n\n扫一扫即可关注公众号。\n\n公众在号角声里关注天气。",
            "怎么关注公众号？",
            "扫一扫即可关注公众号。",
        ),
    ],
)
def test_question_about_the_site_itself_is_answered_by_its_notices(
    text: str, question: str, answer: str
) -> None:
    assert chosen(text, question, budget=1) == [answer]


def test_pages_without_a_match_begin_with_what_is_no_boilerplate() -> None:
    assert chosen("Sign in\n\nOne is first.\n\nTwo.", "无关", budget=1) == ["One is first."]
