"""Vectors from an Ollama server, by its /api/embed."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from ingest.errors import EmbedError
from ingest.foundation.messages import Message
from ingest.foundation.server_urls import base_url, is_loopback
from ingest.index.embed.base import Vector
from ingest.index.embed.model_cards import card_of

CONNECT_TIMEOUT_S = 5.0
BUSY_PAUSES_S = (0.5, 1.0, 2.0)
"""Waits before asking a busy server (503) again: it says so only while a model is loading."""
SHORTEST_PIECE = 32
"""Characters. A text that the model refuses as too long even so is not merely long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerProbe:
    """What a look at the server showed."""

    digest: str = ""
    """Which weights the model's name stands for today, 12 hex digits."""
    problem: EmbedError | None = None
    """Why the model cannot be used; None when it can."""


class _TooLongError(Exception):
    """The server refuses a text because it is longer than the model reads."""


class OllamaEmbedder:
    """Embeds through /api/embed, never letting the server cut a text.

    A text that is longer than the model reads is halved at white space, as often as needed, and
    stands for itself by the mean of its parts, weighted by their length and normalised.
    """

    def __init__(
        self,
        *,
        host: str,
        model: str,
        timeout_s: float,
        digest: str = "",
        batch: int = 16,
        busy_pauses_s: Sequence[float] = BUSY_PAUSES_S,
    ) -> None:
        """Talk to `host` (URL or host:port).

        `digest` comes from `probe`, so that vectors of other weights under the same name get a
        space of their own. `timeout_s` bounds the wait for each answer.
        """
        self._host = base_url(host)
        self._model = model
        self._card = card_of(model)
        self._digest = digest
        self._batch = batch
        self._busy_pauses_s = busy_pauses_s
        self._timeout_s = timeout_s
        self._client: httpx.AsyncClient | None = None

    @property
    def space(self) -> str:
        return f"ollama:{_tagged(self._model)}:{self._digest or 'any'}:{self._card.scheme}"

    def language_coverage(self, text: str) -> float:
        return self._card.language_coverage(text)

    def preload(self) -> None:
        """Nothing to load here. The server loads its model with the first request."""

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        vectors: list[Vector] = []
        for start in range(0, len(texts), self._batch):
            batch = texts[start : start + self._batch]
            vectors.extend(await self._embed(batch, prefix=self._card.document))
        return vectors

    async def embed_query(self, text: str) -> Vector:
        (vector,) = await self._embed([text], prefix=self._card.query)
        return vector

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _embed(self, texts: Sequence[str], *, prefix: str) -> list[Vector]:
        """Embed in one request; one by one when a text is too long, for any such fails all."""
        try:
            return await self._ask([prefix + text for text in texts])
        except _TooLongError:
            return [await self._embed_long(text, prefix=prefix) for text in texts]

    async def _embed_long(self, text: str, *, prefix: str) -> Vector:
        try:
            return (await self._ask([prefix + text]))[0]
        except _TooLongError as error:
            if len(text) < 2 * SHORTEST_PIECE:
                raise self._failure(str(error)) from error
        left, right = _halves(text)
        parts = [await self._embed_long(half, prefix=prefix) for half in (left, right)]
        mean = len(left) * np.asarray(parts[0]) + len(right) * np.asarray(parts[1])
        return _unit(mean)

    async def _ask(self, texts: list[str]) -> list[Vector]:
        body = {"model": self._model, "input": texts, "truncate": False}
        response = await self._post(body)
        for pause in self._busy_pauses_s:
            if response.status_code != 503:
                break
            await asyncio.sleep(pause)
            response = await self._post(body)
        return self._read(response, count=len(texts))

    async def _post(self, body: dict[str, object]) -> httpx.Response:
        if self._client is None:
            self._client = _client(self._host, timeout_s=self._timeout_s)
        try:
            return await self._client.post("/api/embed", json=body)
        except httpx.TimeoutException as error:
            raise EmbedError(
                Message(
                    "{model} did not embed within {timeout_s:g} s",
                    model=self._model,
                    timeout_s=self._timeout_s,
                ),
                hint=Message("see what is loaded: ollama ps"),
            ) from error
        except httpx.HTTPError as error:
            raise _unreachable(self._host, error) from error

    def _read(self, response: httpx.Response, *, count: int) -> list[Vector]:
        if response.is_success:
            return self._vectors(response, count=count)
        reason = _reason(response)
        if response.status_code == 404 and "model" in reason:  # else it is another kind of server
            raise _missing(self._model)
        if response.status_code == 400 and "context" in reason and _says_too_long(reason):
            raise _TooLongError(reason)
        if response.status_code == 501:
            raise EmbedError(
                Message("{model} is a chat model and cannot embed", model=self._model),
                hint=Message("choose an embedding model: ollama pull bge-m3"),
            )
        if response.status_code == 503:
            raise EmbedError(
                Message("Ollama is busy"),
                hint=Message("try again in a minute"),
            )
        raise self._failure(f"HTTP {response.status_code} {reason}".strip())

    def _vectors(self, response: httpx.Response, *, count: int) -> list[Vector]:
        try:
            array = np.asarray(response.json()["embeddings"], dtype=np.float64)
        except (ValueError, KeyError, TypeError) as error:
            raise self._failure(_UNREADABLE) from error
        if array.ndim != 2 or len(array) != count or not np.isfinite(array).all():
            raise self._failure(_UNREADABLE)
        return [_unit(row) for row in array]

    def _failure(self, reason: str) -> EmbedError:
        return EmbedError(
            Message(
                "Ollama could not embed with {model} ({reason})", model=self._model, reason=reason
            ),
            hint=Message("see its log: ollama serve"),
        )


