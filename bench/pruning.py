"""Does the answer survive pruning? `python -m bench.pruning [--floor .95] [--pages 300]`.

Pages made of XQuAD: the paragraph that answers a question among 11 others of other articles, in
English and Chinese, cut down to half of their characters. Counted is the share of pages whose
answer is still there. Beside ours: crawl4ai's BM25ContentFilter at threshold 1.2 on the same
paragraphs as HTML, and how many of its pages came out empty. With --floor it exits 1 when ours is
below in either language. The questions are in ../shared/data/retrieval, outside this repository.
"""

import argparse
import html
import importlib.util
import json
import random
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ingest.documents import Document
from ingest.prune import choose

DATA = Path(__file__).parents[2] / "shared" / "data" / "retrieval"
DISTRACTORS = 11
Pruner = Callable[[list[str], str], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A page and a question that one of its paragraphs answers."""

    paragraphs: list[str]
    context: str
    """The paragraph that answers."""
    question: str
    answer: str


def ours(paragraphs: list[str], question: str) -> list[str]:
    text = "\n\n".join(paragraphs)
    page = Document(url="https://example.com/", title="", text=text, fetched_at=datetime.now(UTC))
    return [text[b.start : b.end] for b in choose(page, question, budget=len(text) // 2)]


def beginning(paragraphs: list[str], question: str) -> list[str]:
    return paragraphs[: len(paragraphs) // 2]


def crawl4ai(paragraphs: list[str], question: str) -> list[str]:
    from crawl4ai.content_filter_strategy import BM25ContentFilter

    body = "".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in paragraphs)
    kept = BM25ContentFilter(user_query=question, bm25_threshold=1.2).filter_content(
        f"<html><body>{body}</body></html>"
    )
    return [html.unescape(re.sub(r"</?p>", "", paragraph)) for paragraph in kept]


def cases(language: str, pages: int) -> Iterator[Case]:
    """Yield `pages` cases, the same ones each time."""
    data = json.loads((DATA / f"xquad.{language}.json").read_text(encoding="utf-8"))["data"]
    chance = random.Random(0)
    asked = [
        (number, paragraph["context"], question)
        for number, article in enumerate(data)
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    ]
    for number, context, question in chance.sample(asked, pages):
        others = [
            paragraph["context"]
            for other, article in enumerate(data)
            if other != number
            for paragraph in article["paragraphs"]
        ]
        paragraphs = [*chance.sample(others, DISTRACTORS), context]
        chance.shuffle(paragraphs)
        yield Case(
            paragraphs=paragraphs,
            context=context,
            question=question["question"],
            answer=question["answers"][0]["text"],
        )


def score(prune: Pruner, language: str, pages: int) -> tuple[float, float]:
    """Return the share of pages whose answer is kept in its place, and of empty ones."""
    kept = empty = 0
    for case in cases(language, pages):
        left = prune(case.paragraphs, case.question)
        kept += any(answers(piece, case) for piece in left)
        empty += not left
    return kept / pages, empty / pages


def answers(piece: str, case: Case) -> bool:
    """Tell whether `piece` is that part of the right paragraph which holds the answer."""
    bare = "".join(piece.split())
    is_of_context = bare in "".join(case.context.split())
    return is_of_context and "".join(case.answer.split()) in bare


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--floor", type=float, default=0.0, help="exit 1 if ours is below")
    parser.add_argument("--pages", type=int, default=300, help="pages in each language")
    options = parser.parse_args()
    if not DATA.is_dir():
        print(f"skipped: {DATA} is missing (XQuAD in English and Chinese)")
        return 0
    pruners: dict[str, Pruner] = {"ours": ours, "first half": beginning}
    if importlib.util.find_spec("crawl4ai"):
        pruners["crawl4ai 1.2"] = crawl4ai
    else:
        print("skipped: crawl4ai is not installed (pip install 'qiuzheng[browser]')")
    print(f"{'':14}{'language':>9}{'kept':>7}{'empty':>7}")
    lowest = 1.0
    for name, prune in pruners.items():
        for language in ("en", "zh"):
            kept, empty = score(prune, language, options.pages)
            lowest = min(lowest, kept) if name == "ours" else lowest
            print(f"{name:14}{language:>9}{kept:7.3f}{empty:7.3f}")
    return int(lowest < options.floor)


if __name__ == "__main__":
    sys.exit(main())
