"""Left-overs of web pages in scraped text: `<br>`, `&nbsp;`, `<span class="x">`.

Text is never lost. Only tags that format text go, in their strict form; nothing is touched in
code, in a record that is about markup, or beside markup that is a document of its own.
"""

import html
import re
import sys

_BLOCKS = "br|p|div|li|ul|ol|tr|table|tbody|thead|h[1-6]|center|section|article|blockquote|hr"
_INLINE = "a|b|i|u|em|strong|span|font|small|big|td|th|img|nobr|strike"
_ATTRIBUTE = r"""\s+[a-zA-Z][\w:-]*\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>=`]+)"""
_TAG = re.compile(
    rf"<(?P<end>/?)(?:(?P<block>{_BLOCKS})|(?P<inline>{_INLINE}))(?:{_ATTRIBUTE})*\s*/?>",
    re.IGNORECASE,
)
_SHORT = frozenset("abiup")
"""Tags that are names of variables, too ("a<b>c"): they count only where they are closed."""

_ENTITY = re.compile(r"&(?:#(\d{2,6})|#[xX]([0-9a-fA-F]{2,5})|([a-zA-Z]{2,8}\d?));")
_NAMED = """
    nbsp ensp emsp thinsp quot apos ldquo rdquo lsquo rsquo laquo raquo hellip mdash ndash middot
    bull copy reg trade times divide deg plusmn yen cent pound euro sect para frac12 sup2 sup3
    micro permil le ge ne rarr larr lt gt amp
"""
_CODE = re.compile(r"(^[ \t]*```.*?(?:^[ \t]*```[ \t]*$|\Z)|`[^`\n]+`)", re.MULTILINE | re.DOTALL)
# Words and tags of a record that is about markup or code: its tags are its subject.
_ABOUT_MARKUP = re.compile(
    r"html|xml|css|markdown|jsx|\bvue\b|\bdom\b|标签|\btags?\b|网页|前端|代码|\bcode\b|javascript|php"
    r"|</?(?:body|head|script|style|form|input|button|svg|template|iframe|select|textarea|nav|main"
    r"|header|footer|pre|code|canvas|video|audio|link|meta|title|label)\b|<!doctype|<\?|&&",
    re.IGNORECASE,
)


def may_hold_markup(text: str) -> bool:
    """Return whether the text has a character that tags or entities begin with."""
    return "<" in text or "&" in text


def is_about_markup(text: str) -> bool:
    """Return whether markup is what a text is about, so that its tags are data."""
    # Without its left-overs, whose attributes name code as well: <a href="page.html">.
    return _ABOUT_MARKUP.search(_TAG.sub("", text)) is not None


def remove_markup(text: str) -> str:
    """Return text without left-over tags, with entities decoded; code stays as it is.

    Doing this twice changes nothing more.
    """
    # Where decoding makes new markup ("&lt;b&gt;", tags within tags), its writer had escaped it on
    # purpose. Then the characters of markup stay escaped, and at last the text as it is.
    for kept in ("", "<>&`"):
        changed = _clean_outside_code(text, kept)
        if _clean_outside_code(changed, kept) == changed:
            return changed
    return text


def _clean_outside_code(text: str, kept: str) -> str:
    """Remove tags and decode entities; those that stand for a character of `kept` stay."""
    # Split by a pattern with one group, the pieces are in turn text and code.
    pieces = _CODE.split(text) if "`" in text else [text]
    pieces[::2] = [
        _ENTITY.sub(lambda found: decode_entity(found, kept), remove_tags(piece))
        for piece in pieces[::2]
    ]
    return "".join(pieces)


def remove_tags(text: str) -> str:
    """Return the text without tags: a block becomes a line break, a variable (<name>) stays."""
    ends = {found["inline"] or found["block"] for found in _TAG.finditer(text) if found["end"]}
    closed = {name.lower() for name in ends}

    def replacement(found: re.Match[str]) -> str:
        """Return a line break for a block, nothing for the rest, the tag for a variable."""
        name = (found["block"] or found["inline"]).lower()
        if name in _SHORT and name not in closed:
            return found[0]
        # An item begins a line; with its end another, each list would have blank lines in it.
        return "\n" if found["block"] and not (found["end"] and name == "li") else ""

    return _TAG.sub(replacement, text)


def decode_entity(found: re.Match[str], kept: str) -> str:
    """Return the character that an entity stands for; the entity if it is none that we decode."""
    decimal, hexadecimal, name = found.groups()
    if name and name not in _NAMED.split():
        return found[0]
    number = int(decimal or "0") or int(hexadecimal or "0", 16)
    character = html.unescape(found[0]) if name else chr(number) if number <= sys.maxunicode else ""
    # No-break and thin spaces were there for a layout that is gone.
    if character.isspace():
        return " "
    return character if character.isprintable() and character not in {"", *kept} else found[0]
