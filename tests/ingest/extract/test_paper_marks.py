"""Drop caps, line numbers and marks of lists: what is drawn beside the lines of a page."""

import re
from collections.abc import Sequence
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.extract.extractor import read_file
from ingest.extract.formats.paper.columns import PdfPiece
from ingest.extract.formats.paper.layout import page_lines
from ingest.extract.formats.paper.marks import prepared_pieces
from tests.file_samples import pdf_of_contents

TEXT = (
    "the ferry goes at ten and at four from the",
    "landing below the mill, and in winter it is",
    "moored at the upper quay until the ice has",
    "gone, which may take to the end of March",
)


def piece(left: float, top: float, text: str, *, size: float = 10.0, wide: float = 5.0) -> PdfPiece:
    return PdfPiece(left=left, right=left + wide * len(text), top=top, bottom=top - size, text=text)


def shown(pieces: list[PdfPiece]) -> list[str]:
    return [line.text for line in page_lines(pieces)]


def with_cap(cap: str, *lines: str, left: float = 60, top: float = 700) -> list[PdfPiece]:
    """Return a paragraph whose first letter is two lines tall."""
    pieces = [piece(left, top, cap, size=23, wide=22 / len(cap))]
    for place, line in enumerate(lines):
        pieces.append(piece(left + 26 * (place < 2), top - 12 * place, line))
    return pieces


@pytest.mark.parametrize(
    ("cap", "rest", "begin"),
    [
        ("A", "fter eleven months", "After eleven months"),
        ("A", "FTER ELEVEN months", "AFTER ELEVEN months"),
        ("A", "Hansen is no Jensen", "A Hansen is no Jensen"),
        ("A", "landing is near", "A landing is near"),
        ("“W", "hen does it go?", "“When does it go?"),
        ("L’", "eau monte", "L’eau monte"),
        ("春", "天的河水很急", "春天的河水很急"),
    ],
)
def test_a_drop_cap_stands_at_the_beginning_of_its_word(cap: str, rest: str, begin: str) -> None:
    more = ["At last the landing was mended."]
    lines = shown([piece(60, 740, "News"), *with_cap(cap, rest, *TEXT, *more)])
    assert lines == ["News", begin, *TEXT, *more]


def test_drop_caps_in_two_columns_do_not_mix_them() -> None:
    left = with_cap("T", "he ferry goes at ten and at four", *TEXT, *TEXT)
    right = with_cap("H", "erons stand in the shallows while", *TEXT, *TEXT, left=330)
    lines = shown([*left, *right])
    assert lines[0] == "The ferry goes at ten and at four"
    assert lines[9] == "Herons stand in the shallows while"
    assert lines[1:9] == lines[10:] == [*TEXT, *TEXT]


def test_a_tall_letter_that_is_no_drop_cap_stays_a_piece() -> None:
    beside_one_line = [piece(60, 700, "B", size=22), piece(90, 700, "asement"), *rows_of(600)]
    assert prepared_pieces(beside_one_line) == beside_one_line
    far_away = [piece(60, 700, "B", size=22), piece(160, 700, "ridge"), piece(160, 688, "of oak")]
    assert prepared_pieces([*far_away, *rows_of(600)]) == [*far_away, *rows_of(600)]


PROSE = (
    "the ferry goes at ten and at four. From the",
    *TEXT[1:3],
    "thawed. Herons stand in the shallows where",
)
CHINESE_PROSE = (
    "渡船每天上午十点和下午四点从磨坊下面的码",
    "头开出。冬天它停在上游的岸边，一直等到河",
    "里的冰化完，这有时要到三月底。春天河水很",
    "急，船要绕过沙洲才能靠岸，所以走得慢一些",
)


def lines_of(lines: Sequence[str], count: int = 30, *, wide: float = 5.0) -> list[PdfPiece]:
    return [
        piece(60, 700 - 14 * place, lines[place % len(lines)], wide=wide) for place in range(count)
    ]


def rows_of(top: float, count: int = 4, left: float = 60) -> list[PdfPiece]:
    return [piece(left, top - 14 * place, TEXT[place % len(TEXT)]) for place in range(count)]


def numbers(values: range, *, top: float, step: float, right: float) -> list[PdfPiece]:
    return [
        piece(right - 4 * len(str(value)), top - 1 - step * place, str(value), size=7, wide=4)
        for place, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    "beside",
    [
        numbers(range(5, 21, 5), top=700 - 4 * 14, step=70, right=50),
        numbers(range(5, 21, 5), top=700 - 4 * 14, step=70, right=330),
        numbers(range(10, 31, 10), top=700, step=140, right=50),
        numbers(range(1, 31), top=700, step=14, right=50),
        numbers(range(985, 1015), top=700, step=14, right=50),
    ],
    ids=["fives", "fives at the right", "tens", "each line", "of a later page"],
)
def test_numbers_of_lines_are_left_out(beside: list[PdfPiece]) -> None:
    for text in (lines_of(PROSE), lines_of(CHINESE_PROSE, wide=10)):
        assert prepared_pieces([*beside, *text]) == text


