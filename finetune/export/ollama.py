"""A tuned model handed to an Ollama server by its API: uploaded, quantised, described, verified.

No `ollama` command is needed, and the server may stand on another machine.
"""

import contextlib
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import ollama

from finetune.errors import ExportError
from finetune.export.gguf import GgufKind, write_gguf
from finetune.export.modelfile import ServedAs, served_as, write_modelfile
from finetune.export.verification import VerificationCheck, verify_model
from finetune.progress import Progress
from finetune.recipe import Quantization, Recipe
from finetune.runs import Run
from ingest.foundation.messages import Message, join_messages
from ingest.foundation.server_urls import base_url, is_loopback

SILENCE_S = 1_800.0
"""Quantising a large model says nothing for minutes."""
CONNECT_S = 5.0

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

    The GGUF and a Modelfile stay in `run.exports`, whatever the server says.

    Raises:
        ExportError: the server is down, too old, full, or refuses; or what it made of the model
            is not what was trained (`verify`).
    """
    wanted = recipe.export.quantize if quantize is None else quantize
    model = served_as(recipe, run.merged)
    url = base_url(host)
    with OllamaServer(url) as server:
        server.require_version()  # before minutes are spent on a file
        gguf = write_for_ollama(recipe, run, quantize=wanted, progress=progress)
        server.create(model, gguf, quantize=KINDS[wanted][1], progress=progress)
        checks = verify_model(server.library, url, model, recipe, run) if verify else ()
    return OllamaReport(name=model.name, host=url, gguf=gguf, quantize=wanted, checks=checks)


def write_for_ollama(
    recipe: Recipe, run: Run, *, quantize: Quantization, progress: Progress
) -> Path:
    """Write GGUF and Modelfile into `run.exports`; return the GGUF's path."""
    kind, _ = KINDS[quantize]
    model = served_as(recipe, run.merged)
    path = run.exports / "gguf" / f"{recipe.name}-{kind}.gguf"
    write_gguf(run.merged, path, kind=kind, chat_template=model.chat.jinja, progress=progress)
    write_modelfile(path.parent, path, model)
    return path


class OllamaServer:
    """One Ollama server; every refusal comes out as one line."""

    def __init__(self, url: str) -> None:
        self._url = url
        timeout = httpx.Timeout(SILENCE_S, connect=CONNECT_S)
        trust_env = not is_loopback(url)  # a proxy of the environment is not for this machine
        self.library = ollama.Client(host=url, timeout=timeout, trust_env=trust_env)
        self._plain = httpx.Client(base_url=url, timeout=timeout, trust_env=trust_env)

    def __enter__(self) -> "OllamaServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.library.close()  # type: ignore[no-untyped-call]
        self._plain.close()

    def require_version(self) -> None:
        """Refuse a server that would misread our template.

        Raises:
            ExportError: it is older, or no Ollama at all.
        """
        with self._translated():
            answer = self._plain.get("/api/version")
        found = re.match(r'\{"version":\s*"(\d+)\.(\d+)\.(\d+)', answer.text)
        if answer.status_code != httpx.codes.OK or found is None:
            raise ExportError(
                Message("{url} is no Ollama server", url=self._url),
                hint=Message("set $OLLAMA_HOST"),
            )
        version = tuple(int(part) for part in found.groups())
        if (0, 0, 0) < version < OLDEST:  # 0.0.0 is one that somebody built
            told = ".".join(found.groups())
            oldest = ".".join(map(str, OLDEST))
            raise ExportError(
                Message("Ollama {told} is too old", told=told),
                hint=Message("update it to {oldest} or later", oldest=oldest),
            )

    def create(
        self, model: ServedAs, gguf: Path, *, quantize: str | None, progress: Progress
    ) -> None:
        """Upload the file unless the server has it, and make a model of it.

        Raises:
            ExportError: the server refuses, or the connection breaks.
        """
        with self._translated(gguf):
            with progress.stage(Message("uploading"), total=None) as stage:
                digest = self._upload(gguf)
                stage.advance(detail=digest[:19])
            steps = self.library.create(
                model.name,
                files={gguf.name: digest},
                quantize=quantize,
                template=model.chat.ollama_template,
                system=model.system or None,
                license=model.license or None,
                parameters=model.parameters,
                stream=True,
            )
            last = ""
            with progress.stage(Message("creating the model"), total=None) as stage:
                for step in steps:
                    last = step.status or ""
                    stage.advance(detail=last)
        if last != "success":
            raise self._broken_off(gguf)

    def _upload(self, gguf: Path) -> str:
        with gguf.open("rb") as file:
            digest = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
        if self._plain.head(f"/api/blobs/{digest}").status_code == httpx.codes.OK:
            return digest  # it would close the connection on a second upload
        return str(self.library.create_blob(gguf))

    @contextlib.contextmanager
    def _translated(self, gguf: Path | None = None) -> Iterator[None]:
        try:
            yield
        except (ConnectionError, httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise ExportError(
                Message("Ollama does not answer at {url}", url=self._url),
                hint=_kept(
                    Message("start it (ollama serve) and run the same command again"),
                    gguf,
                ),
            ) from error
        except httpx.HTTPError as error:
            raise self._broken_off(gguf) from error
        except ollama.ResponseError as error:
            raise _refused(error, gguf) from error
        except ValueError as error:  # JSON that is none
            raise self._broken_off(gguf) from error

    def _broken_off(self, gguf: Path | None) -> ExportError:
        return ExportError(
            Message("the connection to Ollama at {url} broke off", url=self._url),
            hint=_kept(Message("run the same command again"), gguf),
        )


def _refused(error: ollama.ResponseError, gguf: Path | None) -> ExportError:
    said = " ".join(error.error.split())[:200]
    if "no space left" in said:
        hint = Message("free some space on Ollama's disk")
    elif "quantiz" in said:
        hint = Message("try --quantize q8_0 or f16")
    elif error.status_code == httpx.codes.NOT_FOUND:
        hint = Message("update Ollama")
    else:
        hint = Message("see Ollama's own log")
    return ExportError(
        Message("Ollama refused the model: {said}", said=said),
        hint=_kept(hint, gguf),
    )


def _kept(hint: Message, gguf: Path | None) -> Message:
    """Return the hint, and where the file lies that need not be written again."""
    if gguf is None:
        return hint
    tail = Message("; {gguf} stays", gguf=gguf)
    return join_messages([hint, tail]) if hint else tail
