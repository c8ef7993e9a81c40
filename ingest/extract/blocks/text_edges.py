"""The first and last lines of a text: which are its own, and which are page chrome.

Where a text ends, portals put editors, credits and teasers, and notices put what they are for: who
signed, since when it holds, the files that come with it.
"""

import itertools
import operator
from collections.abc import Iterator

from lxml import etree

from ingest.extract.blocks.block_cues import (
    CHROME_NAMES,
    NAME_FAMILIES,
    POINTER_START,
    calls_on_reader,
    is_signed_caption,
)
from ingest.extract.blocks.page_chrome import (
    class_words,
    heads_comments,
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
MIN_OWN_BRIEF = 0.5  # the same for a brief text, of the innermost element that holds all of it
MAX_LEVELS = 3  # up from there, as long as that holds
MAX_BLOCKS = 2000  # of a page; a longer one has more than a brief text
MIN_ENTRIES = 3  # linked headings from which a page lists what they head
MAX_LEAD_BLOCKS = 6  # before a brief text in which its headline is looked for
MAX_CALL = 25  # bytes of letters of a line that does nothing but call on the reader
MANY_LINKS = 0.3  # share of letters in links from which a line points elsewhere
MIN_SIGNED = 0.5  # share of the letters of a text that stand before the editor's name
MIN_SENTENCE_BYTES = 60  # of letters, in sentences behind the editor's name: the text goes on

_OTHERS_NAMES = CHROME_NAMES | NAME_FAMILIES["comment"]
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
        parent, at = edge.element.getparent(), edge.position + step
        if parent is None or parent.tag == "body":
            continue
        if not (0 <= at < len(page) and page[at].element.getparent() is parent):
            continue
        own = [block for block in page if block.element.getparent() is parent]
        whole = sum(block.weight for block in own)
        if sum(block.weight for block in own if block in kept) < MIN_OWN * whole:
            continue
        while 0 <= at < len(page) and page[at].element.getparent() is parent:
            block = page[at]
            is_chrome = is_line_after_text(block.text) or is_line_before_text(block.text)
            is_chrome = is_chrome and not names_authority(block.text)
            if block.linked or block.is_heading or is_chrome:
                break
            if not (is_brief or names_authority(block.text)):
                break
            found.add(block)
            at += step
    return found


def rest_of_element(page: list[TextBlock], kept: set[TextBlock]) -> set[TextBlock]:
    """Return what stands around a brief text in an element of which it is the greater part.

    A section of three short entries, a note, a list of options, the ingredients above the steps:
    where a text is brief they weigh too little to be found.
    """
    ordered = sorted(kept, key=_position)
    if not ordered or sum(block.weight for block in ordered) >= MAX_BRIEF or len(page) > MAX_BLOCKS:
        return set()
    place, own = _widest_place(page, ordered)
    behind: list[TextBlock] = []
    for block in own:
        if block.position <= ordered[-1].position:
            continue
        if is_line_after_text(block.text) or is_line_before_text(block.text):
            break
        if _is_own(block, place):
            behind.append(block)
    while behind and behind[-1].is_heading:
        behind.pop()
    ahead = [block for block in own if block.position < ordered[0].position]
    first, last = ordered[0].position, ordered[-1].position
    amid = [b for b in own if first < b.position < last and b not in kept and _is_own(b, place)]
    entries = {block.position for block in (*amid, *kept) if block.element.tag in ENTRIES}
    # A heading comes with what is below it; a line amid the text was left out on purpose.
    headed = entries | {block.position for block in kept}
    listed = {
        b for b in amid if b.position in entries or (b.is_heading and b.position + 1 in headed)
    }
    # So does the first, below the headline of the page.
    if ahead and (top := ahead[-1]).is_heading and top.position + 1 == first:
        has_headline = any(block.element.tag == "h1" for block in ahead[:-1])
        if has_headline and top.element.tag != "h1" and _is_own(top, place):
            listed.add(top)
    lead = _lead_below_headline(page, first, place)
    captions = (
        block
        for block in page[max(0, first - 1) : last + 2]
        if block.element.tag == "figcaption" and not (block.linked or is_signed_caption(block.text))
    )
    return {*behind, *_sections_before(ahead, place), *listed, *lead, *captions}


def announced_entries(page: list[TextBlock], kept: set[TextBlock]) -> set[TextBlock]:
    """Return the entries of lists between two kept blocks, of which the first announces one.

    "Choose from:" makes a list the text's, though all of its entries are links.
    """
    known = {block.element for block in kept}
    lists = set()
    for block in kept:
        following = block.element.getnext() if block.text.endswith((":", "：")) else None
        if following is None or following.tag not in ("ul", "ol"):
            continue
        # "Verwandte Artikel:" announces others' texts, and a list of sections is none.
        if block.is_pointer or POINTER_START.match(block.text):
            continue
        targets = [link.get("href", "#") for link in following.iter("a")]
        is_contents = bool(targets) and all(each.startswith("#") for each in targets)
        if following.getnext() in known and not is_contents:
            lists.add(following)
    return {b for b in page if not lists.isdisjoint(b.element.iterancestors())} if lists else set()


def quotes_amid(page: list[TextBlock], kept: set[TextBlock]) -> set[TextBlock]:
    """Return the quotes amid a text whose neighbours in the same element are kept."""
    known = {block.element for block in kept}
    positions = [block.position for block in kept] or [0]
    found = set()
    for block in page[min(positions) : max(positions)]:
        quote, around = block.element, block.element.getparent()
        if quote.tag != "blockquote":
            quote, around = around, around.getparent()
        is_quote = quote.tag == "blockquote" and around is not None and not block.linked
        if is_quote and not known.isdisjoint(around):
            found.add(block)
    return found


def titles_of_entries(page: list[TextBlock], kept: set[TextBlock]) -> set[TextBlock]:
    """Return the linked headings right before kept blocks, where there are several such.

    They are the titles of what a page lists: to leave them out would join the teasers.
    """
    titles = {
        block
        for block in page[:-1]
        if block.is_heading and block.linked and page[block.position + 1] in kept
    }
    return titles if len(titles) >= MIN_ENTRIES else set()


def find_comments(page: list[TextBlock], kept: set[TextBlock]) -> set[TextBlock]:
    """Return what stands below the heading of the readers' comments, behind most of the text."""
    whole = sum(block.weight for block in kept)
    before = 0
    for block in page:
        if block in kept:
            before += block.weight
        elif block.is_heading and before >= MIN_SIGNED * whole and heads_comments(block.text):
            around = block.element.getparent()
            rest = page[block.position + 1 :]
            return {
                each for each in rest if each in kept and around in each.element.iterancestors()
            }
    return set()


def _lead_below_headline(
    page: list[TextBlock], first: int, place: etree._Element | None
) -> Iterator[TextBlock]:
    """Yield the sentences between the headline and the block at `first`: a lead, a question."""
    before = page[max(0, first - MAX_LEAD_BLOCKS) : first]
    head = next((block for block in reversed(before) if block.element.tag == "h1"), None)
    for block in page[head.position + 1 : first] if head is not None else ():
        is_line = is_line_before_text(block.text) or is_line_after_text(block.text)
        if is_sentence(block.text) and not (is_line or block.linked) and _is_own(block, place):
            yield block


def _sections_before(ahead: list[TextBlock], place: etree._Element | None) -> list[TextBlock]:
    """Return the lists, tables and sentences right before a text, with their headings.

    Other lines there are those of the page, and a table without a heading is the index of a notice.
    """
    before: list[TextBlock] = []
    for block in reversed(ahead):
        is_title = _is_title(block)
        is_part = is_title or block.element.tag in ENTRIES or is_sentence(block.text)
        is_line = is_line_before_text(block.text) or is_line_after_text(block.text)
        if not (is_part and (is_title or _is_own(block, place))) or is_line or block.linked:
            break
        before.append(block)
    while before and not _is_title(before[-1]):
        before.pop()
    return before if not all(map(_is_title, before)) else []


def _is_title(block: TextBlock) -> bool:
    """Return whether a block heads a section: a heading below the first, or a line in bold."""
    return (block.is_heading and block.element.tag != "h1") or block.is_bold_line


def _widest_place(
    page: list[TextBlock], ordered: list[TextBlock]
) -> tuple[etree._Element | None, list[TextBlock]]:
    """Return the outermost element of whose letters `ordered` are half, and the blocks in it."""
    around = {*ordered[0].element.iterancestors()}
    places = [each for each in ordered[-1].element.iterancestors() if each in around]
    place: etree._Element | None = None
    own: list[TextBlock] = []
    kept = sum(block.weight for block in ordered)
    for each in places[: MAX_LEVELS + 1]:
        held = [block for block in page if each in block.element.iterancestors()]
        is_small = kept < MIN_OWN_BRIEF * sum(block.weight for block in held)
        if each.tag in ("html", "body") or is_small:
            break
        place, own = each, held
    return place, own


def _is_own(block: TextBlock, place: etree._Element | None) -> bool:
    """Return whether a block in `place` is a heading, an entry or a sentence, and nothing more."""
    inner = itertools.takewhile(lambda each: each is not place, block.element.iterancestors())
    is_chrome = any(
        not _OTHERS_NAMES.isdisjoint(class_words(each)) for each in (block.element, *inner)
    )
    is_call = block.weight < MAX_CALL and calls_on_reader(block.text)
    is_text = block.is_heading or block.element.tag in ENTRIES or is_sentence(block.text)
    return is_text and not (is_chrome or is_call or block.has_links(MANY_LINKS))


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
