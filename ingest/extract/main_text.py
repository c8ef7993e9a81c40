"""Finds the main text of a page and writes it as Markdown with its structure.

trafilatura, the best open extractor measured, says in its fast mode where the text is. Its words
are looked up in our own tree, and each block is decided there: what it took from the page chrome
goes (headline, links to other pages, share and copyright lines); what it lost inside the text
comes back (quotes, tables, code, the other half of a page in two pieces). So headings, lists,
tables and code are written as the page has them (bench/extraction.py).
"""

import copy
import operator
from collections import Counter
from collections.abc import Iterable, Iterator

from lxml import etree

from ingest.extract.blocks.block_features import RuledBlocks
from ingest.extract.blocks.block_model import review_blocks
from ingest.extract.blocks.brief_text import around_brief_text
from ingest.extract.blocks.page_chrome import (
    is_foot,
    is_imprint,
    is_line_before_text,
    names_attachment,
    names_author,
)
from ingest.extract.blocks.text_edges import (
    MAX_BRIEF,
    announced_entries,
    edge_siblings,
    find_attachments,
    find_comments,
    quotes_amid,
    rest_of_element,
    titles_of_entries,
    trim_edges,
    without_end,
)
from ingest.extract.blocks.text_region import (
    MOSTLY_LINKS,
    TextBlock,
    TextRegion,
    find_further_articles,
    read_blocks,
)
from ingest.extract.blocks.trafilatura_text import TRAFILATURA_ERRORS, import_trafilatura
from ingest.extract.dom import hide, letters_of, text_of
from ingest.extract.markdown import render_markdown
from ingest.extract.visibility import remove_unseen
from ingest.extract.walls import is_consent_box, is_consent_line

MAX_TAGS = 25_000  # "<" in a page; trafilatura takes 2 s for so many, a long article has 3,000
MAX_TEXT = 300_000  # characters; a longer text is a book, and is not compared block by block

# Set with bench/extraction.py. It scores even and odd pages apart, so that a number which fits only
# the pages that it was tried on shows.
MIN_TEXT = 100  # bytes of letters; a text with less looks like the page chrome around it
GRAM = 12  # letters; so many in a row are the same words in the same place
GRAM_STEP = 4  # letters from one gram that is looked up to the next
MANY_LINKS = 0.3  # share of letters in links up to which a block that trafilatura lost is prose
SENTENCE = 60  # bytes of letters: 60 Latin ones, 20 ideographs
MIN_QUESTION = 30  # bytes of letters above the posts of a thread: 10 ideographs
HEADLINE_REACH = 3  # blocks from the first in which the headline may come again

_FIGURES = frozenset({"pre", "table"})
_LISTS = ("ul", "ol", "dl")
_position = operator.attrgetter("position")


def main_text(root: etree._Element, *, headlines: Iterable[str], classes: str | None = None) -> str:
    """Return the main text of a parsed page as Markdown, "" if none stands out.

    `headlines` are known beside the text and not repeated in it; `classes` are those of all
    elements, if they have been read. The call uses `root` up: scripts
    and hidden elements go, and where a text is found, all else does.
    """
    remove_unseen(root, classes=classes)
    page, found = find_blocks(root)
    if page is None:
        return render_markdown(root.find("body"))
    known = {letters_of(headline) for headline in headlines}
    ruled = choose_by_rules(page, found, known)
    unlikely, lost = review_blocks(page, ruled)
    first = ruled.kept[0].position if ruled.kept else len(page)
    back = {b for b in lost if not (b.is_pointer or _repeats_headline(b, first, known))}
    kept = {*ruled.kept, *back}.difference(unlikely - ruled.thread_lines)
    around = edge_siblings(page, kept) | find_attachments(page, kept)
    around |= announced_entries(page, kept) | titles_of_entries(page, kept)
    around |= quotes_amid(page, kept)
    around |= set() if ruled.thread_lines else rest_of_element(page, kept | around)
    kept |= around - ruled.elsewhere
    if not ruled.thread_lines:
        comments = find_comments(page, kept)
        is_shorter = bool(ruled.kept) and ruled.kept[-1] in unlikely | comments
        kept = without_end(sorted(kept - comments, key=_position), is_shorter=is_shorter)
    if sum(block.weight for block in kept) < MAX_BRIEF and not ruled.thread_lines:
        kept -= {
            block
            for block in around_brief_text(page)
            if block.has_links(MOSTLY_LINKS) and not names_attachment(block.text)
        }
    if sum(block.weight for block in kept) < MIN_TEXT:
        return ""
    for block in set(page).difference(kept):
        hide(block.element)
    # A <nav> that nobody closed holds the rest of the page.
    for nav in {nav for block in kept for nav in block.element.iterancestors("nav")}:
        nav.tag = "div"
    # A table around one that is hidden would be one of data, with the rows of both.
    etree.strip_elements(root, "template", with_tail=False)
    return render_markdown(root.find("body"))


