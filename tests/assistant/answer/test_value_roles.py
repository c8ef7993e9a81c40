"""Sentences with all words and figures of a passage, in their own parts and in others'."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assistant.answer.verification import SentenceVerifier
from assistant.values import Passage

CASES = Path(__file__).parents[2] / "data" / "answers" / "value_roles.tsv"


def role_cases() -> list[tuple[str, str, str]]:
    with CASES.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(row["passage"].replace("\\n", "\n"), row["is"], row["sentence"]) for row in rows]


def verdict_on(sentence: str, text: str) -> str:
    passage = Passage(
        number=1,
        url="https://one.example/",
        title="",
        text=text,
        score=1.0,
        fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return SentenceVerifier([passage]).check(sentence).kind


@pytest.mark.parametrize(("text", "expected", "sentence"), role_cases())
def test_what_a_value_is_said_of_decides(text: str, expected: str, sentence: str) -> None:
    assert (verdict_on(sentence, text) == "supported") is (expected == "true")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "All rooms of the hotel have a phone on the desk. But few have a fax.",
            "All rooms of the hotel have a phone on the desk.",
        ),
        ("除了北京，上海也每天开放。", "上海每天开放。"),
        ("Two of the four batteries are spare.", "Two batteries are spare."),
        ("每周一次例会，逢周三举行。", "例会在周三举行。"),
    ],
)
def test_words_of_another_part_of_the_passage_contradict_nothing(text: str, sentence: str) -> None:
    assert verdict_on(sentence, text) == "supported"
