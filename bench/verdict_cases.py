"""True sentences of real pages, and what rules make of them (bench/verdict_changes.py)."""

import ast
import importlib
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.data import DATA
from bench.verdict_changes import MAKERS, MAKERS_ZH
from ingest.text.words import sentence_spans

PASSAGES = 5
"""Passages that a sentence is checked against, the right one among them."""
PARAGRAPHS_JOINED = 3
"""Short paragraphs of a page in one passage, of pages that have many."""
LEAST, MOST = 30, 320
"""Characters of the sentences taken, half of it in Chinese: what models write."""

SHORTEST_DOCSTRING = 120
"""Characters of a docstring that says more than what its name says."""

SETS = ("xquad.en", "xquad.zh", "cmrc.zh", "articles.en", "docs.en")
"""xquad was looked at while the rules were written, the others only at the end."""
_ITEM = re.compile(r"\s*(?:[-*+•#]|\d{1,2}[.)、])")


@dataclass(frozen=True, slots=True)
class Case:
    """A sentence, the passages that it is checked against, and the number of the right one."""

    kind: str
    sentence: str
    passages: tuple[str, ...]
    right: int
    original: str


@dataclass(frozen=True, slots=True)
class _Page:
    passages: tuple[str, ...]


def pages(name: str) -> list[_Page]:
    """Return the pages of a set, each of passages that a reader would be given together."""
    if name == "articles.en":
        truth = json.loads((DATA / "articles" / "ground-truth.json").read_text("utf-8"))
        texts = [entry["articleBody"] for entry in truth.values()]
        return [_Page(_joined(text)) for text in texts if len(_joined(text)) >= PASSAGES]
    if name == "docs.en":
        return list(_documentation())
    data = json.loads((DATA / "retrieval" / f"{name}.json").read_text("utf-8"))["data"]
    texts = [[p["context"] for p in article["paragraphs"]] for article in data]
    if len(texts[0]) == 1:  # cmrc: a paragraph an article, so that neighbours are the context
        flat = [paragraphs[0] for paragraphs in texts]
        texts = [flat[at : at + PASSAGES] for at in range(0, len(flat) - PASSAGES, PASSAGES)]
    return [_Page(tuple(paragraphs)) for paragraphs in texts]


def _joined(text: str) -> tuple[str, ...]:
    lines = [line for line in text.splitlines() if line.strip()]
    return tuple(
        "\n".join(lines[at : at + PARAGRAPHS_JOINED])
        for at in range(0, len(lines), PARAGRAPHS_JOINED)
    )


def _documentation() -> Iterator[_Page]:
    """Yield the docstrings of Python's own library: another kind of text than an encyclopaedia."""
    modules = (
        "argparse asyncio.events codecs collections configparser datetime difflib email.message"
        " fractions heapq logging pathlib random shutil socket statistics string subprocess tarfile"
        " tempfile textwrap threading urllib.request zipfile"
    )
    for name in modules.split():
        origin = Path(importlib.import_module(name).__file__ or "")
        nodes = ast.walk(ast.parse(origin.read_text("utf-8")))
        kinds = (ast.FunctionDef, ast.ClassDef, ast.Module)
        found = [ast.get_docstring(node) or "" for node in nodes if isinstance(node, kinds)]
        texts = [" ".join(text.split()) for text in found if len(text) >= SHORTEST_DOCSTRING]
        if len(texts) >= PASSAGES:
            yield _Page(tuple(texts))


def cases(name: str, *, most: int = 60, seed: int = 5) -> Iterator[Case]:
    """Yield up to `most` cases of each kind from a set; the same seed gives the same."""
    chinese = name.endswith(".zh")
    draw = random.Random(seed)
    all_pages = pages(name)
    sentences = [
        (page, number, passage[a:b])
        for page, one in enumerate(all_pages)
        for number, passage in enumerate(one.passages)
        for a, b in sentence_spans(passage)
        if (LEAST // (1 + chinese)) <= b - a <= MOST // (1 + chinese)
        # Questions and lead-ins claim nothing, and the number of a list's item is none of its text.
        and passage[b - 1] not in '?:？："”'
        and not _ITEM.match(passage[a:b])
    ]
    draw.shuffle(sentences)
    counts: dict[str, int] = {}
    for page, number, sentence in sentences:
        texts = all_pages[page].passages
        low = max(0, min(number - PASSAGES // 2, len(texts) - PASSAGES))
        near = texts[low : low + PASSAGES]
        for kind, make in (MAKERS_ZH if chinese else MAKERS).items():
            if counts.get(kind, 0) >= most:
                continue
            made = make(sentence, "\n".join(near), draw)
            if made and made != sentence:
                counts[kind] = counts.get(kind, 0) + 1
                yield Case(kind, made, near, number - low + 1, sentence)
        for kind, count in (("true", 4 * most), ("unrelated", most)):
            if counts.get(kind, 0) < count:
                counts[kind] = counts.get(kind, 0) + 1
                other = all_pages[(page + 7) % len(all_pages)].passages[:PASSAGES]
                yield Case(
                    kind,
                    sentence,
                    near if kind == "true" else other,
                    number - low + 1 if kind == "true" else 1,
                    sentence,
                )
