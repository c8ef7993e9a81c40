"""The figure that a training chooses its best checkpoint by, if that is not the loss.

The loss may rise while answers get better: a model grows sure of its words before it grows right.
"""

import random
from collections.abc import Callable
from typing import Any

from finetune.errors import TrainingError
from finetune.evaluate.generate.transformers import TransformersGenerator
from finetune.evaluate.metrics.catalogue import FIGURES
from finetune.evaluate.metrics.scoring import Scorer
from finetune.model.base_model import find_base_model
from finetune.model.chat_format import chat_format
from finetune.model.tokenization import load_tokenizer
from finetune.progress import SilentProgress
from finetune.recipe import Recipe
from finetune.runs import Run
from finetune.train.model import LoadedModel
from ingest.foundation.messages import Message


def training_scorer(recipe: Recipe, run: Run) -> Callable[[Any], float] | None:
    """Return what scores a model's replies to validation questions; None where loss decides.

    Replies are greedy, so that the same weights always have the same score. It is in the unit in
    which `evaluate` shows that figure, the higher the better.

    Raises:
        BaseModelError: the base is missing, or does not know the format's marks.
    """
    table = recipe.train
    if table.best_by == "loss":
        return None
    fmt = chat_format(recipe.model.format)
    base = find_base_model(recipe)
    tokenizer = load_tokenizer(base, fmt=fmt)
    records = list(run.records("val"))
    if len(records) > table.best_questions:
        records = random.Random(recipe.seed).sample(records, table.best_questions)  # noqa: S311
    figure = next(one for one in FIGURES if one.name == table.best_by)
    greedy = recipe.evaluate.model_copy(update={"temperature": 0.0})
    greedy_recipe = recipe.model_copy(update={"evaluate": greedy})
    scorer = Scorer(fmt=fmt, task=recipe.evaluate.task, labels=recipe.data.labels)

    def score(model: Any) -> float:
        """Return the figure of a model of transformers or peft as it is now."""
        loaded = LoadedModel(model=model, tokenizer=tokenizer, folder=base, precision="fp32")
        generator = TransformersGenerator(loaded, greedy_recipe, name="training", identity="")
        silent = SilentProgress()
        replies = {one.id: one for one in generator.generate(records, progress=silent)}
        value = figure.value(scorer.score(records, replies, progress=silent))
        if value is None:
            raise TrainingError(
                Message("train.best_by {name}: no row of val has that figure", name=figure.name),
                hint=Message('write best_by = "loss"'),
            )
        return value

    return score
