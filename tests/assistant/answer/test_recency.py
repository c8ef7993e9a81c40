"""Which questions ask for news, and what the date of a page is then worth."""

import dataclasses
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.answer.recency import UNDATED, Recency, recency_of
from ingest.documents import Document, ScoredChunk
from tests.index_samples import chunks_of, document

TODAY = date(2026, 11, 21)
MONTHLY = Recency(today=TODAY, half_life_days=30.0)


def dated(
    slug: str, *, published: date | None = None, modified: date | None = None, days_ago: int = 0
) -> Document:
    fetched_at = datetime(2026, 11, 21, tzinfo=UTC) - timedelta(days=days_ago)
    return dataclasses.replace(
        document(slug, "text"), published=published, modified=modified, fetched_at=fetched_at
    )


@pytest.mark.parametrize(
    "question",
    [
        "What is the latest on drones?",
        "Who leads the league today?",
        "What are the rules now",
        "Who is the current president of France?",
        "Recent news about drones",
        "what happened this week",
        "population of Paris as of now",
        "Who is currently CEO?",
        "drone rules 2026",
        "Best phones this year",
        "今天北京的天气",
        "最新的无人机规定",
        "最近有什么新闻？",
        "现在的法国总统是谁",
        "目前的利率是多少",
        "本周比赛结果",
        "今年的春节是哪天",
        "2026年的高考时间",
        "關於無人機的新聞",
        "有什么消息吗",
    ],
)
def test_question_for_news_is_recognised(question: str) -> None:
    assert recency_of(question, today=TODAY) is not None


@pytest.mark.parametrize(
    "question",
    [
        "",
        "How do drones fly at night?",
        "What electric current can kill?",
        "direct current or alternating current",
        "How is the current of a battery measured?",
        "which ocean current warms Europe",
        "Who won in 1998?",
        "What is 12026 in binary?",
        "Do you know how snow forms?",
        "renewal of a licence",
        "无人机夜间飞行需要什么灯光？",
        "消息队列是什么",
        "最近邻算法怎么工作",
        "现在完成时怎么用",
        "报名截止日期怎么写",
        "1998年的世界杯",
    ],
)
def test_question_that_asks_for_no_news_is_left_alone(question: str) -> None:
    assert recency_of(question, today=TODAY) is None


def test_the_nearer_the_news_asked_for_the_quicker_a_page_ages() -> None:
    questions = ["today", "this week", "latest", "this year"]
    lives = [recency_of(question, today=TODAY) for question in questions]
    days = [recency.half_life_days for recency in lives if recency]
    assert len(days) == 4
    assert days == sorted(days)
    both = recency_of("the latest news of this year, today", today=TODAY)
    assert both == lives[0]


def test_year_of_the_question_counts_only_while_it_lasts() -> None:
    assert recency_of("rules of 2026", today=date(2027, 1, 1)) is None


def test_page_halves_in_worth_with_each_half_life() -> None:
    ages = (0, 30, 60)
    worth = [MONTHLY.of(dated("a", published=TODAY - timedelta(days=days))) for days in ages]
    assert worth == [1.0, 0.5, 0.25]
    assert MONTHLY.of(dated("a", published=date(1, 1, 1))) == pytest.approx(0.0)


def test_publication_counts_before_modification_before_the_day_of_the_fetch() -> None:
    old, new = TODAY - timedelta(days=300), TODAY
    assert MONTHLY.of(dated("a", published=old, modified=new)) < 0.01
    assert MONTHLY.of(dated("a", modified=new)) == 1.0
    assert MONTHLY.of(dated("a")) == UNDATED
    assert MONTHLY.of(dated("a", days_ago=300)) < 0.01


def test_date_in_the_future_is_no_date() -> None:
    assert MONTHLY.of(dated("a", published=date(2099, 1, 1))) == UNDATED


@given(
    st.lists(
        st.tuples(st.floats(-1, 30), st.integers(0, 2000) | st.none()), min_size=1, max_size=12
    ),
    st.floats(0, 0.3),
)
def test_much_better_match_is_never_overtaken_and_none_is_lost(
    drawn: list[tuple[float, int | None]], weight: float
) -> None:
    documents: dict[str, Document] = {}
    found = []
    for number, (score, days) in enumerate(drawn):
        published = None if days is None else TODAY - timedelta(days=days)
        page = dated(f"p{number}", published=published)
        documents[page.url] = page
        found.append(ScoredChunk(chunk=chunks_of(page)[0], score=score))
    found.sort(key=lambda scored: -scored.score)
    before = {scored.chunk.id: scored.score for scored in found}
    ranked = [scored.chunk.id for scored in MONTHLY.ranked(found, documents, weight=weight)]
    assert sorted(ranked) == sorted(before)
    for place, first in enumerate(ranked):
        for second in ranked[place + 1 :]:
            at_most = before[first] + weight * abs(before[first])
            assert at_most >= before[second] - 1e-9
