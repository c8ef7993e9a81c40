"""Does the NVC assistant keep silent on polite messages and catch harsh ones?

    python -m bench.nvc [--verbose] [--floor]

Four sets of messages of our own: bench/nvc_messages.tsv, by which the rules were written and the
weights are fitted; the rows of the recipe that trains a model for it; nvc_messages_tuned.tsv, on
which a fit on those two was measured to choose its numbers, and which then was fitted as well;
nvc_messages_situations.tsv, which nothing is made from and which has the floor: what is said in a
situation, once harshly and once kindly, written before the last fitted ones and looked at once,
when all was chosen. Where the built-in multilingual encoder is not installed, the rules alone are
measured, without floor.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from assistant.nvc.detector import MessageDetector, open_message_encoder
from assistant.nvc.rules import find_harms
from ingest.settings import IngestSettings
from ingest.text.language import language_of

ROOT = Path(__file__).parents[1]
SILENCE_FLOOR = 0.95
CAUGHT_FLOOR = 0.80
FITTED = ROOT / "bench" / "nvc_messages.tsv"
TUNED = ROOT / "bench" / "nvc_messages_tuned.tsv"
SITUATIONS = ROOT / "bench" / "nvc_messages_situations.tsv"
RECIPE = ROOT / "finetune" / "recipes" / "nvc.jsonl"
Messages = list[tuple[bool, str]]


def read_messages(path: Path) -> Messages:
    """Return whether each message is harsh, and the message."""
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    return [(kind == "harsh", text) for kind, _, text in rows]


def recipe_messages(path: Path = RECIPE) -> Messages:
    """Return the messages of the recipe, each once."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return sorted({(row["risk"], row["message"]) for row in rows})


async def held_messages(messages: Messages, *, with_encoder: bool) -> list[bool]:
    """Return which messages are held."""
    if not with_encoder:
        return [bool(find_harms(text, language_of(text))) for _, text in messages]
    detector, settings = MessageDetector(), IngestSettings()
    try:
        return [bool(await detector.harms_of(text, settings)) for _, text in messages]
    finally:
        await detector.close()


def print_figures(
    name: str, messages: Messages, held: Sequence[bool], *, verbose: bool
) -> tuple[float, float]:
    """Print and return silence on polite messages, and the share of harsh ones that are caught."""
    pairs = list(zip(messages, held, strict=True))
    if verbose:
        for (harsh, text), was_held in pairs:
            if harsh != was_held:
                print(f"  {'missed' if harsh else 'held'}: {text}")
    polite = [not was_held for (harsh, _), was_held in pairs if not harsh]
    caught = [was_held for (harsh, _), was_held in pairs if harsh]
    silence, share = sum(polite) / len(polite), sum(caught) / len(caught)
    print(f"{name}: silent on {silence:.3f} of {len(polite)}, caught {share:.3f} of {len(caught)}")
    return silence, share


def main() -> int:
    """Measure all sets, by rules alone and with the encoder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--floor", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    sets = {
        "fitted": read_messages(FITTED),
        "recipe": recipe_messages(),
        "tuned": read_messages(TUNED),
        "situations": read_messages(SITUATIONS),
    }
    has_encoder = asyncio.run(open_message_encoder(IngestSettings())) is not None
    figures = (1.0, 1.0)
    for with_encoder in (False, True) if has_encoder else (False,):
        for name, messages in sets.items():
            held = asyncio.run(held_messages(messages, with_encoder=with_encoder))
            parts = "rules and encoder" if with_encoder else "rules"
            figures = print_figures(f"{name}, {parts}", messages, held, verbose=options.verbose)
    silence, caught = figures
    is_low = has_encoder and (silence < SILENCE_FLOOR or caught < CAUGHT_FLOOR)
    return int(options.floor and is_low)


if __name__ == "__main__":
    sys.exit(main())
