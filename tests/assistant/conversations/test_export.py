"""A conversation as a file, for people and for programs."""

import json
from datetime import UTC, datetime

from markdown_it import MarkdownIt

from assistant.conversations.export import export_json, export_markdown
from assistant.conversations.turns import ConversationTurn
from assistant.events import AnswerDelta, AnswerFailed, AnswerFinished
from assistant.values import Answer, Citation
from ingest.foundation.messages import Message

AT = datetime(2026, 1, 1, tzinfo=UTC)
ANSWER = Answer(
    text="开灯[1]。",
    kind="model",
    citations=(Citation(number=1, url="https://a.test/", title="灯 光", fetched_at=AT),),
    trust=1.0,
    trust_note=Message.bilingual("all of it stands in the sources", "全部有据可查"),
    id="7f3a",
)
TURNS = [
    ConversationTurn(
        number=0,
        question="夜间\n飞行?",
        web=True,
        state="done",
        seconds=1.26,
        asked_at=AT,
        events=(AnswerFinished(answer=ANSWER),),
    ),
    ConversationTurn(
        number=1,
        question="And?",
        web=False,
        state="failed",
        seconds=0.0,
        asked_at=AT,
        events=(AnswerDelta(text="Half"), AnswerFailed(code="model", message=Message("gone"))),
    ),
]


def test_markdown_has_questions_answers_sources_trust_and_failures() -> None:
    assert export_markdown("灯光", TURNS, "zh") == (
        "# 灯光\n\n## 夜间 飞行?\n\n开灯[1]。\n\n**来源**\n\n- [1] 灯 光 <https://a.test/>\n\n"
        "*全部有据可查*\n\n## And?\n\nHalf\n\n> gone\n"
    )


def test_json_has_the_same_as_values() -> None:
    whole = json.loads(export_json("灯光", TURNS))
    first, second = whole["turns"]
    assert whole["title"] == "灯光"
    assert (first["answer"], first["trust"], first["answer_id"]) == ("开灯[1]。", 1.0, "7f3a")
    assert first["citations"][0]["url"] == "https://a.test/"
    assert (second["state"], second["answer"], second["citations"]) == ("failed", "Half", [])


def test_a_file_loads_nothing_and_links_nowhere_but_to_its_sources() -> None:
    text = (
        "![p](https://evil.test/p.gif) <img src=x> [go](javascript:x) 2 < 3 `<b>` \n```\n<i>\n```"
    )
    hostile = ConversationTurn(
        number=0,
        question="<script>?",
        web=False,
        state="done",
        seconds=0.0,
        asked_at=AT,
        events=(AnswerFinished(answer=Answer(text=text, kind="model")),),
    )
    written = export_markdown("t", [hostile], "en")
    tokens = MarkdownIt("commonmark").parse(written)
    flat = [each for token in tokens for each in (token, *(token.children or []))]
    kinds = {token.type for token in flat}
    assert not kinds & {"image", "html_inline", "html_block", "link_open"}
    assert "2 < 3" in written
    assert "`<b>`" in written
