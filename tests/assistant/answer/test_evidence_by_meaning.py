"""Evidence that shares no word with its question, found by the vectors of the built-in encoder."""

import asyncio
import math
from collections.abc import Sequence
from typing import Literal

import pytest

from assistant.answer.evidence import choose_evidence, compare_units
from assistant.answer.retrieval import Retrieved, Retriever
from assistant.events import Notice
from assistant.values import AnswerEvidence, Passage, UnitSimilarity
from ingest.errors import EmbedError
from ingest.foundation.messages import Language, Message
from ingest.index.embed.base import Vector
from ingest.index.embed.memory import HashingEmbedder
from ingest.index.embed.multilingual import MultilingualEmbedder
from ingest.index.embed.registry import EmbedderConfig, open_embedder
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.vector_stores.memory import MemoryVectors
from ingest.settings import EmbedSettings
from tests.evidence_samples import passages
from tests.index_samples import document
from tests.packaged_e5 import open_packaged
from tests.retrieval_samples import index_of

pytestmark = pytest.mark.anyio

CELLAR = (
    "# Notes on the cellar\n\nThe basement was flooded to 40 cm on Sunday.\n\n"
    "We pumped for six hours, and the boiler is dead.\n\n"
    "The insurer sends somebody on Thursday.\n\n"
    "| who | for what |\n| --- | --- |\n| Nadia Brandt | plumber |\n| Omar Said | electrician |\n"
)
WAREHOUSE = (
    "# 六号仓库交接\n\n昨晚暴雨，仓库地面积水三十厘米，最底下一层纸箱全部报废。\n\n"
    "叉车电池已经送修，周四取回。\n\n钥匙放在门卫室，找孙师傅签字领取。\n\n"
    "新来的货先堆到二楼，别放在窗户旁边。"
)
LEASE = (
    "# Lease\n\nLandlord: Mrs Chen, phone 020 7946 0312\n\nRent: 980 pounds a month\n\n"
    "Water is included in the rent.\n\nPets need the landlord's written consent."
)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> MultilingualEmbedder:
    return open_packaged(tmp_path_factory.getbasetemp())


async def by_both(
    question: str, pages: Sequence[Passage], encoder: MultilingualEmbedder
) -> tuple[AnswerEvidence, AnswerEvidence]:
    compared = await compare_units(question, pages, embedder=encoder)
    return choose_evidence(question, pages), choose_evidence(question, pages, compared=compared)


@pytest.mark.parametrize(
    ("question", "text", "answer"),
    [
        ("Is the heating still working?", CELLAR, "the boiler is dead"),
        ("When will someone from the insurance come by?", CELLAR, "on Thursday"),
        ("库房被淹得有多深？", WAREHOUSE, "三十厘米"),
        ("开门要用的东西去哪儿拿？", WAREHOUSE, "门卫室"),
    ],
)
async def test_no_word_in_common_and_yet_found(
    question: str, text: str, answer: str, encoder: MultilingualEmbedder
) -> None:
    by_words, by_meaning = await by_both(question, passages(text), encoder)
    assert not any(answer in block.text for block in by_words.blocks)
    assert any(answer in block.text for block in by_meaning.blocks)
    assert by_meaning.answerability != "nothing"


async def test_a_weekday_is_known_by_what_tables_make_of_it(
    encoder: MultilingualEmbedder,
) -> None:
    table = "| day | plan |\n| --- | --- |\n| Fri | tower |\n| Sat | by train to the coast |\n"
    _, by_meaning = await by_both("What is the plan for Saturday?", passages(table), encoder)
    assert "coast" in "".join(block.text for block in by_meaning.blocks)
    _, other = await by_both("What is the plan for Thursday?", passages(table), encoder)
    assert other.answerability != "answerable"


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What is the capital of Mongolia?", CELLAR),
        ("Who won the cup in 1998?", CELLAR),
        ("谁是法国的总统？", WAREHOUSE),
        ("光速是多少？", WAREHOUSE),
    ],
)
async def test_what_no_page_speaks_of_stays_nothing(
    question: str, text: str, encoder: MultilingualEmbedder
) -> None:
    _, by_meaning = await by_both(question, passages(text), encoder)
    assert by_meaning == AnswerEvidence()


