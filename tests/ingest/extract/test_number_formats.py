"""Numbers in workbooks are read as their cells show them."""

import io
import re
from pathlib import Path

import openpyxl
import pytest

from ingest.extract.extractor import read_file
from ingest.text.words import words


def table_of(folder: Path, book: openpyxl.Workbook) -> str:
    written = io.BytesIO()
    book.save(written)
    (folder / "a.xlsx").write_bytes(written.getvalue())
    return read_file(folder / "a.xlsx").text


@pytest.mark.parametrize(
    ("value", "number_format", "expected"),
    [
        (18500, "¥#,##0.00", "¥18,500.00"),
        (18.5, '"£"#,##0.00', "£18.50"),
        (249.5, "[$€-407] #,##0.00", "€ 249.50"),
        (1234567.891, "#,##0.00 [$CHF]", "1,234,567.89 CHF"),
        (5, '_("$"* #,##0.00_);_("$"* \\(#,##0.00\\);_("$"* "-"??_);_(@_)', "$5.00"),
        (-5, '_("$"* #,##0.00_);_("$"* \\(#,##0.00\\);_("$"* "-"??_);_(@_)', "$(5.00)"),
        (0, '_("$"* #,##0.00_);_("$"* \\(#,##0.00\\);_("$"* "-"??_);_(@_)', "0"),
        (-5, "¥#,##0.00", "-¥5.00"),
        (-1234.5, '#,##0.0" kr";[Red]-#,##0.0" kr"', "-1,234.5 kr"),
        (-5, "0.00;[Red]0.00", "-5.00"),
        (-0.256, "0.0%;[Red]0.0%", "-25.6%"),
        (-1234.5, '"$"#,##0.00_);[Red]"$"#,##0.00_)', "-$1,234.50"),
        (-5, "#,##0 [$€-407];[Red]#,##0 [$€-407]", "-5 €"),
        (-5, "0.00_);[Red]\\(0.00\\)", "(5.00)"),
        (-5, "0;[Red]−0", "−5"),
        (-3, "▲0;▼0", "▼3"),
        (-3, '0" Cr";0" Dr"', "3 Dr"),
        (75, '0" kg"', "75 kg"),
        (5.25, 'General" kg"', "5.25 kg"),
        (-5.25, 'General" kg"', "-5.25 kg"),
        (12, "0\\°", "12°"),
        (12, '"No. "0', "No. 12"),
        (5550123, "000-0000", "555-0123"),
        (5550123, "[<=9999999]###-####;(###) ###-####", "555-0123"),
        (2025550123, "[<=9999999]###-####;(###) ###-####", "(202) 555-0123"),
        (-3, "[<0]-0.0;0.0", "-3.0"),
        (-3, "[>=100]0;0.0", "-3.0"),
        (185000, '0!.0,"万"', "18.5万"),
        (1234567, '#,##0.0,,"M"', "1.2M"),
        (1234567, '#,##0,"k"', "1,235k"),
        (1234567, "#,##0", "1,234,567"),
        (0.125, "0.00", "0.13"),
        (-0.001, "0.00", "0.00"),
        (0.5, "#.##", "0.5"),
        (12.5, ".00", "12.50"),
        (5, "0.##", "5"),
        (0, "#", "0"),
        (0.12, "+0%;-0%", "+12%"),
        (42, ";;;", "42"),
        (0.25, "# ?/?", "0.25"),
        (12345, "0.00E+00", "12345"),
        (1234, '[DBNum2][$-804]General"元"', "1234元"),
        (1e250, "#" * 255, "1" + "0" * 250),
        (7, "0" * 300, "7"),
        (12.5, "000", "12.5"),
    ],
)
def test_number_is_as_its_cell_shows_it(
    value: float, number_format: str, expected: str, tmp_path: Path
) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Item", "Amount"])
    book.active.append(["Anvil", value])
    book.active["B2"].number_format = number_format
    assert re.split(r"Anvil(?: \||; Amount:) ", table_of(tmp_path, book))[1] in (
        f"{expected} |",
        expected,
    )


def test_price_with_its_currency_is_found_by_its_digits() -> None:
    assert {"18500"} <= {*words("¥18,500.00")} & {*words("18500")}


def test_second_table_whose_only_figures_have_units_has_a_head_of_its_own(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    rows = [("Name", "City"), *((f"Mill {n}", "Leeds") for n in range(30)), ()]
    for row in (*rows, ("Model", "Maker", "Weight"), *[("LaserPro", "Ox", 2.14)] * 12):
        book.active.append(row)
    for (cell,) in book.active.iter_rows(min_row=34, min_col=3, max_col=3):
        cell.number_format = '0.0" kg"'
    assert "- Model: LaserPro; Maker: Ox; Weight: 2.1 kg" in table_of(tmp_path, book)
