"""What both clients of model servers promise, on the wire."""

import asyncio
import contextlib
import traceback
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any, ClassVar

import httpx
import pytest

from ingest.foundation.errors import SettingsError
from ingest.model_servers.base import (
    ChatClient,
    ChatPiece,
    ChatRequest,
    FailureKind,
    ModelServerError,
    run_exchange,
    whole_reply,
)
from ingest.model_servers.connection import map_transport_error
from ingest.model_servers.failures import error_message, parse_failure
from ingest.model_servers.ollama import UNKNOWN_DETAILS, OllamaClient, parse_chat_line, with_tag
from ingest.model_servers.openai import OpenAIClient
from tests.engines.ollama_server import Handler, OllamaServer
from tests.engines.replies import Failure, Json

NAME = "deepseek-r1:1.5b"
ANSWER = "South, and then along the river."
REQUEST = ChatRequest(model=NAME, messages=[{"role": "user", "content": "Which way?"}])


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    with OllamaServer(models=[NAME], answer=ANSWER, thought="Hm.") as running:
        yield running


def ollama(server: OllamaServer) -> ChatClient:
    return OllamaClient(server.url, timeout_s=0.5, busy_waits_s=(0.0, 0.0))


def openai(server: OllamaServer) -> ChatClient:
    return OpenAIClient(f"{server.url}/v1", timeout_s=0.5, busy_waits_s=(0.0, 0.0))


PATHS = {ollama: "/api/chat", openai: "/v1/chat/completions"}
Connect = Callable[[OllamaServer], ChatClient]
both = pytest.mark.parametrize("connect", PATHS)


def ask(client: ChatClient, request: ChatRequest = REQUEST) -> ChatPiece:
    return run_exchange(client, whole_reply(client.chat(request)))


async def pieces_of(stream: AsyncGenerator[ChatPiece, None]) -> list[ChatPiece]:
    return [piece async for piece in stream]


@both
def test_the_last_piece_and_no_other_has_the_reason_and_the_usage(
    connect: Connect, server: OllamaServer
) -> None:
    client = connect(server)
    *pieces, last = run_exchange(client, pieces_of(client.chat(REQUEST)))
    assert {piece.done_reason for piece in pieces} == {""}
    assert last.done_reason == "stop"
    assert last.reply_tokens == len([piece for piece in pieces if piece.content or piece.thinking])


@both
def test_a_whole_reply_holds_its_thinking_apart(connect: Connect, server: OllamaServer) -> None:
    reply = ask(connect(server))
    assert (reply.thinking.strip(), reply.content.strip()) == ("Hm.", ANSWER)


@both
def test_half_of_a_surrogate_pair_is_sent_as_any_sign(
    connect: Connect, server: OllamaServer
) -> None:
    half = ChatRequest(model=NAME, messages=[{"role": "user", "content": "灯 \ud83d way?"}])
    assert ask(connect(server), half).content.strip() == ANSWER
    (asked,) = server.asked(PATHS[connect])
    assert asked["messages"][-1]["content"] == "灯 ? way?"


@both
def test_a_client_works_in_one_event_loop_after_another(
    connect: Connect, server: OllamaServer
) -> None:
    client = connect(server)
    assert ask(client) == ask(client)
    asyncio.run(client.close())


@both
@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        ("missing", "not_found"),
        ("busy", "busy"),
        ("too_long", "too_long"),
        ("crashed", "broken_stream"),
        ("hang", "timeout"),
        ("stall", "timeout"),
        ("error_line", "broken_stream"),
        ("reset", "broken_stream"),
        ("no_done", "broken_stream"),
        ("not_json", "wrong_protocol"),
        ("plain_404", "no_endpoint"),
    ],
)
def test_every_failure_has_one_kind_on_both(
    connect: Connect, server: OllamaServer, failure: Failure, kind: FailureKind
) -> None:
    server.fail(failure, path=PATHS[connect])
    with pytest.raises(ModelServerError) as caught:
        ask(connect(server))
    assert caught.value.kind == kind
    assert "\n" not in caught.value.detail


@both
def test_a_prompt_that_is_too_long_comes_with_both_counts(
    connect: Connect, server: OllamaServer
) -> None:
    server.fail("too_long", path=PATHS[connect])
    with pytest.raises(ModelServerError) as caught:
        ask(connect(server))
    assert caught.value.tokens == (2006, 512)


@both
def test_a_server_that_is_gone_is_unreachable(connect: Connect) -> None:
    with OllamaServer() as gone:
        client = connect(gone)
    with pytest.raises(ModelServerError) as caught:
        ask(client)
    assert caught.value.kind == "unreachable"


