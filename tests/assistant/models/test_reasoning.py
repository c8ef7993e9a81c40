"""Thinking and answer are separated however the reply is cut."""

import ast
from itertools import chain, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.events import AnswerDelta, ReasoningDelta
from assistant.models.reasoning import THINK_CLOSE, THINK_OPEN, ThinkSplitter, is_known_to_think
from assistant.models.thinking_styles import begin_softly

EOS = "<｜end▁of▁sentence｜>"


def split(*pieces: str, starts_thinking: bool = False) -> tuple[str, str]:
    """Return the joined deltas: (reasoning, answer)."""
    splitter = ThinkSplitter(starts_thinking=starts_thinking)
    deltas = [delta for piece in pieces for delta in splitter.feed(piece)] + splitter.close()
    return (
        "".join(delta.text for delta in deltas if isinstance(delta, ReasoningDelta)),
        "".join(delta.text for delta in deltas if isinstance(delta, AnswerDelta)),
    )


def test_text_without_tags_is_the_answer() -> None:
    assert split("South", " [2]", ".") == ("", "South [2].")


def test_thinking_in_its_own_field_is_reasoning_and_text_is_the_answer() -> None:
    splitter = ThinkSplitter(starts_thinking=True)
    deltas = splitter.feed_reasoning("\nSource [2]") + splitter.feed_reasoning(" says.\n")
    deltas += splitter.feed("\n") + splitter.feed("\nSouth [2].") + splitter.close()
    assert [delta.type for delta in deltas] == ["reasoning_delta"] * 2 + ["answer_delta"]
    assert (splitter.reasoning, splitter.answer) == ("Source [2] says.", "South [2].")


def test_lone_closing_tag_ends_the_presumed_thinking() -> None:
    assert split("Source [2].\n</th", "ink>\n\nSouth.", starts_thinking=True) == (
        "Source [2].",
        "South.",
    )


def test_thinking_between_two_tags_is_reasoning_after_leading_blank_lines() -> None:
    assert split("\n\n<th", "ink>\nHm.\n</", "think>\n\nYes.") == ("Hm.", "Yes.")


def test_opening_tag_that_the_template_wrote_already_is_not_shown_twice() -> None:
    assert split("<think>\nHm.</think>Yes.", starts_thinking=True) == ("Hm.", "Yes.")


def test_reply_of_a_thinker_that_did_not_think_is_the_answer_in_the_end() -> None:
    splitter = ThinkSplitter(starts_thinking=True)
    live = splitter.feed("South [2].")
    assert [type(delta) for delta in live] == [ReasoningDelta]
    assert splitter.close() == [AnswerDelta(text="South [2].")]
    assert (splitter.reasoning, splitter.answer) == ("", "South [2].")


def test_presumed_thinking_that_hit_the_length_limit_stays_thinking() -> None:
    splitter = ThinkSplitter(starts_thinking=True)
    splitter.feed("Let me see")
    assert splitter.close(cut_short=True) == []
    assert (splitter.reasoning, splitter.answer) == ("Let me see", "")


def test_thinking_that_was_opened_and_never_closed_stays_thinking() -> None:
    assert split("<think>Let me see") == ("Let me see", "")
    assert split("<think>Let me see", starts_thinking=True) == ("Let me see", "")


def test_late_lone_tag_makes_thinking_of_the_answer_so_far() -> None:
    splitter = ThinkSplitter(starts_thinking=False)
    assert splitter.feed("Source [2] says") == [AnswerDelta(text="Source [2] says")]
    after = splitter.feed(" speed.\n</think>\n\nSouth [2].")
    assert after == [ReasoningDelta(text=" speed."), AnswerDelta(text="South [2].")]
    assert splitter.has_leaked
    assert (splitter.reasoning, splitter.answer) == ("Source [2] says speed.", "South [2].")


def test_answer_may_talk_about_the_tags() -> None:
    prose = "R1 writes <think> first and </think> last. The end is `</think>`."
    splitter = ThinkSplitter(starts_thinking=False)
    splitter.feed(prose)
    assert (splitter.answer, splitter.has_leaked) == (prose, False)


def test_second_round_of_thinking_on_a_line_of_its_own_is_reasoning() -> None:
    assert split("<think>a</think>One.\n<think>b</think>\nTwo.") == ("ab", "One.\n\nTwo.")


@pytest.mark.parametrize("end", [EOS, "<|im_end|>", "<|eot_id|>", "<end_of_turn>"])
def test_leaked_end_of_turn_is_stripped_wherever_it_is_cut(end: str) -> None:
    for at in range(len(end)):
        assert split("South [2]." + end[:at], end[at:]) == ("", "South [2].")


def test_text_that_only_looks_like_a_tag_is_kept() -> None:
    assert split("a <thi", "s> b <", "3 <|im", "age|>") == ("", "a <this> b <3 <|image|>")
    assert split("a <think") == ("", "a <think")


