"""Connections for the gateway: to checked addresses, or through the proxy of the environment.

Speaks HTTP CONNECT (RFC 9110, 9.3.6) and SOCKS5 (RFC 1928, with the passwords of RFC 1929) by
hand, because the gateway needs the bare connection, which no HTTP client gives away.
"""

import asyncio
import base64
import ipaddress
import ssl
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from ingest.web.ssrf import IPAddress

ADDRESS_S = 5.0
"""Seconds for one of several addresses: a host may announce one that does not work from here."""
MAX_HEAD = 64 * 1024
"""Bytes of a start line with its headers. Servers accept 8 to 64 KiB."""
END_OF_HEAD = b"\r\n\r\n"
DEFAULT_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}

SOCKS_VERSION = 5
NO_PASSWORD, PASSWORD = 0, 2
"""Authentication methods (RFC 1928, 3)."""
CONNECT, NAME = 1, 3
"""The command to open a TCP connection, and the address type "domain name" (RFC 1928, 4)."""
SOCKS_ADDRESS_BYTES = {1: 4, 4: 16}
"""Length of an IPv4 and an IPv6 address by address type; a name's length is before it."""
SOCKS_FAILURES = {
    1: "general failure", 2: "not allowed", 3: "network unreachable", 4: "host unreachable",
    5: "connection refused", 6: "too late", 7: "unknown command", 8: "unknown address type",
}  # fmt: skip
"""Reply codes (RFC 1928, 6)."""


class DialError(Exception):
    """There is no connection; the text says why."""


@dataclass(frozen=True, slots=True)
class Link:
    """An open connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    in_full: bool = False
    """Requests name their whole URL: an HTTP proxy reads them (RFC 9112, 3.2.2)."""
    authorization: str = ""
    """The value of Proxy-Authorization for an HTTP proxy, "" for none."""


async def dial(addresses: Sequence[IPAddress], port: int) -> Link:
    """Return a connection to the first of `addresses` that answers, IPv4 before IPv6.

    Raises:
        DialError: none answers.
    """
    reason = "no address"
    for address in sorted(addresses, key=lambda one: one.version):
        try:
            async with asyncio.timeout(ADDRESS_S):
                return Link(*await asyncio.open_connection(str(address), port, limit=MAX_HEAD))
        except TimeoutError:
            reason = f"no answer within {ADDRESS_S:g} s"
        except OSError as error:
            reason = str(error)
    raise DialError(reason)


async def dial_through(proxy: str, host: str, port: int, *, tunnel: bool) -> Link:
    """Return a connection to `host` through `proxy`.

    Args:
        proxy: http://, https:// or socks5:// with host, port and, perhaps, user and password.
        host: the name as it is, which the proxy looks up.
        port: of the host.
        tunnel: False for plain http, which an HTTP proxy reads: the link then ends at the proxy.

    Raises:
        DialError: the proxy does not answer, or does not connect us.
    """
    parts = urlsplit(proxy)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise DialError(f"a proxy of the kind {parts.scheme}:// is not supported")
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    try:
        async with asyncio.timeout(ADDRESS_S):
            reader, writer = await asyncio.open_connection(
                parts.hostname, parts.port or DEFAULT_PORTS[parts.scheme], ssl=tls, limit=MAX_HEAD
            )
    except (OSError, TimeoutError, ValueError) as error:  # ValueError: a port beyond 65,535
        raise DialError(f"the proxy does not answer ({error})") from error
    link = Link(
        reader,
        writer,
        in_full=parts.scheme.startswith("http"),
        authorization=basic_authorization(unquote(parts.username), unquote(parts.password or ""))
        if parts.username
        else "",
    )
    try:
        if parts.scheme.startswith("socks"):
            await _connect_by_socks(link, parts, host, port)
        elif tunnel:
            target = authority(host, port)
            proof = f"Proxy-Authorization: {link.authorization}\r\n" if link.authorization else ""
            request = f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{proof}\r\n"
            writer.write(request.encode("latin-1"))
            status = (await reader.readuntil(END_OF_HEAD)).split(maxsplit=2)[1:2]
            if status != [b"200"]:
                raise DialError(f"the proxy answers {b''.join(status).decode('latin-1')}")
    except (OSError, EOFError, asyncio.LimitOverrunError) as error:
        writer.close()
        raise DialError(f"the proxy hangs up ({error})") from error
    except BaseException:  # a refusal, and a cancelled task: nobody else knows the connection
        writer.close()
        raise
    return link


async def _connect_by_socks(link: Link, parts: SplitResult, host: str, port: int) -> None:
    method = PASSWORD if parts.username else NO_PASSWORD
    link.writer.write(bytes([SOCKS_VERSION, 1, method]))
    chosen = await link.reader.readexactly(2)
    if chosen != bytes([SOCKS_VERSION, method]):
        raise DialError("the proxy wants other credentials")
    if parts.username:
        user, password = unquote(parts.username).encode(), unquote(parts.password or "").encode()
        # RFC 1929, 2: it has a version of its own, 1.
        link.writer.write(b"\x01" + _with_length(user) + _with_length(password))
        if (await link.reader.readexactly(2))[1]:
            raise DialError("the proxy does not know us")
    # The name and not an address, also for socks5://: behind such a proxy, names often resolve
    # at its other end only.
    request = bytes([SOCKS_VERSION, CONNECT, 0, NAME]) + _with_length(host.encode("ascii"))
    link.writer.write(request + struct.pack("!H", port))
    _, code, _, kind = await link.reader.readexactly(4)
    if code:
        raise DialError(f"the proxy answers: {SOCKS_FAILURES.get(code, code)}")
    # The address that the proxy is bound to is unusable, but has to be read to its end.
    length = SOCKS_ADDRESS_BYTES.get(kind) or (await link.reader.readexactly(1))[0]
    await link.reader.readexactly(length + 2)


def _with_length(octets: bytes) -> bytes:
    """Return `octets` after one byte that says how many they are."""
    return bytes([len(octets)]) + octets


def authority(host: str, port: int) -> str:
    """Return "host:port", an IPv6 address in its brackets."""
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return f"{host}:{port}"
    return f"[{host}]:{port}"


def basic_authorization(username: str, password: str) -> str:
    """Return the value of an Authorization or Proxy-Authorization header (RFC 7617)."""
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"
