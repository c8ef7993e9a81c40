"""The recipe of an improvement: made of base and rows, and written where a person finds it."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from assistant.models.base import ModelSize, size_of_model
from finetune.data.readers import read_records
from finetune.errors import BaseModelError, DataError, RecipeError
from finetune.model.base_files import require_whole_model
from finetune.model.base_model import find_base_model
from finetune.model.chat_format import CHATML, FORMATS
from finetune.model.chat_templates import ChatFormat
from finetune.model.gguf_support import gguf_obstacle
from finetune.model.memory_estimate import read_shape
from finetune.model.tokenization import ChatTokenizer, load_tokenizer
from finetune.recipe import DataTable, Recipe, apply_change, load_recipe, parse_recipe
from finetune.records import Record
from finetune.runs import write_atomically
from ingest.foundation.messages import Language, Message

ROWS = "rows.jsonl"
OTHER_TEXTS = "other-texts.jsonl"
OTHER_COLLECTIONS = "other-collections.jsonl"
RECIPE = "improve.toml"
"""Files of the improvement's folder: rows of the collection, those mixed into them, those that are
asked beside it, and what is done with them."""

TOKENS_STEP = 64
"""`train.max_tokens` is rounded up to a multiple of it: memory goes by the longest sample."""

MARKS_TOKENS = 32
"""What a chat format writes around three messages, and more."""

HELD_OUT = {"train": 0.7, "val": 0.1, "test": 0.2, "group": "group"}
"""The checkpoint is chosen by `val`, the gate decides by `test`; a document is in one split."""

_HEAD = "Written by `finetune improve`: a recipe like any other. Its own --set changes stand in it."


@dataclass(frozen=True, slots=True, kw_only=True)
class ImprovementPlan:
    """What is to be improved: `collection` "" means the whole index."""

    collection: str
    base: str
    """Folder of the base model, or its name on a hub."""
    folder: Path
    """Gets the rows, the recipe and the run."""
    changes: tuple[str, ...] = ()
    """Changes of the recipe, such as "train.epochs=2"."""
    more_rows: tuple[Path, ...] = ()
    """Files of further rows: corrected answers of `assistant feedback`, or a person's own."""
    language: Language = "zh"
    teacher: str = ""
    """Names the model that writes questions besides the rules; "": none."""
    limit: int = 0
    """Rows at most that are made; 0: all."""

    @property
    def run_name(self) -> str:
        """The run, and the model in Ollama."""
        named = [one for one in self.changes if one.partition("=")[0].strip() == "name"]
        return named[-1].partition("=")[2].strip() if named else run_name(self.collection)

    @property
    def rows(self) -> Path:
        """The synthesized rows."""
        return self.folder / ROWS

    def check_base(self, *, exported: bool) -> ModelSize:
        """Return how large the base is: how the assistant will ask it, once it is served.

        Raises:
            BaseModelError: it is missing, broken, of no chat format that we know, or (`exported`)
                cannot go where a better model is to go.
        """
        recipe = parse_recipe(self._tables(), source="--base", folder=self.folder.resolve())
        folder = find_base_model(recipe)
        require_whole_model(folder)
        fitting_format(load_tokenizer(folder))
        if exported and (obstacle := gguf_obstacle(folder)):
            raise BaseModelError(
                obstacle,
                hint=Message("take another base, or only judge what training brings: --to none"),
            )
        shape = read_shape(_config_of(folder))
        parameters = float(shape.in_layers + shape.elsewhere) if shape else None
        return size_of_model(parameters, name=folder.name)

    def load_tokenizer(self) -> ChatTokenizer:
        """Return the base's tokenizer.

        Raises:
            BaseModelError: the base is missing or broken.
        """
        recipe = parse_recipe(self._tables(), source="--base", folder=self.folder.resolve())
        return load_tokenizer(find_base_model(recipe))

    def write_recipe(self, *, context_tokens: int) -> Recipe:
        """Write the recipe that fits base and rows, and return it.

        `context_tokens` is what prompt and reply share when the model is served.

        Raises:
            RecipeError: a change cannot be made.
            BaseModelError: the base is missing, broken, or of no chat format that we know.
            DataError: no row fits into what the base reads.
        """
        tables = self._tables()
        for change in self.changes:
            apply_change(tables, change)
        # Parsed twice: the base is found by the recipe's own rules, and the format by the base.
        recipe = parse_recipe(tables, source="--set", folder=self.folder.resolve())
        folder = find_base_model(recipe)
        tokenizer = load_tokenizer(folder)
        named = {change.partition("=")[0].strip() for change in self.changes}
        if "model.format" not in named:
            tables["model"]["format"] = fitting_format(tokenizer).name
        if "train.max_tokens" not in named:
            files = [self.rows, self.folder / OTHER_TEXTS, *self.more_rows]
            longest = longest_row(tokenizer, files, recipe.data)
            most = min(
                longest,
                context_tokens,
                int(_config_of(folder).get("max_position_embeddings") or longest),
            )
            tables["train"]["max_tokens"] = -(-most // TOKENS_STEP) * TOKENS_STEP
        document = tomlkit.document()
        document.add(tomlkit.comment(_HEAD))
        for name, value in tables.items():
            document[name] = value
        path = self.folder / RECIPE
        write_atomically(path, tomlkit.dumps(document))
        return load_recipe(path)

    def _tables(self) -> dict[str, Any]:
        """Return the recipe's tables before any change: small batches, for a machine at home."""
        files = [ROWS, OTHER_TEXTS, *(str(path.resolve()) for path in self.more_rows)]
        return {
            "name": run_name(self.collection),
            "language": self.language,
            "model": {"base": self.base},
            "data": {
                "files": files,
                # Of other texts the gate has its own: held out is the collection alone.
                "train_only": [OTHER_TEXTS],
                "map": {"group": "document"},
                "split": dict(HELD_OUT),
            },
            "train": {
                "r": 16,
                "alpha": 32,
                "lr": 2e-4,
                "epochs": 3,
                "batch": 2,
                "accumulate": 4,
                "evaluate_every": 0,
            },
            "evaluate": {
                "split": "test",
                "limit": 100,
                "max_new_tokens": 256,
                "other_texts": True,
                "other_rows": [OTHER_COLLECTIONS],
            },
            # q8_0 is written here: the quantized model is the one that was judged, to a hair.
            "export": {"quantize": "q8_0"},
        }


def run_name(collection: str) -> str:
    """Return a name for the run and for the model in Ollama, of letters that both allow."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", collection).strip("-").lower()[:40]
    # 论文 has no such letter; two collections must not share a name.
    if not plain or plain != collection.lower():
        digest = hashlib.sha256(collection.encode(errors="replace")).hexdigest()[:6]
        plain = f"{plain}-{digest}" if plain else digest if collection else "index"
    return f"improved-{plain}"


def fitting_format(tokenizer: ChatTokenizer) -> ChatFormat:
    """Return the chat format in which a base answers without thinking: rows have no thoughts.

    Raises:
        BaseModelError: none fits; it names what would.
    """
    fits = [one for one in FORMATS if not one.thinks and _fits(tokenizer, one)]
    if not fits:
        tokenizer.require(CHATML)
    # The one with the most marks: a model that can think knows ChatML's, and has more of its own.
    return max(fits, key=lambda one: len(one.controls))


def _fits(tokenizer: ChatTokenizer, fmt: ChatFormat) -> bool:
    try:
        tokenizer.require(fmt)
    except BaseModelError:
        return False
    return True


def longest_row(tokenizer: ChatTokenizer, files: Sequence[Path], data: DataTable) -> int:
    """Return the tokens of the longest row of the files, in whatever format each one is.

    Raises:
        DataError: a file cannot be read, or none of them holds a row that can be learnt.
    """
    longest = 0
    for file in files:
        for record in read_records(file, data):
            if isinstance(record, Record):
                turns = (text for turn in record.turns for text in (turn.user, turn.answer))
                tokens = len(tokenizer.plain("\n".join((record.system, *turns))))
                longest = max(longest, tokens + MARKS_TOKENS * len(record.turns))
    if not longest:
        raise DataError(
            Message("{path} holds no row that can be learnt", path=files[0]),
            hint=Message("write rows first: python -m finetune synthesize COLLECTION"),
        )
    return longest


def _config_of(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # `train` says what is wrong with it
    return config if isinstance(config, dict) else {}


def require_same_plan(folder: Path, wanted: dict[str, Any]) -> None:
    """Keep what an improvement was asked for, or check that it is the same as before.

    Raises:
        RecipeError: the folder holds the rows of another collection.
    """
    path = folder / "plan.json"
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        kept = None
    if kept is not None and kept != wanted and (folder / ROWS).exists():
        changed = next(name for name in wanted if kept.get(name) != wanted[name])
        raise RecipeError(
            Message(
                "{folder} holds an improvement with {name} = {before}, not {now}",
                folder=folder,
                name=changed,
                before=kept.get(changed),
                now=wanted[changed],
            ),
            hint=Message("name another folder: --into FOLDER"),
        )
    write_atomically(path, json.dumps(wanted, ensure_ascii=False, indent=1))
