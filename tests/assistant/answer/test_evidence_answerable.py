"""What answers a question is told from what is only near it, and from nothing."""

from datetime import UTC, datetime

import pytest

from assistant.answer.evidence import choose_evidence
from assistant.answer.retrieval import Retriever
from assistant.values import EvidenceBlock
from ingest.documents import Document
from ingest.index.split import split
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.vector_stores.memory import MemoryVectors
from tests.evidence_samples import blocks_of, passages
from tests.internet.demo import sample_pages

pytestmark = pytest.mark.anyio


def test_passages_near_the_question_are_told_from_those_that_answer_it() -> None:
    text = "Small drones are registered online. The register opens in spring. Pilots pay a fee."
    near = choose_evidence(
        "Which battery do small drones of the Zorbix company use?", passages(text)
    )
    assert near.answerability in ("nearest", "nothing")
    assert len(near.blocks) <= 2
    here = choose_evidence("Where are small drones registered?", passages(text))
    assert here.answerability == "answerable"


def test_passages_without_the_unit_that_is_asked_for_are_only_near() -> None:
    text = "Tickets for the museum are sold at the counter, and online all year."
    assert choose_evidence("How much do museum tickets cost?", passages(text)).answerability == (
        "nearest"
    )
    priced = f"{text} Tickets cost 12 euros."
    assert choose_evidence("How much do museum tickets cost?", passages(priced)).answerability == (
        "answerable"
    )


MODELS = "| Model | Weight |\n| --- | --- |\n| Model Alpha | 249 g |\n| Model Beta | 895 g |"


@pytest.mark.parametrize(
    ("question", "answerability"),
    [
        ("What is the weight of Model Gamma?", "nearest"),
        ("What is the weight of Model Beta?", "answerable"),
        ("What is the weight of Model Betta?", "answerable"),
        ("What Is The Weight Of Model Beta?", "answerable"),
        ("How high may drones fly in the German UAS zone?", "answerable"),
        ("How many metres high may drones fly in a zone in Germany?", "answerable"),
        ("How many metres high may drones fly in a zone in Norway?", "nearest"),
    ],
)
def test_a_name_that_no_passage_has_in_any_form_is_not_answered(
    question: str, answerability: str
) -> None:
    zone = "In a German Unmanned Aircraft System zone drones may fly up to 120 metres high."
    assert choose_evidence(question, passages(MODELS, zone)).answerability == answerability


def test_no_passages_are_no_evidence() -> None:
    assert choose_evidence("Who wrote Hamlet?", ()).answerability == "nothing"
    assert choose_evidence("???", passages("Drones are fun to fly today.")).blocks == ()


async def blocks_of_the_demo(question: str) -> tuple[EvidenceBlock, ...]:
    """Return what is blockd when the index holds the demo's pages, found by words."""
    index = Index(catalog=Catalog(None), vectors=MemoryVectors())
    for page in sample_pages():
        document = Document(
            url=page.url,
            title=page.title,
            text=page.text,
            fetched_at=datetime(2026, 11, 21, tzinfo=UTC),
        )
        await index.replace(document, split(document, size=400, overlap=100), {}, space="")
    found = await Retriever(store=index, embedder=None, top_k=6).retrieve(question)
    assert found.passages, "each of the questions shares some word with the pages"
    return blocks_of(question, found.passages)


@pytest.mark.parametrize(
    "question",
    [
        "Who won the 1998 World Cup?",
        "How long does the Zorbix 3000 warranty last?",
        "mooncakes recipe two",
        "北京明天天气怎么样?",
    ],
)
async def test_question_that_no_page_is_about_gets_no_block(question: str) -> None:
    assert await blocks_of_the_demo(question) == ()


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How long may a crawler keep a robots.txt file?", "24 hours"),
        ("default context length of ollama", "2048"),
        ("绿茶用多少度的水泡？", "80到85摄氏度"),
        ("无人机夜间飞行需要什么条件？", "灯光系统"),
    ],
)
async def test_question_that_a_page_answers_gets_its_block(question: str, answer: str) -> None:
    blocks = await blocks_of_the_demo(question)
    assert any(answer in block.text for block in blocks)


async def test_page_in_another_language_gets_no_block_for_its_names_alone() -> None:
    assert await blocks_of_the_demo("爬虫可以把 robots.txt 缓存多久？") == ()


