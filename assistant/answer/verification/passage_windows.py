"""The sentences of a passage, alone, in pairs and in lists, as a claim is compared with them."""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from assistant.answer.verification.numbers.quantities import Quantity
from assistant.answer.verification.overlap import word_shares
from assistant.answer.verification.tokens import SentenceText, read_sentence
from assistant.values import Passage
from ingest.text.language import cjk_share
from ingest.text.table_cells import split_row
from ingest.text.words import sentence_spans

WINDOWS_COMPARED = 2
"""Single sentences, and pairs, of a passage that are aligned with a claim: those with most of its
words. More found nothing on the pairs of bench/verdicts.py."""
MAX_LIST_SENTENCES = 14
"""Sentences of a list, with what leads to it, that are read as one text."""
MAX_SENTENCE_CHARACTERS = 1_500
"""Characters of a passage's sentence that are compared: lines of 100 KB are no sentences."""
CHINESE_SHARE = 0.3
"""Share of CJK characters among the letters of a text, above which its words are Chinese."""
_ITEM = re.compile(r"\s*(?:[-*•·▪]|\d{1,2}[.)、．]|[（(][一二三四五六七八九十\d]{1,3}[)）])\s*\S")


@dataclass(frozen=True, slots=True)
class PassageWindow:
    """One or two neighbouring sentences of a passage."""

    text: SentenceText
    start: int
    end: int
    sentences: tuple[int, ...]
    share: float


class PassageSentences:
    """A passage, read once."""

    def __init__(self, passage: Passage) -> None:
        self.number = passage.number
        self.spans = [
            (start, min(end, start + MAX_SENTENCE_CHARACTERS))
            for start, end in sentence_spans(passage.text)
        ]
        self.sentences: list[SentenceText] = []
        self._rows: dict[int, frozenset[str]] = {}  # of tables: the words of the first cell
        head: SentenceText | None = None
        for index, (start, end) in enumerate(self.spans):
            text = read_sentence(passage.text[start:end])
            # Each row of a table is read behind the head that names its cells.
            if passage.text[start] != "|":
                head = None
            elif head is None:
                head = text
            else:
                first = split_row(passage.text[start:end])[0]
                self._rows[index] = read_sentence(first).words
                text = head.followed_by(text)
            self.sentences.append(text)
        self.lists = list(self._find_lists(passage.text))
        self.head = read_sentence(f"{passage.title}\n{passage.heading}")
        self.chinese = cjk_share(passage.text) > CHINESE_SHARE
        self.keys = frozenset(self.head.keys).union(*(text.keys for text in self.sentences))
        self._pairs: dict[int, SentenceText] = {}
        self._words = [(one.words, one.ideographs) for one in self.sentences]
        self._words_of_pairs = [
            (one.words | two.words, one.ideographs | two.ideographs)
            for one, two in itertools.pairwise(self.sentences)
        ]

    def _find_lists(self, text: str) -> Iterator[range]:
        """Yield the sentences of each list with what leads to it, as a reader sums it up."""
        starts = [*self.spans, (len(text), len(text))]
        first = 0
        for index, (start, _) in enumerate(starts):
            if index < len(self.spans) and _ITEM.match(text, start):
                continue
            # What is before the first item leads to it where it ends so.
            if index - first > 1 and index - first <= MAX_LIST_SENTENCES:
                yield range(first, index)
            begins = index < len(self.spans) and text[start : self.spans[index][1]].rstrip()
            first = index if begins and begins.endswith((":", "：")) else index + 1

    def whole_lists(self, claim: SentenceText, floor: float) -> Iterator[PassageWindow]:
        """Yield each list with what leads to it, as one text."""
        for places in self.lists:
            of_list = [self.sentences[index] for index in places]
            held = frozenset().union(*(one.words for one in of_list))
            spelt = frozenset().union(*(self.sentences[at].ideographs for at in places))
            (share,) = word_shares(claim, [(held, spelt)], self.head.words)
            if share >= floor:
                text = of_list[0]
                for one in of_list[1:]:
                    text = text.followed_by(one)
                start, end = self.spans[places[0]][0], self.spans[places[-1]][1]
                yield PassageWindow(text, start, end, tuple(places), share)

    def figures(self) -> Iterator[Quantity]:
        """Yield all figures of the passage."""
        yield from self.head.figures
        for text in self.sentences:
            yield from text.figures

    def shares(self, claim: SentenceText) -> list[float]:
        """Return the share of the claim's words that each sentence has."""
        return word_shares(claim, self._words, self.head.words)

    def singles(self, shares: Sequence[float], floor: float) -> Iterator[PassageWindow]:
        """Yield each sentence that has enough of a claim's words, given what `shares` returns."""
        for index, share in enumerate(shares):
            if share >= floor:
                yield PassageWindow(self.sentences[index], *self.spans[index], (index,), share)

    def pairs(self, claim: SentenceText, floor: float) -> Iterator[PassageWindow]:
        """Yield each sentence together with the next."""
        for index, share in enumerate(word_shares(claim, self._words_of_pairs, self.head.words)):
            if share < floor:
                continue
            # Two rows say together only what is said of both: 张伟 is not in 李敏's department.
            if self._rows and claim.words:
                rows = (self._rows.get(at) for at in (index, index + 1))
                if any(row is not None and claim.words.isdisjoint(row) for row in rows):
                    continue
            one, two = self.sentences[index : index + 2]
            text = self._pairs.get(index) or self._pairs.setdefault(index, one.followed_by(two))
            start, end = self.spans[index][0], self.spans[index + 1][1]
            yield PassageWindow(text, start, end, (index, index + 1), share)

    def share_around(self, window: PassageWindow, words: frozenset[str]) -> float:
        """Return the share of the words that a window has, or half of it what is around it."""
        first, last = window.sentences[0], window.sentences[-1]
        beside = self.sentences[max(0, first - 1) : first] + self.sentences[last + 1 : last + 2]
        around = self.head.words.union(*(text.words for text in beside)) - window.text.words
        return (len(words & window.text.words) + len(words & around) / 2) / len(words)


def closest_windows(
    claim: SentenceText, windows: Iterable[PassageWindow], floor: float
) -> list[PassageWindow]:
    """Return the windows to align with a claim: those that have most of its words.

    Of equal ones those with most of its figures: the rows of a table share the words of its head.
    """
    near = [window for window in windows if window.share >= floor]
    if len(near) > WINDOWS_COMPARED:
        figures = claim.figures
        near.sort(
            key=lambda w: (-w.share, -sum(any(map(f.equals, w.text.figures)) for f in figures))
        )
    else:
        near.sort(key=lambda window: -window.share)
    return near[:WINDOWS_COMPARED]
