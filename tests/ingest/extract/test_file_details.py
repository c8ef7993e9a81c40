"""What is easily lost of files: what is hidden, anchored, above a head, or between two letters."""

import io
import json
import zipfile
from pathlib import Path

import pytest

from ingest.documents import Document
from ingest.errors import ExtractError
from ingest.extract.extractor import read_file
from tests import file_samples
from tests.file_samples import zipped


def read(path: Path, body: bytes | str) -> Document:
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    return read_file(path)


def word(body: str) -> bytes:
    return zipped({"word/document.xml": f"<document><body>{body}</body></document>"})


def test_line_of_several_cells_above_the_head_is_no_head(tmp_path: Path) -> None:
    import openpyxl

    book, written = openpyxl.Workbook(), io.BytesIO()
    rows = [("Plan 2026", None, None, "Unit: kg"), ("Field", "Crop", "Planned", "Harvested")]
    for row in (*rows, ("Long Acre", "rye", 5400, 5120), ("Fox Hole", "oats", 4100, 4075)):
        book.active.append(row)
    book.save(written)
    text = read(tmp_path / "a.xlsx", written.getvalue()).text
    assert text.startswith("Plan 2026 | Unit: kg\n\n| Field | Crop | Planned | Harvested |")
    # A head that names fewer columns than its rows fill is one all the same.
    table = read(tmp_path / "a.csv", b"Name,,\nAnn,3,4\nBob,5,6\n").text
    assert "Name" in table.splitlines()[0]


def test_how_a_character_is_read_does_not_part_a_word(tmp_path: Path) -> None:
    ruby = "<r><ruby><rt><r><t>yú</t></r></rt><rubyBase><r><t>盂</t></r></rubyBase></ruby></r>"
    body = f"<p><r><t>南</t></r>{ruby}<r><t>镇</t></r></p>"
    assert read(tmp_path / "a.docx", word(body)).text == "南盂镇"


def test_hidden_slide_is_read(tmp_path: Path) -> None:
    import pptx

    deck = pptx.Presentation(io.BytesIO(file_samples.pptx("Backup", "2.6 million")))
    written = io.BytesIO()
    deck.slides[0]._element.set("show", "0")
    deck.save(written)
    assert "2.6 million" in read(tmp_path / "a.pptx", written.getvalue()).text


def test_numbers_of_notes_in_a_book_are_dropped_and_formulas_kept(tmp_path: Path) -> None:
    note = '<a epub:type="noteref" href="#f">1</a>'
    chapter = f"Dried tansy{note} yields <math><mn>22</mn></math> kilograms"
    text = read(tmp_path / "a.epub", file_samples.epub("Bees", chapter)).text
    assert text == "Dried tansy yields $22$ kilograms"


def test_header_of_a_mail_in_a_charset_that_only_python_knows_is_read(tmp_path: Path) -> None:
    lines = "From: =?eucgb2312_cn?b?0+HP/uGw?= <yu@hui.example>\nSubject: s\n\nText."
    assert "From: 俞晓岚 <yu@hui.example>" in read(tmp_path / "a.eml", lines).text


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("a.txt", " \n"),
        ("a.ics", "BEGIN:VCALENDAR\nEND:VCALENDAR\n"),
        ("a.csv", ""),
    ],
)
def test_file_with_nothing_in_it_is_told_from_a_damaged_one(
    tmp_path: Path, name: str, body: str
) -> None:
    with pytest.raises(ExtractError) as caught:
        read(tmp_path / name, body)
    assert caught.value.reason == "blank"
    assert caught.value.localize("zh").count("是空文件，或没有文字") == 1


@pytest.mark.parametrize("suffix", [".docx", ".PDF", ".xlsx", ".epub", ".doc", ".png", ".msg"])
def test_document_without_a_byte_is_empty_and_to_be_copied_again(
    tmp_path: Path, suffix: str
) -> None:
    with pytest.raises(ExtractError) as caught:
        read(tmp_path / f"a{suffix}", "")
    assert caught.value.reason == "blank"
    assert caught.value.localize("zh").count("是空文件") == 1
    assert caught.value.hint.localize("en") == "copy or download it again"


