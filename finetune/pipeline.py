"""The steps from data to a served model; one that is done with the same inputs is skipped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tomlkit

from finetune.errors import ExportError, RecipeError
from finetune.model.base_model import find_base_model
from finetune.progress import Progress
from finetune.recipe import Quantization, Recipe, apply_change, parse_recipe
from finetune.runs import Run, digest_of
from ingest.foundation.messages import Language, Message, describe_os_error, enumerate_names

Target = Literal["gguf", "ollama", "vllm", "hf"]
BASE = "base"
ADAPTER = "adapter"
MERGED = "merged"

VERSION = 1
"""Of what the steps write: a new one makes every step anew."""

ALREADY = "{step}: done before with the same inputs (--force does it again)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """One run of a recipe. `force` does steps again that need not be."""

    recipe: Recipe
    run: Run
    progress: Progress
    language: Language
    force: bool = False

    def prepare(self) -> bool:
        """Read, clean and split the data. Returns whether there was anything to do."""
        from finetune.data.prepare import prepare

        return self._do(
            "prepare",
            self.prepared(),
            lambda: prepare(self.recipe, self.run, progress=self.progress).figures(),
        )

    def ensure_prepared(self) -> None:
        """Prepare the data if that has not been done with these inputs."""
        if not self.run.finished("prepare", self.prepared()):
            self.prepare()

    def dry_run(self, steps: int) -> dict[str, Any]:
        """Train for some steps, keep nothing, and return what was measured."""
        from finetune.train.trainer import train

        summary = train(self.recipe, self.run, progress=self.progress, dry_steps=steps)
        return summary.figures()

    def train(self, *, resume: bool = False) -> bool:
        """Train; a run that was cut short needs `resume`, or begins anew."""

        def work() -> dict[str, Any]:
            find_base_model(self.recipe)  # that it is missing can be told before torch is loaded
            from finetune.train.trainer import train

            return train(self.recipe, self.run, progress=self.progress, resume=resume).figures()

        self._need("prepare", self.prepared(), "prepare")
        return self._do("train", self.trained(), work)

    def evaluate(self, model: str) -> bool:
        """Ask `model` the questions of the held-out split and score its replies.

        A served model is looked at each time: its name does not tell whether it is still the same.
        Replies of the same weights are kept, unless `force` asks for new ones.
        """
        from finetune.evaluate.evaluation import evaluate

        self._need("prepare", self.prepared(), "prepare")
        if model in (ADAPTER, MERGED):
            self._need("train", self.trained(), "train")
        if model == MERGED:
            self._need("merge", self.merged(), "merge")
        return self._do(
            f"evaluate-{model}",
            self.evaluated(model),
            lambda: evaluate(
                self.recipe, self.run, model, progress=self.progress, force=self.force
            ).figures(),
            always=model not in (BASE, ADAPTER, MERGED),
        )

    def merge(self) -> bool:
        """Put base and adapter into one model."""

        def work() -> dict[str, Any]:
            from finetune.export.merge import merge

            return merge(self.recipe, self.run, progress=self.progress).figures()

        self._need("train", self.trained(), "train")
        return self._do("merge", self.merged(), work)

    def export(
        self, target: Target, *, quantize: Quantization | None = None, verify: bool = False
    ) -> bool:
        """Hand the merged model over in the form of `target`."""

        def work() -> dict[str, Any]:
            from finetune.export.targets import export

            return export(
                self.recipe,
                self.run,
                target,
                quantize=quantize,
                verify=verify,
                progress=self.progress,
            ).figures()

        from ingest.foundation.settings import default_ollama_host

        self._need("merge", self.merged(), "merge")
        made = self.run.ended("merge")
        host = default_ollama_host() if target == "ollama" else ""
        wanted = (target, quantize, verify, host, self.recipe.export.model_dump())
        digest = digest_of(self.merged(), made, *wanted)
        return self._do(f"export-{target}", digest, work)

    def score(self, predictions: Path) -> dict[str, Any]:
        """Score replies that were made elsewhere, and return the figures."""
        from finetune.evaluate.evaluation import evaluate_predictions

        return evaluate_predictions(self.recipe, self.run, predictions).figures()

    def activate(self) -> Message:
        """Let the assistant answer with the model that Ollama got; return what was said of it.

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
        """Write the run's page and return its path."""
        from finetune.report.html_page import write_report

        language = self.recipe.language
        return write_report(self.recipe, self.run, language=language, is_current=self.is_current)

    def card(self) -> Path:
        """Write the model card and return its path."""
        from finetune.report.model_card import write_card

        language = self.recipe.language
        return write_card(self.recipe, self.run, language=language, is_current=self.is_current)

    def is_current(self, model: str) -> bool:
        """Tell whether a model's figures are of the recipe, data and weights as they are now.

        Replies that were made elsewhere have no step of their own: they are taken as they are.
        """
        step = f"evaluate-{model}"
        return not self.run.figures(step) or self.run.finished(step, self.evaluated(model))

    def everything(self, targets: Sequence[Target]) -> dict[str, Any]:
        """Do all steps that are not done yet; return the pages and figures that matter."""
        from finetune.compare.comparison import compare
        from finetune.diagnose.diagnosis import diagnose

        self.prepare()
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

    def prepared(self) -> str:
        """Return the digest of all that the prepared data depends on."""
        recipe = self.recipe
        missing = next((path for path in recipe.data_files if not path.is_file()), None)
        if missing is not None:
            raise RecipeError(
                Message("there is no data file {missing}", missing=missing),
                hint=Message("data.files names it, from the recipe's folder"),
            )
        tables = (recipe.seed, recipe.language, recipe.model.system, recipe.data.model_dump())
        synonyms = recipe.data.augment.synonyms
        files = (
            *recipe.data_files,
            *([recipe.folder / Path(synonyms).expanduser()] if synonyms else ()),
        )
        return digest_of(VERSION, tables, *files)

    def trained(self) -> str:
        """Return the digest of all that the trained weights depend on."""
        recipe = self.recipe
        return digest_of(self.prepared(), recipe.model.model_dump(), recipe.train.model_dump())

    def merged(self) -> str:
        """Return the digest of all that the merged model depends on."""
        return digest_of(self._weights(), MERGED)

    def evaluated(self, model: str) -> str:
        """Return the digest of all that the figures of `model` depend on."""
        recipe = self.recipe
        weights = self._weights() if model in (ADAPTER, MERGED) else recipe.model.model_dump()
        longest = recipe.train.max_tokens  # references are cut to it for their perplexity
        return digest_of(self.prepared(), weights, model, longest, recipe.evaluate.model_dump())

    def _weights(self) -> str:
        """Return the digest of the trained weights: training twice may end with others."""
        return digest_of(self.trained(), self.run.ended("train"))

    def _need(self, step: str, digest: str, command: str) -> None:
        if self.run.finished(step, digest):
            return
        stale = bool(self.run.figures(step))
        raise RecipeError(
            Message(
                "{folder}: the recipe or its data changed since {command}",
                folder=self.run.folder,
                command=command,
            )
            if stale
            else Message(
                "{folder}: {command} has not been done", folder=self.run.folder, command=command
            ),
            hint=Message(
                "run: python -m finetune {command} RECIPE (with the same --set)", command=command
            ),
        )

    def _do(
        self,
        step: str,
        digest: str,
        work: Callable[[], dict[str, Any]],
        *,
        always: bool = False,
    ) -> bool:
        if not (self.force or always) and self.run.finished(step, digest):
            self.progress.note(Message(ALREADY, step=step))
            return False
        with self.run.doing(step, digest) as figures:
            figures.update(work())
        return True


