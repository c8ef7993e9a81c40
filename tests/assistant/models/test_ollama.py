"""The Ollama adapter on the wire: every recorded answer, every failure."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest

from assistant.errors import ModelError, ModelFailure
from assistant.events import AnswerDelta, ModelEvent, Notice, ReasoningDelta, ReplyFinished
from assistant.models.ollama import OllamaModel
from assistant.values import ChatMessage, Prompt
from tests.engines.ollama_server import OllamaServer
from tests.engines.replies import Failure

pytestmark = pytest.mark.anyio

PROMPT = Prompt(
    messages=(
        ChatMessage(role="system", content="Be brief."),
        ChatMessage(role="user", content="Which way?"),
    ),
    question="Which way?",
    language="en",
    tokens=8,
)


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    with OllamaServer(models=["deepseek-r1:1.5b", "plain"]) as running:
        yield running


def model_of(server: OllamaServer, name: str = "deepseek-r1:1.5b", **more: object) -> OllamaModel:
    settings: dict[str, object] = {
        "host": server.url,
        "name": name,
        "context_tokens": 4096,
        "reply_tokens": 1024,
        "timeout_s": 10.0,
        "temperature": 0.2,
        "keep_alive": "30m",
        "busy_waits_s": (0.0, 0.0),
    }
    return OllamaModel(**{**settings, **more})  # type: ignore[arg-type]


async def reply_of(model: OllamaModel, prompt: Prompt = PROMPT) -> list[ModelEvent]:
    async with aclosing(model.stream(prompt)) as events:
        found = [event async for event in events]
    await model.close()
    return found


def texts(events: list[ModelEvent]) -> tuple[str, str]:
    """Return (reasoning, answer)."""
    return (
        "".join(event.text for event in events if isinstance(event, ReasoningDelta)),
        "".join(event.text for event in events if isinstance(event, AnswerDelta)),
    )


@pytest.mark.parametrize("recording", ["chat_stream", "thinking_stream"])
async def test_recorded_replies_split_into_thinking_and_answer(
    server: OllamaServer, recording: str
) -> None:
    server.replay(recording)
    events = await reply_of(model_of(server))
    assert texts(events) == ("Source [2] says speed.", "The speed is south [2].")
    end = events[-1]
    assert isinstance(end, ReplyFinished)
    assert end.usage is not None
    assert (end.reason, end.usage.prompt, end.usage.reply) == ("stop", 37, 20)


@pytest.mark.parametrize("recording", ["chat_nostream", "chat_think_false", "chat_think_true"])
async def test_recorded_whole_replies_are_read_too(server: OllamaServer, recording: str) -> None:
    server.replay(recording)
    assert texts(await reply_of(model_of(server)))[1] == "The speed is south [2]."


@pytest.mark.parametrize("recording", ["length", "fmt", "st_broken"])
async def test_recorded_reply_that_hit_its_limit_says_so(
    server: OllamaServer, recording: str
) -> None:
    server.replay(recording)
    end = (await reply_of(model_of(server, "plain", thinking=False)))[-1]
    assert isinstance(end, ReplyFinished)
    assert end.reason == "length"


async def test_recorded_unload_is_an_empty_reply(server: OllamaServer) -> None:
    server.replay("unload")
    assert texts(await reply_of(model_of(server))) == ("", "")


async def test_a_model_that_was_only_loaded_is_asked_again(server: OllamaServer) -> None:
    server.replay("load", times=1)
    server.answer = "South."
    assert texts(await reply_of(model_of(server)))[1] == "South."
    assert len(server.asked("/api/chat")) == 2


@pytest.mark.parametrize(
    ("recording", "kind"),
    [
        ("toolong", "too_long"),
        ("toolong_trunc_false", "too_long"),
        ("st_think_true", "no_thinking"),
        ("midstream_error", "broken_stream"),
        ("embed_chatmodel", "failed"),
    ],
)
async def test_recorded_failures_have_their_kind(
    server: OllamaServer, recording: str, kind: ModelFailure
) -> None:
    server.replay(recording)
    with pytest.raises(ModelError) as caught:
        await reply_of(model_of(server))
    assert caught.value.kind == kind


async def test_recorded_too_long_names_both_counts_in_both_languages(server: OllamaServer) -> None:
    server.replay("toolong")
    with pytest.raises(ModelError) as caught:
        await reply_of(model_of(server))
    for language in ("en", "zh"):
        line = caught.value.localize(language)
        assert "2006" in line
        assert "512" in line
        assert "--top-k 3" in line


async def test_recorded_list_names_the_pulled_models(server: OllamaServer) -> None:
    server.replay("tags", path="/api/tags")
    assert await model_of(server).installed() == ["tiny-st:latest", "tiny:latest"]


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        ("missing", "not_found"),
        ("busy", "busy"),
        ("too_long", "too_long"),
        ("crashed", "broken_stream"),
        ("stall", "timeout"),
        ("hang", "timeout"),
        ("error_line", "broken_stream"),
        ("reset", "broken_stream"),
        ("no_done", "broken_stream"),
        ("not_json", "failed"),
        ("plain_404", "no_endpoint"),
    ],
)
async def test_every_failure_is_one_typed_error_in_both_languages(
    server: OllamaServer, failure: Failure, kind: ModelFailure
) -> None:
    server.fail(failure)
    with pytest.raises(ModelError) as caught:
        await reply_of(model_of(server, timeout_s=0.3))
    assert caught.value.kind == kind
    assert (
        len(caught.value.localize("zh").splitlines())
        == len(caught.value.localize("en").splitlines())
        == 1
    )


async def test_no_server_hints_to_start_it() -> None:
    with OllamaServer() as gone:
        model = model_of(gone)
    with pytest.raises(ModelError) as caught:
        await reply_of(model)
    assert caught.value.kind == "unreachable"
    assert "ollama serve" in caught.value.localize("en")
    assert "ollama serve" in caught.value.localize("zh")


async def test_missing_model_hints_to_pull_it(server: OllamaServer) -> None:
    with pytest.raises(ModelError) as caught:
        await reply_of(model_of(server, "qwen9"))
    assert caught.value.kind == "not_found"
    assert caught.value.localize("en").endswith("run: ollama pull qwen9")
    assert caught.value.localize("zh").endswith("ollama pull qwen9")


async def test_busy_server_is_asked_again(server: OllamaServer) -> None:
    server.answer = "South."
    server.fail("busy", times=2)
    assert texts(await reply_of(model_of(server)))[1] == "South."
    assert len(server.asked("/api/chat")) == 3


async def test_request_names_context_limits_and_forbids_silent_cuts(server: OllamaServer) -> None:
    await reply_of(model_of(server, keep_alive="300", temperature=0.0))
    (body,) = server.asked("/api/chat")
    assert body["options"] == {"num_ctx": 4096, "temperature": 0.0, "num_predict": 1024}
    assert (body["truncate"], body["shift"], body["keep_alive"]) == (False, False, 300)
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}


async def test_warm_up_loads_with_the_context_of_the_real_request(server: OllamaServer) -> None:
    model = model_of(server)
    await model.warm_up()
    await reply_of(model)
    loading, asking = server.asked("/api/chat")
    assert loading["messages"] == []
    assert loading["options"]["num_ctx"] == asking["options"]["num_ctx"]
    assert len(server.asked("/api/show")) == 1


async def test_warm_up_never_raises() -> None:
    with OllamaServer() as gone:
        model = model_of(gone)
    await model.warm_up()
    await model.close()


async def test_thinking_is_asked_for_only_where_the_model_can(server: OllamaServer) -> None:
    await reply_of(model_of(server))
    await reply_of(model_of(server, thinking=False))
    server.capable = False
    await reply_of(model_of(server))
    assert [body.get("think") for body in server.asked("/api/chat")] == [True, False, None]


async def test_thinking_demanded_of_a_model_that_cannot_is_an_error(server: OllamaServer) -> None:
    server.capable = False
    with pytest.raises(ModelError) as caught:
        await reply_of(model_of(server, thinking=True))
    assert caught.value.kind == "no_thinking"


async def test_prompt_may_ask_for_a_short_reply_without_thinking(server: OllamaServer) -> None:
    short = Prompt(
        messages=PROMPT.messages, question="?", language="en", reply_tokens=32, thinking=False
    )
    await reply_of(model_of(server), short)
    (body,) = server.asked("/api/chat")
    assert (body["think"], body["options"]["num_predict"]) == (False, 32)


@pytest.mark.parametrize("style", ["field", "lone_tag", "inline"])
async def test_thinking_arrives_in_any_style(server: OllamaServer, style: str) -> None:
    server.thinking = style  # type: ignore[assignment]
    server.answer = lambda messages: ("Let me see.", "South [1].")
    assert texts(await reply_of(model_of(server))) == ("Let me see.", "South [1].")


async def test_leaked_thinking_is_announced_before_the_true_answer(server: OllamaServer) -> None:
    server.capable = False
    server.thinking = "lone_tag"
    server.answer = lambda messages: ("Let me see.", "South [1].")
    events = await reply_of(model_of(server, "plain"))
    (at,) = [n for n, event in enumerate(events) if isinstance(event, Notice)]
    notice = events[at]
    assert isinstance(notice, Notice)
    assert notice.code == "reasoning_leaked"
    assert texts(events[at:])[1] == "South [1]."


async def test_prompt_that_the_server_cut_is_noticed(server: OllamaServer) -> None:
    server.prompt_tokens = 258
    long = Prompt(messages=PROMPT.messages, question="?", language="zh", tokens=2006)
    events = await reply_of(model_of(server), long)
    codes = [event.code for event in events if isinstance(event, Notice)]
    assert codes == ["prompt_truncated"]


async def test_context_is_never_larger_than_the_model_was_trained_for(server: OllamaServer) -> None:
    model = model_of(server, context_tokens=200_000)
    await reply_of(model)
    assert model.context_tokens == 131_072


async def test_closing_the_stream_early_closes_the_connection(server: OllamaServer) -> None:
    server.answer = "word " * 5000
    server.delay_s = 0.001
    model = model_of(server)
    async with aclosing(model.stream(PROMPT)) as events:
        async for _ in events:
            break
    await model.close()
    deadline = time.monotonic() + 10
    while not server.hung_up.is_set() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.hung_up.is_set()


async def test_server_on_this_machine_is_never_asked_through_a_proxy(
    server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.answer = "South."
    model = model_of(server)
    assert await model.installed()
    assert texts(await reply_of(model))[1] == "South."


async def test_pull_reports_the_progress_of_each_layer(server: OllamaServer) -> None:
    model = model_of(server)
    async with aclosing(model.pull("qwen3")) as steps:
        progress = [step async for step in steps]
    assert progress[0].status == "pulling manifest"
    assert [step.completed for step in progress if step.total] == [0, 250, 500, 750, 1000]
    assert progress[-1].status == "success"
    assert "qwen3:latest" in await model.installed()


async def test_pull_of_an_unknown_model_is_an_error_that_names_it(server: OllamaServer) -> None:
    with pytest.raises(ModelError, match=r'"missing" .* failed: .*file does not exist'):
        await drained(model_of(server).pull("missing"))


async def test_check_of_a_server_that_hangs_ends_after_its_own_time(server: OllamaServer) -> None:
    server.fail("hang", path="/api/tags")
    with pytest.raises(ModelError, match=r"0\.2 s") as caught:
        await model_of(server).check(timeout_s=0.2)
    assert caught.value.kind == "timeout"


async def test_pull_and_list_without_a_server_hint_to_start_it() -> None:
    with OllamaServer() as gone:
        model = model_of(gone)
    for asking in (drained(model.pull("qwen3")), model.installed()):
        with pytest.raises(ModelError) as caught:
            await asking
        assert caught.value.kind == "unreachable"


async def drained(steps: AsyncIterator[object]) -> None:
    async for _ in steps:
        pass
