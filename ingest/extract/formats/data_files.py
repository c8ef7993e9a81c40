"""JSON, one JSON value a line, and notebooks."""

import json
from collections.abc import Iterator

from ingest.extract.base import DamagedFileError, FileContent
from ingest.extract.formats.table_rows import render_rows
from ingest.extract.formats.zip_parts import names_damage
from ingest.text.encodings import decode

MAX_DEPTH = 20  # levels of a JSON value; deeper ones are data for machines


@names_damage
def read_json(body: bytes, charset: str | None) -> FileContent:
    """Return a JSON value as lines, each with the path that leads to it: "price.usd: 12"."""
    value = json.loads(decode(body, claimed=charset))
    title = value.get("title") or value.get("name") if isinstance(value, dict) else ""
    return FileContent(
        text="\n\n".join(_json_blocks(value, "", 0)),
        title=title if isinstance(title, str) else "",
    )


@names_damage
def read_json_lines(body: bytes, charset: str | None) -> FileContent:
    """Return each line of a .jsonl file as one paragraph."""
    records = [
        json.loads(line) for line in decode(body, claimed=charset).splitlines() if line.strip()
    ]
    return FileContent(text="\n\n".join(_json_blocks(records, "", 0)))


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
    notebook = json.loads(decode(body, claimed=charset))
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
    data = output.get("data")
    text = data.get("text/plain") if isinstance(data, dict) else output.get("text")
    printed = _joined_lines(text).strip()
    table = [line.split("\t") for line in printed.splitlines()]
    return render_rows(table) if all(len(row) > 1 for row in table) and table else printed


def _joined_lines(lines: object) -> str:
    return "".join(map(str, lines)) if isinstance(lines, list) else str(lines or "")
