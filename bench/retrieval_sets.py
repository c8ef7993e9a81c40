"""Questions and the pages that answer them, for `bench.retrieval`.

XQuAD and Debian's FAQ (English, Chinese, and between them) are what retrieval was tuned on. CMRC
2018 (Chinese) was looked at twice meanwhile, Python's FAQ (English) once, when all had been chosen.
"""

import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import ingest.index.embed
from bench.data import DATA
from ingest.documents import Document
from ingest.text.words import words

Questions = list[tuple[str, str]]
"""(question, URL of the page that answers it)."""

XQUAD = DATA / "retrieval"
SAMPLE = Path(ingest.index.embed.__file__).with_name("pair_sample.json")
FAQ = Path("/usr/share/doc/debian/FAQ")
PYTHON_FAQ = "python3*/html/faq"
PYTHON_MANUAL = ("c-api", "extending", "howto", "library", "reference", "tutorial", "using")
"""Folders beside it."""
TODAY = date(2026, 1, 1)
OLDEST_DAYS = 3 * 365
PASTE = 2_400  # characters
SHORTEST_ANSWER = 40
INVISIBLE = "\u00ad\u200b\u2060"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionSet:
    """Pages and questions. A row of the table."""

    name: str
    pages: Sequence[Document]
    questions: Questions
    floor: tuple[float, ...] = ()
    """Floors of the fused leg: recall@1, recall@5 and MRR@10, or the first of these."""
    like: str = ""
    """The set whose fused figures this one may not fall short of by more than `slack`."""
    slack: float = 0.0

    def every(self, step: int) -> "QuestionSet":
        """Return the set with every `step`-th of its questions."""
        return replace(self, questions=self.questions[::step])


def xquad_sets() -> list[QuestionSet]:
    """Return the sets that are made of XQuAD and CMRC, [] where the data is missing."""
    if not (XQUAD / "xquad.zh.json").exists():
        return []
    zh, asked_zh = load_squad("xquad.zh")
    en, asked_en = load_squad("xquad.en")
    sets = [
        QuestionSet(name="xquad.zh", pages=zh, questions=asked_zh, floor=(0.938, 0.991, 0.962)),
        QuestionSet(
            name="xquad.zh, least overlap",
            pages=zh,
            questions=least_overlap(zh, asked_zh),
            floor=(0.875, 0.972, 0.920),
        ),
        QuestionSet(name="xquad.en", pages=en, questions=asked_en, floor=(0.955, 0.997, 0.974)),
        QuestionSet(
            name="zh → en pages", pages=en, questions=_of(asked_zh, "en"), floor=(0.63, 0.86)
        ),
        QuestionSet(
            name="en → zh pages", pages=zh, questions=_of(asked_en, "zh"), floor=(0.60, 0.90)
        ),
        QuestionSet(name="zh, both in one index", pages=[*zh, *en], questions=asked_zh,
                    like="xquad.zh", slack=0.005),
        QuestionSet(name="en, both in one index", pages=[*zh, *en], questions=asked_en,
                    like="xquad.en", slack=0.005),
        QuestionSet(name="zh, spaced out", pages=zh, like="xquad.zh", slack=0.01,
                    questions=[(" ".join(asked.replace(" ", "")), url) for asked, url in asked_zh]),
        QuestionSet(name="zh, invisible in pages", pages=_invisible(zh), questions=asked_zh,
                    like="xquad.zh", slack=0.01),
        *_pasted("zh", zh, asked_zh),
        *_pasted("en", en, asked_en),
    ]  # fmt: skip
    if traditional := traditional_pages(zh):
        sets.append(
            QuestionSet(
                name="simplified → traditional",
                pages=traditional,
                questions=asked_zh,
                floor=(0.92, 0.985),
            )
        )
    return sets


