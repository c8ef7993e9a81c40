"""Mails as programs write them against the standard: headers in bytes, escaped lines."""

from pathlib import Path

import pytest

from ingest.documents import Document
from ingest.extract.extractor import read_file


def read(path: Path, content: bytes) -> Document:
    path.write_bytes(content)
    return read_file(path)


@pytest.mark.parametrize(
    ("declared", "charset", "headers", "body"),
    [
        (
            "iso-8859-1",
            "cp1252",
            ["From: José Muñoz <j@x.example>", "To: Björn <b@x.example>", "Cc: Réunion à Zürich"],
            "On se voit à midi.",
        ),
        ("gb2312", "gbk", ["From: 王建国 <w@x.example>", "To: 李 <l@x.example>"], "改到下午两点。"),
        ("big5", "big5", ["From: 陳 <c@x.example>", "To: 林 <l@x.example>"], "改到下午兩點。"),
        ("koi8-r", "koi8-r", ["From: Ян <y@x.example>", "To: Ия <i@x.example>"], "В полдень."),
        ("shift_jis", "shift_jis", ["From: 森 <m@x.example>", "To: 林 <h@x.example>"], "正午に。"),
        ("utf-8", "utf-8", ["From: Zoë <z@x.example>", "To: 李 <l@x.example>"], "Ok — noon."),
        # The header is in UTF-8, whatever the text is in.
        ("iso-8859-1", "utf-8", ["From: Zoë <z@x.example>"], "Noon."),
    ],
)
def test_headers_in_bytes_are_in_the_charset_of_the_text(
    declared: str, charset: str, headers: list[str], body: str, tmp_path: Path
) -> None:
    lines = [*headers, "Subject: x", f"Content-Type: text/plain; charset={declared}", "", body]
    found = read(tmp_path / "a.eml", "\n".join(lines).encode(charset))
    assert [line for line in headers if line not in found.text] == []
    assert found.text.endswith(body)


def test_headers_of_a_part_and_a_file_name_are_decoded_with_the_others(tmp_path: Path) -> None:
    lines = (
        "From: 李 <l@x.example>\nSubject: =?gb2312?B?u+HS6Q==?= 改期\n"
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=B\n\n"
        "--B\nContent-Type: text/html; charset=gbk\n\n<p>见附件。</p>\n"
        '--B\nContent-Type: text/csv; name="报价.csv"\n'
        'Content-Disposition: attachment; filename="报价.csv"\n\nItem,Price\nKiln,40\n--B--\n'
    )
    found = read(tmp_path / "a.eml", lines.encode("gbk"))
    assert found.title == "会议 改期"
    assert "From: 李 <l@x.example>" in found.text
    assert "## 报价.csv" in found.text


def test_headers_in_bytes_without_a_charset_are_guessed_together_with_the_text(
    tmp_path: Path,
) -> None:
    text = "From: 李 <l@x.example>\nTo: 林 <n@x.example>\nSubject: 一\n\n会议改到星期三下午两点。\n"
    found = read(tmp_path / "a.eml", text.encode("gbk"))
    assert found.text.startswith("# 一\n\nFrom: 李 <l@x.example>\nTo: 林 <n@x.example>\n")


def test_charset_of_an_encoded_header_is_that_of_one_in_bytes(tmp_path: Path) -> None:
    text = "From: =?koi8-r*ru?q?x?= Ян <y@x.example>\nTo: Ия <i@x.example>\n\nNoon.\n"
    found = read(tmp_path / "a.eml", text.encode("koi8-r"))
    assert "To: Ия <i@x.example>" in found.text


@pytest.mark.timeout(20)
def test_an_encoded_header_that_never_ends_is_read_in_time(tmp_path: Path) -> None:
    text = f"From: Zoë <z@x.example>\nX-Id: =?{'a' * 100_000}\n\nNoon.\n"
    assert read(tmp_path / "a.eml", text.encode()).text.endswith("Noon.")


def test_a_forwarded_mail_has_a_charset_of_its_own(tmp_path: Path) -> None:
    outer = (
        "From: José <j@x.example>\nSubject: x\nContent-Type: multipart/mixed; boundary=B\n\n"
        "--B\nContent-Type: text/plain; charset=iso-8859-1\n\nVoilà.\n"
        "--B\nContent-Type: message/rfc822\n\n"
    )
    inner = "From: 李 <l@x.example>\nContent-Type: text/plain; charset=gb2312\n\n好。\n"
    body = outer.encode("latin-1") + inner.encode("gbk") + b"\n--B--\n"
    text = read(tmp_path / "a.eml", body).text
    assert "From: José <j@x.example>" in text
    assert "From: 李 <l@x.example>" in text


def test_escaped_lines_of_a_mailbox_are_no_quotes(tmp_path: Path) -> None:
    body = (
        b"From a@x.example Mon Jan  6 09:00:00 2025\nFrom: a@x.example\nSubject: one\n\n"
        b">From now on we start at 19:15.\n>>From here it is 3 miles.\n> From him, too.\n"
    )
    text = read(tmp_path / "a.mbox", body).text
    assert "\nFrom now on we start at 19:15.\n>From here it is 3 miles.\n> From him, too." in text
    _, _, alone = body.partition(b"\n")
    assert "\n>From now on we" in read(tmp_path / "a.eml", alone).text
