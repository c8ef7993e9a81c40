"""What was made so far, line by line, so that a run that was cut short goes on where it stood."""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

JOURNAL_VERSION = 6
"""Version of the rules and of the rows: a journal of another version is begun again."""


class SynthesisJournal:
    """A file of JSON lines beside the result: key -> what came of it.

    The first line holds what the run was asked for; a journal of another run is begun anew.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(self, path: Path, *, request: Mapping[str, Any]) -> None:
        self.path = path
        self.entries: dict[str, Any] = {}
        header = {"journal": JOURNAL_VERSION, **request}
        kept = path.read_bytes() if path.is_file() else b""
        # A line that was cut by a kill has no end, and is made again.
        whole = kept[: kept.rfind(b"\n") + 1]
        lines = whole.splitlines()
        is_ours = bool(lines) and _parse_line(lines[0]) == header
        self.is_resumed = is_ours and len(lines) > 1
        """Whether there was anything to go on with."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("r+b" if is_ours else "wb")
        if is_ours:
            self._file.truncate(len(whole))
            self._file.seek(len(whole))
            for line in lines[1:]:
                entry = _parse_line(line)
                if isinstance(entry, dict) and "key" in entry:
                    self.entries[str(entry["key"])] = entry.get("value")
        else:
            self._write(header)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A full disk raises once more at closing, behind the error that says so already.
        with contextlib.suppress(OSError) if error else contextlib.nullcontext():
            self._file.close()

    def add(self, key: str, value: Any) -> None:
        """Keep what came of `key`: it survives the end of the process from now on."""
        self.entries[key] = value
        self._write({"key": key, "value": value})

    def _write(self, entry: Mapping[str, Any]) -> None:
        line = json.dumps(entry, ensure_ascii=False)
        self._file.write(line.encode("utf-8", "replace") + b"\n")
        self._file.flush()


def _parse_line(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None
