"""Plain text, Markdown, source code, subtitles: what people write by hand."""

import re

from ingest.extract.base import UNKNOWN_TYPES, FileContent, FileReader, looks_like_text
from ingest.extract.formats.office_text import parse_day
from ingest.extract.markdown_source import normalize_markdown, split_front_matter
from ingest.text.encodings import decode

_MEDIA_TYPES = ("text/plain",)
_MARKDOWN_TYPES = ("text/markdown", "text/x-markdown")
_MARKUP_TYPES = ("text/x-rst", "text/org", "text/x-org", "application/x-tex", "text/x-tex")
_CODE_TYPES = ("text/x-source", "text/x-python", "text/x-c", "application/javascript")
_SUBTITLE_TYPES = ("application/x-subrip", "text/vtt")
_CODE_SUFFIXES = (
    *(".py", ".pyi", ".js", ".mjs", ".ts", ".tsx", ".jsx", ".java", ".kt", ".c", ".h", ".cc"),
    *(".cpp", ".hpp", ".cs", ".go", ".rs", ".rb", ".php", ".swift", ".scala", ".r", ".jl", ".lua"),
    *(".pl", ".sh", ".bash", ".zsh", ".ps1", ".sql", ".css", ".scss", ".vue", ".yaml", ".yml"),
    *(".toml", ".ini", ".cfg", ".conf", ".xml", ".proto", ".graphql", ".cmake", ".gradle"),
)

_RUBY = re.compile(
    r"(?P<code>```.*?(?:```|\Z)|`[^`\n]*`)"
    r"|<(?P<reading>rp|rt|rtc)\b[^<>]*>[^<>]*</(?P=reading)\s*>|</?(?:ruby|rb|wbr)\b[^<>]*>",
    re.IGNORECASE | re.DOTALL,
)
"""Code, which stays as it is, and HTML that Markdown has within words: see `parse_html`."""
_MARK = re.compile(r"(?m)^(#{1,6})(?=\s)")
_CUE_TIME = re.compile(r"(?m)^(?:\d+[ \t]*\n)?(?:\d+:)?\d\d:\d\d[.,]\d+[ \t]*-->.*\n?")
_CUE_TAG = re.compile(r"<[^<>\n]{1,60}>|\{\\[^{}\n]{1,40}\}")
_ORG_HEADING = re.compile(r"(?m)^(\*{1,6}) (?:TODO |DONE )?(.+)$")
_RST_HEADING = re.compile(r"(?m)^(\S.*)\n([=\-~^\"'`#*+.:_])\2{2,}[ \t]*$")
_TEX_HEADING = re.compile(r"\\((?:sub)*section|chapter|title)\*?\{([^{}]*)\}")
_TEX_LEVELS = {"title": 1, "chapter": 1, "section": 2, "subsection": 3, "subsubsection": 4}
_TEX_NOISE = re.compile(
    r"(?m)(?<!\\)%.*$|\\(?:begin|end|label|cite\w*|ref|usepackage|documentclass)(?:\[[^\]\n]*\])?"
    r"\{[^{}\n]*\}|\\(?:textbf|emph|textit|item|maketitle|noindent)\b|(?<!\\)[{}]"
)


def fits_text(media_type: str, body: bytes) -> bool:
    """Return whether a body sent under this media type is a text."""
    # Servers send text/plain for files of which they know nothing, programs among them, so that
    # even a declared type is checked against the bytes.
    return media_type in UNKNOWN_TYPES.union(_MEDIA_TYPES) and looks_like_text(body)


def read_text(body: bytes, charset: str | None) -> str:
    """Return the text, in the charset that fits the bytes best, without readings of `<ruby>`."""
    text = decode(body, claimed=charset)
    if len(_CUE_TIME.findall(text)) > 1:
        return _cues(text)
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
    """Return what is said in .srt and .vtt files, without its times."""
    return _cues(decode(body, claimed=charset))


def read_markup(body: bytes, charset: str | None) -> str:
    """Return an org, reStructuredText or LaTeX file with headings as Markdown has them."""
    text = decode(body, claimed=charset)
    if "\\section" in text or "\\begin{" in text or "\\documentclass" in text:
        headed = _TEX_HEADING.sub(
            lambda found: f"\n\n{'#' * _TEX_LEVELS.get(found[1], 4)} {found[2]}\n\n", text
        )
        return re.sub(r"\n{3,}", "\n\n", _TEX_NOISE.sub("", headed))
    if _RST_HEADING.search(text):
        marks: list[str] = []

        def heading(found: re.Match[str]) -> str:
            if found[2] not in marks:
                marks.append(found[2])
            return f"{'#' * min(6, marks.index(found[2]) + 1)} {found[1]}"

        return _RST_HEADING.sub(heading, text)
    return _ORG_HEADING.sub(lambda found: f"{'#' * len(found[1])} {found[2]}", text)


def _cues(text: str) -> str:
    """Return the lines of cues as paragraphs: a sentence goes on over several of them."""
    bare = _CUE_TAG.sub("", _CUE_TIME.sub("\n", text.removeprefix("WEBVTT")))
    lines = [" ".join(line.split()) for line in bare.splitlines()]
    return " ".join(filter(None, lines))


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
MARKUP = _text_reader((".rst", ".org", ".tex"), _MARKUP_TYPES, read_markup)
CODE = _text_reader(_CODE_SUFFIXES, _CODE_TYPES, read_code)
SUBTITLES = _text_reader((".srt", ".vtt"), _SUBTITLE_TYPES, read_subtitles)
TEXT = FileReader(
    suffixes=(".txt", ".text", ".log", ""),
    media_types=_MEDIA_TYPES,
    fits=fits_text,
    read=read_local_text,
)
