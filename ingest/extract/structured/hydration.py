"""Text that is in the bytes of a page, and not in its elements: data that its scripts will show.

Frameworks send the text of a page as data (`__NEXT_DATA__`, Nuxt's payload, React's flight rows,
`__INITIAL_STATE__`), old blog software in a script of the type text/template, careful ones in
<noscript>. Where the elements hold next to nothing, it is read from there, without a browser.
"""

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from ingest.extract.dom import letters_of, parse_html
from ingest.extract.markdown import render_markdown

MAX_SCRIPT = 3_000_000  # characters of one script; the largest payload seen has 1.2 million
MAX_STRINGS = 5_000  # of one payload
MAX_DEPTH = 40  # levels of a payload
MIN_PROSE = 40  # bytes of letters of a string that may be a paragraph
MIN_TEXT = 300  # bytes of letters of a text that is worth taking
MIN_NAMED = 90  # the same of one that the payload calls a text, or has as paragraphs
MOSTLY = 0.6  # of the prose of a payload, in one part of it
MAX_UNICODE = 0x10FFFF
MAX_REFERENCES = 20_000  # of Nuxt's payload, which refers to its parts by number

_TEMPLATE_TYPES = ("text/template", "text/html", "text/x-template", "text/x-tmpl", "text/plain")
_PLACEHOLDER = re.compile(r"\{\{|<%|\$\{|\{%")
_STATE = re.compile(
    r"(?:window\.)?__(?:INITIAL_STATE|NEXT_DATA|NUXT|PRELOADED_STATE|APOLLO_STATE|DATA)__\s*=\s*(?=[{\[])"
    # Remix, React Router, Redux and Gatsby.
    r"|\b__(?:remixContext|staticRouterHydrationData|reactRouterContext|REDUX_STATE__|APP_STATE__"
    r"|PAGE_DATA__|SSR_DATA__|INITIAL_PROPS__)\s*=\s*(?=[{\[])"
    # What sites call their own: var allData (ifeng), window._ROUTER_DATA, const articleDetail.
    r"|\b(?:window\.|(?:var|let|const)\s)\w{0,30}(?:[dD]ata|DATA|[sS]tate|STATE|[aA]rticle|[dD]etail)"
    r"\w{0,10}\s*=\s*(?=\{\s*\")"
)
_LITERAL = re.compile(
    # From the beginning of a word alone: from each letter, a word of 40,000 takes minutes.
    r"""(?<![\w$])["']?(?P<key>[A-Za-z_$][\w$]*+)["']?\s*[:=]\s*(?:JsDecode\(\s*)?"""
    r"""(?:"(?P<double>(?:[^"\\\n]|\\.)*+)"|'(?P<single>(?:[^'\\\n]|\\.)*+)')""",
    re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}|(.))", re.DOTALL
)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\n", "b": "", "f": "\n", "v": " ", "0": "", "\n": ""}
_OWN_TEXT = "content_noencode"
"""What WeChat calls the text of a post of pictures."""
_FLIGHT = re.compile(r"self\.__next_f\.push\(\s*(\[.*\])\s*\)", re.DOTALL)
_FLIGHT_ROW = re.compile(rb"\n?([0-9a-f]+):")
_FLIGHT_TEXT = re.compile(rb"T([0-9a-f]+),")
_BLANK = re.compile(r"\s")
_HTML = re.compile(r"</?(?:p|div|br|h[1-6]|ul|ol|li|blockquote|section|article|table)\b", re.I)
_TEXT_KEY = re.compile(
    r"(?:article_?|post_?|news_?|page_?)?(?:content|body|text|html|detail|markdown)s?", re.I
)
"""What a payload calls the text of its page."""
_SENTENCE_END = re.compile(r"[.!?。！？]\W{0,3}$")
_SIDE_KEYS = re.compile(
    r"excerpt|summary|description|seo|meta|alt|caption|copyright|consent|cookie|disclaimer|footer"
    r"|newsletter|related|recommend|sidebar|comment|translation|i18n|messages|locale|config|icon|css"
    r"|svg|query|schema|slug|url|href|src",
    re.IGNORECASE,
)
"""Names of what stands beside a text in a payload: summaries, other pages, words of the site."""


def reveal_embedded(root: etree._Element) -> None:
    """Turn into plain elements, in place, what a browser shows and a parser takes for data.

    Declarative shadow roots, and documents that an <iframe> carries in `srcdoc`.
    """
    for template in list(root.iter("template")):
        if "shadowrootmode" in template.attrib or "shadowroot" in template.attrib:
            template.tag = "div"
    framed = [frame for frame in root.iter("iframe") if "srcdoc" in frame.attrib]
    for frame in framed[:10]:
        inner = parse_html(frame.get("srcdoc", "")[:MAX_SCRIPT])
        if inner is not None and (body := inner.find("body")) is not None:
            tail = frame.tail
            frame.clear()
            frame.tag, frame.text, frame.tail = "div", body.text, tail
            frame.extend(list(body))


