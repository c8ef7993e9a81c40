"""`finetune`: from domain data to a served, better model.

Only click is imported up here, so that `--help` starts at once.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from finetune.cli_options import answer, plain_command, recipe_options

if TYPE_CHECKING:
    from finetune.pipeline import Pipeline

PORT = 8601
"""Of `finetune serve`, beside the chat page's 8501."""


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


@main.command()
@click.argument("name", metavar="[RECIPE]", default="")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="The folder to write into.",
)
@click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="Written into the recipe."
)
@click.option("--lang", type=click.Choice(["auto", "zh", "en"]), help="Of messages.")
def init(name: str, into: Path, changes: tuple[str, ...], lang: str | None) -> None:
    """Write a shipped recipe and its sample data; without a name, list them.

    \b
    finetune init
    finetune init drone-safety
    finetune init support --into my-bot --set model.base=/models/Qwen2.5-0.5B-Instruct
    """

    def work() -> int:
        from finetune.pipeline import initialise, names

        if name:
            for path in initialise(name, into, changes):
                click.echo(path)
            return 0
        for shipped, what in names().items():
            click.echo(f"{shipped:<14}{what}")
        return 0

    plain_command(work, lang)


@main.command()
@recipe_options
def prepare(**options: Any) -> None:
    """Read, clean, dedupe and split the data; write a quality report.

    \b
    finetune prepare drone-safety.toml
    finetune prepare drone-safety.toml --set data.dedupe=near --json
    """

    def work(shop: "Pipeline") -> dict[str, Any]:
        shop.prepare()
        return {**shop.run.figures("prepare"), "report": shop.run.data / "quality.html"}

    answer(work, options)


@main.command()
@click.option("--colour/--no-colour", default=None, help="Mark what is trained in colour.")
@recipe_options
def check(colour: bool | None, **options: Any) -> None:
    """Show what the model will see: a rendered sample, tokens, steps, memory.

    \b
    finetune check drone-safety.toml
    finetune check drone-safety.toml --set train.max_tokens=512
    """
    import sys

    def work(shop: "Pipeline") -> dict[str, Any]:
        from finetune.check.inspection import inspect

        shop.ensure_prepared()
        inspection = inspect(shop.recipe, shop.run, progress=shop.progress)
        if options["as_json"]:
            return inspection.to_json()
        painted = sys.stdout.isatty() if colour is None else colour
        return {"text": inspection.to_text(shop.language, colour=painted)}

    answer(work, options)


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
@recipe_options
def train(resume: bool, dry_steps: int | None, processes: int | None, **options: Any) -> None:
    """Train on the prepared data; loss and plots appear in runs/NAME/train.

    \b
    finetune train drone-safety.toml --dry-run 3
    finetune train drone-safety.toml
    finetune train drone-safety.toml --resume
    finetune train drone-safety.toml --accelerate-config 2 > two-gpus.yaml
    accelerate launch --config_file two-gpus.yaml -m finetune train drone-safety.toml
    """

    def work(shop: "Pipeline") -> dict[str, Any]:
        if processes:
            from finetune.train.arguments import accelerate_config

            return {"text": accelerate_config(processes)}
        shop.ensure_prepared()
        if dry_steps:
            return shop.dry_run(dry_steps)
        shop.train(resume=resume)
        return {**shop.run.figures("train"), "adapter": shop.run.adapter}

    answer(work, options)


@main.command()
@click.option("--model", default="adapter", show_default=True, help="base, adapter or merged.")
@recipe_options
def diagnose(model: str, **options: Any) -> None:
    """Name what went wrong with a run, and the next change to make.

    \b
    finetune diagnose drone-safety.toml
    """

    def work(shop: "Pipeline") -> dict[str, Any]:
        from finetune.diagnose.diagnosis import diagnose as look

        diagnosis = look(shop.recipe, shop.run, model, progress=shop.progress)
        if options["as_json"]:
            return diagnosis.to_json()
        return {"text": diagnosis.to_text(shop.language)}

    answer(work, options)


@main.command()
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
@recipe_options
def evaluate(model: str, predictions: Path | None, **options: Any) -> None:
    """Ask a model the held-out questions and score its replies.

    \b
    finetune evaluate drone-safety.toml --model base
    finetune evaluate drone-safety.toml --model ollama:drone-safety:1.5b
    """

    def work(shop: "Pipeline") -> dict[str, Any]:
        from finetune.report.run_summary import render_figures

        shop.ensure_prepared()
        if predictions is not None:
            figures = shop.score(predictions)
        else:
            shop.evaluate(model)
            figures = dict(shop.run.figures(f"evaluate-{model}"))
        return figures if options["as_json"] else {"text": render_figures(figures, shop.language)}

    answer(work, options)


