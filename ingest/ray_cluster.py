"""Reading and embedding on a Ray cluster: workers there, one writer of the index here."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from ingest.documents import PageValidators
from ingest.errors import EmbedError, FetchError, IngestError
from ingest.foundation.concurrency import cancel_and_wait
from ingest.foundation.errors import MissingDependencyError, QiuzhengError
from ingest.foundation.extras import install_command
from ingest.foundation.messages import Message
from ingest.index.embed.base import Embedder, Vector
from ingest.index.embed.delegating import DelegatingEmbedder
from ingest.index.embed.following import current_embedder
from ingest.ray_actors import HostGate, ReadingWorker, gated_access
from ingest.settings import IngestSettings
from ingest.web.tiered_fetcher import Loaded
from ingest.web_bootstrap import WebAccess

MAX_LOSSES = 3
"""Workers that one page may take with it: a page that ends each process must not end them all."""

START_TIMEOUT_S = 120.0
"""Longest wait for a first or a new worker; a busy machine takes ten seconds to start one."""

CONNECT_TIMEOUT_S = 5.0
"""Longest wait for the head of a cluster to answer."""

log = logging.getLogger(__name__)


class ClusterError(QiuzhengError):
    """The cluster cannot be used."""

    code = "cluster"


class _LostItemError(Exception):
    """One call has lost `MAX_LOSSES` workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterReading:
    """What takes the place of the parts that read and embed on this machine."""

    loader: "ClusterLoader"
    embedder: "ClusterEmbedder | None"
    gate: Callable[[WebAccess], WebAccess]
    """Puts requests of this machine under the limits that hold for the workers."""
    workers: int


@asynccontextmanager
async def open_cluster(
    settings: IngestSettings, *, address: str, embedder: Embedder | None
) -> AsyncIterator[ClusterReading]:
    """Connect to a Ray cluster, start a worker for each of its CPUs, and end them afterwards.

    Args:
        settings: What the workers read and embed with.
        address: As `ray.init` takes it ("10.0.0.1:6379", "ray://…"); "auto": the one that
            $RAY_ADDRESS names, else the one that this machine belongs to.
        embedder: The encoder of the index; None: chunks are found by words alone.

    Raises:
        MissingDependencyError: ray is not installed.
        ClusterError: no cluster answers at the address.
    """
    ray = _connect(address)
    workers = max(1, int(ray.cluster_resources().get("CPU", 1)))
    here = ray.get_runtime_context().get_node_id()
    affinity = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(here, soft=True)
    # Beside us, so that it is lost with the driver and not with a worker's machine; and if it is,
    # it is started again, and the requests that wait for it are sent again.
    gate = (
        ray.remote(HostGate)
        .options(num_cpus=0, max_restarts=-1, max_task_retries=-1, scheduling_strategy=affinity)
        .remote(settings)
    )
    worker = ray.remote(ReadingWorker).options(num_cpus=1, scheduling_strategy="SPREAD")
    pool = _WorkerPool(
        start=lambda: worker.remote(settings, gate),
        stop=lambda actor: ray.kill(actor),
        lost=(ray.exceptions.RayActorError, ray.exceptions.WorkerCrashedError),
    )
    try:
        await pool.open(workers)
        yield ClusterReading(
            loader=ClusterLoader(pool),
            embedder=ClusterEmbedder(pool, embedder) if embedder is not None else None,
            gate=lambda web: gated_access(web, gate),
            workers=workers,
        )
    finally:
        await pool.close()
        ray.kill(gate)
        ray.shutdown()


