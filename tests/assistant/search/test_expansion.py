"""Further queries: the model may add some, code judges them, and the question never waits long."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.bootstrap import build_search
from assistant.errors import ModelError, SearchError
from assistant.events import ModelEvent, Notice, ReasoningDelta, ReplyFinished
from assistant.models.base import ChatModel
from assistant.models.extractive import ExtractiveModel
from assistant.models.ollama import OllamaModel
from assistant.models.pool import ChosenModel, ModelPool
from assistant.models.scripted import ScriptedModel
from assistant.search.expansion import (
    MAX_QUERY_CHARACTERS,
    ExpandingSearch,
    merge_replies,
    select_queries,
)
from assistant.search.memory import MemorySearch
from assistant.settings import SearchSettings, Settings
from assistant.values import EngineSkipped, Prompt, SearchHit, SearchReply
from ingest.foundation.messages import Language, Message
from tests.engines.ollama_server import OllamaServer

pytestmark = pytest.mark.anyio

EN = "How hot should water be for green tea?"
ZH = "民用无人机夜间飞行需要什么条件?"


def hits(*names: str) -> tuple[SearchHit, ...]:
    return tuple(
        SearchHit(rank=rank, title=name, url=f"https://{name}.test/")
        for rank, name in enumerate(names, start=1)
    )


def names(reply: SearchReply) -> list[str]:
    return [hit.title for hit in reply.hits]


class Library:
    """Finds other pages for each query."""

    name = "library"

    def __init__(self, shelves: dict[str, Sequence[str]], *, broken: str = "") -> None:
        self.queries: list[str] = []
        self._shelves = shelves
        self._broken = broken

    async def search(
        self, query: str, *, limit: int, language: Language, **options: Any
    ) -> SearchReply:
        self.queries.append(query)
        if query == self._broken:
            raise SearchError(Message.bilingual("shut", "关门"), kind="rate_limited")
        return SearchReply(hits=hits(*self._shelves.get(query, ()))[:limit], engine=self.name)


class Sleepy(ScriptedModel):
    """A model that is still loading."""

    async def stream(self, prompt: Prompt) -> AsyncGenerator[ModelEvent, None]:
        self.prompts.append(prompt)
        await asyncio.Event().wait()
        yield ReplyFinished(reason="stop")


def expanding(
    library: Library, model: ChatModel, *, queries: int = 3, proposal_s: float = 5.0
) -> ExpandingSearch:
    return ExpandingSearch(
        library,
        models=ModelPool.holding(model),
        queries=queries,
        timeout_s=10,
        proposal_s=proposal_s,
    )


async def test_what_several_queries_find_goes_first() -> None:
    library = Library(
        {EN: ["a", "b", "c"], "green tea temperature": ["c", "d"], "sencha brewing tea": ["c", "e"]}
    )
    model = ScriptedModel("1. green tea temperature\n2. sencha brewing tea\n3. tea pots")
    reply = await expanding(library, model).search(EN, limit=10, language="en")
    assert library.queries == [EN, "green tea temperature", "sencha brewing tea"]
    assert names(reply) == ["c", "a", "b", "d", "e"]
    assert [hit.rank for hit in reply.hits] == [1, 2, 3, 4, 5]
    assert reply.engine == "library"


async def test_the_model_is_asked_in_the_language_of_the_question() -> None:
    model = ScriptedModel("无人机 夜航 灯光要求")
    library = Library({ZH: ["a"], "无人机 夜航 灯光要求": ["b"]})
    reply = await expanding(library, model).search(ZH, limit=10, language="zh")
    assert names(reply) == ["a", "b"]
    (prompt,) = model.prompts
    assert "搜索词" in prompt.messages[0].content
    assert ZH in prompt.messages[1].content
    assert not prompt.thinking


@pytest.mark.parametrize(
    "model",
    [
        ScriptedModel(ModelError(Message.bilingual("gone", "没了"), kind="unreachable")),
        ScriptedModel(),
        ScriptedModel("I cannot help with that."),
        ScriptedModel("词" * 10_000),
        ScriptedModel("[" * 500),
        ScriptedModel('{"queries": [1, null, {"green": true}]}'),
        ScriptedModel(ReasoningDelta(text="hm " * 10_000), "green tea temperature"),
        ScriptedModel("green tea heat", Notice(code="reasoning_leaked", text=""), "\n\n"),
        Sleepy(),
    ],
    ids=[
        "error",
        "silence",
        "refusal",
        "flood",
        "brackets",
        "numbers",
        "brooding",
        "leaked thinking",
        "asleep",
    ],
)
async def test_a_model_of_no_use_leaves_the_question_alone(model: ScriptedModel) -> None:
    library = Library({EN: ["a"]})
    reply = await expanding(library, model, proposal_s=0.05).search(EN, limit=10, language="en")
    assert (names(reply), library.queries) == (["a"], [EN])


async def test_a_further_query_that_fails_costs_only_itself() -> None:
    library = Library({EN: ["a"], "green tea heat": ["b"]}, broken="sencha tea")
    model = ScriptedModel("green tea heat\nsencha tea")
    reply = await expanding(library, model).search(EN, limit=10, language="en")
    assert names(reply) == ["a", "b"]


async def test_a_search_that_fails_fails_as_without_a_model() -> None:
    library = Library({}, broken=EN)
    with pytest.raises(SearchError, match="shut"):
        await expanding(library, Sleepy()).search(EN, limit=10, language="en")


async def test_a_blank_query_asks_no_model() -> None:
    model = ScriptedModel("tea")
    await expanding(Library({}), model).search("  ", limit=10, language="en")
    assert model.prompts == []


@pytest.mark.parametrize(
    "said",
    [
        '{"queries": ["green tea temperature", "sencha tea heat"]}',
        '["green tea temperature", "sencha tea heat"]',
        'Sure:\n```json\n{"queries": ["green tea temperature", "sencha tea heat"]}\n```',
        "- green tea temperature\n\n* sencha tea heat\n",
        "Query 1: green tea temperature\nQuery 2: “sencha tea heat”",
        "1) green tea temperature\n2) green tea temperature\n3) sencha tea heat",
    ],
)
async def test_queries_are_read_however_the_model_lists_them(said: str) -> None:
    library = Library({EN: ["a"]})
    await expanding(library, ScriptedModel(said)).search(EN, limit=10, language="en")
    assert library.queries[1:] == ["green tea temperature", "sencha tea heat"]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "a",
        "how hot water green tea",  # the same again
        "weather in Berlin",  # something else
        "绿茶 tea 的水温",  # another language
        "green tea site:evil.test",
        "green tea https://evil.test",
        "green tea -matcha",
        'green tea "exactly this"',
        "green tea OR coffee",
        "Green tea should be brewed at 80 degrees.",  # an answer
        "system: forget the tea",
        "<think>green tea",
        "green tea \x1b[31m",
        "green tea " + "leaf " * MAX_QUERY_CHARACTERS,
    ],
)
def test_what_is_no_query_about_the_question_is_dropped(line: str) -> None:
    assert select_queries([line], question=EN, most=2) == []


@pytest.mark.parametrize(
    ("question", "line"),
    [
        (ZH, "无人机夜航规定"),
        (ZH, "1. 民用无人机 夜间 灯光"),
        ("DJI Mini 4 Pro 多重?", "DJI Mini 4 Pro 重量"),
        (EN, "green tea water temperature 80 °C"),
        ("What is C++ RAII?", "C++ resource management"),
    ],
)
def test_a_query_about_the_question_is_taken(question: str, line: str) -> None:
    assert select_queries([line], question=question, most=1) == [line.removeprefix("1. ")]


@given(st.lists(st.text(max_size=60), max_size=8), st.integers(0, 3))
def test_whatever_the_model_says_queries_are_few_short_and_plain(
    lines: list[str], most: int
) -> None:
    queries = select_queries([*lines, "tea water"], question=EN, most=most)
    assert len(queries) <= most
    assert len(set(queries)) == len(queries)
    for query in queries:
        assert 2 <= len(query) <= MAX_QUERY_CHARACTERS
        assert query.isprintable()
        assert "http" not in query or ":" not in query


@given(
    st.lists(
        st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8), min_size=1, max_size=3
    ),
    st.integers(0, 10),
)
def test_merging_keeps_each_page_once_and_ranks_from_one(
    lists: list[list[str]], limit: int
) -> None:
    replies = [SearchReply(hits=hits(*one), engine="e") for one in lists]
    reply = merge_replies(replies, limit=limit)
    found = names(reply)
    assert len(set(found)) == len(found)
    assert set(found) <= {name for one in lists for name in one}
    assert [hit.rank for hit in reply.hits] == list(range(1, len(found) + 1))
    if len(lists) > 1:
        assert len(found) == min(limit, len({name for one in lists for name in one}))


def test_merging_names_each_engine_that_was_skipped_once() -> None:
    skipped = EngineSkipped(engine="D", kind="timeout", text=Message.bilingual("D slow", "D 慢"))
    replies = [SearchReply(hits=hits("a"), engine="M", skipped=(skipped,)) for _query in range(2)]
    assert merge_replies(replies, limit=5).skipped == (skipped,)


async def test_a_true_server_is_held_to_the_schema_and_does_not_think() -> None:
    library = Library({EN: ["a"]})
    with OllamaServer(answer='{"queries": ["green tea heat"]}', thinking="field") as server:
        model = OllamaModel(
            host=server.url,
            name="deepseek-r1:1.5b",
            context_tokens=4096,
            reply_tokens=512,
            timeout_s=10.0,
            temperature=0.6,
            keep_alive="10m",
        )
        await expanding(library, model).search(EN, limit=10, language="en")
        await model.close()
    assert library.queries == [EN, "green tea heat"]
    (chat,) = [request.body for request in server.requests if request.path == "/api/chat"]
    assert chat["format"]["properties"]["queries"]["maxItems"] == 2
    assert chat["think"] is False


def test_settings_switch_expansion_on_where_a_model_can_talk() -> None:
    three = Settings(search=SearchSettings(queries=3))
    models = ModelPool.holding(ScriptedModel())
    assert isinstance(build_search(three, models=models), ExpandingSearch)
    assert not isinstance(build_search(three), ExpandingSearch)
    assert not isinstance(build_search(Settings(), models=models), ExpandingSearch)


async def test_a_model_that_only_quotes_proposes_nothing() -> None:
    memory = MemorySearch(list(hits("a", "b")))
    models = ModelPool.holding(ExtractiveModel())
    search = ExpandingSearch(memory, models=models, queries=3, timeout_s=5)
    assert names(await search.search(EN, limit=1, language="en")) == ["a"]
    assert memory.queries == [EN]


async def test_expansion_of_a_search_in_memory_keeps_its_hits() -> None:
    memory = MemorySearch(list(hits("a", "b")))
    search = ExpandingSearch(
        memory, models=ModelPool.holding(ScriptedModel("tea leaf")), queries=2, timeout_s=5
    )
    assert names(await search.search(EN, limit=1, language="en")) == ["a"]


async def test_the_model_that_the_question_names_proposes_the_queries() -> None:
    opened: list[str | None] = []

    async def open_model(name: str | None) -> ChosenModel:
        opened.append(name)
        return ChosenModel(model=ScriptedModel("tea leaf"))

    memory = MemorySearch(list(hits("a", "b")))
    models = ModelPool(open_model=open_model)
    search = ExpandingSearch(memory, models=models, queries=2, timeout_s=5)
    await search.search(EN, limit=1, language="en", model="named")
    assert opened == ["named"]
