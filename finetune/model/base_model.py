"""The base model's folder: where it is, its config and its own chat template. No torch."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finetune.errors import BaseModelError
from finetune.model.chat_format import FORMATS, render_prompt
from finetune.model.chat_templates import ChatFormat
from finetune.recipe import Recipe
from finetune.records import Turn
from ingest.foundation.messages import Message
from ingest.foundation.settings import expand_user

PUBLISHERS = (
    ("DeepSeek", "deepseek-ai"),
    ("Qwen", "Qwen"),
    ("Llama", "meta-llama"),
    ("gemma", "google"),
    ("Mistral", "mistralai"),
)
"""Beginning of a model's name -> who publishes it on the hub: for the download command."""

SYSTEM, EARLIER, QUESTION = "Be brief.", Turn(user="Hi", think="Greet.", answer="Hello."), "120 m?"
"""A conversation by which two templates are compared."""


def find_base_model(recipe: Recipe) -> Path:
    """Return the folder of the base model: the recipe's, or one downloaded under that name.

    Nothing is downloaded: gigabytes are fetched by a command that the user types.

    Raises:
        BaseModelError: there is neither; the hint is the command that downloads it.
    """
    if folder := recipe.base_folder:
        return folder
    import huggingface_hub  # noqa: PLC0415  not needed where the base is a folder
    from huggingface_hub.errors import (  # noqa: PLC0415
        HFValidationError,
        LocalEntryNotFoundError,
    )

    name = recipe.model.base
    try:
        return Path(huggingface_hub.snapshot_download(name, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        # HFValidationError: a path that does not exist is no valid name of a repository either.
        raise BaseModelError(
            Message(
                "there is no base model {name}: no such folder, and none downloaded by that name",
                name=name,
            ),
            hint=Message(
                "download it: {download_command}, or set model.base",
                download_command=download_command(recipe),
            ),
        ) from None


def download_command(recipe: Recipe) -> str:
    """Return the command that puts the base model where the recipe looks for it."""
    base = recipe.model.base
    # "owner/name", and no folder of that name is there to be meant instead.
    if re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", base) and recipe.base_folder is None:
        return f"hf download {base}"
    last = Path(base).name
    owner = next((owner for start, owner in PUBLISHERS if last.startswith(start)), "OWNER")
    folder = (recipe.folder / expand_user(base, source="model.base")).resolve()
    return f"hf download {owner}/{last} --local-dir {folder}"


def read_config(folder: Path) -> Mapping[str, Any]:
    """Return the model's config.json, {} if it cannot be read: loading the model will say so."""
    return read_tables(folder / "config.json")


def own_template(folder: Path) -> str:
    """Return the Jinja chat template that the base brings, "" for none."""
    # Newer versions of transformers save it as a file of its own, which then counts.
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8", errors="replace")
    template = read_tables(folder / "tokenizer_config.json").get("chat_template")
    if isinstance(template, list):  # several, each under a name
        named = {one.get("name"): one.get("template") for one in template if isinstance(one, dict)}
        template = named.get("default")
    return template if isinstance(template, str) else ""


def template_note(folder: Path, fmt: ChatFormat) -> Message | None:
    """Return a note on the base's own template, None if it writes conversations as `fmt` does."""
    template = own_template(folder)
    if not template:
        return Message(
            "the base brings no chat template: {name} is ours, and is exported with the model",
            name=fmt.name,
        )
    if _writes_like(template, folder, fmt):
        return None
    # Qwen3 has the marks of ChatML as well, and answers worse without its empty thought.
    if other := next((one for one in FORMATS if _writes_like(template, folder, one)), None):
        return Message(
            "the base's own chat template writes conversations as {other} does, otherwise than "
            '{name}: write format = "{other}", or serve the tuned model with the exported one',
            other=other.name,
            name=fmt.name,
        )
    return Message(
        "the base's own chat template writes conversations otherwise than {name}: serve the "
        "tuned model with the exported one",
        name=fmt.name,
    )


def _writes_like(template: str, folder: Path, fmt: ChatFormat) -> bool:
    """Return whether the base's own template asks for a reply as `fmt` does."""
    # Templates are compared by what they write: two that write the same may look quite different.
    # Without a system message, too, where many insert one of their own ("You are Qwen, …").
    for system in ("", SYSTEM):
        ours = render_prompt(fmt, system=system, history=(EARLIER,), user=QUESTION)
        # Qwen3 lets the model write the tag that our prompts end with, which it learns as well.
        allowed = {ours, ours.removesuffix(fmt.opening)} if fmt.thinks else {ours}
        if render_own_template(template, folder, system, think=fmt.thinks) not in allowed:
            return False
    return True


def render_own_template(template: str, folder: Path, system: str, *, think: bool) -> str | None:
    """Return what the base's template makes of a conversation, None if it cannot be rendered."""
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    config = read_tables(folder / "tokenizer_config.json")
    tokens = {name: token_text(config.get(name)) for name in ("bos_token", "eos_token")}
    roles = {"system": system, "user": EARLIER.user, "assistant": EARLIER.answer}
    messages = [{"role": role, "content": text} for role, text in roles.items() if text]
    messages.append({"role": "user", "content": QUESTION})
    # The sandbox and the two options are those of transformers: a template is code of a stranger.
    sandbox = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    try:
        return sandbox.from_string(template).render(
            messages=messages, add_generation_prompt=True, enable_thinking=think, **tokens
        )
    except (TemplateError, TypeError, ValueError):
        return None


def read_tables(path: Path) -> Mapping[str, Any]:
    """Return the object in a JSON file, {} if there is none."""
    try:
        tables = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return tables if isinstance(tables, dict) else {}


def token_text(token: object) -> str:
    """Return the text of a token as tokenizer_config.json has it: a string, or a table."""
    return str(token.get("content") or "") if isinstance(token, dict) else str(token or "")
