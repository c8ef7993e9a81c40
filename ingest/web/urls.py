"""One spelling for one page: canonical URLs, readable ids, and lists of URLs typed by people.

Parsing is WHATWG's (https://url.spec.whatwg.org) by ada, which reads a host name exactly as a
browser does (116 of 116 test cases; urllib reads 96): what we check is what is connected to.
"""

import functools
import hashlib
import re
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import unquote

import ada_url

from ingest.errors import FetchError
from ingest.foundation.messages import Message

MAX_URL_CHARACTERS = 8_192
"""RFC 9110, 4.1 asks for at least 8,000 octets; what is longer is data, not an address."""

SLUG_CHARACTERS = 80
"""Room for a name that a person can read; 80 ideographs are 240 bytes, a legal file name."""

HASH_DIGITS = 8
"""Hexadecimal digits of a page's id. Two of 10,000 pages with one readable name share all eight
with a probability of 1 %, and few pages share a name."""
SHOWN_CHARACTERS = 80
"""Characters shown of an address in messages."""

TRACKING_PREFIXES = ("utm_",)
"""Google Analytics and everybody who copied it."""

TRACKING_PARAMETERS = frozenset(
    {
        "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "srsltid", "_gl",  # Google
        "fbclid", "igshid", "igsh",  # Facebook, Instagram
        "msclkid", "yclid", "_openstat", "twclid", "ttclid", "li_fat_id",  # other ad networks
        "mc_cid", "mc_eid", "_hsenc", "_hsmi", "mkt_tok", "vero_id", "oly_enc_id", "oly_anon_id",
        "spm", "scm", "spm_id_from", "vd_source",  # Alibaba, bilibili
        "bd_vid", "hmsr", "hmpl", "hmcu", "hmkw", "hmci",  # Baidu
        "share_source", "share_medium", "chksm", "mpshare", "sharer_shareinfo", "_ga", "gad_source",
        "share_token", "ref_src",  # Toutiao and Juejin, Twitter
    }
)  # fmt: skip
"""Query parameters that name where a reader came from and never which page it is. Names that some
site uses for its content (ref, source, from, id) are left alone."""

KEPT_PARAMETERS = {"mp.weixin.qq.com": frozenset({"__biz", "mid", "idx", "sn"})}
"""Sites whose pages are named by these parameters alone, where the address has them: WeChat adds
chksm, scene, mpshare, sharer_… for each way in which an article is shared."""
SHARE_PARAMETERS = {
    "bilibili.com": frozenset(
        {
            "from", "seid", "from_spmid", "share_session_id", "share_tag", "share_plat", "plat_id",
            "bbid", "timestamp", "ts", "unique_k", "up_id",
        }
    ),
    "b23.tv": frozenset({"ts", "unique_k", "share_session_id", "share_tag", "share_plat"}),
    "toutiao.com": frozenset({"log_from", "wid"}),
    "163.com": frozenset({"f", "spss", "spssid"}),
    "weibo.cn": frozenset({"sourcetype", "from", "wm", "featurecode"}),
    "weibo.com": frozenset({"sourcetype", "from", "wm"}),
    "zhihu.com": frozenset({"share_code"}),
}  # fmt: skip
"""Parameters that on these sites, and below them, say only where a reader came from."""

# "localhost:8000" has no scheme: what follows the colon of one is no digit.
_SCHEME = re.compile(r"(?P<scheme>[a-z][a-z0-9+-]*):(?!\d)", re.IGNORECASE)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
)  # RFC 3986, 2.3
_DEFAULT_PORTS = {"http:": 80, "https:": 443}
_INVISIBLE = " \t\r\n\xa0\u3000\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_CLOSING = _INVISIBLE + "。，、；：！？）」』】》”’>"
"""What no address ends with, and a sentence or a pair of brackets around it does."""
_LABEL = re.compile(
    r"(?:view-source:|[<(（\[「『【《“\"]|(?:url|link|address)\s*[:：]|[^\x00-\x7f]{1,20}[:：]?)\s*"
    r"(?=https?://)",
    re.IGNORECASE,
)
"""What is before an address that was copied from a page, a mail or a chat."""
_MARKDOWN_LINK = re.compile(r"!?\[[^\[\]]*\]\(\s*<?(?P<url>[^\s<>]+?)>?(?:\s+\"[^\"]*\")?\s*\)")
_ROUTE = re.compile(r"#!?/[^/]")
"""A fragment that names a page of an app which scripts show: `#/help/fees`, `#!/news/7`."""
_PASSWORD = re.compile(r"//[^/?#\s]*@")
_COMMENT = re.compile(r"(^|\s)#.*$")
_DOTTED_NUMBERS = re.compile(r"[\d.]+")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")


