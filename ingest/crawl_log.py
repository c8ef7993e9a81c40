"""The crawl log (`--ledger`): one line of JSON for each page, as proof of what was requested.

    {"time": "2026-11-21T05:20:55.000+00:00", "url": "https://a.test/x", "skipped": "robots",
     "robots": "robots.txt line 2: Disallow: /x", "robots_line": 2, "status": 0, …}

It names pages and rules, never the question. `detail` is in English, whoever reads the log.
"""

import json
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingest.documents import RequestRecord
from ingest.events import IngestEvent, PageSkipped, PageStored
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Message, describe_os_error


class CrawlLogError(QiuzhengError):
    """The crawl log cannot be written."""

    exit_code = 2
    code = "crawl_log"


class CrawlLog:
    """Appends events to one file.

    Args:
        path: The file; it is made if it is not there, and never emptied.

    Raises:
        CrawlLogError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            # "a" and line buffering: two processes may write to one file, and a process that is
            # killed leaves whole lines.
            self._file = path.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise _unwritable(path, error) from error

    def write(self, event: IngestEvent) -> None:
        """Append the line of one page.

        Raises:
            CrawlLogError: it cannot be written.
        """
        try:
            self._file.write(json.dumps(log_entry(event), ensure_ascii=False) + "\n")
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def close(self) -> None:
        """Close the file. May be called twice."""
        # Closing flushes again the line for which the disk was full; `write` has raised for it.
        with suppress(OSError):
            self._file.close()


def log_entry(event: IngestEvent) -> dict[str, Any]:
    """Return the fields of the line for one page."""
    # A page may end before its first request, e.g. by the address rules.
    last = event.hops[-1] if event.hops else RequestRecord(url="")
    line: dict[str, Any] = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "url": event.url,
        "final_url": last.url or event.url,
        "skipped": None,
        "detail": "",
        "origin": None,
        "fetcher": event.fetcher,
        "robots": event.robots or last.robots,
        "robots_line": last.robots_line,
        "status": last.status,
        "bytes": sum(hop.wire_bytes for hop in event.hops),
        "seconds": round(event.seconds, 3),
        "hops": [asdict(hop) for hop in event.hops],
    }
    match event:
        case PageStored():
            # `event.url` is the document; the log names the URL that was requested first.
            line |= {"url": event.asked or event.url, "final_url": event.url}
            line |= {"origin": event.origin}
        case PageSkipped():
            line |= {"skipped": event.reason, "detail": event.detail.localize("en")}
    return line


def _unwritable(path: Path, error: OSError) -> CrawlLogError:
    why = describe_os_error(error)
    return CrawlLogError(
        Message("cannot write the ledger {path} ({why})", path=path, why=why),
        hint=Message("name another file with --ledger"),
    )
