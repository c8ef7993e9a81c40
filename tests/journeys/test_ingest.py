"""`ingest`: lists, URLs and documents into the index that `assistant ask` answers from."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests import file_samples
from tests.internet.demo import sample_pages
from tests.internet.net import Internet
from tests.journeys.conftest import Shell

FORBIDDEN = "https://members.example/"
"""Prefix of the sample pages that robots.txt closes."""
TEA = "https://leafandwater.example/brewing/green-tea"


def readable_urls() -> list[str]:
    pages = [page for page in sample_pages() if not page.by_script and page.language == "en"]
    return [page.url for page in pages if not page.url.startswith(FORBIDDEN)]


def test_list_of_urls_is_stored_and_answered_from(shell: Shell, net: Internet) -> None:
    urls = [page.url for page in sample_pages() if not page.by_script and page.language == "en"]
    (shell.folder / "urls.txt").write_text(
        "\ufeff# tea\r\n" + "\r\n".join([*urls, urls[0]]) + "\r\n"
    )
    shown = shell("ingest", "urls.txt", "--json", code=3)  # one is forbidden by robots.txt
    events = [json.loads(line) for line in shown.stdout.splitlines()]
    assert len(events) == len(set(urls))
    stored = [event for event in events if event["type"] == "page_stored"]
    assert all(event["embedded"] == event["chunks"] for event in stored)
    net.clear()
    answer = shell("assistant", "ask", "How hot should water be for green tea?", "--json").answer
    assert TEA in {citation.url for citation in answer.answer.citations}
    assert net.hits() == []


def test_pages_that_fail_are_listed_with_the_reason_and_the_rest_goes_on(
    shell: Shell, net: Internet
) -> None:
    net.robots("closed.test", "User-agent: *\nDisallow: /\n")
    net.robots("gone.test", "")
    shown = shell(
        "ingest", TEA, "https://closed.test/x", "https://gone.test/x", "http://127.0.0.1/", code=3
    )
    assert "stored 1 document (" in shown.stderr
    assert "skipped 2, failed 1" in shown.stderr
    for reason in ("robots.txt line 2: Disallow: /", "404", "127.0.0.1"):
        assert reason in shown.stderr


def test_junk_lines_are_named_and_the_rest_goes_on(shell: Shell) -> None:
    (shell.folder / "urls.txt").write_text(f"{TEA}\nfile:///etc/passwd\nhttps://{'x' * 70_000}/\n")
    shown = shell("ingest", "urls.txt", code=3)
    assert "line 2" in shown.stderr
    assert "line 3" in shown.stderr
    assert len(shown.stderr) < 3_000


def test_urls_come_from_standard_input_too(shell: Shell) -> None:
    assert "stored 1 document (" in shell("ingest", "-", stdin=TEA).stderr


def test_documents_are_stored_and_cited_by_their_place(shell: Shell, tmp_path: Path) -> None:
    note = tmp_path / "值班手册.md"
    note.write_text("# 值班手册\n\n夜班值班电话是 8801，早上七点交接。\n", encoding="utf-8")
    shell("ingest", str(note))
    answer = shell("assistant", "ask", "夜班值班电话是多少?", "--json").answer.answer
    assert "8801" in answer.text
    assert answer.citations[0].url == note.as_uri()


def test_page_that_shrank_leaves_nothing_stale(shell: Shell, net: Internet) -> None:
    net.robots("news.test", "")
    long = "<p>The old harbour bridge carries trams across the river every day.</p>" * 40
    net.page("https://news.test/", f"<article><h1>Bridge</h1>{long}</article>")
    shell("ingest", "https://news.test/")
    net.page(
        "https://news.test/", "<article><h1>Bridge</h1><p>The bridge was taken down.</p></article>"
    )
    shell("ingest", "--fresh", "https://news.test/")
    answer = shell(
        "assistant", "ask", "Does the harbour bridge carry trams?", "--json", code=None
    ).answer.answer
    assert "trams across" not in answer.text


def test_changed_chunk_size_recuts_pages_at_their_next_use_or_all_at_once(shell: Shell) -> None:
    urls = readable_urls()
    small = {"ASSISTANT_CHUNK__SIZE": "100", "ASSISTANT_CHUNK__OVERLAP": "20"}
    first = shell("ingest", *urls, "--json")
    events = [json.loads(line) for line in first.stdout.splitlines()]
    before = {event["url"]: event for event in events if event["type"] == "page_stored"}
    one, *rest = before
    again = shell("ingest", one, "--json", **small)
    assert json.loads(again.stdout)["origin"] == "memory"
    assert json.loads(again.stdout)["chunks"] > before[one]["chunks"]
    assert f"{len(rest)} documents in the index cut otherwise than set" in again.stderr
    assert (
        f"{len(rest)} documents in the index cut otherwise"
        in shell("assistant", "doctor", code=None, **small).stdout
    )
    shown = shell("ingest", "--recut", "--json", **small)
    cut = [json.loads(line) for line in shown.stdout.splitlines()]
    assert {page["url"] for page in cut} == set(rest)
    assert all(page["embedded"] == page["chunks"] > page["chunks_before"] for page in cut)
    assert f"recut {len(rest)} documents" in shown.stderr
    assert "recut 0 documents" in shell("ingest", "--recut", **small).stderr
    answer = shell("assistant", "ask", "How hot should water be for green tea?", "--json", **small)
    assert TEA in {citation.url for citation in answer.answer.answer.citations}


def test_recut_takes_no_sources(shell: Shell) -> None:
    assert "--recut takes no SOURCES" in shell("ingest", "--recut", TEA, code=2).stderr


def test_file_that_is_missing_is_one_line(shell: Shell) -> None:
    shown = shell("ingest", "nowhere.txt", code=2)
    assert "nowhere.txt" in shown.stderr
    called_wrongly = shell("ingest", code=2).stderr.splitlines()
    assert len(called_wrongly) == 1
    assert "SOURCES" in called_wrongly[0]
    assert "ingest --help" in called_wrongly[0]


def test_nothing_stored_is_a_failure(shell: Shell, net: Internet) -> None:
    net.robots("gone.test", "")
    shell("ingest", "https://gone.test/x", code=1)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    (folder / "drafts").mkdir(parents=True)
    (folder / "gate.md").write_text("# Gates\n\nThe gate code of the north entrance is 8841.\n")
    (folder / "采购.md").write_text(
        "# 采购\n\n采购金额超过五万元须经总经理批准。\n", encoding="utf-8"
    )
    (folder / "drafts/old.md").write_text("# Old\n\nThe old code was 1234.\n")
    (folder / "sound.ogg").write_bytes(b"OggS")
    (folder / "out.md").symlink_to("/etc/hostname")
    return folder


def test_folder_says_what_it_leaves_out(shell: Shell, notes: Path) -> None:
    shown = shell("ingest", "notes", "--exclude", "drafts/", "--json")
    events = [json.loads(line) for line in shown.stdout.splitlines()]
    assert sum(event["type"] == "page_stored" for event in events) == 2
    assert {event["reason"] for event in events if event["type"] == "file_left_out"} == {
        "excluded",
        "no_reader",
        "link_outside",
    }
    assert "notes: 2 documents; left out: " in shown.stderr
    assert "1 of no readable type (sound.ogg)" in shown.stderr


def test_second_run_reads_no_file_that_has_not_changed(shell: Shell, notes: Path) -> None:
    shell("ingest", "notes")
    state = (notes / "gate.md").stat()
    # As long as before and of the same time: whoever reads the file sees another code.
    (notes / "gate.md").write_text("# Gates\n\nThe gate code of the north entrance is 7777.\n")
    os.utime(notes / "gate.md", ns=(state.st_atime_ns, state.st_mtime_ns))
    again = shell("ingest", "notes")
    assert "stored 0 documents (0 chunks), unchanged 3, skipped 0, failed 0" in again.stderr
    os.utime(notes / "gate.md")
    assert "stored 1 document (1 chunk), unchanged 2" in shell("ingest", "notes").stderr
    assert "stored 3 documents" in shell("ingest", "notes", "--refresh").stderr
    answer = shell("assistant", "ask", "What is the gate code of the north entrance?").stdout
    assert "7777" in answer


def test_file_that_is_gone_is_said_and_leaves_the_index_by_prune(shell: Shell, notes: Path) -> None:
    shell("ingest", "notes")
    (notes / "gate.md").unlink()
    told = shell("ingest", "notes")
    assert "1 document still in the index though the file is gone" in told.stderr
    assert "gate.md" in told.stderr
    question = "What is the gate code of the north entrance?"
    assert "8841" in shell("assistant", "ask", question, code=None).stdout
    pruned = shell("ingest", "notes", "--prune")
    assert "removed 1" in pruned.stderr
    assert "8841" not in shell("assistant", "ask", question, code=None).stdout
    assert "the file is gone" not in shell("ingest", "notes").stderr


def test_file_of_a_folder_that_was_emptied_leaves_the_index(shell: Shell, notes: Path) -> None:
    shell("ingest", "notes")
    (notes / "gate.md").write_bytes(b"")
    assert "removed 1" in shell("ingest", "notes").stderr
    question = "What is the gate code of the north entrance?"
    assert "8841" not in shell("assistant", "ask", question, code=None).stdout
    assert "removed" not in shell("ingest", "notes").stderr


def test_source_shows_the_path_and_the_day_of_a_file(shell: Shell, notes: Path) -> None:
    os.utime(notes / "采购.md", (1_700_000_000, 1_700_000_000))
    shell("ingest", "notes")
    shown = shell("assistant", "ask", "采购金额超过多少须经总经理批准?", "--lang", "en")
    assert f"{notes / '采购.md'} (modified 2023-11-14)" in shown.stdout + shown.stderr


def test_source_names_the_page_of_a_pdf(shell: Shell, tmp_path: Path) -> None:
    pages = (
        ["Rules of the harbour", "Lamps are lit at six in the evening on every quay."],
        ["The night guard keeps the key of the crane in a red box.", "Nobody else has one."],
    )
    (tmp_path / "rules.pdf").write_bytes(file_samples.pdf_of_pages(*pages))
    shell("ingest", "rules.pdf")
    asked = shell("assistant", "ask", "Where is the key of the crane kept?", "--lang", "en")
    assert "Rules of the harbour, p. 2 " in asked.stdout + asked.stderr
    assert "第 1–2 页" in shell("assistant", "explain", "--lang", "zh").stdout


def test_dry_run_names_what_would_be_read_and_stores_nothing(
    shell: Shell, net: Internet, notes: Path, home: Path
) -> None:
    shutil.rmtree(home / "models", ignore_errors=True)  # the encoder that journeys share
    shown = shell("ingest", "notes", TEA, "--dry-run")
    assert shown.stdout.splitlines()[-1] == TEA
    assert len(shown.stdout.splitlines()) == 4
    assert "1 of no readable type" in shown.stderr
    assert net.hits() == []
    assert list(home.iterdir()) == []


def test_failed_pages_are_tried_again_alone(shell: Shell, net: Internet) -> None:
    net.robots("late.test", "")
    shell("ingest", TEA, "https://late.test/x", code=3)
    text = "<p>The late page speaks of herons that nest by the lake in spring.</p>" * 3
    net.page("https://late.test/x", f"<article><h1>Herons</h1>{text}</article>")
    net.clear()
    again = shell("ingest", "--retry-failed")
    assert "stored 1 document (" in again.stderr
    assert net.hits("leafandwater.example") == []
    assert "nothing" in shell("ingest", "--retry-failed").stderr


def test_limit_pauses_the_run_and_the_same_command_goes_on(shell: Shell, notes: Path) -> None:
    (shell.folder / "urls.txt").write_text("\n".join(readable_urls()[:5]))
    first = shell("ingest", "urls.txt", "--limit", "2")
    assert "stored 2 documents" in first.stderr
    assert "3 left" in first.stderr
    second = shell("ingest", "urls.txt", "--json")
    assert "2 done" in second.stderr
    assert len(second.stdout.splitlines()) == 3


def test_killed_run_goes_on_where_it_was(shell: Shell, net: Internet) -> None:
    urls = readable_urls()[:12]
    (shell.folder / "urls.txt").write_text("\n".join(urls))
    run = shell.start("ingest", "urls.txt", "--json", "--jobs", "1", "--refresh")
    assert run.stdout is not None
    done = {json.loads(run.stdout.readline())["url"] for _ in range(4)}
    run.kill()
    run.communicate()
    net.clear()
    again = shell("ingest", "urls.txt", "--json", "--refresh")
    left = {json.loads(line)["url"] for line in again.stdout.splitlines()}
    assert "going on with the run that was stopped" in again.stderr
    assert len(left) <= len(urls) - 4
    assert done | left >= set(urls) - done
    assert not done & left


def test_archives_are_read_by_choice_and_their_files_answered_from(shell: Shell) -> None:
    papers = shell.folder / "papers"
    papers.mkdir()
    packed = papers / "2025.zip"
    inner = file_samples.tar_gz({"keys.md": b"# Keys\n\nThe boathouse key hangs behind the lamp."})
    members = {"fees.docx": file_samples.docx("Berth 14 costs 4320 euros a year."), "k.tgz": inner}
    packed.write_bytes(file_samples.zipped(members))
    told = shell("ingest", "papers", code=2)
    assert "1 archive: --archives reads it (2025.zip)" in told.stderr
    first = shell("ingest", "papers", "--archives")
    assert "stored 2 documents" in first.stderr
    answer = shell("assistant", "ask", "Where does the boathouse key hang?", "--json").answer.answer
    assert answer.citations[0].url == (packed / "k.tgz" / "keys.md").as_uri()
    again = shell("ingest", "papers", "--archives")
    assert "stored 0 documents (0 chunks), unchanged 2" in again.stderr
    # What a pattern leaves out of it is there, and so stays in the index.
    some = shell("ingest", str(packed), "--include", "*.docx", "--prune")
    assert "removed" not in some.stderr
    # One of its files can be named by itself.
    one = shell("ingest", f"papers/{packed.name}/k.tgz/keys.md", "--refresh")
    assert "stored 1 document (" in one.stderr
    # One that is named is read without the option; what it no longer holds can be removed.
    packed.write_bytes(file_samples.zipped({"k.tgz": inner}))
    told = shell("ingest", str(packed))
    assert "1 document still in the index though the file is gone" in told.stderr
    assert "removed 1" in shell("ingest", str(packed), "--prune").stderr
    left = shell("assistant", "index", "list", "--json").stdout
    assert [json.loads(line)["url"] for line in left.splitlines()] == [
        (packed / "k.tgz" / "keys.md").as_uri()
    ]