@pytest.mark.parametrize(
    ("name", "thinks"),
    [
        ("deepseek-r1:1.5b", True),
        ("hf.co/unsloth/DeepSeek-R1-Distill-Qwen-1.5B-GGUF:Q4_K_M", True),
        ("qwq", True),
        ("qwen3:4b", True),
        ("Qwen3-4B-Thinking-2507", True),
        ("qwen3:4b-instruct-2507", False),
        ("qwen3-coder", False),
        ("qwen2.5:1.5b", False),
        ("llama3.2", False),
    ],
)
def test_names_of_thinkers_are_known(name: str, *, thinks: bool) -> None:
    assert is_known_to_think(name) is thinks


DRESSES = {
    "upper case": "<THINK>Hm.</THINK>South.",
    "spaces": "< think >Hm.</ think >South.",
    "another name": "<thinking>\nHm.\n</thinking>\n\nSouth.",
    "thought": "<thought>Hm.</thought>South.",
    "reasoning": "<Reasoning>Hm.</Reasoning>South.",
    "Seed-OSS": "<seed:think>Hm.</seed:think>South.",
    "Magistral": "[THINK]Hm.[/THINK]South.",
    "Kimi": "◁think▷Hm.◁/think▷South.",
    "Sky-T1": "<|begin_of_thought|>Hm.<|end_of_thought|>"
    "<|begin_of_solution|>South.<|end_of_solution|>",
    "ollama run": "Thinking...\nHm.\n...done thinking.\n\nSouth.",
    "Harmony": "<|channel|>analysis<|message|>Hm.<|end|>"
    "<|start|>assistant<|channel|>final<|message|>South.<|return|>",
    "Harmony, begun by the template": "analysis<|message|>Hm.<|end|>"
    "<|start|>assistant<|channel|>final<|message|>South.",
    "Harmony, with a tool": "<|channel|>commentary to=functions.search <|constrain|>json<|message|>"
    "Hm.<|end|><|start|>assistant<|channel|>final<|message|>South.",
    "answer in tags": "<think>Hm.</think>\n<answer>South.</answer>",
    "end of turn": "<think>Hm.</think>South.</s>",
    "the user's turn made up": "<think>Hm.</think>South.<|im_end|>\n<|im_start|>user\nAnd now?",
    "DeepSeek's user": "<think>Hm.</think>South.<｜User｜>And now?",
    "Gemma's user": "<think>Hm.</think>South.<end_of_turn>\n<start_of_turn>user\nAnd now?",
}


@pytest.mark.parametrize("starts_thinking", [False, True])
@pytest.mark.parametrize("dress", DRESSES)
def test_thinking_is_known_in_every_dress(dress: str, *, starts_thinking: bool) -> None:
    text = DRESSES[dress]
    for pieces in ([text], list(text), [text[at : at + 3] for at in range(0, len(text), 3)]):
        reasoning, answer = split(*pieces, starts_thinking=starts_thinking)
        assert (reasoning, answer) == ("Hm.", "South.")


@pytest.mark.parametrize(
    "reply",
    [
        "It is 12 [1].<eos>\nuser: more",
        "It is 12 [1].\n<eos>\nuser: more",
        "It is 12 [1].</assistant>\n<user>more",
        "<bos>It is 12 [1].<eos><pad><pad>",
        "It is 12 [1].\n<bos><pad>",
    ],
)
def test_tokens_at_the_ends_of_a_reply_are_no_text(reply: str) -> None:
    assert split(reply) == split(*reply) == ("", "It is 12 [1].")


@pytest.mark.parametrize("starts_thinking", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        "Write:\n```xml\n<think>\nfoo\n</think>\n```\nDone.",
        "The tags `<think>` and `</think>` mark it; [THINK] does for others.",
        "It is <s>1901</s> 1903.",
        "Final answer: South.",
        "Thinking... about it, South.",
        "a[THINKER] and <thinker> and <answers> are none.",
        "The file ends with `<|im_end|>`.",
        "The padding token is <pad>\nand the end token is <eos>\nin this tokenizer [1].",
        "填充词元是<pad>\n结束词元是<eos>\n两者不同[1]。",
        "The special tokens are:\n- <bos>\n- <eos>\n- <pad>\n\nThey mark the ends [1].",
        "They are:\n1. <bos>\n2. <eos>",
        "<user>Hi</user>\n<assistant>Hello</assistant>\n\nEach turn has its element [1].",
        "A text ends with [EOS]\nand begins with <bos>.",
        "A row is A B <eos><pad><pad> and is padded.",
    ],
)
def test_text_about_marks_stays_text(text: str, *, starts_thinking: bool) -> None:
    splitter = ThinkSplitter(starts_thinking=starts_thinking)
    for character in text:
        splitter.feed(character)
    splitter.close()
    assert (splitter.reasoning, splitter.answer, splitter.has_leaked) == ("", text, False)


