"""LaTeX as Markdown: what a file sets, without how it is set."""

import re
import unicodedata
from collections.abc import Callable

from ingest.extract.formats.notations.blocks import fence, replace_blocks
from ingest.extract.formats.notations.latex_macros import expand_macros, match_braces
from ingest.extract.formats.table_rows import render_rows
from ingest.text.table_cells import escape_cell

_CODE = re.compile(
    r"\\begin\{(verbatim\*?|lstlisting|minted|Verbatim\*?)\}"
    r"(?:\[[^\]\n]{0,1000}\]|\{[^}\n]{0,1000}\})*+"
    r"|\\(?:(?:url|verb\*?|lstinline(?:\[[^\]\n]{0,1000}\])?"
    r"|mintinline(?:\[[^\]\n]{0,1000}\])?\{[^{}\n]{1,50}\})"
    r"(?:\{((?:[^{}\n]|\{[^{}\n]*+\})*+)\}|(?<!\\url)([^\w\s*{\[])([^\n]{0,1000}?)\3))"
)
"""Where code of several lines begins, code within a line, and addresses, in all of which a percent
sign begins no comment."""
_END = r"\\end\{{{kind}\}}"
_KEPT = re.compile("\0([0-9]+)\0")
_CLASS = re.compile(r"\\document(?:class|style)\b")
_TEXT_LINE = re.compile(r"(?m)^[ \t]*(?:[^\s\\]|\\(?:begin|(?:sub)*section|chapter)\b)")
_COMMENT = re.compile(r"(?m)(?<!\\)((?:\\\\)*)%.*$\n?")
"""With the ends of lines before it: two backslashes escape no percent sign."""
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
_HEADING_TEXT = re.compile(r"(?m)^(#{1,4}) \{((?:[^{}]|\{[^{}]*\}){0,2000})\}")
_LEVELS = {"title": 1, "part": 1, "chapter": 1, "section": 2, "subsection": 3}
_KEPT_HEAD = re.compile(
    r"\\(title|subtitle|author|date|institute|affil\w*|address|email|keywords|abstract)"
    r"(?:\[[^\]\n]{0,1000}\])?\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"
)
_NOISE = re.compile(
    r"(\\\\)|\\begin\{(?:minipage|multicols\*?|wrapfigure|subfigure|spacing|adjustwidth|thebibliography)\}"
    r"(?:\[[^\]\n]{0,1000}\])*(?:\{[^{}\n]{0,1000}\}){0,3}"
    r"|\\(?:begin|end|label|cite\w*|ref|eqref|pageref|usepackage|documentclass|includegraphics"
    r"|bibliography\w*|vspace|hspace|input|textcolor|color|colorbox|\w*pagestyle|\w+language)\*?(?:\[[^\]\n]{0,1000}\])*\{[^{}\n]*\}(?:\[[htbpH!]+\])?"
    r"|\\(?:text(?:bf|it|tt|sc|sf|rm|sl|up|md|normal|super\w+|sub\w+)|emph|underline|[mhf]box"
    r"|ensuremath|maketitle|noindent|indent|centering|tableofcontents|listof\w+|newpage|clearpage"
    r"|small|footnotesize|scriptsize|tiny|normalsize|[lL]arge|LARGE|[hH]uge|bf|it|em|tt|rm|sc|sf|sl"
    r"|(?:bf|it|sc|tt|sf|rm|md|up|sl)(?:series|shape|family)|raggedright|raggedleft|appendix"
    r"|protect|xspace|today|code(?=\{)|(?:front|main|back)matter|author|date|institute|keywords)"
    r"(?![A-Za-z])[ \t]?|\\caption\b(?:\[[^\]\n]{0,1000}\])?"
)
"""How a text is set, and the end of a line, behind which a word is no command."""
_ITEM = re.compile(r"\s?\\(?:item(?![A-Za-z])|bibitem(?:\[[^\]\n]{0,1000}\])?\{[^{}\n]*\})[ \t]?")
_AUTHOR_END = re.compile(r"\s?\\(?:and|And|AND)(?![A-Za-z])")

_FORMULA = re.compile(
    r"\\\\|\\\$|\$\$((?:[^$\\]|\\.)*+)\$\$|\$((?:[^$\\\n]|\\.|\n(?![ \t]*\n))*+)\$"
    r"|\\\(((?:[^\\]|\\[^()])*+)\\\)|\\\[((?:[^\\]|\\[^\[\]])*+)\\\]",
    re.DOTALL,
)
"""Formulas, and the escapes that begin none."""
_DISPLAY = re.compile(
    r"\\begin\{((?:equation|displaymath|math|align(?:ed|at)?|flalign|gather|multline|eqnarray)\*?)\}"
)
_DEGREE = re.compile(r"\^\s?\{?\s?\\circ\s?\}?")

