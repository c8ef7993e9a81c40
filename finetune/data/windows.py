"""Long texts of extraction rows, cut into windows that share some text."""

import bisect
from collections.abc import Iterator
from dataclasses import replace

from finetune.data.formats.entities import (
    build_prompt,
    is_extraction,
    render_entities,
    split_prompt,
)
from finetune.data.rows import with_content_id
from finetune.errors import RecipeError
from finetune.recipe import WindowTable
from finetune.records import Entity, Record
from ingest.foundation.messages import Message
from ingest.text.words import sentence_spans

MIN_FILLED_SHARE = 0.5
"""Share of a window that must be filled for it to end with a sentence; else one is cut in two."""


def cut_windows(record: Record, table: WindowTable) -> Iterator[Record]:
    """Yield the record's windows, the record itself if it is no extraction row or short enough.

    `document` is the id of the record that the windows come from; `offset` is where in its text a
    window begins, in characters; entities count from there.

    Raises:
        RecipeError: windows would not be longer than what they share.
    """
    if not table.characters or not is_extraction(record):
        yield record
        return
    if table.overlap >= table.characters:
        sizes = f"{table.overlap} >= {table.characters}"
        raise RecipeError(
            Message("data.window: overlap is not below characters ({sizes})", sizes=sizes),
            hint=Message("a fifth of characters is customary"),
        )
    instruction, text = split_prompt(record.last.user)
    if len(text) <= table.characters:
        yield replace(record, document=record.id)
        return
    for start, end in window_bounds(text, table, record.entities):
        # An entity that the window cuts is left out here, and stands whole in a neighbour.
        inside = tuple(
            replace(one, start=one.start - start, end=one.end - start)
            for one in record.entities
            if start <= one.start and one.end <= end
        )
        user = build_prompt(instruction, text[start:end])
        last = replace(record.last, user=user, answer=render_entities(inside))
        yield with_content_id(
            replace(
                record,
                turns=(*record.turns[:-1], last),
                entities=inside,
                document=record.id,
                offset=start,
            )
        )


def window_bounds(
    text: str, table: WindowTable, entities: tuple[Entity, ...] = ()
) -> Iterator[tuple[int, int]]:
    """Yield where windows begin and end, in characters: [start, end).

    Windows end where sentences do if possible. Neighbours share at least `overlap` characters, and
    each entity no longer than a window stands whole in at least one.
    """
    spans = sentence_spans(text)
    begins, ends = [start for start, _ in spans], [end for _, end in spans]
    start = 0
    while start + table.characters < len(text):
        # More than the overlap, or the next window would begin where this one did, for ever.
        least = start + max(table.overlap + 1, int(table.characters * MIN_FILLED_SHARE))
        most = start + table.characters
        # This window began at an entity that the one before had cut: it must not cut it again.
        first = (one.end for one in entities if one.start == start and one.end <= most)
        end = max([_last_within(ends, least, most) or most, *first])
        yield start, end
        latest = end - table.overlap
        # A sentence's beginning is looked for within one more overlap: what neighbours share is
        # trained on twice.
        earliest = max(start + 1, latest - table.overlap)
        cut = (one.start for one in entities if start < one.start < end < one.end)
        start = min([_last_within(begins, earliest, latest) or latest, *cut])
    yield start, len(text)


def _last_within(places: list[int], least: int, most: int) -> int | None:
    """Return the last of the sorted places within [least, most]."""
    found = bisect.bisect_right(places, most) - 1
    return places[found] if found >= 0 and places[found] >= least else None