def held_out_sets() -> list[QuestionSet]:
    """Return the sets that nothing was tuned on, as far as their data is here."""
    sets = []
    if (XQUAD / "cmrc.zh.json").exists():
        pages, questions = load_squad("cmrc.zh")
        sets.append(QuestionSet(name="cmrc.zh", pages=pages, questions=questions))
    pages, questions = load_python_faq()
    if questions:
        sets.append(QuestionSet(name="python-faq en", pages=pages, questions=questions))
    for asked, read in (("en", "en"), ("zh", "zh"), ("zh", "en"), ("en", "zh")):
        pages, questions = load_faq(asked, read)
        if questions:
            sets.append(
                QuestionSet(name=f"debian-faq {asked} → {read}", pages=pages, questions=questions)
            )
    return sets


def sample_sets() -> list[QuestionSet]:
    """Return the sets of the sample that is shipped to check encoders with."""
    rows = json.loads(SAMPLE.read_text("utf-8"))["facts"]
    pages = {
        language: [
            _page(f"sample/{language}/{n}", row["text"][language]) for n, row in enumerate(rows)
        ]
        for language in ("zh", "en")
    }
    # Question and answer share hardly a word: that is what the sample is made for.
    floors = {
        "zh → zh": (0.70, 0.95),
        "en → en": (0.65, 0.85),
        "zh → en": (0.65, 0.90),
        "en → zh": (0.75, 0.90),
    }
    sets = []
    for name, floor in floors.items():
        asked, read = name.split(" → ")
        questions = [(row["question"][asked], pages[read][n].url) for n, row in enumerate(rows)]
        sets.append(
            QuestionSet(name=f"sample {name}", pages=pages[read], questions=questions, floor=floor)
        )
    return sets


def load_python_faq() -> tuple[list[Document], Questions]:
    """Return the answers of Python's FAQ (the package python3-doc), and its headings.

    Both [] where it is not installed. Headings that are no questions are pages only.
    """
    from lxml import html

    pages: list[Document] = []
    questions: Questions = []
    # Several links lead to one folder.
    folders = sorted(Path("/usr/share/doc").glob(PYTHON_FAQ))
    for path in sorted(folders[0].glob("*.html")) if folders else ():
        for section in list(html.parse(str(path)).getroot().iter("section")):
            heading = next(iter(section.xpath("./h2|./h3")), None)
            if heading is None or section.find("./section") is not None:
                continue  # a chapter
            title = re.sub(r"^[\d.\s]+", "", heading.text_content()).rstrip("¶ ")
            section.remove(heading)
            answer = section.text_content().strip()
            if len(answer) < SHORTEST_ANSWER:
                continue
            pages.append(_page(f"python-faq/{path.stem}/{section.get('id')}", answer))
            if title.endswith("?"):
                questions.append((title, pages[-1].url))
    return pages, questions


def manual_pages() -> list[Document]:
    """Return the pages of Python's manual but its FAQ, [] where python3-doc is not installed."""
    from lxml import html

    folders = sorted(Path("/usr/share/doc").glob(PYTHON_FAQ))
    pages = []
    for part in PYTHON_MANUAL if folders else ():
        for path in sorted((folders[0].parent / part).glob("*.html")):
            texts = html.parse(str(path)).getroot().xpath("//div[@role='main']")
            pages += [
                _page(f"python/{part}/{path.stem}", it.text_content().strip()) for it in texts
            ]
    return pages


def load_squad(name: str) -> tuple[list[Document], Questions]:
    """Return the paragraphs of a file in SQuAD's format, and their questions."""
    data = json.loads((XQUAD / f"{name}.json").read_text("utf-8"))["data"]
    pages: list[Document] = []
    questions: Questions = []
    chance = random.Random(0)
    for article in data:
        for paragraph in article["paragraphs"]:
            day = TODAY - timedelta(days=chance.randrange(OLDEST_DAYS))
            page = _page(f"{name.replace('.', '/')}/{len(pages)}", paragraph["context"], day)
            pages.append(page)
            questions += [(qa["question"], page.url) for qa in paragraph["qas"]]
    return pages, questions


