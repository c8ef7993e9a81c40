"""`finetune card`: the model card, for those who receive the model.

Mitchell et al., "Model Cards for Model Reporting", 2019; the YAML header is the Hugging Face Hub's.
"""

from collections.abc import Callable
from pathlib import Path

from finetune.compare.differences import format_figure
from finetune.errors import RecipeError
from finetune.html_templates import render
from finetune.recipe import Recipe
from finetune.report.run_summary import CARD_FIGURES, read_run_summary
from finetune.runs import Run, write_atomically
from ingest.foundation.messages import Language, Message

LANGUAGES = frozenset({"zh", "en"})
"""Languages of data that the header names; others ("mixed") are no language codes."""


def write_card(
    recipe: Recipe,
    run: Run,
    *,
    language: Language,
    is_current: Callable[[str], bool] = lambda model: True,
) -> Path:
    """Write `card/README.md` into the run's folder and return its path.

    Raises:
        RecipeError: nothing has been trained.
    """
    summary = read_run_summary(recipe, run, is_current=is_current)
    if not summary.training:
        raise RecipeError(
            Message("nothing has been trained in {folder}", folder=run.folder),
            hint=Message("run first: python -m finetune train RECIPE"),
        )
    rows = [row for row in summary.rows if row.figure.name in CARD_FIGURES]
    path = run.folder / "card" / "README.md"
    page = render(
        "card.md.j2",
        language,
        d=summary,
        rows=rows,
        format_figure=format_figure,
        served_name=recipe.export.name or recipe.name,
        languages=sorted(LANGUAGES.intersection(summary.quality.get("languages", {}))),
    )
    write_atomically(path, page)
    return path
