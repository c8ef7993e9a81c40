"""Cosines by the assistant's encoder; its errors become a reason."""

import asyncio

import pytest

from finetune.evaluate.metrics.similarity import (
    UNKNOWN_LANGUAGE,
    answer_similarity,
    encoder_similarity,
)
from ingest.index.embed.memory import HashingEmbedder
from tests.engines.ollama_server import OllamaServer


class ForeignEmbedder(HashingEmbedder):
    def language_coverage(self, text: str) -> float:
        del text
        return 0.3


def test_the_same_text_is_nearest_and_an_empty_answer_far() -> None:
    texts = ["轻型无人机限高120米", "不可以在机场飞", "请先申请空域"]
    found = asyncio.run(encoder_similarity(HashingEmbedder(), [texts[0], texts[2], ""], texts))
    assert found.cosines[0] == pytest.approx(1)
    assert found.cosines[1] < 0.9
    assert found.cosines[2] == 0


def test_an_encoder_that_does_not_know_the_language_is_not_used() -> None:
    found = asyncio.run(encoder_similarity(ForeignEmbedder(), ["不可以"], ["可以"]))
    assert found.cosines == ()
    assert found.reason == UNKNOWN_LANGUAGE


def test_the_encoder_is_the_assistants(monkeypatch: pytest.MonkeyPatch) -> None:
    with OllamaServer() as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        found = answer_similarity(["a light drone", "something else"], ["a light drone"] * 2)
    assert found.cosines[0] == pytest.approx(1)
    assert found.cosines[1] < found.cosines[0]


def test_without_an_encoder_the_figure_is_left_out_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ASSISTANT_EMBED__PROVIDER", "none")
    found = answer_similarity(["a"], ["a"])
    assert found.cosines == ()
    assert "assistant setup" in found.reason.localize("zh")


def test_an_error_of_the_server_is_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    with OllamaServer() as server:
        server.fail("crashed", path="/api/embed")
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        monkeypatch.setenv("ASSISTANT_EMBED__PROVIDER", "ollama")
        found = answer_similarity(["a"], ["a"])
    assert found.cosines == ()
    assert found.reason.localize("en")
