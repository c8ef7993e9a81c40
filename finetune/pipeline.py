"""The steps from data to a served model; a step that is done with the same inputs is skipped.

prepare ──► train ──► merge ──► export-TARGET
└──────────┴─────────┴─────► evaluate-MODEL
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from finetune.errors import ExportError, RecipeError
from finetune.model.base_model import find_base_model
from finetune.progress import Progress
from finetune.recipe import Quantization, Recipe
from finetune.runs import Run, StepName, digest_of
from ingest.foundation.messages import Language, Message
from ingest.foundation.settings import expand_user

Target = Literal["gguf", "ollama", "vllm", "hf"]
Figures = dict[str, Any]
"""What a step measured, by name, as it is kept in state.json and shown on the terminal."""

BASE = "base"
ADAPTER = "adapter"
MERGED = "merged"

VERSION = 1
"""Version of the files that the steps write. It is part of each digest: a new one repeats all
steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """One run of a recipe. `force` repeats steps whose inputs have not changed."""

    recipe: Recipe
    run: Run
    progress: Progress
    language: Language
    force: bool = False

    def prepare(self) -> bool:
        """Read, clean and split the data. Returns whether there was anything to do."""
        return self.run_step(PREPARE)

    def ensure_prepared(self) -> None:
        """Prepare the data if that has not been done with these inputs."""
        # Not `prepare()`: under --force it would prepare again before each command that only
        # needs the data, and a prepared file that changed makes every later step stale.
        if not self.run.is_finished("prepare", self.data_digest()):
            self.prepare()

    def dry_run(self, steps: int) -> Figures:
        """Train for some optimiser steps, keep nothing, and return what was measured."""
        from finetune.evaluate.training_score import training_scorer
        from finetune.train.trainer import train

        score = training_scorer(self.recipe, self.run)
        summary = train(self.recipe, self.run, progress=self.progress, dry_steps=steps, score=score)
        return summary.figures()

    def train(self, *, resume: bool = False) -> bool:
        """Train; a run that was cut short needs `resume`, or begins again.

        Returns whether there was anything to do.
        """
        return self.run_step(train_step(resume=resume))

    def evaluate(self, model: str) -> bool:
        """Put the questions of the held-out split to `model` and score its replies.

        Replies of the same weights are kept, unless `force` asks for new ones.
        """
        return self.run_step(evaluate_step(model))

    def merge(self) -> bool:
        """Merge base and adapter into one model. Returns whether there was anything to do."""
        return self.run_step(MERGE)

    def export(
        self, target: Target, *, quantize: Quantization | None = None, verify: bool = False
    ) -> bool:
        """Export the merged model in the form of `target`; `quantize` None: as the recipe says."""
        return self.run_step(export_step(target, quantize=quantize, verify=verify))

    def score(self, predictions: Path) -> Figures:
        """Score replies that were made elsewhere, and return the figures."""
        from finetune.evaluate.evaluation import evaluate_predictions

        return evaluate_predictions(self.recipe, self.run, predictions).figures()

    def activate(self) -> Message:
        """Make the model that Ollama got the assistant's; return one line on what changed.

        Whether it is better, `finetune.proof` knows.

        Raises:
            ExportError: Ollama got none from this run.
        """
        from finetune.export.activate import activate

        name = self.run.figures("export-ollama").get("model")
        if not name:
            raise ExportError(
                Message(
                    "{folder}: Ollama was given no model that could be activated",
                    folder=self.run.folder,
                ),
                hint=Message("run: python -m finetune export RECIPE --to ollama --activate"),
            )
        return activate(str(name))

    def report(self) -> Path:
        """Write the HTML report and return its path."""
        from finetune.report.html_page import write_report

        language = self.recipe.language
        return write_report(self.recipe, self.run, language=language, is_current=self.is_current)

    def card(self) -> Path:
        """Write the model card and return its path."""
        from finetune.report.model_card import write_card

        language = self.recipe.language
        return write_card(self.recipe, self.run, language=language, is_current=self.is_current)

    def is_current(self, model: str) -> bool:
        """Return whether a model's figures are of the recipe, data and weights as they are now."""
        step = evaluate_step(model)
        # Replies that were made elsewhere have no step of their own and are taken as they are.
        return not self.run.figures(step.name) or self._is_finished(step)

    def run_all(self, targets: Sequence[Target]) -> Figures:
        """Do all steps that are not done yet; return the pages and figures that matter."""
        from finetune.compare.comparison import compare
        from finetune.diagnose.diagnosis import diagnose

        self.prepare()
        # The base goes first: if it cannot be evaluated, that shows before hours of training.
        self.evaluate(BASE)
        self.train()
        diagnosis = diagnose(self.recipe, self.run, ADAPTER, progress=self.progress)
        self.evaluate(ADAPTER)
        comparison = compare(self.run, BASE, ADAPTER, language=self.language)
        self.merge()
        for target in targets:
            self.export(target)
        return {
            "text": f"{diagnosis.to_text(self.language)}\n\n{comparison.to_text(self.language)}\n",
            "report": self.report(),
            "card": self.card(),
            **{f"export-{to}": dict(self.run.figures(f"export-{to}")) for to in targets},
        }

    def data_digest(self) -> str:
        """Return the digest of all that the prepared data depends on.

        Raises:
            RecipeError: a data file is missing.
        """
        recipe = self.recipe
        missing = next((path for path in recipe.data_files if not path.exists()), None)
        if missing is not None:
            raise RecipeError(
                Message("there is no data file {missing}", missing=missing),
                hint=Message("data.files names it, from the recipe's folder"),
            )
        tables = (recipe.seed, recipe.language, recipe.model.system, recipe.data.model_dump())
        files = list(recipe.data_files)
        # By content, not by name: an edited list of synonyms makes other training rows.
        if synonyms := recipe.data.augment.synonyms:
            named = expand_user(synonyms, source="data.augment.synonyms")
            files.append(recipe.folder / named)
        return digest_of(VERSION, tables, *files)

    def training_digest(self) -> str:
        """Return the digest of all that training depends on."""
        recipe = self.recipe
        return digest_of(self.data_digest(), recipe.model.model_dump(), recipe.train.model_dump())

    def merge_digest(self) -> str:
        """Return the digest of all that the merged model depends on."""
        return digest_of(self._weights_digest(), MERGED)

    def evaluation_digest(self, model: str) -> str:
        """Return the digest of all that the figures of `model` depend on."""
        recipe = self.recipe
        tuned = model in (ADAPTER, MERGED)
        weights = self._weights_digest() if tuned else recipe.model.model_dump()
        longest = recipe.train.max_tokens  # references are cut to it for their perplexity
        return digest_of(self.data_digest(), weights, model, longest, recipe.evaluate.model_dump())

    def _weights_digest(self) -> str:
        # The time is part of it: a GPU does not add up in the same order twice, so that training
        # again with the same inputs ends with other weights.
        return digest_of(self.training_digest(), self.run.finished_at("train"))

    def _is_finished(self, step: "Step") -> bool:
        return self.run.is_finished(step.name, step.digest(self))

    def require_finished(self, steps: Sequence["Step"]) -> None:
        """Raise `RecipeError` for the first step that has not been done with the present inputs."""
        first = next((one for one in steps if not self._is_finished(one)), None)
        if first is not None:
            missing = first.name
            raise RecipeError(
                Message(
                    "{folder}: the recipe or its data changed since {command}",
                    folder=self.run.folder,
                    command=missing,
                )
                if self.run.figures(missing)  # it was done, with other inputs
                else Message(
                    "{folder}: {command} has not been done",
                    folder=self.run.folder,
                    command=missing,
                ),
                hint=Message(
                    "run: python -m finetune {command} RECIPE (with the same --set)",
                    command=first.command,
                ),
            )

    def run_step(self, step: "Step") -> bool:
        """Do a step unless it is done; return whether there was anything to do.

        Raises:
            RecipeError: a step that it needs has not been done with the present inputs.
        """
        self.require_finished(step.needs)
        digest = step.digest(self)
        if not (self.force or step.always) and self.run.is_finished(step.name, digest):
            self.progress.note(
                Message(
                    "{step}: done before with the same inputs (--force does it again)",
                    step=step.name,
                )
            )
            return False
        with self.run.step(step.name, digest) as figures:
            figures.update(step.work(self))
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a run: what it needs, what it depends on, and what does it.

    `digest` covers all inputs: it is kept with the figures, and the step is skipped while it stays
    the same. `needs` are the steps that must be finished before, the earliest first, so that a
    person is sent to that one. `always`: never skipped.
    """

    name: StepName
    digest: Callable[[Pipeline], str]
    work: Callable[[Pipeline], Figures]
    needs: tuple["Step", ...] = ()
    always: bool = False

    @property
    def command(self) -> str:
        """What a person types after `finetune` to do it."""
        verb, _, what = self.name.partition("-")
        commands = {
            "evaluate": f"evaluate --model {what}",
            "passages": f"evaluate --with passages --model {what}",
            "export": f"export --to {what}",
        }
        return commands.get(verb, self.name)


# The parts are imported inside the functions below: torch alone takes seconds, and `prepare` has
# to run where it is not installed.


def prepare_data(pipeline: Pipeline) -> Figures:
    """Prepare the data and return the figures of the quality report."""
    from finetune.data.prepare import prepare

    return prepare(pipeline.recipe, pipeline.run, progress=pipeline.progress).figures()


def merge_adapter(pipeline: Pipeline) -> Figures:
    """Merge base and adapter and return how far the merged model's logits differ."""
    from finetune.export.merge import merge

    return merge(pipeline.recipe, pipeline.run, progress=pipeline.progress).figures()


