"""Which model a person means by --teacher."""

from assistant.settings import ModelSettings
from finetune.errors import RecipeError
from ingest.foundation.messages import Message


def teacher_settings(name: str, assistant: ModelSettings) -> ModelSettings:
    """Return the settings of a teacher: "ollama:NAME", "openai:NAME@URL", or "assistant".

    What is not named, such as the host of Ollama or a key, is taken from those of the `assistant`.

    Raises:
        RecipeError: the name is of none of these forms.
    """
    provider, _, model = name.partition(":")
    if name == "assistant":
        chosen = assistant.provider if assistant.provider in ("ollama", "openai") else "ollama"
        return assistant.model_copy(update={"provider": chosen})
    if provider == "ollama" and model:
        return assistant.model_copy(update={"provider": "ollama", "name": model})
    # From the right: names of models may hold an @, addresses of servers do not.
    model, _, url = model.rpartition("@")
    if provider == "openai" and model and url.startswith(("http://", "https://")):
        return assistant.model_copy(update={"provider": "openai", "name": model, "host": url})
    raise RecipeError(
        Message("--teacher {name}: no such model", name=name),
        hint=Message("write ollama:NAME, openai:NAME@URL, or assistant"),
    )
