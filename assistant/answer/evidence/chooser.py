"""Chooses the blocks of the passages that answer a question, before any model speaks."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from assistant.answer.evidence.answer_types import MEASURES
from assistant.answer.evidence.answerability import answerability_of
from assistant.answer.evidence.other_language import choose_across_languages, is_legible
from assistant.answer.evidence.passage_reader import Unit, columns_of
from assistant.answer.evidence.scoring import Scored, TermWeights, score_units
from assistant.answer.evidence.units import split_into_units
from assistant.values import (
    AnswerEvidence,
    BlockScore,
    EvidenceBlock,
    EvidenceSignals,
    Passage,
    UnitSimilarity,
)
from ingest.text.words import words

MAX_BLOCKS = 4
MAX_ROWS = 4
"""Rows of one table, in one block."""
NEAREST_BLOCKS = 2
"""Where the passages do not seem to answer: enough to see what they speak of instead."""
# Chosen on every second question of XQuAD in two languages (bench/quotes.py) and on one half of
# bench/manuals.json.
MIN_SCORE_SHARE = 0.45
"""Share of the best block's score: a candidate that fits far less is off topic, and so are all that
follow it."""
MIN_JOINED_SCORE_SHARE = 0.5
"""The same for a sentence that joins the block beside it instead of standing for itself."""
MIN_JOINED_FIT_SHARE = 0.1
MIN_FIT_SHARE = 0.2
"""Share of the block's (the best block's) fit that a sentence must have itself: one that owes its
score to its passage is off topic, unless it has what is asked for."""
DISTINCTIVE_TYPES = MEASURES | {"date", "count", "frequency"}
"""Kinds of answer that few texts hold by chance, unlike a capital (a person) or "is"."""
MAX_BLOCK_COLUMNS = 600
"""Columns of joined sentences; an ideograph takes two."""
ALIKE = 0.8
"""Share of common words from which on two blocks say the same."""
GAP = 2
"""Characters of white space between sentences of one paragraph."""
MARKED_GAP = 10
"""Characters between items of one list, with the line break and the mark of the second."""
CUT_BLOCK = 900
"""Characters of a block at most: of a sentence without an end, or of long code."""


def _head_of(row: Unit) -> str:
    """Return the head that a row is shown with, "" where its table has none."""
    head, parted, _ = row.text.partition("\n")
    return head if parted else ""


@dataclass(slots=True)
class _GrowingBlock:
    """A block while it grows."""

    unit: Unit
    words: frozenset[str]
    fit: float
    covered: float = 0.0
    score: float = 0.0
    typed: float = 0.0
    parts: BlockScore | None = None
    rows: list[Unit] = field(default_factory=list)
    """Those of its table that it shows."""

    @classmethod
    def begun_with(cls, one: Scored) -> Self:
        """Return the block that one unit is."""
        return cls(
            unit=one.unit,
            words=one.words,
            fit=one.fit,
            covered=one.covered,
            score=one.score,
            typed=one.typed,
            parts=one.parts,
        )

    def __post_init__(self) -> None:
        """Begin with the row that the block is, if it is one."""
        self.rows = [self.unit] if self.unit.kind == "row" else []

    def is_same_table(self, unit: Unit) -> bool:
        """Return whether both are rows under one head."""
        return (
            self.unit.kind == unit.kind == "row"
            and (self.unit.passage, self.unit.heading) == (unit.passage, unit.heading)
            and _head_of(self.unit) == _head_of(unit) != ""
        )

    def join_row(self, scored: Scored) -> None:
        """Take a further row up, behind those that fit better."""
        self.words |= scored.words
        self.fit = max(self.fit, scored.fit)
        self.covered = max(self.covered, scored.covered)
        self.rows.append(scored.unit)
        rows = [unit.text.split("\n")[-1] for unit in self.rows]
        self.unit = replace(
            self.unit,
            start=min(unit.start for unit in self.rows),
            end=max(unit.end for unit in self.rows),
            text="\n".join([_head_of(self.unit), *rows]),
        )

    def touches(self, unit: Unit) -> bool:
        """Return whether both are sentences of a paragraph, or items of a list, side by side."""
        own = self.unit
        gap = MARKED_GAP if own.kind == "list" and own.context else GAP
        is_same_kind = own.kind == unit.kind and own.kind in ("sentence", "list")
        place = (own.passage, own.heading, own.context)
        is_same_place = place == (unit.passage, unit.heading, unit.context)
        is_adjacent = 0 <= unit.start - own.end <= gap or 0 <= own.start - unit.end <= gap
        return is_same_kind and is_same_place and is_adjacent

    def is_within(self, unit: Unit) -> bool:
        """Return whether the other is this block and more: the sentence that points back to it."""
        own = self.unit
        return own.passage == unit.passage and unit.start <= own.start and own.end <= unit.end

    def overlaps(self, unit: Unit) -> bool:
        """Return whether both show the same text."""
        own = self.unit
        return own.passage == unit.passage and own.start < unit.end and unit.start < own.end

    def repeats(self, scored: Scored) -> bool:
        """Return whether the other says the same, in another passage nearly the same."""
        # Within a page, lines that differ in one word (hold, unhold) say different things.
        if self.unit.passage == scored.unit.passage:
            return self.words == scored.words
        common = len(self.words & scored.words)
        return common >= ALIKE * min(len(self.words), len(scored.words))

    def signals(self, weights: TermWeights) -> EvidenceSignals:
        """Return what spoke for the block, for a reader who asks why it is shown."""
        held = sorted(self.words & weights.shares.keys(), key=lambda term: -weights.shares[term])
        return EvidenceSignals(
            terms=tuple(held),
            asked=weights.types[0].name if weights.types else "",
            typed=self.typed,
            score=self.score,
            parts=self.parts,
        )

    def join(self, scored: Scored) -> None:
        """Take the neighbour's text up, in the order of the passage."""
        self.words |= scored.words
        self.fit = max(self.fit, scored.fit)
        self.covered = max(self.covered, scored.covered)
        self.typed = max(self.typed, scored.typed)
        if self.is_within(scored.unit):
            self.unit = scored.unit
            return
        first, second = sorted((self.unit, scored.unit), key=lambda unit: unit.start)
        gap = " " if first.text[-1:].isascii() or second.text[:1].isascii() else ""
        gap = "\n" if first.kind == "list" else gap
        self.unit = replace(first, end=second.end, text=f"{first.text}{gap}{second.text}")


