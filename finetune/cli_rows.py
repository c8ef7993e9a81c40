"""Commands that make rows to be learnt, before there is a recipe.

Only click is imported up here, so that `--help` starts at once.
"""

from pathlib import Path
from typing import Any

import click

from finetune.cli_options import LANGUAGE, plain_command, show_result


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
@click.option("--seed", type=click.IntRange(0), default=42, show_default=True)
@click.option(
    "--teacher",
    metavar="MODEL",
    help="A model that writes questions, too: ollama:NAME, openai:NAME@URL, or assistant.",
)
@click.option(
    "--size",
    type=click.Choice(["small", "large"]),
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
