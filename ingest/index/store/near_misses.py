"""Words that the index does not know, and those that it has one edit away: typos in long words.

Damerau, "A technique for computer detection and correction of spelling errors", CACM 1964: four in
five misspelt words lack a letter, have one too many, a wrong one, or two neighbours swapped.
"""

import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from string import ascii_lowercase

MIN_MISSPELT_LETTERS = 5
"""Letters: shorter words have too many neighbours that mean something else."""
MAX_MISSPELT_WORDS = 4
"""Unknown words of a query that are looked up: each takes four milliseconds."""
MAX_NEIGHBOURS = 2
"""Words taken in place of an unknown one, those that most chunks have."""
VOCABULARY = "CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, words, 'row')"
"""A view of the full-text index by its words; of this connection, nothing is stored."""

_LONG_WORD = re.compile(rf"[a-z]{{{MIN_MISSPELT_LETTERS},}}")


def neighbours_of_unknown(connection: sqlite3.Connection, words: Iterable[str]) -> list[str]:
    """Return what to look up beside those of `words` that no chunk has, [] if all are known."""
    long = [word for word in words if _LONG_WORD.fullmatch(word)]
    known = _counts(connection, long)
    origins: dict[str, list[str]] = defaultdict(list)
    for word in [word for word in long if word not in known][:MAX_MISSPELT_WORDS]:
        for edit in one_edit_away(word):
            origins[edit].append(word)
    counts = _counts(connection, list(origins))
    taken: dict[str, int] = defaultdict(int)
    found = []
    for word in sorted(counts, key=lambda word: (-counts[word], word)):
        wanted = [origin for origin in origins[word] if taken[origin] < MAX_NEIGHBOURS]
        for origin in wanted:
            taken[origin] += 1
        if wanted:
            found.append(word)
    return found


def one_edit_away(word: str) -> set[str]:
    """Return what one edit behind the first letter makes of `word`: some 430 for eight letters."""
    found: set[str] = set()
    for at in range(1, len(word) + 1):
        head, tail = word[:at], word[at:]
        found.update(head + letter + tail for letter in ascii_lowercase)
        if tail:
            found.add(head + tail[1:])
            found.update(head + letter + tail[1:] for letter in ascii_lowercase)
        if len(tail) > 1:
            found.add(head + tail[1] + tail[0] + tail[2:])
    return found - {word}


def _counts(connection: sqlite3.Connection, words: Sequence[str]) -> dict[str, int]:
    """Return in how many chunks each of these words is, for those that are in any."""
    if not words:
        return {}
    rows = connection.execute(
        "SELECT term, doc FROM temp.vocabulary WHERE term IN (SELECT value FROM json_each(?))",
        (json.dumps(words),),
    )
    return dict(rows.fetchall())
