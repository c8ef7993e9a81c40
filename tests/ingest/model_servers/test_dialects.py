"""Replies as servers and gateways really send them, beside what their protocol says."""

import json
from typing import Any

import pytest

from ingest.model_servers.base import (
    ChatPiece,
    ChatRequest,
    FailureKind,
    ModelServerError,
    run_exchange,
    whole_reply,
)
from ingest.model_servers.ollama import OllamaClient
from ingest.model_servers.openai import OpenAIClient
from ingest.model_servers.wire_values import SurrogateJoiner, count_field
from tests.engines.raw_server import RawServer, response

REQUEST = ChatRequest(
    model="m",
    messages=[{"role": "user", "content": "How high?"}],
    temperature=0.6,
    reply_tokens=64,
)


def frame(content: object = None, *, reason: object = None, **delta: object) -> str:
    choice = {"index": 0, "delta": {"content": content, **delta}, "finish_reason": reason}
    return json.dumps({"object": "chat.completion.chunk", "choices": [choice]})


def events(*frames: str) -> bytes:
    return response("".join(f"data: {one}\n\n" for one in frames), media="text/event-stream")


def lines(*objects: dict[str, Any]) -> bytes:
    return response("".join(f"{json.dumps(one)}\n" for one in objects))


def said(content: str, **more: object) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": content}, "done": False, **more}


ANSWER = frame("400 feet.")
STOP = frame(reason="stop")
DONE = {"message": {"content": ""}, "done": True, "done_reason": "stop"}


def ask_openai(*replies: bytes) -> tuple[ChatPiece, RawServer]:
    with RawServer(*replies) as server:
        client = OpenAIClient(server.url, timeout_s=5, busy_waits_s=(0.0,))
        return run_exchange(client, whole_reply(client.chat(REQUEST))), server


def ask_ollama(*replies: bytes) -> ChatPiece:
    with RawServer(*replies) as server:
        client = OllamaClient(server.url, timeout_s=5, busy_waits_s=(0.0,))
        return run_exchange(client, whole_reply(client.chat(REQUEST)))


@pytest.mark.parametrize(
    "sent",
    [
        events("{}", ANSWER, STOP, "[DONE]"),
        events('{"type": "ping"}', ANSWER, STOP, "[DONE]"),
        events("", ANSWER, STOP, "[DONE]"),
        events(": GATEWAY PROCESSING", ANSWER, STOP, "[DONE]"),
        events('{"id": "x", "usage": {"prompt_tokens": 1}}', ANSWER, STOP, "[DONE]"),
        events('{"object": "metadata", "model": "m"}', ANSWER, STOP),
        events(ANSWER, "[DONE]"),
        events(ANSWER.replace("null", '""'), STOP, "[DONE]"),
        events(frame([{"type": "text", "text": "400 "}, "feet."]), STOP),
        events(json.dumps({"choices": [{"message": {"content": "400 feet."}}]}), "[DONE]"),
        events(json.dumps({"choices": [{"text": "400 feet.", "finish_reason": "stop"}]})),
        # Two frames in one event: two data lines, and two lines of data.
        response(f"data: {frame('400 ')}\ndata: {frame('feet.')}\n\ndata: {STOP}\n\n"),
        response(b"\xef\xbb\xbf" + f"data: {ANSWER}\n\ndata: {STOP}\n\n".encode()),
        # Asked to stream, and does not.
        response(json.dumps({"choices": [{"message": {"content": "400 feet."}}]})),
        response(
            "\n  "
            + json.dumps(
                {"choices": [{"finish_reason": "stop", "message": {"content": "400 feet."}}]},
                indent=2,
            )
        ),
        response(f"{ANSWER}\n{STOP}\n", media="application/x-ndjson"),
    ],
)
def test_the_answer_is_read_out_of_every_dialect(sent: bytes) -> None:
    reply, _ = ask_openai(sent)
    assert (reply.content, reply.thinking, reply.done_reason) == ("400 feet.", "", "stop")


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_content": "Hm."},
        {"reasoning": "Hm."},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]},
        {"content": [{"type": "reasoning", "text": "Hm."}]},
        {"reasoning_details": [{"type": "reasoning.summary", "summary": "Hm."}]},
    ],
)
def test_thinking_is_told_from_the_answer_in_every_dialect(delta: dict[str, object]) -> None:
    reply, _ = ask_openai(events(frame(**delta), ANSWER, STOP))
    assert (reply.content, reply.thinking) == ("400 feet.", "Hm.")


