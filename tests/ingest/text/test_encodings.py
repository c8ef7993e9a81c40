"""Bytes become the text that was meant, also where the page lies about its charset."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.text.encodings import decode

SENTENCES = {
    "gbk": "无人机夜间飞行需要什么条件",
    "gb2312": "无人机夜间飞行需要什么条件",
    "gb18030": "无人机夜间飞行需要什么条件",
    "big5": "無人機夜間飛行需要什麼條件",
    "shift_jis": "こんにちは世界、今日は良い天気",
    "euc-jp": "こんにちは世界、今日は良い天気",
    "euc-kr": "안녕하세요 세계 오늘은 날씨가",
    "utf-8": "夜间飞行，naïve café",
    "windows-1252": "Le café était fermé à cause de la fête",
}


def page(sentence: str, *, head: str = "") -> str:
    return (
        f"<html><head>{head}<title>{sentence}</title></head><body><p>{sentence}</p></body></html>"
    )


@pytest.mark.parametrize("charset", SENTENCES)
def test_charset_of_the_header_is_used(charset: str) -> None:
    source = page(SENTENCES[charset])
    assert decode(source.encode(charset), claimed=charset) == source


@pytest.mark.parametrize("charset", SENTENCES)
@pytest.mark.parametrize(
    "declaration",
    [
        '<meta charset="{}">',
        '<META http-equiv=Content-Type content="text/html; charset={}">',
        '<!-- <meta charset="koi8-r"> --><meta charset={} />',
        "<script>" + "x" * 3000 + "</script><meta charset='{}'>",
    ],
)
def test_charset_of_the_meta_element_is_used(charset: str, declaration: str) -> None:
    source = page(SENTENCES[charset], head=declaration.format(charset))
    assert decode(source.encode(charset), claimed=None) == source


@pytest.mark.parametrize("charset", SENTENCES)
def test_undeclared_charset_is_guessed(charset: str) -> None:
    source = page(SENTENCES[charset])
    assert decode(source.encode(charset), claimed=None) == source


@pytest.mark.parametrize("charset", SENTENCES)
@pytest.mark.parametrize(("header", "head"), [("utf-8", ""), (None, '<meta charset="utf-8">')])
def test_page_that_claims_utf_8_and_is_not_comes_out_right(
    charset: str, header: str | None, head: str
) -> None:
    source = page(SENTENCES[charset], head=head)
    assert decode(source.encode(charset), claimed=header) == source


@pytest.mark.parametrize("lie", ["gbk", "iso-8859-1", "shift_jis", "no-such-charset"])
def test_utf_8_page_under_a_foreign_claim_comes_out_right(lie: str) -> None:
    source = page(SENTENCES["utf-8"])
    assert decode(source.encode(), claimed=lie) == source


@pytest.mark.parametrize("charset", ["gbk", "big5", "euc-kr", "shift_jis", "utf-8"])
def test_latin_1_in_the_header_is_no_claim_but_a_default(charset: str) -> None:
    source = page(SENTENCES[charset])
    assert decode(source.encode(charset), claimed="ISO-8859-1") == source


RARER = {
    "iso-2022-jp": "こんにちは世界、今日は良い天気",
    "koi8-r": "Привет, как дела сегодня",
    "windows-1250": "Příliš žluťoučký kůň úpěl",
    "windows-1251": "Привет, как дела сегодня",
    "windows-1253": "Καλημέρα σας κύριε",
    "windows-1254": "Bugün hava çok güzel değil mi İstanbul",
    "windows-1256": "مرحبا بكم في الموقع",
    "windows-874": "สวัสดีครับยินดีต้อนรับ",
}
PYTHON_NAMES = {"windows-874": "cp874"}
CLAIMS = {
    "header": ("{}", ""),
    "meta": (None, '<meta charset="{}">'),
    "http-equiv": (None, '<meta http-equiv="content-type" content="text/html;charset={}">'),
    "late meta": (None, "<style>" + "a:b " * 1500 + '</style><meta charset="{}">'),
    "nothing": (None, ""),
    "wrong header": ("utf-8", ""),
    "latin-1 by default": ("iso-8859-1", '<meta charset="{}">'),
}


@pytest.mark.parametrize("charset", RARER)
@pytest.mark.parametrize("claim", CLAIMS)
def test_rarer_charsets_come_out_right_whatever_is_claimed(charset: str, claim: str) -> None:
    header, head = CLAIMS[claim]
    source = page(RARER[charset], head=head.replace("{}", charset))
    body = source.encode(PYTHON_NAMES.get(charset, charset))
    assert decode(body, claimed=header and header.format(charset)) == source


@pytest.mark.parametrize("word", ["首页", "登录失败", "无人机", "欢迎光临"])
def test_few_undeclared_ideographs_of_gbk_are_enough(word: str) -> None:
    assert decode(page(word).encode("gbk"), claimed=None) == page(word)


@pytest.mark.parametrize("charset", ["utf-16-le", "utf-16-be"])
def test_wide_text_without_a_mark_is_seen_by_its_zeros(charset: str) -> None:
    source = page("Night flight, 夜间飞行")
    assert decode(source.encode(charset), claimed=None) == source


@pytest.mark.parametrize("charset", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("start", ["", "\n  "])
def test_wide_pages_full_of_ideographs_are_seen_by_their_markup(charset: str, start: str) -> None:
    source = f"{start}<!doctype html><p>{SENTENCES['utf-8'] * 20}</p>"
    for claimed in (None, "utf-8", "gbk"):
        assert decode(source.encode(charset), claimed=claimed) == source


def test_page_glued_together_from_two_charsets_keeps_the_larger_part() -> None:
    body = page("夜间飞行需要申请" * 40).encode() + "页脚".encode("gbk")
    assert decode(body, claimed="utf-8").startswith(page("夜间飞行需要申请" * 40))


@pytest.mark.parametrize("charset", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_mark_beats_every_claim(charset: str) -> None:
    assert decode("夜间飞行".encode(charset), claimed="gbk") == "夜间飞行"


def test_page_cut_in_the_middle_of_a_character_keeps_the_rest() -> None:
    body = page(SENTENCES["utf-8"] * 20).encode()
    cut = body[: body.rindex("，".encode()) + 1]
    assert decode(cut, claimed="utf-8").startswith(page(SENTENCES["utf-8"] * 19)[:100])


def test_rare_characters_of_gb18030_survive_a_gb2312_label() -> None:
    assert decode("镕基、㐂、𠮷野家在这里".encode("gb18030"), claimed="gb2312").startswith(
        "镕基、㐂、𠮷"
    )


def test_control_characters_go_and_line_ends_agree() -> None:
    assert decode(b"one\x00\r\ntwo\rthree\x07", claimed=None) == "one\ntwo\nthree"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("\x1b[1;31mFATAL\x1b[0m pump \x1b[38;2;1;2;3m七\x1b[m stalled", "FATAL pump 七 stalled"),
        ("\x1b]0;title\x07ready\x1b[K\x1b[?25l", "ready"),
        ("\x1b]8;;https://a.example\x1b\\a link\x1b]8;;\x1b\\.", "a link."),
        ("\x1b(Bplain\x1b7 and\x1b8 more", "plain and more"),
        ("\x1bPq#0;2\x1b\\picture", "picture"),
        # No sequence: only the character goes.
        (
            "a \x1bbold word, array[0m] and \x1b]0;never ended",
            "a bold word, array[0m] and ]0;never ended",
        ),
        ("a \x1b]0;title\nb\nbell \x07 end", "a ]0;title\nb\nbell  end"),
        ("a \x1bPq#0\r\nb \x1b\\ end", "a Pq#0\nb \\ end"),
        (f"a \x1b]0;{'title ' * 2000}\x07 end", f"a ]0;{'title ' * 2000} end"),
        (f"a \x1bPq{'~' * 20_000}\x1b\\ end", "a  end"),
    ],
)
def test_escape_sequences_of_terminals_go_whole(written: str, shown: str) -> None:
    assert decode(written.encode(), claimed=None) == shown


@pytest.mark.parametrize("part", ["\x1b[", "\x1b]0;", "\x1bPq", "\x1b[1;", "\x1b", "\x1b[ "])
@pytest.mark.timeout(30)
def test_sequences_that_never_end_are_read_in_time(part: str) -> None:
    assert "\x1b" not in decode((part * (400_000 // len(part))).encode(), claimed=None)


@given(
    st.binary(), st.none() | st.text() | st.sampled_from(["gbk", "utf-16", "hz-gb-2312", "utf-7"])
)
@settings(deadline=None)
def test_any_bytes_become_text_that_can_be_stored(body: bytes, claimed: str | None) -> None:
    text = decode(body, claimed=claimed)
    assert text.encode().decode() == text
    assert "\x00" not in text
    assert "\r" not in text


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "Zs"]), min_size=8))
@settings(deadline=None)
def test_utf_8_is_never_damaged(text: str) -> None:
    assert decode(text.encode(), claimed=None) == text
