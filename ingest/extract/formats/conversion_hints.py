"""What to do with a file of a kind that no reader knows, by its suffix."""

from collections.abc import Mapping
from typing import Final

from ingest.foundation.messages import Message

_DEFAULT = Message("save it as .pdf, .docx, .pptx, .html, .md or .txt")

# Each names the programs that people have for that kind, and a kind that is read.
_HINTS: Final[tuple[tuple[tuple[str, ...], Message], ...]] = (
    (
        (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"),
        Message("unpack it, and name the folder that it becomes: ingest FOLDER"),
    ),
    (
        (".gif", ".heic", ".heif", ".avif", ".svg"),
        Message("if it shows text, save it as .png or .jpg"),
    ),
    (
        (".doc", ".dot", ".wps", ".wpt"),
        Message("open it in Word, WPS or LibreOffice and save it as .docx"),
    ),
    (
        (".xls", ".xlt", ".xlsb", ".et", ".ett"),
        Message("open it in Excel, WPS or LibreOffice and save it as .xlsx"),
    ),
    (
        (".ppt", ".pps", ".pot", ".dps", ".dpt"),
        Message("open it in PowerPoint, WPS or LibreOffice and save it as .pptx"),
    ),
    ((".pages",), Message("open it in Pages and export it as Word (.docx) or PDF")),
    ((".numbers",), Message("open it in Numbers and export it as Excel (.xlsx) or CSV")),
    ((".key",), Message("open it in Keynote and export it as PowerPoint (.pptx) or PDF")),
    (
        (".mobi", ".azw", ".azw3", ".kfx", ".prc", ".lit", ".pdb"),
        Message("convert it to .epub, e.g. with Calibre, if it is not copy-protected"),
    ),
    (
        (".chm",),
        Message("take the pages out of it (7-Zip can), and name their folder: ingest FOLDER"),
    ),
    (
        (".djvu", ".djv", ".xps", ".oxps", ".ps", ".eps", ".ofd", ".caj", ".kdh", ".nh", ".pdg"),
        Message("open it in its own program and print or save it as .pdf"),
    ),
    (
        (
            *(".mp3", ".m4a", ".wav", ".flac", ".ogg", ".opus", ".aac", ".wma", ".amr"),
            *(".mp4", ".mkv", ".mov", ".avi", ".webm", ".wmv", ".flv", ".m4v"),
        ),
        Message("sound is not read: a transcript of it (.srt, .vtt or .txt) is"),
    ),
    ((".pst", ".ost", ".dbx", ".nst"), Message("save its mails as .eml, .msg or .mbox")),
    (
        (".sqlite", ".sqlite3", ".db", ".mdb", ".accdb", ".dbf", ".parquet", ".feather", ".sav"),
        Message("export the tables that matter as .csv or .xlsx"),
    ),
    (
        (".vsd", ".vsdx", ".dwg", ".dxf", ".one", ".xmind", ".mpp", ".pub", ".psd", ".ai", ".indd"),
        Message("export it as .pdf from its own program"),
    ),
)
_BY_SUFFIX: Final[Mapping[str, Message]] = {
    suffix: hint for suffixes, hint in _HINTS for suffix in suffixes
}


def find_conversion_hint(suffix: str) -> Message:
    """Return what makes a readable file of one with that suffix, whatever its case."""
    return _BY_SUFFIX.get(suffix.lower(), _DEFAULT)
