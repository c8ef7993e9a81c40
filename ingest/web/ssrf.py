"""Keeps requests on the public web: no address of this machine or of the network around it.

Server-side request forgery (SSRF): a page, a redirect or a search result may name any address, so
every request is checked: the host as a browser reads it (WHATWG), its port, what it resolves to,
and every IPv4 address inside an IPv6 one. `AddressGuard.addresses` returns the checked addresses,
and callers connect to those without another look-up, so a name that resolves differently the second
time (DNS rebinding) gains nothing.
"""

import asyncio
import functools
import ipaddress
import os
import re
import socket
import time
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from ingest.errors import FetchError, ForbiddenError
from ingest.foundation.errors import SettingsError
from ingest.foundation.messages import NO_MESSAGE, Message
from ingest.web.urls import Endpoint, endpoint_of, host_of

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str], Awaitable[Sequence[str]]]

LOCAL_NAMES = (
    "localhost",  # RFC 6761, 6.3
    "localdomain",
    "local",  # RFC 6762: multicast DNS
    "internal",  # reserved for private use by ICANN, 2024
    "intranet", "private", "corp", "home", "lan",  # RFC 6762, appendix G
    "home.arpa",  # RFC 8375
)  # fmt: skip
"""Names that never mean the public web, nor do those below them. Names without a dot are forbidden
too: ICANN has none on the public web (SSAC 053), so they mean the local network."""

METADATA_NAMES = frozenset(
    {
        "metadata", "metadata.google.internal", "metadata.goog",  # Google Compute Engine
        "instance-data", "instance-data.ec2.internal",  # EC2, as cloud-init names it
        "metadata.tencentyun.com",  # Tencent Cloud
        "metadata.platformequinix.com", "metadata.packet.net",  # Equinix Metal
    }
)  # fmt: skip
"""Where clouds give a machine's keys to any program on it, by each cloud's manual."""

METADATA_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        "169.254.0.0/16",  # RFC 3927; .169.254 of most clouds, .170.2 of ECS, .0.23 of Tencent
        "100.100.100.200/32",  # Alibaba Cloud
        "168.63.129.16/32",  # Azure's wire server
        "192.0.0.192/32",  # Oracle Cloud, classic
        "fd00:ec2::/32",  # EC2: ::254 and, for containers, ::23
        "fd20:ce::254/128",  # Google Compute Engine
        "fd00:c1::a9fe:a9fe/128",  # Oracle Cloud
        "fe80::a9fe:a9fe/128",  # OpenStack
    )
)
"""Forbidden whatever the settings allow: an intranet that may be read must not give away keys."""

WEB_PORTS = frozenset({80, 443, 8000, 8008, 8080, 8443, 8888})
"""What sites are served on. Other ports serve mail, databases and consoles, which take an HTTP
request for commands of their own (https://fetch.spec.whatwg.org/#port-blocking)."""

PIN_S = 60.0
"""Seconds that a name keeps its addresses, as in Chromium's cache: from the check to the connection
there is no second look-up."""
MAX_PINS = 4_096
"""Names whose addresses are kept; some 1 MB."""
LOOKUPS_AT_ONCE = 32
"""Threads of their own: look-ups that hang must not keep the default executor from other work."""

NEVER_PUBLIC: tuple[IPNetwork, ...] = tuple(
    ipaddress.ip_network(network)
    for network in (
        # Also what `is_global` of some Python 3.11 releases lets through:
        "0.0.0.0/8",  # RFC 791: this network
        "100.64.0.0/10",  # RFC 6598: shared by carriers
        "192.0.0.0/24",  # RFC 6890: protocol assignments
        "192.88.99.0/24",  # RFC 7526: deprecated 6to4 relays
        "168.63.129.16/32",  # Azure's wire server: public by its number, private by its meaning
        "64:ff9b:1::/48",  # RFC 8215: NAT64 for local use
        "3fff::/20",  # RFC 9637: documentation
        "5f00::/16",  # RFC 9602: segment routing
        "fec0::/10",  # RFC 3879: deprecated site-local
    )
)

_LAST_32_BITS = (
    ipaddress.IPv6Network("::ffff:0:0/96"),  # RFC 4291, 2.5.5.2: mapped
    ipaddress.IPv6Network("64:ff9b::/96"),  # RFC 6052, 2.1: NAT64
)
_ISATAP = (0x00005EFE, 0x02005EFE)  # RFC 5214, 6.1: the half before the IPv4 address
_PORT = re.compile(r"(?<=[^:]):(\d{1,5})$")
_LOOKUPS = ThreadPoolExecutor(LOOKUPS_AT_ONCE, thread_name_prefix="dns")
_PROXY_VARIABLES = tuple(
    name
    for scheme in ("http", "https", "all", "no")
    for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper())
)
_ALLOW_HINT = Message("if it is yours to read, add its host to allowed_hosts in assistant.toml")


