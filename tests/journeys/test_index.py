"""`assistant index`: what is stored is looked after, whoever is killed meanwhile."""

import json
import signal
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from ingest.index.embed.memory import HashingEmbedder
from ingest.index.store.catalog import Catalog
from tests.engines.ollama_server import OllamaServer
from tests.engines.replies import Plan
from tests.index_samples import chunks_of, document, persistent
from tests.journeys.conftest import Shell

pytestmark = pytest.mark.anyio

OLD = HashingEmbedder.space
CHUNKS = 240
PAGE = document("a", *(f"chapter {n} tells of harbours" for n in range(CHUNKS)))


class KillingServer(OllamaServer):
    """Kills its client when so many requests for vectors have come."""

    process: subprocess.Popen[str] | None = None
    kill_at = 0

    def plan(self, path: str) -> Plan:
        if path == "/api/embed" and self.process is not None:
            self.kill_at -= 1
            if self.kill_at == 0:
                self.process.send_signal(signal.SIGKILL)
                self.process.wait()
        return super().plan(path)


async def fill(home: Path) -> Path:
    """Make an index of a few hundred chunks with the vectors of an encoder that is gone."""
    index = persistent(home / "index")
    chunks = chunks_of(PAGE)
    vectors = await HashingEmbedder().embed_documents([chunk.text for chunk in chunks])
    pairs = dict(zip((chunk.id for chunk in chunks), vectors, strict=True))
    await index.replace(PAGE, chunks, pairs, space=OLD)
    await index.close()
    return home / "index"


async def answers_in_the_old_space(folder: Path) -> bool:
    index = persistent(folder)
    vector = await HashingEmbedder().embed_query("chapter 77 tells of harbours")
    found = await index.nearest(vector, top_k=5, space=OLD)
    await index.close()
    return len(found) == 5 and found[0].score > 0.8


async def test_kill_9_at_ten_moments_loses_no_chunk_and_never_the_old_vectors(
    shell: Shell, home: Path
) -> None:
    folder = await fill(home)
    with KillingServer() as server:
        for moment in range(10):
            # By turns at the first to fifth request, and a moment after one is answered: while the
            # vectors are stored.
            server.kill_at = 1 + moment % 3
            server.process = shell.start(
                "assistant", "index", "migrate", "--quiet", OLLAMA_HOST=server.url
            )
            if moment % 2:
                before = len(server.asked("/api/embed"))
                while len(server.asked("/api/embed")) == before and server.process.poll() is None:
                    time.sleep(0.001)
                time.sleep(0.002 * moment)
                server.process.kill()
            server.process.communicate()
            with closing(Catalog(folder / "index.sqlite")) as catalog:
                stats = catalog.stats()
            assert stats.space == OLD
            assert (stats.chunks, stats.embedded) == (CHUNKS, CHUNKS)
            assert await answers_in_the_old_space(folder)
        server.process = None
        done = shell("assistant", "index", "migrate", OLLAMA_HOST=server.url)
        assert f"{CHUNKS} of {CHUNKS} chunks with vectors" in done.stderr
        texts = [text for asked in server.asked("/api/embed") for text in asked["input"]]
        assert set(texts) == {f"search_document: {chunk.text}" for chunk in chunks_of(PAGE)}
        assert len(texts) <= CHUNKS + 16 * 10
        shell("assistant", "index", "check", OLLAMA_HOST=server.url)
        answer = shell("assistant", "ask", "chapter 77", "--json", OLLAMA_HOST=server.url).answer
        assert answer.answer.citations
    with closing(Catalog(folder / "index.sqlite")) as catalog:
        stats = catalog.stats()
        assert stats.space.startswith("ollama:nomic-embed-text")
        assert (stats.chunks, stats.embedded, catalog.embedded(OLD)) == (CHUNKS, CHUNKS, 0)
        assert [chunk.text for chunk in catalog.chunks(PAGE.url)] == [
            chunk.text for chunk in chunks_of(PAGE)
        ]


async def test_index_of_another_encoder_is_said_in_one_line_with_the_command(
    shell_with_model: Shell, home: Path
) -> None:
    await fill(home)
    en = shell_with_model("assistant", "ask", "chapter 77 harbours", "--lang", "en")
    assert en.stderr.count("assistant index migrate") == 1
    (shell_with_model.folder / "note.txt").write_text("Lighthouses stand on rocks.")
    zh = shell_with_model("ingest", "note.txt", "--lang", "zh")
    assert zh.stderr.count("可边问边迁移：assistant index migrate") == 1
    doctor = shell_with_model("assistant", "doctor", "--json", code=None)
    (fix,) = [check["mend"] for check in json.loads(doctor.stdout) if "index" in check["mend"]]
    assert fix == "assistant index migrate"
    shell_with_model("assistant", "index", "migrate")
    again = shell_with_model("assistant", "ask", "chapter 77 harbours", "--lang", "en")
    assert "migrate" not in again.stderr