def load_faq(asked: str, read: str) -> tuple[list[Document], Questions]:
    """Return the answers of Debian's FAQ in the language `read`, and its headings in `asked`.

    Headings that are no questions are pages only. Both [] where the packages are not installed.
    """
    sections = {language: _faq_sections(language) for language in {asked, read}}
    pages: list[Document] = []
    questions: Questions = []
    for key, (_, answer) in sections[read].items():
        heading = sections[asked].get(key, ("", ""))[0]
        if len(answer) < SHORTEST_ANSWER:
            continue
        pages.append(_page(f"faq/{read}/{key}", answer))
        if heading.endswith(("?", "？")):
            questions.append((heading, pages[-1].url))
    return pages, questions


def _faq_sections(language: str) -> dict[str, tuple[str, str]]:
    """Return anchor -> (heading without its number, text below it without the heading)."""
    from lxml import html

    suffix = {"en": "en", "zh": "zh-cn"}[language]
    sections = {}
    for path in sorted(FAQ.rglob(f"*.{suffix}.html")):
        # A list, because what is taken out below would end the walk.
        for section in list(html.parse(str(path)).getroot().iter("div")):
            heading = section.find("./div[@class='titlepage']//h2")
            if section.get("class") != "section" or heading is None:
                continue
            anchor = heading.find(".//a").get("id")
            title = re.sub(r"^[\d.\s]+", "", heading.text_content()).strip()
            section.remove(section.find("./div[@class='titlepage']"))
            sections[anchor] = (title, section.text_content().strip())
    return sections


def least_overlap(pages: Sequence[Document], questions: Questions) -> Questions:
    """Return the third of the questions that shares the smallest part of its words."""
    held = {page.url: set(words(page.text)) for page in pages}

    def share(asked: tuple[str, str]) -> float:
        wanted = set(words(asked[0]))
        return len(wanted & held[asked[1]]) / max(1, len(wanted))

    return sorted(questions, key=share)[: len(questions) // 3]


def traditional_pages(pages: Sequence[Document]) -> list[Document]:
    """Return the pages in traditional Chinese, [] without the package opencc."""
    try:
        from opencc import OpenCC
    except ImportError:
        return []
    convert = OpenCC("s2t").convert
    return [replace(page, text=convert(page.text)) for page in pages]


def _pasted(language: str, pages: Sequence[Document], questions: Questions) -> list[QuestionSet]:
    """Return the sets in which a text of other pages stands before or after each question."""
    chance = random.Random(0)
    before, after = [], []
    for asked, url in questions:
        paste = ""
        while len(paste) < PASTE:
            page = chance.choice(pages)
            paste += "" if page.url == url else page.text + "\n"
        before.append((f"{paste[:PASTE]}\n{asked}", url))
        after.append((f"{asked}\n{paste[:PASTE]}", url))
    like = f"xquad.{language}"
    return [
        QuestionSet(name=f"{language}, after a paste", pages=pages, questions=before, like=like,
                    slack=0.02),
        QuestionSet(name=f"{language}, before a paste", pages=pages, questions=after, like=like,
                    slack=0.02),
    ]  # fmt: skip


def _invisible(pages: Sequence[Document]) -> list[Document]:
    """Return the pages with an invisible character after every third one."""
    chance = random.Random(0)
    return [
        replace(
            page,
            text="".join(
                character + (chance.choice(INVISIBLE) if place % 3 == 2 else "")
                for place, character in enumerate(page.text)
            ),
        )
        for page in pages
    ]


def _of(questions: Questions, language: str) -> Questions:
    """Return the questions with the same paragraphs in the other language: XQuAD is parallel."""
    return [
        (asked, re.sub("/xquad/[a-z]+/", f"/xquad/{language}/", url)) for asked, url in questions
    ]


def _page(path: str, text: str, day: date | None = None) -> Document:
    return Document(
        url=f"https://bench.example/{path}",
        title="",
        text=text,
        fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
        published=day,
    )
