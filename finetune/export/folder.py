"""The merged model as a folder of its own: for a hub, for another machine, for vLLM."""

from pathlib import Path

from finetune.errors import ExportError
from finetune.export.config import TEMPLATE, TOKENIZER_CONFIG, read_json, rope
from finetune.export.files import place, tensor_files, writing
from finetune.recipe import Recipe
from finetune.tokenizing import load_tokenizer
from ingest.wording import Wording

NEEDED = ("config.json", "generation_config.json", "tokenizer.json", TOKENIZER_CONFIG, TEMPLATE)


def export_folder(recipe: Recipe, merged: Path, target: Path, *, readme: str = "") -> Path:
    """Write the model to the folder `target`, with a README that names its base.

    Weights are not copied where the disk can give a file a second name.

    Raises:
        ExportError: nothing was merged, or the disk is full.
        BaseModelError: a file of the merged model is broken.
    """
    _check(merged)
    with writing(target) as part:
        part.mkdir()
        for source in sorted(merged.iterdir()):
            if source.is_file():
                place(source, part / source.name)
        text = _card(recipe) + readme
        (part / "README.md").unlink(missing_ok=True)
        (part / "README.md").write_text(text, encoding="utf-8")
    return target


def _check(merged: Path) -> None:
    if missing := [name for name in NEEDED if not (merged / name).is_file()]:
        raise ExportError(
            Wording(f"{merged} has no {missing[0]}", f"{merged} 中没有 {missing[0]}"),
            hint=Wording(
                "merge first: python -m finetune merge RECIPE",
                "请先合并：python -m finetune merge 配方",
            ),
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
