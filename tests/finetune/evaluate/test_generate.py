"""Models under evaluation: in this process, on Ollama, on an OpenAI-like server, and their twin."""

import math
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from finetune.errors import EvaluationError
from finetune.evaluate.generate.base import Generator, TargetScorer, chat_messages
from finetune.evaluate.generate.memory import ScriptedGenerator
from finetune.evaluate.generate.ollama import OllamaGenerator
from finetune.evaluate.generate.openai import OpenAIGenerator
from finetune.evaluate.generate.transformers import TransformersGenerator, open_model
from finetune.model.chat_format import chat_format
from finetune.model.samples import IGNORED, encode_record
from finetune.progress import SilentProgress
from finetune.recipe import Recipe, parse_recipe
from finetune.records import Prediction, Record, Turn
from finetune.runs import Run
from finetune.train.adapters import add_lora, save_origin
from finetune.train.hardware import Hardware
from finetune.train.model import load_base
from tests.engines.ollama_server import OllamaServer

CPU = Hardware(device="cpu", name="test", memory=1 << 30)
HELD = Turn(user="能飞150米吗？", think="上限是120米。", answer="不可以。")


def recipe(base: Path | str = "nowhere", **evaluate: object) -> Recipe:
    tables = {
        "name": "t",
        "model": {"base": str(base)},
        "data": {"files": ["x"]},
        "evaluate": {"max_new_tokens": 12, "batch": 3, **evaluate},
    }
    return parse_recipe(tables, source="t.toml", folder=Path())


def record(name: str, question: str = HELD.user, *, past: tuple[Turn, ...] = ()) -> Record:
    turn = Turn(user=question, think=HELD.think, answer=HELD.answer)
    return Record(id=name, turns=(*past, turn), system="你是顾问。")


RECORDS = [record(str(count), "无人机" * count + "能飞吗？") for count in range(1, 6)]


def predictions_of(generator: Generator, records: list[Record]) -> dict[str, Prediction]:
    return {one.id: one for one in generator.generate(records, progress=SilentProgress())}


@pytest.fixture(scope="module")
def local(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> TransformersGenerator:
    return open_model(recipe(tiny), Run(tmp_path_factory.mktemp("run")), "base", hardware=CPU)


def test_every_record_is_answered_once(local: TransformersGenerator) -> None:
    replies = predictions_of(local, RECORDS)
    assert replies.keys() == {one.id for one in RECORDS}
    assert all(one.tokens <= 12 and one.seconds > 0 for one in replies.values())
    assert all(one.text.startswith("<think>\n") for one in replies.values())


@pytest.mark.parametrize("kind", ["scripted", "local", "ollama", "openai"])
def test_all_models_keep_the_same_promise(kind: str, local: TransformersGenerator) -> None:
    with OllamaServer(answer="不可以。") as server:
        generator: Generator = {
            "scripted": lambda: ScriptedGenerator({}, fmt=chat_format("r1-think")),
            "local": lambda: local,
            "ollama": lambda: on_ollama(server),
            "openai": lambda: on_openai(server),
        }[kind]()
        replies = list(generator.generate(RECORDS, progress=SilentProgress()))
        assert list(generator.generate([], progress=SilentProgress())) == []
    assert sorted(one.id for one in replies) == [one.id for one in RECORDS]
    assert generator.name
    assert generator.identity


def test_an_adapter_answers_otherwise_than_its_base(tiny: Path, tmp_path: Path) -> None:
    run = Run(tmp_path)
    settings = recipe(tiny)
    plain = open_model(settings, run, "base", hardware=CPU)
    loaded = load_base(settings, hardware=CPU)
    adapted = add_lora(loaded, settings.train)
    torch.manual_seed(1)
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=1.0)
    adapted.save_pretrained(run.adapter)
    save_origin(run.adapter, tiny, settings)
    tuned = open_model(settings, run, "adapter", hardware=CPU)
    assert tuned.identity != plain.identity
    assert predictions_of(tuned, RECORDS)["1"].text != predictions_of(plain, RECORDS)["1"].text
    before, after = (
        next(iter(one.target_losses(RECORDS[:1], progress=SilentProgress())))
        for one in (plain, tuned)
    )
    assert before.nats != after.nats


@pytest.mark.parametrize("name", ["adapter", "merged"])
def test_a_model_trained_whole_and_a_merged_one_are_read_from_their_folder(
    tiny: Path, tmp_path: Path, name: str
) -> None:
    run = Run(tmp_path)
    shutil.copytree(tiny, run.adapter if name == "adapter" else run.merged)
    found = open_model(recipe("nowhere"), run, name, hardware=CPU)
    assert len(predictions_of(found, RECORDS)) == len(RECORDS)


