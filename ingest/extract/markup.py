"""Rewrites markup whose meaning is not in its text: formulas, tables by role, gutters of code.

Run once on the parsed page, before anything is removed from it: the text of a formula stands in
attributes and in elements that no reader sees.
"""

import itertools
import re
from collections.abc import Iterator

from lxml import etree

from ingest.extract.dom import flatten_text, hide, letters_of, text_of
from ingest.extract.structured.tab_panels import label_panels
from ingest.extract.structured.table_markup import (
    rewrite_styled,
    rewrite_tables,
    title_tables,
    write_marks,
)

MAX_FORMULA = 2000  # characters of LaTeX; longer ones are data
MAX_STRUCK = 100  # characters that are struck through; a longer text is an amended one
MAX_RATING = 60  # characters
# Compiled once: a page of 30 kB costs as much as the compiling of a dozen of these.
_find_listings = etree.XPath("//pre | //table[.//pre]")
_find_tex = etree.XPath("//script[starts-with(@type, 'math/tex')] | //*[@data-tex]")
_find_drawn = etree.XPath("//*[@role='img'][@aria-label]")
_RATING = re.compile(
    r"(?:\D{0,20}\s)?\d(?:[.,]\d{1,2})?\s*(?:of|out of|von|sur|de|/)\s*(?:5|10|five)"
    r"(?:\s[^\W\d]{1,12})?"
    r"|(?:评分|評分)?\s*\d(?:\.\d)?\s*(?:星|颗星|分)",
    re.IGNORECASE,
)
MAX_FORMULA_LEVELS = 3  # elements around a formula that may hide it
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_DISPLAY_STYLE = re.compile(r"^\s*\{\\(?:display|text)style\s+(.*)\}\s*$", re.DOTALL)
"""How MediaWiki wraps every formula."""

_FORMULA_PICTURE = re.compile(r"(?:^|\s)(?:latex|tex|mwe-math-fallback-image-\w+|mathcode)(?:\s|$)")
"""Classes of pictures of formulas: WordPress, old MediaWiki, new MediaWiki, CSDN."""

_ROLE = re.compile(r"""role\s*=\s*["']?(table|grid|img|tab)\b""")
"""The roles of WAI-ARIA 1.2 that are rewritten, in the source."""
_TITLES = ("h1", "h2", "h3", "h4", "h5", "h6", "summary", "dt")
_GUTTERS = re.compile(
    r"(?:^|\s)(?:gutter|ln|lnt|lineno|linenos|linenumber|line-?numbers?|[\w-]*__line-index|pre-numbering|hljs-ln-numbers"
    r"|copy(?:-?(?:button|btn|code))?|btn-?copy|code-?copy|hljs-button)(?:\s|$)",
    re.IGNORECASE,
)
"""Classes of line numbers and copy buttons: Pygments, Rouge, Hexo, Chroma, Prism, CSDN, Zhihu."""
_TAB_STRIPS = ("tabbed-labels", "vp-code-group")
_EXPAND = re.compile(r"(?:点击)?展开(?:全部|全文|更多)|Expand description")
"""What opens the rest of an answer, on elements that are no button: Baidu Zhidao, rustdoc."""
_EXPANDING = ("展开全", "展开更", "Expand d")
_BACK_LINK = re.compile(r"返回[^\s<>，,]{1,8}[，,]\s?查看更多")
"""What Sohu puts behind the last sentence."""
_HEADING_TOOLS = re.compile(
    r"(?:^|\s)(?:edit-?icon|mw-editsection|edit-?section|(?:header|heading|hash|direct)-?(?:link|anchor)"
    r"|anchor(?:-?link|js-link)?|permalink)(?:\s|$)",
    re.IGNORECASE,
)
"""Classes of what stands in a heading to edit its section, or to copy its address."""
_TOOL_TEXTS = frozenset(
    {
        *("¶", "#", "§", "🔗", "permalink", "编辑", "播报", "編輯", "edit"),
        *("[edit]", "[source]", "[编辑]", "[編輯]"),
    }
)
_MAX_TOOL = 20  # characters of one; "Permalink to this heading" is read aloud and hidden
MAX_BUTTONS = 300
MAX_PANEL_TITLE = 200  # characters of a button that a panel answers
MAX_PANEL_LINKS = 0.3  # share of the letters of a panel in links; a menu has more
MIN_PANEL = 60  # bytes of letters, as hidden ones are shown from; an answer may be shorter
MIN_ANSWER = 20
_MORE = re.compile(
    r"\W*(?:(?:read|show|view|see|load|learn)\s)?(?:more|all|less|details|menu|options|settings)\W*"
    r"|\W*(?:展开|收起|更多|查看|阅读)?(?:全文|更多|详情|全部|展开|收起)\W*",
    re.IGNORECASE,
)
"""What a button says that names nothing: its panel goes on with the text."""
MIN_NOSCRIPT = 200  # characters of a text for browsers without scripts; a notice has fewer
_COPY_LABELS = frozenset({"复制代码", "复制", "複製", "copy", "copy code", "代码解读", "已复制"})
_MAX_BAR = 60  # characters of the bar above a listing
_MAX_GUTTER = 2000  # characters; a listing whose class is "line-numbers" (Prism) is no gutter
_MAX_LINE_NUMBER = 8  # characters, padded
_POWERS = str.maketrans("0123456789+-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")
_NOTE = re.compile(r"\[?(?:(?:note|nb|注)\s?)?\d{1,3}\]?|\[?[a-z*†‡]\]?", re.IGNORECASE)
_POWER = re.compile(r"[+−-]?\d{1,3}")


