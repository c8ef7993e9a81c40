"""From a question to passages: words and vectors, and what happens when one of them is away."""

import dataclasses
import itertools
import math
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.answer.retrieval import Retriever
from assistant.values import LegRanks, Passage
from ingest.documents import Chunk, Document
from ingest.index.embed.base import Embedder
from ingest.index.embed.memory import HashingEmbedder
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.vector_stores.memory import MemoryVectors
from ingest.text.language import cjk_share
from tests.index_samples import chunks_of, document
from tests.retrieval_samples import EnglishOnly, Opinionated, Overtaken, ask, index_of, put

pytestmark = pytest.mark.anyio


def windows(page: Document, *, size: int, overlap: int) -> list[Chunk]:
    """Cut a page into overlapping chunks of equal size."""
    starts = range(0, max(1, len(page.text) - overlap), size - overlap)
    return [
        Chunk(
            id=f"{page.url}_{position}",
            url=page.url,
            title=page.title,
            position=position,
            start=start,
            end=min(start + size, len(page.text)),
            heading=f"section {position}",
            text=page.text[start : start + size],
        )
        for position, start in enumerate(starts)
    ]


async def test_passages_carry_number_source_and_dates() -> None:
    law = document("law", "Drones need lights at night.", title="Drone law")
    food = document("food", "Whisk the eggs.")
    index = await index_of(law, food)
    retrieved = await Retriever(store=index, embedder=None, top_k=5).retrieve("drones at night?")
    (passage,) = retrieved.passages
    assert passage == Passage(
        number=1,
        url=law.url,
        title="Drone law",
        text="Drones need lights at night.",
        score=1.0,
        fetched_at=law.fetched_at,
        published=law.published,
        modified=law.modified,
        heading="",
        ranks=LegRanks(words=1, bm25=passage.ranks.bm25),
    )
    assert (passage.ranks.bm25 or 0) > 0


async def test_a_passage_says_where_each_leg_had_it() -> None:
    index = await index_of(
        document("law", "Drones need lights at night."),
        document("care", "Drones at night: drones need lights, drones need care."),
        embedder=HashingEmbedder(),
    )
    retriever = Retriever(store=index, embedder=HashingEmbedder(), top_k=5)
    retrieved = await retriever.retrieve("drones need lights at night")
    ranks = {passage.url: passage.ranks for passage in retrieved.passages}
    assert sorted(each.words or 0 for each in ranks.values()) == [1, 2]
    assert sorted(each.vectors or 0 for each in ranks.values()) == [1, 2]
    first = next(each for each in ranks.values() if each.vectors == 1)
    other = next(each for each in ranks.values() if each.vectors == 2)
    assert (first.cosine or 0) > (other.cosine or 0)


async def test_question_that_matches_nothing_returns_nothing() -> None:
    index = await index_of(document("law", "Drones need lights at night."))
    assert await ask(index, "Who is Zorgblatt?") == []
    assert await ask(index, "") == []
    assert await ask(index, "???") == []
    assert await ask(index, "李白是谁") == []
    assert await ask(await index_of(), "drones") == []
    assert await ask(await index_of(), "drones", HashingEmbedder()) == []


async def test_misspelt_word_finds_what_it_stands_for() -> None:
    index = await index_of(document("a", "The government sits."), document("b", "Bread and flour."))
    assert await ask(index, "Which goverment?") == ["The government sits."]
    assert await ask(index, "Which parliment?") == []


async def test_words_that_name_nothing_do_not_choose_passages() -> None:
    index = await index_of(
        document("a", "What is the and of how?"), document("b", "Lift of a wing")
    )
    assert await ask(index, "What is the lift of a wing?") == ["Lift of a wing"]
    assert await ask(index, "What is the how?") == ["What is the and of how?"]


async def test_vectors_find_what_words_do_not() -> None:
    encoder = Opinionated("Unmanned aircraft must be lit after dusk.")
    index = await index_of(
        document("law", "Unmanned aircraft must be lit after dusk."),
        document("shop", "Drones for sale."),
        embedder=encoder,
    )
    assert await ask(index, "drones night") == ["Drones for sale."]
    found = await ask(index, "drones night", encoder)
    assert "Unmanned aircraft must be lit after dusk." in found[:2]


async def test_passage_that_both_legs_like_comes_first() -> None:
    both = "Drones need lights at night."
    encoder = Opinionated(both, "Unmanned aircraft must be lit after dusk.")
    index = await index_of(
        document("a", "Night drones for sale."),
        document("b", both),
        document("c", "Unmanned aircraft must be lit after dusk."),
        # Without a page that words find and hardly like, the second of two would count as the last.
        document(
            "d", "The drones of a hive are the males of its bees, which do not collect nectar."
        ),
        embedder=encoder,
    )
    retrieved = await Retriever(store=index, embedder=encoder, top_k=5).retrieve("drones night")
    assert retrieved.passages[0].text == both
    scores = [passage.score for passage in retrieved.passages]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)
    assert [passage.number for passage in retrieved.passages] == [1, 2, 3, 4]


