"""Commands that make rows to be learnt, or a recipe: what comes before there is one.

Only click is imported up here, so that `--help` starts at once.
"""

from pathlib import Path
from typing import Any

import click

from finetune.cli_options import LANGUAGE, plain_command, show_result

EXCERPT = 80
"""Characters of a question and of its answer that are shown of a row."""


@click.command()
@click.argument("name", metavar="[RECIPE]", default="")
@click.option(
    "--from",
    "data_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a recipe for this data file instead, and show what its first rows become.",
)
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="The folder to write into.",
)
@click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="Written into the recipe."
)
@click.option("--lang", type=LANGUAGE, help="Of messages.")
def init(
    name: str, data_file: Path | None, into: Path, changes: tuple[str, ...], lang: str | None
) -> None:
    """Write a shipped recipe and its sample data, or one for FILE; without a name, list them.

    \b
    finetune init
    finetune init drone-safety
    finetune init support --into my-bot --set model.base=/models/Qwen2.5-0.5B-Instruct
    finetune init --from tickets.xlsx
    """

    def copy_or_list() -> int:
        """Write the recipe that is meant, or list all, and return the exit code."""
        from finetune.shipped_recipes import copy_recipe, list_recipes

        if data_file is not None:
            _show_own_recipe(data_file, name, into, changes, lang)
        elif name:
            for path in copy_recipe(name, into, changes):
                click.echo(path)
        else:
            for shipped, title in list_recipes().items():
                click.echo(f"{shipped:<14}{title}")
        return 0

    plain_command(copy_or_list, lang)


def _show_own_recipe(
    data_file: Path, name: str, into: Path, changes: tuple[str, ...], lang: str | None
) -> None:
    """Write a recipe for a data file, and show the map that was guessed and the first rows."""
    from finetune.own_recipe import write_own_recipe
    from ingest.foundation.messages import Message
    from ingest.text.language import choose_language

    own_recipe = write_own_recipe(data_file, name, into, changes)
    language = choose_language(lang)
    lines = [
        Message("{ours} is the field {theirs}", ours=ours, theirs=theirs)
        for ours, theirs in own_recipe.map.items()
    ]
    for row in own_recipe.rows:
        question, answer = (" ".join(text.split()) for text in (row.last.user, row.last.answer))
        lines.append(
            Message(
                "row {source}: {question} → {answer}",
                source=row.source.rpartition(":")[2],
                question=question[-EXCERPT:],
                answer=answer[:EXCERPT],
            )
        )
    if own_recipe.rejected:
        lines.append(
            Message(
                "{rejected} of the first {looked_at} {looked_at:?row|rows} cannot be "
                "used; prepare says why",
                rejected=own_recipe.rejected,
                looked_at=own_recipe.looked_at,
            )
        )
    lines.append(Message("next: finetune prepare {path}", path=own_recipe.path))
    click.echo(own_recipe.path)
    for line in lines:
        click.echo(line.localize(language), err=True)


@click.command()
@click.argument("collection", default="")
@click.option(
    "--into",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("rows.jsonl"),
    show_default=True,
    help="The file to write.",
)
@click.option(
    "--limit", type=click.IntRange(0), default=1_000, show_default=True, help="Rows; 0: all."
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=42,
    show_default=True,
    help="Decides which questions are declined, and the order of pages.",
)
@click.option(
    "--teacher",
    metavar="MODEL",
    help="A model that writes questions, too: ollama:NAME, openai:NAME@URL, or assistant.",
)
@click.option(
    "--size",
    type=click.Choice(["tiny", "small", "large"]),
    help="For which prompt: that of small models (up to 4B) or of large ones; default: the "
    "assistant's own.",
)
@click.option("--json", "as_json", is_flag=True, help="The result as JSON on stdout.")
@click.option("--quiet", is_flag=True, help="No progress, only results.")
@click.option("--lang", type=LANGUAGE, help="Of messages.")
def synthesize(
    collection: str,
    into: Path,
    limit: int,
    seed: int,
    teacher: str | None,
    size: Any,
    as_json: bool,
    quiet: bool,
    lang: str | None,
) -> None:
    """Make training rows of the pages in the index, or in a COLLECTION of it.

    \b
    finetune synthesize handbook --into handbook.jsonl
    finetune synthesize handbook --into handbook.jsonl --teacher ollama:qwen3:8b
    finetune init --from handbook.jsonl

    Each row is a question in the assistant's own prompt, with the passages that it finds, and an
    answer that these support. A command that was cut short goes on where it stopped.
    """

    def make_rows() -> int:
        """Make the rows, show what was made, and return the exit code."""
        from assistant.settings import load_settings
        from finetune.synthesize.synthesis import synthesize as synthesize_rows
        from finetune.synthesize.teacher_settings import teacher_settings
        from finetune.terminal import TerminalProgress
        from ingest.text.language import choose_language

        language = choose_language(lang)
        settings = load_settings()
        report = synthesize_rows(
            settings,
            collection,
            into,
            seed=seed,
            limit=limit,
            teacher=teacher_settings(teacher, settings.model) if teacher else None,
            size=size,
            progress=TerminalProgress(language=language, quiet=quiet or as_json),
        )
        show_result(report.figures(), language, as_json=as_json)
        return 0

    plain_command(make_rows, lang)
