"""Switch the assistant to the tuned model, and back to the one before."""

import json
import os
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import Table

from finetune.errors import ExportError
from finetune.export.files import write_failure
from finetune.runs import write_atomically
from ingest.foundation.messages import Message
from ingest.foundation.settings import FILE_NAME, config_file, default_ollama_host, home, read_toml

HISTORY_FILE = "activations.json"
"""In the assistant's home: the settings before each activation, the latest last."""

OVERRIDE = "ASSISTANT_MODEL__NAME"
BOM = "\ufeff"
OLLAMA_PROVIDERS = ("auto", "ollama")
"""Values of `model.provider` under which the assistant finds a model of Ollama."""


def activate(name: str) -> Message:
    """Set the model in the assistant's settings file; return what was done.

    Comments and all other settings stay. A missing file is created.

    Raises:
        SettingsError: the file is not valid.
        ExportError: it cannot be written.
    """
    path = (config_file() or home() / FILE_NAME).absolute()
    before = path.read_bytes().decode("utf-8") if path.is_file() else None
    old = _read_model_table(path) if before is not None else {}
    changes = {"name": name}
    if old.get("provider", "auto") not in OLLAMA_PROVIDERS:
        changes["provider"] = "ollama"
        if "host" in old:  # the address of the other provider
            changes["host"] = default_ollama_host()
    if old.get("size", "auto") != "auto":
        # It was chosen for the model before; the tuned one was asked as its own size is.
        changes["size"] = "auto"
    after = _edit_model_table(before or "", changes)
    old_values = {key: old.get(key) for key in changes}
    entry = {"file": str(path), "before": before, "after": after, "old": old_values}
    # The history first: if the second write fails, `rollback` finds the file unchanged, while a
    # change without history could not be undone.
    history = json.dumps([*_read_history(), entry], ensure_ascii=False, indent=1)
    _write_or_raise(home() / HISTORY_FILE, history)
    _write_or_raise(path, after)
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


def rollback() -> Message:
    """Undo the latest `activate`; return what was done.

    A settings file that has not been edited since is restored byte for byte; in an edited one only
    the settings that `activate` changed are restored.

    Raises:
        ExportError: there is nothing to undo, or the file cannot be written.
        SettingsError: the file is not valid any more.
    """
    history = _read_history()
    if not history:
        raise ExportError(
            Message("no model was activated here"),
            hint=Message("it would stand in {path}", path=home() / HISTORY_FILE),
        )
    entry = history.pop()
    path = Path(entry["file"])
    now = path.read_bytes().decode("utf-8") if path.is_file() else None
    if now == entry["after"]:
        restored = entry["before"]
    elif now is None:
        restored = None  # deleted since: nothing names the tuned model any more
    else:
        _read_model_table(path)  # raises if the edits left no valid settings
        restored = _edit_model_table(now, entry["old"])
    if restored is None:
        path.unlink(missing_ok=True)
    else:
        _write_or_raise(path, restored)
    _write_or_raise(home() / HISTORY_FILE, json.dumps(history, ensure_ascii=False, indent=1))
    name = entry["old"].get("name")
    if not name:
        return Message("{path}: model.name is gone again", path=path)
    return Message("{path}: model.name is {name} again", path=path, name=name)


def _read_model_table(path: Path) -> dict[str, Any]:
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


def _edit_model_table(text: str, values: dict[str, Any]) -> str:
    """Return the settings with keys of [model] set, or deleted where the value is None."""
    # tomlkit does not parse a BOM, which Windows editors write.
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
    # A table that `activate` has added goes again; one with a comment is the user's.
    if isinstance(table, Table) and not table and not table.trivia.comment:
        document.remove("model")
    return mark + tomlkit.dumps(document)


def _read_history() -> list[dict[str, Any]]:
    try:
        entries = json.loads((home() / HISTORY_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return entries if isinstance(entries, list) else []


def _write_or_raise(path: Path, text: str) -> None:
    try:
        write_atomically(path, text)
    except OSError as error:
        raise write_failure(path, error) from error
