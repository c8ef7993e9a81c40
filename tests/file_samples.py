"""Files of every kind that can be read, small and whole, each with a sentence in it."""

import io
import struct
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

SENTENCE = "The harbour was quiet that morning, and the boats lay still in the grey water."


def pdf(*lines: str) -> bytes:
    """Write the smallest PDF that shows `lines`."""
    return pdf_of_pages(lines)


def pdf_of_pages(*pages: Sequence[str]) -> bytes:
    """Write a PDF of several pages, each with its lines."""
    shown = (" ".join(f"({line}) Tj T*" for line in lines) for lines in pages)
    return pdf_of_contents(*(f"BT /F1 12 Tf 72 720 Td 14 TL {lines} ET" for lines in shown))


def pdf_of_contents(*pages: str) -> bytes:
    """Write a PDF of several pages, each drawn by its content stream."""
    numbers = [4 + 2 * place for place in range(len(pages))]
    kids = " ".join(f"{number} 0 R" for number in numbers)
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, content in zip(numbers, pages, strict=True):
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {number + 1} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>",
            f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
        ]
    text, offsets = "%PDF-1.4\n", []
    for number, written in enumerate(objects, 1):
        offsets.append(len(text))
        text += f"{number} 0 obj\n{written}\nendobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    trailer = f"trailer << /Size {size} /Root 1 0 R >>\nstartxref\n{len(text)}\n%%EOF\n"
    return (text + f"xref\n0 {size}\n0000000000 65535 f \n{table}" + trailer).encode()


def docx(*paragraphs: str) -> bytes:
    import docx

    word, written = docx.Document(), io.BytesIO()
    for paragraph in paragraphs:
        word.add_paragraph(paragraph)
    word.save(written)
    return written.getvalue()


def pptx(title: str, text: str) -> bytes:
    import pptx

    deck, written = pptx.Presentation(), io.BytesIO()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = title
    slide.placeholders[1].text = text
    deck.save(written)
    return written.getvalue()


def xlsx(*cells: str) -> bytes:
    import openpyxl

    book, written = openpyxl.Workbook(), io.BytesIO()
    book.active.append(list(cells))
    book.save(written)
    return written.getvalue()


def zipped(parts: Mapping[str, str]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        for name, text in parts.items():
            file.writestr(name, text)
    return written.getvalue()


def epub(title: str, text: str) -> bytes:
    package = (
        f"<package><metadata><title>{title}</title></metadata><manifest>"
        '<item id="a" href="a.xhtml"/></manifest><spine><itemref idref="a"/></spine></package>'
    )
    container = '<container><rootfiles><rootfile full-path="book.opf"/></rootfiles></container>'
    chapter = f"<html><body><p>{text}</p></body></html>"
    parts = {"META-INF/container.xml": container, "book.opf": package, "a.xhtml": chapter}
    return zipped({"mimetype": "application/epub+zip"} | parts)


def odt(*paragraphs: str) -> bytes:
    shown = "".join(f"<p>{text}</p>" for text in paragraphs)
    content = f"<document><body><text>{shown}</text></body></document>"
    return zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content})


def eml(subject: str, text: str) -> bytes:
    return (
        f"From: ada@example.com\nTo: bob@example.com\nSubject: {subject}\n"
        f"Content-Type: text/plain; charset=utf-8\n\n{text}\n"
    ).encode()


def msg(subject: str, text: str) -> bytes:
    """Write the smallest mail as Outlook saves it ([MS-OXMSG]): class, subject and body."""
    properties = {0x001A001F: "IPM.Note", 0x0037001F: subject, 0x1000001F: text}
    table = b"".join(
        struct.pack("<IIII", tag, 6, 2 * len(value) + 2, 0) for tag, value in properties.items()
    )
    streams = {"__properties_version1.0": bytes(32) + table}
    for tag, value in properties.items():
        streams[f"__substg1.0_{tag:08X}"] = value.encode("utf-16-le")
    return ole(streams)


Streams = Mapping[str, "bytes | Streams"]
"""Short streams of a compound file by name, and the streams of its storages."""