@main.command()
@recipe_options
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
def compare(a: str, b: str, **options: Any) -> None:
    """Compare two evaluated models: differences with 95 % intervals, errors by type.

    \b
    finetune compare drone-safety.toml base adapter
    """

    def work(shop: "Pipeline") -> dict[str, Any]:
        from finetune.compare.comparison import compare as set_beside

        comparison = set_beside(shop.run, a, b, language=shop.language)
        if options["as_json"]:
            return comparison.to_json()
        return {"text": comparison.to_text(shop.language)}

    answer(work, options)


@main.command()
@recipe_options
def merge(**options: Any) -> None:
    """Put base and adapter into one model, and check that it answers alike."""

    def work(shop: "Pipeline") -> dict[str, Any]:
        shop.merge()
        return {**shop.run.figures("merge"), "merged": shop.run.merged}

    answer(work, options)


@main.command()
@click.option(
    "--to",
    "target",
    type=click.Choice(["gguf", "ollama", "vllm", "hf"]),
    default="gguf",
    show_default=True,
)
@click.option(
    "--quantize",
    type=click.Choice(["f32", "f16", "q8_0", "q4_K_S", "q4_K_M"]),
    help="Default: export.quantize of the recipe.",
)
@click.option("--verify", is_flag=True, help="Ask the server what it made of the model.")
@click.option("--activate", is_flag=True, help="Let the assistant answer with it from now on.")
@click.option("--rollback", is_flag=True, help="Give the assistant its former model back.")
@recipe_options
def export(
    target: Any, quantize: Any, verify: bool, activate: bool, rollback: bool, **options: Any
) -> None:
    """Hand the tuned model to a server.

    \b
    finetune export drone-safety.toml --to gguf --quantize q8_0
    finetune export drone-safety.toml --to ollama --verify --activate
    finetune export drone-safety.toml --rollback
    """

    def work(shop: "Pipeline") -> dict[str, Any]:
        from finetune.export.activate import rollback as give_back

        if rollback:
            return {"text": give_back().localize(shop.language)}
        shop.merge()
        shop.export(target, quantize=quantize, verify=verify)
        shown = dict(shop.run.figures(f"export-{target}"))
        if activate:
            shown["activated"] = shop.activate().localize(shop.language)
        return shown

    answer(work, options)


@main.command()
@click.option("--model", default="merged", show_default=True, help="base, adapter or merged.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(0, 65_535))
@recipe_options
def serve(model: str, host: str, port: int, **options: Any) -> None:
    """Serve the model: POST /predict, an OpenAI-compatible chat, health and metrics.

    \b
    finetune serve drone-safety.toml
    curl 127.0.0.1:8601/predict -H 'content-type: application/json' -d '{"text": "能夜飞吗？"}'
    """

    def work(shop: "Pipeline") -> dict[str, Any]:
        from finetune.serve.server import serve as listen

        listen(shop.recipe, shop.run, model, host=host, port=port, progress=shop.progress)
        return {}

    answer(work, options)


@main.command()
@recipe_options
def report(**options: Any) -> None:
    """Write one page on the run: data, loss, figures, examples."""

    def work(shop: "Pipeline") -> dict[str, Any]:
        return {"report": shop.report()}

    answer(work, options)


@main.command()
@recipe_options
def card(**options: Any) -> None:
    """Write the model card: what it is for, its data, its figures, its limits."""

    def work(shop: "Pipeline") -> dict[str, Any]:
        return {"card": shop.card()}

    answer(work, options)


@main.command()
@click.option(
    "--to",
    "targets",
    multiple=True,
    type=click.Choice(["gguf", "ollama", "vllm", "hf"]),
    default=["gguf"],
    show_default=True,
)
@recipe_options
def run(targets: tuple[Any, ...], **options: Any) -> None:
    """Do all of it: prepare, evaluate, train, evaluate, compare, merge, export, report.

    \b
    finetune run drone-safety.toml
    finetune run drone-safety.toml --to gguf --to ollama
    """
    answer(lambda shop: shop.everything(targets), options)


if __name__ == "__main__":
    main()
