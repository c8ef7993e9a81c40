"""What engines with a JSON API share: bounded requests, their failures, and keys that stay secret.

An engine is a subclass that says what it sends (`requests`) and where the results are in the
reply (`parse_rows`). `assistant/search/engines/tavily.py` is the shortest one.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

import httpx
from pydantic import SecretStr

from assistant.errors import SearchFailure
from assistant.search.result_pages import (
    BROKEN,
    NO_CLIENT,
    NO_CONNECTION,
    QUERY_LIMIT,
    SILENT,
    EngineFailure,
    ResultRow,
    collect,
    shorten_query,
)
from assistant.values import SearchHit
from ingest.foundation.about import PRODUCT
from ingest.foundation.errors import SettingsError
from ingest.foundation.http_dates import parse_retry_after
from ingest.foundation.messages import NO_MESSAGE, Language, Message
from ingest.foundation.server_urls import is_loopback
from ingest.foundation.settings import check_key
from ingest.foundation.settings_errors import ENV_PREFIX
from ingest.web.fetch.decompression import (
    ACCEPT_ENCODING,
    DamagedBodyError,
    UnknownEncodingError,
    Unpacker,
)

MAX_BYTES = 5_000_000
"""Bytes of one reply, uncompressed; a page of results has some 30 kB."""

NOT_JSON = Message("it does not answer in JSON")
_TOO_LARGE = Message("its reply is too large")
_NO_SERVER = Message("nothing answers there")
_NO_NAME = Message("no server can have such a name")
_REDIRECTED = Message("it redirects to another server")
_REFUSED = Message("it refuses the key")
_USED_UP = Message("the quota of its key is used up")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """One request for one page of results."""

    params: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the query string."""
    body: Mapping[str, Any] | None = None
    """Sent by POST as JSON; None sends a GET."""


