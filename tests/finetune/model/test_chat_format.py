"""Text, Jinja template and Ollama's TEMPLATE of a chat format say the same."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2.sandbox import ImmutableSandboxedEnvironment
from transformers import AutoTokenizer

from finetune.model.chat_format import (
    CHATML,
    FORMATS,
    MISTRAL,
    R1_DIRECT,
    R1_THINK,
    chat_format,
    render_prompt,
    render_target,
    split_reply,
)
from finetune.model.chat_templates import ChatFormat
from finetune.records import Turn
from tests.finetune.conftest import BaseFor
from tests.finetune.conversations import CASES, NAMES, WRITTEN, Case, messages
from tests.finetune.gotemplates import GoTemplates, build_go_templates
from tests.finetune.tiny_families import FAMILIES

each_format = pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
each_case = pytest.mark.parametrize(("fmt", "case"), WRITTEN, ids=NAMES)


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> GoTemplates:
    return build_go_templates(tmp_path_factory.mktemp("go"))


def ours(fmt: ChatFormat, case: Case) -> str:
    prompt = render_prompt(
        fmt,
        system=case.system,
        history=case.history,
        user=case.user,
        think=case.think is not False or case.reply is not None,
    )
    if case.reply is None:
        return prompt
    target = render_target(fmt, case.reply)
    return (prompt.removesuffix(fmt.opening) if fmt.thinks else prompt) + target


def by_jinja(fmt: ChatFormat, sent: list[dict[str, str]], think: bool | None = None) -> str:
    """Render as transformers does; a reply at the end is ended, for it is there to be learnt."""
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    asked = sent[-1]["role"] != "assistant"
    variables: dict[str, Any] = {} if think is None else {"enable_thinking": think}
    return environment.from_string(fmt.jinja).render(
        messages=sent, add_generation_prompt=asked, bos_token=fmt.bos, **variables
    )


def for_jinja(fmt: ChatFormat, case: Case) -> str:
    return ours(fmt, case) + (fmt.after_eos if case.reply else "")


def for_go(fmt: ChatFormat, case: Case) -> str:
    """What llama.cpp gets to read: it adds BOS, and goes on with a reply at the end."""
    return ours(fmt, case).removeprefix(fmt.bos).removesuffix(fmt.eos if case.reply else "")


@each_case
def test_conversations_are_written_to_the_letter(fmt: ChatFormat, case: Case) -> None:
    assert ours(fmt, case) == case.written[fmt.name]


@each_case
def test_the_jinja_template_agrees(fmt: ChatFormat, case: Case) -> None:
    assert by_jinja(fmt, messages(case), case.think) == for_jinja(fmt, case)


@each_case
def test_the_jinja_template_agrees_within_transformers(
    fmt: ChatFormat, case: Case, base_for: BaseFor
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base_for(fmt.name))
    asked = {} if case.think is None else {"enable_thinking": case.think}
    text = tokenizer.apply_chat_template(
        messages(case),
        chat_template=fmt.jinja,
        add_generation_prompt=case.reply is None,
        tokenize=False,
        **asked,
    )
    assert text == for_jinja(fmt, case)


@pytest.mark.go
@each_case
def test_the_ollama_template_agrees(fmt: ChatFormat, case: Case, go: GoTemplates) -> None:
    [rendered] = go.render(fmt.ollama_template, [(messages(case), case.think)])
    assert rendered.text == for_go(fmt, case)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
pieces = st.sampled_from(["{{ .Content }}", "{{-", "-}}", "{% endif %}", "\n", " ", "\\n", "'"])
words = st.lists(texts | pieces, max_size=4).map("".join)
turns = st.builds(Turn, user=words, answer=words, think=words)
conversations = st.builds(
    Case,
    user=words,
    system=words,
    history=st.lists(turns, max_size=3).map(tuple),
    think=st.sampled_from([None, True, False]),
    reply=st.none() | turns,
    written=st.just({}),
).map(lambda case: replace(case, user=case.reply.user) if case.reply else case)


@pytest.mark.go
@each_format
@settings(max_examples=60)
@given(cases=st.lists(conversations, min_size=1, max_size=20))
def test_any_conversation_reads_the_same_everywhere(
    fmt: ChatFormat, cases: list[Case], go: GoTemplates
) -> None:
    rendered = go.render(fmt.ollama_template, [(messages(case), case.think) for case in cases])
    assert [one.text for one in rendered] == [for_go(fmt, case) for case in cases]
    for case in cases:
        assert by_jinja(fmt, messages(case), case.think) == for_jinja(fmt, case)


@pytest.mark.parametrize("field", ["thinking", "reasoning_content", "content"])
def test_the_jinja_template_takes_thoughts_where_clients_put_them(field: str) -> None:
    case = CASES["reply"]
    assert case.reply is not None
    *asked, reply = messages(replace(case, history=(case.reply,)))
    for message in (asked[2], reply):
        thought, answer = message.pop("thinking"), message["content"]
        tagged = {"content": f"<think>\n{thought}\n</think>\n\n{answer}"}
        message |= tagged if field == "content" else {field: thought}
    text = by_jinja(R1_THINK, [*asked, reply])
    assert text == for_jinja(R1_THINK, replace(case, history=(case.reply,)))
    assert text.count("The rule") == 1


@pytest.mark.parametrize("family", ["qwen3", "llama3", "gemma3", "mistral"])
@pytest.mark.parametrize("system", ["", "Be brief."])
def test_the_models_own_template_asks_a_question_in_the_same_words(
    family: str, system: str
) -> None:
    name = {"qwen3": "qwen3-direct", "gemma3": "gemma"}.get(family, family)
    fmt = chat_format(name)  # type: ignore[arg-type]
    asked = [{"role": "system", "content": system}] if system else []
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    text = environment.from_string(FAMILIES[family].settings["chat_template"]).render(
        messages=[*asked, {"role": "user", "content": "How high?"}],
        add_generation_prompt=True,
        bos_token=fmt.bos,
        eos_token=fmt.eos,
        enable_thinking=False,
    )
    assert text == render_prompt(fmt, system=system, history=(), user="How high?")


# Mistral's own puts the system message into the last question, and `check` says so.
@pytest.mark.parametrize(
    ("family", "system"),
    [
        *((family, "") for family in ("qwen3", "llama3", "gemma3", "mistral")),
        *((family, "Be brief.\n\n请用中文。") for family in ("qwen3", "llama3", "gemma3")),
    ],
)
@pytest.mark.parametrize("turns", [1, 3])
def test_the_models_own_template_goes_on_in_the_same_words(
    family: str, system: str, turns: int
) -> None:
    name = {"qwen3": "qwen3-direct", "gemma3": "gemma"}.get(family, family)
    fmt = chat_format(name)  # type: ignore[arg-type]
    history = tuple(
        Turn(user=f"第{n}问：how high?", answer=f"{n}20 m.\n\n- 列表") for n in range(turns)
    )
    asked = [{"role": "system", "content": system}] if system else []
    for turn in history:
        asked += [
            {"role": "user", "content": turn.user},
            {"role": "assistant", "content": turn.answer},
        ]
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    text = environment.from_string(FAMILIES[family].settings["chat_template"]).render(
        messages=[*asked, {"role": "user", "content": "And at night?"}],
        add_generation_prompt=True,
        bos_token=fmt.bos,
        eos_token=fmt.eos,
        enable_thinking=False,
    )
    assert text == render_prompt(fmt, system=system, history=history, user="And at night?")


@each_format
def test_several_system_messages_become_one(fmt: ChatFormat) -> None:
    apart = [{"role": "system", "content": text} for text in ("One.", "Two.")]
    asked = {"role": "user", "content": "Hi"}
    whole = render_prompt(fmt, system="One.\n\nTwo.", history=(), user="Hi")
    assert by_jinja(fmt, [*apart, asked]) == whole


@pytest.mark.go
@each_format
def test_ollama_finds_out_who_can_think(fmt: ChatFormat, go: GoTemplates) -> None:
    [rendered] = go.render(fmt.ollama_template, [(messages(CASES["question"]), None)])
    tags = ("<think>", "</think>") if fmt.thinks else ("", "")
    assert (rendered.open, rendered.close) == tags
    # The Jinja template in the GGUF is searched for the tags themselves. If it promised more than
    # the TEMPLATE, Ollama would take it instead.
    assert ("<think>" in fmt.jinja, "</think>" in fmt.jinja) == (fmt.thinks, fmt.thinks)
    assert "tool" not in fmt.jinja


def test_targets_are_what_a_reply_looks_like() -> None:
    turn = Turn(user="?", think="Why\nnot?", answer="Yes.")
    assert render_target(R1_THINK, turn) == (
        "<think>\nWhy\nnot?\n</think>\n\nYes.<｜end▁of▁sentence｜>"
    )
    assert render_target(R1_DIRECT, turn) == "Yes.<｜end▁of▁sentence｜>"
    assert render_target(CHATML, turn) == "Yes.<|im_end|>"


@pytest.mark.parametrize("turn", [Turn(user="?", answer="Yes."), CASES["reply"].reply])
@each_format
def test_a_reply_is_split_as_it_was_put_together(fmt: ChatFormat, turn: Turn) -> None:
    generated = render_target(fmt, turn).removeprefix(fmt.opening).removesuffix(fmt.eos)
    assert split_reply(fmt, generated) == (turn.think if fmt.thinks else "", turn.answer)


def test_a_thought_cut_short_is_no_answer() -> None:
    assert split_reply(R1_THINK, "So, the", cut_short=True) == ("So, the", "")
    assert split_reply(R1_THINK, "So, the") == ("", "So, the")


def test_without_thinking_all_of_a_reply_is_the_answer() -> None:
    assert split_reply(R1_THINK, "120 m.", think=False, cut_short=True) == ("", "120 m.")
    assert split_reply(R1_DIRECT, "120 m.", cut_short=True) == ("", "120 m.")


@each_format
def test_generation_stops_at_every_mark_that_begins_or_ends_a_turn(fmt: ChatFormat) -> None:
    marks = {fmt.eos, *(mark for mark in fmt.controls if "think" not in mark)}
    if fmt is MISTRAL:
        marks -= {"<s>", "</s>"}  # text that an answer about HTML may hold
    assert marks <= set(fmt.stops)


@each_format
def test_a_format_is_found_by_its_name(fmt: ChatFormat) -> None:
    assert chat_format(fmt.name) is fmt
