"""Are BLEU-4 and ROUGE those of LLaMA-Factory? `python -m bench.finetune_metrics [--floor 0]`.

Its definition (src/llamafactory/train/sft/metric.py with NLTK's smoothing 3 and rouge-chinese) is
written down here once more, from its papers and without its libraries; only jieba, which is part of
the definition, serves both. 1,000 pairs: Chinese, English, mixed, with line breaks, empty. Prints
the largest difference, which must be 0, and the time of a pair, beside what the libraries take.
"""

import argparse
import logging
import math
import random
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence

import click
import jieba

from finetune.evaluate.metrics.overlap import OverlapScores, overlap_scores

NAMES = ("bleu_4", "rouge_1", "rouge_2", "rouge_l")
PAIRS = 1_000
ORDERS = 4
_SPACED = re.compile(r"\S+")
CHINESE = _SPACED.findall(
    "轻型 无人机 限高 120米 ， 。 ！ ？ 不可以 机场 附近 是 管制空域 “ ” 请 先 申请 …… 飞行 的"
)
ENGLISH = _SPACED.findall(
    "a light drone must not fly above 120 m . , ? near the airport ; ask first it is"
)
BREAKS = ["\n", "\n\n", "\n\n\n", " ", "  ", "\t", "<think>\n", "\n</think>\n\n", "......", "。”"]


def pairs(count: int, seed: int = 11) -> list[tuple[str, str]]:
    """Return (answer, reference) pairs that share more or fewer words."""
    luck = random.Random(seed)
    made = [("", ""), ("", "不可以"), ("不可以", ""), ("\n\n", "不可以"), ("。", "。"), (" ", " ")]
    while len(made) < count:
        words = luck.choice(
            ([CHINESE, ""], [ENGLISH, " "], [CHINESE + ENGLISH, luck.choice(" \n")])
        )
        vocabulary, joint = [*words[0], *luck.sample(BREAKS, 3)], str(words[1])
        reference = luck.choices(vocabulary, k=luck.randint(1, 120))
        changed = luck.random()
        answer = [
            luck.choice(vocabulary) if luck.random() < changed else word for word in reference
        ]
        cut = luck.randint(0, len(answer))
        made.append((joint.join(answer[:cut] or answer), joint.join(reference)))
    return made[:count]


def defined(hypothesis: str, reference: str) -> OverlapScores:
    """Return the four scores by the definition."""
    said, wanted = (" ".join(jieba.cut(text)) for text in (hypothesis, reference))
    bleu = round(100 * bleu_4(hypothesis, reference), 4)
    if not said.split() or not wanted.split():
        return OverlapScores(bleu_4=bleu, rouge_1=0.0, rouge_2=0.0, rouge_l=0.0)
    one, other = rouge_words(said), rouge_words(wanted)
    shared = subsequence(one, other)
    return OverlapScores(
        bleu_4=bleu,
        rouge_1=round(100 * rouge_n(one, other, 1), 4),
        rouge_2=round(100 * rouge_n(one, other, 2), 4),
        rouge_l=round(100 * harmonic(shared / len(one), shared / len(other)), 4),
    )


def bleu_4(hypothesis: str, reference: str) -> float:
    """Return BLEU of characters (Papineni et al. 2002); the k-th zero becomes 1/2^k (NIST)."""
    precisions = []
    zeros = 0
    for order in range(1, ORDERS + 1):
        said, wanted = (Counter(ngrams(text, order)) for text in (hypothesis, reference))
        matches, total = (said & wanted).total(), max(1, said.total())
        if order == 1 and not matches:
            return 0.0
        if not matches:
            zeros += 1
        precisions.append(matches / total if matches else 1 / (2**zeros * total))
    brevity = math.exp(min(0.0, 1 - len(reference) / len(hypothesis)))
    return brevity * math.exp(math.fsum(math.log(each) for each in precisions) / ORDERS)


def ngrams(units: Sequence[str], order: int) -> list[tuple[str, ...]]:
    return [tuple(units[start : start + order]) for start in range(len(units) - order + 1)]


def rouge_words(segmented: str) -> list[str]:
    """Return words, sentence by sentence; a line of blanks is one empty word."""
    for pattern in (r"([。！？?])([^”’])", r"(\.{6})([^”’])", r"(…{2})([^”’])"):
        segmented = re.sub(pattern, r"\1\n\2", segmented)
    segmented = re.sub(r"([。！？?][”’])([^，。！？?])", r"\1\n\2", segmented)
    sentences = [" ".join(line.split()) for line in segmented.rstrip().split("\n") if line]
    return [word for sentence in sentences for word in sentence.split(" ")]


def rouge_n(said: Sequence[str], wanted: Sequence[str], order: int) -> float:
    one, other = set(ngrams(said, order)), set(ngrams(wanted, order))
    shared = len(one & other)
    return harmonic(shared / len(one) if one else 0.0, shared / len(other) if other else 0.0)


def harmonic(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall + 1e-8)


def subsequence(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the length of the longest common subsequence, by the textbook's table."""
    above = [0] * (len(other) + 1)
    for word in one:
        row = [0]
        for place, opposite in enumerate(other):
            longer = above[place] + 1 if word == opposite else max(above[place + 1], row[place])
            row.append(longer)
        above = row
    return above[-1]


def by_libraries(hypothesis: str, reference: str) -> None:
    """Do what LLaMA-Factory does, for the time that it takes."""
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
    from rouge_chinese import Rouge

    smoothing = SmoothingFunction().method3
    sentence_bleu([list(reference)], list(hypothesis), smoothing_function=smoothing)
    said, wanted = (" ".join(jieba.cut(text)) for text in (hypothesis, reference))
    if said.split() and wanted.split():
        Rouge().get_scores(said, wanted)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--floor", type=float, default=0.0, help="largest difference allowed")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    given = parser.parse_args()
    made = pairs(given.pairs)
    jieba.setLogLevel(logging.WARNING)
    overlap_scores("热身", "热身")  # dictionaries are loaded before the clock starts
    by_libraries("热身", "热身")
    begun = time.perf_counter()
    ours = [overlap_scores(*pair) for pair in made]
    ours_ms = (time.perf_counter() - begun) / len(made) * 1000
    begun = time.perf_counter()
    for pair in made:
        by_libraries(*pair)
    theirs_ms = (time.perf_counter() - begun) / len(made) * 1000
    largest = 0.0
    for name in NAMES:
        gaps = [
            abs(getattr(one, name) - getattr(defined(*pair), name))
            for one, pair in zip(ours, made, strict=True)
        ]
        largest = max(largest, *gaps)
        mean = statistics.fmean(getattr(one, name) for one in ours)
        click.echo(f"{name:8} mean {mean:7.4f}  largest difference {max(gaps):g}")
    characters = statistics.fmean(len(answer) + len(reference) for answer, reference in made)
    click.echo(
        f"{len(made)} pairs of {characters:.0f} characters: {ours_ms:.2f} ms a pair, "
        f"{theirs_ms:.2f} ms with the libraries' own tables"
    )
    return int(largest > given.floor)


if __name__ == "__main__":
    sys.exit(main())