class JsonEngine(ABC):
    """Asks one server with a JSON API, one page after the other, until there are enough hits."""

    name: str
    """The engine's name, as people know it."""
    path: ClassVar[str]
    """Path of the API below the server's address."""
    query_limit: ClassVar[int] = QUERY_LIMIT
    """Characters of the longest query that the API takes."""

    def __init__(
        self, *, url: str, url_setting: str = "", exclude: Collection[str], user_agent: str
    ) -> None:
        """Ask the server at `url`; leave out the sites in `exclude`, subdomains included.

        `url_setting` names the setting that a person wrote the address to, "" if it is built in.
        """
        self._url = url.rstrip("/")
        self._exclude = tuple(exclude)
        self._user_agent = user_agent
        self._url_hint = NO_MESSAGE
        if url_setting:
            self._url_hint = Message(
                "start the server, or correct {setting} in assistant.toml", setting=url_setting
            )

    @abstractmethod
    def requests(self, query: str, language: Language) -> Iterator[ApiRequest]:
        """Yield the request for page 1, 2…; the iterator ends where the API has no more pages."""

    @abstractmethod
    def parse_rows(self, reply: Any) -> list[ResultRow]:
        """Return the rows of a decoded reply, best first.

        Whatever it raises over a missing key or a wrong type becomes `explain_format`.

        Raises:
            EngineFailure: the reply says that the search failed.
        """

    def headers(self) -> dict[str, str]:
        """Return the headers of every request."""
        return {
            "User-Agent": self._user_agent,
            "Accept": "application/json",
            "Accept-Encoding": ACCEPT_ENCODING,
        }

    def explain_status(self, status: int, body: bytes) -> EngineFailure:
        """Return what a status other than 200 means; "slow down" never gets here."""
        wrong_address = status == 404 and self._url_hint
        return EngineFailure(
            "misconfigured" if wrong_address else "failed",
            Message("HTTP {status_code}", status_code=status),
            hint=self._url_hint if wrong_address else NO_MESSAGE,
        )

    def explain_format(self) -> EngineFailure:
        """Return what it means that a reply is not JSON, or JSON of another kind."""
        kind: SearchFailure = "misconfigured" if self._url_hint else "failed"
        return EngineFailure(kind, NOT_JSON, hint=self._url_hint)

    async def search(
        self, query: str, *, limit: int, language: Language, timeout_s: float
    ) -> list[SearchHit]:
        """Return at most `limit` hits; see `SearchEngine.search`."""
        words = shorten_query(query, limit=self.query_limit)
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
            for request in self.requests(words, language):
                body = await self._fetch(client, request)
                try:
                    rows = self.parse_rows(json.loads(body))
                # RecursionError: json's own answer to "[[[[[…".
                except (
                    ValueError,
                    LookupError,
                    TypeError,
                    AttributeError,
                    RecursionError,
                ) as error:
                    raise self.explain_format() from error
                yield rows

    def _client(self, timeout_s: float) -> httpx.AsyncClient:
        """Return a client, or raise `EngineFailure` if the environment's proxy cannot be used."""
        try:
            return httpx.AsyncClient(
                headers=self.headers(),
                timeout=timeout_s,
                # HTTP_PROXY is not for a server on this machine, and cannot reach it.
                trust_env=not is_loopback(self._url),
                follow_redirects=True,
                event_hooks={"request": [self._check_destination]},
                # Certificates take 60 ms of CPU to load, for nothing where there is no TLS.
                verify=self._url.startswith("https:"),
            )
        except (OSError, ValueError, httpx.InvalidURL) as error:
            raise EngineFailure("unreachable", NO_CLIENT) from error

    async def _check_destination(self, request: httpx.Request) -> None:
        """Stop a redirect to where no request may go; httpx calls this before each request."""
        if not self.may_ask(request.url, configured=httpx.URL(self._url)):
            kind: SearchFailure = "misconfigured" if self._url_hint else "failed"
            raise EngineFailure(kind, _REDIRECTED, hint=self._url_hint)

    def may_ask(self, url: httpx.URL, *, configured: httpx.URL) -> bool:
        """Return whether a redirect may lead to `url`: to the server itself, or by https."""
        # From plain http only to the same host: this client does not check certificates then.
        by_https = url.scheme == "https" and (
            configured.scheme == "https" or url.host == configured.host
        )
        return by_https or _origin(url) == _origin(configured)

    async def _fetch(self, client: httpx.AsyncClient, request: ApiRequest) -> bytes:
        """Return the body of a reply with status 200, or raise `EngineFailure`."""
        try:
            async with client.stream(
                "GET" if request.body is None else "POST",
                self._url + self.path,
                params=request.params or None,
                json=request.body,
            ) as reply:
                wait_s = parse_retry_after(
                    reply.headers.get("retry-after", ""), now=datetime.now(UTC)
                )
                # Before the body: a server that throttles may not finish it.
                if reply.status_code == 429 or (reply.status_code == 503 and wait_s):
                    status = Message("HTTP {status_code}", status_code=reply.status_code)
                    raise EngineFailure("rate_limited", status, retry_after_s=wait_s)
                # Not aiter_bytes(): it unpacks each piece whole, and 64 kB of gzip may hold 64 MB.
                unpacker = Unpacker(
                    encoding=reply.headers.get("content-encoding", ""), limit=MAX_BYTES
                )
                async for piece in reply.aiter_raw():
                    if not unpacker.feed(piece):
                        raise EngineFailure("failed", _TOO_LARGE)
                unpacker.finish()
        except httpx.TimeoutException as error:
            raise EngineFailure("timeout", SILENT) from error
        except (httpx.ConnectError, httpx.ProxyError) as error:
            detail = _NO_SERVER if is_loopback(self._url) else NO_CONNECTION
            raise EngineFailure("unreachable", detail, hint=self._url_hint) from error
        except (httpx.HTTPError, DamagedBodyError, UnknownEncodingError) as error:
            raise EngineFailure("failed", BROKEN) from error
        except (httpx.InvalidURL, UnicodeError) as error:  # a name that IDNA does not allow
            raise EngineFailure("misconfigured", _NO_NAME, hint=self._url_hint) from error
        if reply.status_code != 200:
            raise self.explain_status(reply.status_code, unpacker.body)
        return unpacker.body


