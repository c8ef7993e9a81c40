"""Pages whose text is a sentence or two: news in brief, a notice, one that is a picture.

Such a text is shorter than the lists of other pages beside it, so that it does not stand out: it is
found by its place, below the headline in the same element.
"""

from lxml import etree

from ingest.extract.blocks.page_chrome import (
    is_foot,
    is_line_after_text,
    is_line_before_text,
    is_page_chrome,
    is_sentence,
    labels_fact,
)
from ingest.extract.blocks.text_region import TextBlock
from ingest.extract.dom import letters_of, text_of
from ingest.extract.markdown import render_markdown
from ingest.extract.walls import asks_to_pay

MIN_SENTENCE_BYTES = 30  # of letters: 10 ideographs, 5 words
MAX_BLOCKS = 2000  # of a page; one with more is no brief text
MAX_PICTURES = 20  # whose alternative texts are looked at
MANY_LINKS = 0.3  # share of letters in links from which a line points elsewhere


def around_brief_text(page: list[TextBlock]) -> list[TextBlock]:
    """Return what stands around the text of a page that is a sentence below a headline.

    [] if it is no such page: without one headline, without a sentence below it, or with the linked
    heading of a teaser before that.
    """
    heads = [block for block in page if block.element.tag == "h1"]
    if len(heads) != 1 or len(page) > MAX_BLOCKS:
        return []
    head = heads[0]
    below = page[head.position + 1 :]
    first = next(filter(_is_own_sentence, below), None)
    if first is None:
        return []
    if any(b.is_heading and b.linked for b in page[head.position + 1 : first.position]):
        return []
    around = {*head.element.iterancestors()}
    place = next(each for each in first.element.iterancestors() if each in around)
    inside = [b for b in below if place in b.element.iterancestors() and not _is_chrome(b)]
    kept = {head, *inside}
    # A heading without anything below it headed what is gone.
    for block in reversed(inside):
        follows = block.position + 1
        is_followed = follows < len(page) and page[follows] in kept
        if block.is_heading and not is_followed:
            kept.discard(block)
    return [block for block in page if block not in kept]


def read_pictures(body: etree._Element) -> bool:
    """Write out the alternative texts of pictures that are sentences, if the page has no others.

    Returns whether there are any.
    """
    lines = render_markdown(body).split("\n")
    if any(is_sentence(line) and _is_long(line) for line in lines):
        return False
    found = False
    for picture in list(body.iter("img"))[:MAX_PICTURES]:
        text = " ".join((picture.get("alt") or "").split())
        if _is_long(text) and is_sentence(text):
            # What held it alone was hidden for having no letters.
            for around in picture.iterancestors("template"):
                around.tag = "template" if letters_of(text_of(around)) else "div"
            picture.tag, picture.text, found = "p", text, True
    return found


def _is_long(text: str) -> bool:
    return len(letters_of(text).encode()) >= MIN_SENTENCE_BYTES


def _is_own_sentence(block: TextBlock) -> bool:
    return (
        block.weight >= MIN_SENTENCE_BYTES
        and is_sentence(block.text)
        and not (block.is_heading or block.has_links(MANY_LINKS) or _is_chrome(block))
    )


def _is_chrome(block: TextBlock) -> bool:
    """Return whether a block is a line of page chrome, or stands in some."""
    is_line = is_line_before_text(block.text) or is_line_after_text(block.text)
    # The notice of a paywall tells that the sentence above it is not all.
    is_line = is_line and not (labels_fact(block.text) or asks_to_pay(block.text))
    if is_line or block.is_pointer:
        return True
    return any(
        is_foot(each) or is_page_chrome(each)
        for each in block.element.iterancestors()
        if each.tag not in ("html", "body", "form")
    )
