"""Org and AsciiDoc: what is not shown, and lists within lists."""

import pytest

from ingest.extract.formats.notations.asciidoc import read_adoc
from ingest.extract.formats.notations.org import read_org


@pytest.mark.parametrize(
    "remark",
    [
        "# zebras",
        "  # zebras",
        "#+begin_comment\n* zebras\n#+end_comment",
        "#+BEGIN_COMMENT\nzebras\n#+END_COMMENT",
        "* COMMENT Old\nzebras\n** Below\nzebras",
        "* TODO COMMENT Old zebras",
        "* COMMENT COMMENT zebras",
        "* COMMENT\nzebras",
        "* WAITING [#A] COMMENT Old zebras",
        "#+SEQ_TODO: DRAFT(d) | Gone(g@/!)\n* DRAFT COMMENT zebras\n* Gone COMMENT zebras",
    ],
)
def test_comments_of_org_are_not_shown(remark: str) -> None:
    text = read_org(f"* One\nBefore.\n{remark}\n* Two\nBehind.\n").text
    assert text == "# One\nBefore.\n# Two\nBehind."


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("#zebras are a tag", "#zebras are a tag"),
        ("#+begin_src sh\n# zebras\n#+end_src", "````\n# zebras\n````"),
        ("* COMMENTARY on zebras", "# COMMENTARY on zebras"),
        ("** COMMENT Old\nx\n** Zebras\ny", "## Zebras\ny"),
        ("* GENERAL COMMENT\nzebras", "# GENERAL COMMENT\nzebras"),
        ("* NO COMMENT\nzebras", "# NO COMMENT\nzebras"),
        ("* COMMENT: from Bob\nzebras", "# COMMENT: from Bob\nzebras"),
        ("* COMMENT-ONLY access\nzebras", "# COMMENT-ONLY access\nzebras"),
    ],
)
def test_what_only_begins_like_a_comment_of_org_is_kept(written: str, shown: str) -> None:
    assert read_org(f"Before.\n{written}\n").text == f"Before.\n{shown}"


@pytest.mark.parametrize(
    ("written", "is_shown"),
    [
        ("ifdef::internal[]\nzebras\nendif::[]", False),
        ("ifndef::internal[]\nzebras\nendif::[]", True),
        ("ifdef::furnace[]\nzebras\nendif::furnace[]", True),
        ("ifndef::furnace[]\nzebras\nendif::[]", False),
        (":furnace!:\nifdef::furnace[]\nzebras\nendif::[]", False),
        (":!furnace:\nifdef::furnace[zebras]", False),
        ("ifdef::internal[zebras]", False),
        ("ifdef::furnace[zebras]", True),
        ("ifdef::internal,furnace[]\nzebras\nendif::[]", True),
        ("ifdef::internal+furnace[]\nzebras\nendif::[]", False),
        ("ifdef::internal[]\n:zoo:\nendif::[]\nifdef::zoo[zebras]", False),
        ("ifdef::internal[]\nifndef::x[]\nzebras\nendif::[]\nendif::[]", False),
        ("ifdef::env-github[]\nzebras\nendif::[]", False),
        ("ifdef::backend-html5[]\nzebras\nendif::[]", True),
        # What cannot be decided, or is never ended, stays.
        ('ifeval::["{x}" == "y"]\nzebras\nendif::[]', True),
        ("ifdef::internal[]\nzebras", True),
        ("endif::[]\nzebras", True),
    ],
)
def test_text_under_a_condition_of_asciidoc_is_shown_where_it_is_met(
    written: str, is_shown: bool
) -> None:
    text = read_adoc(f"= Kiln\n:furnace: hot\n\nBefore.\n\n{written}\n\nBehind.\n")
    assert ("zebras" in text) == is_shown
    assert "Before." in text
    assert "Behind." in text
    assert "if" not in text


def test_ordered_lists_of_asciidoc_have_numbers_and_levels() -> None:
    text = read_adoc(
        ". Gather\n.. Roll\n.. Cut\n. Blow\n+\n----\n. code\n----\n. Cool\n\n. Pack\n\n"
        "Then again:\n\n. Sweep\n* broom\n** handle\n\n.Title\nText\n"
    )
    assert "1. Gather\n   1. Roll\n   2. Cut\n2. Blow\n````\n. code\n````\n3. Cool\n" in text
    assert "\n4. Pack\n\nThen again:\n\n1. Sweep\n- broom\n  - handle\n\nTitle\nText" in text
