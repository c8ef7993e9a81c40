"""Pages and files on their way into the index, read by the `ingest` command beside the page."""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ingest.foundation.messages import Language, Message

MAX_FAILURES = 200
"""Failures that are listed; there may be thousands."""
MIN_ELAPSED_S = 3.0
"""Seconds after which the speed so far says something of the rest."""
MAX_LINE_BYTES = 4_000_000
"""Bytes of one event: a page of thousands of redirects is one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestFailure:
    """What is not in the index, and why."""

    source: str
    reason: str
    """In the language that the job was started in."""


@dataclass(slots=True, kw_only=True, eq=False)
class IngestJob:
    """One run of `ingest`; it goes on whoever looks."""

    sources: tuple[str, ...]
    stored: int = 0
    unchanged: int = 0
    failures: list[IngestFailure] = field(default_factory=list)
    failed: int = 0
    """All of them; `failures` lists the first ones."""
    last: str = ""
    """What was read last."""
    message: str = ""
    """What the command said at its end, where it could not begin."""
    is_over: bool = False
    _scanned: int = 0
    """Documents that folders, lists, sitemaps and feeds have named."""
    _started: float = field(default_factory=time.monotonic)

    @property
    def total(self) -> int:
        """How many documents there are to read, as far as it is known; 1 at least."""
        return max(len(self.sources), self._scanned, self.stored + self.unchanged + self.failed, 1)

    @property
    def seconds_left(self) -> float:
        """How long the rest will take at the speed so far; 0 where that is not known."""
        settled = self.stored + self.unchanged + self.failed
        elapsed = time.monotonic() - self._started
        # The first document takes as long as it takes to start: it says nothing of the others.
        if settled <= 1 or elapsed < MIN_ELAPSED_S:
            return 0.0
        return elapsed / settled * (self.total - settled)

    async def run(self, *, language: Language, options: Sequence[str] = ()) -> None:
        """Read all sources; what cannot be read is listed, and the rest goes on."""
        self._started = time.monotonic()
        try:
            await self._run(language, options)
        except (OSError, ValueError) as error:  # a list that is too long for a command, or a NUL
            failed = Message("the sources cannot be read: {error}", error=error)
            self.message = failed.localize(language)
        finally:
            self.is_over = True

    async def _run(self, language: Language, options: Sequence[str]) -> None:
        # A process of its own: however strange a document is, the page stays.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ingest", "--json", "--quiet", "--lang", language),
            *(*options, "--", *self.sources),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=MAX_LINE_BYTES,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        errors = asyncio.create_task(process.stderr.read())
        try:
            async for line in process.stdout:
                self.apply_event(json.loads(line))
            await process.wait()
            said = (await errors).decode(errors="replace").strip()
            if process.returncode and not self.failed:
                ended = Message("reading ended early (exit status {code})", code=process.returncode)
                self.message = said or ended.localize(language)
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
            errors.cancel()

    def apply_event(self, event: dict[str, Any]) -> None:
        """Count one event of the command."""
        source = str(event.get("url") or event.get("path") or event.get("source") or "")
        self.last = source or self.last
        match event.get("type"):
            case "page_stored" if event.get("origin") in ("revalidated", "memory"):
                self.unchanged += 1
            case "page_stored":
                self.stored += 1
            case "page_skipped" | "file_left_out" | "source_unusable":
                self.failed += 1
                if len(self.failures) < MAX_FAILURES:
                    reason = str(event.get("detail") or event.get("reason") or "")
                    self.failures.append(IngestFailure(source=source, reason=reason))
            case "source_scanned":
                self._scanned += int(event.get("count") or 0)
            case _:
                pass
