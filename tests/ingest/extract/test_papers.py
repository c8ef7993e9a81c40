"""What PDF files hold beside their text, and pages that are not set in one column from the top."""

import io
from pathlib import Path

from ingest.documents import Document
from ingest.extract.extractor import read_file
from tests import file_samples


def read(path: Path, body: bytes) -> Document:
    path.write_bytes(body)
    return read_file(path)


def shown_at(x: int, y: int, text: str, *, size: int = 11) -> str:
    """Return what draws a text at a place, in points from the lower left corner."""
    return f"BT /F1 {size} Tf {x} {y} Td ({text}) Tj ET"


def drawn(*pieces: str) -> bytes:
    """Return a PDF of one page that is drawn by these pieces of a content stream."""
    content = "\n".join(pieces)
    return file_samples.pdf_of_contents(content)


def test_three_columns_are_read_one_after_the_other(tmp_path: Path) -> None:
    columns = (
        "The pool in Ferry Lane|closes for repairs on|the ninth of March. The|boiler that heats the"
        "|water leaks into the|cellar of the school.",
        "Mrs Dalrymple won this|year with a pumpkin of|212 kilograms, which she|had grown in the"
        "|yard behind the house|of her late aunt.",
        "Bus line 14 no longer|stops at the old brewery|where it used to wait. It|now leaves from a"
        "|stop in Mill Street, as|the driver announced.",
    )
    lines = [column.split("|") for column in columns]
    pieces = [
        shown_at(60 + 170 * column, 700 - 14 * row, lines[column][row])
        for row in range(6)
        for column in range(3)
    ]
    text = read(tmp_path / "a.pdf", drawn(*pieces)).text
    assert "closes for repairs on the ninth of March. The boiler that heats" in text
    assert "a pumpkin of 212 kilograms, which she had grown in the yard" in text
    assert "It now leaves from a stop in Mill Street" in text


def test_three_columns_of_words_stay_a_table(tmp_path: Path) -> None:
    rows = [("Pump", "Where it stands", "Who inspects it")]
    rows += [(f"No {n}", f"lower dyke, field {n}", f"Inspector {n}") for n in range(1, 8)]
    pieces = [
        shown_at(60 + 170 * column, 700 - 14 * row, cell)
        for row, cells in enumerate(rows)
        for column, cell in enumerate(cells)
    ]
    text = read(tmp_path / "a.pdf", drawn(*pieces)).text
    assert "Pump: No 3; Where it stands: lower dyke, field 3; Who inspects it: Inspector 3" in text


def test_table_of_three_columns_with_long_cells_is_read_row_by_row(tmp_path: Path) -> None:
    cell = "the keeper of lock {}|opens it by hand when|the water is high and"
    heads = ("Duty", "Owner", "Remark")
    pieces = [shown_at(60 + 170 * column, 720, head, size=9) for column, head in enumerate(heads)]
    pieces += [
        shown_at(60 + 170 * column, 700 - 45 * row - 12 * n, line, size=9)
        for row in range(5)
        for column in range(3)
        for n, line in enumerate(cell.format(f"{row}-{column}").split("|"))
    ]
    text = read(tmp_path / "a.pdf", drawn(*pieces)).text
    places = [text.index(f"lock {row}-{column}") for row in range(5) for column in range(3)]
    assert places == sorted(places)


def test_page_whose_lines_run_upward_or_downward_is_read_as_turned(tmp_path: Path) -> None:
    rows = [
        ("Pump", "Capacity", "Inspector"),
        ("Birch", "275 l/s", "Ruy"),
        ("Cedar", "420 l/s", "Ilda"),
    ]
    cells = [
        shown_at(60 + 150 * column, 200 - 18 * row, cell)
        for row, texts in enumerate(rows)
        for column, cell in enumerate(texts)
    ]
    for turn in ("0 1 -1 0 400 0 cm", "0 -1 1 0 100 700 cm"):
        text = read(tmp_path / "a.pdf", drawn(turn, *cells)).text
        assert "| Cedar | 420 l/s | Ilda |" in text, turn


def test_title_and_blocks_apart_do_not_flow_into_the_text(tmp_path: Path) -> None:
    pieces = [shown_at(60, 740, "The Ferry Lane Gazette", size=22)]
    pieces += [
        shown_at(60, 715, "the boats of the harbour lie"),
        shown_at(60, 701, "still in the water"),
    ]
    pieces += [shown_at(60, 650, "Name of the vessel")]
    lines = read(tmp_path / "a.pdf", drawn(*pieces)).text.splitlines()
    assert lines == [
        "The Ferry Lane Gazette",
        "the boats of the harbour lie still in the water",
        "Name of the vessel",
    ]


def test_comments_and_attachments_of_a_pdf_are_read(tmp_path: Path) -> None:
    from pypdf import PdfReader, PdfWriter
    from pypdf.annotations import FreeText, Highlight, Text
    from pypdf.generic import ArrayObject, FloatObject, NameObject, TextStringObject

    writer = PdfWriter()
    writer.append(PdfReader(io.BytesIO(file_samples.pdf("Due in thirty days.", "Posts: forty."))))
    note = Text(rect=(400, 700, 420, 720), text="Make it sixty days.")
    note[NameObject("/T")] = TextStringObject("Benedikte")
    writer.add_annotation(0, note)
    writer.add_annotation(0, FreeText(text="Approved by the mayor.", rect=(300, 500, 400, 540)))
    corners = ArrayObject([FloatObject(n) for n in (70, 716, 200, 716, 70, 702, 200, 702)])
    mark = Highlight(rect=(70, 702, 200, 716), quad_points=corners)
    mark[NameObject("/Contents")] = TextStringObject("Which model?")
    writer.add_annotation(0, mark)
    writer.add_attachment("prices.csv", b"article,price\nbuttermilk,88.20\n")
    writer.add_attachment("plan.dwg", b"\x00\x01\x02")
    written = io.BytesIO()
    writer.write(written)
    document = read(tmp_path / "a.pdf", written.getvalue())
    assert "Benedikte: Make it sixty days." in document.text
    assert "Approved by the mayor." in document.text
    assert "(Posts: forty.): Which model?" in document.text
    assert "## prices.csv\n\n| article | price |" in document.text
    assert [note.localize("en") for note in document.notes] == ["attachment plan.dwg is not read"]


