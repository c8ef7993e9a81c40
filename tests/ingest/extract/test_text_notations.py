"""What notations of plain text set apart: speakers, labels, code, notes and what they lead to."""

from pathlib import Path

import pytest

from ingest.documents import Document
from ingest.extract.extractor import read_file


def read(path: Path, content: bytes | str) -> Document:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_file(path)


@pytest.mark.parametrize(
    ("name", "content", "lines"),
    [
        (
            "a.vtt",
            "WEBVTT\n\nNOTE by hand\n\nSTYLE\n::cue { color: red }\n\nq1\n00:01.000 --> 00:04.000\n"
            "<v Alice>Where is the well?</v>\n\nq2\n00:04.500 --> 00:09.000\n<v Bob>Behind the "
            "barn,\n\n00:10.000 --> 00:11.000\n<v Bob>at 10: 30 paces.</v>\n",
            ["Alice: Where is the well?", "Bob: Behind the barn, at 10: 30 paces."],
        ),
        (
            "a.srt",
            "1\n00:00:01,000 --> 00:00:03,000\n- 火车几点开？\n\n2\n00:00:03,500 --> 00:00:06,000\n"
            "- 晚上九点半，\n\n3\n00:00:07,000 --> 00:00:09,000\n{\\an8}七号站台。\n",
            ["- 火车几点开？", "- 晚上九点半， 七号站台。"],
        ),
        (
            "a.ass",
            "[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, "
            "Text\n"
            "Dialogue: 0,0:00:01.00,0:00:03.00,Default,Tom,0,0,0,,{\\b1}Under\\Nthe stone, left.\n",
            ["Tom: Under the stone, left."],
        ),
        (
            "b.vtt",
            "WEBVTT - Tour\nKind: captions\n\nNOTE\nby hand\n\n1\n00:01.000 --> 00:02.000\n"
            "REGION 5 reports\n4 cases.\n\n00:02.000 --> 00:03.000\nNOTE THE EXIT.\nSTYLE\n",
            ["REGION 5 reports 4 cases. NOTE THE EXIT. STYLE"],
        ),
        (
            "b.srt",
            "1\n00:00:01,000 --> 00:00:03,000\nTime: 8\n\n2\n00:00:03,500 --> 00:00:06,000\n"
            "Time: 20\n\n3\n00:00:07,000 --> 00:00:09,000\n注意：三号门关闭。\n"
            "注意：请走五号门。\n",
            ["Time: 8", "Time: 20", "注意：三号门关闭。", "注意：请走五号门。"],
        ),
        (
            "b.lrc",
            "[00:20.00]<00:20.10>第<00:20.50>二句\n[00:24.00]Row <00:25>on\n",
            ["第二句", "Row on"],
        ),
        (
            "c.vtt",
            "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Tom&nbsp;Ek>Salt &amp; pepper &lt;hot&gt;\n\n"
            "00:02.000 --> 00:03.000\n<v Tom&nbsp;Ek><i>AT&T</i> &amp;lt; &#8364;5&lrm;\n",
            ["Tom Ek: Salt & pepper <hot> AT&T &lt; €5\u200e"],
        ),
        (
            "c.srt",
            "1\n00:00:01,000 --> 00:00:03,000\n<i>Fish &amp; chips</i>\n\n"
            "2\n00:00:03,500 --> 00:00:06,000\n5 &lt; 6 &copy\n",
            ["Fish & chips 5 < 6 &copy"],
        ),
        ("c.lrc", "[00:12.00]Don&apos;t go &amp; stay\n", ["Don't go & stay"]),
        ("a.lrc", "[ti:送别]\n[00:12.00]长亭外\n[00:17.50]古道边\n", ["送别", "长亭外", "古道边"]),
    ],
)
def test_cues_keep_who_speaks(name: str, content: str, lines: list[str], tmp_path: Path) -> None:
    assert [line for line in read(tmp_path / name, content).text.splitlines() if line] == lines


def test_org_keywords_drawers_and_code_are_what_they_are(tmp_path: Path) -> None:
    found = read(
        tmp_path / "a.org",
        "#+TITLE: Greenhouse log\n#+AUTHOR: Mia\n#+DATE: 2025-02-03\n#+OPTIONS: toc:nil\n\n"
        "* TODO [#A] Heating :tech:\n:PROPERTIES:\n:ID: 1\n:END:\nOn below 6 °C.\n"
        "#+BEGIN_SRC sh\n# no heading\n* no heading\n#+END_SRC\n[[https://a.example][Manual]]\n",
    )
    assert (found.title, found.author, str(found.published)) == (
        "Greenhouse log",
        "Mia",
        "2025-02-03",
    )
    assert found.text == (
        "# Greenhouse log\n\nauthor: Mia\ndate: 2025-02-03\n\n"
        "## TODO [#A] Heating :tech:\nOn below 6 °C.\n"
        "````\n# no heading\n* no heading\n````\n[Manual](https://a.example)"
    )