@pytest.mark.parametrize("address", ["http://a:99999", "http://[1", "ftp://a", "http://a b"])
@pytest.mark.parametrize("make", [OllamaClient, OpenAIClient])
def test_an_address_that_cannot_be_called_is_unreachable(
    make: type[OllamaClient] | type[OpenAIClient], address: str
) -> None:
    with pytest.raises(ModelServerError) as caught:
        ask(make(address, timeout_s=1))
    assert caught.value.kind == "unreachable"


@both
def test_servers_see_who_we_are(connect: Connect, server: OllamaServer) -> None:
    ask(connect(server))
    assert server.requests[-1].headers["User-Agent"].startswith("qiuzheng/")


def test_ollamas_own_key_is_sent_as_its_own_clients_send_it(
    server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "secret")
    ask(ollama(server))
    assert server.requests[-1].headers["Authorization"] == "Bearer secret"


KEYED: dict[str, Callable[[str, str], ChatClient]] = {
    "$OLLAMA_API_KEY": lambda url, key: OllamaClient(url, timeout_s=0.5),
    "model.api_key": lambda url, key: OpenAIClient(
        f"{url}/v1", timeout_s=0.5, api_key=key, key_source="model.api_key"
    ),
}
keyed = pytest.mark.parametrize("source", KEYED)


