"""Vectors without a server: all-MiniLM-L6-v2 by onnxruntime, on this machine's processor."""

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.foundation.telemetry import disable_telemetry
from ingest.index.embed import weights as model_files
from ingest.index.embed.base import Vector
from ingest.index.embed.model_cards import latin_share

WINDOW = 256  # tokens, as the model was trained (sentence_bert_config.json, max_seq_length)
STRIDE = 32  # tokens that neighbouring windows of a long text share
BATCH = 8  # texts: on a processor small batches are faster, 61 texts/s against 40 at 32
SAMPLE = 2_000  # characters of a text that show its language
UNKNOWN = "[UNK]"


class BuiltinEmbedder:
    """Knows English. Needs no network: the weights come with a package, checked by digest.

    Loaded on first use, in a thread: 0.5 s, and 3 s the first time ever, when the weights are
    written as an ONNX file to `cache`. A text of more than 256 tokens is cut into windows that
    overlap, and stands for itself by their mean, weighted by length and normalised.
    """

    def __init__(
        self,
        *,
        weights: Path,
        cache: Path,
        threads: int = 2,
        sha256: str = model_files.SHA256,
    ) -> None:
        """Read the model in the folder `weights` (see `weights.find_weights`).

        `sha256` is the digest that its model.safetensors must have.
        """
        self._weights = weights
        self._onnx = cache / f"encoder-{sha256[:12]}.onnx"
        self._sha256 = sha256
        self._threads = threads
        self._reading = threading.Lock()  # held while the tokenizer is loaded
        self._running = threading.Lock()  # held while the model is loaded or at work
        self._tokenizer: Any = None
        self._session: Any = None

    @property
    def space(self) -> str:
        return f"builtin:all-MiniLM-L6-v2:{self._sha256[:12]}:plain"

    def language_coverage(self, text: str) -> float:
        """Return the share of tokens that the model knows.

        Some ideographs and other letters have a token, left over from the vocabulary of BERT, but
        the model has not learnt to read them: what is not Latin counts as unknown.
        """
        sample = text[:SAMPLE]
        tokens = self._load_tokenizer().encode(sample, add_special_tokens=False).tokens
        known = sum(token != UNKNOWN for token in tokens) / len(tokens) if tokens else 1.0
        return min(known, latin_share(sample))

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        return await asyncio.to_thread(self._embed, texts)

    async def embed_query(self, text: str) -> Vector:
        return (await asyncio.to_thread(self._embed, [text]))[0]

    async def close(self) -> None:
        self._tokenizer = self._session = None

    def preload(self) -> None:
        """Get ready, so that the first question need not wait. Any thread may call.

        Raises:
            MissingDependencyError: the weights are not installed.
            EmbedError: they are not the ones we trust, or cannot be used.
        """
        self._load_tokenizer()
        with self._running:
            self._load_session()

    def _embed(self, texts: Sequence[str]) -> list[Vector]:
        if not texts:
            return []
        windows = [self._windows(text) for text in texts]
        with self._running:
            vectors = iter(self._run([window for of_text in windows for window in of_text]))
        return [_mean([(len(window), next(vectors)) for window in of_text]) for of_text in windows]

    def _windows(self, text: str) -> list[list[int]]:
        first = self._load_tokenizer().encode(text)
        return [first.ids, *(rest.ids for rest in first.overflowing)]

    def _run(self, windows: list[list[int]]) -> list[NDArray[np.float32]]:
        """Return one vector per window, working through them by length to save padding."""
        session = self._load_session()
        order = sorted(range(len(windows)), key=lambda place: len(windows[place]))
        vectors: dict[int, NDArray[np.float32]] = {}
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            ids, mask = _padded([windows[place] for place in places])
            (output,) = session.run(None, {"input_ids": ids, "attention_mask": mask})
            vectors.update(zip(places, output, strict=True))
        return [vectors[place] for place in range(len(windows))]

    def _load_tokenizer(self) -> Any:
        with self._reading:
            if self._tokenizer is None:
                self._tokenizer = _tokenizer(self._weights)
            return self._tokenizer

    def _load_session(self) -> Any:
        if self._session is None:
            model_files.check(self._weights, sha256=self._sha256)
            if not self._onnx.is_file():
                model_files.convert(self._weights, self._onnx)
            try:
                self._session = _session(self._onnx, threads=self._threads)
            except _session_errors():  # a damaged file: the weights are good, so make it anew
                model_files.convert(self._weights, self._onnx)
                self._session = _session(self._onnx, threads=self._threads)
        return self._session


def _tokenizer(weights: Path) -> Any:
    from tokenizers import Tokenizer  # noqa: PLC0415  not needed before the first text

    path = weights / "tokenizer.json"
    if not path.is_file():
        raise model_files.missing_weights(weights)
    tokenizer = Tokenizer.from_file(str(path))
    # The file as published cuts at 128 tokens and pads everything to 128.
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length=WINDOW, stride=STRIDE)
    return tokenizer


def _session(path: Path, *, threads: int) -> Any:
    disable_telemetry()
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


def _session_errors() -> tuple[type[Exception], ...]:
    from onnxruntime.capi import onnxruntime_pybind11_state as ort

    return (ort.Fail, ort.InvalidProtobuf, ort.InvalidGraph, ort.InvalidArgument, ort.NoSuchFile)


def _padded(windows: list[list[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    longest = max(len(window) for window in windows)
    ids = np.zeros((len(windows), longest), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, window in enumerate(windows):
        ids[row, : len(window)] = window
        mask[row, : len(window)] = 1
    return ids, mask


def _mean(weighted: list[tuple[int, NDArray[np.float32]]]) -> Vector:
    total = np.sum([weight * vector for weight, vector in weighted], axis=0)
    unit: list[float] = (total / np.linalg.norm(total)).tolist()
    return unit
