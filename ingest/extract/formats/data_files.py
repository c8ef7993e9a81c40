"""JSON, one JSON value a line, and notebooks."""

import json
import re
from collections.abc import Iterator

from ingest.extract.base import DamagedFileError, FileContent, InvalidJsonError
from ingest.extract.formats.table_rows import render_rows
from ingest.extract.formats.zip_parts import names_damage
from ingest.foundation.messages import Message
from ingest.text.encodings import decode

MAX_DEPTH = 20  # levels of a JSON value; deeper ones are data for machines
NAMED_LINES = 3  # lines that a note names; of more it gives the count
_ESCAPE_SEQUENCE = re.compile(r"\x1b\[[\d;]*[A-Za-z]")
"""What colours the message of an error for a terminal."""


@names_damage
def read_json(body: bytes, charset: str | None) -> FileContent:
    """Return a JSON value as lines, each with the path that leads to it: "price.usd: 12"."""
    text = decode(body, claimed=charset)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        # A value a line under the name of one file of JSON, as databases and logs write it.
        records, bad_lines = _parse_lines(text)
        if len(records) > 1 and not bad_lines:
            return FileContent(text="\n\n".join(_json_blocks(records, "", 0)))
        raise InvalidJsonError(error.lineno, error.colno) from error
    title = value.get("title") or value.get("name") if isinstance(value, dict) else ""
    return FileContent(
        text="\n\n".join(_json_blocks(value, "", 0)),
        title=title if isinstance(title, str) else "",
    )


@names_damage
def read_json_lines(body: bytes, charset: str | None) -> FileContent:
    """Return each line of a .jsonl file as one paragraph, and in a note which cannot be read.

    The last one is cut off where the program that writes the file was stopped.
    """
    text = decode(body, claimed=charset)
    records, bad_lines = _parse_lines(text)
    if not bad_lines:
        return FileContent(text="\n\n".join(_json_blocks(records, "", 0)))
    if len(bad_lines) > len(records):
        return read_json(body, charset)  # one value over many lines, or none at all
    count = len(bad_lines)
    lines = ", ".join(map(str, bad_lines[:NAMED_LINES]))
    note = (
        Message("{count:?line|lines} {lines} cannot be read", count=count, lines=lines)
        if count <= NAMED_LINES
        else Message("{count} lines cannot be read: {lines}, …", count=count, lines=lines)
    )
    return FileContent(text="\n\n".join(_json_blocks(records, "", 0)), notes=(note,))


def _parse_lines(text: str) -> tuple[list[object], list[int]]:
    """Return the JSON values, one a line, and the numbers of the lines that are none, from 1."""
    records: list[object] = []
    bad_lines = []
    # Not `splitlines`: a text within a value may hold U+2028.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                records.append(json.loads(line))
            except (ValueError, RecursionError):
                bad_lines.append(number)
    return records, bad_lines


def _json_blocks(value: object, path: str, depth: int) -> Iterator[str]:
    """Yield the records of a list, a paragraph each, and the fields of an object, a line each."""
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        for record in value:
            yield f"- {'; '.join(_json_fields(record, '', depth + 1))}"
    elif isinstance(value, dict) and depth < MAX_DEPTH:
        for key, inner in value.items():
            name = f"{path}.{key}" if path else str(key)
            if isinstance(inner, list | dict) and inner:
                yield from _json_blocks(inner, name, depth + 1)
            else:
                yield f"{name}: {_json_text(inner)}"
    elif isinstance(value, list):
        label = f"{path}: " if path else ""
        yield label + ", ".join(map(_json_text, value))
    else:
        yield f"{path}: {_json_text(value)}" if path else _json_text(value)


def _json_fields(value: dict[str, object], path: str, depth: int) -> Iterator[str]:
    for key, inner in value.items():
        name = f"{path}.{key}" if path else str(key)
        if isinstance(inner, dict) and depth < MAX_DEPTH:
            yield from _json_fields(inner, name, depth + 1)
        elif isinstance(inner, list):
            yield f"{name}: {', '.join(map(_json_text, inner))}"
        elif inner not in (None, ""):
            yield f"{name}: {_json_text(inner)}"


def _json_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@names_damage
def read_notebook(body: bytes, charset: str | None) -> FileContent:
    """Return the cells of a notebook: text as it is, code in fences, what it printed below it."""
    try:
        notebook = json.loads(decode(body, claimed=charset))
    except json.JSONDecodeError as error:
        raise InvalidJsonError(error.lineno, error.colno) from error
    cells = notebook.get("cells")
    if cells is None:  # before 2015: cells in worksheets, code as input, headings with levels
        cells = [cell for sheet in notebook["worksheets"] for cell in sheet["cells"]]
    if not isinstance(cells, list):
        raise DamagedFileError
    blocks = []
    for cell in cells:
        source = _joined_lines(cell.get("source") or cell.get("input"))
        if cell.get("cell_type") == "heading":
            source = f"{'#' * min(6, int(cell.get('level', 1)))} {source}"
        if cell.get("cell_type") == "code":
            blocks.append(f"```\n{source}\n```" if source.strip() else "")
            blocks += map(_output, cell.get("outputs", []))
        else:
            blocks.append(source)
    return FileContent(text="\n\n".join(block for block in blocks if block.strip()))


def _output(output: dict[str, object]) -> str:
    if name := output.get("ename"):
        # The traceback beside it says the same once more, in colours, among lines of libraries.
        parts = (_ESCAPE_SEQUENCE.sub("", str(part or "")) for part in (name, output.get("evalue")))
        return ": ".join(filter(None, parts))
    data = output.get("data")
    text = data.get("text/plain") if isinstance(data, dict) else output.get("text")
    printed = _joined_lines(text).strip()
    table = [line.split("\t") for line in printed.splitlines()]
    return render_rows(table) if all(len(row) > 1 for row in table) and table else printed


def _joined_lines(lines: object) -> str:
    return "".join(map(str, lines)) if isinstance(lines, list) else str(lines or "")
