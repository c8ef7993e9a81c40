"""`finetune`: from domain data to a served, better model.

Only click is imported up here, so that `--help` starts at once.
"""

import os
from typing import TYPE_CHECKING, Any

import click

from finetune.cli_evaluate import compare, evaluate
from finetune.cli_improve import improve
from finetune.cli_options import Result, TextResult, recipe_command
from finetune.cli_rows import init, synthesize

if TYPE_CHECKING:
    from finetune.pipeline import Pipeline

PORT = 8601
"""Default port of `finetune serve`, beside the chat page's 8501."""


@click.group(
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "color": False if os.environ.get("NO_COLOR") else None,  # https://no-color.org
    }
)
@click.version_option(package_name="qiuzheng", prog_name="finetune")
def main() -> None:
    """From domain data to a served, better model. One recipe (TOML) drives all.

    \b
    finetune init drone-safety           # a recipe with sample data, here
    finetune prepare drone-safety.toml   # clean, dedupe, split; a quality report
    finetune check drone-safety.toml     # what the model will see, how long, how much memory
    finetune train drone-safety.toml     # LoRA; --resume goes on after a cut
    finetune run drone-safety.toml       # all of it, up to a GGUF file

    What a step writes lies in runs/NAME/ beside the recipe. A step that was done with the same
    inputs is not done again. Training needs: pip install 'qiuzheng[finetune]'
    """


main.add_command(init)
main.add_command(synthesize)


@main.command()
@recipe_command
def prepare(pipeline: "Pipeline") -> Result:
    """Read, clean, dedupe and split the data; write a quality report.

    \b
    finetune prepare drone-safety.toml
    finetune prepare drone-safety.toml --set data.dedupe=near --json
    """
    pipeline.prepare()
    return {**pipeline.run.figures("prepare"), "report": pipeline.run.data / "quality.html"}


@main.command()
@click.option("--colour/--no-colour", default=None, help="Mark what is trained in colour.")
@recipe_command
def check(pipeline: "Pipeline", colour: bool | None) -> Result:
    """Show what the model will see: a rendered sample, tokens, steps, memory.

    \b
    finetune check drone-safety.toml
    finetune check drone-safety.toml --set train.max_tokens=512
    """
    import sys

    from finetune.check.inspection import inspect

    pipeline.ensure_prepared()
    inspection = inspect(pipeline.recipe, pipeline.run, progress=pipeline.progress)
    # In a pipe or a file, escape sequences would be read as text: ⟦ and ⟧ stand in for colour.
    painted = sys.stdout.isatty() if colour is None else colour
    text = inspection.to_text(pipeline.language, colour=painted)
    return TextResult(text=text, json=inspection.to_json())


@main.command()
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint.")
@click.option(
    "--dry-run",
    "dry_steps",
    type=click.IntRange(1),
    metavar="N",
    help="Only N steps, nothing kept.",
)
@click.option(
    "--accelerate-config",
    "processes",
    type=click.IntRange(1),
    metavar="N",
    help="Only print what `accelerate launch --config_file` wants for N GPUs.",
)
@recipe_command
def train(
    pipeline: "Pipeline", resume: bool, dry_steps: int | None, processes: int | None
) -> Result:
    """Train on the prepared data; loss and plots appear in runs/NAME/train.

    \b
    finetune train drone-safety.toml --dry-run 3
    finetune train drone-safety.toml
    finetune train drone-safety.toml --resume
    finetune train drone-safety.toml --accelerate-config 2 > two-gpus.yaml
    accelerate launch --config_file two-gpus.yaml -m finetune train drone-safety.toml
    """
    if processes:  # a file for `accelerate launch`: nothing is prepared or trained
        from finetune.train.arguments import accelerate_config

        return {"text": accelerate_config(processes)}
    pipeline.ensure_prepared()
    if dry_steps:
        return pipeline.dry_run(dry_steps)
    pipeline.train(resume=resume)
    return {**pipeline.run.figures("train"), "adapter": pipeline.run.adapter}


@main.command()
@click.option(
    "--lr", "rates", type=click.FloatRange(0, min_open=True), multiple=True, help="To be tried."
)
@click.option("--r", "ranks", type=click.IntRange(1), multiple=True, help="Ranks to be tried.")
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.33,
    show_default=True,
    help="Length of each trial, as a share of the whole training.",
)
@recipe_command
def search(
    pipeline: "Pipeline", rates: tuple[float, ...], ranks: tuple[int, ...], share: float
) -> Result:
    """Try learning rates and ranks in short trainings, and name the settings that did best.

    \b
    finetune search drone-safety.toml
    finetune search drone-safety.toml --lr 1e-4 --lr 3e-4 --r 8 --r 16 --share 0.5

    Without --lr and --r six trials are made around the recipe's own settings. A search that was cut
    short goes on where it stopped.
    """
    from finetune.train.search import search_settings

    pipeline.ensure_prepared()
    report = search_settings(
        pipeline.recipe,
        pipeline.run,
        rates=rates,
        ranks=ranks,
        share=share,
        progress=pipeline.progress,
    )
    return TextResult(text=report.to_text(pipeline.language), json=report.to_json())


