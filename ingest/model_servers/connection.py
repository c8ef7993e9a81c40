"""HTTP to one model server; all that fails is a `ModelServerError`."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx

from ingest.foundation.about import default_user_agent
from ingest.foundation.http_dates import parse_retry_after
from ingest.foundation.messages import Message
from ingest.foundation.server_urls import is_loopback, note_password
from ingest.foundation.settings import check_key
from ingest.foundation.streams import (
    StreamDecoder,
    StreamFormatError,
    UTF8Transcoder,
    adecode_stream,
    parse_json_object,
)
from ingest.model_servers.base import FailureKind, ModelServerError
from ingest.model_servers.failures import parse_failure

CONNECT_TIMEOUT_S = 5.0
"""A server on this machine or in this network accepts at once, however busy it is."""

BUSY_WAITS_S = (1.0, 2.0, 4.0)
"""Between tries while the server says 503 or 429: Ollama does so only while a model loads."""

UPLOAD_CHUNK_BYTES = 1 << 20

T = TypeVar("T")


class ServerConnection:
    """Sends requests to one server and waits while it is busy.

    Opens at the first request, and again after `close`: httpx ties connections to an event loop.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        busy_waits_s: Sequence[float] = BUSY_WAITS_S,
    ) -> None:
        """`timeout_s` bounds each silence of the server, not the whole reply."""
        note_password(url)
        self._url = url
        self._timeout_s = timeout_s
        self._headers = {"User-Agent": default_user_agent(), **(headers or {})}
        self._busy_waits_s = busy_waits_s
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        """Give back connections. May be called twice."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the JSON object that answers."""
        async with self.send(method, path, body) as response:
            content = _as_utf8(response, await response.aread())
            value = parse_json_object(content)
            # With status 200, and not inside a reply.
            if isinstance(value.get("error"), str) and value["error"]:
                failure = parse_failure(content.decode(errors="replace"), response.status_code)
                kind = "failed" if failure.kind == "broken_stream" else failure.kind
                raise ModelServerError(kind, failure.detail, status=failure.status)
            return value

    async def stream(
        self, path: str, body: Mapping[str, Any], decoder: StreamDecoder[T]
    ) -> AsyncGenerator[T, None]:
        """Yield what `decoder` makes of the answer, as it comes. A busy server raises at once."""
        async with (
            self.send("POST", path, body, busy_waits_s=()) as response,
            aclosing(
                adecode_stream(response.aiter_bytes(), decoder, charset=response.charset_encoding)
            ) as values,
        ):
            async for value in values:
                yield value

    @asynccontextmanager
    async def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        file: Path | None = None,
        busy_waits_s: Sequence[float] | None = None,
    ) -> AsyncIterator[httpx.Response]:
        """Yield the response, whose status is a success, before its body is read.

        What fails while the body is read is mapped as well: it is raised where this yields.
        `busy_waits_s` None: those that the connection was made with.
        """
        answered = False
        waits_s = self._busy_waits_s if busy_waits_s is None else busy_waits_s
        # "?" for half a surrogate pair, as file names, cut documents and command lines hold them:
        # httpx would raise UnicodeEncodeError for one, and so would the server for its escape.
        dumped = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        encoded = dumped.encode("utf-8", "replace")
        try:
            for wait_s in (*waits_s, None):
                content = _read_file(file) if file else None
                async with self._open().stream(
                    method,
                    path,
                    content=content if body is None else encoded,
                    headers=None if body is None else {"Content-Type": "application/json"},
                ) as response:
                    if response.is_success:
                        answered = True
                        yield response
                        return
                    content_read = _as_utf8(response, await response.aread())
                    text = content_read.decode("utf-8-sig", errors="replace")
                    if response.has_redirect_location:
                        # Not followed: the key is for this server, not for another one.
                        text = f"moved to {response.headers['Location']}"
                after_s = parse_retry_after(
                    response.headers.get("Retry-After", ""), now=datetime.now(UTC)
                )
                failure = parse_failure(text, response.status_code, retry_after_s=after_s)
                # Who waits here shows nothing meanwhile, so a long wait is the caller's to decide.
                if failure.kind != "busy" or wait_s is None or (after_s or 0.0) > self._timeout_s:
                    raise failure
                await asyncio.sleep(max(wait_s, after_s or 0.0))
        except httpx.HTTPError as error:
            raise map_transport_error(error, answered=answered) from error
        except StreamFormatError as error:
            raise ModelServerError("wrong_protocol", error.text) from error

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            try:
                self._client = httpx.AsyncClient(
                    base_url=self._url,
                    headers=self._headers,
                    timeout=build_timeout(self._timeout_s),
                    # A proxy of the environment cannot reach this machine's own servers.
                    trust_env=not is_loopback(self._url),
                    # Loading the certificates takes 40 ms, for nothing where there is no TLS.
                    verify=self._url.startswith("https:"),
                )
            except (httpx.InvalidURL, ValueError) as error:
                # The settings check addresses; those of the command line and of recipes come here.
                raise ModelServerError("unreachable", str(error)) from error
        return self._client


def _as_utf8(response: httpx.Response, content: bytes) -> bytes:
    return UTF8Transcoder(response.charset_encoding).feed(content, final=True)


async def _read_file(path: Path) -> AsyncGenerator[bytes, None]:
    # In this thread: the model is exported and nothing else waits. A thread for each read of 32 KB,
    # as the `ollama` package has it, takes 8 s for a gigabyte instead of 1.
    with path.open("rb") as file:
        while chunk := file.read(UPLOAD_CHUNK_BYTES):
            yield chunk


def bearer_headers(key: str, *, source: str) -> dict[str, str]:
    """Return the header that carries a key, none for a blank one.

    Args:
        key: White space around it is dropped: the line end of the file that it was copied from.
        source: The setting or "$VARIABLE" that holds it, for the error.

    Raises:
        SettingsError: the key cannot be sent as it stands. The error does not show it.
    """
    key = key.strip()
    if not key:
        return {}
    check_key(key, setting=source, hint=Message("copy the key again"))
    return {"Authorization": f"Bearer {key}"}


def build_timeout(timeout_s: float) -> httpx.Timeout:
    """Return limits of `timeout_s` for each silence, but of less for the connection."""
    return httpx.Timeout(timeout_s, connect=min(timeout_s, CONNECT_TIMEOUT_S))


def map_transport_error(error: httpx.HTTPError, *, answered: bool) -> ModelServerError:
    """Return what a failure of the network means. `answered`: the response had begun."""
    kind: FailureKind = "broken_stream" if answered else "failed"
    if isinstance(error, httpx.DecodingError):  # it says gzip, and is not
        kind = "wrong_protocol"
    if isinstance(error, httpx.TimeoutException):
        kind = "timeout"
    # After TimeoutException, of which ConnectTimeout is one.
    if isinstance(
        error,
        httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError | httpx.UnsupportedProtocol,
    ):
        kind = "unreachable"
    name = type(error).__name__
    # Of our own request: its text quotes the header that cannot be sent, which may hold a key.
    ours = isinstance(error, httpx.LocalProtocolError)
    return ModelServerError(kind, name if ours else f"{name} {error}")
