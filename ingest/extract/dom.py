"""The tree of a page: parsed within limits, and cut into blocks.

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

LINE_BREAKS = frozenset({"br", "option"})
_UNREAD = UNSEEN | {"nav", "title"}
# Not \s: a zero-width space is a blank here, too, and U+2028 is none in HTML.
_SPACES = re.compile(r"[ \t\r\n\f\xa0\u3000]+")
_ODD_SPACE = re.compile(r"[\t\r\n\f\xa0\u3000]|  ")  # any that is not one blank
_WRAPPED_IDEOGRAPHS = re.compile(
    r"(?<=[\u3400-\u9fff\u3001-\u3011\uff01-\uff60])[ \t]*[\r\n]+[ \t]*"
    r"(?=[\u3400-\u9fff\u3001-\u3011\uff01-\uff60])"
)

_READINGS = ("rp", "rt", "rtc")
"""How the ideographs of a `<ruby>` are read, and the brackets around that."""

_BREAK_HINTS = ("\u00ad", "\u200b", "\u2060", "\ufeff")
"""Where a word may break, or may not: soft hyphen, zero-width space, word joiner and its elder."""
_WRITTEN_HINTS = re.compile(
    r"&(?:shy|ZeroWidthSpace|NoBreak"
    r"|#0*(?:173|8203|8288|65279)|#[xX]0*(?:[aA][dD]|200[bB]|2060|[fF][eE][fF]{2}));"
)
_HINT_STARTS = ("&#", "&shy", "&ZeroWidthSpace", "&NoBreak")
# Possessive quantifiers: on a "<" that nothing closes, a backtracking pattern is quadratic.
_TAG = re.compile(r"""<[a-zA-Z](?:[^"'<>]++|"[^"]*+"|'[^']*+')*+""")
_QUOTED = re.compile(r""""[^"]*"|'[^']*'""")
_MAX_TAG = 1000  # characters; only in a longer tag are the attributes counted
_MAX_ATTRIBUTES = 500  # libxml2 compares each with each: 200,000 of them take it 90 s

_WHOLE = frozenset({"pre", "tr"}) | HEADINGS
"""Elements whose loose text stays where it is: line breaks in them are theirs."""
_GRID = frozenset({"table", "thead", "tbody", "tfoot", "ul", "ol", "dl", "menu"})
"""Elements that hold no text of their own."""
_UNWRAPPED = _WHOLE | _GRID
_find_letters = re.compile(r"[^\W_]+").findall
_SIGNS = {code: None for code in range(128) if not chr(code).isalnum()}
_SIGN_BYTES = bytes(_SIGNS)
_PRINTED_SIGNS = "’“”–—"
_FIRST_IDEOGRAPH = "\u2e80"
_MAX_CELL = 300  # characters; a table with a longer cell, or a table inside, lays out a page
_MAX_HEADED_CELL = 1000  # characters, of a table with <th>, which layout seldom has
_INLINE_TAGS = re.compile(r"</?(?:a|b|big|em|font|i|small|span|strong|u)(?:\s[^<>]*)?>", re.I)
_OTHER_TAGS = re.compile(
    r"</?(?!(?:html|head|title|meta|link|body|script|style|noscript|p|h[1-6])\b)[a-z][^<>]*>", re.I
)


def parse_html(source: str) -> etree._Element | None:
    """Return the root element of a page, None if it is empty or has too many tags.

    What is within or above words without being text is gone: soft hyphens and other hints for
    breaking lines, `<wbr>`, and the readings of `<ruby>`, which would split words or be glued to
    them.
    """
    if not source.strip() or source.count("<") > MAX_RAW_TAGS:
        return None
    if not source.isascii():
        for hint in _BREAK_HINTS:
            source = source.replace(hint, "")
    # The pattern looks at each "&", and most pages have none of these.
    if any(map(source.__contains__, _HINT_STARTS)):
        source = _WRITTEN_HINTS.sub("", source)
    # Long tags are those of pictures in several sizes; hardly any page has too many attributes.
    long_tags = (tag for tag in _TAG.findall(source) if len(tag) > _MAX_TAG)
    if any(_drop_excess_attributes(tag) != tag for tag in long_tags):
        source = _TAG.sub(lambda tag: _drop_excess_attributes(tag[0]), source)
    root, is_whole = _parse_tree(source)
    if not is_whole:
        # Tags that are never closed nest until libxml2 gives up, at 256, and drops the rest of the
        # page. Without inline tags, and with line breaks for all but the plainest blocks, nothing
        # can nest.
        root = _parse_tree(_OTHER_TAGS.sub("<br>", _INLINE_TAGS.sub("", source)))[0]
    if root is not None:
        etree.strip_elements(root, *_READINGS, with_tail=False)
        etree.strip_tags(root, "ruby", "rb", "wbr")
    return root


def _drop_excess_attributes(tag: str) -> str:
    """Return the tag, without its attributes if it has more than a person would write."""
    if len(tag) <= _MAX_TAG or "</script" in tag:  # "a<b" in a script is no tag
        return tag
    # Blanks, slashes and equals signs bound the number of attributes from above, quoted ones apart.
    separators = re.findall(r"[\s/=]", _QUOTED.sub("=", tag))
    return tag.split(None, 1)[0][:_MAX_TAG] if len(separators) > _MAX_ATTRIBUTES else tag


def _parse_tree(source: str) -> tuple[etree._Element | None, bool]:
    """Return the parsed page, and whether all of it is there."""
    # A parser of its own for each page: several threads extract at once, and a parser keeps the
    # error log of its last page.
    parser = html.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, collect_ids=False
    )
    # lxml.html asks a Python function for the class of each element at each visit, to give forms
    # and inputs their own: a tenth of the time of a page. trafilatura wants HtmlElement alone.
    parser.set_element_class_lookup(etree.ElementDefaultClassLookup(element=html.HtmlElement))
    try:
        root = html.document_fromstring(source.encode(), parser=parser, ensure_head_body=True)
    except (etree.LxmlError, AssertionError):  # lxml asserts that a page has a body
        root = None
    limits = parser.error_log.filter_from_errors().filter_types(etree.ErrorTypes.ERR_RESOURCE_LIMIT)
    return root, not limits


def may_hold(source: str, *words: str) -> bool:
    """Return whether one of these attributes, tags or values may be in the source of a page.

    A search of the source takes a twentieth of an XPath over all elements; most pages have none.
    """
    return any(word in source or word.upper() in source for word in words)


def hide(element: etree._Element) -> None:
    """Make `element` one that `visibility` and `markdown` leave out."""
    # Renamed, not removed: removing from a tree while it is walked loses the next element, and in
    # lxml the text behind the removed one.
    if element.tag not in ("html", "body"):
        element.tag = "template"


def text_of(element: etree._Element) -> str:
    """Return all text in `element`."""
    if not len(element):
        return element.text or ""
    # A tenth of the time of itertext(), which makes a proxy for each element inside.
    return str(etree.tostring(element, method="text", encoding="unicode", with_tail=False))


def is_seen(element: etree._Element) -> bool:
    """Return whether `element` is one that a reader sees, and no navigation."""
    return isinstance(element.tag, str) and element.tag not in _UNREAD


def collapse_spaces(text: str) -> str:
    """Return `text` with runs of blanks as one, as a browser shows them.

    A line that ends between ideographs ends where the source had to, not where words do: it is
    joined without a blank.
    """
    if "\n" in text or "\r" in text:
        text = _WRAPPED_IDEOGRAPHS.sub("", text)
    return _SPACES.sub(" ", text) if _ODD_SPACE.search(text) else text


def flatten_text(element: etree._Element) -> str:
    """Return what a reader sees of `element`, on one line."""
    parts: list[str] = []
    walk = etree.iterwalk(element, events=("start", "end"))
    for event, inner in walk:
        edge = " " if inner.tag in BLOCKS or inner.tag in LINE_BREAKS else ""
        if event == "start" and not is_seen(inner):
            walk.skip_subtree()
        elif event == "start":
            parts.append(edge + (inner.text or ""))
        elif inner is not element:
            parts.append(edge + (inner.tail or ""))
    return collapse_spaces("".join(parts)).strip(" ")


def letters_of(text: str) -> str:
    """Return the letters and digits of `text` in lower case: what two spellings of it share."""
    # Called for every piece of a page, several times: a pattern alone takes three times as long for
    # words in Latin script, and ten times for ASCII.
    if text.isascii():
        return text.translate(_SIGNS).lower()
    if text[len(text) // 2] < _FIRST_IDEOGRAPH:  # a guess at the script, for speed alone
        known = text.encode("utf-8", "surrogatepass").translate(None, _SIGN_BYTES)
        text = known.decode("utf-8", "surrogatepass")
        for sign in _PRINTED_SIGNS:
            text = text.replace(sign, "")
        if text.isalnum():
            return text.casefold()
    return "".join(_find_letters(text)).casefold()


def split_blocks(root: etree._Element) -> tuple[list[etree._Element], set[etree._Element]]:
    """Return the blocks of `root` in order, and what holds a block.

    Loose text becomes paragraphs first.
    """
    parents: set[etree._Element] = set()  # every element with a block inside
    # lxml makes a new proxy for an element at each visit unless one is alive.
    everything = list(root.iter(etree.Element))
    for element in reversed(everything):  # what is inside comes first
        if element.tag in BLOCKS or element in parents:
            parents.add(element.getparent())
    broken = {  # every element with a blank line in it
        br.getparent()
        for br in root.iter("br")
        if _is_blank(br.tail) and getattr(br.getnext(), "tag", None) == "br"
    }
    for box in everything:
        if (box.tag not in BLOCKS and box not in parents) or box.tag in _UNWRAPPED:
            continue
        if box in parents or box in broken:
            pieces = list(_wrap_runs(box, parents))
            box.text = None
            if pieces != list(box):  # else it only lost the blanks between its blocks
                box[:] = pieces
            parents.add(box)
    found = []
    walk = etree.iterwalk(root, events=("start",), tag=tuple(BLOCKS))
    for _, element in walk:
        is_data = element.tag == "table" and is_data_table(element)
        if element.tag == "pre" or element not in parents or is_data:
            walk.skip_subtree()
            found.append(element)
    return found, parents


def is_data_table(table: etree._Element) -> bool:
    """Tell a table of data from one that lays out a page.

    All of its cells are short, or it names its columns and its cells are not yet articles.
    """
    has_head = next(table.iterdescendants("th"), None) is not None
    inner = ("table", "form") if has_head else ("table", "pre", "form", *HEADINGS)
    if next(table.iterdescendants(*inner), None) is not None:
        return False
    if not has_head and all(len(row) < 2 for row in table.iterdescendants("tr")):
        # One column with paragraphs in it is the page, or a part of it, in a frame.
        return next(table.iterdescendants("p", "div"), None) is None
    longest = _MAX_HEADED_CELL if has_head else _MAX_CELL
    return all(len(text_of(cell)) <= longest for cell in table.iterdescendants("td", "th"))


def _wrap_runs(box: etree._Element, parents: set[etree._Element]) -> Iterator[etree._Element]:
    """Yield the blocks in `box`, and a new <p> for each run of text and inline elements between.

    A blank line, two line breaks in a row, ends a run as well.
    """
    text, run = box.text, list[etree._Element]()
    for child in list(box):
        is_block = child.tag in BLOCKS or child in parents
        last = run[-1] if run and child.tag == "br" else None
        is_blank_line = last is not None and last.tag == "br" and _is_blank(last.tail)
        if not is_block and not is_blank_line:
            run.append(child)
            continue
        if run or not _is_blank(text):
            yield from _wrap_run(box, text, run)
        # lxml hangs the text behind an element on the element: it would move along.
        text, run = child.tail, []
        if is_block:
            child.tail = None
            yield child
    yield from _wrap_run(box, text, run)


def _wrap_run(
    box: etree._Element, text: str | None, run: list[etree._Element]
) -> Iterator[etree._Element]:
    """Yield a new <p> with `text` and the elements of `run`, unless all of that is blank."""
    if not (_is_blank(text) and all(_is_blank(text_of(e)) and _is_blank(e.tail) for e in run)):
        paragraph = box.makeelement("p")
        paragraph.text = text
        paragraph.extend(run)
        yield paragraph


def _is_blank(text: str | None) -> bool:
    return not text or text.isspace()