def test_page_in_another_language_gets_a_block_for_a_name_in_its_own_script() -> None:
    blocks = blocks_of("Who is 李白?", passages("李白是唐代诗人，字太白，号青莲居士。"))
    assert len(blocks) == 1


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who is the manager of Harwick Rovers?", "nearest"),
        ("What is the capacity of the stadium of Harwick Rovers?", "nearest"),
        ("When was Harwick Rovers founded?", "nearest"),
        ("Who is the goalkeeper of Harwick Rovers?", "answerable"),
        # A form of a word that the passage has, and a figure that stands for itself.
        ("How many people attended the match of Harwick Rovers?", "answerable"),
        ("海川队的主教练是谁？", "nearest"),
        ("海川队的守门员是谁？", "answerable"),
    ],
)
def test_what_no_passage_says_of_a_name_is_near_at_most(question: str, expected: str) -> None:
    pages = passages(
        "Harwick Rovers led 3-2 at half-time and lost the match. The goalkeeper, Lars Brandt, was"
        " sent off. The attendance was 18,204.",
        "海川队以3比2战胜东岭队。守门员王磊扑出点球。海川队目前排名第二。",
    )
    assert choose_evidence(question, pages).answerability == expected


def test_who_did_it_is_told_by_the_best_block_alone() -> None:
    page = passages("清河市人民广场的喷泉每天开放。\n\n本页由编辑部整理。")
    assert choose_evidence("谁设计了清河市人民广场的喷泉？", page).answerability != "answerable"


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Who wrote Silent Rivers?", "Silent Rivers is a novel by Mira Olsen, published in 1987."),
        ("Who is the author of Silent Rivers?", "Silent Rivers is a novel by Mira Olsen."),
        ("Who leads Northgate Bank?", "Sarah Kent is chief executive of Northgate Bank."),
        ("When was Anna Weiss born?", "Anna Weiss (12 May 1931 – 3 June 1999) was a chemist."),
        ("Where is Kestrel headquartered?", "Kestrel is a company based in Oslo, Norway."),
        ("What does Kestrel sell?", "Kestrel makes drones and cameras."),
        ("海川队的主教练是谁？", "海川队由刘强执教，本赛季排名第三。"),
        ("星河科技的创始人是谁？", "星河科技由王磊于1999年创办。"),
        ("《静静的河》的作者是谁？", "《静静的河》是林海写的一部长篇小说。"),
        ("陈望舒的妻子是谁？", "陈望舒，其夫人为林启芳。"),
        ("张三的体重是多少？", "张三，185 cm，80 kg。"),
        ("张三的身高是多少？", "张三，185cm，80kg。"),
        ("故宫的面积是多少？", "故宫占地约72万m²。"),
        ("苹果的热量是多少？", "每100克苹果含52 kcal。"),
        ("苹果的热量是多少？", "苹果：52 kcal。"),
        ("iPhone的售价是多少？", "新款iPhone的手机，起售 $799。"),
        ("北京的人口是多少？", "北京有2184万居民。"),
        ("星河科技的总部在哪里？", "星河科技，地址：北京市海淀区。"),
        ("这台空调的功率是多少？", "这台空调为1.5匹。"),
        ("谁写了《红楼梦》？", "《红楼梦》是清代曹雪芹的长篇小说。"),
        ("谁画了《清明上河图》？", "《清明上河图》是张择端的长卷。"),
        ("谁设计了悉尼歌剧院？", "悉尼歌剧院的建筑师是丹麦人约恩·乌松。"),
        ("谁建造了这座桥？", "这座桥由中铁三局施工。"),
        ("谁提出了日心说？", "日心说的代表人物是哥白尼。"),
        ("谁写推荐信？", "推荐信由两位教授签署。"),
        ("谁画图纸？", "图纸由设计院出具。"),
        (
            "How do I install the package manager for Rust?",
            "Install Rust with rustup; it brings Cargo, which builds and fetches packages.",
        ),
        (
            "How should I study for the Cisco exam?",
            "For the Cisco exam, practise in the lab and take the sample tests.",
        ),
        (
            "What is the owner of a file in Linux?",
            "In Linux each file has a user and a group who may read or write the file.",
        ),
        ("Where did Anna Berg study?", "Anna Berg attended Oxford and got a PhD."),
        ("What did Anna Berg study?", "Anna Berg read law at Oxford."),
        (
            "Who is the chairman of the Ford Foundation?",
            "Ford Foundation board: Francisco Cigarroa (chair).",
        ),
    ],
)
def test_what_is_said_in_other_words_than_the_questions_is_answerable(
    question: str, text: str
) -> None:
    assert choose_evidence(question, passages(text)).answerability == "answerable"
