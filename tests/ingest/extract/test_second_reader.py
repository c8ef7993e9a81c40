"""Word and PowerPoint files that our own reader cannot read are read by unstructured."""

import asyncio
import io
import sys
import zipfile
from pathlib import Path

import docx
import pptx
import pytest

from ingest.extract.base import DamagedFileError
from ingest.extract.formats.second_reader import with_second_reader
from ingest.extract.formats.word import read_word
from ingest.extract.registry import DOCX, PPTX
from ingest.extract.worker_pool import ReaderPool
from ingest.foundation.errors import MissingDependencyError

TEXT = "机房的备用钥匙放在三号柜的第二层抽屉里，取用要登记。"


def word_file(*, main: str = "word/document.xml") -> bytes:
    """Return a document whose main part has another name, as its relationships say."""
    document = docx.Document()
    document.add_heading("值班表", 1)
    document.add_paragraph(TEXT)
    document.add_table(1, 2).rows[0].cells[0].text = "电话 85001234"
    saved, renamed = io.BytesIO(), io.BytesIO()
    document.save(saved)
    names = {
        "word/document.xml": main,
        "word/_rels/document.xml.rels": f"word/_rels/{main.removeprefix('word/')}.rels",
    }
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(renamed, "w") as target:
        for name in source.namelist():
            part = source.read(name)
            if name in ("[Content_Types].xml", "_rels/.rels"):
                part = part.replace(b"word/document.xml", main.encode())
            target.writestr(names.get(name, name), part)
    return renamed.getvalue()


def test_a_main_part_of_another_name_is_read() -> None:
    body = word_file(main="word/main-part.xml")
    with pytest.raises(DamagedFileError):
        read_word(body, None)
    content = DOCX.read(body, None)
    assert not isinstance(content, str)
    assert content.text.startswith("# 值班表")
    assert TEXT in content.text
    assert "电话 85001234" in content.text


def slides_file(*, main: str) -> bytes:
    """Return slides whose main part has another name, as their relationships say."""
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "值班表"
    slide.placeholders[1].text = TEXT
    saved, renamed = io.BytesIO(), io.BytesIO()
    deck.save(saved)
    names = {
        "ppt/presentation.xml": f"ppt/{main}",
        "ppt/_rels/presentation.xml.rels": f"ppt/_rels/{main}.rels",
    }
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(renamed, "w") as target:
        for name in source.namelist():
            part = source.read(name)
            if name in ("[Content_Types].xml", "_rels/.rels"):
                part = part.replace(b"ppt/presentation.xml", f"ppt/{main}".encode())
            target.writestr(names.get(name, name), part)
    return renamed.getvalue()


def test_slides_with_a_main_part_of_another_name_are_read() -> None:
    content = PPTX.read(slides_file(main="deck.xml"), None)
    assert not isinstance(content, str)
    assert content.text.startswith("# 值班表")
    assert f"- {TEXT}" in content.text


def test_missing_unstructured_is_named_where_it_would_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "unstructured.nlp", None)
    with pytest.raises(MissingDependencyError) as caught:
        DOCX.read(word_file(main="word/main-part.xml"), None)
    assert "[files]" in caught.value.hint.localize("en")
    assert DOCX.read(word_file(), None) == read_word(word_file(), None)


def test_it_stays_within_the_bounds_of_the_reading_process(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    path.write_bytes(word_file(main="word/main-part.xml"))

    async def read() -> str:
        pool = ReaderPool(timeout_s=30)
        try:
            return (await pool.read_file(path)).text
        finally:
            await pool.close()

    assert TEXT in asyncio.run(read())


def test_what_our_own_reader_reads_is_its_own() -> None:
    first = read_word(word_file(), None)
    assert DOCX.read(word_file(), None) == first


def test_damage_is_said_by_our_own_reader() -> None:
    body = bytearray(word_file(main="word/main-part.xml"))
    middle = body.find(b"word/main-part.xml") + 200
    body[middle : middle + 40] = bytes(40)
    with pytest.raises(DamagedFileError):
        DOCX.read(bytes(body), None)
    read = with_second_reader(read_word, suffix=".docx", main="word/document.xml")
    with pytest.raises(DamagedFileError):
        read(b"PK\x03\x04 nothing", None)
