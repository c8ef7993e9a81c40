"""How the commands of `finetune` take a recipe, show results, and end.

Only click is imported up here, so that `--help` starts at once.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from finetune.pipeline import Pipeline
    from ingest.foundation.messages import Language

F = TypeVar("F", bound=Callable[..., Any])

OURS = frozenset({"assistant", "finetune", "ingest"})
"""Packages whose absence is a bug, and nothing that pip could mend."""


def recipe_options(command: F) -> F:
    """Give a command the recipe and what every step takes."""
    for decorate in (
        click.option("--lang", type=click.Choice(["auto", "zh", "en"]), help="Of messages."),
        click.option("--quiet", is_flag=True, help="No progress, only results."),
        click.option("--json", "as_json", is_flag=True, help="The result as JSON on stdout."),
        click.option("--force", is_flag=True, help="Do it again though nothing changed."),
        click.option(
            "--runs",
            type=click.Path(file_okay=False, path_type=Path),
            metavar="FOLDER",
            help="Where runs lie; default: runs/ beside the recipe.",
        ),
        click.option(
            "--set",
            "changes",
            multiple=True,
            metavar="KEY=VALUE",
            help="Change the recipe for this run, such as train.lr=2e-4.",
        ),
        click.argument("recipe", type=click.Path(path_type=Path)),
    ):
        command = decorate(command)
    return command


def answer(work: "Callable[[Pipeline], dict[str, Any]]", options: dict[str, Any]) -> None:
    """Do a command's work and show what it returns: lines for people, or JSON."""
    from ingest.text.language import choose_language

    language = choose_language(options["lang"])

    def main() -> int:
        shown = work(_workshop(options, language))
        _show(shown, language, as_json=options["as_json"])
        return 0

    plain_command(main, options["lang"])


def plain_command(main: Callable[[], int], lang: str | None) -> None:
    """Run a command to its end; what goes wrong is one line in `lang`, or the locale's."""
    import sys
    import warnings

    from ingest.foundation.cli_runner import run_sync
    from ingest.text.language import choose_language

    if not sys.warnoptions:  # what libraries warn of is for us: python -W default shows it
        warnings.simplefilter("ignore")

    run_sync(lambda: _told(main), choose_language(lang))


def _told(main: Callable[[], int]) -> int:
    """Turn what is not installed, or what the system refuses, into one line."""
    from finetune.errors import FinetuneError, not_installed
    from ingest.foundation.messages import Message, describe_os_error

    try:
        return main()
    except BrokenPipeError:
        raise
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in OURS:
            raise
        raise not_installed(error) from error
    except OSError as error:
        where = error.filename or ""
        what = describe_os_error(error)
        raise FinetuneError(
            Message("{what}: {where}", what=what, where=where) if where else what,
            hint=Message("make room or choose another folder with --runs; finished steps are kept"),
        ) from error


def _workshop(options: dict[str, Any], language: "Language") -> "Pipeline":
    from finetune.pipeline import Pipeline
    from finetune.recipe import load_recipe
    from finetune.runs import Run
    from finetune.terminal import TerminalProgress

    recipe = load_recipe(options["recipe"], options["changes"])
    runs = options["runs"] or recipe.folder / "runs"
    return Pipeline(
        recipe=recipe,
        run=Run(runs / recipe.name),
        progress=TerminalProgress(language=language, quiet=options["quiet"] or options["as_json"]),
        language=language,
        force=options["force"],
    )


def _show(shown: Mapping[str, Any], language: "Language", *, as_json: bool) -> None:
    import json
    import os

    from finetune.labels import lines

    if os.environ.get("RANK", "0") != "0":
        return  # under `accelerate launch` the first process speaks for all
    if as_json:
        click.echo(json.dumps(shown, ensure_ascii=False, default=str))
        return
    for line in lines(shown, language):
        click.echo(line)
