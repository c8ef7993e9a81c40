"""The keys of a recipe by their dotted names, and the error for one that there is not."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from finetune.errors import RecipeError
from ingest.foundation.messages import Message


def unknown_key(source: str, name: str, known: Sequence[str]) -> RecipeError:
    """Return the error for a key that no recipe has; the hint is the nearest of `known`."""
    # By spelling, else by the last part: "lr" and "modle.lr" both mean train.lr.
    last = name.rpartition(".")[2]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6) or [
        one for one in known if one.rpartition(".")[2] == last
    ]
    return RecipeError(
        Message("{source}: unknown key {name}", source=source, name=name),
        hint=Message("did you mean {near}?", near=near[0])
        if near
        else Message("see docs/finetuning.md"),
    )


def known_keys(table: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield the dotted names of all keys that a recipe may have, such as "train.lr"."""
    for name, field in table.model_fields.items():
        yield prefix + name
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from known_keys(kind, f"{prefix}{name}.")


def keys_in(tables: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the dotted names of all keys that these tables have."""
    for name, value in tables.items():
        yield prefix + name
        if isinstance(value, Mapping):
            yield from keys_in(value, f"{prefix}{name}.")
