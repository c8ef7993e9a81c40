"""A tuned model created on an Ollama server by its API: uploaded, quantized, described, verified.

No `ollama` command is needed, and the server may stand on another machine.
"""

import re
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from finetune.errors import ExportError
from finetune.export.gguf import GgufKind, write_gguf
from finetune.export.modelfile import ModelSpec, build_model_spec, write_modelfile
from finetune.export.verification import VerificationCheck, verify_model
from finetune.progress import Progress
from finetune.recipe import Quantization, Recipe
from finetune.runs import Run
from ingest.foundation.messages import NO_MESSAGE, Message, join_messages
from ingest.model_servers.base import ModelServerError, run_exchange
from ingest.model_servers.ollama import OllamaClient

SILENCE_S = 1_800.0
"""Ollama sends nothing for minutes while it quantizes a large model."""

OLDEST = (0, 9, 0)
"""First Ollama whose templates know `.Thinking` and `.IsThinkSet`."""

KINDS: dict[Quantization, tuple[GgufKind, str | None]] = {
    "": ("f16", None),
    "f32": ("f32", None),
    "f16": ("f16", None),
    "q8_0": ("q8_0", None),
    "q4_K_S": ("f16", "q4_K_S"),
    "q4_K_M": ("f16", "q4_K_M"),
}
"""How the recipe wants it -> what we write, and what Ollama then makes of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OllamaReport:
    """A model that the server at `host` now has. `checks` is empty unless they were asked for."""

    name: str
    host: str
    gguf: Path
    quantize: Quantization
    checks: tuple[VerificationCheck, ...]


def export_to_ollama(
    recipe: Recipe,
    run: Run,
    *,
    host: str,
    progress: Progress,
    quantize: Quantization | None = None,
    verify: bool = False,
) -> OllamaReport:
    """Create the tuned model on an Ollama server, under the name that the recipe gives it.

    The GGUF and a Modelfile stay in `run.exports`, whether the server takes them or not.

    Raises:
        ExportError: the server is down, too old, full, or refuses; or what it made of the model
            is not what was trained (`verify`).
    """
    wanted = recipe.export.quantize if quantize is None else quantize
    spec = build_model_spec(recipe, run.merged)
    client = OllamaClient(host, timeout_s=SILENCE_S)
    require_version(client)  # before minutes are spent on a file
    gguf = write_for_ollama(recipe, run, quantize=wanted, progress=progress)
    with as_export_errors(client.url, gguf):
        creation = create_model(client, spec, gguf, quantize=KINDS[wanted][1], progress=progress)
        run_exchange(client, creation)
    checks = verify_model(client, spec, recipe, run) if verify else ()
    return OllamaReport(name=spec.name, host=client.url, gguf=gguf, quantize=wanted, checks=checks)


def write_for_ollama(
    recipe: Recipe, run: Run, *, quantize: Quantization, progress: Progress
) -> Path:
    """Write GGUF and Modelfile into `run.exports`; return the GGUF's path."""
    kind, _ = KINDS[quantize]
    spec = build_model_spec(recipe, run.merged)
    path = run.exports / "gguf" / f"{recipe.name}-{kind}.gguf"
    write_gguf(run.merged, path, kind=kind, chat_template=spec.fmt.jinja, progress=progress)
    write_modelfile(path, spec)
    return path


def require_version(client: OllamaClient) -> None:
    """Raise `ExportError` for a server that would misread our template, or is no Ollama."""
    found = None
    with as_export_errors(client.url):
        try:
            found = re.match(r"(\d+)\.(\d+)\.(\d+)", run_exchange(client, client.version()))
        except ModelServerError as error:
            # A status, or HTML: something answers there that is no Ollama.
            if not error.status and error.kind != "wrong_protocol":
                raise
    if found is None:
        raise ExportError(
            Message("{url} is no Ollama server", url=client.url), hint=Message("set $OLLAMA_HOST")
        )
    if (0, 0, 0) < tuple(map(int, found.groups())) < OLDEST:  # 0.0.0 is one that a developer built
        raise ExportError(
            Message("Ollama {version} is too old", version=found[0]),
            hint=Message("update it to {oldest} or later", oldest=".".join(map(str, OLDEST))),
        )


async def create_model(
    client: OllamaClient,
    spec: ModelSpec,
    gguf: Path,
    *,
    quantize: str | None,
    progress: Progress,
) -> None:
    """Upload the file unless the server has it, and make a model of it."""
    with progress.stage(Message("uploading"), total=None) as stage:
        digest = await client.upload(gguf)
        stage.advance(detail=digest[:19])
    steps = client.create(
        spec.name,
        files={gguf.name: digest},
        quantize=quantize,
        template=spec.fmt.ollama_template,
        system=spec.system or None,
        license=spec.license or None,
        parameters=spec.parameters,
    )
    last = ""
    with progress.stage(Message("creating the model"), total=None) as stage:
        async with aclosing(steps):
            async for step in steps:
                last = step.status
                stage.advance(detail=last)
    if last != "success":
        raise ModelServerError("broken_stream")


@contextmanager
def as_export_errors(url: str, gguf: Path | None = None) -> Iterator[None]:
    """Raise the `ExportError` that a failure of the server means; `gguf` is a file that stays."""
    try:
        yield
    except ModelServerError as error:
        hint = Message("run the same command again")
        if error.kind == "unreachable":
            message = Message("Ollama does not answer at {url}", url=url)
            hint = Message("start it (ollama serve) and run the same command again")
        elif not error.status or error.kind == "wrong_protocol":
            message = Message("the connection to Ollama at {url} broke off", url=url)
        else:
            message = Message("Ollama refused the model: {reason}", reason=error.detail)
            hint = Message("see Ollama's own log")
            # Ollama has no error codes: its words are all there is.
            if "no space left" in error.detail:
                hint = Message("free some space on Ollama's disk")
            elif "quantiz" in error.detail:
                hint = Message("try --quantize q8_0 or f16")
            elif error.status == 404:  # creating from files came with 0.5.5
                hint = Message("update Ollama")
        stays = Message("; {gguf} stays", gguf=gguf) if gguf else NO_MESSAGE
        raise ExportError(message, hint=join_messages([hint, stays])) from error
