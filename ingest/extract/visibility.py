"""Removes from a page what its readers do not see, and keeps what they see after a click.

Pages hide menus, dialogs and words for screen readers, and attackers hide orders to models. But
pages also hide text: answers below their questions, the rest of an article behind "Read more", or,
as WeChat does, everything until a script has run.
"""

import functools
import itertools
import re
from collections import Counter, defaultdict

from lxml import etree

from ingest.extract.blocks.page_chrome import class_words, is_page_chrome
from ingest.extract.dom import HEADINGS, UNSEEN, hide, letters_of, text_of

MAX_SHOWN = 10  # hidden elements that are looked at for the text of the page
MAX_STYLES = 20_000  # characters of style sheets in a page; longer ones are whole frameworks
MIN_PANEL = 60  # bytes of letters: a sentence
MAX_PANEL_LINKS = 0.3  # share of the letters of a panel that may be in links
MAX_PANEL_TITLE = 200  # characters of what stands before a panel
MIN_STEPS = 3  # hidden elements of one kind, each with a heading, that are steps
MIN_ACCORDION = 2  # hidden panels of one kind, each behind a title of one kind
MAX_PANELS = 300  # hidden elements that are looked at; each look is linear in the element
MAX_PANEL_LETTERS = 500_000  # characters of all that are looked at; they may nest

