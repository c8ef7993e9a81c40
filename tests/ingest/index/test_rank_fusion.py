"""Reciprocal rank fusion: what several rankings name goes first, and weights count."""

import pytest

from ingest.index.rank_fusion import reciprocal_rank_scores


def test_what_two_rankings_name_beats_what_one_puts_first() -> None:
    scores = reciprocal_rank_scores([[("a", 1.0), ("b", 1.0)], [("c", 1.0), ("b", 1.0)]], k=60)
    assert max(scores, key=lambda item: scores[item]) == "b"
    assert scores["b"] == pytest.approx(2 / 62)
    assert scores["a"] == scores["c"] == pytest.approx(1 / 61)


def test_items_stay_in_the_order_of_their_first_appearance() -> None:
    rankings = ([("b", 1.0)], [("a", 1.0), ("b", 1.0)])
    assert list(reciprocal_rank_scores(rankings, k=10)) == ["b", "a"]


def test_a_ranking_without_weight_names_items_and_adds_nothing() -> None:
    scores = reciprocal_rank_scores([[("a", 0.0)], [("b", 0.5)]], k=10)
    assert scores == {"a": 0.0, "b": pytest.approx(0.5 / 11)}
