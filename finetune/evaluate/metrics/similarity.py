"""How near an answer's meaning is to the reference's: the cosine of their vectors.

The encoder is the one that the assistant finds passages with. Where there is none, or where it does
not know the language, the figure is left out and the reason said.
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
"""Of the assistant's own retrieval: below it, an encoder's vectors mislead."""
SAMPLE = 50
"""References that show whether the encoder knows their language."""
BATCH = 64


class Encoder(Protocol):
    """The part of the assistant's embedder that is needed here."""

    def language_coverage(self, text: str) -> float: ...

    async def embed_documents(self, texts: Sequence[str]) -> list[Sequence[float]]: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Similarity:
    """Cosines, one for each pair, -1 to 1; none of them and a `reason` if there is no figure."""

    cosines: tuple[float, ...] = ()
    reason: Message = NO_MESSAGE


NO_ENCODER = Message("the assistant has no encoder: assistant setup")
STRANGE_LANGUAGE = Message(
    "the assistant's encoder does not know this language: ollama pull bge-m3, and name it in "
    "embed.model"
)


def similarity(answers: Sequence[str], references: Sequence[str]) -> Similarity:
    """Return the cosine of each answer with its reference, by the assistant's encoder.

    An empty answer has 0. Nothing is raised: what fails is the reason of the figure left out.
    """
    return asyncio.run(_by_the_assistant(answers, references))


async def _by_the_assistant(answers: Sequence[str], references: Sequence[str]) -> Similarity:
    try:
        encoder, _ = await choose_embedder(load_ingest_settings(IngestSettings, {}), held="")
        if encoder is None:
            return Similarity(reason=NO_ENCODER)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(encoder.close)
            return await cosines(encoder, answers, references)
    except QiuzhengError as error:
        return Similarity(reason=error.full_message)


async def cosines(
    encoder: Encoder, answers: Sequence[str], references: Sequence[str]
) -> Similarity:
    """Return the cosine of each answer with its reference.

    Raises:
        QiuzhengError: the encoder cannot answer.
    """
    shown = [text for text in references if text.strip()][:SAMPLE]
    if shown and fmean(map(encoder.language_coverage, shown)) < LANGUAGE_COVERAGE_FLOOR:
        return Similarity(reason=STRANGE_LANGUAGE)
    values: list[float] = []
    for start in range(0, len(answers), BATCH):
        values += await _cosines(
            encoder, answers[start : start + BATCH], references[start : start + BATCH]
        )
    return Similarity(cosines=tuple(values))


async def _cosines(
    encoder: Encoder, answers: Sequence[str], references: Sequence[str]
) -> list[float]:
    texts = [text or " " for text in (*answers, *references)]
    vectors = np.asarray(await encoder.embed_documents(texts), dtype=np.float64)
    said, wanted = vectors[: len(answers)], vectors[len(answers) :]
    norms = np.linalg.norm(said, axis=1) * np.linalg.norm(wanted, axis=1)
    values = (said * wanted).sum(axis=1) / np.maximum(norms, np.finfo(np.float64).tiny)
    blank = [
        not (one.strip() and other.strip()) for one, other in zip(answers, references, strict=True)
    ]
    return [0.0 if empty else float(value) for empty, value in zip(blank, values, strict=True)]