def canonical_url(text: str) -> str:
    """Return the one spelling under which a page is known.

    Lower-case scheme and host, no default port, fragment (unless it is a route: `#/help/fees`),
    trailing dot of the host, empty query or tracking parameter; percent-escapes in the form of
    RFC 3986, 6.2.2; a bare "example.com/x" is taken as https.

    Raises:
        FetchError: "unsupported": not an http(s) address, holds a password, or is too long.
    """
    url = text.strip()
    if len(url) > MAX_URL_CHARACTERS:
        _raise_unsupported(
            url,
            Message(
                "longer than {max_url_characters:,} characters",
                max_url_characters=MAX_URL_CHARACTERS,
            ),
        )
    scheme = _SCHEME.match(url)
    if url.startswith("//"):
        url = f"https:{url}"
    elif scheme is None:
        host = re.split(r"[/?#:\\]", url, maxsplit=1)[0]
        # A typed "3.14" or "readme" is no address, though WHATWG reads both as hosts.
        number = _DOTTED_NUMBERS.fullmatch(host) and not _ADDRESS.fullmatch(host)
        if number or not ("." in host.strip(".") or url.startswith("[") or host == "localhost"):
            _raise_unsupported(url, Message("not a web address"))
        url = f"https://{url}"
    elif scheme["scheme"].lower() not in {"http", "https"}:
        _raise_unsupported(url, Message("{scheme}: is not a web page", scheme=scheme["scheme"]))
    # An escape may hide an escape: "%%341" is "%41" is "A". Each round shortens it, so this ends.
    while (normal := _normalize_once(url)) != url:
        url = normal
    return url


def typed_url(text: str) -> str:
    """Return the canonical URL of an address as people paste it: `canonical_url` says what that is.

    With what was copied along: "<https://…>", "[title](https://…)", "网址：https://…。",
    "view-source:…", marks that nobody sees, and "&amp;" out of the source of a page.

    Raises:
        FetchError: as `canonical_url` does.
    """
    url = text.strip(_INVISIBLE).replace("：//", "://", 1)
    if link := _MARKDOWN_LINK.fullmatch(url.rstrip(_CLOSING)):
        url = link["url"]
    url = url[found.end() :] if (found := _LABEL.match(url)) else url
    return canonical_url(url.rstrip(_CLOSING).replace("&amp;", "&"))


def _normalize_once(text: str) -> str:
    url = _parse_http(text)
    if url.username or url.password:
        _raise_unsupported(text, Message("an address with a password is not fetched"))
    bare = url.hostname.removesuffix(".")
    if not bare:
        _raise_unsupported(text, Message("no host name"))
    port = f":{url.port}" if url.port else ""
    parts = url.search.removeprefix("?").split("&")
    names = [part.partition("=")[0].lower() for part in parts]
    dropped = set(TRACKING_PARAMETERS)
    for site, ours in SHARE_PARAMETERS.items():
        dropped |= ours if is_same_or_subdomain(bare, site) else set()
    if (kept := KEPT_PARAMETERS.get(bare)) and (
        kept.intersection(names) or url.pathname[:3] == "/s/"
    ):
        dropped |= set(names) - kept
    query = "&".join(
        part
        for part, name in zip(parts, names, strict=True)
        if name not in dropped and not name.startswith(TRACKING_PREFIXES)
    )
    path = _normalize_escapes(url.pathname)
    tail = f"?{_normalize_escapes(query)}" if query else ""
    route = _normalize_escapes(url.hash) if _ROUTE.match(url.hash) else ""
    return str(_parse_http(f"{url.protocol}//{bare}{port}{path}{tail}{route}").href)


def _parse_http(text: str) -> ada_url.URL:
    try:
        url = ada_url.URL(text)
    except (ValueError, UnicodeError):
        _raise_unsupported(text, Message("not a web address"))
    if url.protocol not in {"http:", "https:"}:
        _raise_unsupported(text, Message("{protocol} is not a web page", protocol=url.protocol))
    return url


def _normalize_escapes(text: str) -> str:
    """Upper-case the hex digits and undo needless escapes (RFC 3986, 6.2.2.1 and 6.2.2.2)."""

    def normalize(escape: re.Match[str]) -> str:
        character = chr(int(escape[1], 16))
        return character if character in _UNRESERVED else escape[0].upper()

    return _ESCAPE.sub(normalize, text)


def _raise_unsupported(text: str, why: Message) -> NoReturn:
    # A password must not be in messages and logs; control characters must not reach a terminal.
    shown = _PASSWORD.sub("//…@", text[:MAX_URL_CHARACTERS])
    shown = shown if len(shown) <= SHOWN_CHARACTERS else f"{shown[:SHOWN_CHARACTERS]}…"
    shown = "".join(c if c.isprintable() else "�" for c in shown)
    raise FetchError(
        Message("{shown!r}: {why}", shown=shown, why=why),
        url=shown,
        reason="unsupported",
        hint=Message("give an address like https://example.com/page"),
    )


