"""Mails as Outlook saves them ([MS-OXMSG]): properties in streams of a compound file."""

import datetime
import email.parser
import email.utils
import struct
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from typing import Any, Final

from ingest.extract.base import DamagedFileError, FileContent, FileReader, OversizedFileError
from ingest.extract.formats.attachments import MAX_DEPTH, AttachmentReader, ReadPart, html_text
from ingest.extract.formats.rich_text import read_rtf
from ingest.extract.formats.zip_parts import MAX_PART, names_damage
from ingest.text.encodings import decode

_MEDIA_TYPE = "application/vnd.ms-outlook"
_PROPERTIES = "__properties_version1.0"
_ROOT_HEADER, _INNER_HEADER, _PART_HEADER = 32, 24, 8
"""Bytes before the entries of `_PROPERTIES`: of a file, a mail within it, a recipient or a file."""
_TEXT, _TEXT_8_BITS, _BYTES = "001F", "001E", "0102"

_SUBJECT, _BODY, _HTML, _RTF = 0x0037, 0x1000, 0x1013, 0x1009
_SENDER, _SENDER_ADDRESSES = (0x0C1A, 0x0042), (0x5D01, 0x0C1F, 0x0065)
_SHOWN_TO, _SHOWN_CC, _HEADERS = 0x0E04, 0x0E03, 0x007D
_SENT, _RECEIVED, _BEGINS, _ENDS = 0x0039, 0x0E06, 0x0060, 0x0061
_CODE_PAGE, _BODY_CODE_PAGE = 0x3FFD, 0x3FDE
_NAME, _ADDRESSES, _KIND = 0x3001, (0x39FE, 0x3003), 0x0C15
_FILE_NAMES, _FILE, _FILE_STORAGE = (0x3707, 0x3704, 0x3001), 0x3701, "__substg1.0_3701000D"
_COPY = 2  # of the kinds of recipients: in the field Cc
_UTF8 = 65001
_FIRST_DAY = datetime.datetime(1601, 1, 1, tzinfo=datetime.UTC)
"""From which Windows counts steps of 100 ns."""

_DICTIONARY: Final = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript "
    rb"\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
"""What packed RTF may refer to from its first byte on ([MS-OXRTFCP], 2.1.2.1)."""
_WINDOW = 4096


