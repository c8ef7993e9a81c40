"""One door to all forms in which a tuned model leaves the workshop."""

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
    """What was written or created, and how to use it."""

    told: dict[str, Any] = field(default_factory=dict)

    def figures(self) -> dict[str, Any]:
        """Return it for JSON."""
        return dict(self.told)


def export(
    recipe: Recipe,
    run: Run,
    target: ExportTarget,
    *,
    quantize: Quantization | None = None,
    verify: bool = False,
    progress: Progress,
) -> ExportResult:
    """Hand the merged model over in the form of `target`.

    Raises:
        ExportError, BaseModelError: it cannot be written, or is not taken, or fails `verify`.
        SettingsError: $OLLAMA_HOST is no address.
    """
    match target:
        case "gguf":
            return _gguf(recipe, run, quantize, verify=verify, progress=progress)
        case "ollama":
            return _ollama(recipe, run, quantize, verify=verify, progress=progress)
        case "vllm":
            report = export_for_vllm(recipe, run)
            return ExportResult(told={"folder": str(report.folder), "command": report.command})
        case "hf":
            folder = export_folder(recipe, run.merged, run.exports / "hf")
            return ExportResult(told={"folder": str(folder)})


def _gguf(
    recipe: Recipe, run: Run, quantize: Quantization | None, *, verify: bool, progress: Progress
) -> ExportResult:
    wanted = recipe.export.quantize if quantize is None else quantize
    kind, left = KINDS[wanted]
    if left:
        progress.note(
            Message(
                "written as {kind}: Ollama alone makes {left} of it (--to ollama)",
                kind=kind,
                left=left,
            )
        )
    path = write_for_ollama(recipe, run, quantize=wanted, progress=progress)
    told: dict[str, Any] = {"file": str(path), "bytes": path.stat().st_size, "kind": kind}
    if verify:
        told |= check_gguf(run.merged, path)
    words = ["ollama", "create", recipe.export.name or recipe.name]
    words += ["-f", str(path.with_name("Modelfile")), *(["--quantize", left] if left else [])]
    return ExportResult(told={**told, "command": shlex.join(words)})


def _ollama(
    recipe: Recipe, run: Run, quantize: Quantization | None, *, verify: bool, progress: Progress
) -> ExportResult:
    report = export_to_ollama(
        recipe, run, host=default_ollama_host(), quantize=quantize, verify=verify, progress=progress
    )
    told: dict[str, Any] = {"model": report.name, "host": report.host, "file": str(report.gguf)}
    if report.checks:
        told["checks"] = {check.name: check.passed for check in report.checks}
    return ExportResult(told={**told, "command": f"ollama run {report.name}"})
