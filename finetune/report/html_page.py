"""`finetune report`: one HTML page on a run, from its data to its figures."""

import re
from collections.abc import Callable
from pathlib import Path

from finetune.compare.differences import format_figure
from finetune.compare.html_page import excerpt
from finetune.errors import RecipeError
from finetune.html_templates import render
from finetune.recipe import Recipe
from finetune.report.run_summary import read_run_summary
from finetune.runs import Run, write_atomically
from ingest.foundation.messages import Language, Message


def write_report(
    recipe: Recipe,
    run: Run,
    *,
    language: Language,
    is_current: Callable[[str], bool] = lambda model: True,
) -> Path:
    """Write `report.html` into the run's folder and return its path.

    Steps that have not been run are named as missing. The page is self-contained: no scripts, no
    network. `is_current` says whether a model's figures belong to the current recipe and weights.

    Raises:
        RecipeError: not even `prepare` has been run.
    """
    summary = read_run_summary(recipe, run, is_current=is_current)
    if not summary.quality:
        raise RecipeError(
            Message("there is nothing to report in {folder}", folder=run.folder),
            hint=Message("run first: python -m finetune prepare RECIPE"),
        )
    path = run.folder / "report.html"
    # The drawing alone: XML and DOCTYPE declarations may not be inside an HTML page.
    drawing = re.search(r"<svg.*</svg>", summary.loss_plot, re.DOTALL)
    page = render(
        "report.html.j2",
        language,
        filters={"excerpt": excerpt},
        d=summary,
        format_figure=format_figure,
        loss_plot=drawing[0] if drawing else "",
        comparisons=[one.name for one in sorted(run.evaluation.glob("compare-*.html"))],
    )
    write_atomically(path, page)
    return path