async def system_resolver(host: str) -> Sequence[str]:
    """Return every address that the system knows for `host`. Raises `OSError` if it has none."""
    loop = asyncio.get_running_loop()
    # One socket type, or each address comes once a type.
    found = await loop.run_in_executor(
        _LOOKUPS, lambda: socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    )
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def proxy_for(url: str) -> str | None:
    """Return the proxy that HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY name for `url`."""
    return _proxy_for(url, tuple(map(os.environ.get, _PROXY_VARIABLES)))


@functools.lru_cache(maxsize=256)
def _proxy_for(url: str, named: tuple[str | None, ...]) -> str | None:
    # Remembered: for each page it is asked five times, and the search goes through all variables.
    proxies = urllib.request.getproxies()
    proxy = proxies.get(urlsplit(url).scheme) or proxies.get("all")
    if not proxy:
        return None
    host = host_of(url)
    is_direct = (
        urllib.request.proxy_bypass_environment(host, proxies)  # type: ignore[attr-defined]
        if any(named)
        else urllib.request.proxy_bypass(host)
    )
    if is_direct:
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def is_public(address: IPAddress) -> bool:
    """Return whether `address`, and the IPv4 address inside it, belong to the public web."""
    if isinstance(address, ipaddress.IPv6Address):
        # A translator or tunnel on the way would connect to the IPv4 address in its place.
        if any(address in network for network in _LAST_32_BITS):
            return is_public(_last_32_bits(address))
        if address.sixtofour is not None:  # RFC 3056, 2
            return is_public(address.sixtofour)
        if (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP and not is_public(_last_32_bits(address)):
            return False
    # Teredo (RFC 4380) and IPv4-compatible addresses (RFC 4291, 2.5.5.1) are not global either.
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in NEVER_PUBLIC)
    )


def is_metadata(address: IPAddress) -> bool:
    """Return whether a cloud's metadata service answers at `address`, by any spelling of it."""
    readings: list[IPAddress | None] = [address]
    if isinstance(address, ipaddress.IPv6Address) and not is_public(address):
        # What some translator may take it for. A public address is taken for nothing else, and its
        # last 32 bits may look like anything.
        teredo = address.teredo  # (server, client)
        readings += [_last_32_bits(address), address.sixtofour, teredo[1] if teredo else None]
    return any(
        reading in network
        for reading in readings
        if reading is not None
        for network in METADATA_NETWORKS
    )


def _last_32_bits(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)


