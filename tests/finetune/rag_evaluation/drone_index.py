"""A small index with a prepared run of questions on it, and engines that answer from a prompt."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from assistant.answer.evidence import choose_evidence
from assistant.answer.evidence_prompt import build_evidence_prompt
from assistant.settings import load_settings
from assistant.values import Passage
from finetune.pipeline import Pipeline
from finetune.progress import SilentProgress
from finetune.recipe import parse_recipe
from finetune.runs import Run
from finetune.serve.engine import Emit, GenerationRequest, GenerationResult
from finetune.serve.loopback import serve_on_loopback
from ingest.bootstrap import open_ingest
from ingest.documents import Document

BIRDS = (
    "Falcon",
    "Heron",
    "Kestrel",
    "Swift",
    "Osprey",
    "Merlin",
    "Raven",
    "Condor",
    "Plover",
    "Linnet",
)
READ_AT = datetime(2026, 1, 1, tzinfo=UTC)


def text_on(number: int) -> str:
    return (
        f"The {BIRDS[number]} drone may fly at most {60 + 7 * number} metres high. "
        "It was built for surveys of rivers and forests."
    )


def fill_index() -> None:
    """Store a page on each drone in the home that is set."""

    async def fill() -> None:
        async with open_ingest(load_settings()) as ingest:
            for number, bird in enumerate(BIRDS):
                page = Document(
                    url=f"https://drones.example/{bird.lower()}",
                    title=f"{bird} drone",
                    text=text_on(number),
                    fetched_at=READ_AT,
                )
                await ingest.reading.pipeline.add_document(page)

    asyncio.run(fill())


UNKNOWN = ("Ibis", "Stork", "Swan", "Puffin")
NOT_THERE = "The notes do not say who sells it."


def synthesized_row(number: int, *, question: str = "") -> dict[str, object]:
    """Return the row of a drone as `finetune synthesize` writes it; with a `question`, one that no
    page answers."""
    answerable = not question
    question = question or f"How high may the {BIRDS[number]} drone fly?"
    passage = Passage(
        number=1,
        url="https://a.example",
        title="",
        text=text_on(number),
        score=1,
        fetched_at=READ_AT,
    )
    prompt = build_evidence_prompt(
        question,
        choose_evidence(question, [passage]),
        [passage],
        language="en",
        context_tokens=2_048,
        reply_tokens=64,
    )
    reply = text_on(number).partition(". ")[0] + "." if answerable else NOT_THERE
    said = [{"role": one.role, "content": one.content} for one in prompt.messages]
    return {
        "messages": [*said, {"role": "assistant", "content": reply}],
        "question": question,
        "answer": f"{60 + 7 * number} metres",
        "document": BIRDS[number],
        "answerable": answerable,
        "language": "en",
    }


def prepared_pipeline(folder: Path, base: Path) -> Pipeline:
    """Return a pipeline whose held-out split has a question on each drone."""
    rows = [synthesized_row(number) for number in range(len(BIRDS))]
    rows += [synthesized_row(0, question=f"Who sells the {bird} drone?") for bird in UNKNOWN]
    lines = [json.dumps(row) for row in rows]
    (folder / "rows.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    recipe = parse_recipe(
        {
            "name": "drones",
            "language": "en",
            "model": {"base": str(base), "format": "chatml"},
            "data": {
                "files": ["rows.jsonl"],
                "reader": "openai",
                "split": {"train": 0.1, "val": 0.9},
            },
            "evaluate": {"limit": 0, "max_new_tokens": 64},
        },
        source="drones.toml",
        folder=folder,
    )
    run = Run(folder / "runs" / "drones")
    return Pipeline(recipe=recipe, run=run, progress=SilentProgress(), language="en")


class AnsweringEngine:
    """A model that answers with what `reply` makes of the user's message."""

    thinks = False

    def __init__(self, name: str, reply: Callable[[str], str]) -> None:
        self.name = name
        self.prompts: list[tuple[str, str]] = []
        """System and user messages, as they came."""
        self._reply = reply

    def generate(self, request: GenerationRequest, emit: Emit) -> GenerationResult:
        """Emit the whole reply as one token."""
        self.prompts.append((request.record.system, request.record.last.user))
        emit(self._reply(request.record.last.user))
        return GenerationResult(reason="stop", prompt_tokens=9, reply_tokens=9)


def first_note(prompt: str) -> str:
    """Return the first sentence of the first note, as a model that reads its prompt would."""
    note = prompt.partition("\n- ")[2]
    return note.partition(". ")[0].partition("\n")[0] + "."


def first_note_or_nothing(prompt: str) -> str:
    """Return the same, or that the notes do not say it: as a model does that was tuned for both."""
    return NOT_THERE if "Who sells" in prompt else first_note(prompt)


def babble(prompt: str) -> str:
    """Return what a model says that has learnt nothing."""
    return "The moon is made of 12345 green cheeses, said the old sailor to nobody at all."


@contextlib.contextmanager
def served_as(engine: AnsweringEngine) -> Iterator[str]:
    """Serve an engine; yield how `--model` names it. The name says that it is small."""
    with serve_on_loopback(engine, reply_timeout_s=60) as url:
        yield f"openai:{url}#{engine.name}"