def initialise(name: str, folder: Path, changes: Sequence[str] = ()) -> list[Path]:
    """Copy a shipped recipe and its sample data into `folder`; return what was written.

    `changes` such as "train.lr=2e-4" are written into the recipe, its comments are kept.

    Raises:
        RecipeError: no recipe has this name, a change cannot be made, or a file is there already.
    """
    shipped = Path(__file__).parent / "recipes"
    sources = sorted(shipped.glob(f"{name}.*")) if name in names() else []
    if not sources:
        raise RecipeError(
            Message("there is no recipe {name}", name=name),
            hint=Message("choose one of {names}", names=enumerate_names(names())),
        )
    written = [folder / source.name for source in sources]
    for path in written:
        if path.exists():
            raise RecipeError(
                Message("{path} is there already", path=path),
                hint=Message("name another folder: --into FOLDER"),
            )
    recipe = _changed(shipped / f"{name}.toml", changes)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for source, path in zip(sources, written, strict=True):
            path.write_bytes(recipe if path.suffix == ".toml" else source.read_bytes())
    except OSError as error:
        raise ExportError(
            Message("cannot write into {folder}", folder=folder),
            hint=describe_os_error(error),
        ) from error
    return written


def _changed(path: Path, changes: Sequence[str]) -> bytes:
    """Return a recipe's text with changes made to it."""
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    for change in changes:
        apply_change(document, change)
    parse_recipe(document.unwrap(), source="--set", folder=path.parent)
    return tomlkit.dumps(document).encode()


def names() -> dict[str, str]:
    """Return the names of the shipped recipes, each with what its first line says."""
    paths = sorted((Path(__file__).parent / "recipes").glob("*.toml"))
    first = {path.stem: path.read_text(encoding="utf-8").partition("\n")[0] for path in paths}
    return {name: line.lstrip("# ") for name, line in first.items()}