def _connect(address: str) -> Any:
    try:
        import ray
        import ray.util.scheduling_strategies
        from ray._private import worker as driver
    except ImportError as error:
        raise MissingDependencyError(
            Message("a cluster needs an optional dependency that is not installed"),
            hint=Message.verbatim(install_command("ray")),
        ) from error
    try:
        # Ray itself goes on trying for minutes.
        server = urlsplit(address if "://" in address else f"ray://{address}")
        if server.hostname and server.port:
            socket.create_connection((server.hostname, server.port), CONNECT_TIMEOUT_S).close()
        # Never without an address: that would start a cluster, and the head of one tells its
        # vendor that it runs, even where telling is switched off, and asks for cloud metadata.
        ray.init(
            address=address,
            log_to_driver=False,  # its lines would be between ours, and may quote pages
            logging_level=logging.ERROR,
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise ClusterError(
            Message(
                "the cluster at {address} cannot be used ({error})",
                address=address,
                error=str(error).splitlines()[0] if str(error) else type(error).__name__,
            ),
            hint=Message("start one with: ray start --head"),
        ) from error
    # Of a lost worker Ray writes a paragraph to stdout, whatever `log_to_driver` says, between the
    # lines of --json. We say it ourselves, in the log.
    vars(driver)["print_to_stdstream"] = lambda *_, **__: None
    return ray


class _WorkerPool:
    """Workers that may be lost at any time.

    Args:
        start: Starts one and returns its handle.
        stop: Ends one.
        lost: What a call raises whose worker is gone.
    """

    def __init__(
        self,
        *,
        start: Callable[[], Any],
        stop: Callable[[Any], None],
        lost: tuple[type[Exception], ...],
    ) -> None:
        self._start = start
        self._stop = stop
        self._lost = lost
        self._calls: dict[Any, int] = {}
        """Calls under way, by worker."""
        self._starting: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Condition()

    async def open(self, workers: int) -> None:
        """Start workers and return when the first is there; the others join when they are."""
        for _ in range(workers):
            self._replace()
        await self._pick()

    async def call(self, send: Callable[[Any], Awaitable[Any]]) -> Any:
        """Return what `send` gets from the worker that has least to do, from another if it dies.

        Raises:
            _LostItemError: it has taken `MAX_LOSSES` workers with it.
            ClusterError: no worker is left, and none starts.
        """
        for _ in range(MAX_LOSSES):
            worker = await self._pick()
            self._calls[worker] += 1
            try:
                return await send(worker)
            except self._lost as error:
                log.info("a worker is lost, its pages are read by another: %s", error)
                if self._calls.pop(worker, None) is not None:
                    self._replace()
            finally:
                if worker in self._calls:
                    self._calls[worker] -= 1
        raise _LostItemError

    async def close(self) -> None:
        """End all workers."""
        await cancel_and_wait(self._starting)
        for worker in self._calls:
            self._stop(worker)
        self._calls.clear()

    def _replace(self) -> None:
        task = asyncio.create_task(self._add())
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _add(self) -> None:
        worker = self._start()
        try:
            # On a cluster that has lost a machine there may be no free CPU for it until one comes.
            await worker.ready.remote()
        except self._lost as error:
            log.warning("a worker did not start: %s", error)
            return
        except asyncio.CancelledError:
            self._stop(worker)
            raise
        async with self._changed:
            self._calls[worker] = 0
            self._changed.notify_all()

    async def _pick(self) -> Any:
        try:
            async with asyncio.timeout(START_TIMEOUT_S), self._changed:
                await self._changed.wait_for(lambda: bool(self._calls))
        except TimeoutError:
            raise ClusterError(
                Message("no worker of the cluster starts"),
                hint=Message("see ray status; the run goes on when it is started again"),
            ) from None
        return min(self._calls, key=self._calls.__getitem__)


class ClusterLoader:
    """Loads pages as `TieredFetcher` does, on some worker."""

    def __init__(self, pool: _WorkerPool) -> None:
        self._pool = pool

    async def load(self, url: str, *, known: PageValidators | None = None) -> Loaded:
        """Return the page behind `url`.

        Raises:
            IngestError: there is none, or every worker that read it was lost.
            ClusterError: no worker is left.
        """
        try:
            answer = await self._pool.call(lambda worker: worker.load.remote(url, known))
        except _LostItemError:
            raise FetchError(
                Message("reading it has ended {count} {count:?worker|workers}", count=MAX_LOSSES),
                url=url,
                reason="unsupported",
            ) from None
        if isinstance(answer, IngestError):
            raise answer
        return cast("Loaded", answer)


class ClusterEmbedder(DelegatingEmbedder):
    """An `Embedder` whose documents are embedded by workers, and questions here."""

    def __init__(self, pool: _WorkerPool, embedder: Embedder) -> None:
        super().__init__(embedder)
        self._pool = pool

    def preload(self, *, documents: bool = True) -> None:
        """Load nothing: the workers do."""

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """Return one vector per text, in order.

        Raises:
            EmbedError: the encoder cannot answer.
            ClusterError: no worker is left.
        """
        space = current_embedder(self._embedder).space
        try:
            answer = await self._pool.call(lambda worker: worker.embed.remote(list(texts), space))
        except _LostItemError:
            raise EmbedError(
                Message("embedding it has ended {count} {count:?worker|workers}", count=MAX_LOSSES),
                is_of_text=True,
            ) from None
        if isinstance(answer, EmbedError):
            raise answer
        return cast("list[Vector]", answer)

    async def close(self) -> None:
        """Close nothing: encoder and workers have owners of their own."""
