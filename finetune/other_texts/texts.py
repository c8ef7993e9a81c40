"""Short texts of many kinds with questions, in Chinese and English, written for this package.

A model that is tuned on pages of one kind may learn to decline whatever is worded otherwise. Those
of "training" are mixed into its rows, those of "gate" are asked before it is put into use; no text
is in both. News, tales, recipes, rules, letters and the like; people and places are made up, so
that no model knows an answer from elsewhere.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from assistant.values import Passage
from ingest.foundation.messages import Language
from ingest.text.words import content_words

FOLDER = Path(__file__).parent

PASSAGES = 5
"""Passages shown with a question: its text and four others, about as many as a search finds."""

WRITTEN = datetime(2026, 11, 29, tzinfo=UTC)

TextSet = Literal["training", "gate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherQuestion:
    """A question about one of the texts. Where its text does not answer it, `answer` is ""."""

    text: str
    answer: str
    """In "gate" what a right reply holds, in "training" the reply that is learnt."""
    url: str
    """Address of the text that it is about."""
    genre: str
    language: Language
    passages: tuple[Passage, ...]
    """Its text is always among them, also where it leaves the question open."""

    @property
    def is_answerable(self) -> bool:
        """Whether the passages hold the answer."""
        return bool(self.answer)


def load_other_questions(name: TextSet) -> list[OtherQuestion]:
    """Return all questions of a set, each with the passages to answer it from."""
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line) for line in lines]
    # Addresses that no index holds: rows of one text stay together by them.
    passages = [
        Passage(
            number=1,
            url=f"https://other-texts.invalid/{name}/{number}",
            title=text["title"],
            text=text["text"],
            score=1.0,
            fetched_at=WRITTEN,
        )
        for number, text in enumerate(texts, start=1)
    ]
    found = []
    for text, own in zip(texts, passages, strict=True):
        same = [
            passage
            for passage, other in zip(passages, texts, strict=True)
            if other["language"] == text["language"]
        ]
        pairs = [(one["question"], one.get("reply") or one["answer"]) for one in text["asked"]]
        found += [
            OtherQuestion(
                text=question,
                answer=answer,
                url=own.url,
                genre=text["genre"],
                language=text["language"],
                passages=_shown_passages(question, own, same),
            )
            for question, answer in [*pairs, *((one, "") for one in text["not_there"])]
        ]
    return found


def _shown_passages(question: str, own: Passage, same: Sequence[Passage]) -> tuple[Passage, ...]:
    """Return `own` and those that share the most words with the question, the nearest first.

    As a search has them: a model that always reads the first one must not be right by it.
    """
    question_words = frozenset(content_words(question))

    def nearness(passage: Passage) -> int:
        return len(question_words.intersection(content_words(f"{passage.title} {passage.text}")))

    # The number breaks ties: those that the question names least stand in the order of the file.
    ranked = sorted(same, key=nearness, reverse=True)
    shown = ranked[:PASSAGES]
    if own not in shown:
        shown[-1] = own
    return tuple(
        Passage(
            number=number,
            url=one.url,
            title=one.title,
            text=one.text,
            score=1.0 / number,
            fetched_at=one.fetched_at,
        )
        for number, one in enumerate(shown, start=1)
    )
