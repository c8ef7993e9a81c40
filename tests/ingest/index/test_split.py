"""Chunks cover the text, fit the encoder, and end where sentences end, in Chinese too."""

import hashlib
import itertools
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.documents import Chunk, Document
from ingest.extract.extractor import read_file
from ingest.index.split import SPLITTER_VERSION, split

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
                "```\n",
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
        assert chunk.text == text[chunk.start : chunk.end] == chunk.text.strip()
        assert 0 < len(chunk.text) <= size
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
        1,
        "c58e64396a12e9a3",
    )
