"""Rows with a rejected answer, in each of their forms."""

import json
from typing import Any

import pytest

from finetune.records import Turn, from_json, to_json
from tests.finetune.data.parsed import reason, record, table

ASKED = [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]
GOOD, BAD = {"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "q", "chosen": "a", "rejected": "b", "system": "s"},
        {"prompt": ASKED, "chosen": [GOOD], "rejected": [BAD]},
        {"chosen": [*ASKED, GOOD], "rejected": [*ASKED, BAD]},
        {"messages": ASKED, "chosen": GOOD, "rejected": BAD},
        {
            "conversations": [{"from": "system", "value": "s"}, {"from": "human", "value": "q"}],
            "chosen": {"from": "gpt", "value": "a"},
            "rejected": {"from": "gpt", "value": "b"},
        },
        {"instruction": "q", "input": "", "system": "s", "chosen": "a", "rejected": "b"},
        {"rating": "down", "reasons": [], "messages": [*ASKED, GOOD], "rejected": "b"},
    ],
    ids=["texts", "lists", "whole lists", "messages", "sharegpt", "alpaca", "feedback"],
)
def test_pairs_are_read_in_each_of_their_forms(row: dict[str, Any]) -> None:
    read = record(row)
    assert (read.system, read.turns) == ("s", (Turn(user="q", answer="a"),))
    assert read.rejected == Turn(user="q", answer="b")
    assert from_json(json.loads(json.dumps(to_json(read)))) == read


def test_thoughts_of_both_replies_are_taken_out() -> None:
    think = "<think>\n{}\n</think>\n\n"
    row = {"prompt": "q", "chosen": think.format("x") + "a", "rejected": think.format("y") + "b"}
    read = record(row)
    assert read.last == Turn(user="q", answer="a", think="x")
    assert read.rejected == Turn(user="q", answer="b", think="y")


def test_mapped_names_make_a_pair() -> None:
    data = table(map={"question": "问题", "answer": "好", "rejected": "坏"})
    read = record({"问题": "q", "好": "a", "坏": "b"}, data)
    assert (read.last.answer, read.rejected) == ("a", Turn(user="q", answer="b"))


def test_an_answer_that_nothing_was_rejected_for_is_a_row_of_its_own() -> None:
    assert record({"prompt": "q", "chosen": "a", "rejected": ""}).rejected is None


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"prompt": "q", "chosen": "a", "rejected": "a"}, "the chosen answer is the rejected one"),
        ({"prompt": "q", "chosen": "", "rejected": "b"}, "no answer"),
        ({"prompt": "", "chosen": "a", "rejected": "b"}, "no question"),
        ({"prompt": "q", "chosen": [], "rejected": "b"}, "no answer"),
        ({"prompt": 3.5, "chosen": {"role": "assistant"}, "rejected": "b"}, "no answer"),
        ({"prompt": {}, "chosen": "a", "rejected": "b"}, "no text"),
    ],
)
def test_a_broken_pair_is_rejected_with_its_reason(row: dict[str, Any], words: str) -> None:
    assert words in reason(row)


def test_the_rejected_answer_counts_for_the_id() -> None:
    one = record({"prompt": "q", "chosen": "a", "rejected": "b"})
    other = record({"prompt": "q", "chosen": "a", "rejected": "c"})
    assert one.id != other.id
