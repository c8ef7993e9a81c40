"""The merged model as vLLM wants it, and the one command that serves it."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from finetune.export.config import TEMPLATE, read_json
from finetune.export.folder import export_folder
from finetune.model.chat_format import chat_format
from finetune.recipe import Recipe
from finetune.runs import Run

REASONING_PARSER = "deepseek_r1"
"""It also takes replies whose `<think>` stands in the prompt, as ours does. (vLLM's documentation,
features/reasoning_outputs; `--enable-reasoning` is gone since 0.10.)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class VllmReport:
    """A folder for vLLM; `command` serves it from any place."""

    folder: Path
    command: str


def export_for_vllm(recipe: Recipe, run: Run) -> VllmReport:
    """Write `run.exports/vllm`, its README with the command in it.

    Raises:
        ExportError: nothing was merged, or the disk is full.
    """
    folder = run.exports / "vllm"
    context = _context(recipe, run.merged)
    here = serve_command(recipe, Path(), context=context)
    readme = (
        "\n## vLLM\n\nIn an environment of its own (`pip install vllm`), in this folder:\n\n"
        f"```\n{here}\n```\n\n"
        "It speaks OpenAI's API: `http://127.0.0.1:8000/v1`. Temperature and top_p come from "
        "generation_config.json.\n"
    )
    export_folder(recipe, run.merged, folder, readme=readme)
    command = serve_command(recipe, folder.absolute(), context=context)
    return VllmReport(folder=folder, command=command)


def _context(recipe: Recipe, merged: Path) -> int:
    """Return how many tokens to serve: vLLM does not start with more than the model can read."""
    readable = read_json(merged / "config.json").get("max_position_embeddings")
    return min(recipe.export.num_ctx, int(readable or recipe.export.num_ctx))


def serve_command(recipe: Recipe, folder: Path, *, context: int) -> str:
    """Return the command that serves the model in `folder`, `context` tokens at most.

    Only a model that thinks gets a parser: to the parser, a reply without `</think>` is all
    thought.
    """
    words = ["vllm", "serve", str(folder), "--host", "127.0.0.1"]
    words += ["--served-model-name", recipe.export.name or recipe.name]
    words += ["--chat-template", str(folder / TEMPLATE)]
    words += ["--max-model-len", str(context)]
    if chat_format(recipe.model.format).thinks:
        words += ["--reasoning-parser", REASONING_PARSER]
    return shlex.join(words)
