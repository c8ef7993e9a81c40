"""Long texts of extraction rows, cut into windows that share some text."""

import bisect
from collections.abc import Iterator
from dataclasses import replace

from finetune.data.formats.entities import answer_of, asked, is_extraction, parts_of
from finetune.data.rows import identified
from finetune.errors import RecipeError
from finetune.recipe import WindowTable
from finetune.records import Entity, Record
from ingest.foundation.messages import Message
from ingest.text.words import sentence_spans

FULLEST = 0.5
"""Share of a window that a cut at a sentence's end must leave: below it we cut inside one."""


def windows(record: Record, table: WindowTable) -> Iterator[Record]:
    """Yield the record's windows, the record itself if it is no extraction row or short enough.

    Windows end where sentences do if possible, and begin so that each entity no longer than
    `characters` stands whole in one of them at least. `document` is the id of the record that they
    come from; `offset` is where in its text a window begins; entities count from there.

    Raises:
        RecipeError: windows would not be longer than what they share.
    """
    if not table.characters or not is_extraction(record):
        yield record
        return
    if table.overlap >= table.characters:
        raise _overlap(table)
    instruction, text = parts_of(record.last.user)
    if len(text) <= table.characters:
        yield replace(record, document=record.id)
        return
    for start, end in cuts(text, table, record.entities):
        inside = tuple(
            replace(one, start=one.start - start, end=one.end - start)
            for one in record.entities
            if start <= one.start and one.end <= end
        )
        user = asked(instruction, text[start:end])
        last = replace(record.last, user=user, answer=answer_of(inside))
        yield identified(
            replace(
                record,
                turns=(*record.turns[:-1], last),
                entities=inside,
                document=record.id,
                offset=start,
            )
        )


def cuts(
    text: str, table: WindowTable, entities: tuple[Entity, ...] = ()
) -> Iterator[tuple[int, int]]:
    """Yield where windows begin and end, in characters.

    Neighbours share at least `overlap`, so that what is no longer stands whole in one of them.
    """
    spans = sentence_spans(text)
    begins, ends = [start for start, _ in spans], [end for _, end in spans]
    start = 0
    while start + table.characters < len(text):
        least = start + max(table.overlap + 1, int(table.characters * FULLEST))
        most = start + table.characters
        first = (one.end for one in entities if one.start == start and one.end <= most)
        end = max([_last(ends, least, most) or most, *first])
        yield start, end
        latest = end - table.overlap
        earliest = max(start + 1, latest - table.overlap)
        cut = (one.start for one in entities if start < one.start < end < one.end)
        start = min([_last(begins, earliest, latest) or latest, *cut])
    yield start, len(text)


def _last(places: list[int], least: int, most: int) -> int | None:
    """Return the last of the sorted places within [least, most]."""
    found = bisect.bisect_right(places, most) - 1
    return places[found] if found >= 0 and places[found] >= least else None


def _overlap(table: WindowTable) -> RecipeError:
    sizes = f"{table.overlap} >= {table.characters}"
    return RecipeError(
        Message("data.window: overlap is not below characters ({sizes})", sizes=sizes),
        hint=Message("a fifth of characters is customary"),
    )
