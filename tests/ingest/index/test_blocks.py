"""Blocks follow Markdown and cover the text."""

from hypothesis import given, settings

from ingest.index.blocks import MAX_BLOCK, markdown_blocks
from tests.markdown_texts import MARKDOWN


def texts(text: str) -> list[str]:
    return [text[block.start : block.end] for block in markdown_blocks(text)]


def test_blocks_are_paragraphs_lists_tables_and_code() -> None:
    text = (
        "First line\nsecond line.\n\n\n- one\n- two\n  more\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
        "```python\nx = 1\n\n# no heading\n```\nAfter the code."
    )
    assert texts(text) == [
        "First line\nsecond line.",
        "- one\n- two\n  more",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "```python\nx = 1\n\n# no heading\n```",
        "After the code.",
    ]


def test_headings_belong_to_the_block_below_them() -> None:
    text = "# 手册\n\n## 灯光 ##\n\n必须有灯。\n\n灯要亮。\n\n## 费用\n免费。\n\n## 附录\n"
    assert texts(text) == [
        "# 手册\n\n## 灯光 ##\n\n必须有灯。",
        "灯要亮。",
        "## 费用\n免费。",
        "## 附录",
    ]
    assert [block.heading for block in markdown_blocks(text)] == ["灯光", "灯光", "费用", "附录"]


def test_long_paragraph_is_cut_between_sentences() -> None:
    text = "夜间飞行需要灯光。" * 300
    pieces = texts(text)
    assert "".join(pieces) == text
    assert all(piece.endswith("。") and len(piece) <= MAX_BLOCK for piece in pieces)


@given(MARKDOWN)
@settings(deadline=None)
def test_blocks_cover_the_text_in_order_and_never_overlap(text: str) -> None:
    end = 0
    for block in markdown_blocks(text):
        assert not text[end : block.start].strip()
        assert end <= block.start < block.end
        assert block.end - block.start <= MAX_BLOCK
        assert text[block.start : block.end].strip()
        end = block.end
    assert not text[end:].strip()


def test_heading_of_nothing_but_hashes_is_read_in_one_go() -> None:
    found = markdown_blocks("# " + "#" * 200_000 + "x ##\n\nThe desk is open.")
    assert found[-1].heading == "#" * 200_000 + "x"