def test_pdf_in_a_pdf_in_a_pdf_ends(tmp_path: Path) -> None:
    from pypdf import PdfReader, PdfWriter

    body = file_samples.pdf("The innermost.")
    for _ in range(6):
        writer, written = PdfWriter(), io.BytesIO()
        writer.append(PdfReader(io.BytesIO(file_samples.pdf("A cover."))))
        writer.add_attachment("inner.pdf", body)
        writer.write(written)
        body = written.getvalue()
    document = read(tmp_path / "a.pdf", body)
    assert document.text.count("A cover.") == 4
    assert [note.localize("en") for note in document.notes] == ["attachment inner.pdf is not read"]


def test_table_within_a_column_is_read_between_the_lines_of_its_column(tmp_path: Path) -> None:
    left = [f"the voles of the northern mire {n}, which were" for n in range(14)]
    right = [f"and in the snow of winter {n} the tracks of" for n in range(14)]
    pieces = [shown_at(50, 740 - 14 * n, text, size=9) for n, text in enumerate(left)]
    pieces += [
        shown_at(320, 740 - 14 * n, text, size=9)
        for n, text in enumerate(right)
        if n not in (4, 5, 6)
    ]
    # Its rows stand between the lines on the left.
    for n, cells in enumerate(
        (("Season", "Range", "Prey"), ("Autumn", "38", "5"), ("Winter", "61", "7"))
    ):
        pieces += [
            shown_at(320 + 80 * k, 681 - 13 * n, cell, size=9) for k, cell in enumerate(cells)
        ]
    text = read(tmp_path / "a.pdf", drawn(*pieces)).text
    assert (
        "| Season | Range | Prey |\n|---|---|---|\n| Autumn | 38 | 5 |\n| Winter | 61 | 7 |" in text
    )
    assert (
        text.index("mire 13")
        < text.index("winter 0")
        < text.index("Season")
        < text.index("winter 7")
    )


def test_table_below_two_columns_of_text_is_whole(tmp_path: Path) -> None:
    pieces = [
        shown_at(x, 740 - 13 * n, f"{text} {n}, which were", size=9)
        for n in range(14)
        for x, text in ((50, "the voles of the northern mire"), (320, "and the tracks of the snow"))
    ]
    table = (("Item", "Price", "Stock"), ("Pump", "100", "7"), ("Valve", "20", "8"))
    pieces += [
        shown_at(50 + 175 * column, 500 - 14 * row, cell, size=9)
        for row, cells in enumerate(table)
        for column, cell in enumerate(cells)
    ]
    text = read(tmp_path / "a.pdf", drawn(*pieces)).text
    assert text.endswith(
        "| Item | Price | Stock |\n|---|---|---|\n| Pump | 100 | 7 |\n| Valve | 20 | 8 |"
    )
    assert text.index("mire 13") < text.index("snow 0")


def test_lines_of_one_cell_are_one_and_tables_apart_are_two(tmp_path: Path) -> None:
    rows = [
        (700, ("Risk", "Measure", "Owner")),
        (680, ("Flooding of the archive", "Pump with a switch, tested on", "Dunne")),
        (668, ("cellar after long rain", "the first Monday", "")),
        (648, ("Theft of maps", "Bags stay in lockers", "Mahlangu")),
        (560, ("Total", "2,454.00", "francs")),
        (540, ("Due", "2 April", "2026")),
    ]
    pieces = [
        shown_at(60 + 180 * column, y, cell)
        for y, cells in rows
        for column, cell in enumerate(cells)
        if cell
    ]
    text = read(tmp_path / "a.pdf", drawn(*pieces)).text
    assert "| Flooding of the archive cellar after long rain |" in text
    assert "| Pump with a switch, tested on the first Monday | Dunne |" in text
    assert "\n| Total | 2,454.00 | francs |\n|---|" in text


def test_cell_whose_next_line_stands_alone_is_whole(tmp_path: Path) -> None:
    rows = [
        (700, ("Service", "Unit", "Price")),
        (680, ("Crane up to eight tonnes,", "hour", "1,150")),
    ]
    rows += [(669, ("operator included",)), (649, ("Fresh water", "m3", "18"))]
    pieces = [
        shown_at(60 + 180 * column, y, cell)
        for y, cells in rows
        for column, cell in enumerate(cells)
    ]
    text = read(tmp_path / "a.pdf", drawn(*pieces)).text
    assert "| Crane up to eight tonnes, operator included | hour | 1,150 |" in text
    assert "| Fresh water | m3 | 18 |" in text


def test_running_head_of_a_page_of_two_lines_is_dropped(tmp_path: Path) -> None:
    body = [shown_at(60, 700 - 14 * n, f"the boats lie still in the water {n}") for n in range(8)]
    pages = ["\n".join([shown_at(60, 800, "Harbour of Leirvik"), *body]) for _ in range(3)]
    pages.append("\n".join([shown_at(60, 800, "Harbour of Leirvik"), shown_at(60, 700, "the end")]))
    text = read(tmp_path / "a.pdf", file_samples.pdf_of_contents(*pages)).text
    assert "Harbour of Leirvik" not in text
    assert text.endswith("the end")
