"""The Ollama encoder on the wire: prefixes, long texts, weather."""

import math
from collections.abc import Iterator

import pytest

from ingest.errors import EmbedError
from ingest.index.embed.model_cards import CARDS, card_of, latin_share
from ingest.index.embed.ollama import OllamaEmbedder, find_digest
from tests.engines.ollama_server import Json, OllamaServer
from tests.engines.replies import embedding

pytestmark = pytest.mark.anyio


class ReadsHundred(OllamaServer):
    """A server whose model reads 100 characters and refuses more, as `truncate: false` asks."""

    def plan(self, path: str) -> object:  # type: ignore[override]
        body: Json = self.requests[-1].body
        if path == "/api/embed" and any(len(text) > 100 for text in body["input"]):
            self.fail("too_long", path=path, times=1)
        return super().plan(path)


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    with OllamaServer(embedders=["nomic-embed-text:latest", "bge-m3:567m"]) as running:
        yield running


def embedder(
    server: OllamaServer, model: str = "nomic-embed-text", **more: object
) -> OllamaEmbedder:
    given = {"host": server.url, "model": model, "timeout_s": 5.0, "busy_waits_s": (0, 0)} | more
    return OllamaEmbedder(**given)  # type: ignore[arg-type]


async def test_documents_and_queries_get_the_prefixes_of_their_model(server: OllamaServer) -> None:
    ours = embedder(server)
    await ours.embed_documents(["one", "two"])
    await ours.embed_query("three")
    await ours.close()
    documents, query = server.asked("/api/embed")
    assert documents["input"] == ["search_document: one", "search_document: two"]
    assert query["input"] == ["search_query: three"]
    assert documents["truncate"] is query["truncate"] is False


async def test_many_texts_go_in_batches(server: OllamaServer) -> None:
    ours = embedder(server, "bge-m3:567m", batch=4)
    assert len(await ours.embed_documents([str(n) for n in range(10)])) == 10
    await ours.close()
    assert [len(asked["input"]) for asked in server.asked("/api/embed")] == [4, 4, 2]


async def test_recorded_answer_of_a_true_server_is_read(server: OllamaServer) -> None:
    server.replay("embed", path="/api/embed")
    ours = embedder(server)
    vector = await ours.embed_query("hello")
    await ours.close()
    assert vector == pytest.approx([-0.48166952, 0.4209944, 0.39871815, 0.6571013], abs=1e-6)
    assert math.hypot(*vector) == pytest.approx(1.0)


async def test_text_too_long_for_the_model_is_embedded_in_parts() -> None:
    with ReadsHundred() as server:
        ours = OllamaEmbedder(host=server.url, model="nomic-embed-text", timeout_s=5)
        text = "drones fly at night " * 20
        short, long, other = await ours.embed_documents(["drones", text, "eggs and flour " * 3])
        await ours.close()
        sent = [entry for asked in server.asked("/api/embed") for entry in asked["input"]]
    assert math.hypot(*long) == pytest.approx(1.0)
    assert long == pytest.approx(embedding("drones fly at night"), abs=0.2)
    assert short == pytest.approx(embedding("drones"))
    assert other == pytest.approx(embedding("eggs and flour"))
    assert all(entry.startswith("search_document: ") for entry in sent)
    read = "".join(
        entry.removeprefix("search_document: ") for entry in sent[4:-1] if len(entry) <= 100
    )
    assert read == text  # nothing is lost at the cuts


async def test_text_that_is_always_too_long_is_an_error(server: OllamaServer) -> None:
    server.replay("toolong_trunc_false", path="/api/embed")
    ours = embedder(server)
    with pytest.raises(EmbedError, match="exceeds the available context size"):
        await ours.embed_query("a long story " * 50)
    await ours.close()


async def test_busy_server_is_asked_again(server: OllamaServer) -> None:
    server.fail("busy", path="/api/embed", times=2)
    ours = embedder(server)
    assert await ours.embed_query("drone")
    await ours.close()
    assert len(server.asked("/api/embed")) == 3


async def test_server_that_stays_busy_is_an_error_after_a_bounded_wait(
    server: OllamaServer,
) -> None:
    server.fail("busy", path="/api/embed")
    ours = embedder(server)
    with pytest.raises(EmbedError) as caught:
        await ours.embed_query("drone")
    await ours.close()
    assert "busy" in caught.value.localize("en")
    assert "正忙" in caught.value.localize("zh")
    assert len(server.asked("/api/embed")) == 3


async def test_missing_model_names_the_pull_command(server: OllamaServer) -> None:
    ours = embedder(server, "mxbai-embed-large")
    with pytest.raises(EmbedError) as caught:
        await ours.embed_query("drone")
    await ours.close()
    assert "ollama pull mxbai-embed-large" in caught.value.localize("en")
    assert "ollama pull mxbai-embed-large" in caught.value.localize("zh")


