"""Files from a browser are kept under names that no other content has."""

import asyncio
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter

from ingest.settings import MAX_NAME_CHARACTERS, collection_name
from tests.file_samples import pdf
from ui.turn_fields import display_place, path_of_file
from ui.uploads import FileNotReadError, collection_of_file, keep_upload, read_upload


@pytest.mark.parametrize(
    ("name", "collection"),
    [
        ("值班表 (新).md", "值班表 新.md"),
        ("a/../../b.txt", "b.txt"),
        ("C:\\papers\\x.pdf", "x.pdf"),
        (".hidden", "hidden"),
        ("tab.md\t", "tab.md"),
        ("no-break.md\u00a0", "no-break.md"),
        ("🌙.md", "file cf086b.md"),
        ("re\u0301sume\u0301.pdf", "r\u00e9sum\u00e9.pdf"),
        ("हिन्दी.pdf", "हिन्दी.pdf"),
        ("<script>.html", "script.html"),
        ("", "file"),
    ],
)
def test_any_name_becomes_a_file_in_the_home_and_a_collection(
    home: Path, name: str, collection: str
) -> None:
    kept = keep_upload(name, b"one")
    assert kept.parent == home / "library"
    assert collection_of_file(kept) == collection == collection_name(collection)
    assert keep_upload(name, b"one") == kept
    other = keep_upload(name, memoryview(b"two"))
    assert other != kept
    assert kept.read_bytes() == b"one"
    assert collection_of_file(other) != collection
    assert display_place(kept.as_uri()) == kept.name
    assert path_of_file(kept.as_uri()) == kept


def test_what_cannot_be_read_says_why_in_the_readers_language(home: Path) -> None:
    protected, written = PdfWriter(), BytesIO()
    protected.append(PdfReader(BytesIO(pdf("Secret."))))
    protected.encrypt("word")
    protected.write(written)
    files = {
        "合同 (密).pdf": (written.getvalue(), "密码"),
        "tool.exe": (b"MZ" * 100, "exe"),
    }
    for name, (content, why) in files.items():
        with pytest.raises(FileNotReadError) as failed:
            asyncio.run(read_upload(keep_upload(name, content), language="zh"))
        said = failed.value.message.localize("zh")
        assert said.count(name) == 1
        assert why in said
        assert str(home) not in said


def test_a_long_name_keeps_its_beginning_and_its_end() -> None:
    name = collection_of_file(Path("长" * 200 + "2026.pdf"))
    assert len(name) <= MAX_NAME_CHARACTERS
    assert name.endswith("2026.pdf")
    assert collection_name(name) == name
    assert display_place("file:///srv/papers/a%20b.pdf") == "/srv/papers/a b.pdf"
