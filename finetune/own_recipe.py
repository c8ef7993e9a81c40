"""A recipe for data of one's own: `finetune init --from FILE` guesses what its fields mean."""

import hashlib
import itertools
import os
import re
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from finetune.data.field_names import ANSWERING, ASKING, LABELLING, QUESTION_NAMES, THINKING
from finetune.data.files.opening import raw_rows
from finetune.data.format_detection import detect_format
from finetune.data.readers import parse_row
from finetune.data.rows import RejectedRow, RowFields
from finetune.errors import ExportError, RecipeError
from finetune.recipe import DataTable, apply_change, parse_recipe
from finetune.records import RawRow, Record
from ingest.foundation.messages import Message, describe_os_error
from ingest.text.language import language_of
from ingest.text.tokens import estimate_tokens

LOOKED_AT = 500
"""Rows at the beginning of a file that the guess is made from."""

MOST_NAME = 48
"""Characters of a file's name that the name of its run has."""

SHOWN = 3
"""Rows that a person sees, to judge the guess by."""

MOST_LABELS = 60
"""Different values of a column up to which it may be a label: more are names or texts."""

TOKEN_STEP = 512
"""`train.max_tokens` is rounded up to a multiple of this."""

TEMPLATE_TOKENS = 64
"""What a chat template writes around a conversation, at most."""

THINKING_BASE = ("deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B", "r1-think")
PLAIN_BASE = ("Qwen/Qwen2.5-1.5B-Instruct", "chatml")
"""Base and format that a recipe begins with, for rows with thoughts and for rows without."""

COMMENTS = {
    "model.base": "or a folder that holds it",
    "data.map": "which field of the file is which",
    "train.max_tokens": "the longest of the rows fits",
    "train.turns": "each answer of a conversation is learnt",
}
"""What is behind a value of the recipe."""

_ANY = DataTable(files=("x",))
_NO_NAME = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRecipe:
    """A recipe that was written, and what it makes of the first rows."""

    path: Path
    map: Mapping[str, str]
    """Field of ours -> field of the file; empty where the names are known."""
    rows: tuple[Record, ...]
    """The first ones, as they will be learnt."""
    rejected: int
    """Rows that cannot be used, among those that were looked at."""
    looked_at: int


