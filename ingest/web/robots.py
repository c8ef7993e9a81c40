"""What a site's robots.txt lets us read (RFC 9309), and which of its lines says so.

We read lines and groups ourselves, because the answer names the line, and because other records
("Crawl-delay", "Host", unknown ones) must not part a group (2.2.4). Whether one pattern matches
one URL is Protego's word. The longest pattern wins, Allow wins a tie (2.2.2).

Where we leave the RFC, or it leaves us the choice:

* 2.2.1, 2.2.2: misspellings of Disallow, a space for the colon, and an allowed index.htm(l) that
  allows its folder are read as Google's parser reads them: sites are written for that.
* 2.2.2: the RFC decodes percent-escapes before it compares, Google's parser does not. Sites mean
  one or the other, so a page is fetched only if both readings allow it.
* 2.3.1.2: a file behind more than five redirects is unavailable, so the site is open.
* 2.3.1.3: so is every 4xx, 429 among them, as the RFC has it (Google closes the site on 429).
* 2.3.1.4: an unreachable file closes the site unless we are told to be lenient; it is asked for
  again after a minute, and meanwhile a copy of at most `STALE_S` counts.
* 2.4: a copy is good for 24 hours, Cache-Control or not, also in the next process.
* 2.5: what stands beyond 500 KiB, and in a line beyond 16,663 characters, is not read.
* Crawl-delay, which the RFC does not know, is handed on to `ingest.web.rate_limit`.
"""

import asyncio
import gzip
import math
import re
import time
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from protego import Protego

from ingest.errors import ForbiddenError, IngestError, ProxyUnreachableError
from ingest.foundation.cache import ExpiringCache
from ingest.foundation.messages import NO_MESSAGE, Message
from ingest.web.urls import origin_of

MAX_BYTES = 500 * 1024
"""RFC 9309, 2.5: what must be read at least; we read no more."""
MAX_REDIRECTS = 5
"""RFC 9309, 2.3.1.2: after five the file may be taken as unavailable."""
FRESH_S = 24 * 3600.0
"""RFC 9309, 2.4: a copy should not be used for longer than 24 hours."""
STALE_S = 7 * 24 * 3600.0
"""RFC 9309, 2.4: an older copy may be used while the file is unreachable; after a week no more."""
RETRY_S = 60.0
"""Seconds after which an unreachable robots.txt is asked for again: a hiccup is not a day's ban."""
MAX_ORIGINS = 4_096
MAX_LINE = 2_083 * 8 - 1
"""Characters of a line that are read, as Google's parser has it; what follows is cut."""
MANY_RULES = 2_000
"""Above this (about 20 ms) a file is worked through in a thread."""
SHOWN_CHARACTERS = 80
UNREACHABLE = "robots.txt unreachable"
LENIENT_HINT = Message("to read such sites all the same, set crawl.lenient_robots")

