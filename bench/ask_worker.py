"""One side of `bench.ask` in a process of its own: two questions, one after the other.

    python -m bench.ask_worker ours | seed --ollama URL QUESTION QUESTION

Writes JSON lines to stdout: {"type": "asked"} before each question, then what the side says (the
events of ours, the one report of the seed), then {"type": "cpu", "seconds": …} for that question.
The working folder is the side's to fill.
"""

import argparse
import asyncio
import json
import resource
import sys
from contextlib import aclosing
from pathlib import Path


def cpu_seconds() -> float:
    """Return the CPU time of this process and of all that it has started and waited for."""
    own, others = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def say(kind: str, **facts: object) -> None:
    print(json.dumps({"type": kind, **facts}), flush=True)


async def ours(questions: list[str]) -> None:
    """Ask with one assistant that stays open, as the chat page keeps it."""
    from assistant.bootstrap import open_assistant
    from assistant.events import ANSWER_EVENT
    from assistant.settings import load_settings
    from assistant.values import Question

    async with open_assistant(load_settings()) as assistant:
        spent = 0.0
        for question in questions:
            say("asked")
            async with aclosing(assistant.ask(Question(question, web=True))) as events:
                async for event in events:
                    sys.stdout.buffer.write(ANSWER_EVENT.dump_json(event) + b"\n")
                    sys.stdout.buffer.flush()
            say("cpu", seconds=cpu_seconds() - spent)
            spent = cpu_seconds()


def seed(questions: list[str], ollama: str) -> None:
    """Run the tutorial's pipeline again for each question, as its page does."""
    from bench import seed_pipeline

    spent = 0.0
    for question in questions:
        say("asked")
        say("report", **seed_pipeline.run(question, ollama, Path.cwd()))
        say("cpu", seconds=cpu_seconds() - spent)
        spent = cpu_seconds()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("side", choices=["ours", "seed"])
    parser.add_argument("questions", nargs="+")
    parser.add_argument("--ollama", default="", metavar="URL")
    arguments = parser.parse_args()
    if arguments.side == "seed":
        seed(arguments.questions, arguments.ollama)
    else:
        asyncio.run(ours(arguments.questions))


if __name__ == "__main__":
    main()
