"""Splits a document into chunks: small enough to embed, whole enough to read.

Sections are cut into sentences, rows of tables and lines of code, and as many of these as fit make
a chunk; sentences are merged across paragraphs, as a level for paragraphs leaves a short rest after
each, a quarter more chunks. Langchain's recursive splitter knows none of
the three, and English marks alone end 35 of 37 Chinese chunks in mid-sentence; its separators for
code tell where functions and classes begin.
"""

import bisect
import functools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingest.documents import Chunk, Chunking, Document
from ingest.index.blocks import markdown_blocks
from ingest.index.code_units import code_units
from ingest.index.regions import (
    MAX_LEAD_CHARACTERS,
    MarkdownRegion,
    excerpt,
    markdown_regions,
    region_at,
)
from ingest.web.urls import chunk_id

SPLITTER_VERSION = 2
"""Bump by hand when an unchanged text is cut otherwise, or its chunks get other headings
(`ingest.index.blocks`): stored documents of another version are cut again when they are next
used. `test_cut_of_a_known_text_is_that_of_this_version` fails when it is due."""

MAX_CLUSTER_CHARACTERS = 64
"""Characters that are taken for one grapheme cluster at most; a family of emoji has 11."""

MAX_FLAG_LETTERS = 1000
"""Letters of flags that are counted back, or a text of nothing else would be read at each cut."""

_HEADING = re.compile(r"[ \t]{0,3}#{1,6}\s")
_SENTENCE_END = re.compile(
    r"\n+|[。！？；…!?]+[”’」』）\"')\]]*\s*|\.[”’\"')\]]*\s+"  # lines and sentences
)
_CLAUSE_END = re.compile(r"[，、：；]\s*|[,;:]\s+")
_GAP = re.compile(r"(?<!\d)\s+|\s+(?!\d)")  # not within 1 000 000

_ALWAYS_SHORT = (
    r"Dr|Mr|Mrs|Ms|Mx|Prof|St|Ste|Sr|Jr|Gen|Col|Capt|Lt|Sgt|Rev|Hon|Gov|Sen|Rep|Pres|Mt|Ft|vs|cf"
    r"|e\.g|i\.e|viz|al|(?-i:(?<!\S)[A-Z])|(?:[A-Za-z]\.)+[A-Za-z]"
)
_SHORT_BEFORE_NUMBER = r"No|Nos|Nr|pp?|Figs?|Eqs?|Secs?|Vol|Ch|Art|ca|approx|Ref|Tab|Abb|Ver|v"
_ABBREVIATED = re.compile(
    rf"(?<![\w.])(?:(?P<always>{_ALWAYS_SHORT})|(?P<numbered>{_SHORT_BEFORE_NUMBER}))\.\s*$",
    re.IGNORECASE,
)
_ITEM_NUMBER = re.compile(r"(?:^|\n)[ \t]*\d{1,3}\.\s*$")
MAX_ABBREVIATION_CHARACTERS = 16
"""Characters that are looked at for an abbreviation."""

_GOES_ON = ("\\", ",", "(", "[", "{", "&&", "||", "=", "+")
"""Ends of lines of code whose statement goes on in the next line."""


def current_chunking(*, size: int, overlap: int) -> Chunking:
    """Return how today's `split` cuts into chunks of `size` characters with `overlap` shared."""
    return Chunking(size=size, overlap=overlap, version=SPLITTER_VERSION)