def normalize_markup(root: etree._Element, source: str, *, classes: str) -> None:
    """Rewrite, in place, what a page says without text. Linear in its size.

    `source` is that of the page, `classes` are those of all elements: where a word is not in
    them, no element needs to be looked for.
    """
    roles = frozenset(_ROLE.findall(source))
    _open_noscript(root)
    _write_formulas(root, source)
    _write_ratings(root, roles)
    for title in list(root.iter(*_TITLES)):
        _clean_title(title)
    _title_panels(root)
    for element in list(root.iter("sup")):
        _write_raised(element)
    for element in list(root.iter("del", "s", "strike")):
        # "199 99 EUR" would be another price.
        if len(text := text_of(element).strip()) <= MAX_STRUCK:
            _become_text(element, f"~~{text}~~" if text else "")
    rewrite_tables(root, roles=roles)
    rewrite_styled(root, source)
    title_tables(root)
    write_marks(root)
    for place in _find_listings(root) if root.find(".//pre") is not None else ():
        _clean_code(place)
    if "tab" in roles or any(map(classes.__contains__, _TAB_STRIPS)):
        label_panels(root)
    _drop_labels(root, source)


def _drop_labels(root: etree._Element, source: str) -> None:
    """Drop what leads back to a portal, or opens the rest of a text, without being a button."""
    may_expand = any(map(source.__contains__, _EXPANDING))
    for label in root.iter("div", "span", "a", "p", "summary") if may_expand else ():
        if len(label) == 0 and _EXPAND.fullmatch((label.text or "").strip()):
            _drop_text(label)
    for link in root.iter("a") if _BACK_LINK.search(source) else ():
        if _BACK_LINK.match(text_of(link).strip()):
            _drop_text(link)


def _write_raised(element: etree._Element) -> None:
    """Drop the number of a note, write a power as one."""
    text = text_of(element).strip()
    link = element.find(".//a[@href]")
    if link is not None and link.get("href").startswith("#") and _NOTE.fullmatch(text):
        _drop_text(element)  # a note: glued to a year, its number makes another year
    # With a link in it, it is a note.
    elif _POWER.fullmatch(text) and element.find(".//a") is None:
        _become_text(element, text.translate(_POWERS))


def _open_noscript(root: etree._Element) -> None:
    """Show what a page holds for browsers without scripts, if it is more than it shows otherwise.

    An app whose text its server writes for those is read as they read it.
    """
    for element in list(root.find("body").iter("noscript")):
        text = text_of(element) if element.find(".//p") is not None else ""
        if len(text) >= MIN_NOSCRIPT and len(text) > len(flatten_text(root.find("body"))):
            element.tag = "div"


