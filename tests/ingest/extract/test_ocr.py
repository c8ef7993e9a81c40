"""Text of scans and pictures, read by RapidOCR itself."""

import asyncio
import io
import sys
from datetime import date
from pathlib import Path

import pytest

from ingest.documents import Document
from ingest.errors import ExtractError
from ingest.extract.extractor import extract, read_file
from ingest.extract.formats.long_work import allow_long_work
from ingest.extract.worker_pool import ReaderPool
from tests.file_samples import SENTENCE, pdf, picture
from tests.page_samples import page

FEE = "The fee for berth 14 is 4,320 euros a year."


async def read_in_process(*paths: Path, timeout_s: float = 120) -> list[Document]:
    pool = ReaderPool(timeout_s=30, workers=1, document_timeout_s=timeout_s)
    try:
        return [await pool.read_file(path) for path in paths]
    finally:
        await pool.close()


def scan_of(*pages: str) -> bytes:
    """Return a PDF of pictures, a page for each text."""
    from PIL import Image

    papers = [Image.open(io.BytesIO(picture(*text.splitlines()))) for text in pages]
    written = io.BytesIO()
    papers[0].save(written, "PDF", save_all=True, append_images=papers[1:], resolution=150)
    return written.getvalue()


def test_a_scan_is_read_page_by_page_within_the_bounds_of_the_reader(tmp_path: Path) -> None:
    (tmp_path / "scan.pdf").write_bytes(scan_of(FEE, SENTENCE))
    (document,) = asyncio.run(read_in_process(tmp_path / "scan.pdf"))
    first, second = document.page_starts
    assert document.text[first:second].strip() == FEE
    assert document.text[second:].strip() == SENTENCE
    assert [note.localize("en") for note in document.notes] == [
        "2 of 2 pages read by OCR, which may misread"
    ]


def test_each_page_of_a_scan_has_the_time_of_a_document(tmp_path: Path) -> None:
    calls = []
    (tmp_path / "scan.pdf").write_bytes(scan_of(FEE, FEE, FEE))
    with allow_long_work(lambda: calls.append(1)):
        read_file(tmp_path / "scan.pdf")
    assert len(calls) == 3


def test_pages_with_text_are_not_read_again(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf(FEE))
    calls = []
    with allow_long_work(lambda: calls.append(1)):
        assert read_file(tmp_path / "a.pdf").text == FEE
    assert calls == []


def test_a_question_does_not_wait_for_the_scan_of_a_page_on_the_web() -> None:
    with pytest.raises(ExtractError, match="no text") as caught:
        extract(page(scan_of(FEE), media_type="application/pdf"))
    assert "save the file and run: ingest FILE" in caught.value.localize("en")


def test_without_the_extra_its_command_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    (tmp_path / "scan.pdf").write_bytes(scan_of(FEE))
    with allow_long_work(lambda: None), pytest.raises(ExtractError) as caught:
        read_file(tmp_path / "scan.pdf")
    assert "[ocr]" in caught.value.localize("en")
    assert "--refresh" in caught.value.localize("zh")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP"])
def test_each_kind_of_picture_is_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"note.{kind.lower()}"
    path.write_bytes(picture(FEE, kind=kind))
    assert read_file(path).text == FEE


def test_a_picture_that_was_taken_sideways_is_turned(tmp_path: Path) -> None:
    from PIL import Image

    upright = Image.open(io.BytesIO(picture(FEE, SENTENCE)))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned right to be upright
    exif.get_ifd(0x8769)[0x9003] = "2025:03:14 09:26:53"
    upright.rotate(90, expand=True).save(tmp_path / "photo.jpg", exif=exif)
    document = read_file(tmp_path / "photo.jpg")
    assert document.text.splitlines() == [FEE, SENTENCE]
    assert document.published == date(2025, 3, 14)


def test_a_long_conversation_in_one_picture_is_read_to_its_end(tmp_path: Path) -> None:
    lines = [f"Message {number} of the long talk." for number in range(1, 51)]
    (tmp_path / "chat.png").write_bytes(picture(*lines))
    found = read_file(tmp_path / "chat.png").text
    # Cut into strips, no line is lost, doubled or cut through.
    assert [line for line in found.splitlines() if line.strip()] == lines


def test_a_picture_without_text_says_so(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (500, 400), "steelblue").save(tmp_path / "sky.png")
    with pytest.raises(ExtractError) as caught:
        read_file(tmp_path / "sky.png")
    assert caught.value.reason == "empty"


def test_a_picture_that_unfolds_to_gigabytes_is_refused(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("1", (40_000, 40_000)).save(tmp_path / "bomb.png")
    assert (tmp_path / "bomb.png").stat().st_size < 1_000_000
    with pytest.raises(ExtractError) as caught:
        read_file(tmp_path / "bomb.png")
    assert caught.value.reason == "too_large"
