"""A lease in Chinese and a travel plan in English in one index, asked in few words."""

import pytest

from assistant.answer.evidence import choose_evidence
from assistant.answer.retrieval import Retriever
from assistant.values import AnswerEvidence
from ingest.documents import Document
from ingest.index.embed.multilingual import MultilingualEmbedder
from ingest.index.split import split
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.vector_stores.memory import MemoryVectors
from tests.index_samples import document
from tests.packaged_e5 import open_packaged

pytestmark = pytest.mark.anyio

LEASE = (
    "# 房屋租赁合同（摘要）\n\n出租人：周立群，承租人：贺晓岚。\n\n"
    "1. 租期自 2026 年 3 月 1 日起至 2027 年 2 月 28 日止。\n"
    "2. 租金每月 3,900 元，每季度首月 5 日前支付。\n"
    "3. 屋内不得饲养犬类及其他大型动物，猫须经出租人书面同意。\n"
    "4. 地下车位另计，每月 350 元，随租金一并支付。\n"
    "5. 空调、热水器故障由出租人负责维修，承租人应在 24 小时内报修。\n"
    "6. 宽带已开通，路由器背面贴有无线密码：wen502。\n"
)
TRIP = (
    "# Porto, 12–16 May\n\nHotel: Casa da Rua, Rua das Flores 22, check-in from 15:00.\n"
    "Nora is allergic to shellfish.\n\n| day | morning | evening |\n| --- | --- | --- |\n"
    "| Thu 14 | train to Braga, 8:41 | concert at the town hall |\n"
    "| Fri 15 | surf lesson | dinner with the Costas |\n| Sat 16 | packing | flight at 18:50 |\n"
)
SENSORS = (
    "Station | Depth | Temperature\nAlder Quay | 3.2 m | 11.8 °C\nBirch Weir | 1.7 m | 13.4 °C\n"
    "老桥水文站 | 5.0 m | 9.6 °C\n"
)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> MultilingualEmbedder:
    return open_packaged(tmp_path_factory.getbasetemp())


async def index_of_pages(encoder: MultilingualEmbedder, *pages: Document) -> Index:
    index = Index(catalog=Catalog(), vectors=MemoryVectors())
    for page in pages:
        chunks = split(page, size=400, overlap=100)
        vectors = await encoder.embed_documents([chunk.text for chunk in chunks])
        by_id = {chunk.id: vector for chunk, vector in zip(chunks, vectors, strict=True)}
        await index.replace(page, chunks, by_id, space=encoder.space)
    return index


async def answer(question: str, encoder: MultilingualEmbedder, *texts: str) -> AnswerEvidence:
    pages = [document(f"https://{n}.example/", text) for n, text in enumerate(texts)]
    index = await index_of_pages(encoder, *pages)
    retriever = Retriever(store=index, embedder=encoder, top_k=6, timeout_s=60)
    found = await retriever.retrieve(question)
    compared = await retriever.compare(question, found)
    return choose_evidence(question, found.passages, compared=compared)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("能养猫吗", "猫须经出租人书面同意"),
        ("可以养狗吗", "不得饲养犬类"),
        ("停车位多少钱", "每月 350 元"),
        ("WiFi 密码是多少", "wen502"),
        ("Where are we staying?", "Casa da Rua"),
        ("What is on Thursday evening?", "concert at the town hall"),
        ("plan for Saturday", "flight at 18:50"),
        ("周六有什么安排", "flight at 18:50"),
    ],
)
async def test_the_line_is_first(
    question: str, expected: str, encoder: MultilingualEmbedder
) -> None:
    evidence = await answer(question, encoder, LEASE, TRIP)
    assert evidence.answerability != "nothing"
    assert expected in evidence.blocks[0].text


@pytest.mark.parametrize(
    "question", ["讲个笑话", "谁赢了世界杯", "今天天气怎么样", "火星离地球多远"]
)
async def test_what_no_line_is_similar_to_stays_nothing(
    question: str, encoder: MultilingualEmbedder
) -> None:
    evidence = await answer(question, encoder, LEASE, TRIP)
    assert (evidence.answerability, evidence.blocks) == ("nothing", ())


async def test_lines_of_another_language_that_are_not_similar_are_not_shown(
    encoder: MultilingualEmbedder,
) -> None:
    # The lease says 空调, which is not similar enough to 冷气: no train is nearer for that.
    evidence = await answer("冷气坏了怎么办", encoder, TRIP)
    assert evidence.blocks == ()


async def test_a_table_with_one_name_in_another_language_keeps_its_own(
    encoder: MultilingualEmbedder,
) -> None:
    other = "The footpath from Birch Lane to the weir is closed until the end of April."
    evidence = await answer("What is the temperature at Birch Weir?", encoder, other, SENSORS)
    assert evidence.answerability == "answerable"
    assert "13.4 °C" in evidence.blocks[0].text
