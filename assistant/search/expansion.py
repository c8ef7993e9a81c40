"""Further queries for a question, proposed by the chat model and judged by code; off by default.

The model may only add: the question itself is always searched as it stands, and whatever the
model fails to say, says too late or says badly is passed over.
"""

import asyncio
import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any

from assistant.errors import ModelError, SearchError
from assistant.events import AnswerDelta, Notice, ReasoningDelta
from assistant.models.base import ChatModel
from assistant.models.pool import ModelPool
from assistant.search.base import SearchProvider
from assistant.values import ChatMessage, EngineSkipped, Prompt, SearchHit, SearchReply
from ingest.foundation.messages import Language, Message
from ingest.text.language import language_of
from ingest.text.quoting import neutralize_markup
from ingest.text.tokens import estimate_tokens
from ingest.text.words import content_words

PROPOSAL_S = 4.0
"""Seconds that the search may wait for the model; the question is searched meanwhile."""

PROPOSAL_TOKENS = 96
LONGEST_REPLY = 600
"""Characters; longer replies are no list of queries."""

LONGEST_THINKING = 2_000
LONGEST_QUERY = 100
"""Characters; longer lines are sentences, not queries."""

SHORTEST_QUERY = 2
RRF_K = 60
"""Dampens the first ranks: the value of Cormack, Clarke and Büttcher, SIGIR 2009."""

ASK = Message.bilingual(
    "Write {most} other web search queries that would find pages answering the question: use "
    "synonyms, full names or narrower words. Reply in English and with JSON alone: "
    '{{"queries": ["…"]}}',
    "请另写 {most} 条能搜到这个问题答案的网页搜索词：可用同义词、全称或更具体的词。"
    '只输出 JSON，用中文：{{"queries": ["…"]}}',
)
QUESTION = Message.bilingual("Question: ", "问题：")
QUERIES = Message.bilingual("Queries:", "搜索词：")

_JSON = re.compile(r"[\[{].*[\]}]", re.DOTALL)
_LABEL = re.compile(
    r"^\s*(?:[-*•·]|\d+\s*[.)、:：])*\s*(?:(?:search )?quer(?:y|ies)|搜索词|查询)?"
    r"\s*(?:\d+\s*(?=[:：]))?[:：]?\s*",
    re.IGNORECASE,
)
_NO_QUERY = re.compile(  # links, operators of search engines, markup, speakers and sentences
    r"https?:|www\.|\w[:：]\S|[\"“”<>{}\[\]|\\`]|(?:^|\s)-\w|\b(?:OR|AND|NOT)\b|[.。!！]$|\n|[:：]\s"
)


class ExpandingSearch:
    """Searches for the question and for what the model proposes besides, and merges the hits."""

    def __init__(
        self,
        search: SearchProvider,
        *,
        models: ModelPool,
        queries: int,
        timeout_s: float,
        proposal_s: float = PROPOSAL_S,
    ) -> None:
        """Search for at most `queries` queries, the question among them, in about `timeout_s`.

        The question gets as long as it needs; the rest of the time is for the others.
        """
        self._search = search
        self._models = models
        self._queries = queries
        self._timeout_s = timeout_s
        self._proposal_s = proposal_s

    @property
    def name(self) -> str:
        return self._search.name

    async def search(
        self,
        query: str,
        *,
        limit: int,
        language: Language,
        fresh: bool = False,
        timeout_s: float | None = None,
    ) -> SearchReply:
        within_s = self._timeout_s if timeout_s is None else min(timeout_s, self._timeout_s)
        until = time.monotonic() + within_s
        proposing = asyncio.create_task(self._proposals(query, language))
        try:
            first = await self._search.search(
                query, limit=limit, language=language, fresh=fresh, timeout_s=timeout_s
            )
            further = await proposing
        finally:
            proposing.cancel()
            with suppress(asyncio.CancelledError):
                await proposing
        replies = [first]
        with suppress(TimeoutError, SearchError):  # the question has its hits already
            async with asyncio.timeout(until - time.monotonic()):
                for text in further:
                    reply = await self._search.search(
                        text, limit=limit, language=language, fresh=fresh
                    )
                    replies.append(reply)
        return merged(replies, limit=limit)

    async def _proposals(self, question: str, language: Language) -> list[str]:
        """Return further queries, none if the model fails or takes too long."""
        if not question.strip():
            return []
        try:
            async with asyncio.timeout(self._proposal_s):
                model = (await self._models.get()).model
                if model.kind != "model":  # quotes propose nothing
                    return []
                said = await _said(model, proposal_prompt(question, self._queries - 1))
        except (TimeoutError, ModelError):
            return []
        return usable(_lines(said), question=question, most=self._queries - 1)