def test_a_batch_of_different_lengths_answers_as_one_by_one(
    tiny: Path, local: TransformersGenerator, tmp_path: Path
) -> None:
    alone = open_model(recipe(tiny, batch=1), Run(tmp_path), "base", hardware=CPU)
    together = {name: one.text for name, one in predictions_of(local, RECORDS).items()}
    assert together == {name: one.text for name, one in predictions_of(alone, RECORDS).items()}


def test_the_same_seed_samples_the_same_replies(tiny: Path, tmp_path: Path) -> None:
    warm = open_model(recipe(tiny, temperature=1.0), Run(tmp_path), "base", hardware=CPU)
    greedy = open_model(recipe(tiny), Run(tmp_path), "base", hardware=CPU)
    first = {name: one.text for name, one in predictions_of(warm, RECORDS).items()}
    assert first == {name: one.text for name, one in predictions_of(warm, RECORDS).items()}
    assert first != {name: one.text for name, one in predictions_of(greedy, RECORDS).items()}


def test_the_loss_of_targets_is_that_of_the_whole_forward_pass(tiny: Path) -> None:
    loaded = load_base(recipe(tiny), hardware=CPU)
    scorer = TransformersGenerator(loaded, recipe(tiny), name="base", identity="1")
    assert isinstance(scorer, TargetScorer)
    (found,) = scorer.target_losses(RECORDS[:1], progress=SilentProgress())
    (sample,) = encode_record(
        RECORDS[0],
        chat_format("r1-think"),
        loaded.tokenizer,
        turns="last",
        max_tokens=500,
        over_length="drop",
    ).samples
    with torch.no_grad():
        whole = loaded.model(
            input_ids=torch.tensor([sample.ids]), labels=torch.tensor([sample.labels])
        )
    targets = sum(label != IGNORED for label in sample.labels)
    assert found.tokens == targets
    assert found.nats == pytest.approx(float(whole.loss) * targets, rel=1e-4)
    assert found.bytes == len("\n上限是120米。\n\n\n不可以。".encode())


def test_a_model_of_nans_is_named_as_such(tiny: Path) -> None:
    loaded = load_base(recipe(tiny), hardware=CPU)
    with torch.no_grad():
        loaded.model.get_output_embeddings().weight.fill_(math.nan)
    broken = TransformersGenerator(loaded, recipe(tiny, temperature=1.0), name="base", identity="1")
    with pytest.raises(EvaluationError, match="NaN"):
        predictions_of(broken, RECORDS[:1])


@pytest.mark.parametrize(("name", "command"), [("adapter", "train"), ("merged", "merge")])
def test_a_model_that_is_not_made_yet_names_the_command(
    tiny: Path, tmp_path: Path, name: str, command: str
) -> None:
    with pytest.raises(EvaluationError) as caught:
        open_model(recipe(tiny), Run(tmp_path), name, hardware=CPU)
    assert f"python -m finetune {command} RECIPE" in caught.value.localize("en")


def test_a_recipe_that_trains_in_fp16_is_evaluated_on_a_processor(
    tiny: Path, tmp_path: Path
) -> None:
    tables = {
        "name": "t",
        "model": {"base": str(tiny)},
        "data": {"files": ["x"]},
        "train": {"precision": "fp16"},
        "evaluate": {"max_new_tokens": 2},
    }
    trained = parse_recipe(tables, source="t.toml", folder=Path())
    model = open_model(trained, Run(tmp_path), "base", hardware=CPU)
    assert len(predictions_of(model, RECORDS[:1])) == 1


def test_the_scripted_twin_answers_by_question() -> None:
    fmt = chat_format("r1-think")
    script = {"能飞150米吗？": "<think>\n超限。\n</think>\n\n不可以。"}
    twin = ScriptedGenerator(script, fmt=fmt)
    replies = predictions_of(twin, [record("1"), record("2", "别的")])
    assert (replies["1"].think, replies["1"].answer) == ("超限。", "不可以。")
    assert replies["2"].text == ""
    assert twin.record_ids == ["1", "2"]


def test_a_server_is_asked_the_earlier_turns_without_their_thoughts() -> None:
    past = (Turn(user="限高？", think="想一想", answer="120米。"),)
    assert chat_messages(record("1", past=past)) == [
        {"role": "system", "content": "你是顾问。"},
        {"role": "user", "content": "限高？"},
        {"role": "assistant", "content": "120米。"},
        {"role": "user", "content": HELD.user},
    ]


