"""LaTeX: macros of the file's own, letters with accents, formulas."""

from itertools import pairwise
from pathlib import Path

import pytest

from ingest.extract.extractor import read_file
from ingest.extract.formats.notations.latex import read_tex


@pytest.mark.parametrize(
    ("definition", "written", "shown"),
    [
        (r"\newcommand{\alloy}{Ferrolith-9}", r"Of \alloy{} and \alloy.", "Of Ferrolith-9 and "),
        (r"\newcommand*\alloy{Ferrolith}", r"\alloy\ creeps", "Ferrolith creeps"),
        (r"\renewcommand{\alloy}{Ferrolith}", r"\alloy{}s", "Ferroliths"),
        (r"\providecommand\alloy{Ferrolith}", r"\emph{\alloy}", "Ferrolith"),
        (r"\def\city{Gda\'nsk}", r"in \city\ works", "in Gdańsk works"),
        (r"\def\a{\b}\def\b{Kiln}", r"\a{} 4", "Kiln 4"),
        (r"\newcommand{\temp}[1]{#1\,K}", r"at \temp{77}.", "at 77 K."),
        (r"\newcommand{\be}{\begin{equation}}\newcommand{\ee}{\end{equation}}",
         r"\be e^{2} \ee", "$$e^{2}$$"),
        (r"\newcommand{\price}[2][EUR]{#2 #1}", r"costs \price{5}.", "costs 5 EUR."),
        (r"\newcommand{\price}[2][EUR]{#2 #1}", r"costs \price[USD]{5}.", "costs 5 USD."),
        (r"\newcommand{\price}[2][]{#2#1}", r"costs \price{5}.", "costs 5."),
        (r"\newcommand\price[1][EUR]{in #1}", r"\price{}, \price[\emph{U}]; \price{} [1]",
         "in EUR, in U; in EUR [1]"),
        (r"\newcommand{\a}[1][\b]{in #1}\newcommand{\b}{oil}", r"\a[x] \a", "in x in oil"),
        (r"\renewcommand{\section}[1]{#1}", r"\section{Kiln}", "## Kiln"),
    ],
)  # fmt: skip
def test_macros_of_a_file_are_what_they_stand_for(
    definition: str, written: str, shown: str
) -> None:
    body = f"\\begin{{document}}\n{written}\n\\end{{document}}"
    text = read_tex(f"\\documentclass{{article}}\n{definition}\n{body}")
    assert shown in text
    assert "command" not in read_tex(f"{definition}\n{written}\n")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (r"\newcommand{\E}{Email}Ecole Rd\\E b@x", "Ecole Rd\nE b@x"),
        (r"\newcommand{\E}{Email}Ecole Rd\\\E{} b@x", "Ecole Rd\nEmail b@x"),
        (r"\newcommand{\E}[1]{<#1>}Ecole Rd\\E{b@x}", "Ecole Rd\nEb@x"),
        (r"\newcommand{\E}{a\\E}\E", "a\nE"),
        (r"Ecole Rd\\small texts", "Ecole Rd\nsmall texts"),
        (r"Ecole Rd\\\small texts", "Ecole Rd\ntexts"),
        ("line\\\\% zebras\nsmall", "line\n\nsmall"),
        ("line\\\\\\% zebras", "line\n% zebras"),
        ("5\\% zebras", "5% zebras"),
        ("a% zebras\nb", "ab"),
    ],
)
def test_two_backslashes_of_tex_end_a_line_and_begin_no_command(written: str, shown: str) -> None:
    assert read_tex(f"{written}\n").strip() == shown


