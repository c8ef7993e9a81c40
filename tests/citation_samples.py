"""Passages to cite, and what readers see of an answer that cites them."""

from datetime import UTC, datetime

from assistant.answer.citations import CitationStream
from assistant.values import Passage

TEXTS = (
    "Drones need a white light at night. The limit is 120 metres above the ground.",
    "无人机夜间飞行必须开启灯光，真高不得超过120米。自2024年1月1日起施行。",
    "Pilots register once and pay 1,000 yuan for the licence.",
)

PASSAGES = [
    Passage(
        number=number,
        url=f"https://{number}.example/",
        title=f"Page {number}",
        text=text,
        score=1.0,
        fetched_at=datetime(2026, 11, 21, tzinfo=UTC),
    )
    for number, text in enumerate(TEXTS, 1)
]


def cited(*pieces: str, attach: bool = True) -> str:
    stream = CitationStream(PASSAGES, attach=attach)
    return "".join(map(stream.feed, pieces)) + stream.close()
