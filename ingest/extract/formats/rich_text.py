"""RTF: paragraphs, headings, tables, notes, comments and margins (RTF Specification 1.9.1).

A file is a tree of groups in braces. Words with a backslash switch properties of the text behind
them up to the end of their group, or name the destination that a group's text belongs to.
"""

import codecs
import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from ingest.extract.base import DamagedFileError, FileContent
from ingest.extract.formats.table_rows import render_rows
from ingest.extract.formats.zip_parts import names_damage

MAX_GROUPS = 1_000
"""Groups within groups, of which Word writes some twenty; a damaged file may open millions."""

_TOKEN = re.compile(
    r"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,10})? ?|\\'(?P<hex>[0-9a-fA-F]{2})"
    r"|\\(?P<mark>.)|(?P<brace>[{}])|(?P<text>[^\\{}\r\n]+)|[\r\n]+|\\",
    re.DOTALL,
)
_CHARACTERS: Final = {
    "tab": " ",
    "line": " ",
    "emspace": " ",
    "enspace": " ",
    "qmspace": " ",
    "nestcell": " ",
    "nestrow": " ",
    "bullet": "•",
    "emdash": "—",
    "endash": "–",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
}
_MARKS: Final = {"~": " ", "_": "-", "{": "{", "}": "}", "\\": "\\", "\t": " "}
_CODE_PAGES: Final = {
    77: "mac_roman",
    128: "cp932",
    129: "cp949",
    130: "johab",
    134: "gb18030",
    136: "cp950",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
    254: "cp437",
    255: "cp850",
}
"""By the \\fcharset of a font; all others are of the file's own code page."""

