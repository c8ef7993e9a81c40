"""From the source of a web page to its document: text, kind, and what it says of itself."""

import re
from dataclasses import dataclass
from datetime import date, datetime

from lxml import etree

from ingest.documents import Document, PageKind
from ingest.errors import ExtractError
from ingest.extract import main_text
from ingest.extract.blocks.brief_text import around_brief_text, read_pictures
from ingest.extract.blocks.page_chrome import class_words, is_foot, is_imprint
from ingest.extract.blocks.text_region import read_blocks
from ingest.extract.dom import hide, letters_of, parse_html, text_of
from ingest.extract.interstitials import says_missing
from ingest.extract.js_detection import ScriptSignals, needs_browser, read_script_signals
from ingest.extract.markdown import render_markdown
from ingest.extract.markup import normalize_markup
from ingest.extract.metadata import jsonld
from ingest.extract.metadata.jsonld import JsonObject
from ingest.extract.metadata.microdata import parse_microdata
from ingest.extract.metadata.page_metadata import Metadata, read_metadata
from ingest.extract.page_kind import (
    KindSignals,
    TextShape,
    judge_kind,
    measure_markdown,
    measure_text,
    read_kind_signals,
)
from ingest.extract.structured.hydration import read_hydration, reveal_embedded
from ingest.extract.structured.listings import Listing, read_listing
from ingest.extract.structured.pairs import (
    Pair,
    read_infobox,
    read_specifications,
    render_pairs,
)
from ingest.extract.structured.threads import (
    MIN_SHARE,
    Thread,
    read_faq,
    read_thread,
    thread_of_data,
)
from ingest.extract.visibility import remove_unseen
from ingest.extract.walls import MIN_LEAD, Wall, find_wall, is_consent_box, strip_paywall
from ingest.foundation.messages import SEMICOLON, Message, join_messages
from ingest.local_files import path_of_url, shown_url
from ingest.text.language import cjk_share

MIN_JSONLD_RATIO = 2
"""How many times as long as the text of the page its JSON-LD must be to take its place. Then
scripts would write the text, or a paywall stands before it; else it is a summary or a copy."""
NEXT_TO_NOTHING = 200
"""Bytes of letters of a text below which the data of scripts are looked into."""
MIN_CJK = 0.3
"""Share of ideographs, kana and hangul from which a text is Chinese, Japanese or Korean; fewer are
names and quotes in another language."""
MIN_ASCII = 0.97
"""Share of letters from which a text that declares nothing is taken for English; other languages in
Latin script have more letters with accents."""

MAX_SHORT = 4000
"""Bytes of letters of a page in which a text of a sentence or two is looked for."""
MIN_MAIN = 0.3
"""Share of the letters of a page from which on its <main> is taken for all of it."""
MIN_NOTICE = 30
"""Bytes of letters of the shortest text: ten ideographs, five words."""
_OTHER_PAGES = frozenset(
    {"related", "recommend", "recommendations", "recommended", "also", "upsell", "upsells"}
)
"""Words in class and id of what names other pages."""
_IN_PARTS = frozenset({"article", "brief", "documentation", "forum", "qa"})
"""Kinds of pages whose text may go on at another address; the next page of a list is another."""
MAX_COUNTER = 60
"""Characters of a line that counts readers."""
_COUNTER = re.compile(r"(?:浏览|阅读|点击|访问)(?:次数|量|数)?\s?[:：]\s?\d")
_TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)