_BREAK = re.compile(r"\r\n|\r|\n")
_RECORD = re.compile(
    r"(?P<agent>user[- ]?agent)(?:\s*:|\s)\s*(?P<name>.*)"
    r"|(?P<rule>allow|dissallow|disallow|dissalow|disalow|diasllow|disallaw)(?:\s*:|\s)\s*(?P<path>.*)"
    r"|crawl[- ]delay(?:\s*:|\s)\s*(?P<delay>.*)",
    re.IGNORECASE,
)
"""The records we read. A space may stand for the colon, and five misspellings of Disallow count,
because Google's parser, which sites are written for, takes them too."""
_PRODUCT_TOKEN = re.compile(r"[A-Za-z0-9_-]*")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_PRINTABLE_ASCII = "".join(map(chr, range(0x21, 0x7F)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotsVerdict:
    """May the page be read, and who says so."""

    allowed: bool
    rule: str
    """In words: "robots.txt line 3: Disallow: /private", "no rule matches", "robots.txt: 404"."""
    line: int | None = None
    """Where the rule stands in robots.txt, from 1; None if it is no line that decided."""
    crawl_delay: float | None = None
    """Seconds to leave between two requests, if the site asks for it (not part of the RFC)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotsReply:
    """The last response to GET /robots.txt: status and body, cut at `MAX_BYTES` or later."""

    status: int
    body: bytes = b""


def verdict(robots_txt: bytes | str, agent: str, url: str) -> RobotsVerdict:
    """Return what `robots_txt` says to `agent` ("name" or "name/1.0 (…)") about `url`."""
    return RobotsFile(robots_txt, agent).verdict(url)


class _Rule:
    """One Allow or Disallow line.

    Two readings of percent-escapes are in use: RFC 9309 decodes them before it compares, Google's
    parser compares what is written. `matches` gives both answers.
    """

    __slots__ = ("_as_written", "_decoded", "allow", "length", "line", "words")

    def __init__(self, *, line: int, allow: bool, shown: str, pattern: str) -> None:
        self.line = line
        self.allow = allow
        self.length = len(pattern)
        self.words = f"robots.txt line {line}: {'Allow' if allow else 'Disallow'}: {shown}"
        self._decoded = Protego.parse(f"user-agent: *\ndisallow: {pattern}")
        # An escaped "%" is what Protego never decodes: so it compares the escapes as text.
        self._as_written = (
            Protego.parse(f"user-agent: *\ndisallow: {pattern.replace('%', '%25')}")
            if "%" in pattern
            else self._decoded
        )

    def matches(self, url: str, url_as_written: str) -> tuple[bool, bool]:
        decoded = not self._decoded.can_fetch(url, "*")
        if url == url_as_written and self._as_written is self._decoded:
            return decoded, decoded
        return decoded, not self._as_written.can_fetch(url_as_written, "*")


class RobotsFile:
    """The lines of one robots.txt that are meant for one agent."""

    def __init__(self, text: bytes | str, agent: str) -> None:
        self._token = agent.partition("/")[0].strip().lower()
        rules, self.crawl_delay = self._read(text)
        # Longest first, Allow first among equals: the first that matches decides.
        self._rules = sorted(rules, key=lambda rule: (-rule.length, not rule.allow))

    @property
    def is_big(self) -> bool:
        """Whether `verdict` takes long enough to be called in a thread."""
        return len(self._rules) > MANY_RULES

    def verdict(self, url: str) -> RobotsVerdict:
        """Return what is decided about `url`: fetched is only what both readings allow."""
        decided = self._deciding(url)
        rule = min(decided, key=lambda rule: rule.allow, default=None)
        return RobotsVerdict(
            allowed=rule is None or rule.allow,
            rule=rule.words if rule else "no rule matches",
            line=rule.line if rule else None,
            crawl_delay=self.crawl_delay,
        )

    def _deciding(self, url: str) -> list[_Rule]:
        """Return the first rule that matches by each reading, at most two."""
        written = _upper_escapes(url).replace("%", "%25")
        decided: dict[int, _Rule] = {}
        for rule in self._rules:
            for reading, matches in enumerate(rule.matches(url, written)):
                if matches:
                    decided.setdefault(reading, rule)
            if len(decided) == 2:  # both readings
                break
        return [decided[reading] for reading in sorted(decided)]

    def _read(self, text: bytes | str) -> tuple[list[_Rule], float | None]:
        """Return rules and delay of the groups that name us, or else of those for everyone."""
        own: list[_Rule] | None = None
        everyone: list[_Rule] = []
        delays: dict[str, float] = {}
        named: set[str] = set()
        naming = False  # whether the last user-agent line can still be joined by another
        for number, record in _records(text):
            if record["agent"]:
                named = named if naming else set()
                naming = True
                named.add(self._audience(record["name"]))
                own = [] if own is None and "us" in named else own
            elif record["rule"]:
                naming = False
                rules = _rules_of(number, record)
                everyone.extend(rules if "everyone" in named else [])
                if own is not None and "us" in named:
                    own.extend(rules)
            else:
                delays.update(dict.fromkeys(named, _seconds(record["delay"])))
        delay = delays.get("everyone" if own is None else "us", math.nan)
        rules = everyone if own is None else own
        return rules, delay if math.isfinite(delay) and delay >= 0 else None

    def _audience(self, name: str) -> Literal["us", "everyone", "others"]:
        """Tell whom a user-agent line means: "Foo/2.0 beta" means the product token "foo"."""
        if name == "*" or name.startswith(("* ", "*\t")):
            return "everyone"
        token = _PRODUCT_TOKEN.match(name)
        return "us" if token and token[0] and token[0].lower() == self._token else "others"


def _records(text: bytes | str) -> list[tuple[int, re.Match[str]]]:
    """Return line number and match of each record that we read."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    whole = data[:MAX_BYTES].removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    lines = _BREAK.split(whole)
    if len(data) > MAX_BYTES:
        lines.pop()  # half a line
    found = []
    for number, line in enumerate(lines, start=1):
        record = _RECORD.fullmatch(line[:MAX_LINE].partition("#")[0].strip())
        if record:
            found.append((number, record))
    return found


def _rules_of(number: int, record: re.Match[str]) -> list[_Rule]:
    """Return the rules of one line: none if it names no path, two for an allowed index page."""
    value = record["path"].strip()
    if not value:
        return []
    allow = record["rule"].lower() == "allow"
    shown = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    shown = "".join(c if c.isprintable() else "�" for c in shown[:SHOWN_CHARACTERS])
    octets = value.encode("utf-8", "surrogateescape")
    patterns = [_upper_escapes(quote(octets, safe=_PRINTABLE_ASCII))]
    folder, slash, page = patterns[0].rpartition("/")
    if allow and page.startswith("index.htm"):  # Google: who allows it allows its folder's name
        patterns.append(f"{folder}{slash}$")
    return [_Rule(line=number, allow=allow, shown=shown, pattern=pattern) for pattern in patterns]


def _upper_escapes(text: str) -> str:
    return _ESCAPE.sub(lambda escape: escape[0].upper(), text)


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    """What one origin answered: a file, or one verdict for all of its pages."""

    good_until: float
    file: RobotsFile | None = None
    blanket: RobotsVerdict | None = None
    proxy: ProxyUnreachableError | None = None  # why nobody could be asked: no verdict at all


class RobotsPolicy:
    """Asks robots.txt once per origin, however many pages are wanted at once.

    Args:
        agent: our user agent, e.g. "qiuzheng/0.1.0 (+https://…)"; its name before "/" is what
            user-agent lines are compared with.
        read: downloads one robots.txt: follows up to `MAX_REDIRECTS` redirects, also to other
            origins, and raises an `IngestError` when no answer can be had.
        lenient: read pages of sites whose robots.txt cannot be had (5xx, no connection). RFC
            9309, 2.3.1.4 says not to.
        cache: where answers are kept for later; None: in memory.
        clock: seconds since the epoch: copies outlive the process.
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
        self._sites: dict[str, asyncio.Task[_Site]] = {}

    async def check(self, url: str) -> RobotsVerdict:
        """Return whether the canonical `url` may be read, and which rule says so.

        Raises:
            ProxyUnreachableError: the site cannot be asked, because the way out is closed.
        """
        site = await self._site(origin_of(url))
        if (down := site.proxy) is not None:
            raise ProxyUnreachableError(down.message, url=url, reason=down.reason, hint=down.hint)
        if site.blanket is not None:
            return site.blanket
        assert site.file is not None
        if site.file.is_big:
            return await asyncio.to_thread(site.file.verdict, url)
        return site.file.verdict(url)

    async def permit(self, url: str) -> RobotsVerdict:
        """Return the verdict that lets us read `url`.

        Raises:
            ForbiddenError: "robots": it does not; `robots` is the rule that says so.
        """
        found = await self.check(url)
        if not found.allowed:
            raise refusal(url, found)
        return found

    async def close(self) -> None:
        """Stop asking. May be called twice."""
        tasks = list(self._sites.values())
        self._sites.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _site(self, origin: str) -> _Site:
        """Return the shared answer of `origin`. Whoever gives up waiting stops nobody else."""
        task = self._sites.pop(origin, None)
        if task is None or self._is_stale(task):
            task = asyncio.create_task(self._learn(origin))
        self._sites[origin] = task  # last asked for is last in line
        if len(self._sites) > MAX_ORIGINS:
            del self._sites[next(iter(self._sites))]
        return await asyncio.shield(task)

    def _is_stale(self, task: asyncio.Task[_Site]) -> bool:
        if not task.done():
            return False
        failed = task.cancelled() or task.exception() is not None
        return failed or task.result().good_until <= self._clock()

    async def _learn(self, origin: str) -> _Site:
        """Return what a fresh copy says, or the site, or, if it cannot be reached, an old copy."""
        now = self._clock()
        copy = await asyncio.to_thread(self._copies.get, origin)
        if copy is not None and 0 <= now - copy[0] < FRESH_S:
            return await asyncio.to_thread(self._heard, copy[1], copy[0] + FRESH_S)
        try:
            reply = await self._read(f"{origin}/robots.txt")
        except ProxyUnreachableError as error:
            if copy is None:
                return _Site(proxy=error, good_until=now)
            trouble = str(error)
        except IngestError as error:
            trouble = str(error)
        else:
            if reply.status < 500:
                await asyncio.to_thread(self._copies.put, origin, now, reply)
                return await asyncio.to_thread(self._heard, reply, now + FRESH_S)
            trouble = str(reply.status)  # RFC 9309, 2.3.1.4
        if copy is not None:
            return await asyncio.to_thread(self._heard, copy[1], now + RETRY_S)
        words = f"{UNREACHABLE}: {trouble}"
        verdict = RobotsVerdict(allowed=self._lenient, rule=words)
        return _Site(blanket=verdict, good_until=now + RETRY_S)

    def _heard(self, reply: RobotsReply, good_until: float) -> _Site:
        if 200 <= reply.status < 300:  # RFC 9309, 2.3.1.1
            return _Site(file=RobotsFile(reply.body, self._agent), good_until=good_until)
        # RFC 9309, 2.3.1.2 and 2.3.1.3: too many redirects or 4xx mean that there is none.
        words = f"robots.txt: {reply.status}"
        return _Site(blanket=RobotsVerdict(allowed=True, rule=words), good_until=good_until)


class _RobotsCache:
    """What sites answered, in a cache: time, status and packed body."""

    def __init__(self, cache: ExpiringCache) -> None:
        self._cache = cache

    def get(self, origin: str) -> tuple[float, RobotsReply] | None:
        """Return when `origin` was asked and what it answered, None if that is not known."""
        kept = self._cache.get(f"robots {origin}")
        if kept is None:
            return None
        head, _, packed = kept.partition(b"\n")
        try:
            asked_at, status = head.split()
            reply = RobotsReply(status=int(status), body=gzip.decompress(packed))
            return float(asked_at), reply
        except (ValueError, EOFError, OSError, zlib.error):  # not written by us
            return None

    def put(self, origin: str, now: float, reply: RobotsReply) -> None:
        packed = gzip.compress(reply.body, compresslevel=1)
        kept = f"{now!r} {reply.status}\n".encode() + packed
        self._cache.put(f"robots {origin}", kept, ttl_s=STALE_S)


def refusal(url: str, found: RobotsVerdict) -> ForbiddenError:
    """Return the error that says why `url` may not be read."""
    return ForbiddenError(
        Message("the site says no ({rule})", rule=found.rule),
        url=url,
        reason="robots",
        robots=found.rule,
        hint=LENIENT_HINT if found.rule.startswith(UNREACHABLE) else NO_MESSAGE,
    )