def test_label_that_a_person_gave_a_telephone_or_a_relative_is_shown(tmp_path: Path) -> None:
    card = (
        "BEGIN:VCARD\nVERSION:3.0\nFN:Ada Ray\nitem1.TEL:555 0199\nitem1.X-ABLabel:Boathouse\n"
        "item2.X-ABRELATEDNAMES:Tom\nitem2.X-ABLabel:_$!<Brother>!$_\nEND:VCARD\n"
    )
    text = read(tmp_path / "a.vcf", card).text
    assert text == "- Ada Ray; Phone (Boathouse): 555 0199; Related (Brother): Tom"


def test_times_at_which_somebody_is_busy_are_read(tmp_path: Path) -> None:
    calendar = (
        "BEGIN:VCALENDAR\nBEGIN:VFREEBUSY\nORGANIZER:mailto:ada@a.example\n"
        "FREEBUSY:20260301T090000Z/PT2H,20260302T130000Z/20260302T140000Z\n"
        "FREEBUSY;FBTYPE=FREE:20260303T090000Z/PT1H\nEND:VFREEBUSY\nEND:VCALENDAR\n"
    )
    text = read(tmp_path / "a.ifb", calendar).text
    assert "Busy: 2026-03-01 09:00 UTC to 2026-03-01 11:00 UTC, 2026-03-02 13:00 UTC to" in text
    assert "2026-03-03" not in text
    assert "Organizer: ada@a.example" in text


def test_diagram_embedded_sheet_and_inserted_file_of_a_word_document_are_read(
    tmp_path: Path,
) -> None:
    body = (
        "<p><r><rPr><vanish/></rPr><t>hidden</t></r><r><t>Loads</t></r></p>"
        '<p><r><drawing><relIds dm="d1"/></drawing></r></p><altChunk id="d2"/>'
    )
    targets = {
        "d1": "diagrams/data1.xml",
        "d2": "chunk.html",
        "d3": "embeddings/beams.xlsx",
        "d4": "embeddings/oleObject1.bin",
    }
    relations = "".join(
        f'<Relationship xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
        f' Id="{key}" Target="{target}"/>'
        for key, target in targets.items()
    )
    parts = {
        "word/document.xml": f"<document><body>{body}</body></document>",
        "word/_rels/document.xml.rels": f"<Relationships>{relations}</Relationships>",
        "word/diagrams/data1.xml": "<m><p><r><t>Foreman signs first</t></r></p></m>",
        "word/chunk.html": "<html><body><p>Nets from Dunajec.</p></body></html>",
        "word/embeddings/oleObject1.bin": "\u0001",
    }
    written = io.BytesIO(zipped(parts))
    with zipfile.ZipFile(written, "a") as file:
        file.writestr("word/embeddings/beams.xlsx", file_samples.xlsx("Beam", "57 kN"))
    document = read(tmp_path / "a.docx", written.getvalue())
    assert document.text.split("\n\n") == [
        *("Loads", "- Foreman signs first", "Nets from Dunajec.", "## beams.xlsx"),
        "| Beam | 57 kN |\n|---|---|",
    ]
    assert [note.localize("en") for note in document.notes] == [
        "attachment oleObject1.bin is not read"
    ]


def cell(text: str, span: int = 1) -> str:
    over = f'<tcPr><gridSpan val="{span}"/></tcPr>' if span > 1 else ""
    return f"<tc>{over}<p><r><t>{text}</t></r></p></tc>"


def test_head_rows_above_each_other_of_a_word_table_are_one(tmp_path: Path) -> None:
    rows = [
        [cell("Shop"), cell("2025", 2), cell("2026", 2)],
        [cell(""), *(cell(text) for text in ("sold", "back", "sold", "back"))],
        *([cell(f"shop {n}"), *(cell(f"{n}{k}") for k in range(4))] for n in range(10, 24)),
    ]
    table = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    text = read(tmp_path / "a.docx", word(f"<tbl>{table}</tbl>")).text
    assert "- Shop: shop 12; 2025 sold: 120; 2025 back: 121; 2026 sold: 122; 2026 back: 123" in text


@pytest.mark.parametrize(
    ("inner", "shown"),
    [
        ([["Summer", "SAE 40"], ["Winter", "SAE 10"]], "Summer: SAE 40; Winter: SAE 10"),
        ([["Only"], ["lines"]], "Only; lines"),
        ([["5", "6", "7"], ["8", "", "9"]], "5, 6, 7; 8, 9"),
        ([["Oil", "Hot", "Cold"], ["A", "40", "10"]], "Oil: A, Hot: 40, Cold: 10"),
    ],
)
def test_a_table_within_a_cell_of_word_is_a_line_without_bars(
    tmp_path: Path, inner: list[list[str]], shown: str
) -> None:
    rows = "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in inner)
    outer = f"<tr>{cell('Part')}{cell('Value')}</tr><tr>{cell('Oil grades')}<tc><tbl>{rows}</tbl>"
    text = read(tmp_path / "a.docx", word(f"<tbl>{outer}<p/></tc></tr></tbl>")).text
    assert text == f"| Part | Value |\n|---|---|\n| Oil grades | {shown} |"


