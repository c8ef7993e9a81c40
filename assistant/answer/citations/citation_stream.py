"""A streamed answer with its sentences checked, and its markers made true.

The answer is read in units (`assistant.answer.citations.answer_units`). A sentence is shown while
it comes; only from its first marker, or its end, on it is held back until the next one begins, for
then it is known whether the passage that the marker names supports it.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assistant.answer import verification
from assistant.answer.citations.answer_units import UnitScanner
from assistant.answer.citations.markers import AnswerUnit
from assistant.answer.citations.sections import section_of
from assistant.answer.citations.source_lists import SourceListFilter
from assistant.answer.verification.claims import says_not_there
from assistant.answer.verification.trust import TrustCount
from assistant.values import Citation, Passage, SentenceVerdict, Unsupported
from ingest.text.cjk import CJK

MAX_SENTENCE_CHARACTERS = 1_500
"""Characters of a sentence that are checked, so that a runaway answer costs no more than its
length."""
MAX_HELD_UNITS = 400
"""Units of a sentence that are held back behind a marker; then it is shown as it is."""
MAX_CITED_NUMBERS = 8
"""Numbers of one sentence that are checked."""

_OWN_MACHINE = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?(?:[/?#]|\Z)")
_TOUCHING = re.compile(rf"[{CJK}）】」』”]$")
_LETTERS = re.compile(r"\w")
_SCHEME = re.compile(r"(?:(?P<name>[A-Za-z][A-Za-z0-9+.-]*):)?(?://)?")
_KNOWN_SCHEMES = frozenset({"http", "https", "ftp", "mailto"})
"""Schemes of links that are kept; a passage may hold "javascript:", too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSentence:
    """A sentence of the answer, and where it ends."""

    text: str
    """Without its markers."""
    verdict: SentenceVerdict
    end: int
    """Characters of the answer that are shown up to there, its markers included."""
    shown: bool
    """False: it was left out."""


