"""Do real small models answer rightly through the whole product? `python -m bench.small_model`.

    python -m bench.small_model [--model NAME] [--questions N] [--set xquad|cmrc] [--replies FILE]
    python -m bench.small_model --floor      # 12 questions to SmolLM2, about two minutes

Weights that a package index carries (bench/small_weights.py) run in llama.cpp's own server on
loopback, greedy, one thread. The index holds the paragraphs of all articles of both languages, with
vectors of the built-in encoder; a fixed sample of questions is asked through `Assistant`, from
retrieval to the checked answer. A reply is right when it holds the expected string. Prompts were
chosen on the 30 questions of each language that follow the sample; CMRC (Chinese) is the other
origin.

"model" is what the model itself said, "shown" what the reader is given in the end: the reply with
the evidence beneath it, or the evidence alone. "first block" is what the best block alone would do.
"strictly wrong" is the share of the sentences shown as supported that have a figure or a name which
stands, letter by letter, neither in the passages nor in the question; "off" the share of the
answers with a sentence shown as supported whose own words miss the expected string, whatever the
reason. "unfounded" is the share of a model's answers that reach the reader though nothing in them
stands in the passages. Times are of one run on one machine: compare them within it only.
"""

import argparse
import asyncio
import importlib.util
import json
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx

from assistant.answer.verification.numbers.spelled_numbers import digits_for_words
from assistant.bootstrap import open_assistant
from assistant.events import (
    AnswerDelta,
    AnswerEvent,
    AnswerFailed,
    AnswerFinished,
    EvidenceChosen,
    Notice,
    PassagesChosen,
    SentenceChecked,
    StageStarted,
)
from assistant.settings import Settings, load_settings
from assistant.values import VerdictKind
from bench.data import DATA
from bench.small_weights import MODELS, SmallModel, find_weights_of
from ingest.bootstrap import open_ingest
from ingest.documents import Document

RETRIEVAL = DATA / "retrieval"
START_SECONDS = 120
CONTEXT_TOKENS = 4_096
REPLY_TOKENS = 256

FLOORS = {"model": 0.25, "shown": 0.95}
"""Floors of SmolLM2-135M on the first questions of the sample: .42 and 1.00 where they were set."""
MOST = {"strictly wrong": 0.03, "unfounded": 0.0}
"""The guard puts quotes in the place of three quarters of its replies; without it these are
"unfounded", .75."""
FLOOR_MODEL = "smollm2-135m"
FLOOR_QUESTIONS = 12

_NO_COMMAS = str.maketrans("", "", ",，")
_FIGURE_OR_NAME = re.compile(r"\d(?:[\d.,:]*\d)?|(?<=[\w,] )[A-Z](?:[A-Za-z-]|'(?!s\b))*[A-Za-z]")
"""A name is a capitalized word that begins no sentence, without the 's of "Porter's"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question of a set."""

    text: str
    expected: tuple[str, ...]
    paragraph: str
    language: str


@dataclass(slots=True, kw_only=True)
class Reply:
    """What came of one question."""

    question: Asked
    shown: str = ""
    model: str = ""
    kind: str = ""
    evidence: str = ""
    first_block: str = ""
    block: int = 0
    """Number of the first block that holds the expected string, 0 if none does."""
    passages: str = ""
    prompt_tokens: int = 0
    first_word_s: float = 0.0
    seconds: float = 0.0
    notices: list[str] = field(default_factory=list)
    checked: list[tuple[str, VerdictKind]] = field(default_factory=list)
    """Each sentence of the model with its verdict."""

    @property
    def supported(self) -> list[str]:
        return [text for text, kind in self.checked if kind in ("supported", "re_attached")]

    @property
    def unfounded(self) -> bool:
        """Whether the reply claims something and nothing of it stands in the passages."""
        return not self.supported and any(kind == "unsupported" for _, kind in self.checked)

    @property
    def strictly_wrong(self) -> int:
        """How many sentences shown as supported have a figure or name that stands nowhere."""
        text = f"{self.passages}\n{self.question.text}"
        # Formats are folded, values are not: "4" stands in "four nations".
        held = squeezed(f"{text}\n{digits_for_words(text)}")
        return sum(
            any(squeezed(found) not in held for found in _FIGURE_OR_NAME.findall(sentence))
            for sentence in self.supported
        )


def squeezed(text: str) -> str:
    """Return the text without white space, case and thousands' commas, as answers are compared.

    All dashes are one: "100-150" is the answer "100–150".
    """
    return re.sub(r"[‐-―−－]", "-", "".join(text.split()).casefold().translate(_NO_COMMAS))


def holds(text: str, question: Asked) -> bool:
    return any(squeezed(one) in squeezed(text) for one in question.expected)


