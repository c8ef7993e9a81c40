"""Markers reach the reader in one form, point to passages that exist, and are not lacking."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.answer.citations import CitationStream, marker_numbers
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
        "see [the rules](https://a.example/x?y=[9]&z=1) here",
        "see [2024](https://a.example/) here",
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
        "Drones need a white light at night [2].",  # it has one
    ],
)
def test_other_sentences_get_no_marker(text: str) -> None:
    assert cited(text) == text


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
