"""Org, reStructuredText, LaTeX and AsciiDoc as Markdown: headings, code in fences, tables.

What only tells a program how to set the text is dropped; in code nothing is changed.
"""

import csv
import re
from collections.abc import Callable, Mapping

from ingest.extract.base import FileContent
from ingest.extract.formats.office_text import parse_day
from ingest.extract.formats.table_rows import render_rows
from ingest.text.table_cells import CELL_END, unescape_cells

_BLANKS = " \t"
_FENCED = re.compile(r"(?ms)^````\n.*?^````$")

_ORG_KEYWORD = re.compile(r"(?mi)^#\+(\w+):[ \t]*(.*)$\n?")
_ORG_CODE = re.compile(r"(?mi)^[ \t]*#\+begin_(src|example|export)\b[^\n]*\n")
_ORG_CODE_END = r"(?mi)^[ \t]*#\+end_{kind}[ \t]*$"
_ORG_BLOCK_MARK = re.compile(r"(?mi)^[ \t]*#\+(?:begin|end)_\w+.*$\n?")
_ORG_DRAWER_MARK = re.compile(r"(?mi)^[ \t]*:(?:properties|logbook|end|(?:custom_)?id):.*$\n?")
_ORG_HEADING = re.compile(r"(?m)^(\*{1,6}) (.+)$")
_ORG_NOTE = re.compile(r"(?m)^\[fn:[\w-]+\][ \t]*|\[fn:[\w-]*:([^\]\n]{0,1000})\]|\[fn:[\w-]+\]")
_ORG_LINK = re.compile(r"\[\[([^\[\]\n]+)\](?:\[([^\]\n]{1,1000})\])?\]")

_RST_OVERLINED = re.compile(r"(?m)^([=\-~^\"'`#*+.:_])\1{2,}[ \t]*\n[ \t]*(\S.*)\n\1{3,}[ \t]*$")
_RST_ANY_HEADING = re.compile(r"(?m)\0(.)\0([^\0]*)\0|^(\S.*)\n([=\-~^\"'`#*+.:_])\4{2,}[ \t]*$")
"""Overlined ones as they are marked first, and underlined ones."""
_RST_CODE = re.compile(
    r"(?m)^\.\. (?:code-block|code|sourcecode)::.*\n"
    r"(?:[ \t]+:(?!caption)\w[^\n]*\n)*((?:[ \t]*\n|[ \t]+\S.*\n?)*)"
)
_RST_ADMONITION = re.compile(
    r"(?m)^([ \t]*)\.\. (note|warning|tip|important|caution|danger|hint|attention|error|seealso)::"
    r"[ \t]*"
)
_RST_DIRECTIVE = re.compile(
    r"(?m)^[ \t]*\.\. (?:_(?:`[^`\n]*`|[^\n:]*):[ \t]*$"
    r"|(?:contents|toctree|include|index|raw|role|highlight)::[^\n]*)\n?"
    r"(?:[ \t]+:(?!caption|alt)\w[^\n]*\n)*"
)
_RST_TABLE = re.compile(
    r"(?m)^([ \t]*)\.\. (list|csv)-table::[ \t]*(.*)\n"
    r"((?:\1[ \t]+:\w[^\n]*\n)*)((?:[ \t]*\n|\1[ \t]+\S.*\n?)*)"
)
_RST_HEADER = re.compile(r"(?m)^[ \t]*:header:[ \t]*(.+)$")
_RST_SUBSTITUTION = re.compile(r"(?m)^\.\. \|([^|\n]+)\| (\w+)::[ \t]*(.*)\n?(?:[ \t]+:.*\n)*")
_RST_NOTE = re.compile(r"(?m)^\.\. \[([^\]\n]+)\][ \t]+")
_RST_NOTE_MARK = re.compile(r"(?:(?<![ \t])[ \t]+)?\[(?:#\w*|\*|\d+)\]_")
_RST_FIELD = re.compile(r"(?m)^:([A-Z][\w -]{0,30}):[ \t]+(?=\S)")
_RST_ROLE = re.compile(r":[\w:-]{1,60}:`([^`<\n]+)(<[^>\n]{0,1000}>)?`")
_RST_LINK = re.compile(r"`([^`<\n]+)<([^>\n]{1,1000})>`__?")
_RST_LITERAL = re.compile(r"``([^`\n]+)``")