@pytest.mark.parametrize(
    ("sent", "kind", "detail"),
    [
        (
            response('event: error\ndata: {"message": "Context size has been exceeded."}\n\n'),
            "too_long",
            "Context size has been exceeded.",
        ),
        (events('{"object": "error", "message": "no slot"}'), "broken_stream", "no slot"),
        (events(ANSWER, '{"detail": "worker died"}'), "broken_stream", "worker died"),
        (response(json.dumps({"error": {"message": "no slot"}}, indent=2)), "broken_stream",
         "no slot"),
        (response('{"error": "Unexpected endpoint or method. (POST /chat/completions)"}'),
         "no_endpoint", "Unexpected endpoint or method. (POST /chat/completions)"),
        (response('{"message": "Not Found"}', status="404 Not Found"), "no_endpoint",
         "HTTP 404 Not Found"),
        (response('{"object": "error", "message": "The model `m` does not exist."}',
                  status="404 Not Found"), "not_found", "The model `m` does not exist."),
        (response('{"error": {"message": "Incorrect API key provided"}}',
                  status="401 Unauthorized"), "unauthorized",
         "HTTP 401 Incorrect API key provided"),
        (response("<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>",
                  status="502 Bad Gateway", media="text/html"), "bad_gateway",
         "HTTP 502 502 Bad Gateway"),
        (response('{"error": {"message": "Insufficient balance"}}', status="402 Payment Required"),
         "no_credit", "HTTP 402 Insufficient balance"),
        # Waiting helps nothing where the account is empty.
        (response('{"error": {"message": "Too many", "code": "insufficient_quota"}}',
                  status="429 Too Many Requests"), "no_credit", "HTTP 429 Too many"),
        (response("<html><title>Not Allowed</title></html>", status="405 Method Not Allowed"),
         "no_endpoint", "HTTP 405 Not Allowed"),
        (response("<html><title>Too Large</title></html>", status="413 Payload Too Large"),
         "too_long", "Too Large"),
        (b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", "no_endpoint",
         "HTTP 302 moved to /login"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain",
         "wrong_protocol",
         "DecodingError Error -3 while decompressing data: incorrect header check"),
        (response('event: message_start\ndata: {"message": {"id": "m"}}\n\n'), "wrong_protocol",
         '{"message": {"id": "m"}}'),
        (response("<html><body>Log in</body></html>", media="text/html"), "wrong_protocol",
         "<html><body>Log in</body></html>"),
        (events("{}", '{"type": "ping"}'), "wrong_protocol", "{}"),
        (events(ANSWER), "broken_stream", ""),
    ],
)  # fmt: skip
def test_failures_name_their_cause(sent: bytes, kind: FailureKind, detail: str) -> None:
    with pytest.raises(ModelServerError) as caught:
        ask_openai(sent)
    assert (caught.value.kind, caught.value.detail) == (kind, detail)


def test_both_counts_of_a_prompt_that_is_too_long_are_read() -> None:
    body = {
        "object": "error",
        "message": "The input (9000 tokens) is longer than the model's context length (4096 "
        "tokens).",
    }
    with pytest.raises(ModelServerError) as caught:
        ask_openai(response(json.dumps(body), status="400 Bad Request"))
    assert (caught.value.kind, caught.value.tokens) == ("too_long", (9000, 4096))


def refusal(name: str) -> bytes:
    message = f"Unsupported parameter: '{name}' is not supported with this model."
    return response(json.dumps({"error": {"message": message}}), status="400 Bad Request")


def test_refused_fields_are_left_out_one_after_another() -> None:
    reply, server = ask_openai(
        refusal("max_tokens"), refusal("temperature"), events(ANSWER, STOP, "[DONE]")
    )
    first, second, third = (json.loads(body) for body in server.bodies)
    assert reply.content == "400 feet."
    assert (first["max_tokens"], second["max_completion_tokens"]) == (64, 64)
    assert "temperature" in second
    assert "temperature" not in third


