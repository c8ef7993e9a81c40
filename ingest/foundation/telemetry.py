"""Switches off what libraries would report to their vendors, before they are imported."""

import os

SWITCHES = {
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime 1.31 reports from its import on, on Linux too
    "ANONYMIZED_TELEMETRY": "False",  # chromadb
    "DO_NOT_TRACK": "1",  # unstructured and others
    "UNSTRUCTURED_DISABLE_NOTICE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",  # tokenizers' parent
    "LANGSMITH_TRACING": "false",  # langchain-core
    "LANGCHAIN_TRACING_V2": "false",
}
"""Environment variable -> the value that means no."""


def disable_telemetry() -> None:
    """Set every switch, over what the environment has. Call it before heavy imports."""
    # Several of these are read once, at import: set later they change nothing.
    os.environ.update(SWITCHES)
