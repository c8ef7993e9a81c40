"""The OpenAI-compatible adapter on the wire: recorded answers, dialects, failures."""

from collections.abc import Iterator
from contextlib import aclosing

import pytest

from assistant.errors import ModelError, ModelFailure
from assistant.events import AnswerDelta, ModelEvent, Notice, ReasoningDelta, ReplyFinished
from assistant.models.openai import OpenAIModel
from assistant.values import ChatMessage, Prompt
from tests.engines.ollama_server import OllamaServer
from tests.engines.replies import Failure

pytestmark = pytest.mark.anyio

CHAT = "/v1/chat/completions"
PROMPT = Prompt(
    messages=(ChatMessage(role="user", content="Which way?"),),
    question="Which way?",
    language="en",
    tokens=8,
)


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    with OllamaServer(models=["deepseek-r1:1.5b", "plain"]) as running:
        running.answer = lambda messages: ("Let me see.", "South [1].")
        yield running


def model_of(server: OllamaServer, name: str = "deepseek-r1:1.5b", **more: object) -> OpenAIModel:
    settings: dict[str, object] = {
        "base_url": f"{server.url}/v1/",
        "name": name,
        "context_tokens": 4096,
        "reply_tokens": 1024,
        "timeout_s": 10.0,
        "temperature": 0.2,
        "busy_waits_s": (0.0, 0.0),
    }
    return OpenAIModel(**{**settings, **more})  # type: ignore[arg-type]


async def reply_of(model: OpenAIModel, prompt: Prompt = PROMPT) -> list[ModelEvent]:
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


@pytest.mark.parametrize("recording", ["v1chat", "v1_reasoning_stream"])
async def test_recorded_replies_split_into_thinking_and_answer(
    server: OllamaServer, recording: str
) -> None:
    server.replay(recording, path=CHAT)
    events = await reply_of(model_of(server))
    assert texts(events) == ("Source [2] says speed.", "The speed is south [2].")
    assert events[-1] == ReplyFinished(reason="stop")


@pytest.mark.parametrize("key", ["reasoning", "reasoning_content"])
async def test_thinking_arrives_in_either_field(server: OllamaServer, key: str) -> None:
    server.reasoning_key = key
    assert texts(await reply_of(model_of(server, "plain"))) == ("Let me see.", "South [1].")


@pytest.mark.parametrize("style", ["lone_tag", "inline"])
async def test_thinking_arrives_in_the_text(server: OllamaServer, style: str) -> None:
    server.thinking = style  # type: ignore[assignment]
    assert texts(await reply_of(model_of(server))) == ("Let me see.", "South [1].")


async def test_leaked_thinking_is_announced_before_the_true_answer(server: OllamaServer) -> None:
    server.thinking = "lone_tag"
    events = await reply_of(model_of(server, "plain"))
    (at,) = [n for n, event in enumerate(events) if isinstance(event, Notice)]
    assert texts(events[at:])[1] == "South [1]."


async def test_usage_and_length_limit_are_reported(server: OllamaServer) -> None:
    server.done_reason = "length"
    end = (await reply_of(model_of(server)))[-1]
    assert isinstance(end, ReplyFinished)
    assert end.reason == "length"
    assert end.usage is not None
    assert end.usage.reply > 0


async def test_server_that_knows_no_optional_fields_is_asked_without_them(
    server: OllamaServer,
) -> None:
    server.fail("unknown_field", path=CHAT, times=1)
    short = Prompt(
        messages=PROMPT.messages, question="?", language="en", thinking=False, reply_tokens=32
    )
    assert texts(await reply_of(model_of(server, "plain"), short))[1] == "South [1]."
    first, second = server.asked(CHAT)
    assert (first["stream_options"], first["chat_template_kwargs"]) == (
        {"include_usage": True},
        {"enable_thinking": False},
    )
    assert not {"stream_options", "chat_template_kwargs"} & second.keys()
    assert second["max_tokens"] == 32


async def test_thinking_that_is_switched_off_is_not_asked_for(server: OllamaServer) -> None:
    await reply_of(model_of(server, thinking=False))
    (body,) = server.asked(CHAT)
    assert body["chat_template_kwargs"] == {"enable_thinking": False}


async def test_key_is_sent_as_bearer(server: OllamaServer) -> None:
    await reply_of(model_of(server, api_key="secret"))
    assert server.requests[-1].headers["Authorization"] == "Bearer secret"


async def test_busy_server_is_asked_again(server: OllamaServer) -> None:
    server.fail("busy", path=CHAT, times=2)
    assert texts(await reply_of(model_of(server)))[1] == "South [1]."
    assert len(server.asked(CHAT)) == 3


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        ("missing", "not_found"),
        ("busy", "busy"),
        ("too_long", "too_long"),
        ("mute_too_long", "too_long"),
        ("unknown_field", "failed"),
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
    server.fail(failure, path=CHAT)
    with pytest.raises(ModelError) as caught:
        await reply_of(model_of(server, timeout_s=0.3))
    assert caught.value.kind == kind
    assert (
        len(caught.value.localize("zh").splitlines())
        == len(caught.value.localize("en").splitlines())
        == 1
    )


async def test_stream_that_broke_for_its_length_names_both_counts(server: OllamaServer) -> None:
    server.fail("mute_too_long", path=CHAT)
    with pytest.raises(ModelError, match=r"\(2706 tokens, 512 fit\)"):
        await reply_of(model_of(server))


async def test_no_server_is_said_to_be_unreachable() -> None:
    with OllamaServer() as gone:
        model = model_of(gone)
    with pytest.raises(ModelError) as caught:
        await reply_of(model)
    assert caught.value.kind == "unreachable"


async def test_line_separators_inside_json_do_not_break_the_stream(server: OllamaServer) -> None:
    server.answer = lambda messages: ("", "one\u2028two\u0085three")
    server.raw_json = True
    assert texts(await reply_of(model_of(server, "plain")))[1] == "one\u2028two\u0085three"