def train_step(*, resume: bool = False) -> Step:
    """Return the step that trains; `resume` goes on from the last checkpoint."""

    def work(pipeline: Pipeline) -> Figures:
        """Train, and return the summary's figures."""
        # A missing base is found here, before torch takes its seconds to load.
        find_base_model(pipeline.recipe)
        from finetune.evaluate.training_score import training_scorer
        from finetune.train.trainer import train

        recipe, run = pipeline.recipe, pipeline.run
        score = training_scorer(recipe, run)
        summary = train(recipe, run, progress=pipeline.progress, resume=resume, score=score)
        return summary.figures()

    return Step(name="train", needs=(PREPARE,), digest=Pipeline.training_digest, work=work)


def evaluate_step(model: str) -> Step:
    """Return the step that scores `model`: base, adapter, merged, ollama:NAME or openai:URL."""

    def work(pipeline: Pipeline) -> Figures:
        """Evaluate the model, and return its figures."""
        from finetune.evaluate.evaluation import evaluate

        run, progress = pipeline.run, pipeline.progress
        return evaluate(
            pipeline.recipe, run, model, progress=progress, force=pipeline.force
        ).figures()

    needs = {ADAPTER: (PREPARE, TRAIN), MERGED: (PREPARE, TRAIN, MERGE)}
    return Step(
        name=f"evaluate-{model}",
        needs=needs.get(model, (PREPARE,)),
        digest=lambda pipeline: pipeline.evaluation_digest(model),
        work=work,
        # The name of a served model does not say whether its weights are still the same.
        always=model not in (BASE, ADAPTER, MERGED),
    )


