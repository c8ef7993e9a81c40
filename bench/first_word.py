"""How much does a small model read before its first word, against whole passages with rules?

    python -m bench.first_word [--floors] [--questions N] [--timed N]

Every question of a sample of XQuAD is asked with six passages found by words. Both prompts are
built by the product: the one for small models (the evidence, one instruction) and the one that
all models had (whole passages, rules about markers), which larger ones still get. Tokens are those
of Qwen's own tokenizer with the marks of its chat template. Of a few questions (`--timed`, for each
language) the real 0.5B reads both prompts on one thread, nothing kept from one to the next, up to
its first token: the ratio of their CPU seconds. The weights are those of bench/small_weights.py;
where they cannot be had, the bench says so and is left out.
"""

import argparse
import asyncio
import statistics
import sys
import time
from typing import TYPE_CHECKING

import click

from assistant.answer.evidence import choose_evidence
from assistant.answer.evidence_prompt import build_evidence_prompt
from assistant.answer.prompts import build_prompt
from assistant.answer.retrieval import Retriever
from assistant.values import Prompt
from bench.data import DATA
from bench.quotes import PASSAGES, read
from bench.small_weights import MODELS, find_weights_of
from ingest.foundation.messages import Language

if TYPE_CHECKING:
    from llama_cpp import Llama

MODEL = "qwen2.5-coder-0.5b"
LANGUAGES: tuple[Language, ...] = ("en", "zh")
MOST_TOKENS = 500
"""Tokens of the prompt of the median question."""
MOST_RATIO = 0.4
"""Ratio of CPU seconds to the first word: our prompt's to the other's."""
CONTEXT_TOKENS = 8_192
REPLY_TOKENS = 512


async def build_prompts(language: Language, count: int) -> list[tuple[Prompt, Prompt]]:
    """Return about `count` questions, each with our prompt and that of whole passages."""
    index, questions = await read(f"xquad.{language}")
    retriever = Retriever(store=index, embedder=None, top_k=PASSAGES)
    pairs = []
    for question in questions[:: max(1, len(questions) // count)][:count]:
        passages = (await retriever.retrieve(question.text)).passages
        evidence = choose_evidence(question.text, passages)
        ours = build_evidence_prompt(
            question.text,
            evidence,
            passages,
            language=language,
            context_tokens=CONTEXT_TOKENS,
            reply_tokens=REPLY_TOKENS,
        )
        whole = build_prompt(
            question.text,
            passages,
            language=language,
            context_tokens=CONTEXT_TOKENS,
            reply_tokens=REPLY_TOKENS,
        )
        pairs.append((ours, whole))
    return pairs


def tokens_of(prompt: Prompt, model: "Llama") -> list[int]:
    """Return the tokens of a prompt in Qwen's chat template (ChatML)."""
    turns = [f"<|im_start|>{m.role}\n{m.content}<|im_end|>\n" for m in prompt.messages]
    text = "".join([*turns, "<|im_start|>assistant\n"])
    return list(model.tokenize(text.encode(), add_bos=False, special=True))


def first_word_s(tokens: list[int], model: "Llama") -> float:
    """Return the CPU seconds that the model needs to read a prompt and say its first token."""
    model.reset()
    begun = time.process_time()
    next(iter(model.generate(tokens, temp=0.0)))
    return time.process_time() - begun


def main() -> int:
    """Print the table; return 1 if a language is above its limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--floors", action="store_true", help="fail above the limits")
    parser.add_argument("--questions", type=int, default=100, help="whose tokens are counted")
    parser.add_argument("--timed", type=int, default=3, help="that the model reads")
    options = parser.parse_args()
    weights = find_weights_of(MODELS[MODEL])
    try:
        from llama_cpp import Llama
    except ImportError:
        weights = None
    if weights is None or not (DATA / "retrieval" / "xquad.zh.json").exists():
        click.echo("bench.first_word: left out, the weights, llama-cpp-python or XQuAD is not here")
        return 0
    model = Llama(str(weights), n_ctx=CONTEXT_TOKENS, n_threads=1, n_threads_batch=1, verbose=False)
    fallen = False
    for language in LANGUAGES:
        pairs = asyncio.run(build_prompts(language, options.questions))
        tokens = [(tokens_of(ours, model), tokens_of(whole, model)) for ours, whole in pairs]
        median = statistics.median(len(ours) for ours, _ in tokens)
        most = max(len(ours) for ours, _ in tokens)
        whole_median = statistics.median(len(whole) for _, whole in tokens)
        timed = tokens[:: max(1, len(tokens) // max(1, options.timed))][: options.timed]
        ours_s = sum(first_word_s(ours, model) for ours, _ in timed)
        whole_s = sum(first_word_s(whole, model) for _, whole in timed)
        ratio = ours_s / whole_s if whole_s else 0.0
        click.echo(
            f"{language}  tokens {median:.0f} (at most {most}), whole passages {whole_median:.0f}"
            f"  first word of {len(timed)}: CPU {ours_s:.1f} s, {whole_s:.1f} s, ratio {ratio:.2f}"
        )
        fallen = fallen or median > MOST_TOKENS or ratio > MOST_RATIO
    return int(fallen and options.floors)


if __name__ == "__main__":
    sys.exit(main())
