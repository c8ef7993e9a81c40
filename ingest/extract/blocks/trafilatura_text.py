"""The text of a page as trafilatura finds it in its fast mode, with less work around its steps.

`trafilatura.bare_extraction` copies the tree at each step that it may have to take back, looks in
all elements for names that most pages have nowhere, and measures what the whole page shows to learn
that a text is long enough. Here a copy is made when one is needed, names are looked for in all of
the page at once, and a bound of what it shows comes first. What is found is the same
(tests/ingest/extract/test_trafilatura_text.py compares the two).
"""

import copy
import functools
import logging
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from lxml import etree

from ingest.extract.dom import BLOCKS, text_of

STEPS_OF = frozenset({"2.3.1"})
"""Versions of trafilatura whose steps are taken one by one. They are no public interface, so that
any other version is asked for all of it at once."""
TRAFILATURA_ERRORS = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError),
    *(AssertionError, etree.LxmlError),
)
"""What trafilatura has been seen to raise, or may, on broken pages."""
TextFinder = Callable[[etree._Element, Callable[[], etree._Element]], list[str]]
"""Takes a page without scripts, which is left as it is, and what makes a copy of it without that
which cannot be its text. Returns the pieces of the text in order, [] if there is none; raises one
of `TRAFILATURA_ERRORS` on some broken pages."""
_find_names = etree.XPath("//@class | //@id", smart_strings=False)
_LITERAL = re.compile(r"'([^']*)'")


@functools.cache
def import_trafilatura() -> TextFinder:
    """Return what finds the text of a page by the installed version of trafilatura.

    Call it early, and the first page need not wait.
    """
    import trafilatura  # heavy: 0.6 s

    for name in ("trafilatura", "htmldate", "justext", "courlan"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # they log addresses of pages
    if trafilatura.__version__ not in STEPS_OF:
        return find_at_once
    _import_steps()
    return find_by_steps


def find_at_once(root: etree._Element, copy_page: Callable[[], etree._Element]) -> list[str]:
    """Find the text by one call (`TextFinder`)."""
    from trafilatura import bare_extraction

    found: Any = bare_extraction(copy_page(), options=_make_options())
    return [] if found is None else list(found.body.itertext())


def find_by_steps(root: etree._Element, copy_page: Callable[[], etree._Element]) -> list[str]:
    """Find the text as `trafilatura.core.trafilatura_sequence` does (`TextFinder`)."""
    steps = _import_steps()
    body, text = _extract(steps, _prune(steps, copy_page()), steps.options)
    pruned = None
    if len(text) < steps.options.min_extracted_size:
        pruned = _prune(steps, copy_page())
        rescued, longer, _ = steps.baseline(pruned)
        if len(longer) > len(text):
            body, text = rescued, longer
    if 0 < len(text) < steps.max_length:
        # A bound of what the page shows: each edge of an element may part a word for trafilatura.
        place = root.find("body")
        edges = sum(2 for _ in place.iter("br", *BLOCKS))
        shown = edges + len(" ".join(text_of(place).split()))
        if len(text) < steps.page_share * shown:
            pruned = _prune(steps, copy_page()) if pruned is None else pruned
            body = _retry_short(steps, pruned, body, text)
    return list(body.itertext()) if text else []


def _retry_short(
    steps: SimpleNamespace, pruned: etree._Element, body: etree._Element, text: str
) -> etree._Element:
    """Return what trafilatura finds if it may take more, where `text` is little of the page."""
    if len(text) >= steps.page_share * len(steps.html2txt(pruned)):
        return body
    try:
        again, longer = _extract(steps, pruned, steps.recall_options)
    except TRAFILATURA_ERRORS:
        return body
    is_more = len(longer) >= steps.options.min_extracted_size
    return again if is_more and len(longer) > steps.ratio * len(text) else body


def _extract(
    steps: SimpleNamespace, tree: etree._Element, options: Any
) -> tuple[etree._Element, str]:
    """Return the body that trafilatura makes of `tree`, which is used up, and its text."""
    cleaned = steps.convert_tags(steps.tree_cleaning(tree, options), options)
    found: tuple[etree._Element, str] = steps.extract_content(cleaned, options)
    return found


def _prune(steps: SimpleNamespace, tree: etree._Element) -> etree._Element:
    """Return `tree` without the comments of readers, and without articles that follow its own."""
    names = "\n".join(_find_names(tree))
    for path, signs in steps.pruned:
        # The paths run a regular expression on each element, and few pages have such a name.
        if signs.search(names):
            tree = steps.prune_unwanted_nodes(tree, [path])
    return tree


@functools.cache
def _make_options() -> Any:
    """Return our options, which are read from trafilatura's configuration once for all pages."""
    from trafilatura.settings import Extractor

    # Of another format than "python", for which it writes the text besides, which nobody reads.
    return Extractor(fast=True, comments=False, formatting=False, output_format="txt")


@functools.cache
def _import_steps() -> SimpleNamespace:
    """Return the steps of trafilatura's fast mode, and its options."""
    from trafilatura import baseline, core, html2txt
    from trafilatura.htmlprocessing import convert_tags, prune_unwanted_nodes, tree_cleaning
    from trafilatura.main_extractor import extract_content
    from trafilatura.xpaths import RAW_TREE_PRUNE_XPATH, REMOVE_COMMENTS_AND_LISTS_XPATH

    recall_options = copy.copy(_make_options())
    recall_options.focus = "recall"
    # Each path with what it compares classes and ids with: where that is in none, it finds nothing.
    pruned = []
    for path in (*RAW_TREE_PRUNE_XPATH, *REMOVE_COMMENTS_AND_LISTS_XPATH):
        signs = "|".join(f"(?:{each})" for each in _LITERAL.findall(path.path))
        pruned.append((path, re.compile(signs, re.MULTILINE)))
    return SimpleNamespace(
        options=_make_options(),
        recall_options=recall_options,
        max_length=core.ESCALATION_MAX_LENGTH,
        page_share=core.ESCALATION_PAGE_SHARE,
        ratio=core.ESCALATION_ACCEPT_RATIO,
        pruned=pruned,
        baseline=baseline,
        convert_tags=convert_tags,
        extract_content=extract_content,
        html2txt=html2txt,
        prune_unwanted_nodes=prune_unwanted_nodes,
        tree_cleaning=tree_cleaning,
    )
