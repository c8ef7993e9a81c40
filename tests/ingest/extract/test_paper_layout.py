"""Side columns, justified text, wrapped cells and running heads on paper, by where pieces stand."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.extract.formats.paper.columns import PdfLine, PdfPiece
from ingest.extract.formats.paper.layout import join_pages, page_lines
from ingest.extract.formats.paper.margins import without_margins

LETTER = 5.0
LINE = 12.0


def piece(x: float, y: float, text: str, *, wide: float | None = None) -> PdfPiece:
    """Return a text that begins at a place, as wide as is said, else as its letters are."""
    right = x + (LETTER * len(text) if wide is None else wide)
    return PdfPiece(left=x, right=right, top=y + 7, bottom=y, text=text)


def column(x: float, y: float, *lines: str) -> Iterator[PdfPiece]:
    return (piece(x, y - LINE * n, line) for n, line in enumerate(lines))


def texts(*pieces: PdfPiece) -> list[str]:
    return [line.text for line in page_lines(pieces)]


CAREER = (
    "Data engineer with nine years in trade, of which four",
    "were spent in Porto, where she led a team of five.",
    "Rebuilt the pipeline of the meters, which cut what it",
    "takes in a night from six hours to forty minutes.",
    "Wrote the tool by which the teams order what they need",
    "and see who else has ordered the same this month.",
    "Taught at the evening school for three winters.",
    "Speaks at meetings of the trade twice a year.",
)
SKILLS = ("Contact", "mara@example.org", "Skills", "Python", "Apache Kafka", "Chess", "Skating")


@pytest.mark.parametrize("skills_x", [40, 420])
@pytest.mark.parametrize("skills_y", [700, 694])
def test_a_side_column_is_read_by_itself(skills_x: float, skills_y: float) -> None:
    main = list(column(140, 700, *CAREER))
    side = list(column(skills_x, skills_y, *SKILLS))
    assert texts(*side, *main) == [*SKILLS, *CAREER]
    assert texts(*main, *side) == [*CAREER, *SKILLS]


def test_a_table_that_is_drawn_column_by_column_stays_a_table() -> None:
    names = ("Station", "Elm Bridge", "Low Weir", "Old Mill", "Quay", "Lock", "Dam", "Ford")
    levels = ("Level", "31 cm", "45 cm", "12 cm", "77 cm", "28 cm", "90 cm", "11 cm")
    (table,) = texts(*column(60, 700, *names), *column(200, 700, *levels))
    assert "| Old Mill | 12 cm |" in table


def test_justified_lines_are_no_rows_of_a_table() -> None:
    lines = ("should|telephone|Margaret", "Winterbottom|before|evening", "of|the|same|long|day")
    measure = 170.0
    pieces = [piece(60, 724, "Whoever wants to help in the hall", wide=measure)]
    for n, line in enumerate(lines):
        words = line.split("|")
        blank = (measure - LETTER * sum(map(len, words))) / (len(words) - 1)
        x = 60.0
        for word in words:
            pieces.append(piece(x, 712 - LINE * n, word))
            x += LETTER * len(word) + blank
    pieces.append(piece(60, 676, "or on the one before it, by nine in the evening"))
    assert texts(*pieces)[1:4] == [line.replace("|", " ") for line in lines]


def test_gaps_that_stand_nowhere_below_each_other_make_no_table() -> None:
    ends = ((120, 200), (155, 185), (95, 245), (135, 225))
    pieces: list[PdfPiece] = []
    for n, (first, second) in enumerate(ends):
        y = 700 - LINE * n
        pieces += [
            piece(60, y, "one", wide=first - 60),
            piece(first + 10, y, "two", wide=second - first - 10),
            piece(second + 10, y, "three", wide=290 - second + 7 * n),
        ]
    assert texts(*pieces) == ["one two three"] * 4


@pytest.mark.parametrize("second", ["warehouse, with a report", "Workshop two, with a report"])
def test_a_cell_of_several_lines_is_one(second: str) -> None:
    xs = (60, 100, 275, 330)
    rows = (
        ("Pos", "Work", "Qty", "Price"),
        ("1", "Plan of what is to stand in the", "2", "640.00"),
        ("2", "Travel", "1", "140.00"),
        ("3", "Shelves", "9", "310.50"),
    )
    pieces: list[PdfPiece] = []
    for row, y in zip(rows, (700, 680, 648, 628), strict=True):
        pieces += [piece(x, y, cell) for x, cell in zip(xs, row, strict=True)]
    wrapped = piece(100, 668, second)
    (table,) = texts(*pieces[:6], wrapped, *pieces[6:])
    assert f"| 1 | Plan of what is to stand in the {second} | 2 | 640.00 |" in table
    assert "| 2 | Travel | 1 | 140.00 |" in table


def test_a_running_head_is_no_head_of_the_table_below_it() -> None:
    head = piece(60, 760, "Fenwick Bank"), piece(400, 760, "Statement 7")
    rows = [("Date", "Details", "Paid", "Balance")]
    rows += [(f"0{n}/03", f"Debit {n}", f"{n}.00", f"{900 - n}.50") for n in range(1, 9)]
    pieces = [
        piece(x, 720 - 14 * n, cell)
        for n, row in enumerate(rows)
        for x, cell in zip((60, 140, 280, 400), row, strict=True)
    ]
    first, table = texts(*head, *pieces)
    assert first == "Fenwick Bank Statement 7"
    assert "| 03/03 | Debit 3 | 3.00 | 897.50 |" in table


def test_arabic_pieces_of_a_row_are_read_from_the_right() -> None:
    (line,) = texts(piece(60, 700, "المكتبة"), piece(98, 700, "مدير"))
    assert line == "مدير المكتبة"


PLACES = st.tuples(st.integers(0, 60), st.integers(0, 70), st.integers(1, 12))


@given(st.lists(PLACES, min_size=1, max_size=60))
def test_no_piece_is_lost_wherever_it_stands(places: list[tuple[int, int, int]]) -> None:
    words = [f"{chr(97 + n // 26)}{chr(97 + n % 26)}word" for n in range(len(places))]
    pieces = [
        piece(9.0 * x, 10.0 * y, word, wide=8.0 * wide)
        for (x, y, wide), word in zip(places, words, strict=True)
    ]
    shown = " ".join(texts(*pieces))
    assert [word for word in words if word not in shown] == []


def test_a_clause_with_its_number_apart_is_a_line() -> None:
    pieces = [
        piece(60, 700, "1."),
        piece(96, 700, "Premises. The landlord lets and the tenant takes"),
        piece(96, 688, "the workshop at 8 Foundry Yard."),
        piece(60, 664, "(a)"),
        piece(96, 664, "with the loading bay between seven and six"),
        piece(60, 652, "第二条"),
        piece(96, 652, "租期三年，自九月一日起计算"),
    ]
    assert texts(*pieces) == [
        "1. Premises. The landlord lets and the tenant takes",
        "the workshop at 8 Foundry Yard.",
        "(a) with the loading bay between seven and six",
        "第二条 租期三年，自九月一日起计算",
    ]


def test_amounts_below_each_other_stay_rows() -> None:
    rows = (("Milk", "1", "13.80"), ("Bread", "2", "17.00"), ("Apples", "1.2", "11.25"))
    sums = (("Total", "42.05"), ("Discount", "-3.00"), ("Paid", "39.05"))
    pieces = [
        piece(x, 700 - 20 * n, cell)
        for n, row in enumerate(rows)
        for x, cell in zip((60, 200, 300), row, strict=True)
    ]
    pieces += [
        piece(x, 640 - 12 * n, cell)
        for n, row in enumerate(sums)
        for x, cell in zip((60, 300), row, strict=True)
    ]
    (table,) = texts(*pieces)
    assert "| Discount |  | -3.00 |" in table
    assert "| Paid |  | 39.05 |" in table


@pytest.mark.parametrize("side", [0.5, 1.0])
def test_cells_of_other_heights_stay_in_their_rows(side: float) -> None:
    # In the middle of their height, or at its end: what has one line stands beside two.
    rows = (("1", "Door handles, polished, with", "all screws", "4"), ("2", "Hinge", "", "9"))
    pieces = [
        piece(x, 730, head) for x, head in zip((60, 100, 300), ("No", "Item", "Qty"), strict=True)
    ]
    y = 700.0
    for number, first, second, count in rows:
        pieces.append(piece(100, y, first, wide=180))
        if second:
            pieces.append(piece(100, y - 11, second))
        middle = y - 11 * side if second else y
        pieces += [piece(60, middle, number), piece(300, middle, count)]
        y -= 40
    (table,) = texts(*pieces)
    assert "| 1 | Door handles, polished, with all screws | 4 |" in table
    assert "| 2 | Hinge | 9 |" in table


def test_lines_that_are_numbers_are_lost_at_the_edges_alone() -> None:
    def page(number: int) -> list[PdfLine]:
        lines = ["Locker", "Key", "4711", "CIVIL", "2019", "88", "Shelf", "Board"]
        shown = [
            PdfLine(text=text, top=700 - 12 * n, bottom=693 - 12 * n)
            for n, text in enumerate(lines)
        ]
        return [*shown, PdfLine(text=str(number), top=47, bottom=40)]

    for kept in without_margins([page(n) for n in range(1, 5)]):
        assert [line.text for line in kept][2:6] == ["4711", "CIVIL", "2019", "88"]
        assert kept[-1].text == "Board"


def test_a_heading_is_told_by_its_font_and_entries_stay_on_their_lines() -> None:
    def line(text: str, place: int, size: float) -> PdfLine:
        return PdfLine(text=text, top=700 - 12 * place, bottom=693 - 12 * place, size=size)

    lines = [line("They met on the river bank, and went on", 0, 11)]
    lines += [line("Method of the Survey", 1, 14), line("Nests were counted twice", 2, 11)]
    assert join_pages([lines]).splitlines() == [each.text for each in lines]
    names = ["Pottery", "Basketry", "Knitting for two", "Weaving"]
    entries = [line(name, place, 11) for place, name in enumerate(names)]
    assert join_pages([entries]).splitlines() == names
