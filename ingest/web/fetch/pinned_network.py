"""Connections to exactly the addresses that were checked.

A second look-up could give another address (DNS rebinding), so httpcore never looks a name up.
"""

from collections.abc import Awaitable, Callable, Iterable

import httpcore

from ingest.web.ssrf import AddressGuard

MAX_TRIES = 4
"""Addresses of one name that are tried, in the resolver's order (RFC 6724)."""
TRY_S = 2.0
"""Seconds after which the next address is tried; the last gets all that is left."""

Dial = Callable[[str, int, float | None], Awaitable[httpcore.AsyncNetworkStream]]
"""Opens a TCP connection to a literal address and a port, within a number of seconds."""
SocketOption = (
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
)


async def dial_tcp(address: str, port: int, timeout_s: float | None) -> httpcore.AsyncNetworkStream:
    """Connect to a literal `address`. Raises httpcore's ConnectError and ConnectTimeout."""
    return await httpcore.AnyIOBackend().connect_tcp(address, port, timeout=timeout_s)


class PinnedBackend(httpcore.AsyncNetworkBackend):
    """Lets httpcore connect only to addresses that the address rules have checked.

    TLS and the Host header go on using the name.

    Args:
        guard: looks names up and checks their addresses.
        dial: opens the connections.
    """

    def __init__(self, *, guard: AddressGuard, dial: Dial) -> None:
        self._guard = guard
        self._dial = dial

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's name
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first checked address of `host` that answers.

        Raises:
            ForbiddenError, FetchError: the address rules refuse it, or it has no address.
            httpcore.ConnectError, httpcore.ConnectTimeout: none answers.
        """
        name = f"[{host}]" if ":" in host else host
        found = await self._guard.addresses(f"http://{name}:{port}/", direct=True)
        *others, last = found[:MAX_TRIES]
        for address in others:
            # Short for all but the last: a host may announce an IPv6 address that is not routed.
            limit = TRY_S if timeout is None else min(TRY_S, timeout / 2)
            try:
                return await self._dial(str(address), port, limit)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._dial(str(last), port, timeout)

    async def sleep(self, seconds: float) -> None:
        """Wait between httpcore's own retries, of which none are configured."""
        await httpcore.AnyIOBackend().sleep(seconds)