async def test_damage_is_found_by_check_and_mended_by_fix(
    shell_with_model: Shell, home: Path, ollama: OllamaServer
) -> None:
    (shell_with_model.folder / "note.txt").write_text("Lighthouses stand on rocks.")
    ollama.embed_faults = {"rocks": "zeros"}
    stored = shell_with_model("ingest", "note.txt", "--json", "--lang", "en")
    assert json.loads(stored.stdout)["unembedded"] == 1
    assert "1 chunk without a vector, found by words: Ollama could not embed" in stored.stderr
    found = shell_with_model("assistant", "index", "check", "--json", code=1)
    report = json.loads(found.stdout)
    assert (report["sound"], [one["kind"] for one in report["left"]]) == (False, ["not_embedded"])
    en = shell_with_model("assistant", "index", "check", "--fix", "--lang", "en", code=1)
    assert "a vector of zeros" in en.stdout
    ollama.embed_faults = {}
    zh = shell_with_model("assistant", "index", "check", "--fix", "--lang", "zh")
    assert "索引完好：1 个网页，1 段，" in zh.stdout
    en = shell_with_model("assistant", "index", "check", "--lang", "en")
    assert "the index is sound: 1 page, 1 chunk, 1 with vectors" in en.stdout
    assert json.loads(shell_with_model("assistant", "index", "check", "--json").stdout)["sound"]


async def test_server_that_makes_no_vector_leaves_pages_that_words_find(
    shell_with_model: Shell, ollama: OllamaServer
) -> None:
    (shell_with_model.folder / "note.txt").write_text("Lighthouses stand on rocks.")
    for failure in ("not_json", "throttled", "crashed"):
        ollama.retry_after = "3600"
        ollama.fail(failure, path="/api/embed")  # type: ignore[arg-type]
        shown = shell_with_model("ingest", "note.txt", "--lang", "en")
        (line,) = [line for line in shown.stderr.splitlines() if "without a vector" in line]
        assert line.startswith("note: 1 chunk without a vector, found by words: ")
        answer = shell_with_model("assistant", "ask", "Where do lighthouses stand?", "--json")
        assert answer.answer.answer.citations


async def test_migration_that_the_index_refuses_ends_its_line_first(
    shell: Shell, home: Path
) -> None:
    folder = await fill(home)
    with OllamaServer() as server:
        shell("assistant", "index", "migrate", "--keep-old", OLLAMA_HOST=server.url)
        with closing(Catalog(folder / "index.sqlite")) as catalog, catalog.writing() as connection:
            # As if the model behind the name had been another one, with shorter vectors.
            connection.execute("DELETE FROM embeddings WHERE space <> ? AND chunk > 9", (OLD,))
            connection.execute("UPDATE spaces SET dimensions = 8 WHERE name <> ?", (OLD,))
        shown = shell.on_a_terminal(
            "assistant", "index", "migrate", "--lang", "en", OLLAMA_HOST=server.url, NO_COLOR="1"
        )
    lines = shown.splitlines()
    assert f"of {CHUNKS} chunks embedded" in lines[-2], lines
    assert lines[-1].startswith("error: the index refuses"), lines


async def test_check_fix_without_an_encoder_says_what_is_left(shell: Shell, home: Path) -> None:
    folder = await fill(home)
    with closing(Catalog(folder / "index.sqlite")) as catalog, catalog.writing() as connection:
        connection.execute("UPDATE embeddings SET vector = x'' WHERE chunk = 7")
    for _ in range(2):
        shown = shell(
            "assistant",
            "index",
            "check",
            "--fix",
            "--lang",
            "en",
            code=1,
            ASSISTANT_EMBED__PROVIDER="none",
        )
        assert "✗ 1 chunk without a vector, found by words: an empty vector" in shown.stdout
        assert "sound" not in shown.stdout


async def test_nothing_to_migrate_to_is_one_clear_line(shell: Shell, home: Path) -> None:
    await fill(home)
    shown = shell(
        "assistant", "index", "migrate", "--lang", "en", code=1, ASSISTANT_EMBED__PROVIDER="ollama"
    )
    assert shown.stderr.startswith("error: there is no encoder to migrate to: no Ollama answers")
    assert len(shown.stderr.splitlines()) == 1


async def test_server_that_is_away_does_not_cost_the_vectors_that_it_made(
    shell: Shell, home: Path
) -> None:
    with OllamaServer() as server:
        (shell.folder / "note.txt").write_text("Lighthouses stand on rocks.")
        shell("ingest", "note.txt", OLLAMA_HOST=server.url)
    shown = shell("assistant", "index", "migrate", "--lang", "en", code=1)
    assert "no Ollama answers" in shown.stderr
    assert "ASSISTANT_EMBED__PROVIDER=builtin" in shown.stderr
    assert len(shown.stderr.splitlines()) == 1
    with closing(Catalog(home / "index" / "index.sqlite")) as catalog:
        stats = catalog.stats()
    assert stats.space.startswith("ollama:")
    assert stats.embedded == 1
    shell("assistant", "index", "migrate", ASSISTANT_EMBED__PROVIDER="builtin")
    with closing(Catalog(home / "index" / "index.sqlite")) as catalog:
        assert catalog.stats().space.startswith("builtin:")
