"""A real engine (llama.cpp) with a tiny model that we trained answers a prompt of ours."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from assistant.answer.citations import CitationStream
from assistant.answer.prompts import build_prompt
from assistant.errors import ModelError
from assistant.events import AnswerDelta, ModelEvent, ReasoningDelta, ReplyFinished
from assistant.models.openai import OpenAIModel
from assistant.values import Passage, Prompt

pytestmark = [pytest.mark.anyio, pytest.mark.engine]

MODEL = Path(__file__).parent.parent / "data" / "tiny_chat"
CONTEXT_TOKENS = 1024
START_SECONDS = 120


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run llama-cpp-python's server; yield its base URL."""
    from tests.engines.build_gguf import build_gguf

    folder = tmp_path_factory.mktemp("engine")
    build_gguf(MODEL, folder / "tiny.gguf")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "llama_cpp.server", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--model", str(folder / "tiny.gguf")]
    command += ["--n_ctx", str(CONTEXT_TOKENS), "--n_threads", "1", "--verbose", "false"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=dict(os.environ))
    try:
        url = f"http://127.0.0.1:{port}/v1"
        _wait_for(url, server, folder / "log")
        yield url
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            httpx.get(f"{url}/models", trust_env=False).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"the engine did not start:\n{log.read_text(errors='replace')[-2000:]}")


def model_of(url: str, *, context_tokens: int = CONTEXT_TOKENS) -> OpenAIModel:
    return OpenAIModel(
        base_url=url,
        name="deepseek-r1-tiny",
        context_tokens=context_tokens,
        reply_tokens=64,
        timeout_s=300.0,
        temperature=0.0,
    )


def prompt_of(noun: str, facts: dict[str, str]) -> Prompt:
    passages = [
        Passage(
            number=number,
            url=f"https://pages.example/{each}",
            title=f"About the {each}",
            text=f"The {each} is {value}.",
            score=1.0,
            fetched_at=datetime(2026, 11, 21, tzinfo=UTC),
        )
        for number, (each, value) in enumerate(facts.items(), 1)
    ]
    return build_prompt(
        f"What is the {noun}?", passages, language="en", context_tokens=2048, reply_tokens=64
    )


async def said(model: OpenAIModel, prompt: Prompt) -> list[ModelEvent]:
    async with aclosing(model.stream(prompt)) as events:
        return [event async for event in events]


FACTS = {"battery": "green", "altitude": "forty", "signal": "west"}


@pytest.mark.parametrize(("number", "noun"), enumerate(FACTS, 1))
async def test_engine_thinks_answers_from_the_passage_and_cites_it(
    engine: str, number: int, noun: str
) -> None:
    model = model_of(engine)
    prompt = prompt_of(noun, FACTS)
    events = await said(model, prompt)
    await model.close()
    thinking = "".join(event.text for event in events if isinstance(event, ReasoningDelta))
    citing = CitationStream(prompt.passages)
    answer = "".join(citing.feed(event.text) for event in events if isinstance(event, AnswerDelta))
    answer += citing.close()
    assert thinking == f"Source [{number}] says {noun}."
    assert answer == f"The {noun} is {FACTS[noun]} [{number}]."
    assert [citation.number for citation in citing.citations()] == [number]
    assert events[-1] == ReplyFinished(reason="stop")


async def test_prompt_longer_than_the_engines_context_is_a_typed_error(engine: str) -> None:
    model = model_of(engine)
    facts = {f"part {n}": "a long story that goes on " * 20 for n in range(8)}
    with pytest.raises(ModelError) as caught:
        await said(model, prompt_of("battery", facts))
    await model.close()
    assert caught.value.kind == "too_long"


async def test_engine_answers_again_after_a_stream_was_left_early(engine: str) -> None:
    model = model_of(engine)
    prompt = prompt_of("battery", FACTS)
    async with aclosing(model.stream(prompt)) as events:
        async for _ in events:
            break
    assert isinstance((await said(model, prompt))[-1], ReplyFinished)
    await model.close()
