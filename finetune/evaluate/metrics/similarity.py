"""Semantic similarity of answer and reference: the cosine of their vectors.

The encoder is the assistant's, the one that finds passages. Without one, or with one that does not
know the language, the figure is left out and the reason reported.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Protocol

import numpy as np

from ingest.bootstrap import choose_embedder
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import NO_MESSAGE, Message
from ingest.settings import IngestSettings, load_ingest_settings

LANGUAGE_COVERAGE_FLOOR = 0.8
"""The floor of the assistant's retrieval: below it, an encoder's vectors mislead."""

COVERAGE_SAMPLE = 50
"""References that show whether the encoder knows their language."""

BATCH_PAIRS = 64
"""Pairs of answer and reference in one request to the encoder."""


class Encoder(Protocol):
    """The part of the assistant's embedder that is used here."""

    def language_coverage(self, text: str) -> float:
        """Return the share of the text's words that the encoder knows, 0 to 1."""
        ...

    async def embed_documents(self, texts: Sequence[str]) -> list[Sequence[float]]:
        """Return one vector per text; raises QiuzhengError if the encoder fails."""
        ...

    async def close(self) -> None:
        """Release connections and memory."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Similarity:
    """Cosines of the pairs, -1 to 1; or none, and the `reason` why the figure is left out."""

    cosines: tuple[float, ...] = ()
    reason: Message = NO_MESSAGE


NO_ENCODER = Message("the assistant has no encoder: assistant setup")
UNKNOWN_LANGUAGE = Message(
    "the assistant's encoder does not know this language: ollama pull bge-m3, and name it in "
    "embed.model"
)


def answer_similarity(answers: Sequence[str], references: Sequence[str]) -> Similarity:
    """Return the cosine of each answer with its reference, by the assistant's encoder.

    An empty answer has 0. Errors of the encoder become the `reason`.
    """

    async def encode_with_assistant() -> Similarity:
        """Open the assistant's encoder, use it, and close it."""
        encoder, _ = await choose_embedder(load_ingest_settings(IngestSettings, {}), space="")
        if encoder is None:
            return Similarity(reason=NO_ENCODER)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(encoder.close)
            return await encoder_similarity(encoder, answers, references)

    try:
        return asyncio.run(encode_with_assistant())
    except QiuzhengError as error:
        # One figure of thirty: an evaluation of hours must not end over it.
        return Similarity(reason=error.full_message)


async def encoder_similarity(
    encoder: Encoder, answers: Sequence[str], references: Sequence[str]
) -> Similarity:
    """Return the cosine of each answer with its reference.

    Raises:
        QiuzhengError: the encoder cannot be reached, or fails.
    """
    sample = [text for text in references if text.strip()][:COVERAGE_SAMPLE]
    if sample and fmean(map(encoder.language_coverage, sample)) < LANGUAGE_COVERAGE_FLOOR:
        return Similarity(reason=UNKNOWN_LANGUAGE)
    cosines: list[float] = []
    for start in range(0, len(answers), BATCH_PAIRS):
        given = answers[start : start + BATCH_PAIRS]
        expected = references[start : start + BATCH_PAIRS]
        # Some servers answer an empty text with an error.
        texts = [text or " " for text in (*given, *expected)]
        vectors = np.asarray(await encoder.embed_documents(texts), dtype=np.float64)
        left, right = vectors[: len(given)], vectors[len(given) :]
        norms = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
        values = (left * right).sum(axis=1) / np.maximum(norms, np.finfo(np.float64).tiny)
        # The vector of a blank text is as near to any text as chance will have it.
        cosines += [
            float(value) if one.strip() and other.strip() else 0.0
            for one, other, value in zip(given, expected, values, strict=True)
        ]
    return Similarity(cosines=tuple(cosines))
