"""From a question to the passages that may answer it: words and vectors, fused."""

import asyncio
import bisect
import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from assistant.answer.evidence import compare_units, similar_passages
from assistant.answer.evidence.safe_passages import without_orders
from assistant.answer.fusion import Legs, doubtful_hits, fuse_legs, known_hits, weight_of
from assistant.answer.long_questions import condense_question
from assistant.answer.recency import recency_of
from assistant.answer.rerank.base import Reranker
from assistant.events import Notice, NoticeCode
from assistant.values import Passage, UnitSimilarity
from ingest.documents import Document, ScoredChunk
from ingest.errors import EmbedError, StoreError
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import LANGUAGES, Message
from ingest.index.chunk_embedding import embed_chunks
from ingest.index.embed.base import LANGUAGE_COVERAGE_FLOOR, Embedder, Vector
from ingest.index.embed.following import current_embedder
from ingest.index.regions import excerpt, excerpt_bodies
from ingest.index.store.base import ChunkStore
from ingest.text.language import dominant_language, language_of
from ingest.text.words import content_words, words

CANDIDATES = 50  # chunks that each leg may name
RERANKED = 20  # chunks that a reranker reads: three times the passages, one second for small ones
DOUBTFUL = 3  # passages looked into where neither leg has anything in the question's language
EMBED_NOW = 16  # chunks found by words that get their missing vector now: 0.5 s on two cores
WORDS_RECENCY = 0.15
VECTORS_RECENCY = 0.01
"""How much of its score a page of today gains in each leg when the question asks for news.
Cosines lie closer together than BM25 scores, all within .1 for some models: .05 cost .02 of
recall@5 with multilingual-e5-small. What this costs is in bench/retrieval.py."""

GAP = 2  # characters of white space that the splitter leaves out between neighbours

