"""Tables as banks, shops and office programs export them: lines around them, marks in cells."""

from pathlib import Path

import pytest

from ingest.documents import Document
from ingest.extract.extractor import read_file

BANK = ["Date;Payee;Purpose;Amount", "3.3.2025;Café Brûlot;Déjeuner;-23,40"]


def read(path: Path, body: bytes | str) -> Document:
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    return read_file(path)


def lines(path: Path, *rows: str) -> list[str]:
    return [line for line in read(path, "\n".join(rows)).text.splitlines() if line]


@pytest.mark.parametrize("gap", [(), ("",)])
def test_keys_and_values_above_a_table_are_not_its_head(
    gap: tuple[str, ...], tmp_path: Path
) -> None:
    above = ["Holder;Renée Lefèvre", "IBAN;FR76 3000", "Period;March"]
    body = "\n".join([*above, *gap, *BANK, *["9.3.2025;Garage;Freins;-4,75"] * 20])
    document = read(tmp_path / "a.csv", body.encode("cp1252"))
    assert document.text.startswith("- Holder: Renée Lefèvre\n- IBAN: FR76 3000\n- Period: March\n")
    assert "- Date: 3.3.2025; Payee: Café Brûlot; Purpose: Déjeuner; Amount: -23,40" in (
        document.text
    )
    assert document.title == "a.csv"


@pytest.mark.parametrize("gap", [(), ("",)])
def test_lines_of_an_account_above_a_wide_table_are_not_its_head(
    gap: tuple[str, ...], tmp_path: Path
) -> None:
    above = ["Umsatzanzeige;Stand: 01.04.2025", *gap, "IBAN;DE12 5001", "Saldo;1.463,35;EUR", *gap]
    head = "Buchung;Wertstellung;Empfänger;Zweck;Saldo;Währung;Betrag;Währung"
    rows = [f"{n}.3.2025;{n}.3.2025;Werkstatt {n};Lohn;4.113,35;EUR;2,00;EUR" for n in range(9)]
    found = lines(tmp_path / "a.csv", *above, "Alle Umsätze, auch vorgemerkte", *gap, head, *rows)
    assert found[1:4] == [
        "- IBAN: DE12 5001",
        "- Saldo: 1.463,35 | EUR",
        "Alle Umsätze, auch vorgemerkte",
    ]
    assert "Saldo: 4.113,35; Währung: EUR; Betrag: 2,00; Währung: EUR" in found[4]


def test_keys_that_end_in_a_colon_name_no_columns(tmp_path: Path) -> None:
    rows = ["Konto:;1234;", "", "Von:;01.03.2025;", "", "Tag;Text;Betrag;", "1.3.2025;Lohn;2,00;"]
    assert lines(tmp_path / "a.csv", *rows)[:2] == ["- Konto: 1234", "- Von: 01.03.2025"]


@pytest.mark.parametrize(
    ("above", "shown"),
    [
        ("Name: Ann,Age: 3", "- Name: Ann | Age: 3"),
        ("姓名：田小禾,工号:31", "- 姓名：田小禾 | 工号:31"),
        ("Printed,2025-03-01 10:00", "- Printed: 2025-03-01 10:00"),
        ("Link:,https://a.example/b", "- Link: https://a.example/b"),
        ("10:00,Doors open", "- 10:00: Doors open"),
    ],
)
def test_pairs_within_cells_above_a_table_stand_side_by_side(
    above: str, shown: str, tmp_path: Path
) -> None:
    table = ["Item,Price,Shop,City", "rope,4,Ox,Hull", "tar,9,Elk,Goole"]
    assert lines(tmp_path / "a.csv", above, "", *table)[0] == shown


def test_table_of_two_columns_above_another_keeps_its_head(tmp_path: Path) -> None:
    rows = ["Name,Age", "Ann,31", "Bob,44", "", "Item,Price,Shop", "rope,4,Hull", "tar,9,Hull"]
    found = lines(tmp_path / "a.csv", *rows)
    assert found[0] == "| Name | Age |"
    assert "| Item | Price | Shop |" in found


def test_records_with_a_column_without_a_name_keep_their_head(tmp_path: Path) -> None:
    rows = ["Name,Role", "Ann,cook", "Bob,clerk,part time", "Eve,cook", "Dan,cook"]
    assert lines(tmp_path / "a.csv", *rows)[0] == "| Name | Role |  |"


def test_lines_of_an_export_below_its_records_are_no_records(tmp_path: Path) -> None:
    head = "交易号  ,时间,交易对方,金额（元）  ,"
    rows = ["2025011022001\t,2025-01-10 12:03:11 ,老盛昌汤包馆, 38.50 ,"] * 20
    above = ["支付宝交易记录明细查询", "账号:[lin***@x.example]", "------交易记录明细列表------"]
    below = ["-----------------", "共20笔记录", "导出时间:[2025-02-01 08:00:00]"]
    found = lines(tmp_path / "a.csv", *above, head, *rows, *below)
    assert found[:3] == above
    assert found[3].startswith("- 交易号: 2025011022001; 时间: 2025-01-10 12:03:11; 交易对方: 老")
    assert found[-3:] == below


