"""Metrics for Prometheus: requests, errors, seconds, tokens. Never a text."""

import time
from collections.abc import Callable, Collection
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from finetune.serve.engine import GenerationResult

BUCKETS_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
"""Upper bounds of the histogram: a token takes about 0.1 s on a CPU, a long thought minutes."""

SERVER_ERROR = 500


class Metrics:
    """The metrics of one app."""

    def __init__(self, waiting: Callable[[], int]) -> None:
        """`waiting` returns how many requests are active or wait."""
        # Not the global registry: two apps in one process would share their counters.
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
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        self._tokens = Counter(f"{name}_tokens", "Tokens", ("kind",), registry=self.registry)
        gauge = Gauge(
            f"{name}_waiting", "Requests being answered or waiting", registry=self.registry
        )
        # Asked at each scrape, so that it cannot drift from the queue.
        gauge.set_function(waiting)

    def count_request(self, path: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(path=path, status=str(status)).inc()
        self._seconds.labels(path=path).observe(seconds)
        if status >= SERVER_ERROR:
            self._errors.labels(path=path).inc()

    def count_reply(self, result: GenerationResult) -> None:
        """Count the tokens of one reply."""
        self._tokens.labels(kind="prompt").inc(result.prompt_tokens)
        self._tokens.labels(kind="reply").inc(result.reply_tokens)


class MetricsMiddleware:
    """ASGI middleware that counts requests.

    Paths other than `paths` are counted as "other".
    """

    def __init__(self, app: Any, *, metrics: Metrics, paths: Collection[str]) -> None:
        self._app = app
        self._metrics = metrics
        self._paths = paths

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Forward a request, and count it when its last byte is sent."""
        # Plain ASGI, not Starlette's BaseHTTPMiddleware: that wraps `receive`, from which routes
        # learn of a disconnect.
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = SERVER_ERROR  # if the app fails before it responds

        async def remember_status(message: Any) -> None:
            """Forward a message, and remember the status of the response."""
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, remember_status)
        finally:
            # Labels from requests would let any client create time series without end.
            path = scope["path"] if scope["path"] in self._paths else "other"
            self._metrics.count_request(path, status, time.perf_counter() - begun)
