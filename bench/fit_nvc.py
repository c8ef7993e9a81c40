"""Fit the weights by which the NVC assistant weighs a message: `python -m bench.fit_nvc`.

Logistic regression over the built-in encoder's vectors of bench/nvc_messages.tsv and the recipe's
rows; the threshold is where one in twenty of the polite ones would be held if each fifth had been
left out of the fit. Writes assistant/nvc/weights.json. `nvc_messages_unseen.tsv` is not read.
"""

import asyncio
import json
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.nvc.detector import WEIGHTS, open_message_encoder
from bench.nvc import FITTED, read_messages, recipe_messages
from ingest.settings import IngestSettings

PENALTY = 1.0
"""Penalty of squared weights, for each message. .3 to 10 make no difference of .02 in area."""
STEPS = 3_000
RATE = 0.05
FOLDS = 5
SILENCE = 0.96
"""Share of held-out polite messages without advice, so that .95 holds for others."""

Floats = NDArray[np.float64]


def fit(vectors: Floats, harsh: Floats) -> tuple[Floats, float]:
    """Return weights and bias."""
    weights, bias = np.zeros(vectors.shape[1]), 0.0
    for _ in range(STEPS):
        wrong = 1 / (1 + np.exp(-(vectors @ weights + bias))) - harsh
        weights -= RATE * (vectors.T @ wrong + PENALTY * weights) / len(harsh)
        bias -= RATE * 10 * float(wrong.mean())
    return weights, bias


async def embed(texts: list[str]) -> Any:
    """Return the vectors of messages."""
    encoder = await open_message_encoder(IngestSettings())
    assert encoder is not None, "the built-in multilingual encoder is not installed"
    try:
        return await encoder.embed_documents(texts)
    finally:
        await encoder.close()


def main() -> int:
    """Fit, print what was left out reaches, and write."""
    messages = [*read_messages(FITTED), *recipe_messages()]
    raw = np.array(asyncio.run(embed([text for _, text in messages])))
    harsh = np.array([float(is_harsh) for is_harsh, _ in messages])
    mean = raw.mean(axis=0)
    vectors = (raw - mean) * np.sqrt(raw.shape[1])
    scores = np.zeros(len(harsh))
    for fold in range(FOLDS):
        out = np.arange(len(harsh)) % FOLDS == fold
        weights, bias = fit(vectors[~out], harsh[~out])
        scores[out] = vectors[out] @ weights + bias
    threshold = float(np.quantile(scores[harsh == 0], SILENCE))
    print(f"left out of the fit: caught {(scores[harsh == 1] > threshold).mean():.3f}")
    weights, bias = fit(vectors, harsh)
    scaled = weights * np.sqrt(raw.shape[1])
    body = {
        "weights": [round(float(one), 3) for one in scaled],
        "bias": round(bias - float(mean @ scaled), 4),
        "threshold": round(threshold, 3),
    }
    WEIGHTS.write_text(json.dumps(body) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
