"""Our pruning for users of crawl4ai: the blocks of a page that are relevant to a question.

    from crawl4ai import AsyncWebCrawler, CrawlerRunConfig, DefaultMarkdownGenerator
    from ingest.crawl4ai_filter import RankContentFilter

    chosen = RankContentFilter("夜间飞行需要什么灯光？", budget=800)
    config = CrawlerRunConfig(markdown_generator=DefaultMarkdownGenerator(content_filter=chosen))
    async with AsyncWebCrawler() as crawler:
        result = await crawler.arun("https://example.com/", config=config)
    print(result.markdown.fit_markdown)

Where crawl4ai's own BM25ContentFilter compares scores with a threshold and words with white space,
this one keeps the best blocks that fit a budget, in any language (bench/pruning.py has both). The
program itself does not use it: it prunes what `ingest.extract.extractor` has read. Importing this
module imports crawl4ai (4 s).
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from crawl4ai.content_filter_strategy import RelevantContentFilter  # noqa: TID253  (its base class)
from lxml import etree
from lxml.html import tostring

from ingest.extract import dom, visibility
from ingest.extract.blocks.page_chrome import is_page_chrome
from ingest.extract.markdown import render_markdown
from ingest.index.blocks import MAX_BLOCK
from ingest.index.boilerplate import is_boilerplate
from ingest.index.rank import MAX_BLOCKS, Candidate, choose_candidates

BUDGET = 1_000
"""Tokens: two or three screens of text."""

MAX_LINK_SHARE = 0.6
"""Share of a block's characters in links; a block with more leads elsewhere."""

_LISTS = frozenset({"dl", "menu", "ol", "ul"})
_PARTS = frozenset({"caption", "dd", "dt", "legend", "option", "summary", "td", "th", "tr"})
"""Elements that mean nothing without the one around them."""


@dataclass(frozen=True, slots=True)
class _Section:
    """A block and the heading above it, None at the top of a page."""

    block: etree._Element
    heading: etree._Element | None

    def as_candidate(self) -> Candidate:
        """Return the block as Markdown, with what shows that it belongs to the site."""
        text = render_markdown(self.block)
        heading = "" if self.heading is None else " ".join(dom.text_of(self.heading).split())
        links = self.block.iterdescendants("a")
        link_characters = sum(len(" ".join(dom.text_of(link).split())) for link in links)
        is_navigation = link_characters > MAX_LINK_SHARE * len(text)
        return Candidate(
            text=text,
            heading=heading,
            boilerplate=is_boilerplate(text, heading=heading)
            or any(is_page_chrome(box) for box in (self.block, *self.block.iterancestors()))
            or is_navigation,
        )


class RankContentFilter(RelevantContentFilter):  # type: ignore[misc]  # crawl4ai is untyped
    """Keeps the blocks of a page that are most relevant to a question, in their order."""

    def __init__(self, query: str, budget: int = BUDGET) -> None:
        """Keep at most `budget` tokens (`estimate_tokens`), and always one block."""
        super().__init__(user_query=query)
        self.query = query
        self.budget = budget

    def filter_content(self, html: str) -> list[str]:
        """Return the chosen blocks as HTML, each heading before the first block below it.

        Empty for a page without text, or with more tags than any page that people read.
        """
        root = dom.parse_html(html)
        if root is None:
            return []
        visibility.remove_unseen(root)
        sections = list(itertools.islice(page_sections(root), MAX_BLOCKS))
        candidates = [section.as_candidate() for section in sections]
        places = choose_candidates(candidates, self.query, budget=self.budget)
        written: list[str] = []
        heading = None
        for section in (sections[place] for place in places):
            if section.heading is not None and section.heading is not heading:
                heading = section.heading
                # with_tail: the text behind an element belongs to another block.
                written.append(tostring(heading, encoding="unicode", with_tail=False))
            if section.block.tag in _PARTS:
                # A cell or an item means nothing without the table or list around it.
                section.block.tag = "p"
            written.append(tostring(section.block, encoding="unicode", with_tail=False))
        return written


def page_sections(root: etree._Element) -> Iterator[_Section]:
    """Yield the blocks of a page with the heading above each; a short list is one block."""
    heading = last = None
    lengths: dict[etree._Element, int] = {}
    for leaf in dom.split_blocks(root.find("body"))[0]:
        if leaf.tag in dom.HEADINGS:
            heading = leaf
            continue
        block = leaf
        for box in leaf.iterancestors(*_LISTS):
            # Measured once: the items of a long list would each measure the whole of it.
            if box not in lengths:
                lengths[box] = len(dom.text_of(box))
            if lengths[box] > MAX_BLOCK:
                break
            block = box
        if block is not last and dom.text_of(block).strip():
            yield _Section(block, heading)
        last = block