def read_hydration(root: etree._Element) -> str:
    """Return the longest text that scripts of the page would show, as Markdown, "" if none is.

    Call it before anything is removed from the page.
    """
    if own := _read_own_text(root):
        return own
    texts = [_text_of_markup(source) for source in _read_markup(root)]
    sure = {text for text in texts if _SENTENCE_END.search(text)}
    for payload in _read_payloads(root):
        text, is_named = _text_of_payload(payload)
        texts.append(text)
        sure |= {text} if is_named and _SENTENCE_END.search(text) else set()
    best = max(texts, key=len, default="")
    least = MIN_NAMED if best in sure else MIN_TEXT
    return best if len(letters_of(best).encode()) >= least else ""


def _read_markup(root: etree._Element) -> Iterator[str]:
    """Yield HTML in scripts that are no programs, and in <noscript>."""
    for script in root.iter("script"):
        source = (script.text or "")[:MAX_SCRIPT]
        is_markup = script.get("type", "").lower() in _TEMPLATE_TYPES
        if is_markup and not _PLACEHOLDER.search(source):
            yield source
    for element in root.iter("noscript"):
        yield etree.tostring(element, encoding="unicode", with_tail=False)
    found = (_FLIGHT.search((each.text or "")[:MAX_SCRIPT]) for each in root.iter("script"))
    values = (_load_json(match[1]) for match in found if match)
    flight = "".join(
        value[1]
        for value in values
        if isinstance(value, list) and len(value) > 1 and isinstance(value[1], str)
    )
    if flight:
        yield _render_flight(flight)


def _text_of_markup(source: str) -> str:
    inner = parse_html(source)
    if inner is None:
        return ""
    etree.strip_tags(inner, "noscript")
    return render_markdown(inner.find("body"))


# ---------------------------------------------------------------- data


def _read_payloads(root: etree._Element) -> Iterator[Any]:
    for script in root.iter("script"):
        source = script.text or ""
        if not source or len(source) > MAX_SCRIPT or "ld+json" in script.get("type", ""):
            continue
        if script.get("id") == "__NUXT_DATA__":
            yield _resolve_nuxt(_load_json(source))
        elif "json" in script.get("type", ""):
            yield _load_json(source)
        elif match := _STATE.search(source):
            state = _load_json(source[match.end() :])
            yield _read_literals(source) if state is None else state
        elif "__NUXT__" in source:
            yield [{key: text} for key, text in _read_literals(source)]


def _read_own_text(root: etree._Element) -> str:
    """Return the text of a post of pictures on WeChat, however short, "" if there is none."""
    sources = (each.text or "" for each in root.iter("script"))
    for source in (each[:MAX_SCRIPT] for each in sources if _OWN_TEXT in each):
        for key, text in _read_literals(source):
            if key == _OWN_TEXT and letters_of(text):
                return _text_of_markup(text) if _HTML.search(text) else text.strip()
    return ""


def _read_literals(source: str) -> Iterator[tuple[str, str]]:
    """Yield the named strings of a script: objects that are written as programs are no JSON.

    Nuxt 2 hands its state through a function, WeChat writes its objects without quoted keys.
    """
    for match in itertools.islice(_LITERAL.finditer(source), MAX_STRINGS):
        yield match["key"], _ESCAPE.sub(_unescape, match["double"] or match["single"] or "")


def _unescape(escape: re.Match[str]) -> str:
    """Return the character that an escape in a string of JavaScript stands for."""
    code = escape[1] or escape[2] or escape[3]
    if code:
        number = int(code, 16)
        # Half of a pair of surrogates says nothing alone, and cannot be encoded.
        return chr(number) if number <= MAX_UNICODE and not 0xD800 <= number < 0xE000 else ""
    return _ESCAPED.get(escape[4], escape[4])


def _load_json(source: str) -> Any:
    try:
        # undefined is no JSON, and stands in many states that are written as such.
        bare = re.sub(r":\s*undefined\b", ":null", source.strip())
        return json.JSONDecoder(strict=False).raw_decode(bare)[0]
    except (ValueError, RecursionError):
        return None


