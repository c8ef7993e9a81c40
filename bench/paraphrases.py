"""Fair and unfair paraphrases, written by hand, of sentences of real pages (paraphrases.tsv).

The pages are those of ../shared/data/pages and pages-zh, which no rule was made on. "Unfair" ones
alter a name, a figure, polarity, the order of names, or a plain word. genre_pairs.tsv has pairs of
made passages of eight genres; its set b was looked at only at the end.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

from bench.verdict_cases import PASSAGES, Case

FAIR, UNFAIR = "paraphrase", "unfair paraphrase"


def paraphrase_cases(language: str) -> Iterator[Case]:
    """Yield the cases of a language, each among passages of other pages."""
    path = Path(__file__).with_suffix(".tsv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    rows = [row for row in rows if row["language"] == language]
    all_passages = list(dict.fromkeys(row["passage"] for row in rows))
    for row in rows:
        place = all_passages.index(row["passage"])
        near = tuple(all_passages[place - at] for at in range(PASSAGES))
        kind = FAIR if row["fair"] == "yes" else UNFAIR
        yield Case(kind, row["sentence"], near, 1, row["original"])


def genre_cases(name: str) -> Iterator[Case]:
    """Yield the cases of a set, "a.en" or "b.zh", each against its passage alone."""
    path = Path(__file__).with_name("genre_pairs.tsv")
    part, _, language = name.partition(".")
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if (row["set"], row["language"]) == (part, language):
                kind = FAIR if row["fair"] == "yes" else UNFAIR
                yield Case(kind, row["sentence"], (row["passage"],), 1, row["genre"])
