"""What the rules chose is checked against the page: stray lines go, prose that was lost returns."""

import pytest

from bench import fit_blocks
from ingest.extract.blocks.block_features import BlockDescriber, RuledBlocks
from ingest.extract.blocks.block_model import COEFFICIENTS, review_blocks
from ingest.extract.blocks.text_region import TextBlock, read_blocks
from ingest.extract.dom import parse_html
from ingest.extract.extractor import extract
from tests.page_samples import page

LEAD = (
    "The harbour of Port Said opened again on Monday, after eleven weeks, two storms and a strike; "
    "the first ships are expected within days, the mayor said."
)
BODY = "Workers had asked for better pay, for safer cranes and for shorter nights. " * 2
TEASER = (
    "Snow fell on the hills all night, and in the morning nobody could find the road to the "
    "village, the church or the mill."
)


def blocks(body: str) -> list[TextBlock]:
    root = parse_html(f"<html><body>{body}</body></html>")
    assert root is not None
    return read_blocks(root.find("body"))[0]


def ruled(listed: list[TextBlock], *, found: list[TextBlock], kept: list[TextBlock]) -> RuledBlocks:
    return RuledBlocks(found={*found}, inside={*listed}, kept=kept, thread_lines=set())


def review(body: str, *, kept: str) -> tuple[list[str], list[str]]:
    """Return what goes and what comes back, if the rules kept the blocks with `kept` in them."""
    listed = blocks(body)
    chosen = [block for block in listed if kept in block.text]
    unlikely, lost = review_blocks(listed, ruled(listed, found=chosen, kept=chosen))
    return [block.text for block in unlikely], [block.text for block in lost]


def test_lead_that_was_lost_comes_back() -> None:
    body = f"<div><h1>Harbour</h1><p>{LEAD}</p></div><div><p>{BODY}</p></div>"
    assert review(body, kept="better pay") == ([], [LEAD])


def test_lead_comes_back_where_most_of_the_prose_was_kept() -> None:
    body = f'<h1>Harbour</h1><div class="lead"><p>{LEAD}</p></div><div>{f"<p>{BODY}</p>" * 3}</div>'
    assert review(body, kept="better pay") == ([], [LEAD])


def test_entry_of_a_list_is_judged_with_its_list() -> None:
    entries = "".join(f"<li>{number} lemons</li>" for number in range(2, 9))
    body = f"<h1>Soup</h1><p>{LEAD}</p><ul><li>1 l</li>{entries}</ul><p>{BODY}</p>"
    listed = blocks(body)
    assert review_blocks(listed, ruled(listed, found=listed, kept=listed))[0] == set()


@pytest.mark.parametrize("title", ["<h2>Related work</h2>", "<p><b>More on tides</b></p>"])
def test_heading_stays_with_the_text_below_it(title: str) -> None:
    body = f"<h1>Harbour</h1><p>{LEAD}</p>{title}<p>{BODY}</p>"
    listed = blocks(body)
    assert review_blocks(listed, ruled(listed, found=listed, kept=listed))[0] == set()


def test_titles_in_a_row_behind_the_text_go() -> None:
    titles = "".join(
        f'<h4><a href="/{number}">机场重新开放 {number}</a></h4><div>2019-09-09 18:{number}</div>'
        for number in range(10, 20)
    )
    body = f'<div><p>{LEAD}</p><p>{BODY}</p></div><div class="list">{titles}</div>'
    listed = blocks(body)
    unlikely, _ = review_blocks(listed, ruled(listed, found=listed, kept=listed))
    assert unlikely == set(listed[2:])


@pytest.mark.parametrize(
    "behind",
    [
        f"<h1>Hills</h1><p>{TEASER}</p>",
        f'<p><a href="/hills">{TEASER}</a></p>',
        "".join(f"<p>{TEASER} {number}</p>" for number in range(3)),
        f"{'<p>Weather</p>' * 9}<p>{TEASER}</p>",
    ],
    ids=["another article", "link", "several alike", "far behind"],
)
def test_teaser_behind_the_text_does_not_come_back(behind: str) -> None:
    body = f"<p>{LEAD}</p><p>{BODY}</p>{behind}"
    assert review(body, kept="The harbour of")[1] == [BODY.strip()]


@pytest.mark.parametrize(
    "stray",
    [
        '<p class="info">发布时间：2020-03-04 10:20 来源：晨报</p>',
        '<p><a href="/a">下载客户端</a> <a href="/b">手机看新闻</a></p>',
    ],
    ids=["byline", "links"],
)
def test_stray_line_in_chrome_goes(stray: str) -> None:
    prose = "清晨的港口十分安静，渔船停在灰色的水面上，一动不动，只有海鸥偶尔叫几声。" * 3
    listed = blocks(f'<div>{f"<p>{prose}</p>" * 3}</div><div class="share">{stray}</div>')
    unlikely, _ = review_blocks(listed, ruled(listed, found=listed[:3], kept=listed))
    assert [block.position for block in unlikely] == [3]


def test_tables_and_terms_stay() -> None:
    table = "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>"
    body = f'<p>{BODY}</p><div class="share">{table}<dl><dt>--x</dt><dd>y</dd></dl></div>'
    listed = blocks(body)
    assert review_blocks(listed, ruled(listed, found=listed[:1], kept=listed))[0] == set()


def test_every_feature_is_weighed() -> None:
    listed = blocks(f"<p>{BODY}</p>")
    whole = ruled(listed, found=listed, kept=listed)
    described = BlockDescriber(listed, whole).describe(listed[0])
    assert list(described) == list(COEFFICIENTS)


def test_fit_describes_blocks_by_the_features_that_are_weighed() -> None:
    assert fit_blocks.feature_names() == list(COEFFICIENTS)


def test_menus_are_not_kept_with_a_short_text() -> None:
    menu = "".join(f'<li><a href="/{name}">{name}</a></li>' for name in ("Weather", "Sports"))
    text = extract(page(f"<ul>{menu}</ul><article><h1>Harbour</h1><p>{LEAD}</p></article>")).text
    assert text == LEAD
