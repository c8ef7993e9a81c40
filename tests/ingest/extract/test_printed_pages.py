"""Pages as a browser prints them: each letter placed by itself, columns, and marks at the edges."""

import shutil
import subprocess
from pathlib import Path

import pytest

from ingest.documents import Document
from ingest.extract.extractor import read_file
from tests.file_samples import pdf_of_contents

QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
FLOOD = (
    "the meadow is flooded every spring by the brook and stays wet until the first hay is cut",
    "herons stand in the shallows while the children of the village look for frogs and newts",
)


def printed(folder: Path, html: str) -> Document:
    """Return what is read from a page that Chromium prints to a PDF."""
    chromium = shutil.which("chromium")
    assert chromium is not None, "apt-get install chromium"
    page, pdf = folder / "page.html", folder / "page.pdf"
    page.write_text(f"<!DOCTYPE html><meta charset=utf-8><title>Inn</title>{html}", "utf-8")
    command = [chromium, *QUIET, f"--user-data-dir={folder / 'profile'}"]
    subprocess.run(
        [*command, f"--print-to-pdf={pdf}", str(page)], check=True, capture_output=True, timeout=120
    )
    return read_file(pdf)


def shown_at(x: float, y: float, text: str) -> str:
    return f"BT /F1 10 Tf {x} {y} Td ({text}) Tj ET"


def column(x: int, top: int, words: str, *, lines: int, step: float = 12) -> list[str]:
    """Return what draws a text in lines of some forty letters, one below the other."""
    parts = (words + " ").split(" ")
    rows = [" ".join(parts[place % len(parts) :][:8]) for place in range(0, 8 * lines, 8)]
    return [shown_at(x, top - step * place, row) for place, row in enumerate(rows)]


def places(text: str, *wanted: str) -> list[int]:
    return [text.index(one) for one in wanted]


@pytest.mark.chromium
@pytest.mark.timeout(180)
def test_what_a_browser_prints_is_read_letter_for_letter(tmp_path: Path) -> None:
    font = "font-family: serif; text-align: justify; font-kerning: normal"
    document = printed(
        tmp_path,
        f"<body style='{font}; width: 9cm'><h1>夜航客栈住宿须知</h1>"
        "<p>Guests are asked to keep quiet after ten; the office of the AVATAR valve works is shut "
        "at night, and difficult matters wait until morning.</p>"
        "<p>体重不超过八公斤的小型犬可以入住，每晚另收清洁费六十元。</p></body>",
    )
    assert "Guests are asked to keep quiet after ten; the office of the AVATAR valve" in (
        document.text
    )
    assert "体重不超过八公斤的小型犬可以入住，每晚另收清洁费六十元。" in document.text
    # Day and title above, address and number of the page below: the browser wrote those.
    assert "file://" not in document.text
    assert "1/1" not in document.text
    assert document.title == "Inn"


@pytest.mark.chromium
@pytest.mark.timeout(180)
def test_columns_of_different_languages_are_read_one_after_the_other(tmp_path: Path) -> None:
    chinese = "客栈临江而建，共有客房二十二间，院内种有桂花与石榴，秋天清香满院，常有住客喝茶。"
    english = "Guests are asked to keep quiet after ten, and the watchman will look after the door."
    table = "<table><tr><th>房型<th>平日<th>周末<tr><td>大床房<td>468<td>588</table>"
    document = printed(
        tmp_path,
        "<body style='columns: 2; column-fill: auto; height: 18cm; line-height: 1.4'>"
        + f"<p>{chinese}</p>" * 9
        + table
        + f"<p style='line-height: 1.2'>{english}</p>" * 12,
    )
    assert document.text.count(chinese) == 9
    assert document.text.count(english) == 12
    first, last, price, other = places(document.text, chinese, "588", "588", english)
    assert first < last
    assert price < other


def test_letters_that_overlap_are_said_once(tmp_path: Path) -> None:
    # Kerned more closely than their boxes: what is asked of the box of one holds its neighbours.
    word = "AVATAR TAVERN"
    letters = [shown_at(60 + 5.5 * place, 700, letter) for place, letter in enumerate(word)]
    (tmp_path / "a.pdf").write_bytes(pdf_of_contents("\n".join(letters)))
    assert read_file(tmp_path / "a.pdf").text.replace(" ", "") == "AVATARTAVERN"


def two_columns(*extra: str, right_top: int = 680) -> bytes:
    left = column(56, 680, "left " + FLOOD[0], lines=14)
    right = column(320, right_top, "right " + FLOOD[1], lines=12, step=12.7)
    return pdf_of_contents("\n".join([*extra, *left, *right]))


@pytest.mark.parametrize("right_top", [680, 695, 650])
def test_columns_at_different_heights_are_not_mixed(tmp_path: Path, right_top: int) -> None:
    (tmp_path / "a.pdf").write_bytes(two_columns(right_top=right_top))
    text = read_file(tmp_path / "a.pdf").text
    assert text.startswith("left the meadow")
    assert text.rindex("meadow") < text.index("right herons")
    assert "flooded every spring by the brook and stays wet" in text


