"""Reads a passage element by element and takes the units up that it finds."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from assistant.answer.evidence.plain_text import TextLine, plain_text
from assistant.values import EvidenceKind, Passage
from ingest.text.cjk import CJK
from ingest.text.orders import addresses_a_model
from ingest.text.words import sentence_spans, words

MAX_UNIT_CHARACTERS = 400
"""Characters of a unit of several sentences or items; a longer one is cut into its parts."""
MAX_SENTENCE_CHARACTERS = 600
"""Characters of one sentence; half a sentence is worse to read than a long one."""
MIN_WORDS: Final[Mapping[EvidenceKind, int]] = {"sentence": 4, "list": 2, "row": 2}
"""A shorter one says nothing alone."""
MIN_LABELLED_WORDS = 2
"""The same of "CTO: Raj Patel", a line of a list of contacts."""
_IDEOGRAPH = re.compile(rf"[{CJK}]")
_LABELLED = re.compile(r"\w[^:：\n]{0,30}[:：]\s*\w")
MAX_ABBREVIATION_CHARACTERS = 8
"""Characters before a full stop in which to look for one."""
MIN_WRAP_COLUMNS = 45
"""Columns from which on a line of plain text goes on in the next one."""

STOPS = "。！？.!?`"
"""What a sentence ends in, or one that ends in code."""
FENCE = re.compile(r"\s*(?:[-*+:]\s+|\d{1,3}[.)]\s+)?(```+|~~~+)")
HEADING = re.compile(r" {0,3}#{1,6}\s+(.*)")
ROW = re.compile(r"\s*\|.*\|\s*$")
LINE_RULE = re.compile(r"\s*(?:[-=*_]\s?){3,}$")
ITEM = re.compile(r"\s*(?:[-*+•·]|\d{1,3}[.)、]|[(（]\d{1,3}[)）])\s+(?=\S)")
DESCRIPTION = re.compile(r"\s*:\s+(?=\S)")
OPTION = re.compile(r"\s*(?P<term>-{1,2}[A-Za-z0-9?@#][^\n]*?)(?:\s{2,}(?P<text>\S.*))?$")
_CLAUSE_ENDS = (re.compile(r"[;；]\s*"), re.compile(r"[，,:：]\s*"), re.compile(r"、|\s+"))
"""Where a sentence too long to be shown is cut, at the first of these that it has."""
ABBREVIATION = re.compile(
    r"\b(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|vs|e\.g|i\.e|No|Fig|cf|approx|Jr|Sr|U\.S|Vol|pp?|Ch|Sec|ca"
    r"|Gen|Gov|Sen|Rep|Lt|Col|Sgt|Capt|Rev|Hon|Mt|Ft|Jan|Feb|Aug|Sept?|Oct|Nov|Dec|al|viz|resp)\.$"
)
"""A full stop that ends no sentence: T. T. Tsui."""


Span = tuple[int, int, int]
"""A passage's number, and a character range in its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A piece of a passage that may be shown as evidence."""

    passage: int
    start: int
    end: int
    text: str
    """What is shown: without Markdown but for the fence of code."""
    kind: EvidenceKind
    heading: str = ""
    context: str = ""
    """The lead-in of the list or table that it is a part of."""
    subject: str = ""
    """What it is about by its form: the term that it defines, the first cell of its row."""
    place: int = 0
    """Where it is among the elements of its passage: neighbours differ by one."""

    @property
    def span(self) -> Span:
        """Where its text stands."""
        return self.passage, self.start, self.end


@dataclass(slots=True)
class PassageReader:
    """Where the reading of a passage stands."""

    passage: Passage
    text: str
    lines: Sequence[TextLine]
    heading: str
    lead: tuple[int, int] | None = None
    """The sentence right above, if it may lead to what follows."""
    place: int = 0
    units: list[Unit] = field(default_factory=list)

    def add(
        self,
        start: int,
        end: int,
        text: str,
        kind: EvidenceKind,
        *,
        context: str = "",
        subject: str = "",
    ) -> None:
        """Take a unit up, unless it is a scrap or speaks to a model."""
        text = text.strip()
        least = MIN_WORDS.get(kind, 1)
        if kind == "sentence" and _LABELLED.match(text):
            least = MIN_LABELLED_WORDS
        enough = len(words(text)) >= least
        # As it is written it was looked at before (`blank_orders`); Ig**nore** loses its marks.
        order = text not in self.text[start:end] and addresses_a_model(text)
        if enough and end > start and not order:
            self.units.append(
                Unit(
                    passage=self.passage.number,
                    start=start,
                    end=end,
                    text=text,
                    kind=kind,
                    heading=self.heading,
                    context=context,
                    subject=subject,
                    place=self.place,
                )
            )

    def plain(self, start: int, end: int) -> str:
        """Return a range without Markdown."""
        return plain_text(self.text[start:end])

    def lead_text(self) -> str:
        """Return the sentence right above, "" if it leads to nothing."""
        return self.plain(*self.lead) if self.lead else ""

    def drop_lead(self) -> None:
        """Take back the sentence that leads to code or a list: it is shown with that."""
        if self.lead and self.units and self.units[-1].end == self.lead[1]:
            self.units.pop()

    def sentences(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield the sentences of a range, over the ends of lines that plain text was wrapped at."""
        unwrapped = list(self.text[start:end])
        at = 0
        for line in self.text[start:end].split("\n"):
            at += len(line) + 1
            if (
                at <= len(unwrapped)
                and len(line) >= MIN_WRAP_COLUMNS
                and line.rstrip()[-1:] not in f"{STOPS};；:：…"
            ):
                unwrapped[at - 1] = " "
        begun = None
        for left, right in sentence_spans("".join(unwrapped)):
            begun = start + left if begun is None else begun
            behind = start + right
            tail = max(begun, behind - MAX_ABBREVIATION_CHARACTERS)
            if not ABBREVIATION.search(self.text, tail, behind):
                yield from self._pieces(begun, behind)
                begun = None
        if begun is not None:
            yield from self._pieces(begun, end)

    def _pieces(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield a sentence, cut between clauses where it is longer than a unit may be."""
        while end - start > MAX_SENTENCE_CHARACTERS:
            # Not far before the limit: what is left over should say something, too.
            half, most = start + MAX_SENTENCE_CHARACTERS // 2, start + MAX_SENTENCE_CHARACTERS
            clauses = (list(pattern.finditer(self.text, half, most)) for pattern in _CLAUSE_ENDS)
            cut = next((found[-1].end() for found in clauses if found), most)
            yield start, cut
            start = cut
        if self.text[start:end].strip():
            yield start, end


def columns_of(text: str) -> int:
    """Return how wide a text is: an ideograph takes two columns."""
    return len(text) + len(_IDEOGRAPH.findall(text))


def has_indented_body(lines: Sequence[TextLine], at: int) -> bool:
    """Return whether a short line with deeper lines right below it names what they describe."""
    if at + 1 >= len(lines) or len(lines[at].text.strip()) > MIN_WRAP_COLUMNS:
        return False
    below = lines[at + 1]
    deeper = below.text.strip() and below.indent > lines[at].indent + 1
    return bool(deeper) and not ITEM.match(below.text) and not FENCE.match(below.text)


def begins_element(lines: Sequence[TextLine], at: int) -> bool:
    """Return whether a line ends the paragraph above it."""
    text = lines[at].text
    if not text.strip():
        return True
    patterns = (FENCE, HEADING, ROW, ITEM, DESCRIPTION, LINE_RULE)
    return any(pattern.match(text) for pattern in patterns) or has_indented_body(lines, at)
