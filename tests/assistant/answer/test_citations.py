"""Markers reach the reader in one form, point to passages that exist, and are not lacking."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.answer.citations import CitationStream
from assistant.answer.citations.markers import marker_numbers
from assistant.values import Passage

TEXTS = (
    "Drones need a white light at night. The limit is 120 metres above the ground.",
    "无人机夜间飞行必须开启灯光，真高不得超过120米。自2024年1月1日起施行。",
    "Pilots register once and pay 1,000 yuan for the licence.",
)
PASSAGES = [
    Passage(
        number=number,
        url=f"https://{number}.example/",
        title=f"Page {number}",
        text=text,
        score=1.0,
        fetched_at=datetime(2026, 11, 21, tzinfo=UTC),
    )
    for number, text in enumerate(TEXTS, 1)
]


def cited(*pieces: str, attach: bool = True) -> str:
    stream = CitationStream(PASSAGES, attach=attach)
    return "".join(map(stream.feed, pieces)) + stream.close()


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
        (
            "The limit is 120 metres above the ground. Good.",
            "The limit is 120 metres above the ground [1]. Good.",
        ),
        (
            "- Drones need a white light at night\n- Fun",
            "- Drones need a white light at night [1]\n- Fun",
        ),
        ("1. Drones need a white light at night.", "1. Drones need a white light at night [1]."),
        ("**Drones need a white light at night.**", "**Drones need a white light at night [1].**"),
        (
            "无人机夜间飞行必须开启灯光。真高不得超过120米！",
            "无人机夜间飞行必须开启灯光[2]。真高不得超过120米[2]！",
        ),
        ("自2024年01月01日起施行。", "自2024年01月01日起施行[2]。"),
        ("The licence costs pilots 1000 yuan.", "The licence costs pilots 1000 yuan [3]."),
    ],
)
def test_statement_without_marker_gets_the_passage_that_supports_it(said: str, shown: str) -> None:
    assert cited(said) == shown


@pytest.mark.parametrize(
    "text",
    [
        "The limit is 130 metres above the ground.",  # another figure
        "自2025年1月1日起施行。",
        "Birds sing in the morning when the sun rises.",
        "Yes, at night.",  # too few words to tell
        "# Drones need a white light at night\n",
        "**Drones need a white light at night**\n",
        "| Drones | need a white light at night |\n",
        "Do drones need a white light at night?",
        "Drones need a white light at night:\n",
        "The passages do not say whether drones need a white light at night.",
        "I could not find whether drones need a white light at night.",
        "资料中没有提到无人机夜间飞行必须开启灯光。",
        "Drones need a white light at night [1].",  # it has one
    ],
)
def test_other_sentences_get_no_marker(text: str) -> None:
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


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Yes [1].\n\nSources:\n[1] https://made.up/x\n[2] https://made.up/y", "Yes [1].\n\n"),
        (
            "Yes [1].\n\n**References**\n1. FAA, https://faa.gov/x\n2. Page 3\n\nBye",
            "Yes [1].\n\n\nBye",
        ),
        ("是的[1]。\n\n参考资料：\n- [2] 某页\n", "是的[1]。\n\n"),
        ("Yes [1].\nSources: [1], [2]", "Yes [1].\n"),
        ("Yes [1].\n[1]: https://made.up/x\n", "Yes [1].\n"),
        ("Sources:\n- Coal\n- Oil", "Sources:\n- Coal\n- Oil"),
        ("Sources of energy are many", "Sources of energy are many"),
    ],
)
def test_a_list_of_sources_is_left_out(said: str, shown: str) -> None:
    assert cited(said) == shown


def test_a_list_of_sources_cites_nothing() -> None:
    stream = CitationStream(PASSAGES)
    stream.feed("Yes [1].\n\nSources:\n[1] https://made.up/x\n[2] https://made.up/y")
    stream.close()
    assert [citation.number for citation in stream.citations()] == [1]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("See https://made.up/x for more", "See for more"),
        ("See (https://made.up/x), too", "See, too"),
        ("See <https://made.up/x>.", "See."),
        ("See [the rules](https://made.up/x?y=[9]) here", "See the rules here"),
        ("See https://1.example/ for more", "See https://1.example/ for more"),
        ("See [rules](https://2.example) here", "See [rules](https://2.example) here"),
        ("See [rules](<https://made.up/x>) here", "See rules here"),
        ("See [rules](//made.up/x) here", "See rules here"),
        ("See [rules](javascript:alert(1)) here", "See rules here"),
        ("See [rules](data:text/html,x) here", "See rules here"),
        ("See [rules](ftp://made.up/x) here", "See rules here"),
        ("See [rules](/login) here", "See rules here"),
        ("See [rules](//made.up/x 'now (or) here') here", "See rules here"),
        ("See [rules](https://2.example.made.up/) here", "See rules here"),
        ("See [rules](https://2.exampl) here", "See rules here"),
        ("See [the [new] rules](//made.up/x) here", "See [the [new] rules] here"),
        ("See [a" + "a" * 300 + "](//made.up/x) here", "See [a" + "a" * 300 + "] here"),
        (
            "See [rules](//made.up/" + "x" * 300 + ") here",
            "See [rules] (//made.up/" + "x" * 300 + ") here",
        ),
        ("See [rules](https://made.up/" + "x" * 300 + ") here", "See [rules] () here"),
        ("See a[0](//made.up/x) here", "See a[0] here"),
        ("See <ftp://made.up/x> or ftp://made.up/x here", "See or here"),
        ("See <javascript:alert(1)> here", "See here"),
        ("See [rules](<https://2.example/>) here", "See [rules](<https://2.example/>) here"),
        ("See [rules](https://2.example 'x') here", "See [rules](https://2.example 'x') here"),
        ("Run `curl https://made.up/x` now", "Run `curl https://made.up/x` now"),
    ],
)
def test_addresses_that_no_passage_has_are_left_out(said: str, shown: str) -> None:
    assert cited(said) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("See [rules][x].\n\n[x]: http://evil.test/a", "See [rules][x].\n\n"),
        ('See [rules].\n\n[rules]: //evil.test/a "Rules"', "See [rules].\n\n"),
        ("See [rules].\n\n[rules]: <evil.test/a b> (T)", "See [rules].\n\n"),
        ("See [rules].\n\n[rules]:\n  javascript:alert(1)\n", "See [rules].\n\n\n"),
        ("> [a\\]b]: evil.test/x?d=1", "> "),
        ('[1]: https://evil.test/a "Title"\nYes', "\nYes"),
        ("[1]: javascript:alert(1)\nYes", "\nYes"),
        ("[Note]: keep away.\n[Weight]: 3.5", "[Note]: keep away.\n[Weight]: 3.5"),
        (f"[{'x' * 990}]: //evil.test/{'y' * 990}", f"\\[{'x' * 990}]: //evil.test/{'y' * 990}"),
        ('Go <a href="https://evil.test/x">here</a>.', "Go here."),
        ("Go <A\nclass=x HREF=//evil.test/x>here</A>.", "Go here."),
        ("Go <a title='>' href=//evil.test>here</a>.", "Go here."),
        ("See <img src=//evil.test/x.png alt=x> it", "See it"),
        ("See <img/onerror=alert(1) src=x> it", "See it"),
        ("<script>alert(1)</script> it", "alert(1) it"),
        ("<iframe src='//evil.test'></iframe> it", "it"),
        ("<img src=//evil.test/x onerror=alert(1) ", "< img src=//evil.test/x onerror=alert(1) "),
        (f"<a {'x ' * 120}href=//evil.test>", f"< a {'x ' * 120}href=//evil.test>"),
        (
            "List<int> is <b>not</b> x<y <br> or 3 <x and y",
            "List<int> is <b>not</b> x<y <br> or 3 < x and y",
        ),
        ("Mail joe@evil.test or <joe@evil.test>.", "Mail joe or <joe>."),
        ("ask@faa.test knows, 3@5 and pkg@1.2.3 stay", "ask knows, 3@5 and pkg@1.2.3 stay"),
        ("Go to h&#116;tp://evil.test; AT&amp;T", "Go to h& #116;tp://evil.test; AT&amp;T"),
        # What only looks like code to us must not pass as code.
        ("\\`<a href=//evil.test>`x", "\\``x"),
        ("```x``` [go](http://evil.test)\n[go](http://evil.test)", "```x``` go\ngo"),
        (
            "```\n[a](http://evil.test)\n``` x\n```\n[go](http://evil.test)",
            "```\n[a](http://evil.test)\n``` x\n```\ngo",
        ),
    ],
)
def test_links_in_other_dresses_are_checked_too(said: str, shown: str) -> None:
    assert cited(said) == shown
    by_character = CitationStream(PASSAGES)
    assert "".join(map(by_character.feed, said)) + by_character.close() == shown


def test_links_that_a_passage_has_stay_in_definitions() -> None:
    text = "See [rules].\n\n[rules]: https://www.faa.gov/night\n"
    passage = replace(PASSAGES[0], text="More at https://www.faa.gov/night", url="https://a.test/")
    stream = CitationStream([passage], attach=False)
    assert stream.feed(text) + stream.close() == text


def test_addresses_of_the_question_stay() -> None:
    stream = CitationStream(PASSAGES, question="What is https://asked.example/x?")
    assert stream.feed("It is https://asked.example/x here") + stream.close() == (
        "It is https://asked.example/x here"
    )


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("The moon is made of green cheese [1].", "The moon is made of green cheese."),
        ("Drones need a white light at night [3].", "Drones need a white light at night [1]."),
        ("Drones need a white light [3] at night.", "Drones need a white light [1] at night."),
        ("Drones need no white light at night [1].", "Drones need no white light at night."),
        ("The limit is 120 feet above the ground [1].", "The limit is 120 feet above the ground."),
        ("The passages do not hold the answer [1].", "The passages do not hold the answer."),
        ("资料中没有提到灯光的颜色[2]。", "资料中没有提到灯光的颜色。"),
        (
            "The moon is made of green cheese [1] and drones need a white light at night [1].",
            "The moon is made of green cheese and drones need a white light at night [1].",
        ),
    ],
)
def test_a_marker_counts_only_if_its_passage_supports_the_sentence(said: str, shown: str) -> None:
    assert cited(said) == shown


def test_verdicts_come_in_the_order_of_the_sentences() -> None:
    stream = CitationStream(PASSAGES)
    stream.feed(
        "Drones need a white light at night [3]. The moon is made of green cheese. Why? Pil"
    )
    assert [(done.text, done.verdict.kind) for done in stream.pop_checked()] == [
        ("Drones need a white light at night.", "re_attached"),
        ("The moon is made of green cheese.", "unsupported"),
        ("Why?", "no_claim"),
    ]
    stream.feed("ots register once and pay 1000 yuan")
    stream.close()
    assert [done.verdict.kind for done in stream.pop_checked()] == ["supported"]
    assert stream.pop_checked() == []
    assert stream.trust.share == pytest.approx(2 / 3)


def test_of_each_sentence_it_is_known_where_it_ends_in_what_is_shown() -> None:
    stream = CitationStream(PASSAGES)
    shown = stream.feed(
        "- Drones need a white light at night [3].\n- The moon is made of green cheese [1].\n\nWhy?"
    )
    shown += stream.close()
    assert [shown[: done.end] for done in stream.pop_checked()] == [
        "- Drones need a white light at night [1].",
        "- Drones need a white light at night [1].\n- The moon is made of green cheese.",
        shown,
    ]


def test_an_answer_that_claims_nothing_has_no_trust() -> None:
    stream = CitationStream(PASSAGES)
    stream.feed("Hello! What would you like to know?")
    stream.close()
    assert stream.trust.share is None


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_unsupported_sentences_are_left_out_if_wished(size: int) -> None:
    said = (
        "Drones need a white light at night. The moon is made of green cheese [1]. Good?\n"
        "- The moon is made of green cheese\n- Drones need a white light at night\n"
    )
    stream = CitationStream(PASSAGES, unsupported="drop")
    shown = "".join(stream.feed(said[at : at + size]) for at in range(0, len(said), size))
    assert shown + stream.close() == (
        "Drones need a white light at night [1]. Good?\n- Drones need a white light at night [1]\n"
    )


def test_a_line_of_markers_without_end_is_read_once() -> None:
    stream = CitationStream(PASSAGES)
    said = "[[1]]" * 2_000 + "[2] " * 2_000
    shown = "".join(stream.feed(said[at : at + 4]) for at in range(0, len(said), 4))
    # A quadratic reader takes minutes here; what is shown does not repeat itself either.
    assert (shown + stream.close()).strip() == "[1][2]"


def test_markers_are_only_checked_when_none_may_be_added() -> None:
    assert cited("Drones need a white light at night. Yes [9].", attach=False) == (
        "Drones need a white light at night. Yes."
    )


def test_citations_are_those_that_the_reader_sees() -> None:
    stream = CitationStream(PASSAGES)
    stream.feed("Pilots register once [3]. [9] Drones need a white light at night. ")
    stream.close()
    assert [citation.number for citation in stream.citations()] == [1, 3]
    assert stream.citations()[0].url == "https://1.example/"


def test_only_the_sentence_end_is_held_back() -> None:
    stream = CitationStream(PASSAGES)
    assert stream.feed("Drones need a white light at night") == "Drones need a white light at night"
    assert stream.feed(".") == ""
    assert stream.feed(" ") == ""
    assert stream.feed("Good") == " [1]. Good"


def test_without_passages_every_marker_goes() -> None:
    stream = CitationStream([])
    assert stream.feed("Yes [1]. ") + stream.close() == "Yes. "
    assert stream.citations() == ()


def test_markers_are_read_in_full_width_too() -> None:
    assert marker_numbers("１，２") == (1, 2)
    assert marker_numbers("1-900") == ()


FRAGMENTS = st.sampled_from(
    [
        *(
            "[1]",
            "[9]",
            "[",
            "]",
            "【2】",
            "1",
            ", ",
            "来源",
            "Source ",
            "(",
            ")",
            "https://a",
            "^",
        ),
        *(".", "。", "?", "…", "!", "**", "`", "```", "\n", " ", "  ", "\u3000", "- ", "# ", "| "),
        *(
            "Sources:",
            "https://1.example/",
            "https://made.up/",
            "www.",
            "<sup>",
            "</sup>",
            "¹",
            "⁹",
        ),
        *("①", "{1}", "##1$$", "[[", "]]", "    ", "第", "=", "not ", "资料中没有", "TEXT " * 60),
        *("[x]: //e.test/a", "[1]: ", '"T"', "<a href=", "<b ", "'", "/>", "@", "&#58;", "\\"),
        *("a", "a[0]", "U.S", "e.g", "3", "†", "-", "”", TEXTS[0][:34], TEXTS[1][:14]),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(FRAGMENTS, max_size=16).map("".join), st.data())
def test_any_cut_of_the_stream_gives_the_same_answer(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=12)) | {0, len(text)})
    whole = CitationStream(PASSAGES)
    parts = CitationStream(PASSAGES)
    shown = "".join(parts.feed(text[start:end]) for start, end in pairwise(cuts)) + parts.close()
    assert shown == whole.feed(text) + whole.close()
    assert parts.citations() == whole.citations()
    assert parts.pop_checked() == whole.pop_checked()


@settings(deadline=None)
@given(st.lists(FRAGMENTS, max_size=16).map("".join))
def test_every_citation_stands_in_the_text(text: str) -> None:
    stream = CitationStream(PASSAGES)
    shown = stream.feed(text) + stream.close()
    for citation in stream.citations():
        assert f"[{citation.number}]" in shown


def test_long_open_brackets_and_ticks_do_not_hold_the_answer_back() -> None:
    for opening in ("[", "`", "[a]("):
        stream = CitationStream(PASSAGES)
        shown = stream.feed("So " + opening + "x" * 1000)
        assert len(shown) > 900


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


SECTIONS = replace(
    PASSAGES[0],
    heading="Where",
    text="Drones may fly over fields and rivers.\n\n## How high\n\n"
    "The limit is 120 metres above the ground.\n\n```sh\n# How low\nfly --low\n```\n\n"
    "No flight is lower than 5 metres.",
)


@pytest.mark.parametrize(
    ("said", "heading"),
    [
        ("Drones may fly over fields and rivers.", "Where"),
        ("The limit is 120 metres above the ground.", "How high"),
        ("No flight is lower than 5 metres [1].", "How high"),
        ("Drones may fly over fields. The limit is 120 metres above the ground.", "Where"),
        ("**[1]**", "Where"),
    ],
)
def test_a_source_is_named_by_the_section_of_what_is_cited(said: str, heading: str) -> None:
    stream = CitationStream([SECTIONS])
    stream.feed(said)
    stream.close()
    assert [citation.heading for citation in stream.citations()] == [heading]


@pytest.mark.parametrize(
    ("said", "page"),
    [
        ("Drones may fly over fields and rivers.", 12),
        ("The limit is 120 metres above the ground.", 13),
        ("No flight is lower than 5 metres [1].", 14),
        ("**[1]**", 12),
    ],
)
def test_a_source_is_named_by_the_page_of_what_is_cited(said: str, page: int) -> None:
    breaks = (SECTIONS.text.index("## How high"), SECTIONS.text.index("No flight"))
    stream = CitationStream([replace(SECTIONS, page=12, page_breaks=breaks)])
    stream.feed(said)
    stream.close()
    assert [citation.page for citation in stream.citations()] == [page]


def test_the_source_of_a_quote_is_named_by_its_section() -> None:
    quote = "The limit is 120 metres above the ground."
    end = SECTIONS.text.index(quote) + len(quote)
    stream = CitationStream([SECTIONS], quoted=True, quotes={1: end})
    stream.feed(f"- {quote} [1]")
    stream.close()
    assert [citation.heading for citation in stream.citations()] == ["How high"]


@pytest.mark.parametrize(
    "text",
    [
        "Open http://localhost:8501/page and log in.",
        "打开 http://127.0.0.1:11434 即可。",
        "Clone git@github.com:example/drones.git first.",
        "Log in with ssh -p 2222 root@drones.example.com now.",
    ],
)
@pytest.mark.parametrize("size", [1, 7, 400])
def test_logins_and_addresses_of_ones_own_machine_stay(text: str, size: int) -> None:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert cited(*pieces, attach=False) == text


@pytest.mark.parametrize(
    "text",
    [
        "http://localhost.evil.example/x",
        "http://127.0.0.1.evil.example/x",
        "http://localhost@evil.example/x",
    ],
)
def test_what_only_begins_like_ones_own_machine_goes(text: str) -> None:
    assert "evil" not in cited(f"See {text} there.", attach=False)


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
