"""What is wrong with a run, and the next change to make.

The rules look at evidence from four places: the log of training, the prepared data, the files of
models, and the model itself, which is asked. What is not there is told, and the rest looked at.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from finetune.diagnose.checks import behaviour, learning, numbers
from finetune.diagnose.checks.evidence import Evidence, ModelProbe, measure_lengths, rope_bases
from finetune.diagnose.checks.verdicts import NAMES, Finding, command
from finetune.errors import FinetuneError, RecipeError, not_installed
from finetune.model.tokenization import load_tokenizer
from finetune.progress import Progress
from finetune.recipe import Recipe
from finetune.runs import Run
from finetune.train.log import SUMMARY_FILE, read_log
from ingest.foundation.errors import MissingDependencyError, QiuzhengError
from ingest.foundation.messages import Language, Message, plain

RULES: tuple[Callable[[Evidence], Finding], ...] = (
    numbers.weights,
    numbers.rope,
    numbers.overflow,
    numbers.divergence,
    learning.truncation,
    behaviour.template,
    learning.underfit,
    behaviour.ending,
    behaviour.thinking,
    learning.overfit,
    behaviour.repetition,
    numbers.serving,
)
"""In the order of mending: what stands first can cause all that follows."""

LOOKED_INTO = ("base", "adapter", "merged")


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The verdicts on `model`, in the order in which they are to be acted upon."""

    model: str
    verdicts: tuple[Finding, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong, the first to be mended first."""
        return self._of("wrong")

    def to_json(self) -> dict[str, Any]:
        """Return all of it for JSON, texts in both languages."""
        return {"model": self.model, "verdicts": plain([asdict(one) for one in self.verdicts])}

    def to_text(self, language: Language) -> str:
        """Return lines for people: what is wrong and what to change, then what was looked at."""
        lines = [Message("model: {model}", model=self.model).localize(language)]
        for number, one in enumerate(self.findings, start=1):
            lines.append(f"{number}. {_line(one, language)}")
            lines.append(f"   → {one.change.localize(language)}")
        if not self.findings:
            lines.append(_NOTHING.localize(language))
        if len(self.findings) > 1:
            lines.append(_FIRST_FIRST.localize(language))
        for title, state in ((_SOUND, "sound"), (_UNSEEN, "unseen")):
            if shown := self._of(state):
                lines += ["", title.localize(language), *_grouped(shown, language)]
        return "\n".join(lines)

    def _of(self, state: str) -> tuple[Finding, ...]:
        return tuple(one for one in self.verdicts if one.state == state)


_NOTHING = Message("nothing wrong found")
_FIRST_FIRST = Message(
    "make the first change first, then diagnose again: it may be the cause of the others"
)
_SOUND = Message("looked at and found sound:")
_UNSEEN = Message("could not be looked at:")


def _line(verdict: Finding, language: Language) -> str:
    joint = "：" if language == "zh" else ": "
    return NAMES[verdict.cause].localize(language) + joint + verdict.told.localize(language)


def _grouped(verdicts: Sequence[Finding], language: Language) -> Iterator[str]:
    """Yield a line for each thing told, however many causes it is told of."""
    told = dict.fromkeys(one.told for one in verdicts)
    for what in told:
        names = (NAMES[one.cause].localize(language) for one in verdicts if one.told == what)
        comma, joint = ("、", "：") if language == "zh" else (", ", ": ")
        yield f"  {comma.join(names)}{joint}{what.localize(language)}"


def diagnose(recipe: Recipe, run: Run, model: str, *, progress: Progress) -> Diagnosis:
    """Return what is wrong with `model` (base, adapter or merged) and with how it was trained.

    Where training left no adapter, the base is looked at. Without torch, without data or without
    a log the diagnosis says what could not be looked at.

    Raises:
        RecipeError: `model` is none whose weights can be looked at.
        FinetuneError: the model cannot be loaded, and no training has left a log.
    """
    if model not in LOOKED_INTO:
        raise RecipeError(
            Message("diagnose cannot look into {model}", model=model),
            hint=Message("give --model base, adapter or merged"),
        )
    if model == "adapter" and not run.adapter.is_dir():
        progress.note(Message("there is no adapter: the base is looked at"))
        model = "base"
    evidence = gather(recipe, run, model, progress=progress)
    return Diagnosis(model=model, verdicts=tuple(rule(evidence) for rule in RULES))


def gather(recipe: Recipe, run: Run, model: str, *, progress: Progress) -> Evidence:
    """Return all that can be learnt about a run here and now.

    Raises:
        FinetuneError: the model cannot be loaded, and no training has left a log.
    """
    evidence = Evidence(recipe=recipe, model=model, precision=recipe.train.precision)
    evidence = _with_log(evidence, run)
    base = recipe.base_folder
    try:
        found = _probe(recipe, run, model, progress=progress)
    except MissingDependencyError as error:
        evidence = replace(evidence, unprobed=_told(error))
    except FinetuneError as error:
        if not evidence.log:
            raise
        evidence = replace(evidence, unprobed=_told(error))
    else:
        base = found.folder
        evidence = replace(
            evidence,
            numbers=found.numbers,
            behaviour=found.behaviour,
            precision=found.numbers.precision,
            unprobed=_unasked(found),
        )
    return replace(_with_lengths(evidence, run, base), ropes=rope_bases(base, run))


def _unasked(found: ModelProbe) -> Message:
    """Return why a model was not asked, or not in all ways."""
    if found.behaviour:
        return Message("its tokenizer lacks the marks of the format")
    if found.numbers.broken or "fp32" in found.numbers.overflowing:
        return Message("not before it computes with numbers")
    prepare = command("prepare")
    return Message("nothing is prepared: {prepare}", prepare=prepare)


def _probe(recipe: Recipe, run: Run, model: str, *, progress: Progress) -> ModelProbe:
    try:
        from finetune.diagnose.probing.probe import probe  # noqa: PLC0415  heavy: torch takes 3 s
    except ModuleNotFoundError as error:
        raise not_installed(error) from error
    return probe(recipe, run, model, progress=progress)


def _with_log(evidence: Evidence, run: Run) -> Evidence:
    try:
        log = tuple(read_log(run.train))
    except FinetuneError as error:
        return replace(evidence, unlogged=_told(error))
    finished = (run.train / SUMMARY_FILE).is_file()
    nothing = Message("no step was logged")
    return replace(evidence, log=log, finished=finished, unlogged=nothing)


def _with_lengths(evidence: Evidence, run: Run, base: Path | None) -> Evidence:
    if base is None:
        missing = Message("there is no base model here")
        return replace(evidence, unmeasured=missing)
    try:
        lengths = measure_lengths(evidence.recipe, run, load_tokenizer(base))
    except FinetuneError as error:
        return replace(evidence, unmeasured=_told(error))
    return replace(evidence, lengths=lengths)


def _told(error: QiuzhengError) -> Message:
    return error.full_message
