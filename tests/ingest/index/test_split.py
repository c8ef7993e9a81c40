"""Chunks cover the text, fit the encoder, and end where sentences end, in Chinese too."""

import hashlib
import itertools
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.documents import Chunk, Document
from ingest.extract.extractor import read_file
from ingest.index.regions import excerpt_bodies
from ingest.index.split import SPLITTER_VERSION, is_within_cluster, split

PAGES = Path(__file__).parents[2] / "data" / "pages"

TEXTS = st.lists(
    st.sampled_from(
        [
            *(
                "# Heading\n",
                "## 标题\n",
                "\n",
                "\n\n",
                " ",
                "- item\n",
                "| a | b |\n",
                "| a | b |\n| --- | --- |\n" + "| 一 | 2 |\n" * 9,
                "```\n",
                "```python\n" + "y = f(1,\n  2)\n" * 9 + "```\n",
                "~~~~\n",
                "x = 1;\n",
            ),
            *(
                "无人机夜间飞行。",
                "需要灯光吗？",
                "“好！”",
                "……",
                "Is it? ",
                "Yes, 3.14 is. ",
                "word ",
                "🚁👨‍👩‍👧",
            ),
            *("\u3000", "\t", "\u2028", "啊" * 90, "a" * 130, "ab" * 40, ". "),
        ]
    )
    | st.text(max_size=40),
    max_size=60,
).map("".join)


def document(text: str) -> Document:
    return Document(
        url="https://example.com/a",
        title="T",
        text=text,
        fetched_at=datetime(2026, 5, 1, tzinfo=UTC),
    )


@given(TEXTS, st.sampled_from([(400, 100), (100, 30), (40, 0), (50, 50)]))
@settings(deadline=None)
@example("", (400, 100))
@example(" \n\t\u3000 \n", (400, 100))
@example("a" * 5000, (400, 100))
@example("好" * 5000, (400, 100))
@example("ab " * 2000, (400, 100))
@example("好。" * 2000, (400, 100))
def test_chunks_cover_the_text_and_fit(text: str, limits: tuple[int, int]) -> None:
    size, overlap = limits
    chunks = split(document(text), size=size, overlap=overlap)
    end = 0
    for chunk in chunks:
        body = text[chunk.start : chunk.end]
        assert body == body.strip()
        assert body in excerpt_bodies(chunk.text, len(body))
        assert 0 < len(body) <= len(chunk.text) <= size
        assert not text[end : chunk.start].strip()
        assert end - chunk.start <= overlap
        assert chunk.end > end
        end = chunk.end
    assert not text[end:].strip()
    assert [chunk.position for chunk in chunks] == list(range(len(chunks)))
    assert len({chunk.id for chunk in chunks}) == len(chunks)


def test_chunk_knows_its_document_and_nearest_heading() -> None:
    page = read_file(PAGES / "night_flight.html")
    chunks = split(page, size=200, overlap=40)
    priced = [chunk for chunk in chunks if "夜航培训 | 800" in chunk.text]
    assert priced
    assert {(c.url, c.title) for c in chunks} == {(page.url, page.title)}
    assert chunks[0].heading == ""  # the headline is the title
    assert heading_of("brightness >= floor", chunks) == "自动检查"


def heading_of(words: str, chunks: list[Chunk]) -> str:
    return next(chunk.heading for chunk in chunks if words in chunk.text)


def test_text_above_the_first_heading_has_none() -> None:
    text = "Before. " * 60 + "\n\n# One\n\n" + "After. " * 60
    chunks = split(document(text), size=400, overlap=100)
    assert (chunks[0].heading, chunks[-1].heading) == ("", "One")


def test_comment_in_code_is_no_heading() -> None:
    text = "# Real\n\n```\n# not a heading\n" + "x = 1\n" * 100 + "```\n"
    assert {chunk.heading for chunk in split(document(text), size=400, overlap=100)} == {"Real"}


def test_heading_starts_a_chunk_rather_than_ending_one() -> None:
    section = "夜间飞行需要灯光。" * 35
    text = "\n\n".join(f"## 第{n}节\n\n{section}" for n in "一二三")
    chunks = split(document(text), size=400, overlap=100)
    assert [c.heading for c in chunks if c.text.startswith("## ")] == ["第一节", "第二节", "第三节"]
    assert not [c for c in chunks if c.text.endswith("节")]