_TEX_CODE = re.compile(
    r"\\begin\{(verbatim|lstlisting|minted|Verbatim)\}(?:\[[^\]\n]{0,1000}\]|\{[^}\n]{0,1000}\})*+"
    r"|\\(?:verb\*?|lstinline)([^\w\s*{\[])([^\n]{0,1000}?)\2|\\url\{([^{}\n]*)\}"
)
"""Where code of several lines begins, code within a line, and addresses, in all of which a percent
sign begins no comment."""
_TEX_END = r"\\end\{{{kind}\}}"
_TEX_HIDDEN = re.compile("\0([0-9]+)\0")
_TEX_CLASS = re.compile(r"\\document(?:class|style)\b")
_TEX_TEXT_LINE = re.compile(r"(?m)^[ \t]*(?:[^\s\\]|\\(?:begin|(?:sub)*section|chapter)\b)")
_TEX_COMMENT = re.compile(r"(?m)(?<!\\)%.*$\n?")
_TEX_TABLE = re.compile(
    r"\\begin\{(tabular[x*]?|longtable|array)\}"
    r"(?:\[[^\]\n]{0,1000}\]|\{(?:[^{}]|\{[^{}]*\}){0,1000}\})*+"
)
_TEX_RULE = re.compile(r"\\(?:hline|toprule|midrule|bottomrule|cline\{[^{}]*\}|cmidrule\S*)")
_TEX_NEW_ROW = re.compile(r"\\\\(?:\[[^\]]{0,100}\])?|\\tabularnewline")
_TEX_SPAN = re.compile(r"\\multi(?:column|row)\{[^{}]*\}\{[^{}]*\}\{([^{}]*)\}")
_TEX_HEADING = re.compile(
    r"\\((?:sub)*section|chapter|part|title|paragraph)\*?(?:\[[^\]\n]{0,1000}\])?\{"
)
_TEX_LEVELS = {"title": 1, "part": 1, "chapter": 1, "section": 2, "subsection": 3}
_TEX_KEPT_HEAD = re.compile(
    r"\\(title|subtitle|author|date|institute|affil\w*|address|email|keywords|abstract)"
    r"(?:\[[^\]\n]{0,1000}\])?\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"
)
_TEX_NOISE = re.compile(
    r"\\(?:begin|end|label|cite\w*|ref|eqref|pageref|usepackage|documentclass|includegraphics"
    r"|bibliography\w*|vspace|hspace|input)\*?(?:\[[^\]\n]{0,1000}\])*\{[^{}\n]*\}(?:\[[htbpH!]+\])?"
    r"|\\(?:textbf|emph|textit|texttt|underline|item|maketitle|noindent|centering|tableofcontents"
    r"|newpage|clearpage|small|large)\b|\\caption\b(?:\[[^\]\n]{0,1000}\])?"
)
_TEX_FOOTNOTE = re.compile(
    r"\\(?:footnote|thanks)(?:\[[^\]\n]{0,1000}\])?\{((?:[^{}]|\{[^{}]*\}){0,2000})\}"
)
_TEX_LINK = re.compile(r"\\href\{([^{}]*)\}\{([^{}]*)\}")

