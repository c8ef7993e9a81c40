"""A kept answer is given again over the same passages, and what differs is said."""

from dataclasses import replace
from pathlib import Path

import pytest

from assistant.events import AnswerFailed
from assistant.models.base import ChatModel
from assistant.models.extractive import ExtractiveModel
from assistant.models.pool import ChosenModel, ModelPool
from assistant.models.scripted import ScriptedModel
from assistant.replay import Replay, compare_snapshots
from assistant.snapshots.snapshot import Snapshot
from assistant.snapshots.writer import SnapshotWriter
from assistant.values import ChatMessage, UnitSimilarity
from tests.snapshot_kit import (
    QUESTION,
    REPLY,
    all_of,
    ask,
    assistant,
    finished,
    ids,
    kept,
    writer_at,
)

pytestmark = pytest.mark.anyio


async def test_a_long_conversation_is_replayed_as_it_was_asked(path: Path) -> None:
    writer = writer_at(path)
    turns = [ChatMessage(role="user", content=f"Is tea {n} green?") for n in range(20)]
    await ask(assistant(writer), QUESTION, turns)
    await writer.close()
    before, made = kept(path), []
    await all_of(replay_with(ScriptedModel(REPLY), None).ask(before, on_snapshot=made.append))
    assert compare_snapshots(before, made[0]).same_prompt


async def test_a_replay_asks_the_model_that_answered(path: Path) -> None:
    writer = writer_at(path)
    await ask(assistant(writer))
    await writer.close()
    before = kept(path)
    asked: list[str | None] = []

    async def open_model(name: str | None) -> ChosenModel:
        asked.append(name)
        return ChosenModel(model=ScriptedModel(REPLY))

    replay = Replay(
        models=ModelPool(open_model=open_model), fallback_model=ExtractiveModel(), reply_tokens=500
    )
    await all_of(replay.ask(before))
    await all_of(replay.ask(before, model="another"))
    assert asked == [before.model.name, "another"]


def replay_with(model: ChatModel, writer: SnapshotWriter | None) -> Replay:
    return Replay(
        models=ModelPool.holding(model),
        fallback_model=ExtractiveModel(),
        reply_tokens=500,
        snapshots=writer,
    )


async def test_a_replay_has_the_same_passages_and_says_what_differs(path: Path) -> None:
    writer = writer_at(path)
    await ask(assistant(writer))
    await writer.close()
    before = kept(path)
    writer = writer_at(path)
    made: list[Snapshot] = []
    model = ScriptedModel("The water should have 80 degrees [1].")
    events = await all_of(replay_with(model, writer).ask(before, on_snapshot=made.append))
    await writer.close()
    now = kept(path)
    assert made == [now]
    assert finished(events).answer.id == now.id
    assert (now.parent, now.passages, now.search, now.pages) == (
        before.id,
        before.passages,
        None,
        (),
    )
    difference = compare_snapshots(before, now)
    assert not difference.same_text
    assert difference.same_prompt
    assert difference.trust == (0.5, 1.0)
    assert [dict(each) for each in difference.verdicts] == [
        {"supported": 1, "unsupported": 1},
        {"supported": 1},
    ]


async def test_the_same_model_over_the_same_passages_says_the_same(path: Path) -> None:
    writer = writer_at(path)
    await ask(assistant(writer))
    await writer.close()
    before, made = kept(path), []
    await all_of(replay_with(ScriptedModel(REPLY), None).ask(before, on_snapshot=made.append))
    difference = compare_snapshots(before, made[0])
    assert difference.same_text
    assert difference.verdicts[0] == difference.verdicts[1]
    assert ids(path) == [before.id]


async def test_a_replay_chooses_evidence_by_the_meaning_that_was_compared(path: Path) -> None:
    writer = writer_at(path)
    await ask(assistant(writer))
    await writer.close()
    before, made = kept(path), []
    block = before.evidence.blocks[-1]
    near = UnitSimilarity(passage=block.passage, start=block.start, end=block.end, similarity=0.9)
    before = replace(before, compared=(near,))
    await all_of(replay_with(ScriptedModel(REPLY), None).ask(before, on_snapshot=made.append))
    assert made[0].compared == (near,)
    best = made[0].evidence.blocks[0]
    assert best.signals is not None
    assert best.signals.parts is not None
    assert best.signals.parts.similarity > 0


async def test_an_answer_without_passages_cannot_be_replayed(path: Path) -> None:
    writer = writer_at(path)
    await all_of(assistant(writer).ask("Who is Zorgblatt Quux?"))
    await writer.close()
    (failed,) = await all_of(replay_with(ScriptedModel(REPLY), None).ask(kept(path)))
    assert isinstance(failed, AnswerFailed)
    assert "no passages" in str(failed.message)
