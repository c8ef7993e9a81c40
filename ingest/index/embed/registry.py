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
        config: `embed.provider` and `embed.encoder` name the embedder; "auto" takes the one that
            the index was made with, else the first that can be used.
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
            return await EMBEDDERS[name](config, space), NO_MESSAGE
        except (EmbedError, MissingDependencyError) as error:
            problem = error.full_message
    return None, problem


def _encoder_of(space: str) -> str:
    """Return the name of the built-in encoder that made `space`, "" for any other embedder's."""
    provider, _, rest = space.partition(":")
    return rest.partition(":")[0] if provider == "builtin" else ""


def installed_encoders(config: EmbedderConfig) -> list[str]:
    """Return the names of the built-in encoders that can be opened, the preferred one first."""
    return [name for name, find in _FINDERS.items() if find(config)]


def choose_encoder(config: EmbedderConfig, *, space: str) -> str:
    """Return the name of the built-in encoder to use, "" when none can be opened.

    The one of `embed.encoder`; "auto" takes the one that made `space`, else the preferred one.
    """
    installed = installed_encoders(config)
    if config.embed.encoder != "auto":
        return config.embed.encoder if config.embed.encoder in installed else ""
    if _encoder_of(space) in installed:
        return _encoder_of(space)
    return installed[0] if installed else ""


def builtin_weights(embed: EmbedSettings) -> Path | None:
    """Return the folder of all-MiniLM-L6-v2, None when it is not installed."""
    from ingest.index.embed.weights import find_weights

    return find_weights(_named_folder(embed))


def e5_file(config: EmbedderConfig) -> Path | None:
    """Return the file of multilingual-e5-small: as it came, else as it was converted before."""
    from ingest.index.embed.e5_model import SHA256, EncoderFiles, find_e5_file

    named = _named_folder(config.embed)
    if named is not None:
        return find_e5_file(named, package=False)
    converted = EncoderFiles(config.cache, SHA256)
    return find_e5_file(config.cache) or (converted.onnx if converted.can_be_opened() else None)


def is_prepared(embedder: Embedder) -> bool:
    """Return whether an embedder can start at once: the built-in one converts its weights first."""
    from ingest.index.embed.multilingual import MultilingualEmbedder

    return not isinstance(embedder, MultilingualEmbedder) or embedder.is_prepared()


def measured_shares(config: EmbedderConfig, *, encoder: str) -> Mapping[str, float]:
    """Return what an encoder was found to get right, {}: not tried (all-MiniLM-L6-v2 never is)."""
    if encoder != "multilingual-e5-small":
        return {}
    from ingest.index.embed.e5_model import SHA256, EncoderFiles
    from ingest.index.embed.pair_check import read_results

    results = read_results(EncoderFiles(config.cache, SHA256).pair_weights)
    return results.by_pair() if results else {}


def _named_folder(embed: EmbedSettings) -> Path | None:
    return expand_user(embed.weights, source="embed.weights") if embed.weights else None


_FINDERS: Mapping[str, Callable[[EmbedderConfig], Path | None]] = {
    "multilingual-e5-small": e5_file,
    "all-MiniLM-L6-v2": lambda config: builtin_weights(config.embed),
}
"""Names in `embed.encoder` and what finds the files, in the order in which "auto" prefers them."""


async def _ollama(config: EmbedderConfig, space: str) -> Embedder:
    from ingest.index.embed.ollama import OllamaEmbedder, find_digest

    del space
    embed = config.embed
    try:
        digest = await find_digest(host=embed.host, model=embed.model)
    except SettingsError as error:  # $OLLAMA_API_KEY, which may be there for another program
        raise EmbedError(error.message, hint=error.hint) from error
    return OllamaEmbedder(
        host=embed.host, model=embed.model, timeout_s=embed.timeout, digest=digest
    )


async def _builtin(config: EmbedderConfig, space: str) -> Embedder:
    name = choose_encoder(config, space=space)
    folder = _named_folder(config.embed)
    if not name and folder is not None:
        # `assistant setup` fetches into the package's place and would change nothing here.
        raise MissingDependencyError(
            Message(
                "embed.weights: no encoder in {folder}, words alone find passages", folder=folder
            ),
            hint=Message("correct it, or leave it out"),
        )
    if not name:
        raise MissingDependencyError(
            Message("no encoder is installed, words alone find passages: assistant setup")
        )
    if name == "multilingual-e5-small":
        from ingest.index.embed.e5_model import FILE
        from ingest.index.embed.multilingual import MultilingualEmbedder

        found = e5_file(config)
        return MultilingualEmbedder(
            weights=found if found and found.name == FILE else None, cache=config.cache
        )
    from ingest.index.embed.builtin import BuiltinEmbedder

    weights = builtin_weights(config.embed)
    assert weights is not None  # `choose_encoder` has just found them
    return BuiltinEmbedder(weights=weights, cache=config.cache)


EMBEDDERS: Mapping[str, Callable[[EmbedderConfig, str], Awaitable[Embedder]]] = {
    "ollama": _ollama,
    "builtin": _builtin,
}
"""Name -> factory of (config, space of the index), which raises `EmbedError` or
`MissingDependencyError` where its embedder cannot be used. An embedder's `space` begins with its
name and a colon. "auto" tries them in this order: a server with a model that a person chose comes
before the small one that is always there."""
