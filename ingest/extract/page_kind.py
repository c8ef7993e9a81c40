"""Tells what kind of page it is: article, documentation, thread, product, listing and so on.

What the page declares (schema.org types, og:type, the program that wrote it) is asked first, and is
believed where the text bears it out: templates declare every page of a site an article, the front
page and its lists included. Walls are another module's (`ingest.extract.walls`).
"""

import re
from dataclasses import dataclass

from lxml import etree

from ingest.documents import PageKind
from ingest.extract.dom import BLOCKS, HEADINGS, is_seen, letters_of
from ingest.extract.metadata.jsonld import JsonObject, is_paid, page_types

MAX_BRIEF = 450
"""Bytes of letters of the shortest article; a shorter text is news in brief: 150 ideographs, 75
words."""
MAX_CAPTION = 1200
"""Bytes of letters of a text beside a video, or before a paywall; with more it is an article."""
LISTING_LINKS = 0.5  # share of letters in links from which a text is a list of links
MIN_LISTED = 6  # linked headings or entries of a list of pages
MIN_LISTED_LETTERS = 8  # bytes of letters of one; menus have shorter ones
TEASER = 600  # bytes of letters; where every paragraph is shorter, linked headings head teasers
MAX_TEASERS = 2  # paragraphs below one linked heading
MIN_PARAGRAPH_BYTES = 60  # of letters; a shorter text is a caption or a button
TABLE_ROWS = 0.6  # share of letters in rows of tables from which a text is data
MIN_CODE = 0.1  # share of letters in code from which an address below /docs/ says the truth
MIN_POSTS = 2  # elements of a thread's posts

