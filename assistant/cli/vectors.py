"""`assistant doctor` on vectors: a text in each language is embedded, and what comes looked at."""

import time

from assistant.cli.health import HealthCheck
from assistant.settings import Settings
from ingest.bootstrap import choose_embedder, open_store
from ingest.errors import EmbedError
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Message
from ingest.index.embed.base import Embedder
from ingest.index.embed.vectors import vector_fault

PART = "vectors"
TEXTS = ("Water boils at 100 degrees.", "水在一百度沸腾。")


async def check_vectors(settings: Settings) -> list[HealthCheck]:
    """Return what the encoder in force makes of a text, and whether the index is of its space."""
    if settings.embed.provider == "none":
        off = Message("switched off (embed.provider)")
        return [HealthCheck(part=PART, state="ok", found=off)]
    try:
        async with open_store(settings) as store:
            stats = await store.stats()
    except QiuzhengError:  # the part "index" says so
        return []
    embedder, problems = await choose_embedder(settings, space=stats.space)
    if embedder is None:
        why = problems[0] if problems else Message("words alone find passages")
        return [HealthCheck(part=PART, state="warn", found=why)]
    try:
        checks = [await _check_encoder(embedder)]
    finally:
        await embedder.close()
    if stats.space not in ("", embedder.space):
        found = Message(
            "the index is of {space}, the encoder in force of {ours}",
            space=stats.space,
            ours=embedder.space,
        )
        fix = Message.verbatim("assistant index migrate")
        checks.append(HealthCheck(part=PART, state="warn", found=found, fix=fix))
    if stats.failed:
        found = Message("{count} {count:?chunk|chunks} could not be embedded", count=stats.failed)
        fix = Message.verbatim("assistant index check --fix")
        checks.append(HealthCheck(part=PART, state="warn", found=found, fix=fix))
    return checks


async def _check_encoder(embedder: Embedder) -> HealthCheck:
    try:
        # The first request loads the model: it says nothing of the speed.
        vectors = [*await embedder.embed_documents(TEXTS[:1])]
        began = time.monotonic()
        vectors += [*await embedder.embed_documents(TEXTS), await embedder.embed_query(TEXTS[1])]
        took_ms = 1_000 * (time.monotonic() - began) / 3
    except EmbedError as error:
        return HealthCheck(part=PART, state="warn", found=error.message, fix=error.hint)
    for vector in vectors:
        if fault := vector_fault(vector, dimensions=len(vectors[0])):
            found = Message("{space} returns {fault}", space=embedder.space, fault=fault)
            fix = Message("choose another encoder in [embed]")
            return HealthCheck(part=PART, state="warn", found=found, fix=fix)
    found = Message(
        "{space}: {length} {length:?number|numbers}, {took:.0f} ms a text",
        space=embedder.space,
        length=len(vectors[0]),
        took=took_ms,
    )
    return HealthCheck(part=PART, state="ok", found=found)
