"""`assistant index`: what is stored is looked after, whoever is killed meanwhile."""

import json
import signal
import sqlite3
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
from tests.ingest.extract.test_second_reader import word_file
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
    assert zh.stderr.count("迁移期间可以照常提问：assistant index migrate") == 1
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
    assert "索引完好：1 个文档，1 个片段，" in zh.stdout
    en = shell_with_model("assistant", "index", "check", "--lang", "en")
    assert "the index is sound: 1 document, 1 chunk, 1 with vectors" in en.stdout
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


def test_what_is_stored_is_listed_shown_and_removed(shell: Shell, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "harbour.md").write_text("# Harbour\n\nThe harbour opens at six o'clock.", "utf-8")
    (notes / "港口.md").write_text("# 港口\n\n港口六点开放，船在外面等。", "utf-8")
    shell("ingest", str(notes))
    listed = shell("assistant", "index", "list", "--folder", str(notes), "--lang", "en")
    assert len(listed.stdout.splitlines()) == 2
    assert "2 documents" in listed.stderr
    one = shell("assistant", "index", "list", "--language", "zh", "--json").stdout
    assert json.loads(one)["title"] == "港口"
    assert "港口六点开放" in shell("assistant", "index", "show", str(notes / "港口.md")).stdout
    as_json = shell("assistant", "index", "show", str(notes / "harbour.md"), "--json").stdout
    assert json.loads(as_json)["chunks"][0]["heading"] == "Harbour"
    wrong = shell("assistant", "index", "show", str(notes / "harbor.md"), "--lang", "en", code=2)
    assert wrong.stderr.count("\n") == 1
    assert "harbour.md" in wrong.stderr
    # A path as people write it, not "%E6%B8%AF".
    assert str(notes / "港口.md") in listed.stdout
    assert shell("assistant", "index", "show", str(notes / "港口.md")).stdout.count("港口.md") == 1

    shell("assistant", "ask", "When does the harbour open?")
    refused = shell("assistant", "index", "remove", "--folder", str(notes), code=2)
    assert refused.stderr.count("\n") == 1
    done = shell("assistant", "index", "remove", str(notes / "harbour.md"), "--yes", "--lang", "en")
    assert "removed: 1 document" in done.stderr
    assert "deleted: 1" in done.stderr
    asked = shell("assistant", "ask", "When does the harbour open?", code=None)
    assert "six o'clock" not in asked.stdout
    assert json.loads(shell("assistant", "index", "stats", "--json").stdout)["hosts"] == {"": 1}


def test_an_empty_index_and_a_meaningless_removal_are_told_in_a_line(shell: Shell) -> None:
    assert "ingest" in shell("assistant", "index", "list").stderr
    assert "0" in shell("assistant", "index", "stats").stdout
    assert shell("assistant", "index", "remove", code=2).stderr.count("\n") == 1
    shell("assistant", "index", "remove", "--older-than", "yesterday", code=2)
    # Of a script whose variable is not set nothing is removed, and not all below this folder.
    for empty in (("--folder", ""), ("--host", ""), ("",)):
        shell("assistant", "index", "remove", *empty, "--yes", code=2)


def test_collections_keep_projects_apart(shell: Shell, tmp_path: Path) -> None:
    for name, hour in (("north", "six"), ("south", "nine")):
        (tmp_path / name).mkdir()
        text = f"# Harbour of the {name}\n\nThe harbour opens at {hour} o'clock."
        (tmp_path / name / "harbour.md").write_text(text, "utf-8")
    shell("ingest", str(tmp_path / "north"), "--collection", "北方")
    shell("ingest", str(tmp_path / "south"), "--collection", "south")
    question = "When does the harbour open?"
    north = shell("assistant", "ask", question, "--collection", "北方").stdout
    assert "six" in north
    assert "nine" not in north
    south = "When does the harbour of the south open?"
    assert "nine" in shell("assistant", "ask", south).stdout
    wrong = shell("assistant", "ask", question, "--collection", "east", "--lang", "en", code=None)
    assert wrong.code == 2
    assert "there are: south, 北方" in wrong.stderr
    assert (
        shell("assistant", "ask", question, "--collection", "a/b", code=2).stderr.count("\n") == 1
    )
    for command in (
        ("index", "list"),
        ("index", "remove", "--yes"),
        ("ask", "hello"),
        ("ask", "hello", "--web"),
    ):
        mistyped = shell("assistant", *command, "--collection", "east", "--lang", "en", code=2)
        assert "there are: south, 北方" in mistyped.stderr
    listed = shell("assistant", "index", "list", "--collection", "south", "--json").stdout
    assert json.loads(listed)["collections"] == ["south"]
    # In both: it leaves one of them, and stays.
    shell("ingest", str(tmp_path / "south"), "--collection", "北方")
    shell("assistant", "index", "remove", "--collection", "south", "--yes")
    assert "nine" in shell("assistant", "ask", south, "--collection", "北方").stdout