def _resolve_nuxt(payload: Any) -> Any:
    """Return Nuxt's payload with its parts in place: a list whose numbers point into itself."""
    left = MAX_REFERENCES

    def resolve(number: Any, depth: int) -> Any:
        nonlocal left
        left -= 1
        if left < 0 or depth > MAX_DEPTH or not isinstance(number, int):
            return None
        if isinstance(number, bool) or not 0 <= number < len(payload):
            return None
        value = payload[number]
        if isinstance(value, dict):
            return {key: resolve(inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, list):
            # ["Reactive", 5] wraps what it points to.
            inner = value[1:] if value and isinstance(value[0], str) else value
            return [resolve(each, depth + 1) for each in inner]
        return value

    return resolve(0, 0) if isinstance(payload, list) else None


def _text_of_payload(payload: Any) -> tuple[str, bool]:
    """Return the prose in the part of a payload that holds most of it, and whether it is named so.

    What is called "content" or "body" there is the text of a page, however short.
    """
    weights: dict[int, int] = {}
    _weigh(payload, weights, 0)
    node = payload
    while True:
        held = [each for each in _children(node) if isinstance(each, dict | list)]
        inner = max(held, key=lambda each: weights.get(id(each), 0), default=None)
        if inner is None or weights.get(id(inner), 0) < MOSTLY * weights.get(id(node), 0):
            break
        node = inner
    parts: list[str] = []
    known = ""
    is_named = isinstance(node, dict) and any(
        isinstance(value, str) and _is_prose(value) and _TEXT_KEY.fullmatch(str(key))
        for key, value in node.items()
    )
    for text in _prose_in(node, 0):
        letters = letters_of(text)
        if letters not in known:  # payloads hold a text as HTML, as a summary, and for search
            parts.append(text)
            known += letters
    return "\n\n".join(parts), is_named


def _weigh(node: Any, weights: dict[int, int], depth: int) -> int:
    """Return the letters of prose in `node`, and note those of each object and list in it."""
    if isinstance(node, str):
        return len(letters_of(node)) if _is_prose(node) else 0
    if depth > MAX_DEPTH or not isinstance(node, dict | list) or len(weights) > MAX_REFERENCES:
        return 0
    weights[id(node)] = 0
    weights[id(node)] = sum(_weigh(each, weights, depth + 1) for each in _children(node))
    return weights[id(node)]


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        # A key with a slash is a route of Remix, whatever words are in it.
        return [v for key, v in node.items() if "/" in str(key) or not _SIDE_KEYS.search(str(key))]
    return node if isinstance(node, list) else []


def _prose_in(node: Any, depth: int) -> Iterator[str]:
    if isinstance(node, str):
        if _is_prose(node):
            yield _text_of_markup(node) if _HTML.search(node) else node.strip()
    elif depth <= MAX_DEPTH:
        for each in _children(node)[:MAX_STRINGS]:
            yield from _prose_in(each, depth + 1)


def _is_prose(text: str) -> bool:
    """Return whether a string is text for people, and no address, code or key."""
    if len(text.encode()) < MIN_PROSE or text.startswith(("http", "data:", "/", "{", "[", "<svg")):
        return False
    start = text[:2000]
    blanks = len(_BLANK.findall(start))
    ideographs = sum("\u3400" <= character <= "\u9fff" for character in start)
    # Words have a blank every dozen letters; ideographs need none.
    return 12 * blanks >= len(start) - ideographs or 2 * ideographs > len(start)


# ---------------------------------------------------------------- React's flight rows


def _render_flight(rows: str) -> str:
    """Return the elements in React's flight rows as HTML; texts that they refer to are put in."""
    texts: dict[str, str] = {}
    trees: list[Any] = []
    at = 0
    data = rows.encode()
    while match := _FLIGHT_ROW.match(data, at):
        at = match.end()
        if text := _FLIGHT_TEXT.match(data, at):
            end = text.end() + int(text[1], 16)  # its length in bytes
            texts[match[1].decode()] = data[text.end() : end].decode("utf-8", "replace")
            at = end
            continue
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        trees.append(_load_json(data[at:end].decode("utf-8", "replace")))
        at = end
    body = etree.Element("body")
    for tree in trees:
        # The first row is the state of the router, with the elements of the page deep in it.
        for element in _flight_elements(tree, 0) if isinstance(tree, dict) else [tree]:
            _add_flight_node(body, element, texts, 0)
    return str(etree.tostring(body, encoding="unicode", method="html"))


def _flight_elements(node: Any, depth: int) -> Iterator[Any]:
    """Yield the outermost elements in the state of Next.js's router."""
    if isinstance(node, list) and len(node) >= 4 and node[0] == "$":
        yield node
    elif depth <= MAX_DEPTH and isinstance(node, dict | list):
        for each in node.values() if isinstance(node, dict) else node:
            yield from _flight_elements(each, depth + 1)


def _add_flight_node(parent: etree._Element, node: Any, texts: dict[str, str], depth: int) -> None:
    if depth > MAX_DEPTH:
        return
    if isinstance(node, str):
        text = texts.get(node[1:], "") if node.startswith("$") else node
        # XML knows no control characters.
        text = "".join(each for each in text if each.isprintable() or each in "\n\t")
        last = parent[-1] if len(parent) else None
        if last is None:
            parent.text = (parent.text or "") + text
        else:
            last.tail = (last.tail or "") + text
    elif isinstance(node, list) and len(node) >= 4 and node[0] == "$":
        tag, properties = str(node[1]), node[3]
        if not isinstance(properties, dict) or tag in ("script", "style", "head", "meta", "link"):
            return
        plain = re.fullmatch(r"[a-z][a-z0-9]{0,12}", tag)
        element = etree.SubElement(parent, tag if plain else "div")
        raw = properties.get("dangerouslySetInnerHTML")
        if isinstance(raw, dict):
            markup = str(raw.get("__html", ""))
            inner = parse_html(texts.get(markup[1:], markup) if markup.startswith("$") else markup)
            if inner is not None and (body := inner.find("body")) is not None:
                element.text = body.text
                element.extend(list(body))
        _add_flight_node(element, properties.get("children"), texts, depth + 1)
    elif isinstance(node, list):
        for each in node:
            _add_flight_node(parent, each, texts, depth + 1)
