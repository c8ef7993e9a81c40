"""A message that may hurt is held with another wording; a kind one passes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.nvc.advice import SCHEMA, MessageAdvice, MessageAdviser, coded_rewrite
from assistant.nvc.rules import find_harms
from tests.engines.ollama_server import OllamaServer

pytestmark = pytest.mark.anyio

LATE = "你怎么又迟到了，一点都不尊重人！"
BETTER = "我等了二十分钟，有点着急，因为我看重守时。下次晚到先发条消息好吗？"


@pytest.mark.parametrize(
    ("message", "harm"),
    [
        ("你这人怎么这么自私", "judgement"),
        ("You never do anything around here.", "generalization"),
        ("都怪你！", "blame"),
        ("Why can\N{RIGHT SINGLE QUOTATION MARK}t you be more like your sister?", "comparison"),
        ("闭嘴", "demand"),
        ("再迟到一次你就别来了", "threat"),
        ("Nobody asked for your opinion.", "contempt"),
    ],
)
def test_each_harm_is_told_and_has_a_wording_of_its_own(message: str, harm: str) -> None:
    language = "zh" if message[0] > "\u2fff" else "en"
    harms = find_harms(message, language)  # type: ignore[arg-type]
    assert harm in harms
    rewrite = coded_rewrite(harms, language)  # type: ignore[arg-type]
    assert find_harms(rewrite, language) == ()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "message",
    [
        "你从来没让我失望过，谢谢你。",
        "我这个笨蛋又把钥匙忘在家里了，哈哈。",
        "不好意思，我会晚到五分钟。",
        "Stupid printer ate my paper again, haha.",
        "You always make me laugh.",
        "",
    ],
)
def test_kind_messages_with_hard_words_pass(message: str) -> None:
    language = "zh" if message[:1] > "\u2fff" else "en"
    assert find_harms(message, language) == ()  # type: ignore[arg-type]


@pytest.fixture
def ollama(monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[OllamaServer]:
    with OllamaServer() as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        yield server


async def advise(message: str) -> MessageAdvice | None:
    adviser = MessageAdviser()
    try:
        return await adviser.advise(message)
    finally:
        await adviser.close()


async def test_the_wording_is_the_models_where_it_is_one(ollama: OllamaServer) -> None:
    parts = {
        "observation": "等了二十分钟",
        "feeling": "着急",
        "need": "守时",
        "request": "说一声",
    }
    ollama.answer = json.dumps({"risk": True, **parts, "rewrite": BETTER}, ensure_ascii=False)
    advice = await advise(LATE)
    assert advice is not None
    assert (advice.rewrite, advice.by_model) == (BETTER, True)
    asked = ollama.asked("/api/chat")[-1]
    assert asked["format"] == SCHEMA
    assert asked["messages"][-1]["content"].endswith(f"\n{LATE}")
    # Repeated, answered in kind, in another language, or no JSON at all: no help.
    for useless in (LATE, "你才迟到，闭嘴！", "Please be on time.", ""):
        ollama.answer = json.dumps({"risk": True, "rewrite": useless}, ensure_ascii=False)
        coded = await advise(LATE)
        assert coded is not None
        assert not coded.by_model
        assert "＿＿＿" in coded.rewrite
    ollama.answer = "I cannot do that."
    assert (await advise(LATE)) is not None
    before = len(ollama.asked("/api/chat"))
    assert await advise("收到，我今晚发给你。") is None
    assert len(ollama.asked("/api/chat")) == before  # no model is asked of a kind message