def find_blocks(
    root: etree._Element,
) -> tuple[list[TextBlock] | None, list[TextBlock]]:
    """Return the blocks of a page without unseen elements, and those that trafilatura found.

    The first is None if the page is as long as a book.
    """
    page, signs = read_blocks(root.find("body"))
    half = sum(len(block.text) for block in page) // 2

    def copy_page() -> etree._Element:
        """Return a copy without what trafilatura takes for no text wherever it stands."""
        slim = copy.copy(root)
        for nav in slim.iter("nav"):
            # One that nobody closed holds the rest of the page.
            if len(" ".join(text_of(nav).split())) < half:
                nav.tag = "aside"
        etree.strip_elements(slim, "aside", "footer", "link", "meta", with_tail=False)
        return slim

    try:
        pieces = import_trafilatura()(root, copy_page)
    except TRAFILATURA_ERRORS:
        pieces = []
    # Only now: trafilatura weighs what stands beside a text.
    for element in signs:
        hide(element)
    if sum(map(len, pieces)) > MAX_TEXT:
        return None, []
    return page, _locate(pieces, page)


def _locate(pieces: list[str], page: list[TextBlock]) -> list[TextBlock]:
    """Return the blocks whose words are among `pieces`.

    trafilatura returns a tree of its own: its pieces are matched by their letters. A block counts
    if it is one of the pieces, or if most of its grams are somewhere in the text.
    """
    bare = list(map(letters_of, pieces))
    lines, whole = Counter(bare), "".join(bare)
    grams = {whole[at : at + GRAM] for at in range(len(whole) - GRAM + 1)}
    found = []
    for block in page:
        letters = block.letters
        if lines[letters]:
            lines[letters] -= 1  # a name that was found once is not found wherever it stands
            found.append(block)
            continue
        # Its first gram first: a look into the set takes a tenth of a search through the text.
        if len(letters) >= GRAM and letters[:GRAM] in grams and letters in whole:
            found.append(block)
            continue
        starts = range(0, len(letters) - GRAM + 1, GRAM_STEP)
        hits = sum(map(grams.__contains__, [letters[at : at + GRAM] for at in starts]))
        if hits * 2 > len(starts):
            found.append(block)
    return found


def choose_by_rules(
    page: list[TextBlock], found: list[TextBlock], headlines: set[str]
) -> RuledBlocks:
    """Return the blocks that are the text by rules alone."""
    elsewhere = find_further_articles(page, headlines)
    found = [block for block in found if block not in elsewhere]
    if sum(block.weight for block in found) < MAX_BRIEF:
        # The licences of a portal are longer than news in brief, and would be the text.
        found = [
            block
            for block in found
            if not (is_imprint(block.text) or any(map(is_foot, block.element.iterancestors())))
        ]
        # A request for consent may be as long as the text, and is not all there is.
        found = [
            block
            for block in found
            if not (
                is_consent_line(block.text)
                and any(map(is_consent_box, block.element.iterancestors()))
            )
        ] or found
    region = TextRegion(page, found)
    inside = [block for block in page if region.holds(block) and block not in elsewhere]
    kept = sorted({*inside}.intersection(found), key=_position)
    if not kept:
        return RuledBlocks(
            found={*found}, inside={*inside}, kept=[], thread_lines=set(), elsewhere=elsewhere
        )
    lines = _find_thread_lines(page, inside, kept[0].position) if region.is_thread else set()
    lost = _find_lost(inside, kept, is_series=region.is_series)
    kept = sorted({*kept, *lost, *lines}, key=_position)
    first = kept[0].position
    kept = [
        block
        for block in kept
        if block in lines or not (block.is_pointer or _repeats_headline(block, first, headlines))
    ]
    kept = kept if region.is_thread else trim_edges(kept)
    return RuledBlocks(
        found={*found}, inside={*inside}, kept=kept, thread_lines=lines, elsewhere=elsewhere
    )


