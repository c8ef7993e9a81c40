"""Are follow-ups searched for as they were meant, and new questions left alone?

    python -m bench.conversations [--floor X] [--wrong]

Conversations of two to four turns (bench/conversation_cases.tsv), without a model. Set a was used
while the rules were written, set b was looked at only at the end, set c was written by somebody
who had not seen the rules (37 of 51 then, and 47 before what it missed was mended, too), set d was
used while the rules for what is left out and for other names were written (44 of c before, 46
after). Set e (29 of 40 before, 39 after) was used for questions without a subject, thanks and
other names; set f (recipes, sport, software, offices) was written before these rules and judged
once when they stood: 14 of 40 before, 31 after. Sets g (47 of 50 before, 50 after it was mended by)
and h (37 of 43 at a look when those rules stood, 42 since) are on other everyday subjects. A case
is right if the query is the one expected: "=" the question unchanged, words that must stand in it,
or -words that must not.
"xquad" is the share of XQuAD's questions that stay alone after one about drones; most of the rest
lean on their paragraph in truth ("When was this edict declared?").
"""

import argparse
import asyncio
import csv
import json
import re
import sys
from collections import Counter
from pathlib import Path

import click

from assistant.answer.conversations import standalone_question
from assistant.values import ChatMessage
from bench.data import DATA

CASES = Path(__file__).with_name("conversation_cases.tsv")
OTHER_TOPIC = {"en": "How high may a drone fly?", "zh": "小型无人机的高度限制是多少？"}
_TERM = re.compile(r'-?"[^"]+"|\S+')


def is_right(query: str, question: str, expected: str) -> bool:
    """Return whether the query is what the case expects."""
    if (
        expected == "="
        or expected[-1] in "?？"
        or (" " not in expected[:1] and expected[0].isupper())
    ):
        same = question if expected == "=" else expected
        return query.strip(" ?？.").casefold() == same.strip(" ?？.").casefold()
    folded = query.casefold()
    if folded.strip(" ?？.") == expected.casefold():
        return True
    terms = [term.replace('"', "") for term in _TERM.findall(expected)]
    wanted = [term for term in terms if not term.startswith("-")]
    barred = [term[1:] for term in terms if term.startswith("-")]
    held = all(any(form in folded for form in term.split("|")) for term in wanted)
    return held and not any(term in folded for term in barred)


async def query_of(earlier: str, question: str) -> str:
    """Return the query for the last question of a conversation."""
    history = [
        ChatMessage(role=role, content=text if role == "user" else "Yes [1].")
        for text in earlier.split(" / ")
        for role in ("user", "assistant")
    ]
    return await standalone_question(question, history, model=None)


def alone_share(language: str) -> float:
    """Return the share of XQuAD's questions that stay alone after one on another topic."""
    path = DATA / "retrieval" / f"xquad.{language}.json"
    articles = json.loads(path.read_text("utf-8"))["data"]
    paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
    questions = [qa["question"].strip() for paragraph in paragraphs for qa in paragraph["qas"]]
    alone = [asyncio.run(query_of(OTHER_TOPIC[language], text)) == text for text in questions]
    return sum(alone) / len(alone)


def main() -> int:
    """Print the table; return 1 if a set falls below the floor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--floor", type=float, default=0.0)
    parser.add_argument("--wrong", action="store_true", help="show what is wrong in set a")
    options = parser.parse_args()
    asked, right = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    with CASES.open(encoding="utf-8", newline="") as file:
        for case in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            question, expected = case["question"], case["expected"]
            query = asyncio.run(query_of(case["earlier questions"], question))
            held = is_right(query, question, expected)
            for kind in (case["kind"], "all"):
                asked[case["set"], kind] += 1
                right[case["set"], kind] += held
            if options.wrong and not held and case["set"] == "a":
                click.echo(f"{case['earlier questions']} | {question} -> {query} [{expected}]")
    for (name, kind), number in asked.items():
        click.echo(f"{name}  {kind:10} {right[name, kind]:3} of {number:3}")
    shares = [right[name, "all"] / asked[name, "all"] for name in ("a", "b", "c")]
    click.echo(f"a {shares[0]:.3f}  b {shares[1]:.3f}  c {shares[2]:.3f}")
    if (DATA / "retrieval" / "xquad.zh.json").exists():
        shares += [alone_share("en"), alone_share("zh")]
        click.echo(f"xquad en {shares[3]:.3f}  zh {shares[4]:.3f}")
    return int(min(shares) < options.floor)


if __name__ == "__main__":
    sys.exit(main())