def document_of_html(source: str, *, url: str, fetched_at: datetime) -> Document:
    """Return the document of the page at `url`.

    Raises:
        ExtractError: as `ingest.extract.extractor.extract` does.
    """
    page = _read_page(source, url=url, fetched_at=fetched_at)
    declared, signals, text, listing = page.declared, page.signals, page.text, page.listing
    # Questions that a page declares with their answers are its text, however few.
    is_faq = bool(text) and text == read_faq(page.objects, text="")
    # Before the browser is asked: scripts of such pages lead to the front page of the site.
    if text.strip() and says_missing(declared.title, text):
        raise ExtractError(
            Message("{url} says that there is no such page", url=url),
            url=url,
            reason="empty",
            hint=Message("try another page"),
        )
    is_read = is_faq or page.is_of_data
    if not is_read and needs_browser(page.scripts, title=declared.title, text=text):
        raise _scripted_page(url)
    if not text.strip():
        raise empty_page(url)
    if page.scripts.asks_password and len(letters_of(text).encode()) < main_text.MIN_TEXT:
        raise _walled_page(url, "paywall")
    shape = page.shape
    wall = find_wall(text, title=declared.title, is_paid=signals.is_paid)
    if wall == "consent_wall" and (behind := _text_behind_consent(source)):
        text, shape = behind, measure_markdown(behind)
    elif wall:
        raise _walled_page(url, wall)
    text, is_lead = strip_paywall(text)
    kind: PageKind = "paywall" if is_lead else judge_kind(signals, shape, url=url, text=text)
    if listing is not None and kind in ("listing", "other", "article") and listing.holds(text):
        text, kind = listing.text, "listing"
    text, kind = _with_structure(page, text, kind)
    return Document(
        url=url,
        title=declared.title or url,
        text=text,
        kind=kind,
        fetched_at=fetched_at,
        language=detect_language(declared.language, text),
        published=_published_on(page, text, kind),
        modified=declared.modified,
        author=declared.author,
        canonical=declared.canonical,
        directives=declared.directives,
        next_page=declared.next_page if kind in _IN_PARTS else "",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _PageContent:
    """What was read of a page, before it is judged."""

    declared: Metadata
    scripts: ScriptSignals
    signals: KindSignals
    objects: list[JsonObject]
    thread: Thread | None
    infobox: list[Pair]
    specifications: list[Pair]
    listing: Listing | None
    text: str
    is_of_data: bool
    """Whether the text is that of scripts, which are not needed any more."""
    shape: TextShape


def _read_page(source: str, *, url: str, fetched_at: datetime) -> _PageContent:
    root = parse_html(source)
    if root is None:
        raise empty_page(url)
    reveal_embedded(root)
    # lxml makes a new proxy for an element at each visit unless one is alive, and sets and dicts
    # of elements compare proxies: all must live until the text is found.
    everything = list(root.iter(etree.Element))
    scripts = read_script_signals(root, everything)
    data = jsonld.load_jsonld(root)
    objects = [*jsonld.page_objects(data), *parse_microdata(everything, source)]
    signals = read_kind_signals(root, everything, objects=objects)
    normalize_markup(root, source, classes=signals.classes)
    # Before main_text, which removes scripts and all else that is not the text.
    declared = read_metadata(root, url=url, now=fetched_at, data=data)
    thread = read_thread(root, classes=signals.classes) or thread_of_data(objects)
    infobox = read_infobox(root, classes=signals.classes)
    specifications = read_specifications(root) if signals.is_product else []
    # A page that calls itself an article is seldom a list, and looking for one costs time.
    listing = None if thread or signals.is_article else read_listing(root)
    text = (
        ""
        if source.count("<") > main_text.MAX_TAGS
        else main_text.main_text(root, headlines=declared.headlines, classes=signals.classes)
    )
    del everything
    if listing is not None:
        size, listed = (len(letters_of(each).encode()) for each in (text, listing.text))
        # Next to nothing beside a list, on a page without a headline: the foot of the site.
        is_little = size < NEXT_TO_NOTHING and 2 * size < listed and root.find(".//h1") is None
        text = listing.text if is_little or not text else text
    text = text or _render_all(root.find("body"))
    # The links in it tell a list from an article, where the page does not say that it is one.
    shape = measure_markdown(text) if signals.is_article else measure_text(root.find("body"))
    better = _text_of_data(source, scripts, objects, declared=declared, text=text)
    if is_of_data := better != text:
        text, shape = better, measure_markdown(better)
    return _PageContent(
        declared=declared,
        scripts=scripts,
        signals=signals,
        objects=objects,
        thread=thread,
        infobox=infobox,
        specifications=specifications,
        listing=listing,
        text=text,
        is_of_data=is_of_data,
        shape=shape,
    )


def _render_all(body: etree._Element) -> str:
    """Return all that a reader sees of a page whose text does not stand out, but for its foot.

    Where the page says which element is its own, what is around that is the site's.
    """
    shown = len(letters_of(text_of(body)).encode())
    mains = list(body.iter("main"))
    if len(mains) == 1 and len(letters_of(text_of(mains[0])).encode()) >= MIN_MAIN * shown:
        body = mains[0]
    feet = [
        each
        for each in body.iter(etree.Element)
        if is_foot(each)
        or not _OTHER_PAGES.isdisjoint(class_words(each))
        # How often a page was read, and perhaps since when it is there.
        or (
            each.tag in ("div", "p", "span")
            and len(each) == 0
            and len(each.text or "") <= MAX_COUNTER
            and _COUNTER.search(each.text or "") is not None
        )
    ]
    shown = len(letters_of(text_of(body)).encode())
    # A licence may be longer than the notice above it; a page that is all foot keeps it.
    if feet and shown - sum(len(letters_of(text_of(each)).encode()) for each in feet) >= MIN_NOTICE:
        for element in feet:
            hide(element)
    if shown > MAX_SHORT:
        return render_markdown(body)
    has_pictures = read_pictures(body)
    page = read_blocks(body)[0]
    around = [] if has_pictures else around_brief_text(page)
    imprint = [block for block in page if is_imprint(block.text)]
    if sum(b.weight for b in page) - sum(b.weight for b in imprint) >= MIN_NOTICE:
        around += imprint
    for block in around:
        hide(block.element)
    return render_markdown(body)


def _text_behind_consent(source: str) -> str:
    """Return what a page shows besides its request for consent, "" if that is no text."""
    root = parse_html(source)
    if root is None:
        return ""
    for element in list(root.iter(etree.Element)):
        if is_consent_box(element):
            hide(element)
    remove_unseen(root)
    text = render_markdown(root.find("body"))
    is_text = len(letters_of(text).encode()) >= MIN_LEAD
    return text if is_text and find_wall(text, title="", is_paid=False) is None else ""


def _text_of_data(
    source: str,
    scripts: ScriptSignals,
    objects: list[JsonObject],
    *,
    declared: Metadata,
    text: str,
) -> str:
    """Return the text in the data of a page where its elements hold much less, else `text`."""
    from_jsonld = declared.body
    if _TAG.search(from_jsonld):  # it is HTML itself on some sites
        inner = parse_html(from_jsonld)
        from_jsonld = "" if inner is None else render_markdown(inner.find("body"))
    if len(from_jsonld) > MIN_JSONLD_RATIO * len(text):
        text = from_jsonld
    # What is longer by far is not poor, unless it is a page of rules and dots.
    is_poor = all(
        len(letters_of(part).encode()) < NEXT_TO_NOTHING
        for part in (text[: 10 * NEXT_TO_NOTHING], text)
    )
    if not (is_poor or needs_browser(scripts, title=declared.title, text=text)):
        return text
    if faq := read_faq(objects, text=text):
        is_text = bool(text.strip()) and not needs_browser(scripts, title=declared.title, text=text)
        return f"{text}\n\n{faq}" if is_text else faq
    # Parsed once more: nothing is left of the scripts in the first tree.
    root = parse_html(source)
    hydrated = "" if root is None else read_hydration(root)
    return hydrated if len(hydrated) > MIN_JSONLD_RATIO * len(text) else text


def _published_on(page: _PageContent, text: str, kind: PageKind) -> date | None:
    """Return when what was made of a page appeared, None if that is not known."""
    if page.listing is not None and text == page.listing.text:
        return None  # the first day on a list is that of its first entry
    if kind == "forum" and page.thread is not None and page.thread.opened is not None:
        # Beside a post stands since when its author is a member, too.
        return page.thread.opened
    return page.declared.published


def _with_structure(page: _PageContent, text: str, kind: PageKind) -> tuple[str, PageKind]:
    """Return the text with the authors of a thread, or with the data of a product, and its kind."""
    if page.thread is not None:
        posts = page.thread.render()
        if len(letters_of(posts)) >= MIN_SHARE * len(letters_of(text)):
            return posts, "qa" if page.thread.is_qa else "forum"
    if kind not in ("listing", "product") and (faq := read_faq(page.objects, text=text)):
        text = f"{text}\n\n{faq}"
    is_chinese = cjk_share(text) > MIN_CJK
    pairs = render_pairs(
        page.objects,
        text=text,
        is_chinese=is_chinese,
        specifications=[*page.infobox, *(page.specifications if kind == "product" else ())],
    )
    return (f"{text}\n\n{pairs}" if pairs else text), kind


def detect_language(declared: str, text: str) -> str:
    """Return an ISO 639-1 code, "" when unknown.

    The script of the text outranks what the page declares: templates declare the language of those
    who made them.
    """
    code = re.split(r"[-_]", declared.strip().lower())[0]
    if cjk_share(text) > MIN_CJK:
        if code in ("zh", "ja", "ko"):
            return code
        if re.search(r"[\u3040-\u30ff]", text):  # kana
            return "ja"
        return "ko" if re.search(r"[\uac00-\ud7af]", text) else "zh"  # hangul
    if re.fullmatch(r"[a-z]{2}", code) and code not in ("zh", "ja", "ko"):
        return code
    letters = sum(map(str.isalpha, text))
    plain = sum(map(str.isalpha, text.encode("ascii", "ignore").decode("ascii")))
    return "en" if letters and plain > MIN_ASCII * letters else ""


def _scripted_page(url: str) -> ExtractError:
    if path_of_url(url) is not None:
        # No browser of ours opens a file: its scripts would ask for what stayed on the site.
        return ExtractError(
            Message("{url} does not hold its text: scripts write it", url=shown_url(url)),
            url=url,
            reason="empty",
            hint=Message(
                "give its address, or open it in your browser and save the complete page or a PDF"
            ),
        )
    return ExtractError(
        Message("{url} is written by scripts", url=url),
        url=url,
        reason="needs_browser",
        hint=Message("it takes a browser to read it: install Chromium, see assistant doctor"),
    )


def _walled_page(url: str, wall: Wall) -> ExtractError:
    if wall == "paywall":
        message = Message("{url} is behind a paywall or a log-in", url=url)
        hint = Message(
            "open it in your browser, where you are logged in, and save the page: ingest FILE"
        )
    else:
        message = Message("{url} shows only a request for consent to cookies", url=url)
        hint = Message("open it in your browser, choose, and save the page: ingest FILE")
    return ExtractError(message, url=url, reason=wall, hint=hint)


def empty_page(url: str, *notes: Message) -> ExtractError:
    """Return the error about a page without text; `notes` say where its text is, if known."""
    hint = Message("try another page")
    if path_of_url(url) is not None:
        hint = Message("it is empty, or shows its text in pictures")
    return ExtractError(
        Message("{url} holds no text", url=shown_url(url)),
        url=url,
        reason="empty",
        hint=join_messages(notes, SEMICOLON) if notes else hint,
    )