_ADOC_HEADING = re.compile(r"(?m)^(={1,6})[ \t]+(\S.*)$")
_ADOC_CODE = re.compile(r"(?ms)^(?:\[[^\]\n]*\]\n)?(-{4,}|\.{4,})\n(.*?)^\1[ \t]*$")
_ADOC_TABLE = re.compile(r"(?ms)^(?:\[[^\]\n]*\]\n)?\|={3,}\n(.*?)^\|={3,}[ \t]*$")
_ADOC_SPAN = re.compile(r"(?m)(?:^|\s)(?:\d+|\.\d+|\d+\.\d+)[+*][^\s|]*\|")
_ADOC_SET = re.compile(
    r"(?m)^(?::[\w!-]+:.*|\[[^\]\n]*\]|//(?!/).*|(?:include|toc)::.*|(?:ifdef|ifndef|endif)::.*\[\]"
    r"|={4,}|\*{4,}|_{4,})$\n?"
)
_ADOC_ATTRIBUTE = re.compile(r"(?m)^:([\w-]+):[ \t]+(\S.*)$")
# Bounded, and a run without blanks is tried from its start alone: else 150 kB of "a:" or "<<a" take
# minutes, since each place looks through all that follows.
_ADOC_FOOTNOTE = re.compile(r"footnote:[\w-]{0,100}\[([^\]\n]{0,2000})\]")
_ADOC_LINK = re.compile(
    r"(?:(?<![^\s\[\]<>])(?:link:|xref:)([^\s\[\]<>][^\s\[\]<>:]*+:[^\s\[\]<>]++)|xref:(\S{1,500}?)"
    r"|(?<![^\s\[\]<>])([^\s\[\]<>][^\s\[\]<>:]*+:[^\s\[\]<>]++))\[([^\]\n]{1,1000})\]"
)
"""An address behind "link:" or "xref:", a file behind "xref:", or an address; and what it says."""
_ADOC_REFERENCE = re.compile(r"<<[^,>\n]{1,300},[ \t]{0,20}([^>\n]{1,1000})>>")


def _fence(code: str) -> str:
    lines = code.strip("\n").split("\n")
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "````\n" + "\n".join(line[indent:] for line in lines) + "\n````"


def _replace_blocks(
    text: str, begin: re.Pattern[str], end: str, replace: Callable[[re.Match[str], str], str]
) -> str:
    """Return a text with each block of `begin` replaced, by its match and what is in the block.

    `end` ends a block; `{kind}` in it is the first group of `begin`, without which `begin` is the
    whole block. What begins and does not end stays. One pattern for both would look for the end at
    each beginning: 150 kB of beginnings would take minutes.
    """
    pieces, at, position = [], 0, 0
    unended: set[str] = set()
    while found := begin.search(text, position):
        position = found.end()
        inside = ""
        if kind := found[1]:
            pattern = re.compile(end.format(kind=re.escape(kind)))
            ended = None if kind in unended else pattern.search(text, position)
            if ended is None:
                unended.add(kind)
                continue
            inside, position = text[position : ended.start()], ended.end()
        pieces += [text[at : found.start()], replace(found, inside)]
        at = position
    return "".join([*pieces, text[at:]])


def _outside_code(text: str, convert: Callable[[str], str]) -> str:
    """Return a text with `convert` applied to what is in no fence."""
    pieces, end = [], 0
    for found in _FENCED.finditer(text):
        pieces += [convert(text[end : found.start()]), found[0]]
        end = found.end()
    return "".join([*pieces, convert(text[end:])])


def read_org(text: str) -> FileContent:
    """Return an Org file: title and author of its keywords, without its settings and marks."""
    fields = {name.lower(): value.strip() for name, value in _ORG_KEYWORD.findall(text)}
    title, level = fields.get("title", ""), 1 if fields.get("title") else 0

    def convert(part: str) -> str:
        part = _ORG_KEYWORD.sub(lambda m: m[2] + "\n" if m[1].lower() == "caption" else "", part)
        part = _ORG_DRAWER_MARK.sub("", _ORG_BLOCK_MARK.sub("", part))
        part = _ORG_NOTE.sub(lambda m: f" ({m[1].strip()})" if m[1] else "", part)
        part = re.sub(r"(?m)^[ \t]*\|[-+]+\|[ \t]*$", lambda m: m[0].replace("+", "|"), part)
        part = _ORG_HEADING.sub(
            lambda m: f"{'#' * min(6, len(m[1]) + level)} {m[2].rstrip(_BLANKS)}", part
        )
        return _ORG_LINK.sub(lambda m: f"[{m[2]}]({m[1]})" if m[2] else m[1], part)

    fenced = _replace_blocks(text, _ORG_CODE, _ORG_CODE_END, lambda _, code: _fence(code))
    body = _outside_code(fenced, convert)
    shown = [f"{name}: {fields[name]}" for name in ("author", "date") if fields.get(name)]
    head = [f"# {title}"] if title else []
    return FileContent(
        text="\n\n".join(filter(None, [*head, "\n".join(shown), body.strip("\n")])),
        title=title,
        author=fields.get("author", ""),
        published=parse_day(fields.get("date", "").strip("<[")),
    )


