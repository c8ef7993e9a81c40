"""Plain text and Markdown, which are taken as they are."""

import re

from ingest.extract.base import UNKNOWN_TYPES, FileReader, looks_like_text
from ingest.text.encodings import decode

_MEDIA_TYPES = ("text/plain", "text/markdown", "text/x-markdown", "text/x-rst")

_RUBY = re.compile(
    r"(?P<code>```.*?(?:```|\Z)|`[^`\n]*`)"
    r"|<(?P<reading>rp|rt|rtc)\b[^<>]*>[^<>]*</(?P=reading)\s*>|</?(?:ruby|rb|wbr)\b[^<>]*>",
    re.IGNORECASE | re.DOTALL,
)
"""Code, which stays as it is, and HTML that Markdown has within words: see `parse_html`."""


def fits_text(media_type: str, body: bytes) -> bool:
    """Return whether a body sent under this media type is a text."""
    # Servers send text/plain for files of which they know nothing, programs among them, so that
    # even a declared type is checked against the bytes.
    return media_type in UNKNOWN_TYPES.union(_MEDIA_TYPES) and looks_like_text(body)


def read_text(body: bytes, charset: str | None) -> str:
    """Return the text, in the charset that fits the bytes best, without readings of `<ruby>`."""
    text = decode(body, claimed=charset)
    if "<ruby" not in text and "<wbr" not in text:
        return text
    return _RUBY.sub(lambda found: found["code"] or "", text)


TEXT = FileReader(
    suffixes=(".txt", ".text", ".md", ".markdown", ".rst", ".log", ".csv", ""),
    media_types=_MEDIA_TYPES,
    fits=fits_text,
    read=read_text,
)
