"""Mails as Outlook saves them: code pages, people, bodies in three notations, what is attached."""

import struct
from pathlib import Path

import pytest

from ingest.documents import Document
from ingest.errors import ExtractError
from ingest.extract.extractor import read_file
from tests import file_samples
from tests.file_samples import Streams

GBK = {0x3FFD: 936, 0x3FDE: 936}


def storage(
    header: int,
    texts: dict[int, str],
    numbers: dict[int, int] | None = None,
    *,
    codec: str = "gbk",
    **more: "bytes | Streams",
) -> Streams:
    """Return a mail, a recipient or a file, whose texts are of 8 bits."""
    entries = [struct.pack("<HHIII", 0x1E, tag, 6, len(text), 0) for tag, text in texts.items()]
    entries += [struct.pack("<HHIQ", 3, tag, 6, value) for tag, value in (numbers or {}).items()]
    streams = {f"__substg1.0_{tag:04X}001E": text.encode(codec) for tag, text in texts.items()}
    return {"__properties_version1.0": bytes(header) + b"".join(entries), **streams, **more}


def read(path: Path, streams: Streams) -> Document:
    path.write_bytes(file_samples.ole(streams))
    return read_file(path)


def test_people_day_and_attachments_of_a_chinese_mail_are_read(tmp_path: Path) -> None:
    sent = (1_700_000_000 + 11_644_473_600) * 10_000_000
    document = read(
        tmp_path / "a.msg",
        storage(
            32,
            {0x0037: "年会场地", 0x0C1A: "秦思远", 0x0C1F: "/O=FIRM/CN=QIN"},
            {**GBK, 0x0039: sent},
            **{
                "__substg1.0_10130102": "<p>年会定在<b>松鹤楼</b>三层。</p>".encode("gbk"),
                "__recip_version1.0_#00000000": storage(8, {0x3001: "田秀英"}, {0x0C15: 1}),
                "__recip_version1.0_#00000001": storage(
                    8, {0x3001: "Bo", 0x39FE: "bo@a.example"}, {0x0C15: 2}
                ),
                "__attach_version1.0_#00000000": storage(
                    8, {0x3707: "须知.txt"}, **{"__substg1.0_37010102": "不候。".encode("gbk")}
                ),
                "__attach_version1.0_#00000001": storage(
                    8,
                    {0x3001: "转发"},
                    **{"__substg1.0_3701000D": storage(24, {0x0037: "菜单", 0x1000: "八凉十热"})},
                ),
            },
        ),
    )
    assert (document.title, document.author) == ("年会场地", "秦思远")
    assert str(document.published) == "2023-11-14"
    assert document.text == (
        "# 年会场地\n\nFrom: 秦思远\nTo: 田秀英\nCc: Bo <bo@a.example>\nDate: 2023-11-14 22:13 UTC"
        "\n\n年会定在松鹤楼三层。\n\n## 须知.txt\n\n不候。\n\n## 菜单\n\n八凉十热"
    )


def test_mail_whose_text_is_packed_rtf_alone_is_read(tmp_path: Path) -> None:
    # Four letters, and a reference that writes what it goes on to read.
    rtf = rb"{\rtf1 Rye rests ababababab.}"
    control = b"".join(bytes([0]) + rtf[at : at + 8].ljust(8, b" ") for at in range(0, len(rtf), 8))
    packed = struct.pack("<IIII", len(control) + 12, len(rtf), 0x75465A4C, 0) + control
    streams = storage(32, {0x0037: "Rye"}, **{"__substg1.0_10090102": packed})
    assert "Rye rests ababababab." in read(tmp_path / "a.msg", streams).text


def test_packed_rtf_refers_to_what_it_has_written(tmp_path: Path) -> None:
    start = rb"{\rtf1 ab"
    place = 207 + len(start) - 2  # of "ab" in the window
    tokens = struct.pack(">H", place << 4 | 6)  # eight letters from there on: abababab
    body = bytes([0]) + start[:8] + bytes([0b10]) + start[8:] + tokens + b"}" + bytes(8)
    packed = struct.pack("<IIII", len(body) + 12, 30, 0x75465A4C, 0) + body
    streams = storage(32, {0x0037: "Rye"}, **{"__substg1.0_10090102": packed})
    assert read(tmp_path / "a.msg", streams).text.endswith("ab" * 5)


def test_old_office_file_called_msg_is_said_to_be_damaged(tmp_path: Path) -> None:
    with pytest.raises(ExtractError) as caught:
        read(tmp_path / "a.msg", {"WordDocument": b"x"})
    assert caught.value.reason == "unsupported"
