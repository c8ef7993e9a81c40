"""Org files as Markdown, without their settings."""

import re

from ingest.extract.base import FileContent
from ingest.extract.formats.notations.blocks import BLANKS, fence, outside_code, replace_blocks
from ingest.extract.formats.office_text import parse_day

_KEYWORD = re.compile(r"(?mi)^#\+(\w+):[ \t]*(.*)$\n?")
_CODE = re.compile(r"(?mi)^[ \t]*#\+begin_(src|example|export)\b[^\n]*\n")
_CODE_END = r"(?mi)^[ \t]*#\+end_{kind}[ \t]*$"
_COMMENT_BLOCK = re.compile(r"(?mi)^[ \t]*#\+begin_(comment)\b[^\n]*\n")
_COMMENT = re.compile(r"(?m)^[ \t]*#(?:[ \t].*)?$\n?")
_ANY_HEADING = re.compile(
    r"(?m)^(\*+)[ \t]+(?:(?:(\S++)[ \t]++)??(?:\[#\w{1,2}\][ \t]++)?(COMMENT)(?!\S))?"
)
_STATES = frozenset(
    {
        *("TODO", "DONE", "NEXT", "STARTED", "DOING", "WAITING", "WAIT", "HOLD", "SOMEDAY"),
        *("CANCELLED", "CANCELED", "DEFERRED", "DELEGATED", "POSTPONED", "IN-PROGRESS"),
    }
)
"""What usually stands before a heading for how far its task is."""
_STATE_KEYWORDS = frozenset({"todo", "seq_todo", "typ_todo"})
"""Keywords by which a file names states of its own."""
_BLOCK_MARK = re.compile(r"(?mi)^[ \t]*#\+(?:begin|end)_\w+.*$\n?")
_DRAWER_MARK = re.compile(r"(?mi)^[ \t]*:(?:properties|logbook|end|(?:custom_)?id):.*$\n?")
_HEADING = re.compile(r"(?m)^(\*{1,6}) (.+)$")
_NOTE = re.compile(r"(?m)^\[fn:[\w-]+\][ \t]*|\[fn:[\w-]*:([^\]\n]{0,1000})\]|\[fn:[\w-]+\]")
_LINK = re.compile(r"\[\[([^\[\]\n]+)\](?:\[([^\]\n]{1,1000})\])?\]")


def read_org(text: str) -> FileContent:
    """Return an Org file: title and author of its keywords, without its settings and marks."""
    fields = {name.lower(): value.strip() for name, value in _KEYWORD.findall(text)}
    title, level = fields.get("title", ""), 1 if fields.get("title") else 0

    def convert(part: str) -> str:
        part = _KEYWORD.sub(lambda m: m[2] + "\n" if m[1].lower() == "caption" else "", part)
        part = _COMMENT.sub("", part)
        part = _DRAWER_MARK.sub("", _BLOCK_MARK.sub("", part))
        part = _NOTE.sub(lambda m: f" ({m[1].strip()})" if m[1] else "", part)
        part = re.sub(r"(?m)^[ \t]*\|[-+]+\|[ \t]*$", lambda m: m[0].replace("+", "|"), part)
        part = _HEADING.sub(
            lambda m: f"{'#' * min(6, len(m[1]) + level)} {m[2].rstrip(BLANKS)}", part
        )
        return _LINK.sub(lambda m: f"[{m[2]}]({m[1]})" if m[2] else m[1], part)

    shown = replace_blocks(drop_commented(text), _COMMENT_BLOCK, _CODE_END + r"\n?", lambda *_: "")
    fenced = replace_blocks(shown, _CODE, _CODE_END, lambda _, code: fence(code))
    body = outside_code(fenced, convert)
    lines = [f"{name}: {fields[name]}" for name in ("author", "date") if fields.get(name)]
    head = [f"# {title}"] if title else []
    return FileContent(
        text="\n\n".join(filter(None, [*head, "\n".join(lines), body.strip("\n")])),
        title=title,
        author=fields.get("author", ""),
        published=parse_day(fields.get("date", "").strip("<[")),
    )


def drop_commented(text: str) -> str:
    """Return a text without the headings that are marked as comments, and what is beneath them."""
    states = {"", *_STATES}
    for name, value in _KEYWORD.findall(text):
        if name.lower() in _STATE_KEYWORDS:
            # Behind a state may stand its key: "WAIT(w@/!)".
            states.update(word.partition("(")[0] for word in value.split())
    pieces, at, dropped = [], 0, 0  # `dropped` is the level of the heading that is left out
    for found in _ANY_HEADING.finditer(text):
        level = len(found[1])
        if dropped and level <= dropped:
            at, dropped = found.start(), 0
        if found[3] and (found[2] or "") in states and not dropped:
            pieces.append(text[at : found.start()])
            dropped = level
    return "".join(pieces) if dropped else "".join([*pieces, text[at:]])
