"""What makes a vector usable: numbers, finite, of unit length, as long as its space's others."""

import numpy as np
from numpy.typing import NDArray

from ingest.foundation.messages import NO_MESSAGE, Message
from ingest.index.embed.base import Vector

UNIT_TOLERANCE = 0.02
"""How far from 1 the length of a unit vector may be. 32-bit floats err by 1e-6; half precision, in
which some servers compute, by up to a hundredth."""


def vector_fault(vector: Vector | NDArray[np.float32], *, dimensions: int | None = None) -> Message:
    """Return why `vector` is no unit vector of this dimension, `NO_MESSAGE` if it is one.

    Cosine similarity of a vector of zeros, or of one that holds NaN, is nothing: a vector store
    ranks such a one anywhere.

    Args:
        vector: Numbers in one row.
        dimensions: Of the space; None: as many as there are.
    """
    try:
        array = np.asarray(vector, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return Message("not a row of numbers")
    if array.ndim != 1:
        return Message("not a row of numbers")
    if not array.size:
        return Message("an empty vector")
    if not np.isfinite(array).all():
        return Message("a vector that holds NaN or infinity")
    if not array.any():
        return Message("a vector of zeros")
    if dimensions is not None and array.size != dimensions:
        return Message(
            "{length} {length:?number|numbers} instead of {dimensions}",
            length=array.size,
            dimensions=dimensions,
        )
    if abs(float(np.linalg.norm(array)) - 1.0) > UNIT_TOLERANCE:
        return Message("a vector that is not of unit length")
    return NO_MESSAGE
