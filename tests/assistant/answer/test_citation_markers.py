"""Markers reach the reader in one form, and what only looks like one stays."""

import pytest

from assistant.answer.citations import CitationStream
from assistant.answer.citations.markers import marker_numbers
from tests.citation_samples import PASSAGES, cited


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Yes [1].", "Yes [1]."),
        ("Yes [1][2].", "Yes [1][2]."),
        ("Yes [1, 2].", "Yes [1][2]."),
        ("Yes [1,2 and 3].", "Yes [1][2][3]."),
        ("Yes [1-3].", "Yes [1][2][3]."),
        ("Yes [2, 2].", "Yes [2]."),
        ("是的【1】。", "是的[1]。"),
        ("是的［１］。", "是的[1]。"),
        ("是的[1、2]。", "是的[1][2]。"),
        ("是的[来源1]。", "是的[1]。"),
        ("是的[来源：1，来源：2]。", "是的[1][2]。"),
        ("Yes [^1].", "Yes [1]."),
        ("Yes [^1^].", "Yes [1]."),
        ("Yes [Source 2].", "Yes [2]."),
        ("Yes [sources: 1, 3].", "Yes [1][3]."),
        ("Yes【1†source】.", "Yes[1]."),
        ("Yes [1](https://1.example/).", "Yes [1]."),
        ("Yes. [1] Next.", "Yes. [1] Next."),
    ],
)
def test_markers_of_every_kind_become_one_form(said: str, shown: str) -> None:
    assert cited(said) == shown


@pytest.mark.parametrize(
    "said",
    [
        "数组[0]是第一个元素。",
        "访问列表 [0] 得到第一个值。",
        "向量v[1]为零。",
        "读取arr[1]的值。",
        "下标[1]表示第二项。",
        "dict['a'][0] works.",
        "The array index [0] is first.",
        "参数[路径]：文件的位置。",
    ],
)
def test_an_index_beside_chinese_or_a_noun_is_text(said: str) -> None:
    assert cited(said, attach=False) == said


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Yes [9].", "Yes."),
        ("Yes [9] indeed.", "Yes indeed."),
        ("Yes [1, 9].", "Yes [1]."),
        ("Yes [9][1].", "Yes [1]."),
        ("是的【9】。", "是的。"),
        ("Yes. [9] Next.", "Yes. Next."),
        ("[9] Yes.", "Yes."),
        ("Yes [0].", "Yes."),
        ("Yes [9](https://9.example/).", "Yes."),
        ("Yes [9]\nNext", "Yes\nNext"),
        ("Yes [1", "Yes "),
        ("Yes [Source ", "Yes "),
    ],
)
def test_numbers_that_no_passage_has_never_reach_the_reader(said: str, shown: str) -> None:
    assert cited(said) == shown


@pytest.mark.parametrize(
    "text",
    [
        "a[0] and b[1] and my_list[2] here",
        "args[0] here",
        "see [the rules](#x?y=[9]&z=1) here",
        "handlers[0](event) and vector<std::string> here",
        "see [the rules] (and [others]) here, [too](",
        "see [2024](https://2.example/) here",
        "in [2024] or [sic] or [ ] here",
        "code `x = a[9]` here",
        "```python\nprint(a[9])  # The limit is 120 metres above the ground.\n```\nso",
        "an open ` tick and [an open bracket",
        "3.14 is pi; example.com/a?b=c is not",
    ],
)
def test_code_links_and_other_brackets_stay_as_they_are(text: str) -> None:
    assert cited(text) == text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Yes (Source 1).", "Yes [1]."),
        ("Yes (sources: 1, 3).", "Yes [1][3]."),
        ("是的（来源1）。", "是的[1]。"),
        ("是的①。", "是的[1]。"),
        ("Lights¹.", "Lights[1]."),
        ("Lights<sup>1</sup>.", "Lights[1]."),
        ("Lights <sup>[1](https://made.up/)</sup>.", "Lights [1]."),
        ("Yes [**1**].", "Yes [1]."),
        ("Yes **[1]**.", "Yes [1]."),
        ("Yes [1/2].", "Yes [1][2]."),
        ("是的[1以及2]。", "是的[1][2]。"),
        ("Yes [cite: 1, 2].", "Yes [1][2]."),
        ("是的【1:0†source】。", "是的[1]。"),
        ("是的[第1段]。", "是的[1]。"),
        ("Yes [ID:1][doc2].", "Yes [1][2]."),
        ("Yes [[1]].", "Yes [1]."),
        ("Yes [[1](https://made.up/)].", "Yes [1]."),
        ("Yes ([1]).", "Yes [1]."),
        ("Yes {1}.", "Yes [1]."),
        ("Yes ##1$$.", "Yes [1]."),
        ("Yes [1][1][1].", "Yes [1]."),
    ],
)
def test_markers_in_every_dress_cite(said: str, shown: str) -> None:
    assert cited(said) == shown


