"""Files under the suffixes of old office programs, as other programs export them."""

from pathlib import Path

import pytest

from ingest.bulk.folders import scan_folder
from ingest.errors import ExtractError
from ingest.events import FileLeftOut
from ingest.extract.extractor import read_file
from tests import file_samples

SHEET_2003 = """<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>
<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"
 xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="Vans"><Table>
<Row><Cell><Data ss:Type="String">Van</Data></Cell><Cell ss:MergeAcross="1"><Data>2026</Data></Cell>
</Row><Row><Cell ss:Index="2"><Data>driver</Data></Cell><Cell><Data>tyres</Data></Cell></Row>
<Row><Cell><Data>LX-204</Data></Cell><Cell ss:Index="3"><Data>winter</Data></Cell></Row>
</Table></Worksheet></Workbook>"""


@pytest.mark.parametrize(
    ("name", "body", "text"),
    [
        ("a.doc", rb"{\rtf1 The lease ends in May.}", "The lease ends in May."),
        ("a.doc", file_samples.docx("Padlock 6612."), "Padlock 6612."),
        ("a.doc", b"<html><body><p>The lease ends in May.</p></body></html>", "ends in May."),
        ("a.xls", file_samples.xlsx("Van", "LX-204"), "| Van | LX-204 |"),
        ("a.XLS", "Raum;Inhaber\nDach;Özdemir\n".encode("cp1252"), "| Dach | Özdemir |"),
        (
            "a.xls",
            b"<html><table><tr><td>Yeast<td>4 g</table></html>",
            "Yeast | 4 g",
        ),
        ("a.xls", SHEET_2003.encode(), "| Van | 2026 driver | 2026 tyres |"),
        ("a.xml", SHEET_2003.encode(), "| LX-204 |  | winter |"),
        ("a.xls\t", SHEET_2003.encode(), "| LX-204 |  | winter |"),
        ("a.CSV\u00a0", b"Van;Tyres\nLX-204;winter\n", "| LX-204 | winter |"),
    ],
)
def test_file_is_read_for_what_it_holds(tmp_path: Path, name: str, body: bytes, text: str) -> None:
    path = tmp_path / name
    path.write_bytes(body)
    assert text in read_file(path).text
    assert list(scan_folder(tmp_path)) == [path]


def test_true_old_office_file_is_left_out_of_a_folder_and_told_what_to_save_as(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.doc"
    path.write_bytes(file_samples.ole({"WordDocument": b"x" * 100}))
    (left,) = scan_folder(tmp_path)
    assert isinstance(left, FileLeftOut)
    assert (left.reason, left.rule) == ("no_reader", ".doc")
    with pytest.raises(ExtractError) as caught:
        read_file(path)
    assert ".docx" in caught.value.hint.localize("en")


def test_other_xml_stays_source_code(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text("<project><name>Heron</name></project>")
    assert "<name>Heron</name>" in read_file(path).text


def test_open_document_in_one_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.fodt"
    path.write_text(
        '<office:document xmlns:office="o" xmlns:text="t"><office:master-styles><text:footer>'
        "<text:p>Pro Loco</text:p></text:footer></office:master-styles><office:body><office:text>"
        "<text:p>The choir sings.</text:p></office:text></office:body></office:document>"
    )
    assert read_file(path).text == "The choir sings.\n\nPro Loco"


def test_a_page_without_a_title_is_called_by_its_file(tmp_path: Path) -> None:
    path = tmp_path / "考勤 汇总.xls"
    path.write_text("<table><tr><th>姓名<th>迟到<tr><td>田小禾<td>2 次</table>", "utf-8")
    assert read_file(path).title == "考勤 汇总.xls"
