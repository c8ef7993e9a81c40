"""What a file reader is, how bytes that are no text are recognized, and the extractor's version."""

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import PurePath
from typing import Final, Literal

from ingest.errors import SkipReason
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.extras import install_command
from ingest.foundation.messages import Message

EXTRACTOR_VERSION = 15
"""Bump by hand when the text or the metadata of an unchanged page come out otherwise: a stored page
of another version is requested without validators, so that its body comes and is read again."""

UNKNOWN_TYPES = frozenset({"", "application/octet-stream", "binary/octet-stream"})
"""What servers call files that they know nothing about: the bytes decide."""

XML_TYPES = (
    *("application/xml", "text/xml", "application/rss+xml", "application/atom+xml"),
    "application/rdf+xml",
)
"""What servers call feeds, and XHTML as well: the root element decides."""

SNIFFED_BYTES = 1024
"""Bytes at the start of a file in which its kind shows, as in the WHATWG MIME Sniffing Standard
(1,445 there; the marks looked for here come earlier)."""

PAGE_MARK = "\f"
"""Form feed: is in `FileContent.text` where a page of paper begins, but the first."""

_PDF_DICTIONARY = re.compile(
    rb"(?:\btrailer\b|\bobj\b).{0,4000}?(?:startxref|stream|endobj)", re.DOTALL
)
_PDF_ENCRYPTION = re.compile(rb"/Encrypt\s*(?:\d+\s+\d+\s+R|<<)")