NO_ENCODER = Message("Found by words alone: no embedding model is available. See: assistant doctor")
TOO_SLOW = Message(
    "Found by words alone: the embedding model did not answer in time. See: assistant doctor"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """The passages, best first, and what was missing while they were chosen."""

    passages: tuple[Passage, ...]
    notices: tuple[Notice, ...] = ()
    """"words_only": the vectors did not help although they should; not where the encoder does not
    know the question's language and words do better. "not_reranked": the reranker failed."""
    looked_up: str = ""
    """The question as it was looked up: the sentences that ask, and what misspelt words stand for.
    Evidence is chosen by it, too."""
    vector: Vector | None = None
    """That of `looked_up`; None where vectors were not asked, and where it holds more words than
    the question that was encoded."""


@dataclass(frozen=True, slots=True)
class _Span:
    """A character range of one document that becomes one passage."""

    url: str
    start: int
    end: int
    heading: str
    score: float

    def touches(self, other: "_Span") -> bool:
        """Return whether both overlap or are neighbours of one page."""
        near = self.start <= other.end + GAP and other.start <= self.end + GAP
        return self.url == other.url and near

    def joined(self, other: "_Span") -> "_Span":
        """Return what covers both, under the heading of the first and the better score."""
        first = other if other.start < self.start else self
        return _Span(
            self.url,
            first.start,
            max(self.end, other.end),
            first.heading,
            max(self.score, other.score),
        )


class Retriever:
    """Finds passages in the index by words and, where an encoder knows the language, by vectors."""

    def __init__(
        self,
        *,
        store: ChunkStore,
        embedder: Embedder | None,
        top_k: int,
        reranker: Reranker | None = None,
        per_page: int = 3,
        longest: int = 1_600,
        timeout_s: float = 5.0,
        no_encoder: Message | None = NO_ENCODER,
        today: Callable[[], date] = date.today,
    ) -> None:
        """Find `top_k` passages for a question that does not say how many, `per_page` of one page.

        Args:
            store: The index.
            embedder: Encodes questions; None: words alone find chunks.
            top_k: Passages at most.
            reranker: Reorders the best `RERANKED` chunks; None: fusion's order stands.
            per_page: Passages of one page at most.
            longest: Characters up to which neighbouring chunks become one passage.
            timeout_s: Seconds for the question's vector and for those that its best chunks lack,
                again for the reranker, and for comparing pieces of the passages.
            no_encoder: What to say when `embedder` is None, None to say nothing.
            today: The day by which questions for news measure the age of pages.
        """
        self._store = store
        self._embedder = embedder
        self._top_k = top_k
        self._per_page = per_page
        self._longest = longest
        self._no_encoder = no_encoder
        self._timeout_s = timeout_s
        self._reranker = reranker
        self._today = today

    async def check_collections(self, names: Sequence[str]) -> None:
        """Raise `CollectionError` if one of `names` has no document."""
        if names:
            await self._store.check_collections(names)

    async def retrieve(
        self, question: str, *, top_k: int | None = None, collections: Sequence[str] = ()
    ) -> Retrieved:
        """Return the best passages for `question`, () when nothing in the index is relevant.

        `top_k` passages at most, None for as many as the retriever was made for. Of documents in
        one of `collections`, () of all.

        Raises:
            CollectionError: there is no such collection.
            StoreError: the text of the index cannot be read.
        """
        # One for the whole question: the index may be moved to another in the middle of it.
        embedder = current_embedder(self._embedder) if self._embedder else None
        await self.check_collections(collections)
        question = condense_question(question)
        all_words = words(question)
        # "goverment" is in no page: its pages are relevant by the word that it stands for.
        meant = await self._store.near_misses(all_words)
        terms = {*(content_words(question) or all_words), *meant}
        found = await self._store.matching(
            [*all_words, *meant], top_k=CANDIDATES, collections=collections
        )
        # For a question of nothing but grammar ("Who is it?") `wanted` holds its function words.
        # They still help to rank: recall@1 of both legs is .950 with them, .941 without.
        by_words = [
            scored
            for scored in found
            if not terms.isdisjoint(
                words(f"{scored.chunk.title} {scored.chunk.heading} {scored.chunk.text}")
            )
        ]
        vector, near, words_only = await self._by_vector(question, by_words, embedder, collections)
        by_words, by_vector = await self._newer_first(question, by_words, near)
        legs = Legs(
            language=language_of(question), wanted=terms, by_words=by_words, by_vector=by_vector
        )
        fused = fuse_legs(legs, weigh=functools.partial(weight_of, embedder, legs.language))
        ranked, not_reranked = await self._reranked(question, fused)
        codes: list[tuple[NoticeCode, Message | None]] = [
            ("words_only", words_only),
            ("not_reranked", not_reranked),
        ]
        best = await self._passages(ranked, self._top_k if top_k is None else top_k)
        return Retrieved(
            passages=tuple(replace(passage, ranks=legs.ranks_of(passage)) for passage in best),
            notices=tuple(Notice(code=code, text=text) for code, text in codes if text),
            looked_up=" ".join([question, *meant]),
            vector=None if meant else vector,
        )

    async def compare(self, question: str, found: Retrieved) -> tuple[UnitSimilarity, ...]:
        """Return how similar pieces of the passages are to the question that found them.

        () where no encoder knows its language, or none answers in time: evidence is then chosen by
        words alone. One that failed when the passages were looked up is not waited for again.
        """
        failed = any(notice.code == "words_only" for notice in found.notices)
        if self._embedder is None or failed or not found.passages:
            return ()
        # What a page says to a model takes no part, in headings either.
        passages = [without_orders(passage) for passage in found.passages]
        embedder = current_embedder(self._embedder)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await compare_units(
                    found.looked_up or question, passages, embedder=embedder, vector=found.vector
                )
        except (TimeoutError, EmbedError):
            return ()

    async def _by_vector(
        self,
        question: str,
        by_words: Sequence[ScoredChunk],
        embedder: Embedder | None,
        collections: Sequence[str],
    ) -> tuple[Vector | None, list[ScoredChunk], Message | None]:
        """Return the question's vector, its leg, and why there is none if there should be one."""
        if embedder is None:
            return None, [], self._no_encoder
        language = language_of(question)
        if embedder.language_coverage(question) < LANGUAGE_COVERAGE_FLOOR or not any(
            weight_of(embedder, language, other) for other in LANGUAGES
        ):
            return None, [], None
        until = asyncio.get_running_loop().time() + self._timeout_s
        try:
            async with asyncio.timeout_at(until):
                vector = await embedder.embed_query(question)
            # Missing vectors only improve the leg: the question's own vector is used without them.
            with contextlib.suppress(TimeoutError, StoreError):
                async with asyncio.timeout_at(until):
                    await self._embed_missing(embedder, by_words)
            found = await self._store.nearest(
                vector, top_k=CANDIDATES, space=embedder.space, collections=collections
            )
            known = known_hits(found, embedder=embedder, language=language)
            legs = (*by_words, *known)
            if all(dominant_language(one.chunk.text) != language for one in legs):
                doubtful = doubtful_hits(found, embedder=embedder, language=language)
                known = [*await self._similar_in_part(question, vector, doubtful), *known]
            return vector, known, None
        except TimeoutError:
            return None, [], TOO_SLOW
        except (EmbedError, StoreError) as error:
            return None, [], Message("Found by words alone. {error}", error=error.full_message)

    async def _similar_in_part(
        self, question: str, vector: Vector, doubtful: Sequence[ScoredChunk]
    ) -> list[ScoredChunk]:
        """Return the hits of pages of which a single sentence is similar to the question.

        能养猫吗 is to one point of a contract what a question is to its answer, and to all eight
        what it is to any text.
        """
        passages = await self._passages(doubtful, DOUBTFUL)
        compared = await self.compare(question, Retrieved(passages=passages, vector=vector))
        related = similar_passages(question, compared)
        urls = {passage.url for passage in passages if passage.number in related}
        return [one for one in doubtful if one.chunk.url in urls]

    async def _reranked(
        self, question: str, fused: list[ScoredChunk]
    ) -> tuple[list[ScoredChunk], Message | None]:
        """Return the chunks with the best `RERANKED` in the reranker's order, or why not."""
        if self._reranker is None or not fused:
            return fused, None
        try:
            async with asyncio.timeout(self._timeout_s):
                best = await self._reranker.rerank(question, fused[:RERANKED])
        except TimeoutError:
            return fused, Message(
                "The order is that of the search: {name} did not answer in time.",
                name=self._reranker.name,
            )
        except QiuzhengError as error:
            return fused, Message(
                "The order is that of the search. {error}", error=error.full_message
            )
        # The two scales are not comparable: what the reranker did not see stays behind, unscored.
        return [*best, *(replace(one, score=0.0) for one in fused[RERANKED:])], None

    async def _newer_first(
        self, question: str, by_words: list[ScoredChunk], by_vector: list[ScoredChunk]
    ) -> tuple[list[ScoredChunk], list[ScoredChunk]]:
        """Return both legs with the nearly equal ordered by date, if the question asks for news."""
        recency = recency_of(question, today=self._today())
        if recency is None:
            return by_words, by_vector
        urls = {scored.chunk.url for scored in [*by_words, *by_vector]}
        documents = await self._store.documents(urls)
        return (
            recency.ranked(by_words, documents, weight=WORDS_RECENCY),
            recency.ranked(by_vector, documents, weight=VECTORS_RECENCY),
        )

    async def _embed_missing(self, embedder: Embedder, found: Sequence[ScoredChunk]) -> None:
        """Give the best chunks found by words the vector that they lack, now and for later."""
        best = [scored.chunk.id for scored in found[:EMBED_NOW]]
        # Those that could not be embedded a moment ago are not tried for each question.
        missing = await self._store.unembedded(
            best, space=embedder.space, limit=EMBED_NOW, with_failed=False
        )
        # Vectors of text in a language that the encoder does not know are noise.
        readable = [
            chunk
            for chunk in missing
            if embedder.language_coverage(chunk.text) >= LANGUAGE_COVERAGE_FLOOR
        ]
        if readable:
            await embed_chunks(readable, embedder=embedder, store=self._store)

    async def _passages(self, ranked: Sequence[ScoredChunk], top_k: int) -> tuple[Passage, ...]:
        """Return the best spans as passages, read from the documents as they are stored now."""
        # Twice: the first pass tells which documents are needed, the second cuts what they hold.
        documents = await self._store.documents({span.url for span in self._spans(ranked, top_k)})
        spans = self._spans(relocate_chunks(ranked, documents), top_k)
        here = [span for span in spans if span.url in documents]  # others were just deleted
        passages = []
        for number, span in enumerate(here, start=1):
            document = documents[span.url]
            text = excerpt(document.text, span.start, span.end)
            # The page on which a span begins, and where in its `text` further ones begin.
            starts = document.page_starts
            page: int | None = None
            page_breaks: tuple[int, ...] = ()
            if starts:
                # Behind the head of a table, which is before what the document has there.
                lead = max(0, text.find(document.text[span.start : span.end]))
                first, last = (bisect.bisect_right(starts, at) for at in (span.start, span.end - 1))
                page = first
                page_breaks = tuple(lead + start - span.start for start in starts[first:last])
            passage = Passage(
                number=number,
                url=document.url,
                title=document.title,
                text=text,
                score=span.score,
                fetched_at=document.fetched_at,
                published=document.published,
                modified=document.modified,
                heading=span.heading,
                page=page,
                page_breaks=page_breaks,
            )
            passages.append(passage)
        return tuple(passages)

    def _spans(self, ranked: Iterable[ScoredChunk], top_k: int) -> list[_Span]:
        """Return the spans to quote, best first: each the best chunk of its neighbourhood."""
        spans: list[_Span] = []
        seen: set[tuple[str, ...]] = set()
        for scored in ranked:
            chunk = scored.chunk
            span = _Span(chunk.url, chunk.start, chunk.end, chunk.heading, scored.score)
            merged = self._merged(spans, span)
            if merged is not None:
                spans = merged
                continue
            if len(spans) == top_k:  # only now: a chunk beyond may still widen a span
                break
            copy = tuple(words(chunk.text))  # the same text on two sites counts once
            of_page = sum(other.url == chunk.url for other in spans)
            if of_page < self._per_page and copy not in seen:
                seen.add(copy)
                spans.append(span)
        return spans

    def _merged(self, spans: Sequence[_Span], span: _Span) -> list[_Span] | None:
        """Return the spans with `span` joined to those it touches, None if it cannot be."""
        touching = [other for other in spans if other.touches(span)]
        if not touching:
            return None
        joined = functools.reduce(_Span.joined, touching, span)
        if joined.end - joined.start > self._longest:
            return None
        # The joined span takes the place of the best one that it covers, so the order stays.
        return [
            joined if other is touching[0] else other
            for other in spans
            if other is touching[0] or other not in touching
        ]


def relocate_chunks(
    found: Iterable[ScoredChunk], documents: Mapping[str, Document]
) -> Iterator[ScoredChunk]:
    """Yield the chunks at their present place in `documents`, without those that are gone."""
    # A page that comes too late for one answer may be stored again while the next question is
    # looked up: the character ranges of its old chunks then point into another text.
    for scored in found:
        chunk, document = scored.chunk, documents.get(scored.chunk.url)
        bodies = excerpt_bodies(chunk.text, chunk.end - chunk.start)
        if document is None or document.text[chunk.start : chunk.end] in bodies:
            yield scored
            continue
        start = max(document.text.find(body) for body in bodies)
        if start >= 0:
            moved = replace(chunk, start=start, end=start + chunk.end - chunk.start)
            yield ScoredChunk(chunk=moved, score=scored.score)