_GENERATORS = re.compile(
    r"sphinx|mkdocs|docusaurus|vitepress|vuepress|gitbook|docsify|doxygen|javadoc|rustdoc|pdoc|hexdoc"
    r"|asciidoctor|antora|docutils|mdbook|readme\.io",
    re.IGNORECASE,
)
"""Programs that write documentation, as they call themselves in <meta name=generator>."""
_DOCUMENTATION = (
    *("rst-content", "sphinxsidebar", "md-content", "theme-doc-markdown", "VPDoc"),
    *("markdown-body", "refentry", "rustdoc"),
)
"""Classes of what such programs write, where they do not name themselves; GitHub's for a README."""
_DOCUMENTATION_URL = re.compile(
    r"^https?://(?:docs?|developers?|devdocs|wiki|manual|help)\."
    r"|/(?:docs?|documentation|manuals?|reference|api(?:-?docs?)?|handbook|man)/",
    re.IGNORECASE,
)
_FORUM = frozenset(
    {"authi", "postbody", "topic-post", "l_post", "message-body", "reply_content", "comtr"}
)
"""Posts of Discuz, phpBB, Discourse, Tieba, XenForo, V2EX and Hacker News."""
_PLAYER = re.compile("youtube|player")
_QUESTION_URL = re.compile(
    r"zhihu\.com/question/|/questions?/\d|zhidao\.baidu\.com/question|stackexchange|stackoverflow",
    re.IGNORECASE,
)
_TYPES: tuple[tuple[PageKind, frozenset[str]], ...] = (
    ("recipe", frozenset({"recipe"})),
    ("qa", frozenset({"qapage", "question"})),
    ("forum", frozenset({"discussionforumposting"})),
    ("product", frozenset({"product", "productgroup", "individualproduct", "vehicle", "book"})),
    ("event", frozenset({"event", "musicevent", "sportsevent", "theaterevent", "businessevent"})),
)
"""Types of schema.org that are one kind of page, whatever else the page declares."""
_GOODS_NAMES = frozenset({"sku-name", "goods-name", "tb-main-title", "product-intro"})
_GOODS_FACTS = frozenset(
    {"p-parameter", "p-parameter-list", "Ptable", "goods-param", "attributes-list"}
)
"""JD, Taobao and the shops built like them, which carry no data of schema.org."""
_ARTICLES = ("article", "posting", "report", "review")
_DOCUMENTATION_TYPES = frozenset({"techarticle", "apireference", "howto"})
_LISTINGS = frozenset({"collectionpage", "itemlist", "searchresultspage", "blog"})
_FENCED = re.compile(r"^(```|~~~~).*?^\1$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class KindSignals:
    """What in the source of a page says of which kind it is."""

    types: frozenset[str]
    """schema.org types of what the page is about, lower case."""
    is_paid: bool
    """Whether it declares that it is not free to read."""
    og_type: str
    is_documentation: bool
    """Whether a program for documentation wrote it."""
    posts: int
    """How many posts of a thread there are."""
    has_video: bool
    classes: str
    """Those of all elements, each once, with blanks between."""

    @property
    def is_shop_page(self) -> bool:
        """Whether it has a name of goods and their parameters by the classes of JD and Taobao."""
        names = frozenset(self.classes.split())
        return not names.isdisjoint(_GOODS_NAMES) and not names.isdisjoint(_GOODS_FACTS)

    @property
    def is_product(self) -> bool:
        """Whether it declares itself a product, or is written as shops without data write one."""
        return _declared_kind(self) == "product"

    @property
    def is_article(self) -> bool:
        """Whether it declares itself an article."""
        return self.og_type == "article" or any(each.endswith(_ARTICLES) for each in self.types)


@dataclass(slots=True, kw_only=True)
class TextShape:
    """How the text of a page is made up: bytes of letters, by where they are."""

    letters: int = 0
    linked: int = 0
    """Bytes of letters in links."""
    entries: int = 0
    """How many entries of lists are one link each."""
    headings: int = 0
    """How many headings, or cards with one, are one link each."""
    paragraphs: int = 0
    """How many runs of text outside links are as long as a sentence."""
    longest: int = 0
    """Bytes of letters in the longest of them."""


def read_kind_signals(
    root: etree._Element, elements: list[etree._Element], *, objects: list[JsonObject]
) -> KindSignals:
    """Return the signals of a parsed page. Call it before anything is removed from the page.

    `elements` are all of its elements, `objects` are what its structured data say of it
    (`jsonld.page_objects`).
    """
    # One string of all: looking for words in it is faster than XPath at each element.
    names = " ".join(filter(None, [element.get("class") for element in elements])).split()
    classes = " ".join(dict.fromkeys(names))
    generators, og_type = [], ""
    for element in root.iter("meta"):
        name, content = element.get("name"), element.get("content")
        if content is not None and name in ("generator", "Generator"):
            generators.append(content)
        elif content is not None and "og:type" in (name, element.get("property")):
            og_type = og_type or content.strip().lower()
    return KindSignals(
        types=page_types(objects),
        is_paid=any(map(is_paid, objects)),
        og_type=og_type,
        is_documentation=any(map(_GENERATORS.search, generators[:3]))
        or any(each in classes for each in _DOCUMENTATION),
        posts=sum(map(_FORUM.__contains__, names)),
        classes=classes,
        has_video=next(root.iter("video"), None) is not None
        or any(_PLAYER.search(frame.get("src", "")) for frame in root.iter("iframe")),
    )


def measure_text(body: etree._Element) -> TextShape:
    """Return the shape of what a reader sees of `body`, after `main_text` has hidden the rest."""
    shape = TextShape()
    link_bytes, run_bytes = 0, 0  # of the open link, and since the last block
    link_depth = 0
    walk = etree.iterwalk(body, events=("start", "end"))
    for event, element in walk:
        is_start = event == "start"
        if is_start and not is_seen(element):
            walk.skip_subtree()
            continue
        if element.tag in BLOCKS:
            shape.paragraphs += run_bytes >= MIN_PARAGRAPH_BYTES
            shape.longest, run_bytes = max(shape.longest, run_bytes), 0
        if element.tag == "a":
            link_depth += 1 if is_start else -1
            if not is_start and link_depth == 0:
                shape.linked += link_bytes
                around = element.getparent()
                if link_bytes >= MIN_LISTED_LETTERS and around is not None:
                    is_card = any(inner.tag in HEADINGS for inner in element.iterdescendants())
                    shape.headings += is_card or around.tag in HEADINGS
                    shape.entries += around.tag == "li" and not is_card
                link_bytes = 0
        piece = element.text if is_start else element.tail
        letter_bytes = _letter_bytes(piece) if is_start or element is not body else 0
        shape.letters += letter_bytes
        if link_depth:
            link_bytes += letter_bytes
        else:
            run_bytes += letter_bytes
    return shape


def measure_markdown(text: str) -> TextShape:
    """Return the shape of a text without links, as it comes from data of the page."""
    line_bytes = list(map(_letter_bytes, text.split("\n")))
    paragraphs = [count for count in line_bytes if count >= MIN_PARAGRAPH_BYTES]
    return TextShape(
        letters=sum(line_bytes), paragraphs=len(paragraphs), longest=max(paragraphs, default=0)
    )


def judge_kind(signals: KindSignals, shape: TextShape, *, url: str, text: str) -> PageKind:
    """Return the kind of the page at `url` whose text is `text`, in Markdown."""
    if _is_listing(signals, shape):
        return "listing"
    if declared := _declared_kind(signals):
        return declared
    if _QUESTION_URL.search(url):
        return "qa"
    if signals.posts >= MIN_POSTS:
        return "forum"
    if _is_documentation(signals, url=url, text=text):
        return "documentation"
    if _share_of(_table_rows(text), text) > TABLE_ROWS:
        return "table"
    is_video = signals.og_type.startswith("video") or "videoobject" in signals.types
    if (is_video or signals.has_video) and shape.letters < (MAX_CAPTION if is_video else MAX_BRIEF):
        return "video"
    if signals.is_paid and shape.letters < MAX_CAPTION:
        return "paywall"
    if shape.letters < MAX_BRIEF:
        return "brief" if signals.is_article or shape.longest else "other"
    return "article" if signals.is_article or shape.longest >= TEASER // 4 else "other"


def _declared_kind(signals: KindSignals) -> PageKind | None:
    for kind, types in _TYPES:
        # A review names the product, a report the event.
        if signals.types & types and not (signals.is_article and kind in ("product", "event")):
            return kind
    is_product = signals.og_type.startswith("product") or signals.is_shop_page
    return "product" if is_product else None


def _is_listing(signals: KindSignals, shape: TextShape) -> bool:
    is_declared = bool(signals.types & _LISTINGS)
    if shape.linked > LISTING_LINKS * shape.letters:
        return is_declared or shape.entries + shape.headings >= MIN_LISTED
    # Linked headings with a teaser each; an article may hold some of these as well.
    is_article = signals.is_article or signals.posts
    is_teased = shape.longest < TEASER and shape.paragraphs <= MAX_TEASERS * shape.headings
    return shape.headings >= MIN_LISTED and is_teased and not is_article


def _is_documentation(signals: KindSignals, *, url: str, text: str) -> bool:
    if signals.is_documentation or signals.types & _DOCUMENTATION_TYPES:
        return True
    code = "".join(match[0] for match in _FENCED.finditer(text))
    return bool(_DOCUMENTATION_URL.search(url)) and _share_of(code, text) > MIN_CODE


def _table_rows(text: str) -> str:
    return "".join(line for line in text.split("\n") if line.startswith("| "))


def _share_of(part: str, text: str) -> float:
    return len(part) / max(len(text), 1)


def _letter_bytes(text: str | None) -> int:
    # Most pieces of a page are the blanks between its tags.
    return len(letters_of(text).encode()) if text and not text.isspace() else 0