class KeyedJsonEngine(JsonEngine):
    """A JSON API that wants a key: `[search.<table>] key = "…"`, and `url` for another server.

    The key goes into one header of requests to the server itself, and nowhere else: no redirect
    takes it along, and no error, log line or `repr` shows it.
    """

    table: ClassVar[str]
    """Name of its table in the settings, below `search`."""
    server: ClassVar[str]
    """Address of the API."""
    key_page: ClassVar[str]
    """Where people get a key, and see what is left on it."""
    key_header: ClassVar[str] = "Authorization"
    key_prefix: ClassVar[str] = "Bearer "

    def __init__(
        self,
        *,
        key: SecretStr,
        url: str = "",
        exclude: Collection[str] = (),
        user_agent: str = PRODUCT,
    ) -> None:
        """Ask with `key`, at `url` ("https://" if left out) instead of the API's own address.

        Raises:
            SettingsError: the key is missing, or cannot be sent as it stands.
        """
        setting = f"search.{self.table}.key"
        variable = f"{ENV_PREFIX}SEARCH__{self.table.upper()}__KEY"
        if not key.get_secret_value():
            raise SettingsError(
                Message("{setting} is not set", setting=setting),
                hint=Message(
                    'write key = "…" below [search.{table}] in assistant.toml, or set '
                    "{variable}; keys are at {page}",
                    table=self.table,
                    variable=variable,
                    page=self.key_page,
                ),
            )
        again = Message("copy the key again from {page}", page=self.key_page)
        check_key(key.get_secret_value(), setting=setting, hint=again)
        super().__init__(
            url=(url if "://" in url else f"https://{url}") if url else self.server,
            url_setting=f"search.{self.table}.url" if url else "",
            exclude=exclude,
            user_agent=user_agent,
        )
        self._key = key
        self._key_hint = Message(
            "correct {setting} in assistant.toml, or {variable}; keys are at {page}",
            setting=setting,
            variable=variable,
            page=self.key_page,
        )

    def headers(self) -> dict[str, str]:
        """Return the headers of every request, the key among them."""
        return super().headers() | {
            self.key_header: f"{self.key_prefix}{self._key.get_secret_value()}"
        }

    def may_ask(self, url: httpx.URL, *, configured: httpx.URL) -> bool:
        """Return whether a redirect stays on the server that the key is meant for.

        httpx drops `Authorization` on the way to another host, but no other header.
        """
        return _origin(url) == _origin(configured)

    def explain_status(self, status: int, body: bytes) -> EngineFailure:
        """Return what a status other than 200 means: 401 and 403 refuse the key."""
        if status in (401, 403):
            return self.refused_key()
        return super().explain_status(status, body)

    def refused_key(self) -> EngineFailure:
        """Return the failure for a key that the server does not accept."""
        return EngineFailure("misconfigured", _REFUSED, hint=self._key_hint)

    def used_up(self) -> EngineFailure:
        """Return the failure for a key whose quota or credit is used up."""
        hint = Message("see {page}, or name other engines in search.engines", page=self.key_page)
        return EngineFailure("misconfigured", _USED_UP, hint=hint)


def result_objects(items: Any, *, required: str) -> list[dict[str, Any]]:
    """Return the results of a JSON reply that are objects and have the field `required`.

    One null among them, as some servers send it, costs itself and no other.

    Raises:
        TypeError: `items` is no list, or holds things and none of them is a result.
    """
    if not isinstance(items, list):
        raise TypeError("no list of results")
    found = [one for one in items if isinstance(one, dict) and one.get(required)]
    if items and not found and any(one is not None for one in items):
        raise TypeError("no results in the list of results")
    return found


def result_row(*, url: Any, title: Any, snippet: Any) -> ResultRow:
    """Return a row of what a JSON reply holds, each text on one line; no `url` leads nowhere."""
    href = url if isinstance(url, str) else ""
    return ResultRow(title=_on_one_line(title) or href, href=href, snippet=_on_one_line(snippet))


def _on_one_line(text: Any) -> str:
    # JSON can say half of a surrogate pair, which no terminal and no file can be sent.
    return " ".join(str(text or "").encode(errors="replace").decode().split())


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    # httpx reads a scheme's own port as None, so that http://a.test and http://a.test:80 are one.
    return url.scheme, url.host, url.port
