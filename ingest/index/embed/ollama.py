"""Vectors from an Ollama server."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ingest.errors import EmbedError
from ingest.foundation.messages import Language, Message
from ingest.index.embed.base import Vector
from ingest.index.embed.model_cards import card_of
from ingest.index.embed.vectors import vector_fault
from ingest.model_servers.base import ModelServerError
from ingest.model_servers.ollama import OllamaClient, with_tag

BUSY_WAITS_S = (0.5, 1.0, 2.0)
"""Between tries while a server is busy. Shorter than a chat's: a question waits for the vector, and
without it words alone find passages."""

NOTHING_SENT = Message("an empty answer")

MIN_PIECE_CHARACTERS = 32
"""Characters. A text that is refused as too long even so is refused for another reason."""


class OllamaEmbedder:
    """An `Embedder` through /api/embed that never lets the server truncate a text.

    A text that is longer than the model reads is halved at white space, as often as needed; its
    vector is the mean of those of its parts, weighted by their length and normalized.
    """

    def __init__(
        self,
        *,
        host: str,
        model: str,
        timeout_s: float,
        digest: str = "",
        batch: int = 16,
        busy_waits_s: Sequence[float] = BUSY_WAITS_S,
    ) -> None:
        """Talk to `host` (URL or host:port).

        `digest` is that of `find_digest`: vectors of other weights under the same name get a
        space of their own. `timeout_s` bounds the wait for each answer.
        """
        self._client = OllamaClient(host, timeout_s=timeout_s, busy_waits_s=busy_waits_s)
        self._model = model
        self._card = card_of(model)
        self._digest = digest
        self._batch = batch
        self._timeout_s = timeout_s

    @property
    def space(self) -> str:
        """Model, digest of its weights and scheme of its prefixes."""
        return f"ollama:{with_tag(self._model)}:{self._digest or 'any'}:{self._card.scheme}"

    def language_coverage(self, text: str) -> float:
        """Return what the model's card says of the language of `text`, 0 to 1."""
        return self._card.language_coverage(text)

    def pair_weight(self, *, question: Language, text: Language) -> float:
        """Return what the model's card says of questions and texts in these languages, 0 to 1."""
        return self._card.pair_weight(question=question, text=text)

    def noise_floor(self, *, question: Language, text: Language) -> float:
        """Return the cosine that unrelated texts of these languages have, from the model's card."""
        return self._card.noise_floor(question=question, text=text)

    def preload(self, *, documents: bool = True) -> None:
        """Nothing to load here. The server loads its model with the first request."""

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """Return one unit vector for each text, or raise `EmbedError`."""
        vectors: list[Vector] = []
        for start in range(0, len(texts), self._batch):
            batch = texts[start : start + self._batch]
            vectors.extend(await self._embed(batch, prefix=self._card.document))
        return vectors

    async def embed_query(self, text: str) -> Vector:
        """Return the unit vector to look up with, or raise `EmbedError`."""
        (vector,) = await self._embed([text], prefix=self._card.query)
        return vector

    async def close(self) -> None:
        """Give back connections. The next request opens new ones."""
        await self._client.close()

    async def _embed(self, texts: Sequence[str], *, prefix: str) -> list[Vector]:
        try:
            return await self._request([prefix + text for text in texts])
        except ModelServerError as error:
            shortest = len(texts) == 1 and len(texts[0]) < 2 * MIN_PIECE_CHARACTERS
            if error.kind != "too_long" or shortest:
                raise embed_error(error, self._client.url, self._model, self._timeout_s) from error
        if len(texts) > 1:
            # The server does not say which of them is too long, and refuses the whole batch.
            return [(await self._embed([text], prefix=prefix))[0] for text in texts]
        left, right = split_in_half(texts[0])
        (first,) = await self._embed([left], prefix=prefix)
        (second,) = await self._embed([right], prefix=prefix)
        return [_normalized(len(left) * np.asarray(first) + len(right) * np.asarray(second))]

    async def _request(self, texts: Sequence[str]) -> list[Vector]:
        sent = await self._client.embed(self._model, texts)
        if not isinstance(sent, list) or len(sent) != len(texts):
            raise self._text_error(Message("the answer holds no such vectors"))
        return [self._unit_vector(row) for row in sent]

    def _unit_vector(self, row: object) -> Vector:
        """Return one row of the server's answer at unit length.

        Models that overflow in half precision answer NaN or zeros, and `[[]]` was seen, too.

        Raises:
            EmbedError: it is no vector, or one without direction.
        """
        # By type: numpy would take "0.5" and true for numbers.
        if not isinstance(row, list) or not all(type(x) in (int, float) for x in row):
            raise self._text_error(Message("the answer holds no such vectors"))
        try:
            unit = _normalized(np.asarray(row, dtype=np.float64))
        except OverflowError as error:  # an integer of 400 digits
            raise self._text_error(Message("the answer holds no such vectors")) from error
        if fault := vector_fault(unit):
            raise self._text_error(fault)
        return unit

    def _text_error(self, reason: Message) -> EmbedError:
        """Return the error for an answer that holds no vector where there should be one."""
        return EmbedError(
            Message(
                "Ollama could not embed with {model} ({reason})", model=self._model, reason=reason
            ),
            hint=Message("see its log: ollama serve"),
            is_of_text=True,
        )


