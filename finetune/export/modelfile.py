"""What Ollama needs of a model beside its weights: template, stops, parameters, licence."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.errors import ExportError
from finetune.export.config import LICENSES
from finetune.model.chat_format import chat_format
from finetune.model.chat_templates import ChatFormat
from finetune.recipe import Recipe
from finetune.runs import write_atomically
from ingest.foundation.messages import Message
from ingest.foundation.settings import expand_user
from ingest.model_servers.ollama import with_tag

MAX_PATH_CHARACTERS = 255
"""A licence given in the recipe is a text if it is longer, or has lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """How Ollama is to serve a model. `name` has a tag, as Ollama lists it."""

    name: str
    fmt: ChatFormat
    system: str
    license: str
    num_ctx: int
    temperature: float
    top_p: float

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters as the API takes them."""
        return {
            "stop": list(self.fmt.stops),
            "num_ctx": self.num_ctx,
            "temperature": self.temperature,
            "top_p": self.top_p,
        }


def build_model_spec(recipe: Recipe, merged: Path) -> ModelSpec:
    """Return how the recipe wants its model served; `merged` may hold the base's licence.

    Raises:
        ExportError: the recipe names a licence file that cannot be read.
    """
    return ModelSpec(
        name=with_tag(recipe.export.name or recipe.name),
        fmt=chat_format(recipe.model.format),
        system=recipe.model.system,
        license=read_license(recipe, merged),
        num_ctx=recipe.export.num_ctx,
        temperature=recipe.export.temperature,
        top_p=recipe.export.top_p,
    )


def write_modelfile(gguf: Path, spec: ModelSpec) -> Path:
    """Write the Modelfile beside the GGUF, for `ollama create NAME -f Modelfile`."""
    lines = [f"FROM ./{gguf.name}", f"TEMPLATE {quote_long_text(spec.fmt.ollama_template)}"]
    for name, value in spec.parameters.items():
        values = value if isinstance(value, list) else [value]
        # A stop such as "<|im_end|>\n" would lose its white space without quotes.
        words = (f'"{one}"' if isinstance(one, str) else str(one) for one in values)
        lines += [f"PARAMETER {name} {word}" for word in words]
    lines += [f"SYSTEM {quote_long_text(spec.system)}"] if spec.system else []
    lines += [f"LICENSE {quote_long_text(spec.license)}"] if spec.license else []
    path = gguf.parent / "Modelfile"
    write_atomically(path, "\n".join(lines) + "\n")
    return path


def quote_long_text(text: str) -> str:
    """Return a text between the Modelfile's long quotes."""
    # They cannot be escaped inside it.
    return '"""' + text.replace('"""', "'''") + '"""'


def read_license(recipe: Recipe, merged: Path) -> str:
    """Return the licence's text: the recipe's, that of the file it names, or the base model's."""
    given = recipe.export.license
    if not given:
        own = next((merged / name for name in LICENSES if (merged / name).is_file()), None)
        return own.read_text(encoding="utf-8", errors="replace") if own else ""
    if "\n" in given or len(given) > MAX_PATH_CHARACTERS:
        return given
    path = recipe.folder / expand_user(given, source="export.license")
    if path.is_file():
        return path.read_text(encoding="utf-8", errors="replace")
    if path.suffix in {".txt", ".md"}:  # else it is a name, as "Apache-2.0" is one
        raise ExportError(
            Message("there is no licence file {path}", path=path),
            hint=Message("correct export.license"),
        )
    return given
