"""Rows beside those of the collection: some are learnt, so that nothing is lost, some asked."""

import asyncio
import contextlib
import json
from collections.abc import Iterable
from typing import Any

from assistant import Settings
from assistant.models.base import ModelSize
from finetune.errors import DataError
from finetune.improve.plan import OTHER_COLLECTIONS, OTHER_TEXTS, ImprovementPlan
from finetune.progress import Progress
from finetune.runs import write_atomically
from finetune.synthesize.other_rows import other_rows
from finetune.synthesize.synthesis import synthesize
from ingest.library import open_library

MAX_COLLECTIONS = 3
"""Other collections that are asked about, the largest: each costs two models its questions."""

ROWS_OF_EACH = 12
"""Rows made of each of them."""


def write_other_rows(
    plan: ImprovementPlan, *, settings: Settings, size: ModelSize, progress: Progress
) -> None:
    """Write the rows of other texts, and those of the index's other collections if there are any.

    The latter are made once: what a model was asked stays the same while the work goes on.

    Raises:
        FinetuneError: a file cannot be written.
        StoreError: the index cannot be read.
    """
    rows = (row.to_json() for row in other_rows(settings, size))
    write_atomically(plan.folder / OTHER_TEXTS, _to_lines(rows))
    asked = plan.folder / OTHER_COLLECTIONS
    if asked.exists():
        return
    found: list[dict[str, Any]] = []
    for name in asyncio.run(_other_collections(settings, plan.collection)):
        part = asked.with_name(f"{asked.stem}.new.jsonl")
        part.unlink(missing_ok=True)
        # Pages of which no question can be made, as pictures without text: nothing to lose there.
        with contextlib.suppress(DataError):
            synthesize(settings, name, part, limit=ROWS_OF_EACH, size=size, progress=progress)
            found += map(json.loads, part.read_text(encoding="utf-8").splitlines())
        for made in (part, part.with_name(f"{part.stem}.sample.csv")):
            made.unlink(missing_ok=True)
    write_atomically(asked, _to_lines(found))


def _to_lines(rows: Iterable[dict[str, Any]]) -> str:
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)


async def _other_collections(settings: Settings, collection: str) -> list[str]:
    """Return the largest collections beside one; () where the whole index is improved."""
    if not collection:
        return []
    async with open_library(settings) as library:
        counts = (await library.statistics()).collections
    others = sorted((name for name in counts if name != collection), key=lambda name: -counts[name])
    return others[:MAX_COLLECTIONS]
