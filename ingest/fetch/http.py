"""Pages over plain HTTP: polite, and bounded in time, bytes and hops.

`HttpClient` makes requests and is shared by robots.txt and pages; `HttpFetcher` turns them into
pages. Redirects are followed by hand, because a redirect may leave the site that robots.txt was
asked about, or the public web.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from ingest.addresses import AddressGuard, proxy_for
from ingest.documents import Page, PageRecord
from ingest.errors import FetchError, SettingsError, SkipReason
from ingest.fetch.unpack import (
    ACCEPT_ENCODING,
    DamagedBodyError,
    UnknownEncodingError,
    Unpacker,
)
from ingest.robots import MAX_BYTES as ROBOTS_BYTES
from ingest.robots import MAX_REDIRECTS as ROBOTS_REDIRECTS
from ingest.robots import RobotsGate, RobotsReply, RobotsVerdict
from ingest.urls import canonical_url, host_of, resolve
from ingest.wording import SILENCE, Wording

ACCEPT = "text/html,application/xhtml+xml,text/plain;q=0.9,*/*;q=0.5"
ACCEPT_LANGUAGE = "zh-CN,zh;q=0.9,en;q=0.8"
READABLE = frozenset(
    {"", "application/octet-stream", "application/xhtml+xml", "application/xml", "application/json"}
)
"""Media types that may hold text, beside text/*, …+xml and …+json. Servers that know no type
send none, or octet-stream: then the bytes decide."""

ROBOTS_SHARE = 0.5
"""Share of a page's time after which its robots.txt counts as unreachable: the reason reaches the
reader before the page's own deadline does."""

HTTPX_ERRORS = (httpx.TransportError, httpx.InvalidURL)

DRAIN_BYTES = 64 * 1024
"""What we read of a body that we do not want, so that the connection can serve the next page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What came back from one request."""

    url: str
    status: int
    headers: httpx.Headers
    body: bytes = b""
    """Unpacked; empty unless the status is 2xx."""
    complete: bool = True
    """False when the body was cut at the limit."""

    @property
    def location(self) -> str | None:
        """Where a redirect points to, as it was sent."""
        return self.headers.get("location") if 300 <= self.status < 400 else None


Inspect = Callable[[str, httpx.Headers], None]
"""Looks at URL and headers of a 2xx response and raises `FetchError` if the body is not wanted."""


class HttpClient:
    """Makes GET requests to public addresses only.

    HTTP(S)_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR are honoured; without the
    last two, certifi's authorities are trusted. Works on httpx's transports and not on its client,
    which keeps cookies, and builds the request after a redirect even when told not to follow it.

    Args:
        guard: asked before every request.
        agent: the User-Agent, the same for robots.txt and pages.
        timeout_s: seconds for one step on the wire; the callers bound the whole.

    Raises:
        SettingsError: SSL_CERT_FILE cannot be read.
    """

    def __init__(self, *, guard: AddressGuard, agent: str, timeout_s: float) -> None:
        self._guard = guard
        self._timeout_s = timeout_s
        self._headers = {
            "User-Agent": agent,
            "Accept": ACCEPT,
            "Accept-Language": ACCEPT_LANGUAGE,
            "Accept-Encoding": ACCEPT_ENCODING,
        }
        self._tls = _tls_context()
        self._timeouts = {"timeout": httpx.Timeout(timeout_s).as_dict()}
        self._transports: dict[str | None, httpx.AsyncHTTPTransport] = {}
        for name in ("httpx", "httpcore"):  # they log whole URLs, and the questions in them
            logging.getLogger(name).setLevel(logging.WARNING)

    async def follow(
        self,
        url: str,
        *,
        max_redirects: int,
        max_bytes: int,
        permit: Callable[[str], Awaitable[RobotsVerdict]] | None = None,
        inspect: Inspect | None = None,
    ) -> Response:
        """Return the response at the end of the redirects, or the last redirect allowed.

        `permit` is asked before every request, the first included, after the address rules.

        Raises:
            ForbiddenError: the address rules or `permit` refuse a hop.
            FetchError: a hop does not answer, or is no web page.
        """
        seen: set[str] = set()
        while True:
            await self._guard.check(url)
            canonical_url(url)  # refuses passwords, which httpx would send
            if permit is not None:
                await permit(url)
            response = await self._get(url, max_bytes=max_bytes, inspect=inspect)
            seen.add(url)
            if response.location is None or len(seen) > max_redirects:
                return response
            url = resolve(url, response.location)
            if url in seen:
                return response

    async def read_robots(self, url: str) -> RobotsReply:
        """Return what `url` (…/robots.txt) answers. For `RobotsGate(read=…)`.

        Raises:
            ForbiddenError, FetchError: there is no answer.
        """
        try:
            async with asyncio.timeout(self._timeout_s * ROBOTS_SHARE):
                # One byte more shows the reader that there was more.
                response = await self.follow(
                    url, max_redirects=ROBOTS_REDIRECTS, max_bytes=ROBOTS_BYTES + 1
                )
        except TimeoutError as error:
            raise _too_slow(url, self._timeout_s * ROBOTS_SHARE) from error
        return RobotsReply(status=response.status, body=response.body)

    async def close(self) -> None:
        """Close every connection. May be called twice."""
        transports = list(self._transports.values())
        self._transports.clear()
        for transport in transports:
            await transport.aclose()

    async def _get(self, url: str, *, max_bytes: int, inspect: Inspect | None) -> Response:
        try:
            request = httpx.Request("GET", url, headers=self._headers, extensions=self._timeouts)
            response = await self._transport_for(url).handle_async_request(request)
            async with aclosing(response):
                status, headers = response.status_code, response.headers
                if not response.is_success:
                    await _drain(response)
                    return Response(url=url, status=status, headers=headers)
                if inspect is not None:
                    inspect(url, headers)
                body, complete = await _read(response, limit=max_bytes)
        except (*HTTPX_ERRORS, DamagedBodyError, UnknownEncodingError) as error:
            raise self._translated(url, error) from error
        return Response(url=url, status=status, headers=headers, body=body, complete=complete)

    def _translated(self, url: str, error: Exception) -> FetchError:
        """Say in our words what went wrong on the wire."""
        match error:
            case httpx.TimeoutException():
                return _too_slow(url, self._timeout_s)
            case httpx.InvalidURL() | httpx.UnsupportedProtocol():
                return _failed(url, "unsupported", "not a web address", "不是网址")
            case UnknownEncodingError():
                return _failed(
                    url, "unsupported", f"packed as {error}", f"使用了不支持的压缩方式 {error}"
                )
            case DamagedBodyError():
                return _failed(url, "unreachable", "the page arrived damaged", "网页内容已损坏")
            case _:
                return _unreachable(url, str(error) or type(error).__name__)

    def _transport_for(self, url: str) -> httpx.AsyncHTTPTransport:
        """Return the connections of the proxy that the guard, too, thinks of, or our own."""
        proxy = proxy_for(url)
        if proxy not in self._transports:
            self._transports[proxy] = self._new_transport(proxy)
        return self._transports[proxy]

    def _new_transport(self, proxy: str | None) -> httpx.AsyncHTTPTransport:
        try:
            way = None
            if proxy:
                tls = self._tls if proxy.startswith("https:") else None
                way = httpx.Proxy(proxy, ssl_context=tls)
            return httpx.AsyncHTTPTransport(
                http2=True, trust_env=False, verify=self._tls, proxy=way
            )
        except (ValueError, httpx.InvalidURL) as error:
            raise SettingsError(
                Wording("the proxy in the environment cannot be used", "环境变量中的代理无法使用"),
                hint=Wording(
                    "write HTTPS_PROXY like http://host:port", "HTTPS_PROXY 应形如 http://主机:端口"
                ),
            ) from error


class HttpFetcher:
    """Fetches pages over plain HTTP.

    Args:
        client: makes the requests, and asks the address rules.
        robots: asked on every hop.
        timeout_s: seconds for a whole page, robots.txt and redirects included.
        max_bytes: largest page, on the wire and unpacked.
        max_redirects: hops after which a page counts as refused.
    """

    def __init__(
        self,
        *,
        client: HttpClient,
        robots: RobotsGate,
        timeout_s: float,
        max_bytes: int,
        max_redirects: int = 5,
    ) -> None:
        self._client = client
        self._robots = robots
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._max_redirects = max_redirects

    async def fetch(self, url: str, *, known: PageRecord | None = None) -> Page:
        rules: list[str] = []
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._fetch(url, rules)
        except TimeoutError as error:
            late = _too_slow(url, self._timeout_s)
            late.robots = rules[-1] if rules else ""
            raise late from error
        except FetchError as error:
            error.robots = rules[-1] if rules else ""
            raise

    async def _fetch(self, url: str, rules: list[str]) -> Page:
        """Return the page, and in `rules` what robots.txt said on each hop."""

        async def permit(hop: str) -> RobotsVerdict:
            found = await self._robots.permit(hop)
            rules.append(found.rule)
            return found

        response = await self._client.follow(
            url,
            max_redirects=self._max_redirects,
            max_bytes=self._max_bytes,
            permit=permit,
            inspect=self._inspect,
        )
        self._check(url, response)
        media_type, charset = _content_type(response.headers)
        return Page(
            url=url,
            final_url=canonical_url(response.url),
            media_type=media_type,
            charset=charset,
            body=response.body,
            fetched_at=datetime.now(UTC),
            fetcher="http",
            robots=rules[-1],
        )

    async def close(self) -> None:
        await self._client.close()

    def _inspect(self, url: str, headers: httpx.Headers) -> None:
        """Refuse by the headers what we could not use, before its body is sent."""
        media_type, _ = _content_type(headers)
        if not _is_readable(media_type):
            raise _failed(
                url,
                "unsupported",
                f"{media_type} is not text",
                f"{media_type} 不是文本",
                hint=Wording(
                    "download it and name the file: ingest FILE", "可下载后用 ingest 文件名 收录"
                ),
            )
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._max_bytes:
            raise _too_large(url, self._max_bytes)

    def _check(self, url: str, response: Response) -> None:
        if response.location is not None:
            raise _failed(url, "refused", "redirects lead in a circle", "重定向没有尽头")
        if not 200 <= response.status < 300:
            wait = response.headers.get("retry-after", "")
            raise _failed(
                url,
                "refused",
                f"the server answers {response.status}",
                f"服务器返回 {response.status}",
                hint=Wording(f"try again in {wait} s", f"请在 {wait} 秒后重试")
                if wait.isdecimal()
                else SILENCE,
            )
        if not response.complete:
            raise _too_large(url, self._max_bytes)


async def _read(response: httpx.Response, *, limit: int) -> tuple[bytes, bool]:
    """Return the unpacked body and whether it is whole; at most `limit` bytes are kept."""
    unpacker = Unpacker(encoding=response.headers.get("content-encoding", ""), limit=limit)
    async for raw in response.aiter_raw():
        if not unpacker.feed(raw):
            return unpacker.body, False
    unpacker.finish()
    return unpacker.body, True


async def _drain(response: httpx.Response) -> None:
    """Read a short body to its end, so that the connection can be used again."""
    seen = 0
    async for raw in response.aiter_raw():
        seen += len(raw)
        if seen > DRAIN_BYTES:
            return


def _content_type(headers: httpx.Headers) -> tuple[str, str | None]:
    """Return media type and charset as the server claims them."""
    value = headers.get("content-type", "")
    charset = httpx.Response(200, headers={"content-type": value}).charset_encoding
    return value.partition(";")[0].strip().lower(), charset


def _is_readable(media_type: str) -> bool:
    return (
        media_type in READABLE
        or media_type.startswith("text/")
        or (media_type.endswith(("+xml", "+json")) and not media_type.startswith("image/"))
    )


def _tls_context() -> ssl.SSLContext:
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        raise SettingsError(
            Wording(
                f"the certificates that SSL_CERT_FILE names cannot be read ({error})",
                f"无法读取 SSL_CERT_FILE 指定的证书（{error}）",
            ),
            hint=Wording("name a PEM file, or unset it", "请指定一个 PEM 文件，或取消该变量"),
        ) from error


def _unreachable(url: str, detail: str) -> FetchError:
    host = host_of(url)
    if "CERTIFICATE_VERIFY_FAILED" in detail:
        return _failed(
            url,
            "unreachable",
            f"the certificate of {host} is not trusted",
            f"{host} 的证书不受信任",
            hint=Wording(
                "behind a company proxy, let SSL_CERT_FILE name its authority",
                "如在公司代理之后，请用 SSL_CERT_FILE 指定其根证书",
            ),
        )
    return _failed(
        url, "unreachable", f"{host} cannot be reached ({detail})", f"无法连接 {host}（{detail}）"
    )


def _too_slow(url: str, seconds: float) -> FetchError:
    return _failed(
        url, "timeout", f"no answer within {seconds:g} s", f"{seconds:g} 秒内没有完整响应"
    )


def _too_large(url: str, limit: int) -> FetchError:
    return _failed(url, "too_large", f"larger than {limit:,} bytes", f"超过 {limit:,} 字节")


def _failed(
    url: str, reason: SkipReason, en: str, zh: str, *, hint: Wording = SILENCE
) -> FetchError:
    return FetchError(Wording(en, zh), url=url, reason=reason, hint=hint)
