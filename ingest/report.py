"""What became of pages, in lines for people and in JSON for pipes."""

import re
from dataclasses import dataclass, field
from typing import Final, assert_never

import click
from pydantic import TypeAdapter

from ingest.errors import SkipReason
from ingest.events import IngestEvent, PageOrigin, PageSkipped, PageStored
from ingest.foundation.messages import Language, Wording

REASONS: Final[dict[SkipReason, Wording]] = {
    "robots": Wording("robots.txt forbids it", "robots.txt 不允许"),
    "address": Wording("address not allowed", "地址不允许访问"),
    "unreachable": Wording("cannot be reached", "无法访问"),
    "timeout": Wording("too slow", "响应太慢"),
    "refused": Wording("the site refused", "网站拒绝"),
    "unsupported": Wording("not a page that we can read", "不是能阅读的网页"),
    "too_large": Wording("too large", "网页太大"),
    "empty": Wording("no text on it", "没有正文"),
    "needs_browser": Wording("needs a browser", "需要浏览器才能显示"),
    "deadline": Wording("not here in time", "没有及时读到"),
}

ORIGINS: Final[dict[PageOrigin, Wording]] = {
    "memory": Wording("still fresh", "仍在有效期内"),
    "revalidated": Wording("unchanged", "没有变化"),
}
"""What is said of a page that was not read anew."""

_NOTE = Wording("note: ", "提示：")

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters but tab and line end, and those that turn the direction of writing."""

_EVENT: TypeAdapter[IngestEvent] = TypeAdapter(IngestEvent)


def printable(text: str) -> str:
    """Return the words of strangers without what would move the cursor or colour the terminal."""
    return _UNPRINTABLE.sub("", text)


def counted(count: int, noun: str) -> str:
    """Return "1 page" or "2 pages"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def note(text: str, language: Language) -> str:
    """Return the line that tells of something less than hoped; the work goes on."""
    return printable(f"{_NOTE.to(language)}{text}")


def page_line(event: IngestEvent, language: Language) -> str:
    """Return one line for one page, the same for `ask` and for `ingest`."""
    match event:
        case PageStored():
            facts = [Wording(counted(event.chunks, "chunk"), f"{event.chunks} 段")]
            if event.origin in ORIGINS:
                facts.append(ORIGINS[event.origin])
            said = Wording(", ".join(f.en for f in facts), "，".join(f.zh for f in facts))
            return printable(f"  + {event.title} ({said.to(language)}) {event.url}")
        case PageSkipped():
            detail = f" ({event.detail})" if event.detail else ""
            return printable(f"  - {REASONS[event.reason].to(language)}{detail} {event.url}")
        case _:
            assert_never(event)


@dataclass(kw_only=True)
class Report:
    """Counts events, writes them as JSON if wanted, and lists at the end what failed."""

    language: Language
    as_json: bool = False
    stored: int = 0
    chunks: int = 0
    skipped: list[PageSkipped] = field(default_factory=list)

    def add(self, event: IngestEvent) -> None:
        """Count one event."""
        if self.as_json:
            click.echo(_EVENT.dump_json(event))
        match event:
            case PageStored():
                self.stored += 1
                self.chunks += event.chunks
            case PageSkipped():
                self.skipped.append(event)
            case _:
                assert_never(event)

    def summarise(self) -> None:
        """Write what was stored and what failed, with the reasons, to stderr."""
        skipped = len(self.skipped)
        line = Wording(
            f"stored {counted(self.stored, 'page')} ({counted(self.chunks, 'chunk')}), "
            f"skipped {skipped}",
            f"收录 {self.stored} 页（{self.chunks} 段），跳过 {skipped} 页",
        )
        click.echo(line.to(self.language), err=True)
        for event in self.skipped:
            click.echo(page_line(event, self.language), err=True)