def export_step(target: Target, *, quantize: Quantization | None, verify: bool) -> Step:
    """Return the step that writes the form of `target`; `quantize` None: as the recipe says."""

    def digest(pipeline: Pipeline) -> str:
        """Return the digest of the merged model and of all that shapes the export."""
        from ingest.foundation.settings import default_ollama_host

        # Another Ollama has not got the model, whatever this one was given.
        host = default_ollama_host() if target == "ollama" else ""
        wanted = (target, quantize, verify, host, pipeline.recipe.export.model_dump())
        return digest_of(pipeline.merge_digest(), pipeline.run.finished_at("merge"), *wanted)

    def work(pipeline: Pipeline) -> Figures:
        """Export the model, and return where it is and what it was checked for."""
        from finetune.export.targets import export

        return export(
            pipeline.recipe,
            pipeline.run,
            target,
            quantize=quantize,
            verify=verify,
            progress=pipeline.progress,
        ).figures()

    return Step(name=f"export-{target}", needs=(MERGE,), digest=digest, work=work)


PREPARE = Step(name="prepare", digest=Pipeline.data_digest, work=prepare_data)
TRAIN = train_step()
MERGE = Step(name="merge", needs=(TRAIN,), digest=Pipeline.merge_digest, work=merge_adapter)