_NOT_SHOWN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)"
    r"|(?<![\w-])font-size\s*:\s*(?:0(?![\d.])|0?\.(?:0|1\d*(?!\d|rem))|1p[xt])"
    r"|(?<![\w-])(?:left|right|top|text-indent)\s*:\s*-(?:\d{4}|9\d\d|\d{3}r?em|99r?em|\d{3}v[wh])"
    r"|(?<![\w-])(?:left|right)\s*:\s*-\d{2}r?em"
    r"|(?<![\w-])clip\s*:\s*rect\(\s*[01](?:px)?\b"
    r"|clip-path\s*:\s*inset\(\s*(?:50|100)%|transform\s*:\s*scale\(\s*0\s*\)"
    r"|(?<![\w-])filter\s*:\s*opacity\(\s*0%?\s*\)",
    re.IGNORECASE,
)
_HIDING_WORDS = ("none", "hidden", "collapse", "font-size", "clip", "scale", "filter", ":-", ": -")
"""One of these is in whatever `_NOT_SHOWN` finds; a look for them takes a tenth of its time."""
_COLOURLESS = re.compile(
    r"(?<![\w-])color\s*:\s*(?:transparent|rgba\([^()]*,\s*0?\.?0+\s*\))", re.I
)
_TRANSPARENT = re.compile(
    r"(?<![\w-])opacity\s*:\s*(?:0(?:\.0\d*)?|\.0\d*)(?![\d.])", re.IGNORECASE
)
_FLAT = re.compile(r"(?<![\w-])(?:max-)?height\s*:\s*0(?:px)?\s*(?:;|$|!)", re.IGNORECASE)
_CLIPPED = re.compile(r"(?<![\w-])overflow(?:-y)?\s*:\s*hidden", re.IGNORECASE)
_PAINT = re.compile(
    r"(?<![\w-])(color|background(?:-color)?)\s*:\s*(#[0-9a-f]{3,6}\b|rgb\([^()]*\)|white|black)",
    re.IGNORECASE,
)
_NAMED_COLOURS = {"white": "#fff", "black": "#000"}
_HIDING_CLASSES = frozenset(
    {
        "sr-only", "visually-hidden", "visuallyhidden", "screen-reader-text", "a11y-hidden",
        "element-invisible", "elementor-screen-only", "govuk-visually-hidden",
        "cdk-visually-hidden", "screenreader-only", "u-visually-hidden", "d-none", "hidden",
        "is-hidden", "u-hidden",
    }
)  # fmt: skip
"""Classes of Bootstrap, GOV.UK, HTML5 Boilerplate, WordPress, Drupal, Elementor and Angular for
what is only read aloud, and of Bootstrap, Tailwind and Bulma for what is not shown at all."""
_PANEL_NAMES = frozenset(
    {
        "accordion", "answer", "answers", "collapse", "collapsed", "collapsible", "expand",
        "expandable", "expanded", "faq", "full", "more", "panel", "readmore", "remaining", "rest",
        "spoiler", "tab", "tabpanel", "toggle", "quanwen", "zhankai",
    }
)  # fmt: skip
"""Words in class and id of what a click opens."""
_TAB_NAMES = frozenset({"pane", "tab", "tabbed", "tabpane", "tabpanel", "tabs"})
_PLAIN_TITLES = frozenset({"div", "p", "span", "strong"})
_TITLES = HEADINGS | {"dt", "summary", "legend"}
_SENTENCE = re.compile(r"[。！？]|\w[.!?…][\"'”’»)]*(?:\s|$)")
_AT_RULE = re.compile(r"@[^{};]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_ONE_NAME = re.compile(r"(?:[a-z]+\d?)?([.#][\w-]+)")
_RESPONSIVE = re.compile(r"(?:^|[\s-])(?:xs|sm|md|lg|xl|xxl)[:-]|:")
"""Classes of Tailwind and Bootstrap that show on wide screens what another class hides."""
_find_classes = etree.XPath("//@class", smart_strings=False)
_NAME_IN_SELECTOR = re.compile(r"[.#][\w-]+")


def remove_unseen(root: etree._Element, *, classes: str | None = None) -> None:
    """Remove from the body what no reader sees: scripts, form controls, hidden elements.

    What holds most of the words of a page is shown, as are panels that a click opens. `classes` are
    those of all elements, None if nobody has read them yet.
    """
    is_static = root.find(".//script") is None
    named = _read_hiding_names(root)
    hiding = _HIDING_CLASSES | {name[1:] for name in named if name.startswith(".")}
    # Scripts show what is hidden by its id: dialogs, tabs, whole pages.
    ids = {name[1:] for name in named if name.startswith("#")} if is_static else set()
    etree.strip_elements(root, *UNSEEN, with_tail=False)  # words in scripts count for nothing
    # Every second element has some class, and few have one of these.
    names = ("\n".join(_find_classes(root)) if classes is None else classes).split()
    find_marked = _compile_search(hiding.intersection(names))
    hidden = [
        element
        for element in find_marked(root)
        # Scripts fade a text in from `opacity: 0`; without any it stays unseen.
        if _hides(element, hiding) or (is_static and _TRANSPARENT.search(element.get("style", "")))
    ]
    hidden += [each for each in root.iter(etree.Element) if each.get("id") in ids] if ids else []
    body = root.find("body")
    if hidden and body is not None:
        shown = _find_shown(hidden, len(letters_of(text_of(body))) // 2)
        for element in hidden:
            if element not in shown:
                hide(element)
                continue
            # trafilatura looks at them, too.
            for attribute in ("style", "hidden", "aria-hidden"):
                element.attrib.pop(attribute, None)
            names = element.get("class", "").split()
            element.set("class", " ".join(name for name in names if "hid" not in name.lower()))
    etree.strip_elements(root, "template", with_tail=False)


@functools.lru_cache(maxsize=256)
def _compile_search(names: frozenset[str]) -> etree.XPath:
    """Return what finds the elements with a style, or with a class that holds one of `names`."""
    named = "".join(f" or contains(@class, '{name}')" for name in sorted(names))
    return etree.XPath(f"//*[@style or @hidden or self::p[@aria-hidden='true']{named}]")


def _hides(element: etree._Element, classes: frozenset[str]) -> bool:
    """Return whether attributes of `element` say that no reader sees it."""
    if (hidden := element.get("hidden")) is not None:
        return str(hidden).lower() != "until-found"  # that is opened by searching
    if _is_hiding_style(element.get("style", "")):
        return True
    # Of other elements it hides icons, and whole panels and pages while a dialog is open.
    if element.tag == "p" and element.get("aria-hidden") == "true":
        return True
    own = element.get("class", "")
    return not classes.isdisjoint(own.split()) and not _RESPONSIVE.search(own)


# Pages write the same few styles hundreds of times.
@functools.lru_cache(maxsize=1024)
def _is_hiding_style(style: str) -> bool:
    # A gradient that shines through the letters wants them without a colour of their own.
    return (
        _NOT_SHOWN.search(style) is not None
        or (_COLOURLESS.search(style) is not None and "background" not in style)
        or ("overflow" in style and None not in (_CLIPPED.search(style), _FLAT.search(style)))
        or _is_painted_over(style)
    )


def _is_painted_over(style: str) -> bool:
    """Return whether letters have the colour of what is behind them."""
    if "background" not in style:
        return False
    paints = {name.lower()[:5]: _spell_out(colour) for name, colour in _PAINT.findall(style)}
    return len(paints) > 1 and len({*paints.values()}) == 1


def _spell_out(colour: str) -> str:
    """Return a colour of CSS with six digits, where it is written in hexadecimal or as a word."""
    bare = "".join(colour.lower().split())
    bare = _NAMED_COLOURS.get(bare, bare)
    is_short = bare.startswith("#") and len(bare) == len("#fff")
    return "#" + "".join(digit * 2 for digit in bare[1:]) if is_short else bare


def _read_hiding_names(root: etree._Element) -> frozenset[str]:
    """Return the classes and ids that the page's own style sheets hide and nowhere show again.

    As selectors have them: ".off", "#trap".

    Media queries are left out: most are for print or for small screens.
    """
    sheets = "".join(style.text or "" for style in root.iter("style"))
    if len(sheets) > MAX_STYLES:
        return frozenset()
    hidden: set[str] = set()
    shown: set[str] = set()
    for selectors, declarations in _RULE.findall(_AT_RULE.sub("", sheets)):
        words = declarations.lower()
        is_hiding = any(map(words.__contains__, _HIDING_WORDS)) and _NOT_SHOWN.search(declarations)
        for selector in selectors.split(","):
            if is_hiding and (name := _ONE_NAME.fullmatch(selector.strip())):
                hidden.add(name[1])
            elif not is_hiding and ("display" in declarations or "visib" in declarations):
                shown.update(_NAME_IN_SELECTOR.findall(selector))
    return frozenset(hidden - shown)


def _find_shown(hidden: list[etree._Element], half: int) -> set[etree._Element]:
    """Return those of `hidden` that a reader gets to see; `half` is of the letters of the page."""
    # Raw lengths first, and few: hidden elements may nest, each with the whole page inside.
    long = (element for element in hidden if len(text_of(element)) > half)
    shown = {
        element
        for element in itertools.islice(long, MAX_SHOWN)
        if len(letters_of(text_of(element))) > half
    }
    accordion = _find_accordion(hidden)
    panels, kinds = [], Counter[tuple[str, str]]()
    left = MAX_PANEL_LETTERS
    for element in hidden[:MAX_PANELS]:
        text = text_of(element)
        left -= len(text)
        if left < 0:
            break
        is_panel = _is_tab_panel(element) or _answers_question(element) or element in accordion
        if _is_prose(element, text) or (is_panel and _is_own(element, text)):
            kinds[_kind_of(element)] += 1
            panels.append(element)

    def is_step(element: etree._Element) -> bool:
        # Also a picture with its text, of which a reader sees one at a time.
        is_repeated = kinds[_kind_of(element)] >= MIN_STEPS and bool(element.get("class"))
        return is_repeated and next(element.iterdescendants(*HEADINGS), None) is not None

    return shown.union(
        element
        for element in panels
        if _is_tab_panel(element)
        or _answers_question(element)
        or element in accordion
        or _opens_by_click(element)
        or is_step(element)
    )


def _find_accordion(hidden: list[etree._Element]) -> set[etree._Element]:
    """Return the panels of one kind that stand behind a title of one kind each.

    Their titles become headings, or a short one would be no part of the text.
    """
    pairs: dict[tuple[str, ...], list[tuple[etree._Element, etree._Element]]] = defaultdict(list)
    for element in hidden[:MAX_PANELS]:
        title = element.getprevious()
        if title is None or not title.get("class") or not element.get("class"):
            continue
        if title.tag in _PLAIN_TITLES and 0 < len(text_of(title).strip()) <= MAX_PANEL_TITLE:
            names = class_words(element) | class_words(title)
            if not names.isdisjoint(_PANEL_NAMES) and title.find(".//a[@href]") is None:
                pairs[(*_kind_of(title), *_kind_of(element))].append((title, element))
    found = set()
    for group in pairs.values():
        for title, element in group if len(group) >= MIN_ACCORDION else ():
            if _is_own(element, text_of(element)):
                title.tag = "h3"
                found.add(element)
    return found


def _kind_of(element: etree._Element) -> tuple[str, str]:
    return str(element.tag), element.get("class", "")


def _is_prose(element: etree._Element, text: str) -> bool:
    return (
        len(letters_of(text).encode()) >= MIN_PANEL
        and _SENTENCE.search(text) is not None
        and _is_own(element, text)
    )


def _is_tab_panel(element: etree._Element) -> bool:
    """Return whether a tab opens `element`: there, a command is as good as a sentence."""
    if str(element.get("role")) == "tabpanel":
        return True
    # Without a role the name alone may be a menu's; the programs for documentation put code there.
    is_named = not _TAB_NAMES.isdisjoint(class_words(element))
    return is_named and next(element.iterdescendants("pre", "table"), None) is not None


def _answers_question(element: etree._Element) -> bool:
    """Return whether `element` stands right behind a question that is shown."""
    before = element.getprevious()
    return (
        before is not None
        and len(question := text_of(before)) <= MAX_PANEL_TITLE
        and question.rstrip().endswith(("?", "？"))
    )


def _is_own(element: etree._Element, text: str) -> bool:
    """Return whether `element` belongs to the text of the page: no form, menu or list of links."""
    if element.tag == "form" or element.find(".//form") is not None:
        return False
    linked = sum(len(letters_of(text_of(link))) for link in element.iter("a"))
    is_linked = linked > MAX_PANEL_LINKS * len(letters_of(text))
    return not is_linked and not any(
        each.tag not in ("html", "body") and is_page_chrome(each)
        for each in (element, *element.iterancestors())
    )


def _opens_by_click(element: etree._Element) -> bool:
    """Return whether `element` is named as a panel, or stands below a title of its own."""
    if not _PANEL_NAMES.isdisjoint(class_words(element)):
        return True
    before = element.getprevious()
    if before is None or len(text_of(before)) > MAX_PANEL_TITLE:
        return False
    title = before if before.tag in _TITLES else next(before.iterdescendants(*_TITLES), None)
    return title is not None and letters_of(text_of(title)) == letters_of(text_of(before))
