"""`ingest`: lists, URLs and documents into the index that `assistant ask` answers from."""

import json
from pathlib import Path

from tests.internet.demo import sample_pages
from tests.internet.net import Internet
from tests.journeys.conftest import Shell

TEA = "https://leafandwater.example/brewing/green-tea"


def test_list_of_urls_is_stored_and_answered_from(shell: Shell, net: Internet) -> None:
    urls = [page.url for page in sample_pages() if not page.by_script and page.language == "en"]
    (shell.folder / "urls.txt").write_text(
        "\ufeff# tea\r\n" + "\r\n".join([*urls, urls[0]]) + "\r\n"
    )
    shown = shell("ingest", "urls.txt", "--json")
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
        "ingest", TEA, "https://closed.test/x", "https://gone.test/x", "http://127.0.0.1/"
    )
    assert "stored 1 page (" in shown.stderr
    assert "skipped 3" in shown.stderr
    for reason in ("robots.txt line 2: Disallow: /", "404", "127.0.0.1"):
        assert reason in shown.stderr


def test_junk_lines_are_named_and_the_rest_goes_on(shell: Shell) -> None:
    (shell.folder / "urls.txt").write_text(f"{TEA}\nfile:///etc/passwd\nhttps://{'x' * 70_000}/\n")
    shown = shell("ingest", "urls.txt")
    assert "line 2" in shown.stderr
    assert "line 3" in shown.stderr
    assert len(shown.stderr) < 3_000


def test_urls_come_from_standard_input_too(shell: Shell) -> None:
    assert "stored 1 page (" in shell("ingest", "-", stdin=TEA).stderr


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
    urls = [page.url for page in sample_pages() if not page.by_script and page.language == "en"]
    small = {"ASSISTANT_CHUNK__SIZE": "100", "ASSISTANT_CHUNK__OVERLAP": "20"}
    first = shell("ingest", *urls, "--json")
    events = [json.loads(line) for line in first.stdout.splitlines()]
    before = {event["url"]: event for event in events if event["type"] == "page_stored"}
    one, *rest = before
    again = shell("ingest", one, "--json", **small)
    assert json.loads(again.stdout)["origin"] == "memory"
    assert json.loads(again.stdout)["chunks"] > before[one]["chunks"]
    assert f"{len(rest)} pages in the index cut otherwise than set" in again.stderr
    assert (
        f"{len(rest)} pages in the index cut otherwise"
        in shell("assistant", "doctor", code=None, **small).stdout
    )
    shown = shell("ingest", "--recut", "--json", **small)
    cut = [json.loads(line) for line in shown.stdout.splitlines()]
    assert {page["url"] for page in cut} == set(rest)
    assert all(page["embedded"] == page["chunks"] > page["chunks_before"] for page in cut)
    assert f"recut {len(rest)} pages" in shown.stderr
    assert "recut 0 pages" in shell("ingest", "--recut", **small).stderr
    answer = shell("assistant", "ask", "How hot should water be for green tea?", "--json", **small)
    assert TEA in {citation.url for citation in answer.answer.answer.citations}


def test_recut_takes_no_sources(shell: Shell) -> None:
    assert "--recut takes no SOURCES" in shell("ingest", "--recut", TEA, code=2).stderr


def test_file_that_is_missing_is_one_line(shell: Shell) -> None:
    shown = shell("ingest", "nowhere.txt", code=2)
    assert "nowhere.txt" in shown.stderr
    assert shell("ingest", code=2).stderr.startswith("Usage")


def test_nothing_stored_is_a_failure(shell: Shell, net: Internet) -> None:
    net.robots("gone.test", "")
    shell("ingest", "https://gone.test/x", code=1)
