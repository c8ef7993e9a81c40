"""All chat models by their provider in `model.provider`, and the one way to build them."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from assistant.models.base import ChatModel
from assistant.settings import ModelSettings

if TYPE_CHECKING:
    from assistant.models.ollama import OllamaModel

THINKING: Mapping[str, bool | None] = {"auto": None, "on": True, "off": False}
"""`model.thinking` -> what the adapters take."""


def build_model(
    settings: ModelSettings, *, provider: str | None = None, name: str | None = None
) -> ChatModel:
    """Return a chat model; nothing is sent before it is used.

    Building takes 2 ms, so that each name may have a model of its own.

    Args:
        settings: Where the server is, and how its models are used.
        provider: Another one than `settings.provider`, which may be "auto" and then needs one.
        name: Another model of the same server.
    """
    if name is not None:
        settings = settings.model_copy(update={"name": name})
    return MODELS[provider or settings.provider](settings)


def _extractive(settings: ModelSettings) -> ChatModel:
    from assistant.models.extractive import ExtractiveModel

    return ExtractiveModel()


def ollama_model(settings: ModelSettings) -> "OllamaModel":
    """Return the chat model of these settings on an Ollama server, which can also pull models."""
    from assistant.models.ollama import OllamaModel

    return OllamaModel(
        host=settings.host,
        name=settings.name,
        context_tokens=settings.context_tokens,
        reply_tokens=settings.reply_tokens,
        timeout_s=settings.timeout,
        temperature=settings.temperature,
        keep_alive=settings.keep_alive,
        thinking=THINKING[settings.thinking],
        size=settings.size,
    )


def _openai(settings: ModelSettings) -> ChatModel:
    from assistant.models.openai import OpenAIModel

    return OpenAIModel(
        base_url=settings.host,
        name=settings.name,
        api_key=settings.api_key.get_secret_value(),
        context_tokens=settings.context_tokens,
        reply_tokens=settings.reply_tokens,
        timeout_s=settings.timeout,
        temperature=settings.temperature,
        thinking=THINKING[settings.thinking],
        size=settings.size,
    )


MODELS: Mapping[str, Callable[[ModelSettings], ChatModel]] = {
    "extractive": _extractive,
    "ollama": ollama_model,
    "openai": _openai,
}
"""Provider -> factory, which imports its adapter when called: httpx takes 0.1 s."""
