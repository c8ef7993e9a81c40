"""Words and vectors in one ranking: which of them decides, and which hits are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.answer.fusion import Legs, fuse_legs, known_hits
from ingest.documents import Chunk, ScoredChunk
from ingest.foundation.messages import Language
from ingest.index.embed.memory import HashingEmbedder
from ingest.text.words import content_words


def hit(name: str, score: float, text: str = "English text about drones.") -> ScoredChunk:
    chunk = Chunk(
        id=name,
        url=f"https://{name}.example/",
        title="",
        position=0,
        start=0,
        end=len(text),
        heading="",
        text=text,
    )
    return ScoredChunk(chunk=chunk, score=score)


def fused(
    by_words: list[ScoredChunk],
    by_vector: list[ScoredChunk],
    *,
    question: str = "drones",
    language: Language = "en",
    weight: float = 1.0,
) -> list[str]:
    legs = Legs(
        language=language,
        wanted=set(content_words(question)),
        by_words=by_words,
        by_vector=by_vector,
    )
    return [scored.chunk.id for scored in fuse_legs(legs, weigh=lambda _: weight)]


class Measured(HashingEmbedder):
    """Knows both languages, ranks across them, and calls .8 what unrelated texts have."""

    def pair_weight(self, *, question: Language, text: Language) -> float:
        return 0.0 if (question, text) == ("zh", "zh") else 1.0

    def noise_floor(self, *, question: Language, text: Language) -> float:
        return 0.8 if question == text else 0.7

    def language_coverage(self, text: str) -> float:
        return 0.5 if "ß" in text else 1.0


def test_by_how_much_a_leg_prefers_its_first_counts() -> None:
    rest = [hit(f"w{n}", 3.0 - n / 10) for n in range(10)]
    clear = [hit("right", 9.0), *rest]
    near = [hit("wrong", 0.90), hit("right", 0.89), *(hit(f"v{n}", 0.5) for n in range(9))]
    assert fused(clear, near)[0] == "right"
    assert fused([hit("wrong", 9.0), hit("right", 8.9), *rest], [hit("right", 0.9), *near[2:]])[
        0
    ] == ("right")


def test_model_that_nobody_measured_cannot_take_the_first_place_of_words() -> None:
    by_words = [hit("right", 9.0), *(hit(f"w{n}", 5.0 - n / 10) for n in range(10))]
    by_vector = [hit("w5", 0.9), *(hit(f"v{n}", 0.8 - n / 100) for n in range(10))]
    assert fused(by_words, by_vector, weight=0.4)[0] == "right"


def test_vectors_that_share_nothing_with_words_count_half_of_what_they_would() -> None:
    by_words = [hit(f"w{n}", 9.0 - n) for n in range(12)]
    by_vector = [hit(f"v{n}", 0.9 - n / 100) for n in range(12)]
    assert fused(by_words, by_vector)[0] == "w0"


def test_across_languages_vectors_lead_and_words_count_by_what_they_hold() -> None:
    question = "特斯拉 1931 年在哪里 Model S"
    shared = hit("shared", 2.0, "The Model railway club.")
    by_vector = [hit("answer", 0.85), hit("other", 0.80), hit("shared", 0.75, shared.chunk.text)]
    assert fused([shared], by_vector, question=question, language="zh")[0] == "answer"
    named = hit("named", 2.0, "In 1931 a Model S.")
    close = [hit("other", 0.85), hit("named", 0.845, named.chunk.text), hit("last", 0.75)]
    assert fused([named], close, question=question, language="zh")[0] == "named"


def test_hits_that_mean_nothing_are_no_candidates() -> None:
    found = [
        hit("same", 0.81),
        hit("noise", 0.80),
        hit("across", 0.75, "无人机在夜间飞行"),
        hit("across noise", 0.70, "无人机在夜间飞行"),
        hit("unknown", 0.95, "Straße"),
    ]
    kept = known_hits(found, embedder=Measured(), language="en")
    assert [scored.chunk.id for scored in kept] == ["same", "across"]
    chinese = [hit("unweighed", 0.99, "无人机在夜间飞行"), hit("english", 0.71)]
    kept = known_hits(chinese, embedder=Measured(), language="zh")
    assert [scored.chunk.id for scored in kept] == ["english"]
    assert known_hits([hit("apart", 0.0)], embedder=HashingEmbedder(), language="en") == []


def test_words_that_every_page_has_do_not_outvote_a_good_encoder() -> None:
    pages = [hit(f"w{n}", 3.0 - n / 10, "Debian drones.") for n in range(6)]
    by_vector = [
        hit("w3", 0.9, "Debian drones."),
        *(hit(f"v{n}", 0.8, "Debian.") for n in range(6)),
    ]
    question = "What is the Debian constitution good for, the drones?"
    assert fused(pages, by_vector, question=question)[0] == "w3"
    assert fused(pages, by_vector, question=question, weight=0.4)[0] == "w0"
    sure = [hit("w0", 9.0, "The Debian constitution is good for drones."), *pages[1:]]
    assert (
        fused(sure, [*by_vector, hit("w0", 0.85, sure[0].chunk.text)], question=question)[0] == "w0"
    )


def test_equal_scores_put_words_first_and_then_ids() -> None:
    assert fused([hit("b", 1.0)], [hit("a", 0.5)], weight=1.0)[0] == "b"
    assert fused([hit("b", 1.0), hit("a", 1.0)], []) == ["a", "b"]


@pytest.mark.parametrize("language", ["en", "zh"])
@given(
    by_words=st.lists(st.integers(0, 9), unique=True, max_size=6),
    by_vector=st.lists(st.integers(0, 9), unique=True, max_size=6),
    weight=st.floats(0.01, 1.0),
)
def test_every_candidate_comes_once_with_a_score_in_range(
    language: Language, by_words: list[int], by_vector: list[int], weight: float
) -> None:
    texts = ["English text about drones.", "关于无人机 drones 的文字"]
    legs = Legs(
        language=language,
        wanted={"drone"},
        by_words=[hit(str(n), 9.0 - n, texts[n % 2]) for n in by_words],
        by_vector=[hit(str(n), 0.9 - n / 100, texts[n % 2]) for n in by_vector],
    )
    ranked = fuse_legs(legs, weigh=lambda _: weight)
    assert sorted(one.chunk.id for one in ranked) == sorted(map(str, {*by_words, *by_vector}))
    scores = [one.score for one in ranked]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 + 1e-9 for score in scores)
