"""Quotes say what the page says: its own raised numbers, tags and lists of sources among it."""

import pytest

from assistant.answer.citations import CitationStream
from assistant.values import Passage
from tests.assistant.answer.test_citations import PASSAGES


def streamed(text: str, passages: list[Passage], *, quoted: bool, size: int) -> str:
    stream = CitationStream(passages, quoted=quoted, attach=False)
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    return "".join(map(stream.feed, pieces)) + stream.close()


@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        "The mass is 9.1 × 10⁻³¹ kg.",
        "The rate is 5 s⁻¹ here, or 3 mol·L⁻¹.",
        "Ca²⁺, SO₄²⁻, Hg₂²⁺ and Na⁺",
        "The isotope ¹⁴C decays, ²³⁵U too.",
        "Take ¹⁄₂ cup, and xⁿ⁺¹.",
    ],
)
def test_raised_numbers_of_units_powers_and_charges_stay(text: str, quoted: bool) -> None:
    assert streamed(text, PASSAGES, quoted=quoted, size=1) == text
    assert streamed(text, PASSAGES, quoted=quoted, size=999) == text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("The <iframe> element embeds [1]", "The `<iframe>` element embeds [1]"),
        ("Use <a href=x> and </script>.", "Use `<a href=x>` and `</script>`."),
        ("Type &commat; for it", "Type `&commat;` for it"),
        ("Sources:\n[1] https://1.example/\n", "Sources:\n[1] https://1.example/\n"),
        ("It holds (source 2), {1}, 灯光① and note²", "It holds (source 2), {1}, 灯光① and note²"),
        (
            "See <sup>1</sup> and [1, 2] and [Source 2]",
            "See <sup>1</sup> and [1, 2] and [Source 2]",
        ),
        # Where back-ticks would pair with others, a gap makes nothing of it.
        ("a ` b <script> c", "a ` b < script> c"),
        ("a \\<script> c", "a \\< script> c"),
        ("``a``<script>", "``a``< script>"),
        ("<script>`x", "< script>`x"),
        ("<a title='`' href=x> c", "< a title='`' href=x> c"),
    ],
)
def test_what_the_page_itself_says_stays_and_does_nothing(said: str, shown: str) -> None:
    assert streamed(said, PASSAGES, quoted=True, size=1) == shown
    assert streamed(said, PASSAGES, quoted=True, size=999) == shown


@pytest.mark.parametrize("address", ["https://evil.test/x?q=secret", "www.evil.test/x"])
@pytest.mark.parametrize("marks", ["_", "__", "*", "**", "~"])
def test_an_address_in_emphasis_is_left_out_however_the_answer_is_cut(
    address: str, marks: str
) -> None:
    said = f"See {marks}{address}{marks} now."
    whole = streamed(said, PASSAGES, quoted=False, size=999)
    assert "evil.test" not in whole
    assert streamed(said, PASSAGES, quoted=False, size=1) == whole
