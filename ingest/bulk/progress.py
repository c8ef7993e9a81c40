"""The line on a terminal that says how far a run of `ingest` is."""

import shutil
import sys
import time
from collections.abc import Callable

from ingest.foundation.messages import COMMA, Language, Message, join_messages
from ingest.report import Report

REDRAWN_S = 0.1
"""Seconds between two drawings: no reader is faster, and a slow terminal would hold us up."""


class ProgressLine:
    """Draws rate, counts and the time left on one line of stderr, over itself.

    Args:
        report: What is counted.
        language: Of the words.
        hidden: Draw nothing, e.g. into a file.
        clock: Seconds.
    """

    def __init__(
        self,
        report: Report,
        language: Language,
        *,
        hidden: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._report = report
        self._language = language
        self._hidden = hidden
        self._clock = clock
        self._started = clock()
        self._drawn = 0.0

    def draw(self, *, done: int, total: int) -> None:
        """Draw how many of `total` pages and files are done since this process began."""
        now = self._clock()
        if self._hidden or (now - self._drawn < REDRAWN_S and done < total):
            return
        self._drawn = now
        text = progress_text(self._report, done=done, total=total, seconds=now - self._started)
        # A line that is longer than the terminal would begin a new one with each drawing.
        width = max(shutil.get_terminal_size().columns - 1, 10)
        sys.stderr.write(f"\r\x1b[K{cut_to_width(text.localize(self._language), width)}")
        sys.stderr.flush()

    def clear(self) -> None:
        """Remove the line, so that what is written next begins at the left."""
        if not self._hidden and self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def progress_text(report: Report, *, done: int, total: int, seconds: float) -> Message:
    """Return "12/90, 3.1/s, stored 10, unchanged 1, skipped 0, failed 1, 0:25 left"."""
    rate = done / seconds if seconds > 0 else 0.0
    parts = [
        Message("{done}/{total}", done=done, total=total),
        Message("{rate}/s", rate=f"{rate:.1f}"),
        Message("stored {count}", count=report.stored),
        *report.other_counts(),
    ]
    if rate > 0 and done < total:
        left_s = round((total - done) / rate)
        hours, minutes, rest = left_s // 3600, left_s // 60 % 60, left_s % 60
        left = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
        parts.append(Message("{time} left", time=left))
    return join_messages(parts, COMMA)


def _columns_of(character: str) -> int:
    """Return how many columns a character takes; ideographs take two."""
    return 2 if ord(character) >= 0x1100 else 1


def pad_to_width(text: str, width: int) -> str:
    """Return `text` and the blanks behind it that fill `width` columns."""
    return text + " " * (width - sum(map(_columns_of, text)))


def cut_to_width(text: str, width: int) -> str:
    """Return the head of `text` that fits into `width` columns."""
    columns = 0
    for place, character in enumerate(text):
        columns += _columns_of(character)
        if columns > width:
            return text[:place]
    return text
