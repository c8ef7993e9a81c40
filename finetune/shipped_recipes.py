"""The recipes that come with the package, each with its sample data: `finetune init`."""

from collections.abc import Sequence
from pathlib import Path

import tomlkit

from finetune.errors import ExportError, RecipeError
from finetune.recipe import apply_change, parse_recipe
from ingest.foundation.messages import Message, describe_os_error, enumerate_names

FOLDER = Path(__file__).parent / "recipes"


def copy_recipe(name: str, folder: Path, changes: Sequence[str] = ()) -> list[Path]:
    """Copy a shipped recipe and its sample data into `folder`; return what was written.

    `changes` such as "train.lr=2e-4" are written into the recipe, its comments are kept.

    Raises:
        RecipeError: no recipe has this name, a change cannot be made, or a file is there already.
        ExportError: the folder cannot be written to.
    """
    recipe_names = list_recipes()
    # A name is looked up, never put into a path: "../drone-safety" is no recipe.
    sources = sorted(FOLDER.glob(f"{name}.*")) if name in recipe_names else []
    if not sources:
        raise RecipeError(
            Message("there is no recipe {name}", name=name),
            hint=Message("choose one of {names}", names=enumerate_names(recipe_names)),
        )
    written_paths = [folder / source.name for source in sources]
    # All are looked for before the first is written: a half-copied recipe would be worse.
    for path in written_paths:
        if path.exists():
            raise RecipeError(
                Message("{path} is there already", path=path),
                hint=Message("name another folder: --into FOLDER"),
            )
    # tomllib would lose the comments, which are what the shipped recipes teach with.
    document = tomlkit.parse((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    for change in changes:
        apply_change(document, change)
    # Parsed for its errors alone: an unusable change must not be written.
    parse_recipe(document.unwrap(), source="--set", folder=FOLDER)
    recipe = tomlkit.dumps(document).encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for source, path in zip(sources, written_paths, strict=True):
            path.write_bytes(recipe if path.suffix == ".toml" else source.read_bytes())
    except OSError as error:
        raise ExportError(
            Message("cannot write into {folder}", folder=folder),
            hint=describe_os_error(error),
        ) from error
    return written_paths


def list_recipes() -> dict[str, str]:
    """Return the names of the shipped recipes, each with its title: the file's first comment."""
    first = {
        path.stem: path.read_text(encoding="utf-8").partition("\n")[0]
        for path in sorted(FOLDER.glob("*.toml"))
    }
    return {name: line.lstrip("# ") for name, line in first.items()}