class AddressGuard:
    """Decides which URLs may be requested.

    Args:
        allowed_hosts: what of the user's own network may be read. "wiki.corp" and "10.0.0.7",
            each exactly as it is in URLs, allow every port, "wiki.corp:8090" one. A network
            ("10.1.0.0/16") allows its addresses and the names that have no other, on
            `allowed_ports`.
        allowed_ports: of hosts that are not allowed by name.
        proxied: every request goes through a proxy. Without it the environment decides, URL by
            URL. Behind a proxy it is the proxy that resolves names, so none is looked up here: the
            rules for names and literal addresses hold, the rest is the proxy's.
        resolve: turns a name into addresses.
        clock: seconds, for the age of look-ups.

    Raises:
        SettingsError: an entry of `allowed_hosts` cannot be read.
    """

    def __init__(
        self,
        *,
        allowed_hosts: frozenset[str] = frozenset(),
        allowed_ports: frozenset[int] = WEB_PORTS,
        proxied: bool = False,
        resolve: Resolver = system_resolver,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        networks = frozenset(entry for entry in allowed_hosts if "/" in entry)
        parsed: list[IPNetwork] = []
        for entry in networks:
            try:
                parsed.append(ipaddress.ip_network(entry.strip(), strict=False))
            except ValueError as error:
                raise _entry_error(entry) from error
        self._networks = tuple(parsed)
        allowed: set[tuple[str, int | None]] = set()
        for entry in allowed_hosts - networks:
            text = entry.strip()
            # A bare IPv6 address has many colons, none of them before a port.
            if text.count(":") > 1 and not text.startswith("["):
                text = f"[{text}]"
            port = _PORT.search(text)
            host = host_of(f"http://{_PORT.sub('', text)}/")
            if not host:
                raise _entry_error(entry)
            allowed.add((host, int(port[1]) if port else None))
        self._allowed = frozenset(allowed)
        self._allowed_ports = allowed_ports
        self._proxied = proxied
        self._resolve = resolve
        self._clock = clock
        self._pins: dict[str, tuple[float, tuple[IPAddress, ...]]] = {}

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """The hosts of the user's own network that may be read, as URLs spell them."""
        return frozenset(host for host, _ in self._allowed)

    async def check(self, url: str) -> None:
        """Return if `url` may be requested.

        Raises:
            ForbiddenError: "address": it may not.
            FetchError: "unreachable": its name has no address.
        """
        await self.addresses(url)

    async def addresses(self, url: str, *, direct: bool = False) -> tuple[IPAddress, ...]:
        """Return the checked addresses to connect to, none where a proxy connects.

        Args:
            url: of any scheme; only the server that it names is looked at.
            direct: no proxy is used for it, whatever the environment names.

        Raises:
            ForbiddenError, FetchError: as `check`.
        """
        end = self._check_endpoint(url)
        literal = _parse_address(end.host)
        proxied = not direct and (self._proxied or proxy_for(url) is not None)
        if literal is not None:
            found: tuple[IPAddress, ...] = (literal,)
        else:
            found = () if proxied else await self._look_up(url, end.host)
        # Raise unless every address may be connected to.
        # All of them: the connection takes whichever answers first, so one private address among
        # public ones is enough to forbid the host.
        for address in found:
            where = end.host if end.host == str(address) else f"{end.host} ({address})"
            if is_metadata(address):
                raise _metadata_error(url, where)
            if self._is_allowed(end) or any(address in network for network in self._networks):
                continue
            if not is_public(address):
                raise _forbidden(
                    url,
                    Message("{where} is not on the public web", where=where),
                    hint=_ALLOW_HINT,
                )
            if _is_local_name(end.host):
                raise _local_name_error(url, end.host)
        # Behind a proxy nothing shows whether a local name leads into an allowed network.
        if not found and not self._is_allowed(end) and _is_local_name(end.host):
            raise _local_name_error(url, end.host)
        return () if proxied else found

    def _check_endpoint(self, url: str) -> Endpoint:
        """Return the server that `url` names if scheme, name and port are those of the web."""
        end = endpoint_of(url)
        if end is None or end.scheme not in ("http", "https"):
            raise _forbidden(url, Message("only http and https are visited"))
        if not end.host:
            raise _forbidden(url, Message("no host name"))
        if end.has_credentials:
            raise _forbidden(url, Message("an address with a password is not visited"))
        if end.host in METADATA_NAMES:
            raise _metadata_error(url, end.host)
        if self._is_allowed(end):
            return end
        if end.port not in self._allowed_ports:
            raise _forbidden(
                url,
                Message(
                    "port {port} of {host} is not one of the web's", port=end.port, host=end.host
                ),
                hint=_ALLOW_HINT,
            )
        # With allowed networks a local name has to be looked up first: it may lead into one.
        if not self._networks and _is_local_name(end.host):
            raise _local_name_error(url, end.host)
        return end

    def _is_allowed(self, end: Endpoint) -> bool:
        return not self._allowed.isdisjoint({(end.host, None), (end.host, end.port)})

    async def _look_up(self, url: str, host: str) -> tuple[IPAddress, ...]:
        """Return what `host` resolves to, the same for `PIN_S`."""
        looked_up, found = self._pins.get(host, (-PIN_S, ()))
        if self._clock() - looked_up < PIN_S and found:
            return found
        try:
            texts = await self._resolve(host)
        except (OSError, UnicodeError) as error:
            raise _unresolved_error(url, host) from error
        # Without the zone of a link-local address ("fe80::1%eth0"): it is forbidden in any zone.
        found = tuple(ipaddress.ip_address(text.partition("%")[0]) for text in texts)
        if not found:
            raise _unresolved_error(url, host)
        self._pins.pop(host, None)  # to be put at the end: the first one is the oldest
        self._pins[host] = (self._clock(), found)
        if len(self._pins) > MAX_PINS:
            del self._pins[next(iter(self._pins))]
        return found


def _parse_address(host: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_local_name(host: str) -> bool:
    if _parse_address(host) is not None:
        return False
    return "." not in host or any(host == n or host.endswith(f".{n}") for n in LOCAL_NAMES)


def _entry_error(entry: str) -> SettingsError:
    return SettingsError(
        Message("allowed_hosts cannot hold {entry!r}", entry=entry),
        hint=Message("write wiki.corp, wiki.corp:8090, 10.0.0.7 or 10.1.0.0/16"),
    )


def _unresolved_error(url: str, host: str) -> FetchError:
    return FetchError(
        Message("no address is known for {host}", host=host),
        url=url,
        reason="unreachable",
        hint=Message("check the spelling and your connection"),
    )


def _local_name_error(url: str, host: str) -> ForbiddenError:
    return _forbidden(
        url, Message("{host} is a name of the local network", host=host), hint=_ALLOW_HINT
    )


def _metadata_error(url: str, where: str) -> ForbiddenError:
    return _forbidden(
        url,
        Message("{where} is where a cloud keeps its machines' keys", where=where),
        hint=Message("no setting opens it"),
    )


def _forbidden(url: str, message: Message, *, hint: Message = NO_MESSAGE) -> ForbiddenError:
    return ForbiddenError(message, url=url, reason="address", hint=hint)
