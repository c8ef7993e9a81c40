"""What is said of whom: sports, finance, medicine, timetables, recipes, law, products, lives."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assistant.answer.verification import SentenceVerifier
from assistant.values import Passage

CASES = Path(__file__).parents[2] / "data" / "answers" / "predicates.tsv"


def predicate_cases() -> list[tuple[str, str, str]]:
    with CASES.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(row["passage"].replace("\\n", "\n"), row["is"], row["sentence"]) for row in rows]


@pytest.mark.parametrize(("text", "expected", "sentence"), predicate_cases())
def test_what_is_said_of_another_is_not_supported(text: str, expected: str, sentence: str) -> None:
    passage = Passage(
        number=1,
        url="https://one.example/",
        title="",
        text=text,
        score=1.0,
        fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    kind = SentenceVerifier([passage]).check(sentence).kind
    assert (kind == "supported") is (expected == "true")


@pytest.mark.parametrize("text", ["", "…", "---", "|", "and", "而", "120 metres."])
@pytest.mark.parametrize("sentence", ["120 metres.", "24 hours.", "and", "而", "李敏", "…"])
def test_texts_without_words_or_clauses_are_checked(text: str, sentence: str) -> None:
    passages = [
        Passage(
            number=number,
            url=f"https://{number}.example/",
            title="",
            text=held,
            score=1.0,
            fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        for number, held in enumerate((text, f"- \n\n{text}\n\n* * *\n\n24 hours. …"), 1)
    ]
    kinds = {"supported", "re_attached", "unsupported", "unchecked", "no_claim"}
    checked = SentenceVerifier(passages, question="How long?").check(sentence, (1,))
    assert checked.kind in kinds
