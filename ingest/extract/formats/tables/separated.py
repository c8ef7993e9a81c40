"""Text with separated values (.csv, .tsv), as spreadsheets, banks and shops export it."""

import csv
import io
import re

from ingest.extract.base import DamagedFileError, FileContent
from ingest.extract.formats.table_heads import render_tables
from ingest.extract.formats.zip_parts import names_damage
from ingest.text.encodings import decode

SNIFFED = 20_000  # characters in which the separator of a file shows
_SEPARATORS = ",;\t|"
_DECLARED = re.compile(r"""\s*"?sep=([^"\r\n])"?[ \t,;]*(?:\r\n?|\n|$)""", re.IGNORECASE)
"""The first line of a file for Excel, which shows no one: what parts its values."""
_TEXT_FORMULA = re.compile(r'="((?:[^"]|"")*)"')
_TEXT_MARK = re.compile(r"'(?=0\d|\d{5}|[=+@-])")
"""An apostrophe that keeps Excel from reading a number or a formula; "'90s" is none."""


@names_damage
def read_separated(body: bytes, charset: str | None) -> FileContent:
    """Return the rows of a .csv or .tsv file, whatever separates its values."""
    text = decode(body, claimed=charset)
    if not text.strip():
        raise DamagedFileError
    if declared := _DECLARED.match(text):
        separator, text = declared[1], text[declared.end() :]
    else:
        start = text[:SNIFFED].splitlines()[:20]
        counts = {mark: [row.count(mark) for row in start if row.strip()] for mark in _SEPARATORS}
        # The separator is in every line, as often in each; commas in sentences do not.
        separator = max(
            _SEPARATORS, key=lambda mark: (min(counts[mark], default=0), sum(counts[mark]))
        )
    csv.field_size_limit(1_000_000)
    rows = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True)
    return FileContent(
        text=render_tables(enumerate([_unmarked_text(cell) for cell in row] for row in rows))
    )


def _unmarked_text(cell: str) -> str:
    """Return a cell without what makes Excel take a number for text: ="0031" is 0031."""
    bare = cell.strip()
    if bare.startswith('="') and (formula := _TEXT_FORMULA.fullmatch(bare)):
        return formula[1].replace('""', '"')
    return _TEXT_MARK.sub("", bare, count=1) if bare.startswith("'") else bare
