"""Web pages. They are only decoded here: `ingest.extract.main_text` finds the text in them."""

import re

from ingest.extract.base import SNIFFED_BYTES, UNKNOWN_TYPES, XML_TYPES, FileReader, is_binary
from ingest.text.encodings import decode

_MEDIA_TYPES = ("text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml")
_HTML_MARK = re.compile(rb"<(?:!doctype\s+html|html|head|body|title|div|p|h1|meta)\b", re.I)
_HTML_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<!doctype\s+html|<html)\b", re.I)
"""How a page begins that a server without a type for it sends as plain text."""
_XHTML_MARK = re.compile(rb"<html\b")  # case matters in XML, and other XML has a <title>, too


def fits_html(media_type: str, body: bytes) -> bool:
    """Return whether a body sent under this media type is a web page."""
    if is_binary(body):
        return False
    start = body[:SNIFFED_BYTES]
    if media_type in XML_TYPES:
        return _XHTML_MARK.search(start) is not None
    if media_type == "text/plain":
        return is_html_file(body)
    if media_type in UNKNOWN_TYPES:
        return _HTML_MARK.search(start) is not None
    return media_type in _MEDIA_TYPES


def is_html_file(body: bytes) -> bool:
    """Return whether a body begins as nothing but a web page does."""
    return _HTML_START.match(body[:SNIFFED_BYTES]) is not None


def read_html(body: bytes, charset: str | None) -> str:
    """Return the source, in the charset that fits the bytes best."""
    return decode(body, claimed=charset)


HTML = FileReader(
    suffixes=(".html", ".htm", ".xhtml"),
    media_types=_MEDIA_TYPES,
    fits=fits_html,
    read=read_html,
    produces="html",
)
