"""Word and PowerPoint files that our own reader cannot read are read by unstructured."""

import io
import zipfile

import docx
import pytest

from ingest.extract.base import DamagedFileError
from ingest.extract.formats.second_reader import with_second_reader
from ingest.extract.formats.word import read_word
from ingest.extract.readers.office import DOCX

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
