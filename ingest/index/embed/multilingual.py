"""Vectors for Chinese and English without a server: multilingual-e5-small by onnxruntime."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ingest.errors import EmbedError
from ingest.foundation.messages import Language, Message
from ingest.index.embed.base import Vector
from ingest.index.embed.e5_file import INSTALL
from ingest.index.embed.e5_model import (
    CONVERSION,
    MODEL,
    SHA256,
    UNKNOWN,
    EncoderFiles,
    convert_e5,
    load_e5_tokenizer,
    missing_e5_file,
    readable_share,
)
from ingest.index.embed.model_cards import card_of
from ingest.index.embed.onnx_session import onnx_errors, open_session, weighted_mean
from ingest.index.embed.pair_check import PairResults, pair_sample, read_results
from ingest.index.embed.piece_lookup import (
    Cut,
    DamagedTableError,
    PieceLookup,
    build_table,
)
from ingest.index.embed.weights import check_writable, write_atomically
from ingest.text.normalize import normalize_text, replace_surrogates

WINDOW = 512  # tokens, as the model was trained; a chunk of 400 Chinese characters has about 265
STRIDE = 32  # tokens that neighbouring windows of a long text share
SAMPLE = 2_000  # characters of a text from which its language is judged
NORMALIZATION = 1
"""Rises when `normalize_text` gives other text, of which other vectors would be made."""


class MultilingualEmbedder:
    """An `Embedder` for Chinese and English.

    Loaded on first use, in a thread: 0.7 s, and 5 to 10 s the first time ever, when the weights are
    converted into `cache` and tried on a sample. After that they are not needed any more. A text of
    more than 512 tokens is cut into windows that overlap; its vector is the mean of theirs,
    weighted by length and normalized.
    """

    def __init__(
        self, *, weights: Path | None, cache: Path, threads: int = 2, sha256: str = SHA256
    ) -> None:
        """Name the model's files; they are read on first use.

        Args:
            weights: The file to convert (`ingest.index.embed.e5_model.find_e5_file`), None if
                it is not there: enough when `cache` holds what was made of it.
            cache: Folder for the converted files (58 MB).
            threads: How many onnxruntime may use.
            sha256: Digest that `weights` must have.
        """
        self._weights = weights
        self._files = EncoderFiles(cache, sha256)
        self._threads = threads
        self._card = card_of(MODEL)
        # As in `BuiltinEmbedder`: the tokenizer is free while the model embeds.
        self._tokenizer_lock = threading.RLock()
        self._session_lock = threading.RLock()
        self._tokenizer: Any = None
        self._lookup: PieceLookup | None = None
        self._session: Any = None
        self._results: PairResults | None = None

    def is_prepared(self) -> bool:
        """Return whether the weights are converted already."""
        return self._files.can_be_opened()

    @property
    def space(self) -> str:
        """Name of the vector space: weights, conversion, prefixes, normalisation of text."""
        digest = self._files.sha256[:12]
        return f"builtin:{MODEL}:{digest}.{CONVERSION}:{self._card.scheme}:n{NORMALIZATION}"

    def language_coverage(self, text: str) -> float:
        """Return the share of letters and marks for which the model has a piece."""
        sample = normalize_text(replace_surrogates(text[:SAMPLE]))
        if self._tokenizer is None and not self.is_prepared():
            # Asked for on the event loop, which must not stand still while weights are converted.
            return readable_share(sample)
        known = sum(not character.isspace() for character in sample)
        try:
            cut = self._cut_shortly(sample)
            # Else a character is several to the encoder, and shares of either are not the same.
            if cut is not None and cut.characters == known:
                return 1.0 - cut.unknown / known if known else 1.0
            tokenizer = self._load_tokenizer()
        except EmbedError:
            return readable_share(sample)
        encoded = tokenizer.encode(sample, add_special_tokens=False)
        unknown_id = tokenizer.token_to_id(UNKNOWN)
        # Counted in characters: a run of unknown ones is a single token.
        unknown = sum(
            len(sample[start:stop].strip())
            for token, (start, stop) in zip(encoded.ids, encoded.offsets, strict=True)
            if token == unknown_id
        )
        return 1.0 - min(unknown / known, 1.0) if known else 1.0

    def pair_weight(self, *, question: Language, text: Language) -> float:
        """Return what the model's card says, and 0 where the sample showed that it is worthless."""
        declared = self._card.pair_weight(question=question, text=text)
        results = self._pair_results()
        return min(declared, results.weight(question=question, text=text)) if results else declared

    def noise_floor(self, *, question: Language, text: Language) -> float:
        """Return what the model's card says: unrelated texts have cosines of .7 to .85."""
        return self._card.noise_floor(question=question, text=text)

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """Return one unit vector of 384 dimensions per text, computed in a thread."""
        return await asyncio.to_thread(self._embed, texts, self._card.document)

    async def embed_query(self, text: str) -> Vector:
        """Return the vector to look up with: the model wants another prefix before a question."""
        return (await asyncio.to_thread(self._embed, [text], self._card.query))[0]

    async def close(self) -> None:
        """Free the model's memory (170 MB). The next use loads it again."""
        self._tokenizer = self._lookup = self._session = None

    def preload(self, *, documents: bool = True) -> None:
        """Load tokenizer and model, and make them first if they are not there yet.

        Args:
            documents: False: the tokenizer waits for the first text of more than a few lines.

        Raises:
            EmbedError: the weights are not there, are not the ones we trust, or cannot be used.
        """
        if documents or not self.is_prepared():
            self._load_tokenizer()
        with self._session_lock:
            self._load_session()

    def _embed(self, texts: Sequence[str], prefix: str) -> list[Vector]:
        vectors = []
        for text in (prefix + normalize_text(replace_surrogates(text)) for text in texts):
            cut = self._cut_shortly(text)
            if cut is not None:
                vectors.append(weighted_mean([(len(cut.ids), self._run(cut.ids))]))
                continue
            encoded = self._load_tokenizer().encode(text)
            windows = [encoded.ids, *(rest.ids for rest in encoded.overflowing)]
            vectors.append(weighted_mean([(len(ids), self._run(ids)) for ids in windows]))
        return vectors

    def _run(self, ids: list[int]) -> Any:
        """Return the vector (384,) of one window.

        One at a time: activations are quantised by the largest in a batch, so that a neighbour
        would change a text's vector. It is also as fast as a batch on a processor, and leaner.
        """
        row = np.array([ids], dtype=np.int64)
        with self._session_lock:
            session = self._load_session()
            (output,) = session.run(None, {"input_ids": row, "attention_mask": np.ones_like(row)})
        return output[0]

    def _cut_shortly(self, text: str) -> Cut | None:
        """Return the pieces of a text that is worth no tokenizer, None where one is needed."""
        with self._tokenizer_lock:
            # A process that has it reads documents, too.
            if self._tokenizer is not None or not self.is_prepared():
                return None
            if self._lookup is None:
                try:
                    self._lookup = self._open_lookup()
                except (EmbedError, OSError, ValueError, KeyError, TypeError):
                    return None  # whatever is wrong, the tokenizer is opened, or made anew
            return self._lookup.cut(text)

    def _open_lookup(self) -> PieceLookup:
        """Return the table of pieces, which is made of the tokenizer if it is not there."""
        with suppress(OSError, DamagedTableError):
            return PieceLookup(self._files.pieces.read_bytes())
        # Where it cannot be kept, to make it takes longer than to open the tokenizer.
        check_writable(self._files.folder)
        table = build_table(self._files.tokenizer.read_text("utf-8"))
        write_atomically(self._files.pieces, table)
        return PieceLookup(table)

    def _load_tokenizer(self) -> Any:
        with self._tokenizer_lock:
            if self._tokenizer is None:
                if not self._files.can_be_opened():
                    self._convert()
                try:
                    self._tokenizer = self._open_tokenizer()
                except EmbedError:  # damaged
                    self._convert()
                    self._tokenizer = self._open_tokenizer()
            return self._tokenizer

    def _open_tokenizer(self) -> Any:
        return load_e5_tokenizer(self._files.tokenizer, window=WINDOW, stride=STRIDE)

    def _load_session(self) -> Any:
        if self._session is None:
            try:
                self._session = open_session(self._files.onnx, threads=self._threads)
            except onnx_errors():  # damaged, or gone
                self._convert()
                self._session = open_session(self._files.onnx, threads=self._threads)
            self._measure()
        return self._session

    def _convert(self) -> None:
        if self._weights is None:
            if not self._files.onnx.exists():
                raise missing_e5_file()
            raise EmbedError(
                Message(
                    "{path} is damaged, the encoder cannot be read from it", path=self._files.onnx
                ),
                hint=Message("run: {install}", install=INSTALL),
            )
        convert_e5(self._weights, self._files)

    def _measure(self) -> None:
        """Try the encoder on the sample once, and keep the result beside it."""
        if self._pair_results() is not None:
            return
        sample = pair_sample()
        self._results = sample.score(
            self._embed(sample.questions, self._card.query),
            self._embed(sample.passages, self._card.document),
        )
        with suppress(EmbedError):  # measured again the next time
            write_atomically(self._files.pair_weights, self._results.to_json().encode())

    def _pair_results(self) -> PairResults | None:
        if self._results is None:
            self._results = read_results(self._files.pair_weights)
        return self._results
