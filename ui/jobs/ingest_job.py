"""Pages and files on their way into the index, read by the `ingest` command beside the page."""

import asyncio
import json
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingest.bulk.sources import is_here, looks_like_address
from ingest.foundation.messages import Language, Message
from ingest.local_files import path_of_url
from ingest.report import REASONS

MAX_FAILURES = 200
"""Failures that are listed; there may be thousands."""
MIN_ELAPSED_S = 3.0
"""Seconds after which the speed so far says something of the rest."""
MAX_LINE_BYTES = 4_000_000
"""Bytes of one event: a page of thousands of redirects is one line."""
NOT_WANTED: frozenset[str] = frozenset(
    {"hidden", "ignored", "system", "excluded", "link_folder", "link_inside", "special", "empty"}
)
"""Reasons for which what lies in a folder or an archive is none of its documents: it is no failure
that a Mac's "__MACOSX" is not read."""

_FILE_REASONS: dict[str, Message] = {
    "no_reader": Message("nothing here reads files of this kind"),
    "link_outside": Message("a link that leads out of the folder"),
    "link_broken": Message("a link that leads to nothing"),
    "unreadable": Message("it may not be opened"),
    "encrypted": Message("protected by a password: unpack it yourself, and add its files"),
    # The command line has an option for each.
    "archive": Message("an archive in a folder: add it by itself"),
    "picture": Message("a picture in a folder: add it by itself"),
    "unsafe_name": Message("its name leads out of the archive"),
    "beyond_bounds": Message("too large, too many or too deep in the archive"),
    "broken_off": Message("the archive is damaged before this file"),
}
"""Why a file of a folder or an archive could not be read."""
_PAGE_REASONS: dict[str, Message] = {str(reason): text for reason, text in REASONS.items()}


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
    options: tuple[str, ...] = ()
    """What the command is given beside the sources."""
    stored: int = 0
    unchanged: int = 0
    failures: list[IngestFailure] = field(default_factory=list)
    failed: int = 0
    """All of them; `failures` lists the first ones."""
    blank: int = 0
    """Files with nothing in them to read, which are no failures."""
    last_blank: str = ""
    """What was said of the last one of them."""
    last: str = ""
    """What was read last."""
    message: str = ""
    """What the command said at its end, where it could not begin."""
    is_over: bool = False
    _scanned: int = 0
    """Documents that folders, lists, sitemaps and feeds have named."""
    _started: float = field(default_factory=time.monotonic)
    _language: Language = "en"
    """Language of the reasons."""

    @property
    def total(self) -> int:
        """How many documents there are to read, as far as it is known; 1 at least."""
        return max(len(self.sources), self._scanned, self.settled, 1)

    @property
    def settled(self) -> int:
        """How many of them have come to an end, whichever."""
        return self.stored + self.unchanged + self.blank + self.failed

    @property
    def seconds_left(self) -> float:
        """How long the rest will take at the speed so far; 0 where that is not known."""
        elapsed = time.monotonic() - self._started
        # The first document takes as long as it takes to start: it says nothing of the others.
        if self.settled <= 1 or elapsed < MIN_ELAPSED_S:
            return 0.0
        return elapsed / self.settled * (self.total - self.settled)

    def again(self) -> list["IngestJob"]:
        """Return jobs that read what could not be read once more, as it was to be read."""
        sources = [failure.source for failure in self.failures if failure.source]
        return jobs_for(sources, options=self.options)

    async def run(self, *, language: Language) -> None:
        """Read all sources; what cannot be read is listed, and the rest goes on."""
        self._started, self._language = time.monotonic(), language
        # For the command one name that means nothing is a slip of the keyboard, and it does nothing
        # at all; here it may stand between addresses that are pasted from somewhere.
        nothing = Message("it is neither an address nor a file here; addresses begin with https://")
        sources = [source for source in self.sources if _means_something(source)]
        for source in self.sources:
            if source not in sources:
                self._note_failure(source, nothing.localize(language))
        try:
            if sources:
                await self._run(sources, language)
        except (OSError, ValueError) as error:  # a list that is too long for a command, or a NUL
            failed = Message("the sources cannot be read: {error}", error=error)
            self.message = failed.localize(language)
        finally:
            self.is_over = True

    async def _run(self, sources: Sequence[str], language: Language) -> None:
        # A process of its own: however strange a document is, the page stays.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ingest", "--json", "--quiet", "--lang", language),
            *(*self.options, "--", *sources),
            stdin=asyncio.subprocess.DEVNULL,
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
            stderr_text = (await errors).decode(errors="replace").strip()
            if process.returncode and not self.failed:
                ended = Message("reading ended early (exit status {code})", code=process.returncode)
                self.message = stderr_text or ended.localize(language)
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
            errors.cancel()

    def apply_event(self, event: dict[str, Any]) -> None:
        """Count one event of the command."""
        source = str(event.get("url") or event.get("path") or event.get("source") or "")
        if source.startswith("/"):
            source = Path(source).as_uri()  # as documents are named
        self.last = source or self.last
        match event.get("type"):
            case "page_stored" if event.get("origin") in ("revalidated", "memory"):
                self.unchanged += 1
            case "page_stored":
                self.stored += 1
            # To the command such a file is no failure either, and to read it once more is in vain.
            case "page_skipped" if event.get("reason") == "blank":
                self.blank += 1
                self.last_blank = str(event.get("detail") or event.get("reason"))
            case "file_left_out" if event.get("reason") in NOT_WANTED:
                pass
            case "page_skipped" | "file_left_out" | "source_unusable":
                is_file = event.get("type") == "file_left_out"
                code = str(event.get("reason") or "")
                reason = (_FILE_REASONS if is_file else _PAGE_REASONS).get(code)
                named = reason.localize(self._language) if reason else code
                self._note_failure(source, str(event.get("detail") or named))
            case "source_scanned":
                self._scanned += int(event.get("count") or 0)
            case _:
                pass

    def _note_failure(self, source: str, reason: str) -> None:
        self.failed += 1
        if len(self.failures) < MAX_FAILURES:
            self.failures.append(IngestFailure(source=source, reason=reason))


def _means_something(source: str) -> bool:
    """Whether the command can begin with a source: an address, or a file or folder that is here."""
    if source == "-":  # the command's own input, which is nobody's
        return False
    return "://" in source or looks_like_address(source) or is_here(Path(source))


def jobs_for(urls: Iterable[str], *, options: tuple[str, ...]) -> list[IngestJob]:
    """Return the jobs that read documents by the names that they have in the index; none for none.

    A file is handed over by its path, also one within an archive: that alone is read, and what was
    taken out of the index beside it does not come back.

    Args:
        urls: Addresses, file:// URLs or paths.
        options: Of each job.
    """
    sources = tuple(str(path_of_url(url) or url) for url in urls)
    return [IngestJob(sources=sources, options=options)] if sources else []
