"""One merged tiny model for all tests that export it."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from finetune.export.merge import MergeReport, merge
from finetune.progress import SilentProgress
from finetune.recipe import Recipe
from finetune.runs import Run
from tests.finetune.export.tuned_models import add_adapter, recipe_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A run whose model is merged. Never write into it."""

    recipe: Recipe
    run: Run
    report: MergeReport

    @property
    def folder(self) -> Path:
        return self.run.merged


@pytest.fixture(scope="session")
def merged(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Merged:
    """A tiny R1 model with a random adapter merged into it."""
    recipe = recipe_of(tiny)
    run = Run(tmp_path_factory.mktemp("runs") / "drone")
    add_adapter(recipe, run)
    return Merged(recipe=recipe, run=run, report=merge(recipe, run, progress=SilentProgress()))
