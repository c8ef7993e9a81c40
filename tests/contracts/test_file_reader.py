"""What every reader of a kind of file promises, tested on each that is registered.

A new reader needs one line here: a sample of its kind.
"""

import plistlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from ingest.errors import ExtractError
from ingest.extract.base import (
    BINARY_SUFFIXES,
    OLD_OFFICE_SUFFIXES,
    PICTURE_SUFFIXES,
    READABLE_SUFFIXES,
    UNKNOWN_TYPES,
    DamagedFileError,
    FileContent,
    FileReader,
    looks_like_text,
)
from ingest.extract.extractor import extract, read_file
from ingest.extract.readers import feed, flat_xml, html, office, picture, saved_pages, text
from ingest.extract.registry import (
    DOCUMENT_TYPES,
    DOCX,
    EML,
    MSG,
    PDF,
    PPTX,
    READERS,
    find_file_reader,
    find_reader,
)
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.extras import install_command
from tests import file_samples
from tests.file_samples import SENTENCE
from tests.internet.net import Internet
from tests.page_samples import page

RSS = f"<rss><channel><title>News</title><item><title>{SENTENCE}</title></item></channel></rss>"
JSON_FEED = (
    '{"version": "https://jsonfeed.org/version/1.1", "title": "News", "items": [{"title": "Tides",'
    f' "content_html": "<b>{SENTENCE}</b>"}}]}}'
)

SAMPLES: Mapping[FileReader, bytes] = {
    PDF: file_samples.pdf(SENTENCE),
    DOCX: file_samples.docx(SENTENCE),
    PPTX: file_samples.pptx("Tides", SENTENCE),
    office.XLSX: file_samples.xlsx(SENTENCE),
    office.EPUB: file_samples.epub("Tides", SENTENCE),
    office.ODT: file_samples.odt(SENTENCE),
    office.RTF: rb"{\rtf1\ansi " + SENTENCE.encode() + b"}",
    flat_xml.FLAT_XML: (
        "<office:document xmlns:office='o' xmlns:text='t'><office:body><office:text><text:p>"
        f"{SENTENCE}</text:p></office:text></office:body></office:document>"
    ).encode(),
    picture.PICTURE: file_samples.picture(SENTENCE),
    EML: file_samples.eml("Tides", SENTENCE),
    MSG: file_samples.msg("Tides", SENTENCE),
    saved_pages.MHTML: (
        "MIME-Version: 1.0\nContent-Type: multipart/related; boundary=x\n\n--x\n"
        f"Content-Type: text/html\n\n<title>Tides</title><p>{SENTENCE}</p>\n--x--\n"
    ).encode(),
    saved_pages.WEBARCHIVE: plistlib.dumps(
        {
            "WebMainResource": {
                "WebResourceMIMEType": "text/html",
                "WebResourceTextEncodingName": "UTF-8",
                "WebResourceData": f"<title>Tides</title><p>{SENTENCE}</p>".encode(),
            }
        },
        fmt=plistlib.FMT_BINARY,
    ),
    office.CALENDAR: (
        f"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Tides\nDTSTART:20250301\nDESCRIPTION:{SENTENCE}\n"
        "END:VEVENT\nEND:VCALENDAR\n"
    ).encode(),
    office.CARDS: f"BEGIN:VCARD\nFN:Tide Office\nNOTE:{SENTENCE}\nEND:VCARD\n".encode(),
    office.CSV: f'day,what\n1 May,"{SENTENCE}"\n'.encode(),
    office.JSON: f'{{"title": "Tides", "text": "{SENTENCE}"}}'.encode(),
    office.JSON_LINES: f'{{"text": "{SENTENCE}"}}\n{{"text": "More."}}\n'.encode(),
    office.NOTEBOOK: (
        f'{{"cells": [{{"cell_type": "markdown", "source": ["{SENTENCE}"]}}]}}'.encode()
    ),
    text.MARKDOWN: f"# Tides\n\n{SENTENCE}".encode(),
    text.RST: f"Tides\n=====\n\n{SENTENCE}".encode(),
    text.ORG: f"* Tides\n{SENTENCE}".encode(),
    text.TEX: f"\\section{{Tides}}\n{SENTENCE}".encode(),
    text.ASCIIDOC: f"= Tides\n\n{SENTENCE}".encode(),
    text.CODE: f"# {SENTENCE}\nprint(1)".encode(),
    text.SUBTITLES: f"1\n00:00:01,000 --> 00:00:03,000\n{SENTENCE}\n".encode(),
    feed.FEED: RSS.encode(),
    feed.JSON_FEED: JSON_FEED.encode(),
    html.HTML: f"<!doctype html><title>Tides</title><p>{SENTENCE}".encode(),
    text.TEXT: SENTENCE.encode(),
}