_LINE_END = re.compile(r"\\\\\*?(?:\[[^\]\n]{0,100}\])?")
_SPACING = re.compile(r"(\\[,;:> \n]|(?<!\\)~)|\\[-/@!]")
_WORD = re.compile(r"\\([A-Za-z]+)(?:\{\})?")
_WORDS = {
    **dict.fromkeys(("ldots", "dots", "textellipsis"), "…"),
    **dict.fromkeys(("quad", "qquad", "enspace", "thinspace", "space", "hfill", "hskip"), " "),
    **dict.fromkeys(("newline", "linebreak"), "\n"),
    **dict.fromkeys(("par", "smallskip", "medskip", "bigskip"), "\n\n"),
    **dict.fromkeys(("textdegree", "degree"), "°"),
    **dict.fromkeys(("copyright", "textcopyright"), "©"),
    **dict.fromkeys(("pounds", "textsterling"), "£"),
    **dict.fromkeys(("euro", "texteuro", "EUR"), "€"),
    "textyen": "¥",
    "texttrademark": "™",
    "textregistered": "®",
    "textbackslash": "\\",
    "textasciitilde": "~",
    "textasciicircum": "^",
    "textunderscore": "_",
    "textbar": "|",
    "textless": "<",
    "textgreater": ">",
    "textendash": "–",
    "textemdash": "—",
    "slash": "/",
    "textquoteleft": "‘",
    "textquoteright": "’",
    "lq": "‘",
    "rq": "’",
    "textquotedblleft": "“",
    "textquotedblright": "”",
    "textquotesingle": "'",
    "textbullet": "•",
    "textmu": "µ",
    "textperthousand": "‰",
    "texttimes": "×",
    "textpm": "±",
    "S": "§",
    "P": "¶",
    "textsection": "§",
    "dag": "†",
    "ddag": "‡",
    "textcelsius": "°C",
    "TeX": "TeX",
    "LaTeX": "LaTeX",
    "LaTeXe": "LaTeX2e",
    "BibTeX": "BibTeX",
}
"""Commands that stand for characters; the blank behind one parts two words."""
_LETTERS = {
    "ss": "ß",
    "SS": "ẞ",
    "aa": "å",
    "AA": "Å",
    "ae": "æ",
    "AE": "Æ",
    "oe": "œ",
    "OE": "Œ",
    "o": "ø",
    "O": "Ø",
    "l": "ł",
    "L": "Ł",
    "i": "ı",
    "j": "ȷ",
    "dh": "ð",
    "DH": "Ð",
    "th": "þ",
    "TH": "Þ",
    "dj": "đ",
    "DJ": "Đ",
    "ng": "ŋ",
    "NG": "Ŋ",
}
_LETTER = re.compile(rf"\\({'|'.join(_LETTERS)})(?![A-Za-z])(?:\{{\}}|[ \t])?")
"""A letter of a word: the blank behind it only ends the command."""
_MARKS = {
    "'": "\u0301",
    "`": "\u0300",
    "^": "\u0302",
    '"': "\u0308",
    "~": "\u0303",
    "=": "\u0304",
    ".": "\u0307",
    "u": "\u0306",
    "v": "\u030c",
    "H": "\u030b",
    "c": "\u0327",
    "d": "\u0323",
    "b": "\u0331",
    "k": "\u0328",
    "r": "\u030a",
}
_BARE = r"\\[ij](?:\{\}|[ \t])?|[A-Za-zÀ-ỹ]"
_ACCENT = re.compile(
    r"\\(?:(['`^\"~=.])[ \t]{0,9}|([uvHcdbkr])(?:[ \t]{1,9}|(?=\{)))"
    rf"(?:\{{[ \t]?({_BARE})[ \t]?\}}|({_BARE}))"
)
_BARE_ACCENT = re.compile(r"\\([~^])\{\}")
_DASH = re.compile(r"(?<![-|])(--{1,2})(?![-|])")
_TYPEWRITER = re.compile(
    r"\\\\|\\(?:texttt|code)\s{0,9}(?=\{)|(?=\{\s?\\tt(?:family)?(?![A-Za-z]))"
)
"""Where a group in typewriter letters follows."""
_LIGATURE = re.compile("-{2,}|``|''")
"""What is one character in other letters, and itself in those of a typewriter."""
_FOOTNOTE = re.compile(
    r"\\(?:footnote|thanks)(?:\[[^\]\n]{0,1000}\])?\{((?:[^{}]|\{[^{}]*\}){0,2000})\}"
)
_LINK = re.compile(r"\\href\{([^{}]*)\}\{([^{}]*)\}")


