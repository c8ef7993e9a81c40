"""Mail: who wrote to whom, when and about what, the text, and what is attached.

Lines that a mail quotes keep their ">": what a writer answers to is not what they say.
"""

import email.message
import email.policy
import email.utils
import re
from collections.abc import Iterator
from functools import partial
from itertools import chain

from ingest.extract.base import DamagedFileError, FileContent, FileReader, looks_like_text
from ingest.extract.formats.attachments import MAX_DEPTH, AttachmentReader, ReadPart, html_text
from ingest.extract.formats.zip_parts import names_damage
from ingest.text.encodings import decode, fitting_codec, guess_codec

_MAILBOX_LINE = re.compile(rb"(?m)^From \S+[^\n]*\d\d:\d\d[^\n]*\n")
"""Before each mail of an mbox file (RFC 4155)."""
_ESCAPED_FROM = re.compile(rb"(?m)^>(?=>*From )")
"""What such a file puts before a line that would begin the next mail."""
_FIELD = re.compile(rb"^[A-Za-z][\w-]{1,40}:", re.MULTILINE)
_DEFAULT_NAMES = {"text/calendar": "invite.ics", "text/vcard": "card.vcf"}
"""What parts that have readers of their own are called where a mail names them not."""
_SHOWN = ("From", "To", "Cc", "Date")
_READ = frozenset(
    name.lower() for name in (*_SHOWN, "Subject", "Content-Type", "Content-Disposition")
)
_RAW = re.compile("[\udc80-\udcff]")
"""Bytes outside ASCII in a header, as the parser hands them on."""
_ENCODED_WORDS = re.compile(r"(?:=\?[^?\s]+\?[bBqQ]\?[^?\n]*\?=\s*)+")
_ENCODED_CHARSET = re.compile(r"=\?([^?*\s]{1,60})(?:\*[^?\s]{0,60})?\?[bBqQ]\?")
"""Behind a "*" stands the language."""


def fits_mail(media_type: str, body: bytes) -> bool:
    """Return whether a body sent under this media type is a mail, or a file of mails."""
    return media_type in ("message/rfc822", "application/mbox") and looks_like_text(body)


@names_damage
def _read_mails(body: bytes, _charset: str | None, *, read_part: ReadPart) -> FileContent:
    if _FIELD.search(body[:4096]) is None:
        raise DamagedFileError
    pieces = [piece for piece in _MAILBOX_LINE.split(body) if piece.strip()]
    if _MAILBOX_LINE.match(body.lstrip()):
        pieces = [_ESCAPED_FROM.sub(b"", piece) for piece in pieces]
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
        decode_raw_headers(mail)
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


def decode_raw_headers(mail: email.message.Message) -> None:
    """Decode the headers of a mail and of its parts that hold bytes outside ASCII as they are.

    No header says in which charset, and a name of two letters is too short for a guess: the text
    beneath is by the same program. Where no part names a charset, all headers and texts together
    are what is guessed by.
    """
    parts = [mail]
    for part in parts:
        inner = part.get_payload()
        if isinstance(inner, list) and part.get_content_type() != "message/rfc822":
            parts += [each for each in inner if isinstance(each, email.message.Message)]
    values = [str(value) for part in parts for _, value in part.raw_items()]
    raw = [value.encode("utf-8", "surrogateescape") for value in values if _RAW.search(value)]
    if not raw:
        return
    declared = (part.get_content_charset() for part in parts)
    labels = chain(filter(None, declared), _ENCODED_CHARSET.findall("\n".join(values)))
    codec = fitting_codec(b"\n".join(raw), labels)
    if not codec:
        texts = [_payload(part) for part in parts if part.get_content_maintype() == "text"]
        codec = guess_codec(b"\n".join(raw + texts))
    for part in parts:
        headers = [(name, value) for name, value in part.raw_items() if name.lower() in _READ]
        for name in {name.lower() for name, _ in headers}:
            del part[name]
        for name, value in headers:
            kept = str(value).encode("utf-8", "surrogateescape")
            part.set_raw(name, kept.decode(codec, "replace") if _RAW.search(value) else value)


def _header(mail: email.message.Message, name: str) -> str:
    def decoded(found: re.Match[str]) -> str:
        try:
            words = email.header.decode_header(found[0].rstrip())
        except (email.errors.HeaderParseError, ValueError):
            return found[0]
        texts = [
            decode(word, claimed=charset) if isinstance(word, bytes) else word
            for word, charset in words
        ]
        return "".join(texts) + found[0][len(found[0].rstrip()) :]

    # What is not encoded may shift to kanji in seven bits, or hold control characters.
    value = decode(str(mail.get(name, "")).encode("utf-8", "replace"), claimed="utf-8")
    return " ".join(_ENCODED_WORDS.sub(decoded, value).split())


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
