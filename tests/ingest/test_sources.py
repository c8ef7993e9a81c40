import io
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
    assert name[:80] in caught.value.to("zh")


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
    assert caught.value.hint.zh
