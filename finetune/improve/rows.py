"""The rows of an improvement: made once, and again where they would come out otherwise."""

import asyncio
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from assistant import Settings
from assistant.models.base import ModelSize
from finetune.data.splitting import SPLITS, assign_splits, hash_text
from finetune.improve.plan import HELD_OUT, ImprovementPlan
from finetune.progress import Progress
from finetune.proof import GATE
from finetune.recipe_parts.tables import SplitTable
from finetune.runs import Run, read_json_lines, write_atomically
from finetune.synthesize.drafting import digest_text
from ingest.foundation.messages import Message
from ingest.index.store.inventory import DocumentFilter
from ingest.library import open_library

REQUEST = "rows.request.json"
"""Beside the rows: what they were made of and with."""

TRAINED_DECLINED: Mapping[ModelSize, float] = {"tiny": 0.05, "small": 0.05, "large": 1.0}
"""Share of the rows that a model is trained on and that are declined, at most. Of a model of 135M a
seventh was too much: each such row lacks a word of its question, few that are answered do, and so
it learnt to decline what is asked in other words than its text has (bench/README.md)."""

SEED = 42
"""The recipe's own, by which documents are held out."""

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

    Rows are old where the index, the teacher, the limit or the share of declined ones is another
    now: they are kept beside the new ones. A training that has begun goes on with its rows.

    Raises:
        FinetuneError: no rows can be made.
    """
    path = plan.folder / REQUEST
    request = {
        "teacher": plan.teacher,
        "limit": plan.limit,
        "pages": asyncio.run(_digest_pages(settings, plan.collection)),
        "declined": TRAINED_DECLINED[size],
    }
    whole = {**request, "declined": None}
    before = plan.rows.with_name(f"{plan.rows.stem}.before.jsonl")
    if plan.rows.exists():
        kept = _read_request(path)
        run = Run(plan.folder / "runs" / plan.run_name)
        # Begun, and nothing decided yet.
        is_under_way = (run.train / "checkpoints").is_dir() and not run.figures(GATE)
        # A folder of an earlier version says nothing of its rows: they are taken as they are.
        if kept in (None, request):
            _note_kept_rows(plan, progress)
        elif kept == whole:
            _thin_new_rows(plan, size, before, progress)  # a stop came between making and thinning
        elif is_under_way and (kept["pages"] != request["pages"] or "declined" not in kept):
            _note_kept_rows(plan, progress)
            return
        elif {**kept, "declined": None} == whole and "declined" not in kept:
            # Only the thinning is new: what a teacher wrote need not be written again.
            shutil.copyfile(plan.rows, before)
            _thin_new_rows(plan, size, before, progress)
        else:
            plan.rows.replace(before)
    if not plan.rows.exists():
        # What stands here if it is stopped before the thinning.
        write_atomically(path, json.dumps(whole))
        make_rows(plan.rows, size)
        _thin_new_rows(plan, size, before, progress)
    write_atomically(path, json.dumps(request))


def thin_declined(path: Path, size: ModelSize) -> None:
    """Leave out of a file of rows what is declined and trained on, down to a model's share.

    Rows of documents that are held out stay: the gate asks them.
    """
    rows = read_json_lines(path)
    documents = [str(row.get("document", "")) for row in rows]
    if len(set(documents)) < len(SPLITS):
        return  # too few to hold one out: `prepare` says so
    groups = np.array([hash_text(f"group\0{one}", seed=SEED) for one in documents], dtype=np.uint64)
    splits = assign_splits(groups, SplitTable.model_validate(HELD_OUT), seed=SEED)
    is_trained = [SPLITS[place] == "train" for place in splits]
    answered = sum(
        trained and row.get("answerable", True)
        for row, trained in zip(rows, is_trained, strict=True)
    )
    share = TRAINED_DECLINED[size]
    left = int(answered * share / (1 - share)) if share < 1 else len(rows)
    kept = []
    for row, trained in zip(rows, is_trained, strict=True):
        if trained and not row.get("answerable", True):
            left -= 1
            if left < 0:
                continue
        kept.append(row)
    if len(kept) < len(rows):
        write_atomically(path, "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in kept))


def _note_kept_rows(plan: ImprovementPlan, progress: Progress) -> None:
    progress.note(
        Message("rows of before are used; remove {path} to make new ones", path=plan.rows)
    )


def _thin_new_rows(
    plan: ImprovementPlan, size: ModelSize, before: Path, progress: Progress
) -> None:
    """Thin rows; say where those of before are, if there are any, or forget them if the same."""
    thin_declined(plan.rows, size)
    if not before.exists():
        return
    if before.read_bytes() == plan.rows.read_bytes():
        before.unlink()  # a page that was read again, and said the same
        return
    progress.note(
        Message(
            "the index or what rows are made with has changed: {path} is made anew, and "
            "the rows of before are in {old}",
            path=plan.rows,
            old=before,
        )
    )


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
