"""Code in colours: pieces of text with the kind of each."""

from typing import Any

from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

MAX_CODE_CHARACTERS = 50_000
"""Characters that are coloured; more is shown plain."""

_KINDS = (
    ("Comment", "comment"),
    ("Keyword", "keyword"),
    ("Literal.String", "string"),
    ("Literal.Number", "number"),
    ("Name.Function", "name"),
    ("Name.Class", "name"),
    ("Name.Builtin", "builtin"),
    ("Operator.Word", "keyword"),
)


def highlight_code(code: str, language: str) -> list[Any]:
    """Return the nodes of a block of code; plain where the language is not known."""
    if not language or len(code) > MAX_CODE_CHARACTERS:
        return [code]
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return [code]
    pieces: list[Any] = []
    for kind, text in lexer.get_tokens(code):
        name = str(kind).removeprefix("Token.")
        colour = next((colour for prefix, colour in _KINDS if name.startswith(prefix)), "")
        if not colour and pieces and isinstance(pieces[-1], str):
            pieces[-1] += text
        else:
            pieces.append(["span", {"class": colour}, text] if colour else text)
    # A lexer may drop a character that it cannot place; the code itself is worth more than colour.
    shown = "".join(piece if isinstance(piece, str) else piece[2] for piece in pieces)
    return pieces if shown == code else [code]
