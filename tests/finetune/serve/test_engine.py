"""The engine with a real tiny model."""

import json
import shutil
import socket
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from finetune.errors import BaseModelError, ExportError
from finetune.model.chat_format import chat_format
from finetune.model.samples import encode_prompt
from finetune.progress import SilentProgress
from finetune.records import Record, Turn
from finetune.runs import Run
from finetune.serve.app import build_app
from finetune.serve.engine import (
    GenerationRequest,
    StopSequenceFilter,
    TooLongError,
    TransformersEngine,
)
from finetune.serve.server import open_engine, serve
from finetune.train.hardware import Hardware
from finetune.train.model import load_base
from tests.finetune.export.tuned_models import add_adapter, recipe_of
from tests.finetune.serve.live_server import serving

CPU = Hardware(device="cpu", name="cpu", memory=0)
RECORD = Record(id="", turns=(Turn(user="能夜飞吗？", answer=""),))


@pytest.fixture(scope="module")
def engine(tiny: Path) -> TransformersEngine:
    loaded = load_base(recipe_of(tiny), hardware=CPU)
    return TransformersEngine(loaded, chat_format("r1-think"), name="tiny")


def greedy_reply(engine: TransformersEngine, **options: object) -> tuple[str, str]:
    """Return a greedy reply and why it ended."""
    pieces: list[str] = []
    fields = {"record": RECORD, "max_tokens": 30, **options}
    result = engine.generate(GenerationRequest(**fields), lambda text: not pieces.append(text))  # type: ignore[arg-type,func-returns-value]
    return "".join(pieces), result.reason


def test_reply_is_what_generate_gives(engine: TransformersEngine, tiny: Path) -> None:
    loaded = load_base(recipe_of(tiny), hardware=CPU)
    prompt = encode_prompt(RECORD, chat_format("r1-think"), loaded.tokenizer)
    ids = torch.tensor([prompt])
    model = loaded.model
    whole = model.generate(  # type: ignore[operator]
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=30, do_sample=False
    )
    expected = loaded.tokenizer.decode(whole[0, len(prompt) :].tolist())
    text, reason = greedy_reply(engine)
    assert text == expected
    assert reason == "length"


def test_the_publishers_sampling_does_not_change_a_greedy_reply(
    engine: TransformersEngine, tiny: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny, tmp_path / "advised")
    advice = {"do_sample": True, "temperature": 5.0, "top_k": 50, "repetition_penalty": 2.0}
    (folder / "generation_config.json").write_text(json.dumps(advice))
    loaded = load_base(recipe_of(folder), hardware=CPU)
    advised = TransformersEngine(loaded, chat_format("r1-think"), name="advised")
    assert greedy_reply(advised) == greedy_reply(engine)


def test_tokens_are_counted(engine: TransformersEngine) -> None:
    result = engine.generate(GenerationRequest(record=RECORD, max_tokens=5), lambda _: True)
    assert result.reply_tokens == 5
    assert result.prompt_tokens > 5


def test_a_stop_sequence_ends_the_reply_and_is_not_emitted(engine: TransformersEngine) -> None:
    whole, _ = greedy_reply(engine)
    word = whole[4:7]
    text, reason = greedy_reply(engine, stop=(word,))
    assert (text, reason) == (whole[: whole.index(word)], "stop")


def test_a_cancelled_generation_ends(engine: TransformersEngine) -> None:
    result = engine.generate(GenerationRequest(record=RECORD, max_tokens=1_000), lambda _: False)
    assert result.reason == "cancelled"
    assert result.reply_tokens <= 2  # transformers checks before it emits


def test_a_conversation_longer_than_the_context_raises(engine: TransformersEngine) -> None:
    long = Record(id="", turns=(Turn(user="无人机 " * 2_000, answer=""),))
    with pytest.raises(TooLongError, match="2048"):
        engine.generate(GenerationRequest(record=long, max_tokens=5), lambda _: True)


def test_sampling_gives_text(engine: TransformersEngine) -> None:
    text, _ = greedy_reply(engine, temperature=1.0, top_p=0.9)
    assert text


def test_a_temperature_near_zero_is_greedy(engine: TransformersEngine) -> None:
    assert greedy_reply(engine, temperature=1e-40) == greedy_reply(engine)


def test_a_format_whose_marks_the_tokenizer_lacks_raises(tiny: Path) -> None:
    loaded = load_base(recipe_of(tiny), hardware=CPU)
    with pytest.raises(BaseModelError, match="im_start"):
        TransformersEngine(loaded, chat_format("chatml"), name="tiny")


def test_engine_serves_over_http(engine: TransformersEngine) -> None:
    with serving(build_app(engine)) as client:
        talk = {"messages": [{"role": "user", "content": "能夜飞吗？"}], "max_tokens": 5}
        answer = client.post("/v1/chat/completions", json=talk)
        long = client.post("/predict", json={"text": "飞" * 20_000})
    assert answer.status_code == 200
    assert answer.json()["usage"]["completion_tokens"] == 5
    assert long.status_code == 422
    assert "tokens" in long.json()["detail"]


def test_adapter_is_served_and_answers_as_itself(tiny: Path, tmp_path: Path) -> None:
    recipe = recipe_of(tiny)
    run = Run(tmp_path)
    add_adapter(recipe, run)
    base, adapter = (
        greedy_reply(open_engine(recipe, run, name))[0] for name in ("base", "adapter")
    )
    assert base
    assert adapter != base


def test_a_missing_model_is_named_with_the_command(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="merged") as caught:
        open_engine(recipe_of(tiny), Run(tmp_path), "merged")
    assert "finetune merge" in caught.value.localize("en")


def test_a_taken_port_is_named_before_the_model_is_loaded(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path / "nowhere")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ExportError, match=f"port {port}") as caught:
            serve(
                recipe,
                Run(tmp_path),
                "base",
                host="127.0.0.1",
                port=port,
                progress=SilentProgress(),
            )
    assert "--port" in caught.value.localize("zh")


@given(
    st.lists(st.text(alphabet="ab<|>", max_size=6), max_size=12),
    st.lists(st.text(alphabet="ab<|>", min_size=1, max_size=4), max_size=3),
)
def test_text_ends_before_the_first_stop_sequence_however_it_is_split(
    pieces: list[str], sequences: list[str]
) -> None:
    stops = StopSequenceFilter(sequences)
    found = "".join([stops.feed(piece) for piece in pieces] + [stops.close()])
    whole = "".join(pieces)
    if stops.found:
        assert whole.startswith(found)
        assert any(whole.startswith(word, len(found)) for word in sequences)
        assert not any(word in found for word in sequences)
    else:
        assert found == whole
        assert not any(word in whole for word in sequences)
