"""Export the merged model to any of the supported targets."""

import shlex
from dataclasses import dataclass, field
from typing import Any, Literal

from finetune.export.folder import export_folder
from finetune.export.gguf_check import check_gguf
from finetune.export.ollama import KINDS, export_to_ollama, write_for_ollama
from finetune.export.vllm import export_for_vllm
from finetune.progress import Progress
from finetune.recipe import Quantization, Recipe
from finetune.runs import Run
from ingest.foundation.messages import Message
from ingest.foundation.settings import default_ollama_host

ExportTarget = Literal["gguf", "ollama", "vllm", "hf"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportResult:
    """What was written or created, and how to use it: `values` by name, as JSON values."""

    values: dict[str, Any] = field(default_factory=dict)

    def figures(self) -> dict[str, Any]:
        """Return a copy of the values."""
        return dict(self.values)


def export(
    recipe: Recipe,
    run: Run,
    target: ExportTarget,
    *,
    quantize: Quantization | None = None,
    verify: bool = False,
    progress: Progress,
) -> ExportResult:
    """Export the merged model to `target`; `verify` compares the result with the merged model.

    Raises:
        ExportError, BaseModelError: it cannot be written, is rejected, or fails `verify`.
        SettingsError: $OLLAMA_HOST is no address.
    """
    match target:
        case "gguf":
            return _export_gguf(recipe, run, quantize, verify=verify, progress=progress)
        case "ollama":
            ollama = export_to_ollama(
                recipe,
                run,
                host=default_ollama_host(),
                quantize=quantize,
                verify=verify,
                progress=progress,
            )
            values: dict[str, Any] = {
                "model": ollama.name,
                "host": ollama.host,
                "file": str(ollama.gguf),
            }
            if ollama.checks:
                values["checks"] = {check.name: check.passed for check in ollama.checks}
                # All that failed was an error: what is left passed, or is not shown by this server.
                passed = [check.name for check in ollama.checks if check.passed]
                values["verified"] = ", ".join(passed)
            return ExportResult(values={**values, "command": f"ollama run {ollama.name}"})
        case "vllm":
            vllm = export_for_vllm(recipe, run)
            return ExportResult(values={"folder": str(vllm.folder), "command": vllm.command})
        case "hf":
            folder = export_folder(recipe, run.merged, run.exports / "hf")
            return ExportResult(values={"folder": str(folder)})


def _export_gguf(
    recipe: Recipe, run: Run, quantize: Quantization | None, *, verify: bool, progress: Progress
) -> ExportResult:
    wanted = recipe.export.quantize if quantize is None else quantize
    # The `gguf` package writes F32, F16 and Q8_0; K-quants need llama.cpp's code, which Ollama has.
    kind, ollama_quantization = KINDS[wanted]
    if ollama_quantization:
        progress.note(
            Message(
                "written as {kind}: Ollama alone makes {left} of it (--to ollama)",
                kind=kind,
                left=ollama_quantization,
            )
        )
    path = write_for_ollama(recipe, run, quantize=wanted, progress=progress)
    values: dict[str, Any] = {"file": str(path), "bytes": path.stat().st_size, "kind": kind}
    if verify:
        values |= check_gguf(run.merged, path)
    words = ["ollama", "create", recipe.export.name or recipe.name]
    words += ["-f", str(path.with_name("Modelfile"))]
    words += ["--quantize", ollama_quantization] if ollama_quantization else []
    return ExportResult(values={**values, "command": shlex.join(words)})
