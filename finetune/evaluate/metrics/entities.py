"""Extraction: strict span and label F1 over whole documents, micro and per label.

As seqeval and CoNLL-2003 count: an entity is correct if its label and both its ends are. Windows of
one document are merged first, so that an entity in the text that two of them share counts once.
Replies name entities by their text alone; its position is looked up in the record.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finetune.data.formats.entities import split_prompt
from finetune.evaluate.metrics.answer_json import find_first_json
from finetune.records import Entity, Record

Span = tuple[str, int, int, str]
"""Label, start and end in the document (characters), and "". For an entity that the text does not
hold start and end are below 0, and its text is in place of ""."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanCounts:
    """Numbers of entities of one document or label: `correct` are both given and expected."""

    correct: int
    given: int
    expected: int

    @property
    def precision(self) -> float:
        """Share of given entities that are correct; 0 if none was given."""
        return self.correct / self.given if self.given else 0.0

    @property
    def recall(self) -> float:
        """Share of expected entities that were given; 0 if none was expected."""
        return self.correct / self.expected if self.expected else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of the two; 1 if no entity was expected and none given."""
        total = self.given + self.expected
        return 2 * self.correct / total if total else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordEntities:
    """The entities of one record: those expected and those that the reply gave."""

    document: str
    expected: frozenset[Span]
    given: frozenset[Span]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """Figures over all documents; `documents` holds the counts of each."""

    micro: SpanCounts
    macro_f1: float
    per_label: Mapping[str, SpanCounts]
    documents: Mapping[str, SpanCounts]


def parse_entities(answer: str) -> list[Entity]:
    """Return the entities in a reply: [{"label", "text"}, …] or {"label": ["text", …]}."""
    value = find_first_json(answer)
    # Some models wrap the list as tool calls do, some give a single entity without a list.
    if isinstance(value, dict) and isinstance(value.get("entities"), list):
        value = value["entities"]
    if isinstance(value, dict) and {"label", "text"} <= value.keys():
        value = [value]
    pairs: list[tuple[Any, Any]] = []
    if isinstance(value, list):
        rows = [one for one in value if isinstance(one, dict) and {"label", "text"} <= one.keys()]
        pairs = [(one["label"], one["text"]) for one in rows]
    elif isinstance(value, dict):
        lists = {label: one if isinstance(one, list) else [one] for label, one in value.items()}
        pairs = [(label, text) for label in lists for text in lists[label] if isinstance(text, str)]
    stripped = [(str(label).strip(), str(text).strip()) for label, text in pairs]
    return [Entity(label=label, text=text) for label, text in stripped if label and text]


def locate_entities(record: Record, answer: str) -> RecordEntities:
    """Return expected and given entities of a record, as spans of its document."""
    text = _source_text(record)
    located = [entity for entity in record.entities if entity.start >= 0]
    # Some data sets give entities without offsets: they are placed around those that have some.
    locator = _EntityLocator(text, located)
    gold = [*located, *(locator.locate(one) for one in record.entities if one.start < 0)]
    locator = _EntityLocator(text, gold)
    given = [locator.locate(entity) for entity in parse_entities(answer)]
    return RecordEntities(
        document=record.document or record.id,
        expected=_spans(gold, record.offset),
        given=_spans(given, record.offset),
    )


def entity_text(record: Record, span: Span) -> str:
    """Return label and text of a span of a record's document, for people."""
    label, start, end, absent = span
    return f"{label} {absent or _source_text(record)[start - record.offset : end - record.offset]}"


def _source_text(record: Record) -> str:
    """Return the text that a record's entities are in: its question without the instruction."""
    question = record.last.user
    return split_prompt(question)[1] or question


def score_extraction(records: Iterable[RecordEntities]) -> Extraction:
    """Return the figures over documents, each merged from its windows."""
    expected: dict[str, set[Span]] = defaultdict(set)
    given: dict[str, set[Span]] = defaultdict(set)
    for one in records:
        expected[one.document] |= one.expected
        given[one.document] |= one.given
    documents = {name: _count_spans(given[name], expected[name]) for name in expected}
    spans = [span for group in (*expected.values(), *given.values()) for span in group]
    per_label = {
        label: _sum_counts(
            _count_spans(given[name], expected[name], label=label) for name in documents
        )
        for label in sorted({label for label, *_ in spans})
    }
    # Over expected labels alone: one that replies invent lowers micro precision, and is no class.
    f1s = [counts.f1 for counts in per_label.values() if counts.expected]
    return Extraction(
        micro=_sum_counts(documents.values()),
        macro_f1=sum(f1s) / len(f1s) if f1s else 1.0,
        per_label=per_label,
        documents=documents,
    )


class _EntityLocator:
    """Assigns each entity a position of its own in a text, those of `expected` first."""

    def __init__(self, text: str, expected: Sequence[Entity]) -> None:
        self._text = text
        self._expected = list(expected)
        self._taken: set[tuple[str, int]] = set()
        self._absent: Counter[tuple[str, str]] = Counter()

    def locate(self, entity: Entity) -> Entity:
        """Return the entity with offsets, below 0 if the text does not hold it (any more)."""
        starts = [
            one.start
            for one in self._expected
            if one.label == entity.label and one.text == entity.text and one.start >= 0
        ]
        start = self._text.find(entity.text)
        while start >= 0:
            starts.append(start)
            # From the next character on: occurrences may overlap, as "哈哈" in "哈哈哈".
            start = self._text.find(entity.text, start + 1)
        free = (start for start in starts if (entity.label, start) not in self._taken)
        if (start := next(free, -1)) < 0:
            # A number of its own for each: given twice too often, it is twice wrong.
            self._absent[entity.label, entity.text] += 1
            absent = -self._absent[entity.label, entity.text]
            return Entity(label=entity.label, text=entity.text, start=absent, end=absent)
        self._taken.add((entity.label, start))
        return Entity(
            label=entity.label, text=entity.text, start=start, end=start + len(entity.text)
        )


def _spans(entities: Iterable[Entity], offset: int) -> frozenset[Span]:
    """Return spans of the document, of which a record may be the window from `offset` on."""
    return frozenset(
        (one.label, one.start + offset, one.end + offset, "")
        if one.start >= 0
        else (one.label, one.start, one.end, one.text)
        for one in entities
    )


def _count_spans(given: set[Span], expected: set[Span], *, label: str | None = None) -> SpanCounts:
    if label is not None:
        given = {span for span in given if span[0] == label}
        expected = {span for span in expected if span[0] == label}
    return SpanCounts(correct=len(given & expected), given=len(given), expected=len(expected))


def _sum_counts(counts: Iterable[SpanCounts]) -> SpanCounts:
    all_counts = list(counts)
    return SpanCounts(
        correct=sum(one.correct for one in all_counts),
        given=sum(one.given for one in all_counts),
        expected=sum(one.expected for one in all_counts),
    )