def _find_thread_lines(
    page: list[TextBlock], inside: list[TextBlock], first: int
) -> set[TextBlock]:
    """Return the lines of a thread that its posts need, `first` being where these begin.

    There, "Posted by Ann, 3 May" says who speaks, and what stands between the headline and the
    first post is the question.
    """
    speakers = {
        block
        for block in inside
        if block.weight <= SENTENCE
        and (
            is_line_before_text(block.text)
            or any(map(names_author, block.element.iter(etree.Element)))
        )
    }
    first = min(first, *(block.position for block in speakers), len(page))
    headline = max((b.position for b in page[:first] if b.element.tag == "h1"), default=first)
    question = {
        block
        for block in page[headline + 1 : first]
        if block.weight >= MIN_QUESTION
        and not block.is_heading
        and not block.has_links(MANY_LINKS)
        and not is_line_before_text(block.text)
    }
    return speakers | question


def _find_lost(
    inside: list[TextBlock], kept: list[TextBlock], *, is_series: bool
) -> Iterator[TextBlock]:
    """Yield the blocks in the text that trafilatura left out and a reader would not."""
    first, last = kept[0].position, kept[-1].position
    lists = {_list_of(block) for block in kept} - {None} | _lists_between(inside, kept)
    for block in set(inside).difference(kept):
        if block.has_links(MOSTLY_LINKS) or (
            block.position < first and _list_of(block) not in lists
        ):
            continue
        is_between = is_series or block.position < last
        if block.element.tag in _FIGURES:
            is_lost = is_between or block.position == last + 1
        elif _list_of(block) in lists:
            is_lost = True  # half a list is worse than none
        else:
            is_prose = block.weight >= SENTENCE and not block.has_links(MANY_LINKS)
            is_title = block.is_heading or block.is_bold_line or block.element.tag == "summary"
            is_lost = is_between and (is_prose or is_title)
        if is_lost:
            yield block


def _lists_between(inside: list[TextBlock], kept: list[TextBlock]) -> set[etree._Element | None]:
    """Return the lists that stand right between two kept blocks, and are no lists of links."""
    known = {block.element for block in kept}
    linked: Counter[etree._Element] = Counter()
    weights: Counter[etree._Element] = Counter()
    stamped = {_list_of(block) for block in inside if is_line_before_text(block.text)}
    for block in inside:
        around = _list_of(block)
        if around is not None:
            linked[around] += block.linked
            weights[around] += len(block.letters)
    lists: set[etree._Element | None] = set()
    for around, weight in weights.items():
        neighbours = (around.getprevious(), around.getnext())
        is_between = known.issuperset(neighbours) and linked[around] <= MOSTLY_LINKS * weight
        # At either end of a text lists are menus more often; those have links.
        is_plain = not linked[around] and around not in stamped
        is_beside = is_plain and not known.isdisjoint(neighbours)
        if is_between or is_beside:
            lists.add(around)
    return lists


def _list_of(block: TextBlock) -> etree._Element | None:
    return next(block.element.iterancestors(*_LISTS), None)


def _repeats_headline(block: TextBlock, first: int, headlines: set[str]) -> bool:
    """Return whether `block` is the headline once more, perhaps without the name of the site.

    `first` is the position of the first block of the text.
    """
    letters = block.letters
    if block.is_heading:
        return any(
            letters == headline or (len(letters) >= GRAM and letters in headline)
            for headline in headlines
        )
    return letters in headlines and block.position < first + HEADLINE_REACH
