"""Query expansion: further queries that the chat model proposes and code checks; off by default.

The model can only add: the question itself is always searched as it stands, and what the model
does not propose, or proposes too late or badly, is left out.
"""

import asyncio
import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from assistant.errors import ModelError, SearchError
from assistant.models.base import collect_reply
from assistant.models.pool import ModelPool
from assistant.search.base import SearchProvider
from assistant.values import ChatMessage, EngineSkipped, Prompt, SearchHit, SearchReply
from ingest.foundation.concurrency import cancel_and_wait
from ingest.foundation.messages import Language, Message
from ingest.index.rank_fusion import reciprocal_rank_scores
from ingest.text.language import language_of
from ingest.text.quoting import neutralize_markup
from ingest.text.tokens import estimate_tokens
from ingest.text.words import content_words

PROPOSAL_S = 4.0
"""Seconds that the search may wait for the model; the question is searched meanwhile."""

PROPOSAL_TOKENS = 96
"""Two or three queries of some ten words, and the JSON around them."""
MAX_REPLY_CHARACTERS = 600
"""Characters; longer replies are no list of queries."""
MAX_QUERY_CHARACTERS = 100
"""Characters; longer lines are sentences, not queries."""
MIN_QUERY_CHARACTERS = 2
"""Characters: a Chinese word."""
RRF_K = 60
"""As Cormack, Clarke and Büttcher have it (`ingest.index.rank_fusion`)."""

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
"""From the first bracket to the last: models wrap JSON in fences and small talk."""
_LABEL = re.compile(
    r"^\s*(?:[-*•·]|\d+\s*[.)、:：])*\s*(?:(?:search )?quer(?:y|ies)|搜索词|查询)?"
    r"\s*(?:\d+\s*(?=[:：]))?[:：]?\s*",
    re.IGNORECASE,
)
"""In front of a query: "- ", "2) ", "Query 1: ", "搜索词："."""
_NO_QUERY = re.compile(
    r"https?:|www\.|\w[:：]\S|[\"“”<>{}\[\]|\\`]|(?:^|\s)-\w|\b(?:OR|AND|NOT)\b|[.。!！]$|\n|[:：]\s"
)
"""Links, operators of search engines, markup, speakers ("user: …") and sentences."""


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
        """The name of the provider that is searched."""
        return self._search.name

    async def search(
        self,
        query: str,
        *,
        limit: int,
        language: Language,
        fresh: bool = False,
        timeout_s: float | None = None,
        model: str | None = None,
    ) -> SearchReply:
        """Return the hits of all queries as one ranking; see `SearchProvider.search`."""
        within_s = self._timeout_s if timeout_s is None else min(timeout_s, self._timeout_s)
        deadline = time.monotonic() + within_s
        # The model thinks while the question is searched; it adds no time where it is quick.
        proposing = asyncio.create_task(self._propose_queries(query, model))
        try:
            first = await self._search.search(
                query, limit=limit, language=language, fresh=fresh, timeout_s=timeout_s
            )
            further = await proposing
        finally:
            # Where the search has failed, the model must not go on generating.
            await cancel_and_wait([proposing])
        replies = [first]
        # What comes too late or fails costs nothing: the question has its hits already.
        with suppress(TimeoutError, SearchError):
            async with asyncio.timeout(deadline - time.monotonic()):
                # One after the other: engines take several at once for an attack.
                for text in further:
                    reply = await self._search.search(
                        text, limit=limit, language=language, fresh=fresh
                    )
                    replies.append(reply)
        return merge_replies(replies, limit=limit)

    async def _propose_queries(self, question: str, name: str | None) -> list[str]:
        """Return further queries, none if the model fails or takes too long."""
        if not question.strip():
            return []
        most = self._queries - 1
        try:
            async with asyncio.timeout(self._proposal_s):
                # The model that answers: another one would push it out of the server's memory.
                model = (await self._models.get(name)).model
                if model.kind != "model":  # one that quotes has nothing to propose
                    return []
                prompt = proposal_prompt(question, most)
                reply = await collect_reply(model, prompt, longest=MAX_REPLY_CHARACTERS)
        except (TimeoutError, ModelError):
            return []
        return select_queries(split_proposals(reply), question=question, most=most)


def proposal_prompt(question: str, most: int) -> Prompt:
    """Return the short prompt that asks for `most` further queries."""
    language: Language = language_of(question)
    # A question may hold text from elsewhere that looks like the markup of a prompt.
    content = QUESTION.localize(language) + neutralize_markup(question).strip()
    messages = (
        ChatMessage(role="system", content=ASK.localize(language).format(most=most)),
        ChatMessage(role="user", content=f"{content}\n{QUERIES.localize(language)}"),
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
    query = {"type": "string", "maxLength": MAX_QUERY_CHARACTERS}
    queries = {"type": "array", "items": query, "maxItems": most}
    return {"type": "object", "properties": {"queries": queries}, "required": ["queries"]}


def split_proposals(reply: str) -> list[str]:
    """Return what may be queries: the strings of the JSON in a reply, else its lines."""
    found = _JSON.search(reply)
    # Not every server holds a model to the schema, and no model keeps to it by itself.
    with suppress(ValueError, RecursionError):
        return list(_strings_in(json.loads(found.group() if found else "")))
    return reply.splitlines()


def _strings_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings_in(part)


def select_queries(lines: Sequence[str], *, question: str, most: int) -> list[str]:
    """Return at most `most` of the lines that are queries about the question, each once.

    They are in its language, short, without links or operators, share a content word with it, and
    do not only repeat it.
    """
    topic = set(content_words(question))
    # By their words: another order or other small words find the same pages.
    seen = {frozenset(topic)}
    queries: list[str] = []
    for line in lines:
        query = " ".join(_LABEL.sub("", line, count=1).split()).strip(" \"'“”「」*`")
        meant = frozenset(content_words(query))
        is_query = (
            MIN_QUERY_CHARACTERS <= len(query) <= MAX_QUERY_CHARACTERS
            and query.isprintable()
            and not _NO_QUERY.search(query)
            and language_of(query) == language_of(question)
        )
        if is_query and meant & topic and meant not in seen:
            seen.add(meant)
            queries.append(query)
    return queries[: max(most, 0)]


def merge_replies(replies: Sequence[SearchReply], *, limit: int) -> SearchReply:
    """Return one reply by reciprocal rank fusion: what several queries find goes first.

    On a tie, the earlier query's hit does. The first reply says who answered.
    """
    first = replies[0]
    if len(replies) == 1:
        return first
    rankings = ([(hit.url, 1.0) for hit in reply.hits] for reply in replies)
    scores = reciprocal_rank_scores(rankings, k=RRF_K)
    # Backwards, so that title and snippet are those of the earliest query that found the page.
    hits: dict[str, SearchHit] = {hit.url: hit for reply in reversed(replies) for hit in reply.hits}
    # sorted() is stable: equal scores stay in the order of first appearance.
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
