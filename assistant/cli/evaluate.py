"""`assistant evaluate`: its options. What they do is in `assistant.cli.evaluation`."""

from pathlib import Path
from typing import Any

import click

from ingest.foundation.messages import LANGUAGES

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("evaluate")
@click.argument("questions", type=FILE)
@click.option("--model", metavar="NAME", help="Chat model, e.g. deepseek-r1:1.5b.")
@click.option("--no-model", is_flag=True, help="Judge the quotes that stand in for a model.")
@click.option("--top-k", type=click.IntRange(1, 30), metavar="N", help="Passages to answer from.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 32),
    default=1,
    metavar="N",
    help="Questions asked side by side (default: 1; more makes latencies longer).",
)
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object on stdout.")
@click.option("--html", type=FILE, metavar="FILE", help="Write a page with plots.")
@click.option(
    "--save", type=FILE, metavar="FILE", help="Keep each result (JSONL); a second run goes on."
)
@click.option("--compare", type=FILE, metavar="OLD", help="A saved run to compare with.")
@click.option(
    "--fail-under",
    multiple=True,
    metavar="FIGURE=SHARE",
    help="Exit 4 if a figure is lower, such as right=.8; may be repeated.",
)
@click.option(
    "--snapshots", is_flag=True, help="Keep what each answer was made of, for assistant explain."
)
@click.option("--lang", type=click.Choice(["auto", *LANGUAGES]), help="Of answers and messages.")
@click.option("--quiet", is_flag=True, help="No progress, only the figures.")
def evaluate_command(questions: Path, **options: Any) -> None:
    """Ask your own QUESTIONS of the index and the model in force, and judge the answers.

    One question a line, with an expected answer or the page that holds it:
    {"question": "…", "answer": "…", "url": "…"}; or {"question": "…", "unanswerable": true}. CSV
    and TSV with such a head, or 问题, 答案, 网址, will do. A run kept by --save in place of
    QUESTIONS is shown, and nothing is asked.

    \b
    assistant evaluate questions.jsonl --html report.html
    assistant evaluate questions.jsonl --no-model --top-k 8 --json
    assistant evaluate questions.jsonl --model qwen3:4b --save new.jsonl --compare old.jsonl
    assistant evaluate new.jsonl --compare old.jsonl --html difference.html
    assistant evaluate questions.jsonl --fail-under right=.8 --fail-under recall_at_k=.95
    """
    from assistant.cli.evaluation import evaluate_questions
    from ingest.foundation.command_line.cli_runner import run
    from ingest.text.language import choose_language

    language = choose_language(options["lang"])
    run(evaluate_questions(questions, language=language, **options), language)
