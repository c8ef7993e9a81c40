"""Overlap of wording between an answer and its reference: BLEU-4 and ROUGE, sacreBLEU, chrF.

BLEU-4 and ROUGE equal LLaMA-Factory's (src/llamafactory/train/sft/metric.py) to the last digit, so
that figures compare with those of its runs: BLEU-4 over characters with NLTK's smoothing 3, ROUGE
over jieba's words with rouge-chinese. They overrate English, whose characters overlap anyway;
sacreBLEU and chrF are what papers report.
"""

import functools
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ingest.foundation.settings import home
from ingest.text.language import language_of

PERCENT = 100.0
PAIR_DIGITS = 4
"""Digits to which LLaMA-Factory rounds the score of each pair, in percent."""

ROUGE_EPSILON = 1e-8
"""What rouge-chinese adds to a denominator that may be zero."""

BleuTokenizer = Literal["zh", "13a"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlapScores:
    """LLaMA-Factory's four scores of one pair, in percent."""

    bleu_4: float
    rouge_1: float
    rouge_2: float
    rouge_l: float


def overlap_scores(hypothesis: str, reference: str) -> OverlapScores:
    """Return LLaMA-Factory's scores of one answer; an empty text has ROUGE 0."""
    from nltk.translate import bleu_score  # heavy: nltk takes 1 s

    # Characters, not words, for any language; English thereby gets high scores.
    bleu = bleu_score.sentence_bleu(
        [list(reference)],
        list(hypothesis),
        smoothing_function=bleu_score.SmoothingFunction().method3,
    )
    bleu_4 = round(float(bleu) * PERCENT, PAIR_DIGITS)
    segmented = " ".join(_segmenter().cut(hypothesis)), " ".join(_segmenter().cut(reference))
    if not all(text.split() for text in segmented):
        # rouge-chinese raises ValueError on an empty text.
        return OverlapScores(bleu_4=bleu_4, rouge_1=0.0, rouge_2=0.0, rouge_l=0.0)
    rouge = _rouge().get_scores(*segmented)[0]
    # ROUGE-L is ours: rouge-chinese fills a dictionary of all pairs of words, 4 GB for a reply that
    # went on for 5,000 words. The scores are equal (bench/finetune_metrics.py).
    given_tokens, expected_tokens = (
        [
            word
            for sentence in _rouge().cut_sent(text)
            if sentence
            # `split(" ")` of a blank sentence is one empty word, and rouge-chinese counts it.
            for word in " ".join(sentence.split()).split(" ")
        ]
        for text in segmented
    )
    length = longest_common_subsequence(given_tokens, expected_tokens)
    precision, recall = length / len(given_tokens), length / len(expected_tokens)
    rouge_l = 2 * precision * recall / (precision + recall + ROUGE_EPSILON)
    return OverlapScores(
        bleu_4=bleu_4,
        rouge_1=round(rouge["rouge-1"]["f"] * PERCENT, PAIR_DIGITS),
        rouge_2=round(rouge["rouge-2"]["f"] * PERCENT, PAIR_DIGITS),
        rouge_l=round(rouge_l * PERCENT, PAIR_DIGITS),
    )


def bleu_tokenizer(references: Sequence[str]) -> BleuTokenizer:
    """Return the name of sacreBLEU's tokenizer for the references' language."""
    # 13a splits at spaces: a Chinese clause would be one token, and its score half of what it is.
    return "zh" if any(language_of(text) == "zh" for text in references) else "13a"


def sentence_bleu(hypothesis: str, reference: str, tokenizer: BleuTokenizer) -> float:
    """Return sacreBLEU's score of one pair, in percent."""
    # Effective order: a sentence of three words has no 4-gram, and would score 0 for it.
    return float(
        _bleu(tokenizer, effective_order=True).sentence_score(hypothesis, [reference]).score
    )


def corpus_bleu(
    hypotheses: Sequence[str], references: Sequence[str], tokenizer: BleuTokenizer
) -> tuple[float, str]:
    """Return sacreBLEU's score of all pairs, in percent, and the signature to cite it with."""
    metric = _bleu(tokenizer, effective_order=False)
    score = metric.corpus_score(list(hypotheses), [list(references)]).score
    return float(score), str(metric.get_signature())


def sentence_chrf(hypothesis: str, reference: str) -> float:
    """Return chrF of one pair, in percent (Popović 2015, as sacreBLEU counts it)."""
    return float(_chrf().sentence_score(hypothesis, [reference]).score)


def corpus_chrf(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """Return chrF of all pairs, in percent."""
    return float(_chrf().corpus_score(list(hypotheses), [list(references)]).score)


@functools.cache
def _segmenter() -> Any:
    import jieba  # heavy: its dictionary takes 1 s

    jieba.setLogLevel(logging.WARNING)
    segmenter = jieba.Tokenizer()
    # jieba loads its cache from the temporary folder with `marshal`, whoever wrote it there.
    folder = home() / "cache"
    folder.mkdir(parents=True, exist_ok=True)
    segmenter.tmp_dir = str(folder)
    return segmenter


@functools.cache
def _rouge() -> Any:
    from rouge_chinese import Rouge  # heavy: not needed before the first pair

    return Rouge(metrics=["rouge-1", "rouge-2"])


def longest_common_subsequence(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the length of the longest common subsequence.

    Bit-parallel: Hyyrö, "Bit-Parallel LCS-length Computation Revisited", AWOCA 2004.
    """
    # Python's integers are the bit vectors: bit n of `positions[word]` says that one[n] is `word`.
    positions: dict[str, int] = {}
    for position, word in enumerate(one):
        positions[word] = positions.get(word, 0) | 1 << position
    all_bits = (1 << len(one)) - 1
    unmatched = all_bits
    for word in other:
        matched = unmatched & positions.get(word, 0)
        # Hyyrö's V' = (V + (V & M)) | (V & ~M); zeros of V count the subsequence.
        unmatched = ((unmatched + matched) | (unmatched - matched)) & all_bits
    return len(one) - unmatched.bit_count()


@functools.cache
def _bleu(tokenizer: BleuTokenizer, *, effective_order: bool) -> Any:
    from sacrebleu import BLEU  # heavy: not needed before the first pair

    return BLEU(tokenize=tokenizer, effective_order=effective_order)


@functools.cache
def _chrf() -> Any:
    from sacrebleu import CHRF  # heavy: not needed before the first pair

    return CHRF()