def test_a_tag_that_begins_a_line_and_is_never_closed_swallows_nothing() -> None:
    text = "说明如下：\n<think>标签表示思考。\n答案是50米[2]。"
    splitter = ThinkSplitter(starts_thinking=False)
    for character in f"<think>想</think>{text}":
        splitter.feed(character)
    splitter.close()
    assert (splitter.reasoning, splitter.answer) == ("想", text)


ROWS = [
    tuple(map(ast.literal_eval, line.split("\t")[1:]))
    for line in (Path(__file__).parents[2] / "data" / "answers" / "think.tsv")
    .read_text(encoding="utf-8")
    .splitlines()[1:]
]


@pytest.mark.parametrize("starts_thinking", [False, True])
@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(("reply", "thought", "answer"), ROWS)
def test_raw_reply_holds_one_answer_without_a_tag(
    reply: str, thought: str, answer: str, *, size: int, starts_thinking: bool
) -> None:
    splitter = ThinkSplitter(starts_thinking=starts_thinking)
    pieces = [reply[at : at + size] for at in range(0, len(reply), size)]
    deltas = [delta for piece in pieces for delta in splitter.feed(piece)] + splitter.close()
    assert (splitter.reasoning, splitter.answer) == (thought, answer)
    assert joined(deltas, "answer_delta") == answer


FRAGMENTS = (
    (THINK_OPEN, THINK_CLOSE, EOS, "[THINK]", "< /Thinking >", "</s>", "<s>", "<answer>"),
    ("<|channel|>", "analysis", "final", "<|message|>", "<|end|>", "<|start|>assistant"),
    ("Thinking...\n", "...done thinking.", "<", "</", "[", "`", "```", "Hm", "南", " ", "\n", "."),
)
PIECES = st.lists(st.sampled_from([*chain.from_iterable(FRAGMENTS)]), max_size=14).map("".join)


@st.composite
def cut_replies(draw: st.DrawFn) -> tuple[str, list[str]]:
    """Draw a reply and one way to cut it."""
    text = draw(PIECES)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)) | {0, len(text)})
    return text, [text[start:end] for start, end in pairwise(cuts)]


@settings(deadline=None)
@given(cut_replies(), st.booleans(), st.booleans())
def test_any_cut_gives_the_same_reasoning_and_answer(
    reply: tuple[str, list[str]], starts_thinking: bool, cut_short: bool
) -> None:
    text, pieces = reply
    whole = ThinkSplitter(starts_thinking=starts_thinking)
    deltas = whole.feed(text) + whole.close(cut_short=cut_short)
    parts = ThinkSplitter(starts_thinking=starts_thinking)
    again = [d for piece in pieces for d in parts.feed(piece)] + parts.close(cut_short=cut_short)
    assert (parts.reasoning, parts.answer) == (whole.reasoning, whole.answer)
    assert parts.leaks == whole.leaks
    if not whole.has_leaked:
        for kind in ("reasoning_delta", "answer_delta"):
            assert joined(again, kind) == joined(deltas, kind)


def joined(deltas: list[ReasoningDelta | AnswerDelta], kind: str) -> str:
    return "".join(delta.text for delta in deltas if delta.type == kind)


@pytest.mark.parametrize(
    "reply",
    [
        "&lt;think&gt;plan&lt;/think&gt;Answer.",
        "\\u003cthink\\u003eplan\\u003c/think\\u003eAnswer.",
        "＜think＞plan＜/think＞Answer.",
        "<think>plan<\\/think>Answer.",
        "<think/>Answer.",
        "<|thinking|>plan<|/thinking|>Answer.",
        "[THINKING]plan[/THINKING]Answer.",
        "【思考】plan【/思考】Answer.",
        "<思维链>plan</思维链>Answer.",
        "<chain_of_thought>plan</chain_of_thought>Answer.",
        "<longcat_think>plan</longcat_think>Answer.",
        "[思考]Hmm[/思考]\nAnswer.",
        "&lt;think&gt;Write &lt;b&gt;x&lt;/b&gt; perhaps&lt;/think&gt;Answer.",
        "<|channel>thought\nplan<channel|>Answer.",
        "```think\nplan\n```\nAnswer.",
        '<details type="reasoning"><summary>Thought for 3 s</summary>plan</details>Answer.',
        "<details>\n<summary>思考过程</summary>\nplan\n</details>\n\nAnswer.",
        "<think>plan</think>\n<response>Answer.</response>",
        "<final_answer>Answer.</final_answer>",
    ],
)
def test_further_dresses_of_thinking_are_known_wherever_they_are_cut(reply: str) -> None:
    assert {split(reply[:at], reply[at:])[1] for at in range(len(reply))} == {"Answer."}


