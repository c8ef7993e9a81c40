"""What one robots.txt lets us read (RFC 9309), and which of its lines decides.

Lines and groups are parsed here, because the answer names the line, and because other records
("Crawl-delay", "Host", unknown ones) must not part a group (2.2.4). Whether one pattern matches
one URL is Protego's part. The longest pattern wins, Allow wins a tie (2.2.2).

Where we leave the RFC, or it leaves us the choice:

* 2.2.1, 2.2.2: misspellings of Disallow, a space for the colon, and an allowed index.htm(l) that
  allows its folder are read as Google's parser reads them: sites are written for that.
* 2.2.2: the RFC decodes percent-escapes before it compares, Google's parser does not. Sites mean
  one or the other, so a page is fetched only if both readings allow it.
* 2.5: what stands beyond 500 KiB, and in a line beyond 16,663 characters, is not read.
* Crawl-delay, which the RFC does not know, is passed to `ingest.web.rate_limit`.
"""

import codecs
import contextlib
import math
import re
import string
from dataclasses import dataclass
from urllib.parse import quote

from protego import Protego

from ingest.errors import FetchError

MAX_BYTES = 500 * 1024
"""RFC 9309, 2.5: what must be read at least; we read no more."""
MAX_LINE = 2_083 * 8 - 1
"""Characters of a line that are read, as Google's parser has it; what follows is cut."""
MANY_RULES = 2_000
"""Above this (about 20 ms) the rules are compared in a thread."""
SHOWN_CHARACTERS = 80
"""Characters shown of a pattern in messages."""

