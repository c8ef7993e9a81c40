"""A small internet on one loopback port: a forward proxy that answers instead of forwarding.

    net = Internet()
    net.page("https://example.test/a", "<html>…")       # http and https both answer
    net.route("shop.test", lambda request: Reply(status=301, location="https://www.shop.test/"))
    with net.serve():
        subprocess.run([...], env=net.env())             # any client, nothing patched
    assert net.hits("example.test") == ["/robots.txt", "/a"]
    assert net.refused == []                             # nobody asked for anything else

A host that is not here gets 502 (a page) or a refused CONNECT (a tunnel) and is written down in
`refused`: nothing leaves the machine, and a library that phones home is caught.
"""

import os
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import trustme

from tests.internet.messages import (
    MISSING,
    NO_SUCH_HOST,
    Drip,
    Reply,
    Request,
    authority,
    bare,
)
from tests.internet.server import Server

__all__ = ["Drip", "Internet", "Reply", "Request"]

Handler = Callable[[Request], Reply | None]
"""Answers a request; None leaves it to the pages of that host."""


class Internet:
    """All the sites there are, and who asked for what."""

    def __init__(self) -> None:
        self.latency = 0.0
        """Seconds added to every answer, and to every CONNECT."""
        self.hold: Callable[[Request], object] | None = None
        """Called before each answer: a test waits in it until it has seen what it looks for."""
        self.log: list[Request] = []
        self.refused: list[str] = []
        """URLs ("http://…") and tunnels ("host:443") that were asked for and are not here."""
        self.stopping = threading.Event()
        self._handlers: dict[str, Handler] = {}
        self._pages: dict[str, dict[str, Reply]] = {}
        self._authority = trustme.CA()
        self._strangers: dict[str, trustme.CA] = {}
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._port: int | None = None

    # What is on it

    def page(self, url: str, body: bytes | str | Reply = b"", **options: Any) -> None:
        """Put a page at `url`, for http and https alike. `options` are the fields of `Reply`.

        A page at "/a" also answers "/a?x=1" unless that has a page of its own.
        """
        reply = replace(body, **options) if isinstance(body, Reply) else Reply(body=body, **options)
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._pages.setdefault(authority(parts.netloc), {})[path] = reply

    def robots(self, host: str, text: str, **options: Any) -> None:
        """Give `host` a robots.txt."""
        self.page(f"https://{host}/robots.txt", text, content_type="text/plain", **options)

    def route(self, host: str, handler: Handler) -> None:
        """Let `handler` answer for `host`; where it returns None, the pages of the host do."""
        self._handlers[host] = handler

    def foreign_certificate(self, host: str) -> None:
        """Give `host` a certificate from an authority that nobody trusts."""
        self._strangers[host] = trustme.CA()

    @property
    def hosts(self) -> list[str]:
        """Every host there is, first made first."""
        return list(dict.fromkeys([*self._pages, *self._handlers]))

    def knows(self, host: str) -> bool:
        return host in self._handlers or host in self._pages

    # What happened on it

    def hits(self, host: str | None = None) -> list[str]:
        """Return the paths asked for at `host`, or the URLs asked for anywhere, in order."""
        if host is None:
            return [request.url for request in self.log]
        return [request.path for request in self.log if request.host == host]

    def clear(self) -> None:
        """Forget what happened; the pages stay."""
        self.log.clear()
        self.refused.clear()

    # How to reach it

    @property
    def port(self) -> int:
        assert self._port is not None, "serve() it first"
        return self._port

    @property
    def proxy(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ca_pem(self) -> str:
        """Path of the authority's certificate: what a client has to trust."""
        assert self._folder is not None, "serve() it first"
        return str(self._folder / "ca.pem")

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables that lead a client here."""
        proxies = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "DDGS_PROXY")
        own = "127.0.0.1,localhost"
        return dict.fromkeys(proxies, self.proxy) | {
            "SSL_CERT_FILE": self.ca_pem,
            "NO_PROXY": own,
            "no_proxy": own,
        }

    def env(self, **extra: str) -> dict[str, str]:
        """Return the environment for a subprocess whose internet is this one."""
        return dict(os.environ) | self.variables | extra

    @contextmanager
    def serve(self, port: int = 0) -> Iterator["Internet"]:
        """Answer on a loopback port (0: any free one) until the block ends."""
        self.stopping.clear()
        with tempfile.TemporaryDirectory(prefix="internet-") as folder:
            self._folder = Path(folder)
            self._authority.cert_pem.write_to_path(self.ca_pem)
            server = Server(self, port)
            self._port = server.server_address[1]
            listener = threading.Thread(
                target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
            )
            listener.start()
            try:
                yield self
            finally:
                self.stopping.set()
                server.stop()
                listener.join()
                self._folder = self._port = None

    # For the server

    def answer(self, request: Request) -> Reply:
        """Write the request down and return what its site answers."""
        if not self.knows(request.host):
            self.refused.append(request.url)
            return NO_SUCH_HOST
        self.log.append(request)
        handler = self._handlers.get(request.host)
        reply = handler(request) if handler else None
        pages = self._pages.get(request.host, {})
        return reply or pages.get(request.path) or pages.get(bare(request.path)) or MISSING

    def certificate(self, host: str) -> ssl.SSLContext:
        """Return a server context for `host`. The root is sent along, so that it can be pinned."""
        name = host.partition(":")[0]
        with self._lock:
            context = self._contexts.get(name)
            if context is None:
                root = self._strangers.get(host, self._authority)
                context = server_context(root, name)
                self._contexts[name] = context
        return context


def server_context(root: trustme.CA, name: str) -> ssl.SSLContext:
    """Return a context that proves to be `name` by a fresh certificate from `root`."""
    leaf = root.issue_cert(name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    with tempfile.NamedTemporaryFile(suffix=".pem") as bundle:
        blobs = [leaf.private_key_pem, *leaf.cert_chain_pems, root.cert_pem]
        bundle.write(b"".join(blob.bytes() for blob in blobs))
        bundle.flush()
        context.load_cert_chain(bundle.name)
    return context
