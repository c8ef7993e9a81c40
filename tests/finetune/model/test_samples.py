"""What is learnt is the reply to the letter, with its end, and nothing else."""

import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from finetune.model.chat_format import (
    FORMATS,
    GEMMA,
    MISTRAL,
    R1_DIRECT,
    R1_THINK,
    render_prompt,
    render_target,
)
from finetune.model.chat_templates import ChatFormat
from finetune.model.samples import (
    IGNORED,
    EncodedRecord,
    Sample,
    encode_prompt,
    encode_record,
    steps_per_epoch,
    total_steps,
)
from finetune.model.tokenization import ChatTokenizer, load_tokenizer
from finetune.recipe import TrainTable
from finetune.records import Record, Turn
from tests.finetune.conftest import BaseFor
from tests.finetune.conversations import NAMES, WRITTEN, Case, messages

MANY = 100_000
Pair = tuple[ChatFormat, ChatTokenizer]


@pytest.fixture(scope="session", params=FORMATS, ids=lambda fmt: fmt.name)
def pair(request: pytest.FixtureRequest, base_for: BaseFor) -> Pair:
    """A format, and a tokenizer that knows its marks."""
    fmt: ChatFormat = request.param
    return fmt, load_tokenizer(base_for(fmt.name), fmt=fmt)


def record(*turns: Turn, system: str = "") -> Record:
    return Record(id="r", turns=turns, system=system)


def learnt(sample: Sample) -> list[int]:
    return [label for label in sample.labels if label != IGNORED]


def encoded(pair: Pair, asked: Record, *, max_tokens: int = MANY, **choices: str) -> EncodedRecord:
    options = {"turns": "last", "over_length": "drop", **choices}
    return encode_record(asked, *pair, max_tokens=max_tokens, **options)  # type: ignore[arg-type]


def as_read(fmt: ChatFormat, text: str) -> str:
    """Return a text as the tokenizer gives it back: SentencePiece's sign for a space is one."""
    return text.replace("▁", " ") if fmt in (GEMMA, MISTRAL) else text


marks = st.sampled_from([mark for fmt in FORMATS for mark in fmt.controls])
texts = (
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | marks, max_size=4)
    .map("".join)
    .filter(lambda text: unicodedata.is_normalized("NFC", text))
)
turns = st.builds(Turn, user=texts, answer=texts, think=texts)
records = st.builds(
    Record,
    id=st.just("r"),
    turns=st.lists(turns, min_size=1, max_size=4).map(tuple),
    system=texts,
)


@given(asked=records)
def test_labels_decode_to_the_target_exactly_and_end_with_eos(pair: Pair, asked: Record) -> None:
    fmt, tokenizer = pair
    samples = encoded(pair, asked, turns="all").samples
    assert len(samples) == len(asked.turns)
    for sample, turn in zip(samples, asked.turns, strict=True):
        target = learnt(sample)
        assert tokenizer.decode(target) == as_read(fmt, render_target(fmt, turn))
        assert target[-1] == tokenizer.control(fmt.eos)
        assert target.count(tokenizer.control(fmt.eos)) == 1
        assert list(sample.ids[sample.prompt_tokens :]) == target
        assert set(sample.labels[: sample.prompt_tokens]) == {IGNORED}


@given(asked=records)
def test_a_sample_reads_as_prompt_and_target(pair: Pair, asked: Record) -> None:
    fmt, tokenizer = pair
    for number, sample in enumerate(encoded(pair, asked, turns="all").samples):
        *history, turn = asked.turns[: number + 1]
        prompt = render_prompt(fmt, system=asked.system, history=history, user=turn.user)
        if fmt.thinks:
            prompt = prompt.removesuffix(fmt.opening)
        assert tokenizer.decode(sample.ids) == as_read(fmt, prompt + render_target(fmt, turn))


@given(asked=records)
def test_a_sample_begins_with_the_very_ids_that_ask_for_the_reply(
    pair: Pair, asked: Record
) -> None:
    [sample] = encoded(pair, asked).samples
    prompt = encode_prompt(asked, *pair)
    assert list(sample.ids[: len(prompt)]) == prompt


@pytest.mark.parametrize(("fmt", "case"), WRITTEN, ids=NAMES)
def test_prompts_have_the_ids_that_transformers_gives_to_the_template(
    fmt: ChatFormat, case: Case, base_for: BaseFor
) -> None:
    folder = base_for(fmt.name)
    asked = record(*case.history, Turn(user=case.user, answer=""), system=case.system)
    theirs = AutoTokenizer.from_pretrained(folder).apply_chat_template(
        messages(replace(case, reply=None)),
        chat_template=fmt.jinja,
        add_generation_prompt=True,
        enable_thinking=case.think is not False,
        return_dict=False,
    )
    think = case.think is not False
    assert encode_prompt(asked, fmt, load_tokenizer(folder), think=think) == theirs