def test_merged_cells_and_comments_of_slides_are_read(tmp_path: Path) -> None:
    import pptx
    from pptx.util import Inches

    deck = pptx.Presentation(io.BytesIO(file_samples.pptx("Park", "x")))
    frame = deck.slides[0].shapes.add_table(3, 2, Inches(1), Inches(1), Inches(4), Inches(2))
    for place, text in enumerate(("Lot", "Work", "North", "quay", "", "bridge")):
        frame.table.cell(place // 2, place % 2).text = text
    frame.table.cell(1, 0).merge(frame.table.cell(2, 0))
    written = io.BytesIO()
    deck.save(written)
    relations = "ppt/slides/_rels/slide1.xml.rels"
    with zipfile.ZipFile(written) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    comment = b'<Relationship Id="r9" Type="c" Target="../comments/comment1.xml"/></Relationships>'
    parts[relations] = parts[relations].replace(b"</Relationships>", comment)
    parts["ppt/comments/comment1.xml"] = b"<cmLst><cm><text>Deng has to sign</text></cm></cmLst>"
    text = read(tmp_path / "a.pptx", zipped(parts)).text
    assert "| North | quay |\n| North | bridge |" in text
    assert "Deng has to sign" in text


def test_hours_beyond_a_day_are_hours(tmp_path: Path) -> None:
    import datetime

    import openpyxl

    book, written = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["Shift", datetime.timedelta(hours=26, minutes=5)])
    book.active["B1"].number_format = "[h]:mm"
    book.save(written)
    assert "| Shift | 26:05 |" in read(tmp_path / "a.xlsx", written.getvalue()).text


def test_notebook_of_before_2015_is_read(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "source": "Tides"},
        {"cell_type": "code", "input": "print(m)", "outputs": [{"text": "13.42 m"}]},
    ]
    text = read(tmp_path / "a.ipynb", json.dumps({"worksheets": [{"cells": cells}]})).text
    assert text == "## Tides\n\n```\nprint(m)\n```\n\n13.42 m"


def level(number: int, kind: str, text: str, more: str = "") -> str:
    return (
        f'<lvl ilvl="{number}"><start val="1"/><numFmt val="{kind}"/><lvlText val="{text}"/>{more}'
        "</lvl>"
    )


def listed(number: str, text: str, depth: int = 0) -> str:
    place = f'<pPr><numPr><ilvl val="{depth}"/><numId val="{number}"/></numPr></pPr>'
    return f"<p>{place}<r><t>{text}</t></r></p>"


def test_numbers_that_word_sets_itself_are_in_the_text(tmp_path: Path) -> None:
    kinds = {
        "0": level(0, "chineseCounting", "第%1条") + level(1, "decimal", "%1.%2", "<isLgl/>"),
        "1": level(0, "lowerLetter", "(%1)"),
        "2": level(0, "bullet", "•"),
        "3": level(0, "upperRoman", "%1."),
        "4": level(0, "lowerLetter", "%1)").replace('start val="1"', 'start val="999999999"'),
    }
    numbering = "".join(
        f'<abstractNum abstractNumId="{key}">{levels}</abstractNum>'
        for key, levels in kinds.items()
    )
    numbering += "".join(
        f'<num numId="{n}"><abstractNumId val="{n - 1}"/></num>' for n in range(1, 6)
    )
    numbering += (
        '<num numId="9"><abstractNumId val="1"/><lvlOverride ilvl="0"><startOverride val="1"/>'
        "</lvlOverride></num>"
    )
    body = "".join(
        [
            *(listed("1", f"条 {n}") for n in range(1, 12)),
            *(listed("1", "款", 1), listed("1", "款", 1), listed("1", "尾")),
            *(listed("2", "x"), listed("2", "y"), listed("9", "z"), listed("3", "dot")),
            *(listed("4", "iv") for _ in range(4)),
            *(listed("0", "none"), listed("77", "unknown"), listed("5", "far")),
        ]
    )
    parts = {
        "word/document.xml": f"<document><body>{body}</body></document>",
        "word/numbering.xml": f"<numbering>{numbering}</numbering>",
    }
    text = read(tmp_path / "a.docx", zipped(parts)).text.split("\n\n")
    assert text[:3] == ["第一条 条 1", "第二条 条 2", "第三条 条 3"]
    assert text[9:14] == ["第十条 条 10", "第十一条 条 11", "11.1 款", "11.2 款", "第十二条 尾"]
    assert text[14:18] == ["(a) x", "(b) y", "(a) z", "- dot"]
    assert text[18:] == [
        "I. iv",
        "II. iv",
        "III. iv",
        "IV. iv",
        "none",
        "- unknown",
        "999999999) far",
    ]


