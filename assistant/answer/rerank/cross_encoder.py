"""A cross-encoder in ONNX: a model that reads question and chunk together and gives one number.

Nogueira and Cho, "Passage Re-ranking with BERT", 2019. Any sequence-classification model that
`optimum-cli export onnx` writes will do, such as bge-reranker or ms-marco-MiniLM.
"""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.errors import RerankError
from ingest.documents import ScoredChunk
from ingest.foundation.messages import Message
from ingest.index.embed.onnx_session import onnx_errors, open_session

MODEL_FILES = ("model.onnx", "onnx/model.onnx")
"""Where the model may be in its folder: at the top, or as model hubs have it."""

TOKENIZER_FILE = "tokenizer.json"
WINDOW = 512  # tokens of question and chunk together: what BERT and XLM-R were trained on
BATCH = 4  # pairs: small, so that the budget is looked at often (a pair takes 10 to 60 ms)
KNOWN_INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})

_HINT = Message(
    "answer.reranker must name a folder with tokenizer.json and model.onnx (or onnx/model.onnx)"
    " of a cross-encoder; leave it empty to do without"
)


class CrossEncoderReranker:
    """Scores pairs of question and chunk, as many as its budget of time allows.

    The model is loaded at the first question, in a thread. Chunks that are not scored in time keep
    their order behind those that are.
    """

    def __init__(
        self,
        *,
        folder: Path,
        budget_s: float,
        threads: int = 2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Name the model's folder; it is read on first use.

        Args:
            folder: Holds one of `MODEL_FILES`, and tokenizer.json.
            budget_s: Seconds after which no further batch is begun. Loading does not count.
            threads: How many onnxruntime may use.
            clock: Seconds from any start, for the budget.
        """
        self._folder = folder
        self._budget_s = budget_s
        self._threads = threads
        self._clock = clock
        self._lock = threading.Lock()
        self._tokenizer: Any = None
        self._session: Any = None

    @property
    def name(self) -> str:
        """Return the name of the model's folder."""
        return self._folder.name

    async def rerank(self, question: str, chunks: Sequence[ScoredChunk]) -> list[ScoredChunk]:
        """Return the chunks by the model's judgement, 0 to 1; 0 for those that it did not read.

        Raises:
            RerankError: the folder holds no such model, or the model cannot judge.
        """
        if not chunks:
            return []
        return await asyncio.to_thread(self._rerank, question, chunks)

    async def close(self) -> None:
        """Free the model's memory. The next use loads it again."""
        self._tokenizer = self._session = None

    def preload(self) -> None:
        """Load the model before the first question needs it. Blocks; any thread may call.

        Raises:
            RerankError: the folder holds no such model.
        """
        with self._lock:
            self._load()

    def _rerank(self, question: str, chunks: Sequence[ScoredChunk]) -> list[ScoredChunk]:
        with self._lock:  # a question that gave up waiting may still be computing
            tokenizer, session = self._load()
            until = self._clock() + self._budget_s
            scores: list[float] = []
            for start in range(0, len(chunks), BATCH):
                # The best of fusion are read first: what is left out was unlikely anyway.
                if scores and self._clock() >= until:
                    break
                # A chunk from the middle of a page does not name what the page is about.
                texts = [
                    "\n".join(filter(None, (one.chunk.title, one.chunk.heading, one.chunk.text)))
                    for one in chunks[start : start + BATCH]
                ]
                scores += self._scores(tokenizer, session, question, texts)
        scored = [replace(one, score=score) for one, score in zip(chunks, scores, strict=False)]
        # Stable: equal scores keep the order of the search.
        scored.sort(key=lambda one: -one.score)
        return [*scored, *(replace(one, score=0.0) for one in chunks[len(scores) :])]

    def _scores(
        self, tokenizer: Any, session: Any, question: str, texts: list[str]
    ) -> Iterator[float]:
        encoded = tokenizer.encode_batch([(question, text) for text in texts])
        columns = {
            "input_ids": [one.ids for one in encoded],
            "attention_mask": [one.attention_mask for one in encoded],
            "token_type_ids": [one.type_ids for one in encoded],
        }
        feeds = {
            wanted.name: np.array(
                columns[wanted.name], dtype=np.int32 if "int32" in wanted.type else np.int64
            )
            for wanted in session.get_inputs()
        }
        try:
            logits = read_logits(np.asarray(session.run(None, feeds)[0]), pairs=len(texts))
        except onnx_errors() as error:
            raise self._unusable(str(error).splitlines()[0]) from error
        except ValueError as error:
            raise self._unusable(str(error)) from error
        return (1.0 / (1.0 + math.exp(-max(-500.0, min(500.0, logit)))) for logit in logits)

    def _load(self) -> tuple[Any, Any]:
        if self._session is None:
            files = [self._folder / name for name in MODEL_FILES]
            model = next((path for path in files if path.is_file()), None)
            tokenizer = self._folder / TOKENIZER_FILE
            if model is None or not tokenizer.is_file():
                missing = TOKENIZER_FILE if model else MODEL_FILES[0]
                raise RerankError(
                    Message(
                        "no cross-encoder in {folder}: {missing} is missing",
                        folder=self._folder,
                        missing=missing,
                    ),
                    hint=_HINT,
                )
            self._tokenizer = self._open_tokenizer(tokenizer)
            try:
                session = open_session(model, threads=self._threads)
            except onnx_errors() as error:
                raise self._unusable(str(error).splitlines()[0]) from error
            inputs = {wanted.name for wanted in session.get_inputs()}
            if "input_ids" not in inputs or not inputs <= KNOWN_INPUTS:
                raise self._unusable(f"inputs {', '.join(sorted(inputs))}")
            self._session = session
        return self._tokenizer, self._session

    def _open_tokenizer(self, path: Path) -> Any:
        from tokenizers import Tokenizer  # noqa: PLC0415  not needed before the first question

        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing more exact
            raise self._unusable(f"{TOKENIZER_FILE}: {error}") from error
        padding = tokenizer.padding or {}
        known = [token for token in ("[PAD]", "<pad>") if tokenizer.token_to_id(token) is not None]
        token = padding.get("pad_token") or next(iter(known), "[PAD]")
        # Files as published may pad every pair to the longest that the model takes.
        tokenizer.enable_padding(pad_id=tokenizer.token_to_id(token) or 0, pad_token=token)
        tokenizer.enable_truncation(max_length=WINDOW, strategy="longest_first")
        return tokenizer

    def _unusable(self, why: str) -> RerankError:
        return RerankError(
            Message(
                "what {folder} holds is no cross-encoder ({why})", folder=self._folder, why=why
            ),
            hint=_HINT,
        )


def read_logits(output: NDArray[Any], *, pairs: int) -> list[float]:
    """Return one number for each pair from (pairs,), (pairs, 1), or (pairs, 2): no and yes.

    Raises:
        ValueError: the output has another shape, or holds what is no number.
    """
    table = output.astype(np.float64).reshape(pairs, -1) if output.size else output
    if table.ndim != 2 or table.shape[1] not in (1, 2):
        raise ValueError(f"output of shape {output.shape}, wanted one number for a pair")
    if not np.isfinite(table).all():
        raise ValueError("output that is no finite number")
    logits = table[:, 0] if table.shape[1] == 1 else table[:, 1] - table[:, 0]
    return [float(logit) for logit in logits]