_NOTES = frozenset({"footnote", "annotation", "shptxt", "dptxbxtext"})
"""Destinations whose text follows the paragraph that they stand in."""
_MARGINS = frozenset(
    {"header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr", "footerf"}
)
_FIELDS = frozenset({"title", "author", "atnauthor", "listtext", "pntext"})
"""Destinations whose text is kept under their name."""
_SHOWN = frozenset({"shpinst", "do", "moMath", "moMathPara", "fldrslt"})
"""Destinations whose text stands in that of the document, though \\* marks them as new."""
_SKIPPED = frozenset(
    {"fonttbl", "stylesheet", "colortbl", "info", "pict", "object", "objdata", "fldinst"}
    | {"shprslt", "nonshppict", "filetbl", "sp", "mmathPict", "xe", "tc", "rxe", "txe", "ftnsep"}
    | {"aftnsep", "ftnsepc", "aftnsepc", "ftncn", "aftncn", "nonesttables", "template", "private"}
    | {"listtable", "listoverridetable", "revtbl", "rsidtbl", "generator", "formfield", "bkmkstart"}
    | {"bkmkend", "comment", "subject", "keywords", "operator", "company", "doccomm", "creatim"}
    | {"revtim", "printim", "buptim", "hlinkbase", "category", "manager"}
)
_HEADING = re.compile(r"(?:heading|标题) ?(\d)", re.IGNORECASE)
_PAGE_NUMBER = re.compile(r"[\W\d]*(?:page|seite|第)?[\W\d]*(?:of|von|页|共)?[\W\d]*页?", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """What holds up to the end of a group."""

    target: str = ""
    """Destination that its text belongs to: "" is the document, "-" nothing."""
    font: int = -1
    after_unicode: int = 1
    """Characters behind \\uN for programs that do not know it."""
    is_hidden: bool = False


@dataclass(slots=True)
class _Paragraph:
    """The paragraph that is being read; a cell of a table is one, too."""

    pieces: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    level: int = 0
    is_cell: bool = False

    @property
    def text(self) -> str:
        """Its text, with one blank between two words."""
        return " ".join("".join(self.pieces).split())


@names_damage
def read_rtf(body: bytes, _charset: str | None) -> FileContent:
    """Return the text of an .rtf file; raise `DamagedFileError` if it is none."""
    if not body.lstrip().startswith(b"{\\rtf"):
        raise DamagedFileError
    return _RtfReader(body.decode("latin-1")).content()


class _RtfReader:
    """Reads one file from its start to its end."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._group = _Group()
        self._outer: list[_Group] = []
        self._bytes = bytearray()
        self._page = "cp1252"
        self._default_font = -1
        self._fonts: dict[int, str] = {}
        self._styles: dict[int, int] = {}
        self._to_skip = 0
        self._is_new = False
        self._paragraph = _Paragraph()
        self._aside: list[str] = []  # text of a note, a margin or a field
        self._row: list[str] = []
        self._table: list[list[str]] = []
        self._blocks: list[str] = []
        self._fields: dict[str, str] = {}
        self._margins: dict[str, None] = {}

    def content(self) -> FileContent:
        self._read_tables()
        place = 0
        while found := _TOKEN.match(self._source, place):
            place = found.end()
            if word := found["word"]:
                number = int(found["number"]) if found["number"] else None
                if word == "bin":
                    place += max(0, number or 0)
                self._control(word, number)
            elif found["hex"]:
                self._add_bytes(bytes.fromhex(found["hex"]))
            elif found["text"]:
                self._add_bytes(found["text"].encode("latin-1"))
            elif found["brace"] == "{":
                self._open()
            elif found["brace"]:
                self._close()
                if not self._outer:  # what is behind the document is no part of it
                    break
            elif mark := found["mark"]:
                self._symbol(mark)
        self._end_paragraph()
        self._end_table()
        return FileContent(
            text=_with_whole_characters("\n\n".join([*self._blocks, *self._margins])),
            title=_with_whole_characters(self._fields.get("title", "")),
            author=_with_whole_characters(self._fields.get("author", "")),
        )

    def _read_tables(self) -> None:
        """Learn the code page of each font, and which styles are headings."""
        if (found := re.search(r"\\ansicpg(\d+)", self._source)) and int(found[1]) != 0:
            with suppress(LookupError):
                self._page = codecs.lookup("gb18030" if found[1] == "936" else f"cp{found[1]}").name
        for number, charset in re.findall(
            # One in a group of its own or, as TextEdit has it, all in one group.
            r"\\f(\d+)[^{};]{0,200}?\\fcharset(\d+)",
            _first_group(self._source, "{\\fonttbl"),
        ):
            self._fonts[int(number)] = _CODE_PAGES.get(int(charset), "")
        for group in re.findall(r"\{[^{}]*\}", _first_group(self._source, "{\\stylesheet")):
            style = re.search(r"\\s(\d+)", group)
            name = re.search(r"(?:\\[a-z]+-?\d* ?|\s)([^\\{};]+);", group)
            named = _HEADING.match(name[1].strip()) if name else None
            outline = re.search(r"\\outlinelevel([0-8])", group)
            if style and (named or outline):
                level = int(named[1]) if named else int(outline[1]) + 1 if outline else 0
                self._styles[int(style[1])] = level

    def _open(self) -> None:
        self._flush()
        if len(self._outer) >= MAX_GROUPS:
            raise DamagedFileError
        self._outer.append(self._group)
        self._is_new = False
        self._to_skip = 0

    def _close(self) -> None:
        self._flush()
        ended = self._group.target
        self._group = self._outer.pop() if self._outer else _Group()
        if ended in ("", "-") or self._group.target == ended:
            return
        text, self._aside = " ".join("".join(self._aside).split()), []
        if not text:
            return
        if ended in _NOTES:
            author = self._fields.pop("atnauthor", "") if ended == "annotation" else ""
            self._paragraph.notes.append(f"{author}: {text}" if author else text)
        elif ended in _MARGINS and not _PAGE_NUMBER.fullmatch(text):
            self._margins[text] = None
        elif ended in ("listtext", "pntext"):
            # What numbers an item is said in the text: "as in 3."
            self._paragraph.pieces.append(f"{text} " if re.search(r"\w", text) else "- ")
        elif ended in _FIELDS:
            self._fields[ended] = text

    def _control(self, word: str, number: int | None) -> None:
        if word == "u":
            self._flush()
            self._add(chr((number or 0) % 0x10000))
            self._to_skip = self._group.after_unicode
            return
        if self._to_skip and word in _CHARACTERS:
            self._to_skip -= 1
            return
        if word in ("f", "plain", "uc", "v", "deleted"):
            self._flush()
            self._switch(word, number)
        elif word in _NOTES | _MARGINS | _FIELDS | _SKIPPED:
            self._enter(word)
        elif self._is_new and word not in _SHOWN:  # \* before a destination that is not known here
            self._enter("-")
        elif not self._group.target:
            self._control_text(word, number)
        elif word in ("par", "line", "tab", "cell"):
            self._add(" ")
        else:
            self._add(_CHARACTERS.get(word, ""))
        self._is_new = False

    def _switch(self, word: str, number: int | None) -> None:
        """Change a property of the text behind a control word."""
        match word:
            case "f":
                self._group = replace(self._group, font=number or 0)
            case "uc":
                self._group = replace(self._group, after_unicode=max(0, number or 0))
            case "plain":
                self._group = replace(self._group, is_hidden=False, font=-1)
            case _:  # hidden or deleted
                self._group = replace(self._group, is_hidden=number != 0)

    def _enter(self, word: str) -> None:
        self._flush()
        if self._group.target != "-":
            known = _NOTES | _MARGINS | _FIELDS
            # Title and author are within "info", of which nothing else is shown.
            self._group = replace(self._group, target=word if word in known else "-")
        elif word in ("title", "author") and self._group.target == "-":
            self._group = replace(self._group, target=word)

    def _control_text(self, word: str, number: int | None) -> None:
        """Carry out a control word within the text of the document."""
        match word:
            case "par" | "sect" | "page":
                self._flush()
                if self._paragraph.is_cell:
                    self._paragraph.pieces.append(" ")
                else:
                    self._end_paragraph()
            case "pard":
                self._paragraph.is_cell, self._paragraph.level = False, 0
            case "intbl":
                self._paragraph.is_cell = True
            case "cell" | "row":
                self._end_cell(is_last=word == "row")
            case "s":
                self._paragraph.level = self._styles.get(number or 0, 0)
            case "outlinelevel":
                self._paragraph.level = (number or 0) + 1 if (number or 0) < 9 else 0
            case "deff":
                self._default_font = number or 0
            case _:
                if word in _CHARACTERS:
                    self._flush()
                    self._add(_CHARACTERS[word])

    def _end_cell(self, *, is_last: bool) -> None:
        """End a cell, or the row behind its last one."""
        self._flush()
        if is_last:
            self._table.append(self._row)
            self._row = []
        else:
            self._row.append(" ".join([self._paragraph.text, *self._paragraph.notes]).strip())
        self._paragraph = _Paragraph(is_cell=not is_last)

    def _symbol(self, mark: str) -> None:
        if mark == "*":
            self._is_new = True
        elif mark in "\r\n":  # another way to write \par
            self._control("par", None)
        elif self._to_skip and mark in _MARKS:
            self._to_skip -= 1
        elif mark in "{}\\":  # may be the second byte of a character
            self._add_bytes(mark.encode())
        elif mark in _MARKS:
            self._flush()
            self._add(_MARKS[mark])

    def _add_bytes(self, raw: bytes) -> None:
        skipped = min(self._to_skip, len(raw))
        self._to_skip -= skipped
        # Kept until all bytes of a character are here: the second one may be written as a letter.
        self._bytes += raw[skipped:]

    def _flush(self) -> None:
        """Decode the bytes that were read with the code page of their font."""
        if not self._bytes:
            return
        raw, self._bytes = bytes(self._bytes), bytearray()
        font = self._default_font if self._group.font < 0 else self._group.font
        self._add(raw.decode(self._fonts.get(font) or self._page, "replace"))

    def _add(self, text: str) -> None:
        if self._group.is_hidden or self._group.target == "-":
            return
        if self._group.target:
            self._aside.append(text)
        else:
            self._paragraph.pieces.append(text)

    def _end_paragraph(self) -> None:
        self._flush()
        ended, self._paragraph = self._paragraph, _Paragraph()
        text = ended.text
        if text or ended.notes:
            self._end_table()
        if text:
            bare = re.sub(r"^(#{1,6}|>)(?=\s)", r"\\\1", text)
            self._blocks.append(f"{'#' * min(6, ended.level)} {text}" if ended.level else bare)
        self._blocks += ended.notes

    def _end_table(self) -> None:
        if self._table:
            self._blocks.append(render_rows(self._table))
            self._table = []


def _first_group(source: str, start: str) -> str:
    """Return the group that begins with `start`, "" if there is none."""
    begin = source.find(start)
    if begin < 0:
        return ""
    depth = 0
    for brace in re.finditer(r"(?<!\\)[{}]", source[begin:]):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return source[begin : begin + brace.end()]
    return source[begin:]


def _with_whole_characters(text: str) -> str:
    r"""Return a text whose characters beyond 16 bits, written as two \uN each, are one each."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
