"""Extraction: strict span and label F1 over whole documents, micro and per label.

As seqeval and CoNLL-2003 count: an entity is right if its label and both its ends are. Windows of
one document are put together first, so that what stands in the text that two of them share counts
once. Replies name entities by their text alone; where it stands is looked up in the record.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finetune.data.formats.entities import parts_of
from finetune.evaluate.metrics.replies import first_json
from finetune.records import Entity, Record

Span = tuple[str, int, int, str]
"""Label, start and end in the document, characters, and "". What stands nowhere in the text has a
start below 0, and its own words instead of ""."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanCounts:
    """Entities of one document or label: `right` are both given and wanted."""

    right: int
    given: int
    wanted: int

    @property
    def precision(self) -> float:
        """Share of what was given that is right; 0 if nothing was."""
        return self.right / self.given if self.given else 0.0

    @property
    def recall(self) -> float:
        """Share of what was wanted that was given; 0 if nothing was wanted."""
        return self.right / self.wanted if self.wanted else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of the two; 1 where nothing was wanted and nothing given."""
        total = self.given + self.wanted
        return 2 * self.right / total if total else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundEntity:
    """The entities of one record: those wanted and those that the reply gave."""

    document: str
    wanted: frozenset[Span]
    given: frozenset[Span]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """Figures over all documents. `documents` has the counts of each."""

    micro: SpanCounts
    macro_f1: float
    per_label: Mapping[str, SpanCounts]
    documents: Mapping[str, SpanCounts]


def named_entities(answer: str) -> list[Entity]:
    """Return the entities that a reply names: [{"label", "text"}, …] or {"label": ["text", …]}."""
    return [
        Entity(label=label.strip(), text=text.strip())
        for label, text in _pairs(first_json(answer))
        if label.strip() and text.strip()
    ]


def found_in(record: Record, answer: str) -> FoundEntity:
    """Return wanted and given entities of a record, as spans of its document."""
    text = _source(record)
    wanted = [entity for entity in record.entities if entity.start >= 0]
    taken = _Places(text, wanted)
    unplaced = [taken.place(entity) for entity in record.entities if entity.start < 0]
    gold = [*wanted, *unplaced]
    places = _Places(text, gold)
    given = [places.place(entity) for entity in named_entities(answer)]
    return FoundEntity(
        document=record.document or record.id,
        wanted=_spans(gold, record.offset),
        given=_spans(given, record.offset),
    )


def entity_text(record: Record, span: Span) -> str:
    """Return label and words of a span of a record's document, for people."""
    label, start, end, lost = span
    return f"{label} {lost or _source(record)[start - record.offset : end - record.offset]}"


def _source(record: Record) -> str:
    """Return the text in which a record's entities stand: its question less the instruction."""
    asked = record.last.user
    return parts_of(asked)[1] or asked


def extraction(records: Iterable[FoundEntity]) -> Extraction:
    """Return the figures over documents, each put together from its windows."""
    wanted: dict[str, set[Span]] = defaultdict(set)
    given: dict[str, set[Span]] = defaultdict(set)
    for found in records:
        wanted[found.document] |= found.wanted
        given[found.document] |= found.given
    documents = {name: _counts(given[name], wanted[name]) for name in wanted}
    labels = sorted({label for spans in (*wanted.values(), *given.values()) for label, *_ in spans})
    per_label = {
        label: _sum(
            _counts(_of(label, given[name]), _of(label, wanted[name])) for name in documents
        )
        for label in labels
    }
    asked_for = [counts.f1 for counts in per_label.values() if counts.wanted]
    return Extraction(
        micro=_sum(documents.values()),
        macro_f1=sum(asked_for) / len(asked_for) if asked_for else 1.0,
        per_label=per_label,
        documents=documents,
    )


class _Places:
    """Gives each mention a place of its own in a text, wanted places first."""

    def __init__(self, text: str, wanted: Sequence[Entity]) -> None:
        self._text = text
        self._wanted = list(wanted)
        self._taken: set[tuple[str, int]] = set()
        self._lost: Counter[tuple[str, str]] = Counter()

    def place(self, entity: Entity) -> Entity:
        """Return the entity at a place where its text stands; else before the text's beginning."""
        start = next(self._free(entity), -1)
        if start < 0:
            self._lost[entity.label, entity.text] += 1
            lost = -self._lost[entity.label, entity.text]
            return Entity(label=entity.label, text=entity.text, start=lost, end=lost)
        self._taken.add((entity.label, start))
        return Entity(
            label=entity.label, text=entity.text, start=start, end=start + len(entity.text)
        )

    def _free(self, entity: Entity) -> Iterator[int]:
        known = (
            one.start
            for one in self._wanted
            if one.label == entity.label and one.text == entity.text and one.start >= 0
        )
        for start in (*known, *_occurrences(self._text, entity.text)):
            if (entity.label, start) not in self._taken:
                yield start


def _occurrences(text: str, part: str) -> Iterator[int]:
    start = text.find(part)
    while start >= 0:
        yield start
        start = text.find(part, start + 1)


def _pairs(value: Any) -> Iterator[tuple[str, str]]:
    """Yield (label, text) of the two shapes that replies have."""
    if isinstance(value, dict) and isinstance(value.get("entities"), list):
        value = value["entities"]
    if isinstance(value, dict) and {"label", "text"} <= value.keys():
        value = [value]
    if isinstance(value, list):
        for one in value:
            if isinstance(one, dict) and "label" in one and "text" in one:
                yield str(one["label"]), str(one["text"])
    elif isinstance(value, dict):
        for label, texts in value.items():
            for text in texts if isinstance(texts, list) else [texts]:
                if isinstance(text, str):
                    yield str(label), text


def _spans(entities: Iterable[Entity], offset: int) -> frozenset[Span]:
    """Return spans of the document. What stands nowhere keeps a place below 0."""
    return frozenset(
        (one.label, one.start + offset, one.end + offset, "")
        if one.start >= 0
        else (one.label, one.start, one.end, one.text)
        for one in entities
    )


def _of(label: str, spans: Iterable[Span]) -> set[Span]:
    return {span for span in spans if span[0] == label}


def _counts(given: set[Span], wanted: set[Span]) -> SpanCounts:
    return SpanCounts(right=len(given & wanted), given=len(given), wanted=len(wanted))


def _sum(counts: Iterable[SpanCounts]) -> SpanCounts:
    all_counts = list(counts)
    return SpanCounts(
        right=sum(one.right for one in all_counts),
        given=sum(one.given for one in all_counts),
        wanted=sum(one.wanted for one in all_counts),
    )
