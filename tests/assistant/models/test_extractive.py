"""Without a model there are quotes: labelled, cited, of use."""

from datetime import UTC, datetime

import pytest

from assistant.answer.evidence import choose_evidence
from assistant.events import AnswerDelta, ReplyFinished
from assistant.models.extractive import ExtractiveModel
from assistant.values import Passage, Prompt
from ingest.foundation.messages import Language

pytestmark = pytest.mark.anyio


def passages(*texts: str) -> tuple[Passage, ...]:
    return tuple(
        Passage(
            number=number,
            url=f"https://{number}.example/",
            title="Drones",
            text=text,
            score=1.0,
            fetched_at=datetime(2026, 11, 21, tzinfo=UTC),
        )
        for number, text in enumerate(texts, 1)
    )


async def reply(question: str, *texts: str, language: Language = "en") -> str:
    pages = passages(*texts)
    prompt = Prompt(
        messages=(),
        question=question,
        language=language,
        passages=pages,
        evidence=choose_evidence(question, pages),
    )
    events = [event async for event in ExtractiveModel().stream(prompt)]
    assert isinstance(events[-1], ReplyFinished)
    return "".join(event.text for event in events if isinstance(event, AnswerDelta))


async def test_english_quotes_are_labelled_and_cited() -> None:
    text = await reply(
        "What is the weight limit of small drones?",
        "Drones are fun.[3] The weight limit of small drones is 250 grams. Birds fly as well.",
        "# Weight limit\n| weight | limit |\n- **Small** drones with a [limit](https://x.example/).",
    )
    assert text.splitlines()[:3] == [
        "Quotes from the pages, not an answer written by a model:",
        "",
        "- The weight limit of small drones is 250 grams. [1]",
    ]
    assert "Birds" not in text


async def test_chinese_quotes_are_labelled_and_cited() -> None:
    text = await reply(
        "小型无人机的重量限制是多少？",
        "飞行很有趣。小型无人机的重量限制为250克。鸟也会飞。",
        language="zh",
    )
    assert text == "以下是来源原文摘录，并非模型的回答：\n\n- 小型无人机的重量限制为250克。 [1]"


async def test_pages_without_a_fitting_sentence_yield_none() -> None:
    assert await reply("Who wrote Hamlet?", "Drones are fun to fly today.") == (
        "No sentence of the pages fits the question."
    )
    assert "没有" in await reply("谁写了哈姆雷特？", "无人机很有趣。", language="zh")


async def test_pages_that_only_come_near_are_quoted_with_a_warning() -> None:
    question, page = "How much do museum tickets cost?", "Museum tickets are sold at the counter."
    assert (await reply(question, page)).splitlines() == [
        "The pages do not seem to answer this. Closest to it:",
        "",
        "- Museum tickets are sold at the counter. [1]",
    ]
    chinese = await reply("博物馆门票多少钱？", "博物馆门票在柜台出售。", language="zh")
    assert chinese.startswith("这些网页似乎没有回答这个问题。最接近的内容：\n\n- 博物馆门票")


async def test_code_keeps_its_fence_and_the_marker_stands_above_it() -> None:
    page = "## Setup\n\nTo install widgetry, run:\n\n```\npipx install widgetry\n  --global\n```"
    assert (await reply("How do I install widgetry?", page)).splitlines()[2:] == [
        "- **Setup** To install widgetry, run: [1]",
        "",
        "  ```",
        "  pipx install widgetry",
        "    --global",
        "  ```",
    ]


async def test_list_is_quoted_item_by_item_under_its_marker() -> None:
    page = "Linux knows three runlevels:\n\n- 0 halts it,\n- 1 is for one user,\n- 6 reboots."
    assert (await reply("Which runlevels does Linux know?", page)).splitlines()[2:] == [
        "- Linux knows three runlevels: [1]",
        "  - 0 halts it,",
        "  - 1 is for one user,",
        "  - 6 reboots.",
    ]


async def test_rows_of_a_table_keep_their_lines_in_markdown_too() -> None:
    page = "| Item | Price |\n|---|---|\n| Poster | 65 |\n| Card | 38 |"
    quoted = await reply("What is the price of a card?", page)
    assert quoted.endswith("- Item · Price  \n  Card · 38  \n  Poster · 65 [1]")