def proposal_prompt(question: str, most: int) -> Prompt:
    """Return the short prompt that asks for `most` further queries."""
    language: Language = language_of(question)
    asked = QUESTION.localize(language) + neutralize_markup(question).strip()
    messages = (
        ChatMessage(role="system", content=ASK.localize(language).format(most=most)),
        ChatMessage(role="user", content=f"{asked}\n{QUERIES.localize(language)}"),
    )
    return Prompt(
        messages=messages,
        question=question,
        language=language,
        tokens=sum(estimate_tokens(message.content) for message in messages),
        reply_tokens=PROPOSAL_TOKENS,
        thinking=False,
        schema=reply_schema(most),
    )


def reply_schema(most: int) -> dict[str, Any]:
    """Return the JSON schema of a reply with at most `most` queries."""
    query = {"type": "string", "maxLength": LONGEST_QUERY}
    queries = {"type": "array", "items": query, "maxItems": most}
    return {"type": "object", "properties": {"queries": queries}, "required": ["queries"]}


async def _said(model: ChatModel, prompt: Prompt) -> str:
    """Return the model's answer, cut where it is too long to be a list of queries."""
    answer, thought = "", 0
    async with aclosing(model.stream(prompt)) as events:
        async for event in events:
            match event:
                case AnswerDelta():
                    answer += event.text
                case ReasoningDelta():
                    thought += len(event.text)
                case Notice(code="reasoning_leaked"):
                    answer = ""
                case _:
                    pass
            if len(answer) > LONGEST_REPLY or thought > LONGEST_THINKING:
                break
    return answer


def _lines(said: str) -> list[str]:
    """Return what may be queries: the strings of the JSON in a reply, else its lines."""
    found = _JSON.search(said)
    with suppress(ValueError, RecursionError):
        return list(_strings(json.loads(found.group() if found else "")))
    return said.splitlines()


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)


def usable(lines: Sequence[str], *, question: str, most: int) -> list[str]:
    """Return at most `most` of the lines that are queries about the question, each once.

    They are in its language, short, without links or operators, share a word with it that carries
    meaning, and do not only say the same again.
    """
    topic = set(content_words(question))
    seen = {frozenset(topic)}
    queries: list[str] = []
    for line in lines:
        query = " ".join(_LABEL.sub("", line, count=1).split()).strip(" \"'“”「」*`")
        meant = frozenset(content_words(query))
        if _is_query(query, question) and meant & topic and meant not in seen:
            seen.add(meant)
            queries.append(query)
    return queries[: max(most, 0)]


def _is_query(line: str, question: str) -> bool:
    return (
        SHORTEST_QUERY <= len(line) <= LONGEST_QUERY
        and line.isprintable()
        and not _NO_QUERY.search(line)
        and language_of(line) == language_of(question)
    )


def merged(replies: Sequence[SearchReply], *, limit: int) -> SearchReply:
    """Return one reply by reciprocal rank fusion: what several queries find goes first.

    On a tie, the earlier query's hit does. The first reply says who answered.
    """
    first = replies[0]
    if len(replies) == 1:
        return first
    scores: dict[str, float] = {}
    hits: dict[str, SearchHit] = {}
    for reply in replies:
        for hit in reply.hits:
            scores[hit.url] = scores.get(hit.url, 0.0) + 1 / (RRF_K + hit.rank)
            hits.setdefault(hit.url, hit)
    best = sorted(scores, key=lambda url: -scores[url])[:limit]
    skipped: dict[str, EngineSkipped] = {
        one.engine: one for reply in reversed(replies) for one in reply.skipped
    }
    return replace(
        first,
        hits=tuple(replace(hits[url], rank=rank) for rank, url in enumerate(best, start=1)),
        skipped=tuple(skipped.values()),
        cached=all(reply.cached for reply in replies),
    )