def ole(streams: Streams) -> bytes:
    """Write a compound file ([MS-CFB]) of short streams: FAT, directory, mini FAT, mini stream."""
    end, fat_sector, nothing = 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF
    data, mini_fat = b"", list[int]()

    def entry(name: str, kind: int, child: int, sibling: int, start: int, size: int) -> bytes:
        raw = name.encode("utf-16-le") + b"\0\0"
        links = (nothing, sibling, child)
        return struct.pack(
            "<64sHBB3I16sI2QIQ", raw, len(raw), kind, 1, *links, b"", 0, 0, 0, start, size
        )

    def sector(numbers: list[int]) -> bytes:
        return struct.pack(f"<{len(numbers)}I", *numbers).ljust(512, b"\xff")

    written: dict[int, bytes] = {}

    def add(inner: Streams, first: int) -> int:
        """Write the entries of one storage from `first` on; return the number behind the last."""
        nonlocal data, mini_fat
        names = sorted(inner, key=lambda name: (len(name), name.upper()))
        free = first + len(names)
        for number, name in enumerate(names, first):  # siblings in a row: no left branches
            content = inner[name]
            sibling = number + 1 if number < first + len(names) - 1 else nothing
            if isinstance(content, bytes):
                written[number] = entry(name, 2, nothing, sibling, len(mini_fat), len(content))
                sectors = -(-len(content) // 64)
                mini_fat += [*range(len(mini_fat) + 1, len(mini_fat) + sectors), end]
                data += content.ljust(64 * sectors, b"\0")
            else:
                written[number] = entry(name, 1, free, sibling, 0, 0)
                free = add(content, free)
        return free

    entries = -(-add(streams, 1) // 4)
    data_sectors = -(-len(data) // 512)
    mini_fat_at, data_at = 1 + entries, 2 + entries
    root = entry("Root Entry", 5, 1, nothing, data_at, len(data))
    directory = b"".join([root, *(written[number] for number in sorted(written))])
    fat = [fat_sector, *range(2, 1 + entries), end, end]
    fat += [*range(data_at + 1, data_at + data_sectors), end]
    magic = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    header = struct.pack("<8s16s5H6s", magic, b"", 0x3E, 3, 0xFFFE, 9, 6, b"")
    # The last number is the first sector of the FAT; all others of that table stay unused (0xFF).
    header += struct.pack("<10I", 0, 1, 1, 0, 4096, mini_fat_at, 1, end, 0, 0)
    return b"".join(
        (
            header.ljust(512, b"\xff"),
            sector(fat),
            directory.ljust(512 * entries, b"\0"),
            sector(mini_fat),
            data.ljust(512 * data_sectors, b"\0"),
        )
    )


OCR_SIDE = 736
"""Pixels of the shorter side to which RapidOCR enlarges a picture: one line on a strip of paper is
five times as wide then, and takes three times as long to read."""


def picture(*lines: str, kind: str = "PNG", **options: Any) -> bytes:
    """Draw lines as black letters on white paper; `kind` "PDF" makes a scan of it."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size=26)  # comes with Pillow: machines have other fonts
    longest = max(len(line) for line in lines)
    size = max(400, 14 * longest + 80), max(OCR_SIDE, 60 * len(lines) + 80)
    paper = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(paper)
    for number, line in enumerate(lines):
        pen.text((40, 40 + 60 * number), line, font=font, fill="black")
    written = io.BytesIO()
    paper.save(written, kind, resolution=150, **options)
    return written.getvalue()


def tar_gz(members: Mapping[str, bytes], *links: tuple[str, str]) -> bytes:
    """Pack files, and links as (name, target), into a tar file."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as archive:
        for name, body in members.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(body), 1_717_200_000  # 1 June 2024
            archive.addfile(entry, io.BytesIO(body))
        for name, target in links:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return written.getvalue()


def zip_of_chinese_windows(members: Mapping[str, bytes]) -> bytes:
    """Pack files whose names are GBK without a word about it, as Explorer does there."""
    written = io.BytesIO()
    places = {}
    with zipfile.ZipFile(written, "w") as archive:
        for number, (name, body) in enumerate(members.items()):
            raw = name.encode("gbk")
            stand_in = f"{number:0{len(raw)}}"
            places[stand_in.encode()] = raw
            archive.writestr(stand_in, body)
    packed = written.getvalue()
    for stand_in_bytes, raw in places.items():
        packed = packed.replace(stand_in_bytes, raw)
    return packed
