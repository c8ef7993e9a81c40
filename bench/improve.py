"""Does `finetune improve` make a real small model better at documents of one's own?

    python -m bench.improve                # 40 pages, SmolLM2-135M, one thread
    python -m bench.improve --shuffled     # the same with the answers shuffled: the gate refuses
    python -m bench.improve --human 40     # besides, 40 questions that people wrote (XQuAD)

The index holds a handbook of devices that do not exist (bench/handbook_pages.py), so that no model
knows a value from elsewhere. Two thirds of the pages are trained on, the checkpoint is chosen by a
few, and the gate is decided by 60 questions of the rest, through the assistant: retrieval, the
prompt, the checks of each sentence. The base is read from its GGUF (bench/gguf_base.py).

"own" is the share of questions that the model answers rightly in its own words, or rightly
declines; quotes that stand in for a useless reply do not count. With `--human`, both are asked
questions of another origin, on paragraphs that are nothing like the handbook: what was learnt must
not have cost what was known.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.data import DATA
from bench.gguf_base import write_base
from bench.handbook_pages import write_handbook
from bench.small_weights import MODELS, find_weights_of

MODEL = "smollm2-135m"
COLLECTION = "handbook"
ROWS = 400
MOST_CPU_S = 3_600.0
CHANGES = (
    "train.gradient_checkpointing=false",
    "train.max_steps=96",
    "train.batch=4",
    "train.accumulate=1",
    "train.lr=4e-4",
    "train.precision=bf16",
    "train.log_every=4",
    "evaluate.limit=60",
    "evaluate.max_new_tokens=96",
)
"""96 steps of four rows are about one round through all of them. In bf16 a step costs a processor
with AVX-512 a quarter of what it costs in fp32."""


def fill_index(folder: Path) -> None:
    """Store the handbook, each page a document of the collection."""
    from assistant.settings import load_settings
    from ingest.bootstrap import open_ingest
    from ingest.documents import Document

    async def fill() -> None:
        settings = load_settings({"index": {"collection": COLLECTION}})
        async with open_ingest(settings) as ingest:
            for path in write_handbook(folder):
                text = path.read_text(encoding="utf-8")
                page = Document(
                    url=f"https://handbook.example/{path.stem}",
                    title=text.partition("\n")[0].lstrip("# "),
                    text=text,
                    fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
                )
                await ingest.reading.pipeline.add_document(page)

    asyncio.run(fill())


def make_rows(path: Path, size: Any, *, shuffled: bool) -> None:
    """Make the rows; shuffled, each answerable question gets the reply to another one."""
    from assistant.settings import load_settings
    from finetune.progress import SilentProgress
    from finetune.runs import read_json_lines
    from finetune.synthesize.synthesis import synthesize

    synthesize(load_settings(), COLLECTION, path, limit=ROWS, size=size, progress=SilentProgress())
    if not shuffled:
        return
    rows = read_json_lines(path)
    replies = [row["messages"][-1]["content"] for row in rows]
    random.Random(3).shuffle(replies)
    for row, reply in zip(rows, replies, strict=True):
        # What is expected of the held-out ones stays: only what is learnt is wrong.
        row["messages"][-1]["content"] = reply
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


@contextlib.contextmanager
def home_of(folder: Path) -> Iterator[None]:
    """Let the assistant live in a folder of its own, on one thread."""
    os.environ |= {
        "ASSISTANT_HOME": str(folder),
        "ASSISTANT_EMBED__PROVIDER": "builtin",
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "CUDA_VISIBLE_DEVICES": "",
    }
    import torch

    torch.set_num_threads(1)
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def ask_human_questions(pipeline: Any, count: int) -> None:
    """Ask base and tuned model questions of XQuAD through the assistant; print what changed."""
    from assistant.evaluation.questions import EvaluationQuestion
    from assistant.settings import load_settings
    from bench.small_model import fill_index as fill_paragraphs
    from bench.small_model import load_questions
    from finetune.rag_evaluation import product
    from finetune.rag_evaluation.gate import decide_replacement
    from finetune.rag_evaluation.questions import HeldOutQuestion

    paragraphs, asked = load_questions(DATA / "retrieval" / "xquad.en.json", "en", count)
    settings = load_settings({"index": {"folder": str(Path.cwd() / "xquad")}})
    asyncio.run(fill_paragraphs(settings, {"en": paragraphs}))
    os.environ["ASSISTANT_INDEX__FOLDER"] = str(Path.cwd() / "xquad")
    questions = [
        HeldOutQuestion(expected=EvaluationQuestion(text=one.text, answers=one.expected))
        for one in asked
    ]
    runs = [
        product.ask_through_assistant(
            pipeline.recipe,
            pipeline.run,
            model,
            questions=questions,
            path=Path.cwd() / f"human-{model}.jsonl",
            digest="",
            language="en",
            progress=pipeline.progress,
        )
        for model in ("base", "adapter")
    ]
    print("\n".join(decide_replacement(*runs).to_lines("en")))


def main() -> int:
    """Improve, print what came of it, and return 1 where it is not what was promised."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shuffled", action="store_true", help="train on wrong answers")
    parser.add_argument("--human", type=int, default=0, metavar="N", help="ask N of XQuAD, too")
    parser.add_argument("--folder", type=Path, help="keep the work here, and go on with it")
    options = parser.parse_args()
    weights = find_weights_of(MODELS[MODEL])
    if weights is None:
        return 0  # said so already
    with contextlib.ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        stack.enter_context(home_of(folder.resolve()))
        return _improve(weights, options)


def _improve(weights: Path, options: argparse.Namespace) -> int:
    from assistant.settings import load_settings
    from finetune.improve.improvement import improve
    from finetune.improve.plan import ImprovementPlan
    from finetune.pipeline import Pipeline
    from finetune.recipe import load_recipe
    from finetune.runs import Run
    from finetune.terminal import TerminalProgress

    here = Path.cwd()
    if not (here / "base").is_dir():
        write_base(weights, here / "base")
        fill_index(here / "pages")
    progress = TerminalProgress(language="en")
    name = "shuffled" if options.shuffled else "improve"
    plan = ImprovementPlan(
        collection=COLLECTION,
        base=str(here / "base"),
        folder=here / name,
        changes=CHANGES,
        language="en",
    )
    begun = time.perf_counter()
    done = improve(
        plan,
        settings=load_settings(),
        make_rows=lambda path, size: make_rows(path, size, shuffled=options.shuffled),
        to="none",
        activate=False,
        progress=progress,
    )
    cpu = sum(os.times()[:2])
    print(done.to_text("en"))
    print(f"{cpu:.0f} s of CPU, {time.perf_counter() - begun:.0f} s by the clock")
    if options.human:
        recipe = load_recipe(plan.folder / "improve.toml")
        run = Run(plan.folder / "runs" / recipe.name)
        ask_human_questions(
            Pipeline(recipe=recipe, run=run, progress=progress, language="en"), options.human
        )
    kept = done.decision.passed != options.shuffled and cpu <= MOST_CPU_S
    print("kept" if kept else "BROKEN")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
