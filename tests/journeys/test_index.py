"""`assistant index`: what is stored is looked after, whoever is killed meanwhile."""

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
