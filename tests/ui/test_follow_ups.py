"""What may be asked next comes from the headings of what was read, and from nothing else."""

from datetime import UTC, datetime

from assistant.values import Answer, AnswerEvidence, Citation, EvidenceBlock, Passage
from ui.follow_ups import MAX_FOLLOW_UPS, follow_ups
from ui.session import PageTurn

AT = datetime(2026, 1, 1, tzinfo=UTC)
TEXT = (
    "## 第一，灯光系统必须打开\n\n要开灯。\n\n## 二、起飞前的清单\n\n检查。\n\n"
    "### 夜里怎样看清障碍物\n\n…\n\n## A\n\n## 处罚\n\n## "
    + "长" * 60
    + "\n\n## 保险要求\n\n## 起飞前的清单\n"
)


def turn(*, citations: bool = True, question: str = "夜间飞行需要什么?") -> PageTurn:
    passage = Passage(number=1, url="https://a.test/", title="t", text=TEXT, score=1, fetched_at=AT)
    citation = Citation(number=1, url="https://a.test/", title="t", fetched_at=AT)
    block = EvidenceBlock(
        number=1, passage=1, start=0, end=3, text="要开灯。", heading="第一，灯光系统必须打开"
    )
    return PageTurn(
        number=0,
        question=question,
        web=True,
        state="done",
        passages=(passage,),
        evidence=AnswerEvidence(blocks=(block,), answerability="answerable"),
        answer=Answer(text="x", kind="model", citations=(citation,) if citations else ()),
    )


def test_headings_that_were_not_used_become_questions() -> None:
    assert follow_ups(turn(), "zh") == [
        "关于“起飞前的清单”，网页怎么说？",
        "夜里怎样看清障碍物",
        "关于“保险要求”，网页怎么说？",
    ]
    assert len(follow_ups(turn(), "en")) == MAX_FOLLOW_UPS


def test_what_was_asked_is_not_asked_again() -> None:
    assert "起飞前的清单" not in str(follow_ups(turn(question="起飞前的清单有什么?"), "zh"))


def test_nothing_is_suggested_where_nothing_was_found() -> None:
    assert follow_ups(turn(citations=False), "zh") == []
