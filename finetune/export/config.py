"""The small files of a model folder, written so that all programs that read them agree."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finetune.errors import BaseModelError, ExportError
from finetune.model.chat_templates import ChatFormat
from finetune.model.gguf_support import main_rope
from finetune.recipe import ExportTable
from ingest.foundation.messages import Message

TOKENIZER_FILES = (
    "tokenizer.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
)
"""Copied byte for byte: `save_pretrained` of transformers 5 changes them."""

TOKENIZER_CONFIG = "tokenizer_config.json"
CHAT_TEMPLATE = "chat_template.jinja"
GENERATION_CONFIG = "generation_config.json"
LICENSES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "NOTICE")


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in `path`.

    Raises:
        BaseModelError: the file is missing or broken.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BaseModelError(
            Message("{parent} has no {name}", parent=path.parent, name=path.name),
            hint=Message("it is no complete model folder: download the model again"),
        ) from error
    except (OSError, ValueError) as error:
        raise _broken_file(path) from error
    if not isinstance(value, dict):
        raise _broken_file(path)
    return value


def _broken_file(path: Path) -> BaseModelError:
    return BaseModelError(
        Message("{path} is broken", path=path),
        hint=Message("download the model again"),
    )


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write `value` as JSON, keys in the order given."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def rope_parameters(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return `rope_theta`, `rope_type` and the parameters of scaling, from old and new keys.

    Of a model with two sets (Gemma 3) those of layers that see the whole context.

    Raises:
        ExportError: `rope_theta` is missing or 0.
    """
    old = config.get("rope_scaling") or {}
    found = {**old, **main_rope(config.get("rope_parameters") or {})}
    theta = found.get("rope_theta") or config.get("rope_theta")
    # Servers take a missing base for 0: all angles are then Inf, and each reply is "!!!!".
    if not theta or float(theta) <= 0:
        raise ExportError(
            Message("config.json names no rope_theta"),
            hint=Message(
                "without it a server answers !!!! to everything: copy it from the base's config"
            ),
        )
    kind = found.get("rope_type") or found.get("type") or "default"
    return {**found, "rope_theta": float(theta), "rope_type": kind}


def compatible_config(config: Mapping[str, Any], *, dtype: str) -> dict[str, Any]:
    """Return a config that transformers 4 and 5, Ollama and vLLM read alike.

    Args:
        config: A config.json written by any version of transformers.
        dtype: The dtype of the weights as they are saved, such as "bfloat16".
    """
    # transformers 5 writes `rope_parameters` and `dtype`; transformers 4, Ollama's converter
    # (convert/convert_qwen2.go) and older servers read `rope_theta` and `torch_dtype`.
    parameters = rope_parameters(config)
    both: dict[str, Any] = {
        **config,
        "rope_theta": parameters["rope_theta"],
        "rope_parameters": parameters,
        "torch_dtype": dtype,
        "dtype": dtype,
    }
    new = config.get("rope_parameters") or {}
    if main_rope(new) is not new:
        both["rope_parameters"] = new
        both["rope_local_base_freq"] = new["sliding_attention"]["rope_theta"]
    if parameters["rope_type"] != "default":
        both["rope_scaling"] = {k: v for k, v in parameters.items() if k != "rope_theta"}
    # Of a base loaded in 4 bits: merged weights are plain ones again.
    both.pop("quantization_config", None)
    return both


def copy_tokenizer(base: Path, target: Path, *, template: str) -> None:
    """Copy the base's tokenizer to `target`, unchanged except for the chat template.

    Raises:
        BaseModelError: the base has no tokenizer.json.
    """
    settings = read_json(base / TOKENIZER_CONFIG)
    read_json(base / "tokenizer.json")  # raises if it is missing or broken
    for name in (*TOKENIZER_FILES, *LICENSES):
        if (base / name).is_file():
            shutil.copyfile(base / name, target / name)
    # Twice: transformers 5 and vLLM read the file of its own, Ollama's converter reads
    # tokenizer_config.json alone.
    write_json(target / TOKENIZER_CONFIG, {**settings, "chat_template": template})
    (target / CHAT_TEMPLATE).write_text(template, encoding="utf-8")


def control_tokens(folder: Path) -> dict[str, int]:
    """Return text and id of each token that was added to the tokenizer's own vocabulary."""
    added = read_json(folder / "tokenizer.json").get("added_tokens") or []
    return {token["content"]: int(token["id"]) for token in added}


def write_generation_config(
    base: Path, target: Path, *, fmt: ChatFormat, export: ExportTable
) -> None:
    """Write generation_config.json: the end tokens and the recipe's sampling.

    Raises:
        ExportError: the tokenizer does not have the format's end token.
    """
    ids = control_tokens(base)
    if fmt.eos not in ids:
        raise ExportError(
            Message("the tokenizer of {base} has no {eos}", base=base, eos=fmt.eos),
            hint=Message("set another [model] format in the recipe"),
        )
    path = base / GENERATION_CONFIG
    base_config = read_json(path) if path.is_file() else {}
    old = base_config.get("eos_token_id", [])
    # The end that was trained comes first: some programs read one id alone. Those of the base stay
    # ends, as the model may still write them.
    ends = list(dict.fromkeys([ids[fmt.eos], *(old if isinstance(old, list) else [old])]))
    ends = [end for end in ends if end is not None]
    sampling = {"do_sample": True, "temperature": export.temperature, "top_p": export.top_p}
    if export.temperature == 0:
        # transformers warns about sampling settings beside `do_sample: false`.
        sampling = {"do_sample": False}
        base_config = {
            key: value for key, value in base_config.items() if key not in {"temperature", "top_p"}
        }
    ending = {"eos_token_id": ends if len(ends) > 1 else ends[0]}
    write_json(target / GENERATION_CONFIG, {**base_config, **ending, **sampling})


def write_small_files(
    base: Path, target: Path, *, fmt: ChatFormat, export: ExportTable, dtype: str
) -> None:
    """Complete a model folder that `save_pretrained` has written, with the base's small files.

    Raises:
        BaseModelError, ExportError: a file of the base is missing, broken or does not fit.
    """
    written = read_json(target / "config.json")
    write_json(target / "config.json", compatible_config(written, dtype=dtype))
    copy_tokenizer(base, target, template=fmt.jinja)
    write_generation_config(base, target, fmt=fmt, export=export)
