import io
import os
import socket
from pathlib import Path

import pytest

from ingest.sources import SourceError, Sources, read_sources


def sources(*names: str, stdin: str = "") -> Sources:
    return read_sources(names, stdin=io.StringIO(stdin))


@pytest.mark.parametrize(
    "name",
    ["handbok.pdf", "Notes.MD", "docs/plan.docx", "nowhere.txt", "nowhere", "docs/v1.2", "x" * 999],
)
def test_document_that_is_not_there_is_no_web_page(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match="no such file") as caught:
        sources("https://a.test/", name)
    assert caught.value.exit_code == 2
    assert name[:80] in caught.value.localize("zh")


def test_devices_and_pipes_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")  # nobody writes to it: opening it would wait for ever
    found = sources("https://a.test/", "/dev/urandom", str(tmp_path / "pipe.md"))
    assert found.files == ()
    assert len(found.notes) == 2
    assert all("a device, a pipe or a socket" in note.localize("en") for note in found.notes)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("example.com", "https://example.com/"),
        ("example.com/page", "https://example.com/page"),
        ("example.com:8443/x?file=a.pdf", "https://example.com:8443/x?file=a.pdf"),
        ("https://example.com/handbook.pdf", "https://example.com/handbook.pdf"),
        ("//example.com/x", "https://example.com/x"),
        ("93.184.216.34/x", "https://93.184.216.34/x"),
        ("[::1]/", "https://[::1]/"),
        ("茶.中国/绿茶", "https://xn--cl1a.xn--fiqs8s/%E7%BB%BF%E8%8C%B6"),
    ],
)
def test_address_may_leave_out_its_scheme(name: str, url: str) -> None:
    assert sources(name).urls == (url,)


def test_file_that_is_there_is_read_whatever_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("example.com", "handbook.pdf"):
        (tmp_path / name).write_text("words")
    found = sources("example.com", "handbook.pdf")
    assert found.files == (tmp_path / "example.com", tmp_path / "handbook.pdf")
    assert found.urls == ()


@pytest.mark.parametrize("name", ["", "  "])
def test_empty_name_is_one_clear_line(name: str) -> None:
    with pytest.raises(SourceError, match="empty") as caught:
        sources(name)
    assert caught.value.hint.localize("zh")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with three documents, and what is none beside them."""
    home = tmp_path / "notes"
    for name in ("b.md", "a/z.html", "a/report.PDF", "photo.png", ".hidden.md", ".git/x.md"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("words", encoding="utf-8")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "c.md").write_text("words", encoding="utf-8")
    (home / "link").symlink_to(elsewhere, target_is_directory=True)
    (home / "gone.md").symlink_to(tmp_path / "nowhere.md")
    return home


def test_folder_is_all_documents_in_it_that_we_can_read(folder: Path) -> None:
    found = sources(str(folder))
    names = [path.relative_to(folder).as_posix() for path in found.files]
    assert names == ["a/report.PDF", "a/z.html", "b.md"]
    assert [note.localize("en") for note in found.notes] == [f"{folder}: 3 documents"]
    assert [note.localize("zh") for note in found.notes] == [f"{folder}：3 个文档"]


def test_folder_among_others_names_no_document_twice(folder: Path) -> None:
    found = sources(str(folder / "b.md"), str(folder / "a"), str(folder), "https://a.test/")
    assert [path.name for path in found.files] == ["b.md", "report.PDF", "z.html"]
    assert found.urls == ("https://a.test/",)


def test_folder_without_documents_is_said_to_have_none(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no page to store") as caught:
        sources(str(tmp_path))
    assert "0 documents" in caught.value.hint.localize("en")
    assert "0 个文档" in caught.value.localize("zh")


def test_source_that_cannot_be_opened_is_listed_and_the_rest_goes_on(tmp_path: Path) -> None:
    """A socket stands for it: nobody can open one as a file, not even root."""
    path = tmp_path / "notes.md"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        found = sources("https://a.test/", str(path))
    assert found.files == ()
    assert found.urls == ("https://a.test/",)
    assert found.notes[0].localize("en").startswith(f"cannot read {path}")
    assert found.notes[0].localize("zh").startswith(f"读不了 {path}")
