"""`finetune improve`: rows, training, judgement through the assistant, and only then activation.

rows ──► prepare ──► ask base ──► train ──► ask tuned ──► gate ──► merge, export, activate
                                                           └────► the old model stays

Each step keeps what it has done: the same command goes on where it was cut short.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from assistant import Settings
from finetune.errors import DataError, FinetuneError, RecipeError
from finetune.improve.html_page import write_improvement_page
from finetune.improve.other_rows import write_other_rows
from finetune.improve.plan import ImprovementPlan, require_same_plan
from finetune.improve.rows import MakeRows, ensure_rows
from finetune.pipeline import ADAPTER, BASE, Pipeline
from finetune.progress import Progress
from finetune.proof import ask_with_passages, decide_gate
from finetune.rag_evaluation.gate import MIN_QUESTIONS, GateDecision
from finetune.rag_evaluation.questions import held_out_questions
from finetune.runs import Run
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Language, Message
from ingest.foundation.settings import default_ollama_host

ImprovementTarget = Literal["ollama", "gguf", "none"]
"""Where a better model goes: only one in Ollama can be activated."""

ANSWER_S = 10.0
"""Seconds in which an Ollama that is there says its version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Improvement:
    """What came of it. `page` is the report."""

    decision: GateDecision
    page: Path
    recipe: Path
    exported: str = ""
    """Name in Ollama, or the GGUF file; "" where the base stays."""
    activated: Message | None = None

    @property
    def lines(self) -> list[Message]:
        """What a person reads below the figures."""
        outcome = [self.activated] if self.activated else []
        if self.exported and not self.activated:
            outcome.append(Message("{model} is there, and not active", model=self.exported))
        if not self.exported and not self.decision.passed:
            outcome.append(Message("nothing was exported or activated: the old model stays"))
        return outcome

    def to_text(self, language: Language) -> str:
        """Return the decision, its figures, and what became of the model."""
        outcome = [line.localize(language) for line in self.lines]
        page = Message("report: {page}", page=self.page).localize(language)
        return "\n".join([*self.decision.to_lines(language), "", *outcome, page])

    def to_json(self) -> dict[str, Any]:
        """Return the same as JSON values."""
        return {
            **self.decision.to_json(),
            "exported": self.exported,
            "activated": self.activated is not None,
            "recipe": str(self.recipe),
            "report": str(self.page),
        }


def improve(
    plan: ImprovementPlan,
    *,
    settings: Settings,
    make_rows: MakeRows,
    to: ImprovementTarget,
    activate: bool,
    progress: Progress,
) -> Improvement:
    """Tune the plan's base for its collection, and put it into use if it is better there.

    Args:
        plan: What is improved, and where the work lies.
        settings: The assistant's.
        make_rows: Called if the folder holds no rows yet.
        to: Where a better model goes.
        activate: Whether the assistant answers with it from then on.
        progress: Gets the steps.

    Raises:
        FinetuneError: a step cannot be done. What was done is kept, and nothing is activated.
    """
    with _named_for_improve(plan.folder):
        return _improve(
            plan,
            settings=settings,
            make_rows=make_rows,
            to=to,
            activate=activate,
            progress=progress,
        )


@contextlib.contextmanager
def _named_for_improve(folder: Path) -> Iterator[None]:
    """Let a full disk name the way on from here: the steps name their own commands."""
    try:
        yield
    except (QiuzhengError, OSError) as error:
        from finetune.train.failures import is_out_of_disk  # noqa: PLC0415  torch takes 3 s

        if not any(map(is_out_of_disk, _causes(error))):
            raise
        message = error.message if isinstance(error, QiuzhengError) else None
        kind = type(error) if isinstance(error, FinetuneError) else FinetuneError
        raise kind(
            message or Message("no room left to write in {folder}{kept}", folder=folder, kept=""),
            hint=Message("make room and run the same command again: what was made is kept"),
        ) from error


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__


def _improve(
    plan: ImprovementPlan,
    *,
    settings: Settings,
    make_rows: MakeRows,
    to: ImprovementTarget,
    activate: bool,
    progress: Progress,
) -> Improvement:
    # All that can be wrong is looked for before the first hour is spent.
    size = plan.check_base(exported=to != "none")
    if missing := next((path for path in plan.more_rows if not path.is_file()), None):
        raise DataError(
            Message("there is no data file {missing}", missing=missing),
            hint=Message("name a file of rows, such as that of assistant feedback"),
        )
    if to == "ollama":
        require_ollama()
    plan.folder.mkdir(parents=True, exist_ok=True)
    require_same_plan(plan.folder, {"collection": plan.collection, "base": plan.base})
    ensure_rows(plan, settings=settings, size=size, make_rows=make_rows, progress=progress)
    write_other_rows(plan, settings=settings, size=size, progress=progress)
    recipe = plan.write_recipe(context_tokens=settings.model.context_tokens)
    run = Run(plan.folder / "runs" / recipe.name)
    pipeline = Pipeline(recipe=recipe, run=run, progress=progress, language=plan.language)
    pipeline.prepare()
    _require_held_out(pipeline)
    collections = (plan.collection,) if plan.collection else ()
    ask_with_passages(pipeline, BASE, collections)
    try:
        pipeline.train(resume=True)
    except RecipeError as error:  # it has changed since: its checkpoints are of no use
        progress.note(error.message)
        pipeline.train()
    ask_with_passages(pipeline, ADAPTER, collections)
    decision = decide_gate(pipeline, BASE, ADAPTER)
    done = Improvement(
        decision=decision, page=plan.folder / "report.html", recipe=plan.folder / "improve.toml"
    )
    if decision.passed and to != "none":
        pipeline.merge()
        pipeline.export(to, verify=to == "ollama")
        made = run.figures(f"export-{to}")
        done = replace(done, exported=str(made.get("model") or made["file"]))
        if activate and to == "ollama":
            done = replace(done, activated=pipeline.activate())
    write_improvement_page(
        decision, pipeline, done.page, collection=plan.collection, outcome=done.lines
    )
    return done


def require_ollama() -> None:
    """Raise `ExportError` if there is no Ollama that the tuned model could go to."""
    from finetune.export.ollama import require_version  # noqa: PLC0415  torch takes 3 s
    from ingest.model_servers.ollama import OllamaClient  # noqa: PLC0415

    require_version(OllamaClient(default_ollama_host(), timeout_s=ANSWER_S))


def _require_held_out(pipeline: Pipeline) -> None:
    """Raise `DataError` if the rows are too few to show anything."""
    count = len(held_out_questions(pipeline.recipe, pipeline.run))
    if count < MIN_QUESTIONS:
        raise DataError(
            Message(
                "{count} held-out {count:?question shows|questions show} nothing: at "
                "least {least} are wanted",
                count=count,
                least=MIN_QUESTIONS,
            ),
            hint=Message("store more documents, or let a model write questions too: --teacher"),
        )
