"""What the options of `assistant evaluate` say, and what of them excludes each other."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from assistant.errors import EvaluationFileError, QuestionError
from assistant.evaluation.figures import FIGURE_OF
from assistant.evaluation.results import cannot_write
from assistant.settings import load_settings
from ingest.foundation.messages import Message, enumerate_names


def refuse_overwriting(path: Path, options: Mapping[str, Any]) -> None:
    """Raise `EvaluationFileError` if the page would take the place of a file that is read."""
    target: Path | None = options["html"]
    for one in (path, options["save"], options["compare"]):
        if not target or not one:
            continue
        # Resolved: "./run.jsonl", a link, or a folder's other name are that file, too.
        is_same = target.resolve() == one.resolve()
        with suppress(OSError):  # hard links, or names that differ in case; none if it is not there
            is_same = is_same or target.samefile(one)
        if is_same:
            raise EvaluationFileError(
                Message("--html {path} would overwrite {file}", path=target, file=one),
                hint=Message("name another file, such as report.html"),
            )


def refuse_unwritable(target: Path) -> None:
    """Raise `EvaluationFileError` if the page cannot be written; leave no new file."""
    try:
        is_new = not target.exists()
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("ab"):
            pass
        if is_new:
            target.unlink()
    except OSError as error:
        raise cannot_write(target, error) from error


def settings_of_options(options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the options that are settings: table -> key -> value."""
    overrides: dict[str, dict[str, Any]] = {}
    if options["lang"]:
        overrides["answer"] = {"language": options["lang"]}
    if options["no_model"]:
        overrides["model"] = {"provider": "extractive"}
    elif load_settings().model.provider == "auto":
        # "auto" quotes where the model is away. Figures of quotes under a model's name would be
        # worse than none.
        overrides["model"] = {"provider": "ollama"}
    return overrides


def refuse_asking_options(path: Path, options: Mapping[str, Any]) -> None:
    """Raise `EvaluationFileError` if a saved run is to be shown with options of one that asks."""
    names = [name for name in ("model", "no_model", "top_k", "limit", "save") if options[name]]
    if names:
        raise EvaluationFileError(
            Message(
                "{path} is a saved run: {names} would need questions to ask",
                path=path,
                names=enumerate_names(f"--{name.replace('_', '-')}" for name in names),
            ),
            hint=Message("name the file of questions"),
        )


def parse_floors(given: Sequence[str]) -> dict[str, float]:
    """Return figure -> least value, from "right=.8" or "right=80%"."""
    known = [name for name, one in FIGURE_OF.items() if one.better == "higher"]
    floors = {}
    for text in given:
        name, _, wanted = text.partition("=")
        if name.strip() not in known:
            raise QuestionError(
                Message("--fail-under knows no figure {name}", name=json.dumps(name.strip())),
                hint=Message("known are: {names}", names=enumerate_names(known)),
            )
        try:
            percent = wanted.strip().endswith("%")
            floor = float(wanted.strip().rstrip("%")) / (100 if percent else 1)
        except ValueError:
            floor = -1.0
        if not 0 <= floor <= 1:
            raise QuestionError(
                Message("--fail-under {given}: the share is no number from 0 to 1", given=text),
                hint=Message("write it as: --fail-under right=.8"),
            )
        floors[name.strip()] = floor
    return floors
