"""Makes `ingest/text/ideographs.txt` out of OpenCC's tables: `python -m tests.ideograph_table`.

The table is shipped, and OpenCC is needed by nobody but this module: the full-text index is damaged
when words are removed by another table than the one that inserted them, so it must not change with
a release of a package.
"""

import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import opencc

import ingest.text

IDEOGRAPHS = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0x20000, 0x2F7FF), (0x30000, 0x323AF))
COMPATIBLE = ((0x2E80, 0x2FDF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))
"""Radicals, which PDFs have in place of ideographs, and ideographs that NFKC makes unified ones."""
CONFIGURATIONS = ("tw2s", "hk2s", "t2s")
"""The last that knows a character decides. "t2s" leaves 著 alone because of 著名: for 看著 Taiwan's
and Hong Kong's variants are asked, too."""
BY_HAND = {
    "瞭": "了", "藉": "借", "覆": "复", "揹": "背", "暱": "昵", "甦": "苏", "逕": "径",
    "迳": "径", "鉅": "巨", "钜": "巨", "彷": "仿", "腭": "颚", "妳": "你", "牠": "它", "濛": "蒙",
    "矇": "蒙", "懞": "蒙", "噁": "恶", "嚐": "尝", "傢": "家", "麽": "么",
    "馀": "余", "锺": "钟", "谘": "咨", "讬": "托", "缐": "线", "侭": "尽",
}  # fmt: skip
"""What OpenCC decides by the phrase (瞭解 is 了解, 瞭望 stays): without the phrase both are one."""
UNFOLDED = "么"
"""OpenCC reads it as the old form of 幺, but it stands in every second question (什么, 怎么), and
an encoder that is shown 什幺 finds English pages for .615 instead of .675 of Chinese questions."""
HEADER = """\
# Ideographs that are found as one: the first of a line stands for the others. Made by
# `python -m tests.ideograph_table` of OpenCC {version} (BYVoid/OpenCC, Apache License 2.0).

"""


def build_table() -> str:
    """Return the text of the table."""
    converters = [opencc.OpenCC(name) for name in CONFIGURATIONS]
    folds: dict[str, str] = {}
    for character in _characters(IDEOGRAPHS):
        for converter in converters:  # the last one that knows the character decides
            if (other := converter.convert(character)) != character:
                folds[character] = other
    folds |= BY_HAND
    for character in UNFOLDED:
        del folds[character]
    for character in _characters(COMPATIBLE):
        unified = unicodedata.normalize("NFKC", character)
        if unified != character:
            folds[character] = unified
    classes = defaultdict(list)
    for character in folds:
        end = character
        while end in folds:
            end = folds[end]
        classes[end].append(character)
    lines = [f"{end} {''.join(sorted(classes[end]))}" for end in sorted(classes)]
    return HEADER.format(version=opencc.__version__) + "\n".join(lines) + "\n"


def _characters(blocks: Iterable[tuple[int, int]]) -> Iterator[str]:
    return (chr(code) for first, last in blocks for code in range(first, last + 1))


if __name__ == "__main__":
    (Path(ingest.text.__file__).with_name("ideographs.txt")).write_text(build_table(), "utf-8")
    sys.exit()
