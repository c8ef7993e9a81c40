"""Vectors without a server: all-MiniLM-L6-v2 by onnxruntime, on the processor."""

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.errors import EmbedError
from ingest.foundation.messages import Language
from ingest.index.embed import weights as model_files
from ingest.index.embed.base import Vector
from ingest.index.embed.model_cards import card_of, latin_share
from ingest.index.embed.onnx_session import onnx_errors, open_session, weighted_mean
from ingest.text.normalize import replace_surrogates

MODEL = "all-MiniLM-L6-v2"
WINDOW = 256  # tokens, as the model was trained (sentence_bert_config.json, max_seq_length)
STRIDE = 32  # tokens that neighbouring windows of a long text share
BATCH = 8  # texts: on a processor small batches are faster, 61 texts/s against 40 at 32
SAMPLE = 2_000  # characters of a text from which its language is judged
UNKNOWN = "[UNK]"


class BuiltinEmbedder:
    """An `Embedder` for English. The weights come with a package and are checked by digest.

    Loaded on first use, in a thread: 0.5 s, and 3 s the first time ever, when the weights are
    written as an ONNX file to `cache`. A text of more than 256 tokens is cut into windows that
    overlap; its vector is the mean of theirs, weighted by length and normalized.
    """

    def __init__(
        self,
        *,
        weights: Path,
        cache: Path,
        threads: int = 2,
        sha256: str = model_files.SHA256,
    ) -> None:
        """Name the model's files; they are read on first use.

        Args:
            weights: Folder of the model (`ingest.index.embed.weights.find_weights`).
            cache: Folder for the ONNX file that is made of it (90 MB).
            threads: How many onnxruntime may use.
            sha256: Digest that model.safetensors must have.
        """
        self._weights = weights
        self._onnx = cache / f"encoder-{sha256[:12]}.onnx"
        self._sha256 = sha256
        self._threads = threads
        # Two locks: a page's language is judged, by the tokenizer alone, while the model embeds
        # another page's batch.
        self._tokenizer_lock = threading.Lock()
        self._session_lock = threading.Lock()
        self._tokenizer: Any = None
        self._session: Any = None

    @property
    def space(self) -> str:
        """Name of the vector space. The weights are part of it, by their digest."""
        return f"builtin:all-MiniLM-L6-v2:{self._sha256[:12]}:plain"

    def language_coverage(self, text: str) -> float:
        """Return the share of known tokens or that of Latin letters, whichever is lower."""
        sample = replace_surrogates(text[:SAMPLE])
        try:
            tokenizer = self._load_tokenizer()
        except EmbedError:
            return latin_share(sample)
        tokens = tokenizer.encode(sample, add_special_tokens=False).tokens
        known = sum(token != UNKNOWN for token in tokens) / len(tokens) if tokens else 1.0
        # Some ideographs and other letters have a token, left over from the vocabulary of BERT, but
        # the model was not trained on them.
        return min(known, latin_share(sample))

    def pair_weight(self, *, question: Language, text: Language) -> float:
        """Return what the model's card says: 1 for English, 0 for the rest."""
        return card_of(MODEL).pair_weight(question=question, text=text)

    def noise_floor(self, *, question: Language, text: Language) -> float:
        """Return the cosine that unrelated texts of these languages have, from the model's card."""
        return card_of(MODEL).noise_floor(question=question, text=text)

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """Return one unit vector of 384 dimensions per text, computed in a thread."""
        return await asyncio.to_thread(self._embed, texts)

    async def embed_query(self, text: str) -> Vector:
        """Return the vector that the same text has as a document: the model has no prefixes."""
        return (await asyncio.to_thread(self._embed, [text]))[0]

    async def close(self) -> None:
        """Free the model's memory (90 MB). The next use loads it again."""
        self._tokenizer = self._session = None

    def preload(self, *, documents: bool = True) -> None:
        """Load tokenizer and model before the first question needs them. Any thread may call.

        Raises:
            EmbedError: the weights are not there, are not the ones we trust, or cannot be used.
        """
        del documents  # a question needs the same
        self._load_tokenizer()
        with self._session_lock:
            self._load_session()

    def _embed(self, texts: Sequence[str]) -> list[Vector]:
        if not texts:
            return []
        tokenizer = self._load_tokenizer()
        windows: list[list[list[int]]] = []
        for text in texts:
            encoded = tokenizer.encode(replace_surrogates(text))
            windows.append([encoded.ids, *(rest.ids for rest in encoded.overflowing)])
        with self._session_lock:
            vectors = iter(self._run([window for of_text in windows for window in of_text]))
        return [
            weighted_mean([(len(window), next(vectors)) for window in of_text])
            for of_text in windows
        ]

    def _run(self, windows: list[list[int]]) -> list[NDArray[np.float32]]:
        """Return one vector (384,) per window of token ids, in their order."""
        session = self._load_session()
        # By length: a batch is padded to its longest window.
        order = sorted(range(len(windows)), key=lambda place: len(windows[place]))
        vectors: dict[int, NDArray[np.float32]] = {}
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            ids = np.zeros((len(places), len(windows[places[-1]])), dtype=np.int64)
            mask = np.zeros_like(ids)  # 1: a token, 0: padding
            for row, place in enumerate(places):
                ids[row, : len(windows[place])] = windows[place]
                mask[row, : len(windows[place])] = 1
            (output,) = session.run(None, {"input_ids": ids, "attention_mask": mask})
            vectors.update(zip(places, output, strict=True))
        return [vectors[place] for place in range(len(windows))]

    def _load_tokenizer(self) -> Any:
        with self._tokenizer_lock:
            if self._tokenizer is None:
                self._tokenizer = load_tokenizer(self._weights)
            return self._tokenizer

    def _load_session(self) -> Any:
        if self._session is None:
            model_files.check(self._weights, sha256=self._sha256)
            if not self._onnx.is_file():
                model_files.convert(self._weights, self._onnx)
            try:
                self._session = open_session(self._onnx, threads=self._threads)
            except onnx_errors():  # a damaged file: the weights are good, so make it again
                model_files.convert(self._weights, self._onnx)
                self._session = open_session(self._onnx, threads=self._threads)
        return self._session


def load_tokenizer(weights: Path) -> Any:
    """Return the tokenizer in the folder `weights`, which cuts texts into overlapping windows.

    Raises:
        EmbedError: the weights are not installed, or their tokenizer is damaged.
    """
    path = weights / "tokenizer.json"
    if not path.is_file():
        raise model_files.missing_weights(weights)
    tokenizer = model_files.read_tokenizer(path, install=model_files.INSTALL)
    # The file as published truncates at 128 tokens and pads everything to 128.
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length=WINDOW, stride=STRIDE)
    return tokenizer
