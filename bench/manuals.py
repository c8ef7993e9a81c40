"""Does the evidence hold the answer on real manuals, within the first two blocks?

    python -m bench.manuals [--download] [--floor X] [--half dev|held] [--show] [--words]

Questions written by hand (bench/manuals.json) on packaged manuals of Debian 12, of git and of
Python, in two languages, each with the text that the answering block must hold. Evidence was tuned
on the half "dev"; "held" was looked at only at the end. Pages go through our own extraction,
splitter and index, and are found by words and by the built-in encoder where there is one
(`--words`: by words alone). "first units" is a chooser that takes what the first two passages begin
with; one that reaches the floor makes the bench fail. "away" are the same questions with the whole
manual that answers them taken away, the share that is rightly not called answerable: no threshold
was chosen on it. `--download` fetches the packages by `apt-get download` into a
cache; those that are neither there nor installed are named and left out.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from assistant.answer.evidence import choose_evidence
from assistant.answer.retrieval import Retrieved, Retriever
from assistant.values import AnswerEvidence, Passage
from bench.builtin_encoder import open_builtin
from bench.quotes import first_units, squeezed
from ingest.documents import Document
from ingest.extract.extractor import read_file
from ingest.index.split import split
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.vector_stores.memory import MemoryVectors

QUESTIONS = Path(__file__).with_suffix(".json")
CACHE = Path.home() / ".cache" / "qiuzheng-bench" / "manuals"
PASSAGES = 6
PASSAGES_OF_ALL = 40
"""So many that six of other manuals are among them."""
BLOCKS = 2
"""In so many of the first blocks the answer must stand."""
BY_PLACE = ("first block", "first two", "all blocks", "first units", "passages")

GIT = ("bisect", "blame", "clean", "grep", "log", "rebase", "reset", "stash", "tag", "worktree")
PYTHON = (
    *("library/argparse", "library/datetime", "library/pathlib", "library/subprocess"),
    *("library/time", "library/zipfile", "howto/regex", "tutorial/floatingpoint"),
    *("tutorial/inputoutput", "faq/programming", "using/cmdline"),
)
BOOK = ("apt-get", "manipulating-packages-with-dpkg", "remote-login", "task-scheduling-cron-atd")
MANUALS: dict[str, tuple[str, list[str]]] = {
    "faq": ("debian-faq", ["usr/share/doc/debian/FAQ/*.en.html"]),
    "faq-zh": ("debian-faq-zh-cn", ["usr/share/doc/debian/FAQ/zh-cn/*.html"]),
    "ref-zh": (
        "debian-reference-zh-cn",
        [f"usr/share/debian-reference/ch{n}.zh-cn.html" for n in ("01", "02", "09", "10")],
    ),
    "book-zh": (
        "debian-handbook",
        [f"usr/share/doc/debian-handbook/html/zh-CN/sect.{name}.html" for name in BOOK],
    ),
    "git": ("git-doc", [f"usr/share/doc/git-doc/git-{name}.html" for name in GIT]),
    "python": (
        "python3.11-doc",
        [f"usr/share/doc/python3.11/html/{name}.html" for name in PYTHON],
    ),
    "man-zh": (
        "manpages-zh",
        [f"usr/share/man/zh_CN/man1/{name}.1.gz" for name in ("chmod", "cp", "ls", "tar")],
    ),
}
"""Name -> the Debian package, and its pages."""


def download() -> None:
    """Fetch the packages and unpack them into the cache."""
    with tempfile.TemporaryDirectory() as folder:
        for package, _ in MANUALS.values():
            subprocess.run(["apt-get", "download", package], cwd=folder, check=False)
        for archive in Path(folder).glob("*.deb"):
            target = CACHE / archive.name.partition("_")[0]
            target.mkdir(parents=True, exist_ok=True)
            subprocess.run(["dpkg-deb", "-x", str(archive), str(target)], check=True)


def pages_of(name: str) -> list[Path]:
    """Return the pages of a manual, from the cache or installed; [] where there are none."""
    package, patterns = MANUALS[name]
    for root in (CACHE / package, Path("/")):
        pages = [page for pattern in patterns for page in sorted(root.glob(pattern))]
        if pages:
            return pages
    return []


def read_page(page: Path) -> Document:
    """Return the document of a page; a man page as `man` prints it into a file."""
    if page.suffix != ".gz":
        return read_file(page)
    typeset = subprocess.run(["man", "-l", str(page)], capture_output=True, check=True)
    plain = subprocess.run(["col", "-bx"], input=typeset.stdout, capture_output=True, check=True)
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / f"{page.name.removesuffix('.gz')}.txt"
        text.write_bytes(plain.stdout)
        return read_file(text)


async def read_manuals(names: list[str]) -> tuple[Index, dict[str, str]]:
    """Return an index of the pages of the manuals, and the manual of each address."""
    index = Index(catalog=Catalog(None), vectors=MemoryVectors())
    manual_of: dict[str, str] = {}
    for name in names:
        for page in pages_of(name):
            try:
                document = read_page(page)
            except (OSError, subprocess.SubprocessError) as error:
                click.echo(f"left out: {page} ({error})")
                continue
            manual_of[document.url] = name
            await index.replace(document, split(document, size=400, overlap=100), {}, space="")
    return index, manual_of


def holds(text: str, answers: list[str]) -> bool:
    """Return whether a text holds one of the answers; " … " parts what stands in this order."""
    plain = squeezed(text)
    for answer in answers:
        at = 0
        for part in answer.split(" … "):
            at = plain.find(squeezed(part), at) + 1
            if not at:
                break
        if at:
            return True
    return False


def found_by(
    case: dict[str, Any], evidence: AnswerEvidence, passages: tuple[Passage, ...]
) -> Iterator[str]:
    """Yield in how many of the first blocks, or at least in which passages, the answer stands."""
    texts = [f"{block.heading}\n{block.text}" for block in evidence.blocks]
    for count, name in ((1, "first block"), (BLOCKS, "first two"), (len(texts), "all blocks")):
        if any(holds(text, case["answers"]) for text in texts[:count]):
            yield name
    if any(holds(text, case["answers"]) for text in first_units(passages[:BLOCKS])):
        yield "first units"
    if any(holds(f"{p.heading}\n{p.text}", case["answers"]) for p in passages):
        yield "passages"
        if evidence.answerability == "answerable":
            yield "answerable"
        if evidence.answerability == "nothing":
            yield "lost"


async def measure(
    cases: list[dict[str, Any]],
    index: Index,
    manual_of: dict[str, str],
    *,
    words_alone: bool,
    show: bool,
) -> dict[str, float]:
    """Return the shares of questions answered, and the CPU milliseconds of one choice."""
    embedder = None if words_alone else await open_builtin()
    retriever = Retriever(store=index, embedder=embedder, top_k=PASSAGES, timeout_s=60.0)
    counts: Counter[str] = Counter()
    spent = 0.0
    for case in cases:
        retrieved = await retriever.retrieve(case["question"])
        passages = retrieved.passages
        begun = time.process_time()
        compared = await retriever.compare(case["question"], retrieved)
        evidence = choose_evidence(case["question"], passages, compared=compared)
        spent += time.process_time() - begun
        found = set(found_by(case, evidence, passages))
        counts.update(found)
        further = await retriever.retrieve(case["question"], top_k=PASSAGES_OF_ALL)
        others = [each for each in further.passages if manual_of[each.url] != case["manual"]]
        away = [replace(each, number=n) for n, each in enumerate(others[:PASSAGES], start=1)]
        if not any(holds(f"{each.heading}\n{each.text}", case["answers"]) for each in away):
            counts["away"] += 1
            compared = await retriever.compare(case["question"], Retrieved(passages=tuple(away)))
            without = choose_evidence(case["question"], away, compared=compared)
            counts["refused"] += without.answerability != "answerable"
        if show and "first two" not in found:
            click.echo(f"\n{case['question']} {case['answers']} {sorted(found)}")
            for block in evidence.blocks:
                click.echo(f"  {block.score:.2f} [{block.passage}] {block.heading} | {block.text}")
    here = counts["passages"] or 1
    return {
        **{name: counts[name] / len(cases) for name in BY_PLACE},
        **{name: counts[name] / here for name in ("answerable", "lost")},
        "not answerable, away": counts["refused"] / (counts["away"] or 1),
        "ms": 1000 * spent / len(cases),
    }


def main() -> int:
    """Print the table; return 1 if the answer stands in the first two blocks too seldom."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--download", action="store_true")
    parser.add_argument("--floor", type=float, default=0.0)
    parser.add_argument("--half", choices=("dev", "held"), help="both by default")
    parser.add_argument("--words", action="store_true", help="found by words alone")
    parser.add_argument("--show", action="store_true", help="what was chosen where it failed")
    options = parser.parse_args()
    if options.download:
        download()
    here = [name for name in MANUALS if pages_of(name)]
    for name in MANUALS.keys() - here:
        click.echo(f"left out: {name}, package {MANUALS[name][0]} is not here (--download)")
    if not here:
        return 0
    cases = [case for case in json.loads(QUESTIONS.read_text("utf-8")) if case["manual"] in here]
    index, manual_of = asyncio.run(read_manuals(here))
    halves = [half for half in ("dev", "held") if options.half in (None, half)]
    answered = naive = asked = 0.0
    for half in halves:
        chosen = [case for case in cases if case["half"] == half]
        shares = asyncio.run(
            measure(chosen, index, manual_of, words_alone=options.words, show=options.show)
        )
        click.echo(
            f"{half}  {len(chosen)} questions  "
            + "  ".join(f"{name} {share:.3f}" for name, share in shares.items())
        )
        answered += shares["first two"] * len(chosen)
        naive += shares["first units"] * len(chosen)
        asked += len(chosen)
    click.echo(f"all  first two {answered / asked:.3f}  first units {naive / asked:.3f}")
    return int(not naive / asked < (options.floor or 1) or answered / asked < options.floor)


if __name__ == "__main__":
    sys.exit(main())