def _clean_title(title: etree._Element) -> None:
    if _heads_empty_panel(title):
        # What comes behind that panel would be read as the answer. The data of the page often have
        # the right one.
        _drop_text(title)
        return
    for tool in list(title.iterdescendants("a", "span", "button")):
        text = text_of(tool).strip()
        is_tool = text.lower() in _TOOL_TEXTS or _HEADING_TOOLS.search(tool.get("class", ""))
        # GitHub's old READMEs have the whole heading in such a link, and sections are named "Edit".
        if text and is_tool and len(text) <= _MAX_TOOL and text_of(title).strip() != text:
            _drop_text(tool)
        elif tool.tag == "button":
            # The button that opens a panel carries its heading: the question that it answers.
            tool.tag = "span"


def _heads_empty_panel(title: etree._Element) -> bool:
    """Return whether a heading is a button for a panel that scripts fill when it is pressed."""
    button, panel = title.find("button"), title.getnext()
    if button is None or panel is None:
        return False
    controlled = button.get("aria-controls")
    is_empty = len(panel) == 0 and not (panel.text or "").strip()
    return is_empty and bool(controlled) and panel.get("id") == controlled


def _title_panels(root: etree._Element) -> None:
    """Turn buttons that open a panel of prose into its heading: else the question is lost.

    The pattern "disclosure" of WAI-ARIA: the button says what it opens, or stands before it.
    """
    # Each looks at its panel, and panels may nest.
    for button in list(itertools.islice(root.iter("button"), MAX_BUTTONS)):
        if _opens_prose(button):
            button.tag = "h3"


def _opens_prose(button: etree._Element) -> bool:
    if button.get("aria-expanded") is None and button.get("aria-controls") is None:
        return False
    title = " ".join(text_of(button).split())
    if not 1 < len(title) <= MAX_PANEL_TITLE or _MORE.fullmatch(title):
        return False
    if title.lower() in _COPY_LABELS:
        return False
    if next(button.iterancestors("nav", "header", "footer", "form"), None) is not None:
        return False
    panel = button.getnext()
    if panel is None or panel.get("id", "") != button.get("aria-controls", panel.get("id", "")):
        return False
    text = flatten_text(panel)
    linked = sum(len(flatten_text(link)) for link in panel.iter("a"))
    has_controls = next(panel.iter("form", "nav", "input", "select"), None) is not None
    least = MIN_ANSWER if title.endswith(("?", "？")) else MIN_PANEL
    is_prose = len(letters_of(text).encode()) >= least and linked <= MAX_PANEL_LINKS * len(text)
    return is_prose and not has_controls


def _write_formulas(root: etree._Element, source: str) -> None:
    formulas = list(_find_formulas(root, source))
    if not formulas:
        return
    for element, formula in formulas:
        bare = _DISPLAY_STYLE.sub(r"\1", formula)
        _become_text(element, f"${bare}$")
        # MediaWiki hides what it has in MathML, and shows a picture of it.
        for around in itertools.islice(element.iterancestors("span"), MAX_FORMULA_LEVELS):
            if _HIDDEN.search(around.get("style", "")) and text_of(around) == element.text:
                del around.attrib["style"]
    # KaTeX and MathJax draw each formula a second time, letter by letter.
    drawn = "//*[contains(concat(' ', @class, ' '), ' katex-html ')] | //mjx-math"
    for element in root.xpath(drawn):
        other = element.getnext() if element.tag == "mjx-math" else element.getprevious()
        if other is not None and "$" in text_of(other):
            hide(element)


def _find_formulas(root: etree._Element, source: str) -> Iterator[tuple[etree._Element, str]]:
    """Yield elements and the LaTeX that they stand for: KaTeX, MathML, MathJax, Zhihu."""
    for element in root.iter("math"):
        notes = element.xpath(
            ".//annotation[contains(@encoding, 'tex') or contains(@encoding, 'TeX')]"
        )
        formula = text_of(notes[0]) if notes else element.get("alttext", "")
        yield element, formula or " ".join("".join(element.itertext()).split())
    # With its sign of equality, or every "data-text" would be one.
    for element in _find_tex(root) if "math/tex" in source or "data-tex=" in source else ():
        yield element, element.get("data-tex") or element.text or ""
    for element in root.iter("img"):
        if not (alt := element.get("alt")):
            continue
        # MediaWiki's picture stands beside the formula; without MathML it is all that there is.
        is_formula = element.get("eeimg") or (
            _FORMULA_PICTURE.search(element.get("class", ""))
            and element.getparent().find(".//math") is None
        )
        if is_formula:
            yield element, alt


