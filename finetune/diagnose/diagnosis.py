"""Diagnose a run: what is wrong with it, and the next change to make.

The checks read evidence from four places: the log of training, the prepared data, the files of
models, and the model itself. Checks whose evidence is missing say so.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from finetune.diagnose.checks.behaviour import (
    check_ending,
    check_repetition,
    check_template,
    check_thinking,
)
from finetune.diagnose.checks.evidence import (
    Evidence,
    ModelProbe,
    measure_lengths,
    read_rope_bases,
)
from finetune.diagnose.checks.findings import CheckName, Finding, command
from finetune.diagnose.checks.learning import check_overfit, check_truncation, check_underfit
from finetune.diagnose.checks.numerics import (
    check_divergence,
    check_overflow,
    check_rope,
    check_serving,
    check_weights,
)
from finetune.errors import FinetuneError, RecipeError, not_installed
from finetune.model.tokenization import load_tokenizer
from finetune.progress import Progress
from finetune.recipe import Recipe
from finetune.runs import Run
from finetune.train.log import SUMMARY_FILE, read_log
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.messages import COLON, LIST_COMMA, Language, Message


class DiagnosticCheck(NamedTuple):
    """One check of the diagnosis, and its title for people."""

    title: Message
    run: Callable[[Evidence], Finding]


# In the order of fixing: what stands first can cause everything after it. NaN in the weights spoils
# all replies, and an under-fitted model neither ends nor thinks as it should.
CHECKS: Mapping[CheckName, DiagnosticCheck] = {
    "weights": DiagnosticCheck(Message("weights that are no numbers"), check_weights),
    "rope": DiagnosticCheck(Message("positions (rope_theta)"), check_rope),
    "overflow": DiagnosticCheck(Message("overflow (NaN)"), check_overflow),
    "divergence": DiagnosticCheck(Message("training that broke off or blew up"), check_divergence),
    "truncation": DiagnosticCheck(Message("samples lost to max_tokens"), check_truncation),
    "template": DiagnosticCheck(Message("template mismatch"), check_template),
    "underfit": DiagnosticCheck(Message("under-fit"), check_underfit),
    "ending": DiagnosticCheck(Message("missing end token (EOS)"), check_ending),
    "thinking": DiagnosticCheck(Message("broken thinking format"), check_thinking),
    "overfit": DiagnosticCheck(Message("over-fit"), check_overfit),
    "repetition": DiagnosticCheck(Message("repetition"), check_repetition),
    "serving": DiagnosticCheck(Message("overflow where fp16 serves it"), check_serving),
}

PROBED_MODELS = ("base", "adapter", "merged")
"""Models whose weights are at hand; a server answers, but shows no weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The findings of all checks on `model`, in the order in which they are to be fixed."""

    model: str
    findings: tuple[Finding, ...]

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings of what is wrong, the first to be fixed first."""
        return self._in_state("wrong")

    def to_json(self) -> dict[str, Any]:
        """Return all findings as JSON values, texts in both languages."""
        return {"model": self.model, "verdicts": [one.to_json() for one in self.findings]}

    def to_text(self, language: Language) -> str:
        """Return lines for people: the problems with their fixes, then what else was checked."""
        joint = COLON.localize(language)
        lines = [Message("model: {model}", model=self.model).localize(language)]
        for number, one in enumerate(self.problems, start=1):
            title = CHECKS[one.check].title.localize(language)
            lines.append(f"{number}. {title}{joint}{one.message.localize(language)}")
            lines.append(f"   → {one.fix.localize(language)}")
        if not self.problems:
            lines.append(_NO_PROBLEM.localize(language))
        if len(self.problems) > 1:
            lines.append(_FIRST_FIRST.localize(language))
        comma = LIST_COMMA.localize(language)
        for heading, state in ((_SOUND, "sound"), (_UNCHECKED, "unchecked")):
            # One line per message: without a model seven checks have the same reason.
            titles: dict[Message, list[str]] = {}
            for one in self._in_state(state):
                titles.setdefault(one.message, []).append(
                    CHECKS[one.check].title.localize(language)
                )
            if titles:
                lines += ["", heading.localize(language)]
            for message, names in titles.items():
                lines.append(f"  {comma.join(names)}{joint}{message.localize(language)}")
        return "\n".join(lines)

    def _in_state(self, state: str) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.state == state)


