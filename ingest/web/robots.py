"""Fetches and keeps robots.txt, and decides by it what may be fetched (RFC 9309).

`ingest.web.robots_parser` reads one file; this module fetches and keeps it, once per origin. Where
we leave the RFC, or it leaves us the choice:

* 2.3.1.2: a file behind more than five redirects is unavailable, so the site is open.
* 2.3.1.3: so is every 4xx, 429 among them, as the RFC has it (Google closes the site on 429).
* 2.3.1.4: an unreachable file closes the site unless the settings are lenient; it is requested
  again after a minute, and meanwhile a copy of at most `STALE_S` counts.
* 2.4: a copy is good for 24 hours, Cache-Control or not, also in the next process.
"""

import asyncio
import gzip
import time
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ingest.errors import FetchError, ForbiddenError, IngestError, ProxyUnreachableError
from ingest.foundation.cache import ExpiringCache
from ingest.foundation.concurrency import cancel_and_wait
from ingest.foundation.messages import NO_MESSAGE, Message
from ingest.web.robots_parser import RobotsFile, RobotsVerdict
from ingest.web.urls import origin_of

MAX_REDIRECTS = 5
"""RFC 9309, 2.3.1.2: after five the file may be taken as unavailable."""
FRESH_S = 24 * 3600.0
"""RFC 9309, 2.4: a copy should not be used for longer than 24 hours."""
STALE_S = 7 * 24 * 3600.0
"""RFC 9309, 2.4: an older copy may be used while the file is unreachable; after a week no more."""
RETRY_S = 60.0
"""Seconds after which an unreachable robots.txt is requested again: a hiccup of a minute must not
close a site for the day."""
MAX_ORIGINS = 4_096
"""Origins whose rules are kept in memory, parsed; all are in the cache."""
UNREACHABLE = "robots.txt unreachable"
LENIENT_HINT = Message("to read such sites anyway, set crawl.lenient_robots")


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotsReply:
    """The last response to GET /robots.txt: status and body, cut at `MAX_BYTES` or later."""

    status: int
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class _OriginRules:
    """What holds for the pages of one origin: a file, or one verdict for all of them."""

    good_until: float
    file: RobotsFile | None = None
    blanket: RobotsVerdict | None = None
    proxy: ProxyUnreachableError | None = None
    """Why the site could not be reached, through no fault of its own: no verdict at all."""


