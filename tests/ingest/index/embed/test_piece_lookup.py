"""Pieces looked up in a table are those of the `tokenizers` package, or none are named."""

import json
import random
from typing import Any

import numpy as np
import pytest

from ingest.index.embed.e5_file import PieceTable
from ingest.index.embed.e5_model import UNKNOWN, build_tokenizer
from ingest.index.embed.piece_lookup import (
    MAX_CHARACTERS,
    DamagedTableError,
    PieceLookup,
    build_table,
)

MARKS = ["<s>", "<pad>", "</s>", UNKNOWN]
WORDS = ["▁", "▁the", "▁th", "▁a", "the", "he", "ab", "abc", "10", *"theab1."]
CHINESE = ["无", "人", "无人", "无人机", "机", "的", "？", "?"]
TEXTS = [
    "the abc",
    " the   the ",
    "无人机的 the",
    "ＡＢ ab㎡ 10½",
    "Ж?",
    "ЖЖ the ЖabcЖ",
    "t\u200bhe\u3000he\x01",
    "▁the",
    "a▁a",
    "e\u0301 が か\u3099",
    "<s> the </s>",
    "",
    "   ",
]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """Return a tokenizer as the encoder has it, of few pieces."""
    pieces = [*MARKS, *WORDS, *CHINESE]
    scores = np.random.default_rng(5).uniform(-12.0, -2.0, len(pieces)).astype(np.float32)
    scores[: len(MARKS)] = 0.0
    vocabulary = PieceTable(pieces=pieces, scores=scores, begin=0, end=2, unknown=3)
    return build_tokenizer(vocabulary, np.arange(len(pieces)))


@pytest.fixture(scope="module")
def lookup(tokenizer: Any) -> PieceLookup:
    return PieceLookup(build_table(tokenizer.to_str()))


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_cut_as_the_tokenizer_cuts_it(
    tokenizer: Any, lookup: PieceLookup, text: str
) -> None:
    cut = lookup.cut(text)
    assert cut is not None
    assert cut.ids == tokenizer.encode(text).ids


def test_any_mixture_of_signs_is_cut_as_the_tokenizer_cuts_it(
    tokenizer: Any, lookup: PieceLookup
) -> None:
    draw = random.Random(7)
    signs = [*WORDS, *CHINESE, *"ЖéﬁＡ㎡ \u3000\u200b\x01\n😀", "\u0301", "<s>", UNKNOWN]
    for _ in range(500):
        text = "".join(draw.choices(signs, k=draw.randrange(20)))
        cut = lookup.cut(text)
        assert cut is not None
        assert cut.ids == tokenizer.encode(text).ids, repr(text)


def test_characters_without_a_piece_are_counted(lookup: PieceLookup) -> None:
    cut = lookup.cut("ЖЖ the Жabc")
    assert cut is not None
    assert (cut.unknown, cut.characters) == (3, 9)


@pytest.mark.parametrize(
    "text",
    [
        *("a" * (MAX_CHARACTERS + 1), "㍿" * 200, "\u0378"),
        # Which this Python folds and the tokenizer does not, as it is of an older Unicode.
        *("\u32ff", "\ua7f2", "\U00010783", "\U0001f16c", "a\U0001fbf9"),
    ],
)
def test_a_text_that_is_long_or_of_unknown_signs_is_left_to_the_tokenizer(
    lookup: PieceLookup, text: str
) -> None:
    assert lookup.cut(text) is None


def test_a_table_that_is_not_whole_is_refused(tokenizer: Any) -> None:
    table = build_table(tokenizer.to_str())
    turned = bytes([*table[:-1], table[-1] ^ 1])
    for damaged in (b"", table[:7], table[:-1], turned, b"another!" + table[8:]):
        with pytest.raises(DamagedTableError):
            PieceLookup(damaged)


def test_a_table_is_made_of_the_tokenizer_alone(tokenizer: Any) -> None:
    again = json.dumps(json.loads(tokenizer.to_str()), indent=1)
    assert build_table(again) == build_table(tokenizer.to_str())