def test_a_server_that_refuses_for_ever_is_not_asked_for_ever() -> None:
    with RawServer(refusal("max_tokens")) as server:
        client = OpenAIClient(server.url, timeout_s=5)
        with pytest.raises(ModelServerError) as caught:
            run_exchange(client, whole_reply(client.chat(REQUEST)))
    assert caught.value.kind == "failed"
    assert len(server.bodies) <= 4


LOADING = response('{"error": {"message": "Loading model"}}', status="503 Service Unavailable")


def test_a_model_that_loads_is_waited_for_and_the_wait_is_seen() -> None:
    async def pieces_of(client: OpenAIClient) -> list[ChatPiece]:
        return [piece async for piece in client.chat(REQUEST)]

    # More often than a full queue is tried again.
    with RawServer(LOADING, LOADING, events(ANSWER, STOP)) as server:
        client = OpenAIClient(server.url, timeout_s=30, busy_waits_s=(0.0, 0.0))
        first, second, third, *_ = run_exchange(client, pieces_of(client))
    assert first == second == ChatPiece(waits_for="Loading model")
    assert third.content == "400 feet."


def test_a_server_that_is_overloaded_is_not_waited_for_like_one_that_loads() -> None:
    overloaded = response('{"error": "overloaded"}', status="503 Service Unavailable")
    with RawServer(overloaded) as server:
        client = OpenAIClient(server.url, timeout_s=30, busy_waits_s=(0.0,))
        with pytest.raises(ModelServerError) as caught:
            run_exchange(client, whole_reply(client.chat(REQUEST)))
    assert caught.value.kind == "busy"
    assert len(server.bodies) == 2


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
def test_the_server_says_when_it_wants_to_be_asked_again(status: str) -> None:
    asked_to_wait = response('{"error": "slow down"}', status=status, more="Retry-After: 0\r\n")
    reply, server = ask_openai(asked_to_wait, asked_to_wait, asked_to_wait, events(ANSWER, STOP))
    assert reply.content == "400 feet."
    assert len(server.bodies) == 4


def test_a_wait_that_is_longer_than_a_silence_may_be_is_not_waited_out() -> None:
    hour = response(
        '{"error": "quota"}', status="429 Too Many Requests", more="Retry-After: 3600\r\n"
    )
    with pytest.raises(ModelServerError) as caught:
        ask_openai(hour)
    assert (caught.value.kind, caught.value.retry_after_s) == ("busy", 3600.0)


@pytest.mark.parametrize(
    "sent",
    [
        lines(said("400 feet.", error=None), {**DONE, "error": None}),
        lines(said("400 feet."), {**DONE, "prompt_eval_count": "many", "eval_count": None}),
        lines(said("400 feet."), {"done": True}),
        lines({"message": {"content": [{"type": "text", "text": "400 feet."}]}}, DONE),
        lines({"message": {"content": {"text": "400 feet."}}}, DONE),
        lines({"message": "400 feet."}, DONE),
        lines({}, {"status": "warming"}, {"message": None}, said("400 feet."), DONE),
        lines({"response": "400 feet."}, {"done": True}),
        lines({**said("400 "), "done": "false"}, said("feet."), {"done": "true"}),
        lines(said("400 feet."), {"done_reason": "stop"}),
        lines(said("400 feet."), {**DONE, "done_reason": 5}),
        lines(said("400 feet."), DONE, DONE),
        response(json.dumps(said("400 ")) + json.dumps(said("feet.")) + json.dumps(DONE)),
        response(json.dumps({**DONE, "message": {"content": "400 feet."}}, indent=2)),
        response(f"\r\n\ufeff{json.dumps(said('400 feet.'))}\r\n\r\n{json.dumps(DONE)}\r\n"),
    ],
)
def test_ollamas_lines_are_read_in_every_dialect(sent: bytes) -> None:
    assert (ask_ollama(sent).content, ask_ollama(sent).done_reason) == ("400 feet.", "stop")


def test_one_invalid_byte_costs_one_character() -> None:
    body = b'{"message": {"content": "400\xff feet."}}\n' + json.dumps(DONE).encode()
    assert ask_ollama(response(body)).content == "400\ufffd feet."