_UNREADABLE = "the answer holds no such vectors"


async def probe(*, host: str, model: str, timeout_s: float = 2.0) -> ServerProbe:
    """Look whether the server is there and has the model. Never raises."""
    url = base_url(host)
    try:
        async with _client(url, timeout_s=timeout_s) as client:
            response = await client.get("/api/tags")
            listed = response.raise_for_status().json()["models"]
            digests = {str(entry["name"]): str(entry.get("digest", "")) for entry in listed}
    except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
        return ServerProbe(problem=_unreachable(url, error))
    name = _tagged(model)
    if name not in digests:
        return ServerProbe(problem=_missing(model))
    return ServerProbe(digest=digests[name].removeprefix("sha256:")[:12])


def _client(url: str, *, timeout_s: float) -> httpx.AsyncClient:
    """Return a client that heeds HTTP(S)_PROXY and NO_PROXY, but never for this machine itself."""
    host = httpx.URL(url).host
    direct = {f"all://{f'[{host}]' if ':' in host else host}": None} if is_loopback(url) else {}
    timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, CONNECT_TIMEOUT_S))
    return httpx.AsyncClient(base_url=url, timeout=timeout, mounts=direct)


def _tagged(model: str) -> str:
    return model if ":" in model.rsplit("/", 1)[-1] else f"{model}:latest"


def _reason(response: httpx.Response) -> str:
    """Return the server's words; some answers carry JSON inside JSON."""
    text = response.text
    try:
        error: Any = json.loads(text)["error"]
        error = json.loads(error)["error"] if str(error).startswith("{") else error
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError):
        return text[:200]


def _says_too_long(reason: str) -> bool:
    return "exceed" in reason or "too long" in reason


def _halves(text: str) -> tuple[str, str]:
    """Cut near the middle, at white space if there is some in the middle third."""
    middle, third = len(text) // 2, len(text) // 6
    spaces = [place for place in range(middle - third, middle + third) if text[place].isspace()]
    cut = min(spaces, key=lambda place: abs(place - middle), default=middle)
    return text[:cut], text[cut:]


def _unit(vector: NDArray[np.float64]) -> Vector:
    length = float(np.linalg.norm(vector))
    unit: list[float] = (vector / (length or 1.0)).tolist()
    return unit


def _unreachable(url: str, error: Exception) -> EmbedError:
    return EmbedError(
        Message("no Ollama answers at {url} ({name})", url=url, name=type(error).__name__),
        hint=Message("start it: ollama serve"),
    )


def _missing(model: str) -> EmbedError:
    return EmbedError(
        Message('the embedding model "{model}" is not pulled', model=model),
        hint=Message("run: ollama pull {model}", model=model),
    )