def test_numbers_of_a_list_stay_though_its_items_are_as_wide() -> None:
    each = numbers(range(1, 26), top=700, step=14, right=50)
    roads = ["人民", "解放", "建设东", "中山", "和平"]
    addresses = [
        f"浙江省杭州市西湖区{roads[n % 5]}路{11 + 7 * n}号{1 + n % 4}室" for n in range(25)
    ]
    names = [f"浙江省杭州市第{n % 9 + 1}人民医院附属门诊部分院筹备委员会" for n in range(25)]
    items = [TEXT[n % 4] for n in range(25)]
    abbreviated = [f"house of J. Smith, St. Mary Rd. {n + 10} by the mill" for n in range(25)]
    for texts, wide in ((addresses, 10), (names, 10), (items, 5), (abbreviated, 5)):
        listed = [*each, *lines_of(texts, 25, wide=wide)]
        assert list(prepared_pieces(listed)) == listed
        remarks = [piece(400, 700 - 14 * n, "已审核") for n in range(25)]
        assert list(prepared_pieces([*listed, *remarks])) == [*listed, *remarks]
    # Lines of all widths are no paragraph, but verses, or remarks with a row each.
    ragged = [text[: 43 - 9 * (n % 3)] for n, text in enumerate(PROSE * 7)][:25]
    pieces = [*each, *lines_of(ragged, 25)]
    assert list(prepared_pieces(pieces)) == pieces


def test_numbers_that_are_no_numbers_of_lines_stay() -> None:
    each = numbers(range(1, 31), top=700, step=14, right=50)
    dishes = [piece(60, 700 - 14 * n, f"Soup of the day with bread number {n}") for n in range(30)]
    prices = [piece(400, 700 - 14 * n, "of rye") for n in range(30)]
    head = [piece(40, 714, "No"), piece(60, 714, "text of the line as it is in the book")]
    kept: tuple[list[PdfPiece], ...] = (
        [*each, *dishes],  # a list: each item begins a sentence
        [*each, *dishes, *prices],
        [*head, *each, *rows_of(700, 30)],  # a table with a head
        [*each[:12], *rows_of(700, 12)],  # too few of them
        [*numbers(range(5, 21, 5), top=700, step=14, right=50), *rows_of(700, 4)],
        [*numbers(range(1, 31), top=700, step=14, right=80), *rows_of(700, 30, left=40)],
    )
    phrase = "the amount of all that was paid for oil and oats in the year before"
    words = phrase.split()
    phrases = [" ".join(words[: 5 + 7 * n % 9]) for n in range(30)]
    items = [piece(60, 700 - 14 * n, phrase) for n, phrase in enumerate(phrases)]
    kept += ([*each, *items],)
    for pieces in kept:
        assert list(prepared_pieces(pieces)) == pieces


@pytest.mark.parametrize(
    ("mark", "written"),
    [
        *[(mark, "•") for mark in "\uf0b7\uf0a7\uf0d8\uf076\uf0fc\x88•‣➢·\ue123"],
        *[(mark, "•") for mark in "oØü§"],
        *[("\uf0a8", "☐"), ("\uf0fe", "☑"), ("☐", "☐"), ("☑", "☑"), ("▪", "•"), ("–", "-")],
    ],
)
def test_marks_of_a_list_begin_their_lines(mark: str, written: str) -> None:
    items = ["Wear goggles.", "Tie back long hair and wide sleeves", "Never eat here."]
    pieces = [piece(60, 740, "Rules")]
    for place, item in enumerate(items):
        pieces += [piece(60, 697 - 14 * place, mark, size=4), piece(78, 700 - 14 * place, item)]
    assert shown(pieces) == ["Rules", *(f"{written} {item}" for item in items)]


def test_lists_and_boxes_side_by_side_keep_their_texts() -> None:
    lists = [
        piece(x, 700, text) for x, text in ((60, "•"), (78, "Bath"), (200, "•"), (218, "Garden"))
    ]
    assert [each.text for each in prepared_pieces(lists)] == ["• Bath", "• Garden"]
    form = [
        piece(x, 700, text)
        for x, text in ((60, "Bath:"), (100, "☐"), (118, "yes"), (150, "☑"), (168, "no"))
    ]
    assert [each.text for each in prepared_pieces(form)] == ["Bath:", "☐ yes", "☑ no"]


