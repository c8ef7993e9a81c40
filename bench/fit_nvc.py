"""Fit what tells the NVC assistant that a message may hurt: `python -m bench.fit_nvc`.

Kernel ridge regression (Gaussian kernel) over the built-in encoder's vectors of
bench/nvc_messages.tsv and the recipe's rows, plus a fixed share for what the rules find. The
threshold is set on scores of messages that were left out of their fit, by fifths. Writes
assistant/nvc/weights.npz. Width, ridge and `HELD` were chosen on nvc_messages_tuned.tsv;
nvc_messages_unseen.tsv, nvc_messages_last.tsv and nvc_messages_fresh.tsv are not read.

What did not help: logistic regression on the same vectors (at silence .97 it catches .70 of the
tuned set, this .82), letters and words beside the vectors (.72), the rules with the last word as
before (silence .92 at most: "the shop is useless" has a rule's words), a second vector of each
message (as a query, without punctuation, behind "I said to you": .01 of area at twice the time),
the tuned set as more rows of the fit (silent on .91 of what was left to the end, without it .94),
and a model of 0.5B as the judge (bench/README.md).
"""

import asyncio
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.nvc.detector import WEIGHTS, MessageWeights, kernel, open_message_encoder
from assistant.nvc.rules import find_harms
from bench.nvc import FITTED, read_messages, recipe_messages
from ingest.settings import IngestSettings
from ingest.text.language import language_of

WIDTH = 4.0
"""Width of the kernel, exp(-width · squared distance). 2 to 6 differ by less than .01 in area."""
RIDGE = 0.1
FOLDS = 5
HELD = 0.08
"""Share of the left-out polite messages that the threshold holds: the least with which .8 of the
harsh ones of the tuned set are caught. Most were written to look harsh; of everyday ones it holds
less than .05."""
RULE_SHARE = 0.5
"""What a rule's find adds to a score, in standard deviations of scores."""

Floats = NDArray[np.float64]


def fit(vectors: Floats, harsh: Floats) -> tuple[Floats, float]:
    """Return a coefficient for each message, and the bias."""
    target = 2 * harsh - 1
    bias = float(target.mean())
    ridge = kernel(vectors, vectors, WIDTH) + RIDGE * np.eye(len(vectors))
    return np.linalg.solve(ridge, target - bias), bias


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
    vectors = np.array(asyncio.run(embed([text for _, text in messages])))
    harsh = np.array([float(is_harsh) for is_harsh, _ in messages])
    ruled = np.array([bool(find_harms(text, language_of(text))) for _, text in messages])
    order = np.random.default_rng(1).permutation(len(messages))
    scores = np.zeros(len(messages))
    for fold in range(FOLDS):
        out = order % FOLDS == fold
        coefficients, bias = fit(vectors[~out], harsh[~out])
        scores[out] = kernel(vectors[out], vectors[~out], WIDTH) @ coefficients + bias
    share = RULE_SHARE * float(scores.std())
    scores += share * ruled
    threshold = float(np.quantile(scores[harsh == 0], 1 - HELD))
    print(f"left out of the fit: caught {(scores[harsh == 1] > threshold).mean():.3f}")
    coefficients, bias = fit(vectors, harsh)
    weights = MessageWeights.rounded(
        vectors, coefficients, bias=bias, width=WIDTH, rule_share=share, threshold=threshold
    )
    weights.save(WEIGHTS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
