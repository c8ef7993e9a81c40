"""The recipe: one TOML file that says which model is trained on which data, and how.

An unknown key is an error that names the nearest known one. Paths are relative to the folder of
the recipe.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from finetune.errors import RecipeError
from finetune.recipe_parts.keys import keys_in, known_keys, unknown_key
from finetune.recipe_parts.tables import (
    FIGURES_OF_TASKS,
    MAPPED,
    AugmentTable,
    DataTable,
    EvaluateTable,
    ExportTable,
    FormatName,
    ModelTable,
    Oversample,
    Quantization,
    ReaderName,
    RecipeTable,
    Share,
    SplitTable,
    Step,
    Task,
    TrainTable,
    WindowTable,
)
from ingest.foundation.errors import SettingsError
from ingest.foundation.messages import Language, Message
from ingest.foundation.settings import expand_user, read_toml
from ingest.foundation.settings_errors import unusable_value

__all__ = [
    "AugmentTable",
    "DataTable",
    "ExportTable",
    "FormatName",
    "Oversample",
    "Quantization",
    "ReaderName",
    "Recipe",
    "RecipeTable",
    "Share",
    "SplitTable",
    "Step",
    "Task",
    "TrainTable",
    "WindowTable",
    "apply_change",
    "load_recipe",
    "parse_recipe",
]
"""The tables, too: who reads a recipe knows them from here."""


class Recipe(RecipeTable):
    """All of it. `folder` is where the recipe stands: paths are relative to it."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9](?:[._-]?[A-Za-z0-9])*$",
        max_length=64,
        description="Of the run's folder.",
    )
    seed: int = Field(default=42, ge=0, description="Of splits, sampling and training.")
    language: Language = Field(default="zh", description="Of reports and of the card.")
    model: ModelTable
    data: DataTable
    train: TrainTable = TrainTable()
    evaluate: EvaluateTable = EvaluateTable()
    export: ExportTable = ExportTable()
    # Not part of a digest: a recipe that was moved with its data has the same results.
    folder: Path = Field(default=Path(), exclude=True)

    @property
    def data_files(self) -> tuple[Path, ...]:
        """The data files, found from the recipe's folder."""
        files = (expand_user(name, source="data.files") for name in self.data.files)
        return tuple(self.folder / file for file in files)

    @property
    def base_folder(self) -> Path | None:
        """The folder of the base model, None if the name is one of a hub."""
        # From the recipe's folder first; a path that holds from the working directory is accepted
        # too, since that is how it is typed after --set model.base=.
        named = expand_user(self.model.base, source="model.base")
        for folder in (self.folder / named, Path(self.model.base)):
            if folder.is_dir():
                return folder
        return None


def load_recipe(path: Path, changes: Sequence[str] = ()) -> Recipe:
    """Return the recipe of `path` with `changes` such as "train.lr=2e-4" made to it.

    Raises:
        RecipeError: file, key or value cannot be used; the message names it.
    """
    if not path.is_file():
        raise RecipeError(
            Message("there is no recipe {path}", path=path),
            hint=Message("write one: python -m finetune init drone-safety"),
        )
    try:
        tables = read_toml(path)
    except SettingsError as error:
        raise RecipeError(error.message, hint=error.hint) from error
    # Before validation: a change may supply what the file lacks.
    for change in changes:
        apply_change(tables, change)
    return parse_recipe(tables, source=str(path), folder=path.resolve().parent)


def parse_recipe(tables: Mapping[str, Any], *, source: str, folder: Path) -> Recipe:
    """Return the recipe that `tables` describe; `source` is what messages call it.

    Raises:
        RecipeError: a key is unknown or missing, or a value cannot be used.
    """
    # Looked for ahead of pydantic, whose error does not name the nearest known key.
    known_names = (set(known_keys(Recipe)) | {f"data.map.{name}" for name in MAPPED}) - {"folder"}
    for name in keys_in(tables):
        if name not in known_names and not name.startswith("data.oversample."):
            raise unknown_key(source, name, sorted(known_names))
    try:
        recipe = Recipe(**tables, folder=folder)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]  # one fault a line: who fixes it runs again
        if first["type"] == "missing":
            name = ".".join(str(part) for part in first["loc"])
            raise RecipeError(
                Message("{source}: {name} is missing", source=source, name=name),
                hint=Message("see docs/finetuning.md"),
            ) from error
        unusable = unusable_value(error)
        raise RecipeError(
            Message("{source}: {message}", source=source, message=unusable.message),
            hint=unusable.hint,
        ) from error
    _check_together(recipe, source)
    return recipe


def _check_together(recipe: Recipe, source: str) -> None:
    """Raise `RecipeError` for values that are each allowed and make no sense together."""
    split, window = recipe.data.split, recipe.data.window
    total = round(split.train + split.val + split.test, 6)  # 0.7 + 0.2 + 0.1 is not quite 1
    if total != 1:
        raise RecipeError(
            Message("{source}: data.split adds up to {total}", source=source, total=total),
            hint=Message("train, val and test must add up to 1"),
        )
    if strange := set(recipe.data.train_only) - set(recipe.data.files):
        raise RecipeError(
            Message(
                "{source}: data.train_only names {file}, which is none of data.files",
                source=source,
                file=min(strange),
            ),
            hint=Message("write it as it stands there"),
        )
    if recipe.train.packing and recipe.train.objective != "sft":
        raise RecipeError(
            Message(
                "{source}: train.packing is for objective sft: pairs are compared row by row",
                source=source,
            ),
            hint=Message("leave train.packing out"),
        )
    task = FIGURES_OF_TASKS.get(recipe.train.best_by, recipe.evaluate.task)
    if task != recipe.evaluate.task:
        raise RecipeError(
            Message(
                "{source}: train.best_by {name} is a figure of evaluate.task {task}",
                source=source,
                name=recipe.train.best_by,
                task=task,
            ),
            hint=Message('write best_by = "loss"'),
        )
    if window.characters and window.overlap >= window.characters:
        raise RecipeError(
            Message(
                "{source}: data.window.overlap is not smaller than data.window.characters",
                source=source,
            )
        )


def apply_change(tables: dict[str, Any], change: str) -> None:
    """Make a change such as "train.lr=2e-4" to `tables`; a bare word is text.

    Raises:
        RecipeError: it is not of that form.
    """
    name, equals, value = change.partition("=")
    *parents, key = name.strip().split(".")
    if not equals or not key:
        raise RecipeError(
            Message("--set {change}: not of the form key=value", change=change),
            hint=Message("write --set train.lr=2e-4"),
        )
    for parent in parents:
        tables = tables.setdefault(parent, {})
        if not isinstance(tables, dict):
            raise unknown_key("--set", name, sorted(known_keys(Recipe)))
    try:
        tables[key] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        # A shell takes quotes away: model.base=/models/x arrives as a bare word.
        tables[key] = value.strip()