class CitationStream:
    """Rewrites a streamed answer so that each marker points to a passage that says so.

    `[n]`, `[1, 2]`, `[1-3]`, `【1】`, `[^1]`, `[Source 2]`, `(Source 2)`, `①` and their like all
    become `[n]`. A number whose passage does not support the sentence is replaced by one that does,
    or dropped; a supported sentence without a marker gets one. Numbers that no passage has, lists
    of sources and addresses that are in no passage are left out. Code and indices such as `a[0]`
    stay as they are.
    """

    def __init__(
        self,
        passages: Sequence[Passage],
        *,
        attach: bool = True,
        unsupported: Unsupported = "mark",
        question: str = "",
        quoted: bool = False,
        quotes: Mapping[int, int] | None = None,
    ) -> None:
        """Read the passages.

        Args:
            passages: What the answer was made from, and may cite.
            attach: False: add no markers, only check those that are there.
            unsupported: "drop" leaves sentences out that no passage supports; "mark" leaves the
                text alone: a front end puts its sign where `CheckedSentence.end` says.
            question: What is answered. Addresses that it names may be in the answer.
            quoted: Code made the answer of the passages' own words, so that its markers are right
                and there is nothing to check.
            quotes: By passage, where what is quoted of it ends: sources are named by its section.
        """
        self._quotes = quotes or {}
        self._passages = {passage.number: passage for passage in passages}
        self._question = question
        self._addresses = "\n".join([question, *(f"{p.url}\n{p.text}" for p in passages)])
        self._attach = attach
        self._quoted = quoted
        self._drop = unsupported == "drop"
        self._scanner = UnitScanner(quoted=quoted)
        self._lists = SourceListFilter(passage.title for passage in passages)
        self._shown = _ShownText()
        self._cited: set[int] = set()
        self._supported_to: dict[int, int] = {}  # by passage, where the first support ends
        self._checked: list[CheckedSentence] = []
        self.trust = TrustCount()
        """Counts of the finished sentences."""
        self._sentence = ""  # the current sentence so far, without markers and end
        self._mark = ""  # its punctuation
        self._held: list[AnswerUnit] = []  # its units from the first marker, or the end, on
        self._segments: list[str] = []  # what is before each marker that is held
        self._nouns: set[int] = set()
        self._in_table = False

    @functools.cached_property
    def _verifier(self) -> "verification.SentenceVerifier":
        # At the first claim: it takes .1 s, for which a model would begin later; quotes need none.
        passages = tuple(self._passages.values())
        return verification.SentenceVerifier(passages, question=self._question)

    def feed(self, text: str) -> str:
        """Take the next piece of the answer; return what may be shown of it."""
        units = self._scanner.feed(text)
        # What a page calls its sources is what it says, and stays.
        for unit in units if self._quoted else self._lists.filter(units):
            self._handle(unit)
        return self._shown.pop_text()

    def close(self) -> str:
        """Return the rest of the answer."""
        units = self._scanner.feed("", final=True)
        for unit in units if self._quoted else self._lists.filter(units, final=True):
            self._handle(unit)
        self._finish_sentence()
        return self._shown.pop_text(final=True)

    def pop_checked(self) -> list[CheckedSentence]:
        """Return the sentences that were finished since the last call."""
        checked, self._checked = self._checked, []
        return checked

    def citations(self) -> tuple[Citation, ...]:
        """Return the passages that the answer points to so far, by number."""
        passages = [self._passages[number] for number in sorted(self._cited)]
        ends = {n: self._supported_to.get(n) or self._quotes.get(n, 0) for n in self._cited}
        return tuple(
            Citation(
                number=each.number,
                url=each.url,
                title=each.title,
                fetched_at=each.fetched_at,
                published=each.published,
                modified=each.modified,
                heading=section_of(each, ends[each.number]),
                page=each.page_at(ends[each.number]),
            )
            for each in passages
        )

    def _handle(self, unit: AnswerUnit) -> None:
        if unit.kind in ("newline", "code"):
            self._finish_sentence()
            self._shown.add(unit.text, breaks=unit.kind == "newline")
        elif unit.kind == "marker" and not unit.noun:
            last = next((held for held in reversed(self._held) if held.kind != "space"), None)
            if last and last.kind == "marker" and last.numbers == unit.numbers:
                # Said twice, and a runaway model says it for ever.
                while self._held[-1].kind == "space":
                    self._held.pop()
                return
            self._held.append(unit)
            self._segments.append(self._sentence)
            if len(self._held) > MAX_HELD_UNITS:
                self._finish_sentence()
        elif unit.kind == "end":
            if self._mark and self._held and self._held[-1].kind != "marker":
                self._finish_sentence()
            self._mark = self._mark or unit.text
            self._held.append(unit)
        else:
            self._handle_text(unit)

    def _handle_text(self, unit: AnswerUnit) -> None:
        """Take a word, white space, or what is in a sentence like a word."""
        if unit.kind in ("address", "link"):
            unit = self._checked_address(unit)
        if unit.kind != "space" and self._mark and unit.text:
            # A word after an end begins the next sentence: only now is it sure that no marker
            # follows the end, so only now may one be attached.
            self._finish_sentence()
        if unit.kind == "marker":
            self._nouns.update(number for number in unit.numbers if number in self._passages)
            unit = AnswerUnit("word", unit.text)  # the sentence cannot do without it
        if not self._mark and len(self._sentence) < MAX_SENTENCE_CHARACTERS:
            self._sentence += unit.text
        if not self._held and not self._drop:
            self._shown.unit(unit)
            return
        self._held.append(unit)
        if len(self._held) > MAX_HELD_UNITS:
            self._finish_sentence()

    def _checked_address(self, unit: AnswerUnit) -> AnswerUnit:
        """Return a link or an address as text, without what is in no passage."""
        address = unit.address.rstrip("/")
        scheme = _SCHEME.match(address)
        assert scheme, "it may be empty"
        bare = address[scheme.end() :]
        known = (scheme["name"] or "https").lower() in _KNOWN_SCHEMES
        # Whole: example.co is in no passage that has example.com.
        whole = rf"(?<![A-Za-z0-9-]){re.escape(bare)}(?![A-Za-z0-9_-]|\.[A-Za-z0-9])"
        held = known and bare and re.search(whole, self._addresses)
        # An anchor leads nowhere else, and this machine is the reader's own.
        if held or address.startswith("#") or _OWN_MACHINE.match(bare):
            return AnswerUnit("word", unit.text)
        # Its label is still what the model says; an address by itself leaves nothing.
        return AnswerUnit("word", unit.label) if unit.label else AnswerUnit("address", "")

    def _finish_sentence(self) -> None:
        """Check the sentence that ends here, and show what was held back of it."""
        text = self._sentence
        held_units, segments = self._held, self._segments
        nouns, mark = self._nouns, self._mark
        self._sentence = self._mark = ""
        self._held, self._segments, self._nouns = [], [], set()
        row = text.lstrip().startswith("|")
        head = row and not self._in_table
        self._in_table = row
        if not text.strip() and not held_units:
            return
        cited = [number for unit in held_units if unit.kind == "marker" for number in unit.numbers]
        valid = [number for number in dict.fromkeys(cited) if number in self._passages]
        whole = text.rstrip() + mark
        verdict = (
            SentenceVerdict(kind="no_claim")
            if self._quoted or head  # what names the columns of a table claims nothing
            else self._verifier.check(whole, [*valid, *sorted(nouns)][:MAX_CITED_NUMBERS])
        )
        if verdict.kind == "unsupported" and self._drop:
            self._shown.drop()
            self._note(whole, verdict, shown=False)
            return
        if verdict.passage:
            self._supported_to.setdefault(verdict.passage, verdict.end)
        # "According to [1], …" stays as it is written, and counts if [1] is what supports it.
        if verdict.passage in nouns:
            self._cited.update(nouns & {verdict.passage})
        chosen_numbers = self._chosen(text + mark, segments, held_units, verdict)
        attached = None
        if not valid and not nouns and self._attach and verdict.kind == "supported":
            attached = None if row else verdict.passage
        self._show_held(held_units, chosen_numbers, text, attached)
        self._note(whole, verdict, shown=True)

    def _note(self, sentence: str, verdict: SentenceVerdict, *, shown: bool) -> None:
        """Remember the verdict on a sentence, all of which is shown now."""
        if self._quoted or not _LETTERS.search(sentence):
            return
        self.trust.add(verdict, dropped=not shown)
        self._checked.append(
            CheckedSentence(
                text=sentence.strip(), verdict=verdict, end=self._shown.length, shown=shown
            )
        )

    def _chosen(
        self,
        sentence: str,
        segments: Sequence[str],
        held: Sequence[AnswerUnit],
        verdict: SentenceVerdict,
    ) -> list[tuple[int, ...]]:
        """Return for each marker that is held the numbers that it is shown with."""
        markers = [
            tuple(dict.fromkeys(n for n in unit.numbers if n in self._passages))
            for unit in held
            if unit.kind == "marker"
        ]
        if verdict.kind == "no_claim":
            # What says that nothing is there cites nothing, whatever the model wrote.
            nothing = says_not_there(sentence) and not self._quoted
            return [()] * len(markers) if nothing else markers
        is_supported_by: dict[tuple[str, int], bool] = {}

        def supports(text: str, number: int) -> bool:
            key = (text, number)
            if key not in is_supported_by:
                # Bounded: a sentence with more numbers than this means none of them.
                enough = len(is_supported_by) >= 2 * MAX_CITED_NUMBERS
                found = None if enough else self._verifier.check(text, (number,))
                is_supported_by[key] = (
                    found is not None
                    and found.passage == number
                    and found.kind in ("supported", "unchecked")
                )
            return is_supported_by[key]

        chosen_numbers = []
        past = ""
        for marker, segment in zip(markers, segments, strict=True):
            part = segment[len(past) :] if segment.startswith(past) else segment
            past = segment
            kept_numbers = [n for n in marker if n == verdict.passage or supports(sentence, n)]
            if not kept_numbers and part.strip() and part.strip() != sentence.strip():
                # One of several clauses, each with a marker of its own.
                kept_numbers = [n for n in marker if supports(part, n)]
            chosen_numbers.append(tuple(kept_numbers))
        moved = verdict.passage if self._attach and verdict.kind == "re_attached" else None
        if moved and any(markers) and not any(moved in numbers for numbers in chosen_numbers):
            last = max(i for i, numbers in enumerate(markers) if numbers)
            chosen_numbers[last] = (*chosen_numbers[last], moved)
        return chosen_numbers

    def _show_held(
        self,
        held: Sequence[AnswerUnit],
        chosen: Sequence[tuple[int, ...]],
        text: str,
        attached: int | None,
    ) -> None:
        """Show the units that were held back, with the markers chosen."""
        markers = iter(chosen)
        # A marker of ours is before the full stop, and where there is none behind the words.
        words = [index for index, unit in enumerate(held) if unit.kind not in ("space", "end")]
        ends = [index for index, unit in enumerate(held) if unit.kind == "end"]
        place = ends[0] if ends else words[-1] + 1 if words else 0
        for index, unit in enumerate([*held, AnswerUnit("space", "")]):
            if attached is not None and index == place:
                self._cited.add(attached)
                touching = _TOUCHING.search(text.rstrip())
                self._shown.attach(f"[{attached}]" if touching else f" [{attached}]")
            if unit.kind == "marker":
                numbers = next(markers)
                self._cited.update(numbers)
                self._shown.marker("".join(f"[{number}]" for number in numbers))
                continue
            self._shown.unit(unit)