def load_questions(path: Path, language: str, count: int) -> tuple[list[str], list[Asked]]:
    """Return all paragraphs, and `count` questions drawn evenly from all articles."""
    articles = json.loads(path.read_text("utf-8"))["data"]
    paragraphs: list[str] = []
    by_article: list[list[Asked]] = []
    for article in articles:
        asked = []
        for paragraph in article["paragraphs"]:
            paragraphs.append(paragraph["context"])
            asked += [
                Asked(
                    text=qa["question"],
                    expected=tuple(dict.fromkeys(a["text"] for a in qa["answers"])),
                    paragraph=paragraph["context"],
                    language=language,
                )
                for qa in paragraph["qas"]
            ]
        by_article.append(asked)
    chance = random.Random(7)
    for asked in by_article:
        chance.shuffle(asked)
    chosen: list[Asked] = []
    depth = 0
    while len(chosen) < count and depth < max(map(len, by_article)):
        chosen += [asked[depth] for asked in by_article if depth < len(asked)]
        depth += 1
    return paragraphs, chosen[:count]


async def fill_index(settings: Settings, paragraphs: dict[str, list[str]]) -> None:
    """Store each paragraph as a page, with its vectors."""
    async with open_ingest(settings) as ingest:
        for language, texts in paragraphs.items():
            for number, text in enumerate(texts):
                document = Document(
                    url=f"https://{language}.example/{number}",
                    title="",
                    text=text,
                    fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
                )
                await ingest.reading.pipeline.add_document(document)


