"""SearXNG, a metasearch server of one's own, by its JSON API.

https://docs.searxng.org/dev/search_api.html: GET /search?q=&format=json&language=&pageno=.
The format is switched off where `search.formats` of its settings.yml does not name it; the server
then answers 403. Its address may be private: the user has named it.
"""

import itertools
import json
from collections.abc import AsyncGenerator, Collection
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from assistant.search.result_pages import (
    BROKEN,
    NO_CLIENT,
    NO_CONNECTION,
    SILENT,
    EngineFailure,
    ResultRow,
    collect,
    one_line,
)
from assistant.values import SearchHit
from ingest.foundation.messages import Language, Message
from ingest.foundation.server_urls import is_loopback
from ingest.web.fetch.headers import retry_after_s

MAX_BYTES = 5_000_000
"""Of one reply, unpacked; a page of results has some 30 kB."""

_NOT_JSON = Message("it does not answer in JSON")
_ENABLE_JSON = Message(
    "enable it in the server's settings.yml, then restart it: search.formats: [html, json]"
)
_TOO_LARGE = Message("its reply is too large")
_NO_SERVER = Message("nothing answers there")
_NO_NAME = Message("no server can have such a name")
_START = Message("start the server, or correct search.searxng_url in assistant.toml")


class SearXNG:
    """Asks one SearXNG server, one page after the other, until there are enough hits."""

    def __init__(
        self, *, url: str, exclude: Collection[str] = (), user_agent: str = "qiuzheng"
    ) -> None:
        """Ask the server at `url`, "http://" if left out; leave out the sites in `exclude`."""
        self._url = (url if "://" in url else f"http://{url}").rstrip("/")
        self._exclude = tuple(exclude)
        self._headers = {"User-Agent": user_agent, "Accept": "application/json"}

    @property
    def name(self) -> str:
        return f"SearXNG ({urlsplit(self._url).netloc.rpartition('@')[2]})"

    async def search(
        self, query: str, *, limit: int, language: Language, timeout_s: float
    ) -> list[SearchHit]:
        words = one_line(query)
        if not words or limit <= 0:
            return []
        return await collect(
            self._pages(words, language, timeout_s),
            engine=self.name,
            limit=limit,
            exclude=self._exclude,
            timeout_s=timeout_s,
        )

    async def _pages(
        self, words: str, language: Language, timeout_s: float
    ) -> AsyncGenerator[list[ResultRow], None]:
        async with self._client(timeout_s) as client:
            for page in itertools.count(1):
                asked = {"q": words, "format": "json", "language": language, "pageno": str(page)}
                yield read_reply(await self._get(client, asked))

    def _client(self, timeout_s: float) -> httpx.AsyncClient:
        """Return a client, or raise `EngineFailure` if the environment's proxy cannot be used."""
        try:
            return httpx.AsyncClient(
                headers=self._headers,
                timeout=timeout_s,
                trust_env=not is_loopback(self._url),
                follow_redirects=True,
                verify=self._url.startswith("https:"),  # 60 ms of CPU, for nothing without TLS
            )
        except (OSError, ValueError, httpx.InvalidURL) as error:
            raise EngineFailure("unreachable", NO_CLIENT) from error

    async def _get(self, client: httpx.AsyncClient, asked: dict[str, str]) -> bytes:
        """Return the body, or raise `EngineFailure`."""
        body = bytearray()
        try:
            async with client.stream("GET", f"{self._url}/search", params=asked) as reply:
                _accept(reply)
                async for piece in reply.aiter_bytes():
                    body += piece
                    if len(body) > MAX_BYTES:
                        raise EngineFailure("failed", _TOO_LARGE)
        except httpx.TimeoutException as error:
            raise EngineFailure("timeout", SILENT) from error
        except httpx.ConnectError as error:
            detail = _NO_SERVER if is_loopback(self._url) else NO_CONNECTION
            raise EngineFailure("unreachable", detail, hint=_START) from error
        except httpx.HTTPError as error:
            raise EngineFailure("failed", BROKEN) from error
        except (httpx.InvalidURL, UnicodeError) as error:  # as the rules of IDNA have it
            raise EngineFailure("misconfigured", _NO_NAME, hint=_START) from error
        return bytes(body)


def _accept(reply: httpx.Response) -> None:
    """Return if the status promises results."""
    status = Message("HTTP {status_code}", status_code=reply.status_code)
    if reply.status_code == 429:
        wait_s = retry_after_s(reply.headers.get("retry-after", ""), now=datetime.now(UTC))
        raise EngineFailure("rate_limited", status, retry_after_s=wait_s)
    if reply.status_code == 403:
        raise EngineFailure("misconfigured", _NOT_JSON, hint=_ENABLE_JSON)
    if reply.status_code == 404:
        raise EngineFailure("misconfigured", status, hint=_START)
    if reply.status_code != 200:
        raise EngineFailure("failed", status)


def read_reply(body: bytes) -> list[ResultRow]:
    """Return the rows of a JSON reply in order, [] if there are none, or raise `EngineFailure`."""
    try:
        reply = json.loads(body)
        results = reply["results"]
        rows = [_row(result) for result in results if isinstance(result.get("url"), str)]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise EngineFailure("misconfigured", _NOT_JSON, hint=_ENABLE_JSON) from error
    silent = reply.get("unresponsive_engines")
    if not rows and silent and isinstance(silent, list):
        raise EngineFailure("failed", _silent_engines(silent))
    return rows


def _row(result: dict[str, Any]) -> ResultRow:
    return ResultRow(
        title=_on_one_line(result.get("title") or result["url"]),
        href=result["url"],
        snippet=_on_one_line(result.get("content") or ""),
    )


def _on_one_line(text: Any) -> str:
    """Return the text without half characters, which JSON can say and nobody can write."""
    return " ".join(str(text).encode(errors="replace").decode().split())


def _silent_engines(listed: list[Any]) -> Message:
    """Return which engines behind the server do not answer: pairs of name and reason."""
    names = ", ".join(str(pair[0] if isinstance(pair, list) and pair else pair) for pair in listed)
    return Message("no answer from its engines: {names}", names=names)
