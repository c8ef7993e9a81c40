"""Left-overs of web pages in scraped text: `<br>`, `&nbsp;`, `<span class="x">`.

Data is never eaten. Only tags that dress up text go, in their strict form; nothing is touched in
code, in a record that speaks of markup, or beside markup that is a document of its own.
"""

import html
import re
import sys
from collections.abc import Callable

_BLOCKS = "br|p|div|li|ul|ol|tr|table|tbody|thead|h[1-6]|center|section|article|blockquote|hr"
_INLINE = "a|b|i|u|em|strong|span|font|small|big|td|th|img|nobr|strike"
_ATTRIBUTE = r"""\s+[a-zA-Z][\w:-]*\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>=`]+)"""
_TAG = re.compile(
    rf"<(?P<end>/?)(?:(?P<block>{_BLOCKS})|(?P<inline>{_INLINE}))(?:{_ATTRIBUTE})*\s*/?>",
    re.IGNORECASE,
)
_SHORT = frozenset("abiup")
"""Names that are variables, too: they count as tags only where they are closed ("a<b>c")."""

_ENTITY = re.compile(r"&(?:#(\d{2,6})|#[xX]([0-9a-fA-F]{2,5})|([a-zA-Z]{2,8}\d?));")
_NAMED = """
    nbsp ensp emsp thinsp quot apos ldquo rdquo lsquo rsquo laquo raquo hellip mdash ndash middot
    bull copy reg trade times divide deg plusmn yen cent pound euro sect para frac12 sup2 sup3
    micro permil le ge ne rarr larr lt gt amp
"""
_CODE = re.compile(r"(^[ \t]*```.*?(?:^[ \t]*```[ \t]*$|\Z)|`[^`\n]+`)", re.MULTILINE | re.DOTALL)
_MATTER = re.compile(
    r"html|xml|css|markdown|jsx|\bvue\b|\bdom\b|标签|\btags?\b|网页|前端|代码|\bcode\b|javascript|php"
    r"|</?(?:body|head|script|style|form|input|button|svg|template|iframe|select|textarea|nav|main"
    r"|header|footer|pre|code|canvas|video|audio|link|meta|title|label)\b|<!doctype|<\?|&&",
    re.IGNORECASE,
)


def may_hold_markup(text: str) -> bool:
    """Tell whether a closer look at the text is worth while."""
    return "<" in text or "&" in text


def speaks_of_markup(text: str) -> bool:
    """Tell whether markup is what a text is about, so that its tags are data."""
    return _MATTER.search(_TAG.sub("", text)) is not None


def without_markup(text: str) -> str:
    """Return text without left-over tags, with entities decoded; code stays as it is.

    Where that makes new markup ("&lt;b&gt;", tags within tags), what made it was no left-over and
    stays. So doing this twice changes nothing more.
    """
    for change in (_all_decoded, _safely_decoded):
        changed = _outside_code(text, change)
        if _outside_code(changed, change) == changed:
            return changed
    return text


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    if "`" not in text:
        return change(text)
    pieces = _CODE.split(text)
    pieces[::2] = map(change, pieces[::2])
    return "".join(pieces)


def _all_decoded(text: str) -> str:
    return _ENTITY.sub(lambda found: _character(found, but=""), _without_tags(text))


def _safely_decoded(text: str) -> str:
    return _ENTITY.sub(lambda found: _character(found, but="<>&`"), _without_tags(text))


def _without_tags(text: str) -> str:
    ends = {found["inline"] or found["block"] for found in _TAG.finditer(text) if found["end"]}
    closed = {name.lower() for name in ends}

    def fallback_notice(found: re.Match[str]) -> str:
        name = (found["block"] or found["inline"]).lower()
        if name in _SHORT and name not in closed:
            return found[0]
        return "\n" if found["block"] and not (found["end"] and name == "li") else ""

    return _TAG.sub(fallback_notice, text)


def _character(found: re.Match[str], *, but: str) -> str:
    """Return the character that an entity stands for; the entity if it is none that we decode."""
    decimal, hexadecimal, name = found.groups()
    if name and name not in _NAMED.split():
        return found[0]
    number = int(decimal or "0") or int(hexadecimal or "0", 16)
    character = html.unescape(found[0]) if name else chr(number) if number <= sys.maxunicode else ""
    if character.isspace():
        return " "
    return character if character.isprintable() and character not in {"", *but} else found[0]