each_reader = pytest.mark.parametrize("reader", READERS, ids=lambda one: one.media_types[0])
LIBRARIES = ("rapidocr", "PIL", "pypdfium2", "openpyxl", "olefile")


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An internet without a single host: a reader that asks for one is found out."""
    with Internet().serve() as net:
        for name, value in net.variables.items():
            monkeypatch.setenv(name, value)
        yield
        assert net.refused == []


def text_of(reader: FileReader, body: bytes) -> str:
    content = reader.read(body, None)
    return content.text if isinstance(content, FileContent) else content


def test_every_reader_has_a_sample_here() -> None:
    assert set(SAMPLES) == set(READERS)


@each_reader
def test_a_body_is_recognized_under_each_media_type_of_its_kind(reader: FileReader) -> None:
    assert reader.media_types
    for media_type in reader.media_types:
        assert media_type == media_type.lower().strip()
        assert find_reader(media_type, SAMPLES[reader]) is reader


@each_reader
def test_a_local_file_is_recognized_by_its_suffix_in_any_case(reader: FileReader) -> None:
    for suffix in reader.suffixes:
        assert suffix == suffix.lower()
        assert find_file_reader(suffix.upper(), SAMPLES[reader]) is reader


@each_reader
def test_no_suffix_and_no_documents_media_type_belongs_to_two_kinds(reader: FileReader) -> None:
    others = [other for other in READERS if other is not reader]
    assert not any(set(reader.suffixes) & set(other.suffixes) for other in others)
    if reader.is_document:
        assert set(reader.media_types) <= DOCUMENT_TYPES
        assert not any(set(reader.media_types) & set(other.media_types) for other in others)


@each_reader
def test_a_document_is_never_taken_for_text(reader: FileReader) -> None:
    # Mail, tables and JSON are text, and nothing else marks them.
    if not reader.is_document or looks_like_text(SAMPLES[reader]):
        return
    for media_type in (*UNKNOWN_TYPES, "text/plain", "text/html"):
        found = find_reader(media_type, SAMPLES[reader])
        assert found is None or found is reader


@each_reader
def test_its_sentence_comes_out(reader: FileReader) -> None:
    content = text_of(reader, SAMPLES[reader])
    assert SENTENCE in content
    assert ("<p>" in content) == (reader.produces == "html")


@each_reader
def test_a_page_of_its_kind_becomes_a_document(reader: FileReader) -> None:
    found = extract(page(SAMPLES[reader], media_type=reader.media_types[0]))
    assert SENTENCE in found.text
    assert found.title


@each_reader
def test_a_local_file_of_its_kind_becomes_the_same_text(reader: FileReader, tmp_path: Path) -> None:
    on_the_web = extract(page(SAMPLES[reader], media_type=reader.media_types[0]))
    for suffix in reader.suffixes:
        path = tmp_path / f"tides{suffix}"
        path.write_bytes(SAMPLES[reader])
        assert read_file(path).text == on_the_web.text


@each_reader
def test_several_threads_read_what_one_reads(reader: FileReader) -> None:
    once = reader.read(SAMPLES[reader], None)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(reader.read, [SAMPLES[reader]] * 8, [None] * 8)) == {once}


def damaged(body: bytes) -> Iterator[bytes]:
    yield b""
    for share in (0.1, 0.5, 0.9, 0.99):
        yield body[: int(len(body) * share)]
    for place in range(0, len(body), max(1, len(body) // 16)):
        yield body[:place] + b"\xff\x00\xfe\x01" * 8 + body[place + 32 :]


@each_reader
def test_damage_gives_what_text_is_left_or_says_that_it_is_damage(reader: FileReader) -> None:
    for body in damaged(SAMPLES[reader]):
        with suppress(DamagedFileError):
            assert isinstance(text_of(reader, body), str)


@each_reader
def test_damage_is_reported_under_the_name_of_the_file(reader: FileReader, tmp_path: Path) -> None:
    path = tmp_path / f"broken{next(iter(reader.suffixes), '.txt')}"
    errors = []
    for body in damaged(SAMPLES[reader]):
        path.write_bytes(body)
        try:
            read_file(path)
        except ExtractError as error:
            errors.append(error)
    assert errors
    assert {error.reason for error in errors} <= {
        "unsupported",
        "empty",
        "blank",
        "needs_browser",
    }
    assert all(path.name in error.localize("en") for error in errors)


@each_reader
def test_it_names_the_extra_whose_libraries_it_needs(
    reader: FileReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    for library in LIBRARIES:
        monkeypatch.setitem(sys.modules, library, None)
    sample = page(SAMPLES[reader], media_type=reader.media_types[0])
    if not reader.extra:
        assert SENTENCE in extract(sample).text
        return
    with pytest.raises(MissingDependencyError) as caught:
        extract(sample)
    assert reader.suffixes[0] in caught.value.localize("en")
    assert caught.value.hint.localize("en") == install_command(reader.extra)


def test_table_of_suffixes_is_that_of_the_readers() -> None:
    assert {suffix for reader in READERS for suffix in reader.suffixes} - {""} == READABLE_SUFFIXES
    assert frozenset(picture.PICTURE.suffixes) == PICTURE_SUFFIXES
    assert BINARY_SUFFIXES - OLD_OFFICE_SUFFIXES < READABLE_SUFFIXES


def test_importing_the_registry_imports_no_library_of_an_extra() -> None:
    program = "import sys, ingest.extract.registry; print(*sys.modules)"
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert not {*LIBRARIES} & set(shown.stdout.split())