def read_rst(text: str) -> str:
    """Return a reStructuredText file; the level of a heading is the order of its underlines."""
    marks: list[str] = []

    def heading(title: str, mark: str) -> str:
        if mark not in marks:
            marks.append(mark)
        return f"{'#' * min(6, marks.index(mark) + 1)} {title.strip()}"

    def convert(part: str) -> str:
        # An overlined heading is of another level than one with that underline alone.
        part = _RST_OVERLINED.sub(lambda m: f"\0{m[1]}\0{m[2].strip()}\0", part)
        part = _RST_ANY_HEADING.sub(
            lambda m: heading(m[2], m[1] * 2) if m[1] else heading(m[3], m[4]), part
        )
        part = _RST_NOTE_MARK.sub("", _RST_NOTE.sub("", _RST_TABLE.sub(_rst_table, part)))
        part = _RST_FIELD.sub(r"\1: ", part)
        part = _RST_ADMONITION.sub(lambda m: f"{m[1]}{m[2].capitalize()}: ", part)
        part = _RST_DIRECTIVE.sub("", part)
        part = _RST_ROLE.sub(lambda m: m[1].rstrip(_BLANKS) if m[2] else m[1], part)
        part = _RST_LINK.sub(lambda m: f"[{m[1].rstrip(_BLANKS) or ' '}]({m[2]})", part)
        return _RST_LITERAL.sub(r"`\1`", part)

    meant = {name: value for name, _, value in _RST_SUBSTITUTION.findall(text)}
    text = _replace_names(_RST_SUBSTITUTION.sub("", text), meant)
    fenced = _RST_CODE.sub(lambda found: _fence(found[1]) + "\n", text.rstrip() + "\n")
    return re.sub(r"\n{3,}", "\n\n", _outside_code(fenced, convert))


def _replace_names(text: str, meant: Mapping[str, str]) -> str:
    """Return a text with `|name|` as what it means, also where an underscore makes it a link."""
    first, *parts = text.split("|")
    shown = [first]
    is_name = False  # whether the part before was one, and its bars are gone
    for number, part in enumerate(parts, start=1):
        if is_name:
            part = part[1:] if part.startswith("_") else part
            shown.append(part[1:] if part.startswith("_") else part)
            is_name = False
        elif number < len(parts) and part in meant:
            shown.append(meant[part])
            is_name = True
        else:
            shown.append(f"|{part}")
    return "".join(shown)


def _rst_table(found: re.Match[str]) -> str:
    """Return the table of a directive, whose rows are items of a list or separated by commas."""
    title, options = found[3].strip(), found[4]
    if found[2] == "csv":
        lines = [line.strip() for line in found[5].splitlines() if line.strip()]
        head = _RST_HEADER.findall(options)
        try:
            rows = list(csv.reader([*head, *lines], skipinitialspace=True))
        except csv.Error:  # a quote that never closes, and more behind it than a cell may hold
            return found[0]
    else:
        rows = [
            [" ".join(cell.split()) for cell in re.split(r"(?m)^[ \t]*-(?:[ \t]+|$)", row)[1:]]
            for row in re.split(r"(?m)^[ \t]*\*[ \t]+(?=-)", found[5])[1:]
        ]
    return f"{title}\n\n{render_rows(rows)}\n\n" if rows else found[0]