def test_running_head_in_two_pieces_is_no_line_of_the_columns(tmp_path: Path) -> None:
    head = shown_at(56, 760, "Marsh Journal 12"), shown_at(470, 760, "R. Okafor et al.")
    table = [
        shown_at(x, 500 - 12 * row, cell)
        for row, cells in enumerate((("Year", "Nests", "Level"), ("2019", "31", "38 cm")))
        for x, cell in zip((60, 120, 180), cells, strict=True)
    ]
    (tmp_path / "a.pdf").write_bytes(two_columns(*head, *table))
    text = read_file(tmp_path / "a.pdf").text
    wanted = places(text, "Marsh Journal 12 R. Okafor et al.", "left the", "Nests", "right herons")
    assert wanted == sorted(wanted)


def test_table_of_two_columns_of_long_cells_is_no_text_in_columns(tmp_path: Path) -> None:
    asked = "{0} when does the ferry to the|island leave on a Sunday in|winter if the lake is free"
    said = "{0} it leaves at ten and at four|as long as the wind is not|above force six on the lake"
    pieces = [shown_at(60, 725, "Question"), shown_at(320, 725, "Answer")]
    pieces += [
        shown_at(60 + 260 * side, 700 - 60 * row - 12 * place, line.format(row))
        for row in range(7)
        for side, cell in enumerate((asked, said))
        for place, line in enumerate(cell.split("|")[: 3 - (row + side) % 2])
    ]
    (tmp_path / "a.pdf").write_bytes(pdf_of_contents("\n".join(pieces)))
    text = read_file(tmp_path / "a.pdf").text
    for row in range(7):
        (line,) = (line for line in text.splitlines() if f"{row} when does the ferry" in line)
        assert f"Answer: {row} it leaves at ten and at four as long as the wind" in line


def test_head_of_two_pages_does_not_part_a_sentence(tmp_path: Path) -> None:
    def page(*lines: str, number: int) -> str:
        shown = [shown_at(56, 700 - 12 * place, line) for place, line in enumerate(lines)]
        edges = shown_at(56, 750, "Minutes of the water board"), shown_at(300, 40, f"- {number} -")
        return "\n".join([edges[0], *shown, edges[1]])

    more = ["Then it rose for a quarter of an hour.", "The doors stayed open.", "It was cold."]
    first = [*more, "At last it heard the report of the dyke warden on the frost"]
    second = ["of the winter, which had lifted the stones of the lower dyke.", *more]
    body = pdf_of_contents(page(*first, number=1), page(*second, number=2))
    (tmp_path / "a.pdf").write_bytes(body)
    text = read_file(tmp_path / "a.pdf").text
    assert "on the frost of the winter, which" in text
    assert text.count("Minutes of the water board") == 1
    assert "- 1 -" not in text
    assert "- 2 -" not in text


def two_cells_a_row(*rows: tuple[str, str]) -> bytes:
    shown = [
        shown_at(x, 700 - 16 * place, cell)
        for place, row in enumerate(rows)
        for x, cell in zip((60, 220), row, strict=True)
    ]
    return pdf_of_contents("\n".join(shown))


def test_list_of_options_takes_no_option_for_a_head(tmp_path: Path) -> None:
    options = [
        ("-V", "show what comes out, from the command line alone"),
        ("-absolute", "take the sizes of the drawing as they are"),
        ("-batch", "view the pictures one behind the other"),
        ("-cdf", "write the names of all functions and leave"),
        ("-devices", "list what can draw, by number"),
        ("-embed", "put what is drawn in three dimensions into the page"),
        ("-fitscreen", "make the window as large as the picture"),
        ("-globals", "take what was read last for what is read next"),
    ]
    (tmp_path / "a.pdf").write_bytes(two_cells_a_row(*options))
    lines = read_file(tmp_path / "a.pdf").text.splitlines()
    assert [f"- {name}: {meaning}" for name, meaning in options] == lines


def test_names_of_two_columns_are_said_with_what_is_in_them(tmp_path: Path) -> None:
    rows = [(f"Harbour of {name}", f"{n}0 ships a day") for n, name in enumerate("ABCDEFGHIJ", 1)]
    (tmp_path / "a.pdf").write_bytes(two_cells_a_row(("Place", "Traffic"), *rows))
    text = read_file(tmp_path / "a.pdf").text
    assert "- Place: Harbour of C; Traffic: 30 ships a day" in text


def test_words_that_are_set_apart_without_a_blank_are_words(tmp_path: Path) -> None:
    # Helvetica at ten points: "awk." is 20 points wide, and groff draws the next word 3 behind it.
    words = zip((60, 83.5, 91.5), ("awk.", "It", "copies"), strict=True)
    shown = [shown_at(x, 700, word) for x, word in words]
    shown += [shown_at(60 + 10 * place, 600, letter) for place, letter in enumerate("NOTICE")]
    (tmp_path / "a.pdf").write_bytes(pdf_of_contents("\n".join(shown)))
    text = read_file(tmp_path / "a.pdf").text
    assert "awk. It copies" in text
    assert "NOTICE" in text.replace(" ", "")
