"""`finetune card`: the model card, for whoever gets the model.

Mitchell et al., "Model Cards for Model Reporting", 2019; the head is what hubs read.
"""

from collections.abc import Callable
from pathlib import Path

from finetune.compare.differences import shown
from finetune.errors import RecipeError
from finetune.html_templates import render
from finetune.recipe import Recipe
from finetune.report.run_summary import CARD_FIGURES, read_run_summary
from finetune.runs import Run, write_whole
from ingest.foundation.messages import Language, Message

LANGUAGES = {"zh": "zh", "en": "en"}


def write_card(
    recipe: Recipe,
    run: Run,
    *,
    language: Language,
    is_current: Callable[[str], bool] = lambda model: True,
) -> Path:
    """Write `card/README.md` into the run's folder and return its path.

    Raises:
        RecipeError: there is no trained model to write of.
    """
    dossier = read_run_summary(recipe, run, is_current=is_current)
    if not dossier.training:
        raise RecipeError(
            Message("nothing has been trained in {folder}", folder=run.folder),
            hint=Message("run first: python -m finetune train RECIPE"),
        )
    rows = [row for row in dossier.rows if row.figure.name in CARD_FIGURES]
    path = run.folder / "card" / "README.md"
    page = render(
        "card.md.j2",
        language,
        d=dossier,
        rows=rows,
        shown=shown,
        served=recipe.export.name or recipe.name,
        spoken=sorted(name for name in dossier.quality.get("languages", {}) if name in LANGUAGES),
    )
    write_whole(path, page)
    return path
