"""The tree of a page: parsed within bounds, and cut into the blocks that people read as one.

A block is a paragraph, a heading, a list item, a table, a piece of code: text without another
block inside. Text that stands loose between blocks, or between two line breaks as old and Chinese
pages like it, becomes a paragraph of its own first, so that every word is in exactly one block.
Every step is linear in the size of the page.
"""

import re
from collections.abc import Iterator

from lxml import etree, html

MAX_RAW_TAGS = 1_000_000  # "<" in a page; beyond this even parsing takes seconds

BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details",
        "dialog", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1",
        "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "html", "legend", "li", "main",
        "menu", "nav", "ol", "option", "p", "pre", "section", "summary", "table", "tbody", "td",
        "tfoot", "th", "thead", "tr", "ul",
    }
)  # fmt: skip
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
UNSEEN = frozenset(
    {
        "button", "canvas", "iframe", "input", "math", "noscript", "object", "script", "select",
        "style", "svg", "template", "textarea",
    }
)  # fmt: skip
"""Elements whose content a reader does not see, or does not read."""

_TAG = re.compile(r"""<[a-zA-Z](?:[^"'<>]++|"[^"]*+"|'[^']*+')*+""")
_QUOTED = re.compile(r""""[^"]*"|'[^']*'""")
_MAX_TAG = 1000  # characters; only in a longer tag are the attributes counted
_MAX_ATTRIBUTES = 500  # libxml2 compares each with each: 200,000 of them take it 90 s

_WHOLE = frozenset({"pre", "tr"}) | HEADINGS
"""Elements whose loose text stays where it is: line breaks in them are theirs."""
_GRID = frozenset({"table", "thead", "tbody", "tfoot", "ul", "ol", "dl", "menu"})
"""Elements that hold no text of their own."""
_NOT_SHOWN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_NOT_LETTERS = re.compile(r"[\W_]+")
_MAX_CELL = 300  # characters; a table with a longer cell, or a table inside, lays out a page
_INLINE_TAGS = re.compile(r"</?(?:a|b|big|em|font|i|small|span|strong|u)(?:\s[^<>]*)?>", re.I)
_OTHER_TAGS = re.compile(
    r"</?(?!(?:html|head|title|meta|link|body|script|style|noscript|p|h[1-6])\b)[a-z][^<>]*>", re.I
)


def parse(source: str) -> etree._Element | None:
    """Return the root element of a page, None if it is empty or beyond all bounds."""
    if not source.strip() or source.count("<") > MAX_RAW_TAGS:
        return None
    source = _TAG.sub(_bounded_tag, source)
    root, is_whole = _tree(source)
    if is_whole:
        return root
    # Tags that nobody closes nest until libxml2 gives up, at 256, and drops the rest of the page.
    return _tree(_OTHER_TAGS.sub("<br>", _INLINE_TAGS.sub("", source)))[0]


def _bounded_tag(tag: re.Match[str]) -> str:
    """Return the tag, without its attributes if nobody can have written so many."""
    if len(tag[0]) <= _MAX_TAG or "</script" in tag[0]:  # "a<b" in a script is no tag
        return tag[0]
    separators = re.findall(r"[\s/=]", _QUOTED.sub("=", tag[0]))
    return tag[0].split(None, 1)[0][:_MAX_TAG] if len(separators) > _MAX_ATTRIBUTES else tag[0]


def _tree(source: str) -> tuple[etree._Element | None, bool]:
    """Return the parsed page, and whether all of it is there."""
    # A parser of its own for each page: several threads extract at once.
    parser = html.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, collect_ids=False
    )
    try:
        root = html.document_fromstring(source.encode(), parser=parser, ensure_head_body=True)
    except (etree.LxmlError, AssertionError):
        root = None
    limits = parser.error_log.filter_from_errors().filter_types(etree.ErrorTypes.ERR_RESOURCE_LIMIT)
    return root, not limits


def remove_unseen(root: etree._Element) -> None:
    """Take out of the body what no reader sees: scripts, form controls, hidden elements."""
    for element in root.xpath("//*[@style or @hidden]"):
        if "hidden" in element.attrib or _NOT_SHOWN.search(element.get("style")):
            hide(element)
    etree.strip_elements(root, *UNSEEN, with_tail=False)


def hide(element: etree._Element) -> None:
    """Make `element` one that `remove_unseen` and `ingest.extract.markdown` leave out."""
    if element.tag not in ("html", "body"):
        element.tag = "template"


def text_of(element: etree._Element) -> str:
    """Return all text in `element`."""
    return "".join(element.itertext())


def key_of(text: str) -> str:
    """Return the letters and digits of `text` in lower case: what two writings of it share."""
    return _NOT_LETTERS.sub("", text).casefold()


def blocks(root: etree._Element) -> list[etree._Element]:
    """Return the blocks of `root` in order; loose text becomes paragraphs first."""
    holders = _holders(root)
    for box in list(root.iter(etree.Element)):
        if (box.tag in BLOCKS or box in holders) and box.tag not in _WHOLE | _GRID:
            _wrap_loose_text(box, holders)
    return list(_leaves(root, holders))


def is_data(table: etree._Element) -> bool:
    """Tell a table of data from one that lays out a page: all of its cells are short."""
    if next(table.iterdescendants("table", "pre", "form", *HEADINGS), None) is not None:
        return False
    return all(len(text_of(cell)) <= _MAX_CELL for cell in table.iterdescendants("td", "th"))


def _holders(root: etree._Element) -> set[etree._Element]:
    """Return every element with a block inside."""
    found = set()
    for element in reversed(list(root.iter(etree.Element))):  # what is inside comes first
        if element.tag in BLOCKS or element in found:
            found.add(element.getparent())
    return found - {None}


def _wrap_loose_text(box: etree._Element, holders: set[etree._Element]) -> None:
    """Give each run of text and inline elements beside a block, or a blank line, its own <p>."""
    if box in holders or _has_blank_line(box):
        runs = list(_runs(box, holders))
        box.text = None
        box[:] = runs
        holders.add(box)


def _has_blank_line(box: etree._Element) -> bool:
    return any(
        _is_blank(line_break.tail)
        and (after := line_break.getnext()) is not None
        and after.tag == "br"
        for line_break in box.iterchildren("br")
    )


def _runs(box: etree._Element, holders: set[etree._Element]) -> Iterator[etree._Element]:
    """Yield the blocks in `box` and new paragraphs for what stands between them."""
    run = _paragraph(box, box.text)
    for child in list(box):
        is_block = child.tag in BLOCKS or child in holders
        tail = child.tail
        if not is_block and not (child.tag == "br" and _ends_in_break(run)):
            run.append(child)
            continue
        if not _is_blank(text_of(run)):
            yield run
        if is_block:
            child.tail = None
            yield child
        run = _paragraph(box, tail)
    if not _is_blank(text_of(run)):
        yield run


def _ends_in_break(run: etree._Element) -> bool:
    return len(run) > 0 and run[-1].tag == "br" and _is_blank(run[-1].tail)


def _paragraph(box: etree._Element, text: str | None) -> etree._Element:
    paragraph = box.makeelement("p")
    paragraph.text = text
    return paragraph


def _is_blank(text: str | None) -> bool:
    return not text or text.isspace()


def _leaves(root: etree._Element, holders: set[etree._Element]) -> Iterator[etree._Element]:
    walk = etree.iterwalk(root, events=("start",), tag=tuple(BLOCKS))
    for _, element in walk:
        if (
            element.tag == "pre"
            or element not in holders
            or (element.tag == "table" and is_data(element))
        ):
            walk.skip_subtree()
            yield element
