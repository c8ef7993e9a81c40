"""The rows of an improvement: made once, and again where they would come out otherwise."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from assistant import Settings
from assistant.models.base import ModelSize
from finetune.improve.plan import ImprovementPlan
from finetune.progress import Progress
from finetune.proof import GATE
from finetune.runs import Run, write_atomically
from finetune.synthesize.drafting import digest_text
from ingest.foundation.messages import Message
from ingest.index.store.inventory import DocumentFilter
from ingest.library import open_library

REQUEST = "rows.request.json"
"""Beside the rows: what they were made of and with."""

MakeRows = Callable[[Path, ModelSize], Any]
"""Writes the rows of the collection into a file, in the prompt for models of a size."""


def ensure_rows(
    plan: ImprovementPlan,
    *,
    settings: Settings,
    size: ModelSize,
    make_rows: MakeRows,
    progress: Progress,
) -> None:
    """Make the plan's rows if there are none, or if those that are there have become old.

    Rows are old where the index, the teacher or the limit is another one now. Nothing is lost: they
    are kept beside the new ones, as a person may have mended them. A training that has begun goes
    on with its rows.

    Raises:
        FinetuneError: no rows can be made.
    """
    path = plan.folder / REQUEST
    request = {
        "teacher": plan.teacher,
        "limit": plan.limit,
        "pages": asyncio.run(_digest_pages(settings, plan.collection)),
    }
    before = plan.rows.with_name(f"{plan.rows.stem}.before.jsonl")
    if plan.rows.exists():
        kept = _read_request(path)
        # A folder of an earlier version says nothing of its rows: they are taken as they are.
        if kept in (None, request):
            _note_kept_rows(plan, progress)
        elif kept["pages"] != request["pages"] and _is_under_way(plan):
            _note_kept_rows(plan, progress)
            return
        else:
            plan.rows.replace(before)
    if not plan.rows.exists():
        make_rows(plan.rows, size)
        if before.exists() and before.read_bytes() == plan.rows.read_bytes():
            before.unlink()  # a page that was read again, and said the same
        elif before.exists():
            progress.note(
                Message(
                    "the index or what rows are made with has changed: {path} is made anew, and "
                    "the rows of before are in {old}",
                    path=plan.rows,
                    old=before,
                )
            )
    write_atomically(path, json.dumps(request))


def _note_kept_rows(plan: ImprovementPlan, progress: Progress) -> None:
    progress.note(
        Message("rows of before are used; remove {path} to make new ones", path=plan.rows)
    )


def _is_under_way(plan: ImprovementPlan) -> bool:
    """Return whether a training has begun that nothing was decided about yet."""
    run = Run(plan.folder / "runs" / plan.run_name)
    return (run.train / "checkpoints").is_dir() and not run.figures(GATE)


async def _digest_pages(settings: Settings, collection: str) -> str:
    async with open_library(settings) as library:
        lines = await library.lines(DocumentFilter(collection=collection))
    return digest_text(f"{one.url} {one.fetched_at}" for one in lines)


def _read_request(path: Path) -> dict[str, Any] | None:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return kept if isinstance(kept, dict) and "pages" in kept else None