def test_restructured_text_has_overlined_titles_and_admonitions(tmp_path: Path) -> None:
    text = read(
        tmp_path / "a.rst",
        "=====\nTides\n=====\n\nSpring\n======\n\n.. _spring:\n\n.. note:: It rises 5.2 m.\n\n"
        ".. code-block:: python\n   :linenos:\n\n   # no heading\n\nSee :ref:`neap <n>`, ``x``.\n",
    ).text
    assert text.split("\n\n") == [
        "# Tides",
        "## Spring",
        "Note: It rises 5.2 m.",
        "````\n# no heading\n````\nSee neap, `x`.",
    ]


def test_latex_keeps_what_is_set(tmp_path: Path) -> None:
    text = read(
        tmp_path / "a.tex",
        "\\documentclass{article}\\newcommand{\\x}{secret}\n\\title{潮汐}\\author{张三}\n"
        "\\begin{document}\\maketitle\n\\section{方法}\n样本为 \\textbf{420} 个，占 5\\%。% 注\n"
        "\\begin{tabular}{l|r}\n站点 & 潮差 \\\\ \\hline\n厦门 & 4.2 \\\\\n\\end{tabular}\n"
        "\\begin{verbatim}\n% code {x}\n\\end{verbatim}\n\\end{document}\n",
    ).text
    assert text.split("\n\n") == [
        "# 潮汐",
        "张三",
        "## 方法",
        "样本为 420 个，占 5%。",
        "| 站点 | 潮差 |\n|---|---|\n| 厦门 | 4.2 |",
        "````\n% code {x}\n````",
    ]


def test_asciidoc_has_headings_tables_and_code(tmp_path: Path) -> None:
    text = read(
        tmp_path / "a.adoc",
        "= Pump Manual\n:toc:\n\n== Start\n\nNOTE: Fill it, see link:a.html[here].\n\n"
        "[source,sh]\n----\n== no heading\n----\n\n|===\n|Part |Torque\n\n|Flange\n|40 Nm\n|===\n",
    ).text
    assert "# Pump Manual\n\n## Start\n" in text
    assert "````\n== no heading\n````" in text
    assert text.endswith("| Part | Torque |\n|---|---|\n| Flange | 40 Nm |")


LATEX = "\\documentclass{article}\n\\begin{document}\nHello\n\\end{document}\n"
INDENTED = "".join(f"   {line}\n" for line in LATEX.splitlines())


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        (
            "a.rst",
            f"Thesis\n======\n\n.. code-block:: latex\n\n{INDENTED}\nRoom 204.\n",
            ["# Thesis", "Hello", "Room 204."],
        ),
        (
            "a.org",
            f"* Setup\n#+begin_src latex\n{LATEX}#+end_src\n* Then\nRoom 204.\n",
            ["# Setup", "Hello", "# Then\nRoom 204."],
        ),
        (
            "a.tex",
            "\\documentclass{article}\n\\begin{document}\n\\section{Start}\n\\begin{verbatim}\n"
            f"{LATEX}\\end{{verbatim}}\nIt ends with \\verb|\\end{{document}}| there. "
            "See \\url{https://a.example/x%20y}.\n"
            "\\section{Next}\nIt costs 40.\n\\end{document}\n",
            ["## Start", LATEX, "with \\end{document} there", "x%20y.", "## Next", "It costs 40."],
        ),
        (
            "b.tex",
            f"\\section{{Start}}\nOne.\n\\verb|x|\n{LATEX}Two.\n",
            ["## Start", "One.", "Two."],
        ),
        (
            "a.rst",
            "Fees\n====\n\n=== =====\nDay Price\n=== =====\nMon 4\n=== =====\n",
            ["# Fees", "| Day | Price |\n|---|---|\n| Mon | 4 |"],
        ),
        ("a.adoc", "* Bring your passport.\n", ["- Bring your passport."]),
    ],
)
def test_the_suffix_tells_the_language_and_examples_end_no_text(
    name: str, content: str, parts: list[str], tmp_path: Path
) -> None:
    text = read(tmp_path / name, content).text
    assert [part for part in parts if part not in text] == []
    assert "### =" not in text


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        (
            "a.tex",
            "\\section{Fees}\n\\begin{description}\n\\item[Sauna] 12 euros\n\\end{description}\n"
            "The pool\\footnote{Closed on Monday.} is open.\n\\noindent[Draft]\n",
            ["[Sauna] 12 euros", "The pool (Closed on Monday.) is open.", "[Draft]"],
        ),
        (
            "a.org",
            "* WAITING 合同 :urgent:\n:PROPERTIES:\n:OWNER: 张三\n:END:\n"
            "#+CAPTION: 票价表\n| 日 | 价 |\n",
            ["# WAITING 合同 :urgent:", ":OWNER: 张三", "票价表\n| 日"],
        ),
        (
            "a.rst",
            "Links\n=====\n\n.. math:: a^2 + b^2\n\n.. _book: https://a.example/b\n\n"
            ".. image:: p.png\n   :alt: Exit in the north\n\n.. highlight:: sh\n\nEnd.\n",
            ["a^2 + b^2", "book: https://a.example/b", ":alt: Exit in the north", "\n\nEnd."],
        ),
        (
            "a.adoc",
            "= Leave\n\n|===\n|Kind |Rule\n\n|Annual\n|25 days,\nof which 10 in one go.\n|===\n\n"
            "|===\n|A |B\n2+|All\n|===\n\nimage::plan.png[Exit in the north]\n",
            ["| Annual | 25 days, of which 10 in one go. |", "2+|All", "Exit in the north"],
        ),
    ],
)
def test_labels_notes_states_and_captions_are_kept(
    name: str, content: str, parts: list[str], tmp_path: Path
) -> None:
    text = read(tmp_path / name, content).text
    assert [part for part in parts if part not in text] == []


