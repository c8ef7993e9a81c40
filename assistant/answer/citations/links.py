"""Links in dresses that a reader of Markdown follows and a reader of text overlooks.

Definitions of references (`[rules]: //a.example "Title"`), HTML, addresses of mail, and character
references that spell an address: what of them is in no passage must not reach a page that
renders the answer. `assistant.answer.citations.marker_scanner` finds `[a](b)` and plain addresses.
"""

import html
import re

MAX_TAG_CHARACTERS = 600
"""Characters that an HTML tag may have until it is taken for text."""
MAX_DEFINITION_CHARACTERS = 1_400
"""Characters of a definition: its label may have 999 (CommonMark 4.7)."""

_LABEL = r"\[(?P<label>(?:[^\[\]\\]|\\.){1,999})\]:"
_TITLE = r"\"[^\"\n]*\"|'[^'\n]*'|\([^()\n]*\)"
# A title on a line of its own is left as text, which is harmless.
DEFINITION = re.compile(
    rf"{_LABEL}[ \t]*(?:\n[ \t]*)?(?P<target><[^<>\n]*>|[^\s<]\S*)"
    rf"(?:[ \t]+(?P<title>{_TITLE}))?[ \t]*(?=\n|\Z)"
)
DEFINITION_BEGUN = re.compile(
    r"\[(?:[^\[\]\\]|\\.)*(?:\\|\]"
    r"(?::[ \t]*(?:\n[ \t]*)?(?:<[^<>\n]*>?|[^\s<]\S*)?"
    r"(?:(?<!\s)[ \t]+(?:\"[^\"\n]*\"?|'[^'\n]*'?|\([^()\n]*\)?)?[ \t]*)?)?)?\Z"
)
_LINE_BEGUN = re.compile(r"[ \t>*+-]*(?:\d{1,9}[.)][ \t]+)?")
_ADDRESS_LIKE = re.compile(r"<|(?![\d.,:/%+-]+\Z).*(?:[/\\:#&%@?]|\.\w)")

_NAME = r"[A-Za-z][A-Za-z0-9:-]*"
# Quoted values may hold ">", and a browser reads on to their end.
_ATTRIBUTES = r"(?:[^<>\"']|\"[^\"]*\"|'[^']*')*"
TAG = re.compile(rf"<(?P<end>/?)(?P<name>{_NAME})(?P<attributes>(?:[\s/]{_ATTRIBUTES})?)>")
TAG_BEGUN = re.compile(
    rf"<(?:/?(?:{_NAME})?|/?{_NAME}[\s/](?:[^<>\"']|\"[^\"]*\"|'[^']*')*(?:\"[^\"]*|'[^']*)?)\Z"
)
_LOADING_TAGS = frozenset(
    re.findall(r"\w+", "script style iframe frame frameset svg math base meta embed applet portal")
)
"""Run, load or redirect by themselves."""
_LINKING_TAGS = frozenset(
    re.findall(r"\w+", "a img image form object video audio link button area map")
)
_LOADING_ATTRIBUTE = re.compile(
    r"(?:^|[\s/\"'])(?:href|src|srcset|action|formaction|data|poster|background|style|ping|cite"
    r"|content|manifest|longdesc|xlink:href|on[a-z]+)\s*=",
    re.IGNORECASE,
)

MAIL_DOMAIN = re.compile(r"@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}(?![A-Za-z0-9-])")
MAIL_DOMAIN_BEGUN = re.compile(r"@[A-Za-z0-9.-]*\Z")
_MAILBOX = re.compile(r"[\w.+-]+\Z")

REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,31});")
REFERENCE_BEGUN = re.compile(r"&#?[0-9A-Za-z]{0,31}\Z")
_SPELLS_ADDRESSES = re.compile(r"[A-Za-z0-9:/.@]")

_TARGET = r"<[^<>\n]*>|(?:[^\s()<]|\([^\s()]*\))(?:[^\s()]|\([^\s()]*\))*"
LINK = re.compile(rf"\(\s*(?P<target>{_TARGET})(?:\s+(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))?\s*\)")
LINK_BEGUN = re.compile(
    rf"\(\s*(?:(?:{_TARGET})(?:\s+(?:\"[^\"]*\"?|'[^']*'?|\([^()]*\)?)?)?\s*"
    r"|<[^<>\n]*|(?:[^\s()]|\([^\s()]*\))*\([^\s()]*)?\Z"
)
_TRAILING = ".,;:!?*_"


def begins_line(before: str) -> bool:
    """Return whether only marks of quotes and lists are before a place of a line."""
    return _LINE_BEGUN.fullmatch(before) is not None


def is_address_like(target: str) -> bool:
    """Return whether a definition's target leads anywhere.

    "[Note]: stop" and "[Weight]: 3.5" are definitions to a program alone.
    """
    return _ADDRESS_LIKE.match(target) is not None


def loads_or_links(tag: re.Match[str]) -> bool:
    """Return whether a browser would load, run or link something by a tag that `TAG` found.

    The end of an element that links counts: its beginning was left out.
    """
    name = tag["name"].lower()
    if name in _LOADING_TAGS or (tag["end"] and name in _LINKING_TAGS):
        return True
    return _LOADING_ATTRIBUTE.search(tag["attributes"]) is not None


def mailbox_before(before: str) -> str:
    """Return what is before the "@" of an address of mail, "" if nothing does."""
    found = _MAILBOX.search(before)
    return found[0] if found else ""


def spells_address(reference: str) -> bool:
    """Return whether a character reference stands for what addresses and links are made of."""
    character = html.unescape(reference)
    return len(character) == 1 and _SPELLS_ADDRESSES.match(character) is not None


def link_target(link: str) -> str:
    """Return the target of the "(target 'title')" that a text begins with, without its <>."""
    found = LINK.match(link)
    assert found, "a link was found here"
    return found["target"].removeprefix("<").removesuffix(">")


def as_code(text: str, *, before: str, after: str, ticked: bool) -> str:
    """Return a page's own words in back-ticks, of which a program makes nothing else.

    `before` and `after` are what is beside them; `ticked`: a back-tick before them is open.
    """
    # Back-ticks beside ours would change what they enclose; with a gap it is no tag either.
    if ticked or before[-1:] in ("`", "\\") or re.search(r"[`\n]", text + after):
        return f"{text[0]} {text[1:]}"
    return f"`{text}`"


def bare_address(address: str) -> str:
    """Return an address without the marks at its end that belong to the sentence around it."""
    bare = address.rstrip(_TRAILING)
    for opening, closing in ("()", "[]"):
        # A bracket that the address did not open.
        if bare.endswith(closing) and bare.count(opening) < bare.count(closing):
            bare = bare[:-1].rstrip(_TRAILING)
    return bare
