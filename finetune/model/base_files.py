"""Whether a folder holds a whole model to train from, found out before anything is done. No torch.

Loading says the same later, in words of a library, and after rows were made and splits written.
"""

from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError, safe_open

from finetune.errors import BaseModelError
from finetune.model.base_model import read_tables
from ingest.foundation.messages import Message

WEIGHTS = (
    *("model.safetensors", "model.safetensors.index.json"),
    *("pytorch_model.bin", "pytorch_model.bin.index.json"),
)
"""In the order in which transformers looks for them: the first one there is read, and no other. An
index names the file of each weight where there are several."""

COPY_AGAIN = Message("copy all files of the base model there once more")


def require_whole_model(folder: Path) -> None:
    """Return if a folder holds config and weights.

    Raises:
        BaseModelError: it is an adapter or a GGUF file, or something is missing or cut off.
    """
    if not (folder / "config.json").is_file():
        _refuse_other_kinds(folder)
    config = read_tables(folder / "config.json")
    # Where no class is named, transformers takes that of the kind.
    if not config.get("architectures") and not config.get("model_type"):
        raise BaseModelError(
            Message("{path} names no architecture", path=folder / "config.json"), hint=COPY_AGAIN
        )
    weights = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    if weights is None:
        raise BaseModelError(
            Message("{folder} holds no weights of a model", folder=folder), hint=COPY_AGAIN
        )
    for path in _shards_of(weights):
        if not path.is_file():
            raise BaseModelError(Message("there is no {path}", path=path), hint=COPY_AGAIN)
        if path.suffix != ".safetensors":
            continue  # the older format, which torch reads
        try:
            # Opening reads the head alone, and compares what it names with the file's size.
            with safe_open(path, framework="np"):
                pass
        except (SafetensorError, OSError) as error:
            raise _damaged(path) from error


def _shards_of(weights: Path) -> Iterator[Path]:
    """Yield the files that hold the weights: this one, or those that it names."""
    if weights.suffix != ".json":
        yield weights
        return
    shards = read_tables(weights).get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise _damaged(weights)
    yield from (weights.with_name(name) for name in sorted(set(map(str, shards.values()))))


def _damaged(path: Path) -> BaseModelError:
    return BaseModelError(Message("{path} is cut off or damaged", path=path), hint=COPY_AGAIN)


def _refuse_other_kinds(folder: Path) -> None:
    """Raise `BaseModelError` for what people name in the place of a base."""
    if (folder / "adapter_config.json").is_file():
        base = read_tables(folder / "adapter_config.json").get("base_model_name_or_path") or "?"
        raise BaseModelError(
            Message(
                "{folder} is an adapter of {base}, and no base model", folder=folder, base=base
            ),
            hint=Message("name {base}, or a folder that finetune merge has written", base=base),
        )
    if any(folder.glob("*.gguf")):
        raise BaseModelError(
            Message("{folder} holds a GGUF file, which serves and is not trained", folder=folder),
            hint=Message(
                "name the folder of the model for transformers (config.json, *.safetensors)"
            ),
        )
    raise BaseModelError(
        Message("there is no {path}", path=folder / "config.json"), hint=COPY_AGAIN
    )