def choose_evidence(
    question: str, passages: Sequence[Passage], *, compared: Sequence[UnitSimilarity] = ()
) -> AnswerEvidence:
    """Return the few blocks that answer the question, best first, none twice.

    At most `MAX_BLOCKS`, and none behind the first that is off topic. Each has the number of its
    passage and its exact character range there. By words the choice does not depend on what other
    passages there are; which units were compared does, and so does whether the question is
    answerable.

    Args:
        question: As the passages were found by it.
        passages: Best first.
        compared: Similarities of units (`compare_units`); () for words alone.
    """
    weights = TermWeights.of(question, compared)
    legible = [
        passage for passage in passages if is_legible(passage, question, weights.shares.keys())
    ]
    units = [split_into_units(passage) for passage in legible]
    scored = score_units(weights, legible, units)
    answerability = answerability_of(weights, legible, scored)
    if answerability == "nothing":
        # Passages in another language may have what those in the question's do not.
        across, answerability = choose_across_languages(weights, passages, most=NEAREST_BLOCKS)
        foreign = [_GrowingBlock(unit, frozenset(words(unit.text)), 0.0) for unit in across]
        return AnswerEvidence(
            blocks=tuple(_shown(block, number) for number, block in enumerate(foreign, start=1)),
            answerability=answerability,
        )
    # The score orders the blocks; whether there should be any is no question of their order.
    blocks = _grown_blocks(scored, weights.types[0].name if weights.types else "")
    if answerability == "nearest":
        blocks = blocks[:NEAREST_BLOCKS]
    return AnswerEvidence(
        blocks=tuple(
            replace(_shown(block, number), signals=block.signals(weights))
            for number, block in enumerate(blocks, start=1)
        ),
        answerability=answerability if blocks else "nothing",
    )


def _grown_blocks(scored: Sequence[Scored], asked_for: str) -> list[_GrowingBlock]:
    """Return the best units, those joined that stand side by side."""
    blocks: list[_GrowingBlock] = []
    best = scored[0].score if scored else 0.0
    for one in scored:
        if one.score <= 0 or one.score < MIN_SCORE_SHARE * best:
            break
        if _try_join(one, blocks, least=MIN_JOINED_SCORE_SHARE * best) or _try_join_table(
            one, blocks
        ):
            continue
        # Pages copy each other: the same sentence on five of them is one block.
        is_shown = any(block.overlaps(one.unit) or block.repeats(one) for block in blocks)
        is_distinctive = one.typed and asked_for in DISTINCTIVE_TYPES
        is_about = not blocks or is_distinctive or one.fit >= MIN_FIT_SHARE * blocks[0].fit
        if is_about and not is_shown and len(blocks) < MAX_BLOCKS:
            blocks.append(_GrowingBlock.begun_with(one))
    return blocks


def _try_join(one: Scored, blocks: Sequence[_GrowingBlock], *, least: float) -> bool:
    """Join a sentence to the block that it is beside, if there is one that is short enough."""
    # All items of a list hold what leads to them.
    fit = one.parts.own_words + one.similarity if one.unit.kind == "list" else one.fit
    for block in blocks if one.score >= least else ():
        if fit < MIN_JOINED_FIT_SHARE * block.fit and not one.typed:
            continue
        columns = columns_of(one.unit.text)
        if block.touches(one.unit):
            columns += columns_of(block.unit.text)
        elif not (block.is_within(one.unit) and one.unit.kind == "sentence"):
            continue
        if columns <= MAX_BLOCK_COLUMNS:
            block.join(one)
            return True
    return False


def _try_join_table(one: Scored, blocks: Sequence[_GrowingBlock]) -> bool:
    """Add a row to the block of its table, under the one head, if it fits.

    Return whether it was added or left out: rows of one table make one block.
    """
    for block in blocks:
        if not block.is_same_table(one.unit):
            continue
        is_about = one.typed or one.fit >= MIN_FIT_SHARE * blocks[0].fit
        if is_about and len(block.rows) < MAX_ROWS:
            block.join_row(one)
        return True
    return False


def _shown(block: _GrowingBlock, number: int) -> EvidenceBlock:
    unit = block.unit
    text = unit.text
    if unit.kind == "list" and unit.context:
        # An item is half a sentence without what leads to it: "Pilots must hold:", "- a licence".
        text = "\n- ".join([unit.context, *text.split("\n")])
    if len(text) > CUT_BLOCK:
        text = text[: CUT_BLOCK - 1].rstrip() + "…"
        if text.count("```") % 2:
            text += "\n```"
    says_more = unit.heading and unit.heading.casefold() not in text.casefold()
    return EvidenceBlock(
        number=number,
        passage=unit.passage,
        start=unit.start,
        end=unit.end,
        text=text,
        kind=unit.kind,
        heading=unit.heading if says_more else "",
        score=min(1.0, block.covered),
    )
