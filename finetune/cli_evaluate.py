"""`finetune evaluate` and `finetune compare`: bare questions, or through the assistant."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from finetune.cli_options import Result, TextResult, recipe_command

if TYPE_CHECKING:
    from finetune.pipeline import Pipeline

WITH = click.option(
    "--with",
    "context",
    type=click.Choice(["passages"]),
    help="passages: ask through the assistant, from its index; else the bare question.",
)


@click.command()
@click.option(
    "--model",
    default="adapter",
    show_default=True,
    help="base, adapter, merged, ollama:NAME or openai:URL.",
)
@click.option(
    "--from-predictions",
    "predictions",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Score replies that were made elsewhere (JSON lines with id and text).",
)
@WITH
@click.option(
    "--collection",
    "collections",
    multiple=True,
    metavar="NAME",
    help="With passages: from these collections alone; may be repeated.",
)
@recipe_command
def evaluate(
    pipeline: "Pipeline",
    model: str,
    predictions: Path | None,
    context: str | None,
    collections: tuple[str, ...],
) -> Result:
    """Ask a model the held-out questions and score its replies.

    With passages, the assistant asks it as it would for you: it finds passages in its index, puts
    them into its own prompt, and checks what comes. That is what --activate is decided by.

    \b
    finetune evaluate drone-safety.toml --model base
    finetune evaluate drone-safety.toml --model ollama:drone-safety:1.5b
    finetune evaluate drone-safety.toml --model base --with passages
    """
    pipeline.ensure_prepared()
    if context:
        return _evaluate_with_passages(pipeline, model, predictions, collections)
    from finetune.errors import EvaluationError
    from finetune.report.run_summary import render_figures
    from ingest.foundation.messages import Message

    if collections:
        raise EvaluationError(Message("--collection goes with --with passages"))

    if predictions is not None:
        figures = pipeline.score(predictions)
    else:
        pipeline.evaluate(model)
        figures = dict(pipeline.run.figures(f"evaluate-{model}"))
    return TextResult(text=render_figures(figures, pipeline.language), json=figures)


def _evaluate_with_passages(
    pipeline: "Pipeline", model: str, predictions: Path | None, collections: tuple[str, ...]
) -> Result:
    from assistant.evaluation.figures import measure, measure_latency
    from assistant.evaluation.text_report import run_lines
    from finetune.errors import EvaluationError
    from finetune.proof import ask_with_passages
    from finetune.rag_evaluation.product_figures import PRODUCT_FIGURES
    from ingest.foundation.messages import Message

    if predictions is not None:
        raise EvaluationError(Message("--from-predictions does not go with --with passages"))
    done = ask_with_passages(pipeline, model, collections)
    values, latencies = measure(done.results, PRODUCT_FIGURES), measure_latency(done.results)
    return TextResult(
        text="\n".join(run_lines(done, values, latencies, pipeline.language)),
        json={
            "model": model,
            "questions": len(done.results),
            "figures": {one.figure.name: one.to_json() for one in values},
        },
    )


@click.command()
@WITH
@recipe_command
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
def compare(pipeline: "Pipeline", a: str, b: str, context: str | None) -> Result:
    """Compare two evaluated models: differences with 95 % intervals, errors by type.

    With passages, of what both were asked through the assistant: whether B may take A's place.

    \b
    finetune compare drone-safety.toml base adapter
    finetune compare drone-safety.toml base adapter --with passages
    """
    if context:
        from finetune.proof import decide_gate

        decision = decide_gate(pipeline, a, b)
        lines = decision.to_lines(pipeline.language)
        return TextResult(text="\n".join(lines), json=decision.to_json())
    from finetune.compare.comparison import compare as compare_models

    comparison = compare_models(pipeline.run, a, b, language=pipeline.language)
    return TextResult(text=comparison.to_text(pipeline.language), json=comparison.to_json())