def read_tex(text: str) -> str:
    """Return what a LaTeX file sets: of its preamble title and authors alone."""
    kept: list[str] = []

    def keep(shown: str) -> str:
        # What is kept may hold what was kept before: an address in a formula.
        kept.append(restore(shown))
        return f"\0{len(kept) - 1}\0"

    def restore(part: str) -> str:
        return _KEPT.sub(lambda found: kept[int(found[1])], part)

    def table(_: re.Match[str], part: str) -> str:
        rows = _NEW_ROW.split(_RULE.sub("", part))
        cells = [re.split(r"(?<!\\)&", _SPAN.sub(r"\1", row)) for row in rows]
        for number in map(int, _KEPT.findall(part)):
            kept[number] = escape_cell(kept[number])
        return f"\n\n{render_rows(cells)}\n\n"

    # A text about LaTeX has a whole file as its example, so that code is out of the way first.
    text = replace_blocks(
        text.replace("\0", ""),
        _CODE,
        _END,
        lambda found, lines: keep(fence(lines) if found[1] else found[2] or found[4] or ""),
    )
    text = cut_preamble(expand_macros(_COMMENT.sub(lambda m: m[1] and m[1] + "\n", text)))
    # The braces and blanks of a formula say what it is.
    text = replace_blocks(
        text, _DISPLAY, _END, lambda found, inside: keep(render_formula(inside, kind=found[1]))
    )
    text = _FORMULA.sub(
        lambda m: m[0] if m[0] in ("\\\\", "\\$", "$$") else keep(render_formula(m[0])), text
    )
    text = replace_blocks(keep_ligatures(text, keep), _TABLE, _END, table)
    text = _HEADING.sub(lambda m: f"\n\n{'#' * _LEVELS.get(m[1], 4)} {{", text)
    text = _HEADING_TEXT.sub(
        lambda m: f"{m[1]} {' '.join(_LINE_END.sub(' ', m[2]).split())}\n\n", text
    )
    text = _LINK.sub(lambda m: f"[{m[2]}]({m[1]})", text)
    text = _AUTHOR_END.sub(";", _ITEM.sub("\n- ", _FOOTNOTE.sub(r" (\1)", text)))
    text = decode_characters(_NOISE.sub(r"\1", text))
    text = re.sub(r"\\([%&_#${}])", r"\1", re.sub(r"(?<!\\)[{}]", "", text))
    return re.sub(r"\n{3,}", "\n\n", restore(text))


def cut_preamble(text: str) -> str:
    """Return a text with title and authors of its preamble, and without the rest of that."""
    before, is_whole, rest = text.partition("\\begin{document}")
    named = _CLASS.search(before)
    # Where text stands before the class, it is that of an example, and all is kept.
    if not (is_whole and named) or _TEXT_LINE.search(before[: named.start()]):
        return text
    kept = _KEPT_HEAD.findall(before)
    lines = (f"\\title{{{value}}}" if name == "title" else value for name, value in kept)
    body, is_ended, behind = rest.rpartition("\\end{document}")
    return "\n\n".join([*lines, body if is_ended else behind])


def keep_ligatures(text: str, keep: Callable[[str], str]) -> str:
    """Return a text with `keep` applied to the hyphens and quotes of its typewriter text."""
    ends = match_braces(text)
    pieces, at = [], 0
    for found in _TYPEWRITER.finditer(text):
        end = ends.get(found.end(), 0)
        if found[0] != "\\\\" and end > at:
            inside = text[found.end() : end]
            pieces += [text[at : found.end()], _LIGATURE.sub(lambda m: keep(m[0]), inside)]
            at = end
    return "".join([*pieces, text[at:]])


def render_formula(written: str, *, kind: str = "") -> str:
    """Return a formula between dollars, as Markdown has it; `kind` is its environment."""
    inner = " ".join(re.sub(r"\\label\{[^{}]*\}", "", written).split())
    if kind and kind.rstrip("*") not in ("equation", "displaymath", "math"):
        return f"$$\\begin{{{kind}}} {inner} \\end{{{kind}}}$$"
    if kind:
        return f"$${inner}$$"
    is_display = inner.startswith(("$$", "\\["))
    inner = inner.strip("$") if inner.startswith("$") else inner[2:-2]
    if _DEGREE.fullmatch(inner.strip()):
        return "°"
    return f"$${inner.strip()}$$" if is_display else f"${inner.strip()}$"


def decode_characters(text: str) -> str:
    """Return a text with the characters that its accents, spaces and commands stand for."""

    def accented(found: re.Match[str]) -> str:
        letter = (found[3] or found[4]).lstrip("\\")[0]
        return unicodedata.normalize("NFC", letter + _MARKS[found[1] or found[2]])

    text = _LINE_END.sub("\n", text)
    text = _ACCENT.sub(accented, _ACCENT.sub(accented, text))  # two: one letter may have both
    text = _LETTER.sub(lambda m: _LETTERS[m[1]], text)
    text = _SPACING.sub(lambda m: " " if m[1] else "", text)
    text = _BARE_ACCENT.sub(r"\1", _WORD.sub(lambda m: _WORDS.get(m[1], m[0]), text))
    text = text.replace("``", "“").replace("''", "”")
    return _DASH.sub(lambda m: "—" if m[1] == "---" else "–", text)
