"""Refuses requests that no client of ours sends: a foreign Host, and bodies without end."""

import ipaddress
import json
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

from finetune.serve.bodies import error_body

MAX_BODY = 2_000_000
"""Bytes of a request: ten times the longest conversation that fits into a model's context."""

BAD_REQUEST = 400
CONTENT_TOO_LARGE = 413


def is_local_host(host: str, allowed: Collection[str]) -> bool:
    """Return whether the Host header of a request is an address, "localhost" or one of `allowed`.

    A web page can let its own name point to 127.0.0.1 and then read what we answer (DNS
    rebinding). Its name stays in the header; an address never comes from there.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost" or name.endswith(".localhost") or name in allowed:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class RequestGuard:
    """ASGI middleware that checks Host and the size of the body before anything is parsed."""

    def __init__(self, app: Any, *, hosts: Collection[str] = (), max_body: int = MAX_BODY) -> None:
        self._app = app
        self._hosts = hosts
        self._max_body = max_body

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Forward a request that is none of those."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if not is_local_host(headers.get(b"host", ""), self._hosts):
            await _refuse(send, BAD_REQUEST, "this server is asked by address or as localhost")
            return
        length = headers.get(b"content-length", "0")
        too_large = f"a request has at most {self._max_body:,} bytes"
        if not length.isdecimal() or int(length) > self._max_body:
            await _refuse(send, CONTENT_TOO_LARGE, too_large)
            return
        received = 0

        async def receive_bounded() -> Any:
            """Return the next message; a body in chunks ends where it becomes too long."""
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            # The client is gone, as far as the routes can tell: they stop reading.
            return message if received <= self._max_body else {"type": "http.disconnect"}

        await self._app(scope, receive_bounded, send)


async def _refuse(send: Any, status: int, text: str) -> None:
    body = json.dumps(error_body(text, "invalid_request_error")).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
