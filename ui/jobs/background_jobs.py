"""What the server does beside answering: pull a model, read documents, take documents out.

A job belongs to the server and not to a tab: it goes on whoever looks.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from assistant.bootstrap import PROBE_TIMEOUT_S, ollama_at
from assistant.settings import Settings, load_settings
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Language
from ingest.library import open_library
from ingest.model_servers.ollama import ModelDetails
from ui.bridge import EventLoopThread
from ui.jobs.ingest_batch import IngestBatch
from ui.jobs.ingest_job import IngestJob
from ui.jobs.model_pull import MissingModel, ModelPull, find_missing_model
from ui.jobs.removal import DocumentRemoval

PROBE_AGAIN_S = 10.0
"""Seconds after which the model server is asked again that had no model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _WaitingIngest:
    """A job that begins when the one before has ended."""

    job: IngestJob
    language: Language


class BackgroundJobs:
    """The jobs of one server, in its event loop."""

    def __init__(self, loop: EventLoopThread) -> None:
        self._loop = loop
        self._is_closing = False
        self.pull: ModelPull | None = None
        """The model that is being pulled, or was last."""
        self.ingest: IngestJob | None = None
        """What is being read into the index, or was last."""
        self.batch = IngestBatch()
        """That with those before and after it that are read in one go."""
        self.removal: DocumentRemoval | None = None
        """What is being taken out of the index, or was last."""
        self.collections: tuple[str, ...] = ()
        """Names of the index's collections, as last seen."""
        self._waiting: list[_WaitingIngest] = []
        self._pulling: asyncio.Task[None] | None = None
        self._probing: asyncio.Task[None] | None = None
        """The probe whose answer counts."""
        self._probes: set[asyncio.Task[None]] = set()
        """All that have not ended, those that were forgotten among them."""
        self._missing: MissingModel | None = None
        self._probed_at = 0.0
        self._ingesting: asyncio.Task[None] | None = None
        self._removing: asyncio.Task[None] | None = None
        self._listing: asyncio.Task[None] | None = None

    @property
    def knows_model(self) -> bool:
        """Whether `missing_model` has its answer."""
        return self._probing is not None and self._probing.done()

    @property
    def missing_model(self) -> MissingModel | None:
        """What the first page says where no model answers; None where one does, or is not known.

        The server is asked in the background: it may take seconds to say no. It is asked again
        after a while as long as no model answers: whoever reads that may well start one.
        """
        is_old = self._missing is not None and time.monotonic() - self._probed_at > PROBE_AGAIN_S
        if not self._is_closing and (self._probing is None or (is_old and self._probing.done())):
            self._probed_at = time.monotonic()
            self._loop.call(self._start_probe())
        return self._missing

    def forget_model(self) -> None:
        """Look again whether a model is there: the settings have changed."""
        self._probing = self._missing = None

    async def _start_probe(self) -> None:
        async def probe() -> None:
            missing = await find_missing_model()
            # One that began before the settings changed answers for those before.
            if self._probing is asyncio.current_task():
                self._missing = missing

        self._probing = task = asyncio.create_task(probe())
        self._probes.add(task)
        task.add_done_callback(self._probes.discard)

    def installed_models(self, settings: Settings) -> list[str]:
        """Return the names of the models that Ollama has.

        Raises:
            ModelError: it does not answer.
        """

        async def ask_server() -> list[str]:
            server = ollama_at(settings.model, timeout_s=PROBE_TIMEOUT_S)
            try:
                return sorted(await server.installed())
            finally:
                await server.close()

        return self._loop.call(ask_server())

    def model_details(self, settings: Settings, name: str) -> ModelDetails:
        """Return what Ollama knows of one of its models.

        Raises:
            ModelError: it does not answer, or has no such model.
        """

        async def ask_server() -> ModelDetails:
            server = ollama_at(settings.model, timeout_s=PROBE_TIMEOUT_S)
            try:
                return await server.details(name)
            finally:
                await server.close()

        return self._loop.call(ask_server())

    def start_pull(self, settings: Settings, name: str) -> None:
        """Begin to pull a model; `pull` tells how far it is. One at a time."""
        if self.pull is not None and not self.pull.is_over:
            return
        self.pull = pull = ModelPull(name=name)

        async def pull_and_look() -> None:
            await pull.run(settings.model)
            self.forget_model()

        async def start() -> None:
            self._pulling = asyncio.create_task(pull_and_look())

        self._loop.call(start())

    @property
    def waiting_ingests(self) -> int:
        """How many jobs wait for the one that `ingest` tells of."""
        return len(self._waiting)

    def start_ingest(self, *jobs: IngestJob, language: Language) -> None:
        """Read what jobs name, after those that were given before; `batch` tells how far."""
        self._loop.call(self._start_ingest(jobs, language))

    async def _start_ingest(self, jobs: Sequence[IngestJob], language: Language) -> None:
        if self.batch.is_over:
            self.batch = IngestBatch()
        self.batch.jobs.extend(jobs)
        self._waiting.extend(_WaitingIngest(job=job, language=language) for job in jobs)
        if self._waiting and (self._ingesting is None or self._ingesting.done()):
            # At once, and not when its task begins: whoever draws next is to see it.
            self.ingest = self._waiting[0].job
            self._ingesting = asyncio.create_task(self._read_all())

    async def _read_all(self) -> None:
        while self._waiting:
            # One after the other: two writers would wait for each other's transactions.
            following = self._waiting.pop(0)
            self.ingest = following.job
            await following.job.run(language=following.language)
            if not self._waiting:
                # Meanwhile another may come: this task has not ended, and is to read it.
                await self._list_collections()

    def look_for_collections(self) -> None:
        """Find out in the background which collections there are; once."""

        async def start() -> None:
            if self._listing is None:
                self._listing = asyncio.create_task(self._list_collections())

        self._loop.call(start())

    async def _list_collections(self) -> None:
        # Whatever is wrong with the index, answers and the library say it better.
        with suppress(QiuzhengError):
            settings = await asyncio.to_thread(load_settings)
            # Looking at an index must not be what creates it.
            if not settings.index.path.exists():
                return
            async with open_library(settings) as library:
                self.collections = tuple((await library.statistics()).collections)

    def start_removal(self, settings: Settings, urls: Sequence[str]) -> None:
        """Take documents out of the index after `UNDO_S` seconds; those before them at once."""

        async def start() -> None:
            await self.finish_removal()
            self.removal = removal = DocumentRemoval(settings=settings, urls=tuple(urls))
            self._removing = asyncio.create_task(removal.run())

        self._loop.call(start())

    def undo_removal(self) -> None:
        """Leave the documents that were to be removed where they are."""

        async def undo() -> None:
            if self.removal is not None:
                self.removal.undo()

        self._loop.call(undo())

    async def finish_removal(self) -> None:
        """Remove now what waits for it: no answer may quote what a reader has let go of."""
        if self.removal is not None and self._removing is not None:
            self.removal.hurry()
            await asyncio.wait([self._removing])

    async def close(self) -> None:
        """End all jobs; what was to be removed is."""
        self._is_closing = True
        self._waiting.clear()
        begun = (self._pulling, self._ingesting, self._listing, *self._probes)
        tasks = [task for task in begun if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self.finish_removal()
