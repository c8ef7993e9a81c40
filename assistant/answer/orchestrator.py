"""`Assistant.ask`: the order of everything between a question and its cited answer. Read first."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass

from assistant.answer.citations import CitationStream
from assistant.answer.conversations import SMALL_TALK, is_small_talk, standalone_question
from assistant.answer.prompts import build_prompt
from assistant.answer.retrieval import Retriever
from assistant.errors import SearchError
from assistant.events import (
    AnswerDelta,
    AnswerEvent,
    AnswerFinished,
    Notice,
    NoticeCode,
    PassagesChosen,
    ReasoningDelta,
    ReplyFinished,
    SearchFinished,
    StageStarted,
)
from assistant.labels import NO_TEXT_INDEX, NO_TEXT_OFFLINE, NO_TEXT_WEB
from assistant.models.base import ChatModel
from assistant.search.base import SearchProvider
from assistant.search.notices import fallback_notice
from assistant.values import Answer, ChatMessage, Passage, Prompt, SearchReply
from ingest.events import IngestEvent, PageSkipped
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Language, Message
from ingest.pipeline import Ingestor
from ingest.text.language import language_of

LONGEST_QUESTION = 4_000
"""Characters. Longer ones are a paste by mistake: no search engine takes them."""

ENOUGH_SHARE = 0.6
ENOUGH_PAGES = 3
"""Once so many of the pages found, and no fewer than so many, are read and bear on the question,
the slow ones no longer hold up the answer (`ingest.straggler_cutoff`). Of ten pages six passages are
quoted, and the six best rarely stand on the last to arrive."""


class QuestionError(QiuzhengError):
    """The question cannot be asked."""

    exit_code = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """Something the assistant has to say before each answer, e.g. that no model is there."""

    code: NoticeCode
    wording: Message


@dataclass(frozen=True, kw_only=True)
class Assistant:
    """Answers questions. Keeps no state between calls; `history` belongs to the caller."""

    search: SearchProvider
    ingestor: Ingestor
    retriever: Retriever
    model: ChatModel
    results: int = 10
    """Pages wanted from one search."""
    deadline: float = 12.0
    """Seconds for searching and reading."""
    reply_tokens: int = 2_048
    language: Language | None = None
    """None: the question's own."""
    remarks: tuple[Diagnostic, ...] = ()
    fresh: bool = False
    """Ask every site again, also where the page in the index is fresh."""

    async def ask(
        self, question: str, *, web: bool = False, history: Sequence[ChatMessage] = ()
    ) -> AsyncGenerator[AnswerEvent, None]:
        """Yield the events of one answer, in the order that `assistant.events` promises.

        Raises:
            QiuzhengError: the question, the index or the model cannot be used.
        """
        question = _checked(question)
        language = self.language or language_of(question)
        if is_small_talk(question):
            for said in _without_passages(SMALL_TALK.localize(language)):
                yield said
            return
        warming = asyncio.create_task(self.model.warm_up())
        try:
            for remark in self.remarks:
                yield Notice(code=remark.code, text=remark.wording.localize(language))
            query = await standalone_question(question, history, model=self.model)
            if query != question:
                yield _notice("question_rewritten", _read_as(query), language)
            no_text = NO_TEXT_WEB if web else NO_TEXT_INDEX
            if web:
                async with aclosing(self._read_web(query, language)) as events:
                    async for event in events:
                        if isinstance(event, Notice) and event.code == "search_unavailable":
                            no_text = NO_TEXT_OFFLINE
                        yield event
            async with aclosing(self._reply(query, language, history, no_text)) as replies:
                async for reply in replies:
                    yield reply
        finally:
            warming.cancel()
            with suppress(asyncio.CancelledError):
                await warming

    async def _read_web(self, query: str, language: Language) -> AsyncGenerator[AnswerEvent, None]:
        """Search, then read what was found until all is read or the deadline comes."""
        until = time.monotonic() + self.deadline
        self.ingestor.get_ready()
        yield StageStarted(stage="search")
        try:
            reply = await self._searched(query, language)
        except SearchError as error:
            yield Notice(code="search_unavailable", text=_from_index(error, language))
            return
        hits = reply.hits
        if other := fallback_notice(reply):
            yield _notice("other_engine", other, language)
        yield SearchFinished(query=query, hits=hits, engine=reply.engine, cached=reply.cached)
        if not hits:
            yield _notice("nothing_found", _NOTHING_FOUND, language)
            return
        yield StageStarted(stage="read")
        late = 0
        pages = self.ingestor.read(
            [hit.url for hit in hits],
            question=query,
            until=until,
            enough=max(ENOUGH_PAGES, math.ceil(ENOUGH_SHARE * len(hits))),
            fresh=self.fresh,
        )
        async with aclosing(pages) as events:
            async for event in events:
                late += _is_late(event)
                yield event
        if late:
            yield _notice("pages_late", _late(late, len(hits)), language)

    async def _searched(self, query: str, language: Language) -> SearchReply:
        """Search within the deadline; a search that outlives it is a search that failed."""
        try:
            async with asyncio.timeout(self.deadline):
                return await self.search.search(query, limit=self.results, language=language)
        except TimeoutError as error:
            raise SearchError(
                Message(
                    "{name} did not answer in {deadline:g} s",
                    name=self.search.name,
                    deadline=self.deadline,
                ),
                kind="timeout",
            ) from error

    async def _reply(
        self, query: str, language: Language, history: Sequence[ChatMessage], no_text: Message
    ) -> AsyncGenerator[AnswerEvent, None]:
        """Choose passages, and let the model answer from them and nothing else."""
        yield StageStarted(stage="retrieve")
        retrieved = await self.retriever.retrieve(query)
        if retrieved.words_only is not None:
            yield _notice("words_only", retrieved.words_only, language)
        prompt = self._prompt(query, retrieved.passages, language, history)
        if prompt.dropped:
            yield _notice("passages_dropped", _dropped(prompt), language)
        if not prompt.passages:
            for said in _without_passages(no_text.localize(language)):
                yield said
            return
        yield PassagesChosen(passages=prompt.passages)
        yield StageStarted(stage="reply")
        async with aclosing(self._speak(prompt)) as events:
            async for event in events:
                yield event

    def _prompt(
        self,
        query: str,
        passages: tuple[Passage, ...],
        language: Language,
        history: Sequence[ChatMessage],
    ) -> Prompt:
        return build_prompt(
            query,
            passages,
            language=language,
            history=history,
            context_tokens=self.model.context_tokens,
            reply_tokens=self.reply_tokens,
        )

    async def _speak(self, prompt: Prompt) -> AsyncGenerator[AnswerEvent, None]:
        """Stream the model's reply with its citations checked, then the whole answer."""
        citing = CitationStream(prompt.passages)
        said: list[str] = []
        thought: list[str] = []
        finished = ReplyFinished(reason="stop")
        async with aclosing(self.model.stream(prompt)) as replies:
            async for reply in replies:
                match reply:
                    case ReplyFinished():
                        finished = reply
                    case ReasoningDelta():
                        thought.append(reply.text)
                        yield reply
                    case Notice():
                        if reply.code == "reasoning_leaked":  # what was said so far was thinking
                            thought, said = [*thought, *said], []
                            citing = CitationStream(prompt.passages)
                        yield reply
                    case AnswerDelta():
                        text = citing.feed(reply.text)
                        said.append(text)
                        if text:
                            yield AnswerDelta(text=text)
        rest = citing.close()
        if rest:
            said.append(rest)
            yield AnswerDelta(text=rest)
        if finished.reason == "length":
            yield _notice("reply_cut_short", _CUT_SHORT, prompt.language)
        answer = Answer(
            text="".join(said).strip(),
            kind=self.model.kind,
            model=self.model.name,
            reasoning="".join(thought).strip(),
            citations=citing.citations(),
            usage=finished.usage,
        )
        yield AnswerFinished(answer=answer)


