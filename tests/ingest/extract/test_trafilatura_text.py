"""The steps of trafilatura taken one by one give what it gives by itself."""

import copy
import functools
from importlib.metadata import version
from pathlib import Path

import pytest
from lxml import etree

from ingest.extract.blocks.trafilatura_text import (
    STEPS_OF,
    find_at_once,
    find_by_steps,
    import_trafilatura,
)
from ingest.extract.dom import parse_html
from ingest.extract.visibility import remove_unseen
from tests.source_trees import ROOT

PROSE = "The ferry to the island leaves at nine and comes back at five, but not on Sundays. "
CHINESE = "清晨的港口十分安静，渔船停在灰色的水面上，一动不动，只有海鸥偶尔叫几声。"
MENU = "".join(f'<li><a href="/{n}">Department number {n} of the town</a></li>' for n in range(60))
SAVED = sorted(
    path
    for folder in ("internet/pages", "data/structure", "data/pages")
    for path in (ROOT / "tests" / folder).glob("*.html")
)


def tree_of(source: str) -> etree._Element:
    root = parse_html(source)
    assert root is not None
    remove_unseen(root)
    return root


def found_at_once(source: str) -> list[str]:
    root = tree_of(source)
    return find_at_once(root, functools.partial(copy.copy, root))


def found_by_steps(source: str) -> list[str]:
    root = tree_of(source)
    before = etree.tostring(root)
    found = find_by_steps(root, functools.partial(copy.copy, root))
    assert etree.tostring(root) == before
    return found


def page_around(inner: str) -> str:
    return f"<html><head><title>Ferry</title></head><body>{inner}</body></html>"


@pytest.mark.parametrize("path", SAVED, ids=lambda path: path.name)
def test_saved_pages_give_the_same_pieces(path: Path) -> None:
    source = path.read_text(encoding="utf-8", errors="replace")
    assert found_by_steps(source) == found_at_once(source)


@pytest.mark.parametrize(
    "inner",
    [
        f"<article><h1>Ferry</h1>{f'<p>{PROSE * 3}</p>' * 12}</article><ul>{MENU}</ul>",
        f"<article><p>{PROSE}</p></article>",
        f"<div>{PROSE}<br>{PROSE}<br><br>{CHINESE}</div>",
        f"<article><p>{PROSE * 4}</p></article>" + f"<div><div>{PROSE * 3}</div></div>" * 30,
        f"<article><p>{PROSE * 4}</p></article><table>{f'<tr><td>{PROSE}' * 60}</table>",
        f"<ul>{MENU}</ul>",
        f"<div><span>{CHINESE}</span></div>" * 40 + f"<ul>{MENU}</ul>",
        "<p>Closed.",
        f"<form><div><p>{PROSE * 5}</p></div></form>",
        f"<blockquote><p>{PROSE * 5}</p></blockquote><pre>ferry --at nine</pre>",
    ],
    ids=[
        *("article", "short", "breaks", "little-of-much", "table", "menu", "spans", "line"),
        *("form", "quote"),
    ],
)
def test_pages_of_each_stage_give_the_same_pieces(inner: str) -> None:
    source = page_around(inner)
    assert found_by_steps(source) == found_at_once(source)


@pytest.mark.parametrize("attribute", ["class", "id"])
@pytest.mark.parametrize(
    "name",
    [
        *("comments", "Comments-area", "comment-list", "commentary", "wide comment", "comol"),
        *("post-comments", "my article-comments", "disqus_thread", "dsq-comments"),
        *("infinite-scroll", "infinitescroll-next", "x mvp-post-add-box", "mvp-post-add-wrap"),
        *("elementor-share-buttons", "elementor-widget", "story"),
    ],
)
@pytest.mark.parametrize("tag", ["div", "section", "ul"])
def test_names_that_lose_an_element_are_found_wherever_they_stand(
    tag: str, name: str, attribute: str
) -> None:
    further = f'<{tag} {attribute}="{name}"><li><p>{CHINESE * 4}</p></li></{tag}>'
    source = page_around(f"<div class=box><h1>Ferry</h1><p>{PROSE * 5}</p>{further}</div>")
    assert found_by_steps(source) == found_at_once(source)


def test_comments_of_readers_are_left_out() -> None:
    comments = f"<div class=comments><p>{CHINESE * 3}</p></div>"
    found = found_by_steps(page_around(f"<div><p>{PROSE * 5}</p>{comments}</div>"))
    assert PROSE.strip() in "".join(found)
    assert CHINESE not in "".join(found)


def test_page_without_text_has_no_pieces() -> None:
    assert found_by_steps(page_around("<div></div>")) == []


def test_installed_version_is_one_whose_steps_are_known() -> None:
    """If this fails: add the version where the tests above pass, and fix the steps where not."""
    assert version("trafilatura") in STEPS_OF
    assert import_trafilatura() is find_by_steps
