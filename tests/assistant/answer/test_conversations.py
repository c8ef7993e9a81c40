"""Follow-ups become questions of their own by the model, whose reply may be of no use."""

import asyncio
import csv
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from assistant.answer.conversations import (
    leans_on_history,
    rewriting_prompt,
    standalone_question,
)
from assistant.errors import ModelError
from assistant.events import AnswerDelta, ModelEvent, Notice, ReasoningDelta
from assistant.models.scripted import ScriptedModel
from assistant.values import ChatMessage, Prompt
from ingest.foundation.messages import Message
from tests.talk_samples import EN, WEIGHT, ZH, talk

pytestmark = pytest.mark.anyio


DATA = Path(__file__).parents[2] / "data" / "answers"

FALLEN = ModelError(Message.bilingual("gone", "没了"), kind="unreachable")


@pytest.mark.parametrize(
    "question",
    [
        "它的重量限制呢?",
        "那夜间呢？",
        "为什么？",
        "这个需要许可吗？",
        "多少钱？",
        "谁发明了它",
        "and in winter?",
        "What about at night?",
        "Why?",
        "How heavy is it in total weight?",
        "Do those drones need a licence?",
    ],
)
def test_questions_that_lean_on_the_conversation(question: str) -> None:
    assert leans_on_history(question)


@pytest.mark.parametrize(
    ("earlier", "question", "standalone"),
    [
        (["押金"], "押金", "押金"),
        (["押金是多少？"], "押金是多少？", "押金是多少？"),
        (["押金是多少？"], "押金是多少", "押金是多少？"),
        (["押金"], "那押金呢？", "押金"),
        (["押金"], "押金是多少？", "押金是多少？"),
        (["泰山有多高？", "黄山呢？"], "黄山呢？", "黄山有多高？"),
        (["泰山有多高？", "它有多高？"], "它有多高？", "泰山有多高？"),
        (["租期多久？", "押金", "押金"], "押金", "押金"),
        (["the deposit"], "The deposit?", "the deposit"),
        (["Battery life?"], "Battery life?", "Battery life?"),
        (["deposit"], "how much deposit?", "how much deposit?"),
        (["What is the fee?", "and in winter?"], "And in winter?", "What is the fee in winter?"),
        (["押金", "？"], "？", "？"),
    ],
)
async def test_a_question_once_more_is_no_follow_up_of_itself(
    earlier: list[str], question: str, standalone: str
) -> None:
    messages = [
        ChatMessage(role=role, content=content)
        for text in earlier
        for role, content in (("user", text), ("assistant", "…"))
    ]
    assert await standalone_question(question, messages, model=None) == standalone


async def test_model_rewrites_a_chinese_follow_up() -> None:
    model = ScriptedModel("改写后的问题：小型无人机夜间的", "高度限制是多少？\n")
    assert await standalone_question("那夜间呢？", ZH, model=model) == (
        "小型无人机夜间的高度限制是多少？"
    )


async def test_model_rewrites_an_english_follow_up() -> None:
    model = ScriptedModel(
        ReasoningDelta(text="The user means the drone."),
        '"Can the DJI Mini 4 Pro fly in winter?"',
    )
    assert await standalone_question("and in winter?", EN, model=model) == (
        "Can the DJI Mini 4 Pro fly in winter?"
    )


async def test_thinking_that_leaked_is_no_part_of_the_question() -> None:
    leak = Notice(code="reasoning_leaked", text="")
    model = ScriptedModel("Hm, the DJI", leak, "Can the DJI Mini 4 Pro fly in winter?")
    assert await standalone_question("and in winter?", EN, model=model) == (
        "Can the DJI Mini 4 Pro fly in winter?"
    )


BY_RULE_EN = "How far can the DJI Mini 4 Pro fly in winter?"


@pytest.mark.parametrize(
    "script",
    [
        [""],
        ["The DJI Mini 4 Pro flies\nless far in winter."],
        ["The DJI Mini 4 Pro " * 20],
        ["Bananas contain potassium."],
        ["DJI Mini 4 Pro <think> winter?"],
        [ReasoningDelta(text="hm " * 900), "Can the DJI Mini 4 Pro fly in winter?"],
        ["Can the DJI", FALLEN],
        [FALLEN],
    ],
)
async def test_reply_of_no_use_gives_way_to_the_rules(
    script: list[str | ModelEvent | ModelError],
) -> None:
    assert await standalone_question("and in winter?", EN, model=ScriptedModel(*script)) == (
        BY_RULE_EN
    )


