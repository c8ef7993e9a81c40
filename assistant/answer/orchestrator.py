"""`Assistant.ask`: the order of everything between a question and its cited answer. Read first."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from assistant.answer.conversations import standalone_question
from assistant.answer.prompt_request import PromptRequest
from assistant.answer.reply import reply_from_passages
from assistant.answer.retrieval import Retriever
from assistant.answer.small_talk import small_talk_answer
from assistant.errors import QuestionError, SearchError
from assistant.events import (
    AnswerDelta,
    AnswerEvent,
    AnswerFailed,
    AnswerFinished,
    Notice,
    PassagesChosen,
    SearchFinished,
    StageStarted,
)
from assistant.labels import NO_TEXT_INDEX, NO_TEXT_OFFLINE, NO_TEXT_WEB
from assistant.models.base import ChatModel, ModelTraits
from assistant.models.pool import ModelPool
from assistant.search.base import SearchProvider
from assistant.search.notices import fallback_notice
from assistant.snapshots.recorder import (
    HISTORY_MESSAGES,
    AnswerTrace,
    SnapshotRecorder,
    describe_model,
    keeping_snapshot,
)
from assistant.snapshots.writer import SnapshotWriter
from assistant.values import Answer, ChatMessage, Question, SearchReply, Unsupported
from ingest.documents import WEB_COLLECTION
from ingest.events import PageSkipped
from ingest.foundation.concurrency import LazyResource, cancel_and_wait
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Language, Message
from ingest.text.language import language_of
from ingest.text.normalize import replace_surrogates

if TYPE_CHECKING:
    from ingest.question_reader import QuestionReader  # a question to the index alone has none

LONGEST_QUESTION = 4_000
"""Characters. Longer ones are a paste by mistake: no search engine takes them."""

ENOUGH_SHARE = 0.6
ENOUGH_PAGES = 3
"""Share of the pages found, and least number of them, that are read and relevant when the slow ones
no longer hold up the answer (`ingest.straggler_cutoff`). Of ten pages six passages are quoted, and
the six best rarely stand on the last to arrive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebParts:
    """What finds pages on the web and reads them into the index."""

    search: SearchProvider
    reader: "QuestionReader"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """A question with each option decided, and the conversation that it is in."""

    text: str
    """As it was asked; `standalone_question` makes the query of it."""
    options: Question
    language: Language
    deadline_s: float
    results: int
    history: Sequence[ChatMessage]
    model: ChatModel
    traits: ModelTraits
    trace: AnswerTrace


