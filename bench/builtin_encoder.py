"""The built-in encoder, as the benches of evidence use it."""

import tempfile
from pathlib import Path

import click

from ingest.index.embed.base import Embedder
from ingest.index.embed.registry import EmbedderConfig, open_embedder
from ingest.settings import EmbedSettings


async def open_builtin() -> Embedder | None:
    """Return the built-in encoder; None where it is not here, which is said."""
    config = EmbedderConfig(
        embed=EmbedSettings(provider="builtin"), cache=Path(tempfile.gettempdir()) / "models"
    )
    embedder, problem = await open_embedder(config, space="")
    if embedder is None:
        click.echo(f"by words alone: {problem.localize('en')}")
    return embedder