def write_own_recipe(
    data_file: Path, name: str, folder: Path, changes: Sequence[str] = ()
) -> OwnRecipe:
    """Write a recipe for a data file into `folder`, with the map of its fields that was guessed.

    `name` is the recipe's, "" for that of the file; `changes` such as "train.lr=2e-4" are made.

    Raises:
        RecipeError: nothing tells what is asked and what answers, or the recipe is there already.
        DataError: the file cannot be read.
        ExportError: the folder cannot be written to.
    """
    limit = DataTable(files=("x",)).max_row_bytes
    rows = itertools.islice(raw_rows(data_file, encoding="auto", limit=limit), LOOKED_AT)
    read = [row for row in rows if isinstance(row, RawRow)]
    mapped, records = _read_with_map(read, changes)
    if not records:
        raise _no_usable_row(data_file, read, mapped)
    path = folder / f"{name or data_file.stem}.toml"
    name = name or _run_name(data_file.stem)
    if path.exists():
        raise RecipeError(
            Message("{path} is there already", path=path),
            hint=Message("name another folder: --into FOLDER"),
        )
    document = tomlkit.parse(_recipe_text(data_file, name, folder, mapped, records))
    for change in changes:
        apply_change(document, change)
    parse_recipe(document.unwrap(), source=str(path), folder=folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(tomlkit.dumps(document), encoding="utf-8")
    except OSError as error:
        raise ExportError(
            Message("cannot write into {folder}", folder=folder),
            hint=describe_os_error(error),
        ) from error
    return OwnRecipe(
        path=path,
        map=mapped,
        rows=tuple(records[:SHOWN]),
        rejected=len(read) - len(records),
        looked_at=len(read),
    )


def _no_usable_row(
    data_file: Path, read: Sequence[RawRow], mapped: Mapping[str, str]
) -> RecipeError:
    """Return the error of a file without a usable row: what all rows share, or its fields."""
    # Why no row can be used; None if nothing tells what asks and what answers.
    if not mapped and not any(detect_format(RowFields(row.fields, _ANY)) for row in read):
        reason = None
    else:
        data = DataTable(files=("x",), map=dict(mapped))
        parsed = (parse_row(row, data) for row in read)
        reasons = Counter(one.reason for one in parsed if isinstance(one, RejectedRow))
        reason = reasons.most_common(1)[0][0]
    if reason is not None:
        return RecipeError(
            Message("{path}: no row can be used: {reason}", path=data_file, reason=reason)
        )
    names = list(dict.fromkeys(name for row in read for name in row.fields))
    return RecipeError(
        Message(
            "{path}: no field is known to ask or to answer: {names}",
            path=data_file,
            names=", ".join(map(str, names)) or Message("none"),
        ),
        hint=Message("name them: --set data.map.question=FIELD --set data.map.answer=FIELD"),
    )


def _run_name(stem: str) -> str:
    """Return a name for the run of a file, of letters that folders and Ollama allow."""
    plain = _NO_NAME.sub("-", stem).strip("-")[:MOST_NAME]
    if stem.isascii() and plain:
        return plain
    # 客服问答 has no such letter; two files must not share a run.
    digest = hashlib.sha256(stem.encode(errors="replace")).hexdigest()[:6]
    return f"{plain or 'data'}-{digest}"


def guess_map(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return which fields ask and which answer, or are a text and its label; {} if none tells.

    By the fields' names, and among several of one kind by the length of what they hold: the longest
    text is the answer, since questions are shorter. Without a name that tells, a field asks whose
    texts mostly end in a question mark.
    """
    texts: dict[str, list[str]] = {}
    for row in rows:
        for name, value in row.items():
            if isinstance(value, str) and value.strip():
                texts.setdefault(name, []).append(value.strip())
    # Half of the rows at least: a column of notes is neither question nor answer.
    full = {name: held for name, held in texts.items() if 2 * len(held) >= len(rows)}
    length = {name: statistics.median(map(len, held)) for name, held in full.items()}
    # Rows differ in what they ask; a topic or a state is the same in many.
    varied = {name for name, held in full.items() if 2 * len(set(held)) >= len(held)}
    labels = [
        name
        for name, held in full.items()
        if LABELLING.search(name) and len(set(held)) <= min(MOST_LABELS, len(held) // 2)
    ]
    answers = [name for name in full if ANSWERING.search(name)]
    asks = [name for name in full if ASKING.search(name) and name in varied]
    if not answers:
        asks = asks or [
            name
            for name, held in full.items()
            if 2 * sum(text.endswith(("？", "?")) for text in held) > len(held)
        ]
        answers = [name for name in varied if asks and name not in asks] if not labels else []
    if answers:
        answer = max(answers, key=length.__getitem__)
        rest = [name for name in asks if name != answer] or [
            name for name in full if name not in (answer, *labels)
        ]
        # A name that is known for a question is above those that only hold a word for it.
        known = [name for name in rest if name in QUESTION_NAMES]
        if rest:
            mapped = {"question": max(known or rest, key=length.__getitem__), "answer": answer}
            thinks = [
                name for name in full if THINKING.search(name) and name not in mapped.values()
            ]
            return mapped | ({"think": thinks[0]} if thinks else {})
    if labels:
        rest = [name for name in full if name not in labels]
        if rest:
            return {"text": max(rest, key=length.__getitem__), "label": labels[0]}
    return {}


def _read_with_map(
    rows: Sequence[RawRow], changes: Sequence[str]
) -> tuple[dict[str, str], list[Record]]:
    """Return the map that reads the rows, {} where their names are known, and what they become."""
    tables: dict[str, Any] = {}
    for change in changes:
        apply_change(tables, change)
    # What a person says of the fields is no guess, and nothing is guessed beside it.
    mapped = dict(tables.get("data", {}).get("map", {}))
    records: list[Record] = []
    for attempt in (mapped,) if mapped else ({}, guess_map([row.fields for row in rows])):
        data = DataTable(files=("x",), map=attempt)
        parsed = (parse_row(row, data) for row in rows)
        records = [one for one in parsed if not isinstance(one, RejectedRow)]
        mapped = attempt
        if records:
            break
    return mapped, records


def _recipe_text(
    data_file: Path, name: str, folder: Path, mapped: Mapping[str, str], records: Sequence[Record]
) -> str:
    """Return the recipe as TOML, with a comment at what was guessed."""
    thinks = sum(any(turn.think for turn in one.turns) for one in records) * 2 > len(records)
    base, form = THINKING_BASE if thinks else PLAIN_BASE
    try:
        file = os.path.relpath(data_file.resolve(), folder.resolve())
    except ValueError:  # another drive, on Windows
        file = str(data_file.resolve())
    is_labelled = any(one.label for one in records)
    split: dict[str, Any] = {"train": 0.85, "val": 0.15}
    if any(one.group for one in records):
        split["group"] = "group"  # rows of one page or person are never in two splits
    if is_labelled:
        split["stratify"] = "label"
    longest = max(  # a tenth more is allowed, for the rows that were not looked at
        estimate_tokens("\n".join([one.system, *(t.user + t.think + t.answer for t in one.turns)]))
        for one in records
    )
    tables: dict[str, dict[str, Any]] = {
        "model": {"base": base, "format": form},
        "data": {"files": [file], **({"map": dict(mapped)} if mapped else {}), "split": split},
        "train": {
            "max_tokens": -(-int(1.1 * longest + TEMPLATE_TOKENS) // TOKEN_STEP) * TOKEN_STEP,
            # By "last" only the end of a chat is learnt, which mostly says goodbye.
            **(
                {"turns": "all"}
                if 2 * sum(len(one.turns) > 1 for one in records) > len(records)
                else {}
            ),
        },
        **({"evaluate": {"task": "classify"}} if is_labelled else {}),
    }
    document = tomlkit.document()
    document.add(tomlkit.comment(f"Made from {data_file.name}; look at what was guessed."))
    document["name"] = name
    languages = Counter(language_of(one.last.user) for one in records)
    document["language"] = languages.most_common(1)[0][0]
    for title, values in tables.items():
        table = tomlkit.table()
        for key, value in values.items():
            # On a line of its own, as the shipped recipes have it.
            table[key] = tomlkit.inline_table() if isinstance(value, dict) else value
            if isinstance(value, dict):
                table[key].update(value)
            if comment := COMMENTS.get(f"{title}.{key}"):
                table[key].comment(comment)
        document[title] = table
    return tomlkit.dumps(document)
