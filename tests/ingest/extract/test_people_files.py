"""Files as people have them: merged heads, two tables in a sheet, films, columns, protection."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import openpyxl
import pytest
from openpyxl.comments import Comment

from ingest.documents import Document
from ingest.errors import ExtractError
from ingest.extract.extractor import read_file
from ingest.extract.formats.paper.columns import PdfPiece
from ingest.extract.formats.paper.layout import page_lines
from tests import file_samples


def read(path: Path, content: bytes | str) -> Document:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_file(path)


def saved(book: openpyxl.Workbook) -> bytes:
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def test_merged_heads_name_each_column_below_them(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (
        ["2025年销售报表"],
        ["地区", "第一季度", None, "第二季度", None],
        [None, "计划", "实际", "计划", "实际"],
        ["华东", 120, 131, 140, 152],
        ["华南", 98, 87, 110, 93],
    ):
        sheet.append(row)
    for merged in ("A1:E1", "A2:A3", "B2:C2", "D2:E2"):
        sheet.merge_cells(merged)
    lines = read(tmp_path / "a.xlsx", saved(book)).text.splitlines()
    assert lines[0] == "2025年销售报表"
    assert lines[2] == "| 地区 | 第一季度 计划 | 第一季度 实际 | 第二季度 计划 | 第二季度 实际 |"
    assert lines[-1] == "| 华南 | 98 | 87 | 110 | 93 |"


def test_a_cell_over_several_rows_is_said_in_each(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["Site", "Pump", "Bar"], ["North", "A", 3], [None, "B", 4], ["South", "C", 5]):
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    assert "| North | B | 4 |" in read(tmp_path / "a.xlsx", saved(book)).text


PRINTERS = [["LaserPro", "SN-4471", 2.14], ["InkMax", "SN-9012", 3.02], ["Old", "SN-1", 1]]


@pytest.mark.parametrize("title", [[], [["Printers"]]])
def test_a_second_table_in_a_sheet_has_a_head_of_its_own(
    title: list[list[str]], tmp_path: Path
) -> None:
    book = openpyxl.Workbook()
    first = [["Name", "City"], *([f"Paper mill {n}", "Leeds"] for n in range(30))]
    for row in (*first, [], *title, ["Model", "Serial", "Room"], *PRINTERS * 5):
        book.active.append(row)
    text = read(tmp_path / "a.xlsx", saved(book)).text
    assert "- Name: Paper mill 3; City: Leeds" in text
    assert "- Model: LaserPro; Serial: SN-4471; Room: 2.14" in text


@pytest.mark.parametrize(
    "group",
    [
        [["Maier", "Graz", 4], ["Huber", "Linz", 5]],  # rows as those above
        [["South"], ["Maier", "Graz", 4], ["Huber", "Linz", 5]],  # under the name of a group
        [["Maier", "Graz", "none"], ["Huber", "Linz", "none"]],
        [["Total", "", 30]],
        [["Ebb", "Hull", "unknown"], ["Maier", "Graz", 4], ["Huber", "Linz", 5]],
    ],
)
def test_an_empty_row_within_a_table_does_not_end_it(
    group: list[list[object]], tmp_path: Path
) -> None:
    book = openpyxl.Workbook()
    rows = [["Name", "City", "Boats"], *([f"Fisher {n}", "Kiel", n] for n in range(20))]
    for row in (*rows, [], *group):
        book.active.append(row)
    last = read(tmp_path / "a.xlsx", saved(book)).text.splitlines()[-1]
    assert last.startswith(f"- Name: {group[-1][0]}; ")


def rows_of_sheet(
    tmp_path: Path, *rows: Sequence[object], merged: tuple[str, ...] = ()
) -> list[str]:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for each in merged:
        book.active.merge_cells(each)
    return read(tmp_path / "a.xlsx", saved(book)).text.splitlines()


@pytest.mark.parametrize(
    ("head", "record", "merged"),
    [
        (["姓名", "联系方式", None, "城市"], ["张三", "13800000000", "zs@a.cn", "北京"], ["B1:C1"]),
        (["Name", "Room", None, "Day"], ["Ann", "East wing", "third floor", "Monday"], ["B1:C1"]),
        (["Sales", None, "Dates", None], ["Ann", 5, "Bob", 6], ["A1:B1", "C1:D1"]),
        (["Mail", None, "Post", None], ["a@b.example", "x", "Leeds", "York"], ["A1:B1", "C1:D1"]),
    ],
)
def test_a_record_below_a_name_over_several_columns_is_no_head(
    head: list[object], record: list[object], merged: list[str], tmp_path: Path
) -> None:
    rows = [head, record, [*record[:-1], "x"]]
    lines = rows_of_sheet(tmp_path, *rows, merged=tuple(merged))
    assert lines[0] == f"| {' | '.join(str(cell or '') for cell in head)} |"
    assert lines[2] == f"| {' | '.join(map(str, record))} |"


def test_years_below_merged_heads_are_heads(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["Site", "Sales", None],
        [None, 2023, 2024],
        ["North", 5, 6],
        ["South", 7, 8],
    ]
    lines = rows_of_sheet(tmp_path, *rows, merged=("A1:A2", "B1:C1"))
    assert lines[0] == "| Site | Sales 2023 | Sales 2024 |"


@pytest.mark.parametrize(
    ("rows", "merged", "last"),
    [
        (
            [["Project", "Staff", "Budget"], ["A", "Ann", 1000], ["", "Bob", None]],
            "C2:C3",
            "Bob | ",
        ),
        ([["Item", "Net", "Gross"], ["Tea", 5, 6], ["Rum", 40, None]], "B3:C3", "40 | "),
        ([["No.", "Staff", "Sum"], [7, "Ann", 5], [None, "Bob", 6]], "A2:A3", "7 | Bob | 6"),
        ([["Post", "Year", "Sum"], ["A", 2024, 5], ["B", None, 6]], "B2:B3", "2024 | 6"),
        ([["Post", "Day", "Sum"], ["A", "2024-05-01", 5], ["B", None, 6]], "B2:B3", "05-01 | 6"),
    ],
)
def test_a_merged_amount_is_said_once(
    rows: list[list[object]], merged: str, last: str, tmp_path: Path
) -> None:
    assert rows_of_sheet(tmp_path, *rows, merged=(merged,))[-1].endswith(f"{last} |")


@pytest.mark.parametrize(
    ("value", "shown_as", "expected"),
    [
        (0.1234567, "0.0%", "12.3%"),
        (1 / 3, "0%", "33%"),
        (0.125, "0%", "13%"),
        (-0.0525, "0.0%;[Red]-0.0%", "-5.3%"),
        (12, "#,##0.00%", "1,200.00%"),
    ],
)
def test_shares_are_rounded_as_they_are_shown(
    value: float, shown_as: str, expected: str, tmp_path: Path
) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Rate", value])
    book.active["B1"].number_format = shown_as
    assert f"| Rate | {expected} |" in read(tmp_path / "a.xlsx", saved(book)).text


def test_shares_times_and_comments_are_as_people_see_them(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Contract", "Rate", "Note"])
    sheet.append(["HT-105", 0.035, 0.5])
    sheet["B2"].number_format, sheet["C2"].number_format = "0.0%", '0.0" %-points"'
    sheet["A2"].comment = Comment("Ends in May, says Ms Orr", "Orr")
    text = read(tmp_path / "a.xlsx", saved(book)).text
    assert "| HT-105 (Ends in May, says Ms Orr) | 3.5% | 0.5 %-points |" in text


def piece(left: float, top: float, text: str, *, wide: float = 5.0) -> PdfPiece:
    return PdfPiece(left=left, right=left + wide * len(text), top=top, bottom=top - 10, text=text)


def test_headings_and_ends_of_paragraphs_beside_text_are_no_table() -> None:
    left = ["Dredging", *["The dredger moved a lot of silt out"] * 6, "of it.", "Pilots"]
    right = [*["Each of the pilots guided vessels in"] * 7, "all year.", "Their boats are called"]
    rows = [
        piece(x, 700 - 14 * n, text)
        for n, pair in enumerate(zip(left, right, strict=True))
        for x, text in zip((60, 300), pair, strict=True)
    ]
    assert [line.text for line in page_lines(rows)] == [*left, *right]


def test_chinese_columns_are_read_one_after_the_other_and_tables_are_not() -> None:
    line, other = (
        "第一号泊位由港务局管理船舶靠泊须提前二十",
        "夜间作业须另行报告并由值班员签字方可进行",
    )
    rows = [
        piece(x, 700 - 16 * n, text, wide=10)
        for n in range(6)
        for x, text in ((60, line), (310, other))
    ]
    assert [each.text for each in page_lines(rows)] == [line] * 6 + [other] * 6
    questions = ["申请需要哪些材料", "多久能够办理完成", "费用怎么计算的呢", "在哪里领取证件呢"]
    answers = [
        "身份证复印件和照片两张即可",
        "一般十五个工作日办理完成即可",
        "三百元",
        "市民中心二楼",
    ]
    cells = [
        piece(x, 700 - 16 * n, text, wide=10)
        for n, pair in enumerate(zip(questions, answers, strict=True))
        for x, text in zip((60, 310), pair, strict=True)
    ]
    (table,) = page_lines(cells)
    assert "- 费用怎么计算的呢：三百元" in table.text


def test_a_page_that_is_set_from_top_to_bottom_is_read_from_the_right() -> None:
    columns = ["临时用电须经批准方可使用", "违者罚款五百元整"]
    letters = [
        PdfPiece(
            left=500 - 30 * x, right=514 - 30 * x, top=780 - 18 * y, bottom=766 - 18 * y, text=c
        )
        for x, column in enumerate(columns)
        for y, c in enumerate(column)
    ]
    assert [line.text for line in page_lines(letters)] == columns
    # Letters that stand as far apart in both directions are a sheet for practice: rows.
    grid = [
        PdfPiece(left=60 + 40 * x, right=74 + 40 * x, top=780 - 40 * y, bottom=766 - 40 * y, text=c)
        for y, row in enumerate(["春夏秋冬", "东南西北", "金木水火"])
        for x, c in enumerate(row)
    ]
    assert "春" in page_lines(grid)[0].text
    assert "夏" in page_lines(grid)[0].text.splitlines()[0]


def protected_pdf() -> bytes:
    from pypdf import PdfReader, PdfWriter

    writer, written = PdfWriter(), io.BytesIO()
    writer.append(PdfReader(io.BytesIO(file_samples.pdf("Secret."))))
    writer.encrypt("word")
    writer.write(written)
    return written.getvalue()


def protected_epub() -> bytes:
    written = io.BytesIO(file_samples.epub("Rye", "It rests."))
    with zipfile.ZipFile(written) as book:
        chapter = next(name for name in book.namelist() if name.endswith("html"))
    with zipfile.ZipFile(written, "a") as book:
        book.writestr(
            "META-INF/encryption.xml",
            f'<encryption><CipherData><CipherReference URI="{chapter}"/></CipherData></encryption>',
        )
    return written.getvalue()


def test_protection_is_told_from_damage(tmp_path: Path) -> None:
    office = file_samples.ole({"EncryptionInfo": b"x", "EncryptedPackage": b"y"})
    for name, body in (
        ("a.pdf", protected_pdf()),
        ("a.docx", office),
        ("a.xlsx", office),
        ("a.epub", protected_epub()),
    ):
        with pytest.raises(ExtractError) as caught:
            read(tmp_path / name, body)
        assert "is protected by a password or by its seller" in caught.value.localize("en")
        assert name in caught.value.localize("en")


def test_damage_is_no_protection_where_fonts_or_words_speak_of_it(tmp_path: Path) -> None:
    fonts = io.BytesIO(protected_epub())
    with zipfile.ZipFile(fonts) as book:
        chapter = next(name for name in book.namelist() if name.endswith("html"))
    spoken = (
        b"%PDF-1.7\n1 0 obj\n<< >>\nstream\n(See /Encrypt 5 0 R in trailers.)\nendstream\nendobj\n"
    )
    for name, body in (
        ("a.pdf", spoken + b"trailer\n<< /Root 1 0 R >>\nstartxref\n0\n"),
        ("b.pdf", spoken),
        ("a.epub", fonts.getvalue().replace(chapter.encode(), b"f" * (len(chapter) - 4) + b".ttf")),
    ):
        with pytest.raises(ExtractError) as caught:
            read(tmp_path / name, body)
        assert "is damaged or protected" in caught.value.localize("en")


def test_pictures_in_a_document_are_counted_if_they_may_show_text(tmp_path: Path) -> None:
    written = io.BytesIO(file_samples.docx("The gate opens at six."))
    with zipfile.ZipFile(written, "a") as document:
        document.writestr("word/media/image1.png", bytes(20_000))
        document.writestr("word/media/logo.png", bytes(2_000))
    found = read(tmp_path / "a.docx", written.getvalue())
    assert [note.localize("en") for note in found.notes] == [
        "pictures not read: 1 (save those that show text as .png or .jpg)"
    ]


def test_a_sentence_is_no_title(tmp_path: Path) -> None:
    # What is the title is not shown as an answer: a note of one sentence could not be asked.
    for text in ("The vault opens at six.", "仓库钥匙由值班员保管，遗失罚款二百元。"):
        assert read(tmp_path / "vault.txt", text).title == "vault.txt"
    assert read(tmp_path / "vault.txt", "Opening hours\nThe vault opens at six.").title == (
        "Opening hours"
    )