async def find_digest(*, host: str, model: str, timeout_s: float = 2.0) -> str:
    """Return which weights the model's name stands for today, 12 hex digits.

    Raises:
        EmbedError: the server does not answer, or does not have the model.
    """
    client = OllamaClient(host, timeout_s=timeout_s)
    try:
        models = await client.models()
    except ModelServerError as error:
        # However it fails, what is there is no Ollama that could embed.
        absent = ModelServerError("unreachable", error.detail)
        raise embed_error(absent, client.url, model, timeout_s) from error
    finally:
        await client.close()
    if with_tag(model) not in models:
        raise embed_error(ModelServerError("not_found"), client.url, model, timeout_s)
    return models[with_tag(model)].removeprefix("sha256:")[:12]


def embed_error(error: ModelServerError, url: str, model: str, timeout_s: float) -> EmbedError:
    """Return what a failure of the server means for vectors."""
    match error.kind:
        case "timeout":
            return EmbedError(
                Message(
                    "{model} did not embed within {timeout_s:g} s",
                    model=model,
                    timeout_s=timeout_s,
                ),
                hint=Message("see what is loaded: ollama ps"),
            )
        case "wrong_protocol":
            return EmbedError(
                Message(
                    "what answers at {url} is no Ollama ({reason})",
                    url=url,
                    reason=error.detail or NOTHING_SENT,
                ),
                hint=Message("correct the address of the server"),
            )
        case "unreachable":
            return EmbedError(
                Message("no Ollama answers at {url} ({reason})", url=url, reason=error.detail),
                hint=Message("start it: ollama serve"),
            )
        case "not_found":
            return EmbedError(
                Message('the embedding model "{model}" is not pulled', model=model),
                hint=Message("run: ollama pull {model}", model=model),
            )
        case "busy":
            return EmbedError(Message("Ollama is busy"), hint=Message("try again in a minute"))
    if error.status == 501:  # "This server does not support embeddings"
        return EmbedError(
            Message("{model} is a chat model and cannot embed", model=model),
            hint=Message("choose an embedding model: ollama pull bge-m3"),
        )
    return EmbedError(
        Message("Ollama could not embed with {model} ({reason})", model=model, reason=error.detail),
        hint=Message("see its log: ollama serve"),
        # HTTP 500 and a runner that died: often one text of the request is the cause.
        is_of_text=error.kind in ("failed", "too_long", "broken_stream", "no_memory"),
    )


def split_in_half(text: str) -> tuple[str, str]:
    """Cut near the middle, at white space if there is some in the middle third."""
    middle, third = len(text) // 2, len(text) // 6
    spaces = [place for place in range(middle - third, middle + third) if text[place].isspace()]
    cut = min(spaces, key=lambda place: abs(place - middle), default=middle)
    return text[:cut], text[cut:]


def _normalized(vector: NDArray[np.float64]) -> Vector:
    length = float(np.linalg.norm(vector))
    # A vector of zeros stays one, and is refused by whoever looks (`vector_fault`).
    unit: list[float] = (vector / (length or 1.0)).tolist()
    return unit
