"""reStructuredText: tables that are drawn, comments, and code that two colons announce."""

import pytest

from ingest.extract.formats.notations.restructured_text import read_rst

GRID = """
+--------+-------------------+
| Byte   | Meaning           |
+========+===================+
| 0      | Start (:ref:`x`)  |
+--------+-------------------+
| 1–2    | In |unit|, little |
|        | endian            |
+--------+-------------------+
"""
SPANS = """
+-------+------------+-----------+
| Month | Tides                  |
|       +------------+-----------+
|       | Spring     | Neap      |
+=======+============+===========+
| May   | 5.2 m      | - two     |
+-------+------------+ - days    |
| June  | as in May  |           |
+-------+------------+-----------+
"""
WIDE = """
+--------+------+
| 项目   | 金额 |
+========+======+
| 灯光   | 200  |
+--------+------+
"""
COUNTED = """
+----+----+
| 项目 | 金额 |
+====+====+
| 灯光 | 200|
+----+----+
"""
SIMPLE = """
=====  =====  ======
   Inputs     Output
------------  ------
  A      B    A or B
=====  =====  ======
False  True   True
True   False  True, as
              said above.

\\      True   |unit|
=====  =====  ======
"""
UNTITLED = """
.. table:: Tools
   :widths: auto

   ===== =====
   Key   Val
   ===== =====
   Adze  77
   ===== =====
"""


@pytest.mark.parametrize(
    ("drawn", "shown"),
    [
        (
            GRID,
            "| Byte | Meaning |\n|---|---|\n| 0 | Start (x) |\n"
            "| 1–2 | In decagram, little endian |",
        ),
        (
            SPANS,
            "| Month | Tides Spring | Tides Neap |\n|---|---|---|\n"
            "| May | 5.2 m | - two - days |\n| June | as in May | - two - days |",
        ),
        (WIDE, "| 项目 | 金额 |\n|---|---|\n| 灯光 | 200 |"),
        (COUNTED, "| 项目 | 金额 |\n|---|---|\n| 灯光 | 200 |"),
        (
            SIMPLE,
            "| Inputs A | Inputs B | Output A or B |\n|---|---|---|\n| False | True | True |\n"
            "| True | False | True, as said above. |\n|  | True | decagram |",
        ),
        (UNTITLED, "Tools\n\n| Key | Val |\n|---|---|\n| Adze | 77 |"),
    ],
)
def test_drawn_tables_are_tables(drawn: str, shown: str) -> None:
    text = read_rst(f".. |unit| replace:: decagram\n\nBefore.\n{drawn}\nBehind.\n")
    assert f"Before.\n\n{shown}\n\nBehind." in text


@pytest.mark.parametrize(
    "drawn",
    [
        "+---+---+\n| a | b |\n",
        "+---+---+\n| a | b | c |\n+---+---+\n",
        "=== ===\na text over both\n=== ===\n",
        "=== ===\nnever ended\n",
    ],
)
def test_what_is_not_drawn_to_its_end_stays_as_it_is(drawn: str) -> None:
    assert drawn in read_rst(f"Before.\n\n{drawn}\nBehind.\n")


def test_a_long_cell_over_many_rows_takes_no_memory_of_both() -> None:
    cell = "".join(f"| {'x' * 90}  | {number:4} |\n+{' ' * 93}+------+\n" for number in range(1500))
    edge = f"+{'-' * 93}+------+\n"
    assert len(read_rst(f"{edge}{cell}| x{' ' * 91} | last |\n{edge}")) < 400_000


def test_many_cells_over_many_rows_take_no_memory_of_all_of_them() -> None:
    edge = f"+{'------+' * 60}\n"
    line = f"|{'abcdef|' * 59}   1  |\n"
    cells = f"{line}+{'      +' * 59}------+\n" * 59 + line + edge
    text = read_rst(edge + cells * 5)
    assert 59 * 60 * 5 < text.count("abcdef") < 59 * 60 * 5 * 3
    assert len(text.splitlines()) >= 60 * 5  # a row stays, without what is said above it


def test_heads_over_many_columns_take_no_memory_of_all_of_them() -> None:
    edge = f"+{'------+' * 100}\n"
    heads = edge.join(f"|{'x' * 600}{number:>99}|\n" for number in range(100))
    drawn = f"{edge}{heads}{edge.replace('-', '=')}|{'  a   |' * 100}\n{edge}"
    text = read_rst(drawn)
    assert "| a | a |" in text
    assert len(text) < 4 * len(drawn)


@pytest.mark.parametrize(
    "comment",
    [
        ".. comment about zebras",
        ".. comment\n   about\n\n   zebras",
        "..\n   zebras in a block",
        ".. note: zebras",
        ".. _target:\n.. zebras",
        "* item\n\n  .. zebras",
    ],
)
def test_comments_are_not_shown(comment: str) -> None:
    text = read_rst(f"Before.\n\n{comment}\n\nBehind.\n")
    assert "zebras" not in text
    assert "Before." in text
    assert "Behind." in text


@pytest.mark.parametrize(
    "written",
    [
        ".. versionadded:: 3.2 Reads zebras.",
        ".. py:function:: zebras(a)",
        ".. [1] On zebras.",
        ".. topic:: Zoo\n\n   All zebras.",
        ".. _zoo: https://zebras.example",
        "A paragraph\n.. with zebras.",
        "..\n\n   A quote of zebras.",
        "Example::\n\n   .. zebras",
        ".. code-block:: rst\n\n   .. zebras",
    ],
)
def test_directives_notes_and_examples_are_no_comments(written: str) -> None:
    assert "zebras" in read_rst(f"Before.\n\n{written}\n\nBehind.\n")


def test_what_two_colons_announce_is_code() -> None:
    text = read_rst("Type::\n\n   # no heading\n   a | b\n\n     c\n\nor std::\n\nEnd.\n")
    assert "Type:\n\n````\n# no heading\na | b\n\n  c\n````\n\nor std::\n\nEnd." in text
