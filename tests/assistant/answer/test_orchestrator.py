"""The order of events and what happens when a part fails, with in-memory parts."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.answer.orchestrator import LONGEST_QUESTION
from assistant.errors import ModelError, QuestionError, SearchError
from assistant.events import (
    ANSWER_EVENT,
    AnswerDelta,
    AnswerEvent,
    AnswerFailed,
    AnswerFinished,
    PassagesChosen,
    SearchFinished,
)
from assistant.labels import NO_TEXT_OFFLINE, NO_TEXT_WEB
from assistant.models.extractive import ExtractiveModel
from assistant.models.pool import ChosenModel, ModelPool
from assistant.models.scripted import ScriptedModel
from assistant.search.memory import MemorySearch
from assistant.values import ChatMessage, Question, SearchHit, SearchReply
from ingest.documents import Page
from ingest.errors import EmbedError, FetchError, IngestError
from ingest.events import PageSkipped, PageStored
from ingest.foundation.messages import Language, Message
from ingest.index.embed.memory import HashingEmbedder
from ingest.web.fetch.memory import html_page
from tests.assistant_samples import (
    BROKEN,
    LAW,
    NO_MODEL,
    PAGES,
    QUESTION,
    TEA,
    assistant,
    codes,
    events_of,
    finished,
    order,
)

pytestmark = pytest.mark.anyio


MANY: dict[str, Page | IngestError] = {
    f"https://tea{n}.test/": html_page(
        f"https://tea{n}.test/",
        f"<html><head><title>Tea {n}</title></head><body><article><p>Green tea number {n} wants "
        f"water of {70 + n} degrees, and steeps for {n} minutes in the pot.</p></article></body>"
        "</html>",
    )
    for n in range(1, 4)
}


class FailingSearch:
    """A search engine on strike."""

    name = "Strike"

    async def search(
        self, query: str, *, limit: int, language: Language, **options: Any
    ) -> SearchReply:
        raise SearchError(
            Message.bilingual("Strike is on strike", "Strike 罢工了"), kind="rate_limited"
        )


class SearchThatFailsLater(MemorySearch):
    """A search engine that finds the pages until it goes on strike."""

    def __init__(self) -> None:
        super().__init__([SearchHit(rank=n, title=url, url=url) for n, url in enumerate(PAGES, 1)])
        self.fails = False

    async def search(self, query: str, *, limit: int, language: Language, **options: Any) -> Any:
        source = FailingSearch() if self.fails else super()
        return await source.search(query, limit=limit, language=language, **options)


class FailingEmbedder(HashingEmbedder):
    """An encoder whose server went away after the start."""

    async def embed_documents(self, texts: Sequence[str]) -> list[Sequence[float]]:
        raise EmbedError(Message.bilingual("gone", "不在了"))

    async def embed_query(self, text: str) -> Sequence[float]:
        raise EmbedError(Message.bilingual("gone", "不在了"))


async def test_events_come_in_the_promised_order_and_survive_json() -> None:
    events = await events_of(assistant())
    assert re.fullmatch(r"SP{2}CE[RA]+F", order(events))
    for event in events:
        assert ANSWER_EVENT.validate_json(ANSWER_EVENT.dump_json(event)) == event


async def test_answer_is_the_sum_of_its_deltas_and_cites_what_was_read() -> None:
    events = await events_of(assistant())
    answer = finished(events).answer
    said = "".join(event.text for event in events if isinstance(event, AnswerDelta))
    assert said.strip() == answer.text == "The water should have 80 degrees [1]."
    assert [citation.url for citation in answer.citations] == [TEA]


async def test_number_that_no_passage_has_never_reaches_the_reader() -> None:
    events = await events_of(assistant(model=ScriptedModel("80 degrees [7]. ", "Yes [1", "2].")))
    said = "".join(event.text for event in events if isinstance(event, AnswerDelta))
    assert "7" not in said
    assert "12" not in said


async def test_page_forbidden_by_robots_is_skipped_and_the_answer_goes_on() -> None:
    events = await events_of(assistant())
    skipped = next(event for event in events if isinstance(event, PageSkipped))
    assert (skipped.url, skipped.reason) == (LAW, "robots")
    assert skipped.robots == "robots.txt line 2: Disallow: /"
    assert finished(events).answer.citations


async def test_half_of_a_surrogate_pair_in_a_question_is_searched_as_any_sign() -> None:
    events = await events_of(assistant(), "which tea \ud83d is green")
    (found,) = [event for event in events if isinstance(event, SearchFinished)]
    assert found.query == "which tea ? is green"
    assert finished(events).answer.text


async def test_search_that_fails_is_a_notice_and_the_index_answers() -> None:
    search = SearchThatFailsLater()
    one = assistant(search=search)
    await events_of(one)
    search.fails = True
    events = await events_of(one)
    assert order(events).startswith("C")
    assert codes(events) == ["search_unavailable"]
    assert finished(events).answer.citations


async def test_nothing_found_after_a_failed_search_blames_the_search() -> None:
    offline = finished(await events_of(assistant(search=FailingSearch()))).answer
    online = finished(await events_of(assistant(pages={}))).answer
    assert (offline.kind, online.kind) == ("nothing", "nothing")
    assert offline.text == NO_TEXT_OFFLINE.localize("en")
    assert online.text == NO_TEXT_WEB.localize("en")


async def test_embedder_that_goes_away_leaves_words_and_says_so() -> None:
    events = await events_of(assistant(embedder=FailingEmbedder()))
    stored = next(event for event in events if isinstance(event, PageStored))
    assert stored.embedded == 0
    assert "words_only" in codes(events)
    assert finished(events).answer.citations


async def test_messages_are_written_in_the_language_of_the_context() -> None:
    failed = (await events_of(assistant(model=ScriptedModel(BROKEN))))[-1]
    for language, message in (("en", "it died"), ("zh", "它崩溃了")):
        written = json.loads(ANSWER_EVENT.dump_json(failed, context={"language": language}))
        assert written["message"] == message
    assert json.loads(ANSWER_EVENT.dump_json(failed))["message"] == {
        "en": "it died",
        "zh": "它崩溃了",
    }


async def test_the_whole_answer_can_be_had_at_once_and_a_failure_is_raised() -> None:
    answer = await assistant().answer(Question(QUESTION, web=True))
    assert answer.text == "The water should have 80 degrees [1]."
    with pytest.raises(ModelError, match="it died"):
        await assistant(model=ScriptedModel(BROKEN)).answer(Question(QUESTION, web=True))


async def test_one_assistant_serves_questions_with_different_options_side_by_side() -> None:
    opened: list[str | None] = []

    async def open_model(name: str | None) -> ChosenModel:
        opened.append(name)
        if name == "missing":
            raise ModelError(Message.bilingual("no such model", "没有这个模型"), kind="not_found")
        return ChosenModel(model=ScriptedModel(f"{name} says 80 [1]."))

    one = assistant(models=ModelPool(open_model=open_model))
    await one.answer(Question(QUESTION, web=True))
    answers = await asyncio.gather(
        one.answer(Question(QUESTION, model="big")),
        one.answer(Question(QUESTION, model="small", top_k=1)),
        one.answer(Question("绿茶 (green tea) 用多热的水?", model="big", web=True, language="en")),
    )
    assert [answer.text.split()[0] for answer in answers] == ["big", "small", "big"]
    assert sorted(opened, key=str) == [None, "big", "small"]  # each is opened once
    failed = await events_of(one, options={"model": "missing"})
    assert isinstance(failed[-1], AnswerFailed)


async def test_top_k_holds_for_one_question() -> None:
    one = assistant(pages=MANY)
    await events_of(one)
    few = await events_of(one, options={"top_k": 1}, web=False)
    many = await events_of(one, web=False)
    counts = [
        len(event.passages)
        for events in (few, many)
        for event in events
        if isinstance(event, PassagesChosen)
    ]
    assert counts == [1, 3]


async def test_empty_index_without_web_says_how_to_search_the_web() -> None:
    events = await events_of(assistant(), "这里没有的东西?", web=False)
    assert order(events) == "CAF"
    assert finished(events).answer.kind == "nothing"
    assert "--web" in finished(events).answer.text


async def test_pages_that_all_fail_end_in_an_answer_that_says_so() -> None:
    gone = FetchError(Message.bilingual("gone", "没了"), url=TEA, reason="unreachable")
    events = await events_of(assistant(pages={TEA: gone}))
    assert order(events) == "SPCAF"
    assert finished(events).answer.kind == "nothing"


async def test_follow_up_is_searched_as_a_question_that_stands_alone() -> None:
    search = MemorySearch([])
    history = (
        ChatMessage(role="user", content="绿茶用多热的水泡?"),
        ChatMessage(role="assistant", content="80 度[1]。"),
    )
    model = ScriptedModel("80 度[1]。", kind="quotes")
    events = await events_of(
        assistant(search=search, model=model), "它要泡多久呢?", history=history
    )
    assert "question_rewritten" in codes(events)
    assert "绿茶" in search.queries[0]


@pytest.mark.parametrize("said", ["谢谢", "Thanks!"])
async def test_small_talk_is_answered_without_searching_or_asking_the_model(said: str) -> None:
    search, model = MemorySearch([]), ScriptedModel("80")
    history = (
        ChatMessage(role="user", content=QUESTION),
        ChatMessage(role="assistant", content="80 [1]."),
    )
    quiet = assistant(search=search, model=model, notices=(NO_MODEL,))
    events = await events_of(quiet, said, history=history)
    assert [type(event) for event in events] == [PassagesChosen, AnswerDelta, AnswerFinished]
    assert finished(events).answer.kind == "nothing"
    assert not search.queries
    assert not model.prompts


async def test_stream_can_be_pumped_step_by_step_from_different_tasks() -> None:
    stream: AsyncGenerator[AnswerEvent, None] = assistant().ask(Question(QUESTION, web=True))
    seen = []
    while True:
        try:
            seen.append(await asyncio.create_task(anext(stream)))  # type: ignore[arg-type]
        except StopAsyncIteration:
            break
    assert isinstance(seen[-1], AnswerFinished)


@pytest.mark.parametrize("question", ["", " \n", "x" * (LONGEST_QUESTION + 1)])
async def test_question_that_cannot_be_asked_is_refused(question: str) -> None:
    (failed,) = await events_of(assistant(), question)
    assert isinstance(failed, AnswerFailed)
    assert (failed.code, failed.exit_code) == ("question", 2)
    with pytest.raises(QuestionError):
        await assistant().answer(question)


@given(pieces=st.lists(st.text(max_size=12), max_size=8))
@settings(max_examples=40, deadline=None)
def test_whatever_the_model_says_the_order_holds(pieces: list[str]) -> None:
    events = asyncio.run(events_of(assistant(model=ScriptedModel(*pieces))))
    assert re.fullmatch(r"SP{2}CE[RA]*F", order(events))


async def test_a_misspelt_question_is_answered_by_the_word_that_it_stands_for() -> None:
    one = assistant(model=ExtractiveModel())
    await events_of(one)  # reads the pages into the index
    events = await events_of(one, "How hot should the watter for grean tea be?", web=False)
    assert "80 degrees" in finished(events).answer.text


async def test_quotes_for_a_paste_are_chosen_by_the_sentence_that_asks() -> None:
    one = assistant(model=ExtractiveModel())
    await events_of(one)
    paste = "Yesterday we spoke for long about moving the office to another town. " * 30
    events = await events_of(one, f"{paste}{QUESTION}", web=False)
    assert "80 degrees" in finished(events).answer.text