class Assistant:
    """Answers questions. Keeps no state between them; `history` belongs to the caller."""

    def __init__(
        self,
        *,
        web: LazyResource[WebParts],
        retriever: Retriever,
        models: ModelPool,
        fallback_model: ChatModel,
        results: int = 10,
        deadline_s: float = 12.0,
        reply_tokens: int = 2_048,
        language: Language | None = None,
        unsupported: Unsupported = "mark",
        preload: Callable[[bool], None] = lambda documents: None,
        follow_index: Callable[[], Awaitable[Message | None]] | None = None,
        snapshots: SnapshotWriter | None = None,
    ) -> None:
        """Put the parts together; `assistant.bootstrap.open_assistant` opens them.

        Args:
            web: Search and page reading, opened by the first question that wants the web.
            retriever: Finds passages in the index.
            models: The chat models, by name.
            fallback_model: Quotes where the model's reply is no answer.
            results: Pages wanted from one search.
            deadline_s: Seconds for searching and reading.
            reply_tokens: Longest reply, thinking included.
            language: Of answers; None: each question's own.
            unsupported: What becomes of sentences that no passage supports.
            preload: Gets retrieval ready in the background; called by each question with whether
                pages are to be read for it.
            follow_index: Goes along when the index is moved to another encoder; called by each
                question, and returns what a person should know about it.
            snapshots: Keeps what each answer was made of; None: nothing is kept.
        """
        self._web = web
        self._retriever = retriever
        self._models = models
        self._fallback_model = fallback_model
        self._results = results
        self._deadline_s = deadline_s
        self._reply_tokens = reply_tokens
        self._language = language
        self._unsupported: Unsupported = unsupported
        self._preload = preload
        self._follow_index = follow_index
        self._snapshots = snapshots

    async def prepare(self, question: Question) -> ModelTraits:
        """Open what questions with these options need, so that what is missing is known before.

        Returns:
            What is known of the model that will answer.

        Raises:
            QiuzhengError: the model, or a setting of search, cannot be used.
        """
        chosen = await self._models.get(question.model)
        if question.web:
            await self._web.get()
        return await chosen.model.describe()

    async def ask(
        self, question: Question | str, history: Sequence[ChatMessage] = ()
    ) -> AsyncGenerator[AnswerEvent, None]:
        """Yield the events of one answer, in the order that `assistant.events` promises.

        Whatever goes wrong ends the stream with `AnswerFailed`; nothing is raised but bugs.
        """
        try:
            async with aclosing(self._events(question, history)) as events:
                async for event in events:
                    yield event
        except QiuzhengError as error:
            yield AnswerFailed.from_error(error)

    async def answer(self, question: Question | str, history: Sequence[ChatMessage] = ()) -> Answer:
        """Return the whole answer, for callers that show no progress.

        Raises:
            QiuzhengError: what `ask` ends with `AnswerFailed` for.
        """
        async with aclosing(self._events(question, history)) as events:
            async for event in events:
                if isinstance(event, AnswerFinished):
                    return event.answer
        raise AssertionError("a stream ends with AnswerFinished or an error")

    async def _events(
        self, question: Question | str, history: Sequence[ChatMessage]
    ) -> AsyncGenerator[AnswerEvent, None]:
        """Yield the events of one answer, or raise what ended it."""
        options = Question(question) if isinstance(question, str) else question
        text = _checked_text(options)
        language = options.language or self._language or language_of(text)
        # Before all else: a mistyped name is not worth a search, and "hello" would hide it.
        await self._retriever.check_collections(options.collections)
        earlier_questions = [turn.content for turn in history if turn.role == "user"]
        reply = small_talk_answer(text, now=datetime.now().astimezone(), earlier=earlier_questions)
        if reply is not None:
            for event in _answer_without_passages(reply.localize(language), found=True):
                yield event
            return
        chosen_model = await self._models.get(options.model)
        # Before the search: what the prompt may hold depends on it, and a model that can never
        # answer is not worth ten seconds of reading.
        traits = await chosen_model.model.describe()
        # Loading a model into memory takes a server longer than reading pages takes us.
        warming = asyncio.create_task(chosen_model.model.warm_up())
        request = _Request(
            text=text,
            options=options,
            language=language,
            deadline_s=self._deadline_s if options.deadline_s is None else options.deadline_s,
            results=self._results if options.results is None else options.results,
            history=history[-HISTORY_MESSAGES:],
            model=chosen_model.model,
            traits=traits,
            trace=AnswerTrace(),
        )
        try:
            # Before all else: who reads on knows that quotes will come, not an answer.
            for notice in chosen_model.notices:
                yield notice
            async with aclosing(self._kept(request)) as events:
                async for event in events:
                    yield event
        finally:
            # Its errors are dropped: the request itself says what is wrong with the model. And a
            # task that no caller awaits would outlive the answer.
            await cancel_and_wait([warming])

    def _kept(self, request: _Request) -> AsyncGenerator[AnswerEvent, None]:
        """Return the events of the answer, whose snapshot is kept unless it is not to be."""
        events = self._search_and_reply(request)
        if self._snapshots is None or request.options.private:
            return events
        recorder = SnapshotRecorder(
            question=request.options,
            language=request.language,
            history=request.history,
            model=describe_model(request.model, request.traits),
            trace=request.trace,
        )
        return keeping_snapshot(events, recorder=recorder, writer=self._snapshots)

    async def _search_and_reply(self, request: _Request) -> AsyncGenerator[AnswerEvent, None]:
        """Make a query of the question, search the web if wanted, and answer from passages."""
        query = await standalone_question(request.text, request.history, model=request.model)
        request.trace.query = query
        if query != request.text:
            yield Notice(
                code="question_rewritten", text=Message("understood as: {query}", query=query)
            )
        # What to say when no passage is found depends on whether the web could be searched.
        no_text = NO_TEXT_WEB if request.options.web else NO_TEXT_INDEX
        if not request.options.web:
            self._preload(False)
        if request.options.web:
            async with aclosing(self._read_web(query, request)) as events:
                async for event in events:
                    if isinstance(event, Notice) and event.code == "search_unavailable":
                        no_text = NO_TEXT_OFFLINE
                    yield event
        async with aclosing(self._reply(query, request, no_text)) as replies:
            async for reply in replies:
                yield reply

    async def _read_web(self, query: str, request: _Request) -> AsyncGenerator[AnswerEvent, None]:
        """Search, then read what was found until all is read or the deadline comes."""
        web = await self._web.get()
        # Only now: before, its imports would take turns with those of the network.
        self._preload(True)
        until = time.monotonic() + request.deadline_s
        web.reader.preload()
        yield StageStarted(stage="search")
        try:
            reply = await _search_in_time(web.search, query, request)
        except SearchError as error:
            text = Message("{error} (answering from the index)", error=error.full_message)
            yield Notice(code="search_unavailable", text=text)
            return
        hits = reply.hits
        if other := fallback_notice(reply):
            yield Notice(code="other_engine", text=other)
        yield SearchFinished(query=query, hits=hits, engine=reply.engine, cached=reply.cached)
        if not hits:
            yield Notice(code="nothing_found", text=_NOTHING_FOUND)
            return
        yield StageStarted(stage="read")
        late = 0
        pages = web.reader.read(
            [hit.url for hit in hits],
            question=query,
            until=until,
            enough=max(ENOUGH_PAGES, math.ceil(ENOUGH_SHARE * len(hits))),
            fresh=request.options.fresh,
        )
        async with aclosing(pages) as events:
            async for event in events:
                late += isinstance(event, PageSkipped) and event.reason == "deadline"
                yield event
        if late:
            yield Notice(
                code="pages_late",
                text=Message(
                    "{late} of {wanted} {wanted:?page|pages} {late:?was|were} too slow; "
                    "the answer goes on without {late:?it, and it is|them, and they are} "
                    "read for the next question",
                    late=late,
                    wanted=len(hits),
                ),
            )

    async def _reply(
        self, query: str, request: _Request, no_text: Message
    ) -> AsyncGenerator[AnswerEvent, None]:
        """Choose passages, and let the model answer from them and nothing else."""
        yield StageStarted(stage="retrieve")
        if self._follow_index is not None and (text := await self._follow_index()):
            yield Notice(code="other_encoder", text=text)
        options = request.options
        collections = options.collections
        if collections and options.web:  # what was read for this question is meant, too
            collections = (*collections, WEB_COLLECTION)
        retrieved = await self._retriever.retrieve(
            query, top_k=options.top_k, collections=collections
        )
        request.trace.looked_up = retrieved.looked_up
        for notice in retrieved.notices:
            yield notice
        if not retrieved.passages:
            nothing = no_text.localize(request.language)
            for event in _answer_without_passages(nothing, found=False):
                yield event
            return
        request.trace.compared = await self._retriever.compare(query, retrieved)
        replies = reply_from_passages(
            request.model,
            retrieved.passages,
            PromptRequest(
                question=query,
                language=request.language,
                reply_tokens=self._reply_tokens,
                history=request.history,
                looked_up=retrieved.looked_up,
                compared=request.trace.compared,
            ),
            traits=request.traits,
            fallback_model=self._fallback_model,
            unsupported=options.unsupported or self._unsupported,
            on_prompt=request.trace.record_prompt,
        )
        async with aclosing(replies) as events:
            async for event in events:
                yield event


