"""Statements get the passages that support them, and verdicts; all that is cited exists."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.answer.citations import CitationStream
from tests.citation_samples import PASSAGES, TEXTS, cited


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
