"""Opening an encoder's ONNX file, and what becomes of the vectors of a long text's windows."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.foundation.telemetry import disable_telemetry
from ingest.index.embed.base import Vector


def open_session(path: Path, *, threads: int) -> Any:
    """Return an onnxruntime session for the file at `path`."""
    disable_telemetry()  # before the import
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Idle threads sleep: the chat model wants the same cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors only
    return onnxruntime.InferenceSession(
        str(path), sess_options=options, providers=["CPUExecutionProvider"]
    )


def onnx_errors() -> tuple[type[Exception], ...]:
    """Return what onnxruntime raises for a file that it cannot load."""
    from onnxruntime.capi import onnxruntime_pybind11_state as ort

    return (ort.Fail, ort.InvalidProtobuf, ort.InvalidGraph, ort.InvalidArgument, ort.NoSuchFile)


def weighted_mean(weighted: list[tuple[int, NDArray[np.float32]]]) -> Vector:
    """Return the unit vector of the sum of weight * vector; each vector is (dimensions,)."""
    total = np.sum([weight * vector for weight, vector in weighted], axis=0)
    unit: list[float] = (total / np.linalg.norm(total)).tolist()
    return unit