_NO_PROBLEM = Message("nothing wrong found")
_FIRST_FIRST = Message(
    "make the first change first, then diagnose again: it may be the cause of the others"
)
_SOUND = Message("looked at and found sound:")
_UNCHECKED = Message("could not be looked at:")


def diagnose(recipe: Recipe, run: Run, model: str, *, progress: Progress) -> Diagnosis:
    """Return what is wrong with `model` (base, adapter or merged) and with its training.

    Where training left no adapter, the base is probed. Without torch, data or a log the findings
    say which checks could not run.

    Raises:
        RecipeError: `model` is none whose weights can be probed.
        FinetuneError: the model cannot be loaded, and no training has left a log.
    """
    if model not in PROBED_MODELS:
        raise RecipeError(
            Message("diagnose cannot look into {model}", model=model),
            hint=Message("give --model base, adapter or merged"),
        )
    if model == "adapter" and not run.adapter.is_dir():
        progress.note(Message("there is no adapter: the base is looked at"))
        model = "base"
    evidence = gather_evidence(recipe, run, model, progress=progress)
    findings = tuple(check.run(evidence) for check in CHECKS.values())
    return Diagnosis(model=model, findings=findings)


def gather_evidence(recipe: Recipe, run: Run, model: str, *, progress: Progress) -> Evidence:
    """Return everything that can be learnt about a run on this machine.

    Raises:
        FinetuneError: the model cannot be loaded, and no training has left a log.
    """
    evidence = Evidence(recipe=recipe, model=model, precision=recipe.train.precision)
    try:
        evidence = replace(
            evidence,
            log=tuple(read_log(run.train)),
            finished=(run.train / SUMMARY_FILE).is_file(),
            no_log_reason=Message("no step was logged"),
        )
    except FinetuneError as error:
        evidence = replace(evidence, no_log_reason=error.full_message)
    base = recipe.base_folder
    try:
        found = _probe_model(recipe, run, model, progress=progress)
    except MissingDependencyError as error:
        evidence = replace(evidence, no_probe_reason=error.full_message)
    except FinetuneError as error:
        # A training that failed still has a log to diagnose; without one there is nothing.
        if not evidence.log:
            raise
        evidence = replace(evidence, no_probe_reason=error.full_message)
    else:
        base = found.folder
        evidence = replace(
            evidence,
            numerics=found.numerics,
            behaviour=found.behaviour,
            precision=found.numerics.precision,
            no_probe_reason=no_behaviour_reason(found),
        )
    evidence = replace(
        evidence,
        ropes=read_rope_bases(base, run),
        no_lengths_reason=Message("there is no base model here"),
    )
    if base is None:
        return evidence
    try:
        return replace(evidence, lengths=measure_lengths(recipe, run, load_tokenizer(base)))
    except FinetuneError as error:
        return replace(evidence, no_lengths_reason=error.full_message)


def no_behaviour_reason(found: ModelProbe) -> Message:
    """Return why nothing was generated; a probe always has numerics."""
    if found.behaviour:
        return Message("its tokenizer lacks the marks of the format")
    if found.numerics.broken or "fp32" in found.numerics.overflowing:
        return Message("not before it computes with numbers")
    prepare = command("prepare")
    return Message("nothing is prepared: {prepare}", prepare=prepare)


def _probe_model(recipe: Recipe, run: Run, model: str, *, progress: Progress) -> ModelProbe:
    try:
        from finetune.diagnose.probing.probe import probe  # noqa: PLC0415  heavy: torch takes 3 s
    except ModuleNotFoundError as error:
        raise not_installed(error) from error
    return probe(recipe, run, model, progress=progress)
