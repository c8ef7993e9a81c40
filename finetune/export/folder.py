"""Export the merged model as a folder: for a hub, for another machine, for vLLM."""

from pathlib import Path

from finetune.errors import ExportError
from finetune.export.config import (
    CHAT_TEMPLATE,
    GENERATION_CONFIG,
    TOKENIZER_CONFIG,
    read_json,
    rope_parameters,
    write_generation_config,
)
from finetune.export.files import iterate_tensors, link_or_copy, replacing
from finetune.model.chat_format import chat_format
from finetune.model.tokenization import load_tokenizer
from finetune.recipe import Recipe
from ingest.foundation.messages import Message

REQUIRED_FILES = (
    "config.json",
    GENERATION_CONFIG,
    "tokenizer.json",
    TOKENIZER_CONFIG,
    CHAT_TEMPLATE,
)

README = "README.md"
WRITTEN_HERE = {README, GENERATION_CONFIG}
"""Files that are written, not linked: a write through a hard link would change the merged model."""


def export_folder(recipe: Recipe, merged: Path, target: Path, *, readme: str = "") -> Path:
    """Write the model to the folder `target`, with a README that names its base.

    Sampling settings are the recipe's as it is now, which may have changed since the merge. Weights
    are hard links where the disk supports them.

    Raises:
        ExportError: nothing was merged, or the disk is full.
        BaseModelError: a file of the merged model is broken.
    """
    if missing := [name for name in REQUIRED_FILES if not (merged / name).is_file()]:
        raise ExportError(
            Message("{merged} has no {missing}", merged=merged, missing=missing[0]),
            hint=Message("merge first: python -m finetune merge RECIPE"),
        )
    # Each of these raises if its file is broken, before anything is written.
    rope_parameters(read_json(merged / "config.json"))
    load_tokenizer(merged)
    for _ in iterate_tensors(merged):
        pass  # reading each header finds files that were cut short
    with replacing(target) as part:
        part.mkdir()
        for source in sorted(merged.iterdir()):
            if source.is_file() and source.name not in WRITTEN_HERE:
                link_or_copy(source, part / source.name)
        fmt = chat_format(recipe.model.format)
        write_generation_config(merged, part, fmt=fmt, export=recipe.export)
        base = Path(recipe.model.base).name
        # The beginning of a model card, as hubs read it.
        card = (
            f"---\nbase_model: {base}\nlibrary_name: transformers\n"
            f"pipeline_tag: text-generation\nlanguage:\n- {recipe.language}\n---\n\n"
            f"# {recipe.name}\n\n"
            f"{base}, tuned ({recipe.train.method}, {recipe.train.epochs:g} epochs).\n"
            "`python -m finetune card RECIPE` writes the whole card: data, figures, limits.\n"
        )
        (part / README).write_text(card + readme, encoding="utf-8")
    return target