class SlowModel(ScriptedModel):
    """Never says anything."""

    async def stream(self, prompt: Prompt) -> AsyncGenerator[ModelEvent, None]:
        await asyncio.Event().wait()
        yield AnswerDelta(text="too late")


async def test_slow_model_gives_way_to_the_rules() -> None:
    rewritten = await standalone_question("and in winter?", EN, model=SlowModel(), seconds=0.01)
    assert rewritten == BY_RULE_EN


async def test_reply_without_end_is_cut_and_its_stream_closed() -> None:
    model = ScriptedModel(*["winter drones "] * 500)
    assert await standalone_question("and in winter?", EN, model=model) == BY_RULE_EN
    assert model.closed_early == 1


async def test_quoting_model_is_never_asked() -> None:
    model = ScriptedModel("Can the DJI Mini 4 Pro fly in winter?", kind="quotes")
    assert await standalone_question("and in winter?", EN, model=model) == BY_RULE_EN
    assert model.prompts == []


def test_rewriting_prompt_is_short_and_wants_no_thinking() -> None:
    history = talk(*["A long story about drones. " * 200] * 20)
    prompt = rewriting_prompt("and in winter?", [*history, *EN])
    assert prompt.tokens < 800
    assert not prompt.thinking
    assert prompt.reply_tokens == 96
    assert prompt.messages[-1].content.endswith(
        "Last question: and in winter?\nRewritten question:"
    )
    assert "Up to 10 km" in prompt.messages[-1].content


def test_earlier_thinking_is_not_shown_to_the_model() -> None:
    history = talk("Lights?", "<think>secret</think>White ones.")
    assert "secret" not in rewriting_prompt("它呢？", history).messages[-1].content


CANADA = talk("What lights does a drone need at night?", "White ones [1].")


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("And in Canada?", "In Canada, drones need position lights at night."),
        ("And in Canada?", "Drones in Canada"),
        ("And in Canada?", "Yes, the same lights apply in Canada."),
        ("And in Canada?", "What lights does a drone need at night?"),
        ("And in Canada?", "What lights does a kite need in Canada?"),
        ("And in Canada?", '{"question": "What lights does a drone need in Canada?"}'),
        ("And in Canada?", "无人机在 Canada 需要什么灯？"),
        ("那续航时间呢？", "大疆Mini 4 Pro的续航时间是34分钟。"),
        ("那续航时间呢？", "大疆Mini 4 Pro的重量是多少？"),
    ],
)
async def test_rewrite_that_is_no_such_question_is_refused(question: str, said: str) -> None:
    history = CANADA if "Canada" in question else WEIGHT
    by_rule = await standalone_question(question, history, model=None)
    assert by_rule != said
    assert await standalone_question(question, history, model=ScriptedModel(said)) == by_rule


async def test_preface_of_a_rewrite_is_taken_off() -> None:
    model = ScriptedModel("好的，改写后的问题：大疆Mini 4 Pro的续航时间是多少？")
    assert await standalone_question("那续航时间呢？", WEIGHT, model=model) == (
        "大疆Mini 4 Pro的续航时间是多少？"
    )


def read_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a file of cases."""
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def talk_of(earlier: str) -> list[ChatMessage]:
    """Return the conversation that begins with questions joined by slashes."""
    return talk(*(text for question in earlier.split("/") for text in (question, "…")))


@pytest.mark.parametrize("row", read_rows("conversation.tsv"), ids=lambda row: row["question"])
async def test_question_of_a_conversation_becomes_the_one_meant(row: dict[str, str]) -> None:
    history = talk_of(row["earlier"])
    found = await standalone_question(row["question"], history, model=None)
    assert found == row["standalone"]


@pytest.mark.parametrize("row", read_rows("rewrites.tsv"), ids=lambda row: row["said"])
async def test_what_a_model_says_for_a_follow_up_is_refused_or_cleaned(
    row: dict[str, str],
) -> None:
    model = ScriptedModel(row["said"])
    found = await standalone_question(row["question"], talk_of(row["earlier"]), model=model)
    assert found == row["standalone"]