_BINARY_SIGNATURES = (
    *(b"%PDF-", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"),  # PDF, zip (Office), OLE (old Office, .msg)
    *(b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b"),  # PNG, JPEG, GIF, gzip
    b"bplist00",  # a property list of Apple's, as Safari saves pages in it
)
_WIDE_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")  # UTF-16 and UTF-32


_RARE_CONTROLS = bytes({*range(1, 32), 127} - {*b"\t\n\f\r\x1b"})
MIN_CONTROL_KINDS = 4
"""Different control characters of bytes that are no text. Tables part their fields by one, and
library records by three."""
MAX_CONTROLS = 0.03
"""Share of control characters up to which such bytes may be text; of random ones it is a tenth."""


class DamagedFileError(Exception):
    """The bytes are not a whole file of this kind, or a password protects it.

    Readers raise it without a message for people: they do not know the file's name. The extractor
    turns it into an `ExtractError`.
    """


class EncryptedFileError(DamagedFileError):
    """The file is whole, and its text is encrypted, as its own list of such parts says."""


class InvalidJsonError(DamagedFileError):
    """The text breaks the grammar of JSON at a place that a person can look up."""

    def __init__(self, line: int, column: int) -> None:
        """Keep the place, both numbers from 1."""
        super().__init__(line, column)
        self.line, self.column = line, column


class OversizedFileError(DamagedFileError):
    """The bytes may be whole, but unfold to more than a reader takes: a bomb, or a huge file."""


def is_encrypted(body: bytes) -> bool:
    """Return whether a file that cannot be read is one that a password protects."""
    if body.startswith(b"\xd0\xcf\x11\xe0"):  # an OLE file around the zip ([MS-OFFCRYPTO], 2.3.4)
        return "EncryptedPackage".encode("utf-16-le") in body
    if body.startswith(b"PK\x03\x04"):  # bit 0 of the flags (APPNOTE, 4.4.4)
        return bool(body[6] & 1)
    if b"%PDF-" not in body[:SNIFFED_BYTES]:
        return False
    # The text of a PDF may speak of "/Encrypt": only its trailers say that it is.
    return any(
        _PDF_ENCRYPTION.search(found[0])
        for found in _PDF_DICTIONARY.finditer(body)
        if found[0].startswith(b"trailer") or b"/XRef" in found[0]
    )


TOO_MUCH_MEMORY = Message("reading it takes too much memory")


def missing_extra_error(suffix: str, extra: str) -> MissingDependencyError:
    """Return the error that names the extra without which files of that suffix are not read."""
    return MissingDependencyError(
        Message(
            "reading {suffix} files needs an optional dependency that is not installed",
            suffix=suffix,
        ),
        hint=Message.verbatim(install_command(extra)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FileContent:
    """What a file holds, where that is more than its text."""

    text: str
    """Markdown. `PAGE_MARK` is between two pages of paper."""
    title: str = ""
    """What the file calls itself, "" if nothing; else it is titled by its first heading."""
    author: str = ""
    published: date | None = None
    modified: date | None = None
    notes: tuple[Message, ...] = ()
    """What of the file is not in the text, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReader:
    """How one kind of file is recognized, and what turns its bytes into text."""

    suffixes: tuple[str, ...]
    """Suffixes of local files, lower case, with the dot; "" is a name without any. The first names
    the kind in messages."""
    media_types: tuple[str, ...]
    """What servers call it, lower case; the first is what a local file is taken for."""
    fits: Callable[[str, bytes], bool]
    """Return whether a body that a server sent under this media type is of this kind."""
    read: Callable[[bytes, str | None], str | FileContent]
    """Return the content of a body, a mere text where nothing else is known of it. The second
    argument is the declared charset, a claim that only text formats look at.

    Raises:
        DamagedFileError: the body is broken or protected.
        ImportError: a library of `extra` is not installed.
    """
    produces: Literal["markdown", "html"] = "markdown"
    """What `read` returns. From HTML, the extractor takes the main text and the metadata."""
    extra: str = ""
    """The extra of the distribution that brings the libraries which `read` imports, "" for none."""
    lists_pages: bool = False
    """Whether it names other pages rather than being one."""
    is_document: bool = False
    """Whether it is a file for an office program rather than a page. It is downloaded only because
    there is a reader, may take long to read, and is titled by its file name where no heading is."""


def is_binary(body: bytes) -> bool:
    """Return whether `body` begins like a file that holds no text to decode."""
    return body.startswith(_BINARY_SIGNATURES)


def looks_like_text(body: bytes) -> bool:
    """Return whether `body` can be decoded to text: no binary signature, and hardly a NUL byte.

    UTF-16 and UTF-32 are full of NUL bytes, but begin with a byte order mark, or every other byte
    is one. Random and encrypted bytes hold all control characters alike, and are not UTF-8; a
    charset of single bytes makes letters of them all the same.
    """
    if is_binary(body):
        return False
    start = body[:SNIFFED_BYTES]
    nulls = start.count(0)
    if body.startswith(_WIDE_BYTE_ORDER_MARKS):
        return True
    # One stray NUL in a long text is damage that `decode` takes out.
    if nulls * 100 <= len(start):
        controls = len(start) - len(start.translate(None, delete=_RARE_CONTROLS))
        kinds = len({*start} & {*_RARE_CONTROLS})
        is_noise = kinds >= MIN_CONTROL_KINDS and controls > MAX_CONTROLS * len(start)
        return not is_noise or is_utf8(start)
    return nulls * 3 > len(start) and 0 in (start[::2].count(0), start[1::2].count(0))


def is_utf8(start: bytes) -> bool:
    """Return whether the first bytes of a body are UTF-8; the last character may be cut."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return True


READABLE_SUFFIXES: Final = frozenset(
    {
        ".adoc", ".asciidoc", ".asm", ".ass", ".awk", ".bash", ".bat", ".bmp", ".c", ".cc", ".cfg",
        ".clj", ".cmake", ".cmd", ".conf", ".cpp", ".cs", ".css", ".csv", ".dart", ".diff", ".docm",
        ".docx", ".el", ".eml", ".epub", ".erl", ".ex", ".exs", ".f90", ".fodp", ".fods", ".fodt",
        ".fs", ".geojson", ".go", ".gradle", ".graphql", ".groovy", ".h", ".hpp", ".hs", ".htm",
        ".html", ".ical", ".ics", ".ifb", ".ini", ".ipynb", ".java", ".jl", ".jpeg", ".jpg", ".js",
        ".json", ".jsonl", ".jsx", ".kt", ".less", ".lisp", ".log", ".lrc", ".lua", ".m",
        ".markdown", ".mbox", ".md", ".mdx", ".mht", ".mhtml", ".mjs", ".ml", ".mm", ".msg",
        ".ndjson", ".nim", ".odp", ".ods", ".odt", ".org", ".patch", ".pdf", ".php", ".pl",
        ".plist", ".png", ".pptm", ".pptx", ".properties", ".proto", ".ps1", ".py", ".pyi", ".qmd",
        ".r", ".rb", ".rest", ".rs", ".rst", ".rtf", ".sass", ".scala", ".scss", ".sh", ".sql",
        ".srt", ".ssa", ".svelte", ".swift", ".tab", ".tcl", ".tex", ".text", ".tf", ".tif",
        ".tiff", ".toml", ".ts", ".tsv", ".tsx", ".txt", ".v", ".vb", ".vbs", ".vcard", ".vcf",
        ".vhd", ".vtt", ".vue", ".webarchive", ".webp", ".xhtml", ".xlsm", ".xlsx", ".xml", ".yaml",
        ".yml", ".zig", ".zsh",
    }
)  # fmt: skip
"""Suffixes of the files that can be read, lower case. Of one without a suffix the bytes decide.
Data alone: a folder or a list of addresses is looked through without importing the readers, with
which tests/contracts/test_file_reader.py compares it."""


def suffix_of(name: str | PurePath) -> str:
    """Return the suffix of a file's name, lower case, without blanks behind it: ".md" of "a.MD ".

    A name that was pasted ends in a tab or a no-break space, and nobody sees it.
    """
    return PurePath(PurePath(name).name.rstrip()).suffix.lower()


PICTURE_SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"})

OLD_SHEETS: Final = frozenset({".xls", ".xlt", ".et", ".ett"})

OLD_OFFICE_SUFFIXES: Final = OLD_SHEETS | {
    *(".doc", ".dot", ".ppt", ".pps", ".pot", ".wps", ".wpt", ".dps"),
}
"""Suffixes of files that no reader knows, under which programs write others that one does: RTF,
HTML tables, values between semicolons, and the formats of today."""

BINARY_SUFFIXES: Final = (
    PICTURE_SUFFIXES
    | OLD_OFFICE_SUFFIXES
    | {".docx", ".docm", ".pptx", ".pptm", ".xlsx", ".xlsm", ".odt", ".ods", ".odp"}
    | {".epub", ".pdf", ".msg", ".webarchive"}
)
"""Suffixes of files that are no text: one without a byte is what a copy that broke off left."""


def is_emptied(path: PurePath, reason: SkipReason) -> bool:
    """Return whether a file that is skipped for `reason` says that its text was taken out.

    A document without a byte does not: copying it broke off, which says nothing of its text.
    """
    return reason == "blank" and suffix_of(path) not in BINARY_SUFFIXES
