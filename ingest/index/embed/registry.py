"""All embedders by their name in `embed.provider`, and the one way to choose and open them.

To add one: write its module here, name its factory in `EMBEDDERS`, give `EmbedSettings` its name
and what it needs, and let tests/contracts/test_embedder.py hold it to the promise.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ingest.errors import EmbedError
from ingest.foundation.errors import MissingDependencyError, SettingsError
from ingest.foundation.messages import NO_MESSAGE, Message
from ingest.foundation.settings import expand_user
from ingest.index.embed.base import Embedder
from ingest.settings import EmbedSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderConfig:
    """What a factory may build its embedder from."""

    embed: EmbedSettings
    cache: Path
    """Folder for what an embedder makes of its weights."""


async def open_embedder(config: EmbedderConfig, *, space: str) -> tuple[Embedder | None, Message]:
    """Return the embedder to use, or None and why.

    The reason is empty for "none", and that of the last one tried for "auto".

    Args:
        config: `embed.provider` names the embedder; "auto" takes the one that the index was made
            with, and for an empty index the first of `EMBEDDERS` that can be used.
        space: The vector space of the index, "" while it holds no vector.
    """
    provider = config.embed.provider
    if provider == "none":
        return None, NO_MESSAGE
    # Another embedder would not find the vectors that are there, so "auto" does not fall back on
    # one: a server that is away for a minute would cost an embedding of the whole index.
    index_provider = space.partition(":")[0]
    names = [index_provider] if index_provider in EMBEDDERS else list(EMBEDDERS)
    problem = NO_MESSAGE
    for name in names if provider == "auto" else [provider]:
        try:
            return await EMBEDDERS[name](config), NO_MESSAGE
        except (EmbedError, MissingDependencyError) as error:
            problem = error.full_message
    return None, problem


def builtin_weights(embed: EmbedSettings) -> Path | None:
    """Return the folder of the built-in embedder's weights, None when they are not installed."""
    from ingest.index.embed.weights import find_weights

    return find_weights(
        expand_user(embed.weights, source="embed.weights") if embed.weights else None
    )


async def _ollama(config: EmbedderConfig) -> Embedder:
    from ingest.index.embed.ollama import OllamaEmbedder, find_digest

    embed = config.embed
    try:
        digest = await find_digest(host=embed.host, model=embed.model)
    except SettingsError as error:  # $OLLAMA_API_KEY, which may be there for another program
        raise EmbedError(error.message, hint=error.hint) from error
    return OllamaEmbedder(
        host=embed.host, model=embed.model, timeout_s=embed.timeout, digest=digest
    )


async def _builtin(config: EmbedderConfig) -> Embedder:
    from ingest.index.embed.builtin import BuiltinEmbedder

    weights = builtin_weights(config.embed)
    if weights is None:
        raise MissingDependencyError(
            Message("no encoder is installed, words alone find passages: assistant setup")
        )
    return BuiltinEmbedder(weights=weights, cache=config.cache)


EMBEDDERS: Mapping[str, Callable[[EmbedderConfig], Awaitable[Embedder]]] = {
    "ollama": _ollama,
    "builtin": _builtin,
}
"""Name -> factory, which raises `EmbedError` or `MissingDependencyError` where its embedder cannot
be used. An embedder's `space` begins with its name and a colon. "auto" tries them in this order: a
server with a model that somebody chose comes before the small one that is always there."""