class RobotsPolicy:
    """Fetches robots.txt once per origin, however many pages are wanted at once.

    Args:
        agent: our user agent, e.g. "qiuzheng/0.1.0 (+https://…)"; its name before "/" is what
            user-agent lines are compared with.
        read: downloads one robots.txt: follows up to `MAX_REDIRECTS` redirects, also to other
            origins, and raises an `IngestError` when there is no response.
        lenient: read pages of sites whose robots.txt cannot be had (5xx, no connection). RFC
            9309, 2.3.1.4 says not to.
        cache: where responses are kept for later; None: in memory.
        clock: seconds since the epoch, not monotonic ones: copies outlive the process.
    """

    def __init__(
        self,
        *,
        agent: str,
        read: Callable[[str], Awaitable[RobotsReply]],
        lenient: bool = False,
        cache: ExpiringCache | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._agent = agent
        self._read = read
        self._lenient = lenient
        self._clock = clock
        self._copies = _RobotsCache(ExpiringCache(clock=clock) if cache is None else cache)
        # Tasks, not results: pages of one origin that are wanted at once share one request.
        self._origins: dict[str, asyncio.Task[_OriginRules]] = {}

    async def check(self, url: str) -> RobotsVerdict:
        """Return whether the canonical `url` may be read, and which rule decides.

        Raises:
            ProxyUnreachableError: the site cannot be reached, because our own proxy is down.
        """
        origin = origin_of(url)
        # All callers share one request for the rules of an origin.
        task = self._origins.pop(origin, None)
        if task is not None and task.done():
            failed = task.cancelled() or task.exception() is not None
            if failed or task.result().good_until <= self._clock():
                task = None
        if task is None:
            task = asyncio.create_task(self._load(origin))
        self._origins[origin] = task  # at the end: the first one is the least recently used
        if len(self._origins) > MAX_ORIGINS:
            del self._origins[next(iter(self._origins))]
        # Shielded: a caller that gives up must not cancel the request that others wait for.
        rules = await asyncio.shield(task)
        if (down := rules.proxy) is not None:
            # A new error: this one is shared by all pages of the origin, each with its own URL.
            raise ProxyUnreachableError(down.message, url=url, reason=down.reason, hint=down.hint)
        if rules.blanket is not None:
            return rules.blanket
        assert rules.file is not None
        if rules.file.is_big:
            return await asyncio.to_thread(rules.file.verdict, url)
        return rules.file.verdict(url)

    async def permit(self, url: str) -> RobotsVerdict:
        """Return the verdict that lets us read `url`.

        Raises:
            ForbiddenError: "robots": it may not be read; `robots` is the rule that decides.
            FetchError: "unreachable": the site cannot be reached, not even for its robots.txt.
        """
        verdict = await self.check(url)
        if not verdict.allowed:
            raise robots_error(url, verdict)
        return verdict

    async def close(self) -> None:
        """Cancel all requests under way. May be called twice."""
        tasks = list(self._origins.values())
        self._origins.clear()
        await cancel_and_wait(tasks)

    async def _load(self, origin: str) -> _OriginRules:
        """Return the rules of a fresh copy, else of the site, else of an old copy if it is down."""
        now = self._clock()
        # In threads: the cache may wait for other processes, and a big file takes long to parse.
        copy, rules = await asyncio.to_thread(self._kept_rules, origin, now)
        if rules is not None:
            return rules
        failure: FetchError | None = None
        try:
            reply = await self._read(f"{origin}/robots.txt")
        except ProxyUnreachableError as error:
            if copy is None:
                return _OriginRules(proxy=error, good_until=now)
            problem = str(error)
        except IngestError as error:
            problem = str(error)
            # A host without an address, a certificate that is not trusted: the site has forbidden
            # nothing. Silence is another matter, since it may be robots.txt's alone.
            if isinstance(error, FetchError) and error.reason == "unreachable":
                failure = error
        else:
            if reply.status < 500:
                return await asyncio.to_thread(self._keep, origin, now, reply)
            problem = str(reply.status)  # 5xx, RFC 9309, 2.3.1.4
        if copy is not None:
            return await asyncio.to_thread(self._parse_reply, copy[1], now + RETRY_S)
        rule = f"{UNREACHABLE}: {problem}"
        verdict = RobotsVerdict(allowed=self._lenient, rule=rule, failure=failure)
        return _OriginRules(blanket=verdict, good_until=now + RETRY_S)

    def _kept_rules(
        self, origin: str, now: float
    ) -> tuple[tuple[float, RobotsReply] | None, _OriginRules | None]:
        """Return the copy of an origin's file with its time, and its rules while it is fresh."""
        copy = self._copies.get(origin)
        if copy is None or not 0 <= now - copy[0] < FRESH_S:  # negative: the clock was set back
            return copy, None
        return copy, self._parse_reply(copy[1], copy[0] + FRESH_S)

    def _keep(self, origin: str, now: float, reply: RobotsReply) -> _OriginRules:
        """Keep a reply and return its rules."""
        self._copies.put(origin, now, reply)
        return self._parse_reply(reply, now + FRESH_S)

    def _parse_reply(self, reply: RobotsReply, good_until: float) -> _OriginRules:
        if 200 <= reply.status < 300:  # RFC 9309, 2.3.1.1
            return _OriginRules(file=RobotsFile(reply.body, self._agent), good_until=good_until)
        # RFC 9309, 2.3.1.2 and 2.3.1.3: too many redirects or 4xx mean that there is none.
        verdict = RobotsVerdict(allowed=True, rule=f"robots.txt: {reply.status}")
        return _OriginRules(blanket=verdict, good_until=good_until)


class _RobotsCache:
    """Responses in a cache: time, status and packed body."""

    def __init__(self, cache: ExpiringCache) -> None:
        self._cache = cache

    def get(self, origin: str) -> tuple[float, RobotsReply] | None:
        """Return when robots.txt of `origin` was fetched, and the response; None if not known."""
        kept = self._cache.get(f"robots {origin}")
        if kept is None:
            return None
        head, _, packed = kept.partition(b"\n")
        try:
            fetched_at, status = head.split()
            reply = RobotsReply(status=int(status), body=gzip.decompress(packed))
            return float(fetched_at), reply
        except (ValueError, EOFError, OSError, zlib.error):  # not written by this version
            return None

    def put(self, origin: str, now: float, reply: RobotsReply) -> None:
        """Keep the response that came at `now` for `STALE_S`."""
        packed = gzip.compress(reply.body, compresslevel=1)
        kept = f"{now!r} {reply.status}\n".encode() + packed
        self._cache.put(f"robots {origin}", kept, ttl_s=STALE_S)


def robots_error(url: str, verdict: RobotsVerdict) -> IngestError:
    """Return the error for a page that `verdict` does not allow.

    Where the line to the site has failed, that is the reason, and nothing that the site says.
    """
    if (failure := verdict.failure) is not None:
        # Only a site that answers somehow may have pages although its robots.txt is broken.
        hint = LENIENT_HINT if failure.browser_may_help else failure.hint
        return FetchError(
            failure.message, url=url, reason=failure.reason, robots=verdict.rule, hint=hint
        )
    return ForbiddenError(
        Message("the site says no ({rule})", rule=verdict.rule),
        url=url,
        reason="robots",
        robots=verdict.rule,
        hint=LENIENT_HINT if verdict.rule.startswith(UNREACHABLE) else NO_MESSAGE,
    )
