"""The doors of `finetune serve`, asked over a real connection."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from finetune.serve.app import Defaults, build_app
from finetune.serve.engine import EngineError
from finetune.serve.memory import ScriptedEngine
from ingest.foundation.messages import Message
from tests.finetune.serve.serving import events, said, serving, until

THINKER = ("Wind ", "first.", "\n</think>", "\n\n", "Land ", "at ", "once.")
ASK = {"messages": [{"role": "user", "content": "Fly at night?"}]}
CHAT = "/v1/chat/completions"


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def client(engine: ScriptedEngine) -> Iterator[httpx.Client]:
    defaults = Defaults(system="Be brief.", max_tokens=100)
    with serving(build_app(engine, defaults=defaults)) as running:
        yield running


@pytest.fixture
def thinker() -> Iterator[httpx.Client]:
    engine = ScriptedEngine(thinks=True, pieces=THINKER)
    with serving(build_app(engine)) as running:
        yield running


def test_predict_answers_a_text(client: httpx.Client, engine: ScriptedEngine) -> None:
    answer = client.post("/predict", json={"text": "Fly at night?"})
    assert (answer.status_code, answer.json()) == (200, {"result": "Land at once."})
    assert engine.asked[0].max_tokens == 50
    assert engine.asked[0].record.last.user == "Fly at night?"
    assert engine.asked[0].record.system == "Be brief."


def test_max_length_is_that_of_the_answer_not_of_the_thought(thinker: httpx.Client) -> None:
    answer = thinker.post("/predict", json={"text": "Fly?", "max_length": 2})
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
def test_body_that_cannot_be_used_is_one_clear_line(
    client: httpx.Client, body: object, words: str
) -> None:
    answer = client.post("/predict", json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(words)
    assert len(answer.text) < 400


def test_broken_json_is_one_clear_line(client: httpx.Client) -> None:
    headers = {"content-type": "application/json"}
    answer = client.post("/predict", content=b'{"text": ', headers=headers)
    assert answer.status_code == 422
    assert "JSON" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/predict", CHAT])
@pytest.mark.parametrize("stream", [False, True])
def test_model_that_fails_is_500_in_one_line(path: str, stream: bool) -> None:
    failure = EngineError(Message.bilingual("the model failed", "模型出错"))
    body = {"text": "x"} if path == "/predict" else {**ASK, "stream": stream}
    with serving(build_app(ScriptedEngine(failure=failure))) as client:
        answer = client.post(path, json=body, headers={"accept-language": "zh-CN"})
        figures = client.get("/metrics").text
    assert (answer.status_code, answer.json()["detail"]) == (500, "模型出错")
    assert answer.json()["error"]["message"] == "模型出错"
    assert f'finetune_serve_errors_total{{path="{path}"}} 1.0' in figures


def test_chat_answers_with_thinking_apart(thinker: httpx.Client) -> None:
    answer = thinker.post(CHAT, json=ASK).json()
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"] == {
        "role": "assistant",
        "content": "Land at once.",
        "reasoning_content": "Wind first.",
    }
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"] == {"prompt_tokens": 7, "completion_tokens": 7, "total_tokens": 14}


def test_stream_says_the_same_piece_by_piece(thinker: httpx.Client) -> None:
    options = {"stream": True, "stream_options": {"include_usage": True}}
    answer = thinker.post(CHAT, json={**ASK, **options})
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = events(answer.text)
    assert said(found) == "Land at once."
    assert said(found, "reasoning_content") == "Wind first."
    assert [event["choices"][0]["finish_reason"] for event in found[:-1]][-1] == "stop"
    assert found[-1]["usage"]["completion_tokens"] == 7
    assert len({event["id"] for event in found}) == 1


def test_what_a_request_leaves_out_comes_from_the_recipe(
    client: httpx.Client, engine: ScriptedEngine
) -> None:
    client.post(CHAT, json=ASK)
    own = [{"role": "system", "content": "Sing."}, *ASK["messages"]]
    client.post(CHAT, json={"messages": own, "max_tokens": 2, "temperature": 0, "stop": "\n"})
    first, second = engine.asked
    assert (first.record.system, first.max_tokens, first.temperature) == ("Be brief.", 100, 0.6)
    assert (second.record.system, second.max_tokens, second.temperature) == ("Sing.", 2, 0.0)
    assert (first.stop, second.stop) == ((), ("\n",))


def test_reply_that_was_cut_says_so(client: httpx.Client) -> None:
    answer = client.post(CHAT, json={**ASK, "max_completion_tokens": 2}).json()
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["choices"][0]["message"]["content"] == "Land at"


def test_history_becomes_turns(client: httpx.Client, engine: ScriptedEngine) -> None:
    parts = [{"type": "text", "text": "And "}, {"type": "text", "text": "now?"}]
    talk = [*ASK["messages"], {"role": "assistant", "content": "No."}]
    client.post(CHAT, json={"messages": [*talk, {"role": "user", "content": parts}]})
    turns = engine.asked[0].record.turns
    assert [(turn.user, turn.answer) for turn in turns] == [
        ("Fly at night?", "No."),
        ("And now?", ""),
    ]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"messages": []}, 422),
        ({"messages": [{"role": "assistant", "content": "Hi"}]}, 422),
        ({"messages": [*ASK["messages"], *ASK["messages"]]}, 422),
        ({"messages": [{"role": "pilot", "content": "Hi"}]}, 422),
        ({"temperature": 3}, 422),
        ({"n": 2}, 422),
        ({"model": "another"}, 404),
    ],
)
def test_chat_that_makes_no_sense_is_refused(
    client: httpx.Client, change: dict[str, object], status: int
) -> None:
    answer = client.post(CHAT, json={**ASK, **change})
    assert answer.status_code == status
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_models_and_health_name_the_model(client: httpx.Client) -> None:
    assert client.get("/v1/models").json()["data"][0]["id"] == "scripted"
    assert client.get("/healthz").json() == {"status": "ok", "model": "scripted"}


def test_figures_count_requests_tokens_and_seconds_but_no_texts(client: httpx.Client) -> None:
    client.post("/predict", json={"text": "a secret question"})
    client.get("/nothing/of/this/name")
    figures = client.get("/metrics").text
    assert 'finetune_serve_requests_total{path="/predict",status="200"} 1.0' in figures
    assert 'finetune_serve_requests_total{path="other",status="404"} 1.0' in figures
    assert 'finetune_serve_tokens_total{kind="reply"} 3.0' in figures
    assert 'finetune_serve_seconds_count{path="/predict"} 1.0' in figures
    assert "secret" not in figures


def test_one_reply_at_a_time_a_short_queue_and_then_429() -> None:
    engine = ScriptedEngine(gate=threading.Event())
    with (
        serving(build_app(engine, queue=1)) as client,
        ThreadPoolExecutor(2) as pool,
    ):
        running = [pool.submit(client.post, "/predict", json={"text": "x"}) for _ in range(2)]
        until(lambda: "finetune_serve_waiting 2.0" in client.get("/metrics").text)
        refused = client.post("/predict", json={"text": "x"})
        streamed = client.post(CHAT, json={**ASK, "stream": True})
        assert engine.gate is not None
        engine.gate.set()
        answers = [one.result() for one in running]
    assert (refused.status_code, streamed.status_code) == (429, 429)
    assert int(refused.headers["retry-after"]) > 0
    assert [answer.status_code for answer in answers] == [200, 200]
    assert engine.most_at_work == 1


def test_who_waited_and_left_takes_no_room_in_the_queue() -> None:
    engine = ScriptedEngine(gate=threading.Event())
    with (
        serving(build_app(engine, queue=1)) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        first = pool.submit(client.post, "/predict", json={"text": "x"})
        until(lambda: engine.asked)
        with pytest.raises(httpx.ReadTimeout):
            client.post("/predict", json={"text": "x"}, timeout=0.3)
        until(lambda: "finetune_serve_waiting 1.0" in client.get("/metrics").text)
        assert engine.gate is not None
        engine.gate.set()
        assert first.result().status_code == 200
    assert len(engine.asked) == 1


@pytest.mark.parametrize("body", [ASK, {**ASK, "stream": True}])
def test_bug_in_the_model_is_500_at_once_and_the_next_request_is_answered(
    body: dict[str, object],
) -> None:
    engine = ScriptedEngine(failure=KeyError("of a library"))
    with serving(build_app(engine)) as client:
        answer = client.post(CHAT, json=body, timeout=5)
        engine.failure = None
        assert client.post("/predict", json={"text": "x"}).status_code == 200
    assert answer.status_code == 500
    assert answer.json()["detail"].startswith("the model failed")


def test_reply_that_takes_too_long_is_504_and_frees_the_engine() -> None:
    engine = ScriptedEngine(gate=threading.Event())
    with serving(build_app(engine, timeout_s=0.1)) as client:
        answer = client.post("/predict", json={"text": "x"})
        until(lambda: engine.ended)
    assert answer.status_code == 504
    assert "0.1 seconds" in answer.json()["detail"]
    assert engine.ended[0].reason == "left"


@pytest.mark.parametrize("body", [ASK, {**ASK, "stream": True}])
def test_client_that_leaves_ends_the_generation(body: dict[str, object]) -> None:
    engine = ScriptedEngine(gate=threading.Event())
    with serving(build_app(engine)) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.post(CHAT, json=body, timeout=0.3)
        until(lambda: engine.ended)
        assert engine.ended[0].reason == "left"
        assert engine.gate is not None
        engine.gate.set()
        assert client.post("/predict", json={"text": "x"}).status_code == 200


def test_client_that_leaves_in_mid_stream_ends_the_generation() -> None:
    engine = ScriptedEngine(gate=threading.Event(), free=1)
    with serving(build_app(engine)) as client:
        with client.stream("POST", CHAT, json={**ASK, "stream": True}) as answer:
            lines = answer.iter_lines()
            until(lambda: "Land" in next(lines))
        until(lambda: engine.ended)
    assert engine.ended[0].reason == "left"
    assert engine.at_work == 0
