"""Mail: who wrote to whom, when and about what, the text, and what is attached.

Lines that a mail quotes keep their ">": what a writer answers to is not what they say.
"""

import email.message
import email.policy
import email.utils
import re
from collections.abc import Iterator
from functools import partial

from ingest.extract.base import DamagedFileError, FileContent, FileReader, looks_like_text
from ingest.extract.formats.attachments import MAX_DEPTH, AttachmentReader, ReadPart, html_text
from ingest.extract.formats.zip_parts import names_damage
from ingest.text.encodings import decode

_MAILBOX_LINE = re.compile(rb"(?m)^From \S+[^\n]*\d\d:\d\d[^\n]*\n")
"""Before each mail of an mbox file (RFC 4155)."""
_FIELD = re.compile(rb"^[A-Za-z][\w-]{1,40}:", re.MULTILINE)
_DEFAULT_NAMES = {"text/calendar": "invite.ics", "text/vcard": "card.vcf"}
"""What parts that have readers of their own are called where a mail names them not."""
_SHOWN = ("From", "To", "Cc", "Date")


def fits_mail(media_type: str, body: bytes) -> bool:
    """Return whether a body sent under this media type is a mail, or a file of mails."""
    return media_type in ("message/rfc822", "application/mbox") and looks_like_text(body)


@names_damage
def _read_mails(body: bytes, _charset: str | None, *, read_part: ReadPart) -> FileContent:
    if _FIELD.search(body[:4096]) is None:
        raise DamagedFileError
    pieces = [piece for piece in _MAILBOX_LINE.split(body) if piece.strip()]
    mails = [_Mail(read_part).content(_parsed(piece)) for piece in pieces or [body]]
    first = mails[0]
    return FileContent(
        text="\n\n".join(mail.text for mail in mails),
        title=first.title if len(mails) == 1 else "",
        author=first.author,
        published=first.published,
        notes=tuple(note for mail in mails for note in mail.notes),
    )


def _parsed(body: bytes) -> email.message.Message:
    # compat32: the newer policies raise over headers that real mails have.
    return email.message_from_bytes(body, policy=email.policy.compat32)


class _Mail:
    """Reads one mail and what is in it."""

    def __init__(self, read_part: ReadPart) -> None:
        self._attachments = AttachmentReader(read_part)

    def content(self, mail: email.message.Message, depth: int = 0) -> FileContent:
        subject = _header(mail, "Subject")
        fields = [(name, _header(mail, name)) for name in _SHOWN]
        written = _header(mail, "Date")
        try:
            sent = email.utils.parsedate_to_datetime(written).date()
        except (ValueError, TypeError):
            sent = None
        blocks = [f"# {subject}" if subject and not depth else subject]
        blocks.append("\n".join(f"{name}: {value}" for name, value in fields if value))
        blocks += self._parts(mail, depth)
        return FileContent(
            text="\n\n".join(filter(None, blocks)),
            title=subject,
            author=_header(mail, "From"),
            published=sent,
            notes=tuple(self._attachments.notes),
        )

    def _parts(self, mail: email.message.Message, depth: int) -> Iterator[str]:
        kind = mail.get_content_type()
        inner = mail.get_payload()
        if isinstance(inner, list):
            parts = [part for part in inner if isinstance(part, email.message.Message)]
            if kind == "message/rfc822":
                yield from (
                    self.content(part, depth + 1).text for part in parts if depth < MAX_DEPTH
                )
                return
            if kind == "multipart/alternative":
                # An invitation says when and where in its calendar alone.
                dates = [part for part in parts if part.get_content_type() == "text/calendar"]
                parts = [part for part in parts if part not in dates]
                plain = [part for part in parts if part.get_content_type() == "text/plain"]
                parts = [part for part in plain if _payload(part).strip()] or parts[-1:]
                parts += dates
            for part in parts:
                yield from self._parts(part, depth)
        elif name := _file_name(mail) or _DEFAULT_NAMES.get(kind, ""):
            yield self._attachments.block(name, _payload(mail))
        elif kind.startswith("text/"):
            text = decode(_payload(mail), claimed=mail.get_content_charset())
            yield html_text(text) if kind == "text/html" else text.strip("\n")


def _header(mail: email.message.Message, name: str) -> str:
    value = mail.get(name)
    if value is None:
        return ""
    pieces = []
    try:
        decoded = email.header.decode_header(value)
    except (email.errors.HeaderParseError, ValueError):
        return " ".join(str(value).split())
    for piece, charset in decoded:
        if isinstance(piece, bytes):
            pieces.append(decode(piece, claimed=charset))
        else:
            raw = piece.encode("utf-8", "surrogateescape")
            pieces.append(decode(raw, claimed=None))
    return " ".join("".join(pieces).split())


def _payload(part: email.message.Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _file_name(part: email.message.Message) -> str:
    name = part.get_filename()
    if name is None and part.get_content_disposition() == "attachment":
        return "attachment.txt" if part.get_content_maintype() == "text" else "attachment"
    if name is None:
        return ""
    # Decoded as a header is: programs encode a name as if it were one (RFC 2047, against its 5).
    holder = email.message.Message()
    holder["Subject"] = name.replace("\n", " ").replace("\r", " ")
    return " ".join(_header(holder, "Subject").split())


def mail_reader(read_part: ReadPart) -> FileReader:
    """Return the reader of .eml and .mbox; `read_part` reads what is attached to a mail."""
    return FileReader(
        suffixes=(".eml", ".mbox"),
        media_types=("message/rfc822", "application/mbox"),
        fits=fits_mail,
        read=partial(_read_mails, read_part=read_part),
        is_document=True,
    )
