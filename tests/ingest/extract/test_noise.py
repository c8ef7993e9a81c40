"""Bytes that are no text under the name of one, and text that looks like noise."""

import random
from pathlib import Path

import pytest

from ingest.errors import ExtractError
from ingest.extract.base import looks_like_text
from ingest.extract.extractor import read_file


@pytest.mark.parametrize("size", [200, 3000, 50_000])
@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.csv", "a"])
def test_random_bytes_are_refused_and_not_stored_as_letters(
    tmp_path: Path, name: str, size: int
) -> None:
    # No zero byte: that alone is known for what it is.
    body = random.Random(size).randbytes(size).replace(b"\0", b"\x9c")
    (tmp_path / name).write_bytes(b"Salted__" + body)
    with pytest.raises(ExtractError) as caught:
        read_file(tmp_path / name)
    assert caught.value.reason == "unsupported"


TEXTS = {
    "zh": "夜间飞行需要申请，灯光系统应当开启。会议改到星期三下午两点，请大家准时参加。\r\n",
    "zh-Hant": "夜間飛行需要申請，燈光系統應當開啟。會議改到星期三下午兩點。\r\n",
    "ja": "正午に駅で会いましょう。会議は水曜日の午後二時に変更されました。\n",
    "ko": "회의는 수요일 오후 두 시로 변경되었습니다. 모두 시간을 지켜 주십시오.\n",
    "ru": "Встреча перенесена на среду, два часа дня.\n",
    "fr": "La réunion à Zürich coûte 40 € par élève.\n",
    "th": "การประชุมเลื่อนไปเป็นวันพุธ\n",
    "figures": "1.5\t2,75\t-3\t±4\t5 µm\n",
    "code": "for (int i = 0; i < n; i++) { a[i] ^= 0x80; } // naïve\n",
    "log": "\x1b[31mERROR\x1b[0m at 12:00 – café\x07\n",
    "en": "An ordinary text.\n",
}


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        *(("zh", each) for each in ("gb18030", "gbk", "hz", "utf-8", "utf-16", "utf-32")),
        *(("zh-Hant", each) for each in ("big5", "big5hkscs", "gb18030")),
        *(("ja", each) for each in ("shift_jis", "euc_jp", "iso2022_jp")),
        *(("ko", each) for each in ("euc_kr", "cp949", "iso2022_kr", "johab")),
        *(("ru", each) for each in ("koi8-r", "cp1251", "cp866", "mac-cyrillic")),
        *(("fr", each) for each in ("cp1252", "iso8859-15", "mac-roman")),
        *(("th", each) for each in ("cp874", "tis-620")),
        *((each, "latin-1") for each in ("figures", "code")),
        *((each, "cp1252") for each in ("figures", "code", "log")),
        *(("en", each) for each in ("utf-16-le", "utf-16-be")),
    ],
)
@pytest.mark.parametrize("times", [1, 60])
def test_text_of_any_script_and_charset_is_text(text: str, charset: str, times: int) -> None:
    assert looks_like_text((TEXTS[text] * times).encode(charset))


@pytest.mark.parametrize(
    "body",
    [
        "姓名\x01电话\x01地址\x02城市\n".encode("gbk") * 40,
        b"8=FIX.4.2\x019=178\x0135=8\x0149=PHLX\x01" * 30,
        b"\x1e245\x1faCaf\xe9 au lait\x1fbroman\x1d" * 30,
        "Un café à Orléans.\n".encode("cp1252") * 30 + b"\x01\x02\x03\x04\x05\x81",
        "控制符 \x01\x02\x03\x04\x05 在此".encode(),
    ],
)
def test_text_with_separators_or_a_few_bad_bytes_is_text(body: bytes) -> None:
    assert looks_like_text(body)
