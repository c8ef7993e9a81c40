"""Ollama's failures, lists, details and downloads as servers and gateways really send them."""

import json

import pytest

from ingest.model_servers.base import FailureKind, ModelServerError, run_exchange, whole_reply
from ingest.model_servers.ollama import OllamaClient
from tests.engines.raw_server import RawServer, response
from tests.ingest.model_servers.test_dialects import DONE, REQUEST, ask_ollama, lines, said

OUT_OF_MEMORY = '{"error": "model requires more system memory (12.3 GiB) than is available"}'


@pytest.mark.parametrize(
    ("sent", "kind", "has_begun"),
    [
        (lines(said("400"), {"error": "CUDA error: out of memory"}), "no_memory", True),
        (lines(said("400"), {"error": {"message": "boom"}}), "broken_stream", True),
        (lines({"error": "boom"}), "broken_stream", False),
        (lines({"error": "model 'm' not found"}), "not_found", False),
        (lines({"status": "ok"}), "wrong_protocol", False),
        (response(""), "broken_stream", False),
        (response(OUT_OF_MEMORY, status="500 Internal Server Error"), "no_memory", False),
        (response('{"error": "llama runner process has terminated: exit status 2"}',
                  status="500 Internal Server Error"), "broken_stream", False),
        (response('{"error": "you have reached your weekly usage limit"}',
                  status="429 Too Many Requests"), "no_credit", False),
        # Of the vectors' length, not of the machine.
        (response('{"error": "out of range"}', status="400 Bad Request"), "failed", False),
    ],
)  # fmt: skip
def test_ollamas_failures_name_their_cause(sent: bytes, kind: FailureKind, has_begun: bool) -> None:
    with pytest.raises(ModelServerError) as caught:
        ask_ollama(sent)
    assert (caught.value.kind, caught.value.has_begun) == (kind, has_begun)


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        ('{"models": null}', []),
        ('{"models": [null, {"name": null}, {"name": 3}, "a", {"model": "m", "digest": 5}]}',
         ["a", "m"]),
        ('{"models": [{"name": "\\ud83d"}, {"name": "m"}]}', ["m"]),
        (json.dumps({"models": [{"name": f"m{n}"} for n in range(5000)]}),
         [f"m{n}" for n in range(5000)]),
    ],
)  # fmt: skip
def test_ollamas_lists_in_odd_shapes_hold_those_that_have_a_name(
    listed: str, names: list[str]
) -> None:
    with RawServer(response(listed)) as server:
        client = OllamaClient(server.url, timeout_s=5)
        assert list(run_exchange(client, client.models())) == names


@pytest.mark.parametrize(
    ("capabilities", "read"),
    [
        ("completion,thinking", ("completion", "thinking")),
        ([{"name": "completion"}, None, 3], ("completion",)),
        ({"completion": True, "thinking": False}, ("completion",)),
        (True, None),
    ],
)
def test_ollamas_details_are_read_in_odd_shapes(
    capabilities: object, read: tuple[str, ...] | None
) -> None:
    info = {
        "clip.context_length": 77,
        "general.architecture": "qwen2",
        "general.parameter_count": "70000000000",
        "qwen2.context_length": "2048",
    }
    shown = json.dumps({"capabilities": capabilities, "model_info": info})
    with RawServer(response(shown)) as server:
        client = OllamaClient(server.url, timeout_s=5)
        details = run_exchange(client, client.show("m"))
    assert details.capabilities == read
    assert (details.context_tokens, details.parameters_count) == (2048, 70_000_000_000)


def pull_of(sent: bytes) -> list[tuple[str, int, int]]:
    async def steps(client: OllamaClient) -> list[tuple[str, int, int]]:
        return [(step.status, step.completed, step.total) async for step in client.pull("m")]

    with RawServer(sent) as server:
        client = OllamaClient(server.url, timeout_s=5)
        return run_exchange(client, steps(client))


LAYER = {"status": "pulling", "completed": 50, "total": 10}
SUCCESS = {"status": "success"}


def test_progress_of_a_pull_is_read_in_odd_shapes() -> None:
    sent = lines(LAYER, {"status": 3, "completed": "5", "total": 10.0}, {"status": None}, SUCCESS)
    assert pull_of(sent) == [("pulling", 10, 10), ("", 5, 10), ("success", 0, 0)]


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        (lines(LAYER), "broken_stream"),
        (response(""), "broken_stream"),
        (lines(LAYER, {"error": {"message": "digest mismatch"}}), "failed"),
        (response('{"error": "busy"}', status="503 Service Unavailable"), "busy"),
        (response("404 page not found", status="404 Not Found"), "no_endpoint"),
        (response("<html></html>"), "wrong_protocol"),
    ],
)
def test_a_pull_that_did_not_succeed_is_an_error(sent: bytes, kind: FailureKind) -> None:
    with pytest.raises(ModelServerError) as caught:
        pull_of(sent)
    assert caught.value.kind == kind


@pytest.mark.parametrize("ending", ["/", "/v1", "/v1/", "/api", "/api/chat"])
def test_ollama_is_asked_at_its_place_with_the_name_and_password_of_its_address(
    ending: str,
) -> None:
    with RawServer(lines(said("400 feet."), DONE)) as server:
        address = server.url.replace("://", "://me:secret-word@") + ending
        client = OllamaClient(address, timeout_s=5)
        run_exchange(client, whole_reply(client.chat(REQUEST)))
        assert server.heads == ["POST /api/chat HTTP/1.1\r\n"]
    assert client.url == server.url