@main.command()
@click.option("--model", default="adapter", show_default=True, help="base, adapter or merged.")
@recipe_command
def diagnose(pipeline: "Pipeline", model: str) -> Result:
    """Name what went wrong with a run, and the next change to make.

    \b
    finetune diagnose drone-safety.toml
    """
    from finetune.diagnose.diagnosis import diagnose as diagnose_run

    diagnosis = diagnose_run(pipeline.recipe, pipeline.run, model, progress=pipeline.progress)
    return TextResult(text=diagnosis.to_text(pipeline.language), json=diagnosis.to_json())


@main.command()
@recipe_command
def merge(pipeline: "Pipeline") -> Result:
    """Put base and adapter into one model, and check that it answers alike."""
    pipeline.merge()
    return {**pipeline.run.figures("merge"), "merged": pipeline.run.merged}


@main.command()
@click.option(
    "--to",
    "target",
    type=click.Choice(["gguf", "ollama", "vllm", "hf"]),
    default="gguf",
    show_default=True,
    help="For which program.",
)
@click.option(
    "--quantize",
    type=click.Choice(["f32", "f16", "q8_0", "q4_K_S", "q4_K_M"]),
    help="Default: export.quantize of the recipe.",
)
@click.option("--verify", is_flag=True, help="Ask the server what it made of the model.")
@click.option("--activate", is_flag=True, help="Let the assistant answer with it from now on.")
@click.option(
    "--unproven",
    is_flag=True,
    help="Activate it though nothing shows that it answers better.",
)
@click.option("--rollback", is_flag=True, help="Give the assistant its former model back.")
@recipe_command
def export(
    pipeline: "Pipeline",
    target: Any,
    quantize: Any,
    verify: bool,
    activate: bool,
    unproven: bool,
    rollback: bool,
) -> Result:
    """Hand the tuned model to a server.

    --activate wants proof: the tuned model and its base asked with passages, and compared.

    \b
    finetune export drone-safety.toml --to gguf --quantize q8_0
    finetune export drone-safety.toml --to ollama --verify --activate
    finetune export drone-safety.toml --rollback
    """
    if rollback:
        from finetune.export.activate import rollback as restore_model

        return {"text": restore_model().localize(pipeline.language)}
    if activate and not unproven:
        from finetune.proof import require_proof

        require_proof(pipeline)  # before minutes of merging and uploading
    pipeline.merge()
    pipeline.export(target, quantize=quantize, verify=verify)
    figures = dict(pipeline.run.figures(f"export-{target}"))
    if activate:
        figures["activated"] = pipeline.activate().localize(pipeline.language)
    elif target == "ollama":
        from ingest.foundation.messages import Message

        inactive = Message("the assistant answers with it once it is exported with --activate")
        figures["inactive"] = inactive.localize(pipeline.language)
    return figures


@main.command()
@click.option("--model", default="merged", show_default=True, help="base, adapter or merged.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=PORT,
    show_default=True,
    type=click.IntRange(0, 65_535),
    help="Port to listen on; 0: one that is free.",
)
@recipe_command
def serve(pipeline: "Pipeline", model: str, host: str, port: int) -> Result:
    """Serve the model: POST /predict, an OpenAI-compatible chat, health and metrics.

    \b
    finetune serve drone-safety.toml
    curl 127.0.0.1:8601/predict -H 'content-type: application/json' -d '{"text": "能夜飞吗？"}'
    """
    from finetune.serve.server import serve as serve_model

    serve_model(
        pipeline.recipe, pipeline.run, model, host=host, port=port, progress=pipeline.progress
    )
    return {}


@main.command()
@recipe_command
def report(pipeline: "Pipeline") -> Result:
    """Write one page on the run: data, loss, figures, examples."""
    return {"report": pipeline.report()}


@main.command()
@recipe_command
def card(pipeline: "Pipeline") -> Result:
    """Write the model card: what it is for, its data, its figures, its limits."""
    return {"card": pipeline.card()}


@main.command()
@click.option(
    "--to",
    "targets",
    multiple=True,
    type=click.Choice(["gguf", "ollama", "vllm", "hf"]),
    default=["gguf"],
    show_default=True,
    help="For which program the model is exported; may be repeated.",
)
@recipe_command
def run(pipeline: "Pipeline", targets: tuple[Any, ...]) -> Result:
    """Do all of it: prepare, evaluate, train, evaluate, compare, merge, export, report.

    \b
    finetune run drone-safety.toml
    finetune run drone-safety.toml --to gguf --to ollama
    """
    return pipeline.run_all(targets)


main.add_command(evaluate)
main.add_command(compare)
main.add_command(improve)

if __name__ == "__main__":
    main()