class _Storage:
    """One mail, recipient or attached file, and its properties."""

    def __init__(self, file: Any, path: tuple[str, ...], header: int, code_page: str) -> None:
        self._file = file
        self._path = path
        raw = self._stream(_PROPERTIES)[header:]
        self._fixed = {
            struct.unpack_from("<H", raw, at + 2)[0]: raw[at + 8 : at + 16]
            for at in range(0, len(raw) - 15, 16)
        }
        number = self.number(_CODE_PAGE)
        # Recipients and files are written in the code page of their mail.
        self.code_page = _charset_of(number) if number else code_page

    def text(self, *numbers: int) -> str:
        """Return the first of these properties that has a text, "" if none has."""
        for number in numbers:
            name = f"__substg1.0_{number:04X}"
            if raw := self._stream(name + _TEXT):
                return raw.decode("utf-16-le", "replace").strip("\0 ")
            if raw := self._stream(name + _TEXT_8_BITS):
                return decode(raw, claimed=self.code_page).strip("\0 ")
        return ""

    def binary(self, number: int) -> bytes:
        """Return a property of bytes, b"" if there is none."""
        return self._stream(f"__substg1.0_{number:04X}{_BYTES}")

    def number(self, number: int) -> int:
        """Return a property that is a number, 0 if there is none."""
        return int.from_bytes(self._fixed.get(number, b"")[:4], "little", signed=True)

    def moment(self, number: int) -> datetime.datetime | None:
        """Return a property that is a time, None if there is none."""
        steps = int.from_bytes(self._fixed.get(number, b""), "little")
        try:
            return _FIRST_DAY + datetime.timedelta(microseconds=steps // 10) if steps else None
        except OverflowError:
            return None

    def parts(self, prefix: str) -> Iterator["_Storage"]:
        """Yield the recipients or the files of a mail, in order."""
        names = {
            entry[-1]
            for entry in self._file.listdir(streams=False, storages=True)
            if tuple(entry[:-1]) == self._path and entry[-1].startswith(prefix)
        }
        for name in sorted(names):
            yield _Storage(self._file, (*self._path, name), _PART_HEADER, self.code_page)

    def inner_mail(self) -> "_Storage | None":
        """Return the mail that an attached file is, None if it is another file."""
        path = (*self._path, _FILE_STORAGE)
        if not self._file.exists("/".join((*path, _PROPERTIES))):
            return None
        return _Storage(self._file, path, _INNER_HEADER, self.code_page)

    def _stream(self, name: str) -> bytes:
        path = [*self._path, name]
        if not self._file.exists(path):
            return b""
        content: bytes = self._file.openstream(path).read(MAX_PART + 1)
        if len(content) > MAX_PART:
            raise OversizedFileError
        return content


@names_damage
def _read_outlook(body: bytes, _charset: str | None, *, read_part: ReadPart) -> FileContent:
    import olefile

    with olefile.OleFileIO(BytesIO(body)) as file:
        if not file.exists(_PROPERTIES):
            raise DamagedFileError
        reader = AttachmentReader(read_part)
        mail = _Storage(file, (), _ROOT_HEADER, "")
        sent = _sent(mail)
        return FileContent(
            text="\n\n".join(filter(None, _mail_blocks(mail, reader, 0))),
            title=mail.text(_SUBJECT),
            author=_sender(mail),
            published=sent.date() if sent else None,
            notes=tuple(reader.notes),
        )


def _mail_blocks(mail: _Storage, reader: AttachmentReader, depth: int) -> Iterator[str]:
    subject = mail.text(_SUBJECT)
    yield f"{'#' if depth == 0 else '##'} {subject}" if subject else ""
    people: dict[bool, list[str]] = {False: [], True: []}
    for one in mail.parts("__recip_version1.0_#"):
        shown = _person(one.text(_NAME), one.text(*_ADDRESSES))
        people[one.number(_KIND) == _COPY].append(shown)
    sent, begins, ends = _sent(mail), mail.moment(_BEGINS), mail.moment(_ENDS)
    lines = {
        "From": _sender(mail),
        "To": ", ".join(people[False]) or mail.text(_SHOWN_TO),
        "Cc": ", ".join(people[True]) or mail.text(_SHOWN_CC),
        "Date": f"{sent:%Y-%m-%d %H:%M} UTC" if sent else "",
        # Of invitations and appointments.
        "When": f"{begins:%Y-%m-%d %H:%M}–{ends:%H:%M} UTC" if begins and ends else "",
    }
    yield "\n".join(f"{name}: {value}" for name, value in lines.items() if value)
    yield _body(mail)
    for attached in mail.parts("__attach_version1.0_#"):
        inner = attached.inner_mail()
        if inner is None:
            name = attached.text(*_FILE_NAMES) or "attachment"
            yield reader.block(name, attached.binary(_FILE))
        elif depth < MAX_DEPTH:
            yield from _mail_blocks(inner, reader, depth + 1)


def _body(mail: _Storage) -> str:
    if text := mail.text(_BODY):
        return text.replace("\r\n", "\n").strip()
    page = mail.number(_BODY_CODE_PAGE)
    charset = _charset_of(page) if page else mail.code_page
    if source := decode(mail.binary(_HTML), claimed=charset or None) or mail.text(_HTML):
        return html_text(source)
    if packed := mail.binary(_RTF):
        return read_rtf(_unpacked(packed), None).text
    return ""


def _sender(mail: _Storage) -> str:
    headers = email.parser.HeaderParser().parsestr(mail.text(_HEADERS))
    address = mail.text(*_SENDER_ADDRESSES) or email.utils.parseaddr(headers.get("From", ""))[1]
    return _person(mail.text(*_SENDER), address)


def _person(name: str, address: str) -> str:
    # Within a company Outlook writes the path of a directory in place of an address.
    bare = "" if address.upper().startswith("/O=") or address == name else address
    return f"{name} <{bare}>" if name and bare else name or bare


def _sent(mail: _Storage) -> datetime.datetime | None:
    return mail.moment(_SENT) or mail.moment(_RECEIVED)


def _charset_of(code_page: int) -> str:
    return "utf-8" if code_page == _UTF8 else f"cp{code_page}"


def _unpacked(packed: bytes) -> bytes:
    """Return the RTF that Outlook has packed ([MS-OXRTFCP], 2.1.3)."""
    size, kind = struct.unpack_from("<I4s", packed, 4)
    if kind == b"MELA":  # as it is
        return packed[16 : 16 + size]
    if kind != b"LZFu":
        raise DamagedFileError
    window = bytearray(_DICTIONARY.ljust(_WINDOW, b" "))
    place, found, at = len(_DICTIONARY), bytearray(), 16
    while at < len(packed) and len(found) <= MAX_PART:
        controls = packed[at]
        at += 1
        for bit in range(8):
            if not controls >> bit & 1:
                run = packed[at : at + 1]
                at += 1
            else:
                (token,) = struct.unpack_from(">H", packed, at)
                at += 2
                if token >> 4 == place:
                    return bytes(found[:size])
                run = b""
                for step in range((token & 15) + 2):
                    # One by one: a run may go on into what it writes itself.
                    letter = window[((token >> 4) + step) % _WINDOW]
                    window[(place + step) % _WINDOW] = letter
                    run += bytes([letter])
            for letter in run:
                window[place] = letter
                place = (place + 1) % _WINDOW
            found += run
    return bytes(found[:size])


def outlook_reader(read_part: ReadPart) -> FileReader:
    """Return the reader of .msg; `read_part` reads what is attached to a mail."""
    return FileReader(
        suffixes=(".msg",),
        media_types=(_MEDIA_TYPE,),
        fits=lambda media_type, _body: media_type == _MEDIA_TYPE,
        read=partial(_read_outlook, read_part=read_part),
        extra="files",
        is_document=True,
    )