def _write_ratings(root: etree._Element, roles: frozenset[str]) -> None:
    """Write what a row of stars stands for, "4 of 5 stars", which no other element says."""
    drawn = _find_drawn(root) if "img" in roles else ()
    for element in [*root.iter("img"), *drawn]:
        label = (element.get("alt") or element.get("aria-label") or "").strip()
        is_emoji = "emoji" in element.get("class", "") and not label.isascii()
        if len(label) <= MAX_RATING and (is_emoji or _RATING.fullmatch(label)):
            _become_text(element, f" {label} ")


def _become_text(element: etree._Element, text: str) -> None:
    """Turn `element` into an inline one that holds `text` alone."""
    if len(text) > MAX_FORMULA or not text.strip("$ "):
        return
    tail = element.tail
    element.clear()
    element.tag, element.text, element.tail = "span", text, tail


def _clean_code(place: etree._Element) -> None:
    """Hide gutters and copy buttons in a listing, and end the lines that elements are."""
    for beside in (place.getprevious(), place.getnext()):
        # A bar with the language and a button that is no <button>: Juejin, Volcengine.
        if beside is not None and len(text_of(beside)) <= _MAX_BAR:
            labels = [text_of(inner).strip().lower() for inner in beside.iter(etree.Element)]
            is_gutter = _GUTTERS.search(beside.get("class", "")) is not None
            if not _COPY_LABELS.isdisjoint(labels) or (
                # CSDN's numbers stand behind the listing.
                is_gutter and "".join(text_of(beside).split()).isdecimal()
            ):
                _drop_text(beside)
    around = place.getparent()
    if around is not None and "toolbar" in (names := around.get("class", "")):
        # Prism calls what holds a listing and its buttons so; elsewhere a toolbar is no text.
        around.set("class", names.replace("toolbar", "listing"))
    # Whether a listing is several <code>, a line each, as WeChat has it.
    codes = list(place.iterchildren("code"))
    between = [place.text, *(code.tail for code in codes)]
    is_made_of_code = (
        place.tag == "pre"
        and len(codes) == len(place) > 1
        and not any(text and text.strip() for text in between)
    )
    lines = frozenset(place.iterchildren("code")) if is_made_of_code else frozenset()
    # The innermost first: a line whose element has ended it already is not ended twice.
    for inner in reversed(list(place.iterdescendants(etree.Element))):
        if _GUTTERS.search(inner.get("class", "")) and len(text_of(inner)) <= _MAX_GUTTER:
            _drop_text(inner)
        elif place.tag == "pre" and (
            inner.tag in ("div", "p", "li", "tr")
            or inner in lines
            or "display:block" in inner.get("style", "").replace(" ", "")
        ):
            after, text = inner.tail or "", text_of(inner)
            if text and not after.startswith("\n") and not text.endswith("\n"):
                inner.tail = "\n" + after
            inner.tag = "span"  # no block: what stands between lines is theirs
    if place.tag == "pre":
        _drop_line_numbers(place)


def _drop_line_numbers(listing: etree._Element) -> None:
    """Take the numbers out of a listing that has one in front of each of its lines.

    Only those in elements of their own: lines of plain text may begin with numbers that are data.
    """
    numbers = list(_find_line_numbers(listing))
    lines = text_of(listing).strip("\n").count("\n") + 1
    if len(numbers) == lines > 1:
        values = [int(number.text) for number in numbers]
        if values == list(range(values[0], values[0] + lines)):
            for number in numbers:
                number.text, number.tail = "", (number.tail or "").removeprefix(" ")


def _find_line_numbers(listing: etree._Element) -> Iterator[etree._Element]:
    """Yield the elements with which lines begin, and which hold a number alone."""
    is_at_start = True
    for event, element in etree.iterwalk(listing, events=("start", "end")):
        is_start = event == "start"
        piece = (element.text if is_start else element.tail) or ""
        is_number = len(piece) <= _MAX_LINE_NUMBER and piece.strip().isdecimal()
        if is_start and is_at_start and is_number and len(element) == 0:
            yield element
        if is_start or element is not listing:  # the text behind the listing is not its own
            _, line_end, rest = piece.rpartition("\n")
            is_at_start = not rest.strip() and (is_at_start or bool(line_end))


def _drop_text(element: etree._Element) -> None:
    tail = element.tail
    element.clear()
    element.tag, element.tail = "template", tail
