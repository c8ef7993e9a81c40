"""Runs over the pages of a small firm, and the rows that they made."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.settings import Settings
from finetune.progress import SilentProgress
from finetune.synthesize.synthesis import SynthesisReport, synthesize
from ingest.bootstrap import open_ingest
from ingest.foundation.messages import Message
from tests.finetune.synthesize.pages import PAGES

LESSON = [
    {"question": "K200的遥控距离是多少？", "answer": "K200的遥控距离是9公里。"},
    {"question": "青禾网店的仓库有多大？", "answer": "仓库面积为12000平方米。"},
    {"question": 3, "answer": "x"},
]
"""What the teacher says of every text: one thing that no page says, one that one does, nonsense."""


async def store_pages(settings: Settings, folder: Path) -> None:
    async with open_ingest(settings) as parts:
        for name, text in PAGES.items():
            path = folder / name
            path.write_text(text, encoding="utf-8")
            await parts.reading.pipeline.add_file(path)


@dataclass(frozen=True)
class Rows:
    """What one run over the pages made: most tests only look at it."""

    report: SynthesisReport
    made: list[dict[str, Any]]

    @property
    def answered(self) -> list[dict[str, Any]]:
        return [row for row in self.made if row["answerable"]]


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def made(settings: Settings, into: Path, **options: Any) -> SynthesisReport:
    return synthesize(settings, "firm", into, progress=SilentProgress(), **options)


class InterruptedProgress(SilentProgress):
    """Progress during which somebody presses Ctrl-C, after so many steps."""

    def __init__(self, *, steps: int) -> None:
        super().__init__()
        self._left = steps

    def stage(self, name: Message, *, total: int | None = None) -> SilentProgress:
        return self

    def advance(self, units: int = 1, *, detail: str = "") -> None:
        self._left -= 1
        if self._left < 0:
            raise KeyboardInterrupt
