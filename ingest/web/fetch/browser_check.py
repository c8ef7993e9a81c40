"""Whether pages open in the browser: one of our own does, by the way that every page takes."""

import asyncio

from ingest.foundation.messages import Message
from ingest.web.fetch.browser import BrowserFetcher
from ingest.web.fetch.failures import failed
from ingest.web.robots import RobotsPolicy, RobotsReply
from ingest.web.ssrf import AddressGuard

CHECK_S = 15.0
"""For all of it. Chromium starts in 1 to 3 s, on a busy machine in 10."""
MAX_BYTES = 10_000

_MARK = "written by a script"
_PAGE = f"<!doctype html><title>x</title><script>document.write('{_MARK} '.repeat(20))</script>"
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


async def check_browser(executable: str, *, user_agent: str) -> None:
    """Start a Chromium and open a page in it that this process serves on loopback.

    A file that is called chromium is not enough: with version 150 no page opened any more.

    Args:
        executable: path of the Chromium.
        user_agent: its User-Agent.

    Raises:
        FetchError: it does not start, does not show the page, or not within `CHECK_S`.
    """

    async def read_no_robots(_: str) -> RobotsReply:
        """Return that there is no robots.txt: the page is ours."""
        return RobotsReply(status=404)

    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}/"
        fetcher = BrowserFetcher(
            guard=AddressGuard(allowed_hosts=frozenset({f"127.0.0.1:{port}"})),
            robots=RobotsPolicy(agent=user_agent, read=read_no_robots),
            user_agent=user_agent,
            executable=executable,
            timeout_s=CHECK_S,
            max_bytes=MAX_BYTES,
            uses_proxies=False,  # of which none leads to this machine
        )
        try:
            async with asyncio.timeout(CHECK_S):
                page = await fetcher.fetch(url)
        except TimeoutError as error:
            message = Message("no answer within {seconds:g} s", seconds=CHECK_S)
            raise failed(url, "timeout", message) from error
        finally:
            await fetcher.close()
    if f"{_MARK} {_MARK}".encode() not in page.body:
        raise failed(url, "unsupported", Message("scripts do not run"))


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    line = await reader.readline()
    writer.write(
        f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(_PAGE)}\r\n"
        f"Connection: close\r\n\r\n{_PAGE}".encode()
        if line.startswith(b"GET / ")
        else _NOT_FOUND
    )
    writer.close()
