"""The built-in encoder, as the benches of evidence use it."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from assistant.answer.evidence import compare_units
from assistant.values import Passage, UnitSimilarity
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


async def compare(
    question: str, passages: Sequence[Passage], embedder: Embedder | None
) -> tuple[UnitSimilarity, ...]:
    """Return how near the pieces of the passages are in meaning, () without an encoder."""
    if embedder is None:
        return ()
    return await compare_units(question, passages, embedder=embedder)