_BREAK = re.compile(r"\r\n|\r|\n")
_RECORD = re.compile(
    r"(?P<agent>user[- ]?agent)(?:\s*[:：]|\s)\s*(?P<name>.*)"
    r"|(?P<rule>allow|dissallow|disallow|dissalow|disalow|diasllow|disallaw)"
    r"(?:\s*[:：]|\s)\s*(?P<path>.*)"
    r"|crawl[- ]delay(?:\s*[:：]|\s)\s*(?P<delay>.*)",
    re.IGNORECASE,
)
"""The records we read. A space may stand for the colon, and five misspellings of Disallow count,
because Google's parser, which sites are written for, takes them too. So does the colon of Chinese
keyboards: who typed it meant the rule."""
_PRODUCT_TOKEN = re.compile(r"[A-Za-z0-9_-]*")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_BLANKS = string.whitespace + "\0\xa0\u3000\u200b\u200c\u200d\u2060\ufeff"
"""Around a record: editors and content systems leave marks there that nobody sees."""
_PRINTABLE_ASCII = "".join(map(chr, range(0x21, 0x7F)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotsVerdict:
    """Whether a page may be read, and which rule decides."""

    allowed: bool
    rule: str
    """In words: "robots.txt line 3: Disallow: /private", "no rule matches", "robots.txt: 404"."""
    line: int | None = None
    """Where the rule is in robots.txt, from 1; None if no line decided."""
    crawl_delay: float | None = None
    """Seconds to leave between two requests, if the site asks for it (not part of the RFC)."""
    failure: FetchError | None = None
    """Why the site could not be reached for its robots.txt, which has then decided nothing."""


def robots_verdict(robots_txt: bytes | str, agent: str, url: str) -> RobotsVerdict:
    """Return what `robots_txt` decides for `agent` ("name" or "name/1.0 (…)") about `url`."""
    return RobotsFile(robots_txt, agent).verdict(url)


class _Rule:
    """One Allow or Disallow line.

    Two readings of percent-escapes are in use: RFC 9309 decodes them before it compares, Google's
    parser compares what is written. `matches` gives both answers.
    """

    __slots__ = ("_as_written", "_decoded", "allow", "length", "line", "shown")

    def __init__(self, *, line: int, allow: bool, shown: str, pattern: str) -> None:
        self.line = line
        self.allow = allow
        self.length = len(pattern)
        self.shown = f"robots.txt line {line}: {'Allow' if allow else 'Disallow'}: {shown}"
        # One file a rule: Protego says whether a file allows a URL, not which of its rules does.
        self._decoded = Protego.parse(f"user-agent: *\ndisallow: {pattern}")
        # Protego never decodes an escaped "%". With every "%" escaped once more it compares the
        # escapes as the text that they are.
        self._as_written = (
            Protego.parse(f"user-agent: *\ndisallow: {pattern.replace('%', '%25')}")
            if "%" in pattern
            else self._decoded
        )

    def matches(self, url: str, url_as_written: str) -> tuple[bool, bool]:
        """Return whether the pattern matches, with escapes decoded and as they are written."""
        decoded = not self._decoded.can_fetch(url, "*")
        if url == url_as_written and self._as_written is self._decoded:
            return decoded, decoded
        return decoded, not self._as_written.can_fetch(url_as_written, "*")


class RobotsFile:
    """The lines of one robots.txt that are meant for one agent."""

    def __init__(self, text: bytes | str, agent: str) -> None:
        # RFC 9309, 2.2.1: only the product token is compared, without its version and comment.
        product = agent.partition("/")[0].strip().lower()
        # Rules and delays of the groups that name us, and of those for everyone.
        own_rules: list[_Rule] | None = None
        everyone: list[_Rule] = []
        delays: dict[str, float] = {}
        named_agents: set[str] = set()
        naming = False  # whether the last user-agent line can still be joined by another
        for number, record in _parse_records(text):
            if record["agent"]:
                named_agents = named_agents if naming else set()
                naming = True
                token = _PRODUCT_TOKEN.match(record["name"])
                if record["name"] == "*" or record["name"].startswith(("* ", "*\t")):
                    named_agents.add("everyone")
                # "Foo/2.0 beta" means the product token "foo".
                elif token and token[0] and token[0].lower() == product:
                    named_agents.add("us")
                own_rules = [] if own_rules is None and "us" in named_agents else own_rules
            elif record["rule"]:
                naming = False
                rules = _parse_rules(number, record)
                everyone.extend(rules if "everyone" in named_agents else [])
                if own_rules is not None and "us" in named_agents:
                    own_rules.extend(rules)
            else:
                # Leaves `naming` as it is: RFC 9309, 2.2.4 has other records part no group.
                seconds = math.nan
                with contextlib.suppress(ValueError):
                    seconds = float(record["delay"])
                delays.update(dict.fromkeys(named_agents, seconds))
        # An empty group of our own counts: it lets us read everything, whatever "*" says.
        delay = delays.get("everyone" if own_rules is None else "us", math.nan)
        self.crawl_delay = delay if math.isfinite(delay) and delay >= 0 else None
        # Longest first, Allow first among equals: the first that matches decides.
        rules = everyone if own_rules is None else own_rules
        self._rules = sorted(rules, key=lambda rule: (-rule.length, not rule.allow))

    @property
    def is_big(self) -> bool:
        """Whether `verdict` takes long enough to be called in a thread."""
        return len(self._rules) > MANY_RULES

    def verdict(self, url: str) -> RobotsVerdict:
        """Return what is decided about `url`: allowed is only what both readings allow."""
        as_written = _upper_escapes(url).replace("%", "%25")
        deciding: dict[int, _Rule] = {}  # by reading: the first rule that matches
        for candidate in self._rules:
            for reading, matches in enumerate(candidate.matches(url, as_written)):
                if matches:
                    deciding.setdefault(reading, candidate)
            if len(deciding) == 2:  # both readings
                break
        in_order = (deciding[reading] for reading in sorted(deciding))
        # False sorts before True, so a Disallow by either reading decides.
        rule = min(in_order, key=lambda rule: rule.allow, default=None)
        return RobotsVerdict(
            allowed=rule is None or rule.allow,
            rule=rule.shown if rule else "no rule matches",
            line=rule.line if rule else None,
            crawl_delay=self.crawl_delay,
        )


def _parse_records(text: bytes | str) -> list[tuple[int, re.Match[str]]]:
    """Return line number and match of each record that we read."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    # Bytes that are no UTF-8 become lone surrogates, so that a pattern in another encoding keeps
    # its bytes and can be compared with the escapes of a URL.
    head = data[:MAX_BYTES]
    # Read as UTF-8, UTF-16 would hold no record, and so close nothing that its site has closed.
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        whole = head.decode("utf-16", "replace")
    elif head[1:4:2] == b"\0\0":
        whole = head.decode("utf-16-le", "replace")
    elif head[0:3:2] == b"\0\0":
        whole = head.decode("utf-16-be", "replace")
    else:
        whole = head.decode("utf-8", "surrogateescape")
    lines = _BREAK.split(whole)
    if len(data) > MAX_BYTES:
        lines.pop()  # cut in two: "Disallow: /private" might read "Disallow: /"
    found = []
    for number, line in enumerate(lines, start=1):
        record = _RECORD.fullmatch(line[:MAX_LINE].partition("#")[0].strip(_BLANKS))
        if record:
            found.append((number, record))
    return found


def _parse_rules(number: int, record: re.Match[str]) -> list[_Rule]:
    """Return the rules of one line: none if it names no path, two for an allowed index page."""
    value = record["path"].strip()
    if not value:
        return []
    allow = record["rule"].lower() == "allow"
    octets = value.encode("utf-8", "surrogateescape")
    shown = octets.decode("utf-8", "replace")
    shown = "".join(c if c.isprintable() else "�" for c in shown[:SHOWN_CHARACTERS])
    patterns = [_upper_escapes(quote(octets, safe=_PRINTABLE_ASCII))]
    folder, slash, page = patterns[0].rpartition("/")
    # Google: who allows it allows its folder's name.
    if allow and page.startswith("index.htm"):
        patterns.append(f"{folder}{slash}$")
    return [_Rule(line=number, allow=allow, shown=shown, pattern=pattern) for pattern in patterns]


def _upper_escapes(text: str) -> str:
    # RFC 3986, 6.2.2.1: "%c3" and "%C3" are the same, and are compared as text here.
    return _ESCAPE.sub(lambda escape: escape[0].upper(), text)