@contextmanager
def served(weights: Path, log: Path) -> Iterator[str]:
    """Run llama.cpp's server with the weights; yield its base URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "llama_cpp.server", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--model", str(weights), "--n_ctx", str(CONTEXT_TOKENS)]
    command += ["--n_threads", "1", "--verbose", "false"]
    with log.open("wb") as written:
        server = subprocess.Popen(command, stdout=written, stderr=written, env=dict(os.environ))
    try:
        url = f"http://127.0.0.1:{port}/v1"
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                httpx.get(f"{url}/models", trust_env=False).raise_for_status()
                break
            except httpx.HTTPError:
                if time.monotonic() > until or server.poll() is not None:
                    raise SystemExit(log.read_text(errors="replace")[-2000:]) from None
                time.sleep(0.3)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=30)


def apply_event(reply: Reply, event: AnswerEvent, started: float) -> None:
    """Note what one event says."""
    match event:
        case PassagesChosen():
            reply.passages = "\n".join(passage.text for passage in event.passages)
        case EvidenceChosen():
            blocks = [block.text for block in event.evidence.blocks]
            reply.evidence, reply.first_block = "\n".join(blocks), "".join(blocks[:1])
            held = (number for number, text in enumerate(blocks, 1) if holds(text, reply.question))
            reply.block = next(held, 0)
        case StageStarted(stage="reply"):
            reply.first_word_s = time.monotonic() - started
        case AnswerDelta() if "reply_unusable" not in reply.notices:
            if not reply.model:
                reply.first_word_s = time.monotonic() - started - reply.first_word_s
            reply.model += event.text
        case SentenceChecked():
            reply.checked.append((event.text, event.verdict.kind))
        case Notice():
            reply.notices.append(event.code)
        case AnswerFinished():
            reply.shown, reply.kind = event.answer.text, event.answer.kind
            # What stands beneath the reply is not the model's.
            reply.model = reply.model.rstrip().removesuffix(event.answer.quotes)
            reply.prompt_tokens = event.answer.usage.prompt if event.answer.usage else 0
        case AnswerFailed():
            reply.notices.append(f"failed: {event.message.localize('en')}")
        case _:
            pass


async def ask_all(settings: Settings, questions: Sequence[Asked]) -> list[Reply]:
    replies = []
    async with open_assistant(settings) as assistant:
        for number, question in enumerate(questions, start=1):
            reply, started = Reply(question=question), time.monotonic()
            async for event in assistant.ask(question.text):
                apply_event(reply, event, started)
            reply.seconds = time.monotonic() - started
            replies.append(reply)
            mark = "right" if holds(reply.shown, question) else "wrong"
            said = " ".join(reply.model.split())[:90]
            print(
                f"  {number}/{len(questions)} {mark} {reply.seconds:.0f} s  {said}",
                file=sys.stderr,
                flush=True,
            )
    return replies


def print_figures(name: str, language: str, replies: Sequence[Reply]) -> dict[str, float]:
    """Print one row, and return its figures."""
    n = len(replies)
    spoken = [r for r in replies if r.kind == "model"]
    sentences = sum(len(r.supported) for r in spoken) or 1
    figures = {
        "passages": sum(holds(r.passages, r.question) for r in replies) / n,
        "evidence": sum(holds(r.evidence, r.question) for r in replies) / n,
        "first block": sum(holds(r.first_block, r.question) for r in replies) / n,
        "model": sum(holds(r.model, r.question) for r in replies) / n,
        "shown": sum(holds(r.shown, r.question) for r in replies) / n,
        "quotes": 1 - len(spoken) / n,
        "strictly wrong": sum(r.strictly_wrong for r in spoken) / sentences,
        "off": sum(bool(r.supported) and not holds(r.model, r.question) for r in spoken) / n,
        "unfounded": sum(r.unfounded for r in spoken) / n,
    }
    shares = "  ".join(f"{figure} {share:.2f}" for figure, share in figures.items())
    print(
        f"{name:20} {language}  n {n:3}  {shares}"
        f"  prompt {statistics.median(r.prompt_tokens for r in spoken or replies):.0f} tokens"
        f"  first word {statistics.median(r.first_word_s for r in replies):.1f} s"
        f"  whole {statistics.median(r.seconds for r in replies):.1f} s",
        flush=True,
    )
    return figures


def measure(
    model: SmallModel, questions: int, chosen_set: str, replies_file: Path | None
) -> dict[str, dict[str, float]]:
    """Return the figures of each language; {} where weights or data are missing."""
    weights = find_weights_of(model)
    paths = {
        "xquad": {lang: RETRIEVAL / f"xquad.{lang}.json" for lang in ("en", "zh")},
        "cmrc": {"zh": RETRIEVAL / "cmrc.zh.json"},
    }[chosen_set]
    if weights is None or not all(path.exists() for path in paths.values()):
        print(f"{model.name}: skipped, weights or {RETRIEVAL} are not here")
        return {}
    figures = {}
    with tempfile.TemporaryDirectory() as folder, served(weights, Path(folder) / "log") as url:
        loaded = {lang: load_questions(path, lang, questions) for lang, path in paths.items()}
        settings = load_settings(
            {
                "index": {"folder": f"{folder}/index"},
                "embed": {"provider": "builtin"},
                "model": {
                    "provider": "openai",
                    "host": url,
                    "name": model.name,
                    "context_tokens": CONTEXT_TOKENS,
                    "reply_tokens": REPLY_TOKENS,
                    "temperature": 0.0,
                    "timeout": 600.0,
                },
            }
        )
        asyncio.run(fill_index(settings, {lang: texts for lang, (texts, _) in loaded.items()}))
        for language in paths:
            if language not in model.languages:
                continue
            replies = asyncio.run(ask_all(settings, loaded[language][1]))
            figures[language] = print_figures(model.name, language, replies)
            if replies_file is not None:
                write_replies(replies_file, model.name, replies)
    return figures


def write_replies(file: Path, model: str, replies: Sequence[Reply]) -> None:
    """Append a line of JSON for each reply."""
    with file.open("a", encoding="utf-8") as lines:
        for reply in replies:
            row = {
                "model": model,
                "question": reply.question.text,
                "expected": reply.question.expected,
                "said": reply.model,
                "shown": reply.shown,
                "evidence": reply.evidence,
                "block": reply.block,
                "notices": reply.notices,
            }
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")


def check_floor() -> int:
    """Ask SmolLM2 a few questions; return 1 if a figure is below its floor."""
    if importlib.util.find_spec("llama_cpp") is None:
        print("bench.small_model: left out, llama-cpp-python[server] is not installed")
        return 0
    figures = measure(MODELS[FLOOR_MODEL], FLOOR_QUESTIONS, "xquad", None)
    fallen = [
        f"{language}: {name} {row[name]:.2f}"
        for language, row in figures.items()
        for name in (*FLOORS, *MOST)
        if row[name] < FLOORS.get(name, 0.0) or row[name] > MOST.get(name, 1.0)
    ]
    for line in fallen:
        print(f"below the floor, {line}", file=sys.stderr)
    return 1 if fallen else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", choices=sorted(MODELS), action="append")
    parser.add_argument("--questions", type=int, default=60, help="of each language")
    parser.add_argument("--set", dest="chosen_set", choices=("xquad", "cmrc"), default="xquad")
    parser.add_argument("--replies", type=Path, help="add each reply to this file, as JSON")
    parser.add_argument("--floor", action="store_true", help="a short run that fails below a floor")
    options = parser.parse_args()
    if options.floor:
        return check_floor()
    for name in options.model or sorted(MODELS):
        measure(MODELS[name], options.questions, options.chosen_set, options.replies)
    return 0


if __name__ == "__main__":
    sys.exit(main())