def read_tex(text: str) -> str:
    """Return what a LaTeX file sets: of its preamble title and authors alone."""
    code: list[str] = []

    def hide(found: re.Match[str], lines: str) -> str:
        code.append(_fence(lines) if found[1] else found[3] or found[4] or "")
        return f"\0{len(code) - 1}\0"

    # A text about LaTeX has a whole file as its example, so that code is out of the way first.
    text = _replace_blocks(text.replace("\0", ""), _TEX_CODE, _TEX_END, hide)
    text = _TEX_COMMENT.sub("", text)
    before, is_whole, rest = text.partition("\\begin{document}")
    named = _TEX_CLASS.search(before)
    # Where text stands before the class, it is that of an example, and all is kept.
    if is_whole and named and not _TEX_TEXT_LINE.search(before[: named.start()]):
        kept = _TEX_KEPT_HEAD.findall(before)
        lines = (f"\\title{{{value}}}" if name == "title" else value for name, value in kept)
        body, is_ended, behind = rest.rpartition("\\end{document}")
        text = "\n\n".join([*lines, body if is_ended else behind])
    text = _replace_blocks(text, _TEX_TABLE, _TEX_END, lambda _, table: _tex_table(table))
    text = _TEX_HEADING.sub(lambda m: f"\n\n{'#' * _TEX_LEVELS.get(m[1], 4)} {{", text)
    text = re.sub(r"(?m)^(#{1,4}) \{((?:[^{}\n]|\{[^{}\n]*\})*)\}", r"\1 \2\n\n", text)
    text = _TEX_LINK.sub(lambda m: f"[{m[2]}]({m[1]})", text)
    text = _TEX_FOOTNOTE.sub(r" (\1)", text)
    text = re.sub(r"(?<!\\)[{}]", "", _TEX_NOISE.sub("", text))
    text = re.sub(r"\\([%&_#${}])", r"\1", text.replace("~", " "))
    text = _TEX_HIDDEN.sub(lambda found: code[int(found[1])], text)
    return re.sub(r"\n{3,}", "\n\n", text)


def _tex_table(text: str) -> str:
    rows = _TEX_NEW_ROW.split(_TEX_RULE.sub("", text))
    cells = [re.split(r"(?<!\\)&", _TEX_SPAN.sub(r"\1", row)) for row in rows]
    return f"\n\n{render_rows(cells)}\n\n"


def read_adoc(text: str) -> str:
    """Return an AsciiDoc file with its tables as rows, without its attributes."""

    def table(found: re.Match[str]) -> str:
        first = found[1].lstrip().partition("\n")[0]
        width = len(CELL_END.findall(first))
        lead, *cells = (unescape_cells(cell).strip() for cell in CELL_END.split(found[1]))
        # A row may take several lines: the first one, which is the head, says how many cells.
        # Where cells are left over, some span others, and the table stays as it is written.
        if not width or lead or len(cells) % width or _ADOC_SPAN.search(found[1]):
            return found[1]
        rows = [cells[n : n + width] for n in range(0, len(cells), width)]
        return render_rows(rows)

    meant = dict(_ADOC_ATTRIBUTE.findall(text))

    def convert(part: str) -> str:
        part = _ADOC_FOOTNOTE.sub(r" (\1)", part)
        part = re.sub(r"\{([\w-]+)\}", lambda m: meant.get(m[1], m[0]), part)
        part = _ADOC_SET.sub("", _ADOC_TABLE.sub(table, part))
        part = _ADOC_HEADING.sub(lambda m: f"{'#' * len(m[1])} {m[2]}", part)
        part = re.sub(r"(?m)^\.(?=\w)", "", part)  # the title of a block
        part = re.sub(r"(?m)^\*{1,5}[ \t]+", "- ", part)
        part = _ADOC_LINK.sub(lambda m: f"[{m[4]}]({m[1] or m[2] or m[3]})", part)
        return _ADOC_REFERENCE.sub(r"\1", part)

    return _outside_code(_ADOC_CODE.sub(lambda found: _fence(found[2]), text), convert)
