"""Fit what tells the NVC assistant that a message may hurt: `python -m bench.fit_nvc`.

Kernel ridge regression over two kernels, a Gaussian one of the built-in encoder's vectors and one
of words and pairs of words, plus a fixed share for what the rules find. The threshold is set on
scores of messages that were left out of their fit, by fifths. Width, ridge, shares and `HELD` were
chosen by fits on bench/nvc_messages.tsv and the recipe's rows, measured on nvc_messages_tuned.tsv;
that measure is printed, then all three are fitted and assistant/nvc/weights.npz is written.
nvc_messages_situations.tsv is not read.

What did not help: logistic regression on the same vectors, letters beside them, the rules with the
last word ("the shop is useless" has a rule's words), a second vector of each message (as a query,
without punctuation, behind "I said to you"), rare words counting for more, triples of words, fewer
dimensions of the vectors (128 of 384: .88 of the tuned set caught where .91 are), and a model of
0.5B as the judge (bench/README.md).
"""

import asyncio
import sys
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from assistant.nvc.detector import (
    WEIGHTS,
    WORD_BUCKETS,
    MessageWeights,
    kernel,
    open_message_encoder,
    word_buckets,
)
from assistant.nvc.rules import find_harms
from bench.nvc import FITTED, TUNED, Messages, read_messages, recipe_messages
from ingest.settings import IngestSettings
from ingest.text.language import language_of

WIDTH = 5.0
"""Width of the kernel, exp(-width · squared distance). 3 to 6 differ by less than .003 in area."""
WORD_SHARE = 0.2
"""What the kernel of words counts beside that of vectors; .4 is as good, .8 is worse."""
RIDGE = 0.1
FOLDS = 5
HELD = 0.07
"""Share of the left-out polite messages that the threshold holds. Most of them were written to look
harsh: of the tuned set's, this holds a third of that share."""
RULE_SHARE = 0.3
"""What a rule's find adds to a score, in standard deviations of scores. .3 to .5 are the same."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledMessages:
    """Messages, what is known of them, and how near they are to each other."""

    harsh: Floats
    """1 for a harsh one, else 0."""
    ruled: Floats
    """1 where a rule finds something, else 0."""
    vectors: Floats
    buckets: list[list[int]]
    near: Floats
    """The sum of both kernels."""

    @classmethod
    def of(cls, messages: Messages) -> Self:
        """Embed messages and compare each with each."""
        texts = [text for _, text in messages]
        vectors = np.array(asyncio.run(embed(texts)))
        buckets = [word_buckets(text) for text in texts]
        return cls(
            harsh=np.array([float(is_harsh) for is_harsh, _ in messages]),
            ruled=np.array([float(bool(find_harms(text, language_of(text)))) for text in texts]),
            vectors=vectors,
            buckets=buckets,
            near=kernel(vectors, vectors, WIDTH) + WORD_SHARE * shared_words(buckets),
        )

    def fit(self, rows: NDArray[np.int64]) -> tuple[Floats, float]:
        """Return a coefficient for each of these messages, and the bias."""
        target = 2 * self.harsh[rows] - 1
        bias = float(target.mean())
        ridge = self.near[np.ix_(rows, rows)] + RIDGE * np.eye(len(rows))
        return np.linalg.solve(ridge, target - bias), bias

    def scores(self, rows: NDArray[np.int64], *, fitted: NDArray[np.int64]) -> Floats:
        """Return the scores of messages by a fit on others, without the rules' share."""
        coefficients, bias = self.fit(fitted)
        scores: Floats = self.near[np.ix_(rows, fitted)] @ coefficients + bias
        return scores

    def threshold(self, rows: NDArray[np.int64]) -> tuple[float, float]:
        """Return the rules' share and the threshold, by scores that were left out of their fit."""
        fold = np.random.default_rng(1).permutation(len(rows)) % FOLDS
        scores = np.zeros(len(rows))
        for number in range(FOLDS):
            out = fold == number
            scores[out] = self.scores(rows[out], fitted=rows[~out])
        share = RULE_SHARE * float(scores.std())
        scores += share * self.ruled[rows]
        is_harsh = self.harsh[rows] == 1
        threshold = float(np.quantile(scores[~is_harsh], 1 - HELD))
        print(f"{len(rows)} left out by fifths: caught {(scores[is_harsh] > threshold).mean():.3f}")
        return share, threshold


def shared_words(buckets: list[list[int]]) -> Floats:
    """Return the cosine of each two messages as sets of words and pairs of words."""
    holders: dict[int, list[int]] = defaultdict(list)
    for row, held in enumerate(buckets):
        for bucket in held:
            holders[bucket].append(row)
    shared = np.zeros((len(buckets), len(buckets)))
    for rows in holders.values():
        shared[np.ix_(rows, rows)] += 1
    length = np.sqrt([max(1, len(held)) for held in buckets])
    cosine: Floats = shared / np.outer(length, length)
    return cosine


def word_weights(buckets: list[list[int]], coefficients: Floats) -> Floats:
    """Return what each bucket adds to a score: the kernel of words, summed over its messages."""
    weights = np.zeros(WORD_BUCKETS)
    for held, coefficient in zip(buckets, coefficients, strict=True):
        weights[held] += WORD_SHARE * coefficient / max(1, len(held)) ** 0.5
    return weights


async def embed(texts: list[str]) -> Any:
    """Return the vectors of messages."""
    encoder = await open_message_encoder(IngestSettings())
    assert encoder is not None, "the built-in multilingual encoder is not installed"
    try:
        return await encoder.embed_documents(texts)
    finally:
        await encoder.close()


def main() -> int:
    """Fit without the tuned set and print what is reached there; fit with it, and write."""
    fitted = [*read_messages(FITTED), *recipe_messages()]
    messages = LabelledMessages.of([*fitted, *read_messages(TUNED)])
    every = np.arange(len(messages.harsh))
    rows, tuned = every[: len(fitted)], every[len(fitted) :]
    share, threshold = messages.threshold(rows)
    is_held = messages.scores(tuned, fitted=rows) + share * messages.ruled[tuned] > threshold
    is_harsh = messages.harsh[tuned] == 1
    print(
        f"tuned: silent {1 - is_held[~is_harsh].mean():.3f}, caught {is_held[is_harsh].mean():.3f}"
    )
    share, threshold = messages.threshold(every)
    coefficients, bias = messages.fit(every)
    weights = MessageWeights.rounded(
        messages.vectors,
        coefficients,
        word_weights(messages.buckets, coefficients),
        bias=bias,
        width=WIDTH,
        rule_share=share,
        threshold=threshold,
    )
    weights.save(WEIGHTS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
