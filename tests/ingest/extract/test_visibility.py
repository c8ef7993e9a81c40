"""What readers do not see goes; what they see after a click, or when scripts have run, stays."""

import pytest

from ingest.extract.extractor import extract
from tests.page_samples import page

PROSE = "The harbour was quiet that morning, and the boats lay still in the grey water. " * 3
REST = (
    "The mayor opened the new quay in the afternoon, and the band played until dark. The last of "
    "the guests left the sheds at eleven, when the tide was high and the lamps had been put out."
)
STYLE = "<style>p { margin: 0 } .trap, .other { display: none; }</style>"
PARAGRAPHS = f"<p>{PROSE}</p><p>{PROSE}</p>"


def text(body: str, *, head: str = "") -> str:
    return extract(page(f"<head>{head}</head><body>{body}</body>")).text


@pytest.mark.parametrize(
    "rest",
    [
        f'<section id="more-content" style="display:none"><p>{REST}</p></section>',
        f'<div class="collapse" hidden><p>{REST}</p></div>',
        f'<h3>Who opened it?</h3><div style="display: none"><p>{REST}</p></div>',
        f"<div><h3><button>Who?</button></h3></div><div hidden><p>{REST}</p></div>",
    ],
    ids=["read more", "collapsed", "answer below its question", "answer below a card's title"],
)
def test_what_a_click_opens_is_read(rest: str) -> None:
    assert REST in text(f"<article><h1>Quay</h1>{PARAGRAPHS}{rest}</article><script></script>")


def test_steps_that_a_script_shows_one_at_a_time_are_read() -> None:
    steps = "".join(
        f'<section class="step hidden-now" style="display:none"><h2>Step {n}</h2><p>{n}. {REST}</p>'
        "</section>"
        for n in range(1, 5)
    )
    found = text(f"<article><h1>Quay</h1>{PARAGRAPHS}{steps}</article><script></script>")
    assert [n for n in range(1, 5) if f"{n}. {REST}" not in found] == []


@pytest.mark.parametrize(
    "unseen",
    [
        f'<div class="modal" style="display:none"><p>{REST}</p></div>',
        f'<div style="display:none"><p>{REST}</p></div>',
        f'<div class="more" style="display:none"><form><p>{REST}</p></form></div>',
        f'<ul class="more" style="display:none"><li><a href="/quay">{REST}</a></li></ul>',
        f'<p aria-hidden="true">{REST}</p>',
        f'<p class="trap">{REST}</p>',
        f'<p class="d-none">{REST}</p>',
        f'<p><span style="clip:rect(0 0 0 0);position:absolute">{REST}</span></p>',
        f'<p style="color: transparent">{REST}</p>',
    ],
    ids=[
        *("dialog", "nothing opens it", "form", "links", "hidden from screen readers", "style"),
        *("class", "clipped", "without a colour"),
    ],
)
def test_what_no_reader_sees_is_left_out(unseen: str) -> None:
    style = "<style>p { margin: 0 } .trap, .other { display: none; }</style>"
    found = text(
        f"<article><h1>Quay</h1>{PARAGRAPHS}{unseen}</article><script></script>", head=style
    )
    assert REST not in found
    assert PROSE.strip() in found


@pytest.mark.parametrize(
    ("style", "classes"),
    [
        (".hidden { display: none } @media (min-width: 1px) {.md\\:block {}}", "hidden md:block"),
        ("", "d-none d-md-block"),
        (".tab { display: none } .tab.active { display: block }", "tab active"),
        ("@media print { .screen { display: none } }", "screen"),
    ],
    ids=["shown on wide screens", "Bootstrap", "shown by another class", "hidden in print"],
)
def test_what_a_style_hides_only_at_times_stays(style: str, classes: str) -> None:
    body = f'<article><h1>Quay</h1>{PARAGRAPHS}<div class="{classes}"><p>{REST}</p></div></article>'
    assert REST in text(body, head=f"<style>{style}</style>")