@pytest.mark.parametrize(
    "marker",
    [
        *("(Source 9)", "（来源9）", "⁹", "<sup>9</sup>", "[cite: 9]", "[第9段]", "【9:0†source】"),
        *("[ID:9]", "[doc9]", "[[9]]", "[[9](https://made.up/)]", "{9}", "[**9**]", "**[9]**"),
        *("([9])", "[9/8]", "##9$$", "[9](https://made.up/)", "(sources 8, 9)", "[Source 9]"),
    ],
)
def test_numbers_without_a_passage_are_gone_in_every_dress(marker: str) -> None:
    assert cited(f"Lights{marker}.") == "Lights."
    assert cited(f"Lights {marker}, too.") == "Lights, too."
    assert cited(f"灯光{marker}。") == "灯光。"


@pytest.mark.parametrize(
    "text",
    [
        "The interval [0, 1] and the range [5-9].",
        "概率的取值范围是[0,1]。",
        "print(arr[0], arr[12])",
        "take items[1] and items[7]",
        "x = [9] and y=[1, 2]",
        "$.data[7].name and self.rows[3]",
        "    x = [9]\n    y[8] = 3\n",
        "Text:\n\n    x = [9]\n\nEnd",
        "```\nx = [9] # https://made.up/\n```\n",
        "In [5], the authors say so",
        "根据[5]，作者如此说",
        "5 m² and 10⁶ and x² + y² and km<sup>2</sup>",
        "包括：①登记；②考试",
        "the set {1, 2}, the set {9} and x^{9}",
        'JSON {"a": [1, 2]}',
        "the pattern [1-9]\\d*",
        "(page 9) and (see page 3)",
        "第9条 and (9)",
    ],
)
def test_text_that_only_looks_like_a_marker_stays(text: str) -> None:
    assert cited(text) == text


def test_a_line_of_markers_without_end_is_read_once() -> None:
    stream = CitationStream(PASSAGES)
    said = "[[1]]" * 2_000 + "[2] " * 2_000
    shown = "".join(stream.feed(said[at : at + 4]) for at in range(0, len(said), 4))
    # A quadratic reader takes minutes here; what is shown does not repeat itself either.
    assert (shown + stream.close()).strip() == "[1][2]"


def test_without_passages_every_marker_goes() -> None:
    stream = CitationStream([])
    assert stream.feed("Yes [1]. ") + stream.close() == "Yes. "
    assert stream.citations() == ()