@pytest.mark.parametrize(
    ("encoding", "media"),
    [
        ("utf-16", "application/json"),
        ("utf-16-le", "application/json"),
        ("utf-16-be", "application/json; charset=utf-16"),
        ("latin-1", "application/json; charset=ISO-8859-1"),
        ("cp1252", "application/json; charset=windows-1252"),
        ("utf-8", "application/json; charset=base64"),
        ("utf-8", "application/json; charset=no-such-thing"),
    ],
)
def test_replies_in_other_encodings_are_read(encoding: str, media: str) -> None:
    sent = [{"message": {"content": "Café à 12 °C."}, "done": False}, DONE]
    text = "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in sent)
    assert ask_ollama(response(text.encode(encoding), media=media)).content == "Café à 12 °C."
    events_sent = f"data: {frame('Café.')}\n\ndata: {STOP}\n\n".encode(encoding)
    reply, _ = ask_openai(
        response(events_sent, media=media.replace("application/json", "text/event-stream"))
    )
    assert reply.content == "Café."


def test_an_error_in_another_encoding_names_its_cause() -> None:
    sent = json.dumps({"error": {"message": "模型不存在"}}, ensure_ascii=False)
    body = sent.encode("gb18030")
    media = "application/json; charset=gb18030"
    with pytest.raises(ModelServerError) as caught:
        ask_openai(response(body, status="400 Bad Request", media=media))
    assert "模型不存在" in caught.value.detail


def test_a_line_that_was_cut_is_a_broken_stream() -> None:
    body = json.dumps(said("400")) + '\n{"message": {"con'
    with pytest.raises(ModelServerError) as caught:
        ask_ollama(response(body))
    assert caught.value.kind == "broken_stream"


def test_halves_of_a_character_are_joined_across_pieces() -> None:
    # json.dumps writes halves as they are given: each frame is valid JSON.
    reply, _ = ask_openai(events(frame("so \ud83d"), frame("\ude00 high"), frame("\ud83d"), STOP))
    assert reply.content == "so 😀 high\ufffd"
    assert ask_ollama(lines(said("\ud83d"), said("\ude00"), DONE)).content == "😀"


def test_a_second_half_alone_is_replaced() -> None:
    joiner = SurrogateJoiner()
    assert joiner.feed("a\ude00b") + joiner.flush() == "a\ufffdb"


@pytest.mark.parametrize(
    ("value", "count"),
    [(12, 12), (12.0, 12), ("12", 12), (True, None), (None, None), ("many", None), ([], None),
     (float("nan"), None), (float("inf"), None), ("9" * 400, None), (1.5, None)],
)  # fmt: skip
def test_counts_are_whole_numbers_or_none(value: object, count: int | None) -> None:
    assert count_field({"n": value}, "n") == count


def test_the_whole_message_behind_its_pieces_is_not_said_twice() -> None:
    whole = {"delta": {}, "message": {"content": "400 feet."}, "finish_reason": "stop"}
    assert ask_openai(events(ANSWER, json.dumps({"choices": [whole]})))[0].content == "400 feet."


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("/v1//", "/v1/chat/completions"),
        ("/v1/chat/completions", "/v1/chat/completions"),
        (
            "/openai/deployments/m?api-version=1",
            "/openai/deployments/m/chat/completions?api-version=1",
        ),
    ],
)
def test_addresses_of_the_endpoint_itself_and_of_azure_are_asked_at_their_place(
    address: str, path: str
) -> None:
    with RawServer(events(ANSWER, STOP)) as server:
        client = OpenAIClient(f"{server.url}{address}", timeout_s=5, api_key="k")
        run_exchange(client, whole_reply(client.chat(REQUEST)))
        assert server.heads[0].startswith(f"POST {path} ")


@pytest.mark.parametrize(
    "listed",
    [
        '{"data": [{"id": "m"}, {"id": null}, null]}',
        '{"models": [{"name": "m"}, {"name": 3}]}',
    ],
)
def test_lists_of_models_in_odd_shapes_hold_those_that_have_a_name(listed: str) -> None:
    with RawServer(response(listed)) as server:
        client = OpenAIClient(server.url, timeout_s=5)
        assert run_exchange(client, client.models()) == ["m"]
