"""Says of a message whether it may hurt: by the built-in encoder's sense of it, words, and rules.

Rules alone catch one harsh message in eight of those that they were not written for, and hold what
only has a harsh word in it: sentences that hurt have few words in common, but their vectors lie
together (`bench.nvc`, `bench.fit_nvc`). Words beside the vectors tell turns of phrase apart that
the encoder takes for the same.
"""

import itertools
import re
import zlib
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from assistant.nvc.rules import Harm, find_harms
from ingest.encoder_setup import embedder_config
from ingest.index.embed.base import Embedder
from ingest.index.embed.registry import installed_encoders, open_embedder
from ingest.settings import IngestSettings
from ingest.text.language import language_of

WEIGHTS = Path(__file__).with_name("weights.npz")
ENCODER = "multilingual-e5-small"
"""The encoder that the weights are for."""
BYTE = 127
"""Vectors are kept as signed bytes."""
WORD_BUCKETS = 2**15
"""Words and pairs of words share these: the file holds no vocabulary. With half as many, .015 fewer
harsh messages are caught at the same silence."""

_WORD = re.compile(r"[a-z']+|[\u4e00-\u9fff]|[?!]")
_SAME_SIGN = str.maketrans("\N{RIGHT SINGLE QUOTATION MARK}？！", "'?!")


def word_buckets(message: str) -> list[int]:
    """Return the buckets of a message's words and pairs of words; of Chinese, of its characters."""
    found = _WORD.findall(message.lower().translate(_SAME_SIGN))
    pairs = [f"{one} {other}" for one, other in itertools.pairwise(found)]
    return sorted({zlib.crc32(gram.encode()) % WORD_BUCKETS for gram in (*found, *pairs)})


def kernel(left: Any, right: Any, width: float) -> NDArray[Any]:
    """Return how near each row of `left` is to each of `right`: exp(-width · squared distance)."""
    squared = (left**2).sum(1)[:, None] + (right**2).sum(1)[None] - 2 * left @ right.T
    near: NDArray[Any] = np.exp(-width * squared)
    return near


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageWeights:
    """The messages that the detector was fitted on, as vectors, and how much each counts."""

    vectors: Any
    """One a row, as signed bytes."""
    scale: float
    """What a byte of 1 stands for."""
    coefficients: Any
    words: Any
    """What each bucket of words adds to the score; divided by the root of a message's buckets."""
    bias: float
    width: float
    """Width of the kernel."""
    rule_share: float
    """What a rule's find adds to the score."""
    threshold: float
    """From here on a message is held."""

    @classmethod
    def rounded(cls, vectors: Any, coefficients: Any, words: Any, **numbers: float) -> Self:
        """Return the weights with vectors in bytes: a quarter of the size, the same decisions."""
        scale = float(np.abs(vectors).max()) / BYTE
        return cls(
            vectors=np.round(vectors / scale).astype(np.int8),
            scale=scale,
            coefficients=np.asarray(coefficients, dtype=np.float32),
            words=np.asarray(words, dtype=np.float16),
            **numbers,
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return what `save` wrote."""
        with np.load(path, allow_pickle=False) as kept:
            return cls(**{name: kept[name] for name in kept.files})

    def save(self, path: Path) -> None:
        """Write the weights to a file."""
        np.savez_compressed(path, **asdict(self))

    def score(self, message: str, vector: Any, *, ruled: bool) -> float:
        """Return how much a message is like those that hurt.

        Args:
            message: As it is typed.
            vector: Of the message, by `ENCODER`.
            ruled: Whether a rule finds something in it.
        """
        near = kernel(np.asarray([vector]), self.vectors * self.scale, float(self.width))
        buckets = word_buckets(message)
        word_score = self.words[buckets].astype(float).sum() / max(1, len(buckets)) ** 0.5
        return float(
            (near @ self.coefficients)[0] + word_score + self.bias + self.rule_share * ruled
        )


class MessageDetector:
    """Looks at messages; the encoder is opened by the first one."""

    def __init__(self) -> None:
        self._encoder: Embedder | None = None
        self._is_opened = False

    async def harms_of(self, message: str, settings: IngestSettings) -> tuple[Harm, ...]:
        """Return what in a message may hurt, () for one that can be sent as it is."""
        found = find_harms(message, language_of(message))
        if not self._is_opened:
            # Another encoder in the settings is a choice: the weights would mean nothing there.
            wanted = settings.embed.encoder in ("auto", ENCODER)
            self._encoder = await open_message_encoder(settings) if wanted else None
            self._is_opened = True
        if self._encoder is None:
            return found
        (vector,) = await self._encoder.embed_documents([message])
        weights = _load_weights()
        if weights.score(message, vector, ruled=bool(found)) <= weights.threshold:
            return ()
        return found or ("contempt",)

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
def _load_weights() -> MessageWeights:
    return MessageWeights.load(WEIGHTS)
