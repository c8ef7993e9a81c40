"""Web pages as browsers save them in one file: .mhtml (RFC 2557) and Safari's .webarchive.

Only the page itself is read; its styles and pictures, which lie beside it in the file, are not.
"""

import email
import email.policy
import plistlib

from ingest.extract.base import DamagedFileError, FileReader, looks_like_text
from ingest.extract.formats.zip_parts import names_damage
from ingest.text.encodings import decode

_MHTML_TYPES = ("multipart/related", "application/x-mimearchive")
_WEBARCHIVE_TYPES = ("application/x-webarchive",)


@names_damage
def read_mhtml(body: bytes, _charset: str | None) -> str:
    """Return the first HTML part of a saved page, which is the page; frames follow it."""
    message = email.message_from_bytes(body, policy=email.policy.compat32)
    for part in message.walk():
        source = part.get_payload(decode=True)
        if part.get_content_type() in ("text/html", "application/xhtml+xml") and source:
            assert isinstance(source, bytes)
            return decode(source, claimed=part.get_content_charset())
    raise DamagedFileError


@names_damage
def read_webarchive(body: bytes, _charset: str | None) -> str:
    """Return the HTML of the main resource of a property list."""
    main = plistlib.loads(body)["WebMainResource"]
    if "html" not in main.get("WebResourceMIMEType", "text/html"):
        raise DamagedFileError
    return decode(main["WebResourceData"], claimed=main.get("WebResourceTextEncodingName"))


MHTML = FileReader(
    suffixes=(".mhtml", ".mht"),
    media_types=_MHTML_TYPES,
    fits=lambda media_type, body: media_type in _MHTML_TYPES and looks_like_text(body),
    read=read_mhtml,
    produces="html",
    is_document=True,
)
WEBARCHIVE = FileReader(
    suffixes=(".webarchive",),
    media_types=_WEBARCHIVE_TYPES,
    fits=lambda media_type, body: (
        media_type in _WEBARCHIVE_TYPES and body.lstrip().startswith((b"bplist", b"<?xml"))
    ),
    read=read_webarchive,
    produces="html",
    is_document=True,
)