async def _search_in_time(search: SearchProvider, query: str, request: _Request) -> SearchReply:
    """Search within the deadline; a search that outlives it counts as one that failed."""
    try:
        async with asyncio.timeout(request.deadline_s):
            return await search.search(
                query,
                limit=request.results,
                language=request.language,
                fresh=request.options.fresh,
                timeout_s=request.deadline_s,
                model=request.options.model,
            )
    except TimeoutError as error:
        raise SearchError(
            Message(
                "{name} did not answer in {deadline:g} s",
                name=search.name,
                deadline=request.deadline_s,
            ),
            kind="timeout",
        ) from error


def _checked_text(question: Question) -> str:
    """Return the question without white space around it, or raise why it cannot be asked."""
    # Here for all that read it: search engines, the index, tokenizers and servers of models.
    text = replace_surrogates(question.text).strip()
    if not text:
        raise QuestionError(
            Message("the question is empty"), hint=Message('ask something: assistant ask "…"')
        )
    if len(text) > LONGEST_QUESTION:
        raise QuestionError(
            Message(
                "the question has {characters:,} characters, more than {most:,}",
                characters=len(text),
                most=LONGEST_QUESTION,
            ),
            hint=Message("shorten it; long texts can be indexed: ingest FILE"),
        )
    return text


def _answer_without_passages(text: str, *, found: bool) -> tuple[AnswerEvent, ...]:
    """Return the end of a stream that has nothing to answer from, in the promised order."""
    answer = Answer(text=text, kind="nothing", found=found)
    return PassagesChosen(passages=()), AnswerDelta(text=text), AnswerFinished(answer=answer)


_NOTHING_FOUND = Message("the search found no pages; looking in the index")
