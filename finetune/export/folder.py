"""The merged model as a folder of its own: for a hub, for another machine, for vLLM."""

from pathlib import Path

from finetune.errors import ExportError
from finetune.export.config import (
    GENERATION,
    TEMPLATE,
    TOKENIZER_CONFIG,
    read_json,
    rope,
    write_generation_config,
)
from finetune.export.files import place, tensor_files, writing
from finetune.model.chat_format import chat_format
from finetune.model.tokenization import load_tokenizer
from finetune.recipe import Recipe
from ingest.foundation.messages import Message

NEEDED = ("config.json", GENERATION, "tokenizer.json", TOKENIZER_CONFIG, TEMPLATE)

README = "README.md"
WRITTEN_HERE = {README, GENERATION}
"""Not taken from the merged model: written through a second name, they would change in it, too."""


def export_folder(recipe: Recipe, merged: Path, target: Path, *, readme: str = "") -> Path:
    """Write the model to the folder `target`, with a README that names its base.

    How words are drawn is as the recipe has it now, also if that was changed after the merge.
    Weights are not copied where the disk can give a file a second name.

    Raises:
        ExportError: nothing was merged, or the disk is full.
        BaseModelError: a file of the merged model is broken.
    """
    _check(merged)
    with writing(target) as part:
        part.mkdir()
        for source in sorted(merged.iterdir()):
            if source.is_file() and source.name not in WRITTEN_HERE:
                place(source, part / source.name)
        chat = chat_format(recipe.model.format)
        write_generation_config(merged, part, chat=chat, export=recipe.export)
        text = _card(recipe) + readme
        (part / README).write_text(text, encoding="utf-8")
    return target


def _check(merged: Path) -> None:
    if missing := [name for name in NEEDED if not (merged / name).is_file()]:
        raise ExportError(
            Message("{merged} has no {missing}", merged=merged, missing=missing[0]),
            hint=Message("merge first: python -m finetune merge RECIPE"),
        )
    rope(read_json(merged / "config.json"))
    load_tokenizer(merged)
    for _ in tensor_files(merged):
        pass  # each header is read: a file that was cut short raises


def _card(recipe: Recipe) -> str:
    """Return the beginning of a model card, in the form that hubs read."""
    base = Path(recipe.model.base).name
    return (
        f"---\nbase_model: {base}\nlibrary_name: transformers\npipeline_tag: text-generation\n"
        f"language:\n- {recipe.language}\n---\n\n"
        f"# {recipe.name}\n\n"
        f"{base}, tuned ({recipe.train.method}, {recipe.train.epochs:g} epochs).\n"
        "`python -m finetune card RECIPE` writes the whole card: data, figures, limits.\n"
    )