def test_a_mark_and_its_text_in_one_piece_begin_with_a_bullet() -> None:
    lines = [piece(60, 700 - 14 * n, f"\x88 {text}") for n, text in enumerate(TEXT)]
    assert shown(lines) == [f"• {text}" for text in TEXT]


def test_signs_in_cells_of_a_table_are_no_marks_of_a_list() -> None:
    # Nothing, a value and yes: what stands in the middle of a row belongs to the row.
    table = [
        piece(x, 700 - 20 * row, cell)
        for row, cells in enumerate(
            [("Room", "Bath", "View"), ("Elm", "–", "river"), ("Oak", "o", "mill")]
        )
        for x, cell in zip((60, 120, 140), cells, strict=True)
    ]
    table[4] = piece(125, 680, "–")
    assert list(prepared_pieces(table)) == table
    yes = [piece(60, 700, "Bath"), piece(110, 700, "✓"), piece(145, 700, "of oak")]
    assert list(prepared_pieces(yes)) == yes
    (cell,) = prepared_pieces([piece(60, 700, "\uf0fc")])
    assert cell.text == "✓"
    hyphen = [piece(60, 700 - 14 * n, "\x02") for n in range(3)]
    assert list(prepared_pieces([*hyphen, *rows_of(700, 3, left=80)])) == [
        *hyphen,
        *rows_of(700, 3, left=80),
    ]


@given(
    st.lists(
        st.builds(
            piece,
            st.integers(30, 120),
            st.integers(500, 640),
            st.sampled_from(["", "•", "o", "–", "5", "5", "10", "15", "T", "he", "\x88 a", "天"]),
            size=st.sampled_from([0, 4, 10, 10, 10, 30]),
        )
    )
)
def test_whatever_stands_on_a_page_no_text_is_lost_but_numbers(pieces: list[PdfPiece]) -> None:
    def letters(some: Sequence[PdfPiece]) -> list[str]:
        return sorted(re.sub(r"[^\w]|\d", "", "".join(each.text for each in some)))

    dingbats = sum(each.text == "o" for each in pieces)
    before, after = letters(pieces), letters(prepared_pieces(pieces))
    assert len(before) - dingbats <= len(after) <= len(before)


def test_a_number_that_is_there_twice_is_no_run() -> None:
    pieces = [*numbers(range(7, 8), top=700, step=14, right=50)] * 3 + rows_of(700)
    assert list(prepared_pieces(pieces)) == pieces


def test_pieces_without_letters_are_no_marks() -> None:
    empty = [piece(60, 700, ""), PdfPiece(left=60, right=60, top=700, bottom=700, text="•")]
    for pieces in ([], empty[:1], empty[1:], [*empty, *rows_of(600)]):
        assert list(prepared_pieces(pieces)) == pieces


def test_a_list_of_a_file_is_no_table_of_pairs(tmp_path: Path) -> None:
    items = ["Record your hours daily.", "Ask for leave two weeks ahead.", "Report sickness."]
    drawn = [
        f"BT /F1 10 Tf {x} {700 - 14 * row} Td ({text}) Tj ET"
        for row, item in enumerate(items)
        for x, text in ((60, r"\267"), (80, item))
    ]
    (tmp_path / "a.pdf").write_bytes(pdf_of_contents("\n".join(drawn)))
    assert read_file(tmp_path / "a.pdf").text == "\n".join(f"• {item}" for item in items)


def test_marks_at_the_corner_of_their_place_stay_in_their_upright_column() -> None:
    columns = ["村の人々は、毎朝早く起きました。", "彼は「泉がある」と、言いました。"]
    corners = {"、": (9, 3), "。": (9, 3), "「": (2, 8), "」": (0, 8)}
    letters = []
    for x, column in enumerate(columns):
        for y, letter in enumerate(column):
            shift, wide = corners.get(letter, (1, 10))
            left, top = 300 - 18 * x + shift, 700 - 12 * y
            letters.append(
                PdfPiece(left=left, right=left + wide, top=top, bottom=top - wide, text=letter)
            )
    assert shown(letters) == columns


def test_a_page_of_marks_and_letters_on_top_of_each_other_is_prepared_in_time() -> None:
    crowd = [piece(60, 700, text) for text in ("•", "a", "12", "o", "–") for _ in range(4000)]
    tall = [piece(60, 700, "T", size=400) for _ in range(4000)]
    rows = [piece(40 + n % 7, 9000 - n, str(5 * n % 9999)) for n in range(9000)]
    begun = process_time()
    assert prepared_pieces([*crowd, *tall, *rows])
    assert process_time() - begun < 8