def test_a_row_without_a_thought_teaches_an_empty_one(tiny: Path) -> None:
    tokenizer = load_tokenizer(tiny)
    asked = record(Turn(user="Hi", answer="Yes."))
    thinking, direct = R1_THINK, R1_DIRECT
    [sample] = encoded((thinking, tokenizer), asked).samples
    assert tokenizer.decode(learnt(sample)) == ("<think>\n\n</think>\n\nYes.<｜end▁of▁sentence｜>")
    [sample] = encoded((direct, tokenizer), asked).samples
    assert tokenizer.decode(learnt(sample)) == "Yes.<｜end▁of▁sentence｜>"
    assert tokenizer.decode(sample.ids) == (
        "<｜begin▁of▁sentence｜><｜User｜>Hi<｜Assistant｜><think>\n\n</think>\n\n"
        "Yes.<｜end▁of▁sentence｜>"
    )


LONG = record(
    Turn(user="one", answer="first", think="alpha"),
    Turn(user="two", answer="second", think="beta"),
    Turn(user="three", answer="third", think="gamma"),
    system="Be brief.",
)


def test_thoughts_of_earlier_turns_are_gone(pair: Pair) -> None:
    _, tokenizer = pair
    [sample] = encoded(pair, LONG).samples
    text = tokenizer.decode(sample.ids)
    assert "first" in text
    assert "second" in text
    assert "alpha" not in text
    assert "beta" not in text


def test_each_turn_is_learnt_once_if_all_are(pair: Pair) -> None:
    _, tokenizer = pair
    replies = [tokenizer.decode(learnt(one)) for one in encoded(pair, LONG, turns="all").samples]
    assert [
        word in reply for word, reply in zip(("first", "second", "third"), replies, strict=True)
    ]
    assert [one.record for one in encoded(pair, LONG, turns="all").samples] == ["r"] * 3


def length(pair: Pair, *kept: Turn) -> int:
    [sample] = encoded(pair, record(*kept, system=LONG.system)).samples
    return len(sample.ids)


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_shortening_leaves_out_the_earliest_turns(pair: Pair, kept: int) -> None:
    _, tokenizer = pair
    space = length(pair, *LONG.turns[-kept:])
    found = encoded(pair, LONG, max_tokens=space, over_length="shorten")
    [sample] = found.samples
    [alone] = encoded(pair, record(*LONG.turns[-kept:], system=LONG.system)).samples
    assert sample == alone
    assert (found.dropped, found.shortened) == (0, int(kept < len(LONG.turns)))
    assert tokenizer.decode(sample.ids).count("Be brief.") == 1


def test_a_sample_that_cannot_be_shortened_is_dropped_and_counted(pair: Pair) -> None:
    space = length(pair, LONG.last) - 1
    found = encoded(pair, LONG, max_tokens=space, over_length="shorten")
    assert found == EncodedRecord(samples=(), dropped=1, shortened=0)


def test_a_sample_that_is_too_long_is_dropped_whole(pair: Pair) -> None:
    space = length(pair, *LONG.turns)
    assert encoded(pair, LONG, max_tokens=space).dropped == 0
    assert encoded(pair, LONG, max_tokens=space - 1) == EncodedRecord(samples=(), dropped=1)


def test_with_all_turns_only_those_that_are_too_long_are_dropped(pair: Pair) -> None:
    space = length(pair, *LONG.turns) - 1
    found = encoded(pair, LONG, max_tokens=space, turns="all")
    assert (len(found.samples), found.dropped, found.shortened) == (2, 1, 0)


@given(asked=records, space=st.integers(16, 120), shorten=st.booleans())
def test_no_sample_is_too_long_and_none_is_lost_uncounted(
    pair: Pair, asked: Record, space: int, shorten: bool
) -> None:
    found = encoded(
        pair,
        asked,
        max_tokens=space,
        turns="all",
        over_length="shorten" if shorten else "drop",
    )
    assert all(len(sample.ids) <= space for sample in found.samples)
    assert len(found.samples) + found.dropped == len(asked.turns)
    assert found.shortened <= len(found.samples)


@pytest.mark.parametrize(
    ("count", "batch", "accumulate", "processes", "steps"),
    [(240, 2, 16, 1, 8), (241, 2, 16, 1, 8), (257, 2, 16, 1, 9), (3, 8, 4, 1, 1), (64, 2, 4, 4, 2)],
)
def test_an_epoch_has_as_many_steps_as_see_each_sample_once(
    count: int, batch: int, accumulate: int, processes: int, steps: int
) -> None:
    table = TrainTable(batch=batch, accumulate=accumulate)
    assert steps_per_epoch(count, table, processes=processes) == steps


def test_a_limit_of_steps_goes_before_epochs() -> None:
    assert total_steps(64, TrainTable(batch=4, accumulate=4, epochs=2.5)) == 10
    assert total_steps(64, TrainTable(batch=4, accumulate=4, epochs=2.5, max_steps=3)) == 3
