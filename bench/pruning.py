"""Does the answer survive pruning? `python -m bench.pruning [--floor .95] [--pages 300]`.

Pages made of XQuAD: the paragraph that answers a question among 11 others of other articles, in
English and Chinese, cut down to half of their tokens. Counted is the share of pages whose answer
is still there. Beside ours: crawl4ai's BM25ContentFilter at threshold 1.2 on the same paragraphs as
HTML, and how many of its pages came out empty. Two more tables have blocks of the site among the
paragraphs, menus, notices and links to other pages that repeat the question's words, in the same
budget and in half of it; "noise" is their share of the characters kept. With --floor it exits 1
when ours is below in either language of the first two tables. The questions are in
retrieval/ of bench/data.py, outside this repository.
"""

import argparse
import html
import importlib.util
import itertools
import json
import random
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.data import DATA
from ingest.documents import Document
from ingest.index.blocks import markdown_blocks
from ingest.index.rank import Candidate, choose_blocks, choose_candidates
from ingest.text.tokens import estimate_tokens

XQUAD = DATA / "retrieval"
DISTRACTORS = 11
Pruner = Callable[[list[str], str, int], list[str]]
"""From the blocks of a page, a question and a budget in tokens to the blocks that are kept."""

SITE = {
    "en": (
        "Home | News | Science | About us | Contact",
        "We use cookies to give you the best experience. By clicking Accept all you agree to our"
        " privacy policy and to the use of cookies about: {question}",
        "Share this on Facebook: {question}",
        "{question} - subscribe to our newsletter and never miss an answer",
        "## Related articles\n\n- {question}\n- {other}\n- {another}",
        "## You may also like\n\n- {other}\n- {another}\n- {question}",
        "Sign in or create an account to leave a comment on {question}",
        "© 2026 Example Ltd. All rights reserved.",
    ),
    "zh": (
        "首页 | 新闻 | 科学 | 关于我们 | 联系我们",
        "本网站使用 Cookie 以提供更好的体验，继续浏览即表示同意我们的隐私政策：{question}",
        "分享到微信、微博：{question}",
        "{question} 欢迎订阅，扫一扫关注我们的公众号",
        "## 相关阅读\n\n- {question}\n- {other}\n- {another}",
        "## 猜你喜欢\n\n- {other}\n- {another}\n- {question}",
        "登录后可评论、点赞：{question}",
        "版权所有，未经授权不得转载。京ICP备12345678号",
    ),
}
"""What sites put around a text, with the words that people search for in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A page and a question that one of its paragraphs answers."""

    paragraphs: list[str]
    context: str
    """The paragraph that answers."""
    question: str
    answer: str
    others: tuple[str, str]
    """Other questions on the same article."""


def ours(page: list[str], question: str, budget: int) -> list[str]:
    text = "\n\n".join(page)
    document = Document(
        url="https://example.com/", title="", text=text, fetched_at=datetime.now(UTC)
    )
    return [text[b.start : b.end] for b in choose_blocks(document, question, budget=budget)]


def words_alone(page: list[str], question: str, budget: int) -> list[str]:
    """Rank as ours does, without telling what belongs to the site."""
    text = "\n\n".join(page)
    candidates = [
        Candidate(text=text[block.start : block.end], heading=block.heading)
        for block in markdown_blocks(text)
    ]
    return [
        candidates[place].text for place in choose_candidates(candidates, question, budget=budget)
    ]


def beginning(page: list[str], question: str, budget: int) -> list[str]:
    upto = itertools.accumulate(estimate_tokens(block) for block in page)
    return [block for block, tokens in zip(page, upto, strict=True) if tokens <= budget]


def crawl4ai(page: list[str], question: str, budget: int) -> list[str]:
    from crawl4ai.content_filter_strategy import BM25ContentFilter

    body = "".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in page)
    kept = BM25ContentFilter(user_query=question, bm25_threshold=1.2).filter_content(
        f"<html><body>{body}</body></html>"
    )
    return [html.unescape(re.sub(r"</?p>", "", paragraph)) for paragraph in kept]


def cases(language: str, pages: int) -> Iterator[Case]:
    """Yield `pages` cases, the same ones each time."""
    data = json.loads((XQUAD / f"xquad.{language}.json").read_text(encoding="utf-8"))["data"]
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
        asked_there = [
            other["question"]
            for paragraph in data[number]["paragraphs"]
            for other in paragraph["qas"]
            if other is not question
        ]
        first, second = chance.sample(asked_there, 2)
        yield Case(
            paragraphs=paragraphs,
            context=context,
            question=question["question"],
            answer=question["answers"][0]["text"],
            others=(first, second),
        )


def with_site(case: Case, language: str) -> list[str]:
    """Return the page of `case` with the blocks of a site spread through it."""
    chance = random.Random(case.question)
    page = list(case.paragraphs)
    other, another = case.others
    for template in SITE[language]:
        block = template.format(question=case.question, other=other, another=another)
        page.insert(chance.randrange(len(page) + 1), block)
    return page


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Shares, 0 to 1."""

    kept: float
    """Pages whose answer is kept in its place."""
    empty: float
    noise: float
    """Characters kept that belong to the site."""


def score(prune: Pruner, language: str, pages: int, *, site: bool, share: float) -> Score:
    kept = empty = noise = characters = 0
    for case in cases(language, pages):
        page = with_site(case, language) if site else case.paragraphs
        budget = int(share * estimate_tokens("\n\n".join(case.paragraphs)))
        left = prune(page, case.question, budget)
        kept += any(answers(piece, case) for piece in left)
        empty += not left
        text = "".join("".join(case.paragraphs).split())
        sizes = {"".join(piece.split()): len(piece) for piece in left}
        characters += sum(sizes.values())
        noise += sum(size for piece, size in sizes.items() if piece not in text)
    return Score(kept=kept / pages, empty=empty / pages, noise=noise / max(1, characters))


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
    if not XQUAD.is_dir():
        print(f"skipped: {XQUAD} is missing (XQuAD in English and Chinese)")
        return 0
    pruners: dict[str, Pruner] = {
        "ours": ours,
        "words alone": words_alone,
        "beginning": beginning,
    }
    if importlib.util.find_spec("crawl4ai"):
        pruners["crawl4ai 1.2"] = crawl4ai
    else:
        print("skipped: crawl4ai is not installed (pip install 'qiuzheng[crawl4ai]')")
    alone = table(pruners, options.pages, site=False, share=0.5)
    among = table(pruners, options.pages, site=True, share=0.5)
    table(pruners, options.pages, site=True, share=0.25)
    return int(min(alone, among) < options.floor)


def table(pruners: dict[str, Pruner], pages: int, *, site: bool, share: float) -> float:
    """Print one table and return the lowest share of answers that ours kept."""
    where = "among blocks of a site" if site else "among paragraphs alone"
    print(f"{where}, in {share:.0%} of the tokens")
    print(f"{'':14}{'language':>9}{'kept':>7}{'empty':>7}{'noise':>7}")
    lowest = 1.0
    for name, prune in pruners.items():
        for language in ("en", "zh"):
            found = score(prune, language, pages, site=site, share=share)
            lowest = min(lowest, found.kept) if name == "ours" else lowest
            print(f"{name:14}{language:>9}{found.kept:7.3f}{found.empty:7.3f}{found.noise:7.3f}")
    return lowest


if __name__ == "__main__":
    sys.exit(main())