async def test_passages_that_share_words_and_no_meaning_do_not_answer(
    encoder: MultilingualEmbedder,
) -> None:
    # All words but one, of another thing.
    text = "The number of people who may use the lift at a time is eight, the caretaker says."
    question = "What number do people use to call the police?"
    _, by_meaning = await by_both(question, passages(text), encoder)
    assert by_meaning.answerability != "answerable"


async def test_of_a_page_in_another_language_the_nearest_line_is_shown(
    encoder: MultilingualEmbedder,
) -> None:
    _, by_meaning = await by_both("水费包含在房租里吗？", passages(LEASE), encoder)
    assert by_meaning.answerability == "nearest"
    assert by_meaning.blocks[0].text == "Water is included in the rent."


async def test_a_block_says_what_its_meaning_is_worth(encoder: MultilingualEmbedder) -> None:
    _, by_meaning = await by_both("库房被淹得有多深？", passages(WAREHOUSE), encoder)
    signals = by_meaning.blocks[0].signals
    assert signals is not None
    assert signals.parts is not None
    assert signals.parts.similarity > signals.parts.own_words
    assert signals.score == pytest.approx(signals.parts.total)


async def test_similarities_are_shares_and_ranges_are_those_of_the_text(
    encoder: MultilingualEmbedder,
) -> None:
    (page,) = passages(CELLAR)
    compared = await compare_units("Who is the plumber?", [page], embedder=encoder)
    assert all(0 <= one.similarity <= 1 for one in compared)
    best = max(compared, key=lambda one: one.similarity)
    assert page.text[best.start : best.end] == "| Nadia Brandt | plumber |"
    assert len({(one.start, one.end) for one in compared}) == len(compared)


async def test_long_pages_cost_no_more_than_the_best_pieces(
    encoder: MultilingualEmbedder,
) -> None:
    long = "\n\n".join(f"Room {n} has been painted in colour number {n}." for n in range(90))
    compared = await compare_units("Which colour has room 77?", passages(long), embedder=encoder)
    assert len(compared) == 10
    assert any("Room 77 " in long[one.start : one.end] for one in compared)
    vague = await compare_units("What was renovated last year?", passages(long), embedder=encoder)
    assert 10 < len(vague) <= 32


GARDEN = "\n".join(f"- bed {n}: {what}" for n, what in enumerate(["beans", "peas"] * 13))
CONTACTS = (
    "# Contacts\n\n| name | role | extension |\n| --- | --- | --- |\n"
    "| Ada Park | driver | 8012 |\n| Lin Wei | cook | 8013 |\n"
)
CODES = "# Errors\n\n- E1207: no water\n- E1301: fan blocked\n- E1208: lid open\n"


async def test_a_long_page_in_front_does_not_take_all_places(
    encoder: MultilingualEmbedder,
) -> None:
    pages = passages(GARDEN, CELLAR)
    _, by_meaning = await by_both("Is the heating still working?", pages, encoder)
    assert "the boiler is dead" in by_meaning.blocks[0].text


@pytest.mark.parametrize("question", ["Einstein", "ok", "E9999"])
@pytest.mark.parametrize("text", [CONTACTS, CODES, CELLAR])
async def test_a_few_words_on_nothing_of_it_are_near_to_nothing(
    question: str, text: str, encoder: MultilingualEmbedder
) -> None:
    _, by_meaning = await by_both(question, passages(text), encoder)
    assert by_meaning == AnswerEvidence()


