"""Which questions passages cannot answer, by the words that they lack."""

from datetime import UTC, datetime

import pytest

from assistant.values import Passage
from finetune.synthesize.checking import lack_words


@pytest.mark.parametrize(
    ("question", "is_lacking"),
    [
        ("What does the term water tower refer to?", False),
        ("What does the term steam hammer refer to?", True),
        ("Where is the water tower located?", False),
        ("water 是什么意思？", False),
        ("蒸汽锤是什么意思？", True),
    ],
)
def test_words_that_ask_are_not_missed_in_a_passage(question: str, is_lacking: bool) -> None:
    passage = Passage(
        number=1,
        url="file:///a.md",
        title="Water",
        text="A water tower holds the water of a town. 水塔供水。",
        score=0.0,
        fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert lack_words([passage], question) is is_lacking