def test_what_failed_is_tried_again_for_the_collection_that_it_was_meant_for(
    shell: Shell, tmp_path: Path
) -> None:
    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / "good.md").write_text("# Notes\n\nThe key of the archive hangs behind the door.\n")
    (papers / "late.docx").write_bytes(b"PK\x03\x04 no document yet")
    shell("ingest", str(papers), "--collection", "thesis", code=3)
    (papers / "late.docx").write_bytes(word_file())
    shell("ingest", "--retry-failed")
    listed = shell("assistant", "index", "list", "--collection", "thesis", "--json").stdout
    assert len(listed.splitlines()) == 2
    assert "late.docx" in listed


@pytest.mark.parametrize("name", ["", "a/b"])
@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_a_name_that_no_collection_can_have_is_one_line_and_exit_2(
    shell: Shell, tmp_path: Path, name: str, more: list[str]
) -> None:
    (tmp_path / "a.md").write_text("# Notes\n\nSome text.\n")
    shown = shell("ingest", str(tmp_path / "a.md"), "--collection", name, *more, code=2)
    assert "cannot be the name of a collection" in shown.stderr


def test_an_index_is_carried_to_another_home(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "港口.md").write_text("# 港口\n\n港口六点开放，船在外面等。", "utf-8")
    shell("ingest", "notes", "--collection", "港")
    file = str(tmp_path / "index.zip")
    assert "1 document" in shell("assistant", "index", "export", file, "--lang", "en").stderr
    assert "--force" in shell("assistant", "index", "export", file, code=2).stderr
    shell("assistant", "index", "export", file, "--collection", "东", code=2)
    elsewhere = {"ASSISTANT_HOME": str(tmp_path / "elsewhere")}
    done = shell("assistant", "index", "import", file, "--lang", "zh", **elsewhere)
    assert "已导入：1 个文档" in done.stderr
    asked = shell("assistant", "ask", "港口几点开放?", "--collection", "港", **elsewhere)
    assert "六点" in asked.stdout
    for command in ("compact", "rebuild", "check"):
        shell("assistant", "index", command, **elsewhere)
    assert "六点" in shell("assistant", "ask", "港口几点开放?", **elsewhere).stdout
    (tmp_path / "index.zip").write_bytes(b"PK no zip")
    torn = shell("assistant", "index", "import", file, code=2, **elsewhere)
    assert torn.stderr.count("\n") == 1


def test_a_torn_index_is_saved_by_rebuild(shell: Shell, home: Path, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    for number in range(40):
        text = f"# Berth {number}\n\nThe key of berth {number} hangs in box {number + 500}.\n"
        (tmp_path / "notes" / f"berth{number}.md").write_text(text)
    shell("ingest", "notes")
    path = home / "index" / "index.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'words_data'"
        ).fetchone()
    body = bytearray(path.read_bytes())
    body[(page - 1) * 4096 : page * 4096] = bytes(range(256)) * 16
    path.write_bytes(body)
    question = "Where is the key of berth 17?"
    lost = shell("assistant", "ask", question, "--lang", "en", code=1)
    assert "assistant index rebuild" in lost.stderr
    checked = shell("assistant", "index", "check", "--lang", "en", code=1)
    assert "assistant index rebuild" in checked.stdout
    saved = shell("assistant", "index", "rebuild", "--lang", "en")
    assert "saved: 40 documents" in saved.stderr
    assert "517" in shell("assistant", "ask", question).stdout
    shell("assistant", "index", "check")
    assert (home / "index" / "index.damaged").stat().st_mode & 0o077 == 0
    removed = shell("assistant", "index", "remove", str(tmp_path / "notes" / "berth3.md"), "--yes")
    assert "index.damaged" in removed.stderr
