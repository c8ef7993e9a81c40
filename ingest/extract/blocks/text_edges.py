"""The first and last lines of a text: which are its own, and which are page chrome.

Where a text ends, portals put editors, credits and teasers, and notices put what they are for: who
signed, since when it holds, the files that come with it.
"""

import itertools
import operator
from collections.abc import Iterator

from ingest.extract.blocks.page_chrome import (
    is_line_after_text,
    is_line_before_text,
    is_page_chrome,
    is_sentence,
    labels_detail,
    labels_fact,
    names_attachment,
    names_authority,
    names_origin,
    signs_article,
)
from ingest.extract.blocks.text_region import ENTRIES, TextBlock

MAX_BRIEF = 600  # bytes of letters of a text that is looked at for the foot of the page
EDGE = 5  # blocks at either end that are looked at for lines of page chrome
MAX_ATTACHMENTS = 20  # blocks behind a text in which names of files are looked for
MIN_OWN = 0.7  # share of the letters of an element that are text, so that all of it is
MIN_SIGNED = 0.5  # share of the letters of a text that stand before the editor's name
MIN_SENTENCE_BYTES = 60  # of letters, in sentences behind the editor's name: the text goes on

_position = operator.attrgetter("position")


def edge_siblings(page: list[TextBlock], kept: set[TextBlock]) -> set[TextBlock]:
    """Return the lines right before and after a text that stand in the same element as it.

    Where that element holds hardly anything but the text, its first and last lines are the text's:
    a note below a table of fees. Of longer texts only those of an official document are, the court
    above a judgment and who signed it: articles have credits and captions there.
    """
    found: set[TextBlock] = set()
    ordered = sorted(kept, key=_position)
    is_brief = sum(block.weight for block in ordered) < MAX_BRIEF
    for edge, step in ((ordered[0], -1), (ordered[-1], 1)) if ordered else ():
        parent = edge.element.getparent()
        if parent is None or parent.tag == "body":
            continue
        own = [block for block in page if block.element.getparent() is parent]
        whole = sum(block.weight for block in own)
        if sum(block.weight for block in own if block in kept) < MIN_OWN * whole:
            continue
        at = edge.position + step
        while 0 <= at < len(page) and page[at].element.getparent() is parent:
            block = page[at]
            is_chrome = is_line_after_text(block.text) or is_line_before_text(block.text)
            if block.linked or block.is_heading or is_chrome:
                break
            if not (is_brief or names_authority(block.text)):
                break
            found.add(block)
            at += step
    return found


def _behind_signature(kept: list[TextBlock]) -> list[TextBlock]:
    """Return the line that names the editor and all behind it, [] if the text goes on there.

    What a portal puts below its news are titles of others and teasers. Sentences and labelled facts
    are the text's: a second piece of news, how to take part, the price of a book.
    """
    whole = sum(block.weight for block in kept)
    before = 0
    for number, block in enumerate(kept):
        if signs_article(block.text) and before >= MIN_SIGNED * whole:
            behind = kept[number + 1 :]
            own = [each for each in behind if not each.linked]
            sentences = sum(each.weight for each in own if is_sentence(each.text))
            if sentences < MIN_SENTENCE_BYTES and not any(labels_detail(each.text) for each in own):
                return [each for each in kept[number:] if not names_origin(each.text)]
        before += block.weight
    return []


def find_attachments(page: list[TextBlock], kept: set[TextBlock]) -> set[TextBlock]:
    """Return the lines right behind a text that name the files which it comes with."""
    found: set[TextBlock] = set()
    last = max((block.position for block in kept), default=len(page))
    for block in page[max(last - EDGE, 0) : last + MAX_ATTACHMENTS]:
        if not block.linked or block in kept or not names_attachment(block.text):
            continue
        elements = (block.element, *block.element.iterancestors())
        # Visual SiteBuilder, which most Chinese universities have, puts all of it into a <form>.
        if not any(is_page_chrome(each) for each in elements if each.tag != "form"):
            found.add(block)
    return found


def _lines_after(kept: list[TextBlock]) -> Iterator[TextBlock]:
    """Yield the lines of page chrome with which `kept` ends, the last first."""
    for count, last in enumerate(reversed(kept)):
        # "Tags: a list of words" as an entry of a list is content.
        is_chrome = last.element.tag not in ENTRIES and is_line_after_text(last.text)
        # A heading at the end headed page chrome ("Related stories") that is gone.
        if not (last.is_heading or (is_chrome and count < EDGE)):
            return
        yield last


def trim_edges(kept: list[TextBlock]) -> list[TextBlock]:
    """Return `kept` without the lines of page chrome before and after the text."""
    end = len(kept) - len(list(_lines_after(kept)))
    edge = list(
        itertools.takewhile(
            lambda block: (
                block.is_heading
                # A list of which each entry bears a date begins with such lines, the newest.
                or (block.element.tag not in ENTRIES and is_line_before_text(block.text))
            ),
            kept[:EDGE],
        )
    )
    # Two labelled lines, "Time: …" and "Place: …", make a notice; one is the day of the page.
    labelled = [block for block in kept[:EDGE] if labels_fact(block.text)]
    is_notice = len({block.text[:2] for block in labelled}) > 1
    before = {
        block for block in edge if not (block.is_heading or (is_notice and labels_fact(block.text)))
    }
    return [block for block in kept[:end] if block not in before]


def without_end(kept: list[TextBlock], *, is_shorter: bool) -> set[TextBlock]:
    """Return `kept`, in order, without the end that is a portal's.

    Args:
        kept: The blocks of the text.
        is_shorter: Whether the last block has been taken out since its edges were trimmed: lines of
            page chrome that stood before it are at the end then.
    """
    if is_shorter:
        kept = kept[: len(kept) - len(list(_lines_after(kept)))]
    return {*kept}.difference(_behind_signature(kept))