def test_padded_lines_of_an_export_around_its_records_are_no_records(tmp_path: Path) -> None:
    above = [
        "微信支付账单明细,,,",
        "微信昵称：[山月],,,",
        ",,,",
        "共1笔记录,,,",
        ",,,",
        "----列表----,,,",
    ]
    rows = [
        "交易时间,交易对方,金额(元),备注",
        "2025-01-10 12:03:11,饺子馆,¥20.00,/",
        "合计,,¥20.00,",
    ]
    found = lines(tmp_path / "a.csv", *above, *rows, "共1笔记录,,,")
    assert found[0] == "微信支付账单明细"
    assert "| 交易时间 | 交易对方 | 金额(元) | 备注 |" in found
    assert "| 合计 |  | ¥20.00 |  |" in found
    assert found[-1] == "共1笔记录"


def test_balance_behind_an_empty_row_is_a_pair_below_the_table(tmp_path: Path) -> None:
    assert lines(tmp_path / "a.csv", *BANK, "", "Closing balance;1.463,35")[-1] == (
        "- Closing balance: 1.463,35"
    )


def test_record_of_which_only_the_name_is_known_stays_one(tmp_path: Path) -> None:
    assert (
        lines(tmp_path / "a.csv", "Name,Phone,City", "Ann,5,Hull", "Bob,,")[-1] == "| Bob |  |  |"
    )


def test_marks_that_keep_excel_from_reading_numbers_are_not_text(tmp_path: Path) -> None:
    rows = ['="0031240517",\'0047,"=""0,5""",\'=1+1,\'90s,it\'s', "1,2,3,4,5,6"]
    (head, *_) = lines(tmp_path / "a.csv", *rows)
    assert head == "| 0031240517 | 0047 | 0,5 | =1+1 | '90s | it's |"


@pytest.mark.parametrize("declared", ["sep=;", '"sep=;"', "\ufeffSEP=;", "sep=;\r"])
def test_line_that_declares_the_separator_is_obeyed_and_dropped(
    declared: str, tmp_path: Path
) -> None:
    found = lines(tmp_path / "a.csv", declared, "Plant;Height, in cm, wide", "Rose;9,4,5")
    assert found == ["| Plant | Height, in cm, wide |", "|---|---|", "| Rose | 9,4,5 |"]


def page_table(*rows: str) -> str:
    return (
        f"<html><body><table border=1>{''.join(f'<tr>{row}</tr>' for row in rows)}</table></body>"
    )


def cells(*texts: str, tag: str = "td") -> str:
    return "".join(f"<{tag}>{text}</{tag}>" for text in texts)


HOURS = cells("Petra Voss", "3", "17")


@pytest.mark.parametrize("name", ["a.xls", "a.html"])
@pytest.mark.parametrize(
    "rows",
    [
        ["<th colspan=3>June</th>", cells("Name", "Days", "Hours", tag="th"), HOURS],
        ["<td colspan=3><b>June</b></td>", cells("Name", "Days", "Hours"), HOURS],
        ["<td>June</td><td></td>", cells("<b>Name</b>", "<b>Days</b>", "<b>Hours</b>"), HOURS],
    ],
)
def test_title_over_the_columns_of_a_table_is_not_its_head(
    name: str, rows: list[str], tmp_path: Path
) -> None:
    assert read(tmp_path / name, page_table(*rows)).text == (
        "June\n\n| Name | Days | Hours |\n|---|---|---|\n| Petra Voss | 3 | 17 |"
    )


def test_title_and_unit_above_a_head_are_lines(tmp_path: Path) -> None:
    rows = ["<td colspan=3>考勤汇总表", "<td colspan=3>单位：小时", cells("姓名", "迟到", "加班")]
    text = read(tmp_path / "a.xls", page_table(*rows, cells("田小禾", "2", "14"))).text
    assert text.startswith("考勤汇总表\n\n单位：小时\n\n| 姓名 | 迟到 | 加班 |\n|---|")


@pytest.mark.parametrize(
    "rows",
    [
        ["<th colspan=2>Paris</th>", cells("Country", "France"), cells("Height", "35 m")],
        ["<th colspan=2>Paris</th>", "<th>Country</th><td>France</td>", "<th>Size</th><td>9</td>"],
        ["<td colspan=3>Cameras", cells("Weight", "500 g", "620 g"), cells("ISO", "100", "200")],
        ["<td colspan=3>Crew", cells("Ann", "cook", "Hull"), cells("Bob", "pilot", "Goole")],
        ["<td></td><td>Price</td>", cells("Rope", "per metre", "4"), cells("Tar", "per kg", "9")],
    ],
)
def test_first_facts_under_the_name_of_a_thing_are_no_head(rows: list[str], tmp_path: Path) -> None:
    text = read(tmp_path / "a.html", page_table(*rows)).text
    assert text.splitlines()[1].startswith("|---")
