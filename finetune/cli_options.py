"""How the commands of `finetune` take a recipe, show results, and end.

Only click is imported up here, so that `--help` starts at once.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.foundation.messages import LANGUAGES

if TYPE_CHECKING:
    from finetune.pipeline import Pipeline
    from ingest.foundation.messages import Language

LANGUAGE = click.Choice(["auto", *LANGUAGES])
OURS = frozenset({"assistant", "finetune", "ingest"})
"""Packages whose absence is a bug, and nothing that pip could fix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextResult:
    """A command's result in two forms: `text` for people, `json` under --json."""

    text: str
    json: Mapping[str, Any]


Result = Mapping[str, Any] | TextResult
"""What a command returns to be shown: figures by name, or a text and its JSON."""


# Of every command with a recipe. click lists options in the reverse of the order in which they
# decorate, so that the recipe, which comes last here, stands first in the usage line.
_OPTIONS = (
    click.option("--lang", type=LANGUAGE, help="Of messages."),
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
)


def recipe_command(command: "Callable[..., Result]") -> Callable[..., None]:
    """Make a function of a `Pipeline` a command that takes a recipe and what every step takes.

    The function gets the pipeline and its own options; what it returns is shown.
    """

    # `wraps` carries over the options that click has noted on the function so far.
    @functools.wraps(command)
    def run_command(
        *,
        recipe: Path,
        changes: tuple[str, ...],
        runs: Path | None,
        force: bool,
        as_json: bool,
        quiet: bool,
        lang: str | None,
        **own: Any,
    ) -> None:
        """Open the pipeline, run the command and show its result."""
        from ingest.text.language import choose_language

        language = choose_language(lang)

        def main() -> int:
            """Return the exit code; what fails is raised, the recipe's faults among it."""
            pipeline = open_pipeline(
                recipe,
                changes,
                runs=runs,
                language=language,
                quiet=quiet or as_json,  # who parses stdout may have joined stderr to it
                force=force,
            )
            show_result(command(pipeline, **own), language, as_json=as_json)
            return 0

        plain_command(main, lang)

    for decorate in _OPTIONS:
        run_command = decorate(run_command)
    return run_command


def plain_command(main: Callable[[], int], lang: str | None) -> None:
    """Run a command to its end; what goes wrong is one line in `lang`, or the locale's."""
    import sys
    import warnings

    from finetune.errors import FinetuneError, not_installed
    from ingest.foundation.command_line.cli_runner import run_sync
    from ingest.foundation.messages import Message, describe_os_error
    from ingest.text.language import choose_language

    # Libraries warn their callers, not the people who run us: python -W default shows it.
    if not sys.warnoptions:
        warnings.simplefilter("ignore")

    def main_with_named_errors() -> int:
        """Turn what is not installed, or what the system refuses, into errors of one line."""
        try:
            return main()
        except BrokenPipeError:  # an OSError, too, but `run_sync` ends quietly on it
            raise
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] in OURS:
                raise
            raise not_installed(error) from error
        except OSError as error:
            # Only what no step has named better arrives here: mostly a disk that is full.
            where = error.filename or ""
            what = describe_os_error(error)
            raise FinetuneError(
                Message("{what}: {where}", what=what, where=where) if where else what,
                hint=Message(
                    "make room or choose another folder with --runs; finished steps are kept"
                ),
            ) from error

    run_sync(main_with_named_errors, choose_language(lang))


def open_pipeline(
    path: Path,
    changes: tuple[str, ...],
    *,
    runs: Path | None,
    language: "Language",
    quiet: bool,
    force: bool,
) -> "Pipeline":
    """Return the pipeline of a recipe file; `runs` None: the folder runs/ beside the recipe.

    Raises:
        RecipeError: the recipe or one of its changes cannot be used.
    """
    from finetune.pipeline import Pipeline
    from finetune.recipe import load_recipe
    from finetune.runs import Run
    from finetune.terminal import TerminalProgress

    recipe = load_recipe(path, changes)
    return Pipeline(
        recipe=recipe,
        run=Run((runs or recipe.folder / "runs") / recipe.name),
        progress=TerminalProgress(language=language, quiet=quiet),
        language=language,
        force=force,
    )


def show_result(result: Result, language: "Language", *, as_json: bool) -> None:
    """Write a result to stdout: one line of JSON, or lines for people."""
    import json
    import os

    from finetune.labels import render_results

    # Under `accelerate launch` each process runs the whole command: the first one speaks for all.
    if os.environ.get("RANK", "0") != "0":
        return
    if isinstance(result, TextResult):
        result = result.json if as_json else {"text": result.text}
    if as_json:
        from ingest.foundation.command_line.cli_runner import print_json

        print_json(json.dumps(result, ensure_ascii=False, default=str))
        return
    for line in render_results(result, language):
        click.echo(line)
