import io
import os
import socket
import subprocess
from collections.abc import Iterator, Sequence
from itertools import count, islice
from pathlib import Path

import pytest

from ingest.bulk.folders import PathPatterns, PatternError, scan_folder
from ingest.bulk.sources import SourceError, SourceItem, read_sources
from ingest.events import FileLeftOut, SourceScanned, SourceUnusable


def sources(*names: str, stdin: str = "", **patterns: Sequence[str]) -> list[SourceItem]:
    wanted = PathPatterns(**patterns)
    return list(read_sources(names, stdin=io.StringIO(stdin), patterns=wanted))


def files(items: list[SourceItem]) -> list[Path]:
    return [item for item in items if isinstance(item, Path)]


def urls(items: list[SourceItem]) -> list[str]:
    return [item for item in items if isinstance(item, str)]


def unusable(items: list[SourceItem]) -> list[SourceUnusable]:
    return [item for item in items if isinstance(item, SourceUnusable)]


def left_out(items: list[SourceItem], folder: Path) -> dict[str, str]:
    return {
        item.path.removeprefix(f"{folder}/"): item.reason
        for item in items
        if isinstance(item, FileLeftOut)
    }


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
    assert files(found) == []
    assert len(unusable(found)) == 2
    assert all("a pipe or a socket" in item.detail.localize("en") for item in unusable(found))


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
    assert sources(name) == [url]


def test_file_that_is_there_is_read_whatever_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("example.com", "handbook.pdf"):
        (tmp_path / name).write_text("words")
    found = sources("example.com", "handbook.pdf")
    assert found == [tmp_path / "example.com", tmp_path / "handbook.pdf"]


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
    (home / "key.md").symlink_to(elsewhere / "c.md")
    (home / "twin.md").symlink_to(home / "b.md")
    (home / "round.md").symlink_to(home / "round.md")
    os.mkfifo(home / "pipe.md")
    return home


def names_of(items: list[SourceItem], folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in files(items)]


def test_folder_is_all_documents_in_it_that_we_can_read(folder: Path) -> None:
    found = sources(str(folder))
    assert names_of(found, folder) == ["a/report.PDF", "a/z.html", "b.md"]
    assert found[-1] == SourceScanned(name=str(folder), kind="folder", count=3, left_out=9)


def test_what_a_folder_leaves_out_is_named_with_the_reason(folder: Path) -> None:
    assert left_out(sources(str(folder)), folder) == {
        ".git/": "hidden",
        ".hidden.md": "hidden",
        "gone.md": "link_broken",
        "key.md": "link_outside",
        "link": "link_outside",
        "photo.png": "picture",
        "pipe.md": "special",
        "round.md": "link_broken",
        "twin.md": "link_inside",
    }


def test_document_without_a_byte_is_read_and_so_called_damaged(tmp_path: Path) -> None:
    for name in ("paper.pdf", "plan.docx", "old.doc", "note.md", "logo.png"):
        (tmp_path / name).touch()
    found = sources(str(tmp_path))
    assert names_of(found, tmp_path) == ["old.doc", "paper.pdf", "plan.docx"]
    assert left_out(found, tmp_path) == {"note.md": "empty", "logo.png": "picture"}