async def test_chat_model_is_no_embedding_model(server: OllamaServer) -> None:
    server.replay("embed_chatmodel", path="/api/embed")
    ours = embedder(server)
    with pytest.raises(EmbedError) as caught:
        await ours.embed_query("drone")
    await ours.close()
    assert "chat model" in caught.value.localize("en")
    assert "对话模型" in caught.value.localize("zh")


async def test_silent_server_is_given_up_after_the_timeout(server: OllamaServer) -> None:
    server.fail("hang", path="/api/embed")
    ours = embedder(server, timeout_s=0.2)
    with pytest.raises(EmbedError) as caught:
        await ours.embed_query("drone")
    await ours.close()
    assert "within 0.2 s" in caught.value.localize("en")
    assert "ollama ps" in caught.value.localize("zh")


@pytest.mark.parametrize("failure", ["not_json", "crashed", "plain_404"])
async def test_strange_answer_is_an_error_of_ours(server: OllamaServer, failure: str) -> None:
    server.fail(failure, path="/api/embed")  # type: ignore[arg-type]
    ours = embedder(server)
    with pytest.raises(EmbedError) as caught:
        await ours.embed_query("drone")
    await ours.close()
    assert "pull" not in caught.value.localize("en")


async def test_absent_server_is_an_error_with_the_command_that_starts_it() -> None:
    ours = OllamaEmbedder(host="127.0.0.1:9", model="bge-m3", timeout_s=2)
    with pytest.raises(EmbedError) as caught:
        await ours.embed_query("drone")
    await ours.close()
    assert "http://127.0.0.1:9" in caught.value.localize("en")
    assert "ollama serve" in caught.value.localize("zh")


async def test_this_machine_is_never_asked_through_a_proxy(
    server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    ours = embedder(server)
    assert await ours.embed_query("drone")
    await ours.close()
    assert await find_digest(host=server.url, model="nomic-embed-text")


async def test_another_machine_is_asked_through_the_proxy(
    server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.setenv("http_proxy", server.url)
    ours = embedder(server, host="http://gpu.example:11434")
    with pytest.raises(EmbedError):
        await ours.embed_query("drone")
    await ours.close()
    assert [request.path for request in server.requests] == ["http://gpu.example:11434/api/embed"]


async def test_digest_names_the_weights_and_with_them_the_space(server: OllamaServer) -> None:
    digest = await find_digest(host=server.url, model="nomic-embed-text")
    assert len(digest) == 12
    ours = embedder(server, digest=digest)
    assert ours.space.startswith(f"ollama:nomic-embed-text:latest:{digest}:")
    assert ours.space != embedder(server, "bge-m3:567m", digest=digest).space


async def test_digest_of_a_model_that_is_not_there_names_the_command(server: OllamaServer) -> None:
    with pytest.raises(EmbedError) as missing:
        await find_digest(host=server.url, model="bge-m3")  # only bge-m3:567m is there
    assert "ollama pull bge-m3" in missing.value.localize("zh")
    with pytest.raises(EmbedError) as absent:
        await find_digest(host="127.0.0.1:9", model="bge-m3")
    assert "ollama serve" in absent.value.localize("en")
    server.fail("not_json", path="/api/tags")
    with pytest.raises(EmbedError):
        await find_digest(host=server.url, model="bge-m3:567m")


def test_english_models_know_that_they_do_not_know_chinese() -> None:
    assert card_of("nomic-embed-text").language_coverage("夜间飞行需要灯光") == 0.0
    assert card_of("nomic-embed-text").language_coverage("lights at night") == 1.0
    assert card_of("nomic-embed-text-v2-moe").language_coverage("夜间飞行需要灯光") == 1.0
    assert card_of("bge-m3").language_coverage("夜间飞行需要灯光") == 1.0
    assert card_of("a-model-nobody-knows").language_coverage("夜间飞行需要灯光") == 1.0
    assert latin_share("Mini 4 Pro 多重") == pytest.approx(7 / 9)
    assert latin_share("Москва") == 0.0
    assert latin_share("120 €!") == 1.0


@pytest.mark.parametrize(
    ("model", "query", "document"),
    [
        ("nomic-embed-text:v1.5", "search_query: ", "search_document: "),
        ("registry.example/me/Nomic-Embed-Text:q4", "search_query: ", "search_document: "),
        ("multilingual-e5-small", "query: ", "passage: "),
        ("bge-m3:latest", "", ""),
        ("all-minilm:33m", "", ""),
    ],
)
def test_prefixes_are_those_of_the_model_card(model: str, query: str, document: str) -> None:
    card = card_of(model)
    assert (card.query, card.document) == (query, document)


def test_every_card_can_be_reached_and_other_prefixes_are_another_scheme() -> None:
    for name, card in CARDS:
        assert card_of(name) is card, f"{name} is hidden by an earlier entry"
    prefixes = {(card.query, card.document) for _, card in CARDS}
    assert len({card.scheme for _, card in CARDS}) == len(prefixes)