async def test_english_encoder_has_no_say_in_chinese() -> None:
    pages = [document(f"p{n}", f"第{n}条规定说明了飞行的要求。") for n in range(20)]
    pages.append(document("law", "无人机夜间飞行必须开启灯光。"))
    encoder = EnglishOnly()
    index = await index_of(*pages, embedder=encoder)
    question = "无人机夜间飞行需要什么?"
    retriever = Retriever(store=index, embedder=encoder, top_k=5)
    retrieved = await retriever.retrieve(question)
    assert [p.text for p in retrieved.passages] == await ask(index, question)
    assert retrieved.passages[0].url == "https://law.example/"
    assert retrieved.notices == ()  # nothing is broken, words are simply better


async def test_english_question_does_not_rank_chinese_chunks_by_english_vectors() -> None:
    class LovesChinese(Opinionated):
        def language_coverage(self, text: str) -> float:
            return 1.0 - cjk_share(text)

    encoder = LovesChinese("完全无关的文字。")
    index = await index_of(
        document("a", "Drones need lights."), document("b", "完全无关的文字。"), embedder=encoder
    )
    assert (await ask(index, "drones lights", encoder))[0] == "Drones need lights."


async def test_pages_that_no_leg_can_read_are_not_found() -> None:
    pages = [document(f"p{n}", f"第{n}条规定说明了飞行的要求。") for n in range(6)]
    index = await index_of(*pages, embedder=EnglishOnly())
    assert await ask(index, "drones at night", EnglishOnly()) == []


async def test_language_of_the_question_does_not_lose_in_a_mixed_index() -> None:
    chinese, english = "无人机夜间飞行必须开启灯光。", "Drones that fly at night must have lights."
    encoder = Opinionated(chinese, english)  # the same to it
    index = await index_of(
        document("a", english), document("b", chinese), document("c", "Tea."), embedder=encoder
    )
    assert (await ask(index, "无人机夜间飞行需要灯光吗？", encoder))[:2] == [chinese, english]
    assert (await ask(index, "Do drones need lights?", encoder))[:2] == [english, chinese]


@pytest.mark.parametrize("encoder", [None, HashingEmbedder()])
async def test_question_beside_a_paste_finds_the_same_page_first(encoder: Embedder | None) -> None:
    paste = "The committee met in March and heard nine reports on budgets. " * 40
    index = await index_of(
        document("a", "Drones need lights."), document("b", paste[:400]), embedder=encoder
    )
    for question in (f"{paste}\nDo drones need lights?", f"Do drones need lights?\n{paste}"):
        assert (await ask(index, question, encoder))[0] == "Drones need lights."


async def test_chunks_found_by_words_get_their_vector_for_the_next_question() -> None:
    encoder = Opinionated()
    page = document("a", *(f"drone number {n}" for n in range(40)), "something else")
    index = await index_of(page)
    await ask(index, "drone", encoder)
    first = len(encoder.asked)
    assert 0 < first <= 16
    assert (await index.stats()).embedded == first
    assert "something else" not in encoder.asked
    await ask(index, "drone", encoder)
    assert len(set(encoder.asked)) == len(encoder.asked)  # nothing is embedded twice


async def test_text_that_the_encoder_cannot_read_is_not_embedded() -> None:
    encoder = EnglishOnly()
    index = await index_of(document("a", "无人机 DJI 夜间飞行必须开启灯光"))
    await ask(index, "DJI", encoder)
    assert (await index.stats()).embedded == 0


async def test_overlapping_chunks_of_a_page_become_one_passage() -> None:
    text = " ".join(f"drone{n % 3} sentence {n}." for n in range(40))
    page = document("a", text)
    index = await index_of()
    chunks = windows(page, size=200, overlap=50)
    await put(index, page, chunks)
    retrieved = await Retriever(store=index, embedder=None, top_k=5).retrieve("drone0 drone1")
    (passage,) = retrieved.passages
    assert passage.text == text
    assert passage.heading == "section 0"


async def test_merged_passage_is_bounded_and_the_rest_of_the_page_is_capped() -> None:
    page = document("a", "drone " * 2_000)
    other = document("b", "one more drone here, among many other words that say little")
    index = await index_of(other)
    await put(index, page, windows(page, size=400, overlap=100))
    retriever = Retriever(store=index, embedder=None, top_k=10, per_page=2, longest=900)
    passages = (await retriever.retrieve("drone")).passages
    assert all(len(passage.text) <= 900 for passage in passages)
    urls = [passage.url for passage in passages]
    assert urls.count(page.url) <= 2
    assert urls.count(other.url) == 1


async def test_same_text_on_two_pages_is_quoted_once() -> None:
    index = await index_of(
        document("a", "Drones need lights."), document("b", "Drones  need lights!")
    )
    assert len(await ask(index, "drones lights")) == 1