def test_tables_notes_and_replacements_of_rst_are_text(tmp_path: Path) -> None:
    source = (
        ":Author: Tuuli\n\n.. |port| replace:: Virtsu\n\nFrom |port| hourly [#f]_.\n\n"
        ".. list-table:: Fares\n   :header-rows: 1\n\n   * - Vehicle\n     - Fare\n"
        '   * - bicycle\n     - 1.40\n\n.. csv-table:: Depth\n   :header: "Pier", "Metres"\n\n'
        '   "north", 4.1\n\n.. [#f] In ice winters less often.\n'
    )
    text = read(tmp_path / "a.rst", source).text
    for part in (
        *("Author: Tuuli", "From Virtsu hourly.", "Fares\n\n| Vehicle | Fare |\n|---|---|"),
        *("| bicycle | 1.40 |", "| Pier | Metres |\n|---|---|\n| north | 4.1 |"),
        "\n\nIn ice winters less often.",
    ):
        assert part in text
    assert "|port|" not in text


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("See link:https://a.example/x[the form].", "See [the form](https://a.example/x)."),
        ("See xref:fees.adoc#late[late fees].", "See [late fees](fees.adoc#late)."),
        ("See https://a.example/x?a:b[the form].", "See [the form](https://a.example/x?a:b)."),
        ("See <<fees, the fees>> and a[1] of b: [x].", "See the fees and a[1] of b: [x]."),
        ("At mailto:ann@a.example[Ann], 9:30[sic]", "At [Ann](mailto:ann@a.example), [sic](9:30)"),
    ],
)
def test_links_of_asciidoc_say_what_they_lead_to(tmp_path: Path, written: str, shown: str) -> None:
    assert shown in read(tmp_path / "a.adoc", f"= Kiln\n\n{written}\n").text


@pytest.mark.timeout(60)
@pytest.mark.parametrize("part", ["a:", "<<a", "<<a,", "a:b[", "xref:", "xref:<", "footnote:["])
def test_asciidoc_made_to_stall_a_reader_is_read_in_time(tmp_path: Path, part: str) -> None:
    text = part * (150_000 // len(part))
    assert part in read(tmp_path / "a.adoc", f"= Kiln\n\n{text}\n").text


def test_values_and_notes_of_asciidoc_and_org_are_in_their_sentences(tmp_path: Path) -> None:
    adoc = "= Kiln\n:glaze: celadon\n\nThe glaze is {glaze}.footnote:[Mixed by Arno.] {other}\n"
    assert "The glaze is celadon. (Mixed by Arno.) {other}" in read(tmp_path / "a.adoc", adoc).text
    org = "The key is on hook seven.[fn:1]\n\n[fn:1] Painted by Okko.\n\n| a | b |\n|---+---|\n"
    text = read(tmp_path / "a.org", org).text
    assert text.startswith("The key is on hook seven.\n\nPainted by Okko.")
    assert "|---|---|" in text


def test_toml_front_matter_notes_boxes_and_wiki_links_of_markdown_are_text(tmp_path: Path) -> None:
    source = (
        '+++\ntitle = "Loft"\nauthor = "Caoimhe"\ntags = ["wire", "fuse"]\n+++\n\nRated at 63[^1]'
        " behind [[Panel B|the panel]], see [[Attic]].\n\n> [!warning] Live wire\n\n"
        "`[[code]] [^2]`\n\n[^1]: Replaced in 2019.\n"
    )
    document = read(tmp_path / "a.md", source)
    assert (document.title, document.author) == ("Loft", "Caoimhe")
    for part in (
        *("Rated at 63 behind the panel, see Attic.", "> Warning: Live wire", "`[[code]] [^2]`"),
        *("\nReplaced in 2019.", "tags: wire, fuse"),
    ):
        assert part in document.text


def test_marks_of_markdown_without_a_note_of_their_name_are_text(tmp_path: Path) -> None:
    source = "A berth[^b] has a number: drop [^0-9] before you type it.\n\n[^b]: On the quay.\n"
    text = read(tmp_path / "a.md", source).text
    assert text.startswith("A berth has a number: drop [^0-9] before you type it.\n\nOn the quay.")


def test_a_bar_of_a_cell_of_asciidoc_ends_no_cell(tmp_path: Path) -> None:
    table = "|===\n|What |Command\n\n|long names |ls \\| sort\n|words |wc\n|===\n"
    text = read(tmp_path / "a.adoc", f"= Kiln\n\n{table}").text
    assert "| long names | ls \\| sort |\n| words | wc |" in text
