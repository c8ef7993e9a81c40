"""What an encoder's ranking is worth, found by a small sample of our own sentences.

Two trials, in both languages, of what chance and weak encoders fail:

* In one language: twelve passages that tell the same of twelve towns, each between two sentences
  on other matters. The town of the question must come first, 36 times.
* Across: twenty questions, each answered by one of twenty sentences in the other language.

| share right | zh-zh | en-en | zh-en | en-zh |
| --- | --- | --- | --- | --- |
| multilingual-e5-small, as we convert it | 1.00 | 1.00 | .75 | .85 |
| Universal Sentence Encoder, multilingual | .75 | .86 | .80 | .70 |
| all-MiniLM-L6-v2 | .14 | .89 | .10 | .15 |

The second one knows all words of Chinese and still costs Chinese questions the first place
(.961 to .865 when it was fused).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ingest.foundation.messages import LANGUAGES, Language
from ingest.index.embed.base import Vector

ENOUGH_ALIKE = 0.8
"""Share of right towns from which a ranking within one language is worth fusing."""

ENOUGH_ACROSS = 0.5
"""The same across languages, where words find next to nothing."""

_SAMPLE = Path(__file__).with_name("pair_sample.json")

_PAIRS = tuple(product(LANGUAGES, LANGUAGES))


@dataclass(frozen=True, slots=True, kw_only=True)
class PairResults:
    """Shares of right answers for each pair of languages, 0 to 1."""

    shares: Mapping[tuple[Language, Language], float]
    """By (language of the question, language of the texts)."""

    def weight(self, *, question: Language, text: Language) -> float:
        """Return 1 for a pair in which the encoder is worth listening to, else 0."""
        enough = ENOUGH_ALIKE if question == text else ENOUGH_ACROSS
        return float(self.shares[question, text] >= enough)

    def by_pair(self) -> dict[str, float]:
        """Return the shares by the names of the pairs: {"zh-en": 0.75, …}."""
        return {f"{question}-{text}": share for (question, text), share in self.shares.items()}

    def to_json(self) -> str:
        """Return the shares as a JSON object."""
        return json.dumps(self.by_pair())

    @classmethod
    def from_json(cls, content: str) -> "PairResults | None":
        """Return what `to_json` wrote, None for anything else."""
        try:
            named = json.loads(content)
            shares = {pair: float(named["-".join(pair)]) for pair in _PAIRS}
        except (ValueError, TypeError, KeyError):
            return None
        return cls(shares=shares)


def read_results(path: Path) -> PairResults | None:
    """Return the results that were kept at `path`, None if there are none that can be read."""
    try:
        return PairResults.from_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSample:
    """What an encoder is tried on."""

    questions: list[str]
    passages: list[str]

    def score(self, questions: Sequence[Vector], passages: Sequence[Vector]) -> PairResults:
        """Return how an encoder does, by its vectors of `questions` and `passages`."""
        query_vectors, passage_vectors = iter(np.asarray(questions)), iter(np.asarray(passages))
        ranked = {
            (trial.of_towns, trial.language): (
                np.array([next(query_vectors) for _ in trial.questions]),
                np.array([next(passage_vectors) for _ in trial.passages]),
            )
            for trial in _trials()
        }
        shares: dict[tuple[Language, Language], float] = {}
        for question, text in _PAIRS:
            of_towns = question == text
            similar = ranked[of_towns, question][0] @ ranked[of_towns, text][1].T
            # Questions of the same passage stand one passage's count apart.
            right = np.arange(len(similar)) % similar.shape[1]
            shares[question, text] = round(float((similar.argmax(1) == right).mean()), 2)
        return PairResults(shares=shares)


def pair_sample() -> PairSample:
    """Return the sample: 112 questions and 64 passages, half of each in Chinese."""
    return PairSample(
        questions=[question for trial in _trials() for question in trial.questions],
        passages=[passage for trial in _trials() for passage in trial.passages],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    of_towns: bool
    language: Language
    questions: list[str]
    passages: list[str]

    @classmethod
    def towns(cls, sample: dict[str, Any], language: Language) -> "_Trial":
        halls, facts = sample["halls"], sample["facts"]
        towns = [town[language] for town in halls["towns"]]
        passages = []
        for number, town in enumerate(towns):
            before, after = (
                facts[place % len(facts)]["text"][language] for place in (number, number + 12)
            )
            passages.append("\n".join([before, halls["passage"][language].format_map(town), after]))
        questions = [
            question[language].format_map(town) for question in halls["questions"] for town in towns
        ]
        return cls(of_towns=True, language=language, questions=questions, passages=passages)

    @classmethod
    def facts(cls, sample: dict[str, Any], language: Language) -> "_Trial":
        questions = [fact["question"][language] for fact in sample["facts"]]
        passages = [fact["text"][language] for fact in sample["facts"]]
        return cls(of_towns=False, language=language, questions=questions, passages=passages)


@cache
def _trials() -> tuple[_Trial, ...]:
    sample: dict[str, Any] = json.loads(_SAMPLE.read_text(encoding="utf-8"))
    return tuple(
        make(sample, language) for language in LANGUAGES for make in (_Trial.towns, _Trial.facts)
    )