def test_macros_that_multiply_each_other_stay_small() -> None:
    names = "abcdefgh"
    bomb = "".join(f"\\def\\{a}{{{f'{chr(92)}{b}' * 40}}}" for a, b in pairwise(names))
    assert len(read_tex(f"{bomb}\\def\\h{{kiln}}\n\\a\\a\\h.")) < 1_000_000
    assert "kiln." in read_tex("\\def\\h{kiln}\\def\\x{\\x\\x}\n\\x{} \\h.")
    long = f"\\newcommand{{\\x}}[2][{'kiln' * 200}]{{{'#1' * 400}}}"
    assert len(read_tex(long + "\\x{a}" * 1000)) < 1_000_000
    assert len(read_tex(long + f"\\x[{'oven' * 200}]{{a}}" * 1000)) < 2_000_000
    assert "kiln" in read_tex("\\newcommand{\\x}[1][kiln \\x]{#1#1}\\newcommand{\\y}{kiln}\\x \\y")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (r"Jos\'e Garc\'\ia, Garc\'{\i}a, {\'E}tude", "José García, García, Étude"),
        (r"\v{S}koda, \c{C}elik, \c c, Fran\c{c}ois", "Škoda, Çelik, ç, François"),
        (r"M\"uller, {\"u}, stra\ss e, Stra{\ss}e", "Müller, ü, straße, Straße"),
        (r"\o re, \AA ngstr\"om, \L{}\'od\'z, \ae on", "øre, Ångström, Łódź, æon"),
        (r"\~nandu, \`a, h\^otel, \.z, \H{o}, \k{a}, \r{u}", "ñandu, à, hôtel, ż, ő, ą, ů"),
        (r"Vi\d{\^e}t Nam", "Việt Nam"),
        (r"na\"\i ve\\'tis", "naïve\n'tis"),
        (r"3\,\% of 5~kg\;here,\quad{}there\ too, co\-op, 480\,$^\circ$C",
         "3 % of 5 kg here, there too, coop, 480 °C"),
        (r"``Quoted'' text---dash, 5--6 \ldots{} \S 4", "“Quoted” text—dash, 5–6 … § 4"),
        (r"\textsc{Kiln} {\bfseries hot} \textcolor{red}{now}", "Kiln hot now"),
    ],
)  # fmt: skip
def test_accents_and_spaces_of_tex_are_characters(written: str, shown: str) -> None:
    assert shown in read_tex(f"{written}\n")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("as $e^{-Q/RT}$ says", "as $e^{-Q/RT}$ says"),
        (r"x$_{2}$ \(a_{1}\)", "x$_{2}$ $a_{1}$"),
        (r"\[ x^{2} \\ y~z \]", r"$$x^{2} \\ y~z$$"),
        (r"\begin{equation}\label{e} A\sigma^{n} \end{equation}", r"$$A\sigma^{n}$$"),
        (r"\begin{align*} a &= b_{1} \\ c &= d \end{align*}",
         r"$$\begin{align*} a &= b_{1} \\ c &= d \end{align*}$$"),
        (r"It costs \$5 or \$6\{a\}.", "It costs $5 or $6{a}."),
        (r"\begin{tabular}{ll} $|x_{1}|$ & b \\ c & d \\\end{tabular}",
         "| $\\|x_{1}\\|$ | b |\n|---|---|\n| c | d |"),
    ],
)  # fmt: skip
def test_formulas_of_tex_keep_their_braces(written: str, shown: str) -> None:
    assert shown in read_tex(f"{written}\n")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (r"\texttt{git commit --amend}---so", "git commit --amend—so"),
        (r"\texttt{--help} or 5--6", "--help or 5–6"),
        (r"\texttt{a \textbf{--b} ``c''} ``d''", "a --b ``c'' “d”"),
        (r"\texttt{\texttt{--a} --b} 1--2", "--a --b 1–2"),
        (r"{\ttfamily ls --all} {\tt --x} 1--2", "ls --all --x 1–2"),
        (r"\code{rm --force} 1--2", "rm --force 1–2"),
        (r"\newcommand{\cmd}[1]{\texttt{#1}}\cmd{rm --force} 1--2", "rm --force 1–2"),
        (r"\verb|rm --force| \lstinline!a--b!", "rm --force a--b"),
        (r"\lstinline{a --b} \lstinline[language=C]{i--} \lstinline[x]|j--|", "a --b i-- j--"),
        (r"\mintinline{bash}{ls --all} \url{b.example/a--b}", "ls --all b.example/a--b"),
        ("\\begin{verbatim*}\nls --all ``x''\n\\end{verbatim*}", "````\nls --all ``x''\n````"),
        (r"\begin{tabular}{ll} \texttt{--a} & 1--2 \\ c & d \end{tabular}", "| --a | 1–2 |"),
        (r"\texttt{--a 1--2", "–a 1–2"),
    ],
)  # fmt: skip
def test_typewriter_text_of_tex_keeps_its_hyphens_and_quotes(written: str, shown: str) -> None:
    assert shown in read_tex(f"{written}\n")


def test_title_authors_items_and_references_of_tex_are_parted(tmp_path: Path) -> None:
    (tmp_path / "a.tex").write_text(
        "\\documentclass{article}\\newcommand{\\dev}{Quantimeter}\n"
        '\\title{The \\\\ \\dev}\\author{L. Sj\\"ostr\\"om \\and M. \\v{S}koda}\n'
        "\\begin{document}\\begin{itemize}\\item One.\\item Two.\\end{itemize}\n"
        "\\begin{thebibliography}{9}\\bibitem{x} A. Orlov.\\bibitem[B]{y} B. Ek.\n"
        "\\end{thebibliography}\\end{document}\n",
        encoding="utf-8",
    )
    document = read_file(tmp_path / "a.tex")
    assert document.title == "The Quantimeter"
    assert document.text.startswith("# The Quantimeter\n\nL. Sjöström; M. Škoda\n")
    assert "- One.\n- Two." in document.text
    assert "- A. Orlov.\n- B. Ek." in document.text
    assert "9" not in document.text
