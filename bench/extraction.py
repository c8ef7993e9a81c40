"""Does the main text survive? `python -m bench.extraction [--set news] [--half 0] [--floor]`.

Four sets (`bench.extraction_sets`), each read by ours, by trafilatura in its full mode and by
readability. Precision, recall and F1: of mean precision and mean recall over pages where the text
is marked by hand, as article-extraction-benchmark counts; over all chunks of a set where chunks
are, as trafilatura's evaluation counts. Both halves (every second page) are scored alone, too: a
rule that helps only one of them has learnt its pages. "lost" are the pages of which ours misses
more than half of the marked chunks although trafilatura or readability finds them. CPU is that of
our whole extraction, metadata included, over that of trafilatura's fast mode, same pages, same run.
With --floor it exits 1 when a figure is below its floor.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench import extraction_sets as sets
from bench.data import DATA

SETS: dict[str, tuple[str, Callable[[], Iterator[sets.MarkedPage]]]] = {
    "news": ("articles", sets.news_pages),
    "pages": ("pages", sets.chunk_pages),
    "zh": ("pages-zh", sets.chinese_pages),
    "zh-kinds": ("pages-zh", sets.chinese_kinds),
}
"""Name -> (folder of bench/data.py, its pages)."""
FLOORS = {"news": 0.979, "pages": 0.932, "zh": 0.97, "zh-kinds": 0.945}
MOST_LOST = 10
MOST_CPU = 2.4
"""A little beside what was measured last (bench/README.md). No reader that is always taken passes
all three: trafilatura fails news and zh, readability news and pages."""
Counts = tuple[int, int, int]  # right, found, wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How much of the marked text was found, and how much of what was found is marked."""

    precision: float
    recall: float
    f1: float


def count_runs(set_name: str, text: str, page: sets.MarkedPage) -> Counts:
    """Return how many runs of `text` are right, how many it has, how many the marked text has."""
    runs = sets.character_runs if set_name.startswith("zh") else sets.word_runs
    found, wanted = runs(text), runs(page.text)  # type: ignore[operator]
    return (wanted & found).total(), found.total(), wanted.total()


def count_chunks(text: str, page: sets.MarkedPage) -> Counts:
    """Return how many wanted chunks are in `text`, how many chunks are, how many should be."""
    right = sum(chunk in text for chunk in page.wanted)
    wrong = sum(chunk in text for chunk in page.unwanted)
    return right, right + wrong, len(page.wanted)


def score(set_name: str, counts: Sequence[Counts]) -> Score:
    """Return the figures of one set, or of a half of it."""
    if set_name == "pages":
        right, found, wanted = (sum(column) for column in zip(*counts, strict=True))
        precision, recall = right / max(found, 1), right / max(wanted, 1)
    else:
        precision = statistics.mean([right / found for right, found, _ in counts if found] or [0.0])
        recall = statistics.mean([right / wanted for right, _, wanted in counts if wanted] or [0.0])
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return Score(precision=precision, recall=recall, f1=f1)


def lost_pages(pages: Sequence[sets.MarkedPage], texts: dict[str, list[str]]) -> list[str]:
    """Return the pages of which more than half of the chunks are in another's text, not in ours."""
    lost = []
    for number, page in enumerate(pages):
        missed = [
            chunk
            for chunk in page.wanted
            if chunk not in texts["ours"][number]
            and any(chunk in texts[name][number] for name in texts if name != "ours")
        ]
        if 2 * len(missed) > len(page.wanted):
            lost.append(page.name)
    return lost


def measure(set_name: str, pages: Sequence[sets.MarkedPage]) -> tuple[float, list[str], float]:
    """Print the figures of a set; return our F1, the lost pages and the ratio of CPU."""
    readers = {
        "ours": sets.read_ours,
        "trafilatura": sets.cached(sets.read_trafilatura, "trafilatura"),
        "readability": sets.cached(sets.read_readability, "readability-lxml"),
    }
    spent = {"ours": 0.0, "fast": 0.0}
    texts: dict[str, list[str]] = {name: [] for name in readers}
    for page in pages:
        for name, read in readers.items():
            began = time.process_time()
            texts[name].append(read(page.body, page.url))
            if name == "ours":
                spent["ours"] += time.process_time() - began
        began = time.process_time()
        sets.read_trafilatura_fast(page.body, page.url)
        spent["fast"] += time.process_time() - began
    f1 = {}
    for name in readers:
        counts = [
            count_chunks(text, page) if set_name == "pages" else count_runs(set_name, text, page)
            for text, page in zip(texts[name], pages, strict=True)
        ]
        whole, *halves = (score(set_name, part) for part in (counts, counts[::2], counts[1::2]))
        f1[name] = whole.f1
        figures = f"{whole.precision:10.3f}{whole.recall:8.3f}{whole.f1:8.4f}"
        print(f"{set_name:7}{name:14}{figures}   {halves[0].f1:.3f} {halves[1].f1:.3f}")
    lost, ratio = lost_pages(pages, texts), spent["ours"] / spent["fast"]
    refused = [p.name for p, text in zip(pages, texts["ours"], strict=True) if not text]
    print(
        f"{'':7}{len(pages)} pages; lost {len(lost)}; no text {len(refused)} {refused or ''}; "
        f"CPU {ratio:.2f} x trafilatura fast, {1000 * spent['ours'] / len(pages):.0f} ms a page"
    )
    return f1["ours"], lost, ratio


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--floor", action="store_true", help="exit 1 if a figure is below its own")
    parser.add_argument("--set", action="append", choices=[*SETS], help="repeatable; default: all")
    parser.add_argument("--half", type=int, choices=[0, 1], help="every second page alone")
    parser.add_argument("--lost", action="store_true", help="name the lost pages")
    arguments = parser.parse_args()
    sets.read_ours(b"<p>warm up", "https://example.com/")
    print(f"{'':21}{'precision':>10}{'recall':>8}{'F1':>8}   halves")
    fallen = []
    for name in arguments.set or SETS:
        folder, read_set = SETS[name]
        if not (DATA / folder).is_dir():
            print(f"{name}: skipped, {DATA / folder} is missing")
            continue
        pages = list(read_set())
        if arguments.half is not None:
            pages = pages[arguments.half :: 2]
        f1, lost, ratio = measure(name, pages)
        if arguments.lost:
            print("\n".join(lost))
        if f1 < FLOORS[name] or len(lost) > MOST_LOST or ratio > MOST_CPU:
            fallen.append(name)
    if fallen:
        print(f"below its floor: {', '.join(fallen)}")
    return int(bool(fallen) and arguments.floor)


if __name__ == "__main__":
    sys.exit(main())
