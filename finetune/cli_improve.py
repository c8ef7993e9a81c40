"""`finetune improve`: the whole way in one command.

Only click is imported up here, so that `--help` starts at once.
"""

from pathlib import Path
from typing import Any

import click

from finetune.cli_options import LANGUAGE, TextResult, plain_command, show_result

NOT_BETTER = 4
"""Exit code: all was done, and the tuned model is not put into use."""


@click.command()
@click.argument("collection", default="")
@click.option("--base", metavar="FOLDER", help="The model to start from, or its name on a hub.")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the work lies; default: improve-COLLECTION.",
)
@click.option(
    "--rows",
    "more_rows",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Further rows, such as those of assistant feedback; may be repeated.",
)
@click.option(
    "--limit", type=click.IntRange(20), default=400, show_default=True, help="Rows made at most."
)
@click.option(
    "--teacher",
    metavar="MODEL",
    help="A model that writes questions, too: ollama:NAME, openai:NAME@URL, or assistant.",
)
@click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="Of the recipe, as train.epochs=2."
)
@click.option(
    "--to",
    type=click.Choice(["ollama", "gguf", "none"]),
    default="ollama",
    show_default=True,
    help="Where a better model goes; only in Ollama can the assistant use it.",
)
@click.option("--no-activate", is_flag=True, help="Leave the assistant's model as it is.")
@click.option("--rollback", is_flag=True, help="Give the assistant its former model back.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON on stdout.")
@click.option("--quiet", is_flag=True, help="No progress, only results.")
@click.option("--lang", type=LANGUAGE, help="Of messages and of the report.")
def improve(
    collection: str, base: str | None, rollback: bool, as_json: bool, lang: str | None, **own: Any
) -> None:
    """Tune a model for a COLLECTION of your index, and use it if it is better there.

    \b
    finetune improve handbook --base models/Qwen2.5-0.5B-Instruct
    finetune improve handbook --base models/Qwen2.5-0.5B-Instruct --rows feedback.jsonl
    finetune improve --rollback

    Questions are made of the documents, in the assistant's own prompt; a fifth of the documents is
    held out. Base and tuned model are asked the held-out questions through the assistant, and
    questions on texts of other kinds. Only if the tuned one is better beyond chance, and nothing
    else much worse, it goes to Ollama and becomes the assistant's model; else the old one stays
    (exit code 4). A report says why. A command that was cut short goes on where it stopped.
    """

    def run() -> int:
        """Improve or roll back, show what came of it, and return the exit code."""
        from ingest.text.language import choose_language

        language = choose_language(lang)
        if rollback:
            from finetune.export.activate import rollback as restore_model

            show_result({"text": restore_model().localize(language)}, language, as_json=as_json)
            return 0
        done = _improve(collection, base, language=language, as_json=as_json, **own)
        result = TextResult(text=done.to_text(language), json=done.to_json())
        show_result(result, language, as_json=as_json)
        return 0 if done.decision.passed else NOT_BETTER

    plain_command(run, lang)


def _improve(
    collection: str,
    base: str | None,
    *,
    into: Path | None,
    more_rows: tuple[Path, ...],
    limit: int,
    teacher: str | None,
    changes: tuple[str, ...],
    to: Any,
    no_activate: bool,
    quiet: bool,
    as_json: bool,
    language: Any,
) -> Any:
    from assistant import load_settings
    from finetune.improve.improvement import improve as improve_collection
    from finetune.improve.plan import ImprovementPlan, run_name
    from finetune.synthesize.synthesis import synthesize
    from finetune.synthesize.teacher_settings import teacher_settings
    from finetune.terminal import TerminalProgress

    settings = load_settings()
    progress = TerminalProgress(language=language, quiet=quiet or as_json)
    plan = ImprovementPlan(
        collection=collection,
        base=_named_base(base),
        folder=into or Path(f"improve-{run_name(collection).removeprefix('improved-')}"),
        changes=changes,
        more_rows=more_rows,
        language=language,
        teacher=teacher or "",
        limit=limit,
    )
    return improve_collection(
        plan,
        settings=settings,
        make_rows=lambda path, size: synthesize(
            settings,
            collection,
            path,
            limit=limit,
            teacher=teacher_settings(teacher, settings.model) if teacher else None,
            size=size,
            progress=progress,
        ),
        to=to,
        activate=not no_activate,
        progress=progress,
    )


def _named_base(base: str | None) -> str:
    """Return the base as the recipe names it, from wherever the command is typed."""
    from finetune.errors import RecipeError
    from ingest.foundation.messages import Message

    if not base:
        raise RecipeError(
            Message("--base is missing: the model to start from"),
            hint=Message(
                "download one: hf download Qwen/Qwen2.5-0.5B-Instruct --local-dir "
                "models/Qwen2.5-0.5B-Instruct"
            ),
        )
    # The recipe lies in another folder than the one in which the name was typed.
    return str(Path(base).resolve()) if Path(base).is_dir() else base