def test_files_without_a_suffix_are_what_their_bytes_say(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("机房的钥匙放在三号柜。", encoding="utf-8")
    (tmp_path / "program").write_bytes(b"\x7fELF\x02\x01\x01" + bytes(60))
    (tmp_path / "nothing").touch()
    found = sources(str(tmp_path))
    assert names_of(found, tmp_path) == ["README"]
    assert left_out(found, tmp_path) == {"program": "no_reader", "nothing": "empty"}


def test_ignore_files_hold_below_their_folder_and_the_deepest_decides(folder: Path) -> None:
    for name in ("build/x.md", "a/build/y.md", "a/keep/z.md", "node_modules/m.md", "~$b.md"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("words", encoding="utf-8")
    (folder / ".gitignore").write_text("# made\nbuild/\nz.*\n!\n", encoding="utf-8")
    (folder / "a/.ignore").write_text("!build/\n", encoding="utf-8")
    (folder / "a/keep/.gitignore").write_text("!z.md\n", encoding="utf-8")
    found = sources(str(folder))
    assert names_of(found, folder) == ["a/build/y.md", "a/keep/z.md", "a/report.PDF", "b.md"]
    ignored = {
        item.path.removeprefix(f"{folder}/"): (item.reason, item.rule.rpartition("/notes/")[2])
        for item in found
        if isinstance(item, FileLeftOut) and item.reason in ("ignored", "system")
    }
    assert ignored == {
        "a/z.html": ("ignored", ".gitignore: z.*"),
        "build/": ("ignored", ".gitignore: build/"),
        "node_modules/": ("system", "node_modules/"),
        "~$b.md": ("system", "~$*"),
    }


def test_include_and_exclude_choose_files_by_pattern(folder: Path) -> None:
    assert names_of(sources(str(folder), include=["*.html", "*.PDF"]), folder) == [
        "a/report.PDF",
        "a/z.html",
    ]
    assert names_of(sources(str(folder), exclude=["a/"]), folder) == ["b.md"]
    assert names_of(sources(str(folder), include=["a/"], exclude=["*.PDF"]), folder) == ["a/z.html"]


@pytest.mark.parametrize("pattern", ["", "!", "  "])
def test_pattern_that_is_none_is_one_clear_line(pattern: str) -> None:
    with pytest.raises(PatternError) as caught:
        sources("https://a.test/", exclude=[pattern])
    assert caught.value.exit_code == 2


def test_folder_without_documents_says_so(tmp_path: Path) -> None:
    found = sources(str(tmp_path))
    assert found == [SourceScanned(name=str(tmp_path), kind="folder", count=0)]


def test_folders_in_each_other_may_be_deeper_than_calls(tmp_path: Path) -> None:
    depth, place = 1_200, tmp_path
    home = Path.cwd()
    try:
        os.chdir(tmp_path)
        for _ in range(depth):
            Path("d").mkdir()
            os.chdir("d")
        Path("deep.md").write_text("words")
        found = sources(str(place))
    finally:
        os.chdir(home)
        # Here and not by pytest, whose clean-up calls itself for each level.
        subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)
    assert [path.name for path in files(found)] == ["deep.md"]


def test_source_that_cannot_be_opened_is_listed_and_the_rest_goes_on(tmp_path: Path) -> None:
    """A socket stands for it: nobody can open one as a file, not even root."""
    path = tmp_path / "notes.md"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        found = sources("https://a.test/", str(path))
    assert urls(found) == ["https://a.test/"]
    assert files(found) == []
    assert [item.name for item in unusable(found)] == [str(path)]


@pytest.mark.parametrize(
    "text",
    [
        "1.总则\n固定资产的购置由部门提出申请。\n",
        "Introduction.\nThis handbook is for new staff.\n",
        "README.md\nconfig.yaml\nv2.3.1\n",
        "会议纪要2026.11.03\n出席：王强\n",
        "user@example.com\nHello...\n",
        "config.local\nmy-secret-host.invalid\ntoken-abc123.invalid\n",
        "https://a.test/article\n\nThe whole text of the article.\nIt has two lines.\n",
        "Tea needs water of 80 degrees.",
        "",
    ],
)
def test_text_is_a_document_unless_most_of_its_lines_are_addresses(
    text: str, tmp_path: Path
) -> None:
    path = tmp_path / "note.txt"
    path.write_text(text, encoding="utf-8")
    assert sources(str(path)) == [path]


@pytest.mark.parametrize("name", ["list.txt", "list", "list.urls"])
def test_list_is_read_line_by_line_and_bad_lines_are_named(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(
        "\ufeff# tea\nhttps://a.test/1  # green\nexample.com/2\n\nfile:///etc/passwd\nHTTP://b.test\n",
        encoding="utf-8",
    )
    found = sources(str(path))
    assert urls(found) == ["https://a.test/1", "https://example.com/2", "http://b.test/"]
    assert ["line 5" in item.detail.localize("en") for item in unusable(found)] == [True]


def test_a_line_without_end_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "list.urls"
    path.write_text("https://a.test/" + "x" * 300_000 + "\nhttps://b.test/\n", encoding="utf-8")
    found = sources(str(path))
    assert urls(found) == ["https://b.test/"]
    assert "line 1" in unusable(found)[0].detail.localize("en")


def test_sources_are_read_as_they_are_asked_for() -> None:
    def endless() -> Iterator[str]:
        for number in count():
            yield f"https://a.test/{number}\n"

    class Endless(io.StringIO):
        lines = endless()

        def readline(self, size: int | None = -1, /) -> str:
            return next(self.lines)

    found = read_sources(["-"], stdin=Endless())
    assert list(islice(found, 3))[-1] == "https://a.test/2"


def test_a_home_of_ours_within_the_folder_is_no_document(tmp_path: Path) -> None:
    for name in ("a.md", "home/index/index.sqlite", "home/models/tokenizer.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("The ferry leaves at nine.", "utf-8")
    found = list(scan_folder(tmp_path))
    left = [(item.path, item.reason) for item in found if isinstance(item, FileLeftOut)]
    assert left == [(f"{tmp_path / 'home'}/", "system")]
    assert [item for item in found if isinstance(item, Path)] == [tmp_path / "a.md"]
