"""Markers that Markdown, HTML or TeX wraps become plain ones; powers, patterns and code stay."""

import pytest

from assistant.answer.citations import CitationStream
from tests.citation_samples import PASSAGES, cited

MARKER = 10
WRAPPED = [
    *("\\[{}\\]", "&#91;{}&#93;", "&lsqb;{}&rsqb;", "&#x5B;{}&#x5D;", "^[{}]", "^[{}]^", "^{}^"),
    *("^({})", "^{{{}}}", "$^{{[{}]}}$", "$^{{{}}}$", "$^{}$", "\\cite{{{}}}", "\\citep{{{}}}"),
    *(
        "\\textsuperscript{{{}}}",
        "[src {}]",
        "[材料{}]",
        "[脚注{}]",
        "[Footnote {}]",
        "(Footnote {})",
    ),
    *("（参见资料{}）", "（参考材料{}）", "[search result {}]", "[result {}]"),
]


@pytest.mark.parametrize("wrapped", WRAPPED)
def test_wrapped_marker_is_shown_plain_and_one_that_no_passage_has_not_at_all(wrapped: str) -> None:
    for number, shown in ((3, " [3]"), (9, "")):
        said = f"Pilots register once {wrapped.format(number)}."
        assert cited(said) == cited(*said) == f"Pilots register once{shown}."


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Pilots register once \\[1, 3\\].", "Pilots register once [1][3]."),
        ("Pilots register once \\[3\\]\\[9\\].", "Pilots register once [3]."),
        ("Pilots register once ^1,3^.", "Pilots register once [1][3]."),
        ("Pilots register once \\[^3\\].", "Pilots register once [3]."),
        ("Pilots register once.^3^", "Pilots register once.[3]"),
        ("Pilots register once.[result 3]", "Pilots register once.[3]"),
        ("Pilots register once（材料3）, and pay.", "Pilots register once[3], and pay."),
        ("Pilots register once【材料九】.", "Pilots register once."),
    ],
)
def test_several_wrapped_markers_are_shown_beside_each_other(said: str, shown: str) -> None:
    assert cited(said, attach=False) == cited(*said, attach=False) == shown


@pytest.mark.parametrize(
    "text",
    [
        "课文（第3段）写得很好。",
        "小说（第9段）描写了雨。",
        "请看原文（第8段）。",
        "The set {2} has one element.",
        "The value 2^[n] grows.",
        "【材料一】阅读下文。",
        "- [材料1] 面粉\n- [材料2] 糖",
        "【结果1】：成功",
        "实验得到【结果2】 ：失败。",
        "信函（材料1）已寄。",
        "（材料2）：合同",
        "[Result 1]: success",
        "Use `\\[2\\]` to escape brackets.",
        "Type &#91; for a bracket, or &amp;.",
        "The display formula \\[x^2\\] is shown.",
        "\\[ 2 + 2 = 4 \\]",
        "\\[\nx = 2\n\\]",
        "H~2~O, x^2^ and 10^9^ are formats.",
        "The area is 5 m^2^ in total, or 3 cm^2.",
        "E = mc^2 holds, and $x^{2}$ or $x^2$ is a square.",
        "regex ^[2] matches, and pattern ^[9]$ too",
        "A regex like [1-3] matches.",
        "3^2 = 9 and C:\\temp\\new costs $5 or $6.",
        "Blocks [block 2] are freed.",
        "$\\lambda^{2}-3=0$ holds, and $\\sigma^{2}$ is the variance.",
        "$|z|^{2}$, or |\\psi|^{2} outside.",
        "n!^{2} and x'^{2} and \\(\\omega^{2}\\) are powers.",
        "The index is weight/height^{2}, the area side^(2).",
        "the sum side^{2} + 4 is even.",
        "指数是体重/身高^{2}。",
        "The answer is\n\n\\[3\\]",
        "The result is \\[ 3 \\], or so it is \\[2\\].",
        "Escape brackets as \\[1\\] there.",
        'grep "\\[2\\]" finds it, and use \\[1-9\\] in regex.',
        "\\frac{1}{2}, \\sqrt{9} and \\section{3} are TeX.",
    ],
)
def test_powers_patterns_formulas_and_parts_of_a_text_stay(text: str) -> None:
    assert cited(text, attach=False) == cited(*text, attach=False) == text


def test_a_price_and_emphasis_make_no_power_of_the_marker_behind_them() -> None:
    said = "It costs $5 at most.^{9} *Pilots*^{9} register^{9} - once."
    shown = "It costs $5 at most. *Pilots* register - once."
    assert cited(said, attach=False) == cited(*said, attach=False) == shown


@pytest.mark.parametrize("unit", ["\\[", "&#91;2", "^[2", "$^{", "\\cite{", "^1,", "(参见"])
def test_long_runs_of_what_may_begin_a_marker_come_through_whole(unit: str) -> None:
    text = unit * 20_000
    stream = CitationStream(PASSAGES, attach=False)
    shown = stream.feed(text) + stream.close()
    assert text.startswith(shown)
    assert len(text) - len(shown) < MARKER  # the last one may be a marker that was cut off
