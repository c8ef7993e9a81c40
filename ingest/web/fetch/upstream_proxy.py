"""Connections for the gateway: to checked addresses, or through the proxy of the environment.

HTTP proxies (RFC 9110, 9.3.6) and SOCKS5 (RFC 1928, with the passwords of RFC 1929) are spoken
here, because a browser's connection has to end up where our rules have said that it may.
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
"""Bytes of a request line or status line with its headers. Servers accept 8 to 64 KiB."""
END_OF_HEAD = b"\r\n\r\n"
DEFAULT_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}

SOCKS_VERSION = 5
NO_PASSWORD, PASSWORD = 0, 2  # RFC 1928, 3
CONNECT, NAME = 1, 3  # RFC 1928, 4
SOCKS_ADDRESS_BYTES = {1: 4, 4: 16}
SOCKS_FAILURES = {
    1: "general failure", 2: "not allowed", 3: "network unreachable", 4: "host unreachable",
    5: "connection refused", 6: "too late", 7: "unknown command", 8: "unknown address type",
}  # fmt: skip
"""RFC 1928, 6."""


class DialError(Exception):
    """There is no connection; the text says why."""


@dataclass(frozen=True, slots=True)
class Link:
    """An open connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    in_full: bool = False
    """Requests have to name their whole URL: an HTTP proxy reads them (RFC 9112, 3.2.2)."""
    authorization: str = ""
    """What an HTTP proxy wants to see in Proxy-Authorization, "" for nothing."""


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
        host: the name as it is: it is the proxy that looks it up.
        port: of the host.
        tunnel: False for plain http, which an HTTP proxy gets to read: the link is to the proxy.

    Raises:
        DialError: the proxy does not answer, or does not let us through.
    """
    gate = urlsplit(proxy)
    if gate.scheme not in DEFAULT_PORTS or not gate.hostname:
        raise DialError(f"a proxy of the kind {gate.scheme}:// is not supported")
    try:
        link = await _knock(gate)
    except (OSError, TimeoutError, ValueError) as error:
        raise DialError(f"the proxy does not answer ({error})") from error
    try:
        if gate.scheme.startswith("socks"):
            await _ask_socks(link, gate, host, port)
        elif tunnel:
            await _ask_http(link, host, port)
    except (OSError, EOFError, asyncio.LimitOverrunError) as error:
        link.writer.close()
        raise DialError(f"the proxy hangs up ({error})") from error
    except BaseException:
        link.writer.close()
        raise
    return link


async def _knock(gate: SplitResult) -> Link:
    tls = ssl.create_default_context() if gate.scheme == "https" else None
    async with asyncio.timeout(ADDRESS_S):
        reader, writer = await asyncio.open_connection(
            gate.hostname, gate.port or DEFAULT_PORTS[gate.scheme], ssl=tls, limit=MAX_HEAD
        )
    authorization = ""
    if gate.username:
        pair = f"{unquote(gate.username)}:{unquote(gate.password or '')}".encode()
        authorization = f"Basic {base64.b64encode(pair).decode()}"
    in_full = gate.scheme.startswith("http")
    return Link(reader, writer, in_full=in_full, authorization=authorization)


async def _ask_http(link: Link, host: str, port: int) -> None:
    target = authority(host, port)
    credentials = f"Proxy-Authorization: {link.authorization}\r\n" if link.authorization else ""
    link.writer.write(
        f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{credentials}\r\n".encode("latin-1")
    )
    head = await link.reader.readuntil(END_OF_HEAD)
    status = head.split(maxsplit=2)[1:2]
    if status != [b"200"]:
        raise DialError(f"the proxy answers {b''.join(status).decode('latin-1')}")


async def _ask_socks(link: Link, gate: SplitResult, host: str, port: int) -> None:
    method = PASSWORD if gate.username else NO_PASSWORD
    link.writer.write(bytes([SOCKS_VERSION, 1, method]))
    chosen = await link.reader.readexactly(2)
    if chosen != bytes([SOCKS_VERSION, method]):
        raise DialError("the proxy wants other credentials")
    if gate.username:
        user, password = unquote(gate.username).encode(), unquote(gate.password or "").encode()
        link.writer.write(b"\x01" + _counted(user) + _counted(password))  # RFC 1929, 2
        if (await link.reader.readexactly(2))[1]:
            raise DialError("the proxy does not know us")
    request = bytes([SOCKS_VERSION, CONNECT, 0, NAME]) + _counted(host.encode("ascii"))
    link.writer.write(request + struct.pack("!H", port))
    _, code, _, kind = await link.reader.readexactly(4)
    if code:
        raise DialError(f"the proxy answers: {SOCKS_FAILURES.get(code, code)}")
    length = SOCKS_ADDRESS_BYTES.get(kind) or (await link.reader.readexactly(1))[0]
    await link.reader.readexactly(length + 2)


def _counted(octets: bytes) -> bytes:
    return bytes([len(octets)]) + octets


def authority(host: str, port: int) -> str:
    """Return "host:port", an IPv6 address in its brackets."""
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return f"{host}:{port}"
    return f"[{host}]:{port}"
