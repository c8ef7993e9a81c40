"""The HTTP client of ddgs's engines, with a kind for every failure and links left intact.

`ddgs.DDGS().text()` turns a rate limit, a block, a failure and an empty page into the same "No
results found", and unquotes every link, which corrupts those with %2F, %23, %26 or %3F in them.
So we drive its engines ourselves: its client and its forms, our reading of the answer.

* Proxy and trust come from the environment, as everywhere: `HTTPS_PROXY` and `SSL_CERT_FILE`
  (ddgs's HTTP client reads both), and `DDGS_PROXY`, which takes precedence.
* The user agent is not ours: ddgs poses as a browser drawn at random, TLS handshake and headers
  alike, because that is whom result pages answer. Our own agent could be put into the header
  alone, beside a browser's handshake and `sec-ch-ua`: a contradiction, which is what bot filters
  look for. robots.txt and pages are asked for under our own name and no other.
"""

import asyncio
import logging
import math
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import primp
from ddgs.base import BaseSearchEngine

from assistant.search.result_pages import (
    BROKEN,
    NO_CLIENT,
    NO_CONNECTION,
    NO_NETWORK,
    SILENT,
    EngineFailure,
)
from ingest.foundation.http_dates import parse_retry_after
from ingest.foundation.messages import Language, Message

logger = logging.getLogger(__name__)

R = TypeVar("R")

REGIONS: dict[Language, str] = {"zh": "cn-zh", "en": "us-en"}
"""Country and language as DuckDuckGo writes them, and ddgs for all; see `region_of`."""
THROTTLING = frozenset({202, 403, 429, 999})
"""Statuses by which engines say "slow down" (ddgs issues 241, 264 and 304; 999 is Yahoo's)."""


def region_of(language: Language) -> str:
    """Return the region to search in, that of English for a language without one of its own."""
    return REGIONS.get(language, REGIONS["en"])


@dataclass
class RawResult:
    """A result whose text and link stay as they stand on the page; ddgs fills it in."""

    # Mutable, unlike our other values: ddgs sets one attribute after the other.
    title: str = ""
    href: str = ""
    body: str = ""


class InstrumentedEngine(BaseSearchEngine[Any]):
    """Precedes an engine of ddgs in the order of base classes, and says why there is no page."""

    def __init__(self, *, timeout_s: float) -> None:
        proxy = os.environ.get("DDGS_PROXY") or None
        try:
            # primp takes whole seconds; the exact limit is that of `collect`.
            super().__init__(proxy=proxy, timeout=math.ceil(timeout_s))
        except primp.PrimpError as error:
            logger.debug("no HTTP client: %r", error)
            raise EngineFailure("unreachable", NO_CLIENT) from error
        self.page_text = ""
        """The last page as it came, also where ddgs has found no results in it."""

    @property
    def result_type(self) -> type[Any]:
        """The class of ddgs's results: its own unquotes links when they are set."""
        return RawResult

    def request(self, *args: Any, **kwargs: Any) -> str:
        """Return the page, or raise `EngineFailure`; ddgs itself returns None without a 200."""
        try:
            reply = self.http_client.client.request(*args, **kwargs)
            self.page_text = reply.text
        except primp.PrimpError as error:
            logger.debug("no reply: %r", error)
            raise map_error(error) from error
        wait_s = parse_retry_after(reply.headers.get("retry-after", ""), now=datetime.now(UTC))
        status = Message("HTTP {status_code}", status_code=reply.status_code)
        # 503 without Retry-After is a server in trouble, which is no reason to wait for long.
        if reply.status_code in THROTTLING or (reply.status_code == 503 and wait_s):
            raise EngineFailure("rate_limited", status, retry_after_s=wait_s)
        if reply.status_code != 200:
            raise EngineFailure("failed", status)
        return self.page_text


def map_error(cause: BaseException | None) -> EngineFailure:
    """Return why no reply came, from the HTTP client's own exception."""
    # RequestError is the base class of the other two, so it comes last.
    if isinstance(cause, primp.TimeoutError):
        return EngineFailure("timeout", SILENT)
    if isinstance(cause, primp.DNSError):
        return EngineFailure("unreachable", NO_NETWORK)
    if isinstance(cause, primp.RequestError):
        return EngineFailure("unreachable", NO_CONNECTION)
    return EngineFailure("failed", BROKEN)


async def run_in_daemon_thread(function: Callable[[], R]) -> R:
    """Run a blocking function in a thread that nothing waits for, and return its result."""
    # Not asyncio.to_thread: threads of its executor are joined when the loop closes, so Ctrl-C
    # would hang until the engine's time is up. A daemon thread ends by itself, at the timeout.
    outcome: Future[R] = Future()
    # A running future cannot be cancelled: when the await is, the thread still has where to put
    # its result, instead of dying of InvalidStateError on stderr.
    outcome.set_running_or_notify_cancel()

    def run() -> None:
        try:
            outcome.set_result(function())
        except BaseException as error:  # noqa: BLE001  raised again where it is awaited
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True, name="search").start()
    return await asyncio.wrap_future(outcome)
