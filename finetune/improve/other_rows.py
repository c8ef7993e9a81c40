"""Rows beside those of the collection: some are learnt, so that nothing is lost, some asked."""

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from assistant import Settings
from assistant.models.base import ModelSize
from finetune.errors import DataError
from finetune.improve.plan import OTHER_COLLECTIONS, OTHER_TEXTS, ImprovementPlan
from finetune.progress import Progress
from finetune.runs import read_json_lines, write_atomically
from finetune.synthesize.other_rows import other_rows
from finetune.synthesize.synthesis import synthesize
from ingest.foundation.messages import Language
from ingest.library import open_library

MAX_COLLECTIONS = 3
"""Other collections that are asked about, the largest: each costs two models its questions."""

ROWS_OF_EACH = 12
"""Rows made of each of them."""

MOST_TOKENS_PER_CHARACTER = 1.5
"""A base that needs more for the texts of a language has hardly read any: Chinese takes SmolLM2, a
model of English, 1.9 tokens a character, and models that answer in Chinese 0.6 to 1. Its rows would
teach nothing, and cost more than all others."""


def write_other_rows(
    plan: ImprovementPlan, *, settings: Settings, size: ModelSize, progress: Progress
) -> None:
    """Write the rows of other texts, and those of the index's other collections if there are any.

    The latter are made once: what a model was asked stays the same while the work goes on.

    Raises:
        FinetuneError: a file cannot be written.
        StoreError: the index cannot be read.
    """
    rows = list(other_rows(settings, size))
    texts: defaultdict[Language, str] = defaultdict(str)
    for row in rows:
        texts[row.language] += f"{row.question}{row.reply}"
    tokenizer = plan.load_tokenizer()
    # In which the base reads words, and not single bytes.
    known = {
        language
        for language, text in texts.items()
        if len(tokenizer.plain(text)) <= MOST_TOKENS_PER_CHARACTER * len(text)
    }
    learnt = (row.to_json() for row in rows if row.language in known)
    write_atomically(plan.folder / OTHER_TEXTS, _to_lines(learnt))
    target = plan.folder / OTHER_COLLECTIONS
    if target.exists():
        return
    found: list[dict[str, Any]] = []
    for name in asyncio.run(_other_collections(settings, plan.collection)):
        part = target.with_name(f"{target.stem}.new.jsonl")
        part.unlink(missing_ok=True)
        # Pages of which no question can be made, as pictures without text: nothing to lose there.
        with contextlib.suppress(DataError):
            synthesize(settings, name, part, limit=ROWS_OF_EACH, size=size, progress=progress)
            found += read_json_lines(part)
        for made in (part, part.with_name(f"{part.stem}.sample.csv")):
            made.unlink(missing_ok=True)
    write_atomically(target, _to_lines(found))


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
