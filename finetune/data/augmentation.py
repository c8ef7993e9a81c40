"""Varied copies of training questions; their answers stay as they are.

Each method keeps the label: no digit, no name in capitals, no negation is ever touched. The same
record, seed and recipe give the same copies.
"""

import itertools
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from finetune.data.rows import with_content_id
from finetune.errors import DataError
from finetune.recipe import AugmentTable
from finetune.records import Record
from ingest.foundation.messages import Message
from ingest.foundation.settings import expand_user
from ingest.text.words import sentence_spans

TRIES = 4
"""Draws for one copy: a short question has few variations, and some draws repeat one."""

MARKS = {"，": ",", "。": ".", "？": "?", "！": "!", "：": ":", "；": ";", "（": "(", "）": ")"}
# Not the three that are within figures: 3.5, 8:30, 1,000.
MARKS |= {narrow: wide for wide, narrow in MARKS.items() if narrow not in ".:,"}
CLOSING = re.compile(r"[。？！.?!]$")
WORD = re.compile(r"(?<![A-Za-z0-9])[a-z]{5,}(?![A-Za-z0-9])")
"""Words of five small letters or more, which no abbreviation, name or unit is."""

PARTICLES = "的地得"
PARTICLE = re.compile(
    r"(?<=[\u4e00-\u9fff])的(?=[\u4e00-\u9fff])"
    r"|(?<=[\u4e00-\u9fff])地(?=[走跑飞说看做写问想])"
    r"|(?<=[走跑飞说看做写问想])得(?=[很太不])"
)
"""Where Chinese writers mistake one de for another; 地 in 地方 and 得 in 得到 are none."""

NEGATIONS = frozenset({"cannot", "neither", "never", "without"})
"""Words that stay whole: misspelt, the question could be read as its opposite."""

Method = Callable[[str, random.Random], str]


class Augmenter:
    """Varies the last question of a record by the recipe's methods.

    `kept` is the text that a question may begin with and that stays as it is: the instruction of
    classification rows.

    Raises:
        DataError: the file of synonyms is missing, unreadable or empty.
    """

    def __init__(self, table: AugmentTable, *, folder: Path, seed: int, kept: str = "") -> None:
        self._copies = table.copies
        self._seed = seed
        self._kept = kept
        known: dict[str, Method] = {
            "typos": with_typo,
            "punctuation": with_other_marks,
            "shuffle": with_sentences_moved,
        }
        if table.copies and "synonyms" in table.methods:
            known["synonyms"] = Synonyms(read_synonyms(folder, table.synonyms))
        self._methods = [known[name] for name in table.methods] if table.copies else []

    def copies(self, record: Record) -> Iterator[Record]:
        """Yield at most `copies` variations, all different from the record and each other."""
        # Entities have offsets in the text, which a variation would move.
        if not self._methods or record.entities:
            return
        question = record.last.user
        begins = len(self._kept) if self._kept and question.startswith(self._kept) else 0
        # By the record's own id, so that its copies stay when rows are added elsewhere.
        chance = random.Random(f"{self._seed}:{record.id}")  # noqa: S311
        seen = {question}
        for _ in range(self._copies):
            for _ in range(TRIES):
                vary = chance.choice(self._methods)
                varied = question[:begins] + vary(question[begins:], chance)
                if varied not in seen:
                    seen.add(varied)
                    turns = (*record.turns[:-1], replace(record.last, user=varied))
                    yield with_content_id(replace(record, turns=turns))
                    break


def with_typo(text: str, chance: random.Random) -> str:
    """Swap two inner letters of a long English word, or write another de in Chinese."""
    places = [found for found in WORD.finditer(text) if found[0] not in NEGATIONS]
    places += PARTICLE.finditer(text)
    if not places:
        return text
    found = chance.choice(places)
    word = found[0]
    if word in PARTICLES:
        other = chance.choice([one for one in PARTICLES if one != word])
        return text[: found.start()] + other + text[found.end() :]
    # Inner letters alone: a word stays readable by its first and its last one.
    at = chance.randrange(1, len(word) - 2)
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return text[: found.start()] + swapped + text[found.end() :]


def with_other_marks(text: str, chance: random.Random) -> str:
    """Drop the mark that closes the text, add one, or write one in the other width."""
    inner = [at for at, character in enumerate(text.rstrip()) if character in MARKS]
    if inner and chance.randrange(2):
        at = chance.choice(inner)
        return text[:at] + MARKS[text[at]] + text[at + 1 :]
    bare = text.rstrip()
    if CLOSING.search(bare):
        return bare[:-1]
    return bare + ("？" if re.search(r"[\u4e00-\u9fff]", bare) else "?")


def with_sentences_moved(text: str, chance: random.Random) -> str:
    """Put sentences in another order; the last one stays, for it is the question."""
    spans = sentence_spans(text)
    if len(spans) < 3:
        return text
    sentences = [text[start:end] for start, end in spans]
    gaps = [text[end:start] for (_, end), (start, _) in itertools.pairwise(spans)]
    order = sentences[:-1]
    chance.shuffle(order)
    moved = [part for pair in zip(order, gaps, strict=True) for part in pair]
    return text[: spans[0][0]] + "".join([*moved, sentences[-1]]) + text[spans[-1][1] :]


class Synonyms:
    """Replaces one word by another of its group."""

    def __init__(self, groups: Mapping[str, Sequence[str]]) -> None:
        self._groups = groups
        longest_first = sorted(groups, key=len, reverse=True)
        # A Latin word counts only as a whole; ideographs have no borders. The longest first, since
        # a pattern takes the first alternative that matches: 无人机 before 无人.
        self._word = re.compile(
            "|".join(
                rf"\b{re.escape(word)}\b" if word.isascii() else re.escape(word)
                for word in longest_first
            )
        )

    def __call__(self, text: str, chance: random.Random) -> str:
        places = list(self._word.finditer(text))
        if not places:
            return text
        found = chance.choice(places)
        # Not the same word again: the draw would be lost.
        others = [word for word in self._groups[found[0]] if word != found[0]]
        return text[: found.start()] + chance.choice(others) + text[found.end() :]


def read_synonyms(folder: Path, name: str) -> dict[str, list[str]]:
    """Return word -> its group, from a file with one group a line, words apart by , 、 or space.

    Raises:
        DataError: the file is missing, unreadable or holds no group of two words.
    """
    path = folder / expand_user(name, source="data.augment.synonyms")
    try:
        # "-sig": Windows editors write a byte order mark, which would be a part of the first word.
        lines = path.read_text(encoding="utf-8-sig").splitlines() if name else []
    except (OSError, UnicodeDecodeError) as error:
        raise _no_synonyms(path) from error
    groups = [list(dict.fromkeys(re.findall(r"[^\s,，、]+", line))) for line in lines]
    found = {word: group for group in groups if len(group) > 1 for word in group}
    if not found:
        raise _no_synonyms(path)
    return found


def _no_synonyms(path: Path) -> DataError:
    return DataError(
        Message("no synonyms in {path}", path=path),
        hint=Message("data.augment.synonyms names a UTF-8 file: one group of words a line"),
    )
