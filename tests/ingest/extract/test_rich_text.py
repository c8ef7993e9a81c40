"""RTF files as their readers see them."""

from pathlib import Path

import pytest

from ingest.documents import Document
from ingest.errors import ExtractError
from ingest.extract.extractor import read_file


def read(path: Path, body: str) -> Document:
    path.write_bytes(body.encode("latin-1"))
    return read_file(path)


def gbk(text: str) -> str:
    return "".join(f"\\'{byte:02x}" for byte in text.encode("gbk"))


def test_notes_margins_and_tables_of_chinese_rtf_are_read(tmp_path: Path) -> None:
    document = read(
        tmp_path / "a.rtf",
        rf"{{\rtf1\ansi\ansicpg936{{\fonttbl{{\f0\fnil\fcharset134 {gbk('宋体')};}}}}"
        rf"{{\info{{\title {gbk('温室规程')}}}{{\author {gbk('戴建国')}}}}}"
        rf"{{\header\pard {gbk('合作社内部文件')}\par}}{{\footer {gbk('第')}\chpgn {gbk('页')}}}"
        rf"\pard\f0 {gbk('酸碱度为六点二')}{{\super\chftn}}"
        rf"{{\footnote\pard {gbk('由化验员测定。')}}}\par"
        rf"\trowd\cellx2000\cellx4000\pard\intbl {gbk('作物')}\cell {gbk('棚号')}\cell\row"
        rf"\pard\intbl {gbk('草莓')}\cell {gbk('七号棚')}\cell\row\pard {gbk('完')}\par}}",
    )
    assert (document.title, document.author) == ("温室规程", "戴建国")
    assert document.text.split("\n\n") == [
        *(
            "酸碱度为六点二",
            "由化验员测定。",
            "| 作物 | 棚号 |\n|---|---|\n| 草莓 | 七号棚 |",
            "完",
        ),
        "合作社内部文件",
    ]


def test_each_font_of_rtf_has_its_code_page(tmp_path: Path) -> None:
    source = (
        r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0 Arial;}{\f1\fcharset204 Arial;}"
        r"{\f2\fcharset128 Mincho;}}\f0 caf\'e9 {\f1 \'cc\'ee\'f1\'ea\'e2\'e0} {\f2 \'83A\'83B}"
        r"\u21326?\u-10179?\u-8694?\par}"
    )
    # The second byte of a character may be written as a letter: \'83A.
    text = read(tmp_path / "a.rtf", source).text
    assert text.startswith("café Москва アィ")
    assert text.endswith("华\U0001f60a")


def test_hidden_deleted_and_foreign_groups_of_rtf_are_no_text(tmp_path: Path) -> None:
    text = read(
        tmp_path / "a.rtf",
        r"{\rtf1{\stylesheet{\s1\outlinelevel0 heading 1;}}\pard\s1 Rent\par"
        r"\pard The rent is {\deleted 950}{\revised 1,120}{\v secret} euros.{\*\unknown junk}"
        r"{\*\atnauthor Lotte}{\*\annotation{\*\atnref 1} Too much.}\par"
        r"{\field{\*\fldinst HYPERLINK \"https://a.example\"}{\fldrslt the plan}}"
        r"{\pict\pngblip 89504e47}{\shp{\*\shpinst{\sp{\sn a}{\sv b}}{\shptxt Lamp 88.\par}}}\par"
        r"{\listtext\'b7\tab}first\par{\listtext 2.\tab}second\par}",
    ).text
    assert text.split("\n\n") == [
        *("# Rent", "The rent is 1,120 euros.", "Lotte: Too much.", "the plan", "Lamp 88."),
        *("- first", "2. second"),
    ]


def test_rtf_that_opens_groups_without_end_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(ExtractError) as caught:
        read(tmp_path / "a.rtf", "{\\rtf1" + "{" * 100_000)
    assert caught.value.reason == "unsupported"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r"10\u160\~kg and \u8212\emdash dash", "10 kg and —dash"),
        (r"x\u65371\{y\u65373\}z", "x｛y｝z"),
        (r"\uc2\u8212\'97\\on", "—on"),
        (r"a \{b\} \\c", r"a {b} \c"),
        (r"a {\*\htmltag84 &lt;}\htmlrtf <\htmlrtf0  b", "a < b"),
    ],
)
def test_no_letter_of_rtf_is_lost_behind_what_replaces_another(
    source: str, text: str, tmp_path: Path
) -> None:
    head = r"{\rtf1\ansi\ansicpg1252\uc1\pard "
    assert read(tmp_path / "a.rtf", rf"{head}{source}\par}}").text == text


def test_bytes_of_rtf_that_are_written_as_marks_belong_to_their_character(tmp_path: Path) -> None:
    head = r"{\rtf1\ansi\ansicpg932\pard "
    # In Shift JIS 97 5C is 予, in which 5C alone is a backslash.
    assert read(tmp_path / "a.rtf", rf"{head}\'97\\\'96\'f1\par}}").text == "予約"


def test_fonts_without_groups_of_their_own_have_their_code_page(tmp_path: Path) -> None:
    fonts = r"{\fonttbl\f0\fswiss\fcharset0 Helvetica;\f1\fnil\fcharset134 PingFangSC;}"
    body = rf"{{\rtf1\ansi\ansicpg1252{fonts}\pard\f0 caf\'e9 \f1 {gbk('七号棚')}\par}}"
    assert read(tmp_path / "a.rtf", body).text == "café 七号棚"