@keyed
@pytest.mark.parametrize("key", ["sk-SECRET ", " sk-SECRET\n", "sk-SECRET\r\n", "\tsk-SECRET"])
def test_white_space_around_a_key_is_not_sent(
    source: str, key: str, server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", key)
    ask(KEYED[source](server.url, key))
    assert server.requests[-1].headers["Authorization"] == "Bearer sk-SECRET"


@keyed
def test_a_blank_key_is_none(
    source: str, server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", " \n")
    ask(KEYED[source](server.url, " \n"))
    assert "Authorization" not in server.requests[-1].headers


@keyed
@pytest.mark.parametrize(
    "key", ["sk-SECRET\nHost: b", "sk SECRET", "sk-SECRET\u200b", "密钥SECRET"]
)
def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(
    source: str, key: str, server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", key)
    with pytest.raises(SettingsError) as caught:
        KEYED[source](server.url, key)
    assert source in str(caught.value)
    shown = "".join(traceback.format_exception(caught.value)) + caught.value.localize("zh")
    assert "SECRET" not in shown
    assert server.requests == []


def test_ollamas_package_is_given_the_key_without_its_line_end(
    server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "sk-SECRET\n")
    client = OllamaClient(server.url, timeout_s=0.5)

    async def create() -> None:
        async for _ in client.create(NAME, files={}):
            pass

    with contextlib.suppress(ModelServerError):  # this server makes none
        run_exchange(client, create())
    # The package writes names of headers in small letters.
    assert server.requests[-1].headers["authorization"] == "Bearer sk-SECRET"


def test_httpxs_error_for_a_header_is_not_quoted() -> None:
    error = httpx.LocalProtocolError("Illegal header value b'Bearer sk-SECRET '")
    mapped = map_transport_error(error, answered=False)
    assert (mapped.kind, mapped.detail) == ("failed", "LocalProtocolError")


def test_what_is_not_set_is_not_sent(server: OllamaServer) -> None:
    for connect, path in PATHS.items():
        ask(connect(server))
        (body,) = server.asked(path)
        assert None not in body.values()
        assert not {"temperature", "seed", "think", "max_tokens", "keep_alive"} & body.keys()


def test_lists_are_read_and_strange_ones_are_another_protocol(server: OllamaServer) -> None:
    first = OllamaClient(server.url, timeout_s=1)
    assert list(run_exchange(first, first.models())) == [NAME, "nomic-embed-text:latest"]
    second = OpenAIClient(f"{server.url}/v1", timeout_s=1)
    assert run_exchange(second, second.models()) == [NAME, "nomic-embed-text:latest"]
    server.replay("load", path="/api/tags")
    server.replay("load", path="/v1/models")
    for client in (first, second):
        with pytest.raises(ModelServerError) as caught:
            run_exchange(client, client.models())
        assert caught.value.kind == "wrong_protocol"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("Bad Gateway", "Bad Gateway"),
        ('{"error": "no space left"}', "no space left"),
        ('{"error": {"message": "too many tokens", "code": 1}}', "too many tokens"),
        ('{"error": {"code": 1}}', '{"code": 1}'),
        ('{"detail": "Not Found"}', "Not Found"),
        ('{"object": "error", "message": "no such model"}', "no such model"),
        (r'{"error": "{\"error\": {\"message\": \"inner\"}}"}', "inner"),
        ('{"code": 404}', '{"code": 404}'),
    ],
)
def test_errors_are_unwrapped(body: str, message: str) -> None:
    assert error_message(body) == message


def test_an_error_inside_a_reply_says_why_it_broke_off() -> None:
    error = parse_failure('{"error": "an error was encountered"}', 200)
    assert (error.kind, error.detail) == ("broken_stream", "an error was encountered")


@pytest.mark.parametrize(
    "line",
    [
        {"message": ["hi"]},
        {"message": {"content": 5}},
        {"message": {"content": "hi", "thinking": [5]}},
    ],
)
def test_a_line_of_other_types_is_another_protocol(line: dict[str, Any]) -> None:
    with pytest.raises(ModelServerError) as caught:
        parse_chat_line(line)
    assert caught.value.kind == "wrong_protocol"


def test_null_is_no_error_and_no_count() -> None:
    line = {"message": {"content": "So", "thinking": None}, "error": None, "eval_count": "many"}
    assert parse_chat_line(line) == ChatPiece(content="So")


@pytest.mark.parametrize(
    "shown", [{"capabilities": 5}, {"model_info": [1]}, {"model_info": 5}, {"template": [5]}]
)
def test_details_of_other_types_count_as_not_said(shown: dict[str, Any]) -> None:
    class Shows(OllamaServer):
        @property
        def handler(self) -> type[Handler]:
            class Sends(Handler):
                def _route(self, path: str, body: Json, failure: Failure | None) -> None:
                    self.send_json(200, shown)

            return Sends

    with Shows() as server:
        client = OllamaClient(server.url, timeout_s=5)
        assert run_exchange(client, client.show(NAME)) == UNKNOWN_DETAILS


class SendsFrames(OllamaServer):
    """A server whose stream is given: what the scripted one never sends."""

    frames: ClassVar[list[str]] = []

    @property
    def handler(self) -> type[Handler]:
        frames = [f"{frame}\n\n".encode() for frame in self.frames]

        class Sends(Handler):
            def _route(self, path: str, body: Json, failure: Failure | None) -> None:
                self._stream(frames, failure, media="text/event-stream")

        return Sends


def streamed(*frames: str) -> ChatPiece:
    server = SendsFrames()
    server.frames = list(frames)  # type: ignore[misc]
    with server:
        return ask(openai(server))


def test_error_events_of_older_llama_cpp_are_read() -> None:
    with pytest.raises(ModelServerError, match="slot unavailable") as caught:
        streamed(
            'data: {"choices": [{"delta": {"content": "So"}}]}',
            'error: {"code": 500, "message": "slot unavailable"}',
        )
    assert caught.value.kind == "broken_stream"


@pytest.mark.parametrize(
    "frame",
    [
        '{"choices": null}',
        '{"choices": []}',
        '{"choices": [{"delta": null}]}',
        '{"choices": [{"delta": {"content": null, "reasoning": ""}}], "usage": null}',
        '{"choices": [{"delta": {"content": ""}}], "error": null}',
    ],
)
def test_frames_may_be_empty(frame: str) -> None:
    end = 'data: {"choices": [{"delta": {"content": "South."}, "finish_reason": "length"}]}'
    reply = streamed(f"data: {frame}", end)  # without "[DONE]"
    assert (reply.content, reply.done_reason) == ("South.", "length")


@pytest.mark.parametrize(
    "frame",
    [
        '{"choices": {"0": {"delta": {}}}}',
        '{"choices": [null]}',
        '{"choices": 5}',
        '{"choices": [{"delta": "hi"}]}',
        '{"choices": [{"delta": {"content": 5}}]}',
        '{"choices": [{"delta": {}, "finish_reason": 5}]}',
        '{"choices": [], "usage": [1]}',
        "[" * 200_000,
    ],
)
def test_frames_of_other_types_are_another_protocol(frame: str) -> None:
    with pytest.raises(ModelServerError) as caught:
        streamed(f"data: {frame}")
    assert caught.value.kind == "wrong_protocol"


@pytest.mark.parametrize(
    ("model", "tagged"),
    [
        ("qwen3", "qwen3:latest"),
        ("qwen3:8b", "qwen3:8b"),
        ("localhost:5000/me/qwen3", "localhost:5000/me/qwen3:latest"),
    ],
)
def test_a_missing_tag_is_latest(model: str, tagged: str) -> None:
    assert with_tag(model) == tagged