def resolve_reference(base: str, reference: str) -> str:
    """Return the URL of the link `reference` on the page `base`: any scheme, fragment kept.

    Raises:
        FetchError: "unsupported": it is no URL, not even a relative one.
    """
    try:
        return str(ada_url.URL(reference, base=base).href)
    except (ValueError, UnicodeError):
        _raise_unsupported(reference, Message("not a web address"))


def normalize_url(url: str) -> str:
    """Return a readable name: `https://www.example.com/path` becomes `example_com_path`.

    The scheme and "www." go, every character that is no letter, digit or "_" becomes "_".
    Escapes and international host names are shown as people write them, and the name is cut at
    `SLUG_CHARACTERS`. Different pages may share it; `page_id` is the one that is unique.
    """
    bare = re.sub(r"^https?://(www\.)?", "", url, flags=re.IGNORECASE)
    host, slash, rest = bare.partition("/")
    if host.isascii() and "xn--" in host:
        host = str(ada_url.idna_to_unicode(host))
    return re.sub(r"\W", "_", unquote(f"{host}{slash}{rest}"))[:SLUG_CHARACTERS]


@functools.lru_cache(maxsize=64)  # each chunk of a page asks: 3 % of the main process of `ingest`
def page_id(url: str) -> str:
    """Return the id of a page: its readable name and the head of the canonical URL's sha256."""
    # A local file, whose URL is `Path.as_uri()`, has an id too, but no canonical web address.
    canonical = url if url.startswith("file:///") else canonical_url(url)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return f"{normalize_url(canonical)}_{digest[:HASH_DIGITS]}"


def chunk_id(url: str, position: int) -> str:
    """Return the id of the chunk at `position` (0 for the first) of a page."""
    return f"{page_id(url)}_{position}"


def has_route(url: str) -> bool:
    """Return whether the fragment of a canonical URL names the page, which a browser opens."""
    return "#" in url


def without_route(url: str) -> str:
    """Return a canonical URL as it is asked for on the wire, without its route."""
    return url.partition("#")[0]


def host_of(url: str) -> str:
    """Return the host, lower case, without port, brackets or trailing dot; "" if there is none."""
    try:
        return str(ada_url.URL(url).hostname).strip("[]").removesuffix(".")
    except (ValueError, UnicodeError):
        return ""


def origin_of(url: str) -> str:
    """Return scheme, host and port: "https://example.com:8443", no trailing slash."""
    parsed = _parse_http(url)
    return f"{parsed.protocol}//{parsed.host}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The server that a URL names, as a browser reads it."""

    scheme: str
    """Lower case, without ":"."""
    host: str
    """As `host_of` has it."""
    port: int
    """The scheme's own where none is named, 0 where the scheme has none."""
    has_credentials: bool
    """Whether a user name or a password is before the host."""


def endpoint_of(url: str) -> Endpoint | None:
    """Return the server that `url`, of any scheme, names; None if it is no URL."""
    try:
        parsed = ada_url.URL(url)
    except (ValueError, UnicodeError):
        return None
    return Endpoint(
        scheme=parsed.protocol.removesuffix(":"),
        host=parsed.hostname.strip("[]").removesuffix("."),
        port=int(parsed.port or _DEFAULT_PORTS.get(parsed.protocol, 0)),
        has_credentials=bool(parsed.username or parsed.password),
    )


def is_same_or_subdomain(host: str, domain: str) -> bool:
    """Return whether `host` is `domain` or below it: m.youtube.com is, notyoutube.com is not."""
    host, domain = host.lower().strip("."), domain.lower().strip(".")
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def parse_url_line(line: str) -> str | None:
    """Return the canonical URL of one line of a list, None for a blank line or a "# comment".

    Raises:
        FetchError: it is no address of a web page.
    """
    entry = _COMMENT.sub("", line.removeprefix("\ufeff")).strip()
    return typed_url(entry) if entry else None


def parse_url_list(text: str) -> tuple[list[str], list[Message]]:
    """Return the canonical URLs of a list, one a line, and a message for each line that is none.

    Blank lines, "# comments" and a byte order mark are passed over; a page named twice is kept
    once, where it came first.
    """
    urls: dict[str, None] = {}
    problems = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            if url := parse_url_line(line):
                urls.setdefault(url)
        except FetchError as error:
            message = error.message
            problems.append(Message("line {number}: {message}", number=number, message=message))
    return list(urls), problems
