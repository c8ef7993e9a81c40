"""`finetune report`: one page on a run, from its data to what it is worth."""

import re
from collections.abc import Callable
from pathlib import Path

from finetune.compare.differences import shown
from finetune.errors import RecipeError
from finetune.html_templates import render
from finetune.recipe import Recipe
from finetune.report.run_summary import read_run_summary
from finetune.runs import Run, write_whole
from ingest.foundation.messages import Language, Message


def write_report(
    recipe: Recipe,
    run: Run,
    *,
    language: Language,
    is_current: Callable[[str], bool] = lambda model: True,
) -> Path:
    """Write `report.html` into the run's folder and return its path.

    Steps that have not been done are named as missing. The page needs nothing else: no scripts,
    no network.

    Raises:
        RecipeError: nothing has been done yet.
    """
    dossier = read_run_summary(recipe, run, is_current=is_current)
    if not dossier.quality:
        raise RecipeError(
            Message("there is nothing to report in {folder}", folder=run.folder),
            hint=Message("run first: python -m finetune prepare RECIPE"),
        )
    path = run.folder / "report.html"
    page = render(
        "report.html.j2",
        language,
        d=dossier,
        shown=shown,
        loss_plot=_drawing(dossier.loss_plot),
        comparisons=[one.name for one in sorted(run.evaluation.glob("compare-*.html"))],
    )
    write_whole(path, page)
    return path


def _drawing(svg: str) -> str:
    """Return the drawing alone, without the declarations that a page may not hold."""
    found = re.search(r"<svg.*</svg>", svg, re.DOTALL)
    return found[0] if found else ""