async def test_no_more_than_top_k_passages() -> None:
    index = await index_of(*(document(f"p{n}", f"drone {n}") for n in range(30)))
    retriever = Retriever(store=index, embedder=HashingEmbedder(), top_k=4)
    assert len((await retriever.retrieve("drone")).passages) == 4


async def test_enormous_question_is_answered() -> None:
    index = await index_of(document("a", "Drones need lights."))
    assert await ask(index, "drones " + "filler words " * 20_000, HashingEmbedder()) != []


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    lengths=st.lists(st.integers(20, 900), min_size=1, max_size=4),
    size=st.integers(60, 200),
    overlap=st.integers(0, 40),
    top_k=st.integers(1, 6),
    per_page=st.integers(1, 3),
)
async def test_passages_are_true_to_their_page_numbered_and_bounded(
    lengths: list[int], size: int, overlap: int, top_k: int, per_page: int
) -> None:
    words = itertools.cycle(["drone", "light", "night", "kite", "rain", "weight", "air"])
    index = await index_of()
    pages = []
    for number, length in enumerate(lengths):
        text = f"p{number} " + " ".join(itertools.islice(words, length // 5))
        pages.append(document(f"p{number}", text))
        await put(index, pages[-1], windows(pages[-1], size=size, overlap=overlap))
    retriever = Retriever(
        store=index, embedder=HashingEmbedder(), top_k=top_k, per_page=per_page, longest=500
    )
    passages = (await retriever.retrieve("drone at night")).passages
    texts = {page.url: page.text for page in pages}
    assert [passage.number for passage in passages] == list(range(1, len(passages) + 1))
    assert len(passages) <= top_k
    assert all(passage.text in texts[passage.url] for passage in passages)
    assert all(len(passage.text) <= 500 for passage in passages)
    assert all(math.isfinite(passage.score) for passage in passages)
    for url in texts:
        assert sum(passage.url == url for passage in passages) <= per_page


def news_pages(*texts: str) -> list[Document]:
    """Return a page for each text, every one a year older than the next."""
    return [
        dataclasses.replace(
            document(f"y{number}", text), published=date(2026 - len(texts) + number + 1, 11, 1)
        )
        for number, text in enumerate(texts)
    ]


async def ask_in_2026(index: Index, question: str, embedder: Embedder | None = None) -> list[str]:
    retriever = Retriever(store=index, embedder=embedder, top_k=5, today=lambda: date(2026, 11, 21))
    return [passage.text for passage in (await retriever.retrieve(question)).passages]


@pytest.mark.parametrize(
    ("question", "texts"),
    [
        ("latest drone rules", ["Drone rules, one.", "Drone rules, two.", "Drone rules, six."]),
        ("最新的无人机规定", ["无人机规定，甲。", "无人机规定，乙。", "无人机规定，丙。"]),
    ],
)
@pytest.mark.parametrize("encoder", [None, HashingEmbedder()])
async def test_news_of_equal_worth_come_newest_first(
    question: str, texts: list[str], encoder: Embedder | None
) -> None:
    index = await index_of(*news_pages(*texts), embedder=encoder)
    assert (await ask_in_2026(index, question, encoder))[0] == texts[-1]


async def test_new_page_never_beats_a_much_better_match() -> None:
    good = "The speed limit of drones at night is 30 km/h, by the rules of the law."
    weak = "A drone was seen, and people talked of it and of the weather and of much else."
    index = await index_of(*news_pages(good, weak))
    assert (await ask_in_2026(index, "latest speed limit of drones at night"))[0] == good


async def test_only_relevant_passage_is_kept_however_old() -> None:
    index = await index_of(*news_pages("Zorgblatt is a drone.", *["Tea is hot."] * 20))
    assert await ask_in_2026(index, "latest news on Zorgblatt today") == ["Zorgblatt is a drone."]


@pytest.mark.parametrize("question", ["drone rules", "electric current of drones", "无人机规定"])
@pytest.mark.parametrize("encoder", [None, HashingEmbedder()])
async def test_questions_that_ask_for_no_news_rank_the_same_whatever_the_dates(
    question: str, encoder: Embedder | None
) -> None:
    texts = [f"Drone rules {n}. The current of drones. 无人机规定{n}" for n in range(9)]
    undated = [document(f"y{number}", text) for number, text in enumerate(texts)]
    old_to_new = await index_of(*news_pages(*texts), embedder=encoder)
    without = await index_of(*undated, embedder=encoder)
    found = await ask_in_2026(old_to_new, question, encoder)
    assert len(found) == 5
    assert found == await ask_in_2026(without, question, encoder)


async def test_page_replaced_while_we_look_is_quoted_in_whole_paragraphs() -> None:
    index = Overtaken(catalog=Catalog(), vectors=MemoryVectors())
    kept, gone = "Drones need lights at night.", "Drones need an old permit."
    before = document("law", "Short.", gone, "Nothing of note.", kept)
    await put(index, before, chunks_of(before))
    index.newer = document("law", "A longer beginning.", "Another rule.", "New here.", kept)
    assert await ask(index, "Which drones need lights, a permit?") == [kept]