SENTENCES = {
    "zh": (
        "无人机在夜间飞行时，操控员看不清障碍物，因此应当在日落之前到达现场，熟悉周围的环境。",
        "起飞之前要检查什么？电量、灯光、返航高度，一样都不能少！",
        "“先看天气，再看电池；”老操控员常说，“灯不亮，就不飞。”",
        "按照规定，防撞灯要在五公里之外可见……没有灯的飞机不得起飞；违者罚款。",
        "降落后，请记录飞行时间、地点、高度（包括最高点）以及异常情况。",
    ),
    "en": (
        "A pilot who flies at night cannot see obstacles, so she should know the place by day.",
        "What must be checked before the start? The battery, the lamp and the height of return!",
        '"Look at the sky first," he said, "and at the battery next."',
        "The lamp must be seen from 5.5 kilometres away; a drone without one stays on the ground.",
        "Write down when, where and how high (at most) you flew, and whatever went wrong.",
    ),
}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("per_paragraph", [1, 3, 7, 40])
def test_chunks_end_where_sentences_end(language: str, per_paragraph: int) -> None:
    sentences = [SENTENCES[language][(n * n + n // 5) % 5] for n in range(80)]
    gap = "" if language == "zh" else " "
    text = "\n\n".join(
        gap.join(sentences[n : n + per_paragraph]) for n in range(0, 80, per_paragraph)
    )
    chunks = split(document(text), size=400, overlap=100)
    whole = [c for c in chunks if c.text.endswith(tuple('。！？；…”.!?"'))]
    assert len(whole) == len(chunks)
    assert len(chunks) <= 1.6 * len(text) / 400


def test_overlap_repeats_whole_sentences() -> None:
    text = "".join(f"第{n}句话说明夜间飞行的一项要求。" for n in range(100))
    chunks = split(document(text), size=400, overlap=100)
    repeats = [text[after.start : before.end] for before, after in itertools.pairwise(chunks)]
    assert all(repeat.startswith("第") and repeat.endswith("。") for repeat in repeats)
    assert all(50 < len(repeat) <= 100 for repeat in repeats)


def test_each_part_of_a_table_has_its_head() -> None:
    head = "| 型号 | 价格 |\n| --- | --- |\n"
    rows = [f"| M{n} | {n} 元，含灯光与电池的价格 |" for n in range(60)]
    text = "# 价格\n\n" + head + "\n".join(rows) + "\n\n以上价格含税。\n"
    chunks = split(document(text), size=400, overlap=100)
    assert len(chunks) > 3
    assert all(head in chunk.text for chunk in chunks)
    shown = {line for chunk in chunks for line in chunk.text.split("\n") if line.startswith("| M")}
    assert shown == set(rows)  # whole rows alone
    assert {chunk.heading for chunk in chunks} == {"价格"}


def test_a_head_too_long_to_repeat_is_not_repeated() -> None:
    head = f"| {'very ' * 60}long | b |\n| --- | --- |\n"
    text = head + "| a row | of it |\n" * 60
    chunks = split(document(text), size=400, overlap=100)
    assert [chunk for chunk in chunks if "very" in chunk.text] == chunks[:1]


@pytest.mark.parametrize("fence", ["```", "~~~", "````"])
def test_each_part_of_code_stands_in_fences_of_its_language(fence: str) -> None:
    code = "".join(f"value_{n} = compute({n},\n    other={n},\n)\n" for n in range(40))
    text = f"# Use\n\nRun this:\n\n{fence}python\n{code}{fence}\n\nDone.\n"
    chunks = split(document(text), size=400, overlap=100)
    assert len(chunks) > 3
    for chunk in chunks:
        inner = chunk.text.partition(f"{fence}python\n")[2]
        body, closed, _ = inner.partition(f"\n{fence}")
        assert closed
        assert body.startswith("value_")  # at the beginning of a statement
        assert body.endswith(")")
        assert "```" not in body


def test_text_behind_code_and_tables_stands_in_none() -> None:
    text = "```sh\nls\n```\n\n" + "Words. " * 100 + "\n\n| a | b |\n|-|-|\n| 1 | 2 |\n\n"
    text += "More words. " * 100
    for chunk in split(document(text), size=400, overlap=100)[1:]:
        assert "```" not in chunk.text
        assert ("| a | b |" in chunk.text) == ("| 1 | 2 |" in chunk.text)


def test_drawing_in_code_is_no_table() -> None:
    text = "```\n| a | b |\n| --- | --- |\n" + "| 1 | 2 |\n" * 100 + "```\n"
    chunks = split(document(text), size=400, overlap=0)
    assert all(chunk.text.startswith("```\n| ") for chunk in chunks)
    assert sum("| a | b |" in chunk.text for chunk in chunks) == 1


ABBREVIATED = (
    "It was Dr. Smith of St. Paul who came; see Prof. Miller, Mrs. Jones and J. F. Kennedy.",
    "Ask e.g. No. 5 or pp. 7 of Fig. 3, i.e. approx. 20 of them, cf. Vol. 2 vs. Vol. 3.",
    "Bring lamps, batteries, etc. and be there at 5 p.m. on the U.S. side.",
)


@pytest.mark.parametrize("size", [400, 160, 90])
@pytest.mark.parametrize("gap", [" ", "\n"])
def test_no_chunk_begins_behind_an_abbreviation(size: int, gap: str) -> None:
    text = " ".join(ABBREVIATED * 9).replace(". ", f".{gap}")
    chunks = split(document(text), size=size, overlap=20)
    before = [text[: chunk.start].split()[-1] for chunk in chunks[1:]]
    short = {"Dr.", "St.", "Prof.", "Mrs.", "J.", "F.", "e.g.", "No.", "pp.", "Fig.", "i.e."}
    short |= {"approx.", "cf.", "Vol.", "vs.", "etc.", "p.m.", "U.S."}
    assert not short.intersection(before)


def test_a_number_of_a_list_stays_with_its_item() -> None:
    text = "".join(f"{n}. Open the lid and look at lamp number {n}.\n" for n in range(1, 60))
    chunks = split(document(text), size=200, overlap=0)
    assert all(chunk.text[0].isdigit() for chunk in chunks)
    assert not any(chunk.text.split("\n")[-1].rstrip(".").isdigit() for chunk in chunks)


@pytest.mark.parametrize(
    "unit",
    [
        "👨‍👩‍👧‍👦",  # joined
        "👍🏽",  # with a colour of skin
        "🇨🇳",  # a flag
        "1️⃣",  # a key
        "e\u0301\u0323",  # marks
        "각",  # jamo
    ],
)
def test_a_wall_of_characters_is_cut_between_what_a_reader_sees(unit: str) -> None:
    for shift in range(len(unit)):
        text = "好" * shift + unit * 300
        chunks = split(document(text), size=400, overlap=100)
        for chunk in chunks:
            assert (chunk.end - shift) % len(unit) == 0
            assert len(chunk.text) <= 400


@given(st.text(alphabet="a1é\u0301\u200d👍🏽👩🇨🇳好\ufe0f", min_size=90, max_size=300))
@settings(deadline=None, max_examples=60)
def test_no_cut_is_within_a_cluster_where_one_can_be_elsewhere(text: str) -> None:
    for chunk in split(document(text), size=70, overlap=0)[1:]:
        longest = max(len(run) for run in clusters(text))
        assert longest > 60 or not is_within_cluster(text, chunk.start)


def clusters(text: str) -> list[str]:
    starts = [at for at in range(len(text)) if at == 0 or not is_within_cluster(text, at)]
    return [text[a:b] for a, b in itertools.pairwise([*starts, len(text)])]


def test_words_and_numbers_stay_whole() -> None:
    word = "无人机质量为1,234,567.89克并使用controller型号RTX4090以及"
    for shift in range(40):
        text = "好" * shift + word * 40
        for chunk in split(document(text), size=400, overlap=0)[1:]:
            before, after = text[chunk.start - 1], text[chunk.start]
            assert not (before.isascii() and after.isascii())


def test_a_chunk_has_the_heading_that_its_sentences_stand_under() -> None:
    text = "".join(
        f"{'#' * (1 + n % 3)} Part {n}\n\n"
        + f"This is said of part {n}. " * (1 + n * n % 40)
        + "\n"
        for n in range(30)
    )
    chunks = split(document(text), size=400, overlap=100)
    for chunk in chunks:
        assert set(re.findall(r"of part (\d+)", chunk.text)) == {chunk.heading.split()[1]}


def test_a_heading_without_text_goes_with_the_next() -> None:
    chunks = split(document("# One\n\n## Two\n\nWords.\n\n# Three\n"), size=400, overlap=100)
    assert [chunk.text for chunk in chunks] == ["# One\n\n## Two\n\nWords.", "# Three"]


def test_cut_of_a_known_text_is_that_of_this_version() -> None:
    sections = (
        f"## {language} {n}\n\n{' '.join(SENTENCES[language][n % 5 :])}\n\n- a list; of {n}\n"
        for n in range(9)
        for language in ("zh", "en")
    )
    chunks = split(document("\n\n".join(sections)), size=200, overlap=50)
    cut = repr([(chunk.start, chunk.end, chunk.heading) for chunk in chunks])
    # Another digest means that stored documents are cut otherwise than new ones: bump the version.
    assert (SPLITTER_VERSION, hashlib.sha256(cut.encode()).hexdigest()[:16]) == (
        2,
        "70538b4cbe5ce814",
    )
