"""Export for vLLM: the model folder, and the command that serves it."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from finetune.export.config import CHAT_TEMPLATE, read_json
from finetune.export.folder import export_folder
from finetune.model.chat_format import chat_format
from finetune.recipe import Recipe
from finetune.runs import Run

REASONING_PARSER = "deepseek_r1"
"""It accepts replies whose `<think>` is in the prompt, as ours is (vLLM's documentation,
features/reasoning_outputs). `--enable-reasoning` is gone since 0.10."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VllmReport:
    """A folder for vLLM; `command` serves it from any working directory."""

    folder: Path
    command: str


def export_for_vllm(recipe: Recipe, run: Run) -> VllmReport:
    """Write `run.exports/vllm`; the command is in its README as well.

    Raises:
        ExportError: nothing was merged, or the disk is full.
    """
    folder = run.exports / "vllm"
    readable = read_json(run.merged / "config.json").get("max_position_embeddings")
    # vLLM does not start with a longer context than the model was made for.
    context = min(recipe.export.num_ctx, int(readable or recipe.export.num_ctx))
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


def serve_command(recipe: Recipe, folder: Path, *, context: int) -> str:
    """Return the command that serves the model in `folder` with a context of `context` tokens."""
    words = ["vllm", "serve", str(folder), "--host", "127.0.0.1"]
    words += ["--served-model-name", recipe.export.name or recipe.name]
    words += ["--chat-template", str(folder / CHAT_TEMPLATE)]
    words += ["--max-model-len", str(context)]
    # To the parser a reply without `</think>` is all thought: other models would seem mute.
    if chat_format(recipe.model.format).thinks:
        words += ["--reasoning-parser", REASONING_PARSER]
    return shlex.join(words)
