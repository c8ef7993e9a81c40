"""Finds where a page sends its reader by itself: the header `Refresh` and `<meta refresh>`.

https://html.spec.whatwg.org/multipage/semantics.html#attr-meta-http-equiv-refresh
"""

import html
import re
from collections.abc import Mapping

MAX_DELAY_S = 10.0
"""A page that reloads later than this is there to be read, and shows news meanwhile."""
MAX_TEXT = 400
"""Characters of a page that only says where it leads to. A page with more is the page itself,
although its noscript version or its next picture is an address away."""
MAX_BYTES = 64 * 1024
"""Bytes of a page that is searched: one that leads on is short."""

_UNSHOWN = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|noscript|template|title)\b.*?(?:</\1\s*>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_META = re.compile(r"<meta\b[^<>]*>", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"(?<![a-z-])(?P<name>[a-z-]++)\s*=\s*(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<bare>[^\s>]+))",
    re.IGNORECASE,
)
_TAG = re.compile(r"<[^<>]*>")
_REFRESH = re.compile(
    r"\s*(?P<delay>\d+)(?:\.\d*)?\s*[;,\s]\s*(?:url\s*=\s*)?(?P<url>\S.*)", re.IGNORECASE
)


def find_refresh(headers: Mapping[str, str], body: bytes) -> str | None:
    """Return the reference to which a page leads within `MAX_DELAY_S`, None if it does not."""
    if len(body) > MAX_BYTES:
        return None
    # Bytes as they are: the reference is ASCII or escaped, whatever the charset.
    text = _UNSHOWN.sub(" ", body.decode("utf-8", "replace"))
    if len(" ".join(_TAG.sub(" ", text).split())) > MAX_TEXT:
        return None
    values = [headers.get("refresh", "")]
    for meta in _META.finditer(text):
        fields = {
            field["name"].lower(): field["double"] or field["single"] or field["bare"] or ""
            for field in _ATTRIBUTE.finditer(meta[0])
        }
        if fields.get("http-equiv", "").strip().lower() == "refresh":
            values.append(html.unescape(fields.get("content", "")))
    return next(filter(None, map(parse_refresh, values)), None)


def parse_refresh(value: str) -> str | None:
    """Return the URL in "0; url=/x", None if there is none or it is not soon."""
    found = _REFRESH.fullmatch(value)
    if found is None or int(found["delay"][:6]) > MAX_DELAY_S:
        return None
    url = found["url"].strip()
    if url[:1] in ("'", '"'):  # what follows the closing quote is not part of it
        url = url[1:].partition(url[0])[0]
    return url.strip() or None
