"""The assistant answers with the tuned model from now on, and with its former one again."""

import json
import os
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import Table

from finetune.errors import ExportError
from finetune.export.files import cannot_write
from finetune.runs import write_atomically
from ingest.foundation.messages import Message
from ingest.foundation.settings import FILE_NAME, config_file, default_ollama_host, home, read_toml

MEMORY = "activations.json"
"""In the assistant's home: what stood in the settings before, the latest last."""

OVERRIDE = "ASSISTANT_MODEL__NAME"
BOM = "\ufeff"
OLLAMA = ("auto", "ollama")
"""Providers under which Ollama is asked for the model."""


def activate(name: str) -> Message:
    """Name the model in the assistant's settings file; return what was done.

    Comments and all other settings stay. A missing file is written.

    Raises:
        SettingsError: the file is not valid.
        ExportError: it cannot be written.
    """
    path = (config_file() or home() / FILE_NAME).absolute()
    before = path.read_bytes().decode("utf-8") if path.is_file() else None
    old = _model_of(path) if before is not None else {}
    changes = {"name": name}
    if old.get("provider", "auto") not in OLLAMA:
        changes["provider"] = "ollama"
        if "host" in old:  # that of the other provider
            changes["host"] = default_ollama_host()
    after = _changed(before or "", changes)
    known = {key: old.get(key) for key in changes}
    entry = {"file": str(path), "before": before, "after": after, "old": known}
    _write(home() / MEMORY, json.dumps([*_memory(), entry], ensure_ascii=False, indent=1))
    _write(path, after)
    return _told(path, name)


def rollback() -> Message:
    """Undo the latest `activate`; return what was done.

    A file that nobody touched since is again what it was, byte for byte; in another, only the
    settings that were changed are given back.

    Raises:
        ExportError: there is nothing to undo, or the file cannot be written.
        SettingsError: the file is not valid any more.
    """
    memory = _memory()
    if not memory:
        raise ExportError(
            Message("no model was activated here"),
            hint=Message("it would stand in {path}", path=home() / MEMORY),
        )
    entry = memory.pop()
    path = Path(entry["file"])
    now = path.read_bytes().decode("utf-8") if path.is_file() else None
    if now == entry["after"]:
        restored = entry["before"]
    elif now is None:
        restored = None  # deleted since: nothing names the tuned model any more
    else:
        _model_of(path)
        restored = _changed(now, entry["old"])
    if restored is None:
        path.unlink(missing_ok=True)
    else:
        _write(path, restored)
    _write(home() / MEMORY, json.dumps(memory, ensure_ascii=False, indent=1))
    name = entry["old"].get("name")
    if not name:
        return Message("{path}: model.name is gone again", path=path)
    return Message("{path}: model.name is {name} again", path=path, name=name)


def _model_of(path: Path) -> dict[str, Any]:
    """Return the table [model] of a settings file.

    Raises:
        SettingsError: the file is no TOML.
        ExportError: `model` is no table.
    """
    table = read_toml(path).get("model", {})
    if not isinstance(table, dict):
        raise ExportError(
            Message("{path}: model is no table", path=path),
            hint=Message("write [model]"),
        )
    return table


def _changed(text: str, values: dict[str, Any]) -> str:
    """Return the settings with keys of [model] set, or deleted where the value is None."""
    mark = BOM if text.startswith(BOM) else ""
    document = tomlkit.parse(text.removeprefix(BOM))
    table: Any = document.get("model")
    if table is None:
        document["model"] = tomlkit.table()
        table = document["model"]
    for key, value in values.items():
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
    if isinstance(table, Table) and not table and not table.trivia.comment:
        document.remove("model")
    return mark + tomlkit.dumps(document)


def _memory() -> list[dict[str, Any]]:
    try:
        entries = json.loads((home() / MEMORY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return entries if isinstance(entries, list) else []


def _write(path: Path, text: str) -> None:
    try:
        write_atomically(path, text)
    except OSError as error:
        raise cannot_write(path, error) from error


def _told(path: Path, name: str) -> Message:
    if overriding := os.environ.get(OVERRIDE):
        return Message(
            "{path} names {name}, but ${override} ({overriding}) counts more",
            path=path,
            name=name,
            override=OVERRIDE,
            overriding=overriding,
        )
    return Message(
        "the assistant answers with {name} ({path}); back again: --rollback", name=name, path=path
    )