@pytest.mark.parametrize("name", ["multilingual-e5-small", "all-MiniLM-L6-v2"])
@pytest.mark.parametrize(
    ("question", "text", "answer"),
    [
        ("Who has extension 8013?", CONTACTS, "Lin Wei"),
        ("What does E1301 mean?", CODES, "fan blocked"),
        ("8012", CONTACTS, "Ada Park"),
    ],
)
async def test_what_words_find_whole_meaning_does_not_take_away(
    name: Literal["multilingual-e5-small", "all-MiniLM-L6-v2"],
    question: str,
    text: str,
    answer: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    embed = EmbedSettings(provider="builtin", encoder=name)
    cache = tmp_path_factory.getbasetemp() / "models"
    embedder, problem = await open_embedder(EmbedderConfig(embed=embed, cache=cache), space="")
    assert embedder is not None, problem
    compared = await compare_units(question, passages(text), embedder=embedder)
    found = choose_evidence(question, passages(text), compared=compared)
    await embedder.close()
    assert found.answerability == "answerable"
    assert answer in found.blocks[0].text


async def test_a_line_in_the_questions_language_is_no_nearer_on_a_foreign_page(
    encoder: MultilingualEmbedder,
) -> None:
    line, question = "会议室在三楼，投影仪的遥控器在抽屉里。", "投影仪是什么牌子？"
    handbook = f"# Handbook\n\nThe office opens at eight.\n\n{line}\n\nBadges are at the desk."
    nearness = []
    for text in (line, handbook):
        compared = await compare_units(question, passages(text), embedder=encoder)
        nearness.append(max(x.similarity for x in compared if line in text[x.start : x.end]))
    own, foreign = nearness
    assert foreign < own + 0.1


async def test_an_encoder_whose_unrelated_texts_nobody_measured_says_nothing() -> None:
    assert await compare_units("Drones?", passages(CELLAR), embedder=HashingEmbedder()) == ()


class Unable(HashingEmbedder):
    """Knows all languages, and does not answer."""

    def noise_floor(self, *, question: Language, text: Language) -> float:
        del question, text
        return 0.5

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        raise EmbedError(Message("no memory left"))


class Short(Unable):
    """One vector, whatever it is given."""

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        return [await self.embed_query(texts[0])]


class NoNumber(Unable):
    """What some servers send for a text that they cannot read."""

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        return [[math.nan] * 256 for _ in texts]


class Hanging(Unable):
    """The same, for ever."""

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        await asyncio.sleep(3600)
        return []


@pytest.mark.parametrize("embedder", [Unable(), Hanging(), Short(), NoNumber()])
async def test_where_the_encoder_fails_words_choose(embedder: HashingEmbedder) -> None:
    index = Index(catalog=Catalog(None), vectors=MemoryVectors())
    retriever = Retriever(store=index, embedder=embedder, top_k=3, timeout_s=0.2)
    found = Retrieved(passages=passages(CELLAR))
    assert await retriever.compare("Who is the plumber?", found) == ()


class Counting(HashingEmbedder):
    """Notes each question that it encodes."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def noise_floor(self, *, question: Language, text: Language) -> float:
        del question, text
        return 0.01

    async def embed_query(self, text: str) -> Vector:
        self.asked.append(text)
        return await super().embed_query(text)


async def test_a_question_is_encoded_once_for_its_passages_and_their_pieces() -> None:
    embedder = Counting()
    page = document("a", "The plumber comes on Monday.")
    index = await index_of(page, embedder=embedder)
    retriever = Retriever(store=index, embedder=embedder, top_k=3)
    question = "When does the plumber come?"
    assert await retriever.compare(question, await retriever.retrieve(question)) != ()
    assert embedder.asked == [question]


async def test_an_encoder_that_was_waited_for_is_not_waited_for_again() -> None:
    index = Index(catalog=Catalog(None), vectors=MemoryVectors())
    retriever = Retriever(store=index, embedder=Hanging(), top_k=3, timeout_s=3600)
    late = Notice(code="words_only", text=Message("no answer in time"))
    found = Retrieved(passages=passages(CELLAR), notices=(late,))
    async with asyncio.timeout(60):
        assert await retriever.compare("Who is the plumber?", found) == ()


def test_the_order_is_that_of_words_where_nothing_was_compared() -> None:
    far = UnitSimilarity(passage=9, start=0, end=3, similarity=1.0)
    question, pages = "How deep was the basement flooded?", passages(CELLAR)
    assert choose_evidence(question, pages, compared=[far]) == choose_evidence(question, pages)