def test_a_list_of_word_begins_where_it_says_level_by_level(tmp_path: Path) -> None:
    levels = level(0, "decimal", "%1.") + level(1, "decimal", "%1.%2")
    starts = "".join(
        f'<lvlOverride ilvl="{n}"><startOverride val="{start}"/></lvlOverride>'
        for n, start in ((0, 5), (1, 3))
    )
    numbering = (
        f'<abstractNum abstractNumId="0">{levels}</abstractNum>'
        '<num numId="1"><abstractNumId val="0"/></num>'
        f'<num numId="2"><abstractNumId val="0"/>{starts}</num>'
    )
    body = listed("1", "a") + listed("2", "b") + listed("2", "c", 1) + listed("2", "d")
    parts = {
        "word/document.xml": f"<document><body>{body}</body></document>",
        "word/numbering.xml": f"<numbering>{numbering}</numbering>",
    }
    text = read(tmp_path / "a.docx", zipped(parts)).text
    assert text.split("\n\n") == ["1. a", "5. b", "5.3 c", "6. d"]


def test_empty_paragraphs_of_word_have_numbers_and_deleted_ones_none(tmp_path: Path) -> None:
    numbering = (
        f'<abstractNum abstractNumId="0">{level(0, "decimal", "%1.")}</abstractNum>'
        '<num numId="1"><abstractNumId val="0"/></num>'
    )
    empty = listed("1", "")
    gone = empty.replace("</pPr>", "<rPr><del/></rPr></pPr>")
    hidden = empty.replace("</pPr>", "<rPr><vanish/></rPr></pPr>")
    body = listed("1", "a") + empty + listed("1", "b") + gone + hidden + listed("1", "c")
    parts = {
        "word/document.xml": f"<document><body>{body}</body></document>",
        "word/numbering.xml": f"<numbering>{numbering}</numbering>",
    }
    assert read(tmp_path / "a.docx", zipped(parts)).text.split("\n\n") == ["1. a", "3. b", "4. c"]


def test_numbers_of_headings_come_from_their_styles(tmp_path: Path) -> None:
    styles = "".join(
        f'<style styleId="H{n}"><name val="heading {n}"/><pPr><numPr><ilvl val="{n - 1}"/>'
        '<numId val="1"/></numPr></pPr></style>'
        for n in (1, 2)
    )
    levels = level(0, "decimal", "%1") + level(1, "decimal", "%1.%2")
    numbering = f'<abstractNum abstractNumId="0">{levels}</abstractNum>'
    numbering += '<num numId="1"><abstractNumId val="0"/></num>'
    body = "".join(
        f'<p><pPr><pStyle val="H{n}"/></pPr><r><t>{text}</t></r></p>'
        for n, text in ((1, "General"), (2, "Scope"), (1, "Crew"), (2, "Watches"), (2, "Leave"))
    )
    parts = {
        "word/document.xml": f"<document><body>{body}</body></document>",
        "word/numbering.xml": f"<numbering>{numbering}</numbering>",
        "word/styles.xml": f"<styles>{styles}</styles>",
    }
    assert read(tmp_path / "a.docx", zipped(parts)).text.split("\n\n") == [
        *("# 1 General", "## 1.1 Scope", "# 2 Crew", "## 2.1 Watches", "## 2.2 Leave")
    ]


def test_zeros_that_a_format_writes_before_a_number_are_kept(tmp_path: Path) -> None:
    import openpyxl

    book, written = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["Postcode", 1067, 12.5])
    book.active["B1"].number_format = "00000"
    book.active["C1"].number_format = "000"
    book.save(written)
    assert "| Postcode | 01067 | 12.5 |" in read(tmp_path / "a.xlsx", written.getvalue()).text