def _checked(question: str) -> str:
    question = question.strip()
    if not question:
        raise QuestionError(
            Message("the question is empty"),
            hint=Message('ask something: assistant ask "…"'),
        )
    if len(question) > LONGEST_QUESTION:
        raise QuestionError(
            Message(
                "the question has {question_count:,} characters, more than {longest_question:,}",
                question_count=len(question),
                longest_question=LONGEST_QUESTION,
            ),
            hint=Message("shorten it; long texts can be indexed: ingest FILE"),
        )
    return question


def _without_passages(text: str) -> tuple[AnswerEvent, ...]:
    """Return the end of a stream that has nothing to answer from, in the promised order."""
    answer = Answer(text=text, kind="nothing")
    return PassagesChosen(passages=()), AnswerDelta(text=text), AnswerFinished(answer=answer)


def _is_late(event: IngestEvent) -> bool:
    return isinstance(event, PageSkipped) and event.reason == "deadline"


def _notice(code: NoticeCode, wording: Message, language: Language) -> Notice:
    return Notice(code=code, text=wording.localize(language))


def _from_index(error: SearchError, language: Language) -> str:
    return f"{error.localize(language)} {_ANSWERING_FROM_INDEX.localize(language)}"


def _read_as(query: str) -> Message:
    return Message("understood as: {query}", query=query)


def _late(late: int, wanted: int) -> Message:
    return Message(
        "{late} of {wanted} pages were too slow; the answer goes on without them, and they "
        "are read for the next question",
        late=late,
        wanted=wanted,
    )


def _dropped(prompt: Prompt) -> Message:
    return Message(
        "{dropped} passages did not fit the model's context: raise model.context_tokens",
        dropped=prompt.dropped,
    )


_NOTHING_FOUND = Message("the search found no pages; looking in the index")
_ANSWERING_FROM_INDEX = Message("(answering from the index)")
_CUT_SHORT = Message("the reply reached its length limit: raise model.reply_tokens")