def on_ollama(server: OllamaServer, **evaluate: object) -> OllamaGenerator:
    return OllamaGenerator("deepseek-r1:1.5b", recipe(**evaluate), host=server.url, silence_s=5)


def on_openai(server: OllamaServer, **evaluate: object) -> OpenAIGenerator:
    address = f"{server.url}/v1#deepseek-r1:1.5b"
    return OpenAIGenerator(address, recipe(**evaluate), silence_s=5)


Opener = Callable[..., Generator]
servers = pytest.mark.parametrize("open_on", [on_ollama, on_openai])


@servers
@pytest.mark.parametrize("style", ["field", "lone_tag", "inline"])
def test_a_servers_thinking_is_found_however_it_is_sent(open_on: Opener, style: str) -> None:
    with OllamaServer(answer="不可以。", thought="超过上限。", thinking=style) as server:
        reply = predictions_of(open_on(server), [record("1")])["1"]
    assert (reply.think, reply.answer) == ("超过上限。", "不可以。")
    assert reply.stopped
    assert reply.tokens > 0
    assert reply.text.endswith("</think>\n\n不可以。")


@servers
def test_a_reply_that_hits_its_limit_did_not_stop(open_on: Opener) -> None:
    with OllamaServer(answer="不可以。", done_reason="length") as server:
        assert not predictions_of(open_on(server), [record("1")])["1"].stopped


@servers
def test_a_servers_failure_keeps_what_came_and_says_to_go_on(open_on: Opener) -> None:
    with OllamaServer(answer="不可以。") as server:
        generator = open_on(server)
        replies = generator.generate([record("1"), record("2")], progress=SilentProgress())
        assert next(replies).id == "1"
        path = "/api/chat" if open_on is on_ollama else "/v1/chat/completions"
        server.fail("crashed", path=path)
        with pytest.raises(EvaluationError, match="failed") as caught:
            next(replies)
    assert "replies that came are kept" in caught.value.localize("en")


@servers
@pytest.mark.parametrize("failure", ["reset", "error_line", "no_done"])
def test_half_a_reply_is_never_taken_for_a_whole_one(open_on: Opener, failure: str) -> None:
    path = "/api/chat" if open_on is on_ollama else "/v1/chat/completions"
    with OllamaServer(answer="不可以。" * 20) as server:
        server.fail(failure, path=path)  # type: ignore[arg-type]
        with pytest.raises(EvaluationError):
            predictions_of(open_on(server), [record("1")])


def test_a_model_that_ollama_lacks_names_the_command() -> None:
    with OllamaServer(models=[]) as server, pytest.raises(EvaluationError) as caught:
        on_ollama(server)
    assert "ollama pull deepseek-r1:1.5b" in caught.value.localize("zh")


def test_ollama_that_is_not_running_names_the_command() -> None:
    with pytest.raises(EvaluationError) as caught:
        OllamaGenerator("m", recipe(), host=f"http://127.0.0.1:{free_port()}")
    assert "ollama serve" in caught.value.localize("en")


def test_a_server_that_is_not_running_is_named() -> None:
    address = f"http://127.0.0.1:{free_port()}/v1"
    with pytest.raises(EvaluationError) as caught:
        OpenAIGenerator(address, recipe())
    assert address in caught.value.localize("en")


def test_an_openai_server_without_the_model_says_what_it_has() -> None:
    with OllamaServer() as server, pytest.raises(EvaluationError) as caught:
        OpenAIGenerator(f"{server.url}/v1#other", recipe())
    assert "deepseek-r1:1.5b" in caught.value.localize("en")


def test_an_openai_server_is_asked_its_first_model_if_none_is_named() -> None:
    with OllamaServer(answer="好") as server:
        assert OpenAIGenerator(f"{server.url}/v1/", recipe()).name == "openai:deepseek-r1:1.5b"


def test_ollama_gets_our_settings() -> None:
    with OllamaServer(answer="好") as server:
        predictions_of(on_ollama(server, temperature=0.5), [record("1")])
        (body,) = server.asked("/api/chat")
    assert body["think"] is True
    assert body["options"] == {
        "num_predict": 12,
        "num_ctx": 8192,
        "temperature": 0.5,
        "seed": 42,
    }


def test_a_model_that_cannot_think_in_a_field_is_asked_without() -> None:
    with OllamaServer(answer="不可以。", capable=False) as server:
        replies = predictions_of(on_ollama(server), [record("1"), record("2")])
        thinks = [body.get("think") for body in server.asked("/api/chat")]
    assert [replies[name].answer for name in "12"] == ["不可以。", "不可以。"]
    assert thinks == [True, None, None]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