def split(document: Document, *, size: int, overlap: int) -> list[Chunk]:
    """Return the chunks of `document`, in order, at most `size` characters each.

    A chunk may begin with up to `overlap` characters of the one before it, whole sentences only.
    Together the chunks hold all of the text but white space. Each can be read alone: with the head
    of its table, and with fences around its code (`ingest.index.regions.excerpt`).
    """
    blocks = markdown_blocks(document.text)
    starts = [block.start for block in blocks]
    chunks: list[Chunk] = []
    for start, end in _Cutter(document.text, size=size, overlap=overlap).spans():
        # A chunk may span blocks; its heading is that above its first character.
        block = blocks[bisect.bisect_right(starts, start) - 1]
        position = len(chunks)
        chunk = Chunk(
            id=chunk_id(document.url, position),
            url=document.url,
            title=document.title,
            position=position,
            start=start,
            end=end,
            heading=block.heading,
            text=excerpt(
                document.text, start, end, longest_lead=min(size // 2, MAX_LEAD_CHARACTERS)
            ),
        )
        chunks.append(chunk)
    return chunks


def is_within_cluster(text: str, at: int) -> bool:
    """Return whether a cut before `at` would divide what a reader sees as one character.

    The pairs of UAX 29 that matter: marks on letters, joined emoji, their colours of skin, flags,
    syllables of Hangul, and a line end of two characters.
    """
    before, after = text[at - 1], text[at]
    if unicodedata.category(after) in ("Mn", "Me", "Mc") or "\u200d" in (before, after):
        return True
    if "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f":
        return True
    if "\U0001f1e6" <= before <= "\U0001f1ff" and "\U0001f1e6" <= after <= "\U0001f1ff":
        run = at
        while run > max(0, at - MAX_FLAG_LETTERS) and "\U0001f1e6" <= text[run - 1] <= "\U0001f1ff":
            run -= 1
        return (at - run) % 2 == 1  # flags are pairs
    jamo = "\u1100" <= before <= "\u11ff" or "\uac00" <= before <= "\ud7a3"
    return (jamo and "\u1160" <= after <= "\u11ff") or (before, after) == ("\r", "\n")


def follows_abbreviation(text: str, at: int) -> bool:
    """Return whether what is before `at` is "Dr." or the like, which ends no sentence."""
    before = text[max(0, at - MAX_ABBREVIATION_CHARACTERS) : at]
    found = _ABBREVIATED.search(before)
    after = text[at : at + 1]
    if found and (found["always"] or after.isdigit()):
        return True
    # "etc. and", "5 p.m. on", and the number of an item: 1. Open the lid.
    return (before.rstrip().endswith(".") and after.islower()) or bool(_ITEM_NUMBER.search(before))


@dataclass(frozen=True, slots=True)
class _Atom:
    """What is cut only if it is longer than a chunk: a sentence, a row, a statement."""

    start: int
    end: int
    is_heading: bool = False


class _Cutter:
    """Cuts one text."""

    def __init__(self, text: str, *, size: int, overlap: int) -> None:
        self._text = text
        self._size = size
        self._overlap = overlap
        self._regions = markdown_regions(text)

    def spans(self) -> Iterator[tuple[int, int]]:
        """Yield the character range of each chunk, without the white space around it."""
        for section in self._sections():
            current: list[_Atom] = []
            for atom in section:
                parts = list(self._parts(atom, current))
                is_cut = len(parts) > 1 and region_at(self._regions, atom.start) is None
                if is_cut and not all(one.is_heading for one in current):
                    # A long sentence has chunks of its own, or the one before would end within it.
                    yield from self._bare(current)
                    current = []
                for part in parts:
                    if current and not self._fits([*current, part]):
                        yield from self._bare(current)
                        # The atoms at the end of a chunk that the next one, with `part`, repeats.
                        shared: list[_Atom] = []
                        for atom in reversed(current):
                            repeats = part.start - atom.start <= self._overlap
                            if atom.is_heading or not repeats:
                                break
                            if not self._fits([atom, *shared, part]):
                                break
                            shared.insert(0, atom)
                        current = shared
                    current.append(part)
            yield from self._bare(current)

    def _sections(self) -> Iterator[list[_Atom]]:
        """Yield the atoms from each heading to the next; a heading without text goes with that."""
        section: list[_Atom] = []
        has_text = False
        for atom in self._atoms():
            if atom.is_heading and has_text:
                yield section
                section, has_text = [], False
            section.append(atom)
            has_text = has_text or not atom.is_heading
        yield section

    def _atoms(self) -> Iterator[_Atom]:
        """Yield all of the text in atoms, each with the white space behind it."""
        at = 0
        for region in self._regions:
            yield from self._sentences(at, region.start)
            yield from self._lines(region)
            at = region.end
        yield from self._sentences(at, len(self._text))

    def _sentences(self, start: int, end: int) -> Iterator[_Atom]:
        text, begin = self._text, start
        for found in _SENTENCE_END.finditer(text, start, end):
            is_heading = self._is_heading(begin)
            lines = found[0].count("\n")
            # A heading is its whole line; a wrapped line may end in "Dr.", a paragraph not.
            goes_on = not lines if is_heading else follows_abbreviation(text, found.end())
            if goes_on and lines < 2:
                continue
            yield _Atom(begin, found.end(), is_heading)
            begin = found.end()
        if begin < end:
            yield _Atom(begin, end, self._is_heading(begin))

    def _lines(self, region: MarkdownRegion) -> Iterator[_Atom]:
        """Yield the rows of a table, or the statements of code; the edges go with what is next."""
        text, begin, at = self._text, region.start, region.body
        language = region.lead.strip().strip("`~").split(" ", 1)[0] if region.fence else ""
        units = code_units(text, at, region.end, language=language) if language else []
        # A function that fits stays whole, as long as it leaves room for what is shared and fences.
        longest_unit = self._size * 3 // 4 if units else 0
        while at < region.end:
            newline = text.find("\n", at, region.end)
            end = region.end if newline < 0 else newline + 1
            line = text[at:end].rstrip()
            last = text[end : region.end].strip()
            # The fence that closes the code does not stand alone, nor does half a statement.
            closes = region.fence and last.startswith(region.fence)
            goes_on = region.fence and line.endswith(_GOES_ON) and end - begin < self._size // 2
            following = bisect.bisect_left(units, end)
            unit_end = units[following] if following < len(units) else region.end
            is_within = end < unit_end <= begin + longest_unit
            if not (closes or goes_on or is_within) or end >= region.end:
                yield _Atom(begin, end)
                begin = end
            at = end
        if begin < region.end:
            yield _Atom(begin, region.end)

    def _parts(self, atom: _Atom, current: Sequence[_Atom]) -> Iterator[_Atom]:
        """Yield an atom, in parts if it is longer than a chunk, which goes on from `current`."""
        region = region_at(self._regions, atom.start)
        remaining = self._size
        if region is not None:
            lead = len(region.lead)
            remaining -= lead if lead <= self._longest_lead else 0
            remaining = max(remaining - (len(region.fence) + 1 if region.fence else 0), 1)
        start, first = atom.start, remaining
        if current and all(one.is_heading for one in current):
            # A heading is no chunk of its own: it takes as much of what it heads as fits.
            left_size = self._size - (atom.start - current[0].start)
            first = left_size if left_size >= self._size // 4 else remaining
        ends = [atom.end]
        if region is None and len(self._text[start : atom.end].rstrip()) > first:
            # Clauses are packed and shared as sentences are.
            clauses = _CLAUSE_END.finditer(self._text, start, atom.end)
            inner = (found.end() for found in clauses)
            ends[:0] = [
                e for e in inner if e < atom.end and not follows_abbreviation(self._text, e)
            ]
        for end in ends:
            while len(self._text[start:end].rstrip()) > first:
                cut_at = self._cut(start, start + first)
                yield _Atom(start, cut_at, atom.is_heading)
                start, first = cut_at, remaining
            yield _Atom(start, end, atom.is_heading)
            start, first = end, remaining

    def _cut(self, start: int, limit: int) -> int:
        """Return where to cut a long atom, behind `start` and at `limit` at the latest."""
        text = self._text
        half = start + (limit - start) // 2
        for end in reversed([found.end() for found in _GAP.finditer(text, start, limit)]):
            if end > start and not follows_abbreviation(text, end):
                return end
        # A wall of characters: at best between two words or numbers, else between two characters.
        for at in range(limit, half, -1):
            if not is_within_word(text, at) and not is_within_cluster(text, at):
                return at
        for at in range(limit, max(start, limit - MAX_CLUSTER_CHARACTERS), -1):
            if not is_within_cluster(text, at):
                return at
        return limit

    def _fits(self, atoms: Sequence[_Atom]) -> bool:
        start, end = self._stripped(atoms[0].start, atoms[-1].end)
        if end - start > self._size:
            return False
        remaining = self._size - (end - start)
        if (first := region_at(self._regions, start)) and first.body <= start:
            remaining -= len(first.lead) if len(first.lead) <= self._longest_lead else 0
        last = region_at(self._regions, end)
        if last and last.fence and last.body <= end:
            remaining -= 1 + len(last.fence)
        return remaining >= 0

    def _bare(self, atoms: Sequence[_Atom]) -> Iterator[tuple[int, int]]:
        if atoms:
            start, end = self._stripped(atoms[0].start, atoms[-1].end)
            if start < end:
                yield start, end

    def _stripped(self, start: int, end: int) -> tuple[int, int]:
        part = self._text[start:end]
        start += len(part) - len(part.lstrip())
        return start, max(start, start + len(part.strip()))

    def _is_heading(self, at: int) -> bool:
        is_line = at == 0 or self._text[at - 1] == "\n"
        return is_line and _HEADING.match(self._text, at) is not None

    @functools.cached_property
    def _longest_lead(self) -> int:
        return min(self._size // 2, MAX_LEAD_CHARACTERS)


def is_within_word(text: str, at: int) -> bool:
    """Return whether a cut before `at` would divide a word in letters, or a number: 1,234.5."""
    around = text[max(0, at - 2) : at + 2]
    before, after = text[at - 1], text[at : at + 1]
    if re.fullmatch(r"\d[.,]\d.?|.?\d[.,]\d", around, re.DOTALL):
        return True
    letters = [c.isalnum() and not "\u2e80" <= c <= "\u9fff" for c in before + after]
    return len(letters) > 1 and all(letters)
