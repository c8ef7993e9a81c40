"""Says of a message whether it may hurt: by rule, and by the built-in encoder's sense of it.

Rules alone catch one harsh message in eight of those that they were not written for: sentences that
hurt have few words in common, but their vectors lie together (`bench.nvc`, `bench.fit_nvc`).
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from assistant.nvc.rules import Harm, find_harms
from ingest.encoder_setup import embedder_config
from ingest.index.embed.base import Embedder
from ingest.index.embed.registry import installed_encoders, open_embedder
from ingest.settings import IngestSettings
from ingest.text.language import language_of

WEIGHTS = Path(__file__).with_name("weights.json")
ENCODER = "multilingual-e5-small"
"""The encoder that the weights are for."""


class MessageDetector:
    """Looks at messages; the encoder is opened by the first one."""

    def __init__(self) -> None:
        self._encoder: Embedder | None = None
        self._is_opened = False

    async def harms_of(self, message: str, settings: IngestSettings) -> tuple[Harm, ...]:
        """Return what in a message may hurt, () for one that can be sent as it is."""
        found = find_harms(message, language_of(message))
        if found:
            return found
        if not self._is_opened:
            # Another encoder in the settings is a choice: the weights would mean nothing there.
            wanted = settings.embed.encoder in ("auto", ENCODER)
            self._encoder = await open_message_encoder(settings) if wanted else None
            self._is_opened = True
        if self._encoder is None:
            return ()
        (vector,) = await self._encoder.embed_documents([message])
        fitted = _load_weights()
        weighed = sum(w * x for w, x in zip(fitted["weights"], vector, strict=True))
        return ("contempt",) if weighed + fitted["bias"] > fitted["threshold"] else ()

    async def close(self) -> None:
        """Close the encoder. May be called twice."""
        if self._encoder is not None:
            await self._encoder.close()


async def open_message_encoder(settings: IngestSettings) -> Embedder | None:
    """Return the encoder that the weights are for; None where it is not installed."""
    embed = settings.embed.model_copy(update={"provider": "builtin", "encoder": ENCODER})
    config = embedder_config(settings.model_copy(update={"embed": embed}))
    if ENCODER not in installed_encoders(config):
        return None
    embedder, _ = await open_embedder(config, space="")
    return embedder


@cache
def _load_weights() -> Any:
    return json.loads(WEIGHTS.read_text(encoding="utf-8"))
