"""Questions that ask for news, and how much the date of a page then counts.

The prior of Li and Croft, "Time-based language models", CIKM 2003: what a page is worth decays
exponentially with its age. It is a mild factor on the score of a match and never a filter, so the
date decides between matches that are about as good, and an old page that alone answers still does.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ingest.documents import Document, ScoredChunk

UNDATED = 0.3
"""Recency of a page without a date that was fetched today: it may be new, and seldom is."""

_DAY, _WEEK, _MONTH, _HALF_YEAR = 2.0, 7.0, 30.0, 180.0  # half-lives in days

_ELECTRIC = re.compile(
    r"\b(?:electric\w*|amp(?:ere)?s?|volt\w*|ohms?|circuits?|resist\w+|capacit\w+|induct\w+|motors?"
    r"|batter\w+|wires?|transistors?|diodes?|direct|alternating|eddy|ocean\w*|tid(?:al|es?)|rivers?"
    r"|gulf|seas?)\b",
    re.IGNORECASE,
)
"""Beside these words "current" flows; it does not mean "now"."""

_NEWS = (
    (
        _DAY,
        re.compile(
            r"\b(?:today|tonight|yesterday|right now|breaking news|this morning)\b"
            r"|今天|今日|今晚|今早|昨天|昨日|刚刚|剛剛",
            re.IGNORECASE,
        ),
    ),
    (
        _WEEK,
        re.compile(
            r"\b(?:this|last|past) week\b|\bnews\b|\bheadlines?\b"
            r"|[本这這上][个個]?(?:周|週|星期)|近日|新闻|新聞"
            r"|消息(?!队列|隊列|中间件|传递|機制|机制|推送|格式|认证|摘要|代理|总线)",
            re.IGNORECASE,
        ),
    ),
    (
        _MONTH,
        re.compile(
            r"\b(?:latest|newest|recent(?:ly)?|lately|now|nowadays|currently|at present"
            r"|as of|so far|up to date|this month|last month)\b"
            r"|最新|最近(?!邻|鄰|公共|点|點|距离|的?(?:车站|地铁|机场|医院))|近期|现在(?!完成|进行)"
            r"|現在|目前|当前|當前|如今|截至|截止(?!日期|时间)|[本这這上][个個]?月",
            re.IGNORECASE,
        ),
    ),
    (_HALF_YEAR, re.compile(r"\bthis year\b|今年|本年度?", re.IGNORECASE)),
)
"""Half-life -> words that ask for it, the shortest first; Chinese ones in both scripts."""

_CURRENT = re.compile(r"\bcurrent\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recency:
    """How a question's wish for news weighs pages."""

    today: date
    half_life_days: float

    def of(self, document: Document) -> float:
        """Return 1 for a page of today, less the older it is, near 0 after six half-lives."""
        dated = document.published or document.modified
        if dated is None or dated > self.today + timedelta(days=1):  # nobody writes in the future
            return UNDATED * self._weight_of(document.fetched_at.date())
        return self._weight_of(dated)

    def _weight_of(self, day: date) -> float:
        """Return 1 for today, half of it after each `half_life_days`."""
        days = max(0, (self.today - day).days)
        return float(0.5 ** (days / self.half_life_days))

    def ranked(
        self, found: Sequence[ScoredChunk], documents: Mapping[str, Document], *, weight: float
    ) -> list[ScoredChunk]:
        """Return `found` reordered, best first, each score up to `weight` (a share of it) higher.

        So no chunk overtakes one whose score was more than 1 + `weight` times its own. None is
        lost; pages that are not in `documents` count as old.
        """
        by_page = {url: self.of(document) for url, document in documents.items()}
        raised = [
            ScoredChunk(
                chunk=scored.chunk,
                score=scored.score
                + abs(scored.score) * weight * by_page.get(scored.chunk.url, 0.0),
            )
            for scored in found
        ]
        # Stable: chunks of one age and score keep their order.
        return sorted(raised, key=lambda scored: -scored.score)


def recency_of(question: str, *, today: date) -> Recency | None:
    """Return how recent pages should be that answer `question`, None if it does not ask for news.

    Asked for in code, in English and Chinese: no model is needed, and a question that is taken for
    news by mistake only has its near ties broken by date.
    """
    for half_life_days, asks in _NEWS:
        if asks.search(question):
            return Recency(today=today, half_life_days=half_life_days)
    if _CURRENT.search(question) and not _ELECTRIC.search(question):
        return Recency(today=today, half_life_days=_MONTH)
    # The year alone is the weakest sign: "the 2026 budget" may be asked of a page of last year.
    if re.search(rf"(?<!\d){today.year}(?!\d)", question):
        return Recency(today=today, half_life_days=_HALF_YEAR)
    return None
