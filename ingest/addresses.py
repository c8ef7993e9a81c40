"""Which addresses may be visited: the public web, never the machine or the network around us.

A page, a redirect or a search result may name any address, so every hop is checked: the host as
a browser reads it (WHATWG), what it resolves to, and every IPv4 address that hides in an IPv6
one. `AddressGuard.addresses` returns what was checked, so that a connection can be pinned to it.
"""

import asyncio
import ipaddress
import socket
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

from ingest.errors import FetchError, ForbiddenError
from ingest.urls import host_of
from ingest.wording import Wording

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str], Awaitable[Sequence[str]]]

LOCAL_NAMES = (
    "localhost",  # RFC 6761, 6.3
    "localdomain",
    "local",  # RFC 6762: multicast DNS
    "internal",  # reserved for private use by ICANN, 2024; metadata.google.internal
    "intranet", "private", "corp", "home", "lan",  # RFC 6762, appendix G
    "home.arpa",  # RFC 8375
    "metadata.tencentyun.com",
)  # fmt: skip
"""Names that never mean the public web, nor do those below them. Names without a dot are refused
too: ICANN has none on the public web (SSAC 053), so they mean the network around us."""

NEVER_PUBLIC: tuple[IPNetwork, ...] = tuple(
    ipaddress.ip_network(network)
    for network in (
        # Also what `is_global` of some Python 3.11 releases lets through:
        "0.0.0.0/8",  # RFC 791: this network
        "100.64.0.0/10",  # RFC 6598: shared by carriers; 100.100.100.200 is Alibaba's metadata
        "192.0.0.0/24",  # RFC 6890: protocol assignments; 192.0.0.192 is Oracle's metadata
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


async def system_resolver(host: str) -> Sequence[str]:
    """Return every address that the system knows for `host`. Raises `OSError` if it has none."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def proxy_for(url: str) -> str | None:
    """Return the proxy that HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY name for `url`."""
    proxies = urllib.request.getproxies()
    proxy = proxies.get(urlsplit(url).scheme) or proxies.get("all")
    if not proxy or urllib.request.proxy_bypass(host_of(url)):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def is_public(address: IPAddress) -> bool:
    """Return whether `address`, and the IPv4 address inside it, belong to the public web."""
    if isinstance(address, ipaddress.IPv6Address):
        carried = _carried_ipv4(address)
        if carried is not None:
            return is_public(carried)
        if (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP and not is_public(_last_32_bits(address)):
            return False
    # Teredo (RFC 4380) and IPv4-compatible addresses (RFC 4291, 2.5.5.1) are not global either.
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in NEVER_PUBLIC)
    )


def _carried_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that a translator or tunnel would connect to in its place."""
    if any(address in network for network in _LAST_32_BITS):
        return _last_32_bits(address)
    return address.sixtofour  # RFC 3056, 2


def _last_32_bits(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)


class AddressGuard:
    """Says which URLs may be visited.

    Args:
        allowed_hosts: names and literal addresses of the user's own network that may be read,
            each exactly as it stands in the URL.
        proxied: every request goes through a proxy. Without it the environment decides, URL by
            URL. Behind a proxy it is the proxy that resolves names, so we look none up: the
            rules for names and literal addresses hold, the rest is the proxy's.
        resolve: turns a name into addresses.
    """

    def __init__(
        self,
        *,
        allowed_hosts: frozenset[str] = frozenset(),
        proxied: bool = False,
        resolve: Resolver = system_resolver,
    ) -> None:
        self._allowed_hosts = frozenset(
            host_of(f"http://{f'[{host}]' if host.count(':') > 1 else host}")
            for host in (host.strip("[]") for host in allowed_hosts)
        )
        self._proxied = proxied
        self._resolve = resolve

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """The hosts of the user's own network that are open, as URLs spell them."""
        return self._allowed_hosts

    async def check(self, url: str) -> None:
        """Return if `url` may be visited.

        Raises:
            ForbiddenError: "address": it may not.
            FetchError: "unreachable": its name has no address.
        """
        await self.addresses(url)

    async def addresses(self, url: str) -> tuple[IPAddress, ...]:
        """Return the checked addresses to connect to, none where that is not ours to say."""
        if urlsplit(url).scheme.lower() not in {"http", "https"}:
            raise _forbidden(url, "only http and https are visited", "只访问 http 和 https")
        host = host_of(url)
        if not host:
            raise _forbidden(url, "no host name", "缺少主机名")
        if host in self._allowed_hosts:
            return ()
        literal = _literal(host)
        if literal is not None:
            _check_public(url, host, [literal])
            return (literal,)
        if "." not in host or any(host == n or host.endswith(f".{n}") for n in LOCAL_NAMES):
            raise _forbidden(
                url, f"{host} is a name of the local network", f"{host} 是本地网络的名称"
            )
        if self._proxied or proxy_for(url):
            return ()
        return await self._lookup(url, host)

    async def _lookup(self, url: str, host: str) -> tuple[IPAddress, ...]:
        try:
            texts = await self._resolve(host)
        except (OSError, UnicodeError) as error:
            raise FetchError(
                Wording(f"no address is known for {host}", f"找不到 {host} 的地址"),
                url=url,
                reason="unreachable",
                hint=Wording("check the spelling and your connection", "请检查网址拼写和网络连接"),
            ) from error
        found = [ipaddress.ip_address(text.partition("%")[0]) for text in texts]
        _check_public(url, host, found)
        return tuple(found)


def _literal(host: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _check_public(url: str, host: str, found: Sequence[IPAddress]) -> None:
    """One private address among public ones is enough to refuse: we do not choose who answers."""
    for address in found:
        if not is_public(address):
            where = host if host == str(address) else f"{host} ({address})"
            raise _forbidden(url, f"{where} is not on the public web", f"{where} 不在公共互联网上")


def _forbidden(url: str, en: str, zh: str) -> ForbiddenError:
    return ForbiddenError(
        Wording(en, zh),
        url=url,
        reason="address",
        hint=Wording(
            "if it is yours to read, add its host to allowed_hosts in assistant.toml",
            "如果确需读取自己的网络，请把主机名加入 assistant.toml 的 allowed_hosts",
        ),
    )
