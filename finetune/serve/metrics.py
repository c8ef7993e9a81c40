"""What Prometheus is told: requests, errors, seconds, tokens. Never a text."""

import time
from collections.abc import Callable, Collection
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from finetune.serve.engine import Ended

SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
"""Upper bounds of the histogram: a token takes about 0.1 s on a CPU, a long thought minutes."""

SERVER_ERROR = 500


class Metrics:
    """Figures of one app, in a registry of their own, so that two apps never mix."""

    def __init__(self, waiting: Callable[[], int]) -> None:
        """`waiting` tells how many requests are at the desk."""
        self.registry = CollectorRegistry()
        name = "finetune_serve"
        both = ("path", "status")
        self._requests = Counter(f"{name}_requests", "Requests", both, registry=self.registry)
        self._errors = Counter(
            f"{name}_errors", "Replies of 5xx", ("path",), registry=self.registry
        )
        self._seconds = Histogram(
            f"{name}_seconds",
            "Seconds to the last byte",
            ("path",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self._tokens = Counter(f"{name}_tokens", "Tokens", ("kind",), registry=self.registry)
        gauge = Gauge(
            f"{name}_waiting", "Requests being answered or waiting", registry=self.registry
        )
        gauge.set_function(waiting)

    def request(self, path: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(path=path, status=str(status)).inc()
        self._seconds.labels(path=path).observe(seconds)
        if status >= SERVER_ERROR:
            self._errors.labels(path=path).inc()

    def reply(self, ended: Ended) -> None:
        """Count the tokens of one reply."""
        self._tokens.labels(kind="prompt").inc(ended.prompt_tokens)
        self._tokens.labels(kind="reply").inc(ended.reply_tokens)


class Measured:
    """An ASGI app whose requests are counted. Paths nobody serves are one: "other"."""

    def __init__(self, app: Any, *, metrics: Metrics, paths: Collection[str]) -> None:
        self._app = app
        self._metrics = metrics
        self._paths = paths

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Forward a request, and count it when its last byte is out."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = SERVER_ERROR  # of an app that dies before it answers

        async def counted(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, counted)
        finally:
            path = scope["path"] if scope["path"] in self._paths else "other"
            self._metrics.request(path, status, time.perf_counter() - begun)