class _ShownText:
    """What a reader sees, without the gaps that dropped markers and addresses leave."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self.length = 0
        """Characters shown so far, those that were taken included."""
        self._space = ""  # white space held back: it goes with a marker that is dropped
        self._ignore_space = False  # a marker between two spaces was dropped
        self._line_begun = False
        self._dropped = False  # the sentence before was left out

    def unit(self, unit: AnswerUnit) -> None:
        """Show a unit as it is."""
        if unit.kind == "space":
            self._space += "" if self._ignore_space else unit.text
        elif unit.kind == "address":
            self.marker("")
        else:
            if self._ignore_space and unit.kind != "word":
                self._space = ""  # "text [9]." becomes "text."
            elif self._ignore_space and unit.text[:1] in ",;:，；：、)）":
                self._space = ""
            self.add(unit.text)

    def add(self, text: str, *, breaks: bool = False) -> None:
        """Show text, behind the white space that is held back."""
        if breaks and (self._ignore_space or self._dropped):
            self._space = ""
        if breaks and self._dropped and not self._line_begun:
            # A line of which every sentence was left out goes whole.
            self._dropped = False
            return
        self._ignore_space = self._dropped = False
        self._append(self._space + text)
        self._space = ""
        self._line_begun = not text.endswith("\n")

    def marker(self, marks: str) -> None:
        """Show markers, or none where there were some."""
        if marks:
            self._ignore_space = False
            self._append(self._space + marks)
            self._space = ""
            self._line_begun = True
        else:
            # A number that no passage has never reaches the reader, nor the gap that it leaves.
            self._ignore_space = bool(self._space) or not self._line_begun

    def attach(self, marks: str) -> None:
        """Show a marker of ours, before the white space that is held back."""
        self._append(marks)
        self._line_begun = True

    def drop(self) -> None:
        """Leave out the sentence that was to be shown next."""
        self._dropped = True
        self._ignore_space = True

    def pop_text(self, *, final: bool = False) -> str:
        """Return what may be shown since the last call."""
        if final:
            self._append(self._space)
        text = "".join(self._out)
        self._out = []
        return text

    def _append(self, text: str) -> None:
        self._out.append(text)
        self.length += len(text)
