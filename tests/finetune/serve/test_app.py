"""The HTTP API of `finetune serve`, over a real connection."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from finetune.serve.app import Defaults, build_app
from finetune.serve.engine import EngineError
from finetune.serve.memory import ScriptedEngine
from ingest.foundation.messages import Message
from tests.finetune.serve.live_server import join_deltas, parse_events, serving, wait_until

THINKING_PIECES = ("Wind ", "first.", "\n</think>", "\n\n", "Land ", "at ", "once.")
CHAT_BODY = {"messages": [{"role": "user", "content": "Fly at night?"}]}
CHAT_PATH = "/v1/chat/completions"


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def client(engine: ScriptedEngine) -> Iterator[httpx.Client]:
    defaults = Defaults(system="Be brief.", max_tokens=100)
    with serving(build_app(engine, defaults=defaults)) as running:
        yield running


@pytest.fixture
def thinking_client() -> Iterator[httpx.Client]:
    engine = ScriptedEngine(thinks=True, pieces=THINKING_PIECES)
    with serving(build_app(engine)) as running:
        yield running


def test_predict_answers_a_text(client: httpx.Client, engine: ScriptedEngine) -> None:
    answer = client.post("/predict", json={"text": "Fly at night?"})
    assert (answer.status_code, answer.json()) == (200, {"result": "Land at once."})
    assert engine.requests[0].max_tokens == 50
    assert engine.requests[0].record.last.user == "Fly at night?"
    assert engine.requests[0].record.system == "Be brief."


def test_max_length_is_that_of_the_answer_not_of_the_thought(thinking_client: httpx.Client) -> None:
    answer = thinking_client.post("/predict", json={"text": "Fly?", "max_length": 2})
    assert answer.json() == {"result": "Land at"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "text: Field required"),
        ({"text": ""}, "text: "),
        ({"text": " \n"}, "text: nothing but white space"),
        ({"text": "x" * 100_001}, "text: String should have at most 100000"),
        ({"text": "x", "max_length": 0}, "max_length: "),
        ({"text": "x", "max_length": 5_000}, "max_length: "),
        ({"text": "x", "max_lenght": 5}, "max_lenght: Extra inputs"),
        ([], "body: "),
    ],
)
def test_an_invalid_body_gets_one_clear_line(
    client: httpx.Client, body: object, words: str
) -> None:
    answer = client.post("/predict", json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(words)
    assert len(answer.text) < 400


def test_broken_json_gets_one_clear_line(client: httpx.Client) -> None:
    headers = {"content-type": "application/json"}
    answer = client.post("/predict", content=b'{"text": ', headers=headers)
    assert answer.status_code == 422
    assert "JSON" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/predict", CHAT_PATH])
@pytest.mark.parametrize("stream", [False, True])
def test_an_error_of_the_model_is_500_in_one_line(path: str, stream: bool) -> None:
    failure = EngineError(Message.bilingual("the model failed", "模型出错"))
    body = {"text": "x"} if path == "/predict" else {**CHAT_BODY, "stream": stream}
    with serving(build_app(ScriptedEngine(failure=failure))) as client:
        answer = client.post(path, json=body, headers={"accept-language": "zh-CN"})
        metrics = client.get("/metrics").text
    assert (answer.status_code, answer.json()["detail"]) == (500, "模型出错")
    assert answer.json()["error"]["message"] == "模型出错"
    assert f'finetune_serve_errors_total{{path="{path}"}} 1.0' in metrics


def test_chat_separates_thinking_from_the_answer(thinking_client: httpx.Client) -> None:
    answer = thinking_client.post(CHAT_PATH, json=CHAT_BODY).json()
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"] == {
        "role": "assistant",
        "content": "Land at once.",
        "reasoning_content": "Wind first.",
    }
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"] == {"prompt_tokens": 7, "completion_tokens": 7, "total_tokens": 14}


def test_a_stream_has_the_same_text_piece_by_piece(thinking_client: httpx.Client) -> None:
    options = {"stream": True, "stream_options": {"include_usage": True}}
    answer = thinking_client.post(CHAT_PATH, json={**CHAT_BODY, **options})
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = parse_events(answer.text)
    assert join_deltas(found) == "Land at once."
    assert join_deltas(found, "reasoning_content") == "Wind first."
    assert [event["choices"][0]["finish_reason"] for event in found[:-1]][-1] == "stop"
    assert found[-1]["usage"]["completion_tokens"] == 7
    assert len({event["id"] for event in found}) == 1


def test_what_a_request_leaves_out_comes_from_the_recipe(
    client: httpx.Client, engine: ScriptedEngine
) -> None:
    client.post(CHAT_PATH, json=CHAT_BODY)
    own = [{"role": "system", "content": "Sing."}, *CHAT_BODY["messages"]]
    client.post(CHAT_PATH, json={"messages": own, "max_tokens": 2, "temperature": 0, "stop": "\n"})
    first, second = engine.requests
    assert (first.record.system, first.max_tokens, first.temperature) == ("Be brief.", 100, 0.6)
    assert (second.record.system, second.max_tokens, second.temperature) == ("Sing.", 2, 0.0)
    assert (first.stop, second.stop) == ((), ("\n",))


def test_a_truncated_reply_has_finish_reason_length(client: httpx.Client) -> None:
    answer = client.post(CHAT_PATH, json={**CHAT_BODY, "max_completion_tokens": 2}).json()
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["choices"][0]["message"]["content"] == "Land at"


def test_history_becomes_turns(client: httpx.Client, engine: ScriptedEngine) -> None:
    parts = [{"type": "text", "text": "And "}, {"type": "text", "text": "now?"}]
    talk = [*CHAT_BODY["messages"], {"role": "assistant", "content": "No."}]
    client.post(CHAT_PATH, json={"messages": [*talk, {"role": "user", "content": parts}]})
    turns = engine.requests[0].record.turns
    assert [(turn.user, turn.answer) for turn in turns] == [
        ("Fly at night?", "No."),
        ("And now?", ""),
    ]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"messages": []}, 422),
        ({"messages": [{"role": "assistant", "content": "Hi"}]}, 422),
        ({"messages": [*CHAT_BODY["messages"], *CHAT_BODY["messages"]]}, 422),
        ({"messages": [{"role": "pilot", "content": "Hi"}]}, 422),
        ({"temperature": 3}, 422),
        ({"n": 2}, 422),
        ({"model": "another"}, 404),
    ],
)
def test_an_invalid_chat_is_rejected(
    client: httpx.Client, fields: dict[str, object], status: int
) -> None:
    answer = client.post(CHAT_PATH, json={**CHAT_BODY, **fields})
    assert answer.status_code == status
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_models_and_health_name_the_model(client: httpx.Client) -> None:
    assert client.get("/v1/models").json()["data"][0]["id"] == "scripted"
    assert client.get("/healthz").json() == {"status": "ok", "model": "scripted"}


def test_metrics_count_requests_tokens_and_seconds_but_no_texts(client: httpx.Client) -> None:
    client.post("/predict", json={"text": "a secret question"})
    client.get("/nothing/of/this/name")
    metrics = client.get("/metrics").text
    assert 'finetune_serve_requests_total{path="/predict",status="200"} 1.0' in metrics
    assert 'finetune_serve_requests_total{path="other",status="404"} 1.0' in metrics
    assert 'finetune_serve_tokens_total{kind="reply"} 3.0' in metrics
    assert 'finetune_serve_seconds_count{path="/predict"} 1.0' in metrics
    assert "secret" not in metrics


def test_one_reply_at_a_time_a_short_queue_and_then_429() -> None:
    engine = ScriptedEngine(gate=threading.Event())
    with (
        serving(build_app(engine, max_waiting=1)) as client,
        ThreadPoolExecutor(2) as pool,
    ):
        running = [pool.submit(client.post, "/predict", json={"text": "x"}) for _ in range(2)]
        wait_until(lambda: "finetune_serve_waiting 2.0" in client.get("/metrics").text)
        rejected = client.post("/predict", json={"text": "x"})
        streamed = client.post(CHAT_PATH, json={**CHAT_BODY, "stream": True})
        assert engine.gate is not None
        engine.gate.set()
        answers = [one.result() for one in running]
    assert (rejected.status_code, streamed.status_code) == (429, 429)
    assert int(rejected.headers["retry-after"]) > 0
    assert [answer.status_code for answer in answers] == [200, 200]
    assert engine.max_active == 1


def test_a_client_that_disconnects_while_waiting_leaves_the_queue() -> None:
    engine = ScriptedEngine(gate=threading.Event())
    with (
        serving(build_app(engine, max_waiting=1)) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        first = pool.submit(client.post, "/predict", json={"text": "x"})
        wait_until(lambda: engine.requests)
        with pytest.raises(httpx.ReadTimeout):
            client.post("/predict", json={"text": "x"}, timeout=0.3)
        wait_until(lambda: "finetune_serve_waiting 1.0" in client.get("/metrics").text)
        assert engine.gate is not None
        engine.gate.set()
        assert first.result().status_code == 200
    assert len(engine.requests) == 1


@pytest.mark.parametrize("body", [CHAT_BODY, {**CHAT_BODY, "stream": True}])
def test_an_unexpected_exception_is_500_at_once_and_the_next_request_works(
    body: dict[str, object],
) -> None:
    engine = ScriptedEngine(failure=KeyError("of a library"))
    with serving(build_app(engine)) as client:
        answer = client.post(CHAT_PATH, json=body, timeout=5)
        engine.failure = None
        assert client.post("/predict", json={"text": "x"}).status_code == 200
    assert answer.status_code == 500
    assert answer.json()["detail"].startswith("the model failed")


def test_a_slow_reply_is_504_and_frees_the_engine() -> None:
    engine = ScriptedEngine(gate=threading.Event())
    with serving(build_app(engine, timeout_s=0.1)) as client:
        answer = client.post("/predict", json={"text": "x"})
        wait_until(lambda: engine.results)
    assert answer.status_code == 504
    assert "0.1 seconds" in answer.json()["detail"]
    assert engine.results[0].reason == "cancelled"


@pytest.mark.parametrize("body", [CHAT_BODY, {**CHAT_BODY, "stream": True}])
def test_a_disconnect_ends_the_generation(body: dict[str, object]) -> None:
    engine = ScriptedEngine(gate=threading.Event())
    with serving(build_app(engine)) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.post(CHAT_PATH, json=body, timeout=0.3)
        wait_until(lambda: engine.results)
        assert engine.results[0].reason == "cancelled"
        assert engine.gate is not None
        engine.gate.set()
        assert client.post("/predict", json={"text": "x"}).status_code == 200


def test_a_disconnect_in_mid_stream_ends_the_generation() -> None:
    engine = ScriptedEngine(gate=threading.Event(), ungated=1)
    with serving(build_app(engine)) as client:
        with client.stream("POST", CHAT_PATH, json={**CHAT_BODY, "stream": True}) as answer:
            lines = answer.iter_lines()
            wait_until(lambda: "Land" in next(lines))
        wait_until(lambda: engine.results)
    assert engine.results[0].reason == "cancelled"
    assert engine.active == 0


@pytest.mark.parametrize("host", ["evil.test", "evil.test:8602", "", "localhost.evil.test"])
@pytest.mark.parametrize("path", ["/metrics", "/openapi.json", "/v1/models"])
def test_a_page_whose_name_points_here_gets_nothing(
    client: httpx.Client, host: str, path: str
) -> None:
    assert client.get(path, headers={"Host": host}).status_code == 400
    assert client.get(path, headers={"Host": "localhost:1"}).status_code == 200


def test_a_body_without_end_is_refused(client: httpx.Client) -> None:
    long = b"x" * 3_000_000
    assert client.post("/predict", content=long).status_code == 413
    pieces = client.post("/predict", content=(long[:100_000] for _ in range(30)))
    assert pieces.status_code >= 400
    assert client.post("/predict", json={"text": "Hi"}).status_code == 200
