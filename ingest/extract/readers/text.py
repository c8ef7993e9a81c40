"""Plain text, Markdown, source code, subtitles: what people write by hand."""

import re

from ingest.extract.base import UNKNOWN_TYPES, FileContent, FileReader, looks_like_text
from ingest.extract.formats.cues import has_cues, render_cues
from ingest.extract.formats.notations.asciidoc import read_adoc
from ingest.extract.formats.notations.latex import read_tex
from ingest.extract.formats.notations.org import read_org
from ingest.extract.formats.notations.restructured_text import read_rst
from ingest.extract.formats.office_text import parse_day
from ingest.extract.markdown_source import normalize_markdown, split_front_matter
from ingest.text.encodings import decode

_MEDIA_TYPES = ("text/plain",)
_MARKDOWN_TYPES = ("text/markdown", "text/x-markdown")
_CODE_TYPES = ("text/x-source", "text/x-python", "text/x-c", "application/javascript")
_SUBTITLE_TYPES = ("application/x-subrip", "text/vtt")
_CODE_SUFFIXES = (
    *(".py", ".pyi", ".js", ".mjs", ".ts", ".tsx", ".jsx", ".java", ".kt", ".c", ".h", ".cc"),
    *(".cpp", ".hpp", ".cs", ".go", ".rs", ".rb", ".php", ".swift", ".scala", ".r", ".jl", ".lua"),
    *(".pl", ".sh", ".bash", ".zsh", ".ps1", ".sql", ".css", ".scss", ".vue", ".yaml", ".yml"),
    *(".toml", ".ini", ".cfg", ".conf", ".xml", ".proto", ".graphql", ".cmake", ".gradle"),
    *(".bat", ".cmd", ".vbs", ".vb", ".dart", ".ex", ".exs", ".erl", ".clj", ".hs", ".ml", ".fs"),
    *(".m", ".mm", ".groovy", ".tf", ".properties", ".plist", ".less", ".sass", ".svelte", ".diff"),
    *(".patch", ".f90", ".asm", ".v", ".vhd", ".zig", ".nim", ".awk", ".tcl", ".el", ".lisp"),
)

_RUBY = re.compile(
    r"(?P<code>```.*?(?:```|\Z)|`[^`\n]*`)"
    r"|<(?P<reading>rp|rt|rtc)\b[^<>]*>[^<>]*</(?P=reading)\s*>|</?(?:ruby|rb|wbr)\b[^<>]*>",
    re.IGNORECASE | re.DOTALL,
)
"""Code, which stays as it is, and HTML that Markdown has within words: see `parse_html`."""
_MARK = re.compile(r"(?m)^(#{1,6})(?=\s)")


def fits_text(media_type: str, body: bytes) -> bool:
    """Return whether a body sent under this media type is a text."""
    # Servers send text/plain for files of which they know nothing, programs among them, so that
    # even a declared type is checked against the bytes.
    return media_type in UNKNOWN_TYPES.union(_MEDIA_TYPES) and looks_like_text(body)


def read_text(body: bytes, charset: str | None) -> str:
    """Return the text, in the charset that fits the bytes best, without readings of `<ruby>`."""
    text = decode(body, claimed=charset)
    if has_cues(text):
        return render_cues(text)
    if "<ruby" not in text and "<wbr" not in text:
        return text
    return _RUBY.sub(lambda found: found["code"] or "", text)


def read_local_text(body: bytes, charset: str | None) -> str:
    """Return a plain text in which no line is a heading: there "# x" is what it says."""
    return _MARK.sub(r"\\\1", read_text(body, charset))


def read_markdown(body: bytes, charset: str | None) -> FileContent:
    """Return a Markdown text with the title, author and day of its front matter."""
    fields, text = split_front_matter(read_text(body, charset))
    text = normalize_markdown(text)
    # Title and author are asked about like all else: they stay in the text.
    title = fields.get("title", "")
    head = [f"# {title}"] if title and f"# {title}" not in text else []
    shown = [f"{name}: {value}" for name, value in fields.items() if value and name != "title"]
    return FileContent(
        text="\n\n".join(filter(None, [*head, "\n".join(shown), text.strip("\n")])),
        title=title,
        author=fields.get("author", ""),
        published=parse_day(fields.get("date", "")),
    )


def read_code(body: bytes, charset: str | None) -> str:
    """Return source code in a fence: its comments are no headings."""
    text = decode(body, claimed=charset).strip("\n")
    return f"````\n{text}\n````" if text.strip() else ""


def read_subtitles(body: bytes, charset: str | None) -> str:
    """Return what is said in subtitles and sung in lyrics, without its times."""
    return render_cues(decode(body, claimed=charset))


def _text_reader(
    suffixes: tuple[str, ...], media_types: tuple[str, ...], read: object
) -> FileReader:
    return FileReader(
        suffixes=suffixes,
        media_types=media_types,
        fits=lambda media_type, body: media_type in media_types and looks_like_text(body),
        read=read,  # type: ignore[arg-type]
    )


MARKDOWN = _text_reader((".md", ".markdown", ".mdx", ".qmd"), _MARKDOWN_TYPES, read_markdown)
# A suffix tells the language better than marks do: a text about LaTeX has those of LaTeX.
RST = _text_reader(
    (".rst", ".rest"),
    ("text/x-rst",),
    lambda body, charset: read_rst(decode(body, claimed=charset)),
)
ORG = _text_reader(
    (".org",),
    ("text/org", "text/x-org"),
    lambda body, charset: read_org(decode(body, claimed=charset)),
)
TEX = _text_reader(
    (".tex",),
    ("application/x-tex", "text/x-tex"),
    lambda body, charset: read_tex(decode(body, claimed=charset)),
)
ASCIIDOC = _text_reader(
    (".adoc", ".asciidoc"),
    ("text/asciidoc", "text/x-asciidoc"),
    lambda body, charset: read_adoc(decode(body, claimed=charset)),
)
CODE = _text_reader(_CODE_SUFFIXES, _CODE_TYPES, read_code)
SUBTITLES = _text_reader((".srt", ".vtt", ".ass", ".ssa", ".lrc"), _SUBTITLE_TYPES, read_subtitles)
TEXT = FileReader(
    suffixes=(".txt", ".text", ".log", ""),
    media_types=_MEDIA_TYPES,
    fits=fits_text,
    read=read_local_text,
)
