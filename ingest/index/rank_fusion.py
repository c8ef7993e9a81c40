"""Reciprocal rank fusion: one ranking out of several whose scores cannot be compared.

Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank
Learning Methods", SIGIR 2009.
"""

from collections.abc import Hashable, Iterable
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def reciprocal_rank_scores(
    rankings: Iterable[Iterable[tuple[T, float]]], *, k: int
) -> dict[T, float]:
    """Return the sum of weight / (k + rank) for each item, in the order of first appearance.

    Args:
        rankings: Each yields (item, weight), best first; the first has rank 1.
        k: Dampens the first ranks: the larger, the less it matters to be first.
    """
    scores: dict[T, float] = {}
    for ranking in rankings:
        for rank, (item, weight) in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + weight / (k + rank)
    return scores
