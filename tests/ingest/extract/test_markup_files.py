"""Org, reStructuredText, LaTeX and AsciiDoc: what was written to stall a reader, and tables."""

import time
from pathlib import Path

import pytest

from ingest.documents import Document
from ingest.extract.extractor import read_file
from ingest.extract.formats.notations.latex import read_tex
from ingest.extract.formats.notations.org import read_org
from ingest.extract.formats.notations.restructured_text import read_rst
from ingest.extract.formats.table_rows import render_rows

SHORT, LONG = 20_000, 80_000
"""Characters of two texts of the same parts."""
MOST_TIMES = 8.0
"""How many times as long the longer one may take: 4 where time grows with length, 16 with its
square."""
LEAST_S = 0.05
"""CPU below which a machine's own noise says more than the length."""


def read(path: Path, text: str) -> Document:
    path.write_text(text, encoding="utf-8")
    return read_file(path)


def cpu_of(path: Path, text: str) -> float:
    """Return the seconds of CPU that a text takes, best of two."""
    taken = []
    for _ in range(2):
        start = time.process_time()
        read(path, text)
        taken.append(time.process_time() - start)
    return min(taken)


TABLE = "\\begin{tabular}{l}"
HOSTILE = {
    ".org": [
        *("[[a", "[[a][", "[fn::", "#+begin_src\n", "#+begin_src\n#+begin_example\n"),
        ("* a", " ", "b"),
    ],
    ".rst": [
        *(":a:", ":a:`x<", ":a:`x <", "`a <", "|a", "\n.. |a| b::\n"),
        *(
            "a::\n\n",
            "..\n",
            "+-+\n",
            "= =\n",
            "= = ",
            "+-",
            "+-+\n| |\n",
            "..\n x\n",
            "== ==\na b\n",
        ),
        "== ==\na b\n",
        *(("= = =\n", "a  ", "\n= = =\n"), ("+-+-+\n", "| |x|\n+ +-+\n", "+-+-+\n")),
        *((":a:`x", " ", "y"), ("`x", " ", "y"), ("x", " ", "y")),
    ],
    ".tex": [
        *("\\begin{verbatim}", "\\begin{verbatim}[", "\\begin{tabular}", "\\begin{tabular}["),
        *("\\section[", "\\title[", "\\cite[", "\\caption[", "\\footnote[", "\\verb|\\verb!"),
        ("\\begin{verbatim}", "[]", ""),
        *(
            "\\newcommand{\\a}{",
            "$",
            "$$",
            "$x\n",
            "\\(",
            "\\[",
            "\\'",
            "\\begin{align}",
            "\\bibitem[",
        ),
        *(("\\def\\a#1#2{#1#2#1}", part, "x") for part in ("\\a{", "\\a{}{}", "{", "}")),
        ("\\def\\a{\\b\\b}\\def\\b{\\a\\a}", "\\a ", "x"),
        *((TABLE, part, "\\end{tabular}") for part in ("\\\\[", "\\cline{", "\\multirow{")),
    ],
}
"""What is repeated, alone or between two texts."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("suffix", "case"), [(suffix, case) for suffix, cases in HOSTILE.items() for case in cases]
)
def test_time_of_markup_that_never_closes_grows_with_its_length(
    tmp_path: Path, suffix: str, case: str | tuple[str, str, str]
) -> None:
    before, part, behind = case if isinstance(case, tuple) else ("", case, "")
    short, long = (
        cpu_of(tmp_path / f"a{suffix}", f"Kiln\n{before}{part * (size // len(part))}{behind}\n")
        for size in (SHORT, LONG)
    )
    assert long <= MOST_TIMES * max(short, LEAST_S)


def test_names_of_rst_stand_for_what_they_mean_and_other_bars_stay() -> None:
    defined = ".. |port| replace:: 8080\n.. |kiln one| replace:: Kiln No. 1\n\n"
    text = read_rst(f"{defined}a | b |port| c |kiln one|__ |other| |port|_.\n")
    assert text.strip() == "a | b 8080 c Kiln No. 1 |other| 8080."


def test_table_of_rst_whose_quote_never_closes_stays_as_it_is_written() -> None:
    rows = "   a, b, c\n" * 20_000
    assert "a, b, c" in read_rst(f'.. csv-table:: Tides\n\n   "x\n{rows}')


def test_blocks_of_code_end_at_their_own_end() -> None:
    org = "#+BEGIN_SRC sh\n#+end_example\nls\n#+END_SRC\n#+begin_example\nnever ended\n"
    assert read_org(org).text.startswith("````\n#+end_example\nls\n````")
    assert "never ended" in read_org(org).text
    tex = "\\begin{verbatim}\n\\end{lstlisting} 5%\n\\end{verbatim}\n\\begin{Verbatim}\n6 % gone\n"
    text = read_tex(tex)
    assert "````\n\\end{lstlisting} 5%\n````" in text
    assert "gone" not in text
    assert "7 %" in read_tex("\\begin{Verbatim}\n\\begin{verbatim}\n7 %\n\\end{verbatim}\n")


def test_links_and_roles_of_rst_lose_the_blanks_before_their_target() -> None:
    text = read_rst("See `the form  <https://a.example/x>`_ and :ref:`late fees <late>`.\n")
    assert text.strip() == "See [the form](https://a.example/x) and late fees."


def test_short_rows_beside_a_very_long_one_take_no_memory_of_its_width() -> None:
    long = [f"c{number}" for number in range(20_000)]
    rows = render_rows([["a", "b"], long, *([["1", "2"]] * 20_000)]).split("\n")
    assert rows[0].startswith("- a: c0; b: c1; c2; c3")
    assert rows[1:] == ["- a: 1; b: 2"] * 20_000
