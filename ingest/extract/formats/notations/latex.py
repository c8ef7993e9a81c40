"""LaTeX as Markdown: what a file sets, without how it is set."""

import re

from ingest.extract.formats.notations.blocks import fence, replace_blocks
from ingest.extract.formats.table_rows import render_rows

_CODE = re.compile(
    r"\\begin\{(verbatim|lstlisting|minted|Verbatim)\}(?:\[[^\]\n]{0,1000}\]|\{[^}\n]{0,1000}\})*+"
    r"|\\(?:verb\*?|lstinline)([^\w\s*{\[])([^\n]{0,1000}?)\2|\\url\{([^{}\n]*)\}"
)
"""Where code of several lines begins, code within a line, and addresses, in all of which a percent
sign begins no comment."""
_END = r"\\end\{{{kind}\}}"
_HIDDEN = re.compile("\0([0-9]+)\0")
_CLASS = re.compile(r"\\document(?:class|style)\b")
_TEXT_LINE = re.compile(r"(?m)^[ \t]*(?:[^\s\\]|\\(?:begin|(?:sub)*section|chapter)\b)")
_COMMENT = re.compile(r"(?m)(?<!\\)%.*$\n?")
_TABLE = re.compile(
    r"\\begin\{(tabular[x*]?|longtable|array)\}"
    r"(?:\[[^\]\n]{0,1000}\]|\{(?:[^{}]|\{[^{}]*\}){0,1000}\})*+"
)
_RULE = re.compile(r"\\(?:hline|toprule|midrule|bottomrule|cline\{[^{}]*\}|cmidrule\S*)")
_NEW_ROW = re.compile(r"\\\\(?:\[[^\]]{0,100}\])?|\\tabularnewline")
_SPAN = re.compile(r"\\multi(?:column|row)\{[^{}]*\}\{[^{}]*\}\{([^{}]*)\}")
_HEADING = re.compile(
    r"\\((?:sub)*section|chapter|part|title|paragraph)\*?(?:\[[^\]\n]{0,1000}\])?\{"
)
_LEVELS = {"title": 1, "part": 1, "chapter": 1, "section": 2, "subsection": 3}
_KEPT_HEAD = re.compile(
    r"\\(title|subtitle|author|date|institute|affil\w*|address|email|keywords|abstract)"
    r"(?:\[[^\]\n]{0,1000}\])?\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"
)
_NOISE = re.compile(
    r"\\(?:begin|end|label|cite\w*|ref|eqref|pageref|usepackage|documentclass|includegraphics"
    r"|bibliography\w*|vspace|hspace|input)\*?(?:\[[^\]\n]{0,1000}\])*\{[^{}\n]*\}(?:\[[htbpH!]+\])?"
    r"|\\(?:textbf|emph|textit|texttt|underline|item|maketitle|noindent|centering|tableofcontents"
    r"|newpage|clearpage|small|large)\b|\\caption\b(?:\[[^\]\n]{0,1000}\])?"
)
_FOOTNOTE = re.compile(
    r"\\(?:footnote|thanks)(?:\[[^\]\n]{0,1000}\])?\{((?:[^{}]|\{[^{}]*\}){0,2000})\}"
)
_LINK = re.compile(r"\\href\{([^{}]*)\}\{([^{}]*)\}")


def read_tex(text: str) -> str:
    """Return what a LaTeX file sets: of its preamble title and authors alone."""
    code: list[str] = []

    def hide(found: re.Match[str], lines: str) -> str:
        code.append(fence(lines) if found[1] else found[3] or found[4] or "")
        return f"\0{len(code) - 1}\0"

    # A text about LaTeX has a whole file as its example, so that code is out of the way first.
    text = replace_blocks(text.replace("\0", ""), _CODE, _END, hide)
    text = _COMMENT.sub("", text)
    before, is_whole, rest = text.partition("\\begin{document}")
    named = _CLASS.search(before)
    # Where text stands before the class, it is that of an example, and all is kept.
    if is_whole and named and not _TEXT_LINE.search(before[: named.start()]):
        kept = _KEPT_HEAD.findall(before)
        lines = (f"\\title{{{value}}}" if name == "title" else value for name, value in kept)
        body, is_ended, behind = rest.rpartition("\\end{document}")
        text = "\n\n".join([*lines, body if is_ended else behind])
    text = replace_blocks(text, _TABLE, _END, lambda _, table: _tex_table(table))
    text = _HEADING.sub(lambda m: f"\n\n{'#' * _LEVELS.get(m[1], 4)} {{", text)
    text = re.sub(r"(?m)^(#{1,4}) \{((?:[^{}\n]|\{[^{}\n]*\})*)\}", r"\1 \2\n\n", text)
    text = _LINK.sub(lambda m: f"[{m[2]}]({m[1]})", text)
    text = _FOOTNOTE.sub(r" (\1)", text)
    text = re.sub(r"(?<!\\)[{}]", "", _NOISE.sub("", text))
    text = re.sub(r"\\([%&_#${}])", r"\1", text.replace("~", " "))
    text = _HIDDEN.sub(lambda found: code[int(found[1])], text)
    return re.sub(r"\n{3,}", "\n\n", text)


def _tex_table(text: str) -> str:
    rows = _NEW_ROW.split(_RULE.sub("", text))
    cells = [re.split(r"(?<!\\)&", _SPAN.sub(r"\1", row)) for row in rows]
    return f"\n\n{render_rows(cells)}\n\n"