@pytest.mark.parametrize(
    "reply",
    [
        "Write `&lt;think&gt;` to escape the tag.",
        "The tag &lt;think&gt; opens thinking.",
        "a &lt; b and c &gt; d",
        "Use [THINKING] in the prompt.",
        "```python\nthink = 1\n```\nDone.",
        "```thin\nx\n```",
        "<details><summary>More</summary>text</details>",
        "Thinking of you is no mark.",
        "＜1米",
        "C:\\users",
        "【注意】打开灯光。",
    ],
)
def test_what_only_looks_like_thinking_stays_text(reply: str) -> None:
    assert {split(reply[:at], reply[at:]) for at in range(len(reply))} == {("", reply)}


@pytest.mark.parametrize("starts_thinking", [False, True])
@pytest.mark.parametrize(
    "reply",
    [
        "<details><summary>Reasons</summary>It was raining.</details>",
        "<details><summary>Reasons</summary>It was raining.</details>\nSo it closed.",
        "<details><summary>Think tank budget</summary>5 million.</details>\nIn all.",
        "<details><summary>Thought for the day</summary>Rest.</details>\nIn all.",
        "<details><summary>思考题答案</summary>第一题选A。</details>\n完。",
        "<details><summary>推理小说推荐</summary>东野圭吾。</details>\n完。",
        "<details><summary>Reason for the change</summary>5 %.</details>\nSo 7 euros.",
        "<details><summary>Thinking</summary>It was raining.</details>",
        "【思考】\n1. 为什么天是蓝的？",
        "【思考】这一节讲的是反思。\n请读者回答问题。",
        "答案有两部分。\n【思考】\n1. 为什么天是蓝的？",
        "＜思考＞一下，答案是5。",
        "＜思考＞是栏目名。＜/思考＞ 是结尾。",
        "[Thinking] about the question, the page says 5.",
        "```thinking\nThe block of the page",
        "```think\nplan\n```python\nprint(1)\n```\nThe answer is 5.",
        "<response>200 OK</response> is returned by the server.",
        "<rationale>\nBecause of rain\n</rationale>\nis the XML you want.",
        "<rationale>\nBecause of rain\n</rationale>",
        "&lt;think&gt; is how models escape it. It ends with &lt;/think&gt;. Use it.",
        "&lt;think&gt;x&lt;/think&gt; is how models escape it.",
        "Steps:\n&lt;thought&gt;\nis a tag, and\n&lt;/thought&gt;\nends it.",
        "\\u003canalysis\\u003e is how Go's encoding/json writes <analysis>.",
        "<plan>\n<name>Basic</name>\n</plan>\n\nThis is the plan of the schema [1].",
        "<reason>Timeout</reason>\n\nThe element says why [1].",
        "<draft>true</draft>\nThe page is no draft without it.",
        "[draft][b]bold[/b][/draft]\nThe board shows it.",
        "**推理**：限高是120米[1]。\n**回答**：不能飞[2]。",
        "Thought: the limit is 120 m [1].\nResponse: it may not fly [2].",
        "analysis（分析）是一个频道，assistantfinal是另一个。",
        "analysisResults is a variable; assistantfinal is one, too.",
        "Write <think/> in the template.",
        "<think/> in the template turns thinking off.",
    ],
)
def test_what_may_be_text_swallows_no_answer(reply: str, *, starts_thinking: bool) -> None:
    for at in range(len(reply)):
        splitter = ThinkSplitter(starts_thinking=starts_thinking)
        splitter.feed(reply[:at])
        splitter.feed(reply[at:])
        splitter.close()
        assert (splitter.reasoning, splitter.answer) == ("", reply)


def test_white_space_behind_a_tag_is_looked_at_for_a_bounded_length() -> None:
    opening = begin_softly(f"<reason>{' ' * 5_000}x")
    assert opening is not None
    assert begin_softly("<reason> x") is None


@pytest.mark.parametrize(
    "opened",
    [
        "```thinking\nplan\n```\n",
        "<details><summary>Thinking</summary>plan</details>\n",
        '<details type="reasoning" done="true"><summary>3 s</summary>plan</details>\n',
        "<details><summary>已深度思考（用时 5 秒）</summary>plan</details>\n",
        "<rationale>\nplan\n</rationale>\n",
        "&lt;think&gt;\nplan\n&lt;/think&gt;\n\n",
    ],
)
def test_thinking_that_looks_as_text_ends_once(opened: str) -> None:
    answer = "Run:\n```\nls\n```\n<details><summary>More</summary>x</details>\nDone."
    reply = opened + answer
    for at in range(len(reply)):
        reasoning, text = split(reply[:at], reply[at:])
        assert (reasoning, text) == ("plan", answer)