def test_markers_are_read_in_full_width_too() -> None:
    assert marker_numbers("１，２") == (1, 2)
    assert marker_numbers("1-900") == ()


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Lights (Source 9).", "Lights."),
        ("Lights<sup>9</sup>.", "Lights."),
        ("灯光[第9段]。", "灯光。"),
        ("灯光【9:0†source】。", "灯光。"),
        ("Lights [doc9].", "Lights."),
        ("Lights [[9]].", "Lights."),
        ("Lights [1/2].", "Lights [1][2]."),
        ("Lights (Source 1).", "Lights [1]."),
        ("The interval [0, 1] and the range [5-9].", "The interval [0, 1] and the range [5-9]."),
        ("print(arr[0], arr[12])", "print(arr[0], arr[12])"),
        ("x = [0]", "x = [0]"),
        ("    x = [9]\nLights [1].", "    x = [9]\nLights [1]."),
        (
            "The fee [1].\n\nSources:\n[1] https://made-up.example/x\n[2] https://made-up.example/y",
            "The fee [1].\n\n",
        ),
    ],
)
def test_every_reported_marker_is_read(said: str, shown: str) -> None:
    assert cited(said) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("灯光[第2、9段]。", "灯光[2]。"),
        ("灯光【第2、3段】。", "灯光[2][3]。"),
        ("灯光[第2至3段]。", "灯光[2][3]。"),
        ("灯光[来源2]。", "灯光[2]。"),
        ("灯光[第２段]。", "灯光[2]。"),
        ("灯光[第二段]。", "灯光[2]。"),
        ("灯光[资料二]。", "灯光[2]。"),
        ("灯光[片段2]。", "灯光[2]。"),
        ("灯光[2号段落]。", "灯光[2]。"),
        ("灯光(见[2])。", "灯光[2]。"),
        ("灯光（来源：[2]、[9]）。", "灯光[2]。"),
        ("灯光(见[9])。", "灯光。"),
        ("Lights (see [2]).", "Lights [2]."),
        ("Lights (cf. [2]).", "Lights [2]."),
        ("Lights (Sources: [2], [9]).", "Lights [2]."),
        ("Lights [see 2].", "Lights [2]."),
        ("The interval (see [2]).", "The interval [2]."),
        ("Lights [Passage-2].", "Lights [2]."),
        ("Lights [Note 9].", "Lights."),
        ("Lights [[2], [9]].", "Lights [2]."),
        ('Lights <ref id="2"/>.', "Lights [2]."),
        # Text stays what it was.
        ("max([1], [2])", "max([1], [2])"),
        ("x = [[1], [2]]", "x = [[1], [2]]"),
        ("数组[[1],[2]]", "数组[[1],[2]]"),
        ("（见第二章）", "（见第二章）"),
        ("（来源：新华社）", "（来源：新华社）"),
        ("[2号楼]", "[2号楼]"),
        ("[第二章]", "[第二章]"),
        ("(see section 2)", "(see section 2)"),
        ("a ([b], [c]) d", "a ([b], [c]) d"),
    ],
)
def test_markers_in_other_dresses_are_the_same_wherever_they_are_cut(said: str, shown: str) -> None:
    shown_by_cut = {cited(said[:at], said[at:], attach=False) for at in range(len(said))}
    assert shown_by_cut == {shown}


@pytest.mark.parametrize(
    "text",
    [
        "Take [-1] for the last item.",
        "The vector has [-1, 2, 3].",
        "Temperatures of [-5, 10] degrees.",
        "The interval ([0, 1]) is closed.",
        "区间（[0,1]）是闭区间。",
        "The result is [[1], [2]].",
        "It returns [[1, 2], [3, 4]].",
        "The matrix [[1], [2]] has rows.",
        "矩阵是[[1], [2]]。",
        "结果为[[1],[2]]。",
        "It prints 2: print ([2])",
    ],
)
def test_numbers_of_mathematics_and_code_stay_wherever_they_are_cut(text: str) -> None:
    assert {cited(text[:at], text[at:], attach=False) for at in range(len(text))} == {text}


@pytest.mark.parametrize(
    "text",
    [
        "《论语》（第1、2篇）讲学习。",
        "《论语》（第2段）讲学习。",
        "合同（第3页）规定押金。",
        "选手（第3号）获胜。",
        "（第1至3篇）",
        "书（第12-15页）。",
        "Buses [from 5 to 9] run.",
        "Blocks [block 2] are freed.",
        'Footnotes are written <ref name="2" /> when reused.',
        "Use <source 2/> here.",
    ],
)
def test_references_of_the_text_itself_stay_wherever_they_are_cut(text: str) -> None:
    assert {cited(text[:at], text[at:], attach=False) for at in range(len(text))} == {text}


@pytest.mark.parametrize(
    "text",
    [
        "灯光（第1至2段）。",
        "灯光（第1、第2段）。",
        "灯光（见第1到2个来源）。",
        "灯光（第1-2段落 ）。",
    ],
)
def test_a_list_of_passages_in_parentheses_is_read_character_by_character(text: str) -> None:
    assert cited(*text, attach=False) == cited(text, attach=False) == "灯光[1][2]。"


def test_an_element_over_two_lines_is_text_wherever_it_is_cut() -> None:
    text = "<sup>[1]\n</sup>"
    assert len({cited(text[:at], text[at:]) for at in range(len(text))}) == 1
